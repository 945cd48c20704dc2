#include "store/s3/client.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "net/aws/sign.h"
#include "net/http.h"
#include "store/store_backend.h"
#include "util/log.h"
#include "util/mem.h"
#include "util/time.h"

#define EMPTY_SHA256 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define URL_MAX 8192
#define SECOND INT64_C(1000000)

void s3_call_header(struct s3_call *call, const char *name, const char *value)
{
    if (call->header_count == S3_CALL_PAIRS_MAX)
        abort();
    call->headers[call->header_count++] = (struct http_pair){name, value};
}

void s3_call_query(struct s3_call *call, const char *name, const char *value)
{
    if (call->query_count == sizeof call->query / sizeof call->query[0])
        abort();
    call->query[call->query_count++] = (struct http_pair){name, value};
}

char *s3_client_name(const struct s3_client *client, const char *key)
{
    const char *prefix = client->settings.prefix;
    return prefix[0] != '\0' ? mem_printf("%s/%s", prefix, key) : mem_strdup(key);
}

/* Path and query of the request, encoded, and the URL made of them. */
struct address {
    struct str path, query, url;
};

static void address_init(const struct s3_client *client, const struct s3_call *call,
                         struct address *a)
{
    const struct s3_settings *s = &client->settings;
    str_init(&a->path, URL_MAX);
    str_init(&a->query, URL_MAX);
    str_init(&a->url, 3 * URL_MAX);
    str_append(&a->path, s->base_path);
    if (call->key != NULL) {
        char *name = s3_client_name(client, call->key);
        aws_sign_path(name, &a->path);
        free(name);
    } else if (s->base_path[0] == '\0') {
        str_append_char(&a->path, '/');
    }
    aws_sign_query(call->query, call->query_count, &a->query);
    str_printf(&a->url, "%s://%s%s%s%s", s->scheme, s->authority, a->path.data,
               a->query.len > 0 ? "?" : "", a->query.data);
}

static void address_release(struct address *a)
{
    str_release(&a->path);
    str_release(&a->query);
    str_release(&a->url);
}

/* Add the headers that every request has, sign all of them, and add the signature. */
static int sign(struct s3_client *client, struct s3_call *call, const struct address *a,
                const struct aws_credentials *who, char date[AWS_SIGN_DATE_SIZE],
                struct str *authorization, struct error *err)
{
    const struct s3_settings *s = &client->settings;
    int rc = aws_sign_date(time_now() + client->clock_offset, date, err);
    if (rc != ERR_OK)
        return rc;
    const char *payload = call->http.sha256 != NULL ? call->http.sha256 : EMPTY_SHA256;
    s3_call_header(call, "host", s->authority);
    s3_call_header(call, "x-amz-date", date);
    s3_call_header(call, "x-amz-content-sha256", payload);
    if (who->session_token != NULL)
        s3_call_header(call, "x-amz-security-token", who->session_token);
    if (s->expected_bucket_owner != NULL)
        s3_call_header(call, "x-amz-expected-bucket-owner", s->expected_bucket_owner);
    const struct aws_sign_request request = {
        .method = call->http.method,
        .path = a->path.data,
        .query = a->query.data,
        .headers = call->headers,
        .header_count = call->header_count,
        .payload_sha256 = payload,
        .date = date,
        .region = s->region,
        .service = "s3",
    };
    const struct aws_sign_key key = {who->access_key_id, who->secret, who->session_token};
    rc = aws_sign_authorization(&request, &key, authorization, err);
    if (rc == ERR_OK)
        s3_call_header(call, "authorization", authorization->data);
    /*
     * A proxy that caches must not give an old pointer. Not signed, because proxies may change it.
     */
    if (strcmp(call->http.method, "GET") == 0 || strcmp(call->http.method, "HEAD") == 0)
        s3_call_header(call, "Cache-Control", "no-cache");
    return rc;
}

/* Seconds since 1970 of an HTTP date (RFC 9110, the fixed form only); false where it is none. */
static bool parse_http_date(const char *text, int64_t *seconds)
{
    struct tm tm = {0};
    const char *end = strptime(text, "%a, %d %b %Y %H:%M:%S GMT", &tm);
    if (end == NULL || *end != '\0')
        return false;
    *seconds = (int64_t)timegm(&tm);
    return true;
}

static void learn_clock(struct s3_client *client, const struct transfer_answer *answer)
{
    const char *date = http_header(&answer->head, "date");
    int64_t seconds = 0;
    if (date != NULL && parse_http_date(date, &seconds))
        client->clock_offset = seconds * SECOND - time_now();
}

