/* Listings, unfinished uploads among them, and deletion of many objects. */
#include "net/aws/sign.h"
#include "net/xml.h"
#include "store/s3/client.h"

#include <stdlib.h>
#include <string.h>

#include "store/store_backend.h"
#include "store/store_parallel.h"
#include "util/mem.h"
#include "util/stop.h"

#define UPLOADS_MAX 100000
/* Pages in a row that may be empty: some servers skip deleted objects like that. */
#define IDLE_MAX 1000
#define BATCH 1000
#define BATCH_MAX ((size_t)8 << 20)

/* Unfinished uploads below a prefix, under the names they are listed by, sorted. */
struct remains {
    char **names;
    size_t count, capacity;
    size_t next; /* the first not yet reported */
};

struct listing {
    struct s3_client *client;
    char *prefix; /* in the bucket */
    size_t root;  /* bytes of the bucket's key before ours */
    struct remains remains;
    char *last; /* the key listed last: order is part of the contract */
    unsigned idle;
    store_visit *visit;
    void *ctx;
};

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void remains_release(struct remains *r)
{
    for (size_t i = 0; i < r->count; i++)
        free(r->names[i]);
    free(r->names);
}

static int add_uploads(struct listing *l, const struct s3_wire_uploads *page, struct error *err)
{
    struct remains *r = &l->remains;
    for (size_t i = 0; i < page->count; i++) {
        if (r->count == UPLOADS_MAX)
            return error_set(err, ERR_LIMIT, "There are more than %d unfinished uploads below %s.",
                             UPLOADS_MAX, l->client->store.url);
        if (!str_starts(page->uploads[i].key, l->prefix))
            continue;
        r->names = mem_grow(r->names, r->count, &r->capacity, sizeof *r->names);
        r->names[r->count++] = mem_printf("%s%s%s", page->uploads[i].key + l->root,
                                          STORE_UPLOAD_MARK, page->uploads[i].id);
    }
    return ERR_OK;
}

/* One page of a listing of the bucket into `body`. */
static int list_page(struct listing *l, struct s3_call *call, struct str *body, struct error *err)
{
    struct transfer_answer answer;
    transfer_answer_init(&answer);
    str_clear(body);
    call->op = S3_OP_LIST;
    call->http = (struct transfer_request){.method = "GET", .into = body};
    s3_call_query(call, "prefix", l->prefix);
    s3_call_query(call, "encoding-type", "url");
    store_count(&l->client->store.bill.lists, 1);
    int rc = s3_client_call(l->client, call, &answer, err);
    transfer_answer_release(&answer);
    return rc;
}

/*
 * A listing that does not advance would never end: a page must not lead back to where it began, and
 * pages must not stay empty for ever.
 */
static int check_progress(struct listing *l, bool repeats, bool brought, struct error *err)
{
    l->idle = brought ? 0 : l->idle + 1;
    if (!repeats && l->idle <= IDLE_MAX)
        return stop_check(err);
    error_set(err, ERR_DENIED, "The server's listing of %s does not end: %s.", l->client->store.url,
              repeats ? "a page continues where it began"
                      : "page after page is empty and promises more");
    return error_tell(err, ERR_DENIED, ERROR_UNCHANGED,
                      "Do not trust this server, or what is in front of it.");
}

static bool same_text(const char *a, const char *b)
{
    return strcmp(a != NULL ? a : "", b != NULL ? b : "") == 0;
}

/* Does the next page of uploads begin where this one did? */
static bool uploads_repeat(const struct s3_wire_uploads *page, const char *key, const char *id)
{
    return page->truncated && key != NULL && same_text(page->next_key, key) &&
           same_text(page->next_id, id);
}

static int find_uploads(struct listing *l, struct str *body, struct error *err)
{
    struct s3_wire_uploads page = {0};
    bool more = true;
    int rc = ERR_OK;
    while (rc == ERR_OK && more) {
        struct s3_call call = {0};
        s3_call_query(&call, "uploads", "");
        if (page.next_key != NULL)
            s3_call_query(&call, "key-marker", page.next_key);
        if (page.next_key != NULL && page.next_id != NULL)
            s3_call_query(&call, "upload-id-marker", page.next_id);
        rc = list_page(l, &call, body, err);
        struct s3_wire_uploads before = page;
        size_t count = l->remains.count;
        page = (struct s3_wire_uploads){0};
        if (rc == ERR_OK)
            rc = s3_wire_uploads_parse(body->data, body->len, &page, err);
        if (rc == ERR_OK)
            rc = add_uploads(l, &page, err);
        if (rc == ERR_OK)
            rc = check_progress(l, uploads_repeat(&page, before.next_key, before.next_id),
                                l->remains.count > count, err);
        more = page.truncated;
        s3_wire_uploads_release(&before);
    }
    s3_wire_uploads_release(&page);
    if (l->remains.count > 1)
        qsort(l->remains.names, l->remains.count, sizeof *l->remains.names, compare_names);
    return rc;
}

