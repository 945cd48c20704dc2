#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "derived/projection/state.h"
#include "unit/manifest_test.h"

#define ATTEMPT "55555555555555555555555555555555"
#define EARLIER "66666666666666666666666666666666"

static void golden_part(struct projection_part *p, int32_t partition, const char *sha256,
                        struct version_id stamp, uint64_t *versions, size_t version_count)
{
    *p = (struct projection_part){
        .partition = partition,
        .size = 900,
        .rows = 7,
        .columns = 3,
        .stamp = stamp,
        .versions = versions,
        .version_count = version_count,
    };
    projection_key(PARTITION_MONTH, partition, p->key);
    memcpy(p->sha256, sha256, sizeof p->sha256);
}

enum golden { GOLDEN_COMPLETED, GOLDEN_IN_PROGRESS, GOLDEN_REDO, GOLDEN_FORMER };

static const char *const golden_names[] = {
    "tests/golden/projection-2-completed.json",
    "tests/golden/projection-2-in-progress.json",
    "tests/golden/projection-2-redo.json",
    "tests/golden/projection-2-former.json",
};

static void golden_projection(struct projection_state *s, enum golden which)
{
    uint64_t versions[] = {1, 2};
    struct version_id v1 = {1, COMMIT_1};
    struct version_id v2 = {2, COMMIT_2};
    struct version_id earlier = {2, EARLIER};
    struct projection_part part;
    *s = (struct projection_state){.phase = PROJECTION_COMPLETED,
                                   .attempt = ATTEMPT,
                                   .gc_epoch = 3,
                                   .by = PARTITION_MONTH,
                                   .stamp = v1};
    if (which == GOLDEN_FORMER) {
        s->stamp = (struct version_id){.sequence = 0};
        s->former = mem_calloc(2, sizeof *s->former);
        s->former[0] = 20260100;
        s->former[1] = 20260200;
        s->former_count = 2;
        return;
    }
    golden_part(&part, 20260100, SHA_A, v1, versions, 1);
    projection_add_part(s, &part);
    golden_part(&part, 20260200, SHA_B, v1, versions, 1);
    projection_add_part(s, &part);
    if (which == GOLDEN_COMPLETED)
        return;
    s->phase = PROJECTION_IN_PROGRESS;
    s->target = v2;
    s->affected = mem_calloc(2, sizeof *s->affected);
    s->affected[0] = 20260200;
    s->affected[1] = 20260300;
    s->affected_count = 2;
    if (which == GOLDEN_IN_PROGRESS)
        return;
    s->has_redo = true;
    golden_part(&part, 20260200, SHA_C, v2, versions, 2);
    projection_temp_key(&earlier, PARTITION_MONTH, 20260200, part.temp);
    projection_add_redo(s, &part);
    golden_part(&part, 20260300, SHA_D, v2, versions + 1, 1);
    projection_temp_key(&earlier, PARTITION_MONTH, 20260300, part.temp);
    projection_add_redo(s, &part);
}

static char *projection_text(const struct projection_state *s)
{
    struct str out;
    str_init(&out, PROJECTION_MAX_BYTES);
    projection_encode(s, s->by, &out);
    return str_detach(&out);
}

static void the_stored_bytes_are_the_golden_ones(void **state)
{
    (void)state;
    for (int which = GOLDEN_COMPLETED; which <= GOLDEN_FORMER; which++) {
        struct projection_state s;
        struct projection_state back;
        struct error err = ERROR_INIT;
        golden_projection(&s, (enum golden)which);
        char *text = projection_text(&s);
        char *expected = sample_source_file(golden_names[which]);
        assert_string_equal(text, expected);
        assert_int_equal(projection_decode(expected, strlen(expected), &back, &err), ERR_OK);
        assert_string_equal(err.text, "");
        char *again = projection_text(&back);
        assert_string_equal(again, expected);
        assert_int_equal(back.phase, s.phase);
        assert_int_equal(back.part_count, s.part_count);
        assert_int_equal(back.former_count, s.former_count);
        assert_int_equal(back.affected_count, s.affected_count);
        assert_true(back.has_redo == s.has_redo);
        assert_int_equal(back.redo_count, s.redo_count);
        free(again);
        free(expected);
        free(text);
        projection_release(&back);
        projection_release(&s);
    }
}

