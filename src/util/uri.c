#include "util/uri.h"

#include <ctype.h>
#include <string.h>

#define MARK "://"

size_t uri_scheme(const char *text)
{
    size_t n = 0;
    if (!isalpha((unsigned char)text[0]))
        return 0;
    while (isalnum((unsigned char)text[n]) || text[n] == '+' || text[n] == '-' || text[n] == '.')
        n++;
    return strncmp(text + n, MARK, strlen(MARK)) == 0 ? n : 0;
}

const char *uri_authority(const char *text)
{
    size_t scheme = uri_scheme(text);
    return scheme > 0 ? text + scheme + strlen(MARK) : text;
}

const char *uri_host(const char *text)
{
    const char *authority = uri_authority(text);
    const char *host = authority;
    for (const char *p = authority; *p != '\0' && strchr("/?#", *p) == NULL; p++) {
        if (*p == '@')
            host = p + 1;
    }
    return host;
}
