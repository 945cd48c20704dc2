/*
 * Where a commit could be lost: answers of the S3 store's server that do not say, or say falsely,
 * what became of a request. What may have landed is unknown; what is called done was told so by the
 * server that was asked.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/s3_case.h"
#include "util/fs.h"
#include "util/mem.h"

struct expectation {
    const char *scenario;
    int code;
};

static void is_code(const struct s3_case *f, const struct expectation *e, int code)
{
    if (code != e->code)
        fail_msg("%s: %s, expected %s (%s)", e->scenario, error_name(code), error_name(e->code),
                 f->err.text);
    if (code != ERR_OK)
        assert_int_equal(f->err.code, code);
}

/* ---- One PUT ------------------------------------------------------------------------------- */

static const struct expectation answers[] = {
    {"put-late-error", ERR_UNKNOWN},  {"put-late-412", ERR_CONFLICT},
    {"put-page", ERR_UNKNOWN},        {"put-no-tag", ERR_UNKNOWN},
    {"put-499", ERR_UNKNOWN},         {"put-504", ERR_UNKNOWN},
    {"put-cut", ERR_UNKNOWN},         {"put-redirect", ERR_CONFIG},
    {"put-other-bytes", ERR_UNKNOWN},
};
#define ANSWERS (sizeof answers / sizeof answers[0])

static void a_swap_is_done_only_where_the_server_says_of_what(void **state)
{
    (void)state;
    for (size_t i = 0; i < ANSWERS; i++) {
        struct s3_case f;
        struct store_tag tag;
        /* A refusal is followed by a look at what is there. */
        bool refused = answers[i].code == ERR_CONFLICT;
        s3_case_begin(&f, refused ? "swap-late-412" : answers[i].scenario, false);
        is_code(&f, &answers[i], s3_case_swap(&f, &tag));
        assert_int_equal(http_mock_count(f.mock), refused ? 2 : 1);
        s3_case_end(&f);
    }
}

/* Who creates an object and does not want its tag must not be told less of the truth. */
static void so_is_a_creation_whose_tag_nobody_asks_for(void **state)
{
    (void)state;
    for (size_t i = 0; i < ANSWERS; i++) {
        struct s3_case f;
        s3_case_begin(&f, answers[i].scenario, true);
        is_code(&f, &answers[i], s3_case_put(&f, NULL));
        s3_case_end(&f);
    }
}

static void
a_swap_without_an_answer_in_time_is_unknown_and_its_connection_not_used_again(void **state)
{
    (void)state;
    struct s3_case f;
    char *text;
    s3_case_prepare(&f, "put-hang-then-get");
    s3_test_set(&f.settings, "CAUCE_S3_REQUEST_SECONDS", "1");
    s3_case_open(&f, false);
    assert_int_equal(s3_case_swap(&f, NULL), ERR_UNKNOWN);
    assert_int_equal(http_mock_count(f.mock), 1);
    assert_int_equal(s3_case_get(&f, &text, NULL), ERR_OK);
    assert_string_equal(text, "hello");
    free(text);
    s3_case_end(&f);
}

static void
a_swap_refused_for_its_clock_changed_nothing_and_the_next_has_the_right_time(void **state)
{
    (void)state;
    struct s3_case f;
    s3_case_begin(&f, "put-skew-then-ok", false);
    assert_int_equal(s3_case_swap(&f, NULL), ERR_AGAIN);
    assert_int_equal(http_mock_count(f.mock), 1);
    assert_int_equal(s3_case_swap(&f, NULL), ERR_OK);
    assert_non_null(strstr(http_mock_request(f.mock, 1), "x-amz-date: 20300101T0000"));
    s3_case_end(&f);
}

static void credentials_that_run_out_before_the_swap_are_fetched_anew_for_the_next(void **state)
{
    (void)state;
    struct s3_case f;
    s3_case_prepare(&f, "put-expired-then-ok");
    char *url = mem_printf("%s/creds", http_mock_url(f.mock));
    s3_test_set(&f.settings, "AWS_ACCESS_KEY_ID", "");
    s3_test_set(&f.settings, "AWS_SECRET_ACCESS_KEY", "");
    s3_test_set(&f.settings, "AWS_CONTAINER_CREDENTIALS_FULL_URI", url);
    s3_case_open(&f, false);
    assert_int_equal(s3_case_swap(&f, NULL), ERR_AGAIN);
    assert_int_equal(s3_case_swap(&f, NULL), ERR_OK);
    assert_int_equal(http_mock_count(f.mock), 4);
    s3_case_has_header(&f, 1, "x-amz-security-token: first-session");
    s3_case_has_header(&f, 3, "x-amz-security-token: second-session");
    assert_non_null(strstr(http_mock_request(f.mock, 3), "Credential=ASIASECOND/"));
    free(url);
    /* The canary is in the answers to this one, but nowhere else. */
    s3_case_end(&f);
}

