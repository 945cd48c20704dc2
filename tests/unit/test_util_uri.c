#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "util/uri.h"

static void parts_are_found_where_they_are(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t scheme;
        const char *authority, *host;
    } cases[] = {
        {"https://example.org/a", 5, "example.org/a", "example.org/a"},
        {"HTTP://u:p@example.org:80", 4, "u:p@example.org:80", "example.org:80"},
        {"http://a@b@c/d@e", 4, "a@b@c/d@e", "c/d@e"},
        {"http://host?q=a@b", 4, "host?q=a@b", "host?q=a@b"},
        {"http://host#a@b", 4, "host#a@b", "host#a@b"},
        {"git+ssh.x-1://h", 11, "h", "h"},
        {"file:///a/b", 4, "/a/b", "/a/b"},
        {"s3://bucket", 2, "bucket", "bucket"},
        {"http://", 4, "", ""},
        {"", 0, "", ""},
        {"://x", 0, "://x", "://x"},
        {"1a://x", 0, "1a://x", "1a://x"},
        {"a b://x", 0, "a b://x", "a b://x"},
        {"/tmp/http://x", 0, "/tmp/http://x", "/tmp/http://x"},
        {"memory:x", 0, "memory:x", "memory:x"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(uri_scheme(cases[i].text), cases[i].scheme);
        assert_string_equal(uri_authority(cases[i].text), cases[i].authority);
        assert_string_equal(uri_host(cases[i].text), cases[i].host);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_are_found_where_they_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
