#include "net/aws/credentials.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "net/aws/providers.h"
#include "net/http.h"
#include "util/fs.h"
#include "util/log.h"
#include "util/mem.h"
#include "util/time.h"

/* Credentials that expire within this are renewed. */
#define MARGIN (INT64_C(300) * 1000000)
/* Where that fails, they are used as long as they are good for this. */
#define LAST_MOMENT (INT64_C(15) * 1000000)

/* Everything a source may look up, read once when the chain is made. */
static const char *const names[] = {
    "CAUCE_S3_ACCESS_KEY_ID",
    "CAUCE_S3_SECRET_ACCESS_KEY",
    "CAUCE_S3_SESSION_TOKEN",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_ROLE_ARN",
    "AWS_ROLE_SESSION_NAME",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_CONFIG_FILE",
    "AWS_SHARED_CREDENTIALS_FILE",
    "HOME",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_ENDPOINT_URL_STS",
    "AWS_ENDPOINT_URL_SSO",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    "AWS_EC2_METADATA_DISABLED",
    "AWS_EC2_METADATA_SERVICE_ENDPOINT",
};
#define NAMES (sizeof names / sizeof names[0])

struct aws_chain {
    pthread_mutex_t lock;
    char *values[NAMES];
    struct aws_provider provider;
    struct aws_credentials current; /* nothing in it: none yet */
};

static const char *snapshot_get(void *ctx, const char *name)
{
    const struct aws_chain *chain = ctx;
    for (size_t i = 0; i < NAMES; i++) {
        if (strcmp(names[i], name) == 0)
            return chain->values[i];
    }
    return NULL;
}

int aws_chain_new(const struct aws_lookup *lookup, struct http *http, struct aws_chain **out,
                  struct error *err)
{
    static const struct http_options local = {
        .allow_plain = true, .connect_seconds = 2, .stall_seconds = 5, .total_seconds = 10};
    struct aws_chain *chain = mem_calloc(1, sizeof *chain);
    int rc = http_new(&local, &chain->provider.local, err);
    if (rc != ERR_OK) {
        free(chain);
        return rc;
    }
    pthread_mutex_init(&chain->lock, NULL);
    for (size_t i = 0; i < NAMES; i++)
        chain->values[i] = aws_lookup_copy(lookup, names[i]);
    log_secret(snapshot_get(chain, "CAUCE_S3_SECRET_ACCESS_KEY"));
    log_secret(snapshot_get(chain, "AWS_SECRET_ACCESS_KEY"));
    chain->provider.lookup = (struct aws_lookup){.get = snapshot_get, .ctx = chain};
    chain->provider.http = http;
    *out = chain;
    return ERR_OK;
}

static void wipe(char *text)
{
    if (text != NULL)
        explicit_bzero(text, strlen(text));
    free(text);
}

void aws_credentials_release(struct aws_credentials *c)
{
    free(c->access_key_id);
    wipe(c->secret);
    wipe(c->session_token);
    free(c->source);
    *c = (struct aws_credentials){0};
}

void aws_chain_free(struct aws_chain *chain)
{
    if (chain == NULL)
        return;
    aws_credentials_release(&chain->current);
    for (size_t i = 0; i < NAMES; i++)
        wipe(chain->values[i]);
    http_free(chain->provider.local);
    pthread_mutex_destroy(&chain->lock);
    free(chain);
}

static int fetch(struct aws_chain *chain, struct aws_credentials *out, struct error *err)
{
    static int (*const providers[])(const struct aws_provider *, struct aws_credentials *,
                                    struct error *) = {
        aws_provider_explicit, aws_provider_environment, aws_provider_web_identity,
        aws_provider_profile,  aws_provider_container,   aws_provider_instance,
    };
    for (size_t i = 0; i < sizeof providers / sizeof providers[0]; i++) {
        int rc = providers[i](&chain->provider, out, err);
        if (rc != ERR_ABSENT)
            return rc;
    }
    return error_set(err, ERR_DENIED,
                     "No credentials for S3 were found: not in the settings, the environment "
                     "(AWS_ACCESS_KEY_ID), a web identity, the shared files (profile), a container "
                     "or the instance's metadata. Nothing was sent. Set one of them up.");
}

static bool good_for(const struct aws_credentials *c, int64_t margin)
{
    return c->access_key_id != NULL && (c->expires == 0 || c->expires - time_now() > margin);
}

static void copy(const struct aws_credentials *from, struct aws_credentials *out)
{
    out->access_key_id = mem_strdup(from->access_key_id);
    out->secret = mem_strdup(from->secret);
    out->session_token = mem_strdup(from->session_token);
    out->source = mem_strdup(from->source);
    out->expires = from->expires;
}

int aws_chain_get(struct aws_chain *chain, struct aws_credentials *out, struct error *err)
{
    int rc = ERR_OK;
    pthread_mutex_lock(&chain->lock);
    if (!good_for(&chain->current, MARGIN)) {
        struct aws_credentials next = {0};
        rc = fetch(chain, &next, err);
        if (rc == ERR_OK) {
            aws_credentials_release(&chain->current);
            chain->current = next;
        } else if (good_for(&chain->current, LAST_MOMENT)) {
            rc = ERR_OK;
        }
    }
    if (rc == ERR_OK)
        copy(&chain->current, out);
    pthread_mutex_unlock(&chain->lock);
    return rc;
}

