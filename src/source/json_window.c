#include "source/json_window.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "source/read_options.h"
#include "util/mem.h"

#define FIRST_CAPACITY ((size_t)1 << 20)

int json_window_open(struct json_window *w, const struct reader_file *file,
                     const struct read_options *options, struct error *err)
{
    (void)options;
    *w = (struct json_window){.file = file, .line = 1, .capacity = FIRST_CAPACITY};
    w->fd = open(file->path, O_RDONLY | O_CLOEXEC);
    if (w->fd < 0)
        return error_set_errno(err, ERR_SOURCE, errno, "%s cannot be opened", file->shown);
    w->data = mem_alloc(w->capacity + JSON_SCAN_PADDING);
    memset(w->data, 0, JSON_SCAN_PADDING);
    return ERR_OK;
}

void json_window_release(struct json_window *w)
{
    if (w->data != NULL)
        close(w->fd);
    free(w->data);
    *w = (struct json_window){0};
}

/* Room behind what is there: what is done with makes way, then the window grows. */
static int make_room(struct json_window *w, struct error *err)
{
    memmove(w->data, w->data + w->at, w->used - w->at);
    w->used -= w->at;
    w->at = 0;
    if (w->used < w->capacity)
        return ERR_OK;
    if (w->capacity > READ_RECORD_MAX)
        return error_set(err, ERR_LIMIT,
                         "%s:%llu: the record that begins here has more than %zu MiB.",
                         w->file->shown, (unsigned long long)w->line, READ_RECORD_MAX >> 20);
    w->capacity *= 2;
    w->data = mem_resize(w->data, w->capacity + JSON_SCAN_PADDING, 1);
    return ERR_OK;
}

/* A byte-order mark is no part of the text. */
static void drop_mark(struct json_window *w)
{
    if (w->used >= 3 && memcmp(w->data, "\xEF\xBB\xBF", 3) == 0)
        w->at = 3;
}

int json_window_more(struct json_window *w, struct error *err)
{
    int rc = make_room(w, err);
    if (rc != ERR_OK)
        return rc;
    bool first = w->used == 0 && w->line == 1 && w->column == 0;
    ssize_t n;
    do
        n = read(w->fd, w->data + w->used, w->capacity - w->used);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return error_set_errno(err, ERR_SOURCE, errno, "%s cannot be read", w->file->shown);
    w->used += (size_t)n;
    w->final = n == 0;
    memset(w->data + w->used, 0, JSON_SCAN_PADDING);
    if (first)
        drop_mark(w);
    return ERR_OK;
}

uint64_t json_window_characters(const char *text, size_t length)
{
    uint64_t count = 0;
    for (size_t i = 0; i < length; i++)
        count += ((unsigned char)text[i] & 0xC0) != 0x80;
    return count;
}

/* Go on from a line and column over some text. */
static void move_place(const char *from, const char *to, uint64_t *line, uint64_t *column)
{
    const char *newline;
    while ((newline = memchr(from, '\n', (size_t)(to - from))) != NULL) {
        (*line)++;
        *column = 0;
        from = newline + 1;
    }
    *column += json_window_characters(from, (size_t)(to - from));
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
