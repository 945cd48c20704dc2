#include "source/csv.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "source/csv_cut.h"
#include "source/csv_header.h"
#include "source/input.h"
#include "source/lines.h"
#include "source/relay.h"
#include "source/text_rows.h"
#include "util/mem.h"

#define MEMORY_DEFAULT ((size_t)64 << 20)
#define BLOCK_MIN ((size_t)STREAM_ROOM_MIN) /* only tests have so little memory */
#define BLOCK_MAX ((size_t)256 << 10)
#define THREADS_MAX 64

/*
 * Distance between a value of one column and that of the next in a worker's spans: not a power of
 * two, so that they do not fall on the same place of the cache.
 */
#define STRIDE_MORE 24

/* A block of the file, and the rows that were found in it. */
struct csv_part {
    struct relay_part relay; /* first: see relay.h */
    struct lines_block text;
    size_t start;        /* where its first record was taken to begin */
    size_t tail;         /* after its last whole record; what follows ends in another block */
    size_t quote_at;     /* where there is such a tail: the quote that opens */
    bool footer;         /* the records of the file end here */
    uint64_t records;    /* rows and faults */
    uint64_t lines;      /* line endings in the whole block */
    uint64_t tail_lines; /* before the tail */
    uint64_t first_end[CSV_LINE_ENDS];
    struct reader_batch *batches;
    size_t batch_count;
    size_t batch_capacity; /* all of them are initialised */
    size_t given;          /* batches that the caller already has */
    uint64_t first_row;    /* records of the file before it */
    uint64_t first_line;   /* line endings before it */
};

/* What one thread works with. */
struct csv_scratch {
    struct csv_cut cut;
    struct cast_span *spans;
    size_t span_capacity;
};

struct csv {
    struct reader reader; /* first: see reader.h */
    struct input *input;
    struct lines *lines;
    struct csv_header header;
    struct csv_rules rules;
    const struct reader_column *columns;
    size_t column_count;
    size_t *values; /* per column: which of the wanted values it has; SIZE_MAX: none */

    unsigned threads;
    struct csv_scratch *scratch; /* one per thread */
    struct csv_part *parts;
    struct relay_part **relay_parts;
    size_t part_count;
    struct relay *relay;

    /* In the order of the file: what is known for sure. */
    struct csv_part join;     /* what lies across blocks, and blocks that were guessed wrongly */
    struct csv_part *current; /* whose rows are given to the caller; NULL: none */
    char *pending;            /* the beginning of a record that has not ended yet */
    size_t pending_length;
    size_t pending_capacity;
    size_t pending_tried;  /* its length when it was last examined */
    size_t pending_quote;  /* offset of the quote that opens */
    uint64_t pending_line; /* line endings before it */
    uint64_t rows;         /* records so far */
    uint64_t line;         /* line endings before the next block */
    bool end;
};

/* ---- work on a block, by any thread ---- */

static struct reader_batch *new_batch(const struct csv *c, struct csv_part *part)
{
    if (part->batch_count == part->batch_capacity) {
        part->batch_capacity++;
        part->batches = mem_resize(part->batches, part->batch_capacity, sizeof *part->batches);
        reader_batch_init(&part->batches[part->batch_count], c->columns, c->column_count);
    }
    struct reader_batch *batch = &part->batches[part->batch_count++];
    reader_batch_clear(batch);
    return batch;
}

static char *flaw_reason(const struct csv_cut *cut)
{
    switch (cut->flaw) {
    case CSV_FLAW_FEW:
    case CSV_FLAW_MANY:
        return mem_printf("has %zu value%s instead of %zu", cut->fields,
                          cut->fields == 1 ? "" : "s", cut->rules->fields);
    case CSV_FLAW_TEXT:
        return mem_strdup("has text after a closing quote");
    case CSV_FLAW_UTF8:
        return mem_strdup("is not UTF-8 text");
    }
    return NULL;
}

/* Lines and numbers of rows and faults are those within the block until it is taken. */
static void add_flaw(const struct csv_cut *cut, uint64_t row, struct reader_batch *out)
{
    uint64_t lines = lines_count(cut->bytes + cut->record, cut->flaw_at - cut->record);
    struct reader_fault fault = {.row = row,
                                 .line = cut->record_line + lines + 1,
                                 .column = text_rows_column(cut->bytes, cut->flaw_at),
                                 .index = SIZE_MAX};
    reader_batch_fault(out, &fault, cut->bytes + cut->record, cut->record_end - cut->record,
                       flaw_reason(cut));
}

