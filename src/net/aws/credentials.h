/*
 * Credentials, found as every AWS tool finds them, in this order: explicit ones (given as settings),
 * the environment, web identity, the shared config and credentials files (with role_arn,
 * credential_process and SSO), the container's endpoint, the instance's metadata service. What
 * expires is fetched anew before it does.
 *
 * Values of secrets are registered with log_secret and appear in no message. A chain may be used by
 * several threads at once.
 */
#ifndef CAUCE_NET_AWS_CREDENTIALS_H
#define CAUCE_NET_AWS_CREDENTIALS_H

#include <stdint.h>

#include "net/aws/lookup.h"
#include "net/transfer.h"
#include "util/error.h"

/* One set of credentials; every string is owned. */
struct aws_credentials {
    char *access_key_id;
    char *secret;
    char *session_token; /* NULL where there is none */
    char *source;        /* where they were found, for people, without secrets */
    int64_t expires;     /* microseconds since 1970 UTC; 0: never */
};

void aws_credentials_release(struct aws_credentials *credentials);

struct aws_chain;

/*
 * A chain that looks up what it may need of the settings now and never again. `http` is borrowed
 * and must outlive the chain. Nothing is fetched yet.
 */
MUST_USE int aws_chain_new(const struct aws_lookup *lookup, struct http *http,
                           struct aws_chain **out, struct error *err);
void aws_chain_free(struct aws_chain *chain); /* NULL allowed */

/*
 * Copy of credentials that are good for some minutes at least.
 * ERR_DENIED: none were found (the text lists what was tried), or a source refused; ERR_AGAIN: a
 * source did not answer; ERR_CONFIG: a file that cannot be understood.
 */
MUST_USE int aws_chain_get(struct aws_chain *chain, struct aws_credentials *out, struct error *err);

/* The server called the credentials expired: fetch new ones next time. */
void aws_chain_expire(struct aws_chain *chain);

#endif
