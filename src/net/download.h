/*
 * A file from an http or https server into a local one, hashed while it streams (docs/sources.md).
 *
 * Conditional (RFC 9110, section 13): what has not changed costs one request without a body.
 * A download that breaks off goes on where it stopped (Range, If-Range), where the server's tag is
 * strong and the transfer was not compressed; else from the beginning. Repeated with exponential
 * back-off and full jitter: no connection, no answer, a body cut short, 408, 425, 429, 500, 502, 503
 * and 504; Retry-After is heeded. Redirects are followed, but not to addresses that are refused, nor
 * from https to http, nor from another machine to this one; what was meant for one origin (user,
 * password, headers) never reaches another.
 *
 * Messages name the source as `shown` and hosts that it was redirected to, never a URL's path or query
 * that came from a server. Thread-safe.
 */
#ifndef CAUCE_NET_DOWNLOAD_H
#define CAUCE_NET_DOWNLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/http.h"
#include "util/digest.h"
#include "util/error.h"

#define DOWNLOAD_REDIRECTS_MAX 10

/* Zero or NULL: the default. All is borrowed for the duration of the call. */
struct download_options {
    const struct http_pair *headers;
    size_t header_count;
    bool allow_private; /* also what address_is_refused() says, and this machine after a redirect */
    const char *ca_file;     /* PEM; certificates to trust instead of the system's */
    const char *proxy;       /* URL; NULL: as the variables http_proxy, ... say */
    int64_t timeout_seconds; /* 300: most time without a byte, and most that Retry-After may ask */
    uint64_t max_bytes;      /* no limit; of the file that is written */
    unsigned tries;          /* 6, in a row without progress */
    int64_t first_wait;      /* microseconds, 500 ms: the most before the second try; doubles */
    /*
     * Value of a variable of the environment (http_proxy, HTTPS_PROXY, ...; borrowed until the next
     * call), NULL where it is not set. NULL: none is set.
     */
    const char *(*setting)(void *ctx, const char *name);
    void *setting_ctx;
    /* Called as bytes arrive; `expected` is 0 where the server does not say. */
    void (*progress)(void *ctx, uint64_t received, uint64_t expected);
    void *progress_ctx;
};

struct download_request {
    const char *url;           /* may hold secrets */
    const char *shown;         /* the same for messages */
    const char *path;          /* of the local file; replaced where it exists, removed on failure */
    const char *etag;          /* validators of the state that is known, NULL: none; */
    const char *last_modified; /* with either the answer may be that it has not changed */
};

/*
 * What came. Strings are owned. `last_modified` is also NULL where it is so recent, without a tag,
 * that a later change might have the same.
 */
struct download_result {
    bool modified; /* false: not modified; no file was written, and what follows is not set */
    bool framed;   /* its end was marked; else one cut short would look the same */
    uint64_t size;
    char sha256[SHA256_HEX_SIZE];
    char *etag;          /* NULL where there is none */
    char *last_modified; /* NULL where there is none */
    char *links;         /* values of its Link headers, joined by commas; "": none */
    unsigned requests;   /* sent, redirects and repetitions included; always set, also on failure */
};

/*
 * ERR_SOURCE: it cannot be downloaded; the text is a sentence with the server's status and what to
 * do. ERR_INTERRUPTED: a signal asked to stop. ERR_SYSTEM: the local file. `out` is the caller's to
 * release, whatever is returned.
 */
MUST_USE int download_fetch(const struct download_options *options,
                            const struct download_request *request, struct download_result *out,
                            struct error *err);

void download_result_release(struct download_result *result);

#endif
