/*
 * The S3 store against scripted answers (tests/data/s3): what each answer is taken for, how requests
 * look, what is repeated and what never is. The secret is a canary: it must show nowhere.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "store/s3/s3.h"
#include "store/store_probe.h"
#include "support/s3_case.h"
#include "support/temp_folder.h"
#include "util/fs.h"
#include "util/mem.h"
#include "util/stop.h"
#include "util/time.h"

/* ---- Reading ---- */

static void an_object_and_its_tag_come_from_one_answer(void **state)
{
    (void)state;
    struct s3_case f;
    struct store_tag tag;
    char *text;
    s3_case_begin(&f, "get-ok", true);
    assert_int_equal(s3_case_get(&f, &text, &tag), ERR_OK);
    assert_string_equal(text, "hello");
    assert_string_equal(tag.text, "5d41402abc4b2a76b9719d911017c592");
    assert_int_equal(http_mock_count(f.mock), 1);
    s3_case_has_header(&f, 0, "x-amz-security-token: " S3_CASE_TOKEN);
    s3_case_has_header(&f, 0, "x-amz-checksum-mode: ENABLED");
    assert_non_null(strstr(http_mock_request(f.mock, 0), "/eu-south-2/s3/aws4_request"));
    assert_int_equal(f.store->bill.gets, 1);
    assert_int_equal(f.store->bill.requests, 1);
    assert_int_equal(f.store->bill.bytes_read, 5);
    free(text);
    s3_case_end(&f);
}

static void tags_are_the_same_quoted_or_not(void **state)
{
    (void)state;
    struct s3_case f;
    struct store_tag tag;
    char *text;
    s3_case_begin(&f, "get-unquoted", true);
    assert_int_equal(s3_case_get(&f, &text, &tag), ERR_OK);
    assert_string_equal(tag.text, "5d41402abc4b2a76b9719d911017c592");
    free(text);
    s3_case_end(&f);
}

