/* The table `history` as a derived thing: its row of the table of all of them. */
#ifndef CAUCE_DERIVED_HISTORY_HISTORY_H
#define CAUCE_DERIVED_HISTORY_HISTORY_H

#include "derived/derived.h"
#include "derived/history/log.h"

extern const struct derived history_derived;

/* Does the configuration want the table? Without one it does. */
bool history_is_wanted(const struct dataset *d);

/* history_rebuild where it is wanted. */
MUST_USE int history_heal(struct dataset *d, const struct base *base, struct history_report *out,
                          struct error *err);

#endif
