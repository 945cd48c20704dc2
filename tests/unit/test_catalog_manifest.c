#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "catalog/manifest_part.h"
#include "unit/manifest_test.h"

static void assert_golden(const char *name, bool checkpoint, bool source, bool for_tables)
{
    struct manifest m;
    struct manifest back;
    struct error err = ERROR_INIT;
    golden_manifest(&m, checkpoint);
    if (source) {
        schema_source_add(&m.schema.source, "Day", (struct type){.kind = TYPE_DATE}, "%d/%m/%Y");
        schema_source_add(&m.schema.source, "Value", (struct type){.kind = TYPE_BIGINT}, NULL);
    }
    if (for_tables)
        golden_for_tables(&m);
    char *text = manifest_text(&m);
    char *expected = sample_source_file(name);
    assert_string_equal(text, expected);
    assert_int_equal(manifest_decode(expected, strlen(expected), "golden", &back, &err), ERR_OK);
    assert_string_equal(err.text, "");
    char *again = manifest_text(&back);
    assert_string_equal(again, expected);
    assert_true(back.has_checkpoint == checkpoint);
    assert_true(back.schema.for_tables == for_tables);
    assert_true(key_digest_equal(&back.keys, &m.keys));
    assert_true(back.time == m.time);
    assert_true(back.key_seed == m.key_seed);
    assert_string_equal(back.parent_key, m.parent_key);
    assert_int_equal(back.files.items[1].partition, 20260200);
    assert_int_equal(back.files.items[1].sequence, 2);
    free(again);
    free(expected);
    free(text);
    manifest_release(&back);
    manifest_release(&m);
}

static void the_stored_bytes_are_the_golden_ones(void **state)
{
    (void)state;
    assert_golden("tests/golden/manifest-1.json", false, false, false);
    assert_golden("tests/golden/manifest-1-checkpoint.json", true, false, false);
    assert_golden("tests/golden/manifest-1-source.json", false, true, false);
    assert_golden("tests/golden/manifest-2.json", false, false, true);
}

static void assert_altered(const char *file, const char *from, const char *to, int code,
                           const char *message)
{
    struct manifest m;
    struct error err = ERROR_INIT;
    char *text = golden_altered(file, from, to);
    assert_non_null(text);
    int rc = manifest_decode(text, strlen(text), "manifests/x.json", &m, &err);
    if (rc != code || (code != ERR_OK && (strstr(err.text, message) == NULL ||
                                          strstr(err.text, "manifests/x.json") == NULL)))
        fail_msg("%s -> %s: code %d, \"%s\"", from, to, rc, err.text);
    if (rc != ERR_OK)
        assert_int_equal(m.version.sequence, 0);
    manifest_release(&m);
    free(text);
}

static void assert_refused(const char *from, const char *to, const char *message)
{
    assert_altered("tests/golden/manifest-1.json", from, to, ERR_DAMAGED, message);
}

static void event_files_lie_where_the_format_has_them(void **state)
{
    (void)state;
    assert_altered("tests/golden/manifest-2.json", "events/_data/", "events/", ERR_DAMAGED, "key");
    assert_altered("tests/golden/manifest-1.json", "events/", "events/_data/", ERR_DAMAGED, "key");
}

static void the_format_stays_that_of_the_first_version(void **state)
{
    (void)state;
    struct manifest parent;
    struct manifest child;
    struct error err = ERROR_INIT;
    golden_manifest(&parent, false);
    golden_manifest(&child, false);
    golden_for_tables(&child);
    parent.version = child.parent;
    assert_int_equal(manifest_schema_grown(&parent.schema, &parent.schema, &err), ERR_OK);
    assert_int_equal(manifest_schema_grown(&parent.schema, &child.schema, &err), ERR_DAMAGED);
    assert_non_null(strstr(err.text, "format"));
    manifest_release(&parent);
    manifest_release(&child);
}

