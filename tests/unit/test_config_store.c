#include "config/config_read.h"

#include "unit/config_test.h"

static void endpoints_are_urls_and_encrypted(void **state)
{
    (void)state;
    config_test_wrong("dataset: d\n"
                      "key: id\n"
                      "store_options: {endpoint: s3.example.org}\n",
                      NULL,
                      "dir/d.yml:3:27: \"store_options.endpoint\" must be a URL, as in "
                      "https://s3.example.org, not \"s3.example.org\".\n");
    config_test_wrong("dataset: d\n"
                      "key: id\n"
                      "store_options: {endpoint: 'http://s3.example.org', region: EU, "
                      "expected_bucket_owner: 12, kms_key_id: k}\n",
                      NULL,
                      "dir/d.yml:3:27: \"store_options.endpoint\" is not encrypted: use "
                      "https://, or set \"store_options.allow_http\" to true.\n"
                      "dir/d.yml:3:60: \"store_options.region\" must be a region such as "
                      "eu-central-1, not \"EU\".\n"
                      "dir/d.yml:3:87: \"store_options.expected_bucket_owner\" must be an "
                      "account of twelve digits, not \"12\".\n"
                      "dir/d.yml:3:103: \"store_options.kms_key_id\" has no effect: set "
                      "\"store_options.encryption\" to sse-kms, too.\n");
    config_test_wrong("dataset: d\n"
                      "key: id\n"
                      "store_options: {endpoint: 'https:///x'}\n",
                      NULL,
                      "dir/d.yml:3:27: \"store_options.endpoint\" has no host after \"://\".\n");
    config_test_wrong("dataset: d\n"
                      "key: id\n"
                      "store_options: {endpoint: 'https://u:p@h/'}\n",
                      NULL,
                      "dir/d.yml:3:27: \"store_options.endpoint\" must be a scheme, a host "
                      "and a port, and nothing else.\n");
}

static void store_options_have_defaults(void **state)
{
    (void)state;
    struct config config = {0};
    config_test_parse("dataset: d\nkey: id\n", NULL, &config);
    const struct config_store_options *o = &config.store_options;
    assert_null(config.store);
    assert_false(o->allow_network_filesystem);
    assert_null(o->endpoint);
    assert_null(o->region);
    assert_false(o->path_style);
    assert_false(o->path_style_set);
    assert_null(o->profile);
    assert_null(o->ca_bundle);
    assert_null(o->expected_bucket_owner);
    assert_int_equal(o->encryption, CONFIG_ENCRYPTION_DEFAULT);
    assert_null(o->kms_key_id);
    assert_false(o->allow_http);
    assert_int_equal(o->parallel, 16);
    config_release(&config);
}

static void every_store_option_arrives(void **state)
{
    (void)state;
    struct config config = {0};
    config_test_parse("dataset: d\n"
                      "key: id\n"
                      "store: s3://bucket/prefix\n"
                      "store_options:\n"
                      "  allow_network_filesystem: true\n"
                      "  endpoint: http://s3.example.org:9000/\n"
                      "  region: eu-central-1\n"
                      "  path_style: false\n"
                      "  profile: me\n"
                      "  ca_bundle: ca.pem\n"
                      "  expected_bucket_owner: 012345678901\n"
                      "  encryption: sse-kms\n"
                      "  kms_key_id: alias/x\n"
                      "  allow_http: true\n"
                      "  parallel: 64\n",
                      NULL, &config);
    const struct config_store_options *o = &config.store_options;
    assert_string_equal(config.store, "s3://bucket/prefix");
    assert_true(o->allow_network_filesystem);
    assert_string_equal(o->endpoint, "http://s3.example.org:9000/");
    assert_string_equal(o->region, "eu-central-1");
    assert_false(o->path_style);
    assert_true(o->path_style_set);
    assert_string_equal(o->profile, "me");
    assert_string_equal(o->ca_bundle, "dir/ca.pem");
    assert_string_equal(o->expected_bucket_owner, "012345678901");
    assert_int_equal(o->encryption, CONFIG_ENCRYPTION_SSE_KMS);
    assert_string_equal(o->kms_key_id, "alias/x");
    assert_true(o->allow_http);
    assert_int_equal(o->parallel, 64);
    config_release(&config);
}

static void plain_http_is_fine_on_this_machine(void **state)
{
    (void)state;
    static const struct {
        const char *endpoint;
        bool fine;
    } cases[] = {
        {"http://localhost:9000", true},
        {"http://127.0.0.1", true},
        {"http://[::1]:9000", true},
        {"HTTP://LOCALHOST/", true},
        {"http://localhost.example.org", false},
        {"http://127.0.0.12", false},
        {"http://10.0.0.1", false},
        {"https://10.0.0.1", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct config config = {0};
        char *text =
            mem_printf("dataset: d\nkey: id\nstore_options: {endpoint: '%s'}\n", cases[i].endpoint);
        char *problems = config_test_problems(text, NULL, &config);
        assert_int_equal(problems[0] == '\0', cases[i].fine);
        config_release(&config);
        free(problems);
        free(text);
    }
}

static void the_command_line_replaces_the_store(void **state)
{
    (void)state;
    struct config config = {0};
    struct error err = ERROR_INIT;
    config_test_parse("dataset: d\nkey: id\nstore: out\n", NULL, &config);
    assert_string_equal(config.store, "dir/out");
    assert_int_equal(config_set_store(&config, "other", &err), ERR_OK);
    assert_string_equal(config.store, "other");
    assert_int_equal(config_set_store(&config, "s3://id:secret@b", &err), ERR_CONFIG);
    assert_string_equal(err.text, "The store \"s3://***@b\" must not hold credentials: they are "
                                  "taken from the environment, a profile or the machine, as every "
                                  "AWS tool does.");
    assert_int_equal(config_set_store(&config, "", &err), ERR_CONFIG);
    assert_string_equal(err.text, "The store \"\" must not be empty.");
    assert_string_equal(config.store, "other");
    config_release(&config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(endpoints_are_urls_and_encrypted),
        cmocka_unit_test(store_options_have_defaults),
        cmocka_unit_test(every_store_option_arrives),
        cmocka_unit_test(plain_http_is_fine_on_this_machine),
        cmocka_unit_test(the_command_line_replaces_the_store),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
