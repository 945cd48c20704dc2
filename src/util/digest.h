/*
 * SHA-256 and HMAC-SHA-256 (FIPS 180-4, RFC 2104), over OpenSSL. Thread-safe across objects.
 */
#ifndef CAUCE_UTIL_DIGEST_H
#define CAUCE_UTIL_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#include "util/error.h"

#define SHA256_SIZE 32
#define SHA256_HEX_SIZE 65 /* with NUL */

/* Incremental SHA-256. */
struct sha256;
MUST_USE struct sha256 *sha256_new(void);
void sha256_update(struct sha256 *h, const void *bytes, size_t count);
/* Write the digest; the object may then only be freed. */
void sha256_finish(struct sha256 *h, unsigned char out[SHA256_SIZE]);
void sha256_free(struct sha256 *h); /* NULL allowed */

void sha256_hex(const void *bytes, size_t count, char out[SHA256_HEX_SIZE]);

/*
 * Hash a local file, streaming; `size` (NULL allowed) gets the number of bytes hashed. ERR_ABSENT
 * where it is not there; `out` is "" on failure.
 */
MUST_USE int sha256_file(const char *path, char out[SHA256_HEX_SIZE], uint64_t *size,
                         struct error *err);

/* The same for a file of a source, however large: ERR_INTERRUPTED where a stop is requested. */
MUST_USE int sha256_source(const char *path, char out[SHA256_HEX_SIZE], struct error *err);

void hmac_sha256(const void *key, size_t key_size, const void *bytes, size_t count,
                 unsigned char out[SHA256_SIZE]);

/* Lower-case hex of `count` bytes; `out` holds 2 * count + 1. */
void digest_to_hex(const unsigned char *bytes, size_t count, char *out);

/* Is `text` exactly `digits` lower-case hex digits? */
int digest_is_hex(const char *text, size_t digits);

#endif
