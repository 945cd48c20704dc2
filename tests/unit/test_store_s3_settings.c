/* URL and settings of an S3 store, and which hosts may be talked to without TLS. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "net/transfer.h"
#include "net/url.h"
#include "store/s3/settings.h"
#include "support/s3_server.h"

/* Load with NAME, VALUE, ... up to a NULL. */
static int load(const char *url, struct s3_settings *out, struct error *err, ...)
{
    struct s3_test_settings settings = {0};
    const struct aws_lookup lookup = {.get = s3_test_get, .ctx = &settings};
    const struct store_s3_options options = {0};
    va_list args;
    va_start(args, err);
    for (const char *name = va_arg(args, const char *); name != NULL;
         name = va_arg(args, const char *))
        s3_test_set(&settings, name, va_arg(args, const char *));
    va_end(args);
    int rc = s3_settings_load(url, &options, &lookup, out, err);
    s3_test_settings_release(&settings);
    return rc;
}

#define NOTHING (const char *)NULL

static void aws_is_addressed_by_host_and_others_by_path(void **state)
{
    (void)state;
    static const struct {
        const char *endpoint, *style, *bucket, *authority, *path;
    } rows[] = {
        {"", "", "bucket", "bucket.s3.eu-west-1.amazonaws.com", ""},
        {"", "path", "bucket", "s3.eu-west-1.amazonaws.com", "/bucket"},
        {"", "", "my.bucket", "s3.eu-west-1.amazonaws.com", "/my.bucket"},
        {"http://127.0.0.1:7480/", "", "bucket", "127.0.0.1:7480", "/bucket"},
        {"https://gw.example:443/base/", "", "bucket", "gw.example", "/base/bucket"},
        {"http://gw.example:80", "virtual", "bucket", "bucket.gw.example", ""},
        {"https://[::1]:9000", "auto", "bucket", "[::1]:9000", "/bucket"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct s3_settings s;
        struct error err = ERROR_INIT;
        char url[64];
        snprintf(url, sizeof url, "s3://%s//a/b/", rows[i].bucket);
        assert_int_equal(load(url, &s, &err, "AWS_REGION", "eu-west-1", "AWS_ENDPOINT_URL",
                              rows[i].endpoint, "CAUCE_S3_ADDRESSING", rows[i].style, NOTHING),
                         ERR_OK);
        assert_string_equal(s.authority, rows[i].authority);
        assert_string_equal(s.base_path, rows[i].path);
        assert_string_equal(s.prefix, "a/b");
        s3_settings_release(&s);
    }
}

static void the_more_specific_endpoint_wins(void **state)
{
    (void)state;
    struct s3_settings s;
    assert_int_equal(load("s3://bucket", &s, NULL, "AWS_ENDPOINT_URL", "https://all.example",
                          "AWS_ENDPOINT_URL_S3", "https://s3.example", NOTHING),
                     ERR_OK);
    assert_string_equal(s.authority, "s3.example");
    assert_string_equal(s.region, "us-east-1");
    assert_string_equal(s.prefix, "");
    assert_int_equal(s.transfers, 16);
    s3_settings_release(&s);
}

static void what_cannot_be_used_is_refused(void **state)
{
    (void)state;
    static const char *const urls[] = {"s3://",          "s3:///x",         "s3://a",
                                       "s3://bu cket",   "s3://bucket/a?b", "s3://bucket/a//b",
                                       "https://bucket", "s3:bucket"};
    struct s3_settings s;
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++)
        assert_int_equal(load(urls[i], &s, NULL, NOTHING), ERR_CONFIG);
    static const char *const settings[][2] = {
        {"AWS_REGION", "eu west"},
        {"AWS_REGION", "a.evil.example/"},
        {"AWS_ENDPOINT_URL", "ftp://x"},
        {"AWS_ENDPOINT_URL", "https://"},
        {"AWS_ENDPOINT_URL", "https://user:secret@host"},
        {"AWS_ENDPOINT_URL", "https://host/?x"},
        {"AWS_ENDPOINT_URL", "https://ho st"},
        {"CAUCE_S3_ADDRESSING", "sideways"},
        {"CAUCE_S3_ENCRYPTION", "rot13"},
        {"CAUCE_S3_PARALLEL", "0"},
        {"CAUCE_S3_PARALLEL", "65"},
        {"CAUCE_S3_PARALLEL", "-1"},
        {"CAUCE_S3_PARALLEL", "1x"},
        {"CAUCE_S3_PART_SIZE", "5242879"},
        {"CAUCE_S3_PART_SIZE", "99999999999999999999999999"},
    };
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
        struct error err = ERROR_INIT;
        if (load("s3://bucket", &s, &err, settings[i][0], settings[i][1], NOTHING) != ERR_CONFIG)
            fail_msg("accepted: %s=%s", settings[i][0], settings[i][1]);
        assert_null(strstr(err.text, "secret"));
    }
    assert_int_equal(load("s3://bucket", &s, NULL, "CAUCE_S3_ENCRYPTION", "sse-s3",
                          "CAUCE_S3_KMS_KEY_ID", "k", NOTHING),
                     ERR_CONFIG);
    assert_int_equal(load("s3://bucket", &s, NULL, "CAUCE_S3_ADDRESSING", "virtual",
                          "AWS_ENDPOINT_URL", "http://127.0.0.1:1", NOTHING),
                     ERR_CONFIG);
}