/* Cut up to `max` rows. Returns what ended that: CSV_RECORD where there are so many. */
static enum csv_found cut_rows(struct csv_cut *cut, struct cast_span *spans, size_t stride,
                               size_t max, struct csv_part *part, struct reader_batch *batch,
                               size_t *rows)
{
    enum csv_found found = CSV_RECORD;
    *rows = 0;
    while (*rows < max) {
        uint64_t line = cut->line;
        size_t plain = csv_cut_plain(cut, spans + *rows, stride, max - *rows);
        text_rows_note_lines(batch, *rows, plain, part->records + 1, line + 1);
        part->records += plain;
        *rows += plain;
        if (*rows == max)
            break;
        found = csv_cut_next(cut, spans + *rows, stride);
        if (found > CSV_FLAW)
            break;
        if (found == CSV_RECORD)
            text_rows_note(batch, (*rows)++, ++part->records, cut->record_line + 1);
        else if (found == CSV_FLAW)
            add_flaw(cut, ++part->records, batch);
    }
    return found;
}

static size_t origin_of(void *ctx, struct cast_span span)
{
    return csv_cut_origin(ctx, span);
}

/* All records from where the cut is. */
static void cut_part(const struct csv *c, struct csv_scratch *s, struct csv_part *part, size_t max)
{
    size_t stride = max + STRIDE_MORE;
    struct text_rows rows = {.base = part->text.bytes,
                             .spans = s->spans,
                             .stride = stride,
                             .columns = c->columns,
                             .values = c->values,
                             .column_count = c->column_count,
                             .origin = origin_of,
                             .ctx = &s->cut};
    enum csv_found found = CSV_RECORD;
    part->start = s->cut.at;
    part->batch_count = 0;
    part->given = 0;
    part->records = 0;
    while (found <= CSV_FLAW) {
        struct reader_batch *batch = new_batch(c, part);
        found = cut_rows(&s->cut, s->spans, stride, max, part, batch, &rows.count);
        text_rows_cast(&rows, batch);
        if (batch->values.rows == 0 && batch->fault_count == 0)
            part->batch_count--;
    }
    part->footer = found == CSV_FOOTER;
    part->tail = s->cut.at;
    part->tail_lines = s->cut.line;
    part->quote_at = s->cut.quote_at;
    part->lines = s->cut.line + lines_count(s->cut.bytes + s->cut.at, s->cut.length - s->cut.at);
    memcpy(part->first_end, s->cut.first_end, sizeof part->first_end);
}

static void work_on(const struct csv *c, struct csv_part *part, struct csv_scratch *s, bool known)
{
    /* No record is shorter than a byte for every value. */
    size_t max = part->text.length / c->rules.fields + 1;
    if (max > READER_BATCH_ROWS)
        max = READER_BATCH_ROWS;
    size_t wanted = (max + STRIDE_MORE) * (c->rules.wanted_count + 1);
    if (wanted > s->span_capacity) {
        s->spans = mem_resize(s->spans, wanted, sizeof *s->spans);
        s->span_capacity = wanted;
    }
    csv_cut_begin(&s->cut, &c->rules, &part->text);
    if (!known)
        csv_cut_guess(&s->cut, s->spans, max + STRIDE_MORE);
    cut_part(c, s, part, max);
}

static void work_part(void *ctx, struct relay_part *relay, unsigned worker)
{
    const struct csv *c = ctx;
    work_on(c, (struct csv_part *)relay, &c->scratch[worker], false);
}

static void read_part(void *ctx, struct relay_part *relay)
{
    struct csv *c = ctx;
    struct csv_part *part = (struct csv_part *)relay;
    relay->rc = lines_next(c->lines, &part->text, &relay->err);
    relay->last = part->text.last;
}

/* ---- in the order of the file, by the caller's thread ---- */

static void note_ends(struct csv *c, const struct csv_part *part, uint64_t line)
{
    for (int i = 0; i < CSV_LINE_ENDS; i++)
        if (part->first_end[i] > 0 && c->header.first_end[i] == 0)
            c->header.first_end[i] = line + part->first_end[i];
}

