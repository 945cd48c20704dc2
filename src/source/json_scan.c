#include "source/json_scan.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "util/hex.h"
#include "util/utf8.h"

bool json_scan_fail(struct json_scan *s, const char *at, const char *flaw)
{
    s->at = at;
    s->flaw = at < s->end ? flaw : NULL;
    return false;
}

/* A character of more than one byte; one that the end cuts may go on in the next stretch. */
static bool scan_wide(struct json_scan *s)
{
    bool whole;
    size_t left = (size_t)(s->end - s->at);
    size_t length = utf8_step(s->at, left, &whole);
    unsigned char first = (unsigned char)s->at[0];
    bool cut = length == left && first >= 0xC2 && first <= 0xF4;
    if (!whole)
        return json_scan_fail(s, cut ? s->end : s->at, "a string is not valid UTF-8");
    s->at += length;
    return true;
}

/* The four digits of \u, which are at s->at. */
static bool scan_unit(struct json_scan *s, unsigned *unit)
{
    *unit = 0;
    for (int i = 0; i < 4; i++) {
        int digit = hex_value(s->at[i]);
        if (digit < 0)
            return json_scan_fail(s, s->at + i, "four hexadecimal digits must follow \\u");
        *unit = *unit * 16 + (unsigned)digit;
    }
    s->at += 4;
    return true;
}

/* What follows \u; a high surrogate needs a low one after it. */
static bool scan_code_point(struct json_scan *s)
{
    static const char alone[] = "half of a surrogate pair is alone";
    unsigned unit;
    const char *begin = s->at;
    if (!scan_unit(s, &unit))
        return false;
    if (unit < 0xD800 || unit > 0xDFFF)
        return true;
    if (unit >= 0xDC00)
        return json_scan_fail(s, begin, alone);
    if (s->at[0] != '\\')
        return json_scan_fail(s, s->at < s->end ? begin : s->end, alone);
    if (s->at[1] != 'u')
        return json_scan_fail(s, s->at + 1 < s->end ? begin : s->end, alone);
    s->at += 2;
    if (!scan_unit(s, &unit))
        return false;
    return (unit >= 0xDC00 && unit <= 0xDFFF) || json_scan_fail(s, begin, alone);
}

static bool scan_escape(struct json_scan *s)
{
    char c = s->at[1];
    if (c == 'u') {
        s->at += 2;
        return scan_code_point(s);
    }
    if (c == '\0' || strchr("\"\\/bfnrt", c) == NULL)
        return json_scan_fail(s, s->at + 1, "there is no such escape in JSON");
    s->at += 2;
    return true;
}

bool json_scan_string(struct json_scan *s, struct json_piece *out)
{
    if (*s->at != '"')
        return json_scan_fail(s, s->at, "a string in double quotes is missing");
    const char *begin = ++s->at;
    bool escaped = false;
    for (;;) {
        s->at = json_scan_plain(s->at);
        unsigned char c = (unsigned char)*s->at;
        bool good;
        if (c == '"')
            break;
        if (c == '\\') {
            escaped = true;
            good = scan_escape(s);
        } else if (c >= 0x80) {
            good = scan_wide(s);
        } else {
            good = json_scan_fail(s, s->at, "a control character or line break is in a string");
        }
        if (!good)
            return false;
    }
    *out = (struct json_piece){begin, (size_t)(s->at - begin), JSON_STRING, escaped};
    s->at++;
    return true;
}

