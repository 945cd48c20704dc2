#include "engine/engine.h"

#include <errno.h>
#include <linux/landlock.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "engine/sql.h"
#include "support/temp_engine.h"
#include "support/temp_folder.h"
#include "util/fs.h"
#include "util/mem.h"
#include "util/stop.h"
#include "util/time.h"

struct fixture {
    char *root;   /* the world */
    char *folder; /* below it: all the engine may touch */
    struct engine *engine;
    struct error err;
};

static int set_up(void **state)
{
    struct fixture *f = mem_calloc(1, sizeof *f);
    f->root = temp_folder_new();
    f->folder = fs_join(f->root, "folder");
    assert_int_equal(fs_make_folders(f->folder, false, NULL), ERR_OK);
    f->engine = temp_engine_new(f->folder, 2);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    stop_on_request(NULL, NULL);
    stop_clear();
    engine_free(f->engine);
    temp_folder_free(f->root);
    free(f->folder);
    free(f);
    return 0;
}

static void run(struct fixture *f, const char *sql)
{
    error_clear(&f->err);
    int rc = engine_run(f->engine, sql, &f->err);
    assert_string_equal(f->err.text, "");
    assert_int_equal(rc, ERR_OK);
}

static void check_failure(struct fixture *f, int rc, int code, const char *words)
{
    assert_int_equal(rc, code);
    assert_int_equal(f->err.code, code);
    if (strstr(f->err.text, words) == NULL)
        fail_msg("\"%s\" is not in: %s", words, f->err.text);
    error_clear(&f->err);
}

/* ---- opening ---- */

static void the_version_is_known_without_a_database(void **state)
{
    (void)state;
    char *version = NULL;
    struct error err = ERROR_INIT;
    assert_int_equal(engine_version(getenv("CAUCE_LIBDUCKDB"), &version, &err), ERR_OK);
    assert_true(version[0] == 'v' && strchr(version, '.') != NULL);
    free(version);
}

static void settings_are_those_asked_for(void **state)
{
    struct fixture *f = *state;
    static const char *const settings[][2] = {
        {"memory_limit", "512.0 MiB"},
        {"threads", "2"},
        {"TimeZone", "UTC"},
        {"autoload_known_extensions", "false"},
        {"lock_configuration", "true"},
        {"autoinstall_known_extensions", "false"},
        {"enable_external_access", "false"},
        {"allow_community_extensions", "false"},
        {"enable_external_file_cache", "false"},
    };
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
        char *value = NULL;
        char *sql = mem_printf("SELECT CAST(current_setting('%s') AS VARCHAR)", settings[i][0]);
        assert_int_equal(engine_text(f->engine, sql, &value, &f->err), ERR_OK);
        assert_string_equal(value, settings[i][1]);
        free(value);
        free(sql);
    }
}

static void a_bad_option_is_refused(void **state)
{
    struct fixture *f = *state;
    struct engine *e = (struct engine *)f;
    struct engine_options o = {
        .library = getenv("CAUCE_LIBDUCKDB"), .workdir = f->folder, .threads = UINT32_MAX};
    assert_int_equal(engine_open(&o, &e, &f->err), ERR_SYSTEM);
    assert_null(e);
    engine_free(NULL);
}

/* ---- bounds ---- */

/* Older kernels do not have it; DuckDB's own fence stands there as well. */
static bool has_landlock(void)
{
    return syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION) > 0;
}

static void what_lies_inside_can_be_read(void **state)
{
    struct fixture *f = *state;
    char *other = fs_join(f->root, "other");
    char *single = fs_join(f->root, "it's a file.csv");
    assert_int_equal(fs_make_folders(other, false, NULL), ERR_OK);
    assert_int_equal(fs_write(single, "a\n7\n", 4, NULL), ERR_OK);
    char *inside = fs_join(other, "y.csv");
    assert_int_equal(fs_write(inside, "a\n1\n", 4, NULL), ERR_OK);
    free(inside);
    const char *folders[] = {other};
    const char *files[] = {single};
    struct engine_options o = {.library = getenv("CAUCE_LIBDUCKDB"),
                               .workdir = f->folder,
                               .folders = folders,
                               .folder_count = 1,
                               .files = files,
                               .file_count = 1};
    struct engine *e = NULL;
    assert_int_equal(engine_open(&o, &e, &f->err), ERR_OK);
    uint64_t n = 0;
    assert_int_equal(engine_runf(e, &f->err, "COPY (SELECT 1 AS a) TO '%s/x.parquet'", f->folder),
                     ERR_OK);
    assert_int_equal(
        engine_runf(e, &f->err, "COPY (FROM read_csv('%s/y.csv')) TO '%s/y.csv'", other, f->folder),
        ERR_OK);
    if (has_landlock())
        check_failure(f, engine_runf(e, &f->err, "COPY (SELECT 1 AS a) TO '%s/z.csv'", other),
                      ERR_SYSTEM, "ermission denied");
    struct str sql;
    str_init(&sql, STR_MAX_DEFAULT);
    sql_printf(&sql, "SELECT a FROM read_csv(%t)", single);
    assert_int_equal(engine_count(e, sql.data, &n, &f->err), ERR_OK);
    assert_int_equal(n, 7);
    str_release(&sql);
    engine_free(e);
    free(single);
    free(other);
}

