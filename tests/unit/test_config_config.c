#include "config/config.h"

#include "support/temp_folder.h"
#include "unit/config_test.h"
#include "util/fs.h"

#define MIB ((uint64_t)1 << 20)

static void the_least_file_gets_every_default(void **state)
{
    (void)state;
    struct config config = {0};
    config_test_parse("dataset: d\nkey: id\n", NULL, &config);
    assert_string_equal(config.path, "dir/d.yml");
    assert_string_equal(config.folder, "dir");
    assert_string_equal(config.dataset, "d");
    assert_null(config.store);
    assert_int_equal(config.source.url_count, 0);
    assert_int_equal(config.column_count, 0);
    assert_null(config.transform);
    assert_null(config.partition_column);
    assert_int_equal(config.partition_by, CONFIG_BY_NONE);
    assert_int_equal(config.revisions, CONFIG_REVISIONS_PUBLISH);
    assert_int_equal(config.duplicates, CONFIG_DUPLICATES_LAST);
    assert_int_equal(config.bad_rows, CONFIG_BAD_ROWS_FAIL);
    assert_int_equal(config.bad_rows_limit, 1000);
    assert_int_equal(config.sort.count, 1);
    assert_string_equal(config.sort.items[0], "id");
    assert_int_equal(config.constant_count, 0);
    assert_int_equal(config.memory, 1024 * MIB);
    assert_int_equal(config.threads, 3);
    assert_string_equal(config.temp, "/var/tmp");
    assert_int_equal(config.expect_every, 0);
    assert_int_equal(config.lease_ttl_seconds, 0);
    assert_true(config.tables_delta);
    assert_int_equal(config.timeout_seconds, 0);
    config_release(&config);
    assert_null(config.dataset);
    config_release(&config);
}

static void every_setting_of_the_dataset_arrives(void **state)
{
    (void)state;
    struct config config = {0};
    config_test_parse("dataset: a-b_c9\n"
                      "store: ../out\n"
                      "source: in.csv\n"
                      "key: [id]\n"
                      "transform: SELECT * FROM source\n"
                      "revisions: ignore\n"
                      "duplicates: fail\n"
                      "bad_rows: reject\n"
                      "bad_rows_limit: 0\n"
                      "memory: 512 MiB\n"
                      "threads: 256\n"
                      "temp: scratch\n"
                      "expect_every: 2w\n"
                      "timeout: 90s\n"
                      "lease: {ttl: 15m}\n"
                      "tables: {delta: false}\n",
                      NULL, &config);
    assert_string_equal(config.dataset, "a-b_c9");
    assert_string_equal(config.store, "dir/../out");
    assert_string_equal(config.transform, "SELECT * FROM source");
    assert_int_equal(config.revisions, CONFIG_REVISIONS_IGNORE);
    assert_int_equal(config.duplicates, CONFIG_DUPLICATES_FAIL);
    assert_int_equal(config.bad_rows, CONFIG_BAD_ROWS_REJECT);
    assert_int_equal(config.bad_rows_limit, 0);
    assert_int_equal(config.memory, 512 * MIB);
    assert_int_equal(config.threads, 256);
    assert_string_equal(config.temp, "dir/scratch");
    assert_int_equal(config.expect_every, 1209600);
    assert_int_equal(config.lease_ttl_seconds, 900);
    assert_false(config.tables_delta);
    assert_int_equal(config.timeout_seconds, 90);
    config_release(&config);
}

/* Memory that a file gets on a machine of `total` bytes. */
static uint64_t memory_of(const char *setting, uint64_t total)
{
    struct config_env env = config_test_env(NULL);
    struct config config = {0};
    struct error err = ERROR_INIT;
    char *text = mem_printf("dataset: d\nkey: id\n%s\n", setting);
    env.memory = total;
    assert_int_equal(config_parse(text, strlen(text), "d.yml", &env, &config, NULL, &err), ERR_OK);
    uint64_t memory = config.memory;
    config_release(&config);
    free(text);
    return memory;
}

static void memory_is_a_share_of_the_machine_within_bounds(void **state)
{
    (void)state;
    assert_int_equal(memory_of("", 512 * MIB), 256 * MIB);
    assert_int_equal(memory_of("", 4096 * MIB), 1024 * MIB);
    assert_int_equal(memory_of("", 100 * 1024 * MIB), 8192 * MIB);
    assert_int_equal(memory_of("memory: 100%", 4096 * MIB), 4096 * MIB / 100 * 100);
    assert_int_equal(memory_of("memory: 50%", 100000 * MIB), 100000 * MIB / 100 * 50);
    assert_int_equal(memory_of("memory: 1%", 512 * MIB), 64 * MIB);
    assert_int_equal(memory_of("memory: 64MiB", 512 * MIB), 64 * MIB);
    assert_int_equal(memory_of("memory: 1TiB", 512 * MIB), 1024 * 1024 * MIB);
}

