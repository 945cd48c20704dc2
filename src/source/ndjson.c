#include "source/ndjson.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "source/input.h"
#include "source/json_record.h"
#include "source/json_window.h"
#include "source/kind.h"
#include "source/relay.h"
#include "util/mem.h"
#include "util/stop.h"
#include "util/utf8.h"

#define MEMORY_DEFAULT ((size_t)64 << 20)
#define BLOCK_MIN ((size_t)64 << 10)
#define BLOCK_MAX ((size_t)1 << 20)
#define THREADS_MAX 64

/* Lines that are cast together at most, and their values. */
#define KEPT_MAX 256
#define PIECES_MAX 16384

/* Whole lines of the file, and the rows and faults made of them. */
struct ndjson_part {
    struct relay_part relay; /* first: see relay.h */
    char *text;              /* JSON_SCAN_PADDING bytes after it are ours */
    size_t used;
    size_t capacity;
    bool too_long; /* it is the beginning of a line that is larger than a record may be */
    uint64_t records;
    uint64_t lines;
    struct reader_batch *batches; /* row and line numbers are those within the part */
    size_t batch_count;
    size_t batch_capacity; /* all of them are initialised */
    size_t given;          /* batches that the caller already has */
};

/* A line that is not blank, with a NUL in place of its end. */
struct ndjson_line {
    const char *begin;
    const char *end;
    uint64_t record; /* both are numbers within the part */
    uint64_t number;
};

/* What one thread works with: lines are kept, to be cast together. */
struct ndjson_work {
    struct json_record *record;
    struct reader_batch *out;
    const char *base;          /* of the texts of the part at hand */
    struct json_piece *pieces; /* by column, `stride` of each */
    struct ndjson_line *lines;
    size_t stride;
    size_t kept;
};

struct ndjson {
    struct reader base; /* first: see reader.h */
    struct json_wanted wanted;
    struct json_names names;
    struct input *input;
    char *rest; /* the beginning of a line whose end has not been read yet */
    size_t rest_length;
    bool began;   /* the first part was read */
    size_t block; /* bytes to read at once */
    unsigned threads;
    struct ndjson_work *work; /* one per thread */
    struct ndjson_part *parts;
    struct relay_part **relay_parts;
    size_t part_count;
    struct relay *relay;
    struct ndjson_part *current; /* whose batches are given to the caller; NULL: none */
    uint64_t row;                /* records before it */
    uint64_t line;               /* lines before it */
    bool ended;
};

static struct ndjson *self_of(struct reader *r)
{
    return (struct ndjson *)r;
}

/* --- work on a part, by any thread ------------------------------------------------------------ */

static struct reader_batch *new_batch(const struct ndjson *n, struct ndjson_part *p)
{
    if (p->batch_count == p->batch_capacity) {
        p->batches = mem_grow(p->batches, p->batch_count, &p->batch_capacity, sizeof *p->batches);
        for (size_t i = p->batch_count; i < p->batch_capacity; i++)
            reader_batch_init(&p->batches[i], n->wanted.columns, n->wanted.count);
    }
    struct reader_batch *batch = &p->batches[p->batch_count++];
    reader_batch_clear(batch);
    return batch;
}

/* Is the line one value, whole? */
static bool scan_line(struct json_record *r, struct json_scan *line)
{
    if (!json_record_scan(r, line))
        return false;
    json_scan_blanks(line);
    return line->at == line->end ||
           json_scan_fail(line, line->at, "there is text after the object");
}

/* What the line, which is not blank, makes: a row, or a fault. */
static bool take_line(struct json_record *r, struct json_scan *line, struct batch *values,
                      struct json_fault *fault)
{
    const char *text = line->at;
    if (scan_line(r, line))
        return json_record_take(r, values, fault);
    const char *flaw = line->flaw != NULL ? line->flaw : "the line ends inside the object";
    *fault = (struct json_fault){line->at, SIZE_MAX, text, (size_t)(line->end - text),
                                 mem_printf("is not JSON: %s", flaw)};
    return false;
}

