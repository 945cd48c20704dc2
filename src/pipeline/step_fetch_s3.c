/*
 * Files of a bucket, through the contract of the store: one HEAD where the state is known and has not
 * changed; else a download of each file. Reads only; repeating it is harmless.
 */
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/run_private.h"
#include "store/store.h"
#include "util/mem.h"
#include "util/stop.h"
#include "util/str.h"
#include "util/uri.h"

struct object {
    char *key;
    uint64_t size;
};

/* Objects that a pattern names. */
struct matches {
    const char *pattern;
    struct object *items;
    size_t count, capacity;
};

/*
 * A bucket is reached as that of the store, except for what the source says itself, and for what is
 * meant for the bucket that is published to.
 */
static struct store_s3_options reach(const struct run *r)
{
    const struct config_source *source = &r->d->config->source;
    struct store_s3_options o = r->d->places.s3;
    o.reads_only = true;
    if (source->ca_bundle != NULL)
        o.ca_file = source->ca_bundle;
    if (source->proxy != NULL)
        o.proxy = source->proxy;
    return o;
}

/* "s3://bucket/a/b.csv": open the bucket; `key` is the rest. */
static int open_bucket(struct run *r, const struct config_url *url, const char **key,
                       struct store **out, struct error *err)
{
    const char *bucket = uri_authority(url->url);
    size_t length = strcspn(bucket, "/");
    char *root = mem_printf("s3://%.*s", (int)length, bucket);
    struct store_options options = {
        .s3 = reach(r), .setting = step_fetch_setting, .setting_ctx = r};
    *key = bucket + length + (bucket[length] == '/');
    int rc = store_open(root, &options, out, err);
    free(root);
    return rc;
}

static int absent(const char *shown, struct error *err)
{
    return error_set(err, ERR_SOURCE, "the source %s does not exist.", shown);
}

/* Before a download: is it more than may come? */
static int check_size(const struct run *r, const char *shown, uint64_t size, struct error *err)
{
    uint64_t most = r->d->config->source.max_bytes;
    if (most == 0 || (size <= most && r->identity.size <= most - size))
        return ERR_OK;
    return error_set(err, ERR_SOURCE,
                     "the source is larger than `source.max_bytes` allows: with %s it has %llu "
                     "bytes, %llu are allowed. Raise the limit if that is right.",
                     shown, (unsigned long long)(r->identity.size + size),
                     (unsigned long long)most);
}

/* Download an object of this size. `tag` (NULL allowed) gets the tag of what arrived. */
static int fetch_object(struct run *r, struct store *st, const char *key, const char *shown,
                        uint64_t size, struct store_tag *tag, struct error *err)
{
    int rc = check_size(r, shown, size, err);
    if (rc != ERR_OK)
        return rc;
    char *path = step_fetch_path(r, key);
    rc = store_get_file(st, key, path, tag, err);
    if (rc == ERR_OK)
        return step_source_add(r, path, shown, NULL, err);
    free(path);
    return rc == ERR_ABSENT ? absent(shown, err) : rc;
}

static int fetch_single(struct run *r, struct store *st, const char *key,
                        const struct config_url *url, const struct manifest_source *last,
                        bool *modified, struct error *err)
{
    struct store_info info;
    struct store_tag tag;
    int rc = store_head(st, key, &info, err);
    if (rc == ERR_ABSENT)
        return absent(url->shown, err);
    if (rc != ERR_OK)
        return rc;
    *modified = last == NULL || last->etag == NULL || last->size != info.size ||
                info.tag.text[0] == '\0' || strcmp(last->etag, info.tag.text) != 0;
    if (!*modified)
        return ERR_OK;
    rc = fetch_object(r, st, key, url->shown, info.size, &tag, err);
    /* Replaced between the two requests, it has a tag that belongs to other bytes. */
    if (rc == ERR_OK && r->d->config->source.url_count == 1 && tag.text[0] != '\0' &&
        strcmp(tag.text, info.tag.text) == 0)
        r->identity.etag = mem_strdup(tag.text);
    return rc;
}

static int keep_match(void *ctx, const struct store_entry *entry, struct error *err)
{
    struct matches *m = ctx;
    (void)err;
    if (fnmatch(m->pattern, entry->key, FNM_PATHNAME | FNM_PERIOD) != 0)
        return stop_check(err);
    m->items = mem_grow(m->items, m->count, &m->capacity, sizeof *m->items);
    m->items[m->count++] = (struct object){mem_strdup(entry->key), entry->size};
    return ERR_OK;
}

/* Every object that the pattern names, in byte order of the keys. */
static int fetch_matches(struct run *r, struct store *st, const char *pattern,
                         const struct config_url *url, struct error *err)
{
    struct matches m = {.pattern = pattern};
    size_t literal = strcspn(pattern, "*?[");
    while (literal > 0 && pattern[literal - 1] != '/')
        literal--;
    char *prefix = mem_strndup(pattern, literal);
    int rc = store_list(st, prefix, keep_match, &m, err);
    if (rc == ERR_OK && m.count == 0)
        rc = error_set(err, ERR_SOURCE, "no object matches the source %s.", url->shown);
    const char *bucket = uri_authority(url->shown);
    for (size_t i = 0; i < m.count && rc == ERR_OK; i++) {
        const struct object *o = &m.items[i];
        char *shown = mem_printf("s3://%.*s/%s", (int)strcspn(bucket, "/"), bucket, o->key);
        rc = fetch_object(r, st, o->key, shown, o->size, NULL, err);
        free(shown);
    }
    for (size_t i = 0; i < m.count; i++)
        free(m.items[i].key);
    free(m.items);
    free(prefix);
    return rc;
}

int step_fetch_s3(struct run *r, const struct config_url *url, const struct manifest_source *last,
                  bool *modified, struct error *err)
{
    struct store *st = NULL;
    const char *key;
    *modified = true;
    int rc = open_bucket(r, url, &key, &st, err);
    if (rc == ERR_OK && url->glob)
        rc = fetch_matches(r, st, key, url, err);
    else if (rc == ERR_OK)
        rc = fetch_single(r, st, key, url, last, modified, err);
    store_free(st);
    if (rc == ERR_OK || rc == ERR_SOURCE || rc == ERR_INTERRUPTED || rc == ERR_SYSTEM)
        return rc;
    error_prefix(err, "the source %s cannot be read", url->shown);
    if (err != NULL)
        err->code = ERR_SOURCE;
    return ERR_SOURCE;
}
