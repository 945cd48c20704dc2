#include "config/config_read.h"

#include "unit/config_test.h"

static void a_file_is_one_mapping(void **state)
{
    (void)state;
    config_test_wrong("# nothing\n", NULL,
                      "dir/d.yml:1:1: The file is empty: \"cauce init\" writes one to start "
                      "from.\n");
    config_test_wrong("hello\n", NULL,
                      "dir/d.yml:1:1: The file must be a mapping, lines of \"key: value\".\n");
    config_test_wrong("- a\n", NULL,
                      "dir/d.yml:1:1: The file must be a mapping, lines of \"key: value\".\n");
    config_test_wrong("dataset: d\n"
                      "key: [id\n"
                      "store: x\n",
                      NULL,
                      "dir/d.yml:3:6: This is not YAML: did not find expected ',' or ']', "
                      "while parsing a flow sequence (in line 2).\n");
}

static void required_keys_are_missed(void **state)
{
    (void)state;
    config_test_wrong("store: x\n", NULL,
                      "dir/d.yml:1:1: The key \"dataset\" is missing: it names the dataset.\n"
                      "dir/d.yml:1:1: The key \"key\" is missing: it lists the columns that "
                      "identify a row.\n");
}

static void unknown_keys_are_errors_with_a_hint(void **state)
{
    (void)state;
    config_test_wrong("datset: d\n"
                      "key: id\n"
                      "delimiter: x\n"
                      "soruce: x.csv\n"
                      "zzz: 1\n"
                      "source:\n"
                      "  delimeter: ;\n"
                      "  key: id\n"
                      "  endpoint: https://x\n"
                      "  foo: bar\n"
                      "store_options: {regoin: x}\n"
                      "lease: {tll: 1h, ttl: 1h}\n"
                      "partition: {columm: d, column: d, by: day}\n",
                      NULL,
                      "dir/d.yml:1:1: The key \"datset\" is not known; did you mean "
                      "\"dataset\"?\ndir/d.yml:1:1: The key \"dataset\" is missing: it names the "
                      "dataset.\ndir/d.yml:3:1: The key \"delimiter\" is not known: it belongs to "
                      "\"source\".\ndir/d.yml:4:1: The key \"soruce\" is not known; did you mean "
                      "\"source\"?\ndir/d.yml:5:1: The key \"zzz\" is not known.\ndir/d.yml:7:3: "
                      "The key \"delimeter\" is not known in source; did you mean "
                      "\"delimiter\"?\ndir/d.yml:8:3: The key \"key\" is not known in source: it "
                      "belongs at the top level of the file.\ndir/d.yml:9:3: The key \"endpoint\" "
                      "is not known in source: it belongs to \"store_options\".\ndir/d.yml:10:3: "
                      "The key \"foo\" is not known in source.\ndir/d.yml:11:17: The key "
                      "\"regoin\" is not known in store_options; did you mean "
                      "\"region\"?\ndir/d.yml:12:9: The key \"tll\" is not known in lease; did you "
                      "mean \"ttl\"?\ndir/d.yml:13:13: The key \"columm\" is not known in "
                      "partition; did you mean \"column\"?\n");
    config_test_wrong("dataset: d\n"
                      "source:\n"
                      "  delimeter: ;\n"
                      "columns:\n"
                      "  - {name: currency, type: datetime}\n"
                      "key: [curency]\n",
                      NULL,
                      "dir/d.yml:3:3: The key \"delimeter\" is not known in source; did you "
                      "mean \"delimiter\"?\n"
                      "dir/d.yml:5:28: \"columns[0].type\" is wrong: \"datetime\" is not a "
                      "type; did you mean \"timestamp\"? The types are boolean, int, bigint, "
                      "double, decimal(p,s), text, date, time, timestamp, uuid, binary.\n"
                      "dir/d.yml:6:7: \"key[0]\" names no column: \"curency\" is not in "
                      "\"columns\"; did you mean \"currency\"?\n");
}

