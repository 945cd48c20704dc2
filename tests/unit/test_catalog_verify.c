#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "catalog/verify.h"
#include "support/catalog_sample.h"
#include "support/store_script.h"
#include "support/temp_folder.h"
#include "util/mem.h"

#define ID "0123456789abcdef0123456789abcdef"

/* A store with five versions, an index and projections; the newest version is read into `base`. */
struct fixture {
    struct store *st;
    struct base base;
};

static int set_up(void **state)
{
    struct fixture *f = mem_calloc(1, sizeof *f);
    sample_no_sleep();
    f->st = sample_store();
    sample_publish(f->st, 5);
    sample_index(f->st);
    sample_projection(f->st);
    assert_int_equal(base_read(f->st, SAMPLE_DATASET, &f->base, NULL), ERR_OK);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    base_release(&f->base);
    store_free(f->st);
    free(f);
    sample_real_sleep();
    return 0;
}

static void verify(struct store *st, bool data, struct verify_report *r)
{
    struct error err = ERROR_INIT;
    int rc = verify_structure(st, sample_roots(), SAMPLE_DATASET, data, r, &err);
    if (rc != ERR_OK)
        fail_msg("%s: \"%s\"", error_name(rc), err.text);
}

/* Is there a finding of this level about this object with these words? */
static bool finds(const struct verify_report *r, enum finding_level level, const char *object,
                  const char *words)
{
    for (size_t i = 0; i < r->count; i++) {
        const struct finding *f = &r->findings[i];
        if (f->level == level && strcmp(f->object, object) == 0 && strstr(f->text, words) != NULL)
            return true;
    }
    return false;
}

static void print(const struct verify_report *r)
{
    for (size_t i = 0; i < r->count; i++)
        print_message("%d %s: %s\n", (int)r->findings[i].level, r->findings[i].object,
                      r->findings[i].text);
}

/* Exactly this one finding. */
static void assert_finds(struct store *st, bool data, enum finding_level level, const char *object,
                         const char *words)
{
    struct verify_report r;
    verify(st, data, &r);
    if (r.count != 1 || !finds(&r, level, object, words)) {
        print(&r);
        fail_msg("expected: %s: %s", object, words);
    }
    verify_report_release(&r);
}

/* Replace one place of a stored object's text. */
static void edit(struct store *st, const char *key, const char *from, const char *to)
{
    char *text = sample_get(st, key);
    char *at = strstr(text, from);
    assert_non_null(at);
    *at = '\0';
    char *edited = mem_printf("%s%s%s", text, to, at + strlen(from));
    sample_put(st, key, edited);
    free(edited);
    free(text);
}

static void key_of(const struct base *base, uint64_t sequence, char key[LAYOUT_KEY_SIZE])
{
    for (size_t i = 0; i < base->pointer.recent_count; i++) {
        if (base->pointer.recent[i].sequence == sequence)
            layout_manifest(&base->pointer.recent[i], key);
    }
}

/* ---- Nothing wrong ------------------------------------------------------------------------- */

static void a_sound_dataset_has_no_findings(void **state)
{
    struct fixture *f = *state;
    struct verify_report r;
    verify(f->st, false, &r);
    assert_int_equal(r.count, 0);
    assert_int_equal(r.versions, 5);
    assert_int_equal(r.files, 10);
    assert_int_equal(r.rows, 25);
    assert_int_equal(r.keys, f->base.manifest.keys.count);
    assert_int_equal(r.bytes_hashed, 0);
    assert_true(version_id_equal(&r.current, &f->base.pointer.current));
    verify_report_release(&r);
    verify(f->st, true, &r);
    assert_int_equal(r.count, 0);
    assert_true(r.bytes_hashed > 10 * 90);
    verify_report_release(&r);
}

static void verification_changes_nothing(void **state)
{
    struct fixture *f = *state;
    struct verify_report r;
    uint64_t writes = f->st->bill.puts + f->st->bill.swaps + f->st->bill.deletes;
    uint64_t lists = f->st->bill.lists;
    verify(f->st, true, &r);
    assert_int_equal(f->st->bill.puts + f->st->bill.swaps + f->st->bill.deletes, writes);
    assert_int_equal(f->st->bill.lists, lists + 2); /* of all, and of the log */
    verify_report_release(&r);
}

static void orphans_are_no_findings(void **state)
{
    struct fixture *f = *state;
    struct verify_report r;
    sample_put(f->st, "events/0000000006-" ID "/year=2026/month=01/part-0.parquet", "orphan");
    sample_put(f->st, ".tmp/0000000006-" ID "/all.parquet", "orphan");
    verify(f->st, true, &r);
    assert_int_equal(r.count, 0);
    verify_report_release(&r);
}

