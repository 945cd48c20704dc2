#include "config/config_read.h"

#include "unit/config_test.h"

static void characters_are_single_and_different(void **state)
{
    (void)state;
    config_test_wrong("dataset: d\n"
                      "key: id\n"
                      "source: {url: a.csv, delimiter: ';;', quote: ab, escape: ä, "
                      "comment: [x], decimal: ';', thousands: x}\n",
                      NULL,
                      "dir/d.yml:3:33: \"source.delimiter\" must be one character or tab, "
                      "not \";;\".\n"
                      "dir/d.yml:3:46: \"source.quote\" must be one ASCII character, or '' "
                      "for none, not \"ab\".\n"
                      "dir/d.yml:3:58: \"source.escape\" must be one ASCII character, or '' "
                      "for none, not \"ä\".\n"
                      "dir/d.yml:3:70: \"source.comment\" must be one ASCII character, or '' "
                      "for none, not a list.\n"
                      "dir/d.yml:3:84: \"source.decimal\" must be \".\" or \",\", not \";\".\n"
                      "dir/d.yml:3:100: \"source.thousands\" must be one of \".\", \",\", \"'\", "
                      "\"_\" or a blank, not \"x\".\n");
    config_test_wrong("dataset: d\n"
                      "key: id\n"
                      "source: {url: a.csv, delimiter: ''}\n",
                      NULL,
                      "dir/d.yml:3:33: \"source.delimiter\" must be one character or tab, "
                      "not \"\".\n");
    config_test_wrong("dataset: d\n"
                      "key: id\n"
                      "source: {url: a.csv, delimiter: '#', comment: '#', decimal: ',', "
                      "thousands: ','}\n",
                      NULL,
                      "dir/d.yml:3:47: \"source.comment\" must differ: \"delimiter\" and "
                      "\"comment\" are the same character.\n"
                      "dir/d.yml:3:77: \"source.thousands\" must differ from the decimal "
                      "sign \",\".\n");
    config_test_wrong("dataset: d\n"
                      "key: id\n"
                      "source: {url: a.csv, delimiter: '\"'}\n",
                      NULL,
                      "dir/d.yml:3:33: \"source.delimiter\" must differ: \"delimiter\" and "
                      "\"quote\" are the same character.\n");
    config_test_wrong("dataset: d\n"
                      "key: id\n"
                      "source: {url: a.csv, quote: '', escape: \"'\"}\n",
                      NULL, "dir/d.yml:3:41: \"source.escape\" has no effect without a quote.\n");
}

static void encodings_are_known(void **state)
{
    (void)state;
    config_test_wrong("dataset: d\n"
                      "key: id\n"
                      "source: {url: a.csv, encoding: utf9}\n",
                      NULL,
                      "dir/d.yml:3:32: \"source.encoding\" is not an encoding known to this "
                      "system: \"utf9\"; did you mean \"utf-8\"?\n");
    config_test_wrong("dataset: d\n"
                      "key: id\n"
                      "source: {url: a.csv, encoding: utf-8//IGNORE}\n",
                      NULL,
                      "dir/d.yml:3:32: \"source.encoding\" is not an encoding known to this "
                      "system: \"utf-8//IGNORE\".\n");
}

static void formats_of_dates_are_checked(void **state)
{
    (void)state;
    config_test_wrong(
        "dataset: d\n"
        "key: id\n"
        "source: {url: a.csv, date_formats: [DD.MM.YYYY, '%d.%q'], "
        "timestamp_formats: '%'}\n",
        NULL,
        "dir/d.yml:3:37: \"source.date_formats[0]\" must be a format such as \"%d.%m.%Y\", not "
        "\"DD.MM.YYYY\".\n"
        "dir/d.yml:3:49: \"source.date_formats[1]\" is wrong: The format \"%d.%q\" contains "
        "\"%q\", which is not known.\n"
        "dir/d.yml:3:78: \"source.timestamp_formats\" is wrong: The format \"%\" ends after a "
        "\"%\".\n");
}

