#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include <cmocka.h>

#include "pipeline/sample.h"
#include "support/temp_folder.h"
#include "util/fs.h"

static char *folder;
static struct limits limits;
static struct sample_hints hints;
static struct sample sample;
static struct error err;

static int setup(void **state)
{
    (void)state;
    folder = temp_folder_new();
    limits = (struct limits){.memory = (uint64_t)1 << 30,
                             .threads = 2,
                             .temp = folder,
                             .library = getenv("CAUCE_LIBDUCKDB")};
    error_clear(&err);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    sample_release(&sample);
    sample_release(&sample);
    temp_folder_free(folder);
    return 0;
}

static int look(const char *name, const char *bytes, size_t count)
{
    char *path = fs_join(folder, name);
    assert_int_equal(fs_write(path, bytes, count, NULL), ERR_OK);
    sample_release(&sample);
    int rc = sample_file(path, &hints, &limits, &sample, &err);
    if (rc != ERR_OK)
        print_message("%s: %s\n", name, err.text);
    free(path);
    return rc;
}

/* "name type, name type | key, key | partition" */
static void expect(const char *text)
{
    struct str found;
    str_init(&found, 1 << 16);
    for (size_t i = 0; i < sample.columns.count; i++) {
        char type[TYPE_TEXT_SIZE];
        type_format(sample.columns.columns[i].type, type);
        str_printf(&found, "%s%s %s", i > 0 ? ", " : "", sample.columns.columns[i].name, type);
    }
    str_append(&found, " |");
    for (size_t i = 0; i < sample.key_count; i++)
        str_printf(&found, "%s %s", i > 0 ? "," : "", sample.key[i]);
    str_printf(&found, " | %s", sample.partition_column != NULL ? sample.partition_column : "-");
    assert_string_equal(found.data, text);
    str_release(&found);
}
#define LOOK(name, text) assert_int_equal(look(name, text, strlen(text)), ERR_OK)

static void a_series_is_known_by_its_day_and_name(void **state)
{
    (void)state;
    LOOK("a.csv", "day,series,value\n2026-01-01,a,1.5\n2026-01-01,b,2.5\n2026-01-02,a,3.5\n");
    assert_int_equal(sample.format, FILE_FORMAT_CSV);
    assert_int_equal(sample.layout.delimiter, ',');
    assert_int_equal(sample.report.rows, 3);
    expect("day date, series text, value double | day, series | day");
}

static void a_measured_value_is_no_key(void **state)
{
    (void)state;
    /* `value` alone is unique, but nobody knows a row by a floating-point number. */
    LOOK("a.csv", "value,series,day\n1.5,a,2026-01-01\n2.5,b,2026-01-01\n3.5,a,2026-01-02\n");
    expect("value double, series text, day date | series, day | day");
}

static void a_whole_number_may_be_measured_too(void **state)
{
    (void)state;
    LOOK("a.csv", "place,inhabitants,year\nx,10,2024\nx,12,2025\ny,20,2024\ny,21,2025\n");
    expect("place text, inhabitants bigint, year bigint | place, year | -");
    LOOK("a.csv", "casos,lugar,fecha\n10,x,2024-01-01\n12,x,2024-01-02\n20,y,2024-01-01\n");
    expect("casos bigint, lugar text, fecha date | lugar, fecha | fecha");
    LOOK("a.csv", "order,client,year\n1,x,2024\n2,x,2024\n3,y,2024\n");
    expect("order bigint, client text, year bigint | order | -");
}

static void an_id_is_enough(void **state)
{
    (void)state;
    LOOK("a.csv", "id;name\n1;x\n2;x\n3;y\n");
    assert_int_equal(sample.layout.delimiter, ';');
    expect("id bigint, name text | id | -");
}

static void a_pair_with_a_day_goes_before_one_without(void **state)
{
    (void)state;
    LOOK("a.csv", "a,n,day\nx,1,2026-01-01\nx,2,2026-01-02\ny,1,2026-01-01\ny,2,2026-01-03\n");
    expect("a text, n bigint, day date | a, day | day");
}

static void three_columns_may_be_needed(void **state)
{
    (void)state;
    LOOK("a.csv", "a,b,c\n1,1,1\n1,1,2\n1,2,1\n1,2,2\n2,1,1\n2,1,2\n2,2,1\n2,2,2\n");
    expect("a bigint, b bigint, c bigint | a, b, c | -");
}

