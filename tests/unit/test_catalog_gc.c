#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "catalog/gc.h"
#include "catalog/verify.h"
#include "support/catalog_sample.h"
#include "support/store_check.h"
#include "support/store_script.h"
#include "util/mem.h"

#define ID "0123456789abcdef0123456789abcdef"
#define ORPHAN "events/0000000009-" ID "/part-0.parquet"

static int set_up(void **state)
{
    sample_no_sleep();
    *state = sample_store();
    return 0;
}

static int tear_down(void **state)
{
    store_free(*state);
    sample_real_sleep();
    return 0;
}

static void collect(struct store *st, bool apply, int expected, struct gc_report *r)
{
    struct error err = ERROR_INIT;
    int rc = gc_collect(st, sample_roots(), SAMPLE_DATASET, apply, r, &err);
    if (rc != expected)
        fail_msg("%s: \"%s\"", error_name(rc), err.text);
}

static bool names(const struct gc_report *r, const char *key)
{
    for (size_t i = 0; i < r->count; i++) {
        if (strcmp(r->items[i].key, key) == 0)
            return true;
    }
    return false;
}

static void assert_sound(struct store *st, size_t should)
{
    struct verify_report report;
    size_t found = 0;
    assert_int_equal(verify_structure(st, sample_roots(), SAMPLE_DATASET, true, &report, NULL),
                     ERR_OK);
    for (size_t i = 0; i < report.count; i++) {
        if (report.findings[i].level == FINDING_MUST)
            fail_msg("%s: %s", report.findings[i].object, report.findings[i].text);
        found++;
    }
    assert_int_equal(found, should);
    verify_report_release(&report);
}

static void assert_nothing_left(struct store *st)
{
    struct gc_report r;
    collect(st, false, ERR_OK, &r);
    assert_int_equal(r.count, 0);
    gc_report_release(&r);
}

/* A writer that has read its base and written its event files, and then falls asleep. */
struct sleeper {
    struct base base;
    struct manifest m;
};

static void fall_asleep(struct store *st, struct sleeper *s)
{
    assert_int_equal(base_read(st, SAMPLE_DATASET, &s->base, NULL), ERR_OK);
    sample_manifest(&s->base, &s->m);
    sample_put_events(st, &s->m);
}

static int wake_up(struct store *st, struct sleeper *s)
{
    struct commit_report report;
    int rc = catalog_commit(st, &s->base, &s->m, &report, NULL);
    manifest_release(&s->m);
    base_release(&s->base);
    return rc;
}

/* ---- What is collected --------------------------------------------------------------------- */

static void a_clean_dataset_has_nothing_to_collect_and_is_not_touched(void **state)
{
    struct gc_report r;
    struct store *st = *state;
    sample_publish(st, 3);
    sample_index(st);
    sample_projection(st);
    uint64_t swaps = st->bill.swaps;
    collect(st, true, ERR_OK, &r);
    assert_int_equal(r.count, 0);
    assert_int_equal(r.bytes, 0);
    assert_int_equal(st->bill.swaps, swaps);
    gc_report_release(&r);
    assert_sound(st, 0);
}

static void everything_that_nothing_names_is_collected(void **state)
{
    static const char *const orphans[] = {
        ".probe/" ID "-0-race",
        ".tmp/0000000001-" ID "/all.parquet",
        "current/manifest.json.tmp-" ID,
        "events/0000000002-" ID "/year=2026/month=01/part-0.parquet",
        "events/0000000009-" ID "/part-0.parquet.tmp-" ID,
        "events/0000000009-" ID "/part-1.parquet.upload~2~abc.DEF-x",
        "index/0000000001-" ID "/0.parquet",
        "manifests/0000000002-" ID ".json",
        "projections/windows/1999-01.parquet",
        "manifests/0000000003-" ID ".json.tmp-" ID,
        "projections/windows/year=1999/month=01/data.parquet",
        "runs/20260101T000000.000000Z-" ID ".json.tmp-" ID,
    };
    static const size_t count = sizeof orphans / sizeof *orphans;
    struct gc_report r;
    struct store *st = *state;
    sample_publish(st, 3);
    sample_index(st);
    sample_projection(st);
    sample_put(st, "runs/20260101T000000.000000Z-" ID ".json", "{}");
    sample_put(st, LAYOUT_LEASE, "{}");
    size_t before = sample_count(st, "");
    for (size_t i = 0; i < count; i++)
        sample_put(st, orphans[i], "orphan");

    collect(st, false, ERR_OK, &r);
    assert_int_equal(r.count, count);
    assert_int_equal(r.bytes, count * 6);
    assert_int_equal(r.removed, 0);
    assert_int_equal(r.gc_epoch, 0);
    for (size_t i = 0; i < count; i++)
        assert_true(names(&r, orphans[i]));
    gc_report_release(&r);
    assert_int_equal(sample_count(st, ""), before + count);

    collect(st, true, ERR_OK, &r);
    assert_int_equal(r.count, count);
    assert_int_equal(r.removed, count);
    assert_int_equal(r.gc_epoch, 1);
    gc_report_release(&r);
    assert_int_equal(sample_count(st, ""), before);
    assert_sound(st, 0);
    assert_nothing_left(st);
    sample_publish(st, 1);
}

