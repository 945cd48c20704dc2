/* Values of columns as texts, for comparisons. */
#ifndef CAUCE_TESTS_SUPPORT_VALUE_TEXT_H
#define CAUCE_TESTS_SUPPORT_VALUE_TEXT_H

#include <stddef.h>

#include "value/column.h"

/* Value `i`, which is not NULL: timestamps end in +00, binary values are upper-case hex. A new string. */
char *value_text(const struct column *c, size_t i);

#endif