static void nothing_outside_can_be_read_or_written(void **state)
{
    struct fixture *f = *state;
    char *outside = fs_join(f->root, "outside.csv");
    assert_int_equal(fs_write(outside, "a\n1\n", 4, NULL), ERR_OK);
    static const char *const statements[] = {
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT * FROM read_blob('/etc/hostname')",
        "SELECT * FROM glob('/etc/*')",
        "SELECT * FROM read_csv('%s/outside.csv')",
        "SELECT * FROM read_csv('%s/folder/../outside.csv')",
        "SELECT * FROM read_csv('%s/folder/./../outside.csv')",
        "SELECT * FROM read_csv('file://%s/outside.csv')",
        "SELECT * FROM read_csv('%s/folder-beside/x.csv')",
        "SELECT * FROM read_csv('http://127.0.0.1:9/x.csv')",
        "SELECT * FROM read_parquet('s3://bucket/x.parquet')",
        "SELECT * FROM sniff_csv('%s/outside.csv')",
        "COPY (SELECT 1) TO '%s/stolen.csv'",
        "COPY (SELECT 1) TO '%s/folder/../stolen.csv'",
        "COPY (SELECT 1 AS a, 2 AS b) TO '%s/stolen' (FORMAT parquet, PARTITION_BY a)",
        "COPY (SELECT 1 AS a) TO '/dev/stdout' (FORMAT csv)",
        "EXPORT DATABASE '%s/stolen'",
        "IMPORT DATABASE '%s'",
        "ATTACH '%s/stolen.db'",
    };
    for (size_t i = 0; i < sizeof statements / sizeof statements[0]; i++) {
        int rc = engine_runf(f->engine, &f->err, statements[i], f->root);
        if (strstr(statements[i], "%s") == NULL)
            rc = engine_run(f->engine, statements[i], &f->err);
        if (rc != ERR_SYSTEM)
            fail_msg("%s: %d %s", statements[i], rc, f->err.text);
        if (strstr(f->err.text, "Permission Error") == NULL &&
            strstr(f->err.text, "disabled") == NULL && strstr(f->err.text, "extension") == NULL &&
            strstr(f->err.text, "does not exist") == NULL)
            fail_msg("%s: %s", statements[i], f->err.text);
    }
    static const char *const stolen[] = {"stolen.csv", "stolen", "stolen.db"};
    for (size_t i = 0; i < sizeof stolen / sizeof stolen[0]; i++) {
        char *path = fs_join(f->root, stolen[i]);
        assert_false(fs_exists(path));
        free(path);
    }
    free(outside);
}

static void nothing_can_be_loaded_or_set(void **state)
{
    struct fixture *f = *state;
    static const char *const statements[] = {
        "INSTALL httpfs",
        "LOAD httpfs",
        "LOAD '/tmp/evil.duckdb_extension'",
        "FORCE INSTALL httpfs",
        "SET enable_external_access = true",
        "SET memory_limit = '1TB'",
        "SET threads = 64",
        "SET temp_directory = '/tmp'",
        "SET allowed_directories = ['/']",
        "SET allowed_paths = ['/etc/passwd']",
        "SET lock_configuration = false",
        "SET TimeZone = 'Europe/Madrid'",
        "RESET memory_limit",
        "PRAGMA memory_limit = '1TB'",
        "SET SESSION preserve_insertion_order = false",
        "CREATE SECRET (TYPE s3, KEY_ID 'a', SECRET 'b')",
    };
    for (size_t i = 0; i < sizeof statements / sizeof statements[0]; i++) {
        int rc = engine_run(f->engine, statements[i], &f->err);
        if (rc != ERR_SYSTEM)
            fail_msg("%s: %d %s", statements[i], rc, f->err.text);
    }
    char *limit = NULL;
    assert_int_equal(
        engine_text(f->engine, "SELECT current_setting('memory_limit')", &limit, &f->err), ERR_OK);
    assert_string_equal(limit, "512.0 MiB");
    free(limit);
}

static void what_exceeds_memory_is_spilled_below_the_working_folder(void **state)
{
    struct fixture *f = *state;
    struct engine_options o = {.library = getenv("CAUCE_LIBDUCKDB"),
                               .workdir = f->folder,
                               .memory = (uint64_t)64 << 20,
                               .threads = 1};
    struct engine *e = NULL;
    char *spill = fs_join(f->folder, "spill");
    assert_int_equal(engine_open(&o, &e, &f->err), ERR_OK);
    assert_int_equal(engine_run(e,
                                "CREATE TEMP TABLE t AS SELECT i, md5(CAST(i AS VARCHAR)) AS h "
                                "FROM range(4000000) r(i)",
                                &f->err),
                     ERR_OK);
    assert_true(fs_exists(spill));
    uint64_t n = 0;
    assert_int_equal(engine_count(e, "SELECT count(*) FROM t WHERE length(h) = 32", &n, &f->err),
                     ERR_OK);
    assert_int_equal(n, 4000000);
    engine_free(e);
    free(spill);
}

