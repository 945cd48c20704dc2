/*
 * The sources of credentials, one function each, as the chain in s3_credentials.c tries them. Used
 * by the files s3_credentials*.c only.
 *
 * A source returns ERR_OK with credentials; ERR_ABSENT where it is not configured, so that the next
 * one is tried; anything else is the failure of a source that is configured, and ends the search.
 */
#ifndef CAUCE_STORE_S3_PROVIDERS_H
#define CAUCE_STORE_S3_PROVIDERS_H

#include "store/s3_credentials.h"
#include "store/s3_http.h"
#include "store/s3_settings.h"
#include "util/error.h"
#include "util/json.h"
#include "util/str.h"

/* Most bytes of a file or an answer that holds credentials. */
#define S3_PROVIDER_MAX ((size_t)1 << 20)

/* What a source may use. */
struct s3_provider {
    struct s3_lookup lookup; /* of the settings as they were at opening */
    struct s3_http *http;    /* for services reached over TLS */
    struct s3_http *local;   /* for metadata services: short time-outs, plain http, no proxy */
};

int s3_provider_explicit(const struct s3_provider *p, struct s3_credentials *out,
                         struct error *err);
int s3_provider_environment(const struct s3_provider *p, struct s3_credentials *out,
                            struct error *err);
int s3_provider_web_identity(const struct s3_provider *p, struct s3_credentials *out,
                             struct error *err);
int s3_provider_profile(const struct s3_provider *p, struct s3_credentials *out, struct error *err);
int s3_provider_container(const struct s3_provider *p, struct s3_credentials *out,
                          struct error *err);
int s3_provider_instance(const struct s3_provider *p, struct s3_credentials *out,
                         struct error *err);

/* The same for values of a profile. */
struct s3_sso {
    const char *start_url;
    const char *region;
    const char *account_id;
    const char *role_name;
};
int s3_provider_sso(const struct s3_provider *p, const struct s3_sso *sso,
                    struct s3_credentials *out, struct error *err);
int s3_provider_process(const char *command, struct s3_credentials *out, struct error *err);

/* Roles: with credentials to sign with, or with the token in a file. */
struct s3_role {
    const char *arn;
    const char *session_name; /* NULL: one is made up */
    const char *external_id;  /* NULL: none */
    const char *duration;     /* seconds as text, NULL: the service's default */
    const char *region;
};
int s3_provider_assume_role(const struct s3_provider *p, const struct s3_role *role,
                            const struct s3_credentials *signer, struct s3_credentials *out,
                            struct error *err);
int s3_provider_assume_role_with_file(const struct s3_provider *p, const struct s3_role *role,
                                      const char *token_file, struct s3_credentials *out,
                                      struct error *err);

/*
 * Value of a field of the profile in use, in the shared files, as a new string; NULL where there is
 * none. Errors of the files show when credentials are looked for.
 */
char *s3_profile_setting(const struct s3_lookup *lookup, const char *field);

/*
 * Make credentials of copies of the given texts, and register the secret ones with the log.
 * `expires` is RFC 3339 or NULL. ERR_DAMAGED where a part is missing or no time; `who` names the
 * source.
 */
int s3_provider_make(const char *access_key_id, const char *secret, const char *session_token,
                     const char *expires, const char *who, struct s3_credentials *out,
                     struct error *err);

/* The same of a JSON object with the fields AccessKeyId, SecretAccessKey, Expiration and `token`. */
int s3_provider_make_json(const struct str *text, const char *token, const char *who,
                          struct s3_credentials *out, struct error *err);

/*
 * Ask a service and append its answer. ERR_DENIED: it refused (4xx); ERR_AGAIN: it failed, or there
 * is nobody (then *nobody is set; NULL allowed).
 */
int s3_provider_ask(struct s3_http *http, const struct s3_http_request *request, const char *who,
                    struct str *answer, bool *nobody, struct error *err);

/* Content of a small file without the white space around it, as a new string. */
int s3_provider_read(const char *path, char **out, struct error *err);

#endif
