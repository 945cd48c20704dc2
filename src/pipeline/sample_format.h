/* What the first bytes of a file tell of its format. Pure functions; private to the sample. */
#ifndef CAUCE_PIPELINE_SAMPLE_FORMAT_H
#define CAUCE_PIPELINE_SAMPLE_FORMAT_H

#include <stdbool.h>
#include <stddef.h>

#include "config/config.h"

/*
 * Format by the name (extensions of compression aside) and the first bytes of the plain content.
 * AUTO: neither tells; it is taken for CSV then.
 */
enum config_format sample_format_of(const char *name, const char *bytes, size_t count);

/*
 * The delimiter that cuts the first records into the same number of fields, most of them winning:
 * one of , ; tab |. `whole`: the bytes are all of the file, so its last record is complete. A file
 * of one column gets a comma. Quotes are '"'.
 */
char sample_delimiter_of(const char *bytes, size_t count, bool whole);

#endif