static void too_little_memory_is_a_limit(void **state)
{
    struct fixture *f = *state;
    struct engine_options o = {.library = getenv("CAUCE_LIBDUCKDB"),
                               .workdir = f->folder,
                               .memory = (uint64_t)16 << 20,
                               .threads = 1};
    struct engine *e = NULL;
    assert_int_equal(engine_open(&o, &e, &f->err), ERR_OK);
    int rc = engine_run(e, "SELECT length(string_agg(repeat('x', 1000), '')) FROM range(100000)",
                        &f->err);
    check_failure(f, rc, ERR_LIMIT, "Raise `memory`");
    engine_free(e);
}

/* ---- queries ---- */

struct seen {
    uint64_t rows;
    uint64_t stop_at; /* row at which the visitor fails, 0: never */
    struct str text;
};

static int see(void *ctx, const struct engine_row *row, struct error *err)
{
    struct seen *s = ctx;
    s->rows++;
    if (s->rows == s->stop_at)
        return error_set(err, ERR_GATE, "The visitor has seen enough.");
    for (size_t i = 0; i < row->count; i++) {
        str_printf(&s->text, "%s=", row->names[i]);
        if (row->values[i] == NULL) {
            str_append(&s->text, "NULL");
            assert_int_equal(row->lengths[i], 0);
        } else {
            assert_int_equal(row->values[i][row->lengths[i]], '\0');
            str_append_bytes(&s->text, row->values[i], row->lengths[i]);
        }
        str_append_char(&s->text, i + 1 < row->count ? ' ' : '\n');
    }
    return ERR_OK;
}

static int count_rows(void *ctx, const struct engine_row *row, struct error *err)
{
    (void)row;
    struct seen *s = ctx;
    s->rows++;
    if (s->rows == s->stop_at)
        return error_set(err, ERR_GATE, "The visitor has seen enough.");
    return ERR_OK;
}

static void rows_come_in_order_with_names_and_nulls(void **state)
{
    struct fixture *f = *state;
    struct seen s = {0};
    str_init(&s.text, STR_MAX_DEFAULT);
    assert_int_equal(
        engine_query(f->engine,
                     "SELECT CAST(i AS VARCHAR) AS \"the i\", CASE WHEN i % 2 = 0 THEN "
                     "'a string longer than twelve bytes' END AS t, '' AS e "
                     "FROM range(3) r(i) ORDER BY i DESC",
                     see, &s, &f->err),
        ERR_OK);
    assert_string_equal(s.text.data, "the i=2 t=a string longer than twelve bytes e=\n"
                                     "the i=1 t=NULL e=\n"
                                     "the i=0 t=a string longer than twelve bytes e=\n");
    assert_int_equal(s.rows, 3);
    s.rows = 0;
    assert_int_equal(engine_query(f->engine, "SELECT 'x' WHERE false", see, &s, &f->err), ERR_OK);
    assert_int_equal(s.rows, 0);
    str_release(&s.text);
}

static void values_keep_bytes_that_are_zero(void **state)
{
    struct fixture *f = *state;
    struct seen s = {0};
    str_init(&s.text, STR_MAX_DEFAULT);
    assert_int_equal(
        engine_query(f->engine, "SELECT 'a' || chr(0) || 'b' AS z, chr(0) AS y", see, &s, &f->err),
        ERR_OK);
    assert_int_equal(s.text.len, 10);
    assert_memory_equal(s.text.data, "z=a\0b y=\0\n", 10);
    str_release(&s.text);
}

static void a_large_result_is_streamed(void **state)
{
    struct fixture *f = *state;
    struct engine_options o = {.library = getenv("CAUCE_LIBDUCKDB"),
                               .workdir = f->folder,
                               .memory = (uint64_t)64 << 20,
                               .threads = 2};
    struct engine *e = NULL;
    struct seen s = {0};
    assert_int_equal(engine_open(&o, &e, &f->err), ERR_OK);
    /* 400 MB of text through 64 MiB of memory, with nothing spilled. */
    assert_int_equal(
        engine_query(e, "SELECT repeat('x', 1000) FROM range(400000)", count_rows, &s, &f->err),
        ERR_OK);
    assert_int_equal(s.rows, 400000);
    char *spill = fs_join(f->folder, "spill");
    assert_false(fs_exists(spill));
    free(spill);
    engine_free(e);
}

static void an_error_in_the_middle_of_a_stream_is_reported(void **state)
{
    struct fixture *f = *state;
    struct seen s = {0};
    int rc = engine_query(f->engine,
                          "SELECT CASE WHEN i = 500000 THEN error('row ' || i) ELSE 'x' END "
                          "FROM range(1000000) r(i)",
                          count_rows, &s, &f->err);
    check_failure(f, rc, ERR_SYSTEM, "row 500000");
    assert_true(s.rows > 0 && s.rows <= 500000);
    uint64_t n = 0;
    assert_int_equal(engine_count(f->engine, "SELECT 3", &n, &f->err), ERR_OK);
    assert_int_equal(n, 3);
}

