#include "catalog/field.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/mem.h"

#define DATASET_ID_MAX 64

bool field_dataset_valid(const char *text)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789_-";
    size_t length = strlen(text);
    return length >= 1 && length <= DATASET_ID_MAX && strspn(text, allowed) == length &&
           text[0] != '_' && text[0] != '-';
}

void field_write(struct json *root, struct str *out)
{
    json_write(root, true, out);
    str_append_char(out, '\n');
    json_free(root);
}

int field_bad(struct error *err, const char *name, const char *where, const char *format, ...)
{
    char rest[256];
    va_list args;
    va_start(args, format);
    vsnprintf(rest, sizeof rest, format, args);
    va_end(args);
    return error_set(err, ERR_DAMAGED, "The field \"%s\" of %s %s.", name, where, rest);
}

int field_format(const struct json *root, const char *where, uint64_t newest, struct error *err)
{
    uint64_t format;
    if (!json_is_object(root))
        return error_set(err, ERR_DAMAGED, "%s is not a JSON object.", where);
    int rc = json_need_unsigned(root, "format", where, &format, err);
    if (rc != ERR_OK)
        return rc;
    if (format > newest) {
        error_set(err, ERR_GATE,
                  "It has format %" PRIu64 " and this cauce knows formats up to %" PRIu64
                  ": a newer cauce wrote it.",
                  format, newest);
        return error_tell(err, ERR_GATE, ERROR_UNCHANGED, "Use that version.");
    }
    return format > 0 ? ERR_OK : field_bad(err, "format", where, "is 0, and formats start at 1");
}

int field_text(const struct json *object, const char *name, const char *where, const char **out,
               struct error *err)
{
    const char *text;
    int rc = json_need_string(object, name, where, &text, err);
    if (rc != ERR_OK)
        return rc;
    if (strlen(text) > FIELD_TEXT_MAX)
        return field_bad(err, name, where, "is longer than %zu bytes", FIELD_TEXT_MAX);
    *out = text;
    return ERR_OK;
}

int field_optional_text(const struct json *object, const char *name, const char *where, char **out,
                        struct error *err)
{
    const char *text = NULL;
    int rc =
        json_is_null(json_get(object, name)) ? ERR_OK : field_text(object, name, where, &text, err);
    if (rc == ERR_OK)
        *out = mem_strdup(text);
    return rc;
}

/* A string of exactly `digits` lower-case hex digits, copied with its NUL. */
static int hex(const struct json *object, const char *name, const char *where, size_t digits,
               char *out, struct error *err)
{
    const char *text;
    int rc = json_need_string(object, name, where, &text, err);
    if (rc != ERR_OK)
        return rc;
    if (!digest_is_hex(text, digits))
        return field_bad(err, name, where, "is not %zu lower-case hex digits", digits);
    memcpy(out, text, digits + 1);
    return ERR_OK;
}

int field_id(const struct json *object, const char *name, const char *where, char out[ID_SIZE],
             struct error *err)
{
    return hex(object, name, where, ID_SIZE - 1, out, err);
}

int field_sha256(const struct json *object, const char *name, const char *where,
                 char out[SHA256_HEX_SIZE], struct error *err)
{
    return hex(object, name, where, SHA256_HEX_SIZE - 1, out, err);
}

int field_optional_sha256(const struct json *object, const char *name, const char *where,
                          char out[SHA256_HEX_SIZE], struct error *err)
{
    if (!json_is_null(json_get(object, name)))
        return field_sha256(object, name, where, out, err);
    out[0] = '\0';
    return ERR_OK;
}

void field_set_optional_sha256(struct json *object, const char *name, const char *sha256)
{
    json_set_string(object, name, sha256[0] != '\0' ? sha256 : NULL);
}

int field_bits(const struct json *object, const char *name, const char *where, uint64_t *out,
               struct error *err)
{
    char text[17] = "";
    int rc = hex(object, name, where, 16, text, err);
    if (rc == ERR_OK)
        *out = strtoull(text, NULL, 16);
    return rc;
}

void field_set_bits(struct json *object, const char *name, uint64_t value)
{
    char text[17];
    snprintf(text, sizeof text, "%016" PRIx64, value);
    json_set_string(object, name, text);
}

int field_version(const struct json *object, const char *where, struct version_id *out,
                  struct error *err)
{
    struct version_id v;
    int rc = json_need_unsigned(object, "sequence", where, &v.sequence, err);
    if (rc == ERR_OK)
        rc = field_id(object, "commit", where, v.commit, err);
    if (rc == ERR_OK)
        *out = v;
    return rc;
}

void field_set_version(struct json *object, const struct version_id *version)
{
    json_set_unsigned(object, "sequence", version->sequence);
    json_set_string(object, "commit", version->commit);
}

int field_optional_version(const struct json *object, const char *where, struct version_id *out,
                           struct error *err)
{
    struct version_id none = {0, ""};
    uint64_t sequence;
    int rc = json_need_unsigned(object, "sequence", where, &sequence, err);
    if (rc != ERR_OK)
        return rc;
    if (sequence != 0 || !json_is_null(json_get(object, "commit")))
        return field_version(object, where, out, err);
    *out = none;
    return ERR_OK;
}

void field_set_optional_version(struct json *object, const struct version_id *version)
{
    json_set_unsigned(object, "sequence", version->sequence);
    json_set_string(object, "commit", version->commit[0] != '\0' ? version->commit : NULL);
}

int field_keys(const struct json *object, const char *count_name, const char *where,
               struct key_digest *out, struct error *err)
{
    struct key_digest keys;
    char text[HASH128_HEX_SIZE] = "";
    int rc = json_need_unsigned(object, count_name, where, &keys.count, err);
    if (rc == ERR_OK)
        rc = hex(object, "key_set_digest", where, HASH128_HEX_SIZE - 1, text, err);
    if (rc == ERR_OK)
        rc = hash128_from_hex(text, &keys.sum, err);
    if (rc != ERR_OK)
        return rc;
    if (keys.count == 0 && (keys.sum.low != 0 || keys.sum.high != 0))
        return field_bad(err, "key_set_digest", where, "is not zero, although there are no keys");
    *out = keys;
    return ERR_OK;
}

void field_set_keys(struct json *object, const char *count_name, const struct key_digest *keys)
{
    char text[HASH128_HEX_SIZE];
    hash128_to_hex(keys->sum, text);
    json_set_unsigned(object, count_name, keys->count);
    json_set_string(object, "key_set_digest", text);
}

void field_copy(char *out, size_t size, const char *text)
{
    size_t length = strlen(text);
    assert(length < size);
    memcpy(out, text, length + 1);
}

int field_add(uint64_t *sum, uint64_t value, const char *what, struct error *err)
{
    if (value > INT64_MAX || *sum > INT64_MAX - value)
        return error_set(err, ERR_DAMAGED, "The sum of %s is larger than any number may be.", what);
    *sum += value;
    return ERR_OK;
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

bool field_distinct(const char **texts, size_t count, const char **twice)
{
    if (count > 0)
        qsort(texts, count, sizeof *texts, compare);
    for (size_t i = 1; i < count; i++) {
        if (strcmp(texts[i - 1], texts[i]) == 0) {
            *twice = texts[i];
            return false;
        }
    }
    return true;
}
