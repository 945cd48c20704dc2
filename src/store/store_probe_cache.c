/* The part of store_probe.h that remembers: one small JSON file per endpoint and bucket. */
#include "store/store_probe.h"

#include <stdlib.h>
#include <string.h>

#include "util/digest.h"
#include "util/fs.h"
#include "util/json.h"
#include "util/log.h"
#include "util/mem.h"

#define FORMAT 1
#define CACHE_SIZE_MAX 65536
#define DAY (INT64_C(86400) * 1000000)

static char *file_of(const char *folder, const char *identity)
{
    char digest[SHA256_HEX_SIZE];
    sha256_hex(identity, strlen(identity), digest);
    return mem_printf("%s/probe-%.32s.json", folder, digest);
}

static bool read_dialect(const struct json *root, const char *identity, int64_t now,
                         struct store_dialect *out)
{
    int64_t proven = json_integer(json_get(root, "proven"));
    if (json_integer(json_get(root, "format")) != FORMAT ||
        strcmp(json_string(json_get(root, "identity")), identity) != 0)
        return false;
    /* A time in the future is that of a clock that was wrong. */
    if (proven > now || now - proven > STORE_PROBE_DAYS * DAY)
        return false;
    out->unquoted = json_bool(json_get(root, "unquoted"));
    out->multipart = json_bool(json_get(root, "multipart"));
    out->copies = json_bool(json_get(root, "copies"));
    out->absent = (long)json_integer(json_get(root, "absent"));
    return true;
}

bool store_probe_load(const char *folder, const char *identity, int64_t now,
                      struct store_dialect *out)
{
    if (folder == NULL)
        return false;
    char *path = file_of(folder, identity);
    struct json *root = NULL;
    struct str text;
    str_init(&text, CACHE_SIZE_MAX);
    bool found = fs_read(path, &text, NULL) == ERR_OK &&
                 json_parse(text.data, text.len, path, &root, NULL) == ERR_OK &&
                 read_dialect(root, identity, now, out);
    json_free(root);
    str_release(&text);
    free(path);
    return found;
}

void store_probe_save(const char *folder, const char *identity, int64_t now,
                      const struct store_dialect *dialect)
{
    if (folder == NULL)
        return;
    char *path = file_of(folder, identity);
    struct json *root = json_new_object();
    struct str text;
    struct error err = ERROR_INIT;
    str_init(&text, CACHE_SIZE_MAX);
    json_set_integer(root, "format", FORMAT);
    json_set_string(root, "identity", identity);
    json_set_integer(root, "proven", now);
    json_set_bool(root, "unquoted", dialect->unquoted);
    json_set_bool(root, "multipart", dialect->multipart);
    json_set_bool(root, "copies", dialect->copies);
    json_set_integer(root, "absent", dialect->absent);
    json_write(root, true, &text);
    int rc = fs_make_folders(folder, false, &err);
    if (rc == ERR_OK)
        rc = fs_replace(path, text.data, text.len, &err);
    if (rc != ERR_OK)
        log_debug("the result of the probe is not kept: %s", err.text);
    str_release(&text);
    json_free(root);
    free(path);
}
