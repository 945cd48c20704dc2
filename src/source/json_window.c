#include "source/json_window.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "source/kind.h"
#include "source/read_options.h"
#include "util/mem.h"
#include "util/utf8.h"

#define FIRST_CAPACITY ((size_t)1 << 20)

int json_window_check(const struct reader_file *file, const char *text, size_t length,
                      struct error *err)
{
    enum kind kind = kind_of(text, length);
    if (kind != KIND_HTML && !kind_is_no_text(kind))
        return ERR_OK;
    error_set(err, ERR_SOURCE, "%s is %s, not JSON.", file->shown, kind_name(kind));
    return kind_advice(kind)[0] != '\0' ? error_append(err, "%s", kind_advice(kind)) : ERR_SOURCE;
}

int json_window_open(struct json_window *w, const struct reader_file *file,
                     const struct read_options *options, struct error *err)
{
    *w = (struct json_window){.file = file, .line = 1, .capacity = FIRST_CAPACITY};
    int rc = input_open(file, options, &w->input, err);
    if (rc != ERR_OK)
        return rc;
    w->data = mem_alloc(w->capacity + JSON_SCAN_PADDING);
    rc = json_window_more(w, err);
    return rc == ERR_OK ? json_window_check(file, w->data, w->used, err) : rc;
}

void json_window_release(struct json_window *w)
{
    input_free(w->input);
    free(w->data);
    *w = (struct json_window){0};
}

/* Room after what is there: what is finished with makes way, then the window grows. */
static int make_room(struct json_window *w, struct error *err)
{
    memmove(w->data, w->data + w->at, w->used - w->at);
    w->used -= w->at;
    w->at = 0;
    if (w->capacity - w->used >= STREAM_ROOM_MIN)
        return ERR_OK;
    if (w->capacity > READ_RECORD_MAX)
        return error_set(err, ERR_LIMIT,
                         "%s:%llu: the record that begins here has more than %zu MiB.",
                         w->file->shown, (unsigned long long)w->line, READ_RECORD_MAX >> 20);
    w->capacity *= 2;
    w->data = mem_resize(w->data, w->capacity + JSON_SCAN_PADDING, 1);
    return ERR_OK;
}

int json_window_more(struct json_window *w, struct error *err)
{
    size_t got;
    int rc = make_room(w, err);
    if (rc == ERR_OK)
        rc = input_read(w->input, w->data + w->used, w->capacity - w->used, &got, err);
    if (rc != ERR_OK)
        return rc;
    w->used += got;
    w->final = got == 0;
    memset(w->data + w->used, 0, JSON_SCAN_PADDING);
    return ERR_OK;
}

/* Move a line and column on over some text. */
static void move_place(const char *from, const char *to, uint64_t *line, uint64_t *column)
{
    const char *newline;
    while ((newline = memchr(from, '\n', (size_t)(to - from))) != NULL) {
        (*line)++;
        *column = 0;
        from = newline + 1;
    }
    *column += utf8_count(from, (size_t)(to - from));
}

void json_window_pass(struct json_window *w, const char *to)
{
    assert(to >= w->data + w->at && to <= w->data + w->used);
    move_place(w->data + w->at, to, &w->line, &w->column);
    w->at = (size_t)(to - w->data);
}

void json_window_place(const struct json_window *w, const char *at, uint64_t *line,
                       uint64_t *column)
{
    *line = w->line;
    *column = w->column;
    move_place(w->data + w->at, at, line, column);
    (*column)++;
}
