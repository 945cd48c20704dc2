#include "source/unpivot.h"

#include <stdlib.h>
#include <string.h>

#include "util/mem.h"

struct unpivoting {
    struct reader base;
    struct reader *inner;
    const struct unpivot *unpivot;
    const char **names; /* that this reader gives: those kept, name and value */
    size_t name_count;
    const char **others; /* columns that become rows; owned by the inner reader */
    size_t other_count;

    const struct reader_column *wanted;
    size_t wanted_count;
    size_t *place;                      /* by wanted column: among the inner ones, NAME or VALUE */
    struct reader_column *inner_wanted; /* those kept, then one for every other column */
    size_t kept_count;
    struct column labels; /* names of the other columns, as the type of their column has them */
    struct reader_batch batch;
    size_t row;   /* of the batch that rows are being made of */
    size_t other; /* and the column that comes next */
};

#define NAME SIZE_MAX
#define VALUE (SIZE_MAX - 1)

static bool has(const struct name_index *names, const char *name)
{
    return name_index_find(names, name) != SIZE_MAX;
}

/* ---- Opening ------------------------------------------------------------------------------- */

/* What is kept, then the two columns that the others become. */
static int keep_names(struct unpivoting *u, const struct name_index *all, struct error *err)
{
    const struct unpivot *o = u->unpivot;
    u->names = mem_calloc(o->keep.count + 2, sizeof *u->names);
    for (size_t i = 0; i < o->keep.count; i++) {
        if (!has(all, o->keep.items[i]))
            return error_set(err, ERR_GATE,
                             "`unpivot` keeps the column \"%s\", which is not in %s.",
                             o->keep.items[i], u->inner->file->shown);
        u->names[u->name_count++] = o->keep.items[i];
    }
    u->names[u->name_count++] = o->name;
    u->names[u->name_count++] = o->value;
    return ERR_OK;
}

static int list_others(struct unpivoting *u, const struct reader_texts *all, struct error *err)
{
    struct name_index kept;
    reader_texts_index(&u->unpivot->keep, &kept);
    u->others = mem_calloc(all->count, sizeof *u->others);
    for (size_t i = 0; i < all->count; i++)
        if (!has(&kept, all->items[i]))
            u->others[u->other_count++] = all->items[i];
    name_index_release(&kept);
    if (u->other_count == 0)
        return error_set(err, ERR_GATE,
                         "`unpivot` keeps all columns of %s: none is left to become rows.",
                         u->inner->file->shown);
    return ERR_OK;
}

static int split_names(struct unpivoting *u, struct error *err)
{
    struct reader_texts all = {0};
    struct name_index names;
    int rc = reader_names(u->inner, &all, err);
    if (rc != ERR_OK)
        return rc;
    reader_texts_index(&all, &names);
    rc = keep_names(u, &names, err);
    name_index_release(&names);
    return rc == ERR_OK ? list_others(u, &all, err) : rc;
}

static int names(struct reader *self, struct reader_texts *out, struct error *err)
{
    const struct unpivoting *u = (const struct unpivoting *)self;
    (void)err;
    *out = (struct reader_texts){u->names, u->name_count};
    return ERR_OK;
}

/* ---- What is wanted ------------------------------------------------------------------------ */

/* The names of the other columns as values, once. */
static int cast_labels(struct unpivoting *u, const struct reader_column *column, struct error *err)
{
    column_init(&u->labels, cast_type(column->cast));
    for (size_t i = 0; i < u->other_count; i++) {
        const char *name = u->others[i];
        if (cast_text(column->cast, name, strlen(name), &u->labels) != CAST_BAD)
            continue;
        char *reason = cast_reason(column->cast, name, strlen(name));
        error_set(err, ERR_GATE,
                  "column \"%s\": \"%s\", which is the name of a column of %s, %s. List under "
                  "`unpivot.keep` what is not to become rows.",
                  column->name, name, u->inner->file->shown, reason);
        free(reason);
        return ERR_GATE;
    }
    return ERR_OK;
}

/* One inner column per kept one, and the place of each wanted column; the value's, NULL: none. */
static int place_columns(struct unpivoting *u, const struct reader_column **value,
                         struct error *err)
{
    struct reader_texts known = {u->names, u->name_count};
    int rc = reader_match(u->inner, u->wanted, u->wanted_count, &known, u->place, err);
    for (size_t i = 0; i < u->wanted_count && rc == ERR_OK; i++) {
        const struct reader_column *c = &u->wanted[i];
        size_t at = u->place[i];
        if (at == u->name_count - 2) {
            u->place[i] = NAME;
            rc = cast_labels(u, c, err);
        } else if (at == u->name_count - 1) {
            u->place[i] = VALUE;
            *value = c;
        } else {
            u->place[i] = u->kept_count;
            u->inner_wanted[u->kept_count++] = *c;
        }
    }
    return rc;
}

