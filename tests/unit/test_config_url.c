#include "config/config_read.h"

#include "unit/config_test.h"

static void urls_are_located(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum config_place place;
        const char *path;
        bool glob;
    } cases[] = {
        {"a.csv", CONFIG_PLACE_LOCAL, "dir/a.csv", false},
        {"../a.csv", CONFIG_PLACE_LOCAL, "dir/../a.csv", false},
        {"/x/a.csv", CONFIG_PLACE_LOCAL, "/x/a.csv", false},
        {"data/*.csv", CONFIG_PLACE_LOCAL, "dir/data/*.csv", true},
        {"a?.csv", CONFIG_PLACE_LOCAL, "dir/a?.csv", true},
        {"[ab].csv", CONFIG_PLACE_LOCAL, "dir/[ab].csv", true},
        {"c:file.csv", CONFIG_PLACE_LOCAL, "dir/c:file.csv", false},
        {"file:///x/a%20b.csv", CONFIG_PLACE_LOCAL, "/x/a b.csv", false},
        {"FILE://localhost/x/%C3%A4.csv", CONFIG_PLACE_LOCAL, "/x/\u00e4.csv", false},
        {"http://h/a.csv", CONFIG_PLACE_HTTP, NULL, false},
        {"HTTPS://h:8443/a.csv?x=[1]*", CONFIG_PLACE_HTTP, NULL, false},
        {"https://[::1]:80/a", CONFIG_PLACE_HTTP, NULL, false},
        {"s3://bucket/key", CONFIG_PLACE_S3, NULL, false},
        {"s3://bucket/2024-*/key", CONFIG_PLACE_S3, NULL, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct config_url url = {0};
        struct error err = ERROR_INIT;
        assert_int_equal(config_url_parse(cases[i].text, NULL, "dir", &url, &err), ERR_OK);
        assert_int_equal(url.place, cases[i].place);
        assert_string_equal(url.url, cases[i].text);
        assert_int_equal(url.glob, cases[i].glob);
        if (cases[i].path != NULL)
            assert_string_equal(url.path, cases[i].path);
        else
            assert_null(url.path);
        config_url_release(&url);
        assert_null(url.url);
    }
}

static void wrong_urls_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"ftp://h/a.csv", "begins with \"ftp://\", which is not supported."},
        {"gopher://h/a", "begins with \"gopher://\", which is not supported."},
        {"htp://h/a.csv",
         "begins with \"htp://\", which is not supported; did you mean \"http://\"?"},
        {"https:///a.csv", "has no host after \"://\"."},
        {"https://:80/a.csv", "has no host after \"://\"."},
        {"https://user:pw@/a.csv", "has no host after \"://\"."},
        {"https://h/a b.csv", "must not hold blanks or control characters."},
        {"https://h/a\nb.csv", "must not hold blanks or control characters."},
        {"s3://bucket", "has no key after the bucket."},
        {"s3://bucket/", "has no key after the bucket."},
        {"s3:///key", "has no bucket after \"://\"."},
        {"s3://id:secret@bucket/key",
         "must not hold credentials: they are taken from the environment, a profile or the "
         "machine, as every AWS tool does."},
        {"file://a.csv", "must name an absolute path, as in file:///data/in.csv."},
        {"file://otherhost/a.csv", "must name an absolute path, as in file:///data/in.csv."},
        {"file:///a%2", "holds a \"%\" that is not followed by two hex digits."},
        {"file:///a%zz", "holds a \"%\" that is not followed by two hex digits."},
        {"file:///a%00b", "holds a \"%\" that is not followed by two hex digits."},
        {"~/a.csv", "begins with \"~\", which is not expanded: write ${HOME}."},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct config_url url = {0};
        struct error err = ERROR_INIT;
        assert_int_equal(config_url_parse(cases[i].text, NULL, "dir", &url, &err), ERR_CONFIG);
        assert_string_equal(err.text, cases[i].message);
        assert_null(url.url);
    }
}

static void secrets_of_urls_are_hidden(void **state)
{
    (void)state;
    static const struct {
        const char *text, *shown;
    } cases[] = {
        {"https://user:pw@h/a", "https://***@h/a"},
        {"https://user@h/a", "https://***@h/a"},
        {"https://us@er:p@h/a@b", "https://***@h/a@b"},
        {"https://h/a@b", "https://h/a@b"},
        {"https://h?user@x", "https://h?user@x"},
        {"https://h/a?token=abc", "https://h/a?token=***"},
        {"https://h/a?x=1&api_key=abc&y=2", "https://h/a?x=1&api_key=***&y=2"},
        {"https://h/a?x=1;Token=abc;y", "https://h/a?x=1;Token=***;y"},
        {"https://h/a?sig=abc%2B", "https://h/a?sig=***"},
        {"https://h/a?X-Amz-Credential=me&X-Amz-Signature=abc&X-Amz-Date=1",
         "https://h/a?X-Amz-Credential=***&X-Amz-Signature=***&X-Amz-Date=1"},
        {"https://h/a?key", "https://h/a?key"},
        {"https://h/a?key=", "https://h/a?key=***"},
        {"https://h/a?design=1", "https://h/a?design=1"},
        {"a/b?token=c.csv", "a/b?token=c.csv"},
        {"file:///a?token=c.csv", "file:///a?token=c.csv"},
        {"plain text @ all", "plain text @ all"},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *shown = config_url_hide(cases[i].text);
        assert_string_equal(shown, cases[i].shown);
        free(shown);
    }
}

