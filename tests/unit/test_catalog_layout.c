#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "catalog/root.h"
#include "derived/index/key.h"
#include "derived/projection/key.h"
#include "store/store.h"
#include "support/catalog_sample.h"

#define COMMIT "0123456789abcdef0123456789abcdef"

static const struct version_id v42 = {42, COMMIT};

static void a_version_is_named_by_padded_sequence_and_commit(void **state)
{
    (void)state;
    char name[LAYOUT_NAME_SIZE];
    layout_name(&v42, name);
    assert_string_equal(name, "0000000042-" COMMIT);
    struct version_id back;
    assert_int_equal(layout_parse_name(name, &back, NULL), ERR_OK);
    assert_true(version_id_equal(&back, &v42));
}

static void sequences_beyond_ten_digits_keep_one_spelling(void **state)
{
    (void)state;
    struct version_id big = {INT64_MAX, COMMIT};
    struct version_id back;
    char name[LAYOUT_NAME_SIZE];
    layout_name(&big, name);
    assert_int_equal(layout_parse_name(name, &back, NULL), ERR_OK);
    assert_true(version_id_equal(&back, &big));
    assert_int_equal(layout_parse_name("00000000042-" COMMIT, &back, NULL), ERR_DAMAGED);
    assert_int_equal(layout_parse_name("9999999999999999999-" COMMIT, &back, NULL), ERR_DAMAGED);
}

static void names_of_another_shape_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "42",
        "42-" COMMIT,
        "000000042-" COMMIT,
        "0000000042" COMMIT,
        "0000000042-" COMMIT "0",
        "0000000042-0123456789abcdef0123456789abcde",
        "0000000042-0123456789ABCDEF0123456789ABCDEF",
        "0000000042-../../../../../../../../../../.",
        "-000000042-" COMMIT,
        " 000000042-" COMMIT,
        "0000000042-" COMMIT "/",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct version_id out = v42;
        struct error err = ERROR_INIT;
        assert_int_equal(layout_parse_name(bad[i], &out, &err), ERR_DAMAGED);
        assert_int_equal(err.code, ERR_DAMAGED);
        assert_true(version_id_equal(&out, &v42));
    }
}

static void check_partition(enum partition_by by, int32_t value, const char *text)
{
    char out[LAYOUT_PARTITION_SIZE];
    int32_t back = -1;
    layout_partition(by, value, out);
    assert_string_equal(out, text);
    assert_true(layout_partition_valid(by, value));
    assert_int_equal(layout_parse_partition(text, by, &back, NULL), ERR_OK);
    assert_int_equal(back, value);
}

static void partitions_are_written_and_read_back(void **state)
{
    (void)state;
    check_partition(PARTITION_NONE, 0, "");
    check_partition(PARTITION_YEAR, 20260000, "year=2026");
    check_partition(PARTITION_YEAR, 0, "year=0000");
    check_partition(PARTITION_MONTH, 20260100, "year=2026/month=01");
    check_partition(PARTITION_MONTH, 99991200, "year=9999/month=12");
    check_partition(PARTITION_DAY, 20260131, "year=2026/month=01/day=31");
    check_partition(PARTITION_DAY, 20240229, "year=2024/month=02/day=29");
    check_partition(PARTITION_DAY, 20000229, "year=2000/month=02/day=29");
}

