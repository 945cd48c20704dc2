/* The table of commands. Each is in a file of its own, cmd_<name>.c. */
#ifndef CAUCE_CLI_COMMAND_H
#define CAUCE_CLI_COMMAND_H

#include "cli/options.h"

extern const struct command cmd_init;
extern const struct command cmd_check;
extern const struct command cmd_plan;
extern const struct command cmd_run;
extern const struct command cmd_status;
extern const struct command cmd_metrics;
extern const struct command cmd_log;
extern const struct command cmd_show;
extern const struct command cmd_read;
extern const struct command cmd_verify;
extern const struct command cmd_rebuild_index;
extern const struct command cmd_consolidate;
extern const struct command cmd_gc;
extern const struct command cmd_repair;
extern const struct command cmd_doctor;
extern const struct command cmd_help;
extern const struct command cmd_version;

/* All of them, in the order of `cauce help`, and their number. */
const struct command *const *command_list(size_t *count);

/* The command of that name. ERR_CONFIG with what was probably meant. */
MUST_USE int command_find(const char *name, const struct command **out, struct error *err);

/* Append the list of commands: what `cauce help` shows. */
void command_help(struct str *out);

#endif