static void identity_is_checked(void **state)
{
    (void)state;
    assert_refused("\"exchange-rates\"", "\"Exchange\"", "dataset_id");
    assert_refused("\"exchange-rates\"", "\"\"", "dataset_id");
    assert_refused("\"exchange-rates\"", "\"-x\"", "dataset_id");
    assert_refused("\"version\": \"0000000002", "\"version\": \"0000000003", "version");
    assert_refused("\"version\": \"0000000002", "\"version\": \"2", "version");
    assert_refused("\"sequence\": 2", "\"sequence\": 0", "sequence");
    assert_refused("\"sequence\": 2", "\"sequence\": 9223372036854775808", "JSON");
    assert_refused("\"commit\": \"22", "\"commit\": \"2", "commit");
    assert_refused("\"run_id\": \"44", "\"run_id\": \"xx", "run_id");
    assert_refused("\"created_at\": \"2026-01-01T", "\"created_at\": \"2026-13-01T", "created_at");
}

static void the_parent_is_checked(void **state)
{
    (void)state;
    assert_refused("\"base_sequence\": 1", "\"base_sequence\": 0", "base_sequence");
    assert_refused("\"sequence\": 1,", "\"sequence\": 0,", "base sequence");
    assert_refused("\"parent\": {", "\"parent\": null, \"x\": {", "parent");
    assert_refused("\"key\": \"manifests/0000000001", "\"key\": \"manifests/0000000003", "key");
    assert_refused("\"key\": \"manifests/", "\"key\": \"/manifests/", "key");
    assert_refused("\"sha256\": \"aaaa", "\"sha256\": \"AAAA", "sha256");
}

static void files_are_checked(void **state)
{
    (void)state;
    assert_refused("events/0000000002-" COMMIT_2 "/year=2026/month=01",
                   "events/0000000002-" COMMIT_2 "/year=2026/month=03", "partition");
    assert_refused("events/0000000002-" COMMIT_2 "/year=2026/month=01",
                   "events/../../year=2026/month=01", "key");
    assert_refused("events/0000000002-" COMMIT_2, "events/0000000002-" COMMIT_1,
                   "belongs to another version");
    assert_refused("events/0000000002-" COMMIT_2, "events/0000000001-" COMMIT_2,
                   "belongs to another version");
    assert_refused("\"partition\": \"year=2026/month=02\"", "\"partition\": \"year=2026/month=01\"",
                   "partition");
    assert_refused("\"size\": 1003", "\"size\": -1", "size");
    assert_refused("\"sha256\": \"dddd", "\"sha256\": \"", "sha256");
    assert_refused("\"rows\": 3", "\"rows\": 4", "rows_added_this_version");
    assert_refused("\"rows\": 3", "\"rows\": 9223372036854775807", "larger than any number");
    assert_refused("\"revised\": 1", "\"revised\": 3", "revised");
    assert_refused("\"revised\": 0", "\"revised\": 1", "rows_revised");
    assert_refused("\"EUR\",", "", "key of 2 columns");
    assert_refused("\"EUR\"", "[]", "plain value");
    assert_refused("\"min\": [", "\"min\": {}, \"x\": [", "min");
    assert_refused("\"revisions\": \"publish\"", "\"revisions\": \"ignore\"", "rows_revised");
    assert_refused("\"rows_total\": 12", "\"rows_total\": 4", "rows_total");
    assert_refused("\"rows_total\": 12", "\"rows_total\": 10", "rows_total");
}

static void one_file_named_twice_is_refused(void **state)
{
    (void)state;
    struct manifest m;
    struct manifest back;
    struct error err = ERROR_INIT;
    golden_manifest(&m, false);
    golden_file(&m.files, &m.version, 20260100, SHA_D, 0, 0);
    char *text = manifest_text(&m);
    assert_int_equal(manifest_decode(text, strlen(text), "x", &back, &err), ERR_DAMAGED);
    assert_non_null(strstr(err.text, "twice"));
    free(text);
    manifest_release(&m);
}

