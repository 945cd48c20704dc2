#include "pipeline/read.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "dataset/local_events.h"
#include "engine/literal.h"
#include "engine/sql.h"
#include "pipeline/output.h"
#include "pipeline/row_text.h"
#include "util/mem.h"
#include "util/stop.h"
#include "util/time.h"

#define FLUSH_BYTES ((size_t)256 << 10)
#define LOOK_EVERY 1024 /* rows between two checks for a request to stop */

/* ---- The version --------------------------------------------------------------------------- */

struct search {
    const struct read_request *options;
    struct manifest *out;
    bool found;
    uint64_t oldest; /* seen */
};

static int look(void *ctx, struct manifest *m, bool *stop, struct error *err)
{
    struct search *s = ctx;
    (void)err;
    s->oldest = m->version.sequence;
    bool meant = s->options->version > 0 ? m->version.sequence == s->options->version
                                         : m->time <= s->options->at;
    if (meant) {
        *s->out = *m;
        *m = (struct manifest){0};
        s->found = true;
    }
    *stop = meant;
    return ERR_OK;
}

static int not_found(const struct base *base, const struct search *s, struct error *err)
{
    const char *id = base->pointer.dataset;
    uint64_t kept = base->pointer.oldest_sequence;
    if (s->options->version > 0)
        return error_set(
            err, ERR_ABSENT,
            "The dataset \"%s\" has no version %" PRIu64 ": it has %" PRIu64 " to %" PRIu64 ".", id,
            s->options->version, kept > 0 ? kept : 1, base->pointer.current.sequence);
    char text[TIME_TEXT_SIZE];
    time_label(s->options->at, text);
    return error_set(err, ERR_ABSENT,
                     "The dataset \"%s\" had no version at %s: its oldest one, %" PRIu64
                     ", was made later.",
                     id, text, s->oldest);
}

int read_find(struct dataset *d, const struct base *base, const struct read_request *options,
              struct manifest *out, struct error *err)
{
    uint64_t current = base->pointer.current.sequence;
    *out = (struct manifest){0};
    if (current == 0)
        return error_set(err, ERR_ABSENT, "The dataset \"%s\" has no version yet.",
                         base->pointer.dataset);
    if (options->version == current || (options->version == 0 && options->at == 0)) {
        manifest_copy(&base->manifest, out);
        return ERR_OK;
    }
    struct search search = {.options = options, .out = out, .oldest = current};
    int rc = ERR_OK;
    if (options->version < current)
        rc = catalog_walk(d->store, base, look, &search, err);
    if (rc == ERR_OK && !search.found)
        rc = not_found(base, &search, err);
    return rc;
}

/* ---- The statement ------------------------------------------------------------------------- */

struct reading {
    struct dataset *d;
    const struct read_request *options;
    const struct schema *schema;
    struct local_events events;
    const char **names; /* of the columns written; the two of cauce last, with --events */
    struct type *types;
    size_t count;
    struct output output;
    struct str text; /* lines not yet written */
    uint64_t rows;
};

static void name_columns(struct reading *r)
{
    const struct schema *s = r->schema;
    r->names = mem_calloc(s->count + 2, sizeof *r->names);
    r->types = mem_calloc(s->count + 2, sizeof *r->types);
    for (size_t i = 0; i < s->count; i++) {
        r->names[i] = s->columns[i].name;
        r->types[i] = s->columns[i].type;
    }
    r->count = s->count;
    if (!r->options->events)
        return;
    r->names[r->count] = COLUMN_VERSION;
    r->types[r->count++].kind = TYPE_BIGINT;
    r->names[r->count] = COLUMN_INGESTED_AT;
    r->types[r->count++].kind = TYPE_TIMESTAMP;
}

static void column(const struct reading *r, size_t i, struct str *out)
{
    if (i < r->schema->count)
        str_printf(out, "e.c%zu", i);
    else
        str_printf(out, "e.%s", r->names[i]);
}

