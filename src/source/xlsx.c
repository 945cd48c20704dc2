#include "source/xlsx.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "source/csv_header.h"
#include "source/input.h"
#include "source/kind.h"
#include "source/xlsx_sheet.h"
#include "source/xlsx_value.h"
#include "util/mem.h"
#include "util/stop.h"

#define BATCH_BYTES ((size_t)4 << 20)

struct xlsx {
    struct reader base; /* first: see reader.h */
    struct xlsx_book book;
    struct xlsx_sheet *sheet;
    struct xlsx_area area; /* what is read of it */
    struct xlsx_row *held; /* was read already: the first record */
    char **names;          /* of the columns that have one */
    size_t *places;        /* columns of the sheet that they are */
    size_t name_count;
    const struct reader_column *columns;
    size_t column_count;
    size_t *wanted; /* per column: the column of the sheet; SIZE_MAX: none */
    bool warned;    /* values without a name were reported */
    bool ended;
};

static struct xlsx *self_of(struct reader *r)
{
    return (struct xlsx *)r;
}

/* --- rows ------------------------------------------------------------------------------------- */

static const struct xlsx_cell *cell_at(const struct xlsx_row *row, size_t column)
{
    size_t low = 0;
    size_t high = row->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (row->cells[middle].column < column)
            low = middle + 1;
        else
            high = middle;
    }
    return low < row->count && row->cells[low].column == column ? &row->cells[low] : NULL;
}

/* Has the row cells in the area? */
static bool is_inside(const struct xlsx *x, const struct xlsx_row *row)
{
    for (size_t i = 0; i < row->count; i++)
        if (row->cells[i].column >= x->area.first_column &&
            row->cells[i].column <= x->area.last_column)
            return true;
    return false;
}

/* The next row with cells in the area; NULL after the last. */
static int next_row(struct xlsx *x, struct xlsx_row **out, struct error *err)
{
    *out = x->held;
    x->held = NULL;
    if (*out != NULL)
        return ERR_OK;
    int rc;
    do
        rc = xlsx_sheet_next(x->sheet, out, err);
    while (rc == ERR_OK && *out != NULL &&
           ((*out)->number < x->area.first_row ||
            ((*out)->number <= x->area.last_row && !is_inside(x, *out))));
    if (rc == ERR_OK && *out != NULL && (*out)->number > x->area.last_row)
        *out = NULL;
    return rc;
}

/* --- the header ------------------------------------------------------------------------------- */

/* The rows of a header: texts by row and column, new ones. */
struct header {
    size_t rows;
    size_t columns; /* of the sheet, from the area's first */
    char **cells;
    uint64_t first_row;
};

static void release_header(struct header *h)
{
    for (size_t i = 0; h->cells != NULL && i < h->rows * h->columns; i++)
        free(h->cells[i]);
    free(h->cells);
}

static size_t last_column(const struct xlsx *x, const struct xlsx_row *row)
{
    size_t last = 0;
    for (size_t i = 0; i < row->count; i++)
        if (row->cells[i].column <= x->area.last_column)
            last = row->cells[i].column;
    return last;
}

static void widen(struct header *h, size_t columns)
{
    if (columns <= h->columns)
        return;
    char **cells = mem_calloc(h->rows * columns, sizeof *cells);
    for (size_t r = 0; h->cells != NULL && r < h->rows; r++)
        memcpy(cells + r * columns, h->cells + r * h->columns, h->columns * sizeof *cells);
    free(h->cells);
    h->cells = cells;
    h->columns = columns;
}

static void take_header_row(const struct xlsx *x, struct header *h, const struct xlsx_row *row)
{
    size_t line = (size_t)(row->number - h->first_row);
    widen(h, last_column(x, row) + 1 - x->area.first_column);
    assert(h->cells != NULL);
    for (size_t i = 0; i < row->count; i++) {
        const struct xlsx_cell *c = &row->cells[i];
        if (c->column < x->area.first_column || c->column > x->area.last_column)
            continue;
        char **cell = &h->cells[line * h->columns + c->column - x->area.first_column];
        free(*cell);
        *cell = xlsx_value_text(&x->book, row, c);
    }
}