/* One line by itself: a row, or a fault. */
static void take_one(struct ndjson_work *w, struct ndjson_line line)
{
    struct json_fault fault;
    struct json_scan s = {line.begin, line.end, NULL};
    json_scan_blanks(&s);
    if (take_line(w->record, &s, &w->out->values, &fault)) {
        reader_batch_row(w->out, line.record, line.number);
        return;
    }
    struct reader_fault place = {.row = line.record, .line = line.number, .index = fault.index};
    place.column = utf8_count(line.begin, (size_t)(fault.at - line.begin)) + 1;
    reader_batch_fault(w->out, &place, fault.value, fault.value_length, fault.reason);
}

/* The lines that were kept become rows; where one of them does not fit, they are taken one by one. */
static void take_kept(struct ndjson_work *w)
{
    bool good =
        json_record_take_all(w->record, w->pieces, w->stride, w->kept, w->base, &w->out->values);
    for (size_t i = 0; i < w->kept; i++) {
        if (good)
            reader_batch_row(w->out, w->lines[i].record, w->lines[i].number);
        else
            take_one(w, w->lines[i]);
    }
    w->kept = 0;
}

static void add_line(const struct ndjson *n, struct ndjson_part *p, struct ndjson_work *w,
                     struct ndjson_line line)
{
    struct json_scan s = {line.begin, line.end, NULL};
    json_scan_blanks(&s);
    if (s.at == s.end)
        return;
    line.record = ++p->records;
    if (w->kept + w->out->values.rows + w->out->fault_count == READER_BATCH_ROWS) {
        take_kept(w);
        w->out = new_batch(n, p);
    }
    if (scan_line(w->record, &s) && json_record_keep(w->record, w->pieces, w->stride, w->kept)) {
        w->lines[w->kept++] = line;
        if (w->kept == w->stride)
            take_kept(w);
        return;
    }
    take_kept(w);
    take_one(w, line);
}

static void work(void *ctx, struct relay_part *part, unsigned worker)
{
    const struct ndjson *n = ctx;
    struct ndjson_part *p = (struct ndjson_part *)part;
    struct ndjson_work *w = &n->work[worker];
    char *at = p->text;
    char *end = p->text + p->used;
    w->out = new_batch(n, p);
    w->base = p->text;
    while (at < end) {
        char *newline = memchr(at, '\n', (size_t)(end - at));
        char *line_end = newline != NULL ? newline : end;
        *line_end = '\0';
        add_line(n, p, w, (struct ndjson_line){at, line_end, 0, ++p->lines});
        at = line_end + 1;
    }
    take_kept(w);
}

/* --- parts of the file, one at a time --------------------------------------------------------- */

static void reserve(struct ndjson_part *p, size_t capacity)
{
    if (capacity <= p->capacity)
        return;
    p->text = mem_resize(p->text, capacity + CAST_MARGIN, 1);
    p->capacity = capacity;
}

/* A document of one array would be a fault on every line. */
static int check_kind(const struct reader_file *file, const char *text, size_t length,
                      struct error *err)
{
    int rc = json_window_check(file, text, length, err);
    if (rc != ERR_OK || kind_of(text, length) != KIND_JSON)
        return rc;
    const char *object = memchr(text, '{', length);
    const char *array = memchr(text, '[', length);
    if (array == NULL || (object != NULL && object < array))
        return ERR_OK;
    return error_set(err, ERR_SOURCE,
                     "%s is one array of JSON, not an object on each line. Set `format: json`.",
                     file->shown);
}

/* Read on until a line ends, or the file. Returns how much of the part is whole lines. */
static size_t read_lines(struct ndjson *n, struct ndjson_part *p)
{
    for (;;) {
        size_t got;
        p->too_long = p->used > READ_RECORD_MAX;
        if (p->too_long) {
            p->relay.rc = ERR_LIMIT;
            return 0;
        }
        reserve(p, p->used < n->block ? p->used + n->block : p->used * 2);
        p->relay.rc =
            input_read(n->input, p->text + p->used, p->capacity - p->used, &got, &p->relay.err);
        if (p->relay.rc != ERR_OK)
            return 0;
        p->relay.last = got == 0;
        const char *newline = got > 0 ? memrchr(p->text + p->used, '\n', got) : NULL;
        p->used += got;
        if (p->relay.last)
            return p->used;
        if (newline != NULL)
            return (size_t)(newline + 1 - p->text);
    }
}

