#include "source/csv_header.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "source/kind.h"
#include "util/mem.h"
#include "util/str.h"
#include "util/utf8.h"

/* ---- names ---- */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static char *new_trimmed(const char *text, size_t length)
{
    while (length > 0 && is_blank(text[0])) {
        text++;
        length--;
    }
    while (length > 0 && is_blank(text[length - 1]))
        length--;
    return mem_strndup(text, length);
}

static const char *cell(const char *const *cells, size_t row, size_t count, size_t column)
{
    const char *text = cells[row * count + column];
    return text != NULL ? text : "";
}

/* The text over a column: an empty cell above the last line belongs to the one on its left. */
static const char *covering(const char *const *cells, size_t row, size_t count, size_t column)
{
    while (column > 0 && *cell(cells, row, count, column) == '\0')
        column--;
    return cell(cells, row, count, column);
}

static char *join_column(const char *const *cells, size_t rows, size_t count, size_t column)
{
    struct str name;
    str_init(&name, STR_MAX_DEFAULT);
    for (size_t row = 0; row < rows; row++) {
        const char *text =
            row + 1 < rows ? covering(cells, row, count, column) : cell(cells, row, count, column);
        if (*text != '\0')
            str_printf(&name, "%s%s", name.len > 0 ? " " : "", text);
    }
    if (name.len == 0)
        str_printf(&name, "column%zu", column);
    return str_detach(&name);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool contains(char *const *sorted, size_t count, const char *name)
{
    return bsearch(&name, sorted, count, sizeof *sorted, by_name) != NULL;
}

struct twin {
    const char *name;
    size_t column;
};

static int by_twin(const void *a, const void *b)
{
    const struct twin *x = a;
    const struct twin *y = b;
    int order = strcmp(x->name, y->name);
    return order != 0 ? order : (x->column > y->column) - (x->column < y->column);
}

/* The second column of a name becomes name.2, and so on; numbers that the file uses are left out. */
static void tell_apart(char **names, size_t count)
{
    char **sorted = mem_calloc(count, sizeof *sorted);
    struct twin *twins = mem_calloc(count, sizeof *twins);
    for (size_t i = 0; i < count; i++) {
        sorted[i] = mem_strdup(names[i]);
        twins[i] = (struct twin){sorted[i], i};
    }
    qsort(twins, count, sizeof *twins, by_twin);
    qsort(sorted, count, sizeof *sorted, by_name);
    size_t number = 2;
    for (size_t i = 1; i < count; i++) {
        if (strcmp(twins[i].name, twins[i - 1].name) != 0) {
            number = 2;
            continue;
        }
        char *name;
        while (contains(sorted, count, name = mem_printf("%s.%zu", twins[i].name, number++)))
            free(name);
        free(names[twins[i].column]);
        names[twins[i].column] = name;
    }
    for (size_t i = 0; i < count; i++)
        free(sorted[i]);
    free(sorted);
    free(twins);
}

char **csv_header_join(const char *const *cells, size_t rows, size_t count)
{
    char **names = mem_calloc(count, sizeof *names);
    for (size_t i = 0; i < count; i++)
        names[i] = join_column(cells, rows, count, i);
    tell_apart(names, count);
    return names;
}

void csv_header_release(struct csv_header *h)
{
    for (size_t i = 0; i < h->count; i++)
        free(h->names[i]);
    free(h->names);
    *h = (struct csv_header){0};
}

/* ---- lines ---- */

/* Where reading the header stands. */
struct reading {
    const struct reader_file *file;
    const struct read_options *options;
    struct lines *lines;
    struct lines_block block;
    struct csv_rules rules;
    struct csv_cut cut;
    struct cast_span *spans; /* READ_COLUMNS_MAX of them */
    uint64_t line;           /* line endings before the block */
    uint64_t skipped;
    bool held; /* what follows from here is only looked at, and will be read again */
    size_t held_at;
    uint64_t held_line;
    char **cells; /* rows of READ_COLUMNS_MAX texts each */
    size_t rows;
    size_t columns;
    struct csv_header *out;
};

int csv_header_too_long(const struct reader_file *file, uint64_t line, struct error *err)
{
    return error_set(
        err, ERR_LIMIT,
        "%s: the record that begins on line %llu is longer than %d MiB. A quote that is not closed "
        "makes one record of all that follows: check that line, and `quote` and `skip_lines` in the "
        "configuration.",
        file->shown, (unsigned long long)line, (int)(READ_RECORD_MAX >> 20));
}

static int is_empty(const struct reading *r, struct error *err)
{
    if (r->line == 0 && r->block.length == 0)
        return error_set(err, ERR_SOURCE,
                         "%s is empty. Check that the source was published completely.",
                         r->file->shown);
    if (r->rows > 0)
        return error_set(
            err, ERR_SOURCE,
            "%s ends after line %zu of the header, which has %u lines as `header` says. Correct "
            "that, or check that the source was published completely.",
            r->file->shown, r->rows, r->options->header);
    if (r->options->skip_lines > 0)
        return error_set(err, ERR_SOURCE,
                         "%s is empty after the %llu lines that `skip_lines` leaves out.",
                         r->file->shown, (unsigned long long)r->options->skip_lines);
    return error_set(err, ERR_SOURCE, "%s is empty: it holds nothing but blank lines and comments.",
                     r->file->shown);
}

static int bad_quotes(const struct reading *r, struct error *err)
{
    return error_set(err, ERR_SOURCE,
                     "%s: line %llu, before the data, has a quote that is not closed, or text "
                     "after a closing quote. Correct it, or check `quote` and `escape` in the "
                     "configuration.",
                     r->file->shown, (unsigned long long)(r->line + r->cut.record_line + 1));
}

static int not_text(const struct reading *r, size_t column, struct error *err)
{
    enum kind kind = kind_of(r->block.bytes, r->block.length);
    if (kind == KIND_UTF16LE || kind == KIND_UTF16BE)
        return error_set(err, ERR_SOURCE, "%s is %s. %s", r->file->shown, kind_name(kind),
                         kind_advice(kind));
    return error_set(err, ERR_SOURCE,
                     "%s: the name of column %zu on line %llu is not UTF-8 text. Set `encoding` in "
                     "the configuration to the one the file is written in.",
                     r->file->shown, column + 1,
                     (unsigned long long)(r->line + r->cut.record_line + 1));
}

static int too_many(const struct reading *r, struct error *err)
{
    return error_set(err, ERR_LIMIT,
                     "%s: the record on line %llu has more than %d columns. Check `delimiter` in "
                     "the configuration.",
                     r->file->shown, (unsigned long long)(r->line + r->cut.record_line + 1),
                     READ_COLUMNS_MAX);
}

/* The texts of a line of the header, as one more row of cells. */
static int take_cells(struct reading *r, struct error *err)
{
    r->cells = mem_resize(r->cells, (r->rows + 1) * READ_COLUMNS_MAX, sizeof *r->cells);
    char **row = r->cells + r->rows++ * READ_COLUMNS_MAX;
    memset(row, 0, READ_COLUMNS_MAX * sizeof *row);
    for (size_t i = 0; i < r->cut.fields; i++) {
        const char *text = r->block.bytes + r->spans[i].at;
        size_t length = r->spans[i].length;
        if (utf8_prefix(text, length) < length || memchr(text, '\0', length) != NULL)
            return not_text(r, i, err);
        if (length > READ_NAME_MAX)
            return error_set(err, ERR_LIMIT,
                             "%s: the name of column %zu on line %llu is longer than %d bytes. "
                             "Check `quote`, `delimiter` and `header` in the configuration.",
                             r->file->shown, i + 1,
                             (unsigned long long)(r->line + r->cut.record_line + 1), READ_NAME_MAX);
        row[i] = new_trimmed(text, length);
    }
    if (r->cut.fields > r->columns)
        r->columns = r->cut.fields;
    return ERR_OK;
}

/* What is obviously not CSV at all. Values may be JSON, but names are not. */
static int check_kind(const struct reading *r, struct error *err)
{
    enum kind kind = kind_of(r->block.bytes, r->block.length);
    bool json = kind == KIND_JSON && r->options->header > 0 && r->options->skip_lines == 0;
    if (!kind_is_no_text(kind) && !json)
        return ERR_OK;
    return error_set(err, ERR_SOURCE, "%s is %s, not %s. %s", r->file->shown, kind_name(kind),
                     json ? "CSV" : "text", kind_advice(kind));
}

static void note_ends(struct reading *r)
{
    for (int i = 0; i < CSV_LINE_ENDS; i++)
        if (r->cut.first_end[i] > 0 && r->out->first_end[i] == 0)
            r->out->first_end[i] = r->line + r->cut.first_end[i];
}

/* Give back what is not read, or was only looked at. */
static int unread(struct reading *r, struct error *err)
{
    size_t at = r->held ? r->held_at : r->cut.at;
    note_ends(r);
    r->line += r->held ? r->held_line : r->cut.line;
    r->held_at = 0;
    r->held_line = 0;
    if (r->block.length - at > READ_RECORD_MAX)
        return csv_header_too_long(r->file, r->line + 1, err);
    lines_unread(r->lines, r->block.bytes + at, r->block.length - at);
    return ERR_OK;
}

static int next_block(struct reading *r, bool first, struct error *err)
{
    int rc = first ? ERR_OK : unread(r, err);
    if (rc == ERR_OK)
        rc = lines_next(r->lines, &r->block, err);
    if (rc == ERR_LIMIT && r->block.too_long)
        rc = csv_header_too_long(r->file, r->line + 1, err);
    if (rc == ERR_OK && first)
        rc = check_kind(r, err);
    if (rc == ERR_OK)
        csv_cut_begin(&r->cut, &r->rules, &r->block);
    return rc;
}

/* The next line that is not blank or a comment. A value in quotes may make it several. */
static int next_line(struct reading *r, enum csv_found *found, struct error *err)
{
    for (;;) {
        *found = csv_cut_next(&r->cut, r->spans, 1);
        bool more = *found == CSV_END || *found == CSV_OPEN;
        if (*found == CSV_FOOTER || (*found == CSV_END && r->block.last))
            return is_empty(r, err);
        if (*found == CSV_OPEN && r->block.last)
            return bad_quotes(r, err);
        if (!more)
            return ERR_OK;
        int rc = next_block(r, false, err);
        if (rc != ERR_OK)
            return rc;
    }
}

static bool is_comment(const struct reading *r)
{
    char comment = r->rules.comment;
    return comment != '\0' && r->block.bytes[r->cut.record] == comment;
}

/* Lines before the header: blank ones count, comments do not; what ends the records ends none here. */
static int skip_lines(struct reading *r, struct error *err)
{
    int rc = ERR_OK;
    r->rules.footer = NULL;
    while (rc == ERR_OK && r->skipped < r->options->skip_lines) {
        enum csv_found found;
        rc = next_line(r, &found, err);
        if (rc == ERR_OK && !(found == CSV_NOTHING && is_comment(r)))
            r->skipped++;
    }
    r->rules.footer = r->options->footer;
    return rc;
}

/* The next record; all its values are wanted. */
static int next_record(struct reading *r, struct error *err)
{
    enum csv_found found = CSV_NOTHING;
    int rc = ERR_OK;
    while (rc == ERR_OK && found == CSV_NOTHING)
        rc = next_line(r, &found, err);
    if (rc != ERR_OK)
        return rc;
    if (found == CSV_FLAW && r->cut.flaw == CSV_FLAW_TEXT && r->options->header > 0)
        return bad_quotes(r, err);
    return r->cut.fields > READ_COLUMNS_MAX ? too_many(r, err) : ERR_OK;
}

static int read_names(struct reading *r, struct error *err)
{
    int rc = ERR_OK;
    for (unsigned i = 0; rc == ERR_OK && i < r->options->header; i++) {
        rc = next_record(r, err);
        if (rc == ERR_OK)
            rc = take_cells(r, err);
    }
    if (rc != ERR_OK)
        return rc;
    const char **cells = mem_calloc(r->rows * r->columns, sizeof *cells);
    for (size_t row = 0; row < r->rows; row++)
        for (size_t i = 0; i < r->columns; i++)
            cells[row * r->columns + i] = r->cells[row * READ_COLUMNS_MAX + i];
    r->out->names = csv_header_join(cells, r->rows, r->columns);
    r->out->count = r->columns;
    free(cells);
    return ERR_OK;
}

/*
 * Without a header the first record says how many columns there are, and remains one of the data.
 */
static int count_columns(struct reading *r, struct error *err)
{
    r->held = true;
    r->held_at = r->cut.at;
    r->held_line = r->cut.line;
    int rc = next_record(r, err);
    if (rc != ERR_OK)
        return rc;
    r->out->count = r->cut.fields;
    r->out->names = mem_calloc(r->out->count, sizeof *r->out->names);
    for (size_t i = 0; i < r->out->count; i++)
        r->out->names[i] = mem_printf("column%zu", i);
    return ERR_OK;
}

static void reading_release(struct reading *r)
{
    for (size_t i = 0; i < r->rows * READ_COLUMNS_MAX; i++)
        free(r->cells[i]);
    free(r->cells);
    free(r->spans);
    free(r->rules.wanted);
    csv_cut_release(&r->cut);
    lines_block_release(&r->block);
}

static void want_all(struct csv_rules *rules)
{
    rules->fields = READ_COLUMNS_MAX;
    rules->wanted_count = READ_COLUMNS_MAX;
    rules->wanted = mem_calloc(READ_COLUMNS_MAX, sizeof *rules->wanted);
    for (size_t i = 0; i < READ_COLUMNS_MAX; i++)
        rules->wanted[i] = (uint16_t)i;
}

int csv_header_read(struct lines *lines, const struct reader_file *file,
                    const struct read_options *options, struct csv_header *out, struct error *err)
{
    *out = (struct csv_header){0};
    struct reading r = {.file = file, .options = options, .lines = lines, .out = out};
    csv_rules_init(&r.rules, options);
    want_all(&r.rules);
    r.spans = mem_calloc(READ_COLUMNS_MAX, sizeof *r.spans);
    int rc = next_block(&r, true, err);
    if (rc == ERR_OK)
        rc = skip_lines(&r, err);
    if (rc == ERR_OK)
        rc = options->header > 0 ? read_names(&r, err) : count_columns(&r, err);
    if (rc == ERR_OK) {
        rc = unread(&r, err);
        out->lines = r.line;
    }
    if (rc != ERR_OK)
        csv_header_release(out);
    reading_release(&r);
    return rc;
}
