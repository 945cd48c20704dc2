#include "source/xlsx_sheet.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "source/read_options.h"
#include "source/xlsx_part.h"
#include "util/mem.h"

#define MERGED_MAX 1000000

struct xlsx_sheet {
    const struct xlsx_book *book;
    struct xlsx_events events;
    struct xlsx_part *part;
    bool ended;
    bool complete; /* the row has ended */
    struct xlsx_row row;
    size_t next_column;
    struct xlsx_cell cell; /* at hand */
    char type[12];
    bool in_text;
    bool has_value;
    bool has_formula;
    unsigned phonetic;
};

/* --- references ------------------------------------------------------------------------------- */

/* The letters of "$B$2"; 0 where there are none, else the column from 1. */
static size_t read_letters(const char **p)
{
    size_t column = 0;
    *p += **p == '$';
    for (; (**p >= 'A' && **p <= 'Z') || (**p >= 'a' && **p <= 'z'); (*p)++) {
        column = column * 26 + (size_t)((**p | 0x20) - 'a') + 1;
        if (column > XLSX_COLUMNS_MAX)
            return SIZE_MAX;
    }
    return column;
}

static uint64_t read_digits(const char **p)
{
    uint64_t row = 0;
    *p += **p == '$';
    for (; **p >= '0' && **p <= '9'; (*p)++) {
        row = row * 10 + (uint64_t)(**p - '0');
        if (row > XLSX_ROWS_MAX)
            return UINT64_MAX;
    }
    return row;
}

bool xlsx_sheet_area(const char *text, struct xlsx_area *out)
{
    const char *p = text;
    size_t column = read_letters(&p);
    uint64_t row = read_digits(&p);
    size_t last_column = column;
    uint64_t last_row = row;
    if (column == SIZE_MAX || row == UINT64_MAX || (column == 0 && row == 0))
        return false;
    if (*p == ':') {
        p++;
        last_column = read_letters(&p);
        last_row = read_digits(&p);
        if (last_column == SIZE_MAX || last_row == UINT64_MAX)
            return false;
    }
    *out = (struct xlsx_area){column > 0 ? column - 1 : 0,
                              last_column > 0 ? last_column - 1 : XLSX_COLUMNS_MAX - 1,
                              row > 0 ? row : 1, last_row > 0 ? last_row : XLSX_ROWS_MAX};
    return *p == '\0' && out->first_column <= out->last_column && out->first_row <= out->last_row;
}

void xlsx_sheet_column_name(size_t column, char out[8])
{
    char letters[8];
    size_t count = 0;
    for (size_t rest = column + 1; rest > 0 && count < 7; rest = (rest - 1) / 26)
        letters[count++] = (char)('A' + (rest - 1) % 26);
    for (size_t i = 0; i < count; i++)
        out[i] = letters[count - 1 - i];
    out[count] = '\0';
}

/* --- cells ------------------------------------------------------------------------------------ */

static void fail(struct xlsx_sheet *s, int code, const char *what)
{
    struct error err = ERROR_INIT;
    error_set(&err, code, "%s:%llu: %s.", s->book->file->shown, (unsigned long long)s->row.number,
              what);
    xlsx_part_fail(s->part, &err);
}

static void append(struct xlsx_sheet *s, const char *text, size_t length)
{
    struct xlsx_row *r = &s->row;
    if (length > READ_RECORD_MAX - r->used) {
        fail(s, ERR_LIMIT, "the row has more than 64 MiB");
        return;
    }
    if (length + 1 > r->byte_capacity - r->used) {
        r->byte_capacity = (r->byte_capacity + length + 1) * 2;
        r->bytes = mem_resize(r->bytes, r->byte_capacity, 1);
    }
    memcpy(r->bytes + r->used, text, length);
    r->used += length;
    r->bytes[r->used] = '\0';
}