static void a_dataset_without_versions_is_sound(void **state)
{
    struct store *st = sample_store();
    struct base base;
    struct verify_report r;
    (void)state;
    assert_int_equal(sample_open(st, SAMPLE_DATASET, &base, NULL), ERR_OK);
    base_release(&base);
    verify(st, true, &r);
    assert_int_equal(r.count, 0);
    assert_int_equal(r.versions, 0);
    verify_report_release(&r);
    store_free(st);
}

static void checkpoints_are_checked_against_the_chain(void **state)
{
    struct store *st = sample_store();
    struct verify_report r;
    (void)state;
    sample_publish(st, 130);
    sample_index(st);
    sample_projection(st);
    verify(st, true, &r);
    assert_int_equal(r.count, 0);
    assert_int_equal(r.versions, 130);
    verify_report_release(&r);
    store_free(st);
}

/* ---- Pointer ------------------------------------------------------------------------------- */

static void no_dataset_is_an_error_and_no_finding(void **state)
{
    struct store *st = sample_store();
    struct verify_report r;
    struct fixture *f = *state;
    assert_int_equal(verify_structure(st, sample_roots(), SAMPLE_DATASET, false, &r, NULL),
                     ERR_ABSENT);
    assert_int_equal(verify_structure(f->st, sample_roots(), "other", false, &r, NULL), ERR_CONFIG);
    store_free(st);
}

static void a_lost_pointer_is_a_finding(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(store_remove(f->st, LAYOUT_POINTER, NULL), ERR_OK);
    assert_finds(f->st, false, FINDING_MUST, LAYOUT_POINTER, "cauce repair --to MANIFEST");
}

static void a_damaged_pointer_is_a_finding_and_the_rest_is_still_looked_at(void **state)
{
    struct fixture *f = *state;
    struct verify_report r;
    edit(f->st, LAYOUT_POINTER, "\"gc_epoch\"", "\"epoch\"");
    edit(f->st, INDEX_ROOT, "\"attempt\"", "\"attempted\"");
    verify(f->st, false, &r);
    assert_int_equal(r.count, 2);
    assert_true(finds(&r, FINDING_MUST, LAYOUT_POINTER, "gc_epoch"));
    assert_true(finds(&r, FINDING_SHOULD, INDEX_ROOT, "attempt"));
    verify_report_release(&r);
}

/* ---- Chain --------------------------------------------------------------------------------- */

static void a_missing_event_file_is_found(void **state)
{
    struct fixture *f = *state;
    const char *key = f->base.manifest.files.items[1].key;
    assert_int_equal(store_remove(f->st, key, NULL), ERR_OK);
    assert_finds(f->st, false, FINDING_MUST, key, "missing");
}

static void an_event_file_of_another_size_is_found(void **state)
{
    struct fixture *f = *state;
    const char *key = f->base.manifest.files.items[0].key;
    sample_put(f->st, key, "short");
    assert_finds(f->st, false, FINDING_MUST, key, "5 bytes");
}

static void an_altered_event_file_is_found_by_reading_it(void **state)
{
    struct fixture *f = *state;
    struct verify_report r;
    const char *key = f->base.manifest.files.items[0].key;
    edit(f->st, key, "events of", "EVENTS of");
    verify(f->st, false, &r);
    assert_int_equal(r.count, 0);
    verify_report_release(&r);
    assert_finds(f->st, true, FINDING_MUST, key, "SHA-256");
}

static void every_damage_is_found_not_just_the_first(void **state)
{
    struct fixture *f = *state;
    struct verify_report r;
    char manifest[LAYOUT_KEY_SIZE];
    key_of(&f->base, 3, manifest);
    edit(f->st, manifest, "1234", "9234");
    assert_int_equal(store_remove(f->st, f->base.manifest.files.items[0].key, NULL), ERR_OK);
    sample_put(f->st, f->base.manifest.files.items[1].key, "");
    sample_put(f->st, PROJECTION_ROOT, "{");
    verify(f->st, true, &r);
    assert_int_equal(r.versions, 5);
    assert_true(finds(&r, FINDING_MUST, manifest, "altered"));
    assert_true(finds(&r, FINDING_MUST, f->base.manifest.files.items[0].key, "missing"));
    assert_true(finds(&r, FINDING_MUST, f->base.manifest.files.items[1].key, "0 bytes"));
    assert_true(finds(&r, FINDING_SHOULD, PROJECTION_ROOT, "consolidate"));
    assert_int_equal(r.count, 4);
    verify_report_release(&r);
}

