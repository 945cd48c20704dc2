/*
 * The credential chain against fakes of each endpoint. Every secret begins with "canary": none may
 * show in an error, a description or the log.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "net/aws/credentials.h"
#include "net/http.h"
#include "store/s3/settings.h"
#include "support/http_mock.h"
#include "support/s3_server.h"
#include "support/temp_folder.h"
#include "util/fs.h"
#include "util/log.h"
#include "util/mem.h"

struct fixture {
    struct s3_test_settings settings;
    struct http_mock *mock; /* NULL: nothing is asked */
    struct http *http;
    struct aws_chain *chain;
    struct aws_credentials got;
    char *folder;
    struct error err;
};

static bool leaked;

static void watch_log(void *ctx, const char *line)
{
    (void)ctx;
    leaked = leaked || strstr(line, "canary") != NULL;
}

static void write_text(struct fixture *f, const char *name, const char *text)
{
    char *path = fs_join(f->folder, name);
    char *parent = fs_parent(path);
    assert_int_equal(fs_make_folders(parent, false, NULL), ERR_OK);
    assert_int_equal(fs_write(path, text, strlen(text), NULL), ERR_OK);
    free(parent);
    free(path);
}

static void begin(struct fixture *f, const char *scenario)
{
    *f = (struct fixture){.folder = temp_folder_new()};
    if (scenario != NULL)
        f->mock = http_mock_new(scenario);
    s3_test_set(&f->settings, "HOME", f->folder);
    s3_test_set(&f->settings, "AWS_EC2_METADATA_DISABLED", "true");
}

/* Look for credentials; the code. */
static int look(struct fixture *f)
{
    const struct aws_lookup lookup = {.get = s3_test_get, .ctx = &f->settings};
    if (f->chain == NULL) {
        assert_int_equal(http_new(NULL, &f->http, NULL), ERR_OK);
        assert_int_equal(aws_chain_new(&lookup, f->http, &f->chain, NULL), ERR_OK);
    }
    aws_credentials_release(&f->got);
    return aws_chain_get(f->chain, &f->got, &f->err);
}

static void found(struct fixture *f, const char *id, const char *secret, const char *token,
                  const char *source)
{
    int rc = look(f);
    if (rc != ERR_OK)
        fail_msg("%s: %s", error_name(rc), f->err.text);
    assert_string_equal(f->got.access_key_id, id);
    assert_string_equal(f->got.secret, secret);
    if (token == NULL)
        assert_null(f->got.session_token);
    else
        assert_string_equal(f->got.session_token, token);
    assert_non_null(strstr(f->got.source, source));
    assert_null(strstr(f->got.source, "canary"));
}

static void end(struct fixture *f)
{
    aws_credentials_release(&f->got);
    aws_chain_free(f->chain);
    http_free(f->http);
    if (f->mock != NULL) {
        assert_int_equal(http_mock_faults(f->mock), 0);
        http_mock_free(f->mock);
    }
    s3_test_settings_release(&f->settings);
    temp_folder_free(f->folder);
    assert_null(strstr(f->err.text, "canary"));
    assert_false(leaked);
}

static void the_environment_is_used(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, NULL);
    s3_test_set(&f.settings, "AWS_ACCESS_KEY_ID", "AKIDENV");
    s3_test_set(&f.settings, "AWS_SECRET_ACCESS_KEY", "canary-env");
    s3_test_set(&f.settings, "AWS_SESSION_TOKEN", "canary-env-token");
    found(&f, "AKIDENV", "canary-env", "canary-env-token", "environment");
    end(&f);
}

static void explicit_settings_come_first(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, NULL);
    s3_test_set(&f.settings, "CAUCE_S3_ACCESS_KEY_ID", "AKIDOWN");
    s3_test_set(&f.settings, "CAUCE_S3_SECRET_ACCESS_KEY", "canary-own");
    s3_test_set(&f.settings, "AWS_ACCESS_KEY_ID", "AKIDENV");
    s3_test_set(&f.settings, "AWS_SECRET_ACCESS_KEY", "canary-env");
    found(&f, "AKIDOWN", "canary-own", NULL, "settings");
    end(&f);
}

static void half_a_pair_is_a_mistake(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, NULL);
    s3_test_set(&f.settings, "AWS_SECRET_ACCESS_KEY", "canary-env");
    assert_int_equal(look(&f), ERR_CONFIG);
    assert_non_null(strstr(f.err.text, "AWS_ACCESS_KEY_ID"));
    end(&f);
}

