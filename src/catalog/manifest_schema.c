/* The schema in a manifest. */
#include "catalog/manifest_part.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "catalog/field.h"
#include "util/mem.h"

#define COLUMNS_MAX 4096
#define COLUMN_NAME_MAX 255

static const char where[] = "the schema";

static struct json *encode_column(const struct schema_column *c)
{
    char type[TYPE_TEXT_SIZE];
    struct json *column = json_new_object();
    type_format(c->type, type);
    json_set_unsigned(column, "id", c->id);
    json_set_string(column, "name", c->name);
    json_set_string(column, "type", type);
    json_set_bool(column, "nullable", c->nullable);
    if (c->format != NULL)
        json_set_string(column, "format", c->format);
    if (c->constant)
        json_set_bool(column, "constant", true);
    return column;
}

static struct json *encode_source(const struct schema_source *s)
{
    struct json *columns = json_new_array();
    for (size_t i = 0; i < s->count; i++) {
        char type[TYPE_TEXT_SIZE];
        struct json *column = json_new_object();
        type_format(s->columns[i].type, type);
        json_set_string(column, "name", s->columns[i].name);
        json_set_string(column, "type", type);
        if (s->columns[i].format != NULL)
            json_set_string(column, "format", s->columns[i].format);
        json_append(columns, column);
    }
    return columns;
}

struct json *manifest_schema_encode(const struct schema *s)
{
    struct json *root = json_new_object();
    struct json *columns = json_new_array();
    for (size_t i = 0; i < s->count; i++)
        json_append(columns, encode_column(&s->columns[i]));
    json_set(root, "columns", columns);

    struct json *partition = json_new_object();
    bool cut = s->partition_by != PARTITION_NONE;
    json_set_string(partition, "column", cut ? s->columns[s->partition_column].name : NULL);
    json_set_string(partition, "by", partition_by_name(s->partition_by));
    json_set(root, "partition", partition);
    json_set_string(root, "revisions", s->track_revisions ? "publish" : "ignore");
    if (s->source.count > 0)
        json_set(root, "source", encode_source(&s->source));
    return root;
}

struct json *manifest_key_encode(const struct schema *s)
{
    struct json *names = json_new_array();
    for (size_t i = 0; i < s->key_count; i++)
        json_append(names, json_new_string(s->columns[s->key[i]].name));
    return names;
}

static bool has_control(const char *text)
{
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            return true;
    }
    return false;
}

static int check_name(const char *name, const char *at, struct error *err)
{
    if (name[0] == '\0' || strlen(name) > COLUMN_NAME_MAX || has_control(name))
        return field_bad(err, "name", at, "is not the name of a column");
    if (strcasecmp(name, COLUMN_VERSION) == 0 || strcasecmp(name, COLUMN_INGESTED_AT) == 0)
        return field_bad(err, "name", at, "is a name that cauce keeps for itself");
    return ERR_OK;
}

static int decode_column(const struct json *value, size_t i, struct schema_column *out,
                         struct error *err)
{
    char at[FIELD_WHERE_SIZE];
    const char *name;
    const char *type;
    uint64_t id;
    int rc;
    snprintf(at, sizeof at, "schema.columns[%zu]", i);
    if ((rc = json_need_unsigned(value, "id", at, &id, err)) != ERR_OK ||
        (rc = field_text(value, "name", at, &name, err)) != ERR_OK ||
        (rc = check_name(name, at, err)) != ERR_OK ||
        (rc = field_text(value, "type", at, &type, err)) != ERR_OK ||
        (rc = json_need_bool(value, "nullable", at, &out->nullable, err)) != ERR_OK ||
        (rc = field_optional_text(value, "format", at, &out->format, err)) != ERR_OK)
        return rc;
    if (json_get(value, "constant") != NULL &&
        (rc = json_need_bool(value, "constant", at, &out->constant, err)) != ERR_OK)
        return rc;
    if (id < 1 || id >= COLUMN_VERSION_ID)
        return field_bad(err, "id", at, "is out of range");
    if (type_parse(type, &out->type, NULL) != ERR_OK || out->type.kind == TYPE_NONE)
        return field_bad(err, "type", at, "is \"%.40s\", which is not a type", type);
    out->id = (uint32_t)id;
    out->name = mem_strdup(name);
    return ERR_OK;
}

