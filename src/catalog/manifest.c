#include "catalog/manifest.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "catalog/field.h"
#include "catalog/manifest_part.h"
#include "util/time.h"

static const char where[] = "the manifest";

void manifest_release(struct manifest *m)
{
    manifest_source_release(&m->source);
    manifest_files_release(&m->files);
    schema_release(&m->schema);
    manifest_files_release(&m->checkpoint);
    *m = (struct manifest){0};
}

static void copy_files(const struct manifest_files *from, struct manifest_files *to)
{
    *to = (struct manifest_files){0};
    for (size_t i = 0; i < from->count; i++)
        manifest_files_add(to, &from->items[i]);
}

void manifest_copy(const struct manifest *from, struct manifest *to)
{
    *to = *from;
    manifest_source_copy(&from->source, &to->source);
    copy_files(&from->files, &to->files);
    schema_copy(&from->schema, &to->schema);
    copy_files(&from->checkpoint, &to->checkpoint);
}

static struct json *encode_parent(const struct manifest *m)
{
    if (m->parent.sequence == 0)
        return json_new_null();
    struct json *parent = json_new_object();
    json_set_string(parent, "key", m->parent_key);
    json_set_string(parent, "sha256", m->parent_sha256);
    field_set_version(parent, &m->parent);
    return parent;
}

static struct json *encode_outputs(const struct manifest *m)
{
    struct json *outputs = json_new_object();
    json_set(outputs, "files", manifest_files_encode(&m->files, &m->schema));
    json_set_unsigned(outputs, "rows_added_this_version", m->rows_added);
    json_set_unsigned(outputs, "rows_revised", m->rows_revised);
    json_set_unsigned(outputs, "rows_total", m->rows_total);
    return outputs;
}

static struct json *encode_index(const struct manifest *m)
{
    struct json *index = json_new_object();
    json_set(index, "key_columns", manifest_key_encode(&m->schema));
    json_set_string(index, "hash_column", COLUMN_KEY_HASH);
    field_set_bits(index, "hash_seed", m->key_seed);
    field_set_keys(index, "keys", &m->keys);
    return index;
}

void manifest_encode(const struct manifest *m, struct str *out)
{
    char name[LAYOUT_NAME_SIZE];
    char time[TIME_TEXT_SIZE];
    struct json *root = json_new_object();
    layout_name(&m->version, name);
    /* The time is a label: one outside the calendar must not get in the way of the data. */
    if (time_format(m->time, time, NULL) != ERR_OK)
        error_ignore(time_format(0, time, NULL)); /* 1970 is in every calendar */
    json_set_integer(root, "format", m->schema.for_tables ? MANIFEST_FORMAT : 1);
    json_set_string(root, "dataset_id", m->dataset);
    json_set_string(root, "version", name);
    field_set_version(root, &m->version);
    json_set(root, "parent", encode_parent(m));
    json_set_unsigned(root, "base_sequence", m->parent.sequence);
    if (m->gc_epoch > 0)
        json_set_unsigned(root, "gc_epoch", m->gc_epoch);
    json_set_string(root, "run_id", m->run_id);
    json_set_string(root, "created_at", time);
    json_set(root, "source", manifest_source_encode(&m->source));
    json_set(root, "outputs", encode_outputs(m));
    json_set(root, "index", encode_index(m));
    json_set(root, "schema", manifest_schema_encode(&m->schema));
    if (m->has_checkpoint) {
        struct json *checkpoint = json_new_object();
        json_set(checkpoint, "files", manifest_files_encode(&m->checkpoint, &m->schema));
        json_set(root, "checkpoint", checkpoint);
    }
    field_write(root, out);
}

static int decode_parent(const struct json *root, struct manifest *m, struct error *err)
{
    static const char at[] = "parent";
    const struct json *parent;
    const char *key;
    uint64_t base;
    int rc = json_need_unsigned(root, "base_sequence", where, &base, err);
    if (rc != ERR_OK)
        return rc;
    if (base != m->version.sequence - 1)
        return field_bad(err, "base_sequence", where, "is not the sequence minus one");
    if (base == 0 && json_is_null(json_get(root, "parent")))
        return ERR_OK;
    if ((rc = json_need_object(root, "parent", where, &parent, err)) != ERR_OK ||
        (rc = field_version(parent, at, &m->parent, err)) != ERR_OK ||
        (rc = json_need_string(parent, "key", at, &key, err)) != ERR_OK ||
        (rc = field_sha256(parent, "sha256", at, m->parent_sha256, err)) != ERR_OK)
        return rc;
    if (m->parent.sequence != base || base == 0)
        return field_bad(err, "sequence", at, "is not the base sequence");
    layout_manifest(&m->parent, m->parent_key);
    if (strcmp(key, m->parent_key) != 0)
        return field_bad(err, "key", at, "is not the key of the parent's manifest");
    return ERR_OK;
}