/* Report the remains that come before `key` (NULL: all that are left). */
static int visit_remains(struct listing *l, const char *key, struct error *err)
{
    struct remains *r = &l->remains;
    while (r->next < r->count && (key == NULL || strcmp(r->names[r->next], key) < 0)) {
        const struct store_entry entry = {.key = r->names[r->next++]};
        int rc = l->visit(l->ctx, &entry, err);
        if (rc != ERR_OK)
            return rc;
    }
    return ERR_OK;
}

static int visit_object(struct listing *l, const struct s3_wire_object *object, struct error *err)
{
    if (!str_starts(object->key, l->prefix))
        return error_set(err, ERR_DAMAGED, "The listing of %s names an object outside of it.",
                         l->client->store.url);
    const char *key = object->key + l->root;
    if (l->last != NULL && strcmp(l->last, key) >= 0)
        return error_set(err, ERR_GATE, "The server does not list %s in the order of the keys.",
                         l->client->store.url);
    free(l->last);
    l->last = mem_strdup(key);
    /* What a console calls a folder, and other names that are not ours. */
    if (store_key_check(key, NULL) != ERR_OK)
        return ERR_OK;
    int rc = visit_remains(l, key, err);
    const struct store_entry entry = {.key = key, .size = object->size};
    return rc == ERR_OK ? l->visit(l->ctx, &entry, err) : rc;
}

static int list_objects(struct listing *l, struct str *body, struct error *err)
{
    struct s3_wire_list page = {0};
    bool more = true;
    int rc = ERR_OK;
    while (rc == ERR_OK && more) {
        struct s3_call call = {0};
        s3_call_query(&call, "list-type", "2");
        if (page.token != NULL)
            s3_call_query(&call, "continuation-token", page.token);
        rc = list_page(l, &call, body, err);
        struct s3_wire_list before = page;
        page = (struct s3_wire_list){0};
        if (rc == ERR_OK)
            rc = s3_wire_list_parse(body->data, body->len, &page, err);
        for (size_t i = 0; rc == ERR_OK && i < page.count; i++)
            rc = visit_object(l, &page.objects[i], err);
        if (rc == ERR_OK)
            rc = check_progress(l, page.truncated && same_text(page.token, before.token),
                                page.count > 0, err);
        more = page.truncated;
        s3_wire_list_release(&before);
    }
    s3_wire_list_release(&page);
    return rc;
}

int s3_list_all(struct store *st, const char *prefix, store_visit *visit, void *ctx,
                struct error *err)
{
    struct s3_client *client = (struct s3_client *)st;
    struct listing l = {.client = client, .visit = visit, .ctx = ctx};
    struct str body;
    str_init(&body, XML_BODY_MAX);
    l.prefix = s3_client_name(client, prefix);
    l.root = strlen(l.prefix) - strlen(prefix);
    int rc = find_uploads(&l, &body, err);
    if (rc == ERR_GATE) {
        error_clear(err);
        rc = ERR_OK; /* a server without such uploads has no remains of them */
    }
    l.idle = 0;
    if (rc == ERR_OK)
        rc = list_objects(&l, &body, err);
    if (rc == ERR_OK)
        rc = visit_remains(&l, NULL, err);
    remains_release(&l.remains);
    free(l.last);
    free(l.prefix);
    str_release(&body);
    return rc;
}

struct singles {
    struct store *st;
    const char *const *keys;
    _Atomic size_t removed;
};

static int remove_one(void *ctx, size_t index, struct error *err)
{
    struct singles *s = ctx;
    int rc = s3_object_remove(s->st, s->keys[index], err);
    if (rc == ERR_OK)
        s->removed++;
    return rc;
}

static int remove_singly(struct s3_client *client, const char *const *keys, size_t count,
                         size_t *removed, struct error *err)
{
    struct singles s = {.st = &client->store, .keys = keys};
    int rc = store_parallel(count, client->settings.transfers, false, remove_one, &s, err);
    *removed += s.removed;
    return rc;
}