static void below_a_missing_manifest_older_versions_are_still_checked(void **state)
{
    struct fixture *f = *state;
    struct verify_report r;
    char manifest[LAYOUT_KEY_SIZE];
    char oldest[LAYOUT_KEY_SIZE];
    key_of(&f->base, 3, manifest);
    key_of(&f->base, 1, oldest);
    assert_int_equal(store_remove(f->st, manifest, NULL), ERR_OK);
    edit(f->st, oldest, "\"rows_total\": 5", "\"rows_total\": 6");
    verify(f->st, false, &r);
    assert_int_equal(r.versions, 3);
    assert_true(finds(&r, FINDING_MUST, manifest, "missing"));
    assert_true(finds(&r, FINDING_MUST, oldest, "altered"));
    assert_true(finds(&r, FINDING_MUST, oldest, "rows_total"));
    assert_int_equal(r.count, 3);
    verify_report_release(&r);
}

static void versions_that_nothing_names_any_more_are_counted(void **state)
{
    struct store *st = sample_store();
    struct base base;
    struct verify_report r;
    char manifest[LAYOUT_KEY_SIZE];
    (void)state;
    sample_publish(st, 70);
    assert_int_equal(base_read(st, SAMPLE_DATASET, &base, NULL), ERR_OK);
    key_of(&base, 7, manifest); /* the last one that the pointer remembers */
    assert_int_equal(store_remove(st, manifest, NULL), ERR_OK);
    verify(st, false, &r);
    assert_int_equal(r.versions, 63);
    assert_true(finds(&r, FINDING_MUST, manifest, "missing"));
    assert_true(finds(&r, FINDING_MUST, LAYOUT_POINTER, "Versions 1 to 6"));
    verify_report_release(&r);
    base_release(&base);
    store_free(st);
}

static void a_manifest_in_the_place_of_another_is_found(void **state)
{
    struct fixture *f = *state;
    struct verify_report r;
    char manifest[LAYOUT_KEY_SIZE];
    key_of(&f->base, 3, manifest);
    char *text = sample_get(f->st, f->base.pointer.manifest_key);
    sample_put(f->st, manifest, text);
    free(text);
    verify(f->st, false, &r);
    assert_true(finds(&r, FINDING_MUST, manifest, "altered"));
    assert_true(finds(&r, FINDING_MUST, manifest, "another version"));
    assert_int_equal(r.versions, 4);
    verify_report_release(&r);
}

/* Publish a manifest that no cauce would write, with a hash that fits. */
static void forge(struct store *st, const char *from, const char *to)
{
    struct pointer p;
    struct pointer next;
    struct store_tag tag;
    assert_int_equal(pointer_read(st, &p, &tag, NULL), ERR_OK);
    edit(st, p.manifest_key, from, to);
    char *text = sample_get(st, p.manifest_key);
    pointer_fenced(&p, &next);
    sha256_hex(text, strlen(text), next.manifest_sha256);
    assert_int_equal(pointer_swap(st, &tag, &next, NULL, NULL), ERR_OK);
    free(text);
}

static void a_version_that_does_not_go_on_from_its_parent_is_found(void **state)
{
    struct fixture *f = *state;
    struct verify_report r;
    forge(f->st, "\"rows_total\": 25", "\"rows_total\": 26");
    verify(f->st, false, &r);
    assert_int_equal(r.count, 1);
    assert_true(finds(&r, FINDING_MUST, f->base.manifest.parent_key, "rows_total"));
    verify_report_release(&r);
}

static void a_changed_schema_is_found(void **state)
{
    struct fixture *f = *state;
    struct verify_report r;
    forge(f->st, "decimal(18,4)", "decimal(18,3)");
    verify(f->st, false, &r);
    assert_int_equal(r.count, 1);
    assert_true(finds(&r, FINDING_MUST, f->base.manifest.parent_key, "\"value\""));
    verify_report_release(&r);
}

static void a_checkpoint_that_does_not_fit_the_chain_is_found(void **state)
{
    struct store *st = sample_store();
    struct base base;
    struct verify_report r;
    (void)state;
    sample_publish(st, 64);
    assert_int_equal(base_read(st, SAMPLE_DATASET, &base, NULL), ERR_OK);
    char *from = mem_printf("\"sha256\": \"%s\"", base.manifest.checkpoint.items[0].sha256);
    forge(st, from,
          "\"sha256\": "
          "\"ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff\"");
    free(from);
    verify(st, false, &r);
    assert_true(finds(&r, FINDING_MUST, base.pointer.manifest_key, "checkpoint"));
    verify_report_release(&r);
    base_release(&base);
    store_free(st);
}

