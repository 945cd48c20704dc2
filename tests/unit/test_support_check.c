/* Every rule of the checking store can fire, and a run by the protocol breaks none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "store/store.h"
#include "support/store_check.h"
#include "support/store_fault.h"
#include "util/json.h"
#include "util/mem.h"

#define POINTER "current/manifest.json"
#define INDEX "index/manifest.json"
#define PROJECTIONS "projections/manifest.json"

/* A dataset that is written step by step. */
struct world {
    struct store *inner; /* what tests use to go behind the check */
    struct store *st;
    struct json *pointer; /* as it stands in the store */
    struct store_tag tag;
};

static int put(struct store *st, const char *key, const char *text)
{
    struct store_body body = store_body_bytes(text, strlen(text));
    return store_put_new(st, key, &body, NULL, NULL);
}

static struct store_body body_of(const struct json *value, struct str *text)
{
    str_clear(text);
    json_write(value, true, text);
    return store_body_bytes(text->data, text->len);
}

static int swap_json(struct store *st, const char *key, const struct store_tag *expected,
                     const struct json *value, struct store_tag *tag)
{
    struct str text;
    str_init(&text, 1 << 20);
    struct store_body body = body_of(value, &text);
    int rc = store_swap(st, key, expected, &body, tag, NULL);
    str_release(&text);
    return rc;
}

static struct json *parse(const char *text)
{
    struct json *value;
    struct error err = ERROR_INIT;
    if (json_parse(text, strlen(text), "a text of the test", &value, &err) != ERR_OK)
        fail_msg("%s", err.text);
    return value;
}

static struct json *first_pointer(void)
{
    return parse("{\"current_version\": null, \"sequence\": 0, \"commit\": \"c0\", "
                 "\"manifest\": null, \"gc_epoch\": 0, \"oldest_sequence\": 0, "
                 "\"nonce\": \"n0\", \"recent\": []}");
}

/* No violation, or exactly those lines. */
static void says(struct world *w, const char *lines)
{
    assert_string_equal(store_check_text(w->st), lines);
    size_t count = 0;
    for (const char *p = lines; *p != '\0'; p++)
        count += *p == '\n';
    assert_int_equal(store_check_violations(w->st), count);
}

/* With an own name for each test, so that a second handle sees the same objects. */
static int set_up(void **state)
{
    static unsigned number;
    char url[32];
    struct world *w = mem_calloc(1, sizeof *w);
    struct store *below;
    snprintf(url, sizeof url, "memory:check-%u", number++);
    assert_int_equal(store_open(url, NULL, &w->inner, NULL), ERR_OK);
    assert_int_equal(store_open(url, NULL, &below, NULL), ERR_OK);
    w->st = store_check_new(below);
    w->pointer = first_pointer();
    *state = w;
    return 0;
}

static int set_up_dataset(void **state)
{
    set_up(state);
    struct world *w = *state;
    assert_int_equal(swap_json(w->st, POINTER, NULL, w->pointer, &w->tag), ERR_OK);
    says(w, "");
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;
    store_free(w->st);
    store_free(w->inner);
    json_free(w->pointer);
    free(w);
    return 0;
}

static void event_key(unsigned sequence, char key[64])
{
    snprintf(key, 64, "events/%u-c%u/part-0.parquet", sequence, sequence);
}

/* Manifest of a version with one event file of five bytes, on the parent that the pointer names. */
static struct json *manifest_of(struct world *w, unsigned sequence)
{
    char key[64];
    event_key(sequence, key);
    char *text = mem_printf("{\"sequence\": %u, \"commit\": \"c%u\", \"outputs\": {\"files\": "
                            "[{\"key\": \"%s\", \"size\": 5, \"sha256\": \"\", \"rows\": 1}]}}",
                            sequence, sequence, key);
    struct json *manifest = parse(text);
    const struct json *parent = json_get(w->pointer, "manifest");
    json_set(manifest, "parent", json_is_null(parent) ? json_new_null() : json_copy(parent));
    free(text);
    return manifest;
}