bool json_scan_name(struct json_scan *s, struct json_piece *out)
{
    json_scan_blanks(s);
    if (*s->at != '"')
        return json_scan_fail(s, s->at, "a name in double quotes is missing");
    if (!json_scan_string(s, out))
        return false;
    json_scan_blanks(s);
    if (*s->at != ':')
        return json_scan_fail(s, s->at, "a colon is missing after a name");
    s->at++;
    json_scan_blanks(s);
    return true;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool scan_digits(struct json_scan *s)
{
    if (!is_digit(*s->at))
        return json_scan_fail(s, s->at, "a digit is missing in a number");
    while (is_digit(*s->at))
        s->at++;
    return true;
}

static bool scan_number(struct json_scan *s, struct json_piece *out)
{
    const char *begin = s->at;
    if (*s->at == '-')
        s->at++;
    const char *first = s->at;
    if (!scan_digits(s))
        return false;
    if (*first == '0' && s->at - first > 1)
        return json_scan_fail(s, first, "a number begins with a zero");
    if (*s->at == '.') {
        s->at++;
        if (!scan_digits(s))
            return false;
    }
    if (*s->at == 'e' || *s->at == 'E') {
        s->at++;
        if (*s->at == '+' || *s->at == '-')
            s->at++;
        if (!scan_digits(s))
            return false;
    }
    *out = (struct json_piece){begin, (size_t)(s->at - begin), JSON_NUMBER, false};
    return true;
}

static bool scan_word(struct json_scan *s, const char *word, enum json_kind kind,
                      struct json_piece *out)
{
    size_t length = strlen(word);
    for (size_t i = 0; i < length; i++)
        if (s->at[i] != word[i])
            return json_scan_fail(
                s, s->at + i < s->end ? s->at : s->end,
                "a value is neither text in quotes, number, true, false nor null");
    *out = (struct json_piece){s->at, length, kind, false};
    s->at += length;
    return true;
}

static bool scan_scalar(struct json_scan *s, struct json_piece *out)
{
    switch (*s->at) {
    case '"':
        return json_scan_string(s, out);
    case 't':
        return scan_word(s, "true", JSON_TRUE, out);
    case 'f':
        return scan_word(s, "false", JSON_FALSE, out);
    case ',':
    case ']':
    case '}':
    case ':':
        return json_scan_fail(s, s->at, "a value is missing");
    default:
        if (*s->at == '-' || is_digit(*s->at))
            return scan_number(s, out);
        return scan_word(s, "null", JSON_NULL, out);
    }
}

bool json_scan_open(struct json_scan *s, char close)
{
    s->at++;
    json_scan_blanks(s);
    bool closed = *s->at == close;
    s->at += closed;
    return closed;
}

bool json_scan_fail_next(struct json_scan *s, char close)
{
    return json_scan_fail(s, s->at,
                          close == '}' ? "a comma or } is missing" : "a comma or ] is missing");
}

/* The brackets that are open, one bit each: set for an object. */
struct levels {
    unsigned depth;
    uint8_t objects[JSON_SCAN_DEPTH_MAX / 8];
};

static bool push(struct levels *l, bool object)
{
    if (l->depth == JSON_SCAN_DEPTH_MAX)
        return false;
    uint8_t bit = (uint8_t)(1u << (l->depth % 8));
    if (object)
        l->objects[l->depth / 8] |= bit;
    else
        l->objects[l->depth / 8] &= (uint8_t)~bit;
    l->depth++;
    return true;
}

static bool in_object(const struct levels *l)
{
    unsigned top = l->depth - 1;
    return ((l->objects[top / 8] >> (top % 8)) & 1) != 0;
}

/* Open the bracket that is here; `closed`: and close it again, because it is empty. */
static bool open_level(struct json_scan *s, struct levels *l, bool *closed)
{
    bool object = *s->at == '{';
    if (!push(l, object))
        return json_scan_fail(s, s->at, "arrays and objects are nested more than 1000 levels deep");
    *closed = json_scan_open(s, object ? '}' : ']');
    return true;
}

/* After a value: close what closes here, up to the next comma, or to the end of everything. */
static bool close_levels(struct json_scan *s, struct levels *l)
{
    bool closed = true;
    while (closed && l->depth > 0) {
        if (!json_scan_next(s, in_object(l) ? '}' : ']', &closed))
            return false;
        l->depth -= closed;
    }
    return true;
}

static bool scan_container(struct json_scan *s, struct json_piece *out)
{
    struct levels l = {0};
    const char *begin = s->at;
    do {
        bool closed = false;
        struct json_piece inner;
        if (l.depth > 0 && in_object(&l) && !json_scan_name(s, &inner))
            return false;
        if (*s->at != '{' && *s->at != '[') {
            if (!scan_scalar(s, &inner))
                return false;
            closed = true;
        } else {
            if (!open_level(s, &l, &closed))
                return false;
            l.depth -= closed;
        }
        if (closed && !close_levels(s, &l))
            return false;
    } while (l.depth > 0);
    *out = (struct json_piece){begin, (size_t)(s->at - begin),
                               *begin == '{' ? JSON_OBJECT : JSON_ARRAY, false};
    return true;
}

bool json_scan_any(struct json_scan *s, struct json_piece *out)
{
    return *s->at == '{' || *s->at == '[' ? scan_container(s, out) : scan_scalar(s, out);
}

static unsigned unit_at(const char *digits)
{
    unsigned unit = 0;
    for (int i = 0; i < 4; i++)
        unit = unit * 16 + (unsigned)hex_value(digits[i]);
    return unit;
}

/* The character of an escape, which begins at `p`; `length`: how long the escape is. */
static unsigned escaped_character(const char *p, size_t *length)
{
    static const char names[] = "\"\\/bfnrt";
    static const char characters[] = "\"\\/\b\f\n\r\t";
    if (p[1] != 'u') {
        *length = 2;
        return (unsigned char)characters[strchr(names, p[1]) - names];
    }
    unsigned unit = unit_at(p + 2);
    *length = 6;
    if (unit < 0xD800 || unit > 0xDBFF)
        return unit;
    *length = 12;
    return 0x10000 + ((unit - 0xD800) << 10) + (unit_at(p + 8) - 0xDC00);
}

size_t json_scan_unescape(const char *text, size_t length, char *out)
{
    const char *end = text + length;
    char *to = out;
    while (text < end) {
        const char *backslash = memchr(text, '\\', (size_t)(end - text));
        size_t plain = (size_t)((backslash != NULL ? backslash : end) - text);
        memcpy(to, text, plain);
        to += plain;
        text += plain;
        if (backslash != NULL) {
            size_t used;
            to += utf8_encode(escaped_character(text, &used), to);
            text += used;
        }
    }
    return (size_t)(to - out);
}

/* A character of a string as JSON must write it. */
static size_t put_character(char *out, unsigned c)
{
    static const char hex[] = "0123456789ABCDEF";
    static const char characters[] = "\"\\\b\f\n\r\t";
    static const char names[] = "\"\\bfnrt";
    const char *found = c < 0x80 && c != 0 ? strchr(characters, (int)c) : NULL;
    if (found == NULL && c >= 0x20)
        return utf8_encode(c, out);
    out[0] = '\\';
    if (found != NULL) {
        out[1] = names[found - characters];
        return 2;
    }
    memcpy(out + 1, "u00", 3);
    out[4] = hex[c >> 4];
    out[5] = hex[c & 15];
    return 6;
}

size_t json_scan_compact(const char *text, size_t length, char *out)
{
    const char *end = text + length;
    char *to = out;
    bool quoted = false;
    while (text < end) {
        if (quoted && *text == '\\') {
            size_t used;
            to += put_character(to, escaped_character(text, &used));
            text += used;
            continue;
        }
        quoted ^= *text == '"';
        if (quoted || !json_scan_is_blank(*text))
            *to++ = *text;
        text++;
    }
    return (size_t)(to - out);
}
