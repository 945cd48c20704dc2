#include "catalog/slot.h"

#include <stdbool.h>
#include <string.h>

int slot_read(struct store *st, const char *key, struct str *body, struct store_tag *tag,
              struct error *err)
{
    tag->text[0] = '\0';
    int rc = store_get(st, key, body, tag, err);
    if (rc == ERR_LIMIT)
        rc = error_set(err, ERR_DAMAGED, "%s is larger than %zu bytes.", key, body->max);
    return rc;
}

/* Are exactly these bytes there now? */
static bool is_there(struct store *st, const char *key, const struct str *bytes,
                     struct store_tag *tag)
{
    struct str now;
    struct store_tag seen = {""};
    str_init(&now, bytes->len);
    int rc = store_get(st, key, &now, &seen, NULL);
    bool same =
        rc == ERR_OK && now.len == bytes->len && memcmp(now.data, bytes->data, now.len) == 0;
    str_release(&now);
    if (same && tag != NULL)
        *tag = seen;
    return same;
}

int slot_swap(struct store *st, const char *key, const struct store_tag *expected,
              const struct str *bytes, struct store_tag *tag, struct error *err)
{
    int rc = str_check(bytes, key, err);
    if (rc != ERR_OK)
        return rc;
    struct store_body body = store_body_bytes(bytes->data, bytes->len);
    rc = store_swap(st, key, expected, &body, tag, err);
    bool doubt = rc == ERR_UNKNOWN || rc == ERR_CONFLICT;
    if (!doubt || !is_there(st, key, bytes, tag))
        return rc;
    error_clear(err);
    return ERR_OK;
}
