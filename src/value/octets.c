#include "value/octets.h"

#include <string.h>

#include "util/hex.h"

#define HIGH_BITS UINT64_C(0x8080808080808080)

/* Bytes of the character that begins here; 0: it is none. */
static size_t character(const unsigned char *at, size_t left)
{
    unsigned char first = at[0];
    size_t length = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    if (length == 1)
        return 1;
    if (first < 0xc2 || first > 0xf4 || length > left)
        return 0;
    for (size_t i = 1; i < length; i++)
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    /* Overlong forms, surrogates and what is beyond the last character show in the second byte. */
    if ((first == 0xe0 && at[1] < 0xa0) || (first == 0xed && at[1] > 0x9f) ||
        (first == 0xf0 && at[1] < 0x90) || (first == 0xf4 && at[1] > 0x8f))
        return 0;
    return length;
}

bool octets_are_utf8(const char *text, size_t length)
{
    size_t i = 0;
    while (i < length) {
        uint64_t word;
        if (length - i >= sizeof word) {
            memcpy(&word, text + i, sizeof word);
            if ((word & HIGH_BITS) == 0) {
                i += sizeof word;
                continue;
            }
        }
        size_t step = character((const unsigned char *)text + i, length - i);
        if (step == 0)
            return false;
        i += step;
    }
    return true;
}

#define UUID_LENGTH 36

bool octets_uuid(const char *text, size_t length, struct uuid *out)
{
    static const struct {
        size_t at, byte, count;
    } groups[] = {{0, 0, 4}, {9, 4, 2}, {14, 6, 2}, {19, 8, 2}, {24, 10, 6}};
    if (length >= 2 && text[0] == '{' && text[length - 1] == '}') {
        text++;
        length -= 2;
    }
    if (length == 2 * sizeof out->bytes)
        return hex_decode(text, sizeof out->bytes, out->bytes);
    if (length != UUID_LENGTH)
        return false;
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++) {
        if (groups[i].at > 0 && text[groups[i].at - 1] != '-')
            return false;
        if (!hex_decode(text + groups[i].at, groups[i].count, out->bytes + groups[i].byte))
            return false;
    }
    return true;
}
