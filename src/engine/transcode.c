#include "engine/transcode.h"

#include <errno.h>
#include <iconv.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "util/mem.h"

#define CHUNK ((size_t)256 << 10)

/* More than any character takes; the longest byte-order mark. */
#define REST_MAX 64
#define MARK_MAX 4

/* No conversion. iconv's own value for failure is never that of an open one. */
#define NO_ICONV ((iconv_t)-1)

struct transcode {
    const char *name;
    const char *configured;
    transcode_write *write;
    void *ctx;
    const char *encoding; /* of the text, as the mark or the configuration says; NULL: UTF-8 */
    iconv_t iconv;
    bool begun;                   /* the byte-order mark has been looked for */
    unsigned char rest[REST_MAX]; /* bytes that wait for more: of the mark, of one character */
    size_t rest_length;
    uint64_t offset; /* in the text before conversion, behind what is done */
    uint64_t line;
    bool after_cr;
    unsigned char *output;
};

struct mark {
    const char *bytes;
    size_t length;
    const char *encoding; /* NULL: UTF-8 */
};

/* Longer marks first: that of UTF-32 begins as that of UTF-16 does. */
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

/* Lines of the text so far, for messages; a line ends with LF, CR or both. */
static void count_lines(struct transcode *t, const unsigned char *text, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (text[i] == '\r' || (text[i] == '\n' && !t->after_cr))
            t->line++;
        t->after_cr = text[i] == '\r';
    }
}

static int bad_character(const struct transcode *t, const unsigned char *at, const char *problem,
                         struct error *err)
{
    return error_set(
        err, ERR_SOURCE,
        "%s, line %llu: the byte 0x%02x at offset %llu of the text %s %s. Set `encoding` "
        "in the configuration to the one the file is written in.",
        t->name, (unsigned long long)t->line, *at, (unsigned long long)t->offset, problem,
        t->encoding);
}

/* Convert whole characters; `*in` and `*count` are advanced behind them. */
static int convert(struct transcode *t, const unsigned char **in, size_t *count, struct error *err)
{
    int rc = ERR_OK;
    while (rc == ERR_OK && *count > 0) {
        size_t before = *count;
        /* iconv takes a pointer to what it only reads. */
        char *from = (char *)(uintptr_t)*in;
        char *to = (char *)t->output;
        size_t room = CHUNK;
        size_t n = iconv(t->iconv, &from, count, &to, &room);
        int reason = errno;
        *in = (unsigned char *)from;
        t->offset += before - *count;
        count_lines(t, t->output, CHUNK - room);
        rc = t->write(t->ctx, t->output, CHUNK - room, err);
        if (rc != ERR_OK || n != (size_t)-1 || reason == E2BIG)
            continue;
        if (reason == EINVAL)
            break;
        return bad_character(t, *in, "is not", err);
    }
    return rc;
}

/* Convert what waits together with the first of the new bytes, until it is a character. */
static int convert_rest(struct transcode *t, const unsigned char **bytes, size_t *count,
                        struct error *err)
{
    int rc = ERR_OK;
    while (rc == ERR_OK && t->rest_length > 0 && *count > 0) {
        if (t->rest_length == REST_MAX)
            return bad_character(t, t->rest, "begins no character of", err);
        t->rest[t->rest_length++] = *(*bytes)++;
        (*count)--;
        const unsigned char *in = t->rest;
        size_t left = t->rest_length;
        rc = convert(t, &in, &left, err);
        memmove(t->rest, in, left);
        t->rest_length = left;
    }
    return rc;
}

static int put_encoded(struct transcode *t, const unsigned char *bytes, size_t count,
                       struct error *err)
{
    int rc = convert_rest(t, &bytes, &count, err);
    if (rc == ERR_OK)
        rc = convert(t, &bytes, &count, err);
    if (rc != ERR_OK || count == 0)
        return rc;
    if (count > REST_MAX)
        return bad_character(t, bytes, "begins no character of", err);
    memcpy(t->rest, bytes, count);
    t->rest_length = count;
    return ERR_OK;
}

