#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "catalog/manifest_part.h"
#include "unit/manifest_test.h"

static const struct version_id v2 = {2, COMMIT_2};

static void a_list_owns_copies_of_its_bounds(void **state)
{
    (void)state;
    struct manifest_files files = {0};
    struct manifest_file file = {.rows = 1};
    file.min = golden_bound("a", "2026-01-01");
    manifest_files_add(&files, &file);
    json_free(file.min);
    file.min = NULL;
    manifest_files_add(&files, &file);
    assert_int_equal(files.count, 2);
    assert_string_equal(json_string(json_at(files.items[0].min, 0)), "a");
    assert_null(files.items[1].min);
    manifest_files_release(&files);
    assert_int_equal(files.count, 0);
    manifest_files_release(&files);
}

static void a_list_comes_back_from_its_stored_form(void **state)
{
    (void)state;
    struct schema s;
    struct manifest_files files = {0};
    struct manifest_files back;
    struct error err = ERROR_INIT;
    sample_schema(&s);
    golden_file(&files, &v2, 20260100, SHA_A, 3, 1);
    golden_file(&files, &v2, 20260200, SHA_B, 4, 0);
    json_free(files.items[1].min);
    files.items[1].min = NULL;
    struct json *list = manifest_files_encode(&files, &s);
    assert_int_equal(manifest_files_decode(list, "x", &s, &back, &err), ERR_OK);
    assert_int_equal(back.count, 2);
    assert_string_equal(back.items[0].key, files.items[0].key);
    assert_string_equal(back.items[0].sha256, SHA_A);
    assert_int_equal(back.items[0].size, 1003);
    assert_int_equal(back.items[0].revised, 1);
    assert_int_equal(back.items[0].sequence, 2);
    assert_string_equal(json_string(json_at(back.items[0].max, 1)), "2026-01-31");
    assert_null(back.items[1].min);
    uint64_t rows;
    uint64_t revised;
    assert_int_equal(manifest_files_sum(&back, &rows, &revised, NULL), ERR_OK);
    assert_int_equal(rows, 7);
    assert_int_equal(revised, 1);
    json_free(list);
    manifest_files_release(&back);
    manifest_files_release(&files);
    schema_release(&s);
}

static void a_sum_that_overflows_is_refused(void **state)
{
    (void)state;
    struct manifest_files files = {0};
    struct manifest_file file = {.rows = INT64_MAX};
    uint64_t rows;
    uint64_t revised;
    manifest_files_add(&files, &file);
    assert_int_equal(manifest_files_sum(&files, &rows, &revised, NULL), ERR_OK);
    manifest_files_add(&files, &file);
    assert_int_equal(manifest_files_sum(&files, &rows, &revised, NULL), ERR_DAMAGED);
    manifest_files_release(&files);
}

static void an_entry_that_is_no_object_is_named(void **state)
{
    (void)state;
    struct schema s;
    struct manifest_files back;
    struct error err = ERROR_INIT;
    sample_schema(&s);
    struct json *list = json_new_array();
    json_append(list, json_new_integer(1));
    assert_int_equal(manifest_files_decode(list, "outputs.files", &s, &back, &err), ERR_DAMAGED);
    assert_non_null(strstr(err.text, "outputs.files[0]"));
    assert_int_equal(back.count, 0);
    json_free(list);
    schema_release(&s);
}

static void a_source_comes_back_from_its_stored_form(void **state)
{
    (void)state;
    struct manifest_source source = {.size = 12};
    struct manifest_source back;
    struct manifest_source copy;
    struct json *text = manifest_source_encode(&source);
    assert_int_equal(manifest_source_decode(text, &back, NULL), ERR_OK);
    assert_null(back.url);
    assert_string_equal(back.sha256, "");
    json_free(text);
    manifest_source_release(&back);

    source.url = mem_strdup("file:///x");
    source.etag = mem_strdup("\"1\"");
    source.last_modified = mem_strdup("Thu, 01 Jan 2026 00:00:00 GMT");
    memcpy(source.sha256, SHA_A, sizeof source.sha256);
    memcpy(source.recipe, SHA_B, sizeof source.recipe);
    manifest_source_copy(&source, &copy);
    manifest_source_release(&source);
    text = manifest_source_encode(&copy);
    assert_int_equal(manifest_source_decode(text, &back, NULL), ERR_OK);
    assert_string_equal(back.url, "file:///x");
    assert_string_equal(back.etag, "\"1\"");
    assert_string_equal(back.last_modified, "Thu, 01 Jan 2026 00:00:00 GMT");
    assert_string_equal(back.sha256, SHA_A);
    assert_string_equal(back.recipe, SHA_B);
    assert_int_equal(back.size, 12);
    json_free(text);
    manifest_source_release(&copy);
    manifest_source_release(&back);
}

static void a_source_is_checked(void **state)
{
    (void)state;
    struct manifest_source back;
    struct error err = ERROR_INIT;
    struct json *text = json_new_object();
    assert_int_equal(manifest_source_decode(text, &back, &err), ERR_DAMAGED);
    assert_non_null(strstr(err.text, "size"));
    json_set_unsigned(text, "size", 1);
    assert_int_equal(manifest_source_decode(text, &back, NULL), ERR_OK);
    manifest_source_release(&back);
    json_set_string(text, "url", "x");
    json_set_string(text, "sha256", "short");
    assert_int_equal(manifest_source_decode(text, &back, &err), ERR_DAMAGED);
    assert_non_null(strstr(err.text, "sha256"));
    assert_null(back.url);
    json_free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_owns_copies_of_its_bounds),
        cmocka_unit_test(a_list_comes_back_from_its_stored_form),
        cmocka_unit_test(a_sum_that_overflows_is_refused),
        cmocka_unit_test(an_entry_that_is_no_object_is_named),
        cmocka_unit_test(a_source_comes_back_from_its_stored_form),
        cmocka_unit_test(a_source_is_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
