/*
 * Any bytes as a CSV file, in a dialect that the first five bytes choose: whatever the functions say
 * of it must fit together, and the quick way over plain lines must see the rows of the slow one.
 */
#include "fuzz/fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "engine/csv_scan.h"
#include "engine/csv_text.h"
#include "util/mem.h"

#define CHOICES 5
#define RECORDS_MAX 64

static void require(bool good)
{
    if (!good)
        abort();
}

static struct csv_dialect choose(const uint8_t *data)
{
    static const char delimiters[][5] = {",", ";", "\t", " ", "||", "\xc2\xa7", "<>>", "-=-+"};
    static const char quotes[] = {'"', '\'', '\0'};
    static const char comments[] = {'\0', '#'};
    struct csv_dialect d = {.header = data[3] & 1, .drop_blank = (data[3] & 2) != 0};
    memcpy(d.delimiter, delimiters[data[0] % 8], 5);
    d.quote = quotes[data[1] % 3];
    d.escape = d.quote == '\0' ? '\0' : data[1] & 0x40 ? '\\' : data[1] & 0x80 ? '\0' : d.quote;
    d.comment = comments[data[2] % 2];
    d.skip_lines = data[4] % 4;
    return d;
}

/* All rows with their values counted; a row begins where the one before it ends. */
static void walk(const char *path, const struct csv_dialect *d, bool rows_only, size_t size,
                 uint64_t kinds[4])
{
    struct csv_scan scan;
    struct csv_row row;
    struct csv_row first = {.line = 1};
    uint64_t end = 0;
    require(csv_scan_open(&scan, path, d, NULL) == ERR_OK);
    first.begin = scan.at;
    scan.rows_only = rows_only;
    require(csv_scan_seek(&scan, &first, NULL) == ERR_OK);
    end = first.begin;
    do {
        require(csv_scan_next(&scan, &row, NULL) == ERR_OK);
        require(row.begin == end && row.end >= row.begin && row.end <= size);
        require(row.kind == CSV_ROW_END || row.end > row.begin);
        require(row.kind != CSV_ROW_RECORD || rows_only || row.fields > 0);
        end = row.end;
        kinds[row.kind]++;
    } while (row.kind != CSV_ROW_END);
    require(end == size);
    csv_scan_close(&scan);
}

static void check_place(const char *path, const struct csv_place *p, const uint8_t *data,
                        size_t size)
{
    uint64_t line = 0;
    uint64_t column = 0;
    size_t length = strlen(p->value);
    require(p->offset <= size && length <= CSV_PLACE_VALUE_MAX && size - p->offset >= length);
    require(memcmp(data + p->offset, p->value, length) == 0);
    require(p->line >= 1 && p->column >= 1);
    require(csv_place_at(path, p->offset, &line, &column, NULL) == ERR_OK);
    require(p->offset == size || (line == p->line && column == p->column));
}

/* The first records: in order, each on its line; and there is none behind the last. */
static void check_places(const char *path, const struct csv_dialect *d, uint64_t records,
                         const uint8_t *data, size_t size)
{
    struct csv_want wants[RECORDS_MAX] = {{0}};
    struct csv_place places[RECORDS_MAX];
    size_t count = records < RECORDS_MAX ? (size_t)records : RECORDS_MAX;
    for (size_t i = 0; i < count; i++)
        wants[i] = (struct csv_want){i, 0};
    require(csv_locate_all(path, d, NULL, wants, count, places, NULL) == ERR_OK);
    for (size_t i = 0; i < count; i++) {
        require(i == 0 || places[i].offset > places[i - 1].offset);
        check_place(path, &places[i], data, size);
    }
    for (size_t i = 0; i < count; i++)
        csv_place_release(&places[i]);
    wants[0] = (struct csv_want){records, 1};
    require(csv_locate(path, d, NULL, wants, places, NULL) == ERR_ABSENT);
    if (records > 0) {
        wants[0].record = records - 1;
        require(csv_locate(path, d, NULL, wants, places, NULL) == ERR_OK);
        check_place(path, places, data, size);
        csv_place_release(places);
    }
}

static void check_header(const char *path, const struct csv_dialect *d)
{
    struct csv_names names = {0};
    struct error err = ERROR_INIT;
    int rc = csv_header(path, d, &names, &err);
    require(rc == ERR_OK || ((rc == ERR_SOURCE || rc == ERR_LIMIT) && err.text[0] != '\0'));
    require((rc == ERR_OK) == (names.count > 0));
    require(names.count <= CSV_COLUMNS_MAX && (rc != ERR_OK || names.skip >= d->skip_lines));
    for (size_t i = 0; i < names.count; i++)
        require(names.names[i][0] != '\0');
    csv_names_release(&names);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < CHOICES)
        return 0;
    struct csv_dialect d = choose(data);
    data += CHOICES;
    size -= CHOICES;
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    require(fd >= 0 && write(fd, data, size) == (ssize_t)size);
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);

    uint64_t slow[4] = {0};
    uint64_t quick[4] = {0};
    walk(path, &d, false, size, slow);
    walk(path, &d, true, size, quick);
    require(memcmp(slow, quick, sizeof slow) == 0);
    check_header(path, &d);
    uint64_t records = 0;
    if (csv_check(path, &d, &records, NULL) == ERR_OK)
        check_places(path, &d, records, data, size);
    close(fd);
    return 0;
}
