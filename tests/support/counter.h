/*
 * The smallest derived thing there can be: how many versions there are. A root that names one file, the
 * number as text. To show what it takes to add one (docs/architecture.md): this, and a row of a table.
 */
#ifndef CAUCE_TESTS_SUPPORT_COUNTER_H
#define CAUCE_TESTS_SUPPORT_COUNTER_H

#include "derived/derived.h"

#define COUNTER_ROOT "derived/counter/manifest.json"

extern const struct derived counter_derived;

#endif