static void batch_document(struct s3_client *client, const char *const *keys, size_t count,
                           struct str *xml)
{
    str_append(xml, "<Delete><Quiet>true</Quiet>");
    for (size_t i = 0; i < count; i++) {
        char *name = s3_client_name(client, keys[i]);
        str_append(xml, "<Object><Key>");
        xml_escape(name, xml);
        str_append(xml, "</Key></Object>");
        free(name);
    }
    str_append(xml, "</Delete>");
}

/* Judge the failures a batch reports; `removed` is what it does not report. */
static int judge_batch(const struct s3_wire_deleted *result, size_t count, size_t *removed,
                       struct error *err)
{
    int rc = ERR_OK;
    size_t failed = 0;
    for (size_t i = 0; i < result->count; i++) {
        const struct s3_wire_failure *f = &result->failures[i];
        int code = s3_wire_classify(S3_OP_DELETE, 200, f->error.code);
        if (code == ERR_OK && f->error.code[0] != '\0')
            continue;
        failed++;
        if (rc == ERR_OK)
            rc = error_set(err, code == ERR_OK ? ERR_AGAIN : code, "%s was not deleted: %s (%s).",
                           f->key, f->error.code, f->error.message);
    }
    *removed += count - (failed < count ? failed : count);
    return rc;
}

static int remove_batch(struct s3_client *client, const char *const *keys, size_t count,
                        size_t *removed, struct error *err)
{
    struct transfer_answer answer;
    struct str xml;
    struct str body;
    struct str checksum;
    char digest[SHA256_HEX_SIZE];
    struct s3_wire_deleted result = {0};
    transfer_answer_init(&answer);
    str_init(&xml, BATCH_MAX);
    str_init(&body, XML_BODY_MAX);
    str_init(&checksum, 64);
    batch_document(client, keys, count, &xml);
    sha256_hex(xml.data, xml.len, digest);
    aws_sign_base64_of_hex(digest, &checksum);
    struct s3_call call = {
        .op = S3_OP_DELETE_MANY,
        .http = {
            .method = "POST", .bytes = xml.data, .size = xml.len, .sha256 = digest, .into = &body}};
    s3_call_query(&call, "delete", "");
    s3_call_header(&call, "x-amz-checksum-sha256", checksum.data);
    store_count(&client->store.bill.deletes, 1);
    int rc = s3_client_call(client, &call, &answer, err);
    /* A server that answers like this knows no batches. */
    if (rc == ERR_OK && s3_wire_deleted_parse(body.data, body.len, &result, err) != ERR_OK)
        rc = ERR_GATE;
    if (rc == ERR_OK)
        rc = judge_batch(&result, count, removed, err);
    s3_wire_deleted_release(&result);
    str_release(&checksum);
    str_release(&body);
    str_release(&xml);
    transfer_answer_release(&answer);
    return rc;
}

/* Names of unfinished uploads cannot go into a batch. */
static bool is_plain(const char *key)
{
    return strstr(key, STORE_UPLOAD_MARK) == NULL;
}

static int remove_some(struct s3_client *client, const char *const *keys, size_t count,
                       size_t *removed, struct error *err)
{
    bool plain = client->batches && count > 1;
    for (size_t i = 0; i < count && plain; i++)
        plain = is_plain(keys[i]);
    if (!plain)
        return remove_singly(client, keys, count, removed, err);
    size_t gone = 0;
    int rc = remove_batch(client, keys, count, &gone, err);
    /* Some servers want another checksum, or know no batches: from now on one by one. */
    if (rc == ERR_GATE || rc == ERR_DENIED) {
        client->batches = false;
        gone = 0;
        rc = remove_singly(client, keys, count, &gone, err);
    }
    *removed += gone;
    return rc;
}

int s3_list_remove_many(struct store *st, const char *const *keys, size_t count, size_t *removed,
                        struct error *err)
{
    struct s3_client *client = (struct s3_client *)st;
    int first = ERR_OK;
    *removed = 0;
    for (size_t i = 0; i < count; i += BATCH) {
        size_t some = count - i < BATCH ? count - i : BATCH;
        struct error why = ERROR_INIT;
        int rc = remove_some(client, keys + i, some, removed, &why);
        if (rc != ERR_OK && first == ERR_OK) {
            first = rc;
            if (err != NULL)
                *err = why;
        }
    }
    return first;
}