static int put_text(struct transcode *t, const unsigned char *bytes, size_t count,
                    struct error *err)
{
    if (t->encoding != NULL)
        return put_encoded(t, bytes, count, err);
    return t->write(t->ctx, bytes, count, err);
}

/* The encoding of the text: as its mark says, else as configured. */
static int choose_encoding(struct transcode *t, const struct mark *mark, struct error *err)
{
    const char *configured = t->configured;
    t->encoding = mark != NULL ? mark->encoding : is_utf8(configured) ? NULL : configured;
    if (mark == NULL || mark->encoding == NULL)
        return ERR_OK;
    if (t->iconv != NO_ICONV)
        iconv_close(t->iconv);
    t->iconv = NO_ICONV;
    return open_iconv(t->encoding, &t->iconv, err);
}

/* Look for the byte-order mark as soon as enough bytes are there, or all (`end`). */
static int begin_text(struct transcode *t, const unsigned char **bytes, size_t *count, bool end,
                      struct error *err)
{
    while (*count > 0 && t->rest_length < MARK_MAX) {
        t->rest[t->rest_length++] = *(*bytes)++;
        (*count)--;
    }
    if (t->rest_length < MARK_MAX && !end)
        return ERR_OK;
    unsigned char head[MARK_MAX];
    size_t length = t->rest_length;
    memcpy(head, t->rest, length);
    const struct mark *mark = find_mark(head, length);
    size_t skip = mark != NULL ? mark->length : 0;
    t->begun = true;
    t->rest_length = 0;
    t->offset = skip;
    int rc = choose_encoding(t, mark, err);
    return rc == ERR_OK ? put_text(t, head + skip, length - skip, err) : rc;
}

int transcode_put(struct transcode *t, const unsigned char *bytes, size_t count, struct error *err)
{
    int rc = ERR_OK;
    if (!t->begun)
        rc = begin_text(t, &bytes, &count, false, err);
    if (rc == ERR_OK && count > 0)
        rc = put_text(t, bytes, count, err);
    return rc;
}

int transcode_finish(struct transcode *t, struct error *err)
{
    const unsigned char *none = NULL;
    size_t zero = 0;
    int rc = ERR_OK;
    if (!t->begun)
        rc = begin_text(t, &none, &zero, true, err);
    if (rc != ERR_OK || t->encoding == NULL)
        return rc;
    if (t->rest_length > 0)
        return error_set(
            err, ERR_SOURCE,
            "%s, line %llu: the text ends in the middle of a character of %s, at offset "
            "%llu. Check that the source was published completely, and `encoding` in the "
            "configuration.",
            t->name, (unsigned long long)t->line, t->encoding, (unsigned long long)t->offset);
    /* Some decoders hold the last character back, in case it combines with the next. */
    char *to = (char *)t->output;
    size_t room = CHUNK;
    iconv(t->iconv, NULL, NULL, &to, &room);
    return t->write(t->ctx, t->output, CHUNK - room, err);
}

bool transcode_changes(const struct transcode *t, const unsigned char *head, size_t count)
{
    return t->iconv != NO_ICONV || find_mark(head, count) != NULL;
}

int transcode_new(const char *name, const char *encoding, transcode_write *write, void *ctx,
                  struct transcode **out, struct error *err)
{
    struct transcode *t = mem_calloc(1, sizeof *t);
    *t = (struct transcode){.name = name,
                            .configured = encoding,
                            .write = write,
                            .ctx = ctx,
                            .iconv = NO_ICONV,
                            .line = 1,
                            .output = mem_alloc(CHUNK)};
    int rc = is_utf8(encoding) ? ERR_OK : open_iconv(encoding, &t->iconv, err);
    if (rc == ERR_OK)
        *out = t;
    else
        transcode_free(t);
    return rc;
}

void transcode_free(struct transcode *t)
{
    if (t == NULL)
        return;
    if (t->iconv != NO_ICONV)
        iconv_close(t->iconv);
    free(t->output);
    free(t);
}
