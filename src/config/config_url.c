#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "config/config_read.h"
#include "util/hex.h"
#include "util/mem.h"
#include "util/str.h"
#include "util/uri.h"

#define URL_MAX ((size_t)16 << 10)

static bool is_scheme(const char *text, size_t length, const char *scheme)
{
    return strlen(scheme) == length && strncasecmp(text, scheme, length) == 0;
}

/* The '@' that ends user and password of "scheme://user:password@host", NULL without any. */
static const char *userinfo_end(const char *text)
{
    const char *host = uri_host(text);
    return uri_scheme(text) > 0 && host > uri_authority(text) ? host - 1 : NULL;
}

char *config_url_password(const char *text)
{
    const char *end = userinfo_end(text);
    if (end == NULL)
        return NULL;
    const char *start = uri_authority(text);
    const char *colon = memchr(start, ':', (size_t)(end - start));
    return colon != NULL ? mem_strndup(colon + 1, (size_t)(end - colon - 1)) : NULL;
}

/* Append "name=value&..." with the values of secret parameters hidden. */
static void hide_parameters(struct str *out, const char *query)
{
    while (*query != '\0') {
        size_t pair = strcspn(query, "&;");
        size_t name = strcspn(query, "=&;");
        char *word = mem_strndup(query, name);
        bool secret = name < pair && (config_is_secret_name(word) || strcasecmp(word, "sig") == 0);
        free(word);
        str_append_bytes(out, query, secret ? name + 1 : pair);
        if (secret)
            str_append(out, "***");
        query += pair;
        if (*query != '\0')
            str_append_bytes(out, query++, 1);
    }
}

char *config_url_hide(const char *text)
{
    struct str out;
    str_init(&out, STR_MAX_DEFAULT);
    size_t scheme = uri_scheme(text);
    const char *rest = text;
    const char *user_end = userinfo_end(text);
    if (user_end != NULL) {
        str_append_bytes(&out, text, (size_t)(uri_authority(text) - text));
        str_append(&out, "***");
        rest = user_end;
    }
    size_t path = scheme > 0 && is_scheme(text, scheme, "file") ? strlen(rest) : strcspn(rest, "?");
    if (scheme == 0)
        path = strlen(rest);
    str_append_bytes(&out, rest, path);
    if (rest[path] == '?') {
        str_append_char(&out, '?');
        hide_parameters(&out, rest + path + 1);
    }
    return str_detach(&out);
}

/* Path of "file:///..." with its %XX decoded (RFC 8089), as a new string. */
static int file_url_path(const char *text, char **out, struct error *err)
{
    const char *at = text + strlen("file://");
    if (strncasecmp(at, "localhost/", 10) == 0)
        at += strlen("localhost");
    if (*at != '/')
        return error_set(err, ERR_CONFIG, "must name an absolute path, as in file:///data/in.csv.");
    *out = hex_percent_decode(at);
    if (*out == NULL)
        return error_set(err, ERR_CONFIG, "holds a \"%%\" that is not followed by two hex digits.");
    return ERR_OK;
}

/* Is there a host (bucket) between "//" and the path, and, where asked for, a path? */
static int check_remote(const char *text, bool need_path, const char *host_word,
                        const char *path_word, struct error *err)
{
    const char *host = uri_host(text);
    size_t length = strcspn(host, "/?#");
    if (length == 0 || host[0] == ':')
        return error_set(err, ERR_CONFIG, "has no %s after \"://\".", host_word);
    if (need_path && (host[length] != '/' || host[length + 1] == '\0'))
        return error_set(err, ERR_CONFIG, "has no %s after the %s.", path_word, host_word);
    for (const unsigned char *p = (const unsigned char *)text; *p != '\0'; p++) {
        if (*p <= ' ' || *p == 0x7f)
            return error_set(err, ERR_CONFIG, "must not hold blanks or control characters.");
    }
    return ERR_OK;
}

static int check_bucket(const char *text, bool need_path, const char *path_word, struct error *err)
{
    if (userinfo_end(text) != NULL)
        return error_set(err, ERR_CONFIG,
                         "must not hold credentials: they are taken from the environment, a "
                         "profile or the machine, as every AWS tool does.");
    return check_remote(text, need_path, "bucket", path_word, err);
}

static int check_local(const char *text, struct error *err)
{
    if (strcmp(text, "~") == 0 || str_starts(text, "~/"))
        return error_set(err, ERR_CONFIG,
                         "begins with \"~\", which is not expanded: write ${HOME}.");
    return ERR_OK;
}

