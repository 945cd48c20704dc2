/*
 * Text of any encoding as UTF-8, without its byte-order mark, through iconv(3). Streams in fixed
 * memory. Private to engine/plain; not thread-safe (one owner).
 */
#ifndef CAUCE_ENGINE_TRANSCODE_H
#define CAUCE_ENGINE_TRANSCODE_H

#include <stdbool.h>
#include <stddef.h>

#include "util/error.h"

struct transcode;

/* Takes what comes out, in order. A non-zero return ends the work and is returned. */
typedef int transcode_write(void *ctx, const void *bytes, size_t count, struct error *err);

/*
 * `name` of the file is for messages; it, `encoding` (iconv's name, NULL: UTF-8) and `ctx` are
 * borrowed. A byte-order mark decides over `encoding`. ERR_CONFIG: iconv does not know it.
 */
int transcode_new(const char *name, const char *encoding, transcode_write *write, void *ctx,
                  struct transcode **out, struct error *err);
void transcode_free(struct transcode *t); /* NULL allowed */

/* Would text with these first bytes (four, or all) come out otherwise than it goes in? */
bool transcode_changes(const struct transcode *t, const unsigned char *head, size_t count);

/*
 * Put text in, cut anywhere. ERR_SOURCE names the line and offset of what the encoding does not
 * know. UTF-8 is passed on unseen.
 */
int transcode_put(struct transcode *t, const unsigned char *bytes, size_t count, struct error *err);

/* Nothing follows. ERR_SOURCE: the text ends in the middle of a character. */
int transcode_finish(struct transcode *t, struct error *err);

#endif