static void a_key_stands_there_once(void **state)
{
    (void)state;
    config_test_wrong("dataset: d\n"
                      "key: id\n"
                      "store: a\n"
                      "dataset: e\n"
                      "source: {url: a.csv, header: true, header: false}\n",
                      NULL,
                      "dir/d.yml:4:1: The key \"dataset\" appears twice: first in line "
                      "1.\n"
                      "dir/d.yml:5:36: The key \"header\" appears twice: first in line "
                      "5.\n");
}

static void a_key_without_a_value_is_an_error(void **state)
{
    (void)state;
    config_test_wrong("dataset:\n"
                      "key: ~\n"
                      "store: null\n"
                      "threads: ''\n"
                      "source: {url: , nulls: [null, x]}\n"
                      "columns:\n"
                      "  - name: \n"
                      "    type: ~\n",
                      NULL,
                      "dir/d.yml:1:9: \"dataset\" has no value; where the text \"null\" or \"~\" "
                      "or an empty text is meant, put quotes around it.\n"
                      "dir/d.yml:2:6: \"key\" has no value; where the text \"null\" or \"~\" or "
                      "an empty text is meant, put quotes around it.\n"
                      "dir/d.yml:3:8: \"store\" has no value; where the text \"null\" or \"~\" "
                      "or an empty text is meant, put quotes around it.\n"
                      "dir/d.yml:4:10: \"threads\" must be a whole number from 1 to 256, not "
                      "\"\".\n"
                      "dir/d.yml:5:15: \"source.url\" has no value; where the text \"null\" or "
                      "\"~\" or an empty text is meant, put quotes around it.\n"
                      "dir/d.yml:5:25: \"source.nulls[0]\" has no value; where the text "
                      "\"null\" or \"~\" or an empty text is meant, put quotes around it.\n"
                      "dir/d.yml:7:10: \"columns[0].name\" has no value; where the text "
                      "\"null\" or \"~\" or an empty text is meant, put quotes around it.\n"
                      "dir/d.yml:8:11: \"columns[0].type\" has no value; where the text "
                      "\"null\" or \"~\" or an empty text is meant, put quotes around it.\n");
}

static void values_must_be_of_the_right_shape(void **state)
{
    (void)state;
    config_test_wrong("dataset: [a]\n"
                      "key: id\n",
                      NULL, "dir/d.yml:1:10: \"dataset\" must be a text, not a list.\n");
    config_test_wrong("dataset: d\n"
                      "key: id\n"
                      "store: {url: x}\n"
                      "store_options: x\n"
                      "temp: ~/tmp\n"
                      "source: {ca_bundle: [x]}\n",
                      NULL,
                      "dir/d.yml:3:8: \"store\" must be a text, not a mapping.\n"
                      "dir/d.yml:4:16: \"store_options\" must be a mapping, lines of \"key: "
                      "value\".\n"
                      "dir/d.yml:5:7: \"temp\" begins with \"~\", which is not expanded: write "
                      "${HOME}.\n"
                      "dir/d.yml:6:21: \"source.ca_bundle\" must be a text, not a list.\n");
    config_test_wrong("dataset: d\n"
                      "key: id\n"
                      "lease: 15m\n",
                      NULL,
                      "dir/d.yml:3:8: \"lease\" must be a mapping, lines of \"key: value\".\n");
    config_test_wrong("dataset: d\n"
                      "key: id\n"
                      "lease: {}\n",
                      NULL,
                      "dir/d.yml:3:8: \"lease\" needs a \"ttl\", the time that a lease lives, "
                      "as in 15m.\n");
    config_test_wrong("dataset: d\n"
                      "key: id\n"
                      "partition: month\n",
                      NULL,
                      "dir/d.yml:3:12: \"partition\" must be a mapping, lines of \"key: "
                      "value\".\n");
    config_test_wrong("dataset: d\n"
                      "key: id\n"
                      "constants: [a]\n",
                      NULL,
                      "dir/d.yml:3:12: \"constants\" must be a mapping of column names to "
                      "texts.\n");
    config_test_wrong("dataset: d\n"
                      "key: {a: b}\n"
                      "sort: [[a]]\n",
                      NULL,
                      "dir/d.yml:2:6: \"key\" must be a list of texts, not a mapping.\n"
                      "dir/d.yml:3:8: \"sort[0]\" must be a text, not a list.\n");
    config_test_wrong("dataset: d\n"
                      "key: id\n"
                      "columns: {id: bigint}\n",
                      NULL,
                      "dir/d.yml:3:10: \"columns\" must be a list of columns, each with "
                      "\"name\" and \"type\"; leave it out to have the columns found at the "
                      "first run.\n");
}