static void keys_are_checked(void **state)
{
    (void)state;
    assert_refused("\"keys\": 11", "\"keys\": 13", "rows_total");
    assert_refused("\"keys\": 11", "\"keys\": 0", "key_set_digest");
    assert_refused("\"hash_column\": \"key_hash\"", "\"hash_column\": \"md5\"", "hash_column");
    assert_refused("\"hash_seed\": \"f", "\"hash_seed\": \"", "hash_seed");
    assert_refused("\"key_set_digest\": \"0", "\"key_set_digest\": \"g", "key_set_digest");
    assert_refused("\"key_columns\": [\n      \"series\"", "\"key_columns\": [\n      \"serie\"",
                   "not a column");
    assert_refused("\"key_columns\": [\n      \"series\"", "\"key_columns\": [\n      \"day\"",
                   "twice");
    assert_refused("\"key_columns\": [", "\"key_columns\": [], \"x\": [", "key_columns");
}

static void a_first_version_has_no_parent_and_only_new_rows(void **state)
{
    (void)state;
    struct manifest m;
    struct manifest back;
    struct error err = ERROR_INIT;
    golden_manifest(&m, false);
    m.version.sequence = 1;
    m.parent = (struct version_id){0, ""};
    m.rows_total = m.rows_added;
    m.rows_revised = 0;
    m.keys.count = 5;
    manifest_files_release(&m.files);
    golden_file(&m.files, &m.version, 20260100, SHA_D, 5, 0);
    char *text = manifest_text(&m);
    assert_non_null(strstr(text, "\"parent\": null"));
    assert_int_equal(manifest_decode(text, strlen(text), "x", &back, &err), ERR_OK);
    assert_int_equal(back.parent.sequence, 0);
    assert_string_equal(back.parent_key, "");
    manifest_release(&back);
    free(text);
    m.keys.count = 4;
    text = manifest_text(&m);
    assert_int_equal(manifest_decode(text, strlen(text), "x", &back, &err), ERR_DAMAGED);
    assert_non_null(strstr(err.text, "first version"));
    free(text);
    manifest_release(&m);
}

static void a_checkpoint_ends_with_the_files_of_its_version(void **state)
{
    (void)state;
    static const char name[] = "tests/golden/manifest-1-checkpoint.json";
    struct manifest m;
    struct manifest back;
    struct error err = ERROR_INIT;
    assert_altered(name, "\"rows\": 7", "\"rows\": 8", ERR_DAMAGED, "checkpoint");
    assert_altered(name, "\"checkpoint\": {\n    \"files\": [", "\"checkpoint\": {\"files\": [",
                   ERR_OK, "");
    golden_manifest(&m, true);
    m.checkpoint.count--;
    char *text = manifest_text(&m);
    m.checkpoint.count++;
    assert_int_equal(manifest_decode(text, strlen(text), "x", &back, &err), ERR_DAMAGED);
    free(text);
    struct manifest_file first = m.checkpoint.items[0];
    m.checkpoint.items[0] = m.checkpoint.items[1];
    m.checkpoint.items[1] = first;
    text = manifest_text(&m);
    assert_int_equal(manifest_decode(text, strlen(text), "x", &back, &err), ERR_DAMAGED);
    assert_non_null(strstr(err.text, "checkpoint.files"));
    free(text);
    manifest_release(&m);
}

static void unknown_fields_of_a_later_writer_are_ignored(void **state)
{
    (void)state;
    static const char name[] = "tests/golden/manifest-1.json";
    assert_altered(name, "\"run_id\"", "\"signed\": {\"by\": [1]}, \"run_id\"", ERR_OK, "");
    assert_altered(name, "\"size\": 1003", "\"size\": 1003, \"bloom\": 1", ERR_OK, "");
    assert_altered(name, "\"min\": [", "\"min\": null, \"x\": [", ERR_OK, "");
}

static void a_newer_format_is_refused_and_not_called_damaged(void **state)
{
    (void)state;
    assert_altered("tests/golden/manifest-1.json", "\"format\": 1", "\"format\": 3", ERR_GATE,
                   "newer cauce");
    assert_refused("\"format\": 1", "\"format\": 0", "format");
    assert_refused("\"format\": 1", "\"format\": true", "format");
}

