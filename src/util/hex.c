#include "util/hex.h"

#include <stdlib.h>
#include <string.h>

#include "util/mem.h"

int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The byte that two digits write; -1 where they are not digits. The second is read after the first. */
static int byte_at(const char *text)
{
    int high = hex_value(text[0]);
    int low = high >= 0 ? hex_value(text[1]) : -1;
    return low >= 0 ? high << 4 | low : -1;
}

bool hex_decode(const char *text, size_t count, unsigned char *out)
{
    for (size_t i = 0; i < count; i++) {
        int byte = byte_at(text + 2 * i);
        if (byte < 0)
            return false;
        out[i] = (unsigned char)byte;
    }
    return true;
}

char *hex_percent_decode(const char *text)
{
    char *out = mem_alloc(strlen(text) + 1);
    size_t n = 0;
    for (const char *p = text; *p != '\0'; p++) {
        int byte = *p == '%' ? byte_at(p + 1) : *p;
        if (*p == '%' && byte <= 0) {
            free(out);
            return NULL;
        }
        p += *p == '%' ? 2 : 0;
        out[n++] = (char)byte;
    }
    out[n] = '\0';
    return out;
}
