#include "source/json_document.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "source/json_record.h"
#include "source/json_window.h"
#include "util/mem.h"
#include "util/stop.h"

/* Bytes of the file that go into one batch, unless a single record has more. */
#define BATCH_BYTES ((size_t)4 << 20)

/* What comes next in the text. */
enum phase {
    AT_DOCUMENT, /* a document, or the end of the file */
    AT_VALUE,    /* the value to which the first `depth` steps of the path lead */
    AT_MEMBER,   /* a field or element of what these steps lead to */
    AT_RECORD,   /* an element of the array of records */
    BEHIND_RECORD,
    BEHIND_VALUE, /* a comma or bracket, if steps are open */
    AT_END
};

struct json_document {
    struct reader base;
    struct json_window window;
    struct json_wanted wanted;
    struct json_record *record;
    struct json_names names;
    bool collecting; /* names only */
    bool full;       /* there are too many, and here is the first one: */
    bool too_long;
    uint64_t full_line;
    uint64_t full_column;

    struct json_path path; /* to the records */
    enum phase phase;
    size_t depth; /* steps of the path that are open */
    struct {
        bool found;   /* what the step names */
        size_t index; /* of the member at hand */
    } open[JSON_PATH_MAX];
    bool first;     /* nothing has been in the innermost array or object yet */
    bool was_array; /* the last document */
    uint64_t documents;
    uint64_t row;
    struct reader_batch *out; /* NULL while names are collected */
};

static struct json_document *self_of(struct reader *r)
{
    return (struct json_document *)r;
}

/* --- errors ---------------------------------------------------------------------------------- */

/* ERR_SOURCE, with the place of the byte `at`. */
static int fail_at(const struct json_document *d, const char *at, const char *what,
                   struct error *err)
{
    uint64_t line;
    uint64_t column;
    json_window_place(&d->window, at, &line, &column);
    return error_set(err, ERR_SOURCE, "%s:%llu:%llu: %s.", d->base.file->shown,
                     (unsigned long long)line, (unsigned long long)column, what);
}

static int fail_scan(const struct json_document *d, const struct json_scan *s, struct error *err)
{
    if (s->flaw == NULL)
        return fail_at(d, s->at,
                       "not JSON: the file ends inside an array or object; it was cut off", err);
    char *what = mem_printf("not JSON: %s", s->flaw);
    int rc = fail_at(d, s->at, what, err);
    free(what);
    return rc;
}

/* What the path leads to is not what it should be. */
static int fail_path(const struct json_document *d, const char *at, const char *what,
                     struct error *err)
{
    char *text = mem_printf("the path \"%s\" (`records`) %s", d->base.options->records, what);
    int rc = fail_at(d, at, text, err);
    free(text);
    return rc;
}

/* --- steps ----------------------------------------------------------------------------------- */

/*
 * What one step came to. Each begins at the window's `at`, and changes nothing unless it is
 * completed: it can be tried again with more of the file.
 */
enum step { STEP_DONE, STEP_SCAN, STEP_FAILED };

/* A scan that failed, or a number that may go on where the window ends. */
static bool is_whole(const struct json_document *d, struct json_scan *s, bool scanned,
                     enum json_kind kind)
{
    if (scanned && kind == JSON_NUMBER && s->at == s->end && !d->window.final)
        return json_scan_fail(s, s->end, NULL);
    return scanned;
}

static void emit(struct json_document *d, uint64_t line)
{
    struct json_fault fault;
    d->row++;
    if (json_record_take(d->record, &d->out->values, &fault)) {
        reader_batch_row(d->out, d->row, line);
        return;
    }
    struct reader_fault place = {.row = d->row, .index = fault.index};
    json_window_place(&d->window, fault.at, &place.line, &place.column);
    reader_batch_fault(d->out, &place, fault.value, fault.value_length, fault.reason);
}

/* The record that begins here. */
static bool scan_record(struct json_document *d, struct json_scan *s)
{
    json_scan_blanks(s);
    json_window_pass(&d->window, s->at);
    struct json_excess excess = {NULL, false};
    bool scanned =
        d->collecting ? json_names_scan(&d->names, s, &excess) : json_record_scan(d->record, s);
    enum json_kind kind = d->window.data[d->window.at] == '{' ? JSON_OBJECT : JSON_NUMBER;
    if (!is_whole(d, s, scanned, kind))
        return false;
    if (!d->collecting)
        emit(d, d->window.line);
    if (excess.at != NULL) {
        d->full = true;
        d->too_long = excess.too_long;
        json_window_place(&d->window, excess.at, &d->full_line, &d->full_column);
    }
    return true;
}