static void what_is_no_object_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "null", "[]", "1", "{}", "\"x\"", "{\"format\":1}"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct manifest m;
        assert_int_equal(manifest_decode(texts[i], strlen(texts[i]), "x", &m, NULL), ERR_DAMAGED);
    }
}

static void a_copy_shares_nothing(void **state)
{
    (void)state;
    struct manifest m;
    struct manifest copy;
    golden_manifest(&m, true);
    manifest_copy(&m, &copy);
    char *before = manifest_text(&m);
    manifest_release(&m);
    char *after = manifest_text(&copy);
    assert_string_equal(after, before);
    free(before);
    free(after);
    manifest_release(&copy);
}

static void a_time_that_no_calendar_knows_does_not_stop_publishing(void **state)
{
    (void)state;
    struct manifest m;
    struct manifest back;
    golden_manifest(&m, false);
    m.time = INT64_MAX;
    char *text = manifest_text(&m);
    assert_int_equal(manifest_decode(text, strlen(text), "x", &back, NULL), ERR_OK);
    assert_true(back.time == 0);
    free(text);
    manifest_release(&back);
    manifest_release(&m);
}

/* Parent and child that fit; the tests spoil one thing each. */
static void make_pair(struct manifest *parent, struct manifest *child)
{
    golden_manifest(child, false);
    golden_manifest(parent, false);
    parent->version = child->parent;
    parent->rows_total = 7;
    parent->keys.count = 7;
}

static void assert_spoiled(struct manifest *parent, struct manifest *child, const char *message)
{
    struct error err = ERROR_INIT;
    assert_int_equal(manifest_follows(parent, child, &err), ERR_DAMAGED);
    if (strstr(err.text, message) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", err.text, message);
    manifest_release(parent);
    manifest_release(child);
}

static void a_child_continues_its_parent(void **state)
{
    (void)state;
    struct manifest parent;
    struct manifest child;
    make_pair(&parent, &child);
    assert_int_equal(manifest_follows(&parent, &child, NULL), ERR_OK);
    manifest_release(&parent);
    manifest_release(&child);

    make_pair(&parent, &child);
    parent.dataset[0] = 'f';
    assert_spoiled(&parent, &child, "dataset");

    make_pair(&parent, &child);
    parent.version.commit[0] = 'f';
    assert_spoiled(&parent, &child, "another version");

    make_pair(&parent, &child);
    parent.key_seed++;
    assert_spoiled(&parent, &child, "hash_seed");

    make_pair(&parent, &child);
    parent.rows_total++;
    assert_spoiled(&parent, &child, "rows_total");

    make_pair(&parent, &child);
    parent.keys.count++;
    assert_spoiled(&parent, &child, "keys");

    make_pair(&parent, &child);
    child.schema.columns[2].nullable = false;
    assert_spoiled(&parent, &child, "value");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_stored_bytes_are_the_golden_ones),
        cmocka_unit_test(identity_is_checked),
        cmocka_unit_test(the_parent_is_checked),
        cmocka_unit_test(files_are_checked),
        cmocka_unit_test(one_file_named_twice_is_refused),
        cmocka_unit_test(keys_are_checked),
        cmocka_unit_test(a_first_version_has_no_parent_and_only_new_rows),
        cmocka_unit_test(a_checkpoint_ends_with_the_files_of_its_version),
        cmocka_unit_test(unknown_fields_of_a_later_writer_are_ignored),
        cmocka_unit_test(event_files_lie_where_the_format_has_them),
        cmocka_unit_test(the_format_stays_that_of_the_first_version),
        cmocka_unit_test(a_newer_format_is_refused_and_not_called_damaged),
        cmocka_unit_test(what_is_no_object_is_refused),
        cmocka_unit_test(a_copy_shares_nothing),
        cmocka_unit_test(a_time_that_no_calendar_knows_does_not_stop_publishing),
        cmocka_unit_test(a_child_continues_its_parent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
