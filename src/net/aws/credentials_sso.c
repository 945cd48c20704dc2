/*
 * Credentials of a role through IAM Identity Center: the token that a login left in the cache folder
 * of the AWS tools is exchanged for credentials. Logging in and renewing that token is their job.
 */
#include "net/aws/providers.h"

#include <stdlib.h>
#include <string.h>

#include "net/aws/sign.h"
#include "util/fs.h"
#include "util/log.h"
#include "util/mem.h"
#include "util/time.h"

/* The best token seen in the cache: for our start URL, and valid the longest. */
struct cache_search {
    const char *folder;
    const char *start_url;
    char *token;
    int64_t expires;
};

static void consider(struct cache_search *s, const struct json *root)
{
    const char *url = json_string(json_get(root, "startUrl"));
    const char *token = json_string(json_get(root, "accessToken"));
    int64_t expires = 0;
    if (strcmp(url, s->start_url) != 0 || token[0] == '\0' || strpbrk(token, "\r\n") != NULL ||
        time_parse(json_string(json_get(root, "expiresAt")), &expires, NULL) != ERR_OK ||
        expires <= s->expires)
        return;
    free(s->token);
    s->token = mem_strdup(token);
    s->expires = expires;
}

static int look_into(void *ctx, const char *name, const struct fs_stat *stat, struct error *err)
{
    (void)err;
    struct cache_search *s = ctx;
    if (!str_ends(name, ".json") || stat->size > AWS_PROVIDER_MAX)
        return ERR_OK;
    struct str text;
    struct json *root = NULL;
    char *path = fs_join(s->folder, name);
    str_init(&text, AWS_PROVIDER_MAX);
    if (fs_read(path, &text, NULL) == ERR_OK &&
        json_parse(text.data, text.len, name, &root, NULL) == ERR_OK)
        consider(s, root);
    json_free(root);
    str_release(&text);
    free(path);
    return ERR_OK;
}

static int find_token(const struct aws_provider *p, const char *start_url, char **token,
                      struct error *err)
{
    struct cache_search s = {.start_url = start_url};
    char *home = aws_lookup_copy(&p->lookup, "HOME");
    char *folder = mem_printf("%s/.aws/sso/cache", home != NULL ? home : "");
    s.folder = folder;
    int rc = fs_walk(folder, look_into, &s, err);
    if (rc == ERR_OK && (s.token == NULL || s.expires <= time_now()))
        rc = error_set(err, ERR_DENIED,
                       "There is no login at %s that is still valid. Log in again (aws sso login).",
                       start_url);
    if (rc == ERR_OK) {
        log_secret(s.token);
        *token = mem_strdup(s.token);
    }
    free(s.token);
    free(folder);
    free(home);
    return rc;
}

static int take_role(const struct str *text, const char *who, struct aws_credentials *out,
                     struct error *err)
{
    struct json *root = NULL;
    if (json_parse(text->data, text->len, who, &root, NULL) != ERR_OK)
        return error_set(err, ERR_DAMAGED, "The answer from %s is not JSON.", who);
    const struct json *role = json_get(root, "roleCredentials");
    int rc = aws_provider_make(json_string(json_get(role, "accessKeyId")),
                               json_string(json_get(role, "secretAccessKey")),
                               json_string(json_get(role, "sessionToken")), NULL, who, out, err);
    /* Milliseconds. */
    if (rc == ERR_OK)
        out->expires = json_integer(json_get(role, "expiration")) * 1000;
    json_free(root);
    return rc;
}

int aws_provider_sso(const struct aws_provider *p, const struct aws_sso *sso,
                     struct aws_credentials *out, struct error *err)
{
    char *token = NULL;
    char *endpoint = aws_lookup_copy(&p->lookup, "AWS_ENDPOINT_URL_SSO");
    char *who = mem_printf("IAM Identity Center (%s, role %s)", sso->start_url, sso->role_name);
    struct str url;
    struct str text;
    str_init(&url, 4096);
    str_init(&text, AWS_PROVIDER_MAX);
    int rc = find_token(p, sso->start_url, &token, err);
    if (endpoint == NULL)
        endpoint = mem_printf("https://portal.sso.%s.amazonaws.com", sso->region);
    const struct http_pair query[] = {{"role_name", sso->role_name},
                                      {"account_id", sso->account_id}};
    str_printf(&url, "%s/federation/credentials?", endpoint);
    aws_sign_query(query, 2, &url);
    const struct http_pair header = {"x-amz-sso_bearer_token", token};
    const struct transfer_request request = {
        .method = "GET", .url = url.data, .headers = &header, .header_count = 1};
    if (rc == ERR_OK)
        rc = aws_provider_ask(p->http, &request, who, &text, NULL, err);
    if (rc == ERR_OK)
        rc = take_role(&text, who, out, err);
    str_release(&text);
    str_release(&url);
    free(token);
    free(endpoint);
    free(who);
    return rc;
}