static void nothing_at_all_lists_what_was_tried(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, NULL);
    assert_int_equal(look(&f), ERR_DENIED);
    assert_non_null(strstr(f.err.text, "AWS_ACCESS_KEY_ID"));
    end(&f);
}

static void profiles_of_both_files_are_read(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, NULL);
    write_text(&f, ".aws/credentials",
               "# mine\n[default]\naws_access_key_id=AKIDDEF\n"
               "aws_secret_access_key = canary-default\n\n"
               "[other]\r\naws_access_key_id = AKIDOTHER\r\n"
               "aws_secret_access_key = canary/other+=\r\n");
    write_text(&f, ".aws/config",
               "[default]\naws_access_key_id = AKIDIGNORED\nregion = eu-west-3\n"
               "[profile other]\nregion = sa-east-1\ns3 =\n  region = nested\n");
    found(&f, "AKIDDEF", "canary-default", NULL, "default");
    aws_chain_free(f.chain);
    http_free(f.http);
    f.chain = NULL;
    s3_test_set(&f.settings, "AWS_PROFILE", "other");
    found(&f, "AKIDOTHER", "canary/other+=", NULL, "other");
    const struct aws_lookup lookup = {.get = s3_test_get, .ctx = &f.settings};
    const struct store_s3_options options = {0};
    struct s3_settings settings;
    assert_int_equal(s3_settings_load("s3://bucket", &options, &lookup, &settings, NULL), ERR_OK);
    assert_string_equal(settings.region, "sa-east-1");
    assert_string_equal(settings.authority, "bucket.s3.sa-east-1.amazonaws.com");
    s3_settings_release(&settings);
    end(&f);
}

static void an_unknown_profile_is_a_mistake(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, NULL);
    s3_test_set(&f.settings, "AWS_PROFILE", "nobody");
    assert_int_equal(look(&f), ERR_CONFIG);
    assert_non_null(strstr(f.err.text, "nobody"));
    end(&f);
}

static void a_role_is_assumed_with_its_source_profile(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, "sts-assume-role");
    write_text(&f, ".aws/credentials",
               "[base]\naws_access_key_id=AKIDBASE\naws_secret_access_key=canary-base\n");
    write_text(&f, ".aws/config",
               "[profile r]\nrole_arn = arn:aws:iam::1:role/demo\nsource_profile = base\n"
               "external_id = a b\nregion = eu-north-1\n");
    s3_test_set(&f.settings, "AWS_PROFILE", "r");
    s3_test_set(&f.settings, "AWS_ENDPOINT_URL_STS", http_mock_url(f.mock));
    found(&f, "ASIAIOSFODNN7EXAMPLE", "canary-sts-secret", "canary-sts-token", "role/demo");
    assert_true(f.got.expires > 0);
    const char *request = http_mock_request(f.mock, 0);
    assert_non_null(
        strstr(request, "Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam"));
    assert_non_null(strstr(request, "&ExternalId=a%20b"));
    assert_non_null(strstr(request, "Credential=AKIDBASE/"));
    assert_non_null(strstr(request, "/eu-north-1/sts/aws4_request"));
    /* Good for years: not asked for again. */
    found(&f, "ASIAIOSFODNN7EXAMPLE", "canary-sts-secret", "canary-sts-token", "role/demo");
    end(&f);
}

static void a_role_that_is_refused_ends_the_search(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, "sts-refused");
    write_text(&f, ".aws/config",
               "[default]\nrole_arn = arn:aws:iam::1:role/demo\n"
               "credential_source = Environment\n"
               "[profile loop]\nrole_arn = a\nsource_profile = pool\n"
               "[profile pool]\nrole_arn = a\nsource_profile = loop\n");
    s3_test_set(&f.settings, "AWS_ENDPOINT_URL_STS", http_mock_url(f.mock));
    /* The environment would win as a source of its own; as the role's source it is asked second. */
    assert_int_equal(look(&f), ERR_CONFIG);
    s3_test_set(&f.settings, "AWS_PROFILE", "loop");
    aws_chain_free(f.chain);
    http_free(f.http);
    f.chain = NULL;
    assert_int_equal(look(&f), ERR_CONFIG);
    assert_non_null(strstr(f.err.text, "source_profile"));
    aws_chain_free(f.chain);
    http_free(f.http);
    f.chain = NULL;
    write_text(&f, ".aws/credentials",
               "[loop]\naws_access_key_id=AKIDBASE\naws_secret_access_key=canary-base\n");
    write_text(&f, ".aws/config", "[profile loop]\nrole_arn = a\nsource_profile = loop\n");
    assert_int_equal(look(&f), ERR_DENIED);
    end(&f);
}

