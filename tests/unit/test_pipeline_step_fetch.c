/*
 * Runs whose source is on a web server: what a run costs, what is noticed, what is published. Secrets
 * of URL and headers are canaries, which show nowhere.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utime.h>
#include <cmocka.h>

#include "derived/index/state.h"
#include "support/scenario.h"
#include "support/source_server.h"
#include "util/fs.h"
#include "util/mem.h"
#include "util/time.h"

#define CANARY "canary-0123456789"
#define HEAD "series,day,value\n"
#define FIRST HEAD "a,2026-01-01,1\nb,2026-01-02,2\n"
#define SECOND FIRST "c,2026-02-01,3\n"
#define COLUMNS                                                                    \
    "columns: [{name: series, type: text}, {name: day, type: date}, {name: value," \
    " type: bigint}]\nkey: [series, day]\npartition: {column: day, by: month}\n"

static struct source_server server;

struct fixture {
    struct scenario s;
    struct store *store;
};

static int64_t real_monotonic(void *ctx)
{
    static int64_t now;
    (void)ctx;
    return now += 1000;
}

static void no_sleep(void *ctx, int64_t microseconds)
{
    (void)ctx;
    (void)microseconds;
}

static int set_up(void **state)
{
    static const struct time_source clock = {.monotonic = real_monotonic, .sleep = no_sleep};
    struct fixture *f = mem_calloc(1, sizeof *f);
    scenario_open(&f->s, COLUMNS);
    f->store = scenario_memory();
    source_server_forget(&server);
    source_server_put(&server, "rates.csv", FIRST, strlen(FIRST));
    time_replace(&clock);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    assert_null(strstr(f->s.log.data, CANARY));
    assert_null(strstr(f->s.err.text, CANARY));
    assert_int_equal(scenario_scratch_count(&f->s), 0);
    time_replace(NULL);
    store_free(f->store);
    scenario_close(&f->s);
    free(f);
    return 0;
}

/* ---- Runs ---- */

/* Configure the source: its YAML, in which %s (once) is the URL of the server. */
static void configure(struct fixture *f, const char *before, const char *after)
{
    char *yaml = mem_printf("%s%s%s%s", COLUMNS, before, server.url, after);
    scenario_reconfigure(&f->s, yaml);
    free(yaml);
}

/* Set the source as the command line does. */
static void name_source(struct fixture *f, const char *path)
{
    struct error err = ERROR_INIT;
    char *url = mem_printf("%s%s", server.url, path);
    if (config_set_source(&f->s.config, url, &err) != ERR_OK)
        fail_msg("%s", err.text);
    free(url);
}

/* Run; the outcome, and how many requests the server saw. */
static void run_gives(struct fixture *f, enum run_outcome outcome, size_t requests)
{
    source_server_forget(&server);
    int rc = scenario_run(&f->s, f->store);
    if (rc != ERR_OK)
        fail_msg("%s", f->s.err.text);
    assert_string_equal(run_outcome_name(f->s.report.outcome), run_outcome_name(outcome));
    assert_int_equal(source_server_count(&server), requests);
}