static void start_row(struct xlsx_sheet *s, const char **attributes)
{
    const char *number = xlsx_part_attribute(attributes, "r");
    uint64_t before = s->row.number;
    s->row.number = number != NULL ? read_digits(&number) : before + 1;
    s->row.count = 0;
    s->row.used = 0;
    s->next_column = 0;
    if (s->row.number <= before || s->row.number > XLSX_ROWS_MAX)
        fail(s, ERR_SOURCE, "the rows of the sheet are not in order");
}

static enum xlsx_kind format_of(const struct xlsx_book *b, const char *style)
{
    size_t number = style != NULL ? strtoul(style, NULL, 10) : 0;
    return number < b->style_count ? b->styles[number] : XLSX_NUMBER;
}

static void start_cell(struct xlsx_sheet *s, const char **attributes)
{
    const char *reference = xlsx_part_attribute(attributes, "r");
    const char *type = xlsx_part_attribute(attributes, "t");
    size_t column = reference != NULL ? read_letters(&reference) : s->next_column + 1;
    if (column == 0 || column <= s->next_column || column > XLSX_COLUMNS_MAX) {
        fail(s, ERR_SOURCE, "the cells of the row are not in order");
        return;
    }
    s->next_column = column;
    s->cell = (struct xlsx_cell){.column = column - 1, .at = s->row.used};
    s->cell.format = format_of(s->book, xlsx_part_attribute(attributes, "s"));
    s->has_value = false;
    s->has_formula = false;
    s->type[0] = '\0';
    if (type != NULL && strlen(type) < sizeof s->type)
        memcpy(s->type, type, strlen(type) + 1);
}

static void on_start(void *ctx, const char *name, const char **attributes)
{
    struct xlsx_sheet *s = ctx;
    if (strcmp(name, "row") == 0)
        start_row(s, attributes);
    else if (strcmp(name, "c") == 0)
        start_cell(s, attributes);
    else if (strcmp(name, "f") == 0)
        s->has_formula = true;
    else if (strcmp(name, "rPh") == 0)
        s->phonetic++;
    s->in_text = strcmp(name, "v") == 0 || (strcmp(name, "t") == 0 && s->phonetic == 0);
    s->has_value = s->has_value || s->in_text;
}

/* A number of a shared text becomes that text. */
static void share_text(struct xlsx_sheet *s)
{
    const char *text;
    size_t length;
    char *end;
    unsigned long number = strtoul(s->row.bytes + s->cell.at, &end, 10);
    s->row.used = s->cell.at;
    if (*end != '\0' || !xlsx_book_text(s->book, number, &text, &length))
        fail(s, ERR_SOURCE, "a cell names a text that the workbook does not have");
    else
        append(s, text, length);
}

/*
 * By its type: n, s, str, inlineStr, b, e, d. Only a text may be saved with no characters at all.
 */
static enum xlsx_cell_kind kind_of_cell(struct xlsx_sheet *s, bool empty)
{
    if (s->has_formula && (!s->has_value || (empty && strcmp(s->type, "str") != 0)))
        return XLSX_CELL_FORMULA;
    if (s->type[0] == '\0' || strcmp(s->type, "n") == 0)
        return XLSX_CELL_NUMBER;
    if (strcmp(s->type, "b") == 0)
        return XLSX_CELL_BOOLEAN;
    if (strcmp(s->type, "e") == 0)
        return XLSX_CELL_ERROR;
    if (strcmp(s->type, "s") == 0)
        share_text(s);
    return XLSX_CELL_TEXT;
}

static void end_cell(struct xlsx_sheet *s)
{
    struct xlsx_row *r = &s->row;
    if (!s->has_value && !s->has_formula)
        return;
    append(s, "", 0);
    bool empty = r->used == s->cell.at;
    s->cell.kind = kind_of_cell(s, empty);
    if (empty && s->cell.kind == XLSX_CELL_NUMBER)
        return;
    if (s->cell.kind == XLSX_CELL_TEXT && strcmp(s->type, "s") != 0)
        r->used = s->cell.at + xlsx_book_unescape(r->bytes + s->cell.at, r->used - s->cell.at);
    s->cell.length = r->used - s->cell.at;
    append(s, "", 1);
    r->cells = mem_grow(r->cells, r->count, &r->capacity, sizeof *r->cells);
    r->cells[r->count++] = s->cell;
}