/* Absent in the first epoch. */
static int decode_epoch(const struct json *root, struct manifest *m, struct error *err)
{
    if (json_is_null(json_get(root, "gc_epoch")))
        return ERR_OK;
    return json_need_unsigned(root, "gc_epoch", where, &m->gc_epoch, err);
}

static int decode_identity(const struct json *root, struct manifest *m, struct error *err)
{
    char name[LAYOUT_NAME_SIZE];
    const char *dataset;
    const char *version;
    const char *created;
    int rc;
    if ((rc = json_need_string(root, "dataset_id", where, &dataset, err)) != ERR_OK ||
        (rc = json_need_string(root, "version", where, &version, err)) != ERR_OK ||
        (rc = field_version(root, where, &m->version, err)) != ERR_OK)
        return rc;
    if (!field_dataset_valid(dataset))
        return field_bad(err, "dataset_id", where, "is not the id of a dataset");
    field_copy(m->dataset, sizeof m->dataset, dataset);
    layout_name(&m->version, name);
    if (m->version.sequence == 0)
        return field_bad(err, "sequence", where, "is 0, and versions start at 1");
    if (strcmp(name, version) != 0)
        return field_bad(err, "version", where, "does not fit its sequence and commit");
    if ((rc = decode_parent(root, m, err)) != ERR_OK ||
        (rc = decode_epoch(root, m, err)) != ERR_OK ||
        (rc = field_id(root, "run_id", where, m->run_id, err)) != ERR_OK ||
        (rc = json_need_string(root, "created_at", where, &created, err)) != ERR_OK)
        return rc;
    if (time_parse(created, &m->time, NULL) != ERR_OK)
        return field_bad(err, "created_at", where, "is not a time of RFC 3339");
    return ERR_OK;
}

static int decode_index(const struct json *root, struct manifest *m, struct error *err)
{
    static const char at[] = "index";
    const struct json *index;
    const struct json *key_columns;
    const struct json *schema;
    const char *hash;
    int rc;
    if ((rc = json_need_object(root, "index", where, &index, err)) != ERR_OK ||
        (rc = json_need_array(index, "key_columns", at, &key_columns, err)) != ERR_OK ||
        (rc = json_need_string(index, "hash_column", at, &hash, err)) != ERR_OK ||
        (rc = field_bits(index, "hash_seed", at, &m->key_seed, err)) != ERR_OK ||
        (rc = field_keys(index, "keys", at, &m->keys, err)) != ERR_OK ||
        (rc = json_need_object(root, "schema", where, &schema, err)) != ERR_OK)
        return rc;
    if (strcmp(hash, COLUMN_KEY_HASH) != 0)
        return field_bad(err, "hash_column", at, "is \"%.40s\", which is not one of our hashes",
                         hash);
    return manifest_schema_decode(schema, key_columns, &m->schema, err);
}

/* Each file was written by this version: its folder carries the name. */
static int check_own(const struct manifest *m, struct error *err)
{
    for (size_t i = 0; i < m->files.count; i++) {
        if (!layout_event_is_of(m->files.items[i].key, &m->version))
            return error_set(err, ERR_DAMAGED, "outputs.files[%zu] belongs to another version.", i);
    }
    return ERR_OK;
}

static int check_rows(const struct manifest *m, struct error *err)
{
    static const char at[] = "outputs";
    uint64_t rows;
    uint64_t revised;
    int rc = manifest_files_sum(&m->files, &rows, &revised, err);
    if (rc != ERR_OK)
        return rc;
    if (rows != m->rows_added)
        return field_bad(err, "rows_added_this_version", at,
                         "is %" PRIu64 ", and its files hold %" PRIu64, m->rows_added, rows);
    if (revised != m->rows_revised)
        return field_bad(err, "rows_revised", at, "is %" PRIu64 ", and its files hold %" PRIu64,
                         m->rows_revised, revised);
    if (revised > 0 && !m->schema.track_revisions)
        return field_bad(err, "rows_revised", at, "is not 0, and revisions are ignored");
    if (m->rows_total < rows || m->keys.count > m->rows_total)
        return field_bad(err, "rows_total", at, "is less than what it counts");
    bool first = m->version.sequence == 1;
    if (first && (m->rows_total != rows || revised != 0 || m->keys.count != rows))
        return field_bad(err, "rows_total", at, "is not possible in a first version");
    return ERR_OK;
}

static int decode_outputs(const struct json *root, struct manifest *m, struct error *err)
{
    static const char at[] = "outputs";
    const struct json *outputs;
    const struct json *files;
    int rc;
    if ((rc = json_need_object(root, "outputs", where, &outputs, err)) != ERR_OK ||
        (rc = json_need_array(outputs, "files", at, &files, err)) != ERR_OK ||
        (rc = json_need_unsigned(outputs, "rows_added_this_version", at, &m->rows_added, err)) !=
            ERR_OK ||
        (rc = json_need_unsigned(outputs, "rows_revised", at, &m->rows_revised, err)) != ERR_OK ||
        (rc = json_need_unsigned(outputs, "rows_total", at, &m->rows_total, err)) != ERR_OK ||
        (rc = manifest_files_decode(files, "outputs.files", &m->schema, &m->files, err)) != ERR_OK)
        return rc;
    rc = check_own(m, err);
    return rc == ERR_OK ? check_rows(m, err) : rc;
}

