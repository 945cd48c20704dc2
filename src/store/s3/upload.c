/*
 * Multipart uploads: parts in parallel, then one request that makes them an object under a
 * condition. An upload that failed is ended at once; one whose completion got no answer is left
 * alone, shows in listings, and is collected like anything else an interrupted write left.
 */
#include "net/aws/sign.h"
#include "net/http.h"
#include "net/xml.h"
#include "store/s3/client.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/store_backend.h"
#include "store/store_parallel.h"
#include "store/store_retry.h"
#include "util/mem.h"

#define PARTS_MAX 10000
#define COMPLETE_MAX ((size_t)4 << 20)
#define ETAG_SIZE (STORE_TAG_SIZE + 3)
#define CHECKSUM_SIZE 48
#define NUMBER_SIZE 24

struct part {
    char etag[ETAG_SIZE]; /* as the server gave it */
    char checksum[CHECKSUM_SIZE];
};

struct upload {
    struct s3_client *client;
    const char *key;
    const struct store_body *body;
    char *id;
    uint64_t part_size;
    size_t count;
    struct part *parts;
};

bool s3_upload_split(char *key, char **id)
{
    char *mark = strstr(key, STORE_UPLOAD_MARK);
    if (mark == NULL || mark == key || mark[strlen(STORE_UPLOAD_MARK)] == '\0')
        return false;
    *mark = '\0';
    *id = mark + strlen(STORE_UPLOAD_MARK);
    return true;
}

int s3_upload_abort(struct s3_client *client, const char *key, const char *id, struct error *err)
{
    struct transfer_answer answer;
    transfer_answer_init(&answer);
    struct s3_call call = {.op = S3_OP_DELETE, .key = key, .http = {.method = "DELETE"}};
    s3_call_query(&call, "uploadId", id);
    int rc = s3_client_call(client, &call, &answer, err);
    transfer_answer_release(&answer);
    return rc;
}

static int begin(struct upload *u, struct error *err)
{
    struct transfer_answer answer;
    struct s3_meta meta;
    struct str result;
    transfer_answer_init(&answer);
    str_init(&result, TRANSFER_ERROR_MAX);
    struct s3_call call = {
        .op = S3_OP_PART, .key = u->key, .http = {.method = "POST", .into = &result}};
    s3_call_query(&call, "uploads", "");
    s3_call_header(&call, "x-amz-checksum-algorithm", "SHA256");
    s3_client_describe(u->client, &call, u->body->labels, u->body->sha256, &meta);
    int rc = s3_client_call(u->client, &call, &answer, err);
    if (rc == ERR_OK)
        rc = xml_text(result.data, result.len, "InitiateMultipartUploadResult/UploadId", &u->id,
                      err);
    str_release(&result);
    transfer_answer_release(&answer);
    return rc;
}

