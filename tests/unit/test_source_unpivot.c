/* Rows that are made of columns: which, with which names, and what becomes of faults. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "source/csv.h"
#include "source/unpivot.h"
#include "support/read_file.h"
#include "util/mem.h"
#include "util/str.h"

static struct unpivot unpivot;

static int open_csv(const struct reader_file *file, const struct read_options *options,
                    struct reader **out, struct error *err)
{
    struct reader *inner;
    int rc = csv_open(file, options, &inner, err);
    return rc == ERR_OK ? unpivot_open(inner, &unpivot, out, err) : rc;
}

static void assert_rows(const char *const *keep, size_t keep_count, const char *text,
                        const char *columns, const char *expected)
{
    struct read_options options = {.delimiter = ",", .quote = '"', .escape = '"', .header = 1};
    unpivot = (struct unpivot){{keep, keep_count}, "year", "value"};
    char *got = read_file(open_csv, &options, text, strlen(text), columns, "");
    assert_string_equal(got, expected);
    free(got);
}

static const char *const key[] = {"k"};

static void every_other_column_becomes_a_row(void **state)
{
    (void)state;
    assert_rows(key, 1, "k,2023,2024\na,1,2\nb,3,4\n", "k:text;year:int;value:int",
                "1@2 a|2023|1\n1@2 a|2024|2\n2@3 b|2023|3\n2@3 b|2024|4\n");
    assert_rows(NULL, 0, "2023,2024\n1,2\n", "year:text;value:int", "1@2 2023|1\n1@2 2024|2\n");
    assert_rows(key, 1, "2023,k\n1,a\n", "value:int;year:int;k:text", "1@2 1|2023|a\n");
    assert_rows(key, 1, "k,2023\n", "k:text;year:int;value:int", "");
}

static void what_has_no_value_is_a_row_without_one(void **state)
{
    (void)state;
    assert_rows(key, 1, "k,2023,2024\na,,2\n", "k:text;year:int;value:int",
                "1@2 a|2023|-\n1@2 a|2024|2\n");
    assert_rows(key, 1, "k,2023,2024\na,,2\nb,1,1\n", "k:text;year:int;value:int!",
                "2@3 b|2023|1\n2@3 b|2024|1\n1@2:3 value=has no value, but must have one\n");
}

/* A record is taken whole or not at all. */
static void a_value_that_does_not_fit_is_a_fault_of_its_record(void **state)
{
    (void)state;
    assert_rows(key, 1, "k,2023,2024\na,1,x\nb,3,4\nc,5\n", "k:text;year:int;value:int",
                "2@3 b|2023|3\n2@3 b|2024|4\n"
                "1@2:5 value=x is not an int\n"
                "3@4:4 c,5 has 2 values instead of 3\n");
}

static void names_are_values_of_their_column(void **state)
{
    (void)state;
    assert_rows(key, 1, "k,2024-01,2024-02\na,1,2\n", "k:text;year:text;value:int",
                "1@2 a|2024-01|1\n1@2 a|2024-02|2\n");
    assert_rows(
        key, 1, "k,2023,note\na,1,x\n", "k:text;year:int;value:int",
        "gate: column \"year\": \"note\", which is the name of a column of source, is not an "
        "int. List under `unpivot.keep` what is not to become rows.\n");
}

static void columns_that_are_not_wanted_are_left_out(void **state)
{
    (void)state;
    assert_rows(key, 1, "k,2023,2024\na,1,2\n", "k:text;year:int", "1@2 a|2023\n1@2 a|2024\n");
    assert_rows(key, 1, "k,2023,2024\na,1,x\n", "year:int", "1@2 2023\n1@2 2024\n");
}

static void what_cannot_be_unpivoted_is_told(void **state)
{
    (void)state;
    static const char *const other[] = {"region"};
    assert_rows(other, 1, "k,2023\na,1\n", "year:int",
                "gate: `unpivot` keeps the column \"region\", which is not in source.\n");
    assert_rows(key, 1, "k\na\n", "year:int",
                "gate: `unpivot` keeps all columns of source: none is left to become rows.\n");
    assert_rows(
        key, 1, "k,2023\na,1\n", "nothing:int",
        "gate: column \"nothing\" is not in source, which has \"k\", \"year\", \"value\". List "
        "the source's name for it under `from`, or say `optional: true` where a file may lack "
        "it.\n");
}

/* More rows than a batch may have, of more records than fit into one. */
static void batches_are_bounded_and_nothing_is_lost(void **state)
{
    (void)state;
    enum { RECORDS = 9000 };
    struct str text;
    struct str expected;
    str_init(&text, STR_MAX_DEFAULT);
    str_init(&expected, STR_MAX_DEFAULT);
    str_append(&text, "k,1,2,3\n");
    for (int i = 0; i < RECORDS; i++) {
        str_printf(&text, "%d,%d,%d,%d\n", i, i + 1, i + 2, i + 3);
        for (int n = 1; n <= 3; n++)
            str_printf(&expected, "%d@%d %d|%d|%d\n", i + 1, i + 2, i, n, i + n);
    }
    assert_rows(key, 1, text.data, "k:int;year:int;value:int", expected.data);
    str_release(&text);
    str_release(&expected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_other_column_becomes_a_row),
        cmocka_unit_test(what_has_no_value_is_a_row_without_one),
        cmocka_unit_test(a_value_that_does_not_fit_is_a_fault_of_its_record),
        cmocka_unit_test(names_are_values_of_their_column),
        cmocka_unit_test(columns_that_are_not_wanted_are_left_out),
        cmocka_unit_test(what_cannot_be_unpivoted_is_told),
        cmocka_unit_test(batches_are_bounded_and_nothing_is_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
