#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "catalog/field.h"
#include "util/mem.h"

#define COMMIT "0123456789abcdef0123456789abcdef"

static struct json *parsed(const char *text)
{
    struct json *value = NULL;
    assert_int_equal(json_parse(text, strlen(text), "test", &value, NULL), ERR_OK);
    return value;
}

static void ids_of_datasets_are_lower_case_words(void **state)
{
    (void)state;
    char longest[66];
    memset(longest, 'a', 65);
    longest[64] = '\0';
    assert_true(field_dataset_valid("a"));
    assert_true(field_dataset_valid("0-rates_eur"));
    assert_true(field_dataset_valid(longest));
    longest[64] = 'a';
    longest[65] = '\0';
    assert_false(field_dataset_valid(longest));
    assert_false(field_dataset_valid(""));
    assert_false(field_dataset_valid("_a"));
    assert_false(field_dataset_valid("-a"));
    assert_false(field_dataset_valid("A"));
    assert_false(field_dataset_valid("a/b"));
    assert_false(field_dataset_valid("a b"));
    assert_false(field_dataset_valid("\xc3\xa9"));
}

static void all_64_bits_survive_as_hex(void **state)
{
    (void)state;
    static const uint64_t values[] = {0, 1, UINT64_MAX, UINT64_C(1) << 63, 0xabc};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        uint64_t back = 7;
        struct json *object = json_new_object();
        field_set_bits(object, "seed", values[i]);
        assert_int_equal(field_bits(object, "seed", "x", &back, NULL), ERR_OK);
        assert_true(back == values[i]);
        json_free(object);
    }
    uint64_t untouched = 7;
    struct json *object = parsed("{\"seed\": \"0123456789ABCDEF\"}");
    assert_int_equal(field_bits(object, "seed", "x", &untouched, NULL), ERR_DAMAGED);
    assert_int_equal(untouched, 7);
    json_free(object);
}

static void no_version_is_written_as_null(void **state)
{
    (void)state;
    struct version_id none = {0, ""};
    struct version_id creation = {0, COMMIT};
    struct version_id back = {9, COMMIT};
    struct json *object = json_new_object();
    field_set_optional_version(object, &none);
    assert_true(json_is_null(json_get(object, "commit")));
    assert_int_equal(field_optional_version(object, "x", &back, NULL), ERR_OK);
    assert_true(version_id_equal(&back, &none));
    assert_int_equal(field_version(object, "x", &back, NULL), ERR_DAMAGED);
    json_free(object);
    object = json_new_object();
    field_set_optional_version(object, &creation);
    assert_int_equal(field_optional_version(object, "x", &back, NULL), ERR_OK);
    assert_true(version_id_equal(&back, &creation));
    json_free(object);
    object = parsed("{\"sequence\": 1, \"commit\": null}");
    assert_int_equal(field_optional_version(object, "x", &back, NULL), ERR_DAMAGED);
    json_free(object);
}

static void an_empty_set_of_keys_has_no_digest(void **state)
{
    (void)state;
    struct key_digest keys = {.count = 2, .sum = {.low = 5, .high = UINT64_MAX}};
    struct key_digest back = {0};
    struct json *object = json_new_object();
    field_set_keys(object, "rows", &keys);
    assert_int_equal(field_keys(object, "rows", "x", &back, NULL), ERR_OK);
    assert_true(key_digest_equal(&back, &keys));
    json_free(object);
    keys.count = 0;
    object = json_new_object();
    field_set_keys(object, "rows", &keys);
    assert_int_equal(field_keys(object, "rows", "x", &back, NULL), ERR_DAMAGED);
    json_free(object);
}

static void texts_have_a_limit(void **state)
{
    (void)state;
    const char *text = "unset";
    char *copy = NULL;
    struct json *object = json_new_object();
    char *big = mem_alloc(FIELD_TEXT_MAX + 2);
    memset(big, 'x', FIELD_TEXT_MAX + 1);
    big[FIELD_TEXT_MAX + 1] = '\0';
    json_set_string(object, "big", big);
    assert_int_equal(field_text(object, "big", "x", &text, NULL), ERR_DAMAGED);
    assert_int_equal(field_optional_text(object, "big", "x", &copy, NULL), ERR_DAMAGED);
    assert_null(copy);
    big[FIELD_TEXT_MAX] = '\0';
    json_set_string(object, "big", big);
    assert_int_equal(field_text(object, "big", "x", &text, NULL), ERR_OK);
    assert_int_equal(strlen(text), FIELD_TEXT_MAX);
    assert_int_equal(field_optional_text(object, "none", "x", &copy, NULL), ERR_OK);
    assert_null(copy);
    free(big);
    json_free(object);
}

static void a_hash_that_may_be_absent_is_null(void **state)
{
    (void)state;
    char sha256[SHA256_HEX_SIZE] = "old";
    struct json *object = json_new_object();
    field_set_optional_sha256(object, "sha256", "");
    assert_true(json_is_null(json_get(object, "sha256")));
    assert_int_equal(field_optional_sha256(object, "sha256", "x", sha256, NULL), ERR_OK);
    assert_string_equal(sha256, "");
    assert_int_equal(field_sha256(object, "sha256", "x", sha256, NULL), ERR_DAMAGED);
    json_free(object);
}

static void errors_name_the_field_and_where_it_stands(void **state)
{
    (void)state;
    char id[ID_SIZE];
    struct error err = ERROR_INIT;
    struct json *object = parsed("{\"nonce\": \"x\"}");
    assert_int_equal(field_id(object, "nonce", "the pointer", id, &err), ERR_DAMAGED);
    assert_string_equal(err.text,
                        "The field \"nonce\" of the pointer is not 32 lower-case hex digits.");
    json_free(object);
}

static void sums_stay_within_what_json_can_hold(void **state)
{
    (void)state;
    uint64_t sum = INT64_MAX - 1;
    assert_int_equal(field_add(&sum, 1, "rows", NULL), ERR_OK);
    assert_int_equal(field_add(&sum, 1, "rows", NULL), ERR_DAMAGED);
    assert_true(sum == INT64_MAX);
    sum = 0;
    assert_int_equal(field_add(&sum, UINT64_MAX, "rows", NULL), ERR_DAMAGED);
}

static void what_stands_twice_is_found(void **state)
{
    (void)state;
    const char *twice = NULL;
    const char *good[] = {"b", "a", "c"};
    const char *bad[] = {"b", "a", "c", "a"};
    assert_true(field_distinct(good, 3, &twice));
    assert_true(field_distinct(good, 0, &twice));
    assert_null(twice);
    assert_false(field_distinct(bad, 4, &twice));
    assert_string_equal(twice, "a");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_of_datasets_are_lower_case_words),
        cmocka_unit_test(all_64_bits_survive_as_hex),
        cmocka_unit_test(no_version_is_written_as_null),
        cmocka_unit_test(an_empty_set_of_keys_has_no_digest),
        cmocka_unit_test(texts_have_a_limit),
        cmocka_unit_test(a_hash_that_may_be_absent_is_null),
        cmocka_unit_test(errors_name_the_field_and_where_it_stands),
        cmocka_unit_test(sums_stay_within_what_json_can_hold),
        cmocka_unit_test(what_stands_twice_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
