/* What a run did, in a few lines for people. */
#ifndef CAUCE_CLI_SUMMARY_H
#define CAUCE_CLI_SUMMARY_H

#include "pipeline/run.h"
#include "util/str.h"

/*
 * Append one to six lines. Nothing for a run that did not come to an end: its message says it all.
 * Pure.
 */
void summary_format(const char *dataset, const struct run_report *r, struct str *out);

/* What a step is called on the progress line. Static. */
const char *summary_step(enum run_step step);

#endif