/* The pointer that names this manifest, stored under `key`. */
static struct json *pointer_to(struct world *w, unsigned sequence, const char *key,
                               const struct json *manifest)
{
    struct str text;
    char name[32];
    str_init(&text, 1 << 20);
    struct store_body body = body_of(manifest, &text);
    struct json *pointer = json_copy(w->pointer);
    struct json *reference = json_new_object();
    json_set_string(reference, "key", key);
    json_set_string(reference, "sha256", body.sha256);
    json_set(pointer, "manifest", reference);
    json_set_unsigned(pointer, "sequence", sequence);
    snprintf(name, sizeof name, "%u-c%u", sequence, sequence);
    json_set_string(pointer, "current_version", name);
    snprintf(name, sizeof name, "c%u", sequence);
    json_set_string(pointer, "commit", name);
    snprintf(name, sizeof name, "n%u", sequence);
    json_set_string(pointer, "nonce", name);
    str_release(&text);
    return pointer;
}

static void store_json(struct store *st, const char *key, const struct json *value)
{
    struct str text;
    str_init(&text, 1 << 20);
    struct store_body body = body_of(value, &text);
    assert_int_equal(store_put_new(st, key, &body, NULL, NULL), ERR_OK);
    str_release(&text);
}

/* Replace the pointer by `next`, which is taken over. */
static int move_pointer(struct world *w, struct json *next)
{
    struct store_tag tag;
    int rc = swap_json(w->st, POINTER, &w->tag, next, &tag);
    if (rc == ERR_OK) {
        json_free(w->pointer);
        w->pointer = next;
        w->tag = tag;
    } else {
        json_free(next);
    }
    return rc;
}

/* Publish a version as the protocol wants it, but for what `spoil` does to its manifest. */
static void publish(struct world *w, unsigned sequence, void (*spoil)(struct json *manifest))
{
    char event[64];
    char key[64];
    event_key(sequence, event);
    snprintf(key, sizeof key, "manifests/%u-c%u.json", sequence, sequence);
    struct json *manifest = manifest_of(w, sequence);
    if (spoil != NULL)
        spoil(manifest);
    assert_int_equal(put(w->st, event, "event"), ERR_OK);
    store_json(w->st, key, manifest);
    assert_int_equal(move_pointer(w, pointer_to(w, sequence, key, manifest)), ERR_OK);
    json_free(manifest);
}

/* Create a derived manifest from a text. */
static int swap_text(struct world *w, const char *key, const char *text)
{
    struct store_body body = store_body_bytes(text, strlen(text));
    return store_swap(w->st, key, NULL, &body, NULL, NULL);
}

/* ---- A run by the protocol ---- */

static void test_a_run_by_the_protocol_breaks_no_rule(void **state)
{
    struct world *w = *state;
    struct store_tag guard;
    publish(w, 1, NULL);
    publish(w, 2, NULL);
    assert_int_equal(put(w->st, "index/2-a/0.parquet", "shard"), ERR_OK);
    assert_int_equal(
        swap_text(w, INDEX, "{\"shards\": [{\"key\": \"index/2-a/0.parquet\", \"size\": 5}]}"),
        ERR_OK);
    assert_int_equal(put(w->st, ".tmp/2-a/all.parquet", "temp"), ERR_OK);
    struct json *redo =
        parse("{\"state\": \"in_progress\", \"parts\": [], \"redo\": [{\"temp\": "
              "\".tmp/2-a/all.parquet\", \"key\": \"projections/windows/all.parquet\"}]}");
    assert_int_equal(swap_json(w->st, PROJECTIONS, NULL, redo, &guard), ERR_OK);
    struct store_move move = {.from = ".tmp/2-a/all.parquet",
                              .to = "projections/windows/all.parquet",
                              .guard = PROJECTIONS,
                              .guard_tag = &guard};
    assert_int_equal(store_move(w->st, &move, NULL), ERR_OK);
    json_free(redo);
    redo = parse("{\"state\": \"completed\", \"parts\": [{\"key\": "
                 "\"projections/windows/all.parquet\", \"size\": 4}]}");
    assert_int_equal(swap_json(w->st, PROJECTIONS, &guard, redo, NULL), ERR_OK);
    json_free(redo);
    /* An attempt that failed is taken back; a fence; the record of the run. */
    assert_int_equal(put(w->st, "events/3-x/part-0.parquet", "event"), ERR_OK);
    assert_int_equal(store_remove(w->st, "events/3-x/part-0.parquet", NULL), ERR_OK);
    struct json *fence = json_copy(w->pointer);
    json_set_unsigned(fence, "gc_epoch", 1);
    json_set_string(fence, "nonce", "n2b");
    assert_int_equal(move_pointer(w, fence), ERR_OK);
    assert_int_equal(put(w->st, "runs/1.json", "{}"), ERR_OK);
    says(w, "");
}