static void what_cauce_has_not_made_is_left_alone_and_named(void **state)
{
    static const char *const strangers[] = {
        ".nfs000000000012345600000001",
        ".probe/notes",
        ".tmp/0000000001-" ID "/.nfs0001",
        "README",
        "current/manifest.json.bak",
        "events/0000000002-" ID "/year=2026/month=13/part-0.parquet",
        "events/0000000002-" ID "/year=2026/part-0.parquet.tmp-123",
        "events/notes.txt",
        "index/0000000001-" ID "/shard.parquet",
        "manifests/0000000002-" ID ".json~",
        "notes/manifests/0000000002-" ID ".json",
        "other/current/manifest.json",
        "projections/windows/data.parquet.bak",
        "runs/notes.json",
    };
    static const size_t count = sizeof strangers / sizeof *strangers;
    struct gc_report r;
    struct store *st = *state;
    sample_publish(st, 3);
    sample_index(st);
    sample_projection(st);
    for (size_t i = 0; i < count; i++)
        sample_put(st, strangers[i], "not ours");
    sample_put(st, ORPHAN, "x");
    collect(st, true, ERR_OK, &r);
    assert_int_equal(r.count, 1);
    assert_string_equal(r.items[0].key, ORPHAN);
    assert_int_equal(r.stranger_count, count);
    for (size_t i = 0; i < count; i++) {
        assert_true(sample_exists(st, strangers[i]));
        assert_string_equal(r.strangers[i], strangers[i]);
    }
    gc_report_release(&r);
    assert_nothing_left(st);
}

static void of_many_strangers_the_first_are_named_and_all_are_counted(void **state)
{
    struct gc_report r;
    struct store *st = *state;
    char key[64];
    sample_publish(st, 1);
    for (int i = 0; i < GC_STRANGERS_MAX + 5; i++) {
        snprintf(key, sizeof key, "notes/%d", i);
        sample_put(st, key, "x");
    }
    collect(st, true, ERR_OK, &r);
    assert_int_equal(r.stranger_count, GC_STRANGERS_MAX + 5);
    gc_report_release(&r);
}

/* The state of a dataset that lies in a folder of another one. */
static void nest(struct store *st, const char *key)
{
    struct str bytes;
    struct pointer inner;
    str_init(&bytes, POINTER_MAX_BYTES);
    pointer_init(&inner, "inner");
    pointer_encode(&inner, &bytes);
    sample_put(st, key, bytes.data);
    str_release(&bytes);
}

static void a_place_in_which_another_dataset_lies_is_refused(void **state)
{
    static const char *const keys[] = {"inner/current/manifest.json",
                                       "events/inner/current/manifest.json"};
    for (size_t i = 0; i < 2; i++) {
        struct gc_report r;
        struct error err = ERROR_INIT;
        struct store *st = sample_store();
        sample_publish(st, 1);
        sample_put(st, ORPHAN, "x");
        nest(st, keys[i]);
        assert_int_equal(gc_collect(st, sample_roots(), SAMPLE_DATASET, false, &r, &err), ERR_GATE);
        gc_report_release(&r);
        assert_int_equal(gc_collect(st, sample_roots(), SAMPLE_DATASET, true, &r, &err), ERR_GATE);
        assert_non_null(strstr(err.text, keys[i]));
        assert_true(sample_exists(st, ORPHAN));
        gc_report_release(&r);
        store_free(st);
    }
    (void)state;
}