static void a_visitor_ends_the_query(void **state)
{
    struct fixture *f = *state;
    struct seen s = {.stop_at = 5000};
    int rc = engine_query(f->engine, "SELECT 'x' FROM range(100000000)", count_rows, &s, &f->err);
    check_failure(f, rc, ERR_GATE, "seen enough");
    assert_int_equal(s.rows, 5000);
    run(f, "SELECT 1");
}

static void a_column_that_is_no_text_is_refused(void **state)
{
    struct fixture *f = *state;
    struct seen s = {0};
    int rc = engine_query(f->engine, "SELECT 'x' AS a, 1 AS b", count_rows, &s, &f->err);
    check_failure(f, rc, ERR_SYSTEM, "column b is not text");
    assert_int_equal(s.rows, 0);
}

static void failures_carry_the_code_that_was_asked_for(void **state)
{
    struct fixture *f = *state;
    struct seen s = {0};
    check_failure(f, engine_run(f->engine, "SELEC 1", &f->err), ERR_SYSTEM, "syntax error");
    check_failure(f, engine_run(f->engine, "SELECT nope", &f->err), ERR_SYSTEM, "nope");
    engine_blame(f->engine, ERR_SOURCE);
    check_failure(f, engine_run(f->engine, "SELECT nope", &f->err), ERR_SOURCE, "nope");
    check_failure(f, engine_query(f->engine, "SELECT nope", see, &s, &f->err), ERR_SOURCE, "nope");
    check_failure(f, engine_query(f->engine, "SELEC", see, &s, &f->err), ERR_SOURCE, "syntax");
    check_failure(f, engine_query(f->engine, "", see, &s, &f->err), ERR_SOURCE, "one statement");
    check_failure(f, engine_query(f->engine, "SELECT 'a'; SELECT 'b'", see, &s, &f->err),
                  ERR_SOURCE, "one statement");
    engine_blame(f->engine, ERR_SYSTEM);
    check_failure(f, engine_run(f->engine, "SELECT nope", &f->err), ERR_SYSTEM, "nope");
    assert_int_equal(engine_run(f->engine, "SELECT nope", NULL), ERR_SYSTEM);
}

static void statements_are_built_with_quotes(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(engine_runf(f->engine, &f->err,
                                 "CREATE TABLE %n (%n VARCHAR); INSERT INTO %n VALUES (%t)", "t\"1",
                                 "select", "t\"1", "it's"),
                     ERR_OK);
    char *value = NULL;
    assert_int_equal(engine_text(f->engine, "SELECT \"select\" FROM \"t\"\"1\"", &value, &f->err),
                     ERR_OK);
    assert_string_equal(value, "it's");
    free(value);
}

static void a_count_is_the_first_value(void **state)
{
    struct fixture *f = *state;
    uint64_t n = 7;
    assert_int_equal(engine_count(f->engine, "SELECT 42, 'x'", &n, &f->err), ERR_OK);
    assert_int_equal(n, 42);
    assert_int_equal(engine_count(f->engine, "SELECT 18446744073709551615", &n, &f->err), ERR_OK);
    assert_true(n == UINT64_MAX);
    assert_int_equal(engine_count(f->engine, "SELECT NULL", &n, &f->err), ERR_OK);
    assert_int_equal(n, 0);
    assert_int_equal(engine_count(f->engine, "SELECT 1 WHERE false", &n, &f->err), ERR_OK);
    assert_int_equal(n, 0);
    assert_int_equal(
        engine_count(f->engine, "SELECT sum(i) FROM range(10) r(i) -- comment", &n, &f->err),
        ERR_OK);
    assert_int_equal(n, 45);
    static const char *const no_counts[] = {
        "SELECT -1",   "SELECT 'x'", "SELECT 1.5", "SELECT ''", "SELECT 18446744073709551616",
        "SELECT ' 1'", "SELECT '+1'"};
    for (size_t i = 0; i < sizeof no_counts / sizeof no_counts[0]; i++)
        check_failure(f, engine_count(f->engine, no_counts[i], &n, &f->err), ERR_SYSTEM,
                      "a count was expected");
    check_failure(f, engine_count(f->engine, "SELECT nope", &n, &f->err), ERR_SYSTEM, "nope");
}

static void a_text_is_the_first_value(void **state)
{
    struct fixture *f = *state;
    char *text = NULL;
    assert_int_equal(
        engine_text(f->engine, "SELECT 'a', 'b' UNION ALL SELECT 'c', 'd'", &text, &f->err),
        ERR_OK);
    assert_string_equal(text, "a");
    free(text);
    text = (char *)f;
    assert_int_equal(engine_text(f->engine, "SELECT 'a' WHERE false", &text, &f->err), ERR_OK);
    assert_null(text);
    text = (char *)f;
    assert_int_equal(engine_text(f->engine, "SELECT CAST(NULL AS VARCHAR)", &text, &f->err),
                     ERR_OK);
    assert_null(text);
}