static void this_machine_has_memory_and_processors(void **state)
{
    (void)state;
    struct config_env env = config_env_process();
    struct config config = {0};
    static const char text[] = "dataset: d\nkey: id\n";
    assert_int_equal(config_parse(text, sizeof text - 1, "d.yml", &env, &config, NULL, NULL),
                     ERR_OK);
    assert_in_range(config.memory, 256 * MIB, 8192 * MIB);
    assert_in_range(config.threads, 1, 256);
    config_release(&config);
}

static void the_environment_of_the_process_is_read(void **state)
{
    (void)state;
    static const char text[] = "dataset: ${CAUCE_TEST_NAME}\nkey: id\n";
    struct config config = {0};
    setenv("CAUCE_TEST_NAME", "from-outside", 1);
    setenv("TMPDIR", "/scratch/here", 1);
    assert_int_equal(config_parse(text, sizeof text - 1, "d.yml", NULL, &config, NULL, NULL),
                     ERR_OK);
    unsetenv("CAUCE_TEST_NAME");
    unsetenv("TMPDIR");
    assert_string_equal(config.dataset, "from-outside");
    assert_string_equal(config.temp, "/scratch/here");
    assert_string_equal(config.folder, ".");
    config_release(&config);
}

static void an_empty_tmpdir_counts_as_unset(void **state)
{
    (void)state;
    static const char *const pairs[] = {"TMPDIR", "", NULL};
    struct config config = {0};
    config_test_parse("dataset: d\nkey: id\n", pairs, &config);
    assert_string_equal(config.temp, "/var/tmp");
    config_release(&config);
}

static void a_file_is_loaded_with_its_folder(void **state)
{
    (void)state;
    char *folder = temp_folder_new();
    char *path = fs_join(folder, "d.yml");
    char *sql = fs_join(folder, "t.sql");
    char *store = fs_join(folder, "out");
    static const char text[] = "dataset: d\nkey: id\nstore: out\ntransform_file: ./t.sql\n";
    struct config_env env = config_test_env(NULL);
    struct config config = {0};
    struct config_problems problems;
    struct error err = ERROR_INIT;
    config_problems_init(&problems);
    assert_int_equal(fs_write(path, text, sizeof text - 1, &err), ERR_OK);
    assert_int_equal(fs_write(sql, "SELECT ${X}\n", 12, &err), ERR_OK);
    assert_int_equal(config_load(path, &env, &config, &problems, &err), ERR_OK);
    assert_int_equal(problems.count, 0);
    assert_string_equal(config.path, path);
    assert_string_equal(config.folder, folder);
    assert_string_equal(config.store, store);
    assert_string_equal(config.transform, "SELECT ${X}\n");
    config_release(&config);
    free(path);
    free(sql);
    free(store);
    temp_folder_free(folder);
}

static void wrong_transform_files_are_named(void **state)
{
    (void)state;
    char *folder = temp_folder_new();
    char *path = fs_join(folder, "d.yml");
    char *sql = fs_join(folder, "t.sql");
    struct config_env env = config_test_env(NULL);
    static const char text[] = "dataset: d\nkey: id\ntransform_file: t.sql\n";
    static const struct {
        const char *sql;
        size_t count;
        const char *message;
    } cases[] = {
        {"", 0, "\"transform_file\" names a file that is empty: \"t.sql\"."},
        {"a\0b", 3, "\"transform_file\" names a file that is not text: \"t.sql\"."},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct config config = {0};
        struct config_problems problems;
        config_problems_init(&problems);
        assert_int_equal(fs_write(sql, cases[i].sql, cases[i].count, NULL), ERR_OK);
        assert_int_equal(config_parse(text, sizeof text - 1, path, &env, &config, &problems, NULL),
                         ERR_CONFIG);
        assert_int_equal(problems.count, 1);
        assert_int_equal(problems.items[0].line, 3);
        assert_int_equal(problems.items[0].column, 17);
        assert_string_equal(problems.items[0].message, cases[i].message);
        assert_string_equal(problems.items[0].file, path);
        config_problems_release(&problems);
    }
    free(path);
    free(sql);
    temp_folder_free(folder);
}

static void a_file_that_is_not_there_says_what_to_do(void **state)
{
    (void)state;
    char *folder = temp_folder_new();
    char *path = fs_join(folder, "nothing.yml");
    struct config config = {0};
    struct config_problems problems;
    struct error err = ERROR_INIT;
    config_problems_init(&problems);
    assert_int_equal(config_load(path, NULL, &config, &problems, &err), ERR_CONFIG);
    char *expected = mem_printf("The configuration %s does not exist: \"cauce init %s\" writes one "
                                "to start from.",
                                path, path);
    assert_string_equal(err.text, expected);
    assert_int_equal(problems.count, 0);
    free(expected);
    assert_int_equal(config_load(folder, NULL, &config, &problems, &err), ERR_CONFIG);
    assert_non_null(strstr(err.text, "The configuration cannot be read: "));
    assert_null(config.dataset);
    free(path);
    temp_folder_free(folder);
}

