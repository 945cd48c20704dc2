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
#include "util/mem.h"

#define COMMIT "0123456789abcdef0123456789abcdef"

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

static void read_base(struct store *st, struct base *base)
{
    struct error err = ERROR_INIT;
    assert_int_equal(base_read(st, SAMPLE_DATASET, base, &err), ERR_OK);
    assert_string_equal(err.text, "");
}

static void assert_sound(struct store *st)
{
    struct verify_report report;
    assert_int_equal(verify_structure(st, sample_roots(), SAMPLE_DATASET, true, &report, NULL),
                     ERR_OK);
    for (size_t i = 0; i < report.count; i++)
        assert_int_equal(report.findings[i].level, FINDING_SHOULD);
    verify_report_release(&report);
}

/* The pointer is as it was before, but for what a repair must renew. */
static void assert_same_version(const struct pointer *now, const struct pointer *before)
{
    assert_true(version_id_equal(&now->current, &before->current));
    assert_string_equal(now->dataset, before->dataset);
    assert_string_equal(now->manifest_key, before->manifest_key);
    assert_string_equal(now->manifest_sha256, before->manifest_sha256);
    assert_true(now->key_seed == before->key_seed);
    assert_int_equal(now->recent_count, before->recent_count);
    for (size_t i = 0; i < now->recent_count; i++)
        assert_true(version_id_equal(&now->recent[i], &before->recent[i]));
    assert_string_not_equal(now->nonce, before->nonce);
}

static void a_lost_pointer_is_set_to_the_manifest_that_was_named(void **state)
{
    struct base before;
    struct base after;
    struct pointer out;
    sample_publish(*state, 70);
    read_base(*state, &before);
    assert_int_equal(store_remove(*state, LAYOUT_POINTER, NULL), ERR_OK);
    assert_int_equal(sample_repair(*state, before.pointer.manifest_key, false, false, &out, NULL),
                     ERR_OK);
    read_base(*state, &after);
    assert_same_version(&after.pointer, &before.pointer);
    assert_string_equal(out.nonce, after.pointer.nonce);
    assert_sound(*state);
    sample_publish(*state, 1);
    assert_sound(*state);
    base_release(&after);
    base_release(&before);
}

static void a_damaged_pointer_is_replaced(void **state)
{
    static const char *const texts[] = {"", "{", "null", "{\"format\": 1}"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct base before;
        struct base after;
        struct pointer out;
        sample_publish(*state, 2);
        read_base(*state, &before);
        sample_put(*state, LAYOUT_POINTER, texts[i]);
        assert_int_equal(
            sample_repair(*state, before.pointer.manifest_key, false, false, &out, NULL), ERR_OK);
        read_base(*state, &after);
        assert_same_version(&after.pointer, &before.pointer);
        base_release(&after);
        base_release(&before);
    }
}

static void a_pointer_that_is_much_too_large_is_replaced(void **state)
{
    struct base before;
    struct pointer out;
    char *big = mem_alloc(POINTER_MAX_BYTES + 2);
    memset(big, ' ', POINTER_MAX_BYTES + 1);
    big[POINTER_MAX_BYTES + 1] = '\0';
    sample_publish(*state, 2);
    read_base(*state, &before);
    sample_put(*state, LAYOUT_POINTER, big);
    assert_int_equal(sample_repair(*state, before.pointer.manifest_key, false, false, &out, NULL),
                     ERR_OK);
    assert_sound(*state);
    free(big);
    base_release(&before);
}

static void an_intact_pointer_is_only_replaced_where_that_is_asked_for(void **state)
{
    struct base before;
    struct base after;
    struct pointer out;
    struct error err = ERROR_INIT;
    sample_publish(*state, 3);
    read_base(*state, &before);
    const char *older = before.manifest.parent_key;
    assert_int_equal(sample_repair(*state, older, false, false, &out, &err), ERR_GATE);
    assert_non_null(strstr(err.text, "would be given up"));
    read_base(*state, &after);
    assert_string_equal(after.tag.text, before.tag.text);
    base_release(&after);
    assert_int_equal(sample_repair(*state, older, true, false, &out, NULL), ERR_OK);
    read_base(*state, &after);
    assert_int_equal(after.pointer.current.sequence, 2);
    assert_int_equal(after.pointer.gc_epoch, before.pointer.gc_epoch + 1);
    base_release(&after);
    assert_sound(*state);
    sample_publish(*state, 2);
    assert_sound(*state);
    base_release(&before);
}

