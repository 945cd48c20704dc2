/* Lists of event files, and the source, in a manifest. */
#include "catalog/manifest_part.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "catalog/field.h"
#include "util/mem.h"

static struct json *copy_bound(const struct json *bound)
{
    return bound == NULL ? NULL : json_copy(bound);
}

void manifest_files_add(struct manifest_files *files, const struct manifest_file *file)
{
    files->items = mem_grow(files->items, files->count, &files->capacity, sizeof *files->items);
    struct manifest_file *copy = &files->items[files->count++];
    *copy = *file;
    copy->min = copy_bound(file->min);
    copy->max = copy_bound(file->max);
}

void manifest_files_release(struct manifest_files *files)
{
    for (size_t i = 0; i < files->count; i++) {
        json_free(files->items[i].min);
        json_free(files->items[i].max);
    }
    free(files->items);
    *files = (struct manifest_files){0};
}

static struct json *encode_file(const struct manifest_file *f, enum partition_by by)
{
    char partition[LAYOUT_PARTITION_SIZE];
    struct json *file = json_new_object();
    layout_partition(by, f->partition, partition);
    json_set_string(file, "key", f->key);
    json_set_unsigned(file, "size", f->size);
    json_set_string(file, "sha256", f->sha256);
    json_set_unsigned(file, "rows", f->rows);
    json_set_unsigned(file, "revised", f->revised);
    json_set_string(file, "partition", partition);
    json_set(file, "min", json_copy(f->min));
    json_set(file, "max", json_copy(f->max));
    return file;
}

struct json *manifest_files_encode(const struct manifest_files *files, const struct schema *s)
{
    struct json *list = json_new_array();
    for (size_t i = 0; i < files->count; i++)
        json_append(list, encode_file(&files->items[i], s->partition_by));
    return list;
}

/* The least or greatest value of each key column: null, or as many plain values as the key has. */
static int decode_bound(const struct json *file, const char *name, const char *at, size_t key_count,
                        struct json **out, struct error *err)
{
    const struct json *bound;
    if (json_is_null(json_get(file, name)))
        return ERR_OK;
    int rc = json_need_array(file, name, at, &bound, err);
    if (rc != ERR_OK)
        return rc;
    if (json_count(bound) != key_count)
        return field_bad(err, name, at, "has %zu values for a key of %zu columns",
                         json_count(bound), key_count);
    for (size_t i = 0; i < key_count; i++) {
        const struct json *value = json_at(bound, i);
        if (json_is_object(value) || json_is_array(value))
            return field_bad(err, name, at, "contains something that is not a plain value");
    }
    *out = json_copy(bound);
    return ERR_OK;
}

/* The key must be one that layout_event makes, and agree with the field `partition`. */
static int decode_key(const struct json *file, const char *at, enum partition_by by,
                      bool for_tables, struct manifest_file *out, struct error *err)
{
    const char *key;
    const char *partition;
    struct version_id version;
    int32_t value;
    int rc;
    if ((rc = json_need_string(file, "key", at, &key, err)) != ERR_OK ||
        (rc = json_need_string(file, "partition", at, &partition, err)) != ERR_OK)
        return rc;
    if (layout_parse_event(key, by, &version, &out->partition, NULL) != ERR_OK ||
        version.sequence == 0)
        return field_bad(err, "key", at, "is not the key of an event file");
    if (layout_parse_partition(partition, by, &value, NULL) != ERR_OK || value != out->partition)
        return field_bad(err, "partition", at, "does not fit the key");
    if (layout_event_for_tables(key) != for_tables)
        return field_bad(err, "key", at, "lies where this format has no event files");
    field_copy(out->key, sizeof out->key, key);
    out->sequence = version.sequence;
    return ERR_OK;
}

