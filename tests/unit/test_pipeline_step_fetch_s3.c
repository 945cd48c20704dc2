/*
 * Runs whose source is in a bucket of a real server: Ceph's gateway, where it can be brought up. The
 * settings of the store are those of the environment, as for every run without a command line.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "derived/index/state.h"
#include "support/s3_server.h"
#include "support/scenario.h"
#include "util/fs.h"
#include "util/mem.h"

#define HEAD "series,day,value\n"
#define FIRST HEAD "a,2026-01-01,1\nb,2026-01-02,2\n"
#define SECOND FIRST "c,2026-02-01,3\n"
#define COLUMNS                                                                    \
    "columns: [{name: series, type: text}, {name: day, type: date}, {name: value," \
    " type: bigint}]\nkey: [series, day]\npartition: {column: day, by: month}\n"

static struct s3_server server;
static struct store *bucket;

struct fixture {
    struct scenario s;
    struct store *store;
};

static void put(const char *key, const char *text)
{
    struct error err = ERROR_INIT;
    struct store_body body = store_body_bytes(text, strlen(text));
    if (store_remove(bucket, key, &err) != ERR_OK ||
        store_put_new(bucket, key, &body, NULL, &err) != ERR_OK)
        fail_msg("%s", err.text);
}

static int remove_entry(void *ctx, const struct store_entry *entry, struct error *err)
{
    (void)ctx;
    return store_remove(bucket, entry->key, err);
}

static int set_up(void **state)
{
    struct fixture *f = mem_calloc(1, sizeof *f);
    scenario_open(&f->s, COLUMNS);
    f->store = scenario_memory();
    assert_int_equal(store_list(bucket, "in/", remove_entry, NULL, NULL), ERR_OK);
    put("in/rates.csv", FIRST);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    const char *secret = s3_test_get(&server.settings, "AWS_SECRET_ACCESS_KEY");
    assert_null(strstr(f->s.log.data, secret));
    assert_null(strstr(f->s.err.text, secret));
    assert_int_equal(scenario_scratch_count(&f->s), 0);
    store_free(f->store);
    scenario_close(&f->s);
    free(f);
    return 0;
}

static void name_source(struct fixture *f, const char *url)
{
    struct error err = ERROR_INIT;
    if (config_set_source(&f->s.config, url, &err) != ERR_OK)
        fail_msg("%s", err.text);
}

static void run_gives(struct fixture *f, enum run_outcome outcome)
{
    if (scenario_run(&f->s, f->store) != ERR_OK)
        fail_msg("%s", f->s.err.text);
    assert_string_equal(run_outcome_name(f->s.report.outcome), run_outcome_name(outcome));
}

static void run_fails(struct fixture *f, const char *words)
{
    assert_int_equal(scenario_run(&f->s, f->store), ERR_SOURCE);
    if (strstr(f->s.err.text, words) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", f->s.err.text, words);
    assert_non_null(strstr(f->s.err.text, "Nothing was published"));
}

/* Requests of the last run to the server, as the log has them: the dataset's own store makes none. */
static size_t requests(const struct fixture *f, const char *method)
{
    size_t count = 0;
    char *words = mem_printf("method=%s", method);
    for (const char *p = f->s.log.data; (p = strstr(p, words)) != NULL; p++)
        count++;
    free(words);
    return count;
}

static void an_object_is_published_with_its_tag(void **state)
{
    struct fixture *f = *state;
    struct index_state index = {0};
    name_source(f, "s3://sources/in/rates.csv");
    run_gives(f, RUN_PUBLISHED);
    assert_int_equal(f->s.report.delta.rows_new, 2);
    assert_int_equal(f->s.report.source_bytes, strlen(FIRST));
    assert_int_equal(index_read(f->store, &index, NULL), ERR_OK);
    assert_non_null(index.source.etag);
    assert_string_equal(index.source.url, "s3://sources/in/rates.csv");
    index_release(&index);
}

