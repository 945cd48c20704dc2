#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/summary.h"
#include "derived/index/index.h"
#include "derived/projection/projection.h"

static const struct run_report published = {
    .outcome = RUN_PUBLISHED,
    .version = {3, "0123456789abcdef0123456789abcdef"},
    .started = 1000000,
    .finished = 2500000,
    .load.rows_read = 10,
    .delta.rows_new = 2,
    .delta.rows_revised = 3,
    .delta.rows_known = 5,
    .rows_total = 40,
    .keys_total = 37,
    .events.files_written = 2,
    .events.bytes_written = 2048,
    .peak_memory = 1 << 20,
};

static void expect(const struct run_report *r, const char *text)
{
    struct str out;
    str_init(&out, STR_MAX_DEFAULT);
    summary_format("rates", r, &out);
    assert_string_equal(out.data, text);
    str_release(&out);
}

static void a_published_version_is_named_with_its_rows_and_files(void **state)
{
    (void)state;
    expect(&published, "rates: published version 3 (0000000003-0123456789abcdef0123456789abcdef)\n"
                       "rows: 10 read: 2 new, 3 revised, 5 known\n"
                       "files: 2 written, 2.0 KiB; the dataset has 40 rows, 37 keys\n"
                       "time: 1.5 s, at most 1.0 MiB of memory\n");
}

static void what_was_unusual_is_said(void **state)
{
    (void)state;
    struct run_report r = published;
    r.delta.rows_vanished = 4;
    r.load.rows_rejected = 1;
    r.load.rows_duplicate = 6;
    struct index_report *index = derived_report(&r.derived, &index_derived);
    struct consolidation_report *c = derived_report(&r.derived, &projection_derived);
    *index = (struct index_report){INDEX_REBUILT, "absent", 0.5, 35};
    *c = (struct consolidation_report){.moved = 1, .replayed = true};
    expect(&r, "rates: published version 3 (0000000003-0123456789abcdef0123456789abcdef)\n"
               "rows: 10 read: 2 new, 3 revised, 5 known; 4 published rows are not in the source; "
               "1 rejected; 6 repeated\n"
               "files: 2 written, 2.0 KiB; the dataset has 40 rows, 37 keys\n"
               "key index: rebuilt in 0.5 s, 35 rows (absent)\n"
               "projections: 1 file replaced, an interrupted consolidation was finished\n"
               "time: 1.5 s, at most 1.0 MiB of memory\n");
    derived_reports_release(&r.derived);
}

static void a_run_without_news_says_so(void **state)
{
    (void)state;
    struct run_report r = published;
    r.outcome = RUN_UNCHANGED;
    expect(&r, "rates: the source has not changed; version 3 is the newest\n"
               "time: 1.5 s, at most 1.0 MiB of memory\n");
    r.outcome = RUN_NO_NEW_ROWS;
    r.delta.rows_new = r.delta.rows_revised = 0;
    r.delta.rows_known = 10;
    expect(&r, "rates: no new rows; version 3 is the newest\n"
               "rows: 10 read: 0 new, 0 revised, 10 known\n"
               "time: 1.5 s, at most 1.0 MiB of memory\n");
}

static void a_plan_says_what_would_come_next(void **state)
{
    (void)state;
    struct run_report r = published;
    r.outcome = RUN_PLANNED;
    expect(&r, "rates: would publish version 4\n"
               "rows: 10 read: 2 new, 3 revised, 5 known\n"
               "time: 1.5 s, at most 1.0 MiB of memory\n");
}

static void a_failed_run_has_no_summary(void **state)
{
    (void)state;
    static const enum run_outcome outcomes[] = {RUN_FAILED, RUN_LOST, RUN_UNKNOWN};
    struct run_report r = published;
    for (size_t i = 0; i < sizeof outcomes / sizeof outcomes[0]; i++) {
        r.outcome = outcomes[i];
        expect(&r, "");
    }
}

static void every_step_has_a_name(void **state)
{
    (void)state;
    for (int step = 0; step < STEP_COUNT; step++)
        assert_true(strlen(summary_step((enum run_step)step)) > 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_published_version_is_named_with_its_rows_and_files),
        cmocka_unit_test(what_was_unusual_is_said),
        cmocka_unit_test(a_run_without_news_says_so),
        cmocka_unit_test(a_plan_says_what_would_come_next),
        cmocka_unit_test(a_failed_run_has_no_summary),
        cmocka_unit_test(every_step_has_a_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