/* The rows of the part are right: it begins after so many lines. */
static void accept(struct csv *c, struct csv_part *part, uint64_t line)
{
    part->first_row = c->rows;
    part->first_line = line;
    c->rows += part->records;
    note_ends(c, part, line);
}

static void set_pending(struct csv *c, const char *bytes, size_t length)
{
    if (c->pending_length + length > c->pending_capacity) {
        c->pending_capacity = 2 * (c->pending_length + length);
        c->pending = mem_resize(c->pending, c->pending_capacity, 1);
    }
    if (length > 0)
        memcpy(c->pending + c->pending_length, bytes, length);
    c->pending_length += length;
}

/* What follows the last whole record waits for the next block. */
static void keep_tail(struct csv *c, const struct csv_part *part, uint64_t line)
{
    c->pending_length = 0;
    c->pending_line = line + part->tail_lines;
    c->pending_quote = part->quote_at - part->tail;
    if (!part->footer)
        set_pending(c, part->text.bytes + part->tail, part->text.length - part->tail);
    c->pending_tried = c->pending_length;
}

/* Cut what is pending and the first bytes of the block as one text. */
static void cut_join(struct csv *c, const struct csv_part *part, size_t length)
{
    size_t all = c->pending_length + length;
    struct lines_block *text = &c->join.text;
    lines_block_reserve(text, all);
    if (c->pending_length > 0)
        memcpy(text->bytes, c->pending, c->pending_length);
    memcpy(text->bytes + c->pending_length, part->text.bytes, length);
    memset(text->bytes + all, 0, LINES_MARGIN);
    text->length = all;
    text->added = part->text.added && length == part->text.length;
    work_on(c, &c->join, &c->scratch[0], true);
}

/* A long record is not examined again before it has doubled. */
static bool can_wait(const struct csv *c, const struct csv_part *part)
{
    return !part->text.last && c->pending_length >= BLOCK_MAX &&
           c->pending_length + part->text.length < 2 * c->pending_tried &&
           c->pending_length + part->text.length <= READ_RECORD_MAX;
}

/* Compare what a worker found with what is known, and find the truth. */
static void settle(struct csv *c, struct csv_part *part)
{
    uint64_t line = c->pending_length > 0 ? c->pending_line : c->line;
    uint64_t next_line = c->line + part->lines;
    c->join.batch_count = 0;
    c->join.given = 0;
    if (can_wait(c, part)) {
        set_pending(c, part->text.bytes, part->text.length);
        part->batch_count = 0;
        c->line = next_line;
        return;
    }
    bool whole = c->pending_length == 0 && part->start == 0;
    if (!whole) {
        cut_join(c, part, part->start);
        bool open = c->join.tail < c->join.text.length;
        if (open && !c->join.footer && part->start < part->text.length)
            cut_join(c, part, part->text.length);
        accept(c, &c->join, line);
        if (open) {
            part->batch_count = 0;
            part->footer = c->join.footer;
            keep_tail(c, &c->join, line);
            c->line = next_line;
            return;
        }
    }
    accept(c, part, c->line);
    keep_tail(c, part, c->line);
    c->line = next_line;
}

static int too_long(const struct csv *c, uint64_t line, struct error *err)
{
    return csv_header_too_long(c->reader.file, line + 1, err);
}

static int check_pending(const struct csv *c, const struct csv_part *part, struct error *err)
{
    if (c->pending_length == 0)
        return ERR_OK;
    if (c->pending_length > READ_RECORD_MAX)
        return too_long(c, c->pending_line, err);
    if (!part->text.last)
        return ERR_OK;
    uint64_t line = c->pending_line + lines_count(c->pending, c->pending_quote) + 1;
    return error_set(err, ERR_SOURCE,
                     "%s:%llu:%llu: a quote opens here and is not closed before the end of the "
                     "file. Check that the source was published completely, and `quote` and "
                     "`escape` in the configuration.",
                     c->reader.file->shown, (unsigned long long)line,
                     (unsigned long long)text_rows_column(c->pending, c->pending_quote));
}

static const char *const end_names[CSV_LINE_ENDS] = {
    [CSV_LF] = "LF", [CSV_CRLF] = "CR LF", [CSV_CR] = "CR"};

