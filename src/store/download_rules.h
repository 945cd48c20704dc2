/*
 * What the answers of web servers mean for a download (RFC 9110): the decisions of download.c that
 * need nothing but an answer's head. Pure functions, but for the clock in download_retry_after.
 */
#ifndef CAUCE_STORE_DOWNLOAD_RULES_H
#define CAUCE_STORE_DOWNLOAD_RULES_H

#include <stdbool.h>
#include <stdint.h>

#include "store/http_get.h"

/* A validator that is equal only where every byte is (section 8.8.1)? NULL is none. */
bool download_is_strong(const char *etag);

/*
 * Does the date of the last change tell this state from a later one? It counts whole seconds, so only
 * where that second was over when the answer was made (section 8.8.2.2).
 */
bool download_date_tells(const struct http_get_answer *answer);

/*
 * Read "bytes 100-199/200"; where the size of the whole is not told, `total` is 0. False: it is no
 * such range.
 */
bool download_parse_range(const char *text, uint64_t *first, uint64_t *total);

/* Does it point elsewhere? */
bool download_is_redirect(const struct http_get_answer *answer);

/* Is it a status that may be another one the next time? */
bool download_may_repeat(long status);

/* What to do about a status: a sentence, static. */
const char *download_advice(long status);

/* Microseconds that the server wants to be left alone; 0 where it does not say. At most a year. */
int64_t download_retry_after(const struct http_get_answer *answer);

#endif
