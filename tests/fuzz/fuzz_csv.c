/*
 * Any bytes as a CSV file, in a dialect, with a number of threads and a size of blocks that the first
 * four bytes choose: the reader must find the rows and faults that the model finds.
 */
#include "fuzz/fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "source/csv.h"
#include "support/csv_model.h"
#include "support/rows.h"
#include "util/mem.h"

#define CHOICES 4

static void require(bool good)
{
    if (!good)
        abort();
}

static struct read_options choose(const uint8_t *data)
{
    static const char delimiters[][5] = {",", ";", "\t", " ", "|", "\xc2\xa7", "\xe2\x82\xac", "x"};
    static const char quotes[] = {'"', '\'', '\0'};
    struct read_options o = {.compression = READ_PLAIN};
    memcpy(o.delimiter, delimiters[data[0] % 8], 5);
    o.quote = quotes[data[1] % 3];
    o.escape = o.quote == '\0' ? '\0' : data[1] & 0x40 ? '\\' : data[1] & 0x80 ? '\0' : o.quote;
    o.comment = data[2] & 1 ? '#' : '\0';
    o.trim = (data[2] & 2) != 0;
    o.footer = data[2] & 4 ? "--" : NULL;
    o.threads = 1 + data[3] % 3;
    o.memory = data[3] & 0x80 ? 1 : 0;
    return o;
}

/* How many columns the reader finds; 0 where it finds none to begin with. */
static size_t count_columns(const char *path, const struct read_options *o)
{
    struct reader_file file = {.path = path, .shown = "s.csv"};
    struct reader *r;
    struct reader_texts names = {0};
    if (csv_open(&file, o, &r, NULL) != ERR_OK)
        return 0;
    require(reader_names(r, &names, NULL) == ERR_OK && names.count > 0);
    reader_free(r);
    return names.count;
}

static void compare(const char *path, const struct read_options *o, const char *text, size_t length)
{
    struct str rows;
    struct str model;
    struct error err = ERROR_INIT;
    size_t columns = count_columns(path, o);
    if (columns == 0)
        return;
    str_init(&rows, STR_MAX_DEFAULT);
    str_init(&model, STR_MAX_DEFAULT);
    int rc = rows_read(csv_open, path, o, NULL, 0, &rows, NULL, &err);
    bool whole = csv_model(text, length, o, columns, &model);
    require(rc == ERR_OK || (rc == ERR_SOURCE && err.text[0] != '\0'));
    require((rc == ERR_OK) == whole);
    require(rows.len == model.len && memcmp(rows.data, model.data, rows.len) == 0);
    str_release(&rows);
    str_release(&model);
}

/* A byte-order mark is not the model's. */
static bool has_mark(const uint8_t *data, size_t size)
{
    return size >= 2 &&
           ((data[0] == 0xff && data[1] == 0xfe) || (data[0] == 0xfe && data[1] == 0xff) ||
            (data[0] == 0xef && data[1] == 0xbb) || (data[0] == 0 && data[1] == 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < CHOICES || has_mark(data + CHOICES, size - CHOICES))
        return 0;
    struct read_options o = choose(data);
    char path[64];
    int fd = memfd_create("csv", MFD_CLOEXEC);
    require(fd >= 0);
    require(write(fd, data + CHOICES, size - CHOICES) == (ssize_t)(size - CHOICES));
    require(snprintf(path, sizeof path, "/proc/self/fd/%d", fd) > 0);
    compare(path, &o, (const char *)data + CHOICES, size - CHOICES);
    close(fd);
    return 0;
}
