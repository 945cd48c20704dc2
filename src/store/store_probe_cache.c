/* The part of store_probe.h that remembers: one small JSON document per endpoint and bucket. */
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
    /* A time in the future came from a wrong clock. */
    if (proven > now || now - proven > STORE_PROBE_DAYS * DAY)
        return false;
    out->unquoted = json_bool(json_get(root, "unquoted"));
    out->multipart = json_bool(json_get(root, "multipart"));
    out->copies = json_bool(json_get(root, "copies"));
    out->absent = (long)json_integer(json_get(root, "absent"));
    return true;
}

static bool decode(const struct str *text, const char *identity, int64_t now,
                   struct store_dialect *out)
{
    struct json *root = NULL;
    bool found = json_parse(text->data, text->len, "proof", &root, NULL) == ERR_OK &&
                 read_dialect(root, identity, now, out);
    json_free(root);
    return found;
}

static void encode(const char *identity, int64_t now, const struct store_dialect *dialect,
                   struct str *out)
{
    struct json *root = json_new_object();
    json_set_integer(root, "format", FORMAT);
    json_set_string(root, "identity", identity);
    json_set_integer(root, "proven", now);
    json_set_bool(root, "unquoted", dialect->unquoted);
    json_set_bool(root, "multipart", dialect->multipart);
    json_set_bool(root, "copies", dialect->copies);
    json_set_integer(root, "absent", dialect->absent);
    json_write(root, true, out);
    json_free(root);
}

bool store_probe_load(const struct store_proof *kept, int64_t now, struct store_dialect *out)
{
    struct str text;
    bool found = false;
    str_init(&text, CACHE_SIZE_MAX);
    if (kept->folder != NULL) {
        char *path = file_of(kept->folder, kept->identity);
        found = fs_read(path, &text, NULL) == ERR_OK && decode(&text, kept->identity, now, out);
        free(path);
    }
    str_clear(&text);
    if (!found && kept->store != NULL)
        found = store_get(kept->store, STORE_PROOF, &text, NULL, NULL) == ERR_OK &&
                decode(&text, kept->identity, now, out);
    str_release(&text);
    return found;
}

static void save_here(const struct store_proof *kept, const struct str *text)
{
    struct error err = ERROR_INIT;
    if (kept->folder == NULL)
        return;
    char *path = file_of(kept->folder, kept->identity);
    int rc = fs_make_folders(kept->folder, false, &err);
    if (rc == ERR_OK)
        rc = fs_replace(path, text->data, text->len, &err);
    if (rc != ERR_OK)
        log_debug("the result of the probe could not be kept on this machine: %s", err.text);
    free(path);
}

static void save_there(const struct store_proof *kept, const struct str *text)
{
    struct error err = ERROR_INIT;
    struct store_info info;
    struct store_body body = store_body_bytes(text->data, text->len);
    if (kept->store == NULL)
        return;
    int rc = store_head(kept->store, STORE_PROOF, &info, &err);
    if (rc == ERR_OK)
        rc = store_swap(kept->store, STORE_PROOF, &info.tag, &body, NULL, &err);
    else if (rc == ERR_ABSENT)
        rc = store_put_new(kept->store, STORE_PROOF, &body, NULL, &err);
    if (rc != ERR_OK)
        log_debug("the result of the probe could not be kept in the store: %s", err.text);
}

void store_probe_save(const struct store_proof *kept, int64_t now,
                      const struct store_dialect *dialect)
{
    struct str text;
    str_init(&text, CACHE_SIZE_MAX);
    encode(kept->identity, now, dialect, &text);
    save_here(kept, &text);
    save_there(kept, &text);
    str_release(&text);
}

/* Whoever uses a proof that could not be removed is refused, too, and proves it again. */
void store_probe_forget(const struct store_proof *kept)
{
    if (kept->folder != NULL) {
        char *path = file_of(kept->folder, kept->identity);
        fs_discard(path);
        free(path);
    }
    if (kept->store != NULL)
        error_ignore(store_remove(kept->store, STORE_PROOF, NULL));
}
