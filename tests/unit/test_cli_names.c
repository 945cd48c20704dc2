#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/names.h"
#include "config/config.h"
#include "util/error.h"

static void the_id_is_made_of_the_name_of_the_file(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"rates.yml", "rates"},
        {"/some/where/Daily Rates.yml", "daily-rates"},
        {"a.b.yaml", "a-b"},
        {"--x--.yml", "x"},
        {"_x_1.yml", "x_1"},
        {"R\u00e4tes!.yml", "r-tes"},
        {"noextension", "noextension"},
        {".yml", "yml"},
        {"\u00e4.yml", "example"},
        {"", "example"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *id = names_of_file(cases[i][0]);
        assert_string_equal(id, cases[i][1]);
        free(id);
    }
}

static void every_id_is_one(void **state)
{
    (void)state;
    char name[300];
    for (size_t length = 1; length < sizeof name; length += 7) {
        for (size_t i = 0; i < length; i++)
            name[i] = "aB- _.9\xc3\xa4"[(i * 7 + length) % 9];
        name[length] = '\0';
        char *id = names_of_file(name);
        struct config config = {.path = NULL};
        struct error err = ERROR_INIT;
        assert_int_equal(config_set_dataset(&config, id, &err), ERR_OK);
        config_release(&config);
        free(id);
    }
}

static void paths_are_seen_from_the_folder(void **state)
{
    (void)state;
    static const char *const cases[][3] = {
        {"/a/b", "/a/b/c.csv", "./c.csv"},
        {"/a/b", "/a/b/d/c.csv", "./d/c.csv"},
        {"/a/b", "/a/c.csv", "../c.csv"},
        {"/a/b", "/a/bc/d.csv", "../bc/d.csv"},
        {"/a/bb", "/a/b/x", "../b/x"},
        {"/a/b/c", "/x", "../../../x"},
        {"/", "/x", "./x"},
        {"/a", "/b", "../b"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *path = names_relative(cases[i][0], cases[i][1]);
        assert_string_equal(path, cases[i][2]);
        free(path);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_id_is_made_of_the_name_of_the_file),
        cmocka_unit_test(every_id_is_one),
        cmocka_unit_test(paths_are_seen_from_the_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