static void the_fence_changes_epochs_and_nothing_else(void **state)
{
    struct gc_report r;
    struct base before;
    struct base after;
    struct index_state index;
    struct projection_state projection;
    struct store *st = *state;
    sample_publish(st, 3);
    sample_index(st);
    sample_projection(st);
    sample_put(st, ORPHAN, "x");
    assert_int_equal(base_read(st, SAMPLE_DATASET, &before, NULL), ERR_OK);
    collect(st, true, ERR_OK, &r);
    gc_report_release(&r);
    assert_int_equal(base_read(st, SAMPLE_DATASET, &after, NULL), ERR_OK);
    assert_true(version_id_equal(&before.pointer.current, &after.pointer.current));
    assert_string_not_equal(before.tag.text, after.tag.text);
    assert_int_equal(after.pointer.gc_epoch, 1);
    assert_int_equal(index_read(st, &index, NULL), ERR_OK);
    assert_int_equal(index.gc_epoch, 1);
    assert_int_equal(projection_read(st, &projection, NULL), ERR_OK);
    assert_int_equal(projection.gc_epoch, 1);
    assert_int_equal(projection.part_count, 2);
    index_release(&index);
    projection_release(&projection);
    base_release(&before);
    base_release(&after);
}

static void what_a_repair_made_unreachable_is_collected(void **state)
{
    struct gc_report r;
    struct base base;
    struct pointer out;
    struct store *st = *state;
    sample_publish(st, 3);
    assert_int_equal(base_read(st, SAMPLE_DATASET, &base, NULL), ERR_OK);
    assert_int_equal(sample_repair(st, base.manifest.parent_key, true, false, &out, NULL), ERR_OK);
    collect(st, true, ERR_OK, &r);
    assert_int_equal(r.removed, 3);
    assert_true(names(&r, base.pointer.manifest_key));
    assert_true(names(&r, base.manifest.files.items[0].key));
    gc_report_release(&r);
    base_release(&base);
    assert_sound(st, 2);
}

static void only_a_dataset_can_be_collected(void **state)
{
    struct gc_report r;
    struct store *st = *state;
    collect(st, true, ERR_ABSENT, &r);
    sample_put(st, "events/x", "x");
    collect(st, true, ERR_DAMAGED, &r);
    assert_true(sample_exists(st, "events/x"));
    gc_report_release(&r);
}

static void an_empty_dataset_is_collected_too(void **state)
{
    struct gc_report r;
    struct base base;
    struct store *st = *state;
    struct sleeper s;
    assert_int_equal(sample_open(st, SAMPLE_DATASET, &base, NULL), ERR_OK);
    base_release(&base);
    fall_asleep(st, &s);
    collect(st, true, ERR_OK, &r);
    assert_int_equal(r.removed, 2);
    gc_report_release(&r);
    assert_int_equal(wake_up(st, &s), ERR_CONFLICT);
    sample_publish(st, 1);
    assert_sound(st, 2);
}

/* ---- Those who are at work ----------------------------------------------------------------- */

static void a_writer_that_slept_through_gc_loses_and_nothing_is_broken(void **state)
{
    struct sleeper s;
    struct gc_report r;
    struct store *st = *state;
    sample_publish(st, 2);
    fall_asleep(st, &s);
    collect(st, true, ERR_OK, &r);
    assert_int_equal(r.removed, 2);
    gc_report_release(&r);
    assert_int_equal(wake_up(st, &s), ERR_CONFLICT);
    assert_sound(st, 2);
    sample_publish(st, 1);
    assert_sound(st, 2);
}

/* Something happens just before a swap of gc is carried out. */
struct meddling {
    const char *key; /* of the swap */
    void (*act)(struct store *inner, void *ctx);
    void *ctx;
    struct store *inner;
    struct script_answer fate; /* of that swap */
    const char *undeletable;
};

static struct script_answer meddle(void *ctx, const struct script_call *call)
{
    struct meddling *m = ctx;
    struct script_answer pass = {SCRIPT_PASS, 0};
    if (strcmp(call->operation, "remove") == 0 && m->undeletable != NULL &&
        strcmp(call->key, m->undeletable) == 0)
        return (struct script_answer){SCRIPT_FAIL, ERR_AGAIN};
    if (strcmp(call->operation, "swap") != 0 || m->key == NULL || strcmp(call->key, m->key) != 0)
        return pass;
    if (m->act != NULL)
        m->act(m->inner, m->ctx);
    return m->fate;
}

