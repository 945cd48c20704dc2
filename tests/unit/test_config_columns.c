#include "config/config_read.h"

#include "unit/config_test.h"

static void columns_are_checked_one_by_one(void **state)
{
    (void)state;
    config_test_wrong("dataset: d\n"
                      "key: id\n"
                      "columns:\n"
                      "  - id\n"
                      "  - {name: id, type: bigint}\n"
                      "  - {name: ID, type: int}\n"
                      "  - {name: a}\n"
                      "  - {type: text}\n"
                      "  - {name: _Version, type: text}\n"
                      "  - {name: \"a\\tb\", type: text}\n"
                      "  - {name: f, type: 'decimal(50,1)'}\n"
                      "  - {name: g, type: float, from: []}\n"
                      "  - {name: h, type: text, formats: '%Y', nullable: 1, form: x}\n"
                      "  - {name: i, type: date, from: ['', x]}\n",
                      NULL,
                      "dir/d.yml:4:5: \"columns[0]\" must be a mapping with \"name\" and "
                      "\"type\", as in {name: day, type: date}.\n"
                      "dir/d.yml:6:12: \"columns[2].name\" is the name of columns[1], too: "
                      "\"id\" (upper and lower case are the same).\n"
                      "dir/d.yml:7:5: \"columns[3]\" needs a \"type\".\n"
                      "dir/d.yml:8:5: \"columns[4]\" needs a \"name\".\n"
                      "dir/d.yml:9:12: \"columns[5].name\" is reserved: every published row "
                      "has columns _version and _ingested_at of its own.\n"
                      "dir/d.yml:10:12: \"columns[6].name\" must not hold control "
                      "characters.\n"
                      "dir/d.yml:11:21: \"columns[7].type\" is wrong: \"decimal(50,1)\" has a "
                      "precision of 50: it must be between 1 and 38 digits.\n"
                      "dir/d.yml:12:21: \"columns[8].type\" is wrong: \"float\" is not a type; "
                      "did you mean \"double\"? The types are boolean, int, bigint, double, "
                      "decimal(p,s), text, date, time, timestamp, uuid, binary.\n"
                      "dir/d.yml:12:34: \"columns[8].from\" must not be an empty list.\n"
                      "dir/d.yml:13:36: \"columns[9].formats\" has no effect: formats are "
                      "for date, time and timestamp, and this column is text.\n"
                      "dir/d.yml:13:52: \"columns[9].nullable\" must be true or false, not "
                      "\"1\"; did you mean true?\n"
                      "dir/d.yml:13:55: The key \"form\" is not known in a column; did you "
                      "mean \"from\"?\n"
                      "dir/d.yml:14:34: \"columns[10].from[0]\" must not be empty.\n");
    config_test_wrong("dataset: d\n"
                      "key: id\n"
                      "columns: []\n",
                      NULL,
                      "dir/d.yml:3:10: \"columns\" must be a list of columns, each with "
                      "\"name\" and \"type\"; leave it out to have the columns found at the "
                      "first run.\n");
    config_test_wrong("dataset: d\n"
                      "key: id\n"
                      "columns:\n"
                      "  - {name: id, type: decimal(12,2)}\n",
                      NULL,
                      "dir/d.yml:4:22: \"columns[0].type\" ends at its comma: between { and "
                      "} put quotes around it, as in \"decimal(18,2)\".\n"
                      "dir/d.yml:4:33: The key \"2)\" is not known in a column.\n");
}

static void names_in_key_and_sort_are_columns(void **state)
{
    (void)state;
    config_test_wrong("dataset: d\n"
                      "key: [dya, ID, day, day, _version]\n"
                      "columns: [{name: id, type: bigint}, {name: day, type: date}]\n"
                      "sort: [dday]\n"
                      "partition: {column: moment, by: day}\n",
                      NULL,
                      "dir/d.yml:2:7: \"key[0]\" names no column: \"dya\" is not in \"columns\".\n"
                      "dir/d.yml:2:12: \"key[1]\" names no column: \"ID\" is not in \"columns\"; "
                      "did you mean \"id\"?\n"
                      "dir/d.yml:2:21: \"key[3]\" appears twice: \"day\".\n"
                      "dir/d.yml:2:26: \"key[4]\" is reserved: every published row has "
                      "columns _version and _ingested_at of its own.\n"
                      "dir/d.yml:4:8: \"sort[0]\" names no column: \"dday\" is not in "
                      "\"columns\"; did you mean \"day\"?\n"
                      "dir/d.yml:5:21: \"partition.column\" names no column: \"moment\" is not "
                      "in \"columns\".\n");
    config_test_wrong("dataset: d\n"
                      "key: []\n",
                      NULL, "dir/d.yml:2:6: \"key\" must not be an empty list.\n");
    config_test_wrong(
        "dataset: d\n"
        "key: "
        "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk\n",
        NULL,
        "dir/d.yml:2:6: \"key\" is too long: a column's name has at most 128 "
        "bytes.\n");
}