static void the_id_of_a_dataset_is_checked(void **state)
{
    (void)state;
    config_test_wrong("dataset: My Data!\n"
                      "key: id\n",
                      NULL,
                      "dir/d.yml:1:10: \"dataset\" must consist of lower-case letters, "
                      "digits, \"_\" and \"-\", begin with a letter or digit and have at most "
                      "64 characters, not \"My Data!\".\n");
    config_test_wrong("dataset: "
                      "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n"
                      "key: id\n",
                      NULL,
                      "dir/d.yml:1:10: \"dataset\" must consist of lower-case letters, "
                      "digits, \"_\" and \"-\", begin with a letter or digit and have at most "
                      "64 characters, not "
                      "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\".\n");
    config_test_wrong("dataset: \"a\\u001b[31m\\u009b\"\n"
                      "key: id\n",
                      NULL,
                      "dir/d.yml:1:10: \"dataset\" must consist of lower-case letters, "
                      "digits, \"_\" and \"-\", begin with a letter or digit and have at most "
                      "64 characters, not \"a\\x1b[31m\\u009b\".\n");
}

static void booleans_are_true_and_false(void **state)
{
    (void)state;
    config_test_wrong("dataset: d\n"
                      "key: id\n"
                      "source:\n"
                      "  url: a.csv\n"
                      "  header: yes\n"
                      "  allow_private: maybe\n"
                      "store_options:\n"
                      "  path_style: [true]\n"
                      "  allow_http: FALSE\n"
                      "  allow_network_filesystem: 0\n",
                      NULL,
                      "dir/d.yml:5:11: \"source.header\" must be true or false, not \"yes\"; "
                      "did you mean true?\n"
                      "dir/d.yml:6:18: \"source.allow_private\" must be true or false, not "
                      "\"maybe\".\n"
                      "dir/d.yml:8:15: \"store_options.path_style\" must be true or false, "
                      "not a list.\n"
                      "dir/d.yml:9:15: \"store_options.allow_http\" must be true or false, "
                      "not \"FALSE\"; did you mean false?\n"
                      "dir/d.yml:10:29: \"store_options.allow_network_filesystem\" must be "
                      "true or false, not \"0\"; did you mean false?\n");
}

static void numbers_and_durations_have_ranges(void **state)
{
    (void)state;
    config_test_wrong("dataset: d\n"
                      "key: id\n"
                      "threads: 0\n"
                      "bad_rows_limit: -1\n"
                      "source: {url: a.csv, skip_lines: 1.5, timeout_seconds: 5m}\n"
                      "store_options: {parallel: 65}\n"
                      "lease: {ttl: 1s}\n"
                      "expect_every: 1 day\n"
                      "memory: 10%%\n",
                      NULL,
                      "dir/d.yml:3:10: \"threads\" must be a whole number from 1 to 256, not "
                      "\"0\".\n"
                      "dir/d.yml:4:17: \"bad_rows_limit\" must be a whole number from 0 to "
                      "1000000000, not \"-1\".\n"
                      "dir/d.yml:5:34: \"source.skip_lines\" must be a whole number from 0 "
                      "to 1000000, not \"1.5\".\n"
                      "dir/d.yml:5:56: \"source.timeout_seconds\" must be a whole number "
                      "from 1 to 86400, not \"5m\".\n"
                      "dir/d.yml:6:27: \"store_options.parallel\" must be a whole number "
                      "from 1 to 64, not \"65\".\n"
                      "dir/d.yml:7:14: \"lease.ttl\" must be between 10s and 1w, not \"1s\".\n"
                      "dir/d.yml:8:15: \"expect_every\" must be a number and one of the "
                      "units s, m, h, d, w, as in 6h, not \"1 day\".\n"
                      "dir/d.yml:9:9: \"memory\" must be a size with its unit or a share of "
                      "the memory, as in 512 MiB or 50%, not \"10%%\".\n");
    config_test_wrong("dataset: d\n"
                      "key: id\n"
                      "memory: 1MB\n"
                      "source: {url: a.csv, max_bytes: '500'}\n",
                      NULL,
                      "dir/d.yml:3:9: \"memory\" must be at least 64 MiB, not \"1MB\".\n"
                      "dir/d.yml:4:33: \"source.max_bytes\" must be a size with its unit, as "
                      "in 500 MB, not \"500\".\n");
}