/* Is a cell empty, or not there, so that it may belong to one that is merged? */
static bool has_gaps(const struct xlsx *x, const struct header *h)
{
    if (x->held != NULL && last_column(x, x->held) >= x->area.first_column + h->columns)
        return true;
    for (size_t i = 0; i < h->rows * h->columns; i++)
        if (h->cells[i] == NULL)
            return true;
    return false;
}

/* All cells of a merged one have its text. */
static void spread(const struct xlsx *x, struct header *h, const struct xlsx_area *area)
{
    if (area->first_row < h->first_row || area->first_row >= h->first_row + h->rows ||
        area->first_column < x->area.first_column)
        return;
    size_t from = area->first_column - x->area.first_column;
    size_t line = (size_t)(area->first_row - h->first_row);
    if (from >= h->columns || h->cells[line * h->columns + from] == NULL)
        return;
    size_t last = area->last_column - x->area.first_column;
    if (area->last_column <= x->area.last_column)
        widen(h, last + 1);
    for (size_t k = from + 1; k <= last && k < h->columns; k++) {
        char **cell = &h->cells[line * h->columns + k];
        if (*cell == NULL)
            *cell = mem_strdup(h->cells[line * h->columns + from]);
    }
}

static int spread_merged(const struct xlsx *x, struct header *h, struct error *err)
{
    struct xlsx_area *areas = NULL;
    size_t count = 0;
    if (!has_gaps(x, h))
        return ERR_OK;
    int rc = xlsx_sheet_merged(&x->book, &areas, &count, err);
    for (size_t i = 0; rc == ERR_OK && i < count; i++)
        spread(x, h, &areas[i]);
    free(areas);
    return rc;
}

/* Is anything written above the values of a column? */
static bool has_name(const struct header *h, size_t column)
{
    for (size_t r = 0; r < h->rows; r++) {
        const char *text = h->cells[r * h->columns + column];
        if (text != NULL && text[strspn(text, " \t\r\n")] != '\0')
            return true;
    }
    return false;
}

static int keep_names(struct xlsx *x, const struct header *h, struct error *err)
{
    char **names = csv_header_join((const char *const *)h->cells, h->rows, h->columns);
    x->names = mem_calloc(h->columns, sizeof *x->names);
    x->places = mem_calloc(h->columns, sizeof *x->places);
    for (size_t k = 0; k < h->columns; k++) {
        bool named = h->first_row == 0 || has_name(h, k);
        if (!named) {
            free(names[k]);
            continue;
        }
        x->places[x->name_count] = x->area.first_column + k;
        x->names[x->name_count++] = names[k];
    }
    free(names);
    if (x->name_count <= READ_COLUMNS_MAX)
        return ERR_OK;
    return error_set(err, ERR_LIMIT, "%s has more than %d columns.", x->base.file->shown,
                     READ_COLUMNS_MAX);
}

/* Without a header: as many columns as the first row has, by number. */
static int number_columns(struct xlsx *x, struct error *err)
{
    struct xlsx_row *row;
    int rc = next_row(x, &row, err);
    if (rc != ERR_OK || row == NULL)
        return rc;
    struct header h = {.rows = 1};
    x->held = row;
    widen(&h, last_column(x, row) + 1 - x->area.first_column);
    for (size_t k = 0; k < h.columns; k++)
        h.cells[k] = mem_printf("column%zu", k);
    rc = keep_names(x, &h, err);
    release_header(&h);
    return rc;
}