static void collect_meddled(struct meddling *m, int expected, struct gc_report *r)
{
    struct store *st = store_script_new(m->inner, meddle, m);
    collect(st, true, expected, r);
    store_free(st);
}

static void commit_now(struct store *inner, void *ctx)
{
    assert_int_equal(wake_up(inner, ctx), ERR_OK);
}

static void a_writer_that_commits_before_the_fence_stops_gc(void **state)
{
    struct sleeper s;
    struct gc_report r;
    struct store *st = *state;
    struct meddling m = {.key = LAYOUT_POINTER, .act = commit_now, .ctx = &s, .inner = st};
    sample_publish(st, 2);
    fall_asleep(st, &s);
    collect_meddled(&m, ERR_CONFLICT, &r);
    assert_int_equal(r.count, 2);
    assert_int_equal(r.removed, 0);
    gc_report_release(&r);
    assert_sound(st, 2);
    assert_nothing_left(st);
}

static void index_now(struct store *inner, void *ctx)
{
    (void)ctx;
    sample_index(inner);
}

static void an_index_written_before_the_fence_stops_gc(void **state)
{
    struct gc_report r;
    struct store *st = *state;
    struct meddling m = {.key = INDEX_ROOT, .act = index_now, .inner = st};
    sample_publish(st, 2);
    sample_index(st);
    sample_projection(st);
    sample_put(st, ORPHAN, "x");
    collect_meddled(&m, ERR_CONFLICT, &r);
    assert_int_equal(r.removed, 0);
    assert_true(sample_exists(st, ORPHAN));
    gc_report_release(&r);
    assert_sound(st, 0);
}

static void project_now(struct store *inner, void *ctx)
{
    (void)ctx;
    sample_projection(inner);
}

static void a_consolidation_begun_before_the_fence_stops_gc(void **state)
{
    struct gc_report r;
    struct store *st = *state;
    struct meddling m = {.key = PROJECTION_ROOT, .act = project_now, .inner = st};
    sample_publish(st, 2);
    sample_projection(st);
    sample_put(st, ORPHAN, "x");
    collect_meddled(&m, ERR_CONFLICT, &r);
    assert_int_equal(r.removed, 0);
    assert_true(sample_exists(st, ORPHAN));
    gc_report_release(&r);
}

static void a_slow_writer_of_an_index_loses_its_swap(void **state)
{
    struct gc_report r;
    struct index_state slow;
    struct store *st = *state;
    sample_publish(st, 2);
    sample_index(st);
    assert_int_equal(index_read(st, &slow, NULL), ERR_OK);
    sample_put(st, "index/0000000002-" ID "/0.parquet", "shard of the slow one");
    collect(st, true, ERR_OK, &r);
    assert_int_equal(r.removed, 1);
    gc_report_release(&r);
    struct store_tag tag = slow.tag;
    id_new(slow.attempt);
    assert_int_equal(index_swap(st, &tag, &slow, NULL), ERR_CONFLICT);
    index_release(&slow);
    assert_sound(st, 1);
}

static void a_slow_writer_of_the_very_first_index_loses_its_swap(void **state)
{
    struct gc_report r;
    struct index_state slow = {.attempt = ID};
    struct index_state now;
    enum index_freshness freshness;
    const char *reason;
    struct base base;
    struct store *st = *state;
    sample_publish(st, 2);
    sample_put(st, "index/0000000002-" ID "/0.parquet", "shard of the slow one");
    collect(st, true, ERR_OK, &r);
    assert_int_equal(r.removed, 1);
    gc_report_release(&r);
    assert_int_equal(index_swap(st, NULL, &slow, NULL), ERR_CONFLICT);
    assert_int_equal(index_read(st, &now, NULL), ERR_OK);
    assert_true(now.by_partition);
    assert_int_equal(base_read(st, SAMPLE_DATASET, &base, NULL), ERR_OK);
    assert_int_equal(index_compare(st, &base, &now, &freshness, &reason, NULL), ERR_OK);
    assert_int_equal(freshness, INDEX_BEHIND);
    base_release(&base);
    index_release(&now);
    assert_nothing_left(st);
}

/* ---- Consolidation ------------------------------------------------------------------------- */

