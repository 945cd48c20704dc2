/* Which addresses a download may reach. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "net/address.h"

static bool refused(const char *host)
{
    struct sockaddr_storage address;
    assert_true(address_parse(host, &address));
    return address_is_refused((const struct sockaddr *)&address);
}

static bool loopback(const char *host)
{
    struct sockaddr_storage address;
    assert_true(address_parse(host, &address));
    return address_is_loopback((const struct sockaddr *)&address);
}

static void link_local_and_metadata_addresses_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"169.254.0.0",       "169.254.169.254", "169.254.255.255",
                                      "100.100.100.200",   "168.63.129.16",   "fe80::1",
                                      "[fe80::1%eth0]",    "febf:ffff::1",    "fd00:ec2::254",
                                      "fd00:0ec2:0:0::23", "fd20:ce::254"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (!refused(bad[i]))
            fail_msg("%s is not refused", bad[i]);
    }
}

static void an_address_inside_another_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"::ffff:169.254.169.254", "::169.254.169.254",
                                      "64:ff9b::169.254.169.254", "2002:a9fe:a9fe::1"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (!refused(bad[i]))
            fail_msg("%s is not refused", bad[i]);
    }
}

static void other_addresses_are_not_refused(void **state)
{
    (void)state;
    static const char *const good[] = {
        "127.0.0.1",   "10.1.2.3",        "192.168.1.1", "172.16.0.1",  "169.253.1.1",
        "169.255.0.1", "100.100.100.201", "93.184.1.1",  "::1",         "fec0::1",
        "fd00:ec1::1", "fd20:ce::255",    "2001:db8::1", "2002:a9ff::", "::ffff:10.0.0.1"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        if (refused(good[i]))
            fail_msg("%s is refused", good[i]);
    }
}

static void what_stays_on_this_machine_is_loopback(void **state)
{
    (void)state;
    assert_true(loopback("127.0.0.1"));
    assert_true(loopback("127.1.2.3"));
    assert_true(loopback("0.0.0.0"));
    assert_true(loopback("::1"));
    assert_true(loopback("::"));
    assert_true(loopback("::ffff:127.0.0.1"));
    assert_false(loopback("128.0.0.1"));
    assert_false(loopback("10.0.0.1"));
    assert_false(loopback("2001:db8::1"));
    assert_false(loopback("169.254.169.254"));
}

static void other_families_are_refused(void **state)
{
    (void)state;
    struct sockaddr address = {.sa_family = AF_UNIX};
    char text[INET6_ADDRSTRLEN];
    assert_true(address_is_refused(&address));
    assert_false(address_is_loopback(&address));
    address_format(&address, text);
    assert_string_equal(text, "?");
}

static void names_are_no_addresses(void **state)
{
    (void)state;
    struct sockaddr_storage address;
    static const char *const names[] = {
        "localhost",
        "",
        "[",
        "[]",
        "127.0.0.1.example.org",
        "1.2.3",
        "127.0.0.1:80",
        "0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0001"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        assert_false(address_parse(names[i], &address));
}

static void an_address_is_written_as_it_was_read(void **state)
{
    (void)state;
    static const char *const texts[] = {"10.0.0.1", "fe80::1", "2001:db8::"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct sockaddr_storage address;
        char text[INET6_ADDRSTRLEN];
        assert_true(address_parse(texts[i], &address));
        address_format((const struct sockaddr *)&address, text);
        assert_string_equal(text, texts[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(link_local_and_metadata_addresses_are_refused),
        cmocka_unit_test(an_address_inside_another_is_refused),
        cmocka_unit_test(other_addresses_are_not_refused),
        cmocka_unit_test(what_stays_on_this_machine_is_loopback),
        cmocka_unit_test(other_families_are_refused),
        cmocka_unit_test(names_are_no_addresses),
        cmocka_unit_test(an_address_is_written_as_it_was_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