static void a_pointer_that_names_the_manifest_already_is_left_alone(void **state)
{
    struct base before;
    struct base after;
    struct pointer out;
    sample_publish(*state, 2);
    read_base(*state, &before);
    assert_int_equal(sample_repair(*state, before.pointer.manifest_key, false, false, &out, NULL),
                     ERR_OK);
    read_base(*state, &after);
    assert_string_equal(after.tag.text, before.tag.text);
    assert_string_equal(out.nonce, before.pointer.nonce);
    base_release(&after);
    base_release(&before);
}

static void a_dry_run_says_what_it_would_do_and_changes_nothing(void **state)
{
    struct base before;
    struct pointer out;
    sample_publish(*state, 2);
    read_base(*state, &before);
    assert_int_equal(store_remove(*state, LAYOUT_POINTER, NULL), ERR_OK);
    assert_int_equal(sample_repair(*state, before.pointer.manifest_key, false, true, &out, NULL),
                     ERR_OK);
    assert_same_version(&out, &before.pointer);
    assert_false(sample_exists(*state, LAYOUT_POINTER));
    base_release(&before);
}

static void assert_refused(struct store *st, const char *key, int code, const char *message)
{
    struct pointer out;
    struct error err = ERROR_INIT;
    int rc = sample_repair(st, key, true, false, &out, &err);
    if (rc != code || strstr(err.text, message) == NULL)
        fail_msg("%s: \"%s\"", error_name(rc), err.text);
    assert_false(sample_exists(st, LAYOUT_POINTER));
}

static void a_chain_that_is_not_whole_is_refused(void **state)
{
    struct base base;
    sample_publish(*state, 3);
    read_base(*state, &base);
    const char *key = base.pointer.manifest_key;
    assert_int_equal(store_remove(*state, LAYOUT_POINTER, NULL), ERR_OK);

    char *event = sample_get(*state, base.manifest.files.items[0].key);
    sample_put(*state, base.manifest.files.items[0].key, "shorter");
    assert_refused(*state, key, ERR_DAMAGED, "another size");
    assert_int_equal(store_remove(*state, base.manifest.files.items[0].key, NULL), ERR_OK);
    assert_refused(*state, key, ERR_DAMAGED, base.manifest.files.items[0].key);
    sample_put(*state, base.manifest.files.items[0].key, event);
    free(event);

    char *parent = sample_get(*state, base.manifest.parent_key);
    assert_int_equal(store_remove(*state, base.manifest.parent_key, NULL), ERR_OK);
    assert_refused(*state, key, ERR_DAMAGED, base.manifest.parent_key);
    sample_put(*state, base.manifest.parent_key, parent);
    *strstr(parent, "1234") = '9';
    sample_put(*state, base.manifest.parent_key, parent);
    assert_refused(*state, key, ERR_DAMAGED, "altered");
    free(parent);
    base_release(&base);
}

static void what_is_no_manifest_is_refused(void **state)
{
    struct base base;
    sample_publish(*state, 1);
    read_base(*state, &base);
    assert_int_equal(store_remove(*state, LAYOUT_POINTER, NULL), ERR_OK);
    assert_refused(*state, "current/manifest.json", ERR_CONFIG, "not the key of a manifest");
    assert_refused(*state, "../manifests/x", ERR_CONFIG, "not the key of a manifest");
    assert_refused(*state, "manifests/0000000000-" COMMIT ".json", ERR_CONFIG, "not the key");
    assert_refused(*state, "manifests/0000000001-" COMMIT ".json", ERR_ABSENT, "");
    char *text = sample_get(*state, base.pointer.manifest_key);
    sample_put(*state, "manifests/0000000009-" COMMIT ".json", text);
    assert_refused(*state, "manifests/0000000009-" COMMIT ".json", ERR_DAMAGED, "another version");
    free(text);
    base_release(&base);
}

static void a_pointer_of_a_newer_cauce_is_never_replaced(void **state)
{
    struct base base;
    struct pointer out;
    struct error err = ERROR_INIT;
    sample_publish(*state, 2);
    read_base(*state, &base);
    sample_put(*state, LAYOUT_POINTER, "{\"format\": 2}");
    assert_int_equal(sample_repair(*state, base.manifest.parent_key, true, false, &out, &err),
                     ERR_GATE);
    assert_non_null(strstr(err.text, "newer cauce"));
    base_release(&base);
}