static void run_fails(struct fixture *f, const char *words)
{
    source_server_forget(&server);
    assert_int_equal(scenario_run(&f->s, f->store), ERR_SOURCE);
    if (strstr(f->s.err.text, words) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", f->s.err.text, words);
    assert_non_null(strstr(f->s.err.text, "Nothing was published"));
    assert_int_equal(f->s.report.outcome, RUN_FAILED);
}

static void put(const char *text)
{
    source_server_put(&server, "rates.csv", text, strlen(text));
}

/* The newest manifest's source, and that of the index. */
static void sources(struct fixture *f, struct base *base, struct index_state *index)
{
    struct error err = ERROR_INIT;
    if (base_read(f->store, SCENARIO_DATASET, base, &err) != ERR_OK ||
        index_read(f->store, index, &err) != ERR_OK)
        fail_msg("%s", err.text);
}

/* ---- Conditions ---- */

static void a_web_source_is_published_with_its_identity(void **state)
{
    struct fixture *f = *state;
    struct base base;
    struct index_state index = {0};
    char sha256[SHA256_HEX_SIZE];
    name_source(f, "/rates.csv");
    run_gives(f, RUN_PUBLISHED, 1);
    assert_int_equal(f->s.report.delta.rows_new, 2);
    assert_int_equal(f->s.report.source_bytes, strlen(FIRST));
    sources(f, &base, &index);
    sha256_hex(FIRST, strlen(FIRST), sha256);
    const struct manifest_source *both[] = {&base.manifest.source, &index.source};
    for (size_t i = 0; i < 2; i++) {
        assert_string_equal(both[i]->sha256, sha256);
        assert_int_equal(both[i]->size, strlen(FIRST));
        assert_non_null(strstr(both[i]->url, "/rates.csv"));
        assert_int_equal(both[i]->etag[0], '"');
        assert_non_null(strstr(both[i]->last_modified, "GMT"));
    }
    base_release(&base);
    index_release(&index);
}

static void an_unchanged_source_costs_one_request(void **state)
{
    struct fixture *f = *state;
    name_source(f, "/rates.csv");
    run_gives(f, RUN_PUBLISHED, 1);
    run_gives(f, RUN_UNCHANGED, 1);
    assert_true(source_server_saw(&server, 0, "If-None-Match: \""));
    assert_true(source_server_saw(&server, 0, "If-Modified-Since: "));
    assert_true(scenario_logged(&f->s, "the source has not changed"));
    assert_int_equal(f->s.report.source_bytes, strlen(FIRST));
    /* Also for who only asks. */
    f->s.options.dry_run = true;
    run_gives(f, RUN_UNCHANGED, 1);
}

static void a_changed_source_costs_one_request(void **state)
{
    struct fixture *f = *state;
    name_source(f, "/rates.csv");
    run_gives(f, RUN_PUBLISHED, 1);
    put(SECOND);
    run_gives(f, RUN_PUBLISHED, 1);
    assert_int_equal(f->s.report.delta.rows_new, 1);
    run_gives(f, RUN_UNCHANGED, 1);
}

static void the_same_bytes_are_unchanged_without_validators(void **state)
{
    struct fixture *f = *state;
    name_source(f, "/rates.csv?etag=none&date=none");
    run_gives(f, RUN_PUBLISHED, 1);
    run_gives(f, RUN_UNCHANGED, 1);
    assert_false(source_server_saw(&server, 0, "\nIf-"));
}

static void a_new_tag_of_the_same_bytes_is_learned(void **state)
{
    struct fixture *f = *state;
    struct base base;
    struct index_state index = {0};
    name_source(f, "/rates.csv?etag=new");
    run_gives(f, RUN_PUBLISHED, 1);
    source_server_forget(&server);
    /* Its second answer has another tag; the run after it asks by that one. */
    char *other = mem_printf("%s/rates.csv?etag=new&fail=500", server.url);
    assert_int_equal(config_set_source(&f->s.config, other, NULL), ERR_OK);
    free(other);
    run_gives(f, RUN_UNCHANGED, 2);
    sources(f, &base, &index);
    assert_string_not_equal(index.source.etag, base.manifest.source.etag);
    assert_non_null(strstr(index.source.url, "fail=500"));
    base_release(&base);
    index_release(&index);
}

static void another_url_is_asked_without_conditions(void **state)
{
    struct fixture *f = *state;
    name_source(f, "/rates.csv");
    run_gives(f, RUN_PUBLISHED, 1);
    name_source(f, "/rates.csv?x=2");
    run_gives(f, RUN_UNCHANGED, 1);
    assert_false(source_server_saw(&server, 0, "\nIf-"));
    /* What it is called now was learned: the next run asks. */
    run_gives(f, RUN_UNCHANGED, 1);
    assert_true(source_server_saw(&server, 0, "\nIf-None-Match: "));
}

static void another_recipe_is_asked_without_conditions(void **state)
{
    struct fixture *f = *state;
    configure(f, "source: {url: ", "/rates.csv}\n");
    run_gives(f, RUN_PUBLISHED, 1);
    configure(f, "source: {url: ", "/rates.csv, nulls: [none]}\n");
    run_gives(f, RUN_NO_NEW_ROWS, 1);
    assert_false(source_server_saw(&server, 0, "\nIf-"));
    run_gives(f, RUN_UNCHANGED, 1);
    assert_true(source_server_saw(&server, 0, "\nIf-None-Match: "));
}

static void force_reads_the_source_again(void **state)
{
    struct fixture *f = *state;
    name_source(f, "/rates.csv");
    run_gives(f, RUN_PUBLISHED, 1);
    f->s.options.force = true;
    run_gives(f, RUN_NO_NEW_ROWS, 1);
    assert_false(source_server_saw(&server, 0, "\nIf-"));
}

static void make_old(void)
{
    char *path = fs_join(server.folder, "rates.csv");
    const struct utimbuf times = {1700000000, 1700000000};
    assert_int_equal(utime(path, &times), 0);
    free(path);
}

static void a_date_is_enough_where_there_is_no_tag(void **state)
{
    struct fixture *f = *state;
    make_old();
    name_source(f, "/rates.csv?etag=none");
    run_gives(f, RUN_PUBLISHED, 1);
    run_gives(f, RUN_UNCHANGED, 1);
    assert_true(source_server_saw(&server, 0, "\nIf-Modified-Since: "));
    assert_true(scenario_logged(&f->s, "the source has not changed"));
}

/* A date says nothing of another thing, and what is hidden may ask for one. */
static void a_date_is_not_trusted_where_the_request_is_not_recorded_whole(void **state)
{
    struct fixture *f = *state;
    static const char *const sources_with_more[] = {
        "/rates.csv?etag=none&token=" CANARY "}\n",
        "/rates.csv?etag=none, headers: {X-Part: north}}\n"};
    make_old();
    for (size_t i = 0; i < 2; i++) {
        configure(f, "source: {url: ", sources_with_more[i]);
        source_server_forget(&server);
        assert_int_equal(scenario_run(&f->s, f->store), ERR_OK);
        run_gives(f, RUN_UNCHANGED, 1);
        assert_false(source_server_saw(&server, 0, "\nIf-"));
    }
}

/* ---- Several, and limits ---- */

static void several_sources_are_one_in_their_order(void **state)
{
    struct fixture *f = *state;
    struct base base;
    struct index_state index = {0};
    static const char middle[] = HEAD "a,2026-01-01,7\n";
    char *path = fs_join(f->s.folder, "middle.csv");
    assert_int_equal(fs_write(path, middle, strlen(middle), NULL), ERR_OK);
    source_server_put(&server, "last.csv", HEAD "a,2026-01-01,9\n", strlen(HEAD) + 15);
    char *yaml =
        mem_printf("source: {url: [\"%s\", %s/rates.csv, \"%s\", ", path, server.url, path);
    configure(f, yaml, "/last.csv]}\n");
    run_gives(f, RUN_PUBLISHED, 2);
    assert_int_equal(f->s.report.delta.rows_new, 2);
    assert_int_equal(f->s.report.load.rows_duplicate, 3);
    /* The last row of a key wins: their order is that of the configuration. */
    sources(f, &base, &index);
    assert_null(base.manifest.source.etag);
    assert_null(base.manifest.source.last_modified);
    assert_int_equal(base.manifest.source.size,
                     strlen(FIRST) + 2 * strlen(middle) + strlen(HEAD) + 15);
    base_release(&base);
    index_release(&index);
    run_gives(f, RUN_UNCHANGED, 2);
    source_server_put(&server, "last.csv", HEAD "a,2026-01-01,8\n", strlen(HEAD) + 15);
    run_gives(f, RUN_PUBLISHED, 2);
    assert_int_equal(f->s.report.delta.rows_revised, 1);
    /* That one is not last: nothing comes of it. */
    assert_int_equal(fs_write(path, HEAD "a,2026-01-01,5\n", strlen(middle), NULL), ERR_OK);
    run_gives(f, RUN_NO_NEW_ROWS, 2);
    free(yaml);
    free(path);
}

static void a_local_file_that_is_missing_is_noticed_before_a_download(void **state)
{
    struct fixture *f = *state;
    configure(f, "source: {url: [absent.csv, ", "/rates.csv]}\n");
    source_server_forget(&server);
    assert_int_equal(scenario_run(&f->s, f->store), ERR_SOURCE);
    assert_int_equal(source_server_count(&server), 0);
}

static void the_limit_is_that_of_all_files(void **state)
{
    struct fixture *f = *state;
    char *after = mem_printf("/rates.csv], max_bytes: %zu B}\n", 2 * strlen(FIRST) - 1);
    char *before = mem_printf("source: {url: [%s/rates.csv, ", server.url);
    configure(f, before, after);
    run_fails(f, "max_bytes");
    free(after);
    after = mem_printf("/rates.csv], max_bytes: %zu B}\n", 2 * strlen(FIRST));
    configure(f, before, after);
    run_gives(f, RUN_PUBLISHED, 2);
    free(after);
    free(before);
}

static void the_limit_holds_for_local_files(void **state)
{
    struct fixture *f = *state;
    char *path = fs_join(f->s.folder, "local.csv");
    assert_int_equal(fs_write(path, FIRST, strlen(FIRST), NULL), ERR_OK);
    scenario_reconfigure(&f->s, COLUMNS "source: {url: local.csv, max_bytes: 10 B}\n");
    assert_int_equal(scenario_run(&f->s, f->store), ERR_SOURCE);
    assert_non_null(strstr(f->s.err.text, "max_bytes"));
    free(path);
}

/* ---- Faults ---- */

static void a_broken_download_is_resumed_and_published(void **state)
{
    struct fixture *f = *state;
    name_source(f, "/rates.csv?cut=30");
    run_gives(f, RUN_PUBLISHED, 2);
    assert_true(source_server_saw(&server, 1, "\nRange: bytes=30-"));
    assert_int_equal(f->s.report.delta.rows_new, 2);
}

static void a_source_without_a_marked_end_is_warned_of(void **state)
{
    struct fixture *f = *state;
    name_source(f, "/rates.csv?length=none");
    run_gives(f, RUN_PUBLISHED, 1);
    assert_int_equal(f->s.report.warning_count, 1);
    assert_non_null(strstr(f->s.report.warnings[0], "does not mark where it ends"));
    run_gives(f, RUN_UNCHANGED, 1);
    assert_int_equal(f->s.report.warning_count, 0);
}

static void a_source_cut_short_is_not_published(void **state)
{
    struct fixture *f = *state;
    name_source(f, "/rates.csv?cut=30&cuts=99&etag=none");
    run_fails(f, "cannot be downloaded");
    put(SECOND);
    name_source(f, "/rates.csv");
    run_gives(f, RUN_PUBLISHED, 1);
    assert_int_equal(f->s.report.version.sequence, 1);
}

static void a_server_that_refuses_is_told_with_its_status(void **state)
{
    struct fixture *f = *state;
    name_source(f, "/absent.csv");
    run_fails(f, "status 404");
    assert_int_equal(source_server_count(&server), 1);
}

static void a_failure_does_not_forget_the_source(void **state)
{
    struct fixture *f = *state;
    name_source(f, "/rates.csv");
    run_gives(f, RUN_PUBLISHED, 1);
    name_source(f, "/rates.csv?status=403");
    run_fails(f, "status 403");
    name_source(f, "/rates.csv");
    run_gives(f, RUN_UNCHANGED, 1);
    assert_true(source_server_saw(&server, 0, "\nIf-None-Match: "));
}

static void compressed_files_and_transfers_are_read(void **state)
{
    struct fixture *f = *state;
    name_source(f, "/rates.csv?gzip=1");
    run_gives(f, RUN_PUBLISHED, 1);
    assert_int_equal(f->s.report.source_bytes, strlen(FIRST));
    char *command = mem_printf("gzip -k -f '%s/rates.csv'", server.folder);
    assert_int_equal(system(command), 0);
    free(command);
    name_source(f, "/rates.csv.gz");
    run_gives(f, RUN_NO_NEW_ROWS, 1);
    assert_int_equal(f->s.report.load.rows_read, 2);
}

/* ---- Secrets ---- */

static int no_canary(void *ctx, const struct store_entry *entry, struct error *err)
{
    struct str body;
    str_init(&body, (size_t)1 << 24);
    int rc = store_get(ctx, entry->key, &body, NULL, err);
    assert_null(memmem(body.data, body.len, CANARY, strlen(CANARY)));
    str_release(&body);
    return rc;
}

static void secrets_are_sent_and_show_nowhere(void **state)
{
    struct fixture *f = *state;
    const char *host = strstr(server.url, "//") + 2;
    setenv("FEED_PASSWORD", CANARY, 1);
    setenv("FEED_TOKEN", CANARY "-token", 1);
    char *yaml = mem_printf(
        COLUMNS "source: {url: \"http://me:${FEED_PASSWORD}@%s/rates.csv?token=${FEED_TOKEN}\", "
                "headers: {Authorization: \"Bearer ${FEED_TOKEN}\"}}\n",
        host);
    scenario_reconfigure(&f->s, yaml);
    run_gives(f, RUN_PUBLISHED, 1);
    assert_true(source_server_saw(&server, 0, "Authorization: Bearer " CANARY "-token"));
    assert_true(source_server_saw(&server, 0, "token=" CANARY));
    run_gives(f, RUN_UNCHANGED, 1);
    assert_null(strstr(f->s.report.source, CANARY));
    assert_int_equal(store_list(f->store, "", no_canary, f->store, NULL), ERR_OK);
    free(yaml);
    yaml = mem_printf(COLUMNS
                      "source: \"http://me:${FEED_PASSWORD}@%s/absent.csv?token=${FEED_TOKEN}\""
                      "\n",
                      host);
    scenario_reconfigure(&f->s, yaml);
    run_fails(f, "http://***@");
    free(yaml);
}

static void a_metadata_address_is_refused(void **state)
{
    struct fixture *f = *state;
    scenario_reconfigure(&f->s, COLUMNS "source: {url: \"http://169.254.169.254/x.csv\"}\n");
    run_fails(f, "allow_private");
}

static int start_server(void **state)
{
    (void)state;
    source_server_start(&server, NULL);
    return 0;
}

static int stop_server(void **state)
{
    (void)state;
    source_server_stop(&server);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_web_source_is_published_with_its_identity),
        TEST(an_unchanged_source_costs_one_request),
        TEST(a_changed_source_costs_one_request),
        TEST(the_same_bytes_are_unchanged_without_validators),
        TEST(a_new_tag_of_the_same_bytes_is_learned),
        TEST(another_url_is_asked_without_conditions),
        TEST(another_recipe_is_asked_without_conditions),
        TEST(force_reads_the_source_again),
        TEST(a_date_is_enough_where_there_is_no_tag),
        TEST(a_date_is_not_trusted_where_the_request_is_not_recorded_whole),
        TEST(several_sources_are_one_in_their_order),
        TEST(a_local_file_that_is_missing_is_noticed_before_a_download),
        TEST(the_limit_is_that_of_all_files),
        TEST(the_limit_holds_for_local_files),
        TEST(a_broken_download_is_resumed_and_published),
        TEST(a_source_without_a_marked_end_is_warned_of),
        TEST(a_source_cut_short_is_not_published),
        TEST(a_server_that_refuses_is_told_with_its_status),
        TEST(a_failure_does_not_forget_the_source),
        TEST(compressed_files_and_transfers_are_read),
        TEST(secrets_are_sent_and_show_nowhere),
        TEST(a_metadata_address_is_refused),
    };
    return cmocka_run_group_tests(tests, start_server, stop_server);
}
