/* An object into a local file: one request for what is small, ranges in parallel for the rest. */
#include "net/http.h"
#include "store/s3/client.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/store_backend.h"
#include "store/store_parallel.h"
#include "store/store_retry.h"
#include "util/mem.h"

struct download {
    struct s3_client *client;
    const char *key;
    int fd;
    uint64_t range_size;
    uint64_t total;
    struct store_tag tag;
    char sha256[SHA256_HEX_SIZE]; /* stored with the object, "" where unknown */
};

/* Ask for a stretch of the object (size 0: all of it) and write it at its place in the file. */
static int fetch(struct download *d, uint64_t offset, uint64_t size, uint64_t limit,
                 struct transfer_answer *answer, struct error *err)
{
    struct s3_call call = {.op = S3_OP_GET,
                           .key = d->key,
                           .http = {.method = "GET",
                                    .fd = d->fd,
                                    .to_file = true,
                                    .fd_offset = offset,
                                    .fd_limit = limit,
                                    .expected = size}};
    char *range = mem_printf("bytes=%llu-%llu", (unsigned long long)offset,
                             (unsigned long long)(offset + size - 1));
    if (size > 0)
        s3_call_header(&call, "range", range);
    s3_call_header(&call, "x-amz-checksum-mode", "ENABLED");
    store_count(&d->client->store.bill.gets, 1);
    int rc = s3_client_call(d->client, &call, answer, err);
    free(range);
    return rc;
}

/* "bytes 0-99/1234" of the range asked for; false where it is a different one. */
static bool parse_content_range(const char *text, uint64_t offset, uint64_t received,
                                uint64_t *total)
{
    if (text == NULL || !str_starts(text, "bytes "))
        return false;
    char *end = NULL;
    uint64_t first = strtoull(text + 6, &end, 10);
    if (*end != '-')
        return false;
    uint64_t last = strtoull(end + 1, &end, 10);
    if (*end != '/' || end[1] < '0' || end[1] > '9')
        return false;
    *total = strtoull(end + 1, &end, 10);
    return *end == '\0' && first == offset && last + 1 == offset + received && last < *total;
}

static int bad_range(const char *key, struct error *err)
{
    return error_set(err, ERR_DAMAGED,
                     "The server's answer for %s is not the range that was asked "
                     "for.",
                     key);
}

/* The first answer tells size, tag and digest of all of it. */
static int fetch_first(struct download *d, struct error *err)
{
    struct transfer_answer answer;
    transfer_answer_init(&answer);
    int rc = fetch(d, 0, d->range_size, UINT64_MAX, &answer, err);
    if (rc != ERR_OK && answer.head.status == 416) {
        /* No byte to begin with: the object is empty. */
        transfer_answer_release(&answer);
        transfer_answer_init(&answer);
        rc = fetch(d, 0, 0, UINT64_MAX, &answer, err);
    }
    if (rc == ERR_OK)
        rc = s3_client_tag(&answer, d->key, &d->tag, err);
    if (rc != ERR_OK)
        goto done;
    d->total = answer.received;
    if (answer.head.status == 206 &&
        (!parse_content_range(http_header(&answer.head, "content-range"), 0, answer.received,
                              &d->total) ||
         (answer.received < d->range_size && answer.received < d->total)))
        rc = bad_range(d->key, err);
    const char *digest = http_header(&answer.head, S3_META_SHA256);
    if (digest != NULL && digest_is_hex(digest, SHA256_HEX_SIZE - 1))
        memcpy(d->sha256, digest, SHA256_HEX_SIZE);
    if (rc == ERR_OK && d->total == answer.received)
        rc = s3_client_verify(&answer, d->key, answer.sha256, err);
done:
    transfer_answer_release(&answer);
    return rc;
}

struct range {
    struct download *download;
    uint64_t offset, size;
};

static int fetch_range(void *ctx, struct error *err)
{
    struct range *r = ctx;
    struct download *d = r->download;
    struct transfer_answer answer;
    struct store_tag tag;
    uint64_t total = 0;
    transfer_answer_init(&answer);
    int rc = fetch(d, r->offset, r->size, r->size, &answer, err);
    if (rc == ERR_OK)
        rc = s3_client_tag(&answer, d->key, &tag, err);
    if (rc == ERR_OK && !store_tag_equal(&tag, &d->tag))
        rc = error_set(err, ERR_DAMAGED, "%s was replaced while it was being read.", d->key);
    if (rc == ERR_OK && (!parse_content_range(http_header(&answer.head, "content-range"), r->offset,
                                              answer.received, &total) ||
                         answer.received != r->size || total != d->total))
        rc = bad_range(d->key, err);
    transfer_answer_release(&answer);
    return rc;
}

static int fetch_indexed(void *ctx, size_t index, struct error *err)
{
    struct download *d = ctx;
    struct range r = {.download = d, .offset = (index + 1) * d->range_size};
    r.size = d->total - r.offset < d->range_size ? d->total - r.offset : d->range_size;
    const struct store_retry_policy policy = {
        .deadline = (int64_t)d->client->settings.retry_seconds * 1000000};
    return store_retry_loop(&policy, fetch_range, &r, &d->client->store.bill.retries, err);
}

static int fetch_rest(struct download *d, const char *path, struct error *err)
{
    size_t count = (size_t)((d->total - 1) / d->range_size);
    int rc = store_parallel(count, d->client->settings.transfers, true, fetch_indexed, d, err);
    if (rc != ERR_OK || d->sha256[0] == '\0')
        return rc;
    char digest[SHA256_HEX_SIZE];
    rc = sha256_file(path, digest, NULL, err);
    if (rc == ERR_OK && strcmp(digest, d->sha256) != 0)
        rc = error_set(err, ERR_DAMAGED,
                       "The SHA-256 of the content received for %s is not the one stored with it.",
                       d->key);
    return rc;
}

int s3_download_file(struct store *st, const char *key, const char *path, struct store_tag *tag,
                     struct error *err)
{
    struct s3_client *client = (struct s3_client *)st;
    struct download d = {.client = client, .key = key, .range_size = client->settings.part_size};
    d.fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (d.fd < 0)
        return error_set_errno(err, ERR_SYSTEM, errno, "%s cannot be created", path);
    int rc = fetch_first(&d, err);
    if (rc == ERR_OK && d.total > d.range_size)
        rc = fetch_rest(&d, path, err);
    if (close(d.fd) != 0 && rc == ERR_OK)
        rc = error_set_errno(err, ERR_SYSTEM, errno, "%s cannot be written", path);
    if (rc != ERR_OK)
        unlink(path);
    else if (tag != NULL)
        *tag = d.tag;
    return rc;
}
