#include "source/encoding.h"

#include <errno.h>
#include <iconv.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "util/mem.h"

/* No conversion. iconv's own value for failure is never that of an open one. */
#define NO_ICONV ((iconv_t)-1)

#define MARK_MAX 4

struct encoding {
    struct stream stream;
    struct stream *from;
    const char *name;
    const char *encoding; /* of the text, as the mark or the configuration says; NULL: UTF-8 */
    iconv_t iconv;
    bool begun;   /* the byte-order mark has been looked for */
    bool end;     /* of the stream below */
    bool flushed; /* the decoder has given what it held back */
    unsigned char *input;
    size_t at, filled; /* what of it is not converted */
    uint64_t offset;   /* of `at`, in the text before conversion */
    uint64_t line;
    bool after_cr;
};

struct mark {
    const char *bytes;
    size_t length;
    const char *encoding; /* NULL: UTF-8 */
};

/* Longer marks first: that of UTF-32 begins like that of UTF-16. */
static const struct mark marks[] = {
    {"\xff\xfe\0\0", 4, "UTF-32LE"}, {"\0\0\xfe\xff", 4, "UTF-32BE"}, {"\xef\xbb\xbf", 3, NULL},
    {"\xff\xfe", 2, "UTF-16LE"},     {"\xfe\xff", 2, "UTF-16BE"},
};

static const struct mark *find_mark(const unsigned char *bytes, size_t count)
{
    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++)
        if (count >= marks[i].length && memcmp(bytes, marks[i].bytes, marks[i].length) == 0)
            return &marks[i];
    return NULL;
}

static bool is_utf8(const char *encoding)
{
    return encoding == NULL || strcasecmp(encoding, "utf-8") == 0 ||
           strcasecmp(encoding, "utf8") == 0;
}

static int open_iconv(const char *encoding, iconv_t *out, struct error *err)
{
    *out = NO_ICONV;
    /* A slash begins options, of which //IGNORE drops characters; "" is the locale's encoding. */
    if (encoding[0] != '\0' && strchr(encoding, '/') == NULL)
        *out = iconv_open("UTF-8", encoding);
    if (*out != NO_ICONV)
        return ERR_OK;
    return error_set(
        err, ERR_CONFIG,
        "The encoding \"%.100s\" is not known here. `iconv -l` lists those that are; set "
        "`encoding` to one of them.",
        encoding);
}

/* More of the text after what is left of it. */
static int refill(struct encoding *e, struct error *err)
{
    memmove(e->input, e->input + e->at, e->filled - e->at);
    e->filled -= e->at;
    e->at = 0;
    size_t got = 0;
    int rc = e->from->read(e->from, e->input + e->filled, STREAM_CHUNK - e->filled, &got, err);
    e->filled += got;
    e->end = got == 0;
    return rc;
}

/* The encoding is that of the byte-order mark, else the configured one. */
static int begin(struct encoding *e, struct error *err)
{
    int rc = ERR_OK;
    while (rc == ERR_OK && e->filled < MARK_MAX && !e->end)
        rc = refill(e, err);
    if (rc != ERR_OK)
        return rc;
    e->begun = true;
    const struct mark *mark = find_mark(e->input, e->filled);
    if (mark == NULL)
        return ERR_OK;
    e->at = mark->length;
    e->offset = mark->length;
    e->encoding = mark->encoding;
    if (e->iconv != NO_ICONV)
        iconv_close(e->iconv);
    e->iconv = NO_ICONV;
    return mark->encoding != NULL ? open_iconv(mark->encoding, &e->iconv, err) : ERR_OK;
}

/* Lines of the text so far, for messages; a line ends with LF, CR or both. */
static void count_lines(struct encoding *e, const unsigned char *text, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (text[i] == '\r' || (text[i] == '\n' && !e->after_cr))
            e->line++;
        e->after_cr = text[i] == '\r';
    }
}

static int bad_character(const struct encoding *e, const char *problem, struct error *err)
{
    return error_set(
        err, ERR_SOURCE,
        "%s, line %llu: the byte 0x%02x at offset %llu of the text %s %s. Set `encoding` "
        "in the configuration to the one the file is written in.",
        e->name, (unsigned long long)e->line, e->input[e->at], (unsigned long long)e->offset,
        problem, e->encoding);
}

