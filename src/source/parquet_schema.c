#include "source/parquet_schema.h"

#include <stdlib.h>
#include <string.h>

#include "engine/sql.h"
#include "util/mem.h"
#include "util/str.h"

#define ENTRIES_MAX ((size_t)1 << 20)

void parquet_schema_release(struct parquet_schema *s)
{
    for (size_t i = 0; i < s->count; i++)
        free(s->columns[i].name);
    free(s->columns);
    free(s->losses);
    free(s->empty);
    free(s->bare);
    *s = (struct parquet_schema){0};
}

static int take_columns(struct engine *e, const char *path, struct parquet_schema *out,
                        struct error *err)
{
    struct result *result = NULL;
    struct str sql;
    str_init(&sql, STR_MAX_DEFAULT);
    sql_printf(&sql, "SELECT * FROM read_parquet(%t, hive_partitioning = false)", path);
    int rc = result_open(e, sql.data, &result, err);
    str_release(&sql);
    if (rc != ERR_OK)
        return rc;
    const struct result_column *columns = result_columns(result, &out->count);
    out->columns = mem_calloc(out->count, sizeof *out->columns);
    out->losses = mem_calloc(out->count, sizeof *out->losses);
    out->empty = mem_calloc(out->count, sizeof *out->empty);
    for (size_t i = 0; i < out->count; i++) {
        out->columns[i] = columns[i];
        out->columns[i].name = mem_strdup(columns[i].name);
    }
    result_free(result);
    return ERR_OK;
}

/* The walk through the entries of a schema: its root, then every column with all that is in it. */
struct walk {
    struct parquet_schema *schema;
    size_t next; /* column that comes next */
    size_t left; /* entries that are still inside the last one */
    size_t capacity;
};

/* Values of an entry of parquet_schema. */
enum { ENTRY_CHILDREN, ENTRY_TYPE, ENTRY_CONVERTED, ENTRY_LOGICAL, ENTRY_PRECISION, ENTRY_SCALE };

static enum parquet_loss loss_of(const char *const *entry)
{
    bool nanos = strstr(entry[ENTRY_LOGICAL], "NANOS=NanoSeconds") != NULL;
    if (strcmp(entry[ENTRY_TYPE], "INT96") == 0)
        return PARQUET_INT96;
    if (strtoul(entry[ENTRY_PRECISION], NULL, 10) > TYPE_PRECISION_MAX)
        return PARQUET_DECIMAL;
    if (nanos && str_starts(entry[ENTRY_LOGICAL], "TimeType"))
        return PARQUET_TIME;
    if (nanos && str_starts(entry[ENTRY_LOGICAL], "TimestampType(isAdjustedToUTC=1"))
        return PARQUET_MOMENT;
    return PARQUET_EXACT;
}

/* What a column means whose declaration libduckdb would not keep. */
static void correct(struct result_column *c, enum parquet_loss loss, const char *const *entry)
{
    unsigned long scale = strtoul(entry[ENTRY_SCALE], NULL, 10);
    switch (loss) {
    case PARQUET_INT96:
        c->kind = RESULT_MOMENT;
        c->stored = (struct type){TYPE_BIGINT, 0, 0};
        c->unit = CAST_MICROSECONDS;
        c->local = true;
        break;
    case PARQUET_DECIMAL:
        c->kind = RESULT_DECIMAL;
        c->stored = (struct type){TYPE_DECIMAL, TYPE_PRECISION_MAX,
                                  (uint8_t)(scale > UINT8_MAX ? UINT8_MAX : scale)};
        break;
    case PARQUET_TIME:
    case PARQUET_MOMENT:
        c->kind = loss == PARQUET_TIME ? RESULT_CLOCK : RESULT_MOMENT;
        c->stored = (struct type){TYPE_BIGINT, 0, 0};
        c->unit = CAST_NANOSECONDS;
        c->local = false;
        break;
    case PARQUET_EXACT:
    case PARQUET_NESTED:
        break;
    }
}

/*
 * Is it a moment as files had it that know no logical types? It is one of UTC
 * (https://github.com/apache/parquet-format/blob/master/LogicalTypes.md), which libduckdb does not say.
 */
static bool is_old_moment(const char *const *entry)
{
    return *entry[ENTRY_LOGICAL] == '\0' && str_starts(entry[ENTRY_CONVERTED], "TIMESTAMP_");
}

static void note_column(struct parquet_schema *s, size_t column, bool inside,
                        const char *const *entry)
{
    enum parquet_loss loss = loss_of(entry);
    if (column >= s->count)
        return;
    if (!inside && is_old_moment(entry))
        s->columns[column].local = false;
    if (!inside && str_starts(entry[ENTRY_LOGICAL], "NullType"))
        s->empty[column] = true;
    if (loss == PARQUET_EXACT)
        return;
    s->losses[column] = inside ? PARQUET_NESTED : loss;
    if (!inside)
        correct(&s->columns[column], loss, entry);
}

static int take_entry(void *ctx, const struct engine_row *row, struct error *err)
{
    struct walk *w = ctx;
    struct parquet_schema *s = w->schema;
    bool inside = w->left > 0;
    if (s->entries == ENTRIES_MAX)
        return error_set(err, ERR_LIMIT, "its schema has more than %zu entries.", ENTRIES_MAX);
    s->bare = mem_grow(s->bare, s->entries, &w->capacity, sizeof *s->bare);
    s->bare[s->entries] = loss_of(row->values) != PARQUET_EXACT;
    s->lossy = s->lossy || s->bare[s->entries];
    if (s->entries++ == 0)
        return ERR_OK;
    w->next += !inside;
    w->left += strtoul(row->values[ENTRY_CHILDREN], NULL, 10) - inside;
    note_column(s, w->next - 1, inside, row->values);
    return ERR_OK;
}

int parquet_schema_read(struct engine *e, const char *path, struct parquet_schema *out,
                        struct error *err)
{
    struct walk walk = {.schema = out};
    struct str sql;
    *out = (struct parquet_schema){0};
    str_init(&sql, STR_MAX_DEFAULT);
    sql_printf(&sql,
               "SELECT coalesce(CAST(COLUMNS(*) AS VARCHAR), '') FROM "
               "(SELECT num_children, type, converted_type, logical_type, precision, scale FROM "
               "parquet_schema(%t))",
               path);
    int rc = take_columns(e, path, out, err);
    if (rc == ERR_OK)
        rc = engine_query(e, sql.data, take_entry, &walk, err);
    str_release(&sql);
    if (rc != ERR_OK)
        parquet_schema_release(out);
    return rc;
}
