#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/open.h"
#include "support/temp_folder.h"
#include "util/fs.h"
#include "util/mem.h"

static void a_dataset_lies_below_its_store(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"./published", "./published/d"},
        {"/data/", "/data/d"},
        {"/data//", "/data/d"},
        {"/", "/d"},
        {"s3://bucket", "s3://bucket/d"},
        {"s3://bucket/a/b/", "s3://bucket/a/b/d"},
        {"file:///data", "file:///data/d"},
        {"memory:", "memory:d"},
        {"memory:x", "memory:x/d"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *url = open_join(cases[i][0], "d");
        assert_string_equal(url, cases[i][1]);
        free(url);
    }
}

static void what_the_configuration_says_of_a_bucket_arrives_as_it_is(void **state)
{
    (void)state;
    struct config config;
    config_defaults(NULL, &config);
    struct store_s3_options s3 = open_s3_options(&config);
    assert_null(s3.endpoint);
    assert_null(s3.profile);
    assert_int_equal(s3.addressing, STORE_S3_AUTO);
    assert_int_equal(s3.encryption, STORE_S3_ENCRYPTION_UNSET);
    assert_int_equal(s3.parallel, 0);
    assert_false(s3.allow_plain);
    struct config_store_options *o = &config.store_options;
    o->endpoint = mem_strdup("https://s3.example.org");
    o->region = mem_strdup("from-file");
    o->profile = mem_strdup("publisher");
    o->ca_bundle = mem_strdup("/etc/ca.pem");
    o->expected_bucket_owner = mem_strdup("123456789012");
    o->kms_key_id = mem_strdup("alias/x");
    o->encryption = CONFIG_ENCRYPTION_SSE_KMS;
    o->path_style = o->path_style_set = true;
    o->allow_http = true;
    o->parallel = 8;
    s3 = open_s3_options(&config);
    assert_string_equal(s3.endpoint, "https://s3.example.org");
    assert_string_equal(s3.region, "from-file");
    assert_string_equal(s3.profile, "publisher");
    assert_string_equal(s3.ca_file, "/etc/ca.pem");
    assert_string_equal(s3.expected_bucket_owner, "123456789012");
    assert_string_equal(s3.kms_key_id, "alias/x");
    assert_int_equal(s3.addressing, STORE_S3_PATH);
    assert_int_equal(s3.encryption, STORE_S3_ENCRYPTION_KMS);
    assert_int_equal(s3.parallel, 8);
    assert_true(s3.allow_plain);
    o->path_style = false;
    assert_int_equal(open_s3_options(&config).addressing, STORE_S3_VIRTUAL);
    config_release(&config);
}

