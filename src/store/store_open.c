/* Opens a store by its URL. A new backend is a folder below src/store/ and a row in this table. */
#include <string.h>

#include "store/file/file.h"
#include "store/s3/s3.h"
#include "store/store.h"
#include "store/store_backend.h"
#include "store/store_memory.h"
#include "util/str.h"
#include "util/uri.h"

static const struct {
    const char *prefix; /* of the URLs that `open` takes */
    store_opener *open;
} backends[] = {
    {"file:", store_file_open_url},
    {"memory:", store_memory_open_url},
    {"s3://", store_s3_open},
};

int store_open(const char *url, const struct store_options *options, struct store **out,
               struct error *err)
{
    static const struct store_options defaults = {0};
    if (options == NULL)
        options = &defaults;
    *out = NULL;
    if (url == NULL || url[0] == '\0')
        return error_set(err, ERR_CONFIG, "The store is empty: give a folder or an s3:// URL.");
    for (size_t i = 0; i < sizeof backends / sizeof backends[0]; i++) {
        if (str_starts(url, backends[i].prefix))
            return backends[i].open(url, options, out, err);
    }
    size_t scheme = uri_scheme(url);
    /* The rest of a strange URL may hold a password: only its scheme is shown. */
    if (scheme > 0)
        return error_set(err, ERR_CONFIG,
                         "A store cannot be a URL of the kind %.*s://: give a folder (a path or "
                         "file:///path) or s3://bucket/prefix.",
                         (int)(scheme < 32 ? scheme : 32), url);
    return store_file_open(url, options, out, err);
}
