#include "catalog/nested.h"

#include <stdlib.h>
#include <string.h>

#include "catalog/pointer.h"
#include "util/mem.h"
#include "util/stop.h"

bool nested_is_pointer(struct store *st, const char *key)
{
    struct pointer p;
    struct str body;
    str_init(&body, POINTER_MAX_BYTES);
    int rc = store_get(st, key, &body, NULL, NULL);
    if (rc == ERR_OK)
        rc = pointer_decode(body.data, body.len, &p, NULL);
    str_release(&body);
    return rc == ERR_OK || rc == ERR_GATE; /* the latter: of a newer cauce */
}

int nested_look_above(struct store *top, const char *path, char **where, struct error *err)
{
    char *folder = mem_strdup(path);
    int rc = ERR_OK;
    *where = NULL;
    while (rc == ERR_OK && *where == NULL && folder[0] != '\0') {
        char *slash = strrchr(folder, '/');
        *(slash != NULL ? slash : folder) = '\0';
        char *key = mem_printf("%s%s" LAYOUT_POINTER, folder, folder[0] != '\0' ? "/" : "");
        if (nested_is_pointer(top, key))
            *where = mem_strdup(folder);
        free(key);
        rc = stop_check(err);
    }
    free(folder);
    return rc;
}

int nested_refuse(const char *outer, const char *inner, struct error *err)
{
    error_set(err, ERR_GATE,
              "The dataset in %s has another one inside it, in %s. Datasets must not be inside one "
              "another.",
              outer, inner);
    return error_tell(err, ERR_GATE, ERROR_UNCHANGED,
                      "Give one of them a place of its own (setting `store`).");
}
