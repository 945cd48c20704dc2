#include "util/visible.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "util/utf8.h"

#define ESCAPE_SIZE 16

struct span {
    uint32_t first, last;
};

/* Above U+007F; ascending. */
static const struct span hidden[] = {
    {0x80, 0x9f},       /* C1 */
    {0xad, 0xad},       /* soft hyphen */
    {0x61c, 0x61c},     /* Arabic letter mark */
    {0x115f, 0x1160},   /* Hangul fillers */
    {0x180e, 0x180e},   /* Mongolian vowel separator */
    {0x200b, 0x200b},   /* zero width space */
    {0x200e, 0x200f},   /* marks of direction */
    {0x2028, 0x202e},   /* separators, embeddings, overrides */
    {0x2060, 0x206f},   /* word joiner, invisible operators, isolates */
    {0x3164, 0x3164},   /* Hangul filler */
    {0xfeff, 0xfeff},   /* byte order mark */
    {0xffa0, 0xffa0},   /* Hangul filler */
    {0xfff9, 0xfffb},   /* interlinear annotations */
    {0xfffe, 0xffff},   /* noncharacters */
    {0xe0000, 0xe0fff}, /* tags */
};

static bool is_hidden(uint32_t c)
{
    for (size_t i = 0; i < sizeof hidden / sizeof *hidden; i++)
        if (c >= hidden[i].first && c <= hidden[i].last)
            return true;
    return false;
}

/* The character that begins here, and its length; 0 and 1 byte where none begins. */
static uint32_t decode(const char *text, size_t left, size_t *length)
{
    const unsigned char *p = (const unsigned char *)text;
    size_t n = p[0] < 0x80 ? 1 : p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
    *length = 1;
    if (n > left || utf8_prefix(text, n) != n)
        return 0;
    *length = n;
    uint32_t c = n == 1 ? p[0] : p[0] & (0x7fu >> n);
    for (size_t i = 1; i < n; i++)
        c = c << 6 | (p[i] & 0x3fu);
    return c;
}

/* The escape of what is at `text`, "" where it is shown as it is; and the length of that. */
static size_t escape(const char *text, size_t left, enum visible how, char out[ESCAPE_SIZE])
{
    size_t length;
    uint32_t c = decode(text, left, &length);
    unsigned char byte = (unsigned char)*text;
    out[0] = '\0';
    if (c == '\n' && how != VISIBLE_LINES)
        snprintf(out, ESCAPE_SIZE, "\\n");
    else if (c == '\t')
        snprintf(out, ESCAPE_SIZE, "\\t");
    else if ((c < 0x20 && c != '\n') || c == 0x7f)
        snprintf(out, ESCAPE_SIZE, "\\x%02x", byte);
    else if (how == VISIBLE_QUOTED && (c == '"' || c == '\\'))
        snprintf(out, ESCAPE_SIZE, "\\%c", (char)c);
    else if (is_hidden(c))
        snprintf(out, ESCAPE_SIZE, c > 0xffff ? "\\U%08x" : "\\u%04x", (unsigned)c);
    return length;
}

void visible_append(struct str *out, const char *text, size_t length, enum visible how)
{
    char escaped[ESCAPE_SIZE];
    size_t n;
    for (size_t at = 0; at < length; at += n) {
        n = escape(text + at, length - at, how, escaped);
        if (escaped[0] != '\0')
            str_append(out, escaped);
        else
            str_append_bytes(out, text + at, n);
    }
}

size_t visible_hides(const char *text, uint32_t *code)
{
    size_t length;
    *code = decode(text, strnlen(text, 4), &length);
    bool hides = is_hidden(*code) || (*code > 0 && *code < 0x20) || *code == 0x7f;
    return hides ? length : 0;
}

char *visible_new(const char *text)
{
    struct str out;
    str_init(&out, SIZE_MAX / 2);
    visible_append(&out, text, strlen(text), VISIBLE_LINE);
    return str_detach(&out);
}

void visible_copy(char *out, size_t size, const char *text, enum visible how)
{
    char escaped[ESCAPE_SIZE];
    size_t length = strlen(text);
    size_t used = 0;
    size_t n;
    for (size_t at = 0; at < length; at += n) {
        n = escape(text + at, length - at, how, escaped);
        const char *piece = escaped[0] != '\0' ? escaped : text + at;
        size_t count = escaped[0] != '\0' ? strlen(escaped) : n;
        if (count >= size - used)
            break;
        memcpy(out + used, piece, count);
        used += count;
    }
    out[used] = '\0';
}

void visible_json(struct str *out, const char *json, size_t length)
{
    size_t n;
    for (size_t at = 0; at < length; at += n) {
        uint32_t c = decode(json + at, length - at, &n);
        if (c != 0x7f && !is_hidden(c))
            str_append_bytes(out, json + at, n);
        else if (c <= 0xffff)
            str_printf(out, "\\u%04x", (unsigned)c);
        else
            str_printf(out, "\\u%04x\\u%04x", 0xd7c0u + (unsigned)(c >> 10),
                       0xdc00u + (unsigned)(c & 0x3ff));
    }
}
