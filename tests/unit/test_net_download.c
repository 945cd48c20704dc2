/*
 * Downloads against a server that does what the query of the URL says (tests/support/source_server.py).
 * Waiting between tries is counted, not done. User, password and headers are canaries: they show
 * nowhere, and reach no other host.
 */
#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "net/download.h"
#include "support/source_server.h"
#include "support/temp_folder.h"
#include "util/fs.h"
#include "util/log.h"
#include "util/mem.h"
#include "util/stop.h"
#include "util/str.h"
#include "util/time.h"

#define CANARY "canary-0123456789"
#define SIZE 300000

/* One for all: every test begins with no requests. */
static struct source_server main_server;

struct fixture {
    struct source_server server; /* main_server */
    char *folder;
    char *path;  /* that is downloaded to */
    char *bytes; /* of "data.csv" */
    struct download_options options;
    struct download_result result;
    struct error err;
};

/* ---- A clock that does not wait ---- */

static int64_t slept;
static unsigned sleeps;
static void (*on_sleep)(void);

static int64_t real_time(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static int64_t fake_monotonic(void *ctx)
{
    (void)ctx;
    return real_time(CLOCK_MONOTONIC);
}

static void fake_sleep(void *ctx, int64_t microseconds)
{
    (void)ctx;
    slept += microseconds;
    sleeps++;
    if (on_sleep != NULL)
        on_sleep();
}

static bool leaked;

static void watch_log(void *ctx, const char *line)
{
    (void)ctx;
    leaked = leaked || strstr(line, CANARY) != NULL;
}

/* ---- Fixture ---- */

static int set_up(void **state)
{
    static const struct time_source clock = {.monotonic = fake_monotonic, .sleep = fake_sleep};
    struct fixture *f = mem_calloc(1, sizeof *f);
    f->server = main_server;
    source_server_forget(&f->server);
    f->folder = temp_folder_new();
    f->path = fs_join(f->folder, "got");
    f->bytes = mem_alloc(SIZE);
    for (size_t i = 0; i < SIZE; i++)
        f->bytes[i] = (char)('a' + (i * 7 + i / 1000) % 26);
    source_server_put(&f->server, "data.csv", f->bytes, SIZE);
    slept = 0;
    sleeps = 0;
    leaked = false;
    on_sleep = NULL;
    time_replace(&clock);
    log_setup(LOG_DEBUG, LOG_TEXT);
    log_sink(watch_log, NULL);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    download_result_release(&f->result);
    assert_false(leaked);
    assert_null(strstr(f->err.text, CANARY));
    log_sink(NULL, NULL);
    log_setup(LOG_WARN, LOG_TEXT);
    time_replace(NULL);
    temp_folder_free(f->folder);
    free(f->path);
    free(f->bytes);
    free(f);
    return 0;
}

/* Download a URL; `etag` and `last_modified` are what is known of it. */
static int fetch_known(struct fixture *f, const char *url, const char *etag,
                       const char *last_modified)
{
    struct download_request request = {.url = url,
                                       .shown = "https://shown.example/x",
                                       .path = f->path,
                                       .etag = etag,
                                       .last_modified = last_modified};
    download_result_release(&f->result);
    error_clear(&f->err);
    return download_fetch(&f->options, &request, &f->result, &f->err);
}

static int fetch_url(struct fixture *f, const char *url)
{
    return fetch_known(f, url, NULL, NULL);
}

/* Download a path of the server. */
static int fetch(struct fixture *f, const char *path)
{
    char *url = mem_printf("%s%s", f->server.url, path);
    int rc = fetch_url(f, url);
    free(url);
    return rc;
}

static int fetch_again(struct fixture *f, const char *path, const char *etag, const char *date)
{
    char *url = mem_printf("%s%s", f->server.url, path);
    int rc = fetch_known(f, url, etag, date);
    free(url);
    return rc;
}

static void got_bytes(struct fixture *f, const char *bytes, size_t count)
{
    struct str text;
    char sha256[SHA256_HEX_SIZE];
    if (f->err.code != ERR_OK)
        fail_msg("%s", f->err.text);
    str_init(&text, (size_t)16 << 20);
    assert_int_equal(fs_read(f->path, &text, NULL), ERR_OK);
    assert_int_equal(text.len, count);
    assert_memory_equal(text.data, bytes, count);
    str_release(&text);
    sha256_hex(bytes, count, sha256);
    assert_true(f->result.modified);
    assert_string_equal(f->result.sha256, sha256);
    assert_int_equal(f->result.size, count);
}

static void got_data(struct fixture *f)
{
    got_bytes(f, f->bytes, SIZE);
}

/* It failed as a source fails, said so, and left nothing behind. */
static void refused(struct fixture *f, int rc, const char *words)
{
    assert_int_equal(rc, ERR_SOURCE);
    assert_int_equal(f->err.code, ERR_SOURCE);
    if (strstr(f->err.text, words) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", f->err.text, words);
    assert_non_null(strstr(f->err.text, "https://shown.example/x"));
    assert_null(strstr(f->err.text, "fail="));
    assert_false(fs_exists(f->path));
}

/* ---- Content and conditions ---- */

static void a_file_arrives_with_its_digest_and_validators(void **state)
{
    struct fixture *f = *state;
    fetch(f, "/data.csv");
    got_data(f);
    assert_int_equal(f->result.requests, 1);
    assert_int_equal(f->result.etag[0], '"');
    assert_non_null(strstr(f->result.last_modified, "GMT"));
    assert_int_equal(source_server_count(&f->server), 1);
    assert_false(source_server_saw(&f->server, 0, "\nIf-None-Match:"));
    assert_false(source_server_saw(&f->server, 0, "\nRange:"));
}

static void an_empty_file_is_a_file(void **state)
{
    struct fixture *f = *state;
    source_server_put(&f->server, "empty.csv", "", 0);
    fetch(f, "/empty.csv");
    got_bytes(f, "", 0);
    fetch(f, "/empty.csv?length=chunked&x");
    got_bytes(f, "", 0);
}

static void an_old_file_is_replaced(void **state)
{
    struct fixture *f = *state;
    char *old = mem_calloc(2, SIZE);
    assert_int_equal(fs_write(f->path, old, 2 * SIZE, NULL), ERR_OK);
    fetch(f, "/data.csv");
    got_data(f);
    free(old);
}

static void not_modified_costs_one_request(void **state)
{
    struct fixture *f = *state;
    fetch(f, "/data.csv");
    char *etag = mem_strdup(f->result.etag);
    fs_discard(f->path);
    source_server_forget(&f->server);
    assert_int_equal(fetch_again(f, "/data.csv", etag, NULL), ERR_OK);
    assert_false(f->result.modified);
    assert_false(fs_exists(f->path));
    assert_int_equal(source_server_count(&f->server), 1);
    assert_int_equal(f->result.requests, 1);
    assert_true(source_server_saw(&f->server, 0, "If-None-Match: \""));
    free(etag);
}

static void not_modified_by_date_costs_one_request(void **state)
{
    struct fixture *f = *state;
    const char *later = "Fri, 01 Jan 2100 00:00:00 GMT";
    assert_int_equal(fetch_again(f, "/data.csv?etag=none", NULL, later), ERR_OK);
    assert_false(f->result.modified);
    assert_int_equal(source_server_count(&f->server), 1);
    fetch_again(f, "/data.csv?etag=none", NULL, "Sat, 01 Jan 2000 00:00:00 GMT");
    got_data(f);
}

static void what_changed_is_downloaded(void **state)
{
    struct fixture *f = *state;
    fetch_again(f, "/data.csv", "\"another\"", NULL);
    got_data(f);
    assert_string_not_equal(f->result.etag, "\"another\"");
}

static void not_modified_unasked_is_no_answer(void **state)
{
    struct fixture *f = *state;
    refused(f, fetch(f, "/data.csv?status=304"), "status 304");
}

static void a_date_too_young_is_not_kept(void **state)
{
    struct fixture *f = *state;
    fetch(f, "/data.csv?etag=none&date=now");
    got_data(f);
    assert_null(f->result.last_modified);
    fetch(f, "/data.csv?date=now");
    assert_non_null(f->result.last_modified);
    fetch(f, "/data.csv?etag=none&huge=10");
    got_bytes(f, "\0\0\0\0\0\0\0\0\0\0", 10);
    assert_non_null(f->result.last_modified);
    assert_null(f->result.etag);
}

/* ---- Transfers ---- */

static void a_compressed_transfer_is_decoded(void **state)
{
    struct fixture *f = *state;
    fetch(f, "/data.csv?gzip=1");
    got_data(f);
    assert_true(source_server_saw(&f->server, 0, "Accept-Encoding: "));
    fetch(f, "/data.csv?gzip=1&length=chunked");
    got_data(f);
}

static void what_marks_its_end_is_told_from_what_does_not(void **state)
{
    struct fixture *f = *state;
    fetch(f, "/data.csv");
    got_data(f);
    assert_true(f->result.framed);
    fetch(f, "/data.csv?length=chunked");
    got_data(f);
    assert_true(f->result.framed);
    fetch(f, "/data.csv?length=none");
    got_data(f);
    assert_false(f->result.framed);
    fetch(f, "/data.csv?length=none&gzip=1");
    got_data(f);
    assert_false(f->result.framed);
}

static void a_slow_server_is_waited_for(void **state)
{
    struct fixture *f = *state;
    f->options.timeout_seconds = 1;
    source_server_put(&f->server, "small.csv", f->bytes, 4000);
    fetch(f, "/small.csv?drip=0.4");
    got_bytes(f, f->bytes, 4000);
}

static void a_server_that_stalls_is_given_up(void **state)
{
    struct fixture *f = *state;
    f->options.timeout_seconds = 1;
    f->options.tries = 1;
    refused(f, fetch(f, "/data.csv?hang=10"), "did not send a byte for 1 seconds");
}

/* ---- Broken downloads ---- */

static void a_broken_download_goes_on_where_it_stopped(void **state)
{
    struct fixture *f = *state;
    fetch(f, "/data.csv?cut=100000");
    got_data(f);
    assert_int_equal(f->result.requests, 2);
    assert_true(source_server_saw(&f->server, 1, "Range: bytes=100000-"));
    assert_true(source_server_saw(&f->server, 1, "If-Range: \""));
    assert_false(source_server_saw(&f->server, 1, "Accept-Encoding"));
    assert_int_equal(sleeps, 1);
}

static void progress_begins_a_new_count_of_tries(void **state)
{
    struct fixture *f = *state;
    f->options.tries = 2;
    /* Every answer but the last breaks off after 70000 bytes of what was asked for. */
    fetch(f, "/data.csv?cut=70000&cuts=4");
    got_data(f);
    assert_int_equal(f->result.requests, 5);
    assert_true(source_server_saw(&f->server, 4, "Range: bytes=280000-"));
}

static void little_progress_does_not(void **state)
{
    struct fixture *f = *state;
    f->options.tries = 2;
    refused(f, fetch(f, "/data.csv?cut=1000&cuts=9"), "tried 2 times");
    assert_int_equal(source_server_count(&f->server), 2);
}

static void without_a_strong_tag_it_begins_again(void **state)
{
    struct fixture *f = *state;
    static const char *const paths[] = {"/data.csv?cut=100000&etag=weak",
                                        "/data.csv?cut=100000&etag=none"};
    for (size_t i = 0; i < 2; i++) {
        char *copy = mem_printf("/x%zu.csv%s", i, strchr(paths[i], '?'));
        char *name = mem_printf("x%zu.csv", i);
        source_server_put(&f->server, name, f->bytes, SIZE);
        source_server_forget(&f->server);
        fetch(f, copy);
        got_data(f);
        assert_int_equal(source_server_count(&f->server), 2);
        assert_false(source_server_saw(&f->server, 1, "\nRange:"));
        free(copy);
        free(name);
    }
}

static void a_compressed_transfer_begins_again(void **state)
{
    struct fixture *f = *state;
    fetch(f, "/data.csv?cut=300&gzip=1");
    got_data(f);
    assert_int_equal(f->result.requests, 2);
    assert_false(source_server_saw(&f->server, 1, "\nRange:"));
}

static void a_file_that_changed_meanwhile_is_taken_whole(void **state)
{
    struct fixture *f = *state;
    char *want = mem_printf("%.*s2\n", SIZE, f->bytes);
    fetch(f, "/data.csv?cut=100000&change=1");
    got_bytes(f, want, strlen(want));
    assert_int_equal(f->result.requests, 2);
    free(want);
}

static void a_server_without_ranges_sends_it_whole(void **state)
{
    struct fixture *f = *state;
    fetch(f, "/data.csv?cut=100000&ranges=no");
    got_data(f);
    assert_int_equal(f->result.requests, 2);
}

static void another_part_than_asked_for_is_not_taken(void **state)
{
    struct fixture *f = *state;
    fetch(f, "/data.csv?cut=100000&ranges=wrong");
    got_data(f);
    assert_int_equal(f->result.requests, 3);
    assert_false(source_server_saw(&f->server, 2, "\nRange:"));
}

static void a_part_that_is_refused_is_not_asked_for_again(void **state)
{
    struct fixture *f = *state;
    fetch(f, "/data.csv?cut=100000&ranges=refuse");
    got_data(f);
    assert_int_equal(f->result.requests, 3);
}

static void a_body_cut_short_is_noticed(void **state)
{
    struct fixture *f = *state;
    f->options.tries = 3;
    refused(f, fetch(f, "/data.csv?cut=10&cuts=9&etag=none"), "tried 3 times");
    refused(f, fetch(f, "/data.csv?cut=10&cuts=9&etag=none&length=chunked&huge=50"),
            "tried 3 times");
}

/* ---- Repetition ---- */

static void what_may_pass_is_repeated(void **state)
{
    struct fixture *f = *state;
    fetch(f, "/data.csv?fail=500,0,503,408,429");
    got_data(f);
    assert_int_equal(f->result.requests, 6);
    assert_int_equal(sleeps, 5);
    assert_in_range(slept, 0, 31 * 500000);
}

static void conditions_are_kept_when_it_is_repeated(void **state)
{
    struct fixture *f = *state;
    fetch(f, "/data.csv");
    char *etag = mem_strdup(f->result.etag);
    source_server_put(&f->server, "same.csv", f->bytes, SIZE);
    assert_int_equal(fetch_again(f, "/same.csv?fail=500", etag, NULL), ERR_OK);
    assert_false(f->result.modified);
    free(etag);
}

static void repetition_has_an_end(void **state)
{
    struct fixture *f = *state;
    f->options.tries = 3;
    refused(f, fetch(f, "/data.csv?fail=500,500,500,500"), "status 500. It was tried 3 times");
    assert_int_equal(source_server_count(&f->server), 3);
}

static void what_does_not_pass_is_not_repeated(void **state)
{
    struct fixture *f = *state;
    refused(f, fetch(f, "/absent.csv"), "status 404");
    assert_non_null(strstr(f->err.text, "source.url"));
    refused(f, fetch(f, "/data.csv?status=403"), "status 403");
    assert_non_null(strstr(f->err.text, "credentials"));
    refused(f, fetch(f, "/data.csv?status=204"), "status 204");
    assert_int_equal(source_server_count(&f->server), 3);
    assert_int_equal(sleeps, 0);
}

static void retry_after_is_heeded(void **state)
{
    struct fixture *f = *state;
    fetch(f, "/data.csv?fail=429&retry=17");
    got_data(f);
    assert_int_equal(slept, 17000000);
}

static void retry_after_beyond_the_time_out_ends_it(void **state)
{
    struct fixture *f = *state;
    refused(f, fetch(f, "/data.csv?fail=503&retry=301"), "asks to wait 301 seconds");
    assert_int_equal(sleeps, 0);
    assert_int_equal(source_server_count(&f->server), 1);
}

static void no_connection_is_repeated_and_told(void **state)
{
    struct fixture *f = *state;
    struct source_server gone;
    f->options.tries = 2;
    source_server_start(&gone, NULL);
    char *url = mem_printf("%s/x.csv", gone.url);
    source_server_stop(&gone);
    refused(f, fetch_url(f, url), "connect");
    assert_int_equal(f->result.requests, 2);
    free(url);
}

static void a_signal_ends_it_between_tries(void **state)
{
    struct fixture *f = *state;
    on_sleep = stop_request;
    assert_int_equal(fetch(f, "/data.csv?fail=500,500"), ERR_INTERRUPTED);
    stop_clear();
    assert_false(fs_exists(f->path));
    assert_int_equal(source_server_count(&f->server), 1);
}

static void stop_at_once(void *ctx, uint64_t received, uint64_t expected)
{
    (void)received;
    (void)expected;
    (void)ctx;
    stop_request();
}

static void a_signal_ends_it_on_the_way(void **state)
{
    struct fixture *f = *state;
    f->options.progress = stop_at_once;
    assert_int_equal(fetch(f, "/data.csv?drip=0.05"), ERR_INTERRUPTED);
    stop_clear();
    assert_false(fs_exists(f->path));
}

static void keep_progress(void *ctx, uint64_t received, uint64_t expected)
{
    uint64_t *seen = ctx;
    assert_true(received > seen[0]);
    seen[0] = received;
    seen[1] = expected;
}

static void progress_is_told(void **state)
{
    struct fixture *f = *state;
    uint64_t seen[2] = {0};
    f->options.progress = keep_progress;
    f->options.progress_ctx = seen;
    fetch(f, "/data.csv?cut=100000");
    got_data(f);
    assert_int_equal(seen[0], SIZE);
    assert_int_equal(seen[1], SIZE);
}

/* ---- Limits ---- */

static void a_file_beyond_the_limit_is_refused_by_its_length(void **state)
{
    struct fixture *f = *state;
    f->options.max_bytes = SIZE - 1;
    refused(f, fetch(f, "/data.csv?hang=0"), "max_bytes");
    assert_non_null(strstr(f->err.text, "300000 bytes"));
    f->options.max_bytes = SIZE;
    fetch(f, "/data.csv");
    got_data(f);
}

static void a_body_beyond_the_limit_is_cut_off(void **state)
{
    struct fixture *f = *state;
    f->options.max_bytes = SIZE - 1;
    refused(f, fetch(f, "/data.csv?length=chunked"), "more than 299999 bytes");
    /* Decoded, it counts as what it is. */
    refused(f, fetch(f, "/x?huge=5000000&gzip=1"), "more than 299999 bytes");
    assert_int_equal(sleeps, 0);
}

static void a_file_that_cannot_be_written_is_told(void **state)
{
    struct fixture *f = *state;
    free(f->path);
    f->path = mem_printf("%s/absent/got", f->folder);
    assert_int_equal(fetch(f, "/data.csv"), ERR_SYSTEM);
    assert_non_null(strstr(f->err.text, "absent/got"));
    assert_int_equal(source_server_count(&f->server), 1);
}

/* ---- Redirects and addresses ---- */

static void redirects_are_followed(void **state)
{
    struct fixture *f = *state;
    static const char *const statuses[] = {"301", "302", "303", "307", "308"};
    for (size_t i = 0; i < 5; i++) {
        char *path = mem_printf("/a?status=%s&to=/data.csv", statuses[i]);
        fetch(f, path);
        got_data(f);
        assert_int_equal(f->result.requests, 2);
        free(path);
    }
}

static void redirects_have_an_end(void **state)
{
    struct fixture *f = *state;
    refused(f, fetch(f, "/a?loop=1"), "redirects more than 10 times");
    assert_int_equal(source_server_count(&f->server), 11);
}

static void a_redirect_without_a_target_is_no_answer(void **state)
{
    struct fixture *f = *state;
    refused(f, fetch(f, "/a?status=302"), "status 302");
    refused(f, fetch(f, "/a?status=302&to=ftp://example.org/x"), "not an http or https URL");
    refused(f, fetch(f, "/a?status=302&to=file:///etc/passwd"), "not an http or https URL");
    refused(f, fetch(f, "/a?status=302&to=http://"), "not an http or https URL");
}

static void set_header(struct fixture *f, const char *name)
{
    static struct http_pair header;
    header = (struct http_pair){name, CANARY};
    f->options.headers = &header;
    f->options.header_count = 1;
}

static void headers_and_credentials_stay_with_their_host(void **state)
{
    struct fixture *f = *state;
    struct source_server other;
    source_server_start(&other, NULL);
    source_server_put(&other, "data.csv", f->bytes, SIZE);
    set_header(f, "X-Token");
    const char *host = strstr(f->server.url, "//") + 2;
    char *url =
        mem_printf("http://me:" CANARY "@%s/a?status=302&to=/b%%3Fstatus%%3D302%%26to%%3D%s/"
                   "data.csv",
                   host, other.url);
    fetch_url(f, url);
    got_data(f);
    for (size_t i = 0; i < 2; i++) {
        assert_true(source_server_saw(&f->server, i, "X-Token: " CANARY));
        assert_true(source_server_saw(&f->server, i, "Authorization: Basic bWU6Y2FuYXJ5"));
    }
    assert_int_equal(source_server_count(&other), 1);
    assert_false(source_server_saw(&other, 0, "X-Token"));
    assert_false(source_server_saw(&other, 0, "Authorization"));
    assert_false(source_server_saw(&other, 0, CANARY));
    free(url);
    source_server_stop(&other);
}

static void a_foreign_host_that_wants_credentials_is_named(void **state)
{
    struct fixture *f = *state;
    struct source_server other;
    source_server_start(&other, NULL);
    char *path = mem_printf("/a?status=302&to=%s/x%%3Fstatus%%3D401%%26sig%%3D" CANARY, other.url);
    refused(f, fetch(f, path), "status 401");
    assert_non_null(strstr(f->err.text, other.url));
    assert_non_null(strstr(f->err.text, "redirect"));
    free(path);
    source_server_stop(&other);
}

static void user_and_password_are_sent(void **state)
{
    struct fixture *f = *state;
    const char *host = strstr(f->server.url, "//") + 2;
    char *url =
        mem_printf("http://me:p%%40ss%%20" CANARY "@%s/data.csv?user=me:p%%40ss%%20" CANARY, host);
    fetch_url(f, url);
    got_data(f);
    assert_int_equal(f->result.requests, 1);
    free(url);
    url = mem_printf("http://me:wrong-" CANARY "@%s/data.csv?user=me:right", host);
    refused(f, fetch_url(f, url), "status 401");
    free(url);
}

static void metadata_and_link_local_addresses_are_refused(void **state)
{
    struct fixture *f = *state;
    static const char *const urls[] = {"http://169.254.169.254/latest/meta-data/",
                                       "http://0xa9fea9fe/latest/",
                                       "http://2852039166/latest/",
                                       "http://[::ffff:169.254.169.254]/",
                                       "http://[fe80::1]/",
                                       "http://[fd00:ec2::254]/latest/"};
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        refused(f, fetch_url(f, urls[i]), "allow_private");
        char *path = mem_printf("/a?status=302&to=%s", urls[i]);
        refused(f, fetch(f, path), "allow_private");
        free(path);
    }
    assert_int_equal(sleeps, 0);
    /* Also where a proxy would make the connection. */
    f->options.proxy = f->server.url;
    source_server_forget(&f->server);
    refused(f, fetch_url(f, urls[0]), "allow_private");
    assert_int_equal(source_server_count(&f->server), 0);
}

static void a_refused_address_may_be_allowed(void **state)
{
    struct fixture *f = *state;
    f->options.allow_private = true;
    f->options.tries = 1;
    f->options.timeout_seconds = 1;
    int rc = fetch_url(f, "http://169.254.0.1:9/");
    assert_int_equal(rc, ERR_SOURCE);
    assert_null(strstr(f->err.text, "allow_private"));
}

/* An address of this machine that is not loopback; false where it has none. */
static bool own_address(char out[INET_ADDRSTRLEN])
{
    struct ifaddrs *list = NULL;
    bool found = false;
    if (getifaddrs(&list) != 0)
        return false;
    for (struct ifaddrs *i = list; i != NULL && !found; i = i->ifa_next) {
        struct sockaddr_in in;
        if (i->ifa_addr == NULL || i->ifa_addr->sa_family != AF_INET)
            continue;
        memcpy(&in, i->ifa_addr, sizeof in);
        unsigned first = ntohl(in.sin_addr.s_addr) >> 24;
        found = first != 127 && first != 169 &&
                inet_ntop(AF_INET, &in.sin_addr, out, INET_ADDRSTRLEN) != NULL;
    }
    freeifaddrs(list);
    return found;
}

static void a_redirect_from_elsewhere_does_not_lead_to_this_machine(void **state)
{
    struct fixture *f = *state;
    char address[INET_ADDRSTRLEN];
    struct source_server other;
    if (!own_address(address)) {
        printf("skipped: this machine has no address but loopback\n");
        skip();
    }
    source_server_start(&other, &(struct source_server_options){.address = address});
    const char *port = strrchr(f->server.url, ':');
    /* The name is resolved first: "localhost" hides no address. */
    char *url = mem_printf("%s/a?status=302&to=http://localhost%s/data.csv", other.url, port);
    refused(f, fetch_url(f, url), "allow_private");
    assert_int_equal(source_server_count(&f->server), 0);
    f->options.allow_private = true;
    fetch_url(f, url);
    got_data(f);
    free(url);
    source_server_stop(&other);
}

static void a_url_that_is_none_is_refused(void **state)
{
    struct fixture *f = *state;
    refused(f, fetch_url(f, "http://"), "well-formed");
    refused(f, fetch_url(f, "ftp://example.org/" CANARY), "well-formed");
    refused(f, fetch_url(f, "http://me:" CANARY "@host:port/"), "well-formed");
}

/* ---- Proxies ---- */

struct variables {
    const char *name;
    const char *value;
};

static const char *variable(void *ctx, const char *name)
{
    for (const struct variables *v = ctx; v->name != NULL; v++) {
        if (strcmp(v->name, name) == 0)
            return v->value;
    }
    return NULL;
}

static void proxies_are_taken_from_settings_and_variables(void **state)
{
    struct fixture *f = *state;
    /* The proxy answers by the name of the file, whatever the host. */
    const char *url = "http://no-such-host.invalid/data.csv";
    f->options.tries = 1;
    f->options.proxy = f->server.url;
    fetch_url(f, url);
    got_data(f);
    assert_true(source_server_saw(&f->server, 0, "GET http://no-such-host.invalid/data.csv"));
    f->options.proxy = NULL;
    struct variables v[3] = {{"http_proxy", f->server.url}, {NULL, NULL}, {NULL, NULL}};
    f->options.setting = variable;
    f->options.setting_ctx = v;
    fetch_url(f, url);
    got_data(f);
    v[0].name = "ALL_PROXY";
    fetch_url(f, url);
    got_data(f);
    source_server_forget(&f->server);
    v[1] = (struct variables){"no_proxy", ".invalid"};
    refused(f, fetch_url(f, url), "resolve");
    v[1].name = NULL;
    /* Set by a header of a request where this runs below a web server: not believed. */
    v[0].name = "HTTP_PROXY";
    refused(f, fetch_url(f, url), "resolve");
    assert_int_equal(source_server_count(&f->server), 0);
}

static void a_bad_proxy_does_not_show_its_password(void **state)
{
    struct fixture *f = *state;
    static const char *const proxies[] = {"gopher://me:" CANARY "@localhost:1",
                                          "http://me:" CANARY "@[::1",
                                          "http://me:" CANARY "@no-such-host.invalid:80"};
    f->options.tries = 1;
    for (size_t i = 0; i < 3; i++) {
        f->options.proxy = proxies[i];
        refused(f, fetch(f, "/data.csv"), "proxy");
        assert_null(strstr(f->err.text, CANARY));
    }
}

/* ---- TLS ---- */

/* Make a throw-away authority and a certificate of it for 127.0.0.1; false without openssl. */
static bool make_certificates(const char *folder)
{
    char *command = mem_printf(
        "exec >/dev/null 2>&1 && cd '%s' && "
        "printf 'subjectAltName=IP:127.0.0.1' > ext && "
        "openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 2 "
        "-subj /CN=throw-away && "
        "openssl req -newkey rsa:2048 -nodes -keyout key.pem -out csr.pem -subj /CN=127.0.0.1 && "
        "openssl x509 -req -in csr.pem -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 "
        "-extfile ext -out cert.pem",
        folder);
    int status = system(command);
    free(command);
    return status == 0;
}

static void tls_is_verified_and_not_left(void **state)
{
    struct fixture *f = *state;
    struct source_server secure;
    if (!make_certificates(f->folder)) {
        printf("skipped: there is no openssl to make certificates with\n");
        skip();
    }
    char *certificate = fs_join(f->folder, "cert.pem");
    char *key = fs_join(f->folder, "key.pem");
    char *ca = fs_join(f->folder, "ca.pem");
    source_server_start(&secure,
                        &(struct source_server_options){.certificate = certificate, .key = key});
    source_server_put(&secure, "data.csv", f->bytes, SIZE);
    char *url = mem_printf("%s/data.csv", secure.url);
    refused(f, fetch_url(f, url), "certificate is not trusted");
    assert_non_null(strstr(f->err.text, "ca_bundle"));
    assert_int_equal(f->result.requests, 1);
    f->options.ca_file = ca;
    fetch_url(f, url);
    got_data(f);
    free(url);
    url = mem_printf("%s/a?status=302&to=%s/data.csv", secure.url, f->server.url);
    refused(f, fetch_url(f, url), "not encrypted");
    assert_int_equal(source_server_count(&f->server), 0);
    free(url);
    /* The other way is none down. */
    url = mem_printf("%s/a?status=302&to=%s/data.csv", f->server.url, secure.url);
    fetch_url(f, url);
    got_data(f);
    f->options.ca_file = "absent.pem";
    refused(f, fetch_url(f, url), "absent.pem");
    free(url);
    free(certificate);
    free(key);
    free(ca);
    source_server_stop(&secure);
}

static int start_server(void **state)
{
    (void)state;
    source_server_start(&main_server, NULL);
    return 0;
}

static int stop_server(void **state)
{
    (void)state;
    source_server_stop(&main_server);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {
        TEST(a_file_arrives_with_its_digest_and_validators),
        TEST(an_empty_file_is_a_file),
        TEST(an_old_file_is_replaced),
        TEST(not_modified_costs_one_request),
        TEST(not_modified_by_date_costs_one_request),
        TEST(what_changed_is_downloaded),
        TEST(not_modified_unasked_is_no_answer),
        TEST(a_date_too_young_is_not_kept),
        TEST(a_compressed_transfer_is_decoded),
        TEST(what_marks_its_end_is_told_from_what_does_not),
        TEST(a_slow_server_is_waited_for),
        TEST(a_server_that_stalls_is_given_up),
        TEST(a_broken_download_goes_on_where_it_stopped),
        TEST(progress_begins_a_new_count_of_tries),
        TEST(little_progress_does_not),
        TEST(without_a_strong_tag_it_begins_again),
        TEST(a_compressed_transfer_begins_again),
        TEST(a_file_that_changed_meanwhile_is_taken_whole),
        TEST(a_server_without_ranges_sends_it_whole),
        TEST(another_part_than_asked_for_is_not_taken),
        TEST(a_part_that_is_refused_is_not_asked_for_again),
        TEST(a_body_cut_short_is_noticed),
        TEST(what_may_pass_is_repeated),
        TEST(conditions_are_kept_when_it_is_repeated),
        TEST(repetition_has_an_end),
        TEST(what_does_not_pass_is_not_repeated),
        TEST(retry_after_is_heeded),
        TEST(retry_after_beyond_the_time_out_ends_it),
        TEST(no_connection_is_repeated_and_told),
        TEST(a_signal_ends_it_between_tries),
        TEST(a_signal_ends_it_on_the_way),
        TEST(progress_is_told),
        TEST(a_file_beyond_the_limit_is_refused_by_its_length),
        TEST(a_body_beyond_the_limit_is_cut_off),
        TEST(a_file_that_cannot_be_written_is_told),
        TEST(redirects_are_followed),
        TEST(redirects_have_an_end),
        TEST(a_redirect_without_a_target_is_no_answer),
        TEST(headers_and_credentials_stay_with_their_host),
        TEST(a_foreign_host_that_wants_credentials_is_named),
        TEST(user_and_password_are_sent),
        TEST(metadata_and_link_local_addresses_are_refused),
        TEST(a_refused_address_may_be_allowed),
        TEST(a_redirect_from_elsewhere_does_not_lead_to_this_machine),
        TEST(a_url_that_is_none_is_refused),
        TEST(proxies_are_taken_from_settings_and_variables),
        TEST(a_bad_proxy_does_not_show_its_password),
        TEST(tls_is_verified_and_not_left),
    };
    return cmocka_run_group_tests(tests, start_server, stop_server);
}
