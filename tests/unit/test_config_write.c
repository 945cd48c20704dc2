#include "config/config.h"

#include "unit/config_test.h"
#include "util/fs.h"

/* What is written for a guess, and what is read of it again. */
static char *write_and_parse(const struct config_guess *guess, struct config *config)
{
    struct str text;
    str_init(&text, STR_MAX_DEFAULT);
    config_write_example(&text, guess);
    config_test_parse(text.data, NULL, config);
    return str_detach(&text);
}

static void the_general_example_is_what_the_golden_file_says(void **state)
{
    (void)state;
    struct config config = {0};
    struct str golden;
    str_init(&golden, STR_MAX_DEFAULT);
    assert_int_equal(
        fs_read(CAUCE_TEST_SOURCE_DIR "/tests/golden/config/general.yml", &golden, NULL), ERR_OK);
    char *text = write_and_parse(NULL, &config);
    assert_string_equal(text, golden.data);
    assert_string_equal(config.dataset, "example");
    assert_string_equal(config.store, "dir/published");
    assert_true(config.source.urls[0].glob);
    assert_string_equal(config.key.items[0], "id");
    config_release(&config);
    free(text);
    str_release(&golden);
}

static const struct config_guess_column rates[] = {
    {"day", {.kind = TYPE_DATE}, "Date", false, NULL, NULL, NULL, 0, false, false},
    {"currency", {.kind = TYPE_TEXT}, "currency", false, NULL, NULL, NULL, 0, false, false},
    {"rate",
     {TYPE_DECIMAL, 18, 6},
     NULL,
     true,
     "3 of 500 rows have no value",
     NULL,
     NULL,
     0,
     false,
     false},
};

static const struct config_guess sample = {
    .dataset = "exchange-rates",
    .store = "s3://bucket/prefix",
    .url = "./incoming/rates.csv.gz",
    .format = FILE_FORMAT_CSV,
    .delimiter = ";",
    .encoding = "windows-1252",
    .columns = rates,
    .column_count = 3,
    .key = (const char *const[]){"currency", "day"},
    .key_count = 2,
    .partition_column = "day",
    .partition_by = CONFIG_BY_YEAR,
    .comments = (const char *const[]){"Made from ./incoming/rates.csv.gz: 500 rows."},
    .comment_count = 1,
};

static void a_sample_fills_the_example_in(void **state)
{
    (void)state;
    struct config config = {0};
    struct str golden;
    str_init(&golden, STR_MAX_DEFAULT);
    assert_int_equal(
        fs_read(CAUCE_TEST_SOURCE_DIR "/tests/golden/config/sample.yml", &golden, NULL), ERR_OK);
    char *text = write_and_parse(&sample, &config);
    assert_string_equal(text, golden.data);
    assert_string_equal(config.dataset, "exchange-rates");
    assert_string_equal(config.store, "s3://bucket/prefix");
    assert_string_equal(config.source.urls[0].path, "dir/incoming/rates.csv.gz");
    assert_int_equal(config.source.format, FILE_FORMAT_CSV);
    assert_string_equal(config.source.delimiter, ";");
    assert_string_equal(config.source.encoding, "windows-1252");
    assert_int_equal(config.column_count, 3);
    assert_string_equal(config.columns[0].from.items[0], "Date");
    assert_string_equal(config.columns[1].from.items[0], "currency");
    assert_true(type_equal(config.columns[2].type, rates[2].type));
    assert_false(config.columns[1].nullable);
    assert_true(config.columns[2].nullable);
    assert_int_equal(config.key.count, 2);
    assert_string_equal(config.partition_column, "day");
    assert_int_equal(config.partition_by, CONFIG_BY_YEAR);
    config_release(&config);
    free(text);
    str_release(&golden);
}

static void every_valid_name_survives(void **state)
{
    (void)state;
    static const char *const names[] = {
        "null",       "~",        "true",       "no",
        "Off",        "y",        "1",          "1.5",
        "1e3",        "0x1f",     "-",          "--- ",
        "- x",        "a: b",     "a #b",       "#",
        "'",          "\"",       "\\",         "\\u0041",
        "a\"b\\c",    "*x",       "&x",         "!x",
        "%x",         "@x",       "`x",         "{a}",
        "[a]",        "a, b",     "?",          ":",
        "|",          ">",        "${X}",       "$${X}",
        "$X",         "$",        "${",         " lead",
        "trail ",     "a  b",     "2024-01-01", "\u00e4\u20ac",
        "\U0001f600", "\u2028x",  "x\u2029",    "\ufeffx",
        "<<",         "=",        "..",         "./x",
        ".5",         ".inf",     "a/b",        "key",
        "a.b-c_D9",   "x\u00a0y", "_x",         "%{x}",
        "\u00ff",
    };
    enum { COUNT = sizeof names / sizeof names[0] };
    struct config_guess_column columns[COUNT];
    for (size_t i = 0; i < COUNT; i++)
        columns[i] = (struct config_guess_column){names[i],
                                                  {.kind = TYPE_TEXT},
                                                  names[COUNT - 1 - i],
                                                  i % 2 == 0,
                                                  names[i],
                                                  NULL,
                                                  NULL,
                                                  0,
                                                  false,
                                                  false};
    struct config_guess guess = {
        .columns = columns,
        .column_count = COUNT,
        .key = names,
        .key_count = COUNT,
        .comments = names,
        .comment_count = COUNT,
    };
    struct config config = {0};
    char *text = write_and_parse(&guess, &config);
    assert_int_equal(config.column_count, COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        assert_string_equal(config.columns[i].name, names[i]);
        assert_string_equal(config.columns[i].from.items[0], names[COUNT - 1 - i]);
        assert_int_equal(config.columns[i].nullable, i % 2 == 0);
        assert_string_equal(config.key.items[i], names[i]);
    }
    config_release(&config);
    free(text);
}

