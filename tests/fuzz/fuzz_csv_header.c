/*
 * Any bytes as a CSV file with lines before its names, lines of names and lines behind its records,
 * so many of each as the first bytes choose: what is read is the same in one block and in many, and
 * names are as many as values, none of them twice.
 */
#include "fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fuzz/memory_file.h"
#include "source/csv.h"
#include "support/rows.h"

#define CHOICES 3

static void require(bool good)
{
    if (!good)
        abort();
}

static struct read_options choose(const uint8_t *data)
{
    struct read_options o = {.delimiter = ",", .quote = '"', .escape = '"'};
    o.header = data[0] % 4;
    o.skip_lines = data[0] / 4 % 4;
    o.footer_lines = data[1] % 4;
    o.footer = data[1] & 4 ? "--" : NULL;
    o.comment = data[1] & 8 ? '#' : '\0';
    o.trim = (data[1] & 16) != 0;
    o.delimiter[0] = ",;\t|"[data[2] % 4];
    return o;
}

static void check_names(const char *path, const struct read_options *o)
{
    struct reader_file file = {.path = path, .shown = "s.csv"};
    struct reader *r;
    struct reader_texts names = {0};
    if (csv_open(&file, o, &r, NULL) != ERR_OK)
        return;
    require(reader_names(r, &names, NULL) == ERR_OK && names.count > 0);
    for (size_t i = 0; i < names.count; i++)
        for (size_t k = 0; k < i; k++)
            require(strcmp(names.items[i], names.items[k]) != 0);
    reader_free(r);
}

static int read_rows(const char *path, struct read_options o, unsigned threads, size_t memory,
                     struct str *out)
{
    struct error err = ERROR_INIT;
    o.threads = threads;
    o.memory = memory;
    str_init(out, STR_MAX_DEFAULT);
    int rc = rows_read(csv_open, path, &o, NULL, 0, out, NULL, &err);
    require(rc == ERR_OK || err.text[0] != '\0');
    return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str whole;
    struct str parts;
    char path[MEMORY_FILE_SIZE];
    if (size < CHOICES)
        return 0;
    struct read_options o = choose(data);
    int fd = memory_file(data + CHOICES, size - CHOICES, path);
    check_names(path, &o);
    require(read_rows(path, o, 1, 0, &whole) == read_rows(path, o, 3, 1, &parts));
    require(whole.len == parts.len && memcmp(whole.data, parts.data, whole.len) == 0);
    str_release(&whole);
    str_release(&parts);
    close(fd);
    return 0;
}
