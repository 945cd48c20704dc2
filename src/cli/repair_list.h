/* What there is to set a pointer to, for `cauce repair --list`. */
#ifndef CAUCE_CLI_REPAIR_LIST_H
#define CAUCE_CLI_REPAIR_LIST_H

#include "cli/open.h"
#include "pipeline/repair.h"

/* Print the candidates, newest first, with the evidence for each, and the one that is proposed. */
void repair_list_json(const struct opened *in, const struct repair_view *view);
void repair_list_text(const struct opened *in, const struct repair_view *view);

#endif