static void times_are_utc(void **state)
{
    struct fixture *f = *state;
    char *text = NULL;
    assert_int_equal(engine_text(f->engine,
                                 "SELECT CAST(TIMESTAMPTZ '2024-07-01 12:00:00+02' AS VARCHAR)",
                                 &text, &f->err),
                     ERR_OK);
    assert_string_equal(text, "2024-07-01 10:00:00+00");
    free(text);
}

static void many_statements_run_side_by_side(void **state)
{
    struct fixture *f = *state;
    enum { STATEMENTS = 40 };
    char *statements[STATEMENTS];
    for (size_t i = 0; i < STATEMENTS; i++)
        statements[i] = mem_printf("CREATE TABLE t%zu AS SELECT %zu AS i", i, i);
    const char *const *all = (const char *const *)statements;
    assert_int_equal(engine_run_all(f->engine, all, STATEMENTS, &f->err), ERR_OK);
    uint64_t n = 0;
    assert_int_equal(engine_count(f->engine, "SELECT count(*) FROM duckdb_tables()", &n, &f->err),
                     ERR_OK);
    assert_int_equal(n, STATEMENTS);
    assert_int_equal(engine_run_all(f->engine, NULL, 0, &f->err), ERR_OK);
    /* Every one of them fails now: one error is told. */
    engine_blame(f->engine, ERR_SOURCE);
    check_failure(f, engine_run_all(f->engine, all, STATEMENTS, &f->err), ERR_SOURCE,
                  "already exists");
    stop_request();
    check_failure(f, engine_run_all(f->engine, all, STATEMENTS, &f->err), ERR_INTERRUPTED,
                  "Stopped");
    for (size_t i = 0; i < STATEMENTS; i++)
        free(statements[i]);
}

/* ---- the user's SQL ---- */

static void only_one_select_is_a_select(void **state)
{
    struct fixture *f = *state;
    run(f, "CREATE TABLE source AS SELECT 1 AS a");
    static const char *const good[] = {
        "SELECT * FROM source",
        "  select a from source;  ",
        "WITH x AS (SELECT * FROM source) SELECT * FROM x",
        "FROM source",
        "VALUES (1)",
        "SELECT 1 UNION ALL SELECT 2",
        "/* COPY */ SELECT 'DROP TABLE source; SELECT'",
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        int rc = engine_check_select(f->engine, good[i], &f->err);
        assert_string_equal(f->err.text, "");
        assert_int_equal(rc, ERR_OK);
    }
    static const char *const bad[] = {
        "",
        " -- nothing",
        "SELECT 1; SELECT 2",
        "SELECT 1; DROP TABLE source",
        "COPY source TO 'x.csv'",
        "COPY (SELECT 1) TO 'x.csv'",
        "ATTACH 'x.db'",
        "DROP TABLE source",
        "CREATE TABLE x AS SELECT 1",
        "INSERT INTO source VALUES (1)",
        "DELETE FROM source",
        "UPDATE source SET a = 2",
        "SET threads = 1",
        "PRAGMA database_list",
        "-- x\n /* y */ pragma database_list;",
        "EXPLAIN SELECT 1",
        "INSTALL httpfs",
        "CALL pragma_version()",
        "SELECT nope FROM source",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELEC 1",
        "SELECT 1)",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        int rc = engine_check_select(f->engine, bad[i], &f->err);
        if (rc != ERR_CONFIG || f->err.text[0] == '\0')
            fail_msg("%s: %d %s", bad[i], rc, f->err.text);
    }
    /* Looking changes nothing, and other failures keep their own code. */
    uint64_t n = 0;
    assert_int_equal(engine_count(f->engine, "SELECT count(*) FROM source", &n, NULL), ERR_OK);
    assert_int_equal(n, 1);
    assert_int_equal(engine_run(f->engine, "SELECT nope", NULL), ERR_SYSTEM);
}