static void a_web_identity_is_exchanged(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, "sts-web-identity");
    write_text(&f, "token", "canary.web.identity\n");
    char *path = fs_join(f.folder, "token");
    s3_test_set(&f.settings, "AWS_ROLE_ARN", "arn:aws:iam::1:role/web");
    s3_test_set(&f.settings, "AWS_WEB_IDENTITY_TOKEN_FILE", path);
    s3_test_set(&f.settings, "AWS_ROLE_SESSION_NAME", "session");
    s3_test_set(&f.settings, "AWS_ENDPOINT_URL_STS", http_mock_url(f.mock));
    found(&f, "ASIAIOSFODNN7EXAMPLE", "canary-sts-secret", "canary-sts-token", "web identity");
    const char *request = http_mock_request(f.mock, 0);
    assert_non_null(strstr(request, "RoleSessionName=session"));
    assert_non_null(strstr(request, "WebIdentityToken=canary.web.identity"));
    assert_null(strcasestr(request, "\r\nauthorization:"));
    free(path);
    end(&f);
}

static void a_containers_endpoint_is_asked_with_its_token(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, "container");
    char *url = mem_printf("%s/v2/credentials/1", http_mock_url(f.mock));
    s3_test_set(&f.settings, "AWS_CONTAINER_CREDENTIALS_FULL_URI", url);
    s3_test_set(&f.settings, "AWS_CONTAINER_AUTHORIZATION_TOKEN", "canary-authorization");
    found(&f, "ASIACONTAINER", "canary-container-secret", "canary-container-token", "container");
    assert_non_null(
        strstr(http_mock_request(f.mock, 0), "\r\nauthorization: canary-authorization\r\n"));
    free(url);
    end(&f);
}

static void a_containers_token_is_not_given_to_strangers(void **state)
{
    (void)state;
    static const char *const urls[] = {"http://169.254.170.2.evil.example/x", "http://example.com/",
                                       "http://127.0.0.1.example/", "http://10.0.0.1/"};
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        struct fixture f;
        begin(&f, NULL);
        s3_test_set(&f.settings, "AWS_CONTAINER_CREDENTIALS_FULL_URI", urls[i]);
        assert_int_equal(look(&f), ERR_CONFIG);
        end(&f);
    }
}

static void an_instance_is_asked_within_a_session(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, "imds");
    s3_test_set(&f.settings, "AWS_EC2_METADATA_DISABLED", NULL);
    s3_test_set(&f.settings, "AWS_EC2_METADATA_SERVICE_ENDPOINT", http_mock_url(f.mock));
    found(&f, "ASIAIMDS", "canary-imds-secret", "canary-imds-token", "instance");
    assert_non_null(strstr(http_mock_request(f.mock, 0),
                           "\r\nx-aws-ec2-metadata-token-ttl-seconds: 21600\r\n"));
    for (size_t i = 1; i < 3; i++)
        assert_non_null(strstr(http_mock_request(f.mock, i),
                               "\r\nx-aws-ec2-metadata-token: canary-imds-session\r\n"));
    end(&f);
}

static void what_expires_is_fetched_anew(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, "imds-expiring");
    s3_test_set(&f.settings, "AWS_EC2_METADATA_DISABLED", NULL);
    s3_test_set(&f.settings, "AWS_EC2_METADATA_SERVICE_ENDPOINT", http_mock_url(f.mock));
    found(&f, "ASIAFIRST", "canary-imds-secret", "t1-canary", "instance");
    found(&f, "ASIASECOND", "canary-imds-secret", "t2-canary", "instance");
    found(&f, "ASIASECOND", "canary-imds-secret", "t2-canary", "instance");
    end(&f);
}

