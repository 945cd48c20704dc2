/* Single objects: read, describe, write under a condition, move, remove. */
#include "net/aws/sign.h"
#include "net/http.h"
#include "net/xml.h"
#include "store/s3/client.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/store_backend.h"
#include "util/fs.h"
#include "util/id.h"
#include "util/mem.h"

#define EMPTY_SHA256 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
/* Most bytes of one PUT and of one copy on the server. */
#define SINGLE_MAX (UINT64_C(5) << 30)

static struct s3_client *client_of(struct store *st)
{
    return (struct s3_client *)st;
}

int s3_object_get(struct store *st, const char *key, struct str *body, struct store_tag *tag,
                  struct error *err)
{
    size_t start = body->len;
    struct transfer_answer answer;
    transfer_answer_init(&answer);
    struct s3_call call = {.op = S3_OP_GET, .key = key, .http = {.method = "GET", .into = body}};
    s3_call_header(&call, "x-amz-checksum-mode", "ENABLED");
    store_count(&st->bill.gets, 1);
    int rc = s3_client_call(client_of(st), &call, &answer, err);
    if (rc == ERR_OK && answer.head.status != 200)
        rc = error_set(err, ERR_DAMAGED,
                       "%s was asked for whole, and the answer (%ld) is a part of it.", key,
                       answer.head.status);
    if (rc == ERR_OK)
        rc = s3_client_verify(&answer, key, answer.sha256, err);
    if (rc == ERR_OK)
        rc = s3_client_tag(&answer, key, tag, err);
    if (rc != ERR_OK && body->len > start) {
        body->len = start;
        body->data[start] = '\0';
    }
    transfer_answer_release(&answer);
    return rc;
}

/*
 * Labels are the x-amz-meta-* headers except our own digest; what does not fit is somebody else's.
 */
static void take_labels(const struct transfer_answer *answer, struct store_info *info)
{
    static const char prefix[] = "x-amz-meta-";
    size_t used = 0;
    for (size_t i = 0; i < answer->head.header_count && used < STORE_LABELS_MAX; i++) {
        const struct http_pair *h = &answer->head.headers[i];
        const char *name = h->name + sizeof prefix - 1;
        if (!str_starts(h->name, prefix) || strcmp(h->name, S3_META_SHA256) == 0 ||
            name[0] == '\0' || strlen(name) >= sizeof info->labels[0].name ||
            strlen(h->value) >= sizeof info->labels[0].value)
            continue;
        store_label_set(info->labels, name, h->value);
        used++;
    }
}

static bool parse_length(const char *text, uint64_t *out)
{
    char *end = NULL;
    if (text == NULL || text[0] < '0' || text[0] > '9')
        return false;
    *out = strtoull(text, &end, 10);
    return *end == '\0';
}

/*
 * The answer to a HEAD has no body: "denied" may mean a clock that is off or credentials that
 * expired. The same request as a GET of one byte is refused with the reason; where it is not
 * refused, the answer to the HEAD counts.
 */
static int ask_reason(struct s3_client *client, const char *key, struct error *err)
{
    struct transfer_answer answer;
    struct str body;
    struct error why = ERROR_INIT;
    transfer_answer_init(&answer);
    str_init(&body, TRANSFER_ERROR_MAX);
    struct s3_call call = {.op = S3_OP_GET, .key = key, .http = {.method = "GET", .into = &body}};
    s3_call_header(&call, "range", "bytes=0-0");
    store_count(&client->store.bill.gets, 1);
    int rc = s3_client_call(client, &call, &answer, &why);
    str_release(&body);
    transfer_answer_release(&answer);
    if (rc != ERR_AGAIN && rc != ERR_DENIED && rc != ERR_CONFIG)
        return ERR_DENIED;
    if (err != NULL)
        *err = why;
    return rc;
}

/* What HEAD tells of an object; the digest is "" where it is not known. */
struct s3_seen {
    struct store_info info;
    char sha256[SHA256_HEX_SIZE];
};

static int look_at(struct s3_client *client, const char *key, struct s3_seen *seen,
                   struct error *err)
{
    *seen = (struct s3_seen){0};
    struct transfer_answer answer;
    transfer_answer_init(&answer);
    struct s3_call call = {.op = S3_OP_HEAD, .key = key, .http = {.method = "HEAD"}};
    store_count(&client->store.bill.heads, 1);
    int rc = s3_client_call(client, &call, &answer, err);
    if (rc == ERR_DENIED && answer.head.fate == HTTP_ANSWERED)
        rc = ask_reason(client, key, err);
    if (rc == ERR_OK)
        rc = s3_client_tag(&answer, key, &seen->info.tag, err);
    if (rc == ERR_OK &&
        !parse_length(http_header(&answer.head, "content-length"), &seen->info.size))
        rc = error_set(err, ERR_AGAIN, "The answer for %s does not state its size.", key);
    if (rc == ERR_OK) {
        take_labels(&answer, &seen->info);
        const char *digest = http_header(&answer.head, S3_META_SHA256);
        if (digest != NULL && digest_is_hex(digest, SHA256_HEX_SIZE - 1))
            memcpy(seen->sha256, digest, SHA256_HEX_SIZE);
    }
    transfer_answer_release(&answer);
    return rc;
}