static int decode_file(const struct json *file, const char *at, const struct schema *s,
                       struct manifest_file *out, struct error *err)
{
    int rc;
    if ((rc = decode_key(file, at, s->partition_by, s->for_tables, out, err)) != ERR_OK ||
        (rc = json_need_unsigned(file, "size", at, &out->size, err)) != ERR_OK ||
        (rc = field_sha256(file, "sha256", at, out->sha256, err)) != ERR_OK ||
        (rc = json_need_unsigned(file, "rows", at, &out->rows, err)) != ERR_OK ||
        (rc = json_need_unsigned(file, "revised", at, &out->revised, err)) != ERR_OK ||
        (rc = decode_bound(file, "min", at, s->key_count, &out->min, err)) != ERR_OK ||
        (rc = decode_bound(file, "max", at, s->key_count, &out->max, err)) != ERR_OK)
        return rc;
    if (out->revised > out->rows)
        return field_bad(err, "revised", at, "is larger than its rows");
    return ERR_OK;
}

static int check_distinct(const struct manifest_files *files, const char *where, struct error *err)
{
    const char *twice = NULL;
    const char **keys = mem_calloc(files->count, sizeof *keys);
    for (size_t i = 0; i < files->count; i++)
        keys[i] = files->items[i].key;
    bool distinct = field_distinct(keys, files->count, &twice);
    free(keys);
    return distinct ? ERR_OK : error_set(err, ERR_DAMAGED, "%s names \"%s\" twice.", where, twice);
}

int manifest_files_decode(const struct json *list, const char *where, const struct schema *s,
                          struct manifest_files *out, struct error *err)
{
    int rc = ERR_OK;
    size_t count = json_count(list);
    *out =
        (struct manifest_files){.items = mem_calloc(count, sizeof *out->items), .capacity = count};
    for (size_t i = 0; rc == ERR_OK && i < count; i++) {
        char at[FIELD_WHERE_SIZE];
        snprintf(at, sizeof at, "%s[%zu]", where, i);
        out->count = i + 1;
        rc = decode_file(json_at(list, i), at, s, &out->items[i], err);
    }
    if (rc == ERR_OK)
        rc = check_distinct(out, where, err);
    if (rc != ERR_OK)
        manifest_files_release(out);
    return rc;
}

int manifest_files_sum(const struct manifest_files *files, uint64_t *rows, uint64_t *revised,
                       struct error *err)
{
    int rc = ERR_OK;
    *rows = 0;
    *revised = 0;
    for (size_t i = 0; rc == ERR_OK && i < files->count; i++) {
        rc = field_add(rows, files->items[i].rows, "the rows of the files", err);
        if (rc == ERR_OK)
            rc = field_add(revised, files->items[i].revised, "the revised rows", err);
    }
    return rc;
}

void manifest_source_release(struct manifest_source *s)
{
    free(s->url);
    free(s->etag);
    free(s->last_modified);
    *s = (struct manifest_source){0};
}

void manifest_source_copy(const struct manifest_source *from, struct manifest_source *to)
{
    *to = *from;
    to->url = mem_strdup(from->url);
    to->etag = mem_strdup(from->etag);
    to->last_modified = mem_strdup(from->last_modified);
}

struct json *manifest_source_encode(const struct manifest_source *s)
{
    struct json *source = json_new_object();
    json_set_string(source, "url", s->url);
    json_set_unsigned(source, "size", s->size);
    field_set_optional_sha256(source, "sha256", s->sha256);
    json_set_string(source, "etag", s->etag);
    json_set_string(source, "last_modified", s->last_modified);
    field_set_optional_sha256(source, "recipe", s->recipe);
    return source;
}

int manifest_source_decode(const struct json *value, struct manifest_source *out, struct error *err)
{
    static const char at[] = "source";
    int rc;
    *out = (struct manifest_source){0};
    if ((rc = field_optional_text(value, "url", at, &out->url, err)) != ERR_OK ||
        (rc = json_need_unsigned(value, "size", at, &out->size, err)) != ERR_OK ||
        (rc = field_optional_sha256(value, "sha256", at, out->sha256, err)) != ERR_OK ||
        (rc = field_optional_text(value, "etag", at, &out->etag, err)) != ERR_OK ||
        (rc = field_optional_text(value, "last_modified", at, &out->last_modified, err)) !=
            ERR_OK ||
        (rc = field_optional_sha256(value, "recipe", at, out->recipe, err)) != ERR_OK)
        manifest_source_release(out);
    return rc;
}