/* A consolidation of January that has got as far as its scratch file, and perhaps its redo list. */
static void begin_consolidation(struct store *st, bool redo, struct projection_state *s,
                                char temp[LAYOUT_KEY_SIZE])
{
    struct base base;
    struct version_id attempt;
    struct store_tag old;
    assert_int_equal(base_read(st, SAMPLE_DATASET, &base, NULL), ERR_OK);
    assert_int_equal(projection_read(st, s, NULL), ERR_OK);
    s->phase = PROJECTION_IN_PROGRESS;
    s->target = base.pointer.current;
    s->affected = mem_calloc(1, sizeof *s->affected);
    s->affected[0] = 20260100;
    s->affected_count = 1;
    id_new(s->attempt);
    attempt.sequence = s->target.sequence;
    memcpy(attempt.commit, s->attempt, sizeof attempt.commit);
    projection_temp_key(&attempt, PARTITION_MONTH, 20260100, temp);
    sample_put(st, temp, "consolidated");
    if (redo) {
        struct projection_part part = s->parts[0];
        memcpy(part.temp, temp, sizeof part.temp);
        part.size = 12;
        sha256_hex("consolidated", 12, part.sha256);
        part.stamp = s->target;
        s->has_redo = true;
        projection_add_redo(s, &part);
        /* A partition that is new, and moved into place already. */
        part.partition = 20260300;
        projection_key(PARTITION_MONTH, 20260300, part.key);
        projection_temp_key(&attempt, PARTITION_MONTH, 20260300, part.temp);
        projection_add_redo(s, &part);
        sample_put(st, part.key, "consolidated");
    }
    old = s->tag;
    assert_int_equal(projection_swap(st, &old, s, PARTITION_MONTH, NULL), ERR_OK);
    base_release(&base);
}

static void scratch_that_a_redo_list_names_is_kept(void **state)
{
    struct gc_report r;
    struct projection_state s;
    struct projection_state now;
    char temp[LAYOUT_KEY_SIZE];
    struct store *st = *state;
    sample_publish(st, 2);
    sample_projection(st);
    begin_consolidation(st, true, &s, temp);
    sample_put(st, ".tmp/0000000001-" ID "/all.parquet", "of another attempt");
    collect(st, true, ERR_OK, &r);
    assert_int_equal(r.removed, 1);
    assert_false(names(&r, temp));
    assert_true(sample_exists(st, temp));
    assert_true(sample_exists(st, "projections/windows/2026-03.parquet"));
    gc_report_release(&r);
    assert_int_equal(projection_read(st, &now, NULL), ERR_OK);
    assert_true(now.has_redo);
    assert_int_equal(now.redo_count, 2);
    assert_string_equal(now.redo[0].temp, temp);
    assert_string_not_equal(now.attempt, s.attempt);
    projection_release(&now);
    projection_release(&s);
}

static void scratch_of_a_consolidation_without_redo_list_goes_and_its_owner_loses(void **state)
{
    struct gc_report r;
    struct projection_state s;
    char temp[LAYOUT_KEY_SIZE];
    struct store *st = *state;
    sample_publish(st, 2);
    sample_projection(st);
    begin_consolidation(st, false, &s, temp);
    collect(st, true, ERR_OK, &r);
    assert_int_equal(r.removed, 1);
    assert_false(sample_exists(st, temp));
    gc_report_release(&r);
    struct store_tag old = s.tag;
    id_new(s.attempt);
    assert_int_equal(projection_swap(st, &old, &s, PARTITION_MONTH, NULL), ERR_CONFLICT);
    projection_release(&s);
}

static void scratch_without_any_projections_is_fenced_by_an_empty_state(void **state)
{
    struct gc_report r;
    struct projection_state late = {
        .phase = PROJECTION_IN_PROGRESS, .attempt = ID, .target = {1, ID}};
    struct projection_state now;
    struct store *st = *state;
    sample_publish(st, 1);
    sample_put(st, ".tmp/0000000001-" ID "/all.parquet", "x");
    collect(st, true, ERR_OK, &r);
    assert_int_equal(r.removed, 1);
    gc_report_release(&r);
    assert_int_equal(projection_swap(st, NULL, &late, PARTITION_MONTH, NULL), ERR_CONFLICT);
    assert_int_equal(projection_read(st, &now, NULL), ERR_OK);
    assert_int_equal(now.phase, PROJECTION_COMPLETED);
    assert_int_equal(now.stamp.sequence, 0);
    assert_int_equal(now.by, PARTITION_MONTH);
    projection_release(&now);
}