/* ---- Keys ---- */

static void test_nothing_is_written_before_the_pointer(void **state)
{
    struct world *w = *state;
    assert_int_equal(put(w->st, "runs/1.json", "{}"), ERR_OK);
    says(w, "put_new: runs/1.json is written before there is a pointer\n");
}

static void test_immutable_objects_are_not_swapped(void **state)
{
    struct world *w = *state;
    static const char *const keys[] = {"manifests/1-c1.json", "events/1-c1/part-0.parquet",
                                       "index/1-a/0.parquet"};
    struct store_body body = store_body_bytes("x", 1);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(store_swap(w->st, keys[i], NULL, &body, NULL, NULL), ERR_OK);
    says(w, "swap: manifests/1-c1.json is immutable\n"
            "swap: events/1-c1/part-0.parquet is immutable\n"
            "swap: index/1-a/0.parquet is immutable\n");
    /* What is refused has done nothing. */
    assert_int_equal(store_swap(w->st, keys[0], NULL, &body, NULL, NULL), ERR_CONFLICT);
    assert_int_equal(store_check_violations(w->st), 3);
}

static void test_pointers_are_not_written_by_put_new_nor_removed(void **state)
{
    struct world *w = *state;
    assert_int_equal(put(w->st, INDEX, "{}"), ERR_OK);
    assert_int_equal(store_remove(w->st, INDEX, NULL), ERR_OK);
    assert_int_equal(store_remove(w->st, POINTER, NULL), ERR_OK);
    says(w, "put_new: index/manifest.json is written by put_new; only a swap may\n"
            "remove: index/manifest.json is removed\n"
            "remove: current/manifest.json is removed\n");
}

static void test_only_the_redo_list_is_moved(void **state)
{
    struct world *w = *state;
    struct store_tag guard;
    struct json *redo =
        parse("{\"state\": \"in_progress\", \"parts\": [], \"redo\": [{\"temp\": \".tmp/a\", "
              "\"key\": \"projections/windows/a\"}]}");
    assert_int_equal(swap_json(w->st, PROJECTIONS, NULL, redo, &guard), ERR_OK);
    assert_int_equal(put(w->st, ".tmp/a", "x"), ERR_OK);
    assert_int_equal(put(w->st, "manifests/1-c1.json", "x"), ERR_OK);
    struct store_move move = {
        .from = ".tmp/a", .to = "projections/windows/b", .guard = PROJECTIONS, .guard_tag = &guard};
    assert_int_equal(store_move(w->st, &move, NULL), ERR_OK);
    move.from = "manifests/1-c1.json";
    move.to = "events/1-c1/x.parquet";
    assert_int_equal(store_move(w->st, &move, NULL), ERR_OK);
    move.from = "events/1-c1/x.parquet";
    move.to = PROJECTIONS;
    move.guard = POINTER;
    move.guard_tag = &w->tag;
    move.expected = &guard;
    assert_int_equal(store_move(w->st, &move, NULL), ERR_OK);
    says(w, "move: .tmp/a is moved to projections/windows/b, which no redo list says\n"
            "move: manifests/1-c1.json is immutable\n"
            "move: events/1-c1/x.parquet is immutable\n"
            "move: manifests/1-c1.json is moved to events/1-c1/x.parquet, which no redo list says\n"
            "move: events/1-c1/x.parquet is immutable\n"
            "move: projections/manifest.json is moved; only a swap may write it\n"
            "move: events/1-c1/x.parquet is moved under the guard current/manifest.json\n"
            "move: events/1-c1/x.parquet is moved to projections/manifest.json, which no redo list "
            "says\n");
    json_free(redo);
}

static void test_only_parquet_lies_under_events(void **state)
{
    struct world *w = *state;
    assert_int_equal(put(w->st, "events/1-c1/notes.txt", "x"), ERR_OK);
    assert_int_equal(put(w->st, "events/1-c1/p.parquet.tmp-0123456789abcdef0123456789abcdef", "x"),
                     ERR_OK);
    says(w, "put_new: events/1-c1/notes.txt is no Parquet file and lies under events/\n");
}

/* ---- The pointer ---- */

