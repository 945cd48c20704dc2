/* What a file is, by its name and its text. Pure functions. */
#ifndef CAUCE_PIPELINE_SAMPLE_FORMAT_H
#define CAUCE_PIPELINE_SAMPLE_FORMAT_H

#include <stddef.h>

#include "config/config.h"

/*
 * The format of a file by its name and the first bytes of its plain content; FILE_FORMAT_AUTO where
 * neither says.
 */
enum file_format sample_format_of(const char *name, const char *bytes, size_t count);

/* The encoding, as iconv names it, of text that is not UTF-8, by its first bytes. Static. */
const char *sample_encoding_of(const char *bytes, size_t count);

#endif