/* ---- Faults -------------------------------------------------------------------------------- */

static void a_fence_whose_answer_was_lost_is_settled_by_reading(void **state)
{
    static const char *const keys[] = {LAYOUT_POINTER, INDEX_ROOT, PROJECTION_ROOT};
    for (size_t i = 0; i < 3; i++) {
        struct gc_report r;
        struct store *st = sample_store();
        struct meddling m = {.key = keys[i], .inner = st, .fate = {SCRIPT_LOSE, 0}};
        sample_publish(st, 2);
        sample_index(st);
        sample_projection(st);
        sample_put(st, ORPHAN, "x");
        collect_meddled(&m, ERR_OK, &r);
        assert_int_equal(r.removed, 1);
        gc_report_release(&r);
        assert_sound(st, 0);
        store_free(st);
    }
    (void)state;
}

static void anything_but_a_definite_success_of_the_fence_deletes_nothing(void **state)
{
    static const char *const keys[] = {LAYOUT_POINTER, INDEX_ROOT, PROJECTION_ROOT};
    /* A refusal without a reason and an error of no known kind prove nothing. */
    static const struct {
        int answer, told;
    } codes[] = {{ERR_UNKNOWN, ERR_UNKNOWN},
                 {ERR_CONFLICT, ERR_UNKNOWN},
                 {ERR_SYSTEM, ERR_UNKNOWN},
                 {ERR_AGAIN, ERR_AGAIN},
                 {ERR_DENIED, ERR_DENIED}};
    for (size_t i = 0; i < 15; i++) {
        struct gc_report r;
        struct store *st = sample_store();
        struct script_answer fate = {SCRIPT_FAIL, codes[i / 3].answer};
        struct meddling m = {.key = keys[i % 3], .inner = st, .fate = fate};
        sample_publish(st, 2);
        sample_index(st);
        sample_projection(st);
        sample_put(st, ORPHAN, "x");
        collect_meddled(&m, codes[i / 3].told, &r);
        assert_int_equal(r.removed, 0);
        assert_true(sample_exists(st, ORPHAN));
        gc_report_release(&r);
        assert_sound(st, 0);
        store_free(st);
    }
    (void)state;
}

static void a_failed_deletion_is_reported_and_the_rest_goes(void **state)
{
    struct gc_report r;
    struct store *st = *state;
    struct meddling m = {.inner = st, .undeletable = "manifests/0000000009-" ID ".json"};
    sample_publish(st, 1);
    sample_put(st, "index/0000000009-" ID "/0.parquet", "x");
    sample_put(st, m.undeletable, "x");
    sample_put(st, ORPHAN, "x");
    collect_meddled(&m, ERR_AGAIN, &r);
    assert_int_equal(r.count, 3);
    assert_int_equal(r.removed, 2);
    gc_report_release(&r);
    collect(st, true, ERR_OK, &r);
    assert_int_equal(r.removed, 1);
    gc_report_release(&r);
    assert_nothing_left(st);
}

/* ---- A full disk --------------------------------------------------------------------------- */

/* There is no room to write until an object is gone. */
struct full_disk {
    struct store *inner;
    const char *until; /* NULL: for ever */
};

static struct script_answer refuse_to_write(void *ctx, const struct script_call *call)
{
    const struct full_disk *disk = ctx;
    bool full = strcmp(call->operation, "swap") == 0 || strcmp(call->operation, "put_new") == 0;
    if (full && disk->until != NULL)
        full = sample_exists(disk->inner, disk->until);
    return full ? (struct script_answer){SCRIPT_FAIL, ERR_FULL}
                : (struct script_answer){SCRIPT_PASS, 0};
}

static void collect_on_full_disk(struct store *inner, const char *until, int expected,
                                 struct gc_report *r)
{
    struct full_disk disk = {inner, until};
    struct store *st = store_script_new(inner, refuse_to_write, &disk);
    collect(st, true, expected, r);
    store_free(st);
}