static void choices_name_what_is_possible(void **state)
{
    (void)state;
    config_test_wrong("dataset: d\n"
                      "key: id\n"
                      "revisions: published\n"
                      "duplicates: first\n"
                      "bad_rows: skip\n"
                      "partition: {column: d, by: monthly}\n"
                      "source: {url: a.csv, format: cvs, compression: gz}\n"
                      "store_options: {encryption: kms}\n",
                      NULL,
                      "dir/d.yml:3:12: \"revisions\" must be publish or ignore, not "
                      "\"published\"; did you mean \"publish\"?\n"
                      "dir/d.yml:4:13: \"duplicates\" must be last or fail, not \"first\".\n"
                      "dir/d.yml:5:11: \"bad_rows\" must be fail or reject, not \"skip\".\n"
                      "dir/d.yml:6:28: \"partition.by\" must be year, month, day or none, "
                      "not \"monthly\"; did you mean \"month\"?\n"
                      "dir/d.yml:7:30: \"source.format\" must be csv, json, ndjson, "
                      "parquet, xlsx or fixed, not \"cvs\".\n"
                      "dir/d.yml:7:48: \"source.compression\" must be auto, none, gzip, zstd, xz "
                      "or bzip2, not \"gz\"; did you mean \"xz\"?\n"
                      "dir/d.yml:8:29: \"store_options.encryption\" must be none, sse-s3 or "
                      "sse-kms, not \"kms\".\n");
}

static void a_transform_is_given_once_and_readable(void **state)
{
    (void)state;
    config_test_wrong("dataset: d\n"
                      "key: id\n"
                      "transform: SELECT 1\n"
                      "transform_file: x.sql\n",
                      NULL,
                      "dir/d.yml:4:1: The keys \"transform_file\" and \"transform\" exclude each "
                      "other: keep one.\n");
    config_test_wrong(
        "dataset: d\n"
        "key: id\n"
        "transform_file: nowhere.sql\n",
        NULL, "dir/d.yml:3:17: \"transform_file\" does not name a file: \"nowhere.sql\".\n");
    config_test_wrong("dataset: d\n"
                      "key: id\n"
                      "transform_file: /dev/null\n",
                      NULL,
                      "dir/d.yml:3:17: \"transform_file\" does not name a file: \"/dev/null\".\n");
}

static void problems_beyond_the_limit_are_counted(void **state)
{
    (void)state;
    struct config config = {0};
    struct str text;
    str_init(&text, STR_MAX_DEFAULT);
    str_append(&text, "dataset: d\nkey: id\n");
    for (int i = 0; i < CONFIG_PROBLEMS_MAX + 7; i++)
        str_printf(&text, "wrong_%d: x\n", i);
    char *problems = config_test_problems(text.data, NULL, &config);
    size_t lines = 0;
    for (const char *p = problems; *p != '\0'; p++)
        lines += *p == '\n';
    assert_int_equal(lines, CONFIG_PROBLEMS_MAX + 1);
    assert_non_null(strstr(problems, "dir/d.yml:3:1: The key \"wrong_0\" is not known.\n"));
    assert_non_null(strstr(problems, "dir/d.yml: and 7 more.\n"));
    free(problems);
    str_release(&text);
}

