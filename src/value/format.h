/*
 * How dates and times are written where they are not in ISO 8601: formats in the manner of
 * strptime(), parsed once into a list of steps. docs/types.md has the table of what they may
 * contain. A format is read-only: any number of threads may use it.
 */
#ifndef CAUCE_VALUE_FORMAT_H
#define CAUCE_VALUE_FORMAT_H

#include <stddef.h>

#include "util/error.h"
#include "util/type.h"
#include "value/fault.h"
#include "value/moment.h"

/* The first year that two digits stand for unless another one is configured, as in POSIX. */
#define FORMAT_PIVOT 1969

struct format;

/*
 * A format of a date, time or timestamp. `pivot`: the first of the hundred years that %y stands
 * for. ERR_CONFIG: a piece is not known or occurs twice, or something that such a value needs is
 * missing.
 */
MUST_USE int format_parse(const char *text, enum type_kind kind, int pivot, struct format **out,
                          struct error *err);
void format_free(struct format *f); /* NULL allowed */

/*
 * Read a text that a format fills. Whatever the format lacks after the year is the first: January,
 * or the 1st.
 */
enum fault format_read(const struct format *f, const char *text, size_t length, struct moment *out);

#endif