/* The rows in their order, as many as asked for. */
static void sorted_rows(const struct reading *r, struct str *sql)
{
    const struct local_events *l = &r->events;
    struct str what;
    str_init(&what, STR_MAX_DEFAULT);
    relation_event(r->schema, NULL, 0, &what);
    str_printf(sql, "SELECT e.%s FROM (", relation_whole(r->schema));
    if (r->options->events && l->files.count > 0) {
        str_printf(sql, "SELECT %s FROM ", what.data);
        relation_files(r->schema, RELATION_EVENT, (const char *const *)l->paths, l->files.count,
                       sql);
        str_append(sql, " e");
    } else {
        relation_newest(r->schema, what.data, l->relation, l->files.count, sql);
    }
    str_release(&what);
    str_append(sql, ") e ORDER BY ");
    str_append(sql, r->options->events ? "e." COLUMN_VERSION ", " : "");
    relation_keys(r->schema, "e", sql);
    if (r->options->limit > 0)
        str_printf(sql, " LIMIT %" PRIu64, r->options->limit);
}

/* FROM these rows as table `e`. */
static void from_rows(const struct reading *r, struct str *sql)
{
    struct str rows;
    str_init(&rows, STR_MAX_DEFAULT);
    sorted_rows(r, &rows);
    str_append(sql, " FROM ");
    relation_rows(r->schema, true, rows.data, sql);
    str_append(sql, " e");
    str_release(&rows);
}

/* ---- Text ---------------------------------------------------------------------------------- */

static int flush(struct reading *r, struct error *err)
{
    int rc = str_check(&r->text, "a row", err);
    if (rc == ERR_OK)
        rc = output_write(&r->output, r->text.data, r->text.len, err);
    str_clear(&r->text);
    return rc;
}

static int write_row(void *ctx, const struct engine_row *row, struct error *err)
{
    struct reading *r = ctx;
    if (r->options->format == READ_CSV)
        row_text_csv(row->values, row->lengths, row->count, &r->text);
    else
        row_text_json(r->names, r->types, row->values, row->lengths, row->count, &r->text);
    r->rows++;
    if (r->rows % LOOK_EVERY == 0 && stop_requested())
        return error_set(err, ERR_INTERRUPTED, "Stopped by a signal after %" PRIu64 " rows.",
                         r->rows);
    if (r->text.len < FLUSH_BYTES && !r->text.full)
        return ERR_OK;
    return flush(r, err);
}

static void write_header(struct reading *r)
{
    size_t *lengths = mem_calloc(r->count, sizeof *lengths);
    for (size_t i = 0; i < r->count; i++)
        lengths[i] = strlen(r->names[i]);
    row_text_csv(r->names, lengths, r->count, &r->text);
    free(lengths);
}

/*
 * A value as text. DuckDB 1.4 shows a decimal that is all scale without a digit before the point
 * (".05"), which JSON does not know.
 */
static void value_as_text(const struct reading *r, size_t i, struct str *out)
{
    struct str name;
    struct str text;
    struct type type = r->types[i];
    str_init(&name, 64);
    str_init(&text, 256);
    column(r, i, &name);
    literal_text(&text, name.data, type);
    if (type.kind == TYPE_DECIMAL && type.precision == type.scale)
        sql_printf(out, "regexp_replace(%s, %t, %t)", text.data, "^(-?)[.]", "\\10.");
    else
        str_append(out, text.data);
    str_release(&text);
    str_release(&name);
}

static int write_text(struct reading *r, struct error *err)
{
    struct str sql;
    str_init(&sql, STR_MAX_DEFAULT);
    str_append(&sql, "SELECT ");
    for (size_t i = 0; i < r->count; i++) {
        str_append(&sql, i > 0 ? ", " : "");
        value_as_text(r, i, &sql);
    }
    from_rows(r, &sql);
    int rc = str_check(&sql, "the list of files to read", err);
    if (rc == ERR_OK && r->options->format == READ_CSV)
        write_header(r);
    if (rc == ERR_OK)
        rc = engine_query(r->d->engine, sql.data, write_row, r, err);
    if (rc == ERR_OK)
        rc = flush(r, err);
    str_release(&sql);
    return rc;
}

