#include "store/s3/s3.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "net/http.h"
#include "net/xml.h"
#include "store/s3/client.h"
#include "store/store_backend.h"
#include "store/store_parallel.h"
#include "store/store_retry.h"
#include "util/mem.h"
#include "util/time.h"

#define PROBE_TRIES 3

/* The open store: what requests need, and the readiness to write. */
struct s3_store {
    struct s3_client client; /* first */
    pthread_mutex_t probing;
    bool prove;   /* whatever was learned before */
    bool doubted; /* it was already proven once more, after a refusal without cause */
};

static struct s3_store *store_of(struct store *st)
{
    return (struct s3_store *)st;
}

/* ---- The probe ------------------------------------------------------------------------------ */

/* What the server's behaviour is known by: where requests go, and which bucket they name. */
static char *identity_of(const struct s3_client *c)
{
    return mem_printf("%s://%s%s bucket %s", c->settings.scheme, c->settings.authority,
                      c->settings.base_path, c->settings.bucket);
}

static void use_dialect(void *ctx, const struct store_dialect *dialect)
{
    struct s3_client *c = ctx;
    c->unquoted = dialect->unquoted;
    c->multipart = dialect->multipart;
    c->copies = dialect->copies;
    c->absent_status = dialect->absent;
}

static long absent_status(void *ctx)
{
    return ((struct s3_client *)ctx)->absent_status;
}

static int server_name(void *ctx, const char *key, char out[STORE_PROBE_SERVER], struct error *err)
{
    struct transfer_answer answer;
    transfer_answer_init(&answer);
    struct s3_call call = {.op = S3_OP_HEAD, .key = key, .http = {.method = "HEAD"}};
    int rc = s3_client_call(ctx, &call, &answer, err);
    const char *name = http_header(&answer.head, "server");
    struct str text;
    str_init(&text, STORE_PROBE_SERVER - 1);
    str_append(&text, name != NULL ? name : "");
    memcpy(out, text.data, text.len + 1);
    str_release(&text);
    transfer_answer_release(&answer);
    return rc;
}

static struct s3_condition condition_of(const struct s3_client *c, const struct store_tag *expected)
{
    return expected == NULL ? s3_condition_absent() : s3_condition_tag(c, expected);
}

static int put_in_parts(void *ctx, const char *key, const struct store_tag *expected,
                        const struct store_body *body, struct error *err)
{
    struct s3_condition condition = condition_of(ctx, expected);
    return s3_upload_put(ctx, key, &condition, body, NULL, err);
}

static int copy_here(void *ctx, const char *from, const char *to, const struct store_tag *expected,
                     struct error *err)
{
    struct s3_client *c = ctx;
    const struct store_move move = {.from = from, .to = to, .expected = expected};
    c->copies = true; /* until the dialect is set the next time: several threads may be probing */
    return s3_object_move(&c->store, &move, err);
}

/* The twin is a variable of its maker. */
static void keep_twin(struct store *st)
{
    (void)st;
}

static const struct store_ops bare_ops = {
    .get = s3_object_get,
    .get_file = s3_download_file,
    .head = s3_object_head,
    .put_new = s3_object_put_new,
    .swap = s3_object_swap,
    .move = s3_object_move,
    .list = s3_list_all,
    .remove = s3_object_remove,
    .remove_many = s3_list_remove_many,
    .free = keep_twin,
};

/* One proof. */
struct proving {
    struct store_subject subject;
    struct store_dialect *dialect;
};

/* The same connection without the readiness check, so that the probe can write. */
static void make_twin(const struct s3_client *c, struct s3_client *twin)
{
    *twin = (struct s3_client){.settings = c->settings, .http = c->http, .chain = c->chain};
    twin->store = (struct store){.ops = &bare_ops, .traits = c->store.traits, .url = c->store.url};
    twin->clock_offset = c->clock_offset;
    twin->batches = true;
}

static int prove_once(void *ctx, struct error *err)
{
    struct proving *p = ctx;
    int rc = store_probe_prove(&p->subject, p->dialect, err);
    /* The probe's own objects have fresh names: whatever came of a lost answer is in nobody's way. */
    return rc == ERR_UNKNOWN ? ERR_AGAIN : rc;
}

/* Each request is repeated as any other, except in the races; then the whole proof. */
static int prove(struct s3_client *twin, struct store_dialect *dialect, struct error *err)
{
    const int64_t deadline = (int64_t)twin->settings.retry_seconds * 1000000;
    const struct store_retry_policy one = {.deadline = deadline};
    const struct store_retry_policy all = {.tries = PROBE_TRIES, .deadline = deadline};
    struct store *patient = store_retry_new(&twin->store, &one);
    struct proving p = {.dialect = dialect,
                        .subject = {
                            .store = &twin->store,
                            .patient = patient,
                            .ctx = twin,
                            .use = use_dialect,
                            .server = server_name,
                            .absent_status = absent_status,
                            .put_in_parts = put_in_parts,
                            .copy = copy_here,
                        }};
    int rc = store_retry_loop(&all, prove_once, &p, &twin->store.bill.retries, err);
    store_free(patient);
    return rc;
}