static void a_partition_needs_a_day(void **state)
{
    (void)state;
    config_test_wrong("dataset: d\n"
                      "key: id\n"
                      "partition: {by: day}\n"
                      "columns: [{name: id, type: bigint}]\n",
                      NULL,
                      "dir/d.yml:3:12: \"partition\" needs a \"column\": a date or a "
                      "timestamp.\n");
    config_test_wrong("dataset: d\n"
                      "key: id\n"
                      "partition: {column: id}\n"
                      "columns: [{name: id, type: 'decimal(5,2)'}]\n",
                      NULL,
                      "dir/d.yml:3:21: \"partition.column\" must be a date or a timestamp; "
                      "the column \"id\" is decimal(5,2).\n");
    config_test_wrong("dataset: d\n"
                      "key: id\n"
                      "partition: {}\n",
                      NULL,
                      "dir/d.yml:3:12: \"partition\" needs a \"column\": a date or a "
                      "timestamp.\n");
}

static void constants_have_names_of_their_own(void **state)
{
    (void)state;
    config_test_wrong("dataset: d\n"
                      "key: [id, n]\n"
                      "partition: {column: day, by: year}\n"
                      "columns: [{name: id, type: bigint}, {name: n, type: text}, {name: "
                      "day, type: date}]\n"
                      "constants: {ID: x, N: x, Day: x, ok: x, OK: y, _ingested_at: x, '': "
                      "x, l: [x], e: }\n",
                      NULL,
                      "dir/d.yml:5:13: The constant \"ID\" has the name of a column of the "
                      "source.\n"
                      "dir/d.yml:5:20: The constant \"N\" has the name of a column of the "
                      "source.\n"
                      "dir/d.yml:5:26: The constant \"Day\" has the name of a column of the "
                      "source.\n"
                      "dir/d.yml:5:41: The constant \"OK\" appears twice.\n"
                      "dir/d.yml:5:48: The name \"_ingested_at\" is reserved: every "
                      "published row has columns _version and _ingested_at of its own.\n"
                      "dir/d.yml:5:65: The name \"\" must not be empty.\n"
                      "dir/d.yml:5:75: \"constants.l\" must be a text.\n"
                      "dir/d.yml:5:83: \"constants.e\" has no value; where the text \"null\" "
                      "or \"~\" or an empty text is meant, put quotes around it.\n");
}

static void columns_arrive_with_their_defaults(void **state)
{
    (void)state;
    struct config config = {0};
    config_test_parse("dataset: d\n"
                      "key: [id, day]\n"
                      "columns:\n"
                      "  - {name: id, type: bigint}\n"
                      "  - {name: day, type: date, from: [Day, Date], nullable: true}\n"
                      "  - {name: \"value \u20ac\", type: 'decimal(12, 2)', from: v}\n"
                      "  - {name: at, type: time, formats: ['%H:%M'], nullable: false}\n",
                      NULL, &config);
    assert_int_equal(config.column_count, 4);
    const struct config_column *c = config.columns;
    assert_string_equal(c[0].name, "id");
    assert_int_equal(c[0].type.kind, TYPE_BIGINT);
    assert_int_equal(c[0].from.count, 1);
    assert_string_equal(c[0].from.items[0], "id");
    assert_false(c[0].nullable);
    assert_int_equal(c[1].from.count, 2);
    assert_string_equal(c[1].from.items[1], "Date");
    assert_true(c[1].nullable);
    assert_string_equal(c[2].name, "value \u20ac");
    assert_true(type_equal(c[2].type, (struct type){TYPE_DECIMAL, 12, 2}));
    assert_string_equal(c[2].from.items[0], "v");
    assert_true(c[2].nullable);
    assert_int_equal(c[3].formats.count, 1);
    assert_false(c[3].nullable);
    assert_int_equal(config.sort.count, 2);
    assert_string_equal(config.sort.items[1], "day");
    config_release(&config);
}

