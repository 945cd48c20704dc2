/* From page to page: which link counts, and where it may lead. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "net/pages.h"

static void assert_link(const char *header, const char *expected)
{
    char *found = pages_link(header);
    assert_string_equal(found != NULL ? found : "(none)", expected);
    free(found);
}

static void the_link_to_the_next_page_counts(void **state)
{
    (void)state;
    assert_link("<https://h/a?page=2>; rel=\"next\"", "https://h/a?page=2");
    assert_link("</a?p=1,2>; rel=prev, </a?p=3>; rel=next, </z>; rel=last", "/a?p=3");
    assert_link("<x>;title=\"a; rel=next, \\\" <y>\";rel=\"first Next\"", "x");
    assert_link("<x> ; REL = next", "x");
    assert_link("<x>; rel=\"nextish\", <y>; rel", "(none)");
    assert_link("<x>; rel=prev; title=next", "(none)");
    assert_link("", "(none)");
    assert_link("<x", "(none)");
    assert_link("x; rel=next", "(none)");
    assert_link("<x>; rel=\"next", "x");
    assert_link("<>; rel=next", "");
}

static void assert_followed(const char *from, const char *reference, const char *expected)
{
    char *url = NULL;
    struct error err = ERROR_INIT;
    assert_int_equal(pages_follow(from, reference, &url, &err), ERR_OK);
    assert_string_equal(url, expected);
    free(url);
}

static void assert_not_followed(const char *from, const char *reference)
{
    char *url = NULL;
    struct error err = ERROR_INIT;
    assert_int_equal(pages_follow(from, reference, &url, &err), ERR_SOURCE);
    assert_null(url);
    assert_null(strstr(err.text, "secret"));
}

static void a_page_stays_on_its_server_with_its_user(void **state)
{
    (void)state;
    assert_followed("https://h/a/b?x=1", "c?y=2", "https://h/a/c?y=2");
    assert_followed("https://h/a/b?x=1", "?y=2", "https://h/a/b?y=2");
    assert_followed("https://u:p%40@h/a", "https://h:443/b", "https://u:p%40@h:443/b");
    assert_followed("http://u@h:8080/a?b=c@d", "/b", "http://u@h:8080/b");
    assert_not_followed("https://h/a", "https://other/b?secret");
    assert_not_followed("https://h/a", "http://h/b");
    assert_not_followed("https://h/a", "https://h:8443/b");
    assert_not_followed("https://h/a", "//other/secret");
    assert_not_followed("https://h/a", "file:///etc/secret");
    assert_not_followed("https://h/a", "https://");
}

static void assert_parameter(const char *url, const char *name, const char *value,
                             const char *expected)
{
    char *found = pages_parameter(url, name, value);
    assert_string_equal(found, expected);
    free(found);
}

static void a_parameter_is_set_in_the_query(void **state)
{
    (void)state;
    assert_parameter("https://h/a", "page", "2", "https://h/a?page=2");
    assert_parameter("https://h/a?page=1&x=y#z", "page", "2", "https://h/a?x=y&page=2");
    assert_parameter("https://h/a?pages=1&page&page=3", "page", "2", "https://h/a?pages=1&page=2");
    assert_parameter("https://h/a?", "c d", "a&b=\xc3\xa9/+",
                     "https://h/a?c%20d=a%26b%3D%C3%A9%2F%2B");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_link_to_the_next_page_counts),
        cmocka_unit_test(a_page_stays_on_its_server_with_its_user),
        cmocka_unit_test(a_parameter_is_set_in_the_query),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