/* Some servers ignore conditions in buckets that keep old versions of objects. */
static void blame_versioning(struct s3_client *twin, struct error *err)
{
    struct str body;
    struct transfer_answer answer;
    struct s3_call call = {.op = S3_OP_LIST};
    str_init(&body, XML_BODY_MAX);
    transfer_answer_init(&answer);
    call.http = (struct transfer_request){.method = "GET", .into = &body};
    s3_call_query(&call, "versioning", "");
    if (s3_client_call(twin, &call, &answer, NULL) == ERR_OK &&
        strstr(body.data, "<Status>") != NULL)
        error_append(err, "Versioning is or was switched on for the bucket, and this server does "
                          "not honour conditions then: publish to a bucket without versioning.");
    transfer_answer_release(&answer);
    str_release(&body);
}

/* With `again` whatever was learned before is forgotten first. */
static int probe_locked(struct s3_store *s, bool again, struct error *err)
{
    struct s3_client *c = &s->client;
    struct s3_client twin;
    struct store_dialect dialect = {0};
    char *identity = identity_of(c);
    make_twin(c, &twin);
    /* A probe for information only leaves nothing in the store. */
    const struct store_proof kept = {c->settings.cache_folder, identity,
                                     s->prove ? NULL : &twin.store};
    int rc = ERR_OK;
    if (again)
        store_probe_forget(&kept);
    if (s->prove || again || !store_probe_load(&kept, time_now(), &dialect)) {
        rc = prove(&twin, &dialect, err);
        use_dialect(&twin, &dialect);
        if (rc == ERR_OK)
            store_probe_save(&kept, time_now(), &dialect);
        if (rc == ERR_GATE) {
            c->store.traits.compare_and_swap = false;
            blame_versioning(&twin, err);
        }
    }
    c->clock_offset = twin.clock_offset;
    c->batches = twin.batches;
    store_bill_add(&c->store.bill, &twin.store.bill);
    c->probed = rc == ERR_OK;
    if (rc == ERR_OK)
        use_dialect(c, &dialect);
    free(identity);
    return rc;
}

static int s3_probe(struct store *st, struct error *err)
{
    struct s3_store *s = store_of(st);
    int rc = ERR_OK;
    if (s->client.probed)
        return ERR_OK;
    pthread_mutex_lock(&s->probing);
    if (!s->client.probed)
        rc = probe_locked(s, false, err);
    pthread_mutex_unlock(&s->probing);
    return rc;
}

/*
 * A replacement was refused although the object is in the state that it named: the server is not what
 * it was when it was proven (versioning was switched on, or another version runs). It is proven once
 * more. Nothing was changed by the refused request.
 */
static int doubt_conditions(struct s3_store *s, const char *key, const struct store_tag *expected,
                            struct error *err)
{
    struct store_info info;
    if (s->doubted || s3_object_head(&s->client.store, key, &info, NULL) != ERR_OK ||
        !store_tag_equal(&info.tag, expected))
        return ERR_CONFLICT;
    pthread_mutex_lock(&s->probing);
    s->doubted = true;
    int rc = probe_locked(s, true, err);
    pthread_mutex_unlock(&s->probing);
    if (rc == ERR_OK)
        return error_set(err, ERR_AGAIN,
                         "%s was not replaced: the server behaves differently than before; how is "
                         "known now.",
                         key);
    return rc == ERR_GATE ? rc : ERR_CONFLICT;
}

/* ---- Operations that write need the proof first --------------------------------------------- */

static int s3_put_new(struct store *st, const char *key, const struct store_body *body,
                      struct store_tag *tag, struct error *err)
{
    int rc = s3_probe(st, err);
    return rc == ERR_OK ? s3_object_put_new(st, key, body, tag, err) : rc;
}

static int s3_swap(struct store *st, const char *key, const struct store_tag *expected,
                   const struct store_body *body, struct store_tag *tag, struct error *err)
{
    int rc = s3_probe(st, err);
    if (rc != ERR_OK)
        return rc;
    rc = s3_object_swap(st, key, expected, body, tag, err);
    return rc == ERR_CONFLICT && expected != NULL
               ? doubt_conditions(store_of(st), key, expected, err)
               : rc;
}

static int s3_move(struct store *st, const struct store_move *move, struct error *err)
{
    int rc = s3_probe(st, err);
    return rc == ERR_OK ? s3_object_move(st, move, err) : rc;
}

