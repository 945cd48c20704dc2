#include "catalog/recall.h"

#include <stdlib.h>
#include <string.h>

#include "catalog/field.h"
#include "util/fs.h"
#include "util/log.h"
#include "util/mem.h"

#define FORMAT 1
#define RECALL_MAX_BYTES 65536

static char *file_of(const char *folder, const char *place, const struct pointer *p)
{
    char digest[SHA256_HEX_SIZE];
    char *identity =
        mem_printf("%s\n%s\n%016llx", place, p->dataset, (unsigned long long)p->key_seed);
    sha256_hex(identity, strlen(identity), digest);
    free(identity);
    return mem_printf("%s/pointer-%.32s.json", folder, digest);
}

static int decode(const struct json *root, struct witness *out, struct error *err)
{
    static const char where[] = "what is remembered";
    int rc = field_format(root, where, FORMAT, err);
    if (rc == ERR_OK)
        rc = json_need_unsigned(root, "gc_epoch", where, &out->gc_epoch, err);
    return rc == ERR_OK ? field_version(root, where, &out->version, err) : rc;
}

void recall_load(const char *folder, const char *place, const struct pointer *p,
                 struct witness *out)
{
    struct json *root = NULL;
    struct str text;
    *out = (struct witness){.gc_epoch = 0};
    if (folder == NULL)
        return;
    char *path = file_of(folder, place, p);
    str_init(&text, RECALL_MAX_BYTES);
    bool known = fs_read(path, &text, NULL) == ERR_OK &&
                 json_parse(text.data, text.len, path, &root, NULL) == ERR_OK &&
                 decode(root, out, NULL) == ERR_OK;
    if (!known)
        *out = (struct witness){.gc_epoch = 0};
    field_copy(out->who, sizeof out->who, "a note of this machine");
    json_free(root);
    str_release(&text);
    free(path);
}

static bool is_later(const struct pointer *p, const struct witness *known)
{
    if (p->gc_epoch != known->gc_epoch)
        return p->gc_epoch > known->gc_epoch;
    return p->current.sequence > known->version.sequence;
}

static void encode(const char *place, const struct pointer *p, struct str *out)
{
    struct json *root = json_new_object();
    json_set_integer(root, "format", FORMAT);
    json_set_string(root, "place", place);
    json_set_string(root, "dataset_id", p->dataset);
    json_set_unsigned(root, "gc_epoch", p->gc_epoch);
    field_set_version(root, &p->current);
    field_write(root, out);
}

void recall_save(const char *folder, const char *place, const struct pointer *p)
{
    struct witness known;
    struct error err = ERROR_INIT;
    struct str text;
    recall_load(folder, place, p, &known);
    if (folder == NULL || !is_later(p, &known))
        return;
    char *path = file_of(folder, place, p);
    str_init(&text, RECALL_MAX_BYTES);
    encode(place, p, &text);
    int rc = fs_make_folders(folder, false, &err);
    if (rc == ERR_OK)
        rc = fs_replace(path, text.data, text.len, &err);
    if (rc != ERR_OK)
        log_debug("the state of the pointer is not remembered: %s", err.text);
    str_release(&text);
    free(path);
}