void aws_chain_expire(struct aws_chain *chain)
{
    pthread_mutex_lock(&chain->lock);
    aws_credentials_release(&chain->current);
    pthread_mutex_unlock(&chain->lock);
}

/* ---- What the sources share ----------------------------------------------------------------- */

int aws_provider_make(const char *access_key_id, const char *secret, const char *session_token,
                      const char *expires, const char *who, struct aws_credentials *out,
                      struct error *err)
{
    *out = (struct aws_credentials){0};
    if (access_key_id == NULL || access_key_id[0] == '\0' || secret == NULL || secret[0] == '\0')
        return error_set(err, ERR_DAMAGED,
                         "The credentials from %s are incomplete: they need an "
                         "access key id and a secret.",
                         who);
    log_secret(secret);
    if (session_token != NULL)
        log_secret(session_token);
    /* A line break in a value would become a header of its own. */
    if (strpbrk(access_key_id, "\r\n/ ") != NULL ||
        (session_token != NULL && strpbrk(session_token, "\r\n ") != NULL))
        return error_set(err, ERR_DAMAGED,
                         "The credentials from %s contain characters that credentials cannot have.",
                         who);
    int64_t until = 0;
    if (expires != NULL && expires[0] != '\0' && time_parse(expires, &until, NULL) != ERR_OK)
        return error_set(err, ERR_DAMAGED,
                         "The credentials from %s expire at a time that cannot be read.", who);
    out->access_key_id = mem_strdup(access_key_id);
    out->secret = mem_strdup(secret);
    out->session_token =
        session_token != NULL && session_token[0] != '\0' ? mem_strdup(session_token) : NULL;
    out->source = mem_strdup(who);
    out->expires = until;
    return ERR_OK;
}

int aws_provider_make_json(const struct str *text, const char *token, const char *who,
                           struct aws_credentials *out, struct error *err)
{
    struct json *root = NULL;
    /* The parser's own message may quote the text: a secret. */
    if (json_parse(text->data, text->len, who, &root, NULL) != ERR_OK)
        return error_set(err, ERR_DAMAGED, "The answer from %s is not JSON.", who);
    int rc = aws_provider_make(json_string(json_get(root, "AccessKeyId")),
                               json_string(json_get(root, "SecretAccessKey")),
                               json_string(json_get(root, token)),
                               json_string(json_get(root, "Expiration")), who, out, err);
    json_free(root);
    return rc;
}

int aws_provider_ask(struct http *http, const struct transfer_request *request, const char *who,
                     struct str *answer, bool *nobody, struct error *err)
{
    struct transfer_request whole = *request;
    struct transfer_answer got;
    whole.into = answer;
    transfer_answer_init(&got);
    int rc = transfer_perform(http, &whole, &got, err);
    if (nobody != NULL)
        *nobody = rc != ERR_OK;
    if (rc != ERR_OK)
        error_prefix(err, "The credentials could not be fetched from %s", who);
    else if (got.head.status >= 500 || got.head.status == 429)
        rc = error_set(err, ERR_AGAIN, "%s answered %ld to a request for credentials.", who,
                       got.head.status);
    else if (got.head.status < 200 || got.head.status >= 300)
        rc = error_set(err, ERR_DENIED, "%s refused a request for credentials (%ld).", who,
                       got.head.status);
    transfer_answer_release(&got);
    return rc;
}

int aws_provider_read(const char *path, char **out, struct error *err)
{
    struct str text;
    str_init(&text, AWS_PROVIDER_MAX);
    int rc = fs_read(path, &text, err);
    if (rc == ERR_OK) {
        size_t start = strspn(text.data, " \t\r\n");
        size_t end = text.len;
        while (end > start && strchr(" \t\r\n", text.data[end - 1]) != NULL)
            end--;
        *out = mem_strndup(text.data + start, end - start);
        explicit_bzero(text.data, text.len);
    }
    str_release(&text);
    return rc;
}

static int from_settings(const struct aws_provider *p, const char *id_name, const char *secret_name,
                         const char *token_name, const char *who, struct aws_credentials *out,
                         struct error *err)
{
    char *id = aws_lookup_copy(&p->lookup, id_name);
    char *secret = aws_lookup_copy(&p->lookup, secret_name);
    char *token = aws_lookup_copy(&p->lookup, token_name);
    int rc = ERR_ABSENT;
    if (id != NULL && secret != NULL)
        rc = aws_provider_make(id, secret, token, NULL, who, out, err);
    else if (id != NULL || secret != NULL)
        rc = error_set(err, ERR_CONFIG, "Only one of %s and %s is set; both are needed.", id_name,
                       secret_name);
    free(id);
    wipe(secret);
    wipe(token);
    return rc;
}

int aws_provider_explicit(const struct aws_provider *p, struct aws_credentials *out,
                          struct error *err)
{
    return from_settings(p, "CAUCE_S3_ACCESS_KEY_ID", "CAUCE_S3_SECRET_ACCESS_KEY",
                         "CAUCE_S3_SESSION_TOKEN", "the settings of cauce", out, err);
}

int aws_provider_environment(const struct aws_provider *p, struct aws_credentials *out,
                             struct error *err)
{
    return from_settings(p, "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
                         "the environment (AWS_ACCESS_KEY_ID)", out, err);
}
