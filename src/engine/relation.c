#include "engine/relation.h"

#include <stdio.h>
#include <stdlib.h>

#include "engine/packed.h"
#include "engine/sql.h"
#include "util/mem.h"

static void column(const char *alias, size_t i, struct str *out)
{
    str_printf(out, "%s%sc%zu", alias, alias[0] != '\0' ? "." : "", i);
}

void relation_columns(const struct schema *s, const char *alias, struct str *out)
{
    for (size_t i = 0; i < s->count; i++) {
        str_append(out, i > 0 ? ", " : "");
        column(alias, i, out);
    }
}

void relation_keys(const struct schema *s, const char *alias, struct str *out)
{
    for (size_t i = 0; i < s->key_count; i++) {
        str_append(out, i > 0 ? ", " : "");
        column(alias, s->key[i], out);
    }
}

void relation_keys_equal(const struct schema *s, const char *a, const char *b, struct str *out)
{
    for (size_t i = 0; i < s->key_count; i++) {
        str_append(out, i > 0 ? " AND " : "");
        column(a, s->key[i], out);
        str_append(out, " IS NOT DISTINCT FROM ");
        column(b, s->key[i], out);
    }
}

/* The 128-bit hash of the key. */
static void key_hash(const struct schema *s, const char *alias, struct str *out)
{
    str_append(out, "cauce_key_hash(");
    relation_keys(s, alias, out);
    str_append(out, ")");
}

void relation_row_hash(const struct schema *s, const char *alias, struct str *out)
{
    bool any = false;
    for (size_t i = 0; i < s->count; i++) {
        if (s->columns[i].constant || schema_in_key(s, i))
            continue;
        str_append(out, any ? ", " : "cauce_row_hash(");
        column(alias, i, out);
        any = true;
    }
    str_append(out, any ? ")" : "CAST(0 AS UBIGINT)");
}

void relation_digest(const struct schema *s, const char *filter, struct str *out)
{
    struct str sum;
    str_init(&sum, STR_MAX_DEFAULT);
    str_append(&sum, "cauce_sum(");
    key_hash(s, "", &sum);
    str_printf(&sum, ") %s", filter);
    sql_printf(out,
               "CAST(count(*) %s AS VARCHAR), CAST(CAST((%s) >> 64 AS UBIGINT) AS VARCHAR), "
               "CAST(CAST((%s) & 18446744073709551615 AS UBIGINT) AS VARCHAR)",
               filter, sum.data, sum.data);
    str_release(&sum);
}

static uint64_t number(const char *text)
{
    return text == NULL ? 0 : strtoull(text, NULL, 10);
}

void relation_read_digest(const char *const values[3], struct key_digest *out)
{
    out->count = number(values[0]);
    out->sum.high = number(values[1]);
    out->sum.low = number(values[2]);
}

void relation_partition(const struct schema *s, const char *alias, struct str *out)
{
    struct str day;
    str_init(&day, 256);
    column(alias, s->partition_column, &day);
    const char *c = day.data;
    switch (s->partition_by) {
    case PARTITION_NONE:
        str_append(out, "0");
        break;
    case PARTITION_YEAR:
        str_printf(out, "CAST(year(%s) * 10000 AS INTEGER)", c);
        break;
    case PARTITION_MONTH:
        str_printf(out, "CAST(year(%s) * 10000 + month(%s) * 100 AS INTEGER)", c, c);
        break;
    case PARTITION_DAY:
        str_printf(out, "CAST(year(%s) * 10000 + month(%s) * 100 + day(%s) AS INTEGER)", c, c, c);
        break;
    }
    str_release(&day);
}

/* Entries of a list, separated by commas; `first` says whether none has been written yet. */
static void comma(bool *first, struct str *out)
{
    if (!*first)
        str_append(out, ", ");
    *first = false;
}

static void field(struct str *out, bool *first, uint32_t id, const char *name, const char *type)
{
    comma(first, out);
    sql_printf(out, "%u: {name: %t, type: %t, default_value: NULL}", (unsigned long long)id, name,
               type);
}

static void column_field(const struct schema *s, size_t i, bool *first, struct str *out)
{
    struct str type;
    char name[32];
    str_init(&type, 256);
    sql_type(&type, s->columns[i].type);
    snprintf(name, sizeof name, "c%zu", i);
    field(out, first, s->columns[i].id, name, type.data);
    str_release(&type);
}