static void a_login_is_exchanged_for_a_role(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, "sso");
    write_text(&f, ".aws/config",
               "[profile dev]\nsso_session = corp\nsso_account_id = 123456789011\n"
               "sso_role_name = readOnly\n[sso-session corp]\nsso_region = eu-west-1\n"
               "sso_start_url = https://corp.awsapps.com/start\n");
    write_text(&f, ".aws/sso/cache/a.json",
               "{\"startUrl\":\"https://corp.awsapps.com/start\",\"accessToken\":\"canary-login\","
               "\"expiresAt\":\"2099-01-01T00:00:00Z\"}");
    write_text(&f, ".aws/sso/cache/b.json",
               "{\"startUrl\":\"https://other/start\",\"accessToken\":\"canary-else\","
               "\"expiresAt\":\"2199-01-01T00:00:00Z\"}");
    write_text(&f, ".aws/sso/cache/c.json", "no JSON");
    s3_test_set(&f.settings, "AWS_PROFILE", "dev");
    s3_test_set(&f.settings, "AWS_ENDPOINT_URL_SSO", http_mock_url(f.mock));
    found(&f, "ASIASSO", "canary-sso-secret", "canary-sso-token", "IAM Identity Center");
    assert_int_equal(f.got.expires, INT64_C(4070908800000000));
    assert_non_null(
        strstr(http_mock_request(f.mock, 0), "\r\nx-amz-sso_bearer_token: canary-login\r\n"));
    end(&f);
}

static void a_login_that_is_over_says_what_to_do(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, NULL);
    write_text(&f, ".aws/config",
               "[default]\nsso_start_url = https://c/start\nsso_region = r\n"
               "sso_account_id = 1\nsso_role_name = x\n");
    write_text(&f, ".aws/sso/cache/a.json",
               "{\"startUrl\":\"https://c/start\",\"accessToken\":\"canary-login\","
               "\"expiresAt\":\"2001-01-01T00:00:00Z\"}");
    assert_int_equal(look(&f), ERR_DENIED);
    assert_non_null(strstr(f.err.text, "aws sso login"));
    end(&f);
}

static void a_program_may_print_credentials(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, NULL);
    write_text(&f, ".aws/config",
               "[default]\ncredential_process = printf '%s' '{\"Version\":1,"
               "\"AccessKeyId\":\"AKIDPROC\",\"SecretAccessKey\":\"canary-process\","
               "\"SessionToken\":\"canary-process-token\"}'\n"
               "[profile bad]\ncredential_process = false\n"
               "[profile gone]\ncredential_process = /nowhere/program x\n"
               "[profile chatty]\ncredential_process = printf canary-in-nonsense\n");
    found(&f, "AKIDPROC", "canary-process", "canary-process-token", "credential_process printf");
    static const struct {
        const char *profile;
        int code;
    } rows[] = {{"bad", ERR_DENIED}, {"gone", ERR_CONFIG}, {"chatty", ERR_DAMAGED}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        aws_chain_free(f.chain);
        http_free(f.http);
        f.chain = NULL;
        s3_test_set(&f.settings, "AWS_PROFILE", rows[i].profile);
        assert_int_equal(look(&f), rows[i].code);
        assert_null(strstr(f.err.text, "canary"));
    }
    end(&f);
}

static int setup(void **state)
{
    (void)state;
    log_sink(watch_log, NULL);
    log_setup(LOG_DEBUG, LOG_TEXT);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_environment_is_used),
        cmocka_unit_test(explicit_settings_come_first),
        cmocka_unit_test(half_a_pair_is_a_mistake),
        cmocka_unit_test(nothing_at_all_lists_what_was_tried),
        cmocka_unit_test(profiles_of_both_files_are_read),
        cmocka_unit_test(an_unknown_profile_is_a_mistake),
        cmocka_unit_test(a_role_is_assumed_with_its_source_profile),
        cmocka_unit_test(a_role_that_is_refused_ends_the_search),
        cmocka_unit_test(a_web_identity_is_exchanged),
        cmocka_unit_test(a_containers_endpoint_is_asked_with_its_token),
        cmocka_unit_test(a_containers_token_is_not_given_to_strangers),
        cmocka_unit_test(an_instance_is_asked_within_a_session),
        cmocka_unit_test(what_expires_is_fetched_anew),
        cmocka_unit_test(a_login_is_exchanged_for_a_role),
        cmocka_unit_test(a_login_that_is_over_says_what_to_do),
        cmocka_unit_test(a_program_may_print_credentials),
    };
    if (getenv("CAUCE_SOURCE_DIR") == NULL)
        setenv("CAUCE_SOURCE_DIR", CAUCE_TEST_SOURCE_DIR, 1);
    return cmocka_run_group_tests(tests, setup, NULL);
}