static void passwords_are_found(void **state)
{
    (void)state;
    char *password = config_url_password("https://user:p:w@d@h/a");
    assert_string_equal(password, "p:w@d");
    free(password);
    assert_null(config_url_password("https://user@h/a"));
    assert_null(config_url_password("https://h:80/a@b"));
    assert_null(config_url_password("user:pw@h"));
}

static void formats_follow_from_names(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum file_format format;
        bool tabs;
    } cases[] = {
        {"a.csv", FILE_FORMAT_CSV, false},
        {"a.CSV", FILE_FORMAT_CSV, false},
        {"a.tsv", FILE_FORMAT_CSV, true},
        {"a.tsv.gz", FILE_FORMAT_CSV, true},
        {"a.csv.gz", FILE_FORMAT_CSV, false},
        {"a.csv.zst", FILE_FORMAT_CSV, false},
        {"a.json", FILE_FORMAT_JSON, false},
        {"a.ndjson.zstd", FILE_FORMAT_NDJSON, false},
        {"a.jsonl", FILE_FORMAT_NDJSON, false},
        {"d/*.parquet", FILE_FORMAT_PARQUET, false},
        {"https://h/a.json?x=a.csv#b.csv", FILE_FORMAT_JSON, false},
        {"https://h/a?x=a.csv", FILE_FORMAT_AUTO, false},
        {"s3://b/a.csv", FILE_FORMAT_CSV, false},
        {"a.txt", FILE_FORMAT_AUTO, false},
        {"csv", FILE_FORMAT_AUTO, false},
        {".csv", FILE_FORMAT_CSV, false},
        {"a.gz", FILE_FORMAT_AUTO, false},
        {"data/*", FILE_FORMAT_AUTO, false},
        {"a.csv.gz.gz", FILE_FORMAT_AUTO, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct config_url url = {0};
        bool tabs = true;
        assert_int_equal(config_url_parse(cases[i].text, NULL, "dir", &url, NULL), ERR_OK);
        assert_int_equal(config_url_format(&url, NULL, &tabs), cases[i].format);
        assert_int_equal(tabs, cases[i].tabs);
        config_url_release(&url);
    }
}

static void stores_are_located(void **state)
{
    (void)state;
    static const struct {
        const char *text, *store;
    } good[] = {
        {"out", "dir/out"},
        {"/var/lib/out", "/var/lib/out"},
        {"file:///x/a%20b", "file:///x/a%20b"},
        {"s3://bucket", "s3://bucket"},
        {"s3://bucket/a/b", "s3://bucket/a/b"},
        {"memory:", "memory:"},
        {"memory:name", "memory:name"},
    };
    static const struct {
        const char *text, *message;
    } bad[] = {
        {"s4://bucket", "begins with \"s4://\", which is not supported; did you mean \"s3://\"?"},
        {"https://bucket.example.org", "begins with \"https://\", which is not supported."},
        {"s3://", "has no bucket after \"://\"."},
        {"s3://a:b@bucket", "must not hold credentials: they are taken from the environment, a "
                            "profile or the machine, as every AWS tool does."},
        {"file://x", "must name an absolute path, as in file:///data/in.csv."},
        {"~", "begins with \"~\", which is not expanded: write ${HOME}."},
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        char *store = NULL;
        assert_int_equal(config_store_locate(good[i].text, NULL, "dir", &store, NULL), ERR_OK);
        assert_string_equal(store, good[i].store);
        free(store);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char *store = NULL;
        struct error err = ERROR_INIT;
        assert_int_equal(config_store_locate(bad[i].text, NULL, "dir", &store, &err), ERR_CONFIG);
        assert_string_equal(err.text, bad[i].message);
        assert_null(store);
    }
}

static void a_very_long_url_is_refused(void **state)
{
    (void)state;
    size_t count = (size_t)1 << 20;
    char *text = mem_alloc(count);
    memset(text, 'a', count - 1);
    text[count - 1] = '\0';
    struct config_url url = {0};
    char *store = NULL;
    struct error err = ERROR_INIT;
    assert_int_equal(config_url_parse(text, NULL, "dir", &url, &err), ERR_CONFIG);
    assert_string_equal(err.text, "is too long.");
    assert_int_equal(config_store_locate(text, NULL, "dir", &store, &err), ERR_CONFIG);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(urls_are_located),           cmocka_unit_test(wrong_urls_are_refused),
        cmocka_unit_test(secrets_of_urls_are_hidden), cmocka_unit_test(passwords_are_found),
        cmocka_unit_test(formats_follow_from_names),  cmocka_unit_test(stores_are_located),
        cmocka_unit_test(a_very_long_url_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
