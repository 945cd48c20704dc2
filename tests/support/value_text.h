/* Values of columns as texts, for comparisons. */
#ifndef CAUCE_TESTS_SUPPORT_VALUE_TEXT_H
#define CAUCE_TESTS_SUPPORT_VALUE_TEXT_H

#include <stddef.h>

#include "value/cast.h"
#include "value/column.h"

/* Value `i`, which is not NULL: timestamps end in +00, binary values are upper-case hex. A new string. */
char *value_text(const struct column *c, size_t i);

/*
 * Cast a text by cast_text and by cast_texts, in memory of its own with others behind it, and abort
 * where they disagree.
 */
enum cast_outcome value_cast(const struct cast *c, const char *text, size_t length,
                             struct column *out);

#endif
