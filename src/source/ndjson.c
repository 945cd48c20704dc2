#include "source/ndjson.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "source/json_record.h"
#include "source/json_window.h"
#include "util/mem.h"
#include "util/stop.h"

/* Bytes of the file that go into one batch, unless a single record has more. */
#define BATCH_BYTES ((size_t)4 << 20)

struct ndjson {
    struct reader base;
    struct json_window window;
    struct json_wanted wanted;
    struct json_record *record;
    struct json_names names;
    uint64_t line; /* of the next one, from 1 */
    uint64_t row;
    bool ended;
};

static struct ndjson *self_of(struct reader *r)
{
    return (struct ndjson *)r;
}

/* The next line, with a NUL in place of its end; behind the last one, `ended` is set. */
static int next_line(struct ndjson *n, struct json_scan *line, struct error *err)
{
    struct json_window *w = &n->window;
    for (;;) {
        char *begin = w->data + w->at;
        char *newline = memchr(begin, '\n', w->used - w->at);
        if (newline != NULL) {
            *newline = '\0';
            *line = (struct json_scan){begin, newline, NULL};
            w->at = (size_t)(newline + 1 - w->data);
            return ERR_OK;
        }
        if (w->final) {
            *line = (struct json_scan){begin, w->data + w->used, NULL};
            n->ended = w->used == w->at;
            w->at = w->used;
            return ERR_OK;
        }
        w->line = n->line;
        int rc = json_window_more(w, err);
        if (rc != ERR_OK)
            return rc;
    }
}

static bool is_blank(struct json_scan *line)
{
    json_scan_blanks(line);
    return line->at == line->end;
}

static void add_fault(struct ndjson *n, const char *begin, const struct json_fault *fault,
                      struct reader_batch *out)
{
    struct reader_fault place = {.row = n->row, .line = n->line, .index = fault->index};
    place.column = json_window_characters(begin, (size_t)(fault->at - begin)) + 1;
    reader_batch_fault(out, &place, fault->value, fault->value_length, fault->reason);
}

/* Is the line one value, whole? */
static bool scan_line(struct json_record *r, struct json_scan *line)
{
    if (!json_record_scan(r, line))
        return false;
    json_scan_blanks(line);
    return line->at == line->end ||
           json_scan_fail(line, line->at, "there is text behind the object");
}

static void take_line(struct ndjson *n, struct json_scan *line, const char *begin,
                      struct reader_batch *out)
{
    const char *text = line->at;
    struct json_fault fault = {.index = SIZE_MAX, .value = text};
    n->row++;
    if (!scan_line(n->record, line)) {
        fault.at = line->at;
        fault.value_length = (size_t)(line->end - text);
        fault.reason = mem_printf(
            "is not JSON: %s", line->flaw != NULL ? line->flaw : "the line ends inside the object");
        add_fault(n, begin, &fault, out);
    } else if (json_record_take(n->record, &out->values, &fault)) {
        reader_batch_row(out, n->row, n->line);
    } else {
        add_fault(n, begin, &fault, out);
    }
}

static int rewind_file(struct ndjson *n, struct error *err)
{
    json_window_release(&n->window);
    n->line = 1;
    n->row = 0;
    n->ended = false;
    return json_window_open(&n->window, n->base.file, n->base.options, err);
}

static int ndjson_names(struct reader *r, struct reader_texts *out, struct error *err)
{
    struct ndjson *n = self_of(r);
    bool full = false;
    json_names_release(&n->names);
    json_names_init(&n->names);
    int rc = rewind_file(n, err);
    while (rc == ERR_OK && !n->ended && !full) {
        struct json_scan line;
        rc = stop_requested() ? stop_check(err) : next_line(n, &line, err);
        if (rc == ERR_OK && !is_blank(&line))
            (void)json_names_scan(&n->names, &line, &full);
        n->line++;
    }
    if (rc == ERR_OK && full)
        rc = json_names_full(n->base.file, err);
    *out = (struct reader_texts){(const char *const *)n->names.items, n->names.count};
    return rc == ERR_OK ? rewind_file(n, err) : rc;
}

static int ndjson_select(struct reader *r, const struct reader_column *columns, size_t count,
                         struct error *err)
{
    struct ndjson *n = self_of(r);
    int rc = json_wanted_init(&n->wanted, columns, count, err);
    if (rc == ERR_OK)
        n->record = json_record_new(&n->wanted);
    return rc;
}

static int ndjson_next(struct reader *r, struct reader_batch *out, struct error *err)
{
    struct ndjson *n = self_of(r);
    size_t passed = 0;
    int rc = stop_check(err);
    if (n->ended)
        return rc;
    while (rc == ERR_OK && !n->ended && passed <= BATCH_BYTES &&
           out->values.rows + out->fault_count < READER_BATCH_ROWS) {
        struct json_scan line;
        rc = next_line(n, &line, err);
        const char *begin = line.at;
        passed += rc == ERR_OK ? (size_t)(line.end - line.at) : 0;
        if (rc == ERR_OK && !is_blank(&line))
            take_line(n, &line, begin, out);
        n->line++;
    }
    if (rc == ERR_OK && n->ended)
        rc = json_wanted_check(&n->wanted, r, &n->record, 1, err);
    return rc;
}

static void ndjson_free(struct reader *r)
{
    struct ndjson *n = self_of(r);
    json_window_release(&n->window);
    json_record_free(n->record);
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
    int rc = rewind_file(n, err);
    if (rc == ERR_OK)
        *out = &n->base;
    else
        ndjson_free(&n->base);
    return rc;
}