static bool is_part(const struct schema *s, enum relation_part part, size_t i)
{
    return part == RELATION_EVENT || schema_in_key(s, i);
}

void relation_files(const struct schema *s, enum relation_part part, const char *const *paths,
                    size_t count, struct str *out)
{
    bool first = true;
    str_append(out, "read_parquet(");
    sql_text_list(out, paths, count);
    str_append(out, ", filename = true, hive_partitioning = false, schema = MAP {");
    for (size_t i = 0; i < s->count; i++)
        if (is_part(s, part, i))
            column_field(s, i, &first, out);
    if (part == RELATION_KEYS_ROW)
        field(out, &first, COLUMN_ROW_HASH_ID, "row_hash", "UBIGINT");
    if (part == RELATION_EVENT) {
        field(out, &first, COLUMN_VERSION_ID, COLUMN_VERSION, "BIGINT");
        field(out, &first, COLUMN_INGESTED_AT_ID, COLUMN_INGESTED_AT, "TIMESTAMP WITH TIME ZONE");
    }
    str_append(out, "})");
}

static void event_files(const struct schema *s, const struct relation_file *files, size_t count,
                        struct str *out)
{
    const char **paths = mem_calloc(count, sizeof *paths);
    for (size_t i = 0; i < count; i++)
        paths[i] = files[i].path;
    relation_files(s, RELATION_EVENT, paths, count, out);
    free(paths);
}

/* The table of no rows with the columns of an event. */
static void no_events(const struct schema *s, struct str *out)
{
    str_append(out, "(SELECT ");
    for (size_t i = 0; i < s->count; i++) {
        str_append(out, "CAST(NULL AS ");
        sql_type(out, s->columns[i].type);
        str_printf(out, ") AS c%zu, ", i);
    }
    str_append(out, "CAST(NULL AS BIGINT) AS _version, "
                    "CAST(NULL AS TIMESTAMP WITH TIME ZONE) AS _ingested_at WHERE false)");
}

/* Of the table `n`: the keys of the rows of files that revise, under names of their own, and versions. */
static void revising_keys(const struct schema *s, const struct relation_file *files, size_t count,
                          struct str *out)
{
    str_append(out, "(SELECT ");
    for (size_t i = 0; i < s->key_count; i++)
        str_printf(out, "c%zu AS k%zu, ", s->key[i], i);
    str_append(out, "_version AS kv FROM ");
    event_files(s, files, count, out);
    str_append(out, ") n");
}

/* The rows of `e` that no later row of the same key replaces. */
static void without_replaced(const struct schema *s, const char *what,
                             const struct relation_file *files, size_t count,
                             const struct relation_file *revising, size_t revising_count,
                             struct str *out)
{
    str_append(out, "SELECT e.* EXCLUDE (");
    for (size_t i = 0; i < s->key_count; i++)
        str_printf(out, "k%zu, ", i);
    str_printf(out, "kv) FROM (SELECT %s", what);
    for (size_t i = 0; i < s->key_count; i++)
        str_printf(out, ", e.c%zu AS k%zu", s->key[i], i);
    str_append(out, ", e._version AS kv FROM ");
    event_files(s, files, count, out);
    str_append(out, " e) e ANTI JOIN ");
    revising_keys(s, revising, revising_count, out);
    str_append(out, " ON ");
    for (size_t i = 0; i < s->key_count; i++)
        str_printf(out, "e.k%zu IS NOT DISTINCT FROM n.k%zu AND ", i, i);
    str_append(out, "n.kv > e.kv");
}

void relation_newest(const struct schema *s, const char *what, const struct relation_file *files,
                     size_t count, struct str *out)
{
    struct relation_file *revising = mem_calloc(count, sizeof *revising);
    size_t n = 0;
    for (size_t i = 0; i < count; i++)
        if (files[i].revises)
            revising[n++] = files[i];
    if (n > 0) {
        without_replaced(s, what, files, count, revising, n, out);
    } else {
        str_printf(out, "SELECT %s FROM ", what);
        if (count > 0)
            event_files(s, files, count, out);
        else
            no_events(s, out);
        str_append(out, " e");
    }
    free(revising);
}