static void answers_to_a_read_mean_what_they_say(void **state)
{
    (void)state;
    static const struct {
        const char *scenario;
        int code;
        const char *text;
    } rows[] = {
        {"get-absent", ERR_ABSENT, "NoSuchKey"},
        {"get-no-bucket", ERR_CONFIG, "The bucket does not exist"},
        {"get-denied", ERR_DENIED, "Check the credentials"},
        {"get-redirect", ERR_CONFIG, "PermanentRedirect"},
        {"get-region", ERR_CONFIG, "eu-west-1"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct s3_case f;
        char *text;
        s3_case_begin(&f, rows[i].scenario, false);
        assert_int_equal(s3_case_get(&f, &text, NULL), rows[i].code);
        assert_string_equal(text, "");
        assert_non_null(strstr(f.err.text, rows[i].text));
        free(text);
        s3_case_end(&f);
    }
}

static void reads_are_repeated_with_growing_pauses(void **state)
{
    (void)state;
    struct s3_case f;
    struct store_tag tag;
    char *text;
    s3_case_slept = 0;
    s3_case_begin(&f, "get-busy-then-ok", false);
    assert_int_equal(s3_case_get(&f, &text, &tag), ERR_OK);
    assert_string_equal(text, "hello");
    assert_int_equal(f.store->bill.retries, 5);
    assert_int_equal(f.store->bill.requests, 6);
    assert_true(s3_case_slept > 0 && s3_case_slept <= 100000 * (1 + 2 + 4 + 8 + 16));
    free(text);
    s3_case_end(&f);
}

static void the_clock_of_the_server_is_learned(void **state)
{
    (void)state;
    struct s3_case f;
    char *text;
    s3_case_begin(&f, "get-skew-then-ok", false);
    assert_int_equal(s3_case_get(&f, &text, NULL), ERR_OK);
    assert_null(strstr(http_mock_request(f.mock, 0), "x-amz-date: 20300101T0000"));
    assert_non_null(strstr(http_mock_request(f.mock, 1), "x-amz-date: 20300101T0000"));
    free(text);
    s3_case_end(&f);
}

static void rotten_content_is_never_handed_out(void **state)
{
    (void)state;
    struct s3_case f;
    char *text;
    s3_case_begin(&f, "get-rotten", false);
    assert_int_equal(s3_case_get(&f, &text, NULL), ERR_DAMAGED);
    assert_string_equal(text, "");
    free(text);
    s3_case_end(&f);
}

static int count_entry(void *ctx, const struct store_entry *entry, struct error *err)
{
    (void)ctx;
    (void)entry;
    (void)err;
    return ERR_OK;
}

static void content_without_a_tag_is_not_handed_out(void **state)
{
    (void)state;
    struct s3_case f;
    char *text;
    struct store_tag tag;
    s3_case_begin(&f, "get-no-tag", false);
    assert_int_equal(s3_case_get(&f, &text, &tag), ERR_AGAIN);
    free(text);
    s3_case_end(&f);
}

/* A proxy's page in HTML says nothing of the dataset: a failure of the storage, asked for again. */
static void a_page_in_html_is_no_damage(void **state)
{
    (void)state;
    struct s3_case f;
    char *text;
    s3_case_begin(&f, "get-page", false);
    assert_int_equal(s3_case_get(&f, &text, NULL), ERR_AGAIN);
    assert_non_null(strstr(f.err.text, "page in HTML"));
    free(text);
    s3_case_end(&f);
    s3_case_begin(&f, "list-page", false);
    assert_int_equal(store_list(f.store, "", count_entry, NULL, &f.err), ERR_AGAIN);
    assert_non_null(strstr(f.err.text, "not the XML document"));
    s3_case_end(&f);
}

static void a_missing_object_without_the_right_to_list_is_hinted_at(void **state)
{
    (void)state;
    struct s3_case f;
    char *text;
    s3_case_begin(&f, "get-denied", false);
    assert_int_equal(s3_case_get(&f, &text, NULL), ERR_DENIED);
    assert_non_null(strstr(f.err.text, "s3:ListBucket"));
    free(text);
    s3_case_end(&f);
}

static void more_than_the_limit_is_refused(void **state)
{
    (void)state;
    struct s3_case f;
    struct str body;
    str_init(&body, 4);
    s3_case_begin(&f, "get-unquoted", false);
    assert_int_equal(store_get(f.store, "key", &body, NULL, &f.err), ERR_LIMIT);
    assert_int_equal(body.len, 0);
    str_release(&body);
    s3_case_end(&f);
}

/* ---- Writing ---- */

static void creation_is_conditional_and_signed(void **state)
{
    (void)state;
    struct s3_case f;
    struct store_tag tag;
    s3_case_prepare(&f, "put-ok");
    s3_test_set(&f.settings, "CAUCE_S3_ENCRYPTION", "sse-kms");
    s3_test_set(&f.settings, "CAUCE_S3_KMS_KEY_ID", "key-1");
    s3_test_set(&f.settings, "CAUCE_S3_EXPECTED_BUCKET_OWNER", "111122223333");
    s3_case_open(&f, false);
    struct store_body body = store_body_bytes("hello", 5);
    store_label_set(body.labels, "sequence", "17");
    assert_int_equal(store_put_new(f.store, "key", &body, &tag, &f.err), ERR_OK);
    assert_string_equal(tag.text, "5d41402abc4b2a76b9719d911017c592");
    s3_case_has_header(&f, 0, "if-none-match: *");
    s3_case_has_header(&f, 0, "x-amz-meta-sequence: 17");
    s3_case_has_header(&f, 0, "x-amz-server-side-encryption: aws:kms");
    s3_case_has_header(&f, 0, "x-amz-server-side-encryption-aws-kms-key-id: key-1");
    s3_case_has_header(&f, 0, "x-amz-expected-bucket-owner: 111122223333");
    s3_case_has_header(&f, 0,
                       "x-amz-checksum-sha256: LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=");
    s3_case_has_header(&f, 0,
                       "x-amz-content-sha256: "
                       "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824");
    const char *signed_headers = strstr(http_mock_request(f.mock, 0), "SignedHeaders=");
    assert_non_null(signed_headers);
    assert_non_null(strstr(signed_headers, ";if-none-match;x-amz-checksum-sha256;"
                                           "x-amz-content-sha256;"));
    assert_null(strstr(http_mock_request(f.mock, 0), "Expect:"));
    s3_case_end(&f);
}

static void the_dialect_of_if_match_is_spoken(void **state)
{
    (void)state;
    for (int unquoted = 0; unquoted < 2; unquoted++) {
        struct s3_case f;
        s3_case_prepare(&f, "put-ok");
        f.dialect.unquoted = unquoted == 1;
        s3_case_open(&f, false);
        assert_int_equal(s3_case_swap(&f, NULL), ERR_OK);
        s3_case_has_header(&f, 0, unquoted == 1 ? "if-match: 0123" : "if-match: \"0123\"");
        s3_case_end(&f);
    }
}

static void a_swap_is_sent_once_whatever_the_answer(void **state)
{
    (void)state;
    static const struct {
        const char *scenario;
        int code;
    } rows[] = {
        {"put-ok", ERR_OK},           {"swap-412", ERR_CONFLICT},  {"swap-404", ERR_CONFLICT},
        {"put-409", ERR_AGAIN},       {"put-500", ERR_UNKNOWN},    {"put-503", ERR_UNKNOWN},
        {"put-drop", ERR_UNKNOWN},    {"put-no-tag", ERR_UNKNOWN}, {"put-501", ERR_GATE},
        {"put-slow-body", ERR_AGAIN},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct s3_case f;
        struct store_tag tag;
        s3_case_begin(&f, rows[i].scenario, false);
        int code = s3_case_swap(&f, &tag);
        if (code != rows[i].code)
            fail_msg("%s: %s, expected %s (%s)", rows[i].scenario, error_name(code),
                     error_name(rows[i].code), f.err.text);
        /* A refusal is followed by a look at what is there, to see whether it had a cause. */
        assert_int_equal(http_mock_count(f.mock), code == ERR_CONFLICT ? 2 : 1);
        if (code == ERR_UNKNOWN)
            assert_int_equal(f.err.code, ERR_UNKNOWN);
        s3_case_end(&f);
    }
}

static void a_swap_on_a_kept_connection_that_died_is_not_repeated(void **state)
{
    (void)state;
    struct s3_case f;
    char *text;
    s3_case_begin(&f, "swap-on-dead-connection", true);
    assert_int_equal(s3_case_get(&f, &text, NULL), ERR_OK);
    assert_int_equal(s3_case_swap(&f, NULL), ERR_UNKNOWN);
    assert_int_equal(http_mock_count(f.mock), 2);
    free(text);
    s3_case_end(&f);
}

static void nobody_listening_means_that_nothing_was_sent(void **state)
{
    (void)state;
    struct s3_case f;
    s3_case_prepare(&f, "put-ok");
    s3_test_set(&f.settings, "AWS_ENDPOINT_URL", "http://127.0.0.1:1");
    char *cache = fs_join(f.folder, "cauce");
    store_probe_save(&(struct store_proof){cache, "http://127.0.0.1:1/bucket bucket bucket", NULL},
                     time_now(), &f.dialect);
    free(cache);
    s3_case_open(&f, true);
    assert_int_equal(s3_case_swap(&f, NULL), ERR_AGAIN);
    assert_int_equal(s3_case_put(&f, NULL), ERR_AGAIN);
    store_free(f.store);
    http_mock_free(f.mock);
    s3_test_settings_release(&f.settings);
    temp_folder_free(f.folder);
}

static void a_creation_whose_answer_was_lost_finds_its_own_object(void **state)
{
    (void)state;
    struct s3_case f;
    struct store_tag tag;
    s3_case_begin(&f, "put-lost-then-own", false);
    assert_int_equal(s3_case_put(&f, &tag), ERR_OK);
    assert_string_equal(tag.text, "a");
    s3_case_end(&f);
}

static void a_creation_whose_answer_was_lost_knows_a_foreign_object(void **state)
{
    (void)state;
    struct s3_case f;
    s3_case_begin(&f, "put-failed-then-foreign", false);
    assert_int_equal(s3_case_put(&f, NULL), ERR_CONFLICT);
    s3_case_end(&f);
}

static void a_lost_answer_stays_unknown_whatever_comes_after(void **state)
{
    (void)state;
    struct s3_case f;
    s3_case_begin(&f, "put-lost-then-denied", false);
    assert_int_equal(s3_case_put(&f, NULL), ERR_UNKNOWN);
    assert_int_equal(f.err.code, ERR_UNKNOWN);
    s3_case_end(&f);
}

static void a_creation_that_did_not_land_is_repeated(void **state)
{
    (void)state;
    struct s3_case f;
    s3_case_begin(&f, "put-conflict-then-ok", false);
    assert_int_equal(s3_case_put(&f, NULL), ERR_OK);
    s3_case_end(&f);
}

static void a_conflict_at_once_is_a_conflict(void **state)
{
    (void)state;
    struct s3_case f;
    s3_case_begin(&f, "put-412", false);
    assert_int_equal(s3_case_put(&f, NULL), ERR_CONFLICT);
    s3_case_end(&f);
}

static void content_that_changed_is_never_sent_whole(void **state)
{
    (void)state;
    struct s3_case f;
    struct store_body body;
    s3_case_begin(&f, "nothing", false);
    char *path = fs_join(f.folder, "file");
    assert_int_equal(fs_write(path, "hello", 5, NULL), ERR_OK);
    assert_int_equal(store_body_file(path, &body, NULL), ERR_OK);
    assert_int_equal(fs_write(path, "hellO", 5, NULL), ERR_OK);
    assert_int_equal(store_put_new(f.store, "key", &body, NULL, &f.err), ERR_DAMAGED);
    assert_int_equal(fs_write(path, "hell", 4, NULL), ERR_OK);
    assert_int_equal(store_put_new(f.store, "key", &body, NULL, &f.err), ERR_DAMAGED);
    free(path);
    s3_case_end(&f);
}

/* ---- Multipart ---- */

#define BIG (6 << 20)

static void big(struct s3_case *f, const char *scenario, int expected)
{
    s3_case_prepare(f, scenario);
    f->dialect.multipart = true;
    s3_test_set(&f->settings, "CAUCE_S3_PART_SIZE", "5242880");
    s3_test_set(&f->settings, "CAUCE_S3_MULTIPART_THRESHOLD", "5242880");
    s3_case_open(f, true);
    char *bytes = mem_calloc(BIG, 1);
    struct store_body body = store_body_bytes(bytes, BIG);
    struct store_tag tag = {""};
    assert_int_equal(store_put_new(f->store, "key", &body, &tag, &f->err), expected);
    if (expected == ERR_OK)
        assert_string_equal(tag.text, "whole-2");
    free(bytes);
}

static void big_objects_go_up_in_parts_under_the_condition(void **state)
{
    (void)state;
    struct s3_case f;
    big(&f, "multipart-ok", ERR_OK);
    const char *last = http_mock_request(f.mock, http_mock_count(f.mock) - 1);
    assert_non_null(strstr(last, "\r\nif-none-match: *\r\n"));
    assert_non_null(strstr(last, "<Part><PartNumber>1</PartNumber><ETag>&quot;p1&quot;</ETag>"));
    assert_null(strstr(http_mock_request(f.mock, 0), "if-none-match"));
    assert_int_equal(f.store->bill.retries, 1);
    s3_case_end(&f);
}

static void an_error_after_200_leaves_the_upload_alone(void **state)
{
    (void)state;
    struct s3_case f;
    big(&f, "multipart-late-error", ERR_UNKNOWN);
    s3_case_end(&f);
}

static void an_upload_that_lost_is_ended(void **state)
{
    (void)state;
    struct s3_case f;
    big(&f, "multipart-exists", ERR_CONFLICT);
    s3_case_end(&f);
}

/* ---- Listing and deleting ---- */

static int note_key(void *ctx, const struct store_entry *entry, struct error *err)
{
    (void)err;
    str_printf(ctx, "%s %llu\n", entry->key, (unsigned long long)entry->size);
    return ERR_OK;
}

static void a_listing_that_breaks_off_goes_on_where_it_was(void **state)
{
    (void)state;
    struct s3_case f;
    struct str seen;
    str_init(&seen, 1000);
    s3_case_begin(&f, "list-two-pages", false);
    assert_int_equal(store_list(f.store, "d/", note_key, &seen, &f.err), ERR_OK);
    assert_string_equal(seen.data, "d/a b 7\nd/z 9\n");
    str_release(&seen);
    s3_case_end(&f);
}

static void a_listing_out_of_order_is_refused(void **state)
{
    (void)state;
    struct s3_case f;
    struct str seen;
    str_init(&seen, 1000);
    s3_case_begin(&f, "list-disorder", false);
    assert_int_equal(store_list(f.store, "", note_key, &seen, &f.err), ERR_GATE);
    str_release(&seen);
    s3_case_end(&f);
}

/* A server, or something in front of it, whose pages always promise more. */
static void a_listing_that_does_not_move_on_ends_with_an_error(void **state)
{
    (void)state;
    static const struct {
        const char *scenario;
        int expected;
    } cases[] = {
        {"list-repeats", ERR_DENIED},
        {"list-uploads-repeat", ERR_DENIED},
        {"list-no-token", ERR_AGAIN}, /* garbled, so it was asked again */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct s3_case f;
        struct str seen;
        str_init(&seen, 1000);
        s3_case_begin(&f, cases[i].scenario, false);
        assert_int_equal(store_list(f.store, "", note_key, &seen, &f.err), cases[i].expected);
        str_release(&seen);
        s3_case_end(&f);
    }
}

static void a_signal_ends_a_listing_between_two_pages(void **state)
{
    (void)state;
    struct s3_case f;
    struct str seen;
    str_init(&seen, 1000);
    s3_case_begin(&f, "list-stopped", false);
    stop_request();
    assert_int_equal(store_list(f.store, "", note_key, &seen, &f.err), ERR_INTERRUPTED);
    stop_clear();
    str_release(&seen);
    s3_case_end(&f);
}

static void failures_within_a_batch_are_repeated(void **state)
{
    (void)state;
    static const char *const keys[] = {"a", "b", "c"};
    struct s3_case f;
    size_t removed = 0;
    s3_case_begin(&f, "delete-many-partly", false);
    assert_int_equal(store_remove_many(f.store, keys, 3, &removed, &f.err), ERR_OK);
    assert_int_equal(removed, 3);
    assert_non_null(strstr(http_mock_request(f.mock, 0), "<Object><Key>p/a</Key></Object>"));
    assert_non_null(strstr(http_mock_request(f.mock, 0), "\r\nx-amz-checksum-sha256: "));
    s3_case_end(&f);
}

static void a_refused_batch_is_done_one_by_one(void **state)
{
    (void)state;
    static const char *const keys[] = {"a", "b"};
    struct s3_case f;
    size_t removed = 0;
    s3_case_begin(&f, "delete-many-refused", false);
    assert_int_equal(store_remove_many(f.store, keys, 2, &removed, &f.err), ERR_OK);
    assert_int_equal(removed, 2);
    s3_case_end(&f);
}

/* ---- Opening and describing ---- */

static void what_is_used_is_described_without_secrets(void **state)
{
    (void)state;
    struct s3_case f;
    struct str text;
    str_init(&text, 4096);
    s3_case_begin(&f, "nothing", false);
    assert_int_equal(store_describe(f.store, &text, &f.err), ERR_OK);
    assert_non_null(strstr(text.data, "eu-south-2"));
    assert_non_null(strstr(text.data, "the environment"));
    s3_case_no_canary(text.data);
    str_release(&text);
    s3_case_end(&f);
}

static void plain_http_goes_to_loopback_only(void **state)
{
    (void)state;
    struct s3_case f;
    char *text;
    s3_case_prepare(&f, "nothing");
    s3_test_set(&f.settings, "AWS_ENDPOINT_URL", "http://storage.example:9000");
    s3_case_open(&f, true);
    assert_int_equal(s3_case_get(&f, &text, NULL), ERR_CONFIG);
    assert_non_null(strstr(f.err.text, "CAUCE_S3_ALLOW_HTTP"));
    free(text);
    s3_case_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_object_and_its_tag_come_from_one_answer),
        cmocka_unit_test(tags_are_the_same_quoted_or_not),
        cmocka_unit_test(answers_to_a_read_mean_what_they_say),
        cmocka_unit_test(reads_are_repeated_with_growing_pauses),
        cmocka_unit_test(the_clock_of_the_server_is_learned),
        cmocka_unit_test(rotten_content_is_never_handed_out),
        cmocka_unit_test(content_without_a_tag_is_not_handed_out),
        cmocka_unit_test(a_page_in_html_is_no_damage),
        cmocka_unit_test(a_missing_object_without_the_right_to_list_is_hinted_at),
        cmocka_unit_test(more_than_the_limit_is_refused),
        cmocka_unit_test(creation_is_conditional_and_signed),
        cmocka_unit_test(the_dialect_of_if_match_is_spoken),
        cmocka_unit_test(a_swap_is_sent_once_whatever_the_answer),
        cmocka_unit_test(a_swap_on_a_kept_connection_that_died_is_not_repeated),
        cmocka_unit_test(nobody_listening_means_that_nothing_was_sent),
        cmocka_unit_test(a_creation_whose_answer_was_lost_finds_its_own_object),
        cmocka_unit_test(a_creation_whose_answer_was_lost_knows_a_foreign_object),
        cmocka_unit_test(a_lost_answer_stays_unknown_whatever_comes_after),
        cmocka_unit_test(a_creation_that_did_not_land_is_repeated),
        cmocka_unit_test(a_conflict_at_once_is_a_conflict),
        cmocka_unit_test(content_that_changed_is_never_sent_whole),
        cmocka_unit_test(big_objects_go_up_in_parts_under_the_condition),
        cmocka_unit_test(an_error_after_200_leaves_the_upload_alone),
        cmocka_unit_test(an_upload_that_lost_is_ended),
        cmocka_unit_test(a_listing_that_breaks_off_goes_on_where_it_was),
        cmocka_unit_test(a_listing_out_of_order_is_refused),
        cmocka_unit_test(a_listing_that_does_not_move_on_ends_with_an_error),
        cmocka_unit_test(a_signal_ends_a_listing_between_two_pages),
        cmocka_unit_test(failures_within_a_batch_are_repeated),
        cmocka_unit_test(a_refused_batch_is_done_one_by_one),
        cmocka_unit_test(what_is_used_is_described_without_secrets),
        cmocka_unit_test(plain_http_goes_to_loopback_only),
    };
    if (getenv("CAUCE_SOURCE_DIR") == NULL)
        setenv("CAUCE_SOURCE_DIR", CAUCE_TEST_SOURCE_DIR, 1);
    return cmocka_run_group_tests(tests, s3_case_setup, NULL);
}
