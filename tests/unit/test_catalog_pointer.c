#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "catalog/pointer.h"
#include "support/catalog_sample.h"
#include "support/store_script.h"
#include "util/mem.h"

#define COMMIT_1 "11111111111111111111111111111111"
#define COMMIT_2 "22222222222222222222222222222222"
#define SHA "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static struct pointer golden(void)
{
    struct pointer p = {
        .dataset = "exchange-rates",
        .current = {2, COMMIT_2},
        .manifest_key = "manifests/0000000002-" COMMIT_2 ".json",
        .manifest_sha256 = SHA,
        .gc_epoch = 3,
        .oldest_sequence = 1,
        .key_seed = UINT64_C(0xfedcba9876543210),
        .nonce = "33333333333333333333333333333333",
        .recent = {{2, COMMIT_2}, {1, COMMIT_1}},
        .recent_count = 2,
    };
    return p;
}

static char *encoded(const struct pointer *p)
{
    struct str out;
    str_init(&out, POINTER_MAX_BYTES);
    pointer_encode(p, &out);
    assert_int_equal(str_check(&out, "x", NULL), ERR_OK);
    return str_detach(&out);
}

static int decode(const char *text, struct pointer *out, struct error *err)
{
    return pointer_decode(text, strlen(text), out, err);
}

static void the_stored_bytes_are_the_golden_ones(void **state)
{
    (void)state;
    struct pointer p = golden();
    char *text = encoded(&p);
    char *expected = sample_source_file("tests/golden/pointer-1.json");
    assert_string_equal(text, expected);
    free(expected);
    free(text);
}

static void the_golden_pointer_is_read(void **state)
{
    (void)state;
    struct pointer expected = golden();
    struct pointer p;
    struct error err = ERROR_INIT;
    char *text = sample_source_file("tests/golden/pointer-1.json");
    assert_int_equal(decode(text, &p, &err), ERR_OK);
    assert_string_equal(err.text, "");
    char *again = encoded(&p);
    assert_string_equal(again, text);
    assert_string_equal(p.dataset, expected.dataset);
    assert_true(version_id_equal(&p.current, &expected.current));
    assert_string_equal(p.manifest_key, expected.manifest_key);
    assert_string_equal(p.manifest_sha256, expected.manifest_sha256);
    assert_true(p.key_seed == expected.key_seed);
    assert_int_equal(p.recent_count, 2);
    free(again);
    free(text);
}

static void a_new_dataset_has_no_version_and_a_seed_of_its_own(void **state)
{
    (void)state;
    struct pointer a;
    struct pointer b;
    struct pointer back;
    pointer_init(&a, "demo");
    pointer_init(&b, "demo");
    assert_int_equal(a.current.sequence, 0);
    assert_int_equal(a.recent_count, 0);
    assert_string_equal(a.manifest_key, "");
    assert_true(a.key_seed != b.key_seed);
    assert_string_not_equal(a.nonce, b.nonce);
    assert_string_not_equal(a.current.commit, b.current.commit);
    char *text = encoded(&a);
    assert_non_null(strstr(text, "\"current_version\": null"));
    assert_non_null(strstr(text, "\"manifest\": null"));
    assert_int_equal(decode(text, &back, NULL), ERR_OK);
    assert_true(version_id_equal(&back.current, &a.current));
    assert_true(back.key_seed == a.key_seed);
    free(text);
}

static void publishing_shifts_recent_and_renews_the_nonce(void **state)
{
    (void)state;
    struct pointer p;
    struct pointer next;
    pointer_init(&p, "demo");
    for (uint64_t i = 1; i <= 70; i++) {
        struct version_id v = {.sequence = i};
        char key[LAYOUT_KEY_SIZE];
        id_new(v.commit);
        layout_manifest(&v, key);
        pointer_next(&p, &v, key, SHA, &next);
        assert_string_not_equal(next.nonce, p.nonce);
        assert_true(version_id_equal(&next.recent[0], &v));
        assert_int_equal(next.recent_count, i < POINTER_RECENT ? i : POINTER_RECENT);
        assert_true(next.key_seed == p.key_seed);
        char *text = encoded(&next);
        assert_int_equal(decode(text, &p, NULL), ERR_OK);
        free(text);
    }
    assert_int_equal(p.recent[POINTER_RECENT - 1].sequence, 7);
    assert_true(pointer_mentions(&p, &p.recent[POINTER_RECENT - 1]));
    struct version_id stranger = {70, COMMIT_1};
    assert_false(pointer_mentions(&p, &stranger));
}