static void a_pointer_of_another_dataset_is_never_replaced(void **state)
{
    struct base base;
    struct pointer other;
    struct pointer out;
    sample_publish(*state, 1);
    read_base(*state, &base);
    pointer_init(&other, "other");
    assert_int_equal(pointer_swap(*state, &base.tag, &other, NULL, NULL), ERR_OK);
    assert_int_equal(sample_repair(*state, base.pointer.manifest_key, true, false, &out, NULL),
                     ERR_GATE);
    base_release(&base);
}

/* Somebody changes the pointer while the chain is being checked. */
static struct script_answer meddle(void *ctx, const struct script_call *call)
{
    struct script_answer pass = {SCRIPT_PASS, 0};
    if (strcmp(call->operation, "list") == 0)
        sample_put(ctx, LAYOUT_POINTER, "{ }");
    return pass;
}

static void a_pointer_that_changed_meanwhile_is_left_alone(void **state)
{
    struct base base;
    struct pointer out;
    struct error err = ERROR_INIT;
    sample_publish(*state, 1);
    read_base(*state, &base);
    sample_put(*state, LAYOUT_POINTER, "{");
    struct store *st = store_script_new(*state, meddle, *state);
    assert_int_equal(sample_repair(st, base.pointer.manifest_key, true, false, &out, &err),
                     ERR_CONFLICT);
    assert_non_null(strstr(err.text, "in the meantime"));
    char *text = sample_get(*state, LAYOUT_POINTER);
    assert_string_equal(text, "{ }");
    free(text);
    store_free(st);
    base_release(&base);
}

static struct script_answer lose_swap(void *ctx, const struct script_call *call)
{
    (void)ctx;
    struct script_answer answer = {SCRIPT_PASS, 0};
    if (strcmp(call->operation, "swap") == 0)
        answer.action = SCRIPT_LOSE;
    return answer;
}

static void a_repair_whose_answer_was_lost_is_settled_by_reading(void **state)
{
    struct base base;
    struct pointer out;
    sample_publish(*state, 1);
    read_base(*state, &base);
    sample_put(*state, LAYOUT_POINTER, "{");
    struct store *st = store_script_new(*state, lose_swap, NULL);
    assert_int_equal(sample_repair(st, base.pointer.manifest_key, false, false, &out, NULL),
                     ERR_OK);
    assert_sound(*state);
    store_free(st);
    base_release(&base);
}

static void the_epoch_goes_beyond_every_one_that_was_seen(void **state)
{
    struct base base;
    struct index_state index;
    struct pointer out;
    sample_publish(*state, 1);
    sample_index(*state);
    assert_int_equal(index_read(*state, &index, NULL), ERR_OK);
    index.gc_epoch = 7;
    id_new(index.attempt);
    assert_int_equal(index_swap(*state, &index.tag, &index, NULL), ERR_OK);
    index_release(&index);
    read_base(*state, &base);
    assert_int_equal(store_remove(*state, LAYOUT_POINTER, NULL), ERR_OK);
    assert_int_equal(sample_repair(*state, base.pointer.manifest_key, false, false, &out, NULL),
                     ERR_OK);
    assert_true(out.gc_epoch > 7);
    base_release(&base);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_lost_pointer_is_set_to_the_manifest_that_was_named),
        TEST(a_damaged_pointer_is_replaced),
        TEST(a_pointer_that_is_much_too_large_is_replaced),
        TEST(an_intact_pointer_is_only_replaced_where_that_is_asked_for),
        TEST(a_pointer_that_names_the_manifest_already_is_left_alone),
        TEST(a_dry_run_says_what_it_would_do_and_changes_nothing),
        TEST(a_chain_that_is_not_whole_is_refused),
        TEST(what_is_no_manifest_is_refused),
        TEST(a_pointer_of_a_newer_cauce_is_never_replaced),
        TEST(a_pointer_of_another_dataset_is_never_replaced),
        TEST(a_pointer_that_changed_meanwhile_is_left_alone),
        TEST(a_repair_whose_answer_was_lost_is_settled_by_reading),
        TEST(the_epoch_goes_beyond_every_one_that_was_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
