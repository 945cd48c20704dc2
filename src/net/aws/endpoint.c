#include "net/aws/endpoint.h"

#include <stdbool.h>
#include <string.h>

#include "util/mem.h"
#include "util/uri.h"

#define AUTHORITY_MAX 512

int aws_endpoint_split(const char *endpoint, char **scheme, char **authority, char **path,
                       struct error *err)
{
    size_t n = uri_scheme(endpoint);
    bool secure = n == 5 && strncmp(endpoint, "https", 5) == 0;
    if (!secure && !(n == 4 && strncmp(endpoint, "http", 4) == 0))
        return error_set(err, ERR_CONFIG, "The endpoint %s must begin with https:// or http://.",
                         endpoint);
    const char *host = uri_authority(endpoint);
    size_t length = strcspn(host, "/");
    if (length == 0 || length > AUTHORITY_MAX || memchr(host, '@', length) != NULL ||
        strpbrk(host, "?# \t\r\n\"<>\\") != NULL)
        return error_set(err, ERR_CONFIG,
                         "The endpoint's address must be of the form "
                         "https://host:port, without a user, query or blanks.");
    const char *own_port = secure ? ":443" : ":80";
    size_t kept = length;
    size_t port = strlen(own_port);
    if (kept > port && memcmp(host + kept - port, own_port, port) == 0)
        kept -= port;
    *scheme = mem_strdup(secure ? "https" : "http");
    *authority = mem_strndup(host, kept);
    const char *rest = host + length;
    size_t end = strlen(rest);
    while (end > 0 && rest[end - 1] == '/')
        end--;
    *path = mem_strndup(rest, end);
    return ERR_OK;
}