/* ---- Copies on the server ------------------------------------------------------------------ */

static int move(struct s3_case *f)
{
    static const struct store_tag expected = {"old"};
    static const struct store_tag guard = {"g"};
    struct store_move m = {
        .from = "from", .to = "to", .expected = &expected, .guard = "guard", .guard_tag = &guard};
    store_label_set(m.labels, "sequence", "17");
    return store_move(f->store, &m, &f->err);
}

static void copies_of(struct s3_case *f, const char *scenario)
{
    s3_case_prepare(f, scenario);
    f->dialect.copies = true;
    s3_test_set(&f->settings, "CAUCE_S3_ENCRYPTION", "sse-s3");
    s3_test_set(&f->settings, "CAUCE_S3_EXPECTED_BUCKET_OWNER", "111122223333");
    s3_case_open(f, true);
}

static void a_copy_is_conditional_on_both_sides_and_signed(void **state)
{
    (void)state;
    struct s3_case f;
    copies_of(&f, "copy-ok");
    assert_int_equal(move(&f), ERR_OK);
    for (size_t i = 0; i < 3; i++)
        s3_case_has_header(&f, i, "x-amz-expected-bucket-owner: 111122223333");
    s3_case_has_header(&f, 2, "x-amz-copy-source: /bucket/p/from");
    s3_case_has_header(&f, 2, "x-amz-copy-source-if-match: \"f\"");
    s3_case_has_header(&f, 2, "if-match: \"old\"");
    s3_case_has_header(&f, 2, "x-amz-metadata-directive: REPLACE");
    s3_case_has_header(&f, 2, "x-amz-meta-sequence: 17");
    s3_case_has_header(&f, 2, "x-amz-server-side-encryption: AES256");
    s3_case_has_header(&f, 2,
                       "x-amz-meta-cauce-sha256: "
                       "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824");
    assert_non_null(strstr(http_mock_request(f.mock, 2),
                           "SignedHeaders=host;if-match;x-amz-content-sha256;x-amz-copy-source;"
                           "x-amz-copy-source-if-match;x-amz-date;x-amz-expected-bucket-owner;"
                           "x-amz-meta-cauce-sha256;x-amz-meta-sequence;x-amz-metadata-directive;"
                           "x-amz-security-token;x-amz-server-side-encryption,"));
    /* What only reads has nothing to encrypt. */
    assert_null(strstr(http_mock_request(f.mock, 0), "x-amz-server-side-encryption"));
    s3_case_end(&f);
}

static void a_copy_is_done_only_where_the_body_says_so(void **state)
{
    (void)state;
    static const struct expectation rows[] = {
        {"copy-no-result", ERR_UNKNOWN}, {"copy-late-error", ERR_UNKNOWN},
        {"copy-late-412", ERR_CONFLICT}, {"copy-409", ERR_AGAIN},
        {"copy-gone", ERR_UNKNOWN},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct s3_case f;
        copies_of(&f, rows[i].scenario);
        is_code(&f, &rows[i], move(&f));
        assert_int_equal(http_mock_count(f.mock), 3);
        s3_case_end(&f);
    }
}

/* ---- Completions --------------------------------------------------------------------------- */

#define BIG (6 << 20)

static int put_big(struct s3_case *f, const char *scenario)
{
    s3_case_prepare(f, scenario);
    f->dialect.multipart = true;
    s3_test_set(&f->settings, "CAUCE_S3_PART_SIZE", "5242880");
    s3_test_set(&f->settings, "CAUCE_S3_MULTIPART_THRESHOLD", "5242880");
    s3_test_set(&f->settings, "CAUCE_S3_ENCRYPTION", "sse-kms");
    s3_test_set(&f->settings, "CAUCE_S3_KMS_KEY_ID", "key-1");
    s3_test_set(&f->settings, "CAUCE_S3_EXPECTED_BUCKET_OWNER", "111122223333");
    s3_case_open(f, true);
    char *bytes = mem_calloc(BIG, 1);
    struct store_body body = store_body_bytes(bytes, BIG);
    int rc = store_put_new(f->store, "key", &body, NULL, &f->err);
    free(bytes);
    return rc;
}

