#include "source/load.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "engine/feed.h"
#include "util/mem.h"

int load_open(struct load *l, struct engine *e, const char *table, const struct type *types,
              const char **constants, size_t count, struct error *err)
{
    *l = (struct load){.constants = constants};
    l->view.columns = mem_calloc(count, sizeof *l->view.columns);
    l->view.column_count = count;
    for (size_t i = 0; i < count; i++)
        if (constants != NULL && constants[i] != NULL)
            column_init(&l->view.columns[i], types[i]);
    return feed_open(e, table, types, count, &l->feed, err);
}

static int fill_constant(struct column *c, const char *value, size_t rows, struct error *err)
{
    while (c->count < rows)
        if (!column_add_bytes(c, value, strlen(value)))
            return error_set(err, ERR_LIMIT, "a constant is too long: %zu bytes.", strlen(value));
    if (c->count > rows)
        column_truncate(c, rows);
    return ERR_OK;
}

int load_take(void *load, const struct batch *rows, struct error *err)
{
    struct load *l = load;
    size_t next = 0;
    int rc = ERR_OK;
    for (size_t i = 0; i < l->view.column_count && rc == ERR_OK; i++) {
        if (l->constants != NULL && l->constants[i] != NULL)
            rc = fill_constant(&l->view.columns[i], l->constants[i], rows->rows, err);
        else
            l->view.columns[i] = rows->columns[next++];
    }
    assert(rc != ERR_OK || next == rows->column_count);
    l->view.rows = rows->rows;
    return rc == ERR_OK ? feed_put(l->feed, &l->view, err) : rc;
}

int load_close(struct load *l, struct error *err)
{
    return feed_close(l->feed, err);
}

void load_release(struct load *l)
{
    feed_free(l->feed);
    for (size_t i = 0; i < l->view.column_count; i++)
        if (l->constants != NULL && l->constants[i] != NULL)
            column_release(&l->view.columns[i]);
    free(l->view.columns);
    *l = (struct load){0};
}