static void a_fence_changes_epoch_and_nonce_alone(void **state)
{
    (void)state;
    struct pointer p = golden();
    struct pointer next;
    pointer_fenced(&p, &next);
    assert_int_equal(next.gc_epoch, 4);
    assert_string_not_equal(next.nonce, p.nonce);
    memcpy(next.nonce, p.nonce, sizeof next.nonce);
    next.gc_epoch = p.gc_epoch;
    char *a = encoded(&p);
    char *b = encoded(&next);
    assert_string_equal(a, b);
    free(a);
    free(b);
}

/* The golden pointer with one part of its text replaced. */
static char *altered(const char *from, const char *to)
{
    char *text = sample_source_file("tests/golden/pointer-1.json");
    char *at = strstr(text, from);
    assert_non_null(at);
    *at = '\0';
    char *out = mem_printf("%s%s%s", text, to, at + strlen(from));
    free(text);
    return out;
}

static void assert_refused(const char *from, const char *to, int code, const char *message)
{
    struct pointer p;
    struct error err = ERROR_INIT;
    char *text = altered(from, to);
    assert_int_equal(decode(text, &p, &err), code);
    if (strstr(err.text, message) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", err.text, message);
    free(text);
}

static void every_field_is_checked(void **state)
{
    (void)state;
    assert_refused("\"exchange-rates\"", "\"../x\"", ERR_DAMAGED, "dataset_id");
    assert_refused("\"exchange-rates\"", "null", ERR_DAMAGED, "dataset_id");
    assert_refused("\"0000000002-" COMMIT_2 "\"", "\"0000000003-" COMMIT_2 "\"", ERR_DAMAGED,
                   "current_version");
    assert_refused("\"0000000002-" COMMIT_2 "\"", "null", ERR_DAMAGED, "current_version");
    assert_refused("\"sequence\": 2", "\"sequence\": -2", ERR_DAMAGED, "sequence");
    assert_refused("\"sequence\": 2", "\"sequence\": 2.0", ERR_DAMAGED, "sequence");
    assert_refused("\"sequence\": 2", "\"sequence\": 3", ERR_DAMAGED, "current_version");
    assert_refused("\"commit\": \"2", "\"commit\": \"G", ERR_DAMAGED, "commit");
    assert_refused("\"key\": \"manifests/0000000002", "\"key\": \"manifests/0000000001",
                   ERR_DAMAGED, "key");
    assert_refused("\"key\": \"manifests/", "\"key\": \"../manifests/", ERR_DAMAGED, "key");
    assert_refused("\"sha256\": \"0", "\"sha256\": \"", ERR_DAMAGED, "sha256");
    assert_refused("\"gc_epoch\": 3", "\"gc_epoch\": \"3\"", ERR_DAMAGED, "gc_epoch");
    assert_refused("\"oldest_sequence\": 1", "\"oldest_sequence\": 3", ERR_DAMAGED,
                   "oldest_sequence");
    assert_refused("\"fedcba9876543210\"", "\"fedcba987654321\"", ERR_DAMAGED, "key_seed");
    assert_refused("\"nonce\": \"3", "\"nonce\": \"", ERR_DAMAGED, "nonce");
    assert_refused("\"recent\": [", "\"recent\": [], \"old\": [", ERR_DAMAGED, "recent");
    assert_refused("      1,\n      \"" COMMIT_1, "      0,\n      \"" COMMIT_1, ERR_DAMAGED,
                   "contiguous");
    assert_refused("      2,\n      \"" COMMIT_2, "      2,\n      \"" COMMIT_1, ERR_DAMAGED,
                   "does not begin with the current version");
    assert_refused("      2,\n      \"" COMMIT_2 "\"", "      2", ERR_DAMAGED, "commit");
    assert_refused("\"recent\": [", "\"recent\": [3, 4, ", ERR_DAMAGED, "recent");
    assert_refused("{", "", ERR_DAMAGED, "JSON");
}

static void unknown_fields_of_a_later_writer_are_ignored(void **state)
{
    (void)state;
    struct pointer p;
    char *text = altered("\"gc_epoch\": 3", "\"gc_epoch\": 3, \"lease\": {\"of\": [1, 2]}");
    assert_int_equal(decode(text, &p, NULL), ERR_OK);
    assert_int_equal(p.gc_epoch, 3);
    free(text);
}

static void a_newer_format_is_refused_and_not_called_damaged(void **state)
{
    (void)state;
    assert_refused("\"format\": 1", "\"format\": 2", ERR_GATE, "newer cauce");
    assert_refused("\"format\": 1", "\"format\": 0", ERR_DAMAGED, "format");
    assert_refused("\"format\": 1", "\"form\": 1", ERR_DAMAGED, "format");
}

static void every_truncation_is_damage(void **state)
{
    (void)state;
    struct pointer p;
    char *text = sample_source_file("tests/golden/pointer-1.json");
    size_t length = strlen(text);
    for (size_t n = 0; n + 2 < length; n++)
        assert_int_equal(pointer_decode(text, n, &p, NULL), ERR_DAMAGED);
    free(text);
}

static void a_pointer_that_was_written_is_read_with_its_tag(void **state)
{
    (void)state;
    struct store *st = sample_store();
    struct pointer p = golden();
    struct pointer next;
    struct pointer back;
    struct store_tag written;
    struct store_tag seen;
    assert_int_equal(pointer_read(st, &back, &seen, NULL), ERR_ABSENT);
    pointer_fenced(&p, &next);
    assert_int_equal(pointer_swap(st, NULL, &p, &written, NULL), ERR_OK);
    assert_int_equal(pointer_swap(st, NULL, &next, NULL, NULL), ERR_CONFLICT);
    assert_int_equal(pointer_read(st, &back, &seen, NULL), ERR_OK);
    assert_string_equal(seen.text, written.text);
    assert_int_equal(pointer_swap(st, &seen, &next, &written, NULL), ERR_OK);
    assert_int_equal(pointer_swap(st, &seen, &p, NULL, NULL), ERR_CONFLICT);
    assert_int_equal(pointer_read(st, &back, &seen, NULL), ERR_OK);
    assert_string_equal(seen.text, written.text);
    assert_string_equal(back.nonce, next.nonce);
    store_free(st);
}

static void a_damaged_pointer_names_the_way_to_repair_it(void **state)
{
    (void)state;
    struct store *st = sample_store();
    struct pointer p;
    struct store_tag tag = {""};
    struct error err = ERROR_INIT;
    sample_put(st, LAYOUT_POINTER, "{\"format\": 1}");
    assert_int_equal(pointer_read(st, &p, &tag, &err), ERR_DAMAGED);
    assert_non_null(strstr(err.text, "cauce repair --to"));
    assert_string_not_equal(tag.text, "");
    store_free(st);
}

static void a_pointer_beyond_all_size_is_damage_and_not_read(void **state)
{
    (void)state;
    struct store *st = sample_store();
    struct pointer p;
    struct store_tag tag;
    struct error err = ERROR_INIT;
    char *big = mem_alloc(POINTER_MAX_BYTES + 2);
    memset(big, ' ', POINTER_MAX_BYTES + 1);
    big[POINTER_MAX_BYTES + 1] = '\0';
    sample_put(st, LAYOUT_POINTER, big);
    assert_int_equal(pointer_read(st, &p, &tag, &err), ERR_DAMAGED);
    assert_non_null(strstr(err.text, "larger than"));
    free(big);
    store_free(st);
}

static struct script_answer lose_swap(void *ctx, const struct script_call *call)
{
    (void)ctx;
    struct script_answer answer = {SCRIPT_PASS, 0};
    if (strcmp(call->operation, "swap") == 0)
        answer.action = SCRIPT_LOSE;
    return answer;
}

static void a_swap_is_sent_once_and_its_lost_answer_is_settled(void **state)
{
    (void)state;
    struct store *inner = sample_store();
    struct store *st = store_script_new(inner, lose_swap, NULL);
    struct pointer p = golden();
    struct pointer back;
    struct store_tag tag = {""};
    struct store_tag seen;
    assert_int_equal(pointer_swap(st, NULL, &p, &tag, NULL), ERR_OK);
    assert_int_equal(pointer_read(inner, &back, &seen, NULL), ERR_OK);
    assert_string_equal(tag.text, seen.text);
    assert_int_equal(inner->bill.swaps, 1);
    store_free(st);
    store_free(inner);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_stored_bytes_are_the_golden_ones),
        cmocka_unit_test(the_golden_pointer_is_read),
        cmocka_unit_test(a_new_dataset_has_no_version_and_a_seed_of_its_own),
        cmocka_unit_test(publishing_shifts_recent_and_renews_the_nonce),
        cmocka_unit_test(a_fence_changes_epoch_and_nonce_alone),
        cmocka_unit_test(every_field_is_checked),
        cmocka_unit_test(unknown_fields_of_a_later_writer_are_ignored),
        cmocka_unit_test(a_newer_format_is_refused_and_not_called_damaged),
        cmocka_unit_test(every_truncation_is_damage),
        cmocka_unit_test(a_pointer_that_was_written_is_read_with_its_tag),
        cmocka_unit_test(a_damaged_pointer_names_the_way_to_repair_it),
        cmocka_unit_test(a_pointer_beyond_all_size_is_damage_and_not_read),
        cmocka_unit_test(a_swap_is_sent_once_and_its_lost_answer_is_settled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