static void test_the_pointer_is_created_first_and_empty(void **state)
{
    struct world *w = *state;
    assert_int_equal(put(w->inner, "events/1-c1/part-0.parquet", "x"), ERR_OK);
    json_set_unsigned(w->pointer, "sequence", 3);
    assert_int_equal(swap_json(w->st, POINTER, NULL, w->pointer, NULL), ERR_OK);
    says(w, "swap: the pointer is created with a version: a first pointer names none\n"
            "swap: the pointer is created beside events/1-c1/part-0.parquet\n");
    /* Creating it once more is refused, and no violation. */
    assert_int_equal(swap_json(w->st, POINTER, NULL, w->pointer, NULL), ERR_CONFLICT);
    assert_int_equal(store_check_violations(w->st), 2);
}

static void test_remains_of_an_interrupted_creation_are_no_objects(void **state)
{
    struct world *w = *state;
    assert_int_equal(
        put(w->inner, "current/manifest.json.tmp-0123456789abcdef0123456789abcdef", "x"), ERR_OK);
    assert_int_equal(swap_json(w->st, POINTER, NULL, w->pointer, NULL), ERR_OK);
    says(w, "");
}

static void test_the_pointer_moves_by_one(void **state)
{
    struct world *w = *state;
    struct json *next = json_copy(w->pointer);
    json_set_unsigned(next, "sequence", 2);
    json_set_string(next, "nonce", "n2");
    assert_int_equal(move_pointer(w, next), ERR_OK);
    next = json_copy(w->pointer);
    json_set_unsigned(next, "sequence", 1);
    json_set_string(next, "nonce", "n1");
    assert_int_equal(move_pointer(w, next), ERR_OK);
    says(w, "swap: the pointer goes from sequence 0 to 2\n"
            "swap: the pointer goes from sequence 2 to 1\n");
}

static void test_a_fence_keeps_the_version(void **state)
{
    struct world *w = *state;
    struct json *next = json_copy(w->pointer);
    json_set_string(next, "commit", "another");
    json_set_string(next, "nonce", "n1");
    assert_int_equal(move_pointer(w, next), ERR_OK);
    says(w, "swap: the pointer names another version of the same sequence 0\n");
}

static void test_nonce_epoch_and_oldest_sequence_never_go_back(void **state)
{
    struct world *w = *state;
    struct json *next = json_copy(w->pointer);
    json_set_unsigned(next, "gc_epoch", 2);
    json_set_unsigned(next, "oldest_sequence", 2);
    json_set_string(next, "nonce", "n1");
    assert_int_equal(move_pointer(w, next), ERR_OK);
    says(w, "");
    next = json_copy(w->pointer);
    json_set_unsigned(next, "gc_epoch", 1);
    json_set_unsigned(next, "oldest_sequence", 1);
    assert_int_equal(move_pointer(w, next), ERR_OK);
    says(w, "swap: the nonce of the pointer is used a second time\n"
            "swap: the gc_epoch of the pointer goes down\n"
            "swap: the oldest_sequence of the pointer goes down\n");
}

static void test_a_pointer_without_its_fields_is_seen(void **state)
{
    struct world *w = *state;
    assert_int_equal(move_pointer(w, parse("{\"sequence\": 0, \"commit\": \"c0\", \"manifest\": "
                                           "null, \"current_version\": null, \"gc_epoch\": 0, "
                                           "\"oldest_sequence\": 0, \"recent\": []}")),
                     ERR_OK);
    says(w, "swap: the new pointer has no field nonce\n");
}

static void test_a_damaged_pointer_is_replaced_by_repair_only(void **state)
{
    struct world *w = *state;
    struct store_body rubbish = store_body_bytes("rubbish", 7);
    assert_int_equal(store_swap(w->inner, POINTER, &w->tag, &rubbish, &w->tag, NULL), ERR_OK);
    struct json *next = json_copy(w->pointer);
    json_set_string(next, "nonce", "n1");
    assert_int_equal(move_pointer(w, next), ERR_OK);
    says(w, "swap: a pointer that cannot be read is replaced\n");
}