/* ---- Derived things ------------------------------------------------------------------------ */

static void a_missing_index_is_repairable(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(store_remove(f->st, INDEX_ROOT, NULL), ERR_OK);
    assert_finds(f->st, false, FINDING_SHOULD, INDEX_ROOT, "rebuild-index");
}

static void an_index_that_is_behind_says_so(void **state)
{
    struct fixture *f = *state;
    sample_publish(f->st, 1);
    sample_projection(f->st);
    assert_finds(f->st, false, FINDING_SHOULD, INDEX_ROOT, "version 5 of 6");
}

static void an_index_with_another_digest_is_found(void **state)
{
    struct fixture *f = *state;
    struct index_state s;
    assert_int_equal(index_read(f->st, &s, NULL), ERR_OK);
    s.keys.sum.low++;
    s.shards[0].digest.sum.low++;
    id_new(s.attempt);
    assert_int_equal(index_swap(f->st, &s.tag, &s, NULL), ERR_OK);
    index_release(&s);
    assert_finds(f->st, false, FINDING_SHOULD, INDEX_ROOT, "digest");
}

static void shards_of_the_index_are_checked(void **state)
{
    struct fixture *f = *state;
    struct index_state s;
    assert_int_equal(index_read(f->st, &s, NULL), ERR_OK);
    sample_put(f->st, s.shards[0].key, "SHARD");
    assert_finds(f->st, true, FINDING_SHOULD, s.shards[0].key, "SHA-256");
    assert_int_equal(store_remove(f->st, s.shards[0].key, NULL), ERR_OK);
    assert_finds(f->st, false, FINDING_SHOULD, s.shards[0].key, "missing");
    index_release(&s);
}

static void missing_projections_are_repairable(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(store_remove(f->st, PROJECTION_ROOT, NULL), ERR_OK);
    assert_finds(f->st, false, FINDING_SHOULD, PROJECTION_ROOT, "consolidate");
}

static void projections_that_are_behind_say_so(void **state)
{
    struct fixture *f = *state;
    sample_publish(f->st, 1);
    sample_index(f->st);
    assert_finds(f->st, false, FINDING_SHOULD, PROJECTION_ROOT, "version 5 of 6");
}

static void a_projection_file_that_is_not_as_stated_is_found(void **state)
{
    struct fixture *f = *state;
    static const char key[] = "projections/windows/2026-02.parquet";
    sample_put(f->st, key, "PROJECTION");
    assert_finds(f->st, true, FINDING_SHOULD, key, "SHA-256");
    assert_int_equal(store_remove(f->st, key, NULL), ERR_OK);
    assert_finds(f->st, false, FINDING_SHOULD, key, "missing");
}

typedef void change(struct projection_state *s);

static void change_projection(struct store *st, change *apply)
{
    struct projection_state s;
    assert_int_equal(projection_read(st, &s, NULL), ERR_OK);
    apply(&s);
    id_new(s.attempt);
    struct store_tag old = s.tag;
    assert_int_equal(projection_swap(st, &old, &s, PARTITION_MONTH, NULL), ERR_OK);
    projection_release(&s);
}

static void lose_a_row(struct projection_state *s)
{
    s->parts[0].rows--;
}

static void invent_a_stamp(struct projection_state *s)
{
    memcpy(s->stamp.commit, ID, sizeof s->stamp.commit);
}

static void begin(struct projection_state *s)
{
    s->phase = PROJECTION_IN_PROGRESS;
    s->target = s->stamp;
}

static void projections_hold_one_row_for_each_key(void **state)
{
    struct fixture *f = *state;
    change_projection(f->st, lose_a_row);
    assert_finds(f->st, false, FINDING_SHOULD, PROJECTION_ROOT, "keys");
}

static void projections_of_a_version_that_never_was_are_found(void **state)
{
    struct fixture *f = *state;
    change_projection(f->st, invent_a_stamp);
    assert_finds(f->st, false, FINDING_SHOULD, PROJECTION_ROOT, "not in the chain");
}

static void an_interrupted_consolidation_is_found(void **state)
{
    struct fixture *f = *state;
    change_projection(f->st, begin);
    assert_finds(f->st, false, FINDING_SHOULD, PROJECTION_ROOT, "interrupted");
}

/* ---- Ways of reading ----------------------------------------------------------------------- */

#define LARGE ((size_t)64 << 20)

static void enlarge(struct projection_state *s)
{
    s->parts[0].size = LARGE + 1;
}