static const char *advice(enum s3_op op, int code, const struct s3_wire_error *e)
{
    bool reads = op == S3_OP_GET || op == S3_OP_HEAD;
    if (strcmp(e->code, "NoSuchBucket") == 0)
        return " The bucket does not exist.";
    if (e->region[0] != '\0')
        return " The bucket is in another region: set AWS_REGION.";
    switch (code) {
    case ERR_DENIED:
        if (reads && (e->code[0] == '\0' || strcmp(e->code, "AccessDenied") == 0))
            return " Check the credentials (cauce doctor shows which are used) and what they may "
                   "do: without s3:ListBucket an object that does not exist gets this answer, too.";
        return " Check the credentials (cauce doctor shows which are used) and what they may do.";
    case ERR_GATE:
        return " The server does not support this request.";
    case ERR_CONFIG:
        return " Check bucket, region and endpoint.";
    case ERR_UNKNOWN:
        return " It may have taken effect all the same.";
    default:
        return "";
    }
}

static int report_answer(const struct s3_client *client, const struct s3_call *call, int code,
                         long status, const struct s3_wire_error *e,
                         const struct transfer_answer *answer, struct error *err)
{
    const char *id = http_header(&answer->head, "x-amz-request-id");
    error_set(err, code, "%s %s%s%s was answered %ld%s%s%s%s%s.%s", call->http.method,
              client->store.url, call->key != NULL ? "/" : "", call->key != NULL ? call->key : "",
              status, e->code[0] != '\0' ? " " : "", e->code, e->message[0] != '\0' ? " (" : "",
              e->message, e->message[0] != '\0' ? ")" : "", advice(call->op, code, e));
    if (e->region[0] != '\0')
        error_append(err, "Region of the bucket: %s.", e->region);
    if (id != NULL)
        error_append(err, "Request id: %.64s.", id);
    return code;
}

static int judge(struct s3_client *client, struct s3_call *call,
                 const struct transfer_answer *answer, struct error *err)
{
    struct s3_wire_error e = {0};
    if (answer->head.status < 200 || answer->head.status >= 300)
        s3_wire_error_parse(answer->error_body.data, answer->error_body.len, &e);
    else if (call->subresult)
        s3_wire_error_parse(call->http.into->data, call->http.into->len, &e);
    int code = s3_wire_classify(call->op, answer->head.status, e.code);
    if (s3_wire_is_skew(e.code))
        learn_clock(client, answer);
    if (s3_wire_is_expired(e.code))
        aws_chain_expire(client->chain);
    if (call->op == S3_OP_REPLACE && (answer->head.status == 404 || answer->head.status == 412))
        client->absent_status = answer->head.status;
    if (code == ERR_OK)
        return ERR_OK;
    return report_answer(client, call, code, answer->head.status, &e, answer, err);
}

/* What it means for this operation that no answer came. */
static int judge_silence(const struct s3_call *call, const struct transfer_answer *answer, int rc,
                         struct error *err)
{
    bool sent = answer->head.fate == HTTP_SENT;
    int code = s3_wire_classify_silence(call->op, sent);
    /* An error of our own side keeps its code, unless the request may have been received. */
    if (rc != ERR_AGAIN && code != ERR_UNKNOWN)
        code = rc;
    if (code == ERR_UNKNOWN)
        error_append(err, "The answer is lost: it may have taken effect all the same.");
    if (err != NULL)
        err->code = code;
    return code;
}

/* Signatures are in headers: nothing in a URL is secret. */
static void log_request(const struct s3_call *call, const struct transfer_answer *answer,
                        int64_t began)
{
    if (!log_enabled(LOG_DEBUG))
        return;
    log_write(LOG_DEBUG,
              LOG_FIELDS(LOG_STR("method", call->http.method), LOG_STR("url", call->http.url),
                         LOG_INT("status", answer->head.status),
                         LOG_STR("http", answer->head.http2 ? "2" : "1.1"),
                         LOG_INT("sent", (int64_t)call->http.size),
                         LOG_INT("received", (int64_t)answer->received),
                         LOG_REAL("seconds", (double)(time_monotonic() - began) / 1e6)),
              "request");
}