/* What `open_dataset` says to these options; the code is `code`. */
static void expect_refusal(const struct options *o, enum open_mode mode, int code, const char *says)
{
    struct opened in = {.store = NULL};
    struct error err = ERROR_INIT;
    assert_int_equal(open_dataset(o, mode, &in, &err), code);
    if (strstr(err.text, says) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", err.text, says);
    assert_null(in.store);
    assert_null(in.url);
}

static void what_cannot_be_opened_says_why(void **state)
{
    (void)state;
    char *folder = temp_folder_new();
    char *absent = fs_join(folder, "absent");
    char *file = fs_join(folder, "d.yml");
    struct options o = {.store = absent, .dataset = "Bad Id"};
    expect_refusal(&o, OPEN_READ, ERR_CONFIG, "The dataset \"Bad Id\" is not a valid id");
    o.dataset = "d";
    expect_refusal(&o, OPEN_READ, ERR_ABSENT, "There is no dataset \"d\" in the store");
    assert_false(fs_exists(absent));
    o.store = "ftp://x/y";
    expect_refusal(&o, OPEN_READ, ERR_CONFIG, "The store \"ftp://x/y\"");
    o = (struct options){.file = file};
    expect_refusal(&o, OPEN_READ, ERR_CONFIG, "does not exist");
    const char text[] = "dataset: d\nsource: a.csv\nkey: id\n";
    assert_int_equal(fs_write(file, text, sizeof text - 1, NULL), ERR_OK);
    expect_refusal(&o, OPEN_READ, ERR_CONFIG, "No store is named: set \"store\" in");
    free(file);
    free(absent);
    temp_folder_free(folder);
}

/* What this machine knows a dataset by, where these words are in DATASET.yml. */
static void expect_place(const char *folder, const char *words, const char *place)
{
    char *file = fs_join(folder, "d.yml");
    char *text = mem_printf("dataset: d\nsource: a.csv\nkey: id\n%s", words);
    struct opened in;
    struct error err = ERROR_INIT;
    struct options o = {.file = file};
    assert_int_equal(fs_write(file, text, strlen(text), NULL), ERR_OK);
    if (open_dataset(&o, OPEN_CREATE, &in, &err) != ERR_OK)
        fail_msg("%s", err.text);
    assert_string_equal(in.place, place);
    open_release(&in);
    free(text);
    free(file);
}

static void buckets_of_one_name_on_two_servers_are_two_places(void **state)
{
    (void)state;
    char *folder = temp_folder_new();
    char *local = mem_printf("store: %s/s\n", folder);
    char *url = mem_printf("file://%s/s/d", folder);
    unsetenv("AWS_ENDPOINT_URL_S3");
    unsetenv("AWS_ENDPOINT_URL");
    expect_place(folder, local, url);
    expect_place(folder, "store: s3://bucket/a\n", "s3://bucket/a/d");
    expect_place(folder,
                 "store: s3://bucket/a\nstore_options:\n  endpoint: https://s3.example.org\n",
                 "s3://bucket/a/d at https://s3.example.org");
    setenv("AWS_ENDPOINT_URL", "https://other.example.org", 1);
    expect_place(folder, "store: s3://bucket/a\n", "s3://bucket/a/d at https://other.example.org");
    expect_place(folder, local, url);
    unsetenv("AWS_ENDPOINT_URL");
    free(url);
    free(local);
    temp_folder_free(folder);
}

static void without_a_file_the_machine_gives_the_limits(void **state)
{
    (void)state;
    char *folder = temp_folder_new();
    struct opened in;
    struct error err = ERROR_INIT;
    struct options o = {.store = folder, .dataset = "d"};
    assert_int_equal(open_dataset(&o, OPEN_CREATE, &in, &err), ERR_OK);
    assert_false(in.has_config);
    assert_null(in.dataset.config);
    assert_string_equal(in.dataset.id, "d");
    assert_true(in.dataset.limits.memory >= (uint64_t)64 << 20);
    assert_true(in.dataset.limits.threads >= 1);
    assert_non_null(in.dataset.limits.temp);
    char *made = fs_join(folder, "d");
    assert_true(fs_exists(made));
    free(made);
    open_release(&in);
    open_release(&in);
    temp_folder_free(folder);
}

static void the_command_line_takes_the_place_of_the_file(void **state)
{
    (void)state;
    char *folder = temp_folder_new();
    char *file = fs_join(folder, "d.yml");
    char *other = fs_join(folder, "other");
    const char text[] = "dataset: d\nstore: ./named\nsource: a.csv\nkey: id\nthreads: 3\n";
    assert_int_equal(fs_write(file, text, sizeof text - 1, NULL), ERR_OK);
    struct opened in;
    struct error err = ERROR_INIT;
    struct options o = {.file = file, .store = other, .source = "b.parquet"};
    assert_int_equal(open_dataset(&o, OPEN_CREATE, &in, &err), ERR_OK);
    assert_true(in.has_config);
    assert_ptr_equal(in.dataset.config, &in.config);
    assert_int_equal(in.dataset.limits.threads, 3);
    assert_int_equal(in.config.source.format, FILE_FORMAT_PARQUET);
    char *made = fs_join(other, "d");
    assert_true(fs_exists(made));
    assert_string_equal(in.url, made);
    free(made);
    open_release(&in);
    free(other);
    free(file);
    temp_folder_free(folder);
}

static void a_dry_run_makes_no_folder(void **state)
{
    (void)state;
    char *folder = temp_folder_new();
    char *absent = fs_join(folder, "absent");
    struct opened in;
    struct error err = ERROR_INIT;
    struct base base;
    struct options o = {.store = absent, .dataset = "d"};
    assert_int_equal(open_dataset(&o, OPEN_DRY, &in, &err), ERR_OK);
    assert_int_equal(base_read(in.store, "d", &base, &err), ERR_ABSENT);
    assert_false(fs_exists(absent));
    open_release(&in);
    free(absent);
    temp_folder_free(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_dataset_lies_below_its_store),
        cmocka_unit_test(what_the_configuration_says_of_a_bucket_arrives_as_it_is),
        cmocka_unit_test(what_cannot_be_opened_says_why),
        cmocka_unit_test(buckets_of_one_name_on_two_servers_are_two_places),
        cmocka_unit_test(without_a_file_the_machine_gives_the_limits),
        cmocka_unit_test(the_command_line_takes_the_place_of_the_file),
        cmocka_unit_test(a_dry_run_makes_no_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