int s3_object_head(struct store *st, const char *key, struct store_info *info, struct error *err)
{
    struct s3_seen seen;
    int rc = look_at(client_of(st), key, &seen, err);
    if (rc == ERR_OK)
        *info = seen.info;
    return rc;
}

/* Is the body what it claims to be, as far as can be seen without reading it? */
static int check_body(const char *key, const struct store_body *body, struct error *err)
{
    if (!digest_is_hex(body->sha256, SHA256_HEX_SIZE - 1))
        return error_set(err, ERR_DAMAGED, "The content for %s has no SHA-256.", key);
    if (body->size > SINGLE_MAX)
        return error_set(err, ERR_LIMIT,
                         "The content for %s has %llu bytes; this server takes at "
                         "most 5 GiB at once.",
                         key, (unsigned long long)body->size);
    if (body->size == 0)
        return store_body_verify(body, key, 0, EMPTY_SHA256, err);
    if (body->path == NULL)
        return ERR_OK;
    struct fs_stat stat;
    int rc = fs_stat(body->path, &stat, err);
    if (rc == ERR_ABSENT)
        return error_set(err, ERR_SYSTEM, "The content for %s is gone: there is no file %s.", key,
                         body->path);
    if (rc == ERR_OK && stat.size != body->size)
        rc = store_body_verify(body, key, stat.size, body->sha256, err);
    return rc;
}

/*
 * Does a success say for which content? One without a readable tag, or for other bytes, did not
 * come from the right server, or not for this request: it leaves open what is there.
 */
static int check_success(const struct transfer_answer *answer, const char *key,
                         const char *checksum, struct store_tag *tag, struct error *err)
{
    const char *stated = http_header(&answer->head, "x-amz-checksum-sha256");
    int rc = s3_client_tag(answer, key, tag, err);
    if (rc == ERR_OK && stated != NULL && strcmp(stated, checksum) != 0)
        rc = error_set(err, ERR_DAMAGED, "The server says that it stored other bytes for %s.", key);
    if (rc == ERR_OK)
        return ERR_OK;
    error_append(err, "Whether it was written is not known.");
    if (err != NULL)
        err->code = ERR_UNKNOWN;
    return ERR_UNKNOWN;
}

/* One conditional PUT of a body, in one piece. */
static int put_whole(struct s3_client *client, const char *key,
                     const struct s3_condition *condition, const struct store_body *body,
                     struct store_tag *tag, struct error *err)
{
    int rc = check_body(key, body, err);
    if (rc != ERR_OK)
        return rc;
    struct transfer_answer answer;
    struct s3_meta meta;
    struct str checksum;
    struct str result;
    transfer_answer_init(&answer);
    str_init(&checksum, 64);
    str_init(&result, TRANSFER_ERROR_MAX);
    aws_sign_base64_of_hex(body->sha256, &checksum);
    struct s3_call call = {
        .subresult = true,
        .op = strcmp(condition->name, "if-match") == 0 ? S3_OP_REPLACE : S3_OP_CREATE,
        .key = key,
        .http = {.method = "PUT",
                 .bytes = body->path == NULL ? body->bytes : NULL,
                 .path = body->path,
                 .size = body->size,
                 .sha256 = body->sha256,
                 .into = &result},
    };
    s3_call_header(&call, condition->name, condition->value);
    s3_call_header(&call, "x-amz-checksum-sha256", checksum.data);
    s3_client_describe(client, &call, body->labels, body->sha256, &meta);
    rc = s3_client_call(client, &call, &answer, err);
    if (rc == ERR_OK)
        rc = check_success(&answer, key, checksum.data, tag, err);
    str_release(&result);
    str_release(&checksum);
    transfer_answer_release(&answer);
    return rc;
}

int s3_object_put_new(struct store *st, const char *key, const struct store_body *body,
                      struct store_tag *tag, struct error *err)
{
    struct s3_client *client = client_of(st);
    struct s3_condition condition = s3_condition_absent();
    store_count(&st->bill.puts, 1);
    if (client->multipart && body->size > client->settings.multipart_threshold)
        return s3_upload_put(client, key, &condition, body, tag, err);
    return put_whole(client, key, &condition, body, tag, err);
}

int s3_object_swap(struct store *st, const char *key, const struct store_tag *expected,
                   const struct store_body *body, struct store_tag *tag, struct error *err)
{
    struct s3_client *client = client_of(st);
    struct s3_condition condition =
        expected == NULL ? s3_condition_absent() : s3_condition_tag(client, expected);
    store_count(&st->bill.swaps, 1);
    return put_whole(client, key, &condition, body, tag, err);
}

static int check_guard(struct s3_client *client, const struct store_move *move, struct error *err)
{
    if (move->guard == NULL)
        return ERR_OK;
    struct s3_seen guard;
    int rc = look_at(client, move->guard, &guard, err);
    if (rc == ERR_ABSENT || (rc == ERR_OK && !store_tag_equal(&guard.info.tag, move->guard_tag)))
        return error_set(err, ERR_CONFLICT, "%s was not replaced: %s has changed in the meantime.",
                         move->to, move->guard);
    return rc;
}

