/*
 * The reader of CSV against the model that reads one byte after the other, over invented files of
 * many dialects: wild ones, of nothing but what is special, and such as people have, in one block and
 * in several, with one thread and with more.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "source/csv.h"
#include "support/csv_model.h"
#include "support/rows.h"
#include "support/temp_folder.h"
#include "util/fs.h"
#include "util/mem.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* A sequence of numbers that a seed decides (Knuth's MMIX generator). */
static unsigned draw(uint64_t *seed, unsigned below)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(*seed >> 33) % below;
}

static struct read_options invent_dialect(uint64_t *seed)
{
    static const char *const delimiters[] = {",", ";", "\t", "\xc2\xa7", " ", "|", "\xe2\x82\xac"};
    struct read_options o = {.quote = '"', .escape = '"'};
    const char *delimiter = delimiters[draw(seed, 3) > 0 ? 0 : draw(seed, COUNT(delimiters))];
    memcpy(o.delimiter, delimiter, strlen(delimiter));
    if (draw(seed, 8) == 0)
        o.quote = o.escape = '\'';
    if (draw(seed, 4) == 0)
        o.escape = '\\';
    if (draw(seed, 8) == 0)
        o.escape = '\0';
    if (draw(seed, 12) == 0)
        o.quote = '\0';
    o.comment = draw(seed, 3) == 0 ? '#' : '\0';
    o.trim = draw(seed, 4) == 0;
    o.footer = draw(seed, 10) == 0 ? "Total" : NULL;
    return o;
}

static void add_piece(uint64_t *seed, struct str *out)
{
    static const char *const pieces[] = {
        "a",   "1",           ",",  ",",  ",",  "\n", "\n",       "\r\n",  "\r",
        "\"",  "\"",          "\\", " ",  "\t", "#",  "\xc3\xa9", ";",     "\xc2\xa7",
        "xyz", "hello world", "'",  "||", "|",  "\"", "\xe9",     "Total", "\"\""};
    str_append(out, pieces[draw(seed, COUNT(pieces))]);
}

static void add_quoted(uint64_t *seed, const struct read_options *o, struct str *out)
{
    static const char *const inside[] = {"\n", "\r\n", "text", "more", " ", ""};
    str_append_char(out, o->quote);
    for (unsigned i = draw(seed, 6); i > 0; i--) {
        unsigned kind = draw(seed, COUNT(inside) + 2);
        if (kind < COUNT(inside))
            str_append(out, inside[kind]);
        else if (kind == COUNT(inside))
            str_append(out, o->delimiter);
        else if (o->escape != '\0')
            str_printf(out, "%c%c", o->escape, o->quote);
    }
    str_append_char(out, o->quote);
}

static void add_record(uint64_t *seed, const struct read_options *o, size_t columns, unsigned odd,
                       struct str *out)
{
    for (size_t i = 0; i < columns; i++) {
        str_append(out, i > 0 ? o->delimiter : "");
        unsigned kind = draw(seed, odd);
        if (kind == 0 && o->quote != '\0')
            add_quoted(seed, o, out);
        else if (kind == 2 && draw(seed, 50) == 0)
            add_piece(seed, out);
        else if (kind != 1)
            str_printf(out, "%u", draw(seed, 100000));
    }
    str_append(out, draw(seed, 200) == 0 ? "\r\n" : "\n");
    if (draw(seed, 500) == 0)
        add_piece(seed, out);
}

/* The first record is plain: it says how many columns there are. */
static void invent_file(uint64_t *seed, const struct read_options *o, size_t columns, size_t size,
                        struct str *out)
{
    unsigned odd[] = {0, 6, 40};
    unsigned kind = draw(seed, COUNT(odd));
    str_clear(out);
    for (size_t i = 0; i < columns; i++)
        str_printf(out, "%sv", i > 0 ? o->delimiter : "");
    str_append(out, "\n");
    while (out->len < size)
        if (odd[kind] == 0)
            add_piece(seed, out);
        else
            add_record(seed, o, columns, odd[kind], out);
}

struct try_out {
    char *path;
    struct str text, rows, model;
};

static void compare(struct try_out *t, uint64_t number, size_t size)
{
    uint64_t seed = number * 977 + 1;
    struct error err = ERROR_INIT;
    struct read_options o = invent_dialect(&seed);
    size_t columns = 2 + draw(&seed, 3);
    invent_file(&seed, &o, columns, 1 + draw(&seed, (unsigned)size), &t->text);
    o.threads = 1 + draw(&seed, 4);
    static const size_t memory[] = {0, 1, 1000000}; /* 1: the smallest blocks there are */
    o.memory = memory[draw(&seed, COUNT(memory))];
    str_clear(&t->rows);
    str_clear(&t->model);
    assert_int_equal(fs_write(t->path, t->text.data, t->text.len, NULL), ERR_OK);
    int rc = rows_read(csv_open, t->path, &o, NULL, 0, &t->rows, NULL, &err);
    bool whole = csv_model(t->text.data, t->text.len, &o, columns, &t->model);
    if ((rc == ERR_OK) != whole)
        fail_msg("file %llu: code %d, %s", (unsigned long long)number, rc, err.text);
    size_t at = 0;
    while (at < t->rows.len && at < t->model.len && t->rows.data[at] == t->model.data[at])
        at++;
    if (at < t->rows.len || at < t->model.len)
        fail_msg("file %llu: the reader says \"%.200s\", the model \"%.200s\"",
                 (unsigned long long)number, t->rows.data + at, t->model.data + at);
}

static void compare_files(uint64_t from, uint64_t to, size_t size)
{
    struct try_out t;
    char *folder = temp_folder_new();
    t.path = fs_join(folder, "file.csv");
    str_init(&t.text, STR_MAX_DEFAULT);
    str_init(&t.rows, STR_MAX_DEFAULT);
    str_init(&t.model, STR_MAX_DEFAULT);
    for (uint64_t i = from; i < to; i++)
        compare(&t, i, size);
    str_release(&t.text);
    str_release(&t.rows);
    str_release(&t.model);
    temp_folder_free(folder);
    free(t.path);
}

static void small_files_are_read_as_the_model_says(void **state)
{
    (void)state;
    compare_files(1, 3000, 500);
}

static void files_of_several_blocks_are_read_as_the_model_says(void **state)
{
    (void)state;
    compare_files(100000, 100040, 300000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_files_are_read_as_the_model_says),
        cmocka_unit_test(files_of_several_blocks_are_read_as_the_model_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