static void what_is_empty_somewhere_is_no_key(void **state)
{
    (void)state;
    LOOK("a.csv", "id,name\n,x\n2,y\n");
    expect("id bigint, name text | name | -");
}

static void there_may_be_no_key(void **state)
{
    (void)state;
    LOOK("a.csv", "a,b\n1,x\n1,x\n");
    expect("a bigint, b text | | -");
    assert_null(sample.partition_column);
}

static void a_file_without_rows_has_columns(void **state)
{
    (void)state;
    LOOK("a.csv", "a,b\n");
    assert_int_equal(sample.report.rows, 0);
    expect("a text, b text | | -");
}

static void json_is_read_in_both_shapes(void **state)
{
    (void)state;
    LOOK("a.json", "[{\"id\": 1, \"t\": \"x\"}, {\"id\": 2, \"t\": \"x\"}]");
    assert_int_equal(sample.format, FILE_FORMAT_JSON);
    expect("id bigint, t text | id | -");
    sample_release(&sample);
    LOOK("b", "{\"id\": 1}\n{\"id\": 2}\n");
    assert_int_equal(sample.format, FILE_FORMAT_NDJSON);
    expect("id bigint | id | -");
}

static void compressed_files_are_told_by_their_content(void **state)
{
    (void)state;
    static const char text[] = "id|name\n1|x\n2|y\n";
    char *path = fs_join(folder, "a.csv.gz");
    gzFile file = gzopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(gzwrite(file, text, sizeof text - 1), sizeof text - 1);
    assert_int_equal(gzclose(file), Z_OK);
    assert_int_equal(sample_file(path, &hints, &limits, &sample, &err), ERR_OK);
    free(path);
    assert_int_equal(sample.layout.delimiter, '|');
    expect("id bigint, name text | id | -");
}

static void a_byte_order_mark_is_no_part_of_a_name(void **state)
{
    (void)state;
    LOOK("a.csv", "\xef\xbb\xbfid,name\n1,x\n2,y\n");
    expect("id bigint, name text | id | -");
}

static void inferred_formats_are_kept(void **state)
{
    (void)state;
    LOOK("a.csv", "day,n\n31.12.2025,1\n01.01.2026,1\n");
    expect("day date, n bigint | day | day");
    assert_string_equal(sample.columns.columns[0].format, "%d.%m.%Y");
}

static void what_cannot_be_read_says_why(void **state)
{
    (void)state;
    char *absent = fs_join(folder, "absent.csv");
    assert_int_equal(sample_file(absent, &hints, &limits, &sample, &err), ERR_SOURCE);
    assert_non_null(strstr(err.text, "does not exist"));
    free(absent);
    assert_int_equal(sample_file(folder, &hints, &limits, &sample, &err), ERR_SOURCE);
    assert_non_null(strstr(err.text, "is a folder"));
    assert_int_equal(look("empty.csv", "", 0), ERR_SOURCE);
    assert_non_null(strstr(err.text, "is empty"));
    assert_int_equal(look("a.parquet", "PAR1 and nothing else", 21), ERR_SOURCE);
    assert_int_equal(sample.columns.count, 0);
}

static int count_entry(void *ctx, const char *name, const struct fs_stat *stat, struct error *e)
{
    (void)name;
    (void)stat;
    (void)e;
    ++*(int *)ctx;
    return ERR_OK;
}

static void no_scratch_remains(void **state)
{
    (void)state;
    int count = 0;
    LOOK("a.csv", "id\n1\n");
    assert_int_equal(fs_walk(folder, count_entry, &count, NULL), ERR_OK);
    assert_int_equal(count, 1);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_series_is_known_by_its_day_and_name),
        CASE(a_measured_value_is_no_key),
        CASE(a_whole_number_may_be_measured_too),
        CASE(an_id_is_enough),
        CASE(a_pair_with_a_day_goes_before_one_without),
        CASE(three_columns_may_be_needed),
        CASE(what_is_empty_somewhere_is_no_key),
        CASE(there_may_be_no_key),
        CASE(a_file_without_rows_has_columns),
        CASE(json_is_read_in_both_shapes),
        CASE(compressed_files_are_told_by_their_content),
        CASE(a_byte_order_mark_is_no_part_of_a_name),
        CASE(inferred_formats_are_kept),
        CASE(what_cannot_be_read_says_why),
        CASE(no_scratch_remains),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