static enum step step_document(struct json_document *d, struct json_scan *s, struct error *err)
{
    json_scan_blanks(s);
    if (s->at == s->end) {
        s->flaw = NULL;
        if (!d->window.final)
            return STEP_SCAN;
        d->phase = AT_END;
        if (d->documents > 0)
            return STEP_DONE;
        fail_at(d, s->at, "not JSON: there is nothing in the file", err);
        return STEP_FAILED;
    }
    if (d->documents > 0 && (d->was_array || *s->at != '{')) {
        fail_at(d, s->at, "not JSON: there is text after the end", err);
        return STEP_FAILED;
    }
    d->was_array = *s->at == '[';
    d->phase = AT_VALUE;
    return STEP_DONE;
}

/* Go one step of the path further, into the array or object that is here. */
static enum step step_into(struct json_document *d, struct json_scan *s, struct error *err)
{
    bool object = d->path.steps[d->depth].name != NULL;
    if (*s->at != (object ? '{' : '[')) {
        fail_path(d, s->at,
                  object ? "leads nowhere: an object is missing here"
                         : "leads nowhere: an array is missing here",
                  err);
        return STEP_FAILED;
    }
    s->at++;
    d->open[d->depth].found = false;
    d->open[d->depth++].index = 0;
    d->first = true;
    d->phase = AT_MEMBER;
    return STEP_DONE;
}

static enum step step_value(struct json_document *d, struct json_scan *s, struct error *err)
{
    json_scan_blanks(s);
    if (s->at == s->end)
        return json_scan_fail(s, s->end, NULL) ? STEP_DONE : STEP_SCAN;
    if (d->depth < d->path.count)
        return step_into(d, s, err);
    if (*s->at == '[') {
        s->at++;
        d->first = true;
        d->phase = AT_RECORD;
        return STEP_DONE;
    }
    if (*s->at == '{') {
        d->phase = BEHIND_VALUE;
        return scan_record(d, s) ? STEP_DONE : STEP_SCAN;
    }
    if (d->path.count > 0)
        fail_path(d, s->at, "leads to neither an array of records nor a record", err);
    else
        fail_at(d, s->at, "not records: neither an array of objects nor an object", err);
    return STEP_FAILED;
}

/* After the last member of what a step leads into. */
static enum step leave(struct json_document *d, const char *at, struct error *err)
{
    if (!d->open[d->depth - 1].found) {
        fail_path(d, at, "leads nowhere: what it names is missing before this bracket", err);
        return STEP_FAILED;
    }
    d->depth--;
    d->phase = BEHIND_VALUE;
    return STEP_DONE;
}

static bool is_name(const struct json_piece *name, const struct json_step *step)
{
    char *plain = mem_alloc(name->length);
    size_t length = json_scan_unescape(name->begin, name->length, plain);
    bool same = length == step->length && memcmp(plain, step->name, length) == 0;
    free(plain);
    return same;
}

static enum step step_member(struct json_document *d, struct json_scan *s, struct error *err)
{
    const struct json_step *step = &d->path.steps[d->depth - 1];
    struct json_piece piece;
    bool object = step->name != NULL;
    json_scan_blanks(s);
    const char *begin = s->at;
    if (d->first && *s->at == (object ? '}' : ']')) {
        s->at++;
        return leave(d, begin, err);
    }
    if (object && !json_scan_name(s, &piece))
        return STEP_SCAN;
    if (object ? is_name(&piece, step) : d->open[d->depth - 1].index == step->index) {
        if (d->open[d->depth - 1].found) {
            fail_path(d, begin, "leads to two values: this name occurs twice in its object", err);
            return STEP_FAILED;
        }
        d->open[d->depth - 1].found = true;
        d->phase = AT_VALUE;
        return STEP_DONE;
    }
    bool scanned = json_scan_value(s, &piece);
    if (!is_whole(d, s, scanned, scanned ? piece.kind : JSON_NULL))
        return STEP_SCAN;
    d->phase = BEHIND_VALUE;
    return STEP_DONE;
}

static enum step step_behind_value(struct json_document *d, struct json_scan *s, struct error *err)
{
    bool closed;
    if (d->depth == 0) {
        d->documents++;
        d->phase = AT_DOCUMENT;
        return STEP_DONE;
    }
    bool object = d->path.steps[d->depth - 1].name != NULL;
    if (!json_scan_next(s, object ? '}' : ']', &closed))
        return STEP_SCAN;
    if (closed)
        return leave(d, s->at - 1, err);
    d->open[d->depth - 1].index++;
    d->first = false;
    d->phase = AT_MEMBER;
    return STEP_DONE;
}

static enum step step_record(struct json_document *d, struct json_scan *s)
{
    json_scan_blanks(s);
    if (d->first && *s->at == ']') {
        s->at++;
        d->phase = BEHIND_VALUE;
        return STEP_DONE;
    }
    if (!scan_record(d, s))
        return STEP_SCAN;
    d->phase = BEHIND_RECORD;
    return STEP_DONE;
}

