#include "engine/duckdb_api.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct duckdb_api duckdb;

static pthread_mutex_t loading = PTHREAD_MUTEX_INITIALIZER;
static bool loaded;

/* ISO C has no cast from void * to a function pointer; POSIX promises the bytes are the same. */
static int bind_symbol(void *library, const char *name, void *slot, struct error *err)
{
    void *symbol = dlsym(library, name);
    if (symbol == NULL)
        return error_set(
            err, ERR_SYSTEM,
            "libduckdb has no function %s: it is too old, or not libduckdb. Install version 1.4 or "
            "later; `cauce doctor` shows which file was loaded.",
            name);
    memcpy(slot, &symbol, sizeof symbol);
    return ERR_OK;
}

#define BIND(name)    \
    if (rc == ERR_OK) \
        rc = bind_symbol(library, "duckdb_" #name, &duckdb.name, err);

static int load(const char *path, struct error *err)
{
    const char *file = path != NULL ? path : "libduckdb.so";
    /* Lazily: binding all of its functions at once takes 17 ms more, of 120 for a small run. */
    void *library = dlopen(file, RTLD_LAZY | RTLD_LOCAL);
    if (library == NULL)
        return error_set(
            err, ERR_SYSTEM,
            "cannot load libduckdb (%s). Install it beside the program (lib/cauce), or "
            "set DUCKDB_ROOT to the folder that holds libduckdb.so.",
            dlerror());
    int rc = ERR_OK;
    DUCKDB_API_FUNCTIONS(BIND)
    if (rc == ERR_OK)
        loaded = true;
    else
        dlclose(library);
    return rc;
}

int duckdb_api_load(const char *path, struct error *err)
{
    pthread_mutex_lock(&loading);
    int rc = loaded ? ERR_OK : load(path, err);
    pthread_mutex_unlock(&loading);
    return rc;
}