static int read_header(struct xlsx *x, struct error *err)
{
    struct header h = {.rows = x->base.options->header};
    struct xlsx_row *row;
    int rc = next_row(x, &row, err);
    if (rc == ERR_OK && row == NULL)
        return error_set(err, ERR_SOURCE,
                         "%s has no header: its sheet is empty where it should be.",
                         x->base.file->shown);
    if (rc == ERR_OK)
        h.first_row = row->number;
    while (rc == ERR_OK && row != NULL && row->number < h.first_row + h.rows) {
        take_header_row(x, &h, row);
        rc = next_row(x, &row, err);
    }
    x->held = row;
    if (rc == ERR_OK)
        rc = spread_merged(x, &h, err);
    if (rc == ERR_OK)
        rc = keep_names(x, &h, err);
    release_header(&h);
    return rc;
}

/* --- the reader ------------------------------------------------------------------------------- */

static int xlsx_names(struct reader *r, struct reader_texts *out, struct error *err)
{
    (void)err;
    struct xlsx *x = self_of(r);
    *out = (struct reader_texts){(const char *const *)x->names, x->name_count};
    return ERR_OK;
}

static int xlsx_select(struct reader *r, const struct reader_column *columns, size_t count,
                       struct error *err)
{
    struct xlsx *x = self_of(r);
    struct reader_texts has = {(const char *const *)x->names, x->name_count};
    x->columns = columns;
    x->column_count = count;
    x->wanted = mem_calloc(count, sizeof *x->wanted);
    int rc = reader_match(r, columns, count, &has, x->wanted, err);
    for (size_t i = 0; i < count && rc == ERR_OK; i++)
        if (x->wanted[i] != SIZE_MAX)
            x->wanted[i] = x->places[x->wanted[i]];
    return rc;
}

/* Values in a column without a name are reported once. */
static void warn_of_nameless(struct xlsx *x, const struct xlsx_row *row)
{
    for (size_t i = 0; i < row->count && !x->warned; i++) {
        size_t column = row->cells[i].column;
        bool named = column < x->area.first_column || column > x->area.last_column;
        for (size_t k = 0; k < x->name_count && !named; k++)
            named = x->places[k] == column;
        if (named)
            continue;
        char letters[8];
        xlsx_sheet_column_name(column, letters);
        reader_warn(&x->base,
                    mem_printf("%s:%llu: column %s has values, but no name: they were "
                               "left out.",
                               x->base.file->shown, (unsigned long long)row->number, letters));
        x->warned = true;
    }
}

static void take_row(struct xlsx *x, const struct xlsx_row *row, struct reader_batch *out)
{
    uint64_t number = x->base.records + out->values.rows + out->fault_count + 1;
    for (size_t i = 0; i < x->column_count; i++) {
        const struct reader_column *column = &x->columns[i];
        const struct xlsx_cell *cell = x->wanted[i] != SIZE_MAX ? cell_at(row, x->wanted[i]) : NULL;
        char *reason = xlsx_value_take(&x->book, row, cell, column, &out->values.columns[i]);
        if (reason == NULL)
            continue;
        struct reader_fault fault = {.row = number, .line = row->number, .index = i};
        fault.column = x->wanted[i] != SIZE_MAX ? x->wanted[i] + 1 : 0;
        char *text = cell != NULL ? xlsx_value_text(&x->book, row, cell) : NULL;
        reader_batch_fault(out, &fault, text, text != NULL ? strlen(text) : 0, reason);
        free(text);
        return;
    }
    reader_batch_row(out, number, row->number);
}

/* Does the row begin with what ends the records? */
static bool is_footer(const struct xlsx *x, const struct xlsx_row *row)
{
    const char *footer = x->base.options->footer;
    if (footer == NULL)
        return false;
    char *text = xlsx_value_text(&x->book, row, &row->cells[0]);
    bool found = strncmp(text, footer, strlen(footer)) == 0;
    free(text);
    return found;
}

/*
 * The digest of the file as it is stored is calculated separately from reading it, which jumps
 * about.
 */