static int choose(struct reader *self, const struct reader_column *columns, size_t count,
                  struct error *err)
{
    struct unpivoting *u = (struct unpivoting *)self;
    const struct reader_column *value = NULL;
    u->wanted = columns;
    u->wanted_count = count;
    u->place = mem_calloc(count, sizeof *u->place);
    u->inner_wanted = mem_calloc(count + u->other_count, sizeof *u->inner_wanted);
    int rc = place_columns(u, &value, err);
    size_t inner_count = u->kept_count;
    for (size_t i = 0; i < u->other_count && rc == ERR_OK && value != NULL; i++) {
        struct reader_column *c = &u->inner_wanted[inner_count++];
        *c = *value;
        c->from = (struct reader_texts){&u->others[i], 1};
    }
    if (rc == ERR_OK)
        rc = reader_select(u->inner, u->inner_wanted, inner_count, err);
    if (rc == ERR_OK)
        reader_batch_init(&u->batch, u->inner_wanted, inner_count);
    return rc;
}

/* ---- Rows ---------------------------------------------------------------------------------- */

static size_t wanted_of(const struct unpivoting *u, size_t inner)
{
    for (size_t i = 0; i < u->wanted_count; i++)
        if (u->place[i] == inner || (u->place[i] == VALUE && inner >= u->kept_count))
            return i;
    return SIZE_MAX;
}

/* Faults of the records that the batch is made of. */
static void pass_faults(struct unpivoting *u, struct reader_batch *out)
{
    for (size_t i = 0; i < u->batch.fault_count; i++) {
        const struct reader_fault *f = &u->batch.faults[i];
        struct reader_fault place = *f;
        if (f->index != SIZE_MAX)
            place.index = wanted_of(u, f->index);
        reader_batch_fault(out, &place, f->value, f->value != NULL ? strlen(f->value) : 0,
                           mem_strdup(f->reason));
    }
}

static int put_row(struct unpivoting *u, struct reader_batch *out, struct error *err)
{
    for (size_t i = 0; i < u->wanted_count; i++) {
        struct column *to = &out->values.columns[i];
        const struct column *from = &u->labels;
        size_t at = u->other;
        if (u->place[i] != NAME) {
            size_t inner = u->place[i] == VALUE ? u->kept_count + u->other : u->place[i];
            from = &u->batch.values.columns[inner];
            at = u->row;
        }
        if (!column_copy(to, from, at))
            return error_set(err, ERR_LIMIT, "%s: the texts of one record are too long.",
                             u->inner->file->shown);
    }
    reader_batch_row(out, u->batch.rows[u->row], u->batch.lines[u->row]);
    return ERR_OK;
}

static int refill(struct unpivoting *u, struct reader_batch *out, struct error *err)
{
    u->row = 0;
    u->other = 0;
    int rc = reader_next(u->inner, &u->batch, err);
    pass_faults(u, out);
    return rc;
}

static int next(struct reader *self, struct reader_batch *out, struct error *err)
{
    struct unpivoting *u = (struct unpivoting *)self;
    int rc = ERR_OK;
    if (u->row == u->batch.values.rows)
        rc = refill(u, out, err);
    while (rc == ERR_OK && u->row < u->batch.values.rows && out->values.rows < READER_BATCH_ROWS) {
        rc = put_row(u, out, err);
        if (++u->other == u->other_count) {
            u->other = 0;
            u->row++;
        }
    }
    return rc;
}

static void take_warnings(struct unpivoting *u)
{
    for (size_t i = u->base.warning_count; i < u->inner->warning_count; i++)
        reader_warn(&u->base, mem_strdup(u->inner->warnings[i]));
}

static int next_with_warnings(struct reader *self, struct reader_batch *out, struct error *err)
{
    int rc = next(self, out, err);
    take_warnings((struct unpivoting *)self);
    return rc;
}

static void release(struct reader *self)
{
    struct unpivoting *u = (struct unpivoting *)self;
    reader_release(self);
    reader_batch_release(&u->batch);
    column_release(&u->labels);
    reader_free(u->inner);
    free(u->names);
    free(u->others);
    free(u->place);
    free(u->inner_wanted);
    free(u);
}

int unpivot_open(struct reader *inner, const struct unpivot *unpivot, struct reader **out,
                 struct error *err)
{
    static const struct reader_ops ops = {names, choose, next_with_warnings, release};
    struct unpivoting *u = mem_calloc(1, sizeof *u);
    u->base = (struct reader){.ops = &ops, .file = inner->file, .options = inner->options};
    u->inner = inner;
    u->unpivot = unpivot;
    int rc = split_names(u, err);
    if (rc == ERR_OK)
        *out = &u->base;
    else
        release(&u->base);
    return rc;
}
