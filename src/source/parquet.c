#include "source/parquet.h"

#include <stdlib.h>
#include <string.h>

#include "engine/sql.h"
#include "source/parquet_footer.h"
#include "source/parquet_schema.h"
#include "source/typed.h"
#include "util/fs.h"
#include "util/id.h"
#include "util/mem.h"
#include "util/str.h"

/* A wanted column in this file. */
struct source_of {
    size_t at;     /* in the file; SIZE_MAX: it is not there */
    size_t result; /* in the result */
    struct column
        values; /* made from what the result has, where libduckdb does not give the values */
    bool *bad;  /* by value: it is beyond what can be held */
    size_t bad_capacity;
};

struct parquet {
    struct reader base;
    struct engine *engine;
    const char *workdir;
    struct parquet_schema schema;
    const char **names;
    char *copy; /* the file with bare columns; NULL: none was needed */

    const struct reader_column *wanted;
    size_t wanted_count;
    struct source_of *from; /* by wanted column */
    struct result *rows;
    struct batch values;
};

static int wrap(const struct parquet *p, int rc, struct error *err)
{
    engine_blame(p->engine, ERR_SYSTEM);
    return rc == ERR_SOURCE ? error_prefix(err, "source %s", p->base.file->shown) : rc;
}

/* ---- What is in the file ------------------------------------------------------------------- */

const struct result_column *parquet_columns(const struct reader *r, size_t *count)
{
    const struct parquet *p = (const struct parquet *)r;
    *count = p->schema.count;
    return p->schema.columns;
}

bool parquet_is_empty(const struct reader *r, size_t i)
{
    return ((const struct parquet *)r)->schema.empty[i];
}

static int names(struct reader *self, struct reader_texts *out, struct error *err)
{
    const struct parquet *p = (const struct parquet *)self;
    (void)err;
    *out = (struct reader_texts){p->names, p->schema.count};
    return ERR_OK;
}

/* ---- What is wanted from it ------------------------------------------------------------------ */

/* The columns of the file that feed the wanted ones; SIZE_MAX: none, and it is optional. */
static int match(struct parquet *p, struct error *err)
{
    struct reader_texts has = {p->names, p->schema.count};
    size_t *places = mem_calloc(p->wanted_count, sizeof *places);
    int rc = reader_match(&p->base, p->wanted, p->wanted_count, &has, places, err);
    for (size_t i = 0; i < p->wanted_count && rc == ERR_OK; i++) {
        p->from[i].at = places[i];
        if (places[i] != SIZE_MAX && p->schema.losses[places[i]] == PARQUET_NESTED)
            rc = error_set(err, ERR_GATE,
                           "column \"%s\": %s holds nanoseconds or long decimals inside a list or "
                           "struct, which cannot be read exactly. Leave it out of `columns`.",
                           p->wanted[i].name, p->base.file->shown);
    }
    free(places);
    return rc;
}

/* Where a wanted column would lose something, read a copy of the file that declares nothing. */
static int copy_bare(struct parquet *p, struct error *err)
{
    bool needed = false;
    char id[ID_SIZE];
    for (size_t i = 0; i < p->wanted_count && !needed; i++)
        needed = p->from[i].at != SIZE_MAX && p->schema.losses[p->from[i].at] != PARQUET_EXACT;
    if (!needed)
        return ERR_OK;
    id_new(id);
    p->copy = mem_printf("%s/%s.parquet", p->workdir, id);
    return parquet_footer_copy(p->base.file->path, p->copy, p->schema.bare, p->schema.entries, err);
}

/* Only what is wanted is read; a first column that is always there gives the number of rows. */
static int open_rows(struct parquet *p, struct error *err)
{
    struct str sql;
    size_t next = 1;
    str_init(&sql, STR_MAX_DEFAULT);
    str_append(&sql, "SELECT true");
    for (size_t i = 0; i < p->wanted_count; i++) {
        if (p->from[i].at == SIZE_MAX)
            continue;
        p->from[i].result = next++;
        column_init(&p->from[i].values, p->schema.columns[p->from[i].at].stored);
        sql_printf(&sql, ", %n", p->names[p->from[i].at]);
    }
    sql_printf(&sql, " FROM read_parquet(%t, hive_partitioning = false)",
               p->copy != NULL ? p->copy : p->base.file->path);
    int rc = str_check(&sql, "the query of a Parquet file", err);
    if (rc == ERR_OK)
        rc = result_open(p->engine, sql.data, &p->rows, err);
    if (rc == ERR_OK)
        result_batch(p->rows, &p->values);
    str_release(&sql);
    return rc;
}

static int choose(struct reader *self, const struct reader_column *columns, size_t count,
                  struct error *err)
{
    struct parquet *p = (struct parquet *)self;
    p->wanted = columns;
    p->wanted_count = count;
    p->from = mem_calloc(count, sizeof *p->from);
    int rc = match(p, err);
    engine_blame(p->engine, ERR_SOURCE);
    if (rc == ERR_OK)
        rc = copy_bare(p, err);
    if (rc == ERR_OK)
        rc = open_rows(p, err);
    return wrap(p, rc, err);
}

/* ---- What is stored ------------------------------------------------------------------------ */

/* A big-endian number in two's complement; false: it has more than 128 bits. */
static bool decode_decimal(const unsigned char *bytes, size_t length, struct column *out)
{
    unsigned char sign = length > 0 && bytes[0] >= 0x80 ? 0xff : 0;
    uint128 value = sign != 0 ? ~(uint128)0 : 0;
    for (size_t i = 0; i < length; i++) {
        if (i + sizeof value < length && bytes[i] != sign)
            return false;
        value = value << 8 | bytes[i];
    }
    column_add_decimal(out, (int128)value);
    return ((int128)value < 0) == (sign != 0);
}

