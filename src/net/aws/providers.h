/*
 * The sources of credentials, one function each, as the chain in credentials.c tries them. Used by
 * the files credentials*.c only.
 *
 * A source returns ERR_OK with credentials; ERR_ABSENT where it is not configured, so that the next
 * one is tried; anything else is the failure of a source that is configured, and ends the search.
 */
#ifndef CAUCE_NET_AWS_PROVIDERS_H
#define CAUCE_NET_AWS_PROVIDERS_H

#include "net/aws/credentials.h"
#include "net/aws/lookup.h"
#include "net/transfer.h"
#include "util/error.h"
#include "util/json.h"
#include "util/str.h"

/* Most bytes of a file or an answer that holds credentials. */
#define AWS_PROVIDER_MAX ((size_t)1 << 20)

/* What a source may use. */
struct aws_provider {
    struct aws_lookup lookup; /* the settings as they were when the chain was made */
    struct http *http;        /* for services reached over TLS */
    struct http *local;       /* for metadata services: short time-outs, plain http, no proxy */
};

MUST_USE int aws_provider_explicit(const struct aws_provider *p, struct aws_credentials *out,
                                   struct error *err);
MUST_USE int aws_provider_environment(const struct aws_provider *p, struct aws_credentials *out,
                                      struct error *err);
MUST_USE int aws_provider_web_identity(const struct aws_provider *p, struct aws_credentials *out,
                                       struct error *err);
MUST_USE int aws_provider_profile(const struct aws_provider *p, struct aws_credentials *out,
                                  struct error *err);
MUST_USE int aws_provider_container(const struct aws_provider *p, struct aws_credentials *out,
                                    struct error *err);
MUST_USE int aws_provider_instance(const struct aws_provider *p, struct aws_credentials *out,
                                   struct error *err);

/* The same for values of a profile. */
struct aws_sso {
    const char *start_url;
    const char *region;
    const char *account_id;
    const char *role_name;
};
MUST_USE int aws_provider_sso(const struct aws_provider *p, const struct aws_sso *sso,
                              struct aws_credentials *out, struct error *err);
MUST_USE int aws_provider_process(const char *command, struct aws_credentials *out,
                                  struct error *err);

/* Roles: with credentials to sign with, or with the token in a file. */
struct aws_role {
    const char *arn;
    const char *session_name; /* NULL: one is made up */
    const char *external_id;  /* NULL: none */
    const char *duration;     /* seconds as text, NULL: the service's default */
    const char *region;
};
MUST_USE int aws_provider_assume_role(const struct aws_provider *p, const struct aws_role *role,
                                      const struct aws_credentials *signer,
                                      struct aws_credentials *out, struct error *err);
MUST_USE int aws_provider_assume_role_with_file(const struct aws_provider *p,
                                                const struct aws_role *role, const char *token_file,
                                                struct aws_credentials *out, struct error *err);

/*
 * Value of a field of the profile in use, in the shared files, as a new string; NULL where there is
 * none. Errors in the files are reported when credentials are looked for.
 */
MUST_USE char *aws_profile_setting(const struct aws_lookup *lookup, const char *field);

/*
 * Make credentials of copies of the given texts, and register the secret ones with the log.
 * `expires` is RFC 3339 or NULL. ERR_DAMAGED where a part is missing or the time cannot be read;
 * `who` names the source.
 */
MUST_USE int aws_provider_make(const char *access_key_id, const char *secret,
                               const char *session_token, const char *expires, const char *who,
                               struct aws_credentials *out, struct error *err);

/*
 * The same from a JSON object with the fields AccessKeyId, SecretAccessKey, Expiration and `token`.
 */
MUST_USE int aws_provider_make_json(const struct str *text, const char *token, const char *who,
                                    struct aws_credentials *out, struct error *err);

/*
 * Ask a service and append its answer. ERR_DENIED: it refused (4xx); ERR_AGAIN: it failed, or there
 * is no such service (then *nobody is set; NULL allowed).
 */
MUST_USE int aws_provider_ask(struct http *http, const struct transfer_request *request,
                              const char *who, struct str *answer, bool *nobody, struct error *err);

/* Content of a small file without the white space around it, as a new string. */
MUST_USE int aws_provider_read(const char *path, char **out, struct error *err);

#endif