static void on_a_full_disk_what_needs_no_fence_is_deleted_first(void **state)
{
    static const char *const harmless[] = {
        "current/manifest.json.tmp-" ID,
        "events/0000000001-" ID "/part-0.parquet",
        "events/0000000009-" ID "/part-0.parquet.tmp-" ID,
        "index/0000000009-" ID "/0.parquet",
    };
    for (size_t i = 0; i < 4; i++) {
        struct gc_report r;
        struct store *st = sample_store();
        sample_publish(st, 2);
        sample_index(st);
        sample_projection(st);
        sample_put(st, ORPHAN, "x");
        sample_put(st, harmless[i], "x");
        collect_on_full_disk(st, harmless[i], ERR_OK, &r);
        assert_int_equal(r.removed, 2);
        gc_report_release(&r);
        assert_sound(st, 0);
        assert_nothing_left(st);
        store_free(st);
    }
    (void)state;
}

static void on_a_full_disk_the_index_is_given_up_where_nothing_else_helps(void **state)
{
    struct gc_report r;
    struct store *st = *state;
    sample_publish(st, 2);
    sample_index(st);
    sample_projection(st);
    sample_put(st, ORPHAN, "x");
    collect_on_full_disk(st, INDEX_ROOT, ERR_OK, &r);
    assert_int_equal(r.removed, 1);
    assert_false(sample_exists(st, ORPHAN));
    assert_int_equal(sample_count(st, "index/"), 0);
    gc_report_release(&r);
    assert_sound(st, 1);
    assert_nothing_left(st);
    sample_publish(st, 1);
}

static void without_a_fence_nothing_that_a_writer_may_yet_publish_is_deleted(void **state)
{
    struct sleeper s;
    struct gc_report r;
    struct store *st = *state;
    sample_publish(st, 2);
    sample_index(st);
    sample_projection(st);
    sample_put(st, "events/0000000009-" ID "/part-0.parquet.tmp-" ID, "x");
    fall_asleep(st, &s);
    collect_on_full_disk(st, NULL, ERR_FULL, &r);
    assert_int_equal(r.removed, 1);
    gc_report_release(&r);
    assert_int_equal(wake_up(st, &s), ERR_OK);
    assert_sound(st, 2);
}

static struct script_answer refuse_list(void *ctx, const struct script_call *call)
{
    struct script_answer answer = {SCRIPT_PASS, 0};
    (void)ctx;
    if (strcmp(call->operation, "list") == 0)
        answer = (struct script_answer){SCRIPT_FAIL, ERR_AGAIN};
    return answer;
}

static void a_listing_that_fails_stops_gc_before_the_fence(void **state)
{
    struct gc_report r;
    struct store *inner = *state;
    struct store *st = store_script_new(inner, refuse_list, NULL);
    sample_publish(inner, 1);
    uint64_t swaps = inner->bill.swaps;
    collect(st, true, ERR_AGAIN, &r);
    assert_int_equal(inner->bill.swaps, swaps);
    assert_int_equal(r.removed, 0);
    gc_report_release(&r);
    store_free(st);
}

static void assert_damaged(struct store *st, const char *words)
{
    struct gc_report r;
    struct error err = ERROR_INIT;
    sample_put(st, ORPHAN, "x");
    assert_int_equal(gc_collect(st, sample_roots(), SAMPLE_DATASET, true, &r, &err), ERR_DAMAGED);
    if (strstr(err.text, words) == NULL)
        fail_msg("\"%s\"", err.text);
    assert_int_equal(r.removed, 0);
    assert_true(sample_exists(st, ORPHAN));
    gc_report_release(&r);
}

static void damage_that_hides_names_stops_gc(void **state)
{
    struct base base;
    struct store *st = *state;
    sample_publish(st, 3);
    sample_put(st, INDEX_ROOT, "{");
    assert_damaged(st, "rebuild-index");
    assert_int_equal(store_remove(st, INDEX_ROOT, NULL), ERR_OK);
    sample_put(st, PROJECTION_ROOT, "{");
    assert_damaged(st, "consolidate");
    assert_int_equal(store_remove(st, PROJECTION_ROOT, NULL), ERR_OK);
    assert_int_equal(base_read(st, SAMPLE_DATASET, &base, NULL), ERR_OK);
    assert_int_equal(store_remove(st, base.manifest.parent_key, NULL), ERR_OK);
    assert_damaged(st, base.manifest.parent_key);
    base_release(&base);
}

static void collect_now(struct store *inner, void *ctx)
{
    struct gc_report r;
    (void)ctx;
    collect(inner, true, ERR_OK, &r);
    assert_int_equal(r.removed, 1);
    gc_report_release(&r);
}