static void loopback_is_told_from_what_looks_like_it(void **state)
{
    (void)state;
    static const char *const good[] = {"http://127.0.0.1", "http://127.8.8.8:80/x",
                                       "http://localhost:7480", "http://[::1]:1/"};
    static const char *const bad[] = {
        "http://127.0.0.1.evil.example/", "http://localhost.evil/", "http://128.0.0.1/",
        "http://evil/127.0.0.1",          "http://[::2]/",          "http://127.0.0.1@evil/"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_true(url_is_loopback(good[i]));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(url_is_loopback(bad[i]));
}

static void the_configuration_goes_before_the_environment(void **state)
{
    (void)state;
    struct s3_test_settings environment = {0};
    s3_test_set(&environment, "AWS_ENDPOINT_URL_S3", "https://env.example.org");
    s3_test_set(&environment, "AWS_REGION", "env-1");
    s3_test_set(&environment, "CAUCE_S3_PARALLEL", "3");
    s3_test_set(&environment, "CAUCE_S3_ENCRYPTION", "sse-s3");
    s3_test_set(&environment, "CAUCE_S3_EXPECTED_BUCKET_OWNER", "111111111111");
    struct store_s3_options options = {.endpoint = "https://file.example.org",
                                       .region = "file-1",
                                       .encryption = STORE_S3_ENCRYPTION_KMS,
                                       .kms_key_id = "alias/x",
                                       .addressing = STORE_S3_VIRTUAL,
                                       .parallel = 8};
    const struct aws_lookup lookup = {
        .get = s3_test_get, .ctx = &environment, .region = options.region};
    struct s3_settings s;
    assert_int_equal(s3_settings_load("s3://bucket", &options, &lookup, &s, NULL), ERR_OK);
    assert_string_equal(s.authority, "bucket.file.example.org");
    assert_string_equal(s.region, "file-1");
    assert_string_equal(s.encryption, "aws:kms");
    assert_string_equal(s.kms_key_id, "alias/x");
    assert_string_equal(s.expected_bucket_owner, "111111111111");
    assert_int_equal(s.transfers, 8);
    s3_settings_release(&s);
    /* A bucket that is only read from is nobody's to encrypt. */
    options.reads_only = true;
    assert_int_equal(s3_settings_load("s3://bucket", &options, &lookup, &s, NULL), ERR_OK);
    assert_null(s.encryption);
    assert_null(s.expected_bucket_owner);
    s3_settings_release(&s);
    s3_test_settings_release(&environment);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(aws_is_addressed_by_host_and_others_by_path),
        cmocka_unit_test(the_more_specific_endpoint_wins),
        cmocka_unit_test(what_cannot_be_used_is_refused),
        cmocka_unit_test(loopback_is_told_from_what_looks_like_it),
        cmocka_unit_test(the_configuration_goes_before_the_environment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