static void partitions_that_no_calendar_has_are_refused(void **state)
{
    (void)state;
    static const struct {
        enum partition_by by;
        const char *text;
    } bad[] = {
        {PARTITION_NONE, "year=2026"},
        {PARTITION_YEAR, ""},
        {PARTITION_YEAR, "year=26"},
        {PARTITION_YEAR, "year=2026/"},
        {PARTITION_YEAR, "year=2026/month=01"},
        {PARTITION_MONTH, "year=2026"},
        {PARTITION_MONTH, "year=2026/month=1"},
        {PARTITION_MONTH, "year=2026/month=00"},
        {PARTITION_MONTH, "year=2026/month=13"},
        {PARTITION_MONTH, "month=01/year=2026"},
        {PARTITION_DAY, "year=2026/month=02/day=29"},
        {PARTITION_DAY, "year=1900/month=02/day=29"},
        {PARTITION_DAY, "year=2026/month=04/day=31"},
        {PARTITION_DAY, "year=2026/month=01/day=00"},
        {PARTITION_DAY, "year=2026/month=01/day=+1"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        int32_t value = -7;
        assert_int_equal(layout_parse_partition(bad[i].text, bad[i].by, &value, NULL), ERR_DAMAGED);
        assert_int_equal(value, -7);
    }
    assert_false(layout_partition_valid(PARTITION_NONE, 20260000));
    assert_false(layout_partition_valid(PARTITION_YEAR, 20260100));
    assert_false(layout_partition_valid(PARTITION_MONTH, 20260101));
    assert_false(layout_partition_valid(PARTITION_DAY, 20260100));
    assert_false(layout_partition_valid(PARTITION_DAY, -1));
    assert_false(layout_partition_valid(PARTITION_DAY, INT32_MAX));
    assert_false(layout_partition_valid(PARTITION_DAY, INT32_MIN));
}

static void check_key(const char *key, const char *expected)
{
    assert_string_equal(key, expected);
    assert_int_equal(store_key_check(key, NULL), ERR_OK);
}

static void every_object_has_its_key(void **state)
{
    (void)state;
    char key[LAYOUT_KEY_SIZE];
    layout_manifest(&v42, key);
    check_key(key, "manifests/0000000042-" COMMIT ".json");
    layout_event(&v42, false, PARTITION_MONTH, 20260100, 7, key);
    check_key(key, "events/0000000042-" COMMIT "/year=2026/month=01/part-7.parquet");
    layout_event(&v42, false, PARTITION_NONE, 0, 0, key);
    check_key(key, "events/0000000042-" COMMIT "/part-0.parquet");
    layout_event(&v42, true, PARTITION_YEAR, 20260000, 0, key);
    check_key(key, "events/_data/0000000042-" COMMIT "/year=2026/part-0.parquet");
    index_shard_key(&v42, 3, key);
    check_key(key, "index/0000000042-" COMMIT "/3.parquet");
    projection_key(PARTITION_MONTH, 20260100, key);
    check_key(key, "projections/windows/2026-01.parquet");
    projection_key(PARTITION_NONE, 0, key);
    check_key(key, "projections/windows/all.parquet");
    projection_key(PARTITION_YEAR, 20260000, key);
    check_key(key, "projections/windows/2026.parquet");
    projection_key(PARTITION_DAY, 20260131, key);
    check_key(key, "projections/windows/2026-01-31.parquet");
    projection_former_key(PARTITION_MONTH, 20260100, key);
    check_key(key, "projections/windows/year=2026/month=01/data.parquet");
    projection_former_key(PARTITION_NONE, 0, key);
    check_key(key, "projections/windows/data.parquet");
    projection_temp_key(&v42, PARTITION_DAY, 20260131, key);
    check_key(key, ".tmp/0000000042-" COMMIT "/2026-01-31.parquet");
    projection_temp_key(&v42, PARTITION_NONE, 0, key);
    check_key(key, ".tmp/0000000042-" COMMIT "/all.parquet");
    projection_temp_prefix(&v42, key);
    assert_string_equal(key, ".tmp/0000000042-" COMMIT "/");
    assert_int_equal(layout_run(INT64_C(1767225600000001), COMMIT, key, NULL), ERR_OK);
    check_key(key, "runs/20260101T000000.000001Z-" COMMIT ".json");
}

static void the_longest_keys_are_not_cut(void **state)
{
    (void)state;
    struct version_id big = {INT64_MAX, COMMIT};
    struct version_id version;
    int32_t partition;
    char key[LAYOUT_KEY_SIZE];
    layout_event(&big, true, PARTITION_DAY, 99991231, 999999999, key);
    assert_int_equal(layout_parse_event(key, PARTITION_DAY, &version, &partition, NULL), ERR_OK);
    assert_true(version_id_equal(&version, &big));
    projection_temp_key(&big, PARTITION_DAY, 99991231, key);
    assert_int_equal(projection_parse_temp_key(key, PARTITION_DAY, &version, &partition, NULL),
                     ERR_OK);
    index_shard_key(&big, 999999999, key);
    assert_int_equal(index_parse_shard_key(key, &version, NULL), ERR_OK);
    layout_manifest(&big, key);
    assert_int_equal(layout_parse_manifest(key, &version, NULL), ERR_OK);
}

static void a_run_needs_a_run_id_and_a_year_of_four_digits(void **state)
{
    (void)state;
    char key[LAYOUT_KEY_SIZE];
    assert_int_equal(layout_run(0, "../x", key, NULL), ERR_CONFIG);
    assert_int_equal(layout_run(INT64_MAX, COMMIT, key, NULL), ERR_LIMIT);
}

static void event_keys_are_taken_apart(void **state)
{
    (void)state;
    struct version_id version;
    int32_t partition;
    char key[LAYOUT_KEY_SIZE];
    static const struct {
        enum partition_by by;
        int32_t value;
    } good[] = {{PARTITION_NONE, 0},
                {PARTITION_YEAR, 20260000},
                {PARTITION_MONTH, 20261200},
                {PARTITION_DAY, 20261231}};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        layout_event(&v42, i % 2 == 0, good[i].by, good[i].value, 12, key);
        assert_int_equal(layout_parse_event(key, good[i].by, &version, &partition, NULL), ERR_OK);
        assert_true(version_id_equal(&version, &v42));
        assert_int_equal(partition, good[i].value);
        projection_temp_key(&v42, good[i].by, good[i].value, key);
        assert_int_equal(projection_parse_temp_key(key, good[i].by, &version, &partition, NULL),
                         ERR_OK);
        assert_true(version_id_equal(&version, &v42));
        assert_int_equal(partition, good[i].value);
    }
}