/* What is refused names what it is about; nothing of it has been bound or run by then. */
static void what_is_not_on_the_list_is_refused_by_name(void **state)
{
    struct fixture *f = *state;
    run(f, "CREATE TABLE source AS SELECT 1 AS a; CREATE TABLE ours AS SELECT 1 AS a");
    char *log = mem_printf(
        "SELECT count(*) FROM enable_logging(storage='file', storage_path='%s/x')", f->folder);
    const char *const bad[][2] = {
        {log, "enable_logging() is not allowed"},
        {"SELECT 1 WHERE 0 = (SELECT count(*) FROM disable_logging())", "disable_logging()"},
        {"WITH x AS (SELECT * FROM glob('*')) SELECT 1", "glob()"},
        {"SELECT * FROM source, LATERAL (SELECT * FROM read_csv('x'))", "read_csv()"},
        {"SELECT * FROM source UNION ALL SELECT content FROM read_text('x')", "read_text()"},
        {"SELECT (SELECT count(*) FROM duckdb_secrets())", "duckdb_secrets()"},
        {"SELECT * FROM query('SELECT 1')", "query()"},
        {"SELECT * FROM query_table('source')", "query_table()"},
        {"SELECT * FROM pragma_version()", "pragma_version()"},
        {"SELECT * FROM json_execute_serialized_sql('{}')", "json_execute_serialized_sql()"},
        {"SELECT * FROM histogram('source', a)", "histogram()"},
        {"SELECT getenv('HOME')", "getenv()"},
        {"SELECT GETENV('HOME')", "getenv()"},
        {"SELECT nextval('s') FROM source", "nextval()"},
        {"SELECT age(TIMESTAMP '2026-01-01')", "age()"},
        {"SELECT ago(INTERVAL 1 DAY)", "ago()"},
        {"SELECT pg_sleep(1)", "pg_sleep()"},
        {"SELECT write_log('x')", "write_log()"},
        {"SELECT current_setting('threads')", "current_setting()"},
        {"SELECT system.main.current_setting('threads')", "current_setting()"},
        {"SELECT a FROM source ORDER BY random()", "random()"},
        {"SELECT list_transform([1], lambda x: x + random())", "random()"},
        {"SELECT sum(a) OVER (ORDER BY random()) FROM source", "random()"},
        {"SELECT sum(a) FILTER (WHERE uuid() <> '') FROM source", "uuid()"},
        {"SELECT now()", "now()"},
        {"SELECT a FROM source WHERE CURRENT_DATE > '2020-01-01'", "source.current_date"},
        {"SELECT cauce_note_hash(1)", "cauce_note_hash()"},
        {"SELECT a FROM source USING SAMPLE 1", "sample"},
        {"SELECT a FROM source TABLESAMPLE 10%", "sample"},
        {"FROM ours", "\"ours\" is not allowed"},
        {"FROM main.source", "\"main.source\" is not allowed"},
        {"FROM 'x.parquet'", "\"x.parquet\" is not allowed"},
        {"FROM duckdb_tables", "\"duckdb_tables\" is not allowed"},
        {"FROM (WITH \"x.csv\" AS (SELECT 1) FROM \"x.csv\"), 'x.csv'", "name in WITH"},
        {"FROM (WITH ours AS (SELECT 1) FROM ours), ours", "name in WITH"},
        {"FROM (DESCRIBE source)", "SHOW_REF"},
        {"FROM (SHOW TABLES)", "SHOW_REF"},
        {"EXPORT DATABASE 'x'", "one SELECT"},
        {"COPY source TO 'x'", "one SELECT"},
        {"PIVOT source ON a USING sum(a)", "one"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        int rc = engine_check_select(f->engine, bad[i][0], &f->err);
        if (rc != ERR_CONFIG || strstr(f->err.text, bad[i][1]) == NULL)
            fail_msg("%s: %d %s", bad[i][0], rc, f->err.text);
    }
    char *written = fs_join(f->folder, "x");
    assert_false(fs_exists(written));
    free(written);
    free(log);
}

static void what_computes_from_its_arguments_is_allowed(void **state)
{
    struct fixture *f = *state;
    run(f, "CREATE TABLE source AS SELECT 1 AS a, DATE '2024-01-01' AS d, 'x' AS now");
    static const char *const good[] = {
        "SELECT a + 1, -a, a::DOUBLE, a || 'x', a IN (1, 2), a BETWEEN 1 AND 2, d - 3 FROM source",
        "SELECT coalesce(a, 1), nullif(a, 2), CASE WHEN a = 1 THEN 2 END, try_cast(a AS DATE), now "
        "FROM source",
        "SELECT age(d, DATE '2026-01-01'), date_trunc('month', d), extract(year FROM d), strftime(d, '%Y'), d + INTERVAL 1 DAY "
        "FROM source",
        "SELECT count(*), sum(a), max(a) FILTER (WHERE a > 0), string_agg(now, ',' ORDER BY a), "
        "arg_max(a, d), quantile_cont(a, 0.5) FROM source GROUP BY ALL HAVING count(*) > 0",
        "SELECT a, row_number() OVER (PARTITION BY a ORDER BY d), lag(a) OVER (ORDER BY a), "
        "sum(a) OVER () FROM source QUALIFY rank() OVER (ORDER BY a) = 1",
        "SELECT list_transform([a], lambda x: x + 1), {'k': a}, MAP {'k': a}, [a][1], 'ab'[1:1], "
        "list_sum([a]), unnest([a]) FROM source",
        "SELECT regexp_replace(now, 'x', 'y'), upper(now), now.lower(), now LIKE 'x%', md5(now), "
        "trim(now), split_part(now, ',', 1), printf('%d', a) FROM source",
        "SELECT a FROM source, range(3), generate_series(1, 2), unnest([1]) u(v)",
        "SELECT e.key FROM source, json_each('{\"a\": 1}') e",
        "WITH RECURSIVE t AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM t WHERE n < 3) FROM t",
        "WITH x AS MATERIALIZED (FROM source), y AS (FROM x) FROM y JOIN x USING (a)",
        "WITH source AS (SELECT a FROM source) SELECT * FROM source",
        "SELECT * EXCLUDE (d) REPLACE (a + 1 AS a), COLUMNS('a') AS b FROM SOURCE s WHERE s.a = 1",
        "FROM source UNPIVOT (v FOR k IN (a))",
        "FROM (PIVOT source ON a IN (1, 2) USING sum(a))",
        "SELECT a FROM source WHERE a = (SELECT max(a) FROM source) OR EXISTS (FROM source)",
        "SELECT CASE WHEN a < 0 THEN error('negative') ELSE a END FROM source",
        "SELECT 18446744073709551615, 170141183460469231731687303715884105727 FROM source",
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        if (engine_check_select(f->engine, good[i], &f->err) != ERR_OK)
            fail_msg("%s: %s", good[i], f->err.text);
}

/* ---- stopping ---- */

#define ENDLESS \
    "SELECT count(*) FROM range(10000000000) a(i), range(1000) b(j) WHERE hash(i + j) = 42"

static void interrupt(void *ctx)
{
    engine_interrupt(ctx);
}

/* Ask to stop a moment after the query has begun. */
static void *request(void *ctx)
{
    (void)ctx;
    usleep(100000);
    stop_request();
    return NULL;
}

static void *only_interrupt(void *ctx)
{
    usleep(100000);
    engine_interrupt(ctx);
    return NULL;
}

static void a_request_to_stop_ends_a_running_query(void **state)
{
    struct fixture *f = *state;
    pthread_t thread;
    stop_on_request(interrupt, f->engine);
    assert_int_equal(pthread_create(&thread, NULL, request, NULL), 0);
    int rc = engine_run(f->engine, ENDLESS, &f->err);
    pthread_join(thread, NULL);
    check_failure(f, rc, ERR_INTERRUPTED, "Stopped by a signal");
    stop_clear();
    run(f, "SELECT 1");
}

static void a_request_to_stop_ends_a_stream(void **state)
{
    struct fixture *f = *state;
    struct seen s = {0};
    pthread_t thread;
    stop_on_request(interrupt, f->engine);
    assert_int_equal(pthread_create(&thread, NULL, request, NULL), 0);
    int rc =
        engine_query(f->engine, "SELECT 'x' FROM range(100000000000)", count_rows, &s, &f->err);
    pthread_join(thread, NULL);
    check_failure(f, rc, ERR_INTERRUPTED, "Stopped by a signal");
    stop_clear();
    run(f, "SELECT 1");
}

/* The handler may have come before the query began, when there was nothing to interrupt. */
static void a_request_before_a_query_is_not_lost(void **state)
{
    struct fixture *f = *state;
    struct seen s = {0};
    uint64_t n = 0;
    stop_request();
    check_failure(f, engine_run(f->engine, "SELECT 1", &f->err), ERR_INTERRUPTED, "Stopped");
    check_failure(f, engine_run(f->engine, ENDLESS, &f->err), ERR_INTERRUPTED, "Stopped");
    check_failure(f, engine_query(f->engine, "SELECT 'x'", count_rows, &s, &f->err),
                  ERR_INTERRUPTED, "Stopped");
    check_failure(f, engine_count(f->engine, "SELECT 1", &n, &f->err), ERR_INTERRUPTED, "Stopped");
    assert_int_equal(s.rows, 0);
}

static void a_request_to_stop_ends_every_statement_of_many(void **state)
{
    struct fixture *f = *state;
    static const char *const endless[] = {ENDLESS, ENDLESS, ENDLESS};
    pthread_t thread;
    stop_on_request(interrupt, f->engine);
    assert_int_equal(pthread_create(&thread, NULL, request, NULL), 0);
    int rc = engine_run_all(f->engine, endless, 3, &f->err);
    pthread_join(thread, NULL);
    check_failure(f, rc, ERR_INTERRUPTED, "Stopped by a signal");
}

static void an_interrupt_alone_ends_a_query(void **state)
{
    struct fixture *f = *state;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, only_interrupt, f->engine), 0);
    int rc = engine_run(f->engine, ENDLESS, &f->err);
    pthread_join(thread, NULL);
    check_failure(f, rc, ERR_INTERRUPTED, "interrupted");
    run(f, "SELECT 1");
}