static void read_part(void *ctx, struct relay_part *part)
{
    struct ndjson *n = ctx;
    struct ndjson_part *p = (struct ndjson_part *)part;
    p->records = 0;
    p->lines = 0;
    p->batch_count = 0;
    p->given = 0;
    reserve(p, n->rest_length);
    if (n->rest_length > 0)
        memcpy(p->text, n->rest, n->rest_length);
    p->used = n->rest_length;
    size_t whole = read_lines(n, p);
    if (!n->began && p->relay.rc == ERR_OK)
        p->relay.rc = check_kind(n->base.file, p->text, p->used, &p->relay.err);
    n->began = true;
    n->rest_length = p->used - whole;
    n->rest = mem_resize(n->rest, n->rest_length > 0 ? n->rest_length : 1, 1);
    memcpy(n->rest, p->text + whole, n->rest_length);
    p->used = whole;
    memset(p->text + whole, 0, CAST_MARGIN);
}

static void init_work(const struct ndjson *n, struct ndjson_work *w)
{
    size_t columns = n->wanted.count > 0 ? n->wanted.count : 1;
    w->record = json_record_new(&n->wanted);
    w->stride = PIECES_MAX / columns;
    w->stride = w->stride < 1 ? 1 : w->stride > KEPT_MAX ? KEPT_MAX : w->stride;
    w->pieces = mem_calloc(columns * w->stride, sizeof *w->pieces);
    w->lines = mem_calloc(w->stride, sizeof *w->lines);
}

static void start(struct ndjson *n)
{
    const struct relay_work tasks = {read_part, work, n};
    const struct read_options *options = n->base.options;
    n->threads = options->threads < 1 ? 1 : options->threads;
    if (n->threads > THREADS_MAX)
        n->threads = THREADS_MAX;
    n->part_count = n->threads + 2;
    /* A part needs about as much again for its values. */
    size_t memory = options->memory > 0 ? options->memory : MEMORY_DEFAULT;
    n->block = memory / n->part_count / 4;
    n->block = n->block < BLOCK_MIN ? BLOCK_MIN : n->block > BLOCK_MAX ? BLOCK_MAX : n->block;
    n->work = mem_calloc(n->threads, sizeof *n->work);
    for (unsigned i = 0; i < n->threads; i++)
        init_work(n, &n->work[i]);
    n->parts = mem_calloc(n->part_count, sizeof *n->parts);
    n->relay_parts = mem_calloc(n->part_count, sizeof(struct relay_part *));
    for (size_t i = 0; i < n->part_count; i++)
        n->relay_parts[i] = &n->parts[i].relay;
    n->relay = relay_new(&tasks, n->relay_parts, n->part_count, n->threads);
}

/* --- the reader ------------------------------------------------------------------------------ */

static int ndjson_select(struct reader *r, const struct reader_column *columns, size_t count,
                         struct error *err)
{
    return json_wanted_init(&self_of(r)->wanted, columns, count, err);
}

/* Finish with the current part, and have the next one; none after the last. */
static int next_part(struct ndjson *n, struct error *err)
{
    if (n->current != NULL) {
        n->row += n->current->records;
        n->line += n->current->lines;
        n->ended = n->current->relay.last;
        relay_give(n->relay, &n->current->relay);
        n->current = NULL;
    }
    if (n->ended)
        return ERR_OK;
    struct relay_part *part = relay_take(n->relay);
    assert(part != NULL);
    n->current = (struct ndjson_part *)part;
    if (part->rc == ERR_OK)
        return ERR_OK;
    n->ended = true;
    if (n->current->too_long)
        return error_set(err, ERR_LIMIT, "%s:%llu: the line has more than %zu MiB.",
                         n->base.file->shown, (unsigned long long)n->line + 1,
                         READ_RECORD_MAX >> 20);
    return error_pass(err, part->rc, &part->err);
}

/* Hand a batch over, with numbers of rows and lines within the file. */
static void give(const struct ndjson *n, struct reader_batch *from, struct reader_batch *out)
{
    struct reader_batch empty = *out;
    *out = *from;
    *from = empty;
    for (size_t i = 0; i < out->values.rows; i++) {
        out->rows[i] += n->row;
        out->lines[i] += n->line;
    }
    for (size_t i = 0; i < out->fault_count; i++) {
        out->faults[i].row += n->row;
        out->faults[i].line += n->line;
    }
}

