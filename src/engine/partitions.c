#include "engine/partitions.h"

#include <stdlib.h>

#include "util/mem.h"

struct partitions {
    int32_t *items;
    size_t count, capacity;
};

static int take(void *ctx, const struct engine_row *row, struct error *err)
{
    (void)err;
    struct partitions *p = ctx;
    p->items = mem_grow(p->items, p->count, &p->capacity, sizeof *p->items);
    p->items[p->count++] = (int32_t)strtol(row->values[0], NULL, 10);
    return ERR_OK;
}

int partitions_query(struct engine *e, const struct str *select, int32_t **out, size_t *count,
                     struct error *err)
{
    struct partitions found = {0};
    struct str sql;
    str_init(&sql, STR_MAX_DEFAULT);
    str_printf(&sql,
               "SELECT CAST(part AS VARCHAR) FROM (SELECT DISTINCT part FROM (%s)) ORDER BY part",
               select->data);
    int rc = str_check(select, "a statement that looks for partitions", err);
    if (rc == ERR_OK)
        rc = str_check(&sql, "a statement that looks for partitions", err);
    if (rc == ERR_OK)
        rc = engine_query(e, sql.data, take, &found, err);
    str_release(&sql);
    if (rc != ERR_OK) {
        free(found.items);
        found = (struct partitions){0};
    }
    *out = found.items;
    *count = found.count;
    return rc;
}