static void test_repair_may_set_a_lost_pointer_to_what_is_there(void **state)
{
    struct world *w = *state;
    publish(w, 1, NULL);
    struct json *good = json_copy(w->pointer);
    assert_int_equal(store_remove(w->inner, POINTER, NULL), ERR_OK);
    store_check_allow_repair(w->st, true);
    assert_int_equal(swap_json(w->st, POINTER, NULL, good, &w->tag), ERR_OK);
    says(w, "");
    struct json *bad = parse("{\"key\": \"manifests/9-c9.json\", \"sha256\": \"\"}");
    json_set(good, "manifest", bad);
    json_set_string(good, "nonce", "again");
    assert_int_equal(move_pointer(w, good), ERR_OK);
    says(w, "swap: the pointer names the manifest \"manifests/9-c9.json\", which cannot be read\n");
}

/* ---- What a version names ---- */

static void spoil_size(struct json *manifest)
{
    struct json *files = parse("{\"files\": [{\"key\": \"events/1-c1/part-0.parquet\", \"size\": "
                               "6}, {\"key\": \"events/1-c1/part-1.parquet\", \"size\": 5}]}");
    json_set(manifest, "outputs", files);
}

static void test_every_file_of_a_version_exists_with_its_size(void **state)
{
    struct world *w = *state;
    publish(w, 1, spoil_size);
    says(w, "swap: manifests/1-c1.json names events/1-c1/part-0.parquet with 6 bytes, which has 5\n"
            "swap: manifests/1-c1.json names events/1-c1/part-1.parquet, which does not exist\n");
}

static void spoil_checkpoint(struct json *manifest)
{
    json_set(manifest, "checkpoint",
             parse("{\"files\": [{\"key\": \"events/0-x/gone.parquet\", \"size\": 5}]}"));
}

static void test_every_file_of_a_checkpoint_exists(void **state)
{
    struct world *w = *state;
    publish(w, 1, spoil_checkpoint);
    says(w, "swap: manifests/1-c1.json names events/0-x/gone.parquet, which does not exist\n");
}

static void spoil_version(struct json *manifest)
{
    json_set_string(manifest, "commit", "another");
}

static void spoil_parent(struct json *manifest)
{
    json_set(manifest, "parent", parse("{\"key\": \"manifests/1-c1.json\", \"sha256\": \"00\"}"));
}

static void spoil_outputs(struct json *manifest)
{
    json_set(manifest, "outputs", json_new_object());
}

static void test_the_manifest_is_of_the_version_and_on_its_parent(void **state)
{
    struct world *w = *state;
    publish(w, 1, spoil_version);
    publish(w, 2, spoil_parent);
    publish(w, 3, spoil_outputs);
    says(w, "swap: manifests/1-c1.json is of another version than the pointer says\n"
            "swap: the parent of manifests/2-c2.json is not the version that the pointer named "
            "before\n"
            "swap: manifests/3-c3.json has no field files\n");
}

static void test_the_manifest_exists_and_has_its_digest(void **state)
{
    struct world *w = *state;
    struct json *manifest = manifest_of(w, 1);
    struct json *next = pointer_to(w, 1, "manifests/1-c1.json", manifest);
    assert_int_equal(put(w->st, "events/1-c1/part-0.parquet", "event"), ERR_OK);
    /* A swap that is refused is no violation, whatever it wanted. */
    struct store_tag stale = {"stale"};
    assert_int_equal(swap_json(w->st, POINTER, &stale, next, NULL), ERR_CONFLICT);
    says(w, "");
    assert_int_equal(move_pointer(w, json_copy(next)), ERR_OK);
    says(w, "swap: the pointer names the manifest \"manifests/1-c1.json\", which cannot be read\n");
    json_free(next);
    json_free(manifest);
}

static void test_the_manifest_has_the_digest_that_the_pointer_states(void **state)
{
    struct world *w = *state;
    struct json *manifest = manifest_of(w, 1);
    struct json *next = pointer_to(w, 1, "manifests/1-c1.json", manifest);
    assert_int_equal(put(w->st, "events/1-c1/part-0.parquet", "event"), ERR_OK);
    json_set_string(manifest, "run_id", "changed afterwards");
    store_json(w->st, "manifests/1-c1.json", manifest);
    assert_int_equal(move_pointer(w, next), ERR_OK);
    says(w, "swap: the pointer states another SHA-256 of manifests/1-c1.json than it has\n");
    json_free(manifest);
}

/* ---- Derived things ---- */

