#include "support/check_chain.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "store/store_backend.h"
#include "util/digest.h"
#include "util/fs.h"
#include "util/json.h"
#include "util/mem.h"

#define JSON_MAX ((size_t)64 << 20)

/* ---- Reading ------------------------------------------------------------------------------- */

/* The object parsed, or NULL. `sha256` and `tag` (NULL allowed) are those of its content. */
static struct json *load(struct store *st, const char *key, char sha256[SHA256_HEX_SIZE],
                         struct store_tag *tag)
{
    struct json *root = NULL;
    struct str text;
    str_init(&text, JSON_MAX);
    if (store_get(st, key, &text, tag, NULL) == ERR_OK &&
        json_parse(text.data, text.len, key, &root, NULL) == ERR_OK && sha256 != NULL)
        sha256_hex(text.data, text.len, sha256);
    str_release(&text);
    return root;
}

static struct json *parse_body(const struct store_body *body)
{
    struct json *root = NULL;
    struct str text;
    str_init(&text, JSON_MAX);
    if (body->path != NULL)
        error_ignore(fs_read(body->path, &text, NULL)); /* then it is no JSON, which is told */
    else
        str_append_bytes(&text, body->bytes, (size_t)body->size);
    if (json_parse(text.data, text.len, "the new content", &root, NULL) != ERR_OK)
        root = NULL;
    str_release(&text);
    return root;
}

static const char *text_of(const struct json *object, const char *name)
{
    return json_string(json_get(object, name));
}

static int64_t number_of(const struct json *object, const char *name)
{
    return json_integer(json_get(object, name));
}

static bool same_text(const struct json *a, const struct json *b, const char *name)
{
    return strcmp(text_of(a, name), text_of(b, name)) == 0;
}

/* Key and digest of an object that another one names ("manifest", "parent"): equal, or both null? */
static bool same_reference(const struct json *a, const struct json *b)
{
    if (json_is_null(a) || json_is_null(b))
        return json_is_null(a) && json_is_null(b);
    return same_text(a, b, "key") && same_text(a, b, "sha256");
}

bool check_is_remain(const char *key)
{
    size_t n = strlen(key);
    return n > 37 && memcmp(key + n - 37, ".tmp-", 5) == 0 && digest_is_hex(key + n - 32, 32);
}

/* A format that says things in other words than these rules know must not pass unseen. */
static bool require_field(const struct json *object, const char *name, const char *what,
                          struct str *out)
{
    if (json_get(object, name) != NULL)
        return true;
    str_printf(out, "%s has no field %s\n", what, name);
    return false;
}

static void require_list(const struct json *object, const char *name, const char *what,
                         struct str *out)
{
    if (require_field(object, name, what, out) && !json_is_array(json_get(object, name)))
        str_printf(out, "the field %s of %s is no list\n", name, what);
}

/* ---- The pointer --------------------------------------------------------------------------- */

static void require_file(struct store *st, const struct json *file, const char *what,
                         struct str *out)
{
    const char *key = text_of(file, "key");
    struct store_info info;
    if (store_head(st, key, &info, NULL) != ERR_OK)
        str_printf(out, "%s names %s, which does not exist\n", what, key);
    else if (!json_is_null(json_get(file, "size")) &&
             info.size != (uint64_t)number_of(file, "size"))
        str_printf(out, "%s names %s with %" PRId64 " bytes, which has %" PRIu64 "\n", what, key,
                   number_of(file, "size"), info.size);
}

static void require_files(struct store *st, const struct json *files, const char *what,
                          struct str *out)
{
    for (size_t i = 0; i < json_count(files); i++)
        require_file(st, json_at(files, i), what, out);
}