static int cut_character(const struct encoding *e, struct error *err)
{
    return error_set(err, ERR_SOURCE,
                     "%s, line %llu: the text ends in the middle of a character of %s, at offset "
                     "%llu. Check that the source was published completely, and `encoding` in the "
                     "configuration.",
                     e->name, (unsigned long long)e->line, e->encoding,
                     (unsigned long long)e->offset);
}

/* Convert whole characters. `*wants`: those that are left are the beginning of one. */
static int convert(struct encoding *e, char *to, size_t room, size_t *got, bool *wants,
                   struct error *err)
{
    char *from = (char *)e->input + e->at;
    size_t left = e->filled - e->at;
    char *out = to;
    size_t n = iconv(e->iconv, &from, &left, &out, &room);
    int reason = errno;
    *got = (size_t)(out - to);
    e->offset += e->filled - left - e->at;
    e->at = e->filled - left;
    count_lines(e, (const unsigned char *)to, *got);
    *wants = n == (size_t)-1 && reason == EINVAL;
    if (n != (size_t)-1 || reason == EINVAL || reason == E2BIG || *got > 0)
        return ERR_OK;
    return bad_character(e, "is not", err);
}

/* Some decoders hold the last character back, in case it combines with the next. */
static void flush(struct encoding *e, char *to, size_t room, size_t *got)
{
    char *out = to;
    iconv(e->iconv, NULL, NULL, &out, &room);
    *got = (size_t)(out - to);
    e->flushed = true;
}

static int read_converted(struct encoding *e, char *to, size_t room, size_t *got, struct error *err)
{
    int rc = ERR_OK;
    bool wants = e->at == e->filled;
    while (rc == ERR_OK && *got == 0) {
        if (wants && !e->end)
            rc = refill(e, err);
        if (rc != ERR_OK)
            break;
        if (e->at < e->filled)
            rc = convert(e, to, room, got, &wants, err);
        if (rc != ERR_OK || *got > 0 || !e->end)
            continue;
        if (e->at < e->filled)
            return cut_character(e, err);
        if (e->flushed)
            break;
        flush(e, to, room, got);
    }
    return rc;
}

/* What was read to look for the mark, then the stream below as it is. */
static int read_plain(struct encoding *e, char *to, size_t room, size_t *got, struct error *err)
{
    size_t left = e->filled - e->at;
    if (left == 0)
        return e->end ? ERR_OK : e->from->read(e->from, to, room, got, err);
    *got = left < room ? left : room;
    memcpy(to, e->input + e->at, *got);
    e->at += *got;
    return ERR_OK;
}

static int encoding_read(struct stream *self, void *to, size_t room, size_t *got, struct error *err)
{
    struct encoding *e = (struct encoding *)self;
    *got = 0;
    int rc = e->begun ? ERR_OK : begin(e, err);
    if (rc != ERR_OK)
        return rc;
    if (e->iconv != NO_ICONV)
        return read_converted(e, to, room, got, err);
    return read_plain(e, to, room, got, err);
}

static void encoding_free(struct stream *self)
{
    struct encoding *e = (struct encoding *)self;
    if (e->iconv != NO_ICONV)
        iconv_close(e->iconv);
    e->from->free(e->from);
    free(e->input);
    free(e);
}

int encoding_open(struct stream *from, const char *name, const char *encoding, struct stream **out,
                  struct error *err)
{
    struct encoding *e = mem_calloc(1, sizeof *e);
    *e = (struct encoding){
        .stream = {.read = encoding_read, .free = encoding_free},
        .from = from,
        .name = name,
        .encoding = is_utf8(encoding) ? NULL : encoding,
        .iconv = NO_ICONV,
        .input = mem_alloc(STREAM_CHUNK),
        .line = 1,
    };
    int rc = e->encoding != NULL ? open_iconv(e->encoding, &e->iconv, err) : ERR_OK;
    if (rc == ERR_OK)
        *out = &e->stream;
    else
        encoding_free(&e->stream);
    return rc;
}
