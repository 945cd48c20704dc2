/*
 * The tokens of JSON (RFC 8259), strictly, from memory.
 *
 * Nothing is built and nothing is converted: a value is its piece of the text, and numbers keep
 * their digits. No trailing commas, comments or NaN; strings must be UTF-8 and their surrogates in
 * pairs. Nothing here recurses, whatever the text.
 *
 * A text may be the beginning of a longer one: that it ended inside a value is distinguished from a
 * flaw, so that the scan can be tried again with more of it.
 */
#ifndef CAUCE_SOURCE_JSON_SCAN_H
#define CAUCE_SOURCE_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Most levels of arrays and objects inside each other. */
#define JSON_SCAN_DEPTH_MAX 1000

/* Bytes after the end of a text that must be readable; the first of them must be NUL. */
#define JSON_SCAN_PADDING 8

enum json_kind {
    JSON_STRING,
    JSON_NUMBER,
    JSON_TRUE,
    JSON_FALSE,
    JSON_NULL,
    JSON_OBJECT,
    JSON_ARRAY
};

/* A value as it is in the text: of a string, what is between its quotes. */
struct json_piece {
    const char *begin;
    size_t length;
    enum json_kind kind;
    bool escaped; /* a string that has a backslash in it */
};

/*
 * Where a scan is. The functions below return true and are then after what they have read; or
 * false, and are then at the byte that does not fit, with the reason: `flaw` is a static text, the
 * rest of "not JSON: "; NULL where it is only that the text ends there.
 */
struct json_scan {
    const char *at;
    const char *end; /* see JSON_SCAN_PADDING */
    const char *flaw;
};

static inline bool json_scan_is_blank(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static inline void json_scan_blanks(struct json_scan *s)
{
    while (json_scan_is_blank(*s->at))
        s->at++;
}

/* Say that the text does not fit at the place `at`. Returns false. */
bool json_scan_fail(struct json_scan *s, const char *at, const char *flaw);

/* A string; the scan is at its first quote, if it is one. */
bool json_scan_string(struct json_scan *s, struct json_piece *out);

/* Blanks, a name, a colon, and the blanks before the value. */
bool json_scan_name(struct json_scan *s, struct json_piece *out);

/* A whole value, of any kind, whatever is inside; the scan is at its first byte. */
bool json_scan_any(struct json_scan *s, struct json_piece *out);

/*
 * The first byte from `p` on that is not a plain character of a string, which are those of ASCII
 * except quotes, backslashes and control characters. The NUL after a text is not one.
 *
 * A word at a time: the lowest bit that is set in `special` is right, those above it may not be
 * (see "Determine if a word has a byte less than n",
 * https://graphics.stanford.edu/~seander/bithacks.html).
 */
static inline const char *json_scan_plain(const char *p)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    for (;; p += 8) {
        uint64_t word;
        memcpy(&word, p, sizeof word);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
        word = __builtin_bswap64(word);
#endif
        uint64_t quote = word ^ (ones * '"');
        uint64_t backslash = word ^ (ones * '\\');
        uint64_t special = ((quote - ones) & ~quote) | ((backslash - ones) & ~backslash) |
                           ((word - ones * 0x20) & ~word) | word;
        special &= ones * 0x80;
        if (special != 0)
            return p + __builtin_ctzll(special) / 8;
    }
}

static inline const char *json_scan_digits(const char *p)
{
    while (*p >= '0' && *p <= '9')
        p++;
    return p;
}

/* A number that is not zero, as most are: digits, maybe a point and digits. NULL: look closer. */
static inline const char *json_scan_plain_number(const char *p)
{
    p += *p == '-';
    if (*p < '1' || *p > '9')
        return NULL;
    p = json_scan_digits(p);
    if (*p == '.') {
        const char *fraction = p + 1;
        p = json_scan_digits(fraction);
        if (p == fraction)
            return NULL;
    }
    return *p == ',' || *p == '}' ? p : NULL;
}

/* As json_scan_any, which it calls for all but the commonest values. */
static inline bool json_scan_value(struct json_scan *s, struct json_piece *out)
{
    const char *begin = s->at;
    if (*begin == '"') {
        const char *end = json_scan_plain(++begin);
        if (*end != '"')
            return json_scan_any(s, out);
        *out = (struct json_piece){begin, (size_t)(end - begin), JSON_STRING, false};
        s->at = end + 1;
        return true;
    }
    const char *end = json_scan_plain_number(begin);
    if (end == NULL)
        return json_scan_any(s, out);
    *out = (struct json_piece){begin, (size_t)(end - begin), JSON_NUMBER, false};
    s->at = end;
    return true;
}

/* The opening bracket, the blanks after it, and the closing one, where it comes at once: true. */
bool json_scan_open(struct json_scan *s, char close);

/* Say that neither a comma nor the closing bracket is here. */
bool json_scan_fail_next(struct json_scan *s, char close);

/* After a value: blanks, and a comma with the blanks after it, or the closing bracket. */
static inline bool json_scan_next(struct json_scan *s, char close, bool *closed)
{
    json_scan_blanks(s);
    *closed = *s->at == close;
    if (!*closed && *s->at != ',')
        return json_scan_fail_next(s, close);
    s->at++;
    if (!*closed)
        json_scan_blanks(s);
    return true;
}

/*
 * The characters of a string that was scanned, without escapes, to `out`, which must have room for
 * `length` bytes. Returns how many there are.
 */
size_t json_scan_unescape(const char *text, size_t length, char *out);

/*
 * The shortest text of a value that was scanned: no blanks between tokens, no escapes except for
 * quotes, backslashes and control characters, numbers as they are. As json_scan_unescape.
 */
size_t json_scan_compact(const char *text, size_t length, char *out);

#endif
