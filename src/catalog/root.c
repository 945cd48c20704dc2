#include "catalog/root.h"

#include <string.h>

static enum layout_kind kind_for(const struct root *r, const char *object)
{
    if (strcmp(object, r->key) == 0)
        return LAYOUT_STATE;
    if (!r->owns(object))
        return LAYOUT_STRANGER;
    return r->lasting ? LAYOUT_STATE : LAYOUT_DERIVED;
}

enum layout_kind roots_kind(const struct roots *roots, const char *key, struct version_id *version)
{
    char object[LAYOUT_KEY_SIZE];
    enum layout_kind kind = layout_kind(key, version);
    if (kind != LAYOUT_STRANGER || !layout_object(key, object))
        return kind;
    for (size_t i = 0; i < roots->count && kind == LAYOUT_STRANGER; i++)
        kind = kind_for(roots->items[i], object);
    return kind != LAYOUT_STRANGER && strcmp(object, key) != 0 ? LAYOUT_REMAINS : kind;
}

bool root_owns(const struct root *r, const char *key)
{
    char object[LAYOUT_KEY_SIZE];
    if (strcmp(key, r->key) == 0 || !layout_object(key, object))
        return false;
    return kind_for(r, object) != LAYOUT_STRANGER;
}

int roots_check_witnesses(struct store *st, const struct roots *roots, const struct base *base,
                          struct error *err)
{
    int rc = ERR_OK;
    for (size_t i = 0; i < roots->count && rc == ERR_OK; i++) {
        const struct root *r = roots->items[i];
        struct witness w;
        void *state;
        if (r->read(st, &state, NULL) != ERR_OK)
            continue;
        r->witness(state, &w);
        rc = witness_check_backed(st, base, &w, err);
        r->release(state);
    }
    return rc;
}