static void formats_that_no_value_could_be_read_by_are_mistakes(void **state)
{
    (void)state;
    config_test_wrong(
        "dataset: d\n"
        "key: id\n"
        "source: {url: a.csv, date_formats: '%d/%m', timestamp_formats: '%Y %I:%M'}\n"
        "columns:\n"
        "- {name: id, type: time, formats: ['%H:%M', '%M:%S']}\n"
        "- {name: a, type: date, formats: '%d %b %H:%M'}\n",
        NULL,
        "dir/d.yml:3:36: \"source.date_formats\" is wrong: The format \"%d/%m\" of a date has no "
        "year (%Y).\n"
        "dir/d.yml:3:64: \"source.timestamp_formats\" is wrong: The format \"%Y %I:%M\" of a "
        "timestamp has %I without %p: morning and afternoon would be the same.\n"
        "dir/d.yml:5:45: \"columns[0].formats[1]\" is wrong: The format \"%M:%S\" of a time has "
        "minutes without hours or seconds without minutes.\n"
        "dir/d.yml:6:34: \"columns[1].formats\" is wrong: The format \"%d %b %H:%M\" of a date has "
        "no year (%Y).\n");
}

static void a_time_zone_is_one_that_the_system_knows(void **state)
{
    (void)state;
    config_test_wrong(
        "dataset: d\n"
        "key: id\n"
        "source: {url: a.csv, time_zone: Europe/Berlijn}\n"
        "columns: [{name: id, type: timestamp, time_zone: ../../etc}]\n",
        NULL,
        "dir/d.yml:3:33: \"source.time_zone\" is not a time zone known to this system: "
        "\"Europe/Berlijn\". Write an IANA name such as \"Europe/Madrid\".\n"
        "dir/d.yml:4:50: \"columns[0].time_zone\" is not a time zone known to this "
        "system: \"../../etc\". Write an IANA name such as \"Europe/Madrid\".\n");
}

static void settings_for_csv_need_csv(void **state)
{
    (void)state;
    config_test_wrong(
        "dataset: d\n"
        "key: id\n"
        "source: {url: a.parquet, delimiter: ';', header: true, encoding: "
        "utf-8, compression: gzip}\n",
        NULL,
        "dir/d.yml:3:26: \"source.delimiter\" has no effect on sources of the format parquet.\n"
        "dir/d.yml:3:42: \"source.header\" has no effect on sources of the format parquet.\n"
        "dir/d.yml:3:56: \"source.encoding\" has no effect on sources of the format parquet.\n"
        "dir/d.yml:3:73: \"source.compression\" has no effect on sources of the format parquet.\n");
}

static void pages_come_from_web_servers(void **state)
{
    (void)state;
    config_test_wrong("dataset: d\n"
                      "key: id\n"
                      "source: {url: a.json, next: link}\n",
                      NULL, "dir/d.yml:3:29: \"source.next\" is for sources on web servers.\n");
    config_test_wrong("dataset: d\n"
                      "key: id\n"
                      "source: {url: 'https://h/a.csv', next: {field: a, first: 2}}\n",
                      NULL,
                      "dir/d.yml:3:40: \"source.next\" has a \"field\", which only pages in JSON "
                      "have.\ndir/d.yml:3:58: \"source.next.first\" is only for pages that are "
                      "counted, by \"parameter\" alone.\n");
    config_test_wrong(
        "dataset: d\n"
        "key: id\n"
        "source: {url: 'https://h/a.csv', next: header}\n",
        NULL,
        "dir/d.yml:3:40: \"source.next\" must be link, or a mapping with \"field\" or "
        "\"parameter\", not \"header\".\n");
}

static void the_format_must_be_clear(void **state)
{
    (void)state;
    config_test_wrong("dataset: d\n"
                      "key: id\n"
                      "source: [data/a, b.csv]\n",
                      NULL,
                      "dir/d.yml:3:10: \"source[0]\" does not tell its format by its name: "
                      "set \"source.format\" to csv, json, ndjson, parquet, xlsx or fixed.\n");
    config_test_wrong("dataset: d\n"
                      "key: id\n"
                      "source: {url: [a.csv, b.json]}\n",
                      NULL,
                      "dir/d.yml:3:23: \"source.url[1]\" is json by its name, but the first "
                      "one is csv: all parts of a source must have one format.\n");
    config_test_wrong("dataset: d\n"
                      "key: id\n"
                      "source: {url: [a.csv, b.tsv]}\n",
                      NULL,
                      "dir/d.yml:3:23: \"source.url[1]\" mixes .tsv with .csv: set "
                      "\"source.delimiter\", or keep to one.\n");
}