/* What may be an object by now is not ended; what surely is none does not stay behind. */
static void an_upload_is_done_only_where_the_body_says_so(void **state)
{
    (void)state;
    static const struct expectation rows[] = {
        {"multipart-empty-end", ERR_UNKNOWN},   {"multipart-no-upload", ERR_UNKNOWN},
        {"multipart-500", ERR_UNKNOWN},         {"multipart-409", ERR_AGAIN},
        {"multipart-late-412", ERR_CONFLICT},   {"multipart-late-error", ERR_UNKNOWN},
        {"multipart-part-no-tag", ERR_DAMAGED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct s3_case f;
        is_code(&f, &rows[i], put_big(&f, rows[i].scenario));
        s3_case_end(&f);
    }
}

static void encryption_is_asked_for_where_an_upload_begins_and_the_owner_everywhere(void **state)
{
    (void)state;
    struct s3_case f;
    assert_int_equal(put_big(&f, "multipart-ok"), ERR_OK);
    size_t count = http_mock_count(f.mock);
    assert_int_equal(count, 5);
    s3_case_has_header(&f, 0, "x-amz-server-side-encryption: aws:kms");
    s3_case_has_header(&f, 0, "x-amz-server-side-encryption-aws-kms-key-id: key-1");
    for (size_t i = 0; i < count; i++) {
        const char *names = strstr(http_mock_request(f.mock, i), "SignedHeaders=");
        s3_case_has_header(&f, i, "x-amz-expected-bucket-owner: 111122223333");
        assert_non_null(strstr(names, ";x-amz-expected-bucket-owner"));
        /* A server refuses the words where they do not belong. */
        if (i > 0)
            assert_null(strstr(http_mock_request(f.mock, i), "x-amz-server-side-encryption"));
        else
            assert_non_null(strstr(names, ";x-amz-server-side-encryption;"
                                          "x-amz-server-side-encryption-aws-kms-key-id,"));
    }
    s3_case_end(&f);
}

/* ---- Reading ------------------------------------------------------------------------------- */

static void a_refused_head_asks_for_the_reason(void **state)
{
    (void)state;
    struct s3_case f;
    struct store_info info;
    s3_case_begin(&f, "head-skew-then-ok", false);
    assert_int_equal(store_head(f.store, "key", &info, &f.err), ERR_OK);
    assert_int_equal(info.size, 5);
    assert_non_null(strstr(http_mock_request(f.mock, 2), "x-amz-date: 20300101T0000"));
    s3_case_end(&f);
    s3_case_begin(&f, "head-denied", false);
    assert_int_equal(store_head(f.store, "key", &info, &f.err), ERR_DENIED);
    assert_non_null(strstr(f.err.text, "AccessDenied"));
    s3_case_end(&f);
}

static void no_proxy_may_answer_from_what_it_kept(void **state)
{
    (void)state;
    struct s3_case f;
    char *text;
    s3_case_begin(&f, "get-ok", false);
    assert_int_equal(s3_case_get(&f, &text, NULL), ERR_OK);
    s3_case_has_header(&f, 0, "Cache-Control: no-cache");
    assert_null(strstr(http_mock_request(f.mock, 0), ";cache-control"));
    assert_null(strstr(http_mock_request(f.mock, 0), "=cache-control"));
    free(text);
    s3_case_end(&f);
}

static void a_part_is_not_taken_for_the_whole(void **state)
{
    (void)state;
    struct s3_case f;
    char *text;
    s3_case_begin(&f, "get-part", false);
    assert_int_equal(s3_case_get(&f, &text, NULL), ERR_DAMAGED);
    assert_string_equal(text, "");
    free(text);
    s3_case_end(&f);
}

static void a_file_that_came_short_is_not_handed_out(void **state)
{
    (void)state;
    struct s3_case f;
    struct fs_stat stat;
    s3_case_begin(&f, "range-short", false);
    char *path = fs_join(f.folder, "file");
    assert_int_equal(store_get_file(f.store, "key", path, NULL, &f.err), ERR_DAMAGED);
    assert_int_equal(fs_stat(path, &stat, NULL), ERR_ABSENT);
    free(path);
    s3_case_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_swap_is_done_only_where_the_server_says_of_what),
        cmocka_unit_test(so_is_a_creation_whose_tag_nobody_asks_for),
        cmocka_unit_test(
            a_swap_without_an_answer_in_time_is_unknown_and_its_connection_not_used_again),
        cmocka_unit_test(
            a_swap_refused_for_its_clock_changed_nothing_and_the_next_has_the_right_time),
        cmocka_unit_test(credentials_that_run_out_before_the_swap_are_fetched_anew_for_the_next),
        cmocka_unit_test(a_copy_is_conditional_on_both_sides_and_signed),
        cmocka_unit_test(a_copy_is_done_only_where_the_body_says_so),
        cmocka_unit_test(an_upload_is_done_only_where_the_body_says_so),
        cmocka_unit_test(encryption_is_asked_for_where_an_upload_begins_and_the_owner_everywhere),
        cmocka_unit_test(a_refused_head_asks_for_the_reason),
        cmocka_unit_test(no_proxy_may_answer_from_what_it_kept),
        cmocka_unit_test(a_part_is_not_taken_for_the_whole),
        cmocka_unit_test(a_file_that_came_short_is_not_handed_out),
    };
    if (getenv("CAUCE_SOURCE_DIR") == NULL)
        setenv("CAUCE_SOURCE_DIR", CAUCE_TEST_SOURCE_DIR, 1);
    return cmocka_run_group_tests(tests, s3_case_setup, NULL);
}
