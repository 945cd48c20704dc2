/*
 * Any bytes as a source in JSON. What is JSON is decided as jansson decides it; a file of lines that
 * are all JSON gives the same rows as the same objects one after another; every line is a row, a
 * fault or blank; nested values have one shortest text.
 */
#include "fuzz/fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "source/json_document.h"
#include "source/json_scan.h"
#include "source/ndjson.h"
#include "util/json.h"
#include "util/mem.h"

#define COLUMNS 4

static void require(bool good)
{
    if (!good)
        abort();
}

/* --- the grammar ------------------------------------------------------------------------------ */

static void check_compact(const struct json_piece *piece)
{
    char *once = mem_calloc(piece->length + JSON_SCAN_PADDING, 1);
    char *twice = mem_alloc(piece->length);
    size_t length = json_scan_compact(piece->begin, piece->length, once);
    require(length <= piece->length);
    memset(once + length, 0, JSON_SCAN_PADDING);
    struct json_scan s = {once, once + length, NULL};
    struct json_piece again;
    require(json_scan_value(&s, &again) && s.at == s.end && again.kind == piece->kind);
    require(json_scan_compact(again.begin, again.length, twice) == again.length);
    require(memcmp(once, twice, length) == 0);
    free(twice);
    free(once);
}

static bool is_ours(const char *text, size_t size)
{
    struct json_scan s = {text, text + size, NULL};
    struct json_piece piece;
    json_scan_blanks(&s);
    bool good = json_scan_value(&s, &piece);
    require(s.at >= text && s.at <= s.end);
    require(good || (s.flaw == NULL) == (s.at == s.end));
    if (!good)
        return false;
    require(piece.begin + piece.length <= s.at);
    if (piece.kind == JSON_OBJECT || piece.kind == JSON_ARRAY)
        check_compact(&piece);
    json_scan_blanks(&s);
    return s.at == s.end;
}

static bool has(const char *text, size_t size, const char *part)
{
    return memmem(text, size, part, strlen(part)) != NULL;
}

/* jansson stops at the first number beyond a double, and takes no NUL in names. */
static void check_grammar(const char *text, size_t size)
{
    struct json_flaw flaw;
    bool ours = is_ours(text, size);
    if (has(text, size, "\\u0000") || size > JSON_SCAN_DEPTH_MAX)
        return;
    bool theirs = !json_find_flaw(text, size, &flaw);
    require(theirs || !ours);
    require(ours || !theirs || has(text, size, "e") || has(text, size, "E") || size > 300);
}

/* --- the readers ------------------------------------------------------------------------------ */

struct result {
    struct str rows;
    uint64_t count;
    uint64_t faults;
    uint64_t flaws; /* faults of whole records */
    int rc;
};

static void put_rows(struct result *out, const struct reader_batch *b)
{
    for (size_t i = 0; i < b->values.rows; i++) {
        require(b->rows[i] > out->count || i > 0);
        for (size_t k = 0; k < COLUMNS; k++) {
            size_t length;
            const struct column *c = &b->values.columns[k];
            require(c->count == b->values.rows);
            if (column_is_null(c, i)) {
                str_append(&out->rows, "-");
                continue;
            }
            const char *bytes = column_bytes(c, i, &length);
            str_printf(&out->rows, "%zu ", length);
            str_append_bytes(&out->rows, bytes, length);
        }
        str_append_char(&out->rows, '\n');
    }
}

static void read_all(int (*open)(const struct reader_file *, const struct read_options *,
                                 struct reader **, struct error *),
                     const char *path, unsigned threads, struct result *out)
{
    static const char *const names[COLUMNS] = {"a", "$.b.c", "$.b[1]", "$.\"x.y\""};
    struct reader_column columns[COLUMNS];
    struct cast_options text = {.type = {TYPE_TEXT, 0, 0}, .decimal = '.'};
    struct cast *cast;
    struct read_options options = {.threads = threads, .memory = 1 << 20};
    struct reader_file file = {.path = path, .shown = "source"};
    struct reader *r = NULL;
    struct reader_batch batch;
    struct error err = ERROR_INIT;
    require(cast_new(&text, &cast, NULL) == ERR_OK);
    for (size_t i = 0; i < COLUMNS; i++)
        columns[i] = (struct reader_column){
            .name = "v", .from = {&names[i], 1}, .cast = cast, .optional = true};
    *out = (struct result){0};
    str_init(&out->rows, STR_MAX_DEFAULT);
    reader_batch_init(&batch, columns, COLUMNS);
    out->rc = open(&file, &options, &r, &err);
    if (out->rc == ERR_OK)
        out->rc = reader_select(r, columns, COLUMNS, &err);
    for (size_t got = 1; out->rc == ERR_OK && got > 0;) {
        out->rc = reader_next(r, &batch, &err);
        put_rows(out, &batch);
        got = batch.values.rows + batch.fault_count;
        out->count += got;
        out->faults += batch.fault_count;
        for (size_t i = 0; i < batch.fault_count; i++)
            out->flaws += batch.faults[i].index == SIZE_MAX;
    }
    require(out->rc == ERR_OK || (out->rc == ERR_SOURCE && err.text[0] != '\0'));
    reader_batch_release(&batch);
    reader_free(r);
    cast_free(cast);
}

static uint64_t lines_that_are_not_blank(const char *text, size_t size)
{
    uint64_t count = 0;
    bool blank = true;
    for (size_t i = 0; i < size; i++) {
        if (text[i] == '\n') {
            count += !blank;
            blank = true;
        } else if (!json_scan_is_blank(text[i])) {
            blank = false;
        }
    }
    return count + !blank;
}

static void check_readers(const char *text, size_t size)
{
    char path[64];
    struct result lines;
    struct result document;
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    require(fd >= 0 && write(fd, text, size) == (ssize_t)size);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    read_all(ndjson_open, path, 1, &lines);
    read_all(json_open, path, 1, &document);
    if (lines.rc == ERR_OK && memchr(text, 0xEF, size) == NULL &&
        memchr(text, 0xFE, size) == NULL && memchr(text, 0xFF, size) == NULL)
        require(lines.count == lines_that_are_not_blank(text, size));
    if (lines.rc == ERR_OK && lines.count > 0 && lines.flaws == 0)
        require(document.rc == ERR_OK && document.count == lines.count &&
                document.faults == lines.faults &&
                strcmp(document.rows.data, lines.rows.data) == 0);
    str_release(&lines.rows);
    str_release(&document.rows);
    close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = mem_calloc(size + JSON_SCAN_PADDING, 1);
    if (size > 0)
        memcpy(text, data, size);
    check_grammar(text, size);
    check_readers(text, size);
    free(text);
    return 0;
}
