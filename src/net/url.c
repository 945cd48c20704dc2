#include "net/url.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "util/mem.h"
#include "util/uri.h"

static char *part_of(CURLU *u, CURLUPart part, unsigned flags)
{
    char *text = NULL;
    if (curl_url_get(u, part, &text, flags) != CURLUE_OK)
        return NULL;
    char *copy = mem_strdup(text);
    curl_free(text);
    return copy;
}

static int bad_url(struct error *err)
{
    return error_set(err, ERR_SOURCE, "it is not a well-formed http or https URL");
}

static int take_parts(CURLU *u, struct url *out, struct error *err)
{
    char *scheme = part_of(u, CURLUPART_SCHEME, 0);
    char *port = part_of(u, CURLUPART_PORT, CURLU_DEFAULT_PORT);
    char *host = part_of(u, CURLUPART_HOST, 0);
    int rc = ERR_OK;
    if (scheme == NULL || port == NULL || host == NULL ||
        (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0)) {
        rc = bad_url(err);
        goto done;
    }
    out->secure = strcmp(scheme, "https") == 0;
    out->user = part_of(u, CURLUPART_USER, CURLU_URLDECODE);
    out->password = part_of(u, CURLUPART_PASSWORD, CURLU_URLDECODE);
    out->origin = mem_printf("%s://%s:%s", scheme, host, port);
    size_t length = strlen(host);
    out->host = host[0] == '[' && length > 2 ? mem_strndup(host + 1, length - 2) : mem_strdup(host);
    curl_url_set(u, CURLUPART_USER, NULL, 0);
    curl_url_set(u, CURLUPART_PASSWORD, NULL, 0);
    curl_url_set(u, CURLUPART_FRAGMENT, NULL, 0);
    out->text = part_of(u, CURLUPART_URL, 0);
    if (out->text == NULL)
        rc = bad_url(err);
done:
    free(scheme);
    free(port);
    free(host);
    return rc;
}

int url_parse(const char *base, const char *text, struct url *out, struct error *err)
{
    *out = (struct url){0};
    CURLU *u = curl_url();
    if (u == NULL)
        abort();
    CURLUcode code = CURLUE_OK;
    if (base != NULL)
        code = curl_url_set(u, CURLUPART_URL, base, CURLU_NON_SUPPORT_SCHEME);
    if (code == CURLUE_OK)
        code = curl_url_set(u, CURLUPART_URL, text, CURLU_NON_SUPPORT_SCHEME | CURLU_URLENCODE);
    int rc = code == CURLUE_OK ? take_parts(u, out, err) : bad_url(err);
    curl_url_cleanup(u);
    if (rc != ERR_OK)
        url_release(out);
    return rc;
}

static void free_secret(char *text)
{
    if (text != NULL)
        explicit_bzero(text, strlen(text));
    free(text);
}

void url_release(struct url *url)
{
    free_secret(url->text);
    free(url->origin);
    free(url->host);
    free(url->user);
    free_secret(url->password);
    *url = (struct url){0};
}

bool url_is_loopback(const char *text)
{
    const char *host = uri_authority(text);
    if (strncmp(host, "[::1]", 5) == 0 && strchr(":/?", host[5]) != NULL)
        return true;
    /* "localhost", and all below it (RFC 6761): libcurl does not ask a name server about them. */
    static const char name[] = "localhost";
    size_t length = strcspn(host, ":/?");
    size_t start = length >= sizeof name - 1 ? length - (sizeof name - 1) : 0;
    if (strncasecmp(host + start, name, sizeof name - 1) == 0 &&
        (start == 0 || host[start - 1] == '.'))
        return true;
    /* 127.0.0.0/8: digits and dots only, so that 127.evil.example is not one. */
    size_t n = strspn(host, "0123456789.");
    return strncmp(host, "127.", 4) == 0 && strchr(":/?", host[n]) != NULL;
}