static void comments_cannot_break_out(void **state)
{
    (void)state;
    static const char *const lines[] = {"a\nstore: elsewhere", "b\r\ndataset: other",
                                        "c\u2028store: elsewhere", "d\302\205store: elsewhere",
                                        "e\tf\x1b[31m"};
    struct config_guess guess = {.comments = lines, .comment_count = 5};
    struct config config = {0};
    char *text = write_and_parse(&guess, &config);
    assert_non_null(strstr(text, "# a\\nstore: elsewhere\n"));
    assert_non_null(strstr(text, "# e\\tf\\x1b[31m\n"));
    assert_string_equal(config.dataset, "example");
    assert_string_equal(config.store, "dir/published");
    config_release(&config);
    free(text);
}

static void without_a_key_all_columns_are_offered(void **state)
{
    (void)state;
    struct config_guess guess = sample;
    guess.key = NULL;
    guess.key_count = 0;
    struct config config = {0};
    char *text = write_and_parse(&guess, &config);
    assert_int_equal(config.key.count, 3);
    assert_true(config.columns[2].nullable);
    assert_non_null(strstr(text, "No smaller set of columns was found"));
    config_release(&config);
    free(text);
}

static void the_format_of_a_column_is_written(void **state)
{
    (void)state;
    struct config_guess_column columns[3];
    memcpy(columns, rates, sizeof columns);
    columns[0].format = "%d.%m.%Y";
    struct config_guess guess = sample;
    guess.columns = columns;
    struct config config = {0};
    char *text = write_and_parse(&guess, &config);
    assert_int_equal(config.columns[0].formats.count, 1);
    assert_string_equal(config.columns[0].formats.items[0], "%d.%m.%Y");
    assert_int_equal(config.columns[1].formats.count, 0);
    config_release(&config);
    free(text);
}

static void every_format_is_written(void **state)
{
    (void)state;
    static const struct {
        const char *url, *delimiter, *encoding;
        enum file_format format;
    } cases[] = {
        {"a", ",", "utf-8", FILE_FORMAT_CSV},
        {"a", "\t", NULL, FILE_FORMAT_CSV},
        {"a", "#", NULL, FILE_FORMAT_CSV},
        {"a", "'", NULL, FILE_FORMAT_CSV},
        {"a", " ", NULL, FILE_FORMAT_CSV},
        {"a", "\u00a7", NULL, FILE_FORMAT_CSV},
        {"a", ",", "utf-8", FILE_FORMAT_JSON},
        {"a", ",", "utf-8", FILE_FORMAT_NDJSON},
        {"a", ",", "utf-8", FILE_FORMAT_PARQUET},
        {"https://h/a?x=1&y=#2", NULL, NULL, FILE_FORMAT_JSON},
        {"a.csv", NULL, NULL, FILE_FORMAT_AUTO},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct config_guess guess = {.url = cases[i].url,
                                     .format = cases[i].format,
                                     .delimiter = cases[i].delimiter,
                                     .encoding = cases[i].encoding};
        struct config config = {0};
        char *text = write_and_parse(&guess, &config);
        assert_string_equal(config.source.urls[0].url, cases[i].url);
        if (cases[i].format != FILE_FORMAT_AUTO)
            assert_int_equal(config.source.format, cases[i].format);
        if (cases[i].format == FILE_FORMAT_CSV)
            assert_string_equal(config.source.delimiter, cases[i].delimiter);
        config_release(&config);
        free(text);
    }
}

/* Every setting that stands in a comment is one that works once the comment is taken away. */
static void commented_settings_are_right(void **state)
{
    (void)state;
    struct str text;
    struct str bare;
    str_init(&text, STR_MAX_DEFAULT);
    str_init(&bare, STR_MAX_DEFAULT);
    config_write_example(&text, NULL);
    for (const char *line = text.data; *line != '\0';) {
        size_t length = strcspn(line, "\n");
        const char *at = line;
        while (*at == ' ')
            at++;
        /* Prose begins with a capital letter or "a pattern"; settings are lower case. */
        const char *word = at[0] == '#' && at[1] == ' ' ? at + 2 : NULL;
        size_t name = word != NULL ? strspn(word, " -abcdefghijklmnopqrstuvwxyz_") : 0;
        if (word != NULL && word[name] == ':' && strncmp(word, "a pattern", 9) != 0) {
            str_append_bytes(&bare, line, (size_t)(at - line));
            str_append_bytes(&bare, word, length - (size_t)(word - line));
        } else {
            str_append_bytes(&bare, line, length);
        }
        str_append_char(&bare, '\n');
        line += length + (line[length] == '\n');
    }
    struct config config = {0};
    char *problems = config_test_problems(bare.data, NULL, &config);
    assert_string_equal(problems, "");
    assert_int_equal(config.column_count, 2);
    assert_int_equal(config.partition_by, CONFIG_BY_MONTH);
    assert_int_equal(config.expect_every, 86400);
    assert_non_null(config.transform);
    assert_int_equal(config.constant_count, 1);
    assert_int_equal(config.source.decimal, ',');
    config_release(&config);
    free(problems);
    str_release(&bare);
    str_release(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_general_example_is_what_the_golden_file_says),
        cmocka_unit_test(a_sample_fills_the_example_in),
        cmocka_unit_test(every_valid_name_survives),
        cmocka_unit_test(comments_cannot_break_out),
        cmocka_unit_test(without_a_key_all_columns_are_offered),
        cmocka_unit_test(the_format_of_a_column_is_written),
        cmocka_unit_test(every_format_is_written),
        cmocka_unit_test(commented_settings_are_right),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
