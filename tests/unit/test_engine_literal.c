/* Values of ours in SQL: as text, and back. */
#include "engine/literal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/sql.h"
#include "support/temp_engine.h"
#include "support/temp_folder.h"

static char *folder;
static struct engine *engine;

static int open_engine(void **state)
{
    (void)state;
    folder = temp_folder_new();
    engine = temp_engine_new(folder, 1);
    return 0;
}

static int close_engine(void **state)
{
    (void)state;
    engine_free(engine);
    temp_folder_free(folder);
    return 0;
}

static void a_literal_is_the_inverse_of_the_text(void **state)
{
    (void)state;
    static const char *const types[] = {"timestamp", "binary", "double", "decimal(9,3)", "text"};
    static const char *const texts[] = {"2031-01-31T10:00:00.123456Z", "00FF", "0.1", "12.345",
                                        "it's"};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        struct error err = ERROR_INIT;
        struct type type;
        struct str literal;
        struct str sql;
        char *out;
        assert_int_equal(type_parse(types[i], &type, &err), ERR_OK);
        str_init(&literal, STR_MAX_DEFAULT);
        str_init(&sql, STR_MAX_DEFAULT);
        literal_of(&literal, texts[i], type);
        str_append(&sql, "SELECT ");
        literal_text(&sql, literal.data, type);
        assert_int_equal(engine_text(engine, sql.data, &out, &err), ERR_OK);
        assert_string_equal(out, texts[i]);
        free(out);
        str_release(&literal);
        str_release(&sql);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_literal_is_the_inverse_of_the_text),
    };
    return cmocka_run_group_tests(tests, open_engine, close_engine);
}