static void the_version_of_an_event_file_is_told_from_its_key(void **state)
{
    (void)state;
    static const char old[] = "events/0000000042-" COMMIT "/part-0.parquet";
    static const char today[] = "events/_data/0000000042-" COMMIT "/part-0.parquet";
    struct version_id v4 = {4, COMMIT};
    assert_false(layout_event_for_tables(old));
    assert_true(layout_event_for_tables(today));
    assert_true(layout_event_is_of(old, &v42));
    assert_true(layout_event_is_of(today, &v42));
    assert_false(layout_event_is_of(old, &v4));
    assert_false(layout_event_is_of(today, &v4));
    assert_false(layout_event_is_of("events/0000000042-" COMMIT "0/part-0.parquet", &v42));
    assert_false(layout_event_is_of("index/0000000042-" COMMIT "/part-0.parquet", &v42));
}

static void keys_that_the_layout_would_not_give_are_refused(void **state)
{
    (void)state;
    static const char *const events[] = {
        "",
        "events/",
        "events/0000000042-" COMMIT,
        "events/0000000042-" COMMIT "/",
        "events/0000000042-" COMMIT "/part-0.parquet",
        "events/0000000042-" COMMIT "/year=2026/month=01/part-.parquet",
        "events/0000000042-" COMMIT "/year=2026/month=01/part-00.parquet",
        "events/0000000042-" COMMIT "/year=2026/month=01/part-0.parquet/",
        "events/0000000042-" COMMIT "/year=2026/month=01/part-0.parquet.tmp",
        "events/0000000042-" COMMIT "/year=2026/month=01/part-9999999999.parquet",
        "events/0000000042-" COMMIT "/year=2026/month=01//part-0.parquet",
        "events/0000000042-" COMMIT "/year=2026/month=1/part-0.parquet",
        "events/0000000042-" COMMIT "/../month=01/part-0.parquet",
        "events/../year=2026/month=01/part-0.parquet",
        "events/_data/_data/0000000042-" COMMIT "/year=2026/month=01/part-0.parquet",
        "events/data/0000000042-" COMMIT "/year=2026/month=01/part-0.parquet",
        "/events/0000000042-" COMMIT "/year=2026/month=01/part-0.parquet",
        "index/0000000042-" COMMIT "/year=2026/month=01/part-0.parquet",
        "events/0000000042-" COMMIT
        "/year=2026/month=01/day=01/very/long/path/that/does/not/fit/part-0.parquet",
    };
    struct version_id version;
    int32_t partition;
    for (size_t i = 0; i < sizeof events / sizeof *events; i++)
        assert_int_equal(layout_parse_event(events[i], PARTITION_MONTH, &version, &partition, NULL),
                         ERR_DAMAGED);

    static const char *const others[] = {
        "",
        "manifests/0000000042-" COMMIT,
        "manifests/0000000042-" COMMIT ".json ",
        "manifests/0000000042-" COMMIT ".json.json",
        "manifests/../current/manifest.json",
        "manifests/.json",
        "index/0000000042-" COMMIT "/.parquet",
        "index/0000000042-" COMMIT "/01.parquet",
        "index/0000000042-" COMMIT "/1.parquet/x",
        "index/manifest.json",
        ".tmp/0000000042-" COMMIT "/all",
        ".tmp/0000000042-" COMMIT "/.parquet",
        ".tmp/0000000042-" COMMIT "/none.parquet",
        ".tmp/0000000042-" COMMIT "/2026-02-30.parquet",
        ".tmp/0000000042-" COMMIT "/2026-02.parquet",
        ".tmp/0000000042-" COMMIT "/2026-02-28-01.parquet",
        ".tmp/0000000042-" COMMIT "/a/all.parquet",
        ".tmp/0000000042-" COMMIT "/../../../../../../../etc/passwd.parquet",
    };
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        assert_int_equal(layout_parse_manifest(others[i], &version, NULL), ERR_DAMAGED);
        assert_int_equal(index_parse_shard_key(others[i], &version, NULL), ERR_DAMAGED);
        assert_int_equal(
            projection_parse_temp_key(others[i], PARTITION_NONE, &version, &partition, NULL),
            ERR_DAMAGED);
        assert_int_equal(
            projection_parse_temp_key(others[i], PARTITION_DAY, &version, &partition, NULL),
            ERR_DAMAGED);
    }
}