static void on_end(void *ctx, const char *name)
{
    struct xlsx_sheet *s = ctx;
    s->in_text = false;
    if (strcmp(name, "rPh") == 0)
        s->phonetic--;
    else if (strcmp(name, "c") == 0)
        end_cell(s);
    else if (strcmp(name, "row") == 0 && s->row.count > 0) {
        s->complete = true;
        xlsx_part_pause(s->part);
    }
}

static void on_text(void *ctx, const char *text, size_t length)
{
    struct xlsx_sheet *s = ctx;
    if (s->in_text)
        append(s, text, length);
}

/* --- the sheet -------------------------------------------------------------------------------- */

static int open_part(const struct xlsx_book *book, const struct xlsx_events *events,
                     struct xlsx_part **out, struct error *err)
{
    int rc = xlsx_part_open(book->file, book->sheet, book->limit, events, out, err);
    if (rc == ERR_ABSENT)
        rc = error_set(err, ERR_SOURCE, "%s is damaged: it has no %s.", book->file->shown,
                       book->sheet);
    return rc;
}

int xlsx_sheet_open(const struct xlsx_book *book, struct xlsx_sheet **out, struct error *err)
{
    struct xlsx_sheet *s = mem_calloc(1, sizeof *s);
    s->book = book;
    s->events = (struct xlsx_events){on_start, on_end, on_text, s};
    int rc = open_part(book, &s->events, &s->part, err);
    if (rc == ERR_OK)
        *out = s;
    else
        xlsx_sheet_free(s);
    return rc;
}

void xlsx_sheet_free(struct xlsx_sheet *s)
{
    if (s == NULL)
        return;
    xlsx_part_free(s->part);
    free(s->row.cells);
    free(s->row.bytes);
    free(s);
}

int xlsx_sheet_next(struct xlsx_sheet *s, struct xlsx_row **out, struct error *err)
{
    int rc = ERR_OK;
    s->complete = false;
    while (rc == ERR_OK && !s->complete && !s->ended)
        rc = xlsx_part_more(s->part, &s->ended, err);
    *out = rc == ERR_OK && s->complete ? &s->row : NULL;
    return rc;
}

/* --- merged cells ----------------------------------------------------------------------------- */

struct merged {
    struct xlsx_area *areas;
    size_t count;
    size_t capacity;
};

static void on_merged(void *ctx, const char *name, const char **attributes)
{
    struct merged *m = ctx;
    const char *reference = xlsx_part_attribute(attributes, "ref");
    struct xlsx_area area;
    if (strcmp(name, "mergeCell") != 0 || reference == NULL || m->count == MERGED_MAX ||
        !xlsx_sheet_area(reference, &area))
        return;
    m->areas = mem_grow(m->areas, m->count, &m->capacity, sizeof *m->areas);
    m->areas[m->count++] = area;
}

static void ignore_end(void *ctx, const char *name)
{
    (void)ctx;
    (void)name;
}

static void ignore_text(void *ctx, const char *text, size_t length)
{
    (void)ctx;
    (void)text;
    (void)length;
}

int xlsx_sheet_merged(const struct xlsx_book *book, struct xlsx_area **out, size_t *count,
                      struct error *err)
{
    struct merged m = {0};
    const struct xlsx_events events = {on_merged, ignore_end, ignore_text, &m};
    bool found;
    int rc = xlsx_part_read(book->file, book->sheet, book->limit, &events, &found, err);
    *out = m.areas;
    *count = m.count;
    return rc;
}
