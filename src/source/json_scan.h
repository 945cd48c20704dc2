/*
 * The tokens of JSON (RFC 8259), strictly, out of memory.
 *
 * Nothing is built and nothing is converted: a value is the piece of text where it stands, numbers
 * keep their digits. No trailing commas, comments or NaN; strings must be UTF-8 and their surrogates
 * in pairs. Nothing here recurses, whatever the text.
 *
 * A text may be the beginning of a longer one: that it ended inside a value is told apart from a
 * flaw, so that whoever reads on can try again with more of it.
 */
#ifndef CAUCE_SOURCE_JSON_SCAN_H
#define CAUCE_SOURCE_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>

/* Most levels of arrays and objects inside each other. */
#define JSON_SCAN_DEPTH_MAX 1000

/* Bytes behind the end of a text that must be readable; the first of them must be NUL. */
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

/* A value as it stands in the text: of a string what is between its quotes. */
struct json_piece {
    const char *begin;
    size_t length;
    enum json_kind kind;
    bool escaped; /* a string that has a backslash in it */
};

/*
 * Where a scan stands. The functions below return true and stand behind what they have read; or
 * false, and stand at the byte that does not fit, with the reason: `flaw` is a static text, the rest
 * of "not JSON: "; NULL where it is only that the text ends there.
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

/* A string; the scan stands at its first quote, if it is one. */
bool json_scan_string(struct json_scan *s, struct json_piece *out);

/* Blanks, a name, a colon, and the blanks before the value. */
bool json_scan_name(struct json_scan *s, struct json_piece *out);

/* A whole value, of any kind, whatever is inside; the scan stands at its first byte. */
bool json_scan_value(struct json_scan *s, struct json_piece *out);

/* The opening bracket, the blanks behind it, and the closing one, where it comes at once: true. */
bool json_scan_open(struct json_scan *s, char close);

/* Behind a value: blanks, and a comma with the blanks behind it, or the closing bracket. */
bool json_scan_next(struct json_scan *s, char close, bool *closed);

/* Say that the text does not fit at the place `at`. Returns false. */
bool json_scan_fail(struct json_scan *s, const char *at, const char *flaw);

/*
 * The characters of a string that was scanned, without escapes, to `out`, which must have room for
 * `length` bytes. Returns how many there are.
 */
size_t json_scan_unescape(const char *text, size_t length, char *out);

/*
 * The shortest text of a value that was scanned: no blanks between tokens, no escapes but for
 * quotes, backslashes and control characters, numbers as they stand. As json_scan_unescape.
 */
size_t json_scan_compact(const char *text, size_t length, char *out);

#endif
