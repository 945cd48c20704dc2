/* Where the sample is: in the file that was named, or in what the file holds. */
#ifndef CAUCE_PIPELINE_SAMPLE_FILE_H
#define CAUCE_PIPELINE_SAMPLE_FILE_H

#include "source/members.h"

/*
 * Where a file is an archive, unpack members into a scratch folder: those that match the first of some
 * common patterns that any does, which `pattern` then is (static). Else it is NULL, and `out` empty.
 * ERR_SOURCE: none matches, or it cannot be unpacked. `out` is to be released in any case.
 */
MUST_USE int sample_file_members(const struct reader_file *file, const char *folder,
                                 struct members *out, const char **pattern, struct error *err);

#endif
