#include "net/pages.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "net/url.h"
#include "util/mem.h"
#include "util/str.h"
#include "util/uri.h"

#define URL_MAX ((size_t)64 << 10)

/* --- Link headers ----------------------------------------------------------------------------- */

static const char *skip_blanks(const char *p)
{
    return p + strspn(p, " \t");
}

/* The value of a parameter at `p`, quoted or not, and what follows it. */
static const char *read_value(const char *p, const char **value, size_t *length)
{
    if (*p == '"') {
        *value = ++p;
        while (*p != '\0' && *p != '"')
            p += p[0] == '\\' && p[1] != '\0' ? 2 : 1;
        *length = (size_t)(p - *value);
        return *p == '"' ? p + 1 : p;
    }
    *value = p;
    *length = strcspn(p, " \t;,");
    return p + *length;
}

/* Is `next` one of the relations, which are separated by blanks? */
static bool has_next(const char *value, size_t length)
{
    for (const char *p = value; p < value + length;) {
        size_t word = strcspn(p, " \t\"");
        if (word > (size_t)(value + length - p))
            word = (size_t)(value + length - p);
        if (word == 4 && strncasecmp(p, "next", 4) == 0)
            return true;
        p += word + 1;
    }
    return false;
}

/* The parameters of a link, from its first semicolon on; `*next`: it has that relation. */
static const char *read_parameters(const char *p, bool *next)
{
    *next = false;
    for (p = skip_blanks(p); *p == ';'; p = skip_blanks(p)) {
        const char *value = "";
        size_t length = 0;
        p = skip_blanks(p + 1);
        const char *name = p;
        size_t name_length = strcspn(p, " \t=;,");
        p = skip_blanks(p + name_length);
        if (*p == '=')
            p = read_value(skip_blanks(p + 1), &value, &length);
        if (name_length == 3 && strncasecmp(name, "rel", 3) == 0)
            *next = *next || has_next(value, length);
    }
    return p;
}

char *pages_link(const char *header)
{
    const char *p = header;
    while (*(p += strspn(p, " \t,")) == '<') {
        const char *target = p + 1;
        size_t length = strcspn(target, ">");
        bool next;
        if (target[length] == '\0')
            return NULL;
        p = read_parameters(target + length + 1, &next);
        if (next)
            return mem_strndup(target, length);
        p += strcspn(p, ",");
    }
    return NULL;
}

/* --- URLs ------------------------------------------------------------------------------------- */

static int join(const struct url *from, const struct url *to, const char *original, char **out,
                struct error *err)
{
    if (strcmp(from->origin, to->origin) != 0)
        return error_set(err, ERR_SOURCE,
                         "its next page is on another server, %s, which is not followed: name that "
                         "server as the source if that is intended",
                         to->origin);
    /* User and password of the first one, with the @ that follows them. */
    const char *user = uri_authority(original);
    const char *rest = uri_authority(to->text);
    *out = mem_printf("%.*s%.*s%s", (int)(rest - to->text), to->text,
                      (int)(uri_host(original) - user), user, rest);
    return ERR_OK;
}

int pages_follow(const char *from, const char *reference, char **out, struct error *err)
{
    struct url base = {0};
    struct url next = {0};
    int rc = url_parse(NULL, from, &base, err);
    if (rc == ERR_OK && strlen(reference) > URL_MAX)
        rc = error_set(err, ERR_SOURCE, "the URL of its next page is too long");
    if (rc == ERR_OK)
        rc = url_parse(base.text, reference, &next, err);
    if (rc == ERR_OK)
        rc = join(&base, &next, from, out, err);
    url_release(&base);
    url_release(&next);
    return rc;
}

static void append_encoded(struct str *out, const char *text)
{
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    for (; *text != '\0'; text++) {
        if (strchr(plain, *text) != NULL)
            str_append_char(out, *text);
        else
            str_printf(out, "%%%02X", (unsigned)(unsigned char)*text);
    }
}

char *pages_parameter(const char *url, const char *name, const char *value)
{
    struct str out;
    size_t length = strcspn(url, "#");
    size_t path = strcspn(url, "?#");
    size_t name_length = strlen(name);
    str_init(&out, STR_MAX_DEFAULT);
    str_append_bytes(&out, url, path);
    str_append_char(&out, '?');
    /* Everything stays as it is, except this parameter. */
    for (size_t at = path + 1; at < length;) {
        size_t part = strcspn(url + at, "&#");
        bool same = part >= name_length && strncmp(url + at, name, name_length) == 0 &&
                    (part == name_length || url[at + name_length] == '=');
        if (!same && part > 0) {
            str_append_bytes(&out, url + at, part);
            str_append_char(&out, '&');
        }
        at += part + 1;
    }
    append_encoded(&out, name);
    str_append_char(&out, '=');
    append_encoded(&out, value);
    return str_detach(&out);
}