int s3_client_call(struct s3_client *client, struct s3_call *call, struct transfer_answer *answer,
                   struct error *err)
{
    struct aws_credentials who = {0};
    int rc = aws_chain_get(client->chain, &who, err);
    if (rc != ERR_OK)
        return rc;
    struct address a;
    struct str authorization;
    char date[AWS_SIGN_DATE_SIZE];
    address_init(client, call, &a);
    str_init(&authorization, 4096);
    rc = sign(client, call, &a, &who, date, &authorization, err);
    if (rc == ERR_OK)
        rc = str_check(&a.url, "The URL of a request", err);
    if (rc != ERR_OK)
        goto done;
    call->http.url = a.url.data;
    call->http.headers = call->headers;
    call->http.header_count = call->header_count;
    store_count(&client->store.bill.requests, 1);
    int64_t began = time_monotonic();
    rc = transfer_perform(client->http, &call->http, answer, err);
    log_request(call, answer, began);
    store_count(&client->store.bill.bytes_read, answer->received);
    if (answer->head.fate == HTTP_ANSWERED)
        store_count(&client->store.bill.bytes_written, call->http.size);
    rc = rc == ERR_OK ? judge(client, call, answer, err) : judge_silence(call, answer, rc, err);
done:
    call->http.url = NULL;
    str_release(&authorization);
    address_release(&a);
    aws_credentials_release(&who);
    return rc;
}

int s3_client_tag(const struct transfer_answer *answer, const char *key, struct store_tag *tag,
                  struct error *err)
{
    struct store_tag ignored;
    const char *etag = http_header(&answer->head, "etag");
    if (tag == NULL)
        tag = &ignored;
    if (etag != NULL && s3_wire_tag(etag, tag->text, sizeof tag->text))
        return ERR_OK;
    return error_set(err, ERR_AGAIN,
                     "The answer for %s has no usable ETag: something in front of the server gave "
                     "it (a proxy, a login page).",
                     key);
}

/* The digest in a header: ours in hex, S3's in base64; NULL stands for "". */
static int compare_digest(const char *key, const char *stated, const char *actual,
                          struct error *err)
{
    if (stated == NULL || strcmp(stated, actual) == 0)
        return ERR_OK;
    return error_set(err, ERR_DAMAGED,
                     "The SHA-256 of the content received for %s is not the one stored with it.",
                     key);
}

int s3_client_verify(const struct transfer_answer *answer, const char *key, const char *sha256,
                     struct error *err)
{
    struct str base64;
    const char *type = http_header(&answer->head, "content-type");
    if (type != NULL && str_starts(type, "text/html"))
        return error_set(err, ERR_AGAIN,
                         "The answer for %s is a page in HTML: something in front of the server "
                         "gave it (a proxy, a login page).",
                         key);
    str_init(&base64, 64);
    aws_sign_base64_of_hex(sha256, &base64);
    int rc = compare_digest(key, http_header(&answer->head, S3_META_SHA256), sha256, err);
    const char *checksum = http_header(&answer->head, "x-amz-checksum-sha256");
    /* The checksum of an object made of parts is one of checksums: "...-3". */
    if (rc == ERR_OK && checksum != NULL && strchr(checksum, '-') == NULL)
        rc = compare_digest(key, checksum, base64.data, err);
    str_release(&base64);
    return rc;
}

struct s3_condition s3_condition_absent(void)
{
    return (struct s3_condition){.name = "if-none-match", .value = "*"};
}

struct s3_condition s3_condition_tag(const struct s3_client *client, const struct store_tag *tag)
{
    struct s3_condition c = {.name = "if-match"};
    struct str s;
    str_init(&s, sizeof c.value - 1);
    str_printf(&s, client->unquoted ? "%s" : "\"%s\"", tag->text);
    memcpy(c.value, s.data, s.len + 1);
    str_release(&s);
    return c;
}

void s3_client_describe(const struct s3_client *client, struct s3_call *call,
                        const struct store_label *labels, const char *sha256,
                        struct s3_meta *storage)
{
    const struct s3_settings *s = &client->settings;
    if (sha256 != NULL && sha256[0] != '\0')
        s3_call_header(call, S3_META_SHA256, sha256);
    for (size_t i = 0; i < STORE_LABELS_MAX && labels[i].name[0] != '\0'; i++) {
        struct str name;
        str_init(&name, sizeof storage->names[i] - 1);
        str_printf(&name, "x-amz-meta-%s", labels[i].name);
        memcpy(storage->names[i], name.data, name.len + 1);
        str_release(&name);
        s3_call_header(call, storage->names[i], labels[i].value);
    }
    if (s->encryption != NULL)
        s3_call_header(call, "x-amz-server-side-encryption", s->encryption);
    if (s->kms_key_id != NULL)
        s3_call_header(call, "x-amz-server-side-encryption-aws-kms-key-id", s->kms_key_id);
}
