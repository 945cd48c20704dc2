#include "support/s3_case.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "store/s3/s3.h"
#include "support/temp_folder.h"
#include "util/fs.h"
#include "util/log.h"
#include "util/mem.h"
#include "util/time.h"

/* ---- A clock that does not wait ---- */

int64_t s3_case_slept;

static int64_t real_time(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static int64_t fake_now(void *ctx)
{
    (void)ctx;
    return real_time(CLOCK_REALTIME);
}

static int64_t fake_monotonic(void *ctx)
{
    (void)ctx;
    return real_time(CLOCK_MONOTONIC);
}

static void fake_sleep(void *ctx, int64_t microseconds)
{
    (void)ctx;
    s3_case_slept += microseconds;
}

/* ---- The canary ---- */

static bool leaked;

static void watch_log(void *ctx, const char *line)
{
    (void)ctx;
    leaked = leaked || strstr(line, S3_CASE_SECRET) != NULL || strstr(line, S3_CASE_TOKEN) != NULL;
}

void s3_case_no_canary(const char *text)
{
    assert_null(strstr(text, S3_CASE_SECRET));
    assert_null(strstr(text, S3_CASE_TOKEN));
}

/* ---- Opening ---- */

void s3_case_prepare(struct s3_case *f, const char *scenario)
{
    *f = (struct s3_case){.folder = temp_folder_new(), .mock = http_mock_new(scenario)};
    s3_test_set(&f->settings, "AWS_ENDPOINT_URL", http_mock_url(f->mock));
    s3_test_set(&f->settings, "AWS_ACCESS_KEY_ID", "AKIDEXAMPLE");
    s3_test_set(&f->settings, "AWS_SECRET_ACCESS_KEY", S3_CASE_SECRET);
    s3_test_set(&f->settings, "AWS_SESSION_TOKEN", S3_CASE_TOKEN);
    s3_test_set(&f->settings, "AWS_REGION", "eu-south-2");
    s3_test_set(&f->settings, "XDG_CACHE_HOME", f->folder);
    s3_test_set(&f->settings, "TMPDIR", f->folder);
    s3_test_set(&f->settings, "CAUCE_S3_PARALLEL", "1");
}

/* The proof of the server, as if the probe had been run. */
void s3_case_open(struct s3_case *f, bool bare)
{
    char *cache = fs_join(f->folder, "cauce");
    char *identity = mem_printf("%s/bucket bucket bucket", http_mock_url(f->mock));
    store_probe_save(&(struct store_proof){cache, identity, NULL}, time_now(), &f->dialect);
    free(identity);
    free(cache);
    const struct store_options options = {.setting = s3_test_get, .setting_ctx = &f->settings};
    int rc = bare ? store_s3_open_bare("s3://bucket/p/", &options, &f->store, &f->err)
                  : store_s3_open("s3://bucket/p/", &options, &f->store, &f->err);
    if (rc != ERR_OK)
        fail_msg("%s", f->err.text);
}

void s3_case_begin(struct s3_case *f, const char *scenario, bool bare)
{
    s3_case_prepare(f, scenario);
    s3_case_open(f, bare);
}

void s3_case_end(struct s3_case *f)
{
    store_free(f->store);
    assert_int_equal(http_mock_faults(f->mock), 0);
    for (size_t i = 0; i < http_mock_count(f->mock); i++)
        assert_null(strstr(http_mock_request(f->mock, i), S3_CASE_SECRET));
    http_mock_free(f->mock);
    s3_test_settings_release(&f->settings);
    temp_folder_free(f->folder);
    s3_case_no_canary(f->err.text);
    assert_false(leaked);
}

/* Does request i have this header line (name in lower case)? */
void s3_case_has_header(struct s3_case *f, size_t i, const char *line)
{
    char *wanted = mem_printf("\r\n%s\r\n", line);
    if (strstr(http_mock_request(f->mock, i), wanted) == NULL)
        fail_msg("no \"%s\" in: %s", line, http_mock_request(f->mock, i));
    free(wanted);
}

int s3_case_get(struct s3_case *f, char **text, struct store_tag *tag)
{
    struct str body;
    str_init(&body, 1000);
    int rc = store_get(f->store, "key", &body, tag, &f->err);
    *text = str_detach(&body);
    return rc;
}

int s3_case_put(struct s3_case *f, struct store_tag *tag)
{
    struct store_body body = store_body_bytes("hello", 5);
    return store_put_new(f->store, "key", &body, tag, &f->err);
}

int s3_case_swap(struct s3_case *f, struct store_tag *tag)
{
    struct store_tag expected = {"0123"};
    struct store_body body = store_body_bytes("hello", 5);
    return store_swap(f->store, "key", &expected, &body, tag, &f->err);
}

int s3_case_setup(void **state)
{
    (void)state;
    static const struct time_source source = {fake_now, fake_monotonic, fake_sleep, NULL};
    time_replace(&source);
    log_sink(watch_log, NULL);
    log_setup(LOG_DEBUG, LOG_TEXT);
    return 0;
}
