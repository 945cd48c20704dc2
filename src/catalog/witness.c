#include "catalog/witness.h"

#include <inttypes.h>
#include <string.h>

/* Is the version surely not in the chain? Only `recent` is read. */
static bool is_missing(const struct pointer *p, const struct version_id *version)
{
    if (p->recent_count == 0 || version->sequence < p->recent[p->recent_count - 1].sequence)
        return false;
    return !pointer_mentions(p, version);
}

bool witness_contradicts(const struct pointer *p, const struct witness *w)
{
    if (w->version.sequence == 0 || w->gc_epoch < p->gc_epoch)
        return false;
    return w->gc_epoch > p->gc_epoch || w->version.sequence > p->current.sequence ||
           is_missing(p, &w->version);
}

/* Versions beyond the pointer's are named by number; else the one that it does not know, in full. */
static void tell_newer(const struct pointer *p, const struct witness *w, struct str *out)
{
    char name[LAYOUT_NAME_SIZE];
    uint64_t next = p->current.sequence + 1;
    layout_name(&w->version, name);
    if (w->version.sequence > next)
        str_printf(out, "the versions %" PRIu64 " to %" PRIu64 " are newer", next,
                   w->version.sequence);
    else if (w->version.sequence == next)
        str_printf(out, "version %" PRIu64 " is newer", next);
    else if (version_id_equal(&w->version, &p->current))
        str_printf(out, "gc or repair has renewed it since then");
    else
        str_printf(out, "version %s was published after it", name);
}

static void tell(const struct pointer *p, const struct witness *w, struct str *out)
{
    str_printf(out,
               "The pointer " LAYOUT_POINTER " went back to version %" PRIu64
               ", as if it had been restored from a backup: ",
               p->current.sequence);
    tell_newer(p, w, out);
    str_printf(out,
               " (%s speaks of version %" PRIu64 "). `cauce repair --list` shows the versions "
               "there are, and how to go forward again.",
               w->who, w->version.sequence);
}

int witness_check(struct store *st, const struct base *base, const struct witness *w,
                  struct error *err)
{
    struct pointer now;
    struct store_tag tag;
    struct str text;
    if (!witness_contradicts(&base->pointer, w))
        return ERR_OK;
    int rc = pointer_read(st, &now, &tag, err);
    if (rc != ERR_OK)
        return rc;
    if (strcmp(tag.text, base->tag.text) != 0)
        return error_set(err, ERR_CONFLICT,
                         "Somebody has replaced the pointer of \"%s\": it names version %" PRIu64
                         " now. Run again.",
                         now.dataset, now.current.sequence);
    str_init(&text, ERROR_TEXT_SIZE);
    tell(&base->pointer, w, &text);
    error_set(err, ERR_DAMAGED, "%s", text.data);
    str_release(&text);
    return error_tell(err, ERR_DAMAGED, ERROR_UNCHANGED, NULL);
}

int witness_check_backed(struct store *st, const struct base *base, const struct witness *w,
                         struct error *err)
{
    struct store_info info;
    char key[LAYOUT_KEY_SIZE];
    layout_manifest(&w->version, key);
    if (!witness_contradicts(&base->pointer, w) || store_head(st, key, &info, NULL) == ERR_ABSENT)
        return ERR_OK;
    return witness_check(st, base, w, err);
}