static void assert_altered(enum golden which, const char *from, const char *to, int code,
                           const char *message)
{
    struct projection_state s;
    struct error err = ERROR_INIT;
    char *text = golden_altered(golden_names[which], from, to);
    assert_non_null(text);
    int rc = projection_decode(text, strlen(text), &s, &err);
    if (rc != code || (rc != ERR_OK && strstr(err.text, message) == NULL))
        fail_msg("%s -> %s: %s, \"%s\"", from, to, error_name(rc), err.text);
    if (rc != ERR_OK)
        assert_int_equal(s.phase, PROJECTION_NONE);
    projection_release(&s);
    free(text);
}

static void assert_refused(enum golden which, const char *from, const char *to, const char *message)
{
    assert_altered(which, from, to, ERR_DAMAGED, message);
}

static void every_field_is_checked(void **state)
{
    (void)state;
    assert_altered(GOLDEN_COMPLETED, "\"format\": 2", "\"format\": 9", ERR_GATE, "newer cauce");
    assert_refused(GOLDEN_COMPLETED, "\"state\": \"completed\"", "\"state\": \"done\"", "state");
    assert_refused(GOLDEN_COMPLETED, "\"attempt\": \"5", "\"attempt\": \"", "attempt");
    assert_refused(GOLDEN_COMPLETED, "\"gc_epoch\": 3", "\"gc_epoch\": 3.5", "gc_epoch");
    assert_refused(GOLDEN_COMPLETED, "\"partition_by\": \"month\"", "\"partition_by\": \"week\"",
                   "partition_by");
    assert_refused(GOLDEN_COMPLETED, "\"partition_by\": \"month\"", "\"partition_by\": \"day\"",
                   "partition by day");
    assert_refused(GOLDEN_COMPLETED, "\"sequence\": 1", "\"sequence\": 0", "sequence");
    assert_refused(GOLDEN_COMPLETED, "year=2026/month=02\"", "year=2026/month=01\"", "key");
    assert_refused(GOLDEN_COMPLETED, "windows/2026-02", "windows/../2026-02", "key");
    assert_refused(GOLDEN_COMPLETED, "windows/2026-02.", "windows/year=2026/month=02/data.", "key");
    assert_refused(GOLDEN_COMPLETED, "\"columns\": 3", "\"columns\": -3", "columns");
    assert_refused(GOLDEN_COMPLETED, "\"rows\": 7", "\"rows\": -7", "rows");
    assert_refused(GOLDEN_COMPLETED, "\"size\": 900", "\"size\": null", "size");
    assert_refused(GOLDEN_COMPLETED, "\"sha256\": \"aa", "\"sha256\": \"a", "sha256");
    assert_refused(GOLDEN_COMPLETED, "\"parts\": [", "\"parts\": [1, ", "parts[0]");
    assert_refused(GOLDEN_IN_PROGRESS, "\"target\": {\n    \"sequence\": 2",
                   "\"target\": {\n    \"sequence\": 0", "target");
    assert_refused(GOLDEN_IN_PROGRESS, "\"target\": {", "\"target\": null, \"x\": {", "target");
    assert_refused(GOLDEN_IN_PROGRESS, "\"year=2026/month=03\"", "\"year=2026/month=02\"", "twice");
    assert_refused(GOLDEN_IN_PROGRESS, "\"year=2026/month=03\"", "\"year=2026/month=13\"",
                   "affected[1]");
    assert_refused(GOLDEN_IN_PROGRESS, "\"affected\": [", "\"affected\": null, \"x\": [",
                   "affected");
    assert_refused(GOLDEN_REDO, ".tmp/0000000002-" EARLIER "/2026-02",
                   ".tmp/0000000002-" EARLIER "/2026-01", "temp");
    assert_refused(GOLDEN_REDO, "\"temp\": \".tmp/", "\"temp\": \"events/", "temp");
    assert_refused(GOLDEN_REDO, "\"temp\": ", "\"temporary\": ", "temp");
    assert_refused(GOLDEN_REDO, "\"redo\": [", "\"redo\": {}, \"x\": [", "redo");
    assert_refused(GOLDEN_FORMER, "month=02", "month=01", "twice");
    assert_refused(GOLDEN_FORMER, "month=02", "month=00", "former[1]");
    assert_refused(GOLDEN_FORMER, "\"former\": [", "\"former\": 7, \"x\": [", "former");
}