bool relation_is_packed(const struct schema *s)
{
    return s->count > PACKED_COLUMNS;
}

void relation_kept(const struct schema *s, const char *alias, struct str *out)
{
    if (!relation_is_packed(s)) {
        relation_columns(s, alias, out);
        return;
    }
    relation_keys(s, alias, out);
    str_printf(out, ", %s%spacked", alias, alias[0] != '\0' ? "." : "");
}

void relation_event(const struct schema *s, const size_t *sort, size_t sort_count, struct str *out)
{
    bool packed = relation_is_packed(s);
    str_append(out, packed ? "cauce_pack(CAST($1 AS BIGINT), " : "");
    relation_columns(s, "e", out);
    str_append(out, ", e." COLUMN_VERSION ", e." COLUMN_INGESTED_AT);
    if (!packed)
        return;
    str_append(out, ") AS packed, e." COLUMN_VERSION ", ");
    relation_keys(s, "e", out);
    for (size_t i = 0; i < sort_count; i++)
        if (!schema_in_key(s, sort[i]))
            str_printf(out, ", e.c%zu", sort[i]);
}

const char *relation_whole(const struct schema *s)
{
    return relation_is_packed(s) ? "packed" : "*";
}

void relation_rows(const struct schema *s, bool events, const char *select, struct str *out)
{
    if (!relation_is_packed(s)) {
        str_printf(out, "(%s)", select);
        return;
    }
    sql_printf(out, "cauce_unpack(%t, CAST(NULL AS STRUCT(", select);
    for (size_t i = 0; i < s->count; i++) {
        str_printf(out, "%sc%zu ", i > 0 ? ", " : "", i);
        sql_type(out, s->columns[i].type);
    }
    if (events)
        str_append(out,
                   ", " COLUMN_VERSION " BIGINT, " COLUMN_INGESTED_AT " TIMESTAMP WITH TIME ZONE");
    str_append(out, ")))");
}

void relation_named(const struct schema *s, const char *alias, struct str *out)
{
    for (size_t i = 0; i < s->count; i++) {
        enum type_kind kind = s->columns[i].type.kind;
        bool as_text = s->for_tables && (kind == TYPE_TIME || kind == TYPE_UUID);
        str_append(out, i > 0 ? ", " : "");
        str_append(out, as_text ? "CAST(" : "");
        column(alias, i, out);
        str_append(out, as_text ? " AS VARCHAR)" : "");
        sql_printf(out, " AS %n", s->columns[i].name);
    }
}

/* Whoever writes or reads rows has all values of a group in memory: not more than so many. */
#define GROUP_VALUES ((size_t)1 << 22)
/* What DuckDB has by itself, and what it takes multiples of. */
#define GROUP_ROWS_MAX ((size_t)122880)
#define GROUP_ROWS_UNIT ((size_t)2048)

void relation_row_groups(const struct schema *s, struct str *out)
{
    if (!relation_is_packed(s))
        return;
    size_t rows = GROUP_VALUES / s->count / GROUP_ROWS_UNIT * GROUP_ROWS_UNIT;
    if (rows < GROUP_ROWS_MAX)
        str_printf(out, ", ROW_GROUP_SIZE %zu", rows < GROUP_ROWS_UNIT ? GROUP_ROWS_UNIT : rows);
}

void relation_copy_options(const struct schema *s, enum relation_part part, struct str *out)
{
    bool first = true;
    str_append(out, "(FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 3, FIELD_IDS {");
    for (size_t i = 0; i < s->count; i++) {
        if (!is_part(s, part, i))
            continue;
        comma(&first, out);
        sql_printf(out, "%n: %u", s->columns[i].name, (unsigned long long)s->columns[i].id);
    }
    if (part == RELATION_KEYS_ROW)
        str_printf(out, ", %s: %d", COLUMN_ROW_HASH, COLUMN_ROW_HASH_ID);
    if (part == RELATION_EVENT)
        str_printf(out, ", %s: %d, %s: %d", COLUMN_VERSION, COLUMN_VERSION_ID, COLUMN_INGESTED_AT,
                   COLUMN_INGESTED_AT_ID);
    str_append(out, "}");
    if (part == RELATION_EVENT)
        relation_row_groups(s, out);
    str_append(out, ")");
}
