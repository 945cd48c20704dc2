#include "value/octets.h"

#include <string.h>

#include "util/hex.h"

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