/* ---- the engine's process ---- */

static pid_t child_of(void)
{
    char path[64];
    char line[64] = "";
    snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
    FILE *children = fopen(path, "re");
    assert_non_null(children);
    assert_non_null(fgets(line, sizeof line, children));
    fclose(children);
    return (pid_t)strtol(line, NULL, 10);
}

struct blow {
    pid_t pid;
    int signal;
};

static void *strike(void *ctx)
{
    const struct blow *b = ctx;
    usleep(100000);
    kill(b->pid, b->signal);
    return NULL;
}

/* The text of the failure of a query during which the process gets a signal. */
static int run_and_strike(struct fixture *f, int number)
{
    pthread_t thread;
    struct blow b = {child_of(), number};
    assert_int_equal(pthread_create(&thread, NULL, strike, &b), 0);
    int rc = engine_run(f->engine, ENDLESS, &f->err);
    pthread_join(thread, NULL);
    return rc;
}

static void a_crash_of_the_library_is_an_error(void **state)
{
    struct fixture *f = *state;
    struct seen s = {0};
    check_failure(f, run_and_strike(f, SIGABRT), ERR_SYSTEM, "crashed with signal 6");
    /* And it stays one, whatever is called. */
    check_failure(f, engine_run(f->engine, "SELECT 1", &f->err), ERR_SYSTEM, "crashed with");
    check_failure(f, engine_query(f->engine, "SELECT 'x'", count_rows, &s, &f->err), ERR_SYSTEM,
                  "crashed with");
    check_failure(f, engine_check_select(f->engine, "SELECT 1", &f->err), ERR_SYSTEM, "crashed");
    assert_int_equal(engine_peak(f->engine), 0);
    engine_interrupt(f->engine);
}

