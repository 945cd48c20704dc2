/* Names that `cauce init` makes up. Pure functions; what they return is the caller's to free. */
#ifndef CAUCE_CLI_NAMES_H
#define CAUCE_CLI_NAMES_H

#include "util/compiler.h"

/* An id for a dataset, made from a file's name: "Daily Rates.yml" gives "daily-rates". */
MUST_USE char *names_of_file(const char *path);

/* The path `to` as seen from the folder `from`; both absolute and without links. */
MUST_USE char *names_relative(const char *from, const char *to);

#endif
