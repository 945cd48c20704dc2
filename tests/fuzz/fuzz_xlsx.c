/*
 * Any bytes as a workbook: as the archive itself or, where the first byte says so, as its sheet, its
 * texts and its styles, with NULs between them. What is read has places in order; what is not has a
 * reason.
 */
#include "fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <archive.h>
#include <archive_entry.h>

#include "fuzz/memory_file.h"
#include "source/xlsx.h"
#include "support/rows.h"
#include "util/mem.h"

#define OFFICE "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
#define PARTS 3
#define ROOM ((size_t)1 << 20)

static void require(bool good)
{
    if (!good)
        abort();
}

static void add_part(struct archive *a, const char *name, const char *text, size_t length)
{
    struct archive_entry *entry = archive_entry_new();
    archive_entry_set_pathname(entry, name);
    archive_entry_set_mode(entry, AE_IFREG | 0600);
    archive_entry_set_size(entry, (la_int64_t)length);
    require(archive_write_header(a, entry) == ARCHIVE_OK);
    require(archive_write_data(a, text, length) == (la_ssize_t)length);
    archive_entry_free(entry);
}

static void add_frame(struct archive *a)
{
    static const char *const frame[][2] = {
        {"_rels/.rels", "<Relationships><Relationship Id='r' Type='" OFFICE
                        "/officeDocument' Target='xl/workbook.xml'/></Relationships>"},
        {"xl/workbook.xml", "<workbook xmlns:r='" OFFICE "'><sheets>"
                            "<sheet name='S' sheetId='1' r:id='r1'/></sheets></workbook>"},
        {"xl/_rels/workbook.xml.rels",
         "<Relationships>"
         "<Relationship Id='r1' Type='" OFFICE "/worksheet' Target='sheet.xml'/>"
         "<Relationship Id='r2' Type='" OFFICE "/sharedStrings' Target='texts.xml'/>"
         "<Relationship Id='r3' Type='" OFFICE "/styles' Target='styles.xml'/></Relationships>"},
    };
    for (size_t i = 0; i < sizeof frame / sizeof *frame; i++)
        add_part(a, frame[i][0], frame[i][1], strlen(frame[i][1]));
}

/* A workbook of parts with NULs between them. A new buffer. */
static uint8_t *pack(const uint8_t *data, size_t size, size_t *packed)
{
    static const char *const names[PARTS] = {"xl/sheet.xml", "xl/texts.xml", "xl/styles.xml"};
    uint8_t *out = mem_alloc(size + ROOM);
    struct archive *a = archive_write_new();
    archive_write_set_format_zip(a);
    archive_write_zip_set_compression_store(a);
    require(archive_write_open_memory(a, out, size + ROOM, packed) == ARCHIVE_OK);
    add_frame(a);
    for (size_t i = 0; i < PARTS; i++) {
        const uint8_t *end = i + 1 < PARTS ? memchr(data, '\0', size) : NULL;
        size_t length = end != NULL ? (size_t)(end - data) : size;
        add_part(a, names[i], (const char *)data, length);
        data += length + (end != NULL);
        size -= length + (end != NULL);
    }
    require(archive_write_close(a) == ARCHIVE_OK);
    archive_write_free(a);
    return out;
}

static void check(const uint8_t *data, size_t size, uint8_t choice)
{
    static const char *const ranges[] = {NULL, "A1:C4", "B:C", "A2:B"};
    struct read_options o = {.header = choice / 4 % 3,
                             .skip_lines = choice / 16 % 3,
                             .range = ranges[choice % 4],
                             .footer = choice & 64 ? "--" : NULL};
    struct error err = ERROR_INIT;
    struct str out;
    char path[MEMORY_FILE_SIZE];
    int fd = memory_file(data, size, path);
    str_init(&out, STR_MAX_DEFAULT);
    int rc = rows_read(xlsx_open, path, &o, NULL, 0, &out, NULL, &err);
    require(rc == ERR_OK || err.text[0] != '\0');
    str_release(&out);
    close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    if ((data[0] & 1) == 0) {
        check(data + 2, size - 2, data[1]);
        return 0;
    }
    size_t packed = 0;
    uint8_t *book = pack(data + 2, size - 2, &packed);
    check(book, packed, data[1]);
    free(book);
    return 0;
}
