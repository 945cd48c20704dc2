/* Many texts at once are read as one by one: over texts of every length, around every border. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "util/mem.h"
#include "util/str.h"
#include "value/cast.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static unsigned draw(uint64_t *seed, unsigned below)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(*seed >> 33) % below;
}

static void add_number(uint64_t *seed, struct str *text)
{
    static const char *const signs[] = {"", "", "", "-", "+", " "};
    str_append(text, signs[draw(seed, COUNT(signs))]);
    for (unsigned n = draw(seed, 12); n > 0; n--)
        str_append_char(text, (char)('0' + draw(seed, 10)));
    if (draw(seed, 2) == 0)
        str_append_char(text, draw(seed, 8) == 0 ? ',' : '.');
    for (unsigned n = draw(seed, 8); n > 0; n--)
        str_append_char(text, (char)('0' + draw(seed, 10)));
    if (draw(seed, 20) == 0)
        str_append(text, "e3");
}

static void add_date(uint64_t *seed, struct str *text)
{
    str_printf(text, "%04u-%02u-%02u", 1900 + draw(seed, 200), draw(seed, 14), draw(seed, 33));
    if (draw(seed, 10) == 0)
        str_append(text, "T00:00:00");
}

static void add_words(uint64_t *seed, struct str *text)
{
    static const char *const words[] = {"a", "word", " ", "\xc3\xa9", "longer words", "NA", "\xff"};
    for (unsigned n = draw(seed, 7); n > 0; n--)
        str_append(text, words[draw(seed, draw(seed, 9) == 0 ? 7 : 6)]);
}

/* A text, sometimes with one byte changed. */
static void invent(uint64_t *seed, struct str *text)
{
    static void (*const kinds[])(uint64_t *, struct str *) = {add_number, add_date, add_words};
    str_clear(text);
    if (draw(seed, 15) > 0)
        kinds[draw(seed, COUNT(kinds))](seed, text);
    if (draw(seed, 10) == 0 && text->len > 0)
        text->data[draw(seed, (unsigned)text->len)] = "0:/-. x\xc2"[draw(seed, 8)];
}

static void check_equal(const struct column *a, const struct column *b)
{
    size_t width = column_width(a->type);
    assert_int_equal(a->count, b->count);
    assert_int_equal(a->nulls, b->nulls);
    assert_memory_equal(a->valid, b->valid, (a->count + 7) / 8);
    if (width > 0) {
        assert_memory_equal(a->values, b->values, a->count * width);
        return;
    }
    assert_memory_equal(a->offsets, b->offsets, (a->count + 1) * sizeof *a->offsets);
    assert_int_equal(a->bytes_used, b->bytes_used);
    assert_memory_equal(a->bytes, b->bytes, a->bytes_used);
}

/* Texts of one file's column: cast both ways, what is bad being NULL. */
static void compare(const struct cast *c, const char *base, const struct cast_span *texts,
                    size_t count)
{
    struct column together;
    struct column single;
    column_init(&together, cast_type(c));
    column_init(&single, cast_type(c));
    for (size_t i = 0; i < count;) {
        i += cast_texts(c, base, texts + i, count - i, &together);
        if (i++ < count)
            column_add_null(&together);
    }
    for (size_t i = 0; i < count; i++)
        if (cast_text(c, base + texts[i].at, texts[i].length, &single) == CAST_BAD)
            column_add_null(&single);
    check_equal(&together, &single);
    column_release(&together);
    column_release(&single);
}

static void many_texts_are_cast_as_one_by_one(void **state)
{
    (void)state;
    static const char *const types[] = {
        "int",  "bigint", "double",    "decimal(9,2)", "decimal(18,6)", "decimal(38,4)",
        "date", "text",   "timestamp", "boolean",      "binary",        "decimal(18,18)"};
    static const char *const nulls[] = {"", "NA", "-"};
    struct cast_span texts[500];
    struct str base;
    struct str one;
    uint64_t seed = 1;
    str_init(&base, STR_MAX_DEFAULT);
    str_init(&one, STR_MAX_DEFAULT);
    for (unsigned round = 0; round < 600; round++) {
        struct cast_options o = {.nulls = nulls, .null_count = draw(&seed, 4)};
        struct cast *c;
        struct error err = ERROR_INIT;
        size_t count = 1 + draw(&seed, COUNT(texts));
        assert_int_equal(type_parse(types[round % COUNT(types)], &o.type, &err), ERR_OK);
        o.decimal = draw(&seed, 4) == 0 ? ',' : '.';
        o.thousands = draw(&seed, 4) == 0 ? '.' : '\0';
        o.trim = draw(&seed, 3) == 0;
        o.percent = draw(&seed, 5) == 0;
        assert_int_equal(cast_new(&o, &c, &err), ERR_OK);
        str_clear(&base);
        for (size_t i = 0; i < count; i++) {
            invent(&seed, &one);
            texts[i] = (struct cast_span){(uint32_t)base.len, (uint32_t)one.len};
            str_append_bytes(&base, one.data, one.len);
            str_append(&base, ",");
        }
        str_append_bytes(&base, (char[CAST_MARGIN]){0}, CAST_MARGIN);
        compare(c, base.data, texts, count);
        cast_free(c);
    }
    str_release(&base);
    str_release(&one);
}

/* Every number of up to three digits with a point anywhere, and what is next to digits in ASCII. */
static void short_texts_are_cast_as_one_by_one(void **state)
{
    (void)state;
    static const char bytes[] = "-.0159/:+ ";
    struct cast_span texts[10 * 10 * 10 * 10];
    char *base = mem_calloc(COUNT(texts) * 5 + CAST_MARGIN, 1);
    size_t count = 0;
    for (unsigned n = 0; n < COUNT(texts); n++) {
        unsigned rest = n;
        for (unsigned k = 0; k < 4; k++, rest /= 10)
            base[n * 5 + k] = bytes[rest % 10];
        texts[count++] = (struct cast_span){n * 5, 1 + n % 4};
    }
    static const char *const types[] = {"int", "double", "decimal(4,2)", "date"};
    for (size_t i = 0; i < COUNT(types); i++) {
        struct cast_options o = {.decimal = '.'};
        struct cast *c;
        struct error err = ERROR_INIT;
        assert_int_equal(type_parse(types[i], &o.type, &err), ERR_OK);
        assert_int_equal(cast_new(&o, &c, &err), ERR_OK);
        compare(c, base, texts, count);
        cast_free(c);
    }
    free(base);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_texts_are_cast_as_one_by_one),
        cmocka_unit_test(short_texts_are_cast_as_one_by_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
