/*
 * The reader of CSV: records are cut and their values typed in one pass, block by block, on as many
 * threads as the options allow. docs/sources.md defines what CSV is.
 *
 * A block of whole lines is worked on before it is known whether it begins between records or
 * inside quotes: the worker guesses where a record begins. When the block before it is done the
 * guess is compared with the truth, and a block that was guessed wrongly is cut again.
 */
#ifndef CAUCE_SOURCE_CSV_H
#define CAUCE_SOURCE_CSV_H

#include "source/reader.h"

/*
 * Open a file and read its header; see source/reader.h for what follows. ERR_SOURCE: it cannot be
 * read, is empty, obviously something else, or its header is damaged; ERR_LIMIT: too many columns or
 * too long a name; ERR_CONFIG: the encoding is not known. Both structs are borrowed.
 */
MUST_USE int csv_open(const struct reader_file *file, const struct read_options *options,
                      struct reader **out, struct error *err);

#endif