/* ---- Parquet ------------------------------------------------------------------------------- */

static uint32_t field_id(const struct reading *r, size_t i)
{
    if (i < r->schema->count)
        return r->schema->columns[i].id;
    return i == r->schema->count ? COLUMN_VERSION_ID : COLUMN_INGESTED_AT_ID;
}

static void copy_statement(const struct reading *r, const char *path, struct str *sql)
{
    str_append(sql, "COPY (SELECT ");
    for (size_t i = 0; i < r->count; i++) {
        str_append(sql, i > 0 ? ", " : "");
        column(r, i, sql);
        sql_printf(sql, " AS %n", r->names[i]);
    }
    from_rows(r, sql);
    sql_printf(sql, ") TO %t (FORMAT parquet, COMPRESSION zstd, FIELD_IDS {", path);
    for (size_t i = 0; i < r->count; i++)
        sql_printf(sql, "%s%n: %u", i > 0 ? ", " : "", r->names[i],
                   (unsigned long long)field_id(r, i));
    str_append(sql, "}");
    relation_row_groups(r->schema, sql);
    str_append(sql, ")");
}

static int count_rows(struct reading *r, const char *path, struct error *err)
{
    struct str sql;
    str_init(&sql, STR_MAX_DEFAULT);
    sql_printf(&sql, "SELECT count(*) FROM read_parquet(%t)", path);
    int rc = engine_count(r->d->engine, sql.data, &r->rows, err);
    str_release(&sql);
    return rc;
}

/* Parquet cannot be streamed from its beginning: it is made as a whole, then copied out. */
static int write_parquet(struct reading *r, struct error *err)
{
    struct str sql;
    char *path = dataset_scratch(r->d, ".parquet");
    str_init(&sql, STR_MAX_DEFAULT);
    copy_statement(r, path, &sql);
    int rc = str_check(&sql, "the list of files to read", err);
    if (rc == ERR_OK)
        rc = engine_run(r->d->engine, sql.data, err);
    if (rc == ERR_OK)
        rc = count_rows(r, path, err);
    if (rc == ERR_OK)
        rc = output_copy(&r->output, path, err);
    str_release(&sql);
    free(path);
    return rc;
}

/* ---- Reading ------------------------------------------------------------------------------- */

static int read_version(struct reading *r, const struct base *base, const struct manifest *m,
                        struct error *err)
{
    const struct read_request *o = r->options;
    r->schema = &m->schema;
    name_columns(r);
    int rc = local_events_fetch(r->d, base, 0, m->version.sequence, &r->events, err);
    if (rc == ERR_OK)
        rc = dataset_engine(r->d, m->key_seed, err);
    if (rc == ERR_OK)
        rc = output_open(o->path, o->stream, &r->output, err);
    if (rc == ERR_OK)
        rc = o->format == READ_PARQUET ? write_parquet(r, err) : write_text(r, err);
    if (rc == ERR_OK)
        rc = output_finish(&r->output, err);
    output_release(&r->output);
    local_events_release(&r->events);
    free(r->names);
    free(r->types);
    return rc;
}

int read_rows(struct dataset *d, const struct base *base, const struct read_request *options,
              uint64_t *rows, struct error *err)
{
    struct manifest manifest;
    struct reading r = {.d = d, .options = options};
    *rows = 0;
    int rc = read_find(d, base, options, &manifest, err);
    if (rc != ERR_OK)
        return rc;
    str_init(&r.text, STR_MAX_DEFAULT);
    rc = read_version(&r, base, &manifest, err);
    if (rc == ERR_OK)
        *rows = r.rows;
    str_release(&r.text);
    manifest_release(&manifest);
    return rc;
}