static void a_process_that_was_killed_may_have_run_out_of_memory(void **state)
{
    struct fixture *f = *state;
    check_failure(f, run_and_strike(f, SIGKILL), ERR_LIMIT, "lower `memory` or `threads`");
}

static void a_process_that_does_not_heed_a_stop_is_ended(void **state)
{
    struct fixture *f = *state;
    pthread_t thread;
    kill(child_of(), SIGSTOP);
    assert_int_equal(pthread_create(&thread, NULL, request, NULL), 0);
    int64_t began = time_monotonic();
    int rc = engine_run(f->engine, "SELECT 1", &f->err);
    pthread_join(thread, NULL);
    check_failure(f, rc, ERR_INTERRUPTED, "Stopped by a signal");
    assert_true(time_monotonic() - began < 20000000);
    stop_clear();
    check_failure(f, engine_run(f->engine, "SELECT 1", &f->err), ERR_INTERRUPTED, "Stopped");
}

static void no_process_is_left_behind(void **state)
{
    struct fixture *f = *state;
    assert_true(engine_peak(f->engine) > (uint64_t)10 << 20);
    engine_free(f->engine);
    f->engine = NULL;
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
}

/* The signals of a terminal go to all processes of a group: the program decides what they mean. */
static void signals_are_left_to_the_program(void **state)
{
    struct fixture *f = *state;
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
        kill(child_of(), signals[i]);
    run(f, "SELECT 1");
}

/* What libduckdb prints reaches neither the output of the program nor its log. */
static void what_the_process_prints_goes_nowhere(void **state)
{
    struct fixture *f = *state;
    char link[64];
    char target[256];
    for (int fd = 1; fd <= 2; fd++) {
        snprintf(link, sizeof link, "/proc/%d/fd/%d", (int)child_of(), fd);
        ssize_t n = readlink(link, target, sizeof target - 1);
        assert_true(n > 0);
        target[n] = '\0';
        assert_true(strncmp(target, "pipe:", 5) == 0);
    }
    run(f, "SELECT 1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(the_version_is_known_without_a_database),
        TEST(settings_are_those_asked_for),
        TEST(a_bad_option_is_refused),
        TEST(what_lies_inside_can_be_read),
        TEST(nothing_outside_can_be_read_or_written),
        TEST(nothing_can_be_loaded_or_set),
        TEST(what_exceeds_memory_is_spilled_below_the_working_folder),
        TEST(too_little_memory_is_a_limit),
        TEST(rows_come_in_order_with_names_and_nulls),
        TEST(values_keep_bytes_that_are_zero),
        TEST(a_large_result_is_streamed),
        TEST(an_error_in_the_middle_of_a_stream_is_reported),
        TEST(a_visitor_ends_the_query),
        TEST(a_column_that_is_no_text_is_refused),
        TEST(failures_carry_the_code_that_was_asked_for),
        TEST(statements_are_built_with_quotes),
        TEST(a_count_is_the_first_value),
        TEST(a_text_is_the_first_value),
        TEST(times_are_utc),
        TEST(many_statements_run_side_by_side),
        TEST(only_one_select_is_a_select),
        TEST(what_is_not_on_the_list_is_refused_by_name),
        TEST(what_computes_from_its_arguments_is_allowed),
        TEST(a_request_to_stop_ends_a_running_query),
        TEST(a_request_to_stop_ends_a_stream),
        TEST(a_request_to_stop_ends_every_statement_of_many),
        TEST(a_request_before_a_query_is_not_lost),
        TEST(an_interrupt_alone_ends_a_query),
        TEST(a_crash_of_the_library_is_an_error),
        TEST(a_process_that_was_killed_may_have_run_out_of_memory),
        TEST(a_process_that_does_not_heed_a_stop_is_ended),
        TEST(no_process_is_left_behind),
        TEST(signals_are_left_to_the_program),
        TEST(what_the_process_prints_goes_nowhere),
#undef TEST
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
