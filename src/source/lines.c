#include "source/lines.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "util/mem.h"

struct lines {
    struct input *input;
    size_t block_size;
    uint64_t footer_lines;
    char *rest; /* what the next block begins with */
    size_t rest_length;
    size_t rest_capacity;
    bool end;   /* of the input: what is left is all there is, and without the footer */
    bool added; /* a line ending to the last line */
};

struct lines *lines_new(struct input *input, size_t block_size, uint64_t footer_lines)
{
    struct lines *l = mem_calloc(1, sizeof *l);
    *l = (struct lines){.input = input, .block_size = block_size, .footer_lines = footer_lines};
    return l;
}

void lines_free(struct lines *l)
{
    if (l == NULL)
        return;
    free(l->rest);
    free(l);
}

void lines_block_release(struct lines_block *b)
{
    free(b->bytes);
    *b = (struct lines_block){0};
}

void lines_block_reserve(struct lines_block *b, size_t bytes)
{
    size_t wanted = 2 * bytes + 2 * LINES_MARGIN;
    if (wanted <= b->capacity)
        return;
    b->bytes = mem_resize(b->bytes, wanted, 1);
    b->capacity = wanted;
}

static void keep(struct lines *l, const char *bytes, size_t length)
{
    if (length > l->rest_capacity) {
        l->rest = mem_resize(l->rest, length, 1);
        l->rest_capacity = length;
    }
    if (length > 0)
        memcpy(l->rest, bytes, length);
    l->rest_length = length;
}

void lines_unread(struct lines *l, const char *bytes, size_t length)
{
    size_t all = length + l->rest_length;
    char *joined = mem_alloc(all);
    memcpy(joined, bytes, length);
    if (l->rest_length > 0)
        memcpy(joined + length, l->rest, l->rest_length);
    free(l->rest);
    l->rest = joined;
    l->rest_length = all;
    l->rest_capacity = all;
}

static bool ends_line(char c)
{
    return c == '\n' || c == '\r';
}

/*
 * The place after the last line ending; 0 where there is none. A CR at the end may be half of one.
 */
static size_t last_end(const char *bytes, size_t length)
{
    const char *p = memrchr(bytes, '\n', length);
    if (p == NULL && length > 1)
        p = memrchr(bytes, '\r', length - 1);
    return p == NULL ? 0 : (size_t)(p - bytes) + 1;
}

/* Before the last `count` lines that are not blank, and the blank ones between and after them. */
static size_t before_lines(const char *bytes, size_t length, uint64_t count)
{
    size_t at = length;
    for (; count > 0 && at > 0; count--) {
        while (at > 0 && ends_line(bytes[at - 1]))
            at--;
        while (at > 0 && !ends_line(bytes[at - 1]))
            at--;
    }
    return at;
}

/* What of the block can be given away now. */
static size_t whole_lines(const struct lines *l, const struct lines_block *b)
{
    return before_lines(b->bytes, last_end(b->bytes, b->length), l->footer_lines);
}

/* Nothing follows: leave the footer out, and end the last line. */
static void finish(struct lines *l, struct lines_block *b)
{
    if (!l->end && l->footer_lines > 0)
        b->length = before_lines(b->bytes, b->length, l->footer_lines);
    l->end = true;
    b->last = true;
    if (b->length > 0 && !ends_line(b->bytes[b->length - 1])) {
        b->bytes[b->length++] = '\n';
        l->added = true;
    }
    b->added = l->added;
}

/* Read on until the block has `size` bytes. */
static int fill(struct lines *l, struct lines_block *b, size_t size, bool *end, struct error *err)
{
    lines_block_reserve(b, size + 1);
    size_t got = 0;
    size_t room = size - b->length;
    int rc = l->end ? ERR_OK : input_read(l->input, b->bytes + b->length, room, &got, err);
    b->length += got;
    *end = l->end || (rc == ERR_OK && room - got >= STREAM_ROOM_MIN);
    return rc;
}

/* Is the first line of a block longer than a record may be? Looks only where it can be. */
static bool is_too_long(const struct lines_block *b)
{
    if (b->length <= READ_RECORD_MAX)
        return false;
    for (size_t i = 0; i <= READ_RECORD_MAX; i++)
        if (ends_line(b->bytes[i]))
            return false;
    return true;
}

int lines_next(struct lines *l, struct lines_block *out, struct error *err)
{
    size_t size = l->rest_length + l->block_size;
    bool end = false;
    int rc = ERR_OK;
    size_t cut = 0;
    out->last = false;
    out->added = false;
    lines_block_reserve(out, size + 1);
    if (l->rest_length > 0)
        memcpy(out->bytes, l->rest, l->rest_length);
    out->length = l->rest_length;
    for (; rc == ERR_OK && !end && cut == 0; size *= 2) {
        rc = fill(l, out, size, &end, err);
        out->too_long = rc == ERR_OK && is_too_long(out);
        if (out->too_long)
            return error_set(err, ERR_LIMIT, "a line is too long");
        if (rc == ERR_OK && !end)
            cut = whole_lines(l, out);
    }
    if (rc != ERR_OK)
        return rc;
    if (end) {
        finish(l, out);
        cut = out->length;
    }
    keep(l, out->bytes + cut, out->length - cut);
    out->length = cut;
    memset(out->bytes + cut, 0, LINES_MARGIN);
    return ERR_OK;
}

uint64_t lines_count(const char *bytes, size_t length)
{
    uint64_t count = 0;
    for (size_t i = 0; i < length; i++)
        count +=
            bytes[i] == '\n' || (bytes[i] == '\r' && (i + 1 == length || bytes[i + 1] != '\n'));
    return count;
}
