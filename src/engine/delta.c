#include "engine/delta.h"

#include <stdlib.h>

#include "engine/relation.h"
#include "util/mem.h"

void delta_release(struct delta *d)
{
    free(d->parts);
    *d = (struct delta){0};
}

/* The rows of a table with their partition and hash. */
static void hashed_rows(const struct schema *s, const char *table, struct str *out)
{
    str_append(out, "SELECT ");
    relation_partition(s, "", out);
    str_append(out, " AS part, ");
    relation_kept(s, "", out);
    str_append(out, ", ");
    relation_row_hash(s, "", out);
    str_printf(out, " AS row_hash FROM %s", table);
}

/* Every row of the source that is not in the index, or not with this content. */
static int create_delta(struct engine *e, const struct schema *s, const char *table,
                        struct error *err)
{
    struct str sql;
    str_init(&sql, STR_MAX_DEFAULT);
    str_append(&sql, "CREATE OR REPLACE TABLE delta AS SELECT s.*, "
                     "coalesce(k.known, false) AS revised FROM (");
    hashed_rows(s, table, &sql);
    str_append(&sql, ") s LEFT JOIN (SELECT *, true AS known FROM index_keys) k ON ");
    relation_keys_equal(s, "s", "k", &sql);
    str_append(&sql, " WHERE k.known IS NULL");
    if (s->track_revisions)
        str_append(&sql, " OR k.row_hash <> s.row_hash");
    str_append(&sql, " ORDER BY s.part, ");
    relation_keys(s, "s", &sql);
    int rc = str_check(&sql, "the statement of the delta", err);
    if (rc == ERR_OK)
        rc = engine_run(e, sql.data, err);
    str_release(&sql);
    return rc;
}

static int take_part(void *ctx, const struct engine_row *row, struct error *err)
{
    (void)err;
    struct delta *d = ctx;
    d->parts = mem_grow(d->parts, d->count, &d->capacity, sizeof *d->parts);
    struct delta_part *p = &d->parts[d->count++];
    *p = (struct delta_part){.partition = (int32_t)strtol(row->values[0], NULL, 10)};
    relation_read_digest(row->values + 1, &p->keys);
    relation_read_digest(row->values + 4, &p->fresh);
    p->rows = p->keys.count;
    p->revised = p->rows - p->fresh.count;
    d->rows_new += p->fresh.count;
    d->rows_revised += p->revised;
    key_digest_add(&d->fresh, &p->fresh);
    return ERR_OK;
}

static int count_parts(struct engine *e, const struct schema *s, struct delta *d, struct error *err)
{
    struct str sql;
    str_init(&sql, STR_MAX_DEFAULT);
    str_append(&sql, "SELECT CAST(part AS VARCHAR), ");
    relation_digest(s, "", &sql);
    str_append(&sql, ", ");
    relation_digest(s, "FILTER (WHERE NOT revised)", &sql);
    str_append(&sql, " FROM delta GROUP BY part ORDER BY part");
    int rc = engine_query(e, sql.data, take_part, d, err);
    str_release(&sql);
    return rc;
}

int delta_compute(struct engine *e, const struct schema *s, const char *table, struct delta *out,
                  struct error *err)
{
    *out = (struct delta){0};
    int rc = create_delta(e, s, table, err);
    if (rc == ERR_OK)
        rc = count_parts(e, s, out, err);
    if (rc != ERR_OK)
        delta_release(out);
    return rc;
}