#define JULIAN_1970 2440588
#define DAY_MICROSECONDS ((int64_t)86400 * 1000000)

/* Nanoseconds of the day, then the Julian day, least byte first; false: not whole microseconds. */
static bool decode_int96(const unsigned char *bytes, size_t length, struct column *out)
{
    uint64_t nanos = 0;
    uint32_t day = 0;
    for (size_t i = length == 12 ? 8 : 0; i-- > 0;)
        nanos = nanos << 8 | bytes[i];
    for (size_t i = length == 12 ? 12 : 8; i-- > 8;)
        day = day << 8 | bytes[i];
    bool whole = length == 12 && nanos % 1000 == 0 && nanos < (uint64_t)DAY_MICROSECONDS * 1000;
    column_add_bigint(out, whole ? ((int64_t)(int32_t)day - JULIAN_1970) * DAY_MICROSECONDS +
                                       (int64_t)(nanos / 1000)
                                 : 0);
    return whole;
}

static void decode_column(struct source_of *s, enum parquet_loss loss, const struct column *stored)
{
    column_clear(&s->values);
    while (s->bad_capacity < stored->count)
        s->bad = mem_grow(s->bad, s->bad_capacity, &s->bad_capacity, sizeof *s->bad);
    for (size_t i = 0; i < stored->count; i++) {
        size_t length;
        const unsigned char *bytes = (const unsigned char *)column_bytes(stored, i, &length);
        s->bad[i] = false;
        if (column_is_null(stored, i))
            column_add_null(&s->values);
        else if (loss == PARQUET_INT96)
            s->bad[i] = !decode_int96(bytes, length, &s->values);
        else
            s->bad[i] = !decode_decimal(bytes, length, &s->values);
        if (s->values.count == i)
            column_add_null(&s->values);
    }
}

/* Values of the result that are bytes of something else. */
static void decode(struct parquet *p)
{
    for (size_t i = 0; i < p->wanted_count; i++) {
        struct source_of *s = &p->from[i];
        enum parquet_loss loss = s->at != SIZE_MAX ? p->schema.losses[s->at] : PARQUET_EXACT;
        if (loss == PARQUET_INT96 || loss == PARQUET_DECIMAL)
            decode_column(s, loss, &p->values.columns[s->result]);
    }
}

/* ---- Rows ---------------------------------------------------------------------------------- */

static void put_bad(const struct column *stored, size_t row, const struct reader_fault *place,
                    struct reader_batch *out)
{
    size_t length;
    const char *bytes = column_bytes(stored, row, &length);
    char *shown = typed_hex(bytes, length);
    reader_batch_fault(out, place, shown, strlen(shown),
                       mem_strdup("has more digits than can be taken exactly"));
    free(shown);
}

static bool put_value(struct parquet *p, size_t i, size_t row, const struct reader_fault *place,
                      struct reader_batch *out)
{
    const struct source_of *s = &p->from[i];
    if (s->at == SIZE_MAX && p->wanted[i].required) {
        reader_batch_fault(out, place, NULL, 0, mem_strdup("has no value, but must have one"));
        return false;
    }
    if (s->at == SIZE_MAX) {
        column_add_null(&out->values.columns[i]);
        return true;
    }
    if (s->bad != NULL && s->bad[row]) {
        put_bad(&p->values.columns[s->result], row, place, out);
        return false;
    }
    const struct column *values = s->bad != NULL ? &s->values : &p->values.columns[s->result];
    return typed_put_or_fault(&p->schema.columns[s->at], values, row, &p->wanted[i], place, out);
}

/* Values of one row; the first that does not fit makes the row a fault. */
static void put_row(struct parquet *p, size_t row, uint64_t number, struct reader_batch *out)
{
    for (size_t i = 0; i < p->wanted_count; i++) {
        struct reader_fault place = {.row = number, .index = i};
        if (!put_value(p, i, row, &place, out))
            return;
    }
    reader_batch_row(out, number, 0);
}

static int next(struct reader *self, struct reader_batch *out, struct error *err)
{
    struct parquet *p = (struct parquet *)self;
    engine_blame(p->engine, ERR_SOURCE);
    int rc = wrap(p, result_next(p->rows, &p->values, err), err);
    if (rc == ERR_OK)
        decode(p);
    for (size_t i = 0; i < p->values.rows && rc == ERR_OK; i++)
        put_row(p, i, self->records + i + 1, out);
    return rc;
}

static void release(struct reader *self)
{
    struct parquet *p = (struct parquet *)self;
    reader_release(self);
    result_free(p->rows);
    batch_release(&p->values);
    for (size_t i = 0; p->from != NULL && i < p->wanted_count; i++) {
        column_release(&p->from[i].values);
        free(p->from[i].bad);
    }
    fs_discard(p->copy);
    free(p->copy);
    free(p->from);
    free(p->names);
    parquet_schema_release(&p->schema);
    free(p);
}

int parquet_open(struct engine *e, const char *workdir, const struct reader_file *file,
                 const struct read_options *options, struct reader **out, struct error *err)
{
    static const struct reader_ops ops = {names, choose, next, release};
    struct parquet *p = mem_calloc(1, sizeof *p);
    p->base = (struct reader){.ops = &ops, .file = file, .options = options};
    p->engine = e;
    p->workdir = workdir;
    engine_blame(e, ERR_SOURCE);
    int rc = wrap(p, parquet_schema_read(e, file->path, &p->schema, err), err);
    p->names = mem_calloc(p->schema.count, sizeof *p->names);
    for (size_t i = 0; i < p->schema.count; i++)
        p->names[i] = p->schema.columns[i].name;
    if (rc == ERR_OK)
        *out = &p->base;
    else
        release(&p->base);
    return rc;
}