/* The manifest that the new pointer names must be whole before the pointer names it. */
static void require_version(struct store *st, const struct json *next, const struct json *old,
                            struct str *out)
{
    const struct json *reference = json_get(next, "manifest");
    const char *key = text_of(reference, "key");
    char sha256[SHA256_HEX_SIZE] = "";
    struct json *manifest = load(st, key, sha256, NULL);
    if (manifest == NULL) {
        str_printf(out, "the pointer names the manifest \"%s\", which cannot be read\n", key);
        return;
    }
    if (strcmp(sha256, text_of(reference, "sha256")) != 0)
        str_printf(out, "the pointer states another SHA-256 of %s than it has\n", key);
    if (number_of(manifest, "sequence") != number_of(next, "sequence") ||
        !same_text(manifest, next, "commit"))
        str_printf(out, "%s is of another version than the pointer says\n", key);
    if (old != NULL && !same_reference(json_get(manifest, "parent"), json_get(old, "manifest")))
        str_printf(out, "the parent of %s is not the version that the pointer named before\n", key);
    require_field(manifest, "parent", key, out);
    require_list(json_get(manifest, "outputs"), "files", key, out);
    require_files(st, json_get(json_get(manifest, "outputs"), "files"), key, out);
    require_files(st, json_get(json_get(manifest, "checkpoint"), "files"), key, out);
    json_free(manifest);
}

static int find_object(void *ctx, const struct store_entry *entry, struct error *err)
{
    (void)err;
    if (!check_is_remain(entry->key))
        str_printf(ctx, "the pointer is created beside %s\n", entry->key);
    return ERR_OK;
}

static void check_creation(struct store *st, const struct json *next, bool repair, struct str *out)
{
    if (repair) {
        if (number_of(next, "sequence") > 0)
            require_version(st, next, NULL, out);
        return;
    }
    if (number_of(next, "sequence") != 0 || !json_is_null(json_get(next, "manifest")))
        str_append(out, "the pointer is created with a version: a first pointer names none\n");
    if (store_list(st, "", find_object, out, NULL) != ERR_OK)
        str_append(out, "the store cannot be listed\n");
}

static void check_step(struct store *st, const struct json *old, const struct json *next,
                       bool repair, struct str *out)
{
    int64_t before = number_of(old, "sequence");
    int64_t after = number_of(next, "sequence");
    if (same_text(old, next, "nonce"))
        str_append(out, "the nonce of the pointer is used a second time\n");
    if (number_of(next, "gc_epoch") < number_of(old, "gc_epoch"))
        str_append(out, "the gc_epoch of the pointer goes down\n");
    if (!repair && number_of(next, "oldest_sequence") < number_of(old, "oldest_sequence"))
        str_append(out, "the oldest_sequence of the pointer goes down\n");
    if (repair) {
        if (after > 0)
            require_version(st, next, NULL, out);
    } else if (after == before + 1) {
        require_version(st, next, old, out);
    } else if (after != before) {
        str_printf(out, "the pointer goes from sequence %" PRId64 " to %" PRId64 "\n", before,
                   after);
    } else if (!same_text(old, next, "commit") || !same_text(old, next, "current_version") ||
               !same_reference(json_get(old, "manifest"), json_get(next, "manifest"))) {
        str_printf(out, "the pointer names another version of the same sequence %" PRId64 "\n",
                   after);
    }
}

void check_pointer_swap(struct store *st, const struct store_tag *expected,
                        const struct store_body *body, bool repair, struct str *out)
{
    static const char *const fields[] = {"current_version", "sequence",        "commit", "manifest",
                                         "gc_epoch",        "oldest_sequence", "nonce",  "recent"};
    struct store_tag tag;
    struct json *next = parse_body(body);
    struct json *old = NULL;
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        require_field(next, fields[i], "the new pointer", out);
    if (expected == NULL) {
        check_creation(st, next, repair, out);
    } else {
        old = load(st, CHECK_POINTER, NULL, &tag);
        if (old != NULL && store_tag_equal(&tag, expected))
            check_step(st, old, next, repair, out);
        else if (old == NULL && repair && number_of(next, "sequence") > 0)
            require_version(st, next, NULL, out); /* the old one is damaged */
        else if (old == NULL && !repair)
            str_append(out, "a pointer that cannot be read is replaced\n");
    }
    json_free(old);
    json_free(next);
}

/* ---- Derived things ------------------------------------------------------------------------ */

void check_index_swap(struct store *st, const struct store_body *body, struct str *out)
{
    struct json *next = parse_body(body);
    require_list(next, "shards", CHECK_INDEX, out);
    require_files(st, json_get(next, "shards"), CHECK_INDEX, out);
    json_free(next);
}

