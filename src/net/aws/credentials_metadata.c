/* Credentials from the services of a container or an instance (ECS, EKS, EC2). */
#include "net/aws/providers.h"

#include <stdlib.h>
#include <string.h>

#include "net/url.h"
#include "util/log.h"
#include "util/mem.h"

#define CONTAINER_BASE "http://169.254.170.2"
#define INSTANCE_BASE "http://169.254.169.254"
#define ROLE_PATH "/latest/meta-data/iam/security-credentials/"

/*
 * Where a container's full URI may point: TLS, loopback, and the two addresses that the agents of
 * ECS and EKS have. Anything else could hand the token to a stranger.
 */
static bool container_url_allowed(const char *url)
{
    static const char *const hosts[] = {"http://169.254.170.2", "http://169.254.170.23",
                                        "http://[fd00:ec2::23]"};
    if (str_starts(url, "https://") || url_is_loopback(url))
        return true;
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
        size_t n = strlen(hosts[i]);
        if (strncmp(url, hosts[i], n) == 0 && strchr(":/?", url[n]) != NULL)
            return true;
    }
    return false;
}

/* The token for the agent, from a file (which rotates) or the setting; NULL: none is needed. */
static int container_token(const struct aws_provider *p, char **out, struct error *err)
{
    char *file = aws_lookup_copy(&p->lookup, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
    int rc = ERR_OK;
    if (file != NULL)
        rc = aws_provider_read(file, out, err);
    else
        *out = aws_lookup_copy(&p->lookup, "AWS_CONTAINER_AUTHORIZATION_TOKEN");
    if (rc == ERR_ABSENT)
        rc = error_set(err, ERR_CONFIG, "The container's authorization token file %s is not there.",
                       file);
    if (rc == ERR_OK && *out != NULL && strpbrk(*out, "\r\n") != NULL)
        rc = error_set(err, ERR_CONFIG,
                       "The container's authorization token contains a line break.");
    if (rc == ERR_OK && *out != NULL)
        log_secret(*out);
    free(file);
    return rc;
}

static int ask_container(const struct aws_provider *p, const char *url, struct aws_credentials *out,
                         struct error *err)
{
    static const char who[] = "the container's credentials endpoint";
    char *token = NULL;
    struct str text;
    str_init(&text, AWS_PROVIDER_MAX);
    int rc = container_token(p, &token, err);
    const struct http_pair header = {"authorization", token};
    const struct transfer_request request = {
        .method = "GET", .url = url, .headers = &header, .header_count = token != NULL ? 1 : 0};
    if (rc == ERR_OK)
        rc = aws_provider_ask(p->local, &request, who, &text, NULL, err);
    if (rc == ERR_OK)
        rc = aws_provider_make_json(&text, "Token", who, out, err);
    str_release(&text);
    free(token);
    return rc;
}

int aws_provider_container(const struct aws_provider *p, struct aws_credentials *out,
                           struct error *err)
{
    char *relative = aws_lookup_copy(&p->lookup, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
    char *url = aws_lookup_copy(&p->lookup, "AWS_CONTAINER_CREDENTIALS_FULL_URI");
    int rc = ERR_ABSENT;
    if (relative != NULL) {
        free(url);
        url = mem_printf("%s%s%s", CONTAINER_BASE, relative[0] == '/' ? "" : "/", relative);
    }
    if (url != NULL && !container_url_allowed(url))
        rc = error_set(err, ERR_CONFIG,
                       "AWS_CONTAINER_CREDENTIALS_FULL_URI names a host that is neither reached "
                       "over TLS nor this machine.");
    else if (url != NULL)
        rc = ask_container(p, url, out, err);
    free(relative);
    free(url);
    return rc;
}

/* ---- IMDSv2 --------------------------------------------------------------------------------- */

static const char instance[] = "the instance's metadata service";

/* One GET below the service, with the session's token. */
static int ask_instance(const struct aws_provider *p, const char *base, const char *path,
                        const char *token, struct str *out, struct error *err)
{
    char *url = mem_printf("%s%s", base, path);
    const struct http_pair header = {"x-aws-ec2-metadata-token", token};
    const struct transfer_request request = {
        .method = "GET", .url = url, .headers = &header, .header_count = 1};
    int rc = aws_provider_ask(p->local, &request, instance, out, NULL, err);
    free(url);
    return rc;
}

/* A session with the service; ERR_ABSENT where there is no such service, as on most machines. */
static int open_session(const struct aws_provider *p, const char *base, struct str *token,
                        struct error *err)
{
    char *url = mem_printf("%s/latest/api/token", base);
    const struct http_pair header = {"x-aws-ec2-metadata-token-ttl-seconds", "21600"};
    const struct transfer_request request = {
        .method = "PUT", .url = url, .headers = &header, .header_count = 1};
    bool nobody = false;
    int rc = aws_provider_ask(p->local, &request, instance, token, &nobody, err);
    free(url);
    if (nobody)
        return ERR_ABSENT;
    if (rc == ERR_OK && (token->len == 0 || strpbrk(token->data, "\r\n ") != NULL))
        return error_set(err, ERR_DAMAGED, "The answer from %s is not a token.", instance);
    if (rc == ERR_OK)
        log_secret(token->data);
    return rc;
}

static int ask_role(const struct aws_provider *p, const char *base, const char *token,
                    struct aws_credentials *out, struct error *err)
{
    struct str role;
    struct str text;
    str_init(&role, 256);
    str_init(&text, AWS_PROVIDER_MAX);
    int rc = ask_instance(p, base, ROLE_PATH, token, &role, err);
    /* One role a line; there is only ever one. No role: 404, which is reported as a refusal. */
    if (rc == ERR_OK)
        role.data[strcspn(role.data, "\r\n")] = '\0';
    if (rc == ERR_OK && (role.data[0] == '\0' || strpbrk(role.data, "/?# ") != NULL))
        rc = error_set(err, ERR_DAMAGED, "The answer from %s is not the name of a role.", instance);
    if (rc == ERR_OK) {
        char *path = mem_printf("%s%s", ROLE_PATH, role.data);
        rc = ask_instance(p, base, path, token, &text, err);
        free(path);
    }
    if (rc == ERR_OK)
        rc = aws_provider_make_json(&text, "Token", instance, out, err);
    str_release(&text);
    str_release(&role);
    return rc;
}

int aws_provider_instance(const struct aws_provider *p, struct aws_credentials *out,
                          struct error *err)
{
    if (aws_lookup_flag(&p->lookup, "AWS_EC2_METADATA_DISABLED"))
        return ERR_ABSENT;
    char *base = aws_lookup_copy(&p->lookup, "AWS_EC2_METADATA_SERVICE_ENDPOINT");
    if (base == NULL)
        base = mem_strdup(INSTANCE_BASE);
    size_t end = strlen(base);
    while (end > 0 && base[end - 1] == '/')
        base[--end] = '\0';
    struct str token;
    str_init(&token, 4096);
    int rc = open_session(p, base, &token, err);
    if (rc == ERR_OK)
        rc = ask_role(p, base, token.data, out, err);
    if (token.len > 0)
        explicit_bzero(token.data, token.len);
    str_release(&token);
    free(base);
    return rc;
}