static void test_every_shard_of_an_index_exists(void **state)
{
    struct world *w = *state;
    assert_int_equal(
        swap_text(w, INDEX, "{\"shards\": [{\"key\": \"index/1-a/0.parquet\", \"size\": 5}]}"),
        ERR_OK);
    assert_int_equal(store_remove(w->inner, INDEX, NULL), ERR_OK);
    assert_int_equal(swap_text(w, INDEX, "{}"), ERR_OK);
    assert_int_equal(store_remove(w->inner, INDEX, NULL), ERR_OK);
    assert_int_equal(swap_text(w, INDEX, "{\"shards\": 3}"), ERR_OK);
    says(w, "swap: index/manifest.json names index/1-a/0.parquet, which does not exist\n"
            "swap: index/manifest.json has no field shards\n"
            "swap: the field shards of index/manifest.json is no list\n");
}

static void test_every_part_of_a_completed_projection_exists(void **state)
{
    struct world *w = *state;
    static const char *const texts[] = {
        "{\"state\": \"in_progress\", \"parts\": [{\"key\": \"projections/windows/a\", \"size\": 1}]}",
        "{\"state\": \"completed\", \"parts\": [{\"key\": \"projections/windows/a\", \"size\": 1}]}",
        "{\"state\": \"done\", \"parts\": []}"};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(swap_text(w, PROJECTIONS, texts[i]), ERR_OK);
        assert_int_equal(store_remove(w->inner, PROJECTIONS, NULL), ERR_OK);
    }
    says(w, "swap: projections/manifest.json names projections/windows/a, which does not exist\n"
            "swap: projections/manifest.json is in the state \"done\"\n");
}

/* ---- Removal ---- */

static void test_nothing_reachable_is_removed(void **state)
{
    struct world *w = *state;
    publish(w, 1, NULL);
    publish(w, 2, NULL);
    assert_int_equal(put(w->st, "index/2-a/0.parquet", "shard"), ERR_OK);
    assert_int_equal(swap_text(w, INDEX, "{\"shards\": [{\"key\": \"index/2-a/0.parquet\"}]}"),
                     ERR_OK);
    assert_int_equal(put(w->st, "projections/windows/p", "part"), ERR_OK);
    assert_int_equal(
        swap_text(w, PROJECTIONS,
                  "{\"state\": \"in_progress\", \"parts\": [{\"key\": \"projections/windows/p\"}], "
                  "\"redo\": [{\"temp\": \".tmp/t\", \"key\": \"projections/windows/q\"}]}"),
        ERR_OK);
    says(w, "");
    const char *const keys[] = {"index/2-a/0.parquet",
                                "projections/windows/p",
                                ".tmp/t",
                                "projections/windows/q",
                                "events/2-c2/part-0.parquet",
                                "events/1-c1/part-0.parquet",
                                "manifests/2-c2.json",
                                ".tmp/unnamed"};
    assert_int_equal(store_remove_many(w->st, keys, 8, NULL, NULL), ERR_OK);
    says(w, "remove: index/2-a/0.parquet is removed, which is named by index/manifest.json\n"
            "remove: projections/windows/p is removed, which is named by "
            "projections/manifest.json\n"
            "remove: .tmp/t is removed, which is named by the redo list\n"
            "remove: projections/windows/q is removed, which is named by the redo list\n"
            "remove: events/2-c2/part-0.parquet is removed, which is named by the chain\n"
            "remove: events/1-c1/part-0.parquet is removed, which is named by the chain\n"
            "remove: manifests/2-c2.json is removed, which is named by the chain\n");
}

static void test_versions_before_the_oldest_may_go_but_not_their_live_files(void **state)
{
    struct world *w = *state;
    publish(w, 1, NULL);
    publish(w, 2, NULL);
    struct json *next = json_copy(w->pointer);
    json_set_unsigned(next, "oldest_sequence", 2);
    json_set_string(next, "nonce", "n2b");
    assert_int_equal(move_pointer(w, next), ERR_OK);
    assert_int_equal(store_remove(w->st, "manifests/1-c1.json", NULL), ERR_OK);
    assert_int_equal(store_remove(w->st, "events/1-c1/part-0.parquet", NULL), ERR_OK);
    says(w, "");
    assert_int_equal(store_remove(w->st, "events/2-c2/part-0.parquet", NULL), ERR_OK);
    says(w, "remove: events/2-c2/part-0.parquet is removed, which is named by the chain\n");
}