static void problems_come_in_the_order_of_the_file(void **state)
{
    (void)state;
    config_test_wrong("sort: [x]\nthreads: x\nkey: [y]\ncolumns: [{name: z, type: text}]\n"
                      "dataset: D\n",
                      NULL,
                      "dir/d.yml:1:8: \"sort[0]\" names no column: \"x\" is not in \"columns\".\n"
                      "dir/d.yml:2:10: \"threads\" must be a whole number from 1 to 256, not "
                      "\"x\".\n"
                      "dir/d.yml:3:7: \"key[0]\" names no column: \"y\" is not in \"columns\".\n"
                      "dir/d.yml:5:10: \"dataset\" must consist of lower-case letters, digits, "
                      "\"_\" and \"-\", begin with a letter or digit and have at most 64 "
                      "characters, not \"D\".\n");
}

static void long_values_are_cut_between_characters(void **state)
{
    (void)state;
    struct str text;
    str_init(&text, 1000);
    str_append(&text, "key: id\ndataset: x");
    for (int i = 0; i < 60; i++)
        str_append(&text, "\u00e4");
    struct config config = {0};
    char *problems = config_test_problems(text.data, NULL, &config);
    const char *cut = strstr(problems, "\u00e4...\".\n");
    assert_non_null(cut);
    free(problems);
    str_release(&text);
}

static void the_sum_of_all_problems_is_in_the_error(void **state)
{
    (void)state;
    struct config_env env = config_test_env(NULL);
    struct config config = {0};
    struct error err = ERROR_INIT;
    const char one[] = "dataset: d\nkey: id\nx: y\n";
    const char two[] = "dataset: d\nkey: id\nx: y\nz: y\n";
    assert_int_equal(config_parse(one, sizeof one - 1, "a.yml", &env, &config, NULL, &err),
                     ERR_CONFIG);
    assert_string_equal(err.text, "a.yml:3:1: The key \"x\" is not known.");
    assert_int_equal(config_parse(two, sizeof two - 1, "a.yml", &env, &config, NULL, &err),
                     ERR_CONFIG);
    assert_string_equal(err.text, "a.yml has 2 problems; the first, in line 3, column 1: The key "
                                  "\"x\" is not known.");
    assert_int_equal(config_parse(two, sizeof two - 1, "a.yml", &env, &config, NULL, NULL),
                     ERR_CONFIG);
}

static void a_file_that_is_too_large_is_refused(void **state)
{
    (void)state;
    struct config_env env = config_test_env(NULL);
    struct config config = {0};
    struct error err = ERROR_INIT;
    size_t count = CONFIG_SIZE_MAX + 1;
    char *text = mem_alloc(count);
    memset(text, '\n', count);
    memcpy(text, "dataset: d\nkey: id\n", 19);
    assert_int_equal(config_parse(text, count, "a.yml", &env, &config, NULL, &err), ERR_CONFIG);
    assert_string_equal(err.text, "a.yml:1:1: The file is larger than 1048576 bytes.");
    assert_int_equal(config_parse(text, count - 1, "a.yml", &env, &config, NULL, &err), ERR_OK);
    config_release(&config);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_is_one_mapping),
        cmocka_unit_test(required_keys_are_missed),
        cmocka_unit_test(unknown_keys_are_errors_with_a_hint),
        cmocka_unit_test(a_key_stands_there_once),
        cmocka_unit_test(a_key_without_a_value_is_an_error),
        cmocka_unit_test(values_must_be_of_the_right_shape),
        cmocka_unit_test(the_id_of_a_dataset_is_checked),
        cmocka_unit_test(booleans_are_true_and_false),
        cmocka_unit_test(numbers_and_durations_have_ranges),
        cmocka_unit_test(choices_name_what_is_possible),
        cmocka_unit_test(a_transform_is_given_once_and_readable),
        cmocka_unit_test(problems_beyond_the_limit_are_counted),
        cmocka_unit_test(problems_come_in_the_order_of_the_file),
        cmocka_unit_test(long_values_are_cut_between_characters),
        cmocka_unit_test(the_sum_of_all_problems_is_in_the_error),
        cmocka_unit_test(a_file_that_is_too_large_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
