/*
 * A stream that gives text of any encoding as UTF-8, without its byte-order mark, through iconv(3).
 */
#ifndef CAUCE_SOURCE_ENCODING_H
#define CAUCE_SOURCE_ENCODING_H

#include "source/stream.h"

/*
 * `from` is the text as it is stored; it is taken over, also on failure. `name` of the file is for
 * messages; it and `encoding` (iconv's name, NULL: UTF-8) are borrowed. A byte-order mark (UTF-8,
 * UTF-16, UTF-32) decides over `encoding`. UTF-8 is passed on as it is, not validated.
 *
 * ERR_CONFIG: iconv does not know the encoding. Reading gives ERR_SOURCE, with line and offset in
 * the text, for what the encoding does not know and where the text ends within a character.
 */
MUST_USE int encoding_open(struct stream *from, const char *name, const char *encoding,
                           struct stream **out, struct error *err);

#endif