static void an_unchanged_object_is_not_downloaded(void **state)
{
    struct fixture *f = *state;
    name_source(f, "s3://sources/in/rates.csv");
    run_gives(f, RUN_PUBLISHED);
    assert_int_equal(requests(f, "HEAD"), 1);
    assert_int_equal(requests(f, "GET"), 1);
    run_gives(f, RUN_UNCHANGED);
    assert_int_equal(f->s.report.source_bytes, strlen(FIRST));
    assert_int_equal(requests(f, "HEAD"), 1);
    assert_int_equal(requests(f, ""), 1);
    put("in/rates.csv", SECOND);
    run_gives(f, RUN_PUBLISHED);
    assert_int_equal(f->s.report.delta.rows_new, 1);
    run_gives(f, RUN_UNCHANGED);
}

static void a_pattern_names_objects_of_one_folder(void **state)
{
    struct fixture *f = *state;
    put("in/b.csv", HEAD "a,2026-01-01,9\n");
    put("in/.hidden.csv", "no table");
    put("in/rates.txt", "no table");
    put("in/deeper/c.csv", "no table");
    name_source(f, "s3://sources/in/*.csv");
    run_gives(f, RUN_PUBLISHED);
    assert_int_equal(f->s.report.load.rows_read, 3);
    /* Byte order of the keys: "b.csv" comes first, and the later row of its key wins. */
    assert_int_equal(f->s.report.load.rows_duplicate, 1);
    run_gives(f, RUN_UNCHANGED);
    put("in/z.csv", HEAD "z,2026-01-01,9\n");
    run_gives(f, RUN_PUBLISHED);
    assert_int_equal(f->s.report.delta.rows_new, 1);
}

static void what_is_not_there_is_told(void **state)
{
    struct fixture *f = *state;
    name_source(f, "s3://sources/in/absent.csv");
    run_fails(f, "s3://sources/in/absent.csv does not exist");
    name_source(f, "s3://sources/absent/*.csv");
    run_fails(f, "no object matches the source s3://sources/absent/*.csv");
    name_source(f, "s3://no-such-bucket-here/rates.csv");
    run_fails(f, "s3://no-such-bucket-here/rates.csv");
}

static void an_object_beyond_the_limit_is_not_downloaded(void **state)
{
    struct fixture *f = *state;
    scenario_reconfigure(&f->s,
                         COLUMNS "source: {url: \"s3://sources/in/rates.csv\", max_bytes: 10 B}\n");
    run_fails(f, "max_bytes");
    scenario_reconfigure(&f->s,
                         COLUMNS "source: {url: \"s3://sources/in/*.csv\", max_bytes: 10 B}\n");
    run_fails(f, "max_bytes");
}

static void files_and_objects_mix(void **state)
{
    struct fixture *f = *state;
    char *path = fs_join(f->s.folder, "local.csv");
    assert_int_equal(fs_write(path, HEAD "a,2026-01-01,5\n", strlen(HEAD) + 15, NULL), ERR_OK);
    scenario_reconfigure(&f->s, COLUMNS "source: {url: [\"s3://sources/in/*.csv\", local.csv]}\n");
    run_gives(f, RUN_PUBLISHED);
    assert_int_equal(f->s.report.delta.rows_new, 2);
    assert_int_equal(f->s.report.load.rows_duplicate, 1);
    run_gives(f, RUN_UNCHANGED);
    free(path);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    if (!s3_server_start(&server))
        return 77;
    s3_server_make_bucket(&server, "sources");
    for (size_t i = 0; i < S3_SETTINGS_MAX && server.settings.names[i] != NULL; i++)
        setenv(server.settings.names[i], server.settings.values[i], 1);
    bucket = s3_server_open(&server, "s3://sources", false);
    const struct CMUnitTest tests[] = {
        TEST(an_object_is_published_with_its_tag),
        TEST(an_unchanged_object_is_not_downloaded),
        TEST(a_pattern_names_objects_of_one_folder),
        TEST(what_is_not_there_is_told),
        TEST(an_object_beyond_the_limit_is_not_downloaded),
        TEST(files_and_objects_mix),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    store_free(bucket);
    s3_server_stop(&server);
    return failed;
}