static void urls_are_checked_one_by_one(void **state)
{
    (void)state;
    config_test_wrong("dataset: d\n"
                      "key: id\n"
                      "source: {url: ['', ~, [a], 'ftp://x/y.csv', '~/x.csv'], proxy: "
                      "gateway}\n"
                      "store: gs://b\n",
                      NULL,
                      "dir/d.yml:3:16: \"source.url[0]\" must not be empty.\n"
                      "dir/d.yml:3:20: \"source.url[1]\" has no value; where the text \"null\" "
                      "or \"~\" or an empty text is meant, put quotes around it.\n"
                      "dir/d.yml:3:23: \"source.url[2]\" must be a text, not a list.\n"
                      "dir/d.yml:3:28: \"source.url[3]\" begins with \"ftp://\", which is not "
                      "supported.\n"
                      "dir/d.yml:3:45: \"source.url[4]\" begins with \"~\", which is not "
                      "expanded: write ${HOME}.\n"
                      "dir/d.yml:3:64: \"source.proxy\" must be a URL, as in "
                      "http://gateway:3128, not \"gateway\".\n"
                      "dir/d.yml:4:8: \"store\" begins with \"gs://\", which is not supported.\n");
    config_test_wrong("dataset: d\n"
                      "key: id\n"
                      "source: []\n",
                      NULL, "dir/d.yml:3:9: \"source\" must not be an empty list.\n");
}

static void secrets_do_not_belong_in_the_file(void **state)
{
    (void)state;
    config_test_wrong("dataset: d\n"
                      "key: id\n"
                      "source:\n"
                      "  url: https://me:secret@h/a.csv\n"
                      "  headers:\n"
                      "    Authorization: Bearer abc\n"
                      "    X-Api-Key: abc\n"
                      "    Host: h\n"
                      "    bad name: x\n"
                      "    Accept: a\n"
                      "    accept: b\n"
                      "    X-List: [a]\n"
                      "  proxy: http://me:secret@h\n",
                      NULL,
                      "dir/d.yml:4:8: \"source.url\" contains a password: secrets do not belong in "
                      "this file; write ${NAME} and set the variable.\ndir/d.yml:6:20: "
                      "\"source.headers.Authorization\" looks like a secret: secrets do not belong "
                      "in this file; write ${NAME} and set the variable.\ndir/d.yml:7:16: "
                      "\"source.headers.X-Api-Key\" looks like a secret: secrets do not belong in "
                      "this file; write ${NAME} and set the variable.\ndir/d.yml:8:5: The header "
                      "\"Host\" cannot be set: downloads use it.\ndir/d.yml:9:5: \"bad name\" is "
                      "not the name of a header.\ndir/d.yml:11:5: The header \"accept\" appears "
                      "twice.\ndir/d.yml:12:13: \"source.headers.X-List\" must be a text, not "
                      "a list.\ndir/d.yml:13:10: \"source.proxy\" contains a password: secrets do "
                      "not belong in this file; write ${NAME} and set the variable.\n");
}

static void parse(struct config *config, const char *source, const char *const *pairs)
{
    char *text = mem_printf("dataset: d\nkey: id\nsource: %s\n", source);
    config_test_parse(text, pairs, config);
    free(text);
}

static void a_source_is_one_text_a_list_or_a_mapping(void **state)
{
    (void)state;
    struct config config = {0};
    parse(&config, "in.csv", NULL);
    assert_int_equal(config.source.url_count, 1);
    assert_string_equal(config.source.urls[0].path, "dir/in.csv");
    assert_int_equal(config.source.format, FILE_FORMAT_CSV);
    assert_false(config.source.format_set);
    config_release(&config);
    parse(&config, "[a.json, 'https://h/b.json']", NULL);
    assert_int_equal(config.source.url_count, 2);
    assert_int_equal(config.source.urls[1].place, CONFIG_PLACE_HTTP);
    assert_int_equal(config.source.format, FILE_FORMAT_JSON);
    config_release(&config);
    parse(&config, "{url: [a.json, b], format: ndjson}", NULL);
    assert_int_equal(config.source.url_count, 2);
    assert_int_equal(config.source.format, FILE_FORMAT_NDJSON);
    assert_true(config.source.format_set);
    config_release(&config);
}