/* What is not, byte by byte, a name that something makes may be anybody's. */
static void every_name_that_is_made_has_its_kind_and_all_others_are_strangers(void **state)
{
    (void)state;
    static const struct {
        enum layout_kind kind;
        const char *key;
    } cases[] = {
        {LAYOUT_STATE, "current/manifest.json"},
        {LAYOUT_STATE, "current/lease.json"},
        {LAYOUT_STATE, "index/manifest.json"},
        {LAYOUT_STATE, "projections/manifest.json"},
        {LAYOUT_VERSION, "manifests/0000000042-" COMMIT ".json"},
        {LAYOUT_VERSION, "events/0000000042-" COMMIT "/part-0.parquet"},
        {LAYOUT_VERSION, "events/0000000042-" COMMIT "/year=2026/part-12.parquet"},
        {LAYOUT_VERSION, "events/0000000042-" COMMIT "/year=2026/month=01/part-0.parquet"},
        {LAYOUT_VERSION, "events/0000000042-" COMMIT "/year=2026/month=01/day=31/part-0.parquet"},
        {LAYOUT_DERIVED, "index/0000000042-" COMMIT "/7.parquet"},
        {LAYOUT_DERIVED, ".tmp/0000000042-" COMMIT "/all.parquet"},
        {LAYOUT_DERIVED, ".tmp/0000000042-" COMMIT "/2026-01.parquet"},
        {LAYOUT_DERIVED, ".tmp/0000000042-" COMMIT "/year=2026-month=01.parquet"},
        {LAYOUT_DERIVED, "projections/windows/all.parquet"},
        {LAYOUT_DERIVED, "projections/windows/2026.parquet"},
        {LAYOUT_DERIVED, "projections/windows/2026-01.parquet"},
        {LAYOUT_DERIVED, "projections/windows/2026-01-31.parquet"},
        {LAYOUT_DERIVED, "projections/windows/data.parquet"},
        {LAYOUT_DERIVED, "projections/windows/year=2026/month=01/data.parquet"},
        {LAYOUT_RECORD, "runs/20260131T235959.000001Z-" COMMIT ".json"},
        {LAYOUT_REMAINS, ".probe/" COMMIT "-3-race"},
        {LAYOUT_REMAINS, ".probe/" COMMIT "-3-race.tmp-" COMMIT},
        {LAYOUT_REMAINS, "current/manifest.json.tmp-" COMMIT},
        {LAYOUT_REMAINS, "current/lease.json.tmp-" COMMIT},
        {LAYOUT_REMAINS, "runs/20260131T235959.000001Z-" COMMIT ".json.tmp-" COMMIT},
        {LAYOUT_REMAINS, "manifests/0000000042-" COMMIT ".json.tmp-" COMMIT},
        {LAYOUT_REMAINS, "events/0000000042-" COMMIT "/part-0.parquet.upload~any/id"},
        {LAYOUT_STRANGER, ""},
        {LAYOUT_STRANGER, "README"},
        {LAYOUT_STRANGER, "README.tmp-" COMMIT},
        {LAYOUT_STRANGER, ".tmp-" COMMIT},
        {LAYOUT_STRANGER, ".upload~1"},
        {LAYOUT_STRANGER, "current/manifest.json.tmp-" COMMIT "0"},
        {LAYOUT_STRANGER, "current/manifest.json.tmp-0123"},
        {LAYOUT_STRANGER, "current/manifest.json~"},
        {LAYOUT_STRANGER, "x/current/manifest.json"},
        {LAYOUT_STRANGER, "manifests/42-" COMMIT ".json"},
        {LAYOUT_STRANGER, "events/0000000042-" COMMIT "/part-00.parquet"},
        {LAYOUT_STRANGER, "events/0000000042-" COMMIT "/month=01/part-0.parquet"},
        {LAYOUT_STRANGER, "events/0000000042-" COMMIT "/.nfs0000001"},
        {LAYOUT_STRANGER, "projections/windows/year=2026/README"},
        {LAYOUT_STRANGER, "projections/windows/2026-13.parquet"},
        {LAYOUT_STRANGER, "projections/windows/2026-1.parquet"},
        {LAYOUT_STRANGER, "projections/windows/any.parquet"},
        {LAYOUT_STRANGER, "projections/windows/year=2026/month=13/data.parquet"},
        {LAYOUT_STRANGER, ".tmp/0000000042-" COMMIT "/year=2026-month=13.parquet"},
        {LAYOUT_STRANGER, ".tmp/0000000042-" COMMIT "/2026-01.parquet.bak"},
        {LAYOUT_STRANGER, "runs/2026-01-31-" COMMIT ".json"},
        {LAYOUT_STRANGER, "runs/20260131T235959.000001Z-" COMMIT},
        {LAYOUT_STRANGER, "runs/20260131T235959.000001Z-" COMMIT ".json5"},
        {LAYOUT_STRANGER, ".probe/notes"},
        {LAYOUT_STRANGER, ".probe/" COMMIT "-race"},
        {LAYOUT_STRANGER, ".probe/" COMMIT "-1-"},
        {LAYOUT_STRANGER, ".probe/" COMMIT "-1-a/b"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct version_id version = {0};
        if (roots_kind(sample_roots(), cases[i].key, &version) != cases[i].kind)
            fail_msg("%s", cases[i].key);
        if (cases[i].kind == LAYOUT_VERSION)
            assert_true(version_id_equal(&version, &v42));
    }
    char key[LAYOUT_KEY_SIZE];
    for (enum partition_by by = PARTITION_NONE; by <= PARTITION_DAY; by++) {
        static const int32_t values[] = {0, 20260000, 20260100, 20260131};
        projection_key(by, values[by], key);
        assert_int_equal(roots_kind(sample_roots(), key, NULL), LAYOUT_DERIVED);
    }
}

static void versions_are_equal_by_sequence_and_commit(void **state)
{
    (void)state;
    struct version_id other = v42;
    assert_true(version_id_equal(&v42, &other));
    other.sequence++;
    assert_false(version_id_equal(&v42, &other));
    other = v42;
    other.commit[0] = 'f';
    assert_false(version_id_equal(&v42, &other));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_version_is_named_by_padded_sequence_and_commit),
        cmocka_unit_test(sequences_beyond_ten_digits_keep_one_spelling),
        cmocka_unit_test(names_of_another_shape_are_refused),
        cmocka_unit_test(partitions_are_written_and_read_back),
        cmocka_unit_test(partitions_that_no_calendar_has_are_refused),
        cmocka_unit_test(every_object_has_its_key),
        cmocka_unit_test(the_longest_keys_are_not_cut),
        cmocka_unit_test(a_run_needs_a_run_id_and_a_year_of_four_digits),
        cmocka_unit_test(event_keys_are_taken_apart),
        cmocka_unit_test(the_version_of_an_event_file_is_told_from_its_key),
        cmocka_unit_test(keys_that_the_layout_would_not_give_are_refused),
        cmocka_unit_test(every_name_that_is_made_has_its_kind_and_all_others_are_strangers),
        cmocka_unit_test(versions_are_equal_by_sequence_and_commit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