static void a_file_beyond_the_limit_is_not_read(void **state)
{
    (void)state;
    char *folder = temp_folder_new();
    char *path = fs_join(folder, "big.yml");
    char *text = mem_calloc(CONFIG_SIZE_MAX + 1, 1);
    memset(text, '\n', CONFIG_SIZE_MAX + 1);
    struct config config = {0};
    struct error err = ERROR_INIT;
    assert_int_equal(fs_write(path, text, CONFIG_SIZE_MAX + 1, NULL), ERR_OK);
    assert_int_equal(config_load(path, NULL, &config, NULL, &err), ERR_CONFIG);
    assert_non_null(strstr(err.text, path));
    assert_non_null(strstr(err.text, "1048576"));
    free(text);
    free(path);
    temp_folder_free(folder);
}

static void without_a_file_there_are_defaults(void **state)
{
    (void)state;
    static const char *const pairs[] = {"TMPDIR", "/scratch", NULL};
    struct config_env env = config_test_env(pairs);
    struct config config;
    config_defaults(&env, &config);
    assert_null(config.dataset);
    assert_null(config.store);
    assert_int_equal(config.key.count, 0);
    assert_int_equal(config.source.url_count, 0);
    assert_int_equal(config.memory, 1024 * MIB);
    assert_int_equal(config.threads, 3);
    assert_string_equal(config.temp, "/scratch");
    assert_int_equal(config_set_store(&config, "out", NULL), ERR_OK);
    assert_string_equal(config.store, "out");
    config_release(&config);
}

static void the_command_line_sets_the_dataset(void **state)
{
    (void)state;
    struct config_env env = config_test_env(NULL);
    struct config config;
    struct error err = ERROR_INIT;
    config_defaults(&env, &config);
    assert_int_equal(config_set_dataset(&config, "a-1_b", &err), ERR_OK);
    assert_string_equal(config.dataset, "a-1_b");
    static const char *const wrong[] = {"", "A", "_a", "-a", "a b", "a/b", "..", "\u00e4"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(config_set_dataset(&config, wrong[i], &err), ERR_CONFIG);
    assert_int_equal(config_set_dataset(&config, "My Data", &err), ERR_CONFIG);
    assert_string_equal(
        err.text,
        "The dataset \"My Data\" is not a valid id: it must consist of lower-case letters, "
        "digits, \"_\" and \"-\", begin with a letter or digit and have at most "
        "64 characters.");
    assert_string_equal(config.dataset, "a-1_b");
    config_release(&config);
}

static void names_of_choices_are_those_of_the_file(void **state)
{
    (void)state;
    assert_string_equal(file_format_name(FILE_FORMAT_AUTO), "auto");
    assert_string_equal(file_format_name(FILE_FORMAT_CSV), "csv");
    assert_string_equal(file_format_name(FILE_FORMAT_JSON), "json");
    assert_string_equal(file_format_name(FILE_FORMAT_NDJSON), "ndjson");
    assert_string_equal(file_format_name(FILE_FORMAT_PARQUET), "parquet");
    assert_string_equal(file_format_name((enum file_format)99), "auto");
    assert_string_equal(config_compression_name(CONFIG_COMPRESSION_AUTO), "auto");
    assert_string_equal(config_compression_name(CONFIG_COMPRESSION_NONE), "none");
    assert_string_equal(config_compression_name(CONFIG_COMPRESSION_GZIP), "gzip");
    assert_string_equal(config_compression_name(CONFIG_COMPRESSION_ZSTD), "zstd");
    assert_string_equal(config_by_name(CONFIG_BY_NONE), "none");
    assert_string_equal(config_by_name(CONFIG_BY_YEAR), "year");
    assert_string_equal(config_by_name(CONFIG_BY_MONTH), "month");
    assert_string_equal(config_by_name(CONFIG_BY_DAY), "day");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_least_file_gets_every_default),
        cmocka_unit_test(every_setting_of_the_dataset_arrives),
        cmocka_unit_test(memory_is_a_share_of_the_machine_within_bounds),
        cmocka_unit_test(this_machine_has_memory_and_processors),
        cmocka_unit_test(the_environment_of_the_process_is_read),
        cmocka_unit_test(an_empty_tmpdir_counts_as_unset),
        cmocka_unit_test(a_file_is_loaded_with_its_folder),
        cmocka_unit_test(wrong_transform_files_are_named),
        cmocka_unit_test(a_file_that_is_not_there_says_what_to_do),
        cmocka_unit_test(a_file_beyond_the_limit_is_not_read),
        cmocka_unit_test(without_a_file_there_are_defaults),
        cmocka_unit_test(the_command_line_sets_the_dataset),
        cmocka_unit_test(names_of_choices_are_those_of_the_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
