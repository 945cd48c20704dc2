#include "derived/history/entry.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "catalog/field.h"
#include "util/json.h"

static const char where[] = "the first line";

void history_key(uint64_t sequence, char out[LAYOUT_KEY_SIZE])
{
    snprintf(out, LAYOUT_KEY_SIZE, HISTORY_LOG "%020" PRIu64 ".json", sequence);
}

bool history_parse_key(const char *key, uint64_t *sequence)
{
    static const char first[] = HISTORY_FIRST;
    uint64_t n = 0;
    char again[LAYOUT_KEY_SIZE];
    if (strlen(key) != sizeof first - 1 || strncmp(key, HISTORY_LOG, strlen(HISTORY_LOG)) != 0)
        return false;
    for (const char *p = key + strlen(HISTORY_LOG); *p >= '0' && *p <= '9' && n <= INT64_MAX / 10;
         p++)
        n = n * 10 + (uint64_t)(*p - '0');
    history_key(n, again);
    *sequence = n;
    return strcmp(key, again) == 0;
}

void history_version_release(struct history_version *v)
{
    schema_release(&v->schema);
    manifest_files_release(&v->files);
    *v = (struct history_version){.columns = 0};
}

/* Parquet's own time and uuid are not known to every reader. */
bool history_can_hold(const struct schema *s)
{
    bool can = true;
    for (size_t i = 0; i < s->count && !s->for_tables; i++)
        can = can && s->columns[i].type.kind != TYPE_TIME && s->columns[i].type.kind != TYPE_UUID;
    return can;
}

/* ---- Lines --------------------------------------------------------------------------------- */

/* An action is a line with an object of one field. */
static void put_action(const char *name, struct json *action, struct str *out)
{
    struct json *line = json_new_object();
    json_set(line, name, action);
    json_write(line, false, out);
    str_append_char(out, '\n');
    json_free(line);
}

/* The time of the commit stands in its first field, where readers look for it. */
static void put_commit(const char *operation, const char *id, const struct history_head *head,
                       struct str *out)
{
    struct json *commit = json_new_object();
    struct json *own = json_new_object();
    json_set_integer(commit, "inCommitTimestamp", head->time);
    json_set_integer(commit, "timestamp", head->time);
    json_set_string(commit, "operation", operation);
    json_set(commit, "operationParameters", json_new_object());
    json_set_bool(commit, "isBlindAppend", true);
    json_set_string(commit, "engineInfo", "cauce");
    json_set_string(commit, "txnId", id);
    json_set_unsigned(own, "sequence", head->version.sequence);
    json_set_string(own, "commit", head->version.commit);
    json_set_unsigned(own, "gc_epoch", head->gc_epoch);
    json_set_unsigned(own, "columns", head->columns);
    json_set(commit, "cauce", own);
    put_action("commitInfo", commit, out);
}

static void put_protocol(struct str *out)
{
    static const char *const features[] = {"appendOnly", "inCommitTimestamp", "cauceSealed"};
    struct json *protocol = json_new_object();
    struct json *list = json_new_array();
    json_set_integer(protocol, "minReaderVersion", 1);
    json_set_integer(protocol, "minWriterVersion", 7);
    for (size_t i = 0; i < sizeof features / sizeof *features; i++)
        json_append(list, json_new_string(features[i]));
    json_set(protocol, "writerFeatures", list);
    put_action("protocol", protocol, out);
}

static void column_type(struct type type, char out[TYPE_TEXT_SIZE])
{
    static const char *const names[] = {
        [TYPE_BOOLEAN] = "boolean", [TYPE_INT] = "integer",         [TYPE_BIGINT] = "long",
        [TYPE_DOUBLE] = "double",   [TYPE_TEXT] = "string",         [TYPE_DATE] = "date",
        [TYPE_TIME] = "string",     [TYPE_TIMESTAMP] = "timestamp", [TYPE_UUID] = "string",
        [TYPE_BINARY] = "binary",
    };
    _Static_assert(sizeof names / sizeof *names == TYPE_COUNT, "every type has a name");
    if (type.kind == TYPE_DECIMAL)
        snprintf(out, TYPE_TEXT_SIZE, "decimal(%u,%u)", type.precision, type.scale);
    else
        snprintf(out, TYPE_TEXT_SIZE, "%s", names[type.kind]);
}

/* All are nullable: of a column that is not, a reader may ask for features of its own. */
static void add_column(struct json *fields, const char *name, struct type type)
{
    char text[TYPE_TEXT_SIZE];
    struct json *field = json_new_object();
    column_type(type, text);
    json_set_string(field, "name", name);
    json_set_string(field, "type", text);
    json_set_bool(field, "nullable", true);
    json_set(field, "metadata", json_new_object());
    json_append(fields, field);
}

static void put_schema(const struct schema *s, struct json *metadata)
{
    struct json *root = json_new_object();
    struct json *fields = json_new_array();
    struct str text;
    str_init(&text, HISTORY_ENTRY_MAX);
    json_set_string(root, "type", "struct");
    for (size_t i = 0; i < s->count; i++)
        add_column(fields, s->columns[i].name, s->columns[i].type);
    add_column(fields, COLUMN_VERSION, (struct type){TYPE_BIGINT, 0, 0});
    add_column(fields, COLUMN_INGESTED_AT, (struct type){TYPE_TIMESTAMP, 0, 0});
    json_set(root, "fields", fields);
    json_write(root, false, &text);
    json_set_string(metadata, "schemaString", text.data);
    str_release(&text);
    json_free(root);
}