static int s3_put_many(struct store *st, const char *const *keys, const struct store_body *bodies,
                       size_t count, bool *written, struct error *err)
{
    return store_parallel_put_many(st, store_of(st)->client.settings.transfers, keys, bodies, count,
                                   written, err);
}

static void s3_free(struct store *st)
{
    struct s3_store *s = store_of(st);
    aws_chain_free(s->client.chain);
    http_free(s->client.http);
    s3_settings_release(&s->client.settings);
    pthread_mutex_destroy(&s->probing);
    free(st->url);
    free(s);
}

/* ---- For people ----------------------------------------------------------------------------- */

static void describe_dialect(const struct s3_client *c, struct str *out)
{
    if (!c->probed)
        return;
    str_printf(out,
               "; it takes ETags %s, and conditions hold for multipart uploads: %s, for copies: %s",
               c->unquoted ? "without quotes" : "in quotes", c->multipart ? "yes" : "no",
               c->copies ? "yes" : "no");
}

static int s3_describe(struct store *st, struct str *out, struct error *err)
{
    struct s3_client *c = &store_of(st)->client;
    struct aws_credentials who = {0};
    char when[TIME_TEXT_SIZE];
    int rc = aws_chain_get(c->chain, &who, err);
    if (rc != ERR_OK)
        return rc;
    str_printf(out, "%s://%s%s, region %s, credentials from %s", c->settings.scheme,
               c->settings.authority, c->settings.base_path, c->settings.region, who.source);
    if (who.expires != 0 && time_format(who.expires, when, NULL) == ERR_OK)
        str_printf(out, ", valid until %s", when);
    describe_dialect(c, out);
    str_append_char(out, '.');
    aws_credentials_release(&who);
    return str_check(out, "The description of the store", err);
}

/* ---- Opening -------------------------------------------------------------------------------- */

static const struct store_ops s3_ops = {
    .get = s3_object_get,
    .get_file = s3_download_file,
    .head = s3_object_head,
    .put_new = s3_put_new,
    .swap = s3_swap,
    .move = s3_move,
    .list = s3_list_all,
    .remove = s3_object_remove,
    .remove_many = s3_list_remove_many,
    .put_many = s3_put_many,
    .probe = s3_probe,
    .describe = s3_describe,
    .free = s3_free,
};

static int open_parts(struct s3_store *s, const struct aws_lookup *lookup, struct error *err)
{
    const struct s3_settings *settings = &s->client.settings;
    const struct http_options options = {
        .ca_file = settings->ca_file,
        .allow_plain = settings->allow_plain,
        .connect_seconds = settings->connect_seconds,
        .stall_seconds = settings->stall_seconds,
        .total_seconds = settings->total_seconds,
        .proxy = settings->proxy,
        .plain_proxy = settings->plain_proxy,
        .no_proxy = settings->no_proxy,
    };
    int rc = http_new(&options, &s->client.http, err);
    if (rc == ERR_OK)
        rc = aws_chain_new(lookup, s->client.http, &s->client.chain, err);
    return rc;
}

int store_s3_open_bare(const char *url, const struct store_options *options, struct store **out,
                       struct error *err)
{
    const struct aws_lookup lookup = {.get = options->setting,
                                      .ctx = options->setting_ctx,
                                      .profile = options->s3.profile,
                                      .region = options->s3.region};
    struct s3_settings settings;
    int rc = s3_settings_load(url, &options->s3, &lookup, &settings, err);
    if (rc != ERR_OK)
        return rc;
    struct s3_store *s = mem_calloc(1, sizeof *s);
    pthread_mutex_init(&s->probing, NULL);
    s->prove = options->prove;
    s->client.settings = settings;
    s->client.batches = true;
    s->client.store.ops = &s3_ops;
    s->client.store.traits = (struct store_traits){.kind = "s3",
                                                   .compare_and_swap = true,
                                                   .labels = true,
                                                   .parallel = settings.transfers,
                                                   .server = settings.endpoint};
    s->client.store.url = mem_printf("s3://%s%s%s", settings.bucket,
                                     settings.prefix[0] != '\0' ? "/" : "", settings.prefix);
    rc = open_parts(s, &lookup, err);
    if (rc != ERR_OK) {
        s3_free(&s->client.store);
        return rc;
    }
    *out = &s->client.store;
    return ERR_OK;
}

int store_s3_open(const char *url, const struct store_options *options, struct store **out,
                  struct error *err)
{
    struct store *bare = NULL;
    int rc = store_s3_open_bare(url, options, &bare, err);
    if (rc != ERR_OK)
        return rc;
    const struct s3_settings *settings = &store_of(bare)->client.settings;
    const struct store_retry_policy policy = {
        .deadline = (int64_t)settings->retry_seconds * 1000000,
        .transfers = settings->transfers,
    };
    *out = store_retry_new(bare, &policy);
    return ERR_OK;
}