/* Each of them ends a line; but people mean a file to have only one kind. */
static void warn_mixed_ends(struct csv *c)
{
    int first = -1;
    int second = -1;
    const uint64_t *lines = c->header.first_end;
    for (int i = 0; i < CSV_LINE_ENDS; i++) {
        if (lines[i] == 0)
            continue;
        if (first < 0 || lines[i] < lines[first]) {
            second = first;
            first = i;
        } else if (second < 0 || lines[i] < lines[second]) {
            second = i;
        }
    }
    if (second >= 0)
        reader_warn(&c->reader,
                    mem_printf("%s mixes line endings: %s on line %llu, %s on line %llu. Each of "
                               "them was taken for the end of a line.",
                               c->reader.file->shown, end_names[first],
                               (unsigned long long)lines[first], end_names[second],
                               (unsigned long long)lines[second]));
}

static int finish(struct csv *c, struct error *err)
{
    relay_stop(c->relay);
    c->end = true;
    warn_mixed_ends(c);
    return input_digest(c->input, c->reader.sha256, err);
}

/* The next block, and what it proves. */
static int next_part(struct csv *c, struct error *err)
{
    bool end = c->current != NULL && (c->current->text.last || c->current->footer);
    int rc = ERR_OK;
    if (end)
        rc = check_pending(c, c->current, err);
    if (c->current != NULL)
        relay_give(c->relay, &c->current->relay);
    c->current = NULL;
    if (rc != ERR_OK || end)
        return rc == ERR_OK ? finish(c, err) : rc;
    struct csv_part *part = (struct csv_part *)relay_take(c->relay);
    assert(part != NULL);
    if (part->relay.rc == ERR_LIMIT && part->text.too_long)
        return too_long(c, c->line, err);
    if (part->relay.rc != ERR_OK) {
        if (err != NULL)
            *err = part->relay.err;
        return part->relay.rc;
    }
    c->current = part;
    settle(c, part);
    return check_pending(c, &(struct csv_part){.text.last = false}, err);
}

/* Give the next batch of a part to the caller, whose empty one takes its place. */
static bool give_batch(struct csv_part *part, struct reader_batch *out)
{
    if (part->given == part->batch_count)
        return false;
    struct reader_batch *batch = &part->batches[part->given++];
    for (size_t i = 0; i < batch->values.rows; i++) {
        batch->rows[i] += part->first_row;
        batch->lines[i] += part->first_line;
    }
    for (size_t i = 0; i < batch->fault_count; i++) {
        batch->faults[i].row += part->first_row;
        batch->faults[i].line += part->first_line;
    }
    struct reader_batch empty = *out;
    *out = *batch;
    *batch = empty;
    return true;
}

static int csv_next(struct reader *self, struct reader_batch *out, struct error *err)
{
    struct csv *c = (struct csv *)self;
    assert(out->values.column_count == c->column_count);
    int rc = ERR_OK;
    while (rc == ERR_OK && !c->end) {
        if (give_batch(&c->join, out))
            return ERR_OK;
        if (c->current != NULL && give_batch(c->current, out))
            return ERR_OK;
        rc = next_part(c, err);
    }
    c->end = c->end || rc != ERR_OK;
    return rc;
}

/* ---- what is wanted ---- */

static int csv_names(struct reader *self, struct reader_texts *out, struct error *err)
{
    (void)err;
    const struct csv *c = (struct csv *)self;
    *out = (struct reader_texts){(const char *const *)c->header.names, c->header.count};
    return ERR_OK;
}

/* Number the columns of the file that are wanted, and say which of them each column has. */
static void number_wanted(struct csv *c, const size_t *places)
{
    size_t *number = mem_calloc(c->header.count, sizeof *number);
    for (size_t i = 0; i < c->column_count; i++)
        if (places[i] != SIZE_MAX)
            number[places[i]] = 1;
    c->rules.wanted = mem_calloc(c->header.count, sizeof *c->rules.wanted);
    for (size_t i = 0; i < c->header.count; i++) {
        if (number[i] == 0)
            continue;
        number[i] = c->rules.wanted_count;
        c->rules.wanted[c->rules.wanted_count++] = (uint16_t)i;
    }
    c->values = mem_calloc(c->column_count, sizeof *c->values);
    for (size_t i = 0; i < c->column_count; i++)
        c->values[i] = places[i] != SIZE_MAX ? number[places[i]] : SIZE_MAX;
    free(number);
}

