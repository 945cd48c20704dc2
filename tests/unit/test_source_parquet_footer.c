/* Footers of Parquet files that are written anew, with fewer declarations. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "source/parquet_footer.h"
#include "util/mem.h"
#include "util/str.h"

#define ENTRIES 4

/* In the compact protocol of Thrift: the head of field n is (n - the last one) << 4 | its type. */
static const char plain[] = "\x15\x02"     /* 1: version 1 */
                            "\x19\x2c"     /* 2: a list of two entries */
                            "\x48\x01r"    /*    4: name "r" */
                            "\x15\x02\x00" /*    5: one child */
                            "\x15\x04"     /*    1: type INT64 */
                            "\x38\x01t"    /*    4: name "t" */
                            "\x25\x0e"     /*    6: converted type */
                            "\x35\x12"     /*    9: number of the field */
                            "\x1c\x7c\x1c" /*    10: logical type, a struct in a struct */
                            "\x00\x00\x00" /*    the ends of the three */
                            "\x00"         /*    the end of the entry */
                            "\x16\x02"     /* 3: one row */
                            "\x19\x0c"     /* 4: no row groups */
                            "\x00";

static bool rewrite(const char *bytes, size_t length, bool bare, struct str *out)
{
    bool all[ENTRIES] = {bare, bare, bare, bare};
    unsigned char *exact = mem_alloc(length > 0 ? length : 1);
    memcpy(exact, bytes, length);
    str_init(out, STR_MAX_DEFAULT);
    bool good = parquet_footer_rewrite(exact, length, all, ENTRIES, out);
    free(exact);
    return good;
}

static void assert_rewritten(const char *bytes, size_t length, bool bare, const char *expected,
                             size_t expected_length)
{
    struct str out;
    assert_true(rewrite(bytes, length, bare, &out));
    assert_int_equal(out.len, expected_length);
    assert_memory_equal(out.data, expected, expected_length);
    str_release(&out);
}

static void assert_refused(const char *bytes, size_t length)
{
    struct str out;
    assert_false(rewrite(bytes, length, true, &out));
    str_release(&out);
}

static void a_footer_that_keeps_its_declarations_is_the_same(void **state)
{
    (void)state;
    assert_rewritten(plain, sizeof plain - 1, false, plain, sizeof plain - 1);
}

static void declarations_are_left_out_and_all_else_stays(void **state)
{
    (void)state;
    static const char bare[] = "\x15\x02\x19\x2c\x48\x01r\x15\x02\x00\x15\x04\x38\x01t"
                               "\x55\x12\x00\x16\x02\x19\x0c\x00";
    assert_rewritten(plain, sizeof plain - 1, true, bare, sizeof bare - 1);
}

static void int96_becomes_bytes(void **state)
{
    (void)state;
    static const char before[] = "\x19\x1c\x15\x06\x38\x01t\x00\x00";
    static const char after[] = "\x19\x1c\x15\x0e\x15\x18\x28\x01t\x00\x00";
    /* Field 2 of the file is its schema. */
    static const char head[] = "\x15\x02";
    char from[sizeof head + sizeof before];
    char to[sizeof head + sizeof after];
    memcpy(from, head, 2);
    memcpy(from + 2, before, sizeof before - 1);
    memcpy(to, head, 2);
    memcpy(to + 2, after, sizeof after - 1);
    assert_rewritten(from, sizeof before + 1, true, to, sizeof after + 1);
}

static void a_footer_that_is_cut_anywhere_is_refused(void **state)
{
    (void)state;
    for (size_t length = 0; length < sizeof plain - 1; length++)
        assert_refused(plain, length);
}

static void what_thrift_does_not_have_is_refused(void **state)
{
    (void)state;
    static const char type_13[] = "\x1d\x00\x00";
    static const char list_of_15[] = "\x19\x1f\x00";
    static const char map_of_15[] = "\x1b\xff\xff\xff\xff\x0f\xff\x00";
    static const char many_items[] = "\x19\xf5\xff\xff\xff\xff\x0f\x00";
    static const char long_text[] = "\x18\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01x\x00";
    static const char long_number[] = "\x15\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x00";
    static const char field_below_0[] = "\x05\x01\x02\x00";
    static const char field_40000[] = "\x05\x80\xf1\x04\x02\x00";
    assert_refused(type_13, sizeof type_13 - 1);
    assert_refused(list_of_15, sizeof list_of_15 - 1);
    assert_refused(map_of_15, sizeof map_of_15 - 1);
    assert_refused(many_items, sizeof many_items - 1);
    assert_refused(long_text, sizeof long_text - 1);
    assert_refused(long_number, sizeof long_number - 1);
    assert_refused(field_below_0, sizeof field_below_0 - 1);
    assert_refused(field_40000, sizeof field_40000 - 1);
}

static void structs_inside_each_other_have_a_limit(void **state)
{
    (void)state;
    char deep[200];
    memset(deep, '\x1c', 100);
    memset(deep + 100, '\0', 100);
    assert_refused(deep, sizeof deep);
    memset(deep + 20, '\0', 180);
    struct str out;
    assert_true(rewrite(deep, 41, true, &out));
    str_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_footer_that_keeps_its_declarations_is_the_same),
        cmocka_unit_test(declarations_are_left_out_and_all_else_stays),
        cmocka_unit_test(int96_becomes_bytes),
        cmocka_unit_test(a_footer_that_is_cut_anywhere_is_refused),
        cmocka_unit_test(what_thrift_does_not_have_is_refused),
        cmocka_unit_test(structs_inside_each_other_have_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