static int hash_stretch(const struct store_body *body, uint64_t offset, uint64_t size,
                        char out[SHA256_HEX_SIZE], struct error *err)
{
    if (body->path == NULL) {
        sha256_hex((const char *)body->bytes + offset, (size_t)size, out);
        return ERR_OK;
    }
    int fd = open(body->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return error_set(err, ERR_SYSTEM, "%s cannot be opened.", body->path);
    struct sha256 *h = sha256_new();
    char buffer[65536];
    int rc = ERR_OK;
    for (uint64_t done = 0; done < size && rc == ERR_OK;) {
        size_t want = size - done < sizeof buffer ? (size_t)(size - done) : sizeof buffer;
        ssize_t n = pread(fd, buffer, want, (off_t)(offset + done));
        if (n <= 0)
            rc = error_set(err, ERR_DAMAGED, "%s is shorter than it was.", body->path);
        else
            sha256_update(h, buffer, (size_t)n);
        done += n > 0 ? (uint64_t)n : 0;
    }
    unsigned char digest[SHA256_SIZE];
    sha256_finish(h, digest);
    digest_to_hex(digest, sizeof digest, out);
    sha256_free(h);
    close(fd);
    return rc;
}

struct part_call {
    struct upload *upload;
    size_t index;
    uint64_t offset, size;
    char sha256[SHA256_HEX_SIZE];
};

static int keep_text(char *out, size_t size, const char *text, struct error *err)
{
    size_t n = text != NULL ? strlen(text) : 0;
    if (n == 0 || n >= size)
        return error_set(err, ERR_DAMAGED,
                         "The server's answer to a part of an upload has no "
                         "usable ETag.");
    memcpy(out, text, n + 1);
    return ERR_OK;
}

static int send_part(void *ctx, struct error *err)
{
    struct part_call *p = ctx;
    struct upload *u = p->upload;
    struct part *part = &u->parts[p->index];
    struct transfer_answer answer;
    transfer_answer_init(&answer);
    char *number = mem_printf("%zu", p->index + 1);
    struct s3_call call = {
        .op = S3_OP_PART,
        .key = u->key,
        .http = {.method = "PUT",
                 .bytes = u->body->path == NULL ? (const char *)u->body->bytes + p->offset : NULL,
                 .path = u->body->path,
                 .offset = p->offset,
                 .size = p->size,
                 .sha256 = p->sha256},
    };
    s3_call_query(&call, "partNumber", number);
    s3_call_query(&call, "uploadId", u->id);
    s3_call_header(&call, "x-amz-checksum-sha256", part->checksum);
    int rc = s3_client_call(u->client, &call, &answer, err);
    if (rc == ERR_OK)
        rc = keep_text(part->etag, sizeof part->etag, http_header(&answer.head, "etag"), err);
    free(number);
    transfer_answer_release(&answer);
    return rc;
}

static int upload_part(void *ctx, size_t index, struct error *err)
{
    struct upload *u = ctx;
    struct part_call p = {.upload = u, .index = index, .offset = index * u->part_size};
    p.size = u->body->size - p.offset < u->part_size ? u->body->size - p.offset : u->part_size;
    int rc = hash_stretch(u->body, p.offset, p.size, p.sha256, err);
    if (rc != ERR_OK)
        return rc;
    struct str checksum;
    str_init(&checksum, CHECKSUM_SIZE - 1);
    aws_sign_base64_of_hex(p.sha256, &checksum);
    memcpy(u->parts[index].checksum, checksum.data, checksum.len + 1);
    str_release(&checksum);
    const struct store_retry_policy policy = {
        .deadline = (int64_t)u->client->settings.retry_seconds * 1000000};
    return store_retry_loop(&policy, send_part, &p, &u->client->store.bill.retries, err);
}

static void list_parts(const struct upload *u, struct str *xml)
{
    str_append(xml, "<CompleteMultipartUpload>");
    for (size_t i = 0; i < u->count; i++) {
        str_printf(xml, "<Part><PartNumber>%zu</PartNumber><ETag>", i + 1);
        xml_escape(u->parts[i].etag, xml);
        str_printf(xml, "</ETag><ChecksumSHA256>%s</ChecksumSHA256></Part>", u->parts[i].checksum);
    }
    str_append(xml, "</CompleteMultipartUpload>");
}

/* The tag of a completed upload stands in the body; one that is missing leaves the outcome open. */
static int take_result(const struct upload *u, const struct str *result, struct store_tag *tag,
                       struct error *err)
{
    struct store_tag ignored;
    char *etag = NULL;
    if (tag == NULL)
        tag = &ignored;
    int rc = xml_text(result->data, result->len, "CompleteMultipartUploadResult/ETag", &etag, err);
    bool good = rc == ERR_OK && s3_wire_tag(etag, tag->text, sizeof tag->text);
    free(etag);
    if (good)
        return ERR_OK;
    return error_set(err, ERR_UNKNOWN,
                     "The answer to the completion of the upload of %s cannot be "
                     "read: it may have taken effect all the same.",
                     u->key);
}

static int complete(struct upload *u, const struct s3_condition *condition, struct store_tag *tag,
                    struct error *err)
{
    struct transfer_answer answer;
    struct str xml;
    struct str result;
    char digest[SHA256_HEX_SIZE];
    transfer_answer_init(&answer);
    str_init(&xml, COMPLETE_MAX);
    str_init(&result, TRANSFER_ERROR_MAX);
    list_parts(u, &xml);
    sha256_hex(xml.data, xml.len, digest);
    int rc = str_check(&xml, "The list of parts of an upload", err);
    struct s3_call call = {.op = S3_OP_COMPLETE,
                           .key = u->key,
                           .subresult = true,
                           .http = {.method = "POST",
                                    .bytes = xml.data,
                                    .size = xml.len,
                                    .sha256 = digest,
                                    .into = &result}};
    s3_call_query(&call, "uploadId", u->id);
    s3_call_header(&call, condition->name, condition->value);
    if (rc == ERR_OK)
        rc = s3_client_call(u->client, &call, &answer, err);
    if (rc == ERR_OK)
        rc = take_result(u, &result, tag, err);
    str_release(&xml);
    str_release(&result);
    transfer_answer_release(&answer);
    return rc;
}

static int check_whole(const char *key, const struct store_body *body, struct error *err)
{
    char digest[SHA256_HEX_SIZE];
    uint64_t size = body->size;
    if (body->path == NULL) {
        sha256_hex(body->bytes, (size_t)body->size, digest);
    } else {
        int rc = sha256_file(body->path, digest, &size, err);
        if (rc == ERR_ABSENT)
            return error_set(err, ERR_SYSTEM, "The content for %s is gone: there is no file %s.",
                             key, body->path);
        if (rc != ERR_OK)
            return rc;
    }
    return store_body_verify(body, key, size, digest, err);
}

int s3_upload_put(struct s3_client *client, const char *key, const struct s3_condition *condition,
                  const struct store_body *body, struct store_tag *tag, struct error *err)
{
    struct upload u = {.client = client, .key = key, .body = body};
    u.part_size = client->settings.part_size;
    if (body->size / u.part_size >= PARTS_MAX)
        u.part_size = body->size / (PARTS_MAX - 1) + 1;
    int rc = check_whole(key, body, err);
    if (rc == ERR_OK)
        rc = begin(&u, err);
    if (rc != ERR_OK)
        return rc;
    u.count = (size_t)((body->size + u.part_size - 1) / u.part_size);
    u.parts = mem_calloc(u.count, sizeof *u.parts);
    rc = store_parallel(u.count, client->settings.transfers, true, upload_part, &u, err);
    if (rc == ERR_OK)
        rc = complete(&u, condition, tag, err);
    if (rc != ERR_OK && rc != ERR_UNKNOWN)
        error_ignore(s3_upload_abort(client, key, u.id, NULL)); /* gc ends what is left */
    free(u.parts);
    free(u.id);
    return rc;
}
