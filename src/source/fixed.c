#include "source/fixed.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "source/csv_header.h"
#include "source/input.h"
#include "source/kind.h"
#include "source/lines.h"
#include "source/text_rows.h"
#include "util/mem.h"
#include "util/utf8.h"

#define BLOCK_SIZE ((size_t)256 << 10)

/* A line of the block, without its ending. */
struct line {
    size_t at;
    size_t end;
    uint64_t number; /* within the block, from 1 */
};

struct fixed {
    struct reader reader; /* first: see reader.h */
    struct input *input;
    struct lines *lines;
    char **names;
    size_t count; /* of the columns of the file */
    const struct reader_column *columns;
    size_t column_count;
    size_t *values; /* per column: its place in the file; SIZE_MAX: none */
    struct lines_block block;
    size_t at;             /* where the next line begins */
    uint64_t line;         /* lines of the block before it */
    uint64_t lines_before; /* of the file, before the block */
    uint64_t records;
    struct cast_span *spans;
    size_t stride;
    bool end;
};

/* ---- lines ---- */

static int next_block(struct fixed *f, struct error *err)
{
    f->lines_before += f->line;
    f->line = 0;
    f->at = 0;
    int rc = lines_next(f->lines, &f->block, err);
    if (rc == ERR_LIMIT && f->block.too_long)
        return csv_header_too_long(f->reader.file, f->lines_before + 1, err);
    return rc;
}

