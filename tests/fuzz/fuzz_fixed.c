/*
 * Any bytes as lines of fixed width: the first bytes choose widths and settings. What is read is the
 * same in one block and in many.
 */
#include "fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fuzz/memory_file.h"
#include "source/fixed.h"
#include "support/rows.h"

#define CHOICES 5
#define WIDTHS 3

static void require(bool good)
{
    if (!good)
        abort();
}

static struct read_options choose(const uint8_t *data, uint32_t widths[WIDTHS])
{
    for (size_t i = 0; i < WIDTHS; i++)
        widths[i] = 1 + data[i] % 12;
    struct read_options o = {.widths = widths, .width_count = 1 + data[3] % WIDTHS};
    o.header = data[3] / WIDTHS % 3;
    o.skip_lines = data[4] % 3;
    o.footer_lines = data[4] / 4 % 3;
    o.footer = data[4] & 16 ? "--" : NULL;
    o.comment = data[4] & 32 ? '#' : '\0';
    return o;
}

static int read_rows(const char *path, struct read_options o, unsigned threads, size_t memory,
                     struct str *out)
{
    struct error err = ERROR_INIT;
    o.threads = threads;
    o.memory = memory;
    str_init(out, STR_MAX_DEFAULT);
    int rc = rows_read(fixed_open, path, &o, NULL, 0, out, NULL, &err);
    require(rc == ERR_OK || err.text[0] != '\0');
    str_append(out, err.text);
    return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str whole;
    struct str parts;
    uint32_t widths[WIDTHS];
    char path[MEMORY_FILE_SIZE];
    if (size < CHOICES)
        return 0;
    struct read_options o = choose(data, widths);
    int fd = memory_file(data + CHOICES, size - CHOICES, path);
    require(read_rows(path, o, 1, 0, &whole) == read_rows(path, o, 3, 1, &parts));
    require(whole.len == parts.len && memcmp(whole.data, parts.data, whole.len) == 0);
    str_release(&whole);
    str_release(&parts);
    close(fd);
    return 0;
}