static void an_object_too_large_for_memory_is_hashed_by_way_of_a_file(void **state)
{
    struct fixture *f = *state;
    static const char key[] = "projections/windows/2026-01.parquet";
    struct verify_report r;
    char *large = mem_alloc(LARGE + 1);
    memset(large, 'x', LARGE + 1);
    struct store_body body = store_body_bytes(large, LARGE + 1);
    assert_int_equal(store_remove(f->st, key, NULL), ERR_OK);
    assert_int_equal(store_put_new(f->st, key, &body, NULL, NULL), ERR_OK);
    free(large);
    change_projection(f->st, enlarge);
    assert_finds(f->st, true, FINDING_SHOULD, key, body.sha256);
    verify(f->st, true, &r);
    assert_true(r.bytes_hashed > LARGE);
    verify_report_release(&r);
}

static void a_folder_is_verified_in_place(void **state)
{
    struct store *st;
    struct base base;
    struct verify_report r;
    struct store_options options = {.create = true, .allow_network_filesystem = true};
    char *folder = temp_folder_new();
    (void)state;
    assert_int_equal(store_open(folder, &options, &st, NULL), ERR_OK);
    sample_publish(st, 2);
    sample_index(st);
    sample_projection(st);
    verify(st, true, &r);
    assert_int_equal(r.count, 0);
    assert_int_equal(r.files, 4);
    verify_report_release(&r);
    assert_int_equal(base_read(st, SAMPLE_DATASET, &base, NULL), ERR_OK);
    edit(st, base.manifest.files.items[0].key, "events of", "EVENTS of");
    assert_finds(st, true, FINDING_MUST, base.manifest.files.items[0].key, "SHA-256");
    base_release(&base);
    store_free(st);
    temp_folder_free(folder);
}

/* ---- Faults -------------------------------------------------------------------------------- */

static struct script_answer fail_nth(void *ctx, const struct script_call *call)
{
    unsigned *left = ctx;
    struct script_answer answer = {SCRIPT_PASS, 0};
    (void)call;
    if (*left > 0 && --*left == 0)
        answer = (struct script_answer){SCRIPT_FAIL, ERR_AGAIN};
    return answer;
}

static void a_store_that_fails_is_an_error_and_no_finding(void **state)
{
    struct fixture *f = *state;
    unsigned n = 1;
    int rc;
    do {
        struct verify_report r;
        struct error err = ERROR_INIT;
        unsigned left = n;
        struct store *st = store_script_new(f->st, fail_nth, &left);
        rc = verify_structure(st, sample_roots(), SAMPLE_DATASET, true, &r, &err);
        assert_true(rc == ERR_AGAIN || rc == ERR_OK);
        assert_int_equal(r.count, 0);
        assert_true(rc == ERR_OK || err.text[0] != '\0');
        assert_true(rc == ERR_OK || left == 0);
        verify_report_release(&r);
        store_free(st);
        n++;
    } while (rc != ERR_OK);
    assert_true(n > 20);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_sound_dataset_has_no_findings),
        TEST(verification_changes_nothing),
        TEST(orphans_are_no_findings),
        TEST(a_dataset_without_versions_is_sound),
        TEST(checkpoints_are_checked_against_the_chain),
        TEST(no_dataset_is_an_error_and_no_finding),
        TEST(a_lost_pointer_is_a_finding),
        TEST(a_damaged_pointer_is_a_finding_and_the_rest_is_still_looked_at),
        TEST(a_missing_event_file_is_found),
        TEST(an_event_file_of_another_size_is_found),
        TEST(an_altered_event_file_is_found_by_reading_it),
        TEST(every_damage_is_found_not_just_the_first),
        TEST(below_a_missing_manifest_older_versions_are_still_checked),
        TEST(versions_that_nothing_names_any_more_are_counted),
        TEST(a_manifest_in_the_place_of_another_is_found),
        TEST(a_version_that_does_not_go_on_from_its_parent_is_found),
        TEST(a_changed_schema_is_found),
        TEST(a_checkpoint_that_does_not_fit_the_chain_is_found),
        TEST(a_missing_index_is_repairable),
        TEST(an_index_that_is_behind_says_so),
        TEST(an_index_with_another_digest_is_found),
        TEST(shards_of_the_index_are_checked),
        TEST(missing_projections_are_repairable),
        TEST(projections_that_are_behind_say_so),
        TEST(a_projection_file_that_is_not_as_stated_is_found),
        TEST(projections_hold_one_row_for_each_key),
        TEST(projections_of_a_version_that_never_was_are_found),
        TEST(an_interrupted_consolidation_is_found),
        TEST(an_object_too_large_for_memory_is_hashed_by_way_of_a_file),
        TEST(a_folder_is_verified_in_place),
        TEST(a_store_that_fails_is_an_error_and_no_finding),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
