#include "net/transfer.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* One request on its way. */
struct transfer {
    const struct transfer_request *request;
    struct transfer_answer *answer;
    struct sha256 *hash; /* of what is received */
};

void transfer_answer_init(struct transfer_answer *answer)
{
    memset(&answer->head, 0, offsetof(struct http_answer, headers));
    answer->head.header_used = 0;
    answer->sha256[0] = '\0';
    answer->received = 0;
    str_init(&answer->error_body, TRANSFER_ERROR_MAX);
}

void transfer_answer_release(struct transfer_answer *answer)
{
    str_release(&answer->error_body);
}

static int too_large(struct error *err)
{
    return error_set(err, ERR_LIMIT, "the answer is larger than its limit");
}

static int write_file(struct transfer *t, const char *bytes, size_t count, struct error *err)
{
    const struct transfer_request *r = t->request;
    if (count > r->fd_limit - t->answer->received)
        return too_large(err);
    for (size_t done = 0; done < count;) {
        ssize_t n = pwrite(r->fd, bytes + done, count - done,
                           (off_t)(r->fd_offset + t->answer->received + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return error_set_errno(err, ERR_SYSTEM, errno, "a local file cannot be written");
        done += (size_t)n;
    }
    return ERR_OK;
}

/* The text of an error is not needed beyond the cap. */
static void keep_error(struct transfer *t, const void *bytes, size_t count)
{
    size_t room = TRANSFER_ERROR_MAX - t->answer->error_body.len;
    str_append_bytes(&t->answer->error_body, bytes, count < room ? count : room);
}

static int on_body(void *ctx, const struct http_answer *head, const void *bytes, size_t count,
                   struct error *err)
{
    struct transfer *t = ctx;
    const struct transfer_request *r = t->request;
    if (head->status < 200 || head->status >= 300) {
        keep_error(t, bytes, count);
        return ERR_OK;
    }
    int rc = ERR_OK;
    if (r->into != NULL) {
        str_append_bytes(r->into, bytes, count);
        rc = r->into->full ? too_large(err) : ERR_OK;
    } else if (r->to_file) {
        rc = write_file(t, bytes, count, err);
    }
    if (rc != ERR_OK)
        return rc;
    sha256_update(t->hash, bytes, count);
    t->answer->received += count;
    return ERR_OK;
}

/* Put the reason that is there into a sentence that names the request. */
static int report(const struct transfer *t, int rc, struct error *err)
{
    const struct transfer_request *r = t->request;
    if (err == NULL || rc == ERR_CONFIG)
        return rc;
    struct error reason = *err;
    enum http_fault fault = t->answer->head.fault;
    if (fault == HTTP_CERTIFICATE || fault == HTTP_CA_FILE)
        return error_set(err, ERR_CONFIG,
                         "%s %s was not sent: the server's certificate is not accepted (%s). Check "
                         "the endpoint's name; if its certificate authority is a private one, name "
                         "it in AWS_CA_BUNDLE.",
                         r->method, r->url, reason.text);
    return error_set(err, rc, "%s %s failed: %s.", r->method, r->url, reason.text);
}

int transfer_perform(struct http *http, const struct transfer_request *request,
                     struct transfer_answer *answer, struct error *err)
{
    struct transfer t = {.request = request, .answer = answer, .hash = sha256_new()};
    const struct http_request whole = {
        .method = request->method,
        .url = request->url,
        .headers = request->headers,
        .header_count = request->header_count,
        .bytes = request->bytes,
        .path = request->path,
        .offset = request->offset,
        .size = request->size,
        .sha256 = request->sha256,
        .expected = request->expected,
        .on_body = on_body,
        .ctx = &t,
    };
    unsigned char digest[SHA256_SIZE];
    int rc = http_perform(http, &whole, &answer->head, err);
    sha256_finish(t.hash, digest);
    sha256_free(t.hash);
    if (rc != ERR_OK)
        return report(&t, rc, err);
    digest_to_hex(digest, sizeof digest, answer->sha256);
    return ERR_OK;
}