static void parts_reflect_nothing_beyond_the_stamp(void **state)
{
    (void)state;
    static const char part[] = "\"columns\": 3,\n      \"sequence\": 1";
    static const char redo[] = "\"columns\": 3,\n      \"sequence\": 2";
    assert_refused(GOLDEN_COMPLETED, part, "\"columns\": 3,\n      \"sequence\": 2", "sequence");
    assert_refused(GOLDEN_REDO, redo, "\"columns\": 3,\n      \"sequence\": 3", "sequence");
}

static void versions_of_a_part_ascend_up_to_its_own(void **state)
{
    (void)state;
    static const char both[] = "1,\n        2\n";
    assert_refused(GOLDEN_REDO, both, "2,\n        1\n", "versions");
    assert_refused(GOLDEN_REDO, both, "1,\n        1\n", "versions");
    assert_refused(GOLDEN_REDO, both, "1,\n        3\n", "versions");
    assert_refused(GOLDEN_REDO, both, "0,\n        2\n", "versions");
    assert_refused(GOLDEN_REDO, both, "-1,\n        2\n", "versions");
    assert_refused(GOLDEN_REDO, both, "\"1\",\n        2\n", "versions");
    assert_altered(GOLDEN_REDO, both, "2\n", ERR_OK, "");
}

static void a_partition_stands_once_in_a_list(void **state)
{
    (void)state;
    struct projection_state s;
    struct projection_state back;
    struct error err = ERROR_INIT;
    golden_projection(&s, GOLDEN_REDO);
    projection_add_part(&s, &s.parts[0]);
    char *text = projection_text(&s);
    assert_int_equal(projection_decode(text, strlen(text), &back, &err), ERR_DAMAGED);
    assert_non_null(strstr(err.text, "twice"));
    free(text);
    projection_release(&s);
    golden_projection(&s, GOLDEN_REDO);
    projection_add_redo(&s, &s.redo[1]);
    text = projection_text(&s);
    assert_int_equal(projection_decode(text, strlen(text), &back, &err), ERR_DAMAGED);
    assert_non_null(strstr(err.text, "redo"));
    free(text);
    projection_release(&s);
}

static void unknown_fields_of_a_later_writer_are_ignored(void **state)
{
    (void)state;
    assert_altered(GOLDEN_REDO, "\"parts\"", "\"exports\": {}, \"parts\"", ERR_OK, "");
}

/* Its files have names that readers took for columns, and perhaps the columns of an older schema. */
static void a_manifest_of_format_1_reflects_nothing_and_names_its_files(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        size_t files; /* those of a redo list may lie there, too */
    } documents[] = {
        {"tests/golden/projection-1-completed.json", 2},
        {"tests/golden/projection-1-in-progress.json", 2},
        {"tests/golden/projection-1-redo.json", 3},
    };
    for (size_t i = 0; i < sizeof documents / sizeof *documents; i++) {
        struct projection_state s;
        struct error err = ERROR_INIT;
        char *text = sample_source_file(documents[i].name);
        assert_int_equal(projection_decode(text, strlen(text), &s, &err), ERR_OK);
        assert_int_equal(s.phase, PROJECTION_COMPLETED);
        assert_int_equal(s.stamp.sequence, 0);
        assert_int_equal(s.part_count, 0);
        assert_int_equal(s.gc_epoch, 3);
        assert_string_equal(s.attempt, ATTEMPT);
        assert_int_equal(s.former_count, documents[i].files);
        for (size_t k = 0; k < s.former_count; k++)
            assert_int_equal(s.former[k], 20260100 + 100 * (int)k);
        projection_release(&s);
        free(text);
        text = golden_altered(documents[i].name, "\"year=2026/month=02\",\n      \"key",
                              "\"\", \"key");
        assert_int_equal(projection_decode(text, strlen(text), &s, &err), ERR_DAMAGED);
        free(text);
    }
}