static int compare_ids(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a;
    uint32_t y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static int compare_names(const void *a, const void *b)
{
    return strcasecmp(*(const char *const *)a, *(const char *const *)b);
}

/* Ids differ; names differ in more than case, because SQL does not see case. */
static int check_distinct(const struct schema *s, struct error *err)
{
    int rc = ERR_OK;
    uint32_t *ids = mem_calloc(s->count, sizeof *ids);
    const char **names = mem_calloc(s->count, sizeof *names);
    for (size_t i = 0; i < s->count; i++) {
        ids[i] = s->columns[i].id;
        names[i] = s->columns[i].name;
    }
    qsort(ids, s->count, sizeof *ids, compare_ids);
    qsort(names, s->count, sizeof *names, compare_names);
    for (size_t i = 1; rc == ERR_OK && i < s->count; i++) {
        if (ids[i - 1] == ids[i])
            rc = field_bad(err, "columns", where, "has two columns of id %u", (unsigned)ids[i]);
        else if (strcasecmp(names[i - 1], names[i]) == 0)
            rc = field_bad(err, "columns", where, "has two columns \"%.80s\"", names[i]);
    }
    free(names);
    free(ids);
    return rc;
}

static int decode_columns(const struct json *value, struct schema *s, struct error *err)
{
    const struct json *columns;
    int rc = json_need_array(value, "columns", where, &columns, err);
    if (rc != ERR_OK)
        return rc;
    size_t count = json_count(columns);
    if (count < 1 || count > COLUMNS_MAX)
        return field_bad(err, "columns", where, "has %zu entries", count);
    s->columns = mem_calloc(count, sizeof *s->columns);
    s->count = count;
    for (size_t i = 0; rc == ERR_OK && i < count; i++)
        rc = decode_column(json_at(columns, i), i, &s->columns[i], err);
    return rc == ERR_OK ? check_distinct(s, err) : rc;
}

static int decode_key(const struct json *names, struct schema *s, struct error *err)
{
    size_t count = json_count(names);
    if (count < 1 || count > s->count)
        return field_bad(err, "key_columns", "index", "has %zu entries", count);
    s->key = mem_calloc(count, sizeof *s->key);
    for (size_t i = 0; i < count; i++) {
        const char *name = json_string(json_at(names, i));
        size_t position = schema_find(s, name);
        if (position == SIZE_MAX)
            return field_bad(err, "key_columns", "index", "names \"%.80s\", which is not a column",
                             name);
        if (schema_in_key(s, position))
            return field_bad(err, "key_columns", "index", "names \"%.80s\" twice", name);
        s->key[s->key_count++] = position;
    }
    return ERR_OK;
}

static int decode_partition(const struct json *value, struct schema *s, struct error *err)
{
    static const char at[] = "schema.partition";
    const struct json *partition;
    const char *text;
    int rc;
    if ((rc = json_need_object(value, "partition", where, &partition, err)) != ERR_OK ||
        (rc = json_need_string(partition, "by", at, &text, err)) != ERR_OK)
        return rc;
    if (partition_by_parse(text, &s->partition_by, NULL) != ERR_OK)
        return field_bad(err, "by", at, "is \"%.40s\", which is not none, year, month or day",
                         text);
    if (s->partition_by == PARTITION_NONE)
        return ERR_OK;
    if ((rc = json_need_string(partition, "column", at, &text, err)) != ERR_OK)
        return rc;
    s->partition_column = schema_find(s, text);
    if (s->partition_column == SIZE_MAX)
        return field_bad(err, "column", at, "names \"%.80s\", which is not a column", text);
    if (!type_is_day(s->columns[s->partition_column].type))
        return field_bad(err, "column", at, "names \"%.80s\", which is not a date", text);
    return ERR_OK;
}

static int decode_revisions(const struct json *value, struct schema *s, struct error *err)
{
    const char *text;
    int rc = json_need_string(value, "revisions", where, &text, err);
    if (rc != ERR_OK)
        return rc;
    s->track_revisions = strcmp(text, "publish") == 0;
    if (!s->track_revisions && strcmp(text, "ignore") != 0)
        return field_bad(err, "revisions", where, "is neither publish nor ignore");
    return ERR_OK;
}

static int decode_source_column(const struct json *value, size_t i, struct schema_source *out,
                                struct error *err)
{
    char at[FIELD_WHERE_SIZE];
    const char *name, *text;
    char *format = NULL;
    struct type type;
    int rc;
    snprintf(at, sizeof at, "schema.source[%zu]", i);
    if ((rc = field_text(value, "name", at, &name, err)) != ERR_OK ||
        (rc = field_text(value, "type", at, &text, err)) != ERR_OK)
        return rc;
    if (type_parse(text, &type, NULL) != ERR_OK || type.kind == TYPE_NONE)
        return field_bad(err, "type", at, "is \"%.40s\", which is not a type", text);
    rc = field_optional_text(value, "format", at, &format, err);
    if (rc == ERR_OK)
        schema_source_add(out, name, type, format);
    free(format);
    return rc;
}

static int check_source_names(const struct schema_source *s, struct error *err)
{
    const char *twice = NULL;
    const char **names = mem_calloc(s->count, sizeof *names);
    for (size_t i = 0; i < s->count; i++)
        names[i] = s->columns[i].name;
    bool distinct = field_distinct(names, s->count, &twice);
    int rc =
        distinct ? ERR_OK : field_bad(err, "source", where, "has two columns \"%.80s\"", twice);
    free(names);
    return rc;
}

static int decode_source(const struct json *value, struct schema *s, struct error *err)
{
    const struct json *columns;
    if (json_get(value, "source") == NULL)
        return ERR_OK;
    int rc = json_need_array(value, "source", where, &columns, err);
    if (rc != ERR_OK)
        return rc;
    size_t count = json_count(columns);
    if (count < 1 || count > SCHEMA_SOURCE_MAX)
        return field_bad(err, "source", where, "has %zu entries", count);
    for (size_t i = 0; rc == ERR_OK && i < count; i++)
        rc = decode_source_column(json_at(columns, i), i, &s->source, err);
    return rc == ERR_OK ? check_source_names(&s->source, err) : rc;
}

int manifest_schema_decode(const struct json *schema, const struct json *key_columns,
                           struct schema *out, struct error *err)
{
    int rc;
    *out = (struct schema){0};
    if ((rc = decode_columns(schema, out, err)) != ERR_OK ||
        (rc = decode_key(key_columns, out, err)) != ERR_OK ||
        (rc = decode_partition(schema, out, err)) != ERR_OK ||
        (rc = decode_revisions(schema, out, err)) != ERR_OK ||
        (rc = decode_source(schema, out, err)) != ERR_OK)
        schema_release(out);
    return rc;
}

static bool same_text(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static bool same_column(const struct schema_column *a, const struct schema_column *b)
{
    return a->id == b->id && strcmp(a->name, b->name) == 0 && type_equal(a->type, b->type) &&
           a->nullable == b->nullable && a->constant == b->constant &&
           same_text(a->format, b->format);
}

static bool same_key(const struct schema *a, const struct schema *b)
{
    if (a->key_count != b->key_count)
        return false;
    for (size_t i = 0; i < a->key_count; i++) {
        if (strcmp(a->columns[a->key[i]].name, b->columns[b->key[i]].name) != 0)
            return false;
    }
    return true;
}

static bool same_cut(const struct schema *a, const struct schema *b)
{
    return a->partition_by == b->partition_by &&
           (a->partition_by == PARTITION_NONE || strcmp(a->columns[a->partition_column].name,
                                                        b->columns[b->partition_column].name) == 0);
}

/* Every column that was there is there, as it was. */
static int check_kept(const struct schema *parent, const struct schema *child, struct error *err)
{
    int rc = ERR_OK;
    struct name_index names;
    schema_names(child, &names);
    for (size_t i = 0; i < parent->count && rc == ERR_OK; i++) {
        const struct schema_column *column = &parent->columns[i];
        size_t j = name_index_find(&names, column->name);
        if (j == SIZE_MAX || !same_column(column, &child->columns[j]))
            rc = error_set(err, ERR_DAMAGED,
                           "The column \"%.80s\" of the version before is missing or changed.",
                           column->name);
    }
    name_index_release(&names);
    return rc;
}

static int check_added(const struct schema *parent, const struct schema *child, struct error *err)
{
    int rc = ERR_OK;
    struct name_index names;
    schema_names(parent, &names);
    for (size_t i = 0; i < child->count && rc == ERR_OK; i++) {
        const struct schema_column *column = &child->columns[i];
        if (!column->nullable && name_index_find(&names, column->name) == SIZE_MAX)
            rc = error_set(err, ERR_DAMAGED, "The column \"%.80s\" is new and must be nullable.",
                           column->name);
    }
    name_index_release(&names);
    return rc;
}

int manifest_schema_grown(const struct schema *parent, const struct schema *child,
                          struct error *err)
{
    int rc = check_kept(parent, child, err);
    if (rc == ERR_OK)
        rc = check_added(parent, child, err);
    if (rc != ERR_OK)
        return rc;
    if (parent->for_tables != child->for_tables)
        return error_set(err, ERR_DAMAGED, "Its format differs from that of the version before.");
    if (!same_key(parent, child))
        return error_set(err, ERR_DAMAGED, "The key columns differ from the version before.");
    if (!same_cut(parent, child) || parent->track_revisions != child->track_revisions)
        return error_set(err, ERR_DAMAGED,
                         "The partition or the handling of revisions differs from the version "
                         "before.");
    /* A version without them was written by a program that did not know them. */
    if (child->source.count > 0 &&
        !schema_source_same(&parent->source, &child->source, parent->source.count))
        return error_set(err, ERR_DAMAGED,
                         "The types of the source's columns differ from the version before.");
    return ERR_OK;
}