static void name_all_live_files(struct json *manifest)
{
    json_set(manifest, "checkpoint",
             parse("{\"files\": [{\"key\": \"events/1-c1/part-0.parquet\", \"size\": 5}]}"));
}

static void test_files_of_a_checkpoint_are_reachable(void **state)
{
    struct world *w = *state;
    publish(w, 1, NULL);
    publish(w, 2, name_all_live_files);
    struct json *next = json_copy(w->pointer);
    json_set_unsigned(next, "oldest_sequence", 2);
    json_set_string(next, "nonce", "n2b");
    assert_int_equal(move_pointer(w, next), ERR_OK);
    assert_int_equal(store_remove(w->st, "events/1-c1/part-0.parquet", NULL), ERR_OK);
    says(w, "remove: events/1-c1/part-0.parquet is removed, which is named by the chain\n");
}

static void test_nothing_is_removed_without_a_pointer(void **state)
{
    struct world *w = *state;
    assert_int_equal(put(w->inner, "events/1-c1/part-0.parquet", "x"), ERR_OK);
    assert_int_equal(store_remove(w->st, "events/1-c1/part-0.parquet", NULL), ERR_OK);
    says(w, "remove: events/1-c1/part-0.parquet is removed, which is named by nobody knows what "
            "(there is no pointer)\n");
}

/* ---- With faults above ---- */

static void test_a_late_swap_is_judged_when_it_arrives(void **state)
{
    struct world *w = *state;
    struct store_tag base = w->tag;
    struct store *faults = store_fault_new(w->st);
    store_fault_add(faults, &(struct fault){.action = FAULT_APPLY_LATE, .op = FAULT_SWAP, .at = 1});
    struct json *late = json_copy(w->pointer);
    json_set_unsigned(late, "sequence", 7);
    assert_int_equal(swap_json(faults, POINTER, &base, late, NULL), ERR_UNKNOWN);
    says(w, "");
    publish(w, 1, NULL);
    store_fault_flush(faults);
    says(w, ""); /* refused: the pointer has moved on */
    store_fault_add(faults, &(struct fault){.action = FAULT_APPLY_LATE, .op = FAULT_SWAP, .at = 1});
    assert_int_equal(swap_json(faults, POINTER, &w->tag, late, NULL), ERR_UNKNOWN);
    store_fault_flush(faults);
    says(w, "swap: the pointer goes from sequence 1 to 7\n");
    json_free(late);
    w->st = faults; /* frees the check below it */
}

#define on_nothing(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
#define on_dataset(f) cmocka_unit_test_setup_teardown(f, set_up_dataset, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        on_dataset(test_a_run_by_the_protocol_breaks_no_rule),
        on_nothing(test_nothing_is_written_before_the_pointer),
        on_dataset(test_immutable_objects_are_not_swapped),
        on_dataset(test_pointers_are_not_written_by_put_new_nor_removed),
        on_dataset(test_only_the_redo_list_is_moved),
        on_dataset(test_only_parquet_lies_under_events),
        on_nothing(test_the_pointer_is_created_first_and_empty),
        on_nothing(test_remains_of_an_interrupted_creation_are_no_objects),
        on_dataset(test_the_pointer_moves_by_one),
        on_dataset(test_a_fence_keeps_the_version),
        on_dataset(test_nonce_epoch_and_oldest_sequence_never_go_back),
        on_dataset(test_a_pointer_without_its_fields_is_seen),
        on_dataset(test_a_damaged_pointer_is_replaced_by_repair_only),
        on_dataset(test_repair_may_set_a_lost_pointer_to_what_is_there),
        on_dataset(test_every_file_of_a_version_exists_with_its_size),
        on_dataset(test_every_file_of_a_checkpoint_exists),
        on_dataset(test_the_manifest_is_of_the_version_and_on_its_parent),
        on_dataset(test_the_manifest_exists_and_has_its_digest),
        on_dataset(test_the_manifest_has_the_digest_that_the_pointer_states),
        on_dataset(test_every_shard_of_an_index_exists),
        on_dataset(test_every_part_of_a_completed_projection_exists),
        on_dataset(test_nothing_reachable_is_removed),
        on_dataset(test_versions_before_the_oldest_may_go_but_not_their_live_files),
        on_dataset(test_files_of_a_checkpoint_are_reachable),
        on_nothing(test_nothing_is_removed_without_a_pointer),
        on_dataset(test_a_late_swap_is_judged_when_it_arrives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