static void nothing_consolidated_yet_has_no_commit(void **state)
{
    (void)state;
    struct projection_state s = {
        .phase = PROJECTION_COMPLETED, .attempt = ATTEMPT, .by = PARTITION_NONE};
    struct projection_state back;
    char *text = projection_text(&s);
    assert_non_null(strstr(text, "\"commit\": null"));
    assert_int_equal(projection_decode(text, strlen(text), &back, NULL), ERR_OK);
    assert_int_equal(back.stamp.sequence, 0);
    assert_string_equal(back.stamp.commit, "");
    free(text);
    projection_release(&back);
}

static void parts_are_found_by_partition(void **state)
{
    (void)state;
    struct projection_state s;
    struct projection_part copy;
    golden_projection(&s, GOLDEN_COMPLETED);
    assert_ptr_equal(projection_find(s.parts, s.part_count, 20260200), &s.parts[1]);
    assert_null(projection_find(s.parts, s.part_count, 20260300));
    projection_part_copy(&s.parts[0], &copy);
    projection_release(&s);
    assert_int_equal(copy.version_count, 1);
    assert_int_equal(copy.versions[0], 1);
    projection_part_release(&copy);
}

static void projections_are_replaced_from_the_state_that_was_read(void **state)
{
    (void)state;
    struct store *st = sample_store();
    struct projection_state s;
    struct projection_state back;
    assert_int_equal(projection_read(st, &back, NULL), ERR_ABSENT);
    assert_int_equal(back.phase, PROJECTION_NONE);
    golden_projection(&s, GOLDEN_IN_PROGRESS);
    assert_int_equal(projection_swap(st, NULL, &s, PARTITION_MONTH, NULL), ERR_OK);
    assert_int_equal(projection_read(st, &back, NULL), ERR_OK);
    assert_string_equal(back.tag.text, s.tag.text);
    assert_int_equal(back.by, PARTITION_MONTH);
    struct store_tag old = back.tag;
    id_new(back.attempt);
    assert_int_equal(projection_swap(st, &old, &back, PARTITION_MONTH, NULL), ERR_OK);
    id_new(s.attempt);
    assert_int_equal(projection_swap(st, &old, &s, PARTITION_MONTH, NULL), ERR_CONFLICT);
    projection_release(&back);
    projection_release(&s);
    store_free(st);
}

static void damaged_projections_can_still_be_replaced(void **state)
{
    (void)state;
    struct store *st = sample_store();
    struct projection_state back;
    struct projection_state next;
    struct error err = ERROR_INIT;
    sample_put(st, PROJECTION_ROOT, "[]");
    assert_int_equal(projection_read(st, &back, &err), ERR_DAMAGED);
    assert_non_null(strstr(err.text, PROJECTION_ROOT));
    golden_projection(&next, GOLDEN_COMPLETED);
    assert_int_equal(projection_swap(st, &back.tag, &next, PARTITION_MONTH, NULL), ERR_OK);
    projection_release(&next);
    store_free(st);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_stored_bytes_are_the_golden_ones),
        cmocka_unit_test(every_field_is_checked),
        cmocka_unit_test(parts_reflect_nothing_beyond_the_stamp),
        cmocka_unit_test(versions_of_a_part_ascend_up_to_its_own),
        cmocka_unit_test(a_partition_stands_once_in_a_list),
        cmocka_unit_test(unknown_fields_of_a_later_writer_are_ignored),
        cmocka_unit_test(a_manifest_of_format_1_reflects_nothing_and_names_its_files),
        cmocka_unit_test(nothing_consolidated_yet_has_no_commit),
        cmocka_unit_test(parts_are_found_by_partition),
        cmocka_unit_test(projections_are_replaced_from_the_state_that_was_read),
        cmocka_unit_test(damaged_projections_can_still_be_replaced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
