#include "util/utf8.h"

#include <stdint.h>
#include <string.h>

static bool continues(char c)
{
    return ((unsigned char)c & 0xc0) == 0x80;
}

size_t utf8_step(const char *text, size_t left, bool *whole)
{
    const unsigned char *p = (const unsigned char *)text;
    unsigned char c = p[0];
    size_t length = c < 0x80 ? 1 : c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;
    unsigned char low = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : 0x80;
    unsigned char high = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : 0xbf;
    *whole = c < 0x80;
    if (c < 0xc2 || c > 0xf4)
        return 1;
    for (size_t i = 1; i < length; i++) {
        if (i == left || p[i] < low || p[i] > high)
            return i;
        low = 0x80;
        high = 0xbf;
    }
    *whole = true;
    return length;
}

size_t utf8_character(const char *text, size_t left)
{
    bool whole;
    size_t length = utf8_step(text, left, &whole);
    return whole ? length : 0;
}

size_t utf8_prefix(const char *text, size_t length)
{
    size_t at = 0;
    while (at < length) {
        uint64_t word;
        if (length - at >= sizeof word) {
            memcpy(&word, text + at, sizeof word);
            if ((word & 0x8080808080808080u) == 0) {
                at += sizeof word;
                continue;
            }
        }
        size_t n = utf8_character(text + at, length - at);
        if (n == 0)
            return at;
        at += n;
    }
    return at;
}

size_t utf8_count(const char *text, size_t length)
{
    size_t count = 0;
    for (size_t i = 0; i < length; i++)
        count += !continues(text[i]);
    return count;
}

bool utf8_valid(const char *text, size_t length)
{
    return utf8_prefix(text, length) == length;
}

size_t utf8_cut(const char *text, size_t length, size_t most)
{
    if (length <= most)
        return length;
    while (most > 0 && continues(text[most]))
        most--;
    return most;
}

size_t utf8_encode(uint32_t c, char out[4])
{
    size_t length = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const unsigned char leads[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = length - 1; i > 0; i--) {
        out[i] = (char)(0x80 | (c & 0x3f));
        c >>= 6;
    }
    out[0] = (char)(leads[length] | c);
    return length;
}