static void a_source_has_defaults(void **state)
{
    (void)state;
    struct config config = {0};
    parse(&config, "{}", NULL);
    const struct config_source *s = &config.source;
    assert_int_equal(s->url_count, 0);
    assert_int_equal(s->format, FILE_FORMAT_AUTO);
    assert_int_equal(s->compression, CONFIG_COMPRESSION_AUTO);
    assert_string_equal(s->delimiter, ",");
    assert_int_equal(s->quote, '"');
    assert_int_equal(s->escape, '"');
    assert_true(s->header);
    assert_string_equal(s->encoding, "utf-8");
    assert_int_equal(s->nulls.count, 1);
    assert_string_equal(s->nulls.items[0], "");
    assert_int_equal(s->date_formats.count, 0);
    assert_int_equal(s->timestamp_formats.count, 0);
    assert_int_equal(s->decimal, '.');
    assert_int_equal(s->thousands, '\0');
    assert_int_equal(s->skip_lines, 0);
    assert_int_equal(s->comment, '\0');
    assert_int_equal(s->timeout_seconds, 300);
    assert_int_equal(s->max_bytes, 0);
    assert_int_equal(s->header_count, 0);
    assert_false(s->allow_private);
    assert_null(s->ca_bundle);
    assert_null(s->proxy);
    config_release(&config);
}

static void every_setting_of_a_source_arrives(void **state)
{
    (void)state;
    static const char *const pairs[] = {"TOKEN", "abcdef", "PW", "s3cret", NULL};
    struct config config = {0};
    config_test_parse("dataset: d\n"
                      "key: id\n"
                      "source:\n"
                      "  url: https://me:${PW}@h/a?x=1&token=${TOKEN}\n"
                      "  format: csv\n"
                      "  compression: zstd\n"
                      "  delimiter: \u20ac\n"
                      "  quote: \"'\"\n"
                      "  escape: \\\n"
                      "  header: false\n"
                      "  encoding: Windows-1252\n"
                      "  nulls: [NA, '', 'null']\n"
                      "  date_formats: '%d.%m.%Y'\n"
                      "  timestamp_formats: ['%c', '%-d.%m.%Y %%']\n"
                      "  decimal: ','\n"
                      "  thousands: ' '\n"
                      "  skip_lines: 3\n"
                      "  comment: '#'\n"
                      "  timeout_seconds: 7\n"
                      "  max_bytes: 1.5 kB\n"
                      "  headers: {Authorization: 'Bearer ${TOKEN}', Accept: text/csv}\n"
                      "  allow_private: true\n"
                      "  ca_bundle: ca.pem\n"
                      "  proxy: socks5h://gateway:1080\n",
                      pairs, &config);
    const struct config_source *s = &config.source;
    assert_string_equal(s->urls[0].url, "https://me:s3cret@h/a?x=1&token=abcdef");
    assert_string_equal(s->urls[0].shown, "https://***@h/a?x=1&token=***");
    assert_int_equal(s->format, FILE_FORMAT_CSV);
    assert_int_equal(s->compression, CONFIG_COMPRESSION_ZSTD);
    assert_string_equal(s->delimiter, "\u20ac");
    assert_int_equal(s->quote, '\'');
    assert_int_equal(s->escape, '\\');
    assert_false(s->header);
    assert_string_equal(s->encoding, "Windows-1252");
    assert_int_equal(s->nulls.count, 3);
    assert_string_equal(s->nulls.items[2], "null");
    assert_string_equal(s->date_formats.items[0], "%d.%m.%Y");
    assert_int_equal(s->timestamp_formats.count, 2);
    assert_int_equal(s->decimal, ',');
    assert_int_equal(s->thousands, ' ');
    assert_int_equal(s->skip_lines, 3);
    assert_int_equal(s->comment, '#');
    assert_int_equal(s->timeout_seconds, 7);
    assert_int_equal(s->max_bytes, 1500);
    assert_int_equal(s->header_count, 2);
    assert_string_equal(s->headers[0].name, "Authorization");
    assert_string_equal(s->headers[0].value, "Bearer abcdef");
    assert_true(s->allow_private);
    assert_string_equal(s->ca_bundle, "dir/ca.pem");
    assert_string_equal(s->proxy, "socks5h://gateway:1080");
    config_release(&config);
}