/* The next line of the block; false at its end. */
static bool next_line(struct fixed *f, struct line *out)
{
    const char *bytes = f->block.bytes;
    if (f->at == f->block.length)
        return false;
    size_t end = f->at;
    while (bytes[end] != '\n' && bytes[end] != '\r')
        end++;
    *out = (struct line){f->at, end, ++f->line};
    f->at = end + (bytes[end] == '\r' && bytes[end + 1] == '\n' ? 2 : 1);
    return true;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static struct cast_span trimmed(const char *bytes, size_t at, size_t end)
{
    while (at < end && is_blank(bytes[at]))
        at++;
    while (end > at && is_blank(bytes[end - 1]))
        end--;
    return (struct cast_span){(uint32_t)at, (uint32_t)(end - at)};
}

static bool is_nothing(const struct fixed *f, const struct line *line)
{
    char comment = f->reader.options->comment;
    if (comment != '\0' && f->block.bytes[line->at] == comment)
        return true;
    return trimmed(f->block.bytes, line->at, line->end).length == 0;
}

static bool is_footer(const struct fixed *f, const struct line *line)
{
    const char *footer = f->reader.options->footer;
    size_t n = footer != NULL ? strlen(footer) : 0;
    return footer != NULL && line->end - line->at >= n &&
           memcmp(f->block.bytes + line->at, footer, n) == 0;
}

/* The place after the next `count` characters. */
static size_t skip_characters(const char *bytes, size_t at, size_t end, size_t count)
{
    for (; count > 0 && at < end; count--)
        do
            at++;
        while (at < end && ((unsigned char)bytes[at] & 0xc0) == 0x80);
    return at;
}

/*
 * The values of a line. It may end within the last one; false where it ends before that begins, or
 * where something other than blanks follows, whose place is then in `*flaw`.
 */
static bool cut_line(const struct fixed *f, const struct line *line, struct cast_span *spans,
                     size_t stride, size_t *flaw)
{
    const struct read_options *o = f->reader.options;
    size_t at = line->at;
    bool whole = true;
    for (size_t i = 0; i < f->count; i++) {
        whole = whole && (at < line->end || i == 0);
        size_t end = skip_characters(f->block.bytes, at, line->end, o->widths[i]);
        spans[i * stride] = trimmed(f->block.bytes, at, end);
        at = end;
    }
    *flaw = whole ? at : line->end;
    return whole && trimmed(f->block.bytes, at, line->end).length == 0;
}

/* ---- rows ---- */

static void add_flaw(struct fixed *f, const struct line *line, size_t at, char *reason,
                     struct reader_batch *out)
{
    const char *bytes = f->block.bytes;
    struct reader_fault fault = {.row = f->records,
                                 .line = line->number,
                                 .column = text_rows_column(bytes, at),
                                 .index = SIZE_MAX};
    reader_batch_fault(out, &fault, bytes + line->at, line->end - line->at, reason);
}

/* One more row of texts, or a fault. */
static void take_line(struct fixed *f, const struct line *line, size_t *rows,
                      struct reader_batch *out)
{
    const char *bytes = f->block.bytes;
    size_t length = line->end - line->at;
    size_t good = utf8_prefix(bytes + line->at, length);
    size_t flaw;
    f->records++;
    if (good < length)
        add_flaw(f, line, line->at + good, mem_strdup("is not UTF-8 text"), out);
    else if (!cut_line(f, line, f->spans + *rows, f->stride, &flaw))
        add_flaw(f, line, flaw,
                 mem_strdup(flaw == line->end ? "ends before its last column"
                                              : "continues after its last column"),
                 out);
    else
        text_rows_note(out, (*rows)++, f->records, line->number);
}

static size_t origin_of(void *ctx, struct cast_span span)
{
    (void)ctx;
    return span.at;
}

/* Lines of the block become those of the file. */
static void place_batch(const struct fixed *f, struct reader_batch *out)
{
    for (size_t i = 0; i < out->values.rows; i++)
        out->lines[i] += f->lines_before;
    for (size_t i = 0; i < out->fault_count; i++)
        out->faults[i].line += f->lines_before;
}

static void next_rows(struct fixed *f, struct reader_batch *out)
{
    struct line line;
    size_t rows = 0;
    while (rows < f->stride && next_line(f, &line)) {
        f->end = is_footer(f, &line);
        if (f->end)
            break;
        if (!is_nothing(f, &line))
            take_line(f, &line, &rows, out);
    }
    struct text_rows t = {.base = f->block.bytes,
                          .spans = f->spans,
                          .stride = f->stride,
                          .count = rows,
                          .columns = f->columns,
                          .values = f->values,
                          .column_count = f->column_count,
                          .origin = origin_of};
    text_rows_cast(&t, out);
    place_batch(f, out);
}

static int fixed_next(struct reader *self, struct reader_batch *out, struct error *err)
{
    struct fixed *f = (struct fixed *)self;
    int rc = ERR_OK;
    while (rc == ERR_OK && !f->end && out->values.rows == 0 && out->fault_count == 0) {
        if (f->at < f->block.length) {
            next_rows(f, out);
        } else if (f->block.last) {
            f->end = true;
        } else {
            rc = next_block(f, err);
        }
    }
    bool done = out->values.rows == 0 && out->fault_count == 0;
    if (rc == ERR_OK && done && f->reader.sha256[0] == '\0')
        rc = input_digest(f->input, f->reader.sha256, err);
    return rc;
}

/* ---- header ---- */

/* The next line there is, whichever block it is in. */
static int header_line(struct fixed *f, struct line *line, struct error *err)
{
    int rc = ERR_OK;
    while (rc == ERR_OK && !next_line(f, line)) {
        if (f->block.last)
            return error_set(err, ERR_SOURCE,
                             "%s is empty after its header. Check that the source was published "
                             "completely, and `header` and `skip_lines` in the configuration.",
                             f->reader.file->shown);
        rc = next_block(f, err);
    }
    return rc;
}

static int skip_lines(struct fixed *f, struct error *err)
{
    struct line line;
    int rc = ERR_OK;
    for (uint64_t i = 0; rc == ERR_OK && i < f->reader.options->skip_lines; i++)
        rc = header_line(f, &line, err);
    return rc;
}

static int take_names(struct fixed *f, char **cells, struct error *err)
{
    struct line line;
    size_t flaw;
    int rc = header_line(f, &line, err);
    while (rc == ERR_OK && is_nothing(f, &line))
        rc = header_line(f, &line, err);
    if (rc != ERR_OK)
        return rc;
    const char *bytes = f->block.bytes;
    size_t length = line.end - line.at;
    if (utf8_prefix(bytes + line.at, length) < length || memchr(bytes + line.at, 0, length) != NULL)
        return error_set(err, ERR_SOURCE,
                         "%s: the header on line %llu is not UTF-8 text. Set `encoding` in the "
                         "configuration to the one the file is written in.",
                         f->reader.file->shown,
                         (unsigned long long)(f->lines_before + line.number));
    struct cast_span *spans = mem_calloc(f->count, sizeof *spans);
    cut_line(f, &line, spans, 1, &flaw);
    for (size_t i = 0; i < f->count; i++)
        cells[i] = mem_strndup(bytes + spans[i].at,
                               spans[i].length < READ_NAME_MAX ? spans[i].length : READ_NAME_MAX);
    free(spans);
    return ERR_OK;
}

static int read_names(struct fixed *f, struct error *err)
{
    unsigned rows = f->reader.options->header;
    char **cells = mem_calloc((rows > 0 ? rows : 1) * f->count, sizeof *cells);
    int rc = ERR_OK;
    for (unsigned i = 0; rc == ERR_OK && i < rows; i++)
        rc = take_names(f, cells + i * f->count, err);
    if (rc == ERR_OK)
        f->names = csv_header_join((const char *const *)cells, rows > 0 ? rows : 1, f->count);
    for (size_t i = 0; i < rows * f->count; i++)
        free(cells[i]);
    free(cells);
    return rc;
}

/* ---- the interface ---- */

static int fixed_names(struct reader *self, struct reader_texts *out, struct error *err)
{
    (void)err;
    const struct fixed *f = (struct fixed *)self;
    *out = (struct reader_texts){(const char *const *)f->names, f->count};
    return ERR_OK;
}

static int fixed_select(struct reader *self, const struct reader_column *columns, size_t count,
                        struct error *err)
{
    struct fixed *f = (struct fixed *)self;
    struct reader_texts has;
    int rc = fixed_names(self, &has, err);
    f->columns = columns;
    f->column_count = count;
    f->values = mem_calloc(count, sizeof *f->values);
    if (rc == ERR_OK)
        rc = reader_match(self, columns, count, &has, f->values, err);
    /* No more rows than fit into a few MiB of places. */
    f->stride = ((size_t)4 << 20) / sizeof *f->spans / f->count;
    if (f->stride > READER_BATCH_ROWS)
        f->stride = READER_BATCH_ROWS;
    f->spans = mem_calloc(f->stride * f->count, sizeof *f->spans);
    return rc;
}

static void fixed_free(struct reader *self)
{
    struct fixed *f = (struct fixed *)self;
    for (size_t i = 0; f->names != NULL && i < f->count; i++)
        free(f->names[i]);
    free(f->names);
    free(f->values);
    free(f->spans);
    lines_block_release(&f->block);
    lines_free(f->lines);
    input_free(f->input);
    reader_release(&f->reader);
    free(f);
}

static const struct reader_ops fixed_ops = {
    .names = fixed_names, .select = fixed_select, .next = fixed_next, .free = fixed_free};

static int check_widths(const struct read_options *o, struct error *err)
{
    if (o->width_count == 0 || o->width_count > READ_COLUMNS_MAX)
        return error_set(err, ERR_CONFIG,
                         "a source of fixed width has 1 to %d columns: list them in `widths`.",
                         READ_COLUMNS_MAX);
    for (size_t i = 0; i < o->width_count; i++)
        if (o->widths[i] == 0 || o->widths[i] > READ_RECORD_MAX)
            return error_set(err, ERR_CONFIG, "`widths`: column %zu cannot be %u characters wide.",
                             i + 1, (unsigned)o->widths[i]);
    return ERR_OK;
}

static int check_kind(const struct fixed *f, struct error *err)
{
    enum kind kind = kind_of(f->block.bytes, f->block.length);
    if (!kind_is_no_text(kind))
        return ERR_OK;
    return error_set(err, ERR_SOURCE, "%s is %s, not text. %s", f->reader.file->shown,
                     kind_name(kind), kind_advice(kind));
}

int fixed_open(const struct reader_file *file, const struct read_options *options,
               struct reader **out, struct error *err)
{
    struct fixed *f = mem_calloc(1, sizeof *f);
    f->reader = (struct reader){.ops = &fixed_ops, .file = file, .options = options};
    f->count = options->width_count;
    int rc = check_widths(options, err);
    if (rc == ERR_OK)
        rc = input_open(file, options, &f->input, err);
    if (rc == ERR_OK) {
        f->lines = lines_new(f->input, BLOCK_SIZE, options->footer_lines);
        rc = next_block(f, err);
    }
    if (rc == ERR_OK)
        rc = check_kind(f, err);
    if (rc == ERR_OK)
        rc = skip_lines(f, err);
    if (rc == ERR_OK)
        rc = read_names(f, err);
    if (rc == ERR_OK)
        *out = &f->reader;
    else
        fixed_free(&f->reader);
    return rc;
}