/* 32 hex digits of a hash, as a UUID is written. */
static void table_id(const struct history_table *table, char out[37])
{
    char text[DATASET_ID_SIZE + 64];
    char hex[SHA256_HEX_SIZE];
    int n = snprintf(text, sizeof text, "history %s %016" PRIx64, table->dataset, table->key_seed);
    sha256_hex(text, (size_t)n, hex);
    snprintf(out, 37, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16, hex + 20);
}

/* What is published stays; nobody but cauce cuts the log. */
static void put_metadata(const struct history_table *table, const struct schema *s, struct str *out)
{
    char id[37];
    struct json *metadata = json_new_object();
    struct json *format = json_new_object();
    struct json *settings = json_new_object();
    table_id(table, id);
    json_set_string(metadata, "id", id);
    json_set_string(metadata, "name", table->dataset);
    json_set_string(format, "provider", "parquet");
    json_set(format, "options", json_new_object());
    json_set(metadata, "format", format);
    put_schema(s, metadata);
    json_set(metadata, "partitionColumns", json_new_array());
    json_set_string(settings, "delta.appendOnly", "true");
    json_set_string(settings, "delta.enableInCommitTimestamps", "true");
    json_set_string(settings, "delta.enableExpiredLogCleanup", "false");
    json_set_string(settings, "delta.logRetentionDuration", "interval 36500 days");
    json_set_string(settings, "delta.deletedFileRetentionDuration", "interval 36500 days");
    json_set(metadata, "configuration", settings);
    put_action("metaData", metadata, out);
}

static void put_transaction(uint64_t sequence, struct str *out)
{
    struct json *transaction = json_new_object();
    json_set_string(transaction, "appId", "cauce");
    json_set_unsigned(transaction, "version", sequence);
    put_action("txn", transaction, out);
}

/* Without statistics: a reader that takes part of them for all of them would leave files out. */
static void put_file(const struct manifest_file *file, int64_t time, struct str *out)
{
    struct json *add = json_new_object();
    json_set_string(add, "path", file->key + strlen(HISTORY_TABLE "/"));
    json_set(add, "partitionValues", json_new_object());
    json_set_unsigned(add, "size", file->size);
    json_set_integer(add, "modificationTime", time);
    json_set_bool(add, "dataChange", true);
    put_action("add", add, out);
}

/* ---- Entries ------------------------------------------------------------------------------- */

static int64_t milliseconds(int64_t microseconds)
{
    return microseconds / 1000 - (microseconds % 1000 < 0);
}

void history_write_first(const struct history_table *table, const struct history_version *first,
                         struct history_head *head, struct str *out)
{
    char id[37];
    *head = (struct history_head){.time = milliseconds(first->time) - 1, .columns = first->columns};
    table_id(table, id);
    put_commit("CREATE TABLE", id, head, out);
    put_protocol(out);
    put_metadata(table, &first->schema, out);
}

void history_write(const struct history_table *table, const struct history_version *v,
                   struct history_head *head, struct str *out)
{
    int64_t time = milliseconds(v->time);
    bool grown = v->columns > head->columns;
    *head = (struct history_head){.version = v->version,
                                  .gc_epoch = v->gc_epoch,
                                  .time = time > head->time ? time : head->time + 1,
                                  .columns = v->columns};
    put_commit("WRITE", v->version.commit, head, out);
    put_transaction(v->version.sequence, out);
    if (grown)
        put_metadata(table, &v->schema, out);
    for (size_t i = 0; i < v->files.count; i++)
        put_file(&v->files.items[i], head->time, out);
}

static int decode_head(const struct json *line, struct history_head *out, struct error *err)
{
    const struct json *commit;
    const struct json *own;
    const char *id;
    int rc;
    if ((rc = json_need_object(line, "commitInfo", where, &commit, err)) != ERR_OK ||
        (rc = json_need_integer(commit, "inCommitTimestamp", where, &out->time, err)) != ERR_OK ||
        (rc = json_need_object(commit, "cauce", where, &own, err)) != ERR_OK ||
        (rc = json_need_unsigned(own, "sequence", where, &out->version.sequence, err)) != ERR_OK ||
        (rc = json_need_string(own, "commit", where, &id, err)) != ERR_OK ||
        (rc = json_need_unsigned(own, "gc_epoch", where, &out->gc_epoch, err)) != ERR_OK ||
        (rc = json_need_unsigned(own, "columns", where, &out->columns, err)) != ERR_OK)
        return rc;
    if (out->version.sequence == 0 ? id[0] != '\0' : !id_valid(id))
        return field_bad(err, "commit", where, "is not the commit of a version");
    field_copy(out->version.commit, sizeof out->version.commit, id);
    return ERR_OK;
}

int history_read_head(const struct str *entry, uint64_t sequence, struct history_head *out,
                      struct error *err)
{
    struct json *line = NULL;
    const char *end = memchr(entry->data, '\n', entry->len);
    size_t length = end != NULL ? (size_t)(end - entry->data) : entry->len;
    *out = (struct history_head){.time = 0};
    int rc = json_parse(entry->data, length, where, &line, err);
    if (rc == ERR_OK)
        rc = decode_head(line, out, err);
    if (rc == ERR_OK && out->version.sequence != sequence)
        rc = field_bad(err, "sequence", where, "is not that of its key");
    json_free(line);
    return rc;
}