static int check_met(struct ndjson *n, struct error *err)
{
    struct json_record *records[THREADS_MAX];
    for (unsigned i = 0; i < n->threads; i++)
        records[i] = n->work[i].record;
    return json_wanted_check(&n->wanted, &n->base, records, n->threads, err);
}

static int ndjson_next(struct reader *r, struct reader_batch *out, struct error *err)
{
    struct ndjson *n = self_of(r);
    int rc = stop_check(err);
    if (n->relay == NULL)
        start(n);
    while (rc == ERR_OK && !n->ended) {
        struct ndjson_part *p = n->current;
        if (p != NULL && p->given < p->batch_count) {
            struct reader_batch *batch = &p->batches[p->given++];
            if (batch->values.rows + batch->fault_count == 0)
                continue;
            give(n, batch, out);
            return ERR_OK;
        }
        rc = next_part(n, err);
        if (rc == ERR_OK && n->ended)
            rc = check_met(n, err);
        if (rc == ERR_OK && n->ended)
            rc = input_digest(n->input, r->sha256, err);
    }
    return rc;
}

/* The next line of a window, with a NUL in place of its end; after the last one, `ended` is set. */
static int next_line(struct json_window *w, struct json_scan *line, bool *ended, struct error *err)
{
    for (;;) {
        char *begin = w->data + w->at;
        char *newline = memchr(begin, '\n', w->used - w->at);
        if (newline != NULL || w->final) {
            char *end = newline != NULL ? newline : w->data + w->used;
            *ended = w->used == w->at;
            *line = (struct json_scan){begin, end, NULL};
            *end = '\0';
            w->at = (size_t)(end - w->data) + (newline != NULL);
            w->line++;
            return ERR_OK;
        }
        int rc = json_window_more(w, err);
        if (rc != ERR_OK)
            return rc;
    }
}

/* Lines that are not JSON have no names: they become faults when they are read. */
static int ndjson_names(struct reader *r, struct reader_texts *out, struct error *err)
{
    struct ndjson *n = self_of(r);
    struct json_window w;
    bool ended = false;
    json_names_release(&n->names);
    json_names_init(&n->names);
    int rc = json_window_open(&w, r->file, r->options, err);
    if (rc == ERR_OK)
        rc = check_kind(r->file, w.data, w.used, err);
    while (rc == ERR_OK && !ended) {
        struct json_scan line = {0};
        struct json_excess excess = {NULL, false};
        rc = next_line(&w, &line, &ended, err);
        const char *begin = line.at;
        if (rc == ERR_OK && !ended) {
            json_scan_blanks(&line);
            (void)json_names_scan(&n->names, &line, &excess);
        }
        /* The window is on the next line already. */
        if (excess.at != NULL)
            rc = json_names_refuse(r->file, w.line - 1,
                                   utf8_count(begin, (size_t)(excess.at - begin)) + 1,
                                   excess.too_long, err);
    }
    json_window_release(&w);
    *out = (struct reader_texts){(const char *const *)n->names.items, n->names.count};
    return rc;
}

static void free_part(struct ndjson_part *p)
{
    for (size_t i = 0; i < p->batch_capacity; i++)
        reader_batch_release(&p->batches[i]);
    free(p->batches);
    free(p->text);
}

static void ndjson_free(struct reader *r)
{
    struct ndjson *n = self_of(r);
    relay_free(n->relay);
    for (size_t i = 0; i < n->part_count; i++)
        free_part(&n->parts[i]);
    for (unsigned i = 0; n->work != NULL && i < n->threads; i++) {
        json_record_free(n->work[i].record);
        free(n->work[i].pieces);
        free(n->work[i].lines);
    }
    free(n->work);
    free(n->parts);
    free(n->relay_parts);
    free(n->rest);
    input_free(n->input);
    json_wanted_release(&n->wanted);
    json_names_release(&n->names);
    reader_release(r);
    free(n);
}

int ndjson_open(const struct reader_file *file, const struct read_options *options,
                struct reader **out, struct error *err)
{
    static const struct reader_ops ops = {ndjson_names, ndjson_select, ndjson_next, ndjson_free};
    struct ndjson *n = mem_calloc(1, sizeof *n);
    n->base = (struct reader){.ops = &ops, .file = file, .options = options};
    int rc = input_open(file, options, &n->input, err);
    if (rc == ERR_OK)
        *out = &n->base;
    else
        ndjson_free(&n->base);
    return rc;
}
