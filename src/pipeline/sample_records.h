/* Where the records of a JSON document are that is not itself an array of them. */
#ifndef CAUCE_PIPELINE_SAMPLE_RECORDS_H
#define CAUCE_PIPELINE_SAMPLE_RECORDS_H

#include <stddef.h>

#include "util/compiler.h"

/*
 * By the first bytes of the document: the path ("data.items") of the first array of objects that is
 * found on the way through them, as a new string; NULL: the document itself is an array, or no such
 * path is seen.
 */
MUST_USE char *sample_records_of(const char *head, size_t count);

#endif