/* Oldest version first, this version's files last and exactly as in `outputs`. */
static int check_checkpoint(const struct manifest *m, struct error *err)
{
    const struct manifest_files *all = &m->checkpoint;
    uint64_t rows;
    uint64_t revised;
    int rc = manifest_files_sum(all, &rows, &revised, err);
    if (rc != ERR_OK)
        return rc;
    if (rows > m->rows_total || all->count < m->files.count)
        return error_set(err, ERR_DAMAGED, "The checkpoint does not fit the outputs.");
    size_t older = all->count - m->files.count;
    for (size_t i = 0; i < all->count; i++) {
        const struct manifest_file *file = &all->items[i];
        if (i > 0 && file->sequence < all->items[i - 1].sequence)
            return error_set(err, ERR_DAMAGED, "checkpoint.files[%zu] is out of order.", i);
        bool own = file->sequence == m->version.sequence;
        if (own != (i >= older) || (own && strcmp(file->key, m->files.items[i - older].key) != 0))
            return error_set(err, ERR_DAMAGED,
                             "checkpoint.files[%zu] does not fit the files of this version.", i);
    }
    return ERR_OK;
}

static int decode_checkpoint(const struct json *root, struct manifest *m, struct error *err)
{
    const struct json *checkpoint;
    const struct json *files;
    int rc;
    if (json_is_null(json_get(root, "checkpoint")))
        return ERR_OK;
    if ((rc = json_need_object(root, "checkpoint", where, &checkpoint, err)) != ERR_OK ||
        (rc = json_need_array(checkpoint, "files", "checkpoint", &files, err)) != ERR_OK ||
        (rc = manifest_files_decode(files, "checkpoint.files", &m->schema, &m->checkpoint, err)) !=
            ERR_OK)
        return rc;
    m->has_checkpoint = true;
    return check_checkpoint(m, err);
}

/* Where its files lie, and what types they have, is a matter of the format. */
static int decode_place(const struct json *root, struct manifest *m, struct error *err)
{
    uint64_t format;
    int rc = json_need_unsigned(root, "format", where, &format, err);
    m->schema.for_tables = rc == ERR_OK && format > 1;
    return rc;
}

static int decode_root(const struct json *root, struct manifest *m, struct error *err)
{
    const struct json *source;
    int rc;
    if ((rc = field_format(root, where, MANIFEST_FORMAT, err)) != ERR_OK ||
        (rc = decode_identity(root, m, err)) != ERR_OK ||
        (rc = json_need_object(root, "source", where, &source, err)) != ERR_OK ||
        (rc = manifest_source_decode(source, &m->source, err)) != ERR_OK ||
        (rc = decode_index(root, m, err)) != ERR_OK ||
        (rc = decode_place(root, m, err)) != ERR_OK ||
        (rc = decode_outputs(root, m, err)) != ERR_OK)
        return rc;
    return decode_checkpoint(root, m, err);
}

int manifest_decode(const char *bytes, size_t count, const char *what, struct manifest *out,
                    struct error *err)
{
    struct json *root = NULL;
    *out = (struct manifest){0};
    int rc = json_parse(bytes, count, where, &root, err);
    if (rc == ERR_OK)
        rc = decode_root(root, out, err);
    json_free(root);
    if (rc != ERR_OK) {
        manifest_release(out);
        error_prefix(err, "%s", what);
    }
    return rc;
}

int manifest_follows(const struct manifest *parent, const struct manifest *child, struct error *err)
{
    if (strcmp(parent->dataset, child->dataset) != 0)
        return error_set(err, ERR_DAMAGED, "It belongs to dataset %s, its parent to %s.",
                         child->dataset, parent->dataset);
    if (!version_id_equal(&parent->version, &child->parent))
        return error_set(err, ERR_DAMAGED, "Its parent is another version.");
    if (parent->key_seed != child->key_seed)
        return error_set(err, ERR_DAMAGED, "Its hash_seed differs from its parent's.");
    uint64_t added = child->rows_added;
    if (child->rows_total - added != parent->rows_total)
        return error_set(err, ERR_DAMAGED,
                         "Its rows_total is %" PRIu64 ": the parent has %" PRIu64
                         " and it adds %" PRIu64 ".",
                         child->rows_total, parent->rows_total, added);
    uint64_t keys = parent->keys.count + (added - child->rows_revised);
    if (child->keys.count != keys)
        return error_set(err, ERR_DAMAGED, "It states %" PRIu64 " keys where %" PRIu64 " belong.",
                         child->keys.count, keys);
    return manifest_schema_grown(&parent->schema, &child->schema, err);
}