/* In a file of one column a blank line is a record where the empty text is NULL. */
static bool blank_is_record(const struct csv *c)
{
    bool null = c->header.count == 1;
    for (size_t i = 0; null && i < c->column_count; i++) {
        struct column one;
        column_init(&one, cast_type(c->columns[i].cast));
        null = cast_text(c->columns[i].cast, "", 0, &one) == CAST_NULL;
        column_release(&one);
    }
    return null;
}

static void start_relay(struct csv *c)
{
    const struct read_options *o = c->reader.options;
    c->threads = o->threads > THREADS_MAX ? THREADS_MAX : o->threads > 1 ? o->threads : 1;
    c->part_count = c->threads > 1 ? c->threads + 2 : 1;
    c->scratch = mem_calloc(c->threads, sizeof *c->scratch);
    c->parts = mem_calloc(c->part_count, sizeof *c->parts);
    c->relay_parts = mem_calloc(c->part_count, sizeof(struct relay_part *));
    for (size_t i = 0; i < c->part_count; i++)
        c->relay_parts[i] = &c->parts[i].relay;
    struct relay_work work = {.read = read_part, .work = work_part, .ctx = c};
    c->relay = relay_new(&work, c->relay_parts, c->part_count, c->threads);
}

static int csv_select(struct reader *self, const struct reader_column *columns, size_t count,
                      struct error *err)
{
    struct csv *c = (struct csv *)self;
    size_t *places = mem_calloc(count, sizeof *places);
    struct reader_texts has;
    int rc = csv_names(self, &has, err);
    if (rc == ERR_OK)
        rc = reader_match(self, columns, count, &has, places, err);
    if (rc == ERR_OK) {
        c->columns = columns;
        c->column_count = count;
        number_wanted(c, places);
        c->rules.blank_is_record = blank_is_record(c);
        start_relay(c);
    }
    free(places);
    return rc;
}

/* ---- open, free ---- */

static void part_release(struct csv_part *part)
{
    for (size_t i = 0; i < part->batch_capacity; i++)
        reader_batch_release(&part->batches[i]);
    free(part->batches);
    lines_block_release(&part->text);
}

static void csv_free(struct reader *self)
{
    struct csv *c = (struct csv *)self;
    relay_free(c->relay);
    for (size_t i = 0; i < c->part_count; i++)
        part_release(&c->parts[i]);
    part_release(&c->join);
    for (unsigned i = 0; i < c->threads; i++) {
        csv_cut_release(&c->scratch[i].cut);
        free(c->scratch[i].spans);
    }
    free(c->scratch);
    free(c->parts);
    free(c->relay_parts);
    free(c->pending);
    free(c->values);
    free(c->rules.wanted);
    csv_header_release(&c->header);
    lines_free(c->lines);
    input_free(c->input);
    reader_release(&c->reader);
    free(c);
}

static const struct reader_ops csv_ops = {
    .names = csv_names, .select = csv_select, .next = csv_next, .free = csv_free};

static size_t block_size(const struct read_options *options)
{
    size_t memory = options->memory > 0 ? options->memory : MEMORY_DEFAULT;
    size_t threads = options->threads > 1 ? options->threads : 1;
    size_t size = memory / (threads + 2) / 16;
    return size < BLOCK_MIN ? BLOCK_MIN : size > BLOCK_MAX ? BLOCK_MAX : size;
}

int csv_open(const struct reader_file *file, const struct read_options *options,
             struct reader **out, struct error *err)
{
    struct csv *c = mem_calloc(1, sizeof *c);
    c->reader = (struct reader){.ops = &csv_ops, .file = file, .options = options};
    int rc = input_open(file, options, &c->input, err);
    if (rc == ERR_OK) {
        c->lines = lines_new(c->input, block_size(options), options->footer_lines);
        rc = csv_header_read(c->lines, file, options, &c->header, err);
    }
    if (rc == ERR_OK) {
        csv_rules_init(&c->rules, options);
        c->rules.fields = c->header.count;
        c->line = c->header.lines;
        *out = &c->reader;
    } else {
        csv_free(&c->reader);
    }
    return rc;
}
