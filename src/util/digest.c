#include "util/digest.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/mem.h"
#include "util/stop.h"

#define CHUNK ((size_t)256 << 10)

struct sha256 {
    EVP_MD_CTX *ctx;
};

/* SHA-256 in memory fails only where memory or the library itself does: nothing can go on. */
static void must(int ok)
{
    if (ok == 1)
        return;
    fprintf(stderr, "cauce: OpenSSL cannot compute SHA-256. Nothing partial was made visible; "
                    "check the installation and configuration of OpenSSL.\n");
    abort();
}

struct sha256 *sha256_new(void)
{
    struct sha256 *h = mem_alloc(sizeof *h);
    h->ctx = EVP_MD_CTX_new();
    must(h->ctx != NULL);
    must(EVP_DigestInit_ex(h->ctx, EVP_sha256(), NULL));
    return h;
}

void sha256_update(struct sha256 *h, const void *bytes, size_t count)
{
    if (count > 0)
        must(EVP_DigestUpdate(h->ctx, bytes, count));
}

void sha256_finish(struct sha256 *h, unsigned char out[SHA256_SIZE])
{
    must(EVP_DigestFinal_ex(h->ctx, out, NULL));
}

void sha256_free(struct sha256 *h)
{
    if (h == NULL)
        return;
    EVP_MD_CTX_free(h->ctx);
    free(h);
}

static void sha256_raw(const void *bytes, size_t count, unsigned char out[SHA256_SIZE])
{
    must(EVP_Digest(count > 0 ? bytes : "", count, out, NULL, EVP_sha256(), NULL));
}

void sha256_hex(const void *bytes, size_t count, char out[SHA256_HEX_SIZE])
{
    unsigned char raw[SHA256_SIZE];
    sha256_raw(bytes, count, raw);
    digest_to_hex(raw, sizeof raw, out);
}

static int hash_rest(int fd, const char *path, bool stoppable, struct sha256 *h, uint64_t *size,
                     struct error *err)
{
    unsigned char *buffer = mem_alloc(CHUNK);
    int rc = ERR_OK;
    *size = 0;
    while (rc == ERR_OK) {
        rc = stoppable ? stop_check(err) : ERR_OK;
        if (rc != ERR_OK)
            break;
        ssize_t n = read(fd, buffer, CHUNK);
        if (n == 0)
            break;
        if (n > 0) {
            sha256_update(h, buffer, (size_t)n);
            *size += (uint64_t)n;
        } else if (errno != EINTR) {
            rc = error_set_errno(err, ERR_SYSTEM, errno, "Cannot read %s", path);
        }
    }
    free(buffer);
    return rc;
}

static int hash_file(const char *path, bool stoppable, char out[SHA256_HEX_SIZE], uint64_t *size,
                     struct error *err)
{
    out[0] = '\0';
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        int code = errno == ENOENT || errno == ENOTDIR ? ERR_ABSENT
                   : errno == EACCES || errno == EPERM ? ERR_DENIED
                                                       : ERR_SYSTEM;
        return error_set_errno(err, code, errno, "Cannot open %s", path);
    }
    posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    struct sha256 *h = sha256_new();
    uint64_t count = 0;
    int rc = hash_rest(fd, path, stoppable, h, &count, err);
    if (rc == ERR_OK) {
        unsigned char raw[SHA256_SIZE];
        sha256_finish(h, raw);
        digest_to_hex(raw, sizeof raw, out);
        if (size != NULL)
            *size = count;
    }
    sha256_free(h);
    close(fd);
    return rc;
}

int sha256_file(const char *path, char out[SHA256_HEX_SIZE], uint64_t *size, struct error *err)
{
    return hash_file(path, false, out, size, err);
}

int sha256_source(const char *path, char out[SHA256_HEX_SIZE], struct error *err)
{
    return hash_file(path, true, out, NULL, err);
}

void hmac_sha256(const void *key, size_t key_size, const void *bytes, size_t count,
                 unsigned char out[SHA256_SIZE])
{
    /*
     * A key longer than a block is replaced by its digest (RFC 2104); OpenSSL takes its size as an
     * int.
     */
    unsigned char short_key[SHA256_SIZE];
    if (key_size > INT_MAX) {
        sha256_raw(key, key_size, short_key);
        key = short_key;
        key_size = sizeof short_key;
    }
    const unsigned char *done = HMAC(EVP_sha256(), key_size > 0 ? key : "", (int)key_size,
                                     count > 0 ? bytes : (const void *)"", count, out, NULL);
    must(done != NULL);
}

void digest_to_hex(const unsigned char *bytes, size_t count, char *out)
{
    static const char hex[] = "0123456789abcdef";
    for (size_t i = 0; i < count; i++) {
        out[2 * i] = hex[bytes[i] >> 4];
        out[2 * i + 1] = hex[bytes[i] & 15];
    }
    out[2 * count] = '\0';
}

int digest_is_hex(const char *text, size_t digits)
{
    return strspn(text, "0123456789abcdef") == digits && text[digits] == '\0';
}