static struct s3_condition condition_of(const struct s3_client *client,
                                        const struct store_move *move)
{
    return move->expected == NULL ? s3_condition_absent()
                                  : s3_condition_tag(client, move->expected);
}

/* 404 of a copy: is it the source that is gone, or the target that was expected? */
static int absent_side(struct s3_client *client, const char *from, const char *to,
                       struct error *err)
{
    struct s3_seen seen;
    int rc = look_at(client, from, &seen, err);
    if (rc == ERR_OK)
        return error_set(err, ERR_CONFLICT, "%s was not replaced: it is gone.", to);
    return rc;
}

/* The body says whether a copy was made; where it does not, it may have been made all the same. */
static int check_copied(const char *to, const struct str *result, struct error *err)
{
    char *etag = NULL;
    int rc = xml_text(result->data, result->len, "CopyObjectResult/ETag", &etag, err);
    free(etag);
    if (rc == ERR_OK)
        return ERR_OK;
    return error_set(err, ERR_UNKNOWN,
                     "The answer to the copy to %s cannot be read: it may have taken effect all "
                     "the same.",
                     to);
}

static int copy(struct s3_client *client, const struct store_move *move, const struct s3_seen *from,
                struct error *err)
{
    struct s3_condition condition = condition_of(client, move);
    struct s3_condition source = s3_condition_tag(client, &from->info.tag);
    struct transfer_answer answer;
    struct s3_meta meta;
    struct str result;
    struct str path;
    transfer_answer_init(&answer);
    str_init(&result, TRANSFER_ERROR_MAX);
    str_init(&path, 8192);
    char *name = s3_client_name(client, move->from);
    str_printf(&path, "/%s", client->settings.bucket);
    aws_sign_path(name, &path);
    struct s3_call call = {.op = S3_OP_COPY,
                           .key = move->to,
                           .subresult = true,
                           .http = {.method = "PUT", .into = &result}};
    s3_call_header(&call, "x-amz-copy-source", path.data);
    s3_call_header(&call, "x-amz-copy-source-if-match", source.value);
    s3_call_header(&call, "x-amz-metadata-directive", "REPLACE");
    s3_call_header(&call, condition.name, condition.value);
    s3_client_describe(client, &call, move->labels, from->sha256, &meta);
    int rc = s3_client_call(client, &call, &answer, err);
    if (rc == ERR_ABSENT)
        rc = absent_side(client, move->from, move->to, err);
    if (rc == ERR_OK)
        rc = check_copied(move->to, &result, err);
    free(name);
    str_release(&path);
    str_release(&result);
    transfer_answer_release(&answer);
    return rc;
}

/* Without conditional copies: read here, write there under the condition. */
static int carry(struct s3_client *client, const struct store_move *move, struct error *err)
{
    char id[ID_SIZE];
    id_new(id);
    struct s3_condition condition = condition_of(client, move);
    struct store_body body = {0};
    char *path = mem_printf("%s/cauce-move-%s", client->settings.temp_folder, id);
    int rc = s3_download_file(&client->store, move->from, path, NULL, err);
    if (rc == ERR_OK)
        rc = store_body_file(path, &body, err);
    memcpy(body.labels, move->labels, sizeof body.labels);
    if (rc == ERR_OK)
        rc = check_guard(client, move, err);
    if (rc == ERR_OK && client->multipart && body.size > client->settings.multipart_threshold)
        rc = s3_upload_put(client, move->to, &condition, &body, NULL, err);
    else if (rc == ERR_OK)
        rc = put_whole(client, move->to, &condition, &body, NULL, err);
    unlink(path);
    free(path);
    return rc;
}

int s3_object_move(struct store *st, const struct store_move *move, struct error *err)
{
    struct s3_client *client = client_of(st);
    struct s3_seen from = {0};
    store_count(&st->bill.moves, 1);
    if (!client->copies)
        return carry(client, move, err);
    int rc = look_at(client, move->from, &from, err);
    if (rc == ERR_OK && from.info.size > SINGLE_MAX)
        return carry(client, move, err);
    if (rc == ERR_OK)
        rc = check_guard(client, move, err);
    if (rc == ERR_OK)
        rc = copy(client, move, &from, err);
    return rc;
}

int s3_object_remove(struct store *st, const char *key, struct error *err)
{
    struct s3_client *client = client_of(st);
    store_count(&st->bill.deletes, 1);
    char *object = mem_strdup(key);
    char *id = NULL;
    int rc;
    if (s3_upload_split(object, &id)) {
        rc = s3_upload_abort(client, object, id, err);
    } else {
        struct transfer_answer answer;
        transfer_answer_init(&answer);
        struct s3_call call = {.op = S3_OP_DELETE, .key = key, .http = {.method = "DELETE"}};
        rc = s3_client_call(client, &call, &answer, err);
        transfer_answer_release(&answer);
    }
    free(object);
    return rc;
}
