/*
 * What the answers of web servers mean for a download (RFC 9110): the decisions of download.c that
 * depend only on an answer's head. Pure functions, but for the clock in download_retry_after.
 */
#ifndef CAUCE_NET_DOWNLOAD_RULES_H
#define CAUCE_NET_DOWNLOAD_RULES_H

#include <stdbool.h>
#include <stdint.h>

#include "net/http.h"

/* What a download looks at in the head of an answer. Borrowed from it; NULL where it has none. */
struct download_head {
    long status;
    const char *etag;
    const char *last_modified;
    const char *date;
    const char *location;
    const char *retry_after;
    const char *content_range;
    const char *content_encoding;
};

/* Values that are too long, or not printable ASCII, count as absent. */
void download_read_head(const struct http_answer *answer, struct download_head *out);

/* A validator that is equal only where every byte is (section 8.8.1)? NULL is not. */
bool download_is_strong(const char *etag);

/*
 * Does the date of the last change distinguish this state from a later one? It counts whole
 * seconds, so only where that second was over when the answer was made (section 8.8.2.2).
 */
bool download_date_tells(const struct download_head *answer);

/*
 * Read "bytes 100-199/200"; where the size of the whole is unknown, `total` is 0. False: it is not
 * such a range.
 */
bool download_parse_range(const char *text, uint64_t *first, uint64_t *total);

/* Does it point elsewhere? */
bool download_is_redirect(const struct download_head *answer);

/* Is it a status that may be different the next time? */
bool download_may_repeat(long status);

/* What to do about a status: a sentence, static. */
const char *download_advice(long status);

/* Microseconds that the server asks us to wait; 0 where it does not say. At most a year. */
int64_t download_retry_after(const struct download_head *answer);

#endif
