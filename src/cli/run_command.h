/* What `cauce run` and `cauce plan` share. */
#ifndef CAUCE_CLI_RUN_COMMAND_H
#define CAUCE_CLI_RUN_COMMAND_H

#include <stdbool.h>

#include "cli/options.h"

/*
 * Run the dataset, or with `dry` only find out what a run would publish; show the progress, and the
 * outcome as a summary or as JSON, also where it failed.
 */
MUST_USE int run_command(const struct options *options, bool dry, int *status, struct error *err);

#endif
