#include "pipeline/place.h"

#include <stdlib.h>
#include <string.h>

#include "catalog/nested.h"
#include "util/log.h"
#include "util/mem.h"
#include "util/uri.h"

/*
 * The URL of the store that holds everything above, and where in it the store of that URL begins.
 * NULL where nothing can be above.
 */
static char *find_top(const char *url, const char **path)
{
    const char *host = uri_authority(url);
    const char *slash = uri_scheme(url) > 0 ? strchr(host, '/') : NULL;
    if (slash == NULL)
        return NULL;
    *path = slash + 1;
    /* Without a bucket or host, as in "file:///path", the root is named by its slash. */
    bool nameless = slash == host;
    return mem_strndup(url, (size_t)(slash - url) + (nameless ? 1 : 0));
}

int place_check(struct dataset *d, struct error *err)
{
    struct store_options options = d->places;
    struct error why = ERROR_INIT;
    struct store *top = NULL;
    const char *path;
    char *where = NULL;
    char *url = find_top(d->store->url, &path);
    int rc = ERR_OK;
    if (url == NULL)
        return ERR_OK;
    options.allow_network_filesystem = true;
    if (store_open(url, &options, &top, &why) != ERR_OK)
        log_debug("whether a dataset lies above %s is not known: %s", d->store->url, why.text);
    else
        rc = nested_look_above(top, path, &where, err);
    if (rc == ERR_OK && where != NULL) {
        char *outer = mem_printf("%s%s%s", url, str_ends(url, "/") ? "" : "/", where);
        rc = nested_refuse(outer, d->store->url, err);
        free(outer);
    }
    free(where);
    if (top != NULL)
        store_bill_add(&d->beside, &top->bill);
    store_free(top);
    free(url);
    return rc;
}