static void the_delimiter_of_tsv_is_a_tab(void **state)
{
    (void)state;
    static const struct {
        const char *source, *delimiter;
    } cases[] = {
        {"a.tsv", "\t"},
        {"[a.tsv, b.tsv.gz]", "\t"},
        {"{url: a.tsv, format: csv}", "\t"},
        {"{url: a.tsv, delimiter: ';'}", ";"},
        {"{url: a.csv, delimiter: tab}", "\t"},
        {"{url: a.csv, delimiter: \"\\t\"}", "\t"},
        {"{url: [a.csv, b.tsv], delimiter: ';'}", ";"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct config config = {0};
        parse(&config, cases[i].source, NULL);
        assert_string_equal(config.source.delimiter, cases[i].delimiter);
        config_release(&config);
    }
}

static void an_empty_text_switches_a_character_off(void **state)
{
    (void)state;
    struct config config = {0};
    parse(&config, "{url: a.csv, quote: '', comment: '', thousands: '', nulls: []}", NULL);
    assert_int_equal(config.source.quote, '\0');
    assert_int_equal(config.source.escape, '\0');
    assert_int_equal(config.source.comment, '\0');
    assert_int_equal(config.source.thousands, '\0');
    assert_int_equal(config.source.nulls.count, 0);
    config_release(&config);
    parse(&config, "{url: a.csv, quote: \"'\"}", NULL);
    assert_int_equal(config.source.escape, '\'');
    config_release(&config);
}

static void the_command_line_replaces_the_source(void **state)
{
    (void)state;
    struct config config = {0};
    struct error err = ERROR_INIT;
    parse(&config, "{url: [a.tsv, b.tsv], nulls: [NA]}", NULL);
    assert_int_equal(config_set_source(&config, "new/c.json", &err), ERR_OK);
    assert_int_equal(config.source.url_count, 1);
    assert_string_equal(config.source.urls[0].path, "new/c.json");
    assert_int_equal(config.source.format, FILE_FORMAT_JSON);
    assert_string_equal(config.source.delimiter, ",");
    assert_string_equal(config.source.nulls.items[0], "NA");
    assert_int_equal(config_set_source(&config, "https://me:secret@h/c", &err), ERR_CONFIG);
    assert_string_equal(
        err.text, "The source \"https://***@h/c\" does not tell its format by its "
                  "name: set \"source.format\" to csv, json, ndjson, parquet, xlsx or fixed.");
    assert_int_equal(config_set_source(&config, "ftp://h/c.csv", &err), ERR_CONFIG);
    assert_string_equal(
        err.text, "The source \"ftp://h/c.csv\" begins with \"ftp://\", which is not supported.");
    assert_int_equal(config_set_source(&config, "", &err), ERR_CONFIG);
    assert_string_equal(err.text, "The source \"\" must not be empty.");
    assert_string_equal(config.source.urls[0].path, "new/c.json");
    assert_int_equal(config_set_source(&config, "https://me:secret@h/c.csv", &err), ERR_OK);
    assert_string_equal(config.source.urls[0].shown, "https://***@h/c.csv");
    config_release(&config);
    parse(&config, "{format: csv}", NULL);
    assert_int_equal(config_set_source(&config, "anything", &err), ERR_OK);
    assert_int_equal(config.source.format, FILE_FORMAT_CSV);
    config_release(&config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(characters_are_single_and_different),
        cmocka_unit_test(encodings_are_known),
        cmocka_unit_test(formats_of_dates_are_checked),
        cmocka_unit_test(formats_that_no_value_could_be_read_by_are_mistakes),
        cmocka_unit_test(a_time_zone_is_one_that_the_system_knows),
        cmocka_unit_test(settings_for_csv_need_csv),
        cmocka_unit_test(pages_come_from_web_servers),
        cmocka_unit_test(the_format_must_be_clear),
        cmocka_unit_test(urls_are_checked_one_by_one),
        cmocka_unit_test(secrets_do_not_belong_in_the_file),
        cmocka_unit_test(a_source_is_one_text_a_list_or_a_mapping),
        cmocka_unit_test(a_source_has_defaults),
        cmocka_unit_test(every_setting_of_a_source_arrives),
        cmocka_unit_test(the_delimiter_of_tsv_is_a_tab),
        cmocka_unit_test(an_empty_text_switches_a_character_off),
        cmocka_unit_test(the_command_line_replaces_the_source),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