static enum step step_behind_record(struct json_document *d, struct json_scan *s)
{
    bool closed;
    if (!json_scan_next(s, ']', &closed))
        return STEP_SCAN;
    d->first = false;
    d->phase = closed ? BEHIND_VALUE : AT_RECORD;
    return STEP_DONE;
}

static enum step step(struct json_document *d, struct json_scan *s, struct error *err)
{
    switch (d->phase) {
    case AT_DOCUMENT:
        return step_document(d, s, err);
    case AT_VALUE:
        return step_value(d, s, err);
    case AT_MEMBER:
        return step_member(d, s, err);
    case AT_RECORD:
        return step_record(d, s);
    case BEHIND_RECORD:
        return step_behind_record(d, s);
    case BEHIND_VALUE:
        return step_behind_value(d, s, err);
    case AT_END:
        break;
    }
    return STEP_DONE;
}

/* One step, with as much of the file as it takes. */
static int advance(struct json_document *d, struct error *err)
{
    for (;;) {
        enum phase phase = d->phase;
        struct json_scan s = json_window_scan(&d->window);
        enum step came = step(d, &s, err);
        if (came == STEP_FAILED)
            return ERR_SOURCE;
        if (came == STEP_DONE) {
            json_window_pass(&d->window, s.at);
            return ERR_OK;
        }
        d->phase = phase;
        if (s.flaw != NULL || d->window.final)
            return fail_scan(d, &s, err);
        int rc = json_window_more(&d->window, err);
        if (rc != ERR_OK)
            return rc;
    }
}

/* --- the reader ------------------------------------------------------------------------------ */

static int rewind_file(struct json_document *d, struct error *err)
{
    json_window_release(&d->window);
    d->phase = AT_DOCUMENT;
    d->depth = 0;
    d->documents = 0;
    d->row = 0;
    return json_window_open(&d->window, d->base.file, d->base.options, err);
}

static int collect_names(struct json_document *d, struct error *err)
{
    json_names_release(&d->names);
    json_names_init(&d->names);
    d->collecting = true;
    int rc = rewind_file(d, err);
    while (rc == ERR_OK && d->phase != AT_END && !d->full)
        rc = stop_requested() ? stop_check(err) : advance(d, err);
    d->collecting = false;
    if (rc == ERR_OK && d->full)
        rc = json_names_refuse(d->base.file, d->full_line, d->full_column, d->too_long, err);
    return rc == ERR_OK ? rewind_file(d, err) : rc;
}

static int document_names(struct reader *r, struct reader_texts *out, struct error *err)
{
    struct json_document *d = self_of(r);
    int rc = collect_names(d, err);
    *out = (struct reader_texts){(const char *const *)d->names.items, d->names.count};
    return rc;
}

static int document_select(struct reader *r, const struct reader_column *columns, size_t count,
                           struct error *err)
{
    struct json_document *d = self_of(r);
    int rc = json_wanted_init(&d->wanted, columns, count, err);
    if (rc == ERR_OK)
        d->record = json_record_new(&d->wanted);
    return rc;
}

static bool is_enough(const struct json_document *d, size_t passed)
{
    return d->out->values.rows + d->out->fault_count == READER_BATCH_ROWS || passed > BATCH_BYTES;
}

static int document_next(struct reader *r, struct reader_batch *out, struct error *err)
{
    struct json_document *d = self_of(r);
    size_t passed = 0;
    int rc = stop_check(err);
    d->out = out;
    if (d->phase == AT_END)
        return rc;
    while (rc == ERR_OK && d->phase != AT_END && !is_enough(d, passed)) {
        size_t before = d->window.at;
        rc = advance(d, err);
        if (d->window.at > before)
            passed += d->window.at - before;
    }
    if (rc == ERR_OK && d->phase == AT_END)
        rc = json_wanted_check(&d->wanted, r, &d->record, 1, err);
    if (rc == ERR_OK && d->phase == AT_END)
        rc = input_digest(d->window.input, r->sha256, err);
    return rc;
}

static void document_free(struct reader *r)
{
    struct json_document *d = self_of(r);
    json_window_release(&d->window);
    json_record_free(d->record);
    json_wanted_release(&d->wanted);
    json_names_release(&d->names);
    json_path_release(&d->path);
    reader_release(r);
    free(d);
}

int json_open(const struct reader_file *file, const struct read_options *options,
              struct reader **out, struct error *err)
{
    static const struct reader_ops ops = {document_names, document_select, document_next,
                                          document_free};
    struct json_document *d = mem_calloc(1, sizeof *d);
    d->base = (struct reader){.ops = &ops, .file = file, .options = options};
    int rc = ERR_OK;
    if (options->records != NULL)
        rc = json_path_parse(options->records, true, &d->path, err);
    if (rc == ERR_OK)
        rc = rewind_file(d, err);
    if (rc == ERR_OK)
        *out = &d->base;
    else
        document_free(&d->base);
    return rc;
}