static void a_second_gc_at_once_loses(void **state)
{
    struct gc_report r;
    struct store *st = *state;
    struct meddling m = {.key = LAYOUT_POINTER, .act = collect_now, .inner = st};
    sample_publish(st, 1);
    sample_put(st, ORPHAN, "x");
    collect_meddled(&m, ERR_CONFLICT, &r);
    assert_int_equal(r.removed, 0);
    assert_false(sample_exists(st, ORPHAN));
    gc_report_release(&r);
    assert_nothing_left(st);
}

/* ---- A long life --------------------------------------------------------------------------- */

#define SLEEPERS 4

/* Numbers that are the same in every run. */
static uint64_t next_number(uint64_t *seed)
{
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *seed >> 33;
}

/*
 * Writers that publish at once, fall asleep and wake up, indexes and gc in any order, over a store
 * that checks the protocol at every operation and shares no code with the catalog.
 */
static void a_long_life_keeps_the_protocol(void **state)
{
    struct store *st = store_check_new(sample_store());
    struct sleeper sleepers[SLEEPERS];
    bool asleep[SLEEPERS] = {false};
    uint64_t seed = 1;
    unsigned lost = 0;
    unsigned removed = 0;
    (void)state;
    sample_publish(st, 1);
    for (unsigned step = 0; step < 300; step++) {
        size_t who = next_number(&seed) % SLEEPERS;
        struct gc_report r;
        switch (next_number(&seed) % 6) {
        case 0:
            sample_publish(st, 1);
            break;
        case 1:
            sample_index(st);
            break;
        case 2:
            collect(st, true, ERR_OK, &r);
            removed += (unsigned)r.removed;
            gc_report_release(&r);
            break;
        default:
            if (asleep[who])
                lost += wake_up(st, &sleepers[who]) == ERR_CONFLICT;
            else
                fall_asleep(st, &sleepers[who]);
            asleep[who] = !asleep[who];
        }
        assert_string_equal(store_check_text(st), "");
    }
    for (size_t i = 0; i < SLEEPERS; i++) {
        if (asleep[i])
            wake_up(st, &sleepers[i]);
    }
    sample_index(st);
    assert_sound(st, 1);
    assert_true(lost > 20 && removed > 50);
    assert_string_equal(store_check_text(st), "");
    store_free(st);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_clean_dataset_has_nothing_to_collect_and_is_not_touched),
        TEST(everything_that_nothing_names_is_collected),
        TEST(what_cauce_has_not_made_is_left_alone_and_named),
        TEST(of_many_strangers_the_first_are_named_and_all_are_counted),
        TEST(a_place_in_which_another_dataset_lies_is_refused),
        TEST(on_a_full_disk_what_needs_no_fence_is_deleted_first),
        TEST(on_a_full_disk_the_index_is_given_up_where_nothing_else_helps),
        TEST(without_a_fence_nothing_that_a_writer_may_yet_publish_is_deleted),
        TEST(the_fence_changes_epochs_and_nothing_else),
        TEST(what_a_repair_made_unreachable_is_collected),
        TEST(only_a_dataset_can_be_collected),
        TEST(an_empty_dataset_is_collected_too),
        TEST(a_writer_that_slept_through_gc_loses_and_nothing_is_broken),
        TEST(a_writer_that_commits_before_the_fence_stops_gc),
        TEST(an_index_written_before_the_fence_stops_gc),
        TEST(a_consolidation_begun_before_the_fence_stops_gc),
        TEST(a_slow_writer_of_an_index_loses_its_swap),
        TEST(a_slow_writer_of_the_very_first_index_loses_its_swap),
        TEST(scratch_that_a_redo_list_names_is_kept),
        TEST(scratch_of_a_consolidation_without_redo_list_goes_and_its_owner_loses),
        TEST(scratch_without_any_projections_is_fenced_by_an_empty_state),
        TEST(a_fence_whose_answer_was_lost_is_settled_by_reading),
        TEST(anything_but_a_definite_success_of_the_fence_deletes_nothing),
        TEST(a_failed_deletion_is_reported_and_the_rest_goes),
        TEST(a_listing_that_fails_stops_gc_before_the_fence),
        TEST(damage_that_hides_names_stops_gc),
        TEST(a_second_gc_at_once_loses),
        TEST(a_long_life_keeps_the_protocol),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
