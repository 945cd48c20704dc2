#include "engine/inspect.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/literal.h"
#include "engine/relation.h"
#include "engine/sql.h"
#include "util/mem.h"

void inspection_release(struct inspection *i)
{
    free(i->min);
    free(i->max);
    *i = (struct inspection){0};
}

struct inspecting {
    const char *const *paths;
    size_t count;
    struct inspection *out;
};

static int take_file(void *ctx, const struct engine_row *row, struct error *err)
{
    struct inspecting *in = ctx;
    for (size_t i = 0; i < in->count; i++) {
        if (strcmp(in->paths[i], row->values[0]) != 0)
            continue;
        struct inspection *o = &in->out[i];
        inspection_release(o);
        relation_read_digest(row->values + 1, &o->keys);
        o->min = mem_strdup(row->values[4]);
        o->max = mem_strdup(row->values[5]);
        return ERR_OK;
    }
    return error_set(err, ERR_SYSTEM, "read %s, which was not asked for.", row->values[0]);
}

/* json_array of the least (greatest) values: numbers and truth values as such, the rest as text. */
static void bounds(const struct schema *s, const char *aggregate, struct str *out)
{
    str_append(out, "CAST(json_array(");
    for (size_t i = 0; i < s->key_count; i++) {
        char value[64];
        snprintf(value, sizeof value, "%s(c%zu)", aggregate, s->key[i]);
        str_append(out, i > 0 ? ", " : "");
        struct type type = s->columns[s->key[i]].type;
        if (type.kind == TYPE_BOOLEAN || type.kind == TYPE_INT || type.kind == TYPE_BIGINT)
            str_append(out, value);
        else
            literal_text(out, value, type);
    }
    str_append(out, ") AS VARCHAR)");
}

int inspect_files(struct engine *e, const struct schema *s, const char *const *paths, size_t count,
                  struct inspection *out, struct error *err)
{
    if (count == 0)
        return ERR_OK;
    for (size_t i = 0; i < count; i++)
        out[i] = (struct inspection){.min = NULL};
    struct str sql;
    str_init(&sql, STR_MAX_DEFAULT);
    str_append(&sql, "SELECT filename, ");
    relation_digest(s, "", &sql);
    str_append(&sql, ", ");
    bounds(s, "min", &sql);
    str_append(&sql, ", ");
    bounds(s, "max", &sql);
    str_append(&sql, " FROM ");
    relation_files(s, RELATION_KEYS, paths, count, &sql);
    str_append(&sql, " GROUP BY filename");
    struct inspecting in = {paths, count, out};
    int rc = str_check(&sql, "a list of files", err);
    engine_blame(e, ERR_DAMAGED);
    if (rc == ERR_OK)
        rc = engine_query(e, sql.data, take_file, &in, err);
    engine_blame(e, ERR_SYSTEM);
    str_release(&sql);
    return rc;
}