static int take_digest(struct xlsx *x, struct error *err)
{
    struct read_options plain = {.compression = READ_PLAIN, .digest = x->base.options->digest};
    struct input *in = NULL;
    int rc = input_open_bytes(x->base.file, &plain, &in, err);
    if (rc == ERR_OK)
        rc = input_digest(in, x->base.sha256, err);
    input_free(in);
    return rc;
}

static int xlsx_next(struct reader *r, struct reader_batch *out, struct error *err)
{
    struct xlsx *x = self_of(r);
    size_t bytes = 0;
    int rc = stop_check(err);
    while (rc == ERR_OK && !x->ended && bytes < BATCH_BYTES &&
           out->values.rows + out->fault_count < READER_BATCH_ROWS) {
        struct xlsx_row *row;
        rc = next_row(x, &row, err);
        if (rc != ERR_OK)
            break;
        x->ended = row == NULL || is_footer(x, row);
        if (x->ended)
            return take_digest(x, err);
        if (!x->warned)
            warn_of_nameless(x, row);
        take_row(x, row, out);
        bytes += row->used;
    }
    return rc;
}

static void xlsx_free(struct reader *r)
{
    struct xlsx *x = self_of(r);
    xlsx_sheet_free(x->sheet);
    xlsx_book_release(&x->book);
    for (size_t i = 0; i < x->name_count; i++)
        free(x->names[i]);
    free(x->names);
    free(x->places);
    free(x->wanted);
    reader_release(r);
    free(x);
}

static int set_area(struct xlsx *x, struct error *err)
{
    const struct read_options *o = x->base.options;
    x->area = (struct xlsx_area){0, XLSX_COLUMNS_MAX - 1, 1, XLSX_ROWS_MAX};
    if (o->range != NULL && !xlsx_sheet_area(o->range, &x->area))
        return error_set(err, ERR_CONFIG,
                         "range \"%s\" is not a range of cells, as A1:D100, B:F or A3:F.",
                         o->range);
    if (o->footer_lines > 0)
        return error_set(err, ERR_CONFIG,
                         "A number of lines in `footer` is for text. Name the text "
                         "that the footer of a sheet begins with, or use `range`.");
    x->area.first_row += o->skip_lines < XLSX_ROWS_MAX ? o->skip_lines : XLSX_ROWS_MAX;
    return ERR_OK;
}

/* What is not a ZIP archive at all is reported as what it is. */
static int check_kind(const struct reader_file *file, struct error *err)
{
    struct read_options plain = {.compression = READ_PLAIN};
    struct input *in = NULL;
    size_t count;
    int rc = input_open_bytes(file, &plain, &in, err);
    if (rc != ERR_OK)
        return rc;
    const unsigned char *head = input_head(in, &count);
    enum kind kind = kind_of(head, count);
    if (count < 2 || memcmp(head, "PK", 2) != 0)
        rc = error_set(err, ERR_SOURCE, "%s is %s, not an Excel workbook (.xlsx). %s", file->shown,
                       kind_name(kind),
                       kind == KIND_XLS ? "Save it as .xlsx, without a password." : "");
    input_free(in);
    return rc;
}

int xlsx_open(const struct reader_file *file, const struct read_options *options,
              struct reader **out, struct error *err)
{
    static const struct reader_ops ops = {xlsx_names, xlsx_select, xlsx_next, xlsx_free};
    struct xlsx *x = mem_calloc(1, sizeof *x);
    x->base = (struct reader){.ops = &ops, .file = file, .options = options};
    int rc = set_area(x, err);
    if (rc == ERR_OK)
        rc = check_kind(file, err);
    if (rc == ERR_OK)
        rc = xlsx_book_open(file, options, &x->book, err);
    if (rc == ERR_OK)
        rc = xlsx_sheet_open(&x->book, &x->sheet, err);
    if (rc == ERR_OK)
        rc = options->header > 0 ? read_header(x, err) : number_columns(x, err);
    if (rc == ERR_OK)
        *out = &x->base;
    else
        xlsx_free(&x->base);
    return rc;
}