static int unknown_scheme(const char *shown, const char *const *schemes, size_t count,
                          struct error *err)
{
    size_t length = uri_scheme(shown);
    if (length == 0)
        return error_set(err, ERR_CONFIG, "begins with a scheme that is not supported.");
    char *scheme = mem_strndup(shown, length < 40 ? length : 40);
    const char *meant = str_closest(scheme, schemes, count);
    int rc = error_set(err, ERR_CONFIG, "begins with \"%s://\", which is not supported%s%s%s",
                       scheme, meant != NULL ? "; did you mean \"" : "", meant != NULL ? meant : "",
                       meant != NULL ? "://\"?" : ".");
    free(scheme);
    return rc;
}

int config_url_parse(const char *text, const char *shown, const char *folder,
                     struct config_url *out, struct error *err)
{
    static const char *const schemes[] = {"file", "http", "https", "s3"};
    struct config_url url = {.place = CONFIG_PLACE_LOCAL};
    size_t length = uri_scheme(text);
    int rc;
    if (text[0] == '\0')
        return error_set(err, ERR_CONFIG, "must not be empty.");
    if (strlen(text) > URL_MAX)
        return error_set(err, ERR_CONFIG, "is too long.");
    if (length == 0) {
        rc = check_local(text, err);
        if (rc == ERR_OK)
            url.path = config_resolve(folder, text);
    } else if (is_scheme(text, length, "file")) {
        rc = file_url_path(text, &url.path, err);
    } else if (is_scheme(text, length, "http") || is_scheme(text, length, "https")) {
        url.place = CONFIG_PLACE_HTTP;
        rc = check_remote(text, false, "host", "path", err);
    } else if (is_scheme(text, length, "s3")) {
        url.place = CONFIG_PLACE_S3;
        rc = check_bucket(text, true, "key", err);
    } else {
        rc = unknown_scheme(shown != NULL ? shown : text, schemes,
                            sizeof schemes / sizeof schemes[0], err);
    }
    if (rc != ERR_OK)
        return rc;
    const char *pattern = url.path != NULL ? url.path : text;
    url.glob = url.place != CONFIG_PLACE_HTTP && strpbrk(pattern, "*?[") != NULL;
    url.url = mem_strdup(text);
    url.shown = config_url_hide(shown != NULL ? shown : text);
    *out = url;
    return ERR_OK;
}

void config_url_release(struct config_url *url)
{
    free(url->url);
    free(url->shown);
    free(url->path);
    *url = (struct config_url){0};
}

/* The part of a URL that ends in the name of a file. */
static const char *name_of(const struct config_url *url, size_t *length)
{
    const char *name = url->path != NULL ? url->path : url->url;
    *length = url->place == CONFIG_PLACE_HTTP ? strcspn(name, "?#") : strlen(name);
    return name;
}

enum file_format config_url_format(const struct config_url *url, const char *archive, bool *tabs)
{
    size_t length;
    const char *name = name_of(url, &length);
    if (archive != NULL)
        return file_format_of(archive, strlen(archive), tabs);
    return file_format_of(name, length, tabs);
}

bool config_url_is_archive(const struct config_url *url)
{
    size_t length;
    const char *name = name_of(url, &length);
    return file_format_is_archive(name, length);
}

int config_store_locate(const char *text, const char *shown, const char *folder, char **out,
                        struct error *err)
{
    static const char *const schemes[] = {"file", "s3", "memory"};
    size_t length = uri_scheme(text);
    char *path = NULL;
    int rc = ERR_OK;
    if (strlen(text) > URL_MAX)
        return error_set(err, ERR_CONFIG, "is too long.");
    if (str_starts(text, "memory:")) {
        path = mem_strdup(text);
    } else if (length == 0) {
        rc = check_local(text, err);
        if (rc == ERR_OK)
            path = config_resolve(folder, text);
    } else if (is_scheme(text, length, "s3")) {
        rc = check_bucket(text, false, "prefix", err);
        path = mem_strdup(text);
    } else if (is_scheme(text, length, "file")) {
        rc = file_url_path(text, &path, err);
        free(path);
        path = mem_strdup(text);
    } else {
        rc = unknown_scheme(shown != NULL ? shown : text, schemes,
                            sizeof schemes / sizeof schemes[0], err);
    }
    if (rc != ERR_OK) {
        free(path);
        return rc;
    }
    *out = path;
    return ERR_OK;
}