static void a_key_may_be_one_name(void **state)
{
    (void)state;
    struct config config = {0};
    config_test_parse("dataset: d\nkey: id\nsort: [b, a]\n", NULL, &config);
    assert_int_equal(config.key.count, 1);
    assert_string_equal(config.key.items[0], "id");
    assert_int_equal(config.column_count, 0);
    assert_int_equal(config.sort.count, 2);
    assert_string_equal(config.sort.items[0], "b");
    config_release(&config);
}

static void partitions_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum config_by by;
    } cases[] = {
        {"{column: day}", CONFIG_BY_MONTH},
        {"{column: day, by: year}", CONFIG_BY_YEAR},
        {"{column: day, by: month}", CONFIG_BY_MONTH},
        {"{column: day, by: day}", CONFIG_BY_DAY},
        {"{column: day, by: none}", CONFIG_BY_NONE},
        {"{by: none}", CONFIG_BY_NONE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct config config = {0};
        char *text = mem_printf("dataset: d\nkey: id\npartition: %s\n", cases[i].text);
        config_test_parse(text, NULL, &config);
        assert_int_equal(config.partition_by, cases[i].by);
        if (cases[i].by == CONFIG_BY_NONE)
            assert_null(config.partition_column);
        else
            assert_string_equal(config.partition_column, "day");
        config_release(&config);
        free(text);
    }
}

static void a_partition_may_be_a_date_or_a_timestamp(void **state)
{
    (void)state;
    struct config config = {0};
    config_test_parse("dataset: d\nkey: id\npartition: {column: at}\n"
                      "columns: [{name: id, type: uuid}, {name: at, type: timestamp}]\n",
                      NULL, &config);
    assert_string_equal(config.partition_column, "at");
    config_release(&config);
}

static void a_transform_may_make_the_columns_of_the_key(void **state)
{
    (void)state;
    struct config config = {0};
    config_test_parse("dataset: d\nkey: [station, month]\npartition: {column: month}\n"
                      "sort: month\n"
                      "columns: [{name: station, type: text}, {name: at, type: timestamp}]\n"
                      "transform: SELECT station, date_trunc('month', at) AS month FROM source\n",
                      NULL, &config);
    assert_string_equal(config.transform,
                        "SELECT station, date_trunc('month', at) AS month FROM source");
    config_release(&config);
}

static void constants_keep_their_order(void **state)
{
    (void)state;
    struct config config = {0};
    config_test_parse("dataset: d\nkey: id\nconstants: {b: x, a: '', c: 1.0, d: true}\n", NULL,
                      &config);
    assert_int_equal(config.constant_count, 4);
    assert_string_equal(config.constants[0].name, "b");
    assert_string_equal(config.constants[1].value, "");
    assert_string_equal(config.constants[2].value, "1.0");
    assert_string_equal(config.constants[3].value, "true");
    config_release(&config);
}

static void many_columns_are_read_in_reasonable_time(void **state)
{
    (void)state;
    struct config config = {0};
    struct str text;
    str_init(&text, STR_MAX_DEFAULT);
    str_append(&text, "dataset: d\nkey: [c1, nothing]\ncolumns:\n");
    for (int i = 0; i < CONFIG_COLUMNS_MAX; i++)
        str_printf(&text, "  - {name: c%d, type: text}\n", i);
    char *problems = config_test_problems(text.data, NULL, &config);
    assert_string_equal(problems, "dir/d.yml:2:11: \"key[1]\" names no column: \"nothing\" is not "
                                  "in \"columns\".\n");
    free(problems);
    str_append(&text, "  - {name: last, type: text}\n");
    problems = config_test_problems(text.data, NULL, &config);
    assert_string_equal(problems, "dir/d.yml:4:3: \"columns\" has 4097 columns; at most 4096 are "
                                  "possible.\n");
    free(problems);
    str_release(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_are_checked_one_by_one),
        cmocka_unit_test(names_in_key_and_sort_are_columns),
        cmocka_unit_test(a_partition_needs_a_day),
        cmocka_unit_test(constants_have_names_of_their_own),
        cmocka_unit_test(columns_arrive_with_their_defaults),
        cmocka_unit_test(a_key_may_be_one_name),
        cmocka_unit_test(partitions_are_read),
        cmocka_unit_test(a_partition_may_be_a_date_or_a_timestamp),
        cmocka_unit_test(a_transform_may_make_the_columns_of_the_key),
        cmocka_unit_test(constants_keep_their_order),
        cmocka_unit_test(many_columns_are_read_in_reasonable_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