void check_projection_swap(struct store *st, const struct store_body *body, struct str *out)
{
    struct json *next = parse_body(body);
    const char *state = text_of(next, "state");
    require_list(next, "parts", CHECK_PROJECTIONS, out);
    if (strcmp(state, "completed") == 0)
        require_files(st, json_get(next, "parts"), CHECK_PROJECTIONS, out);
    else if (strcmp(state, "in_progress") != 0)
        str_printf(out, "%s is in the state \"%s\"\n", CHECK_PROJECTIONS, state);
    json_free(next);
}

/* A file of the windows may take the name that a redo list has for its partition. */
static bool may_be_renamed(const struct json *guard, const struct store_move *move)
{
    const struct json *former = json_get(guard, "former");
    const struct json *redo = json_get(guard, "redo");
    for (size_t i = 0; i < json_count(former); i++) {
        const char *partition = json_string(json_at(former, i));
        bool cut = partition[0] != '\0';
        char *from = mem_printf("projections/windows/%s%sdata.parquet", partition, cut ? "/" : "");
        bool named = strcmp(from, move->from) == 0;
        free(from);
        for (size_t k = 0; named && k < json_count(redo); k++)
            if (strcmp(text_of(json_at(redo, k), "partition"), partition) == 0)
                return strcmp(text_of(json_at(redo, k), "key"), move->to) == 0;
    }
    return false;
}

void check_move(struct store *st, const struct store_move *move, struct str *out)
{
    struct json *guard = load(st, CHECK_PROJECTIONS, NULL, NULL);
    const struct json *redo = json_get(guard, "redo");
    bool named = false;
    for (size_t i = 0; i < json_count(redo); i++)
        named = named || (strcmp(text_of(json_at(redo, i), "temp"), move->from) == 0 &&
                          strcmp(text_of(json_at(redo, i), "key"), move->to) == 0);
    if (strcmp(move->guard, CHECK_PROJECTIONS) != 0)
        str_printf(out, "%s is moved under the guard %s\n", move->from, move->guard);
    if (!named && !may_be_renamed(guard, move))
        str_printf(out, "%s is moved to %s, which no redo list says\n", move->from, move->to);
    json_free(guard);
}

/* ---- Reachability -------------------------------------------------------------------------- */

/* Does one of the elements name the key in the given field? */
static bool names(const struct json *list, const char *field, const char *key)
{
    for (size_t i = 0; i < json_count(list); i++) {
        if (strcmp(text_of(json_at(list, i), field), key) == 0)
            return true;
    }
    return false;
}

static bool chain_names(struct store *st, const struct json *pointer, const char *key)
{
    int64_t oldest = number_of(pointer, "oldest_sequence");
    struct json *manifest = NULL;
    const struct json *reference = json_get(pointer, "manifest");
    bool found = false;
    while (!found && !json_is_null(reference)) {
        const char *at = text_of(reference, "key");
        struct json *next = NULL;
        found = strcmp(at, key) == 0;
        if (!found)
            next = load(st, at, NULL, NULL);
        json_free(manifest);
        manifest = next;
        found = found || names(json_get(json_get(manifest, "outputs"), "files"), "key", key) ||
                names(json_get(json_get(manifest, "checkpoint"), "files"), "key", key);
        reference = manifest != NULL && number_of(manifest, "sequence") > oldest
                        ? json_get(manifest, "parent")
                        : NULL;
    }
    json_free(manifest);
    return found;
}

void check_removal(struct store *st, const char *key, struct str *out)
{
    struct json *pointer = load(st, CHECK_POINTER, NULL, NULL);
    struct json *index = load(st, CHECK_INDEX, NULL, NULL);
    struct json *projections = load(st, CHECK_PROJECTIONS, NULL, NULL);
    const struct json *redo = json_get(projections, "redo");
    const char *who = NULL;
    if (pointer == NULL)
        who = "nobody knows what (there is no pointer)";
    else if (chain_names(st, pointer, key))
        who = "the chain";
    else if (names(json_get(index, "shards"), "key", key))
        who = CHECK_INDEX;
    else if (names(json_get(projections, "parts"), "key", key))
        who = CHECK_PROJECTIONS;
    else if (names(redo, "temp", key) || names(redo, "key", key))
        who = "the redo list";
    if (who != NULL)
        str_printf(out, "%s is removed, which is named by %s\n", key, who);
    json_free(projections);
    json_free(index);
    json_free(pointer);
}
