/*
 * One HTTP GET over libcurl whose body streams to a function: HTTP/1.1, or HTTP/2 where TLS
 * negotiates it. No retries, no redirects, no environment, no cookies, no netrc. TLS certificates
 * are verified. Addresses are judged after names were resolved, when the socket is made, so that no
 * name can lead elsewhere than where it was checked. What a download makes of it is in download.c.
 *
 * The second file that includes curl, beside s3_http.c: that one signs, sends bodies and must know
 * how far a request came; this one does nothing of it, but decodes, streams and judges addresses.
 * They share no line beyond the names of libcurl's options.
 *
 * Thread-safe: nothing is shared between calls.
 */
#ifndef CAUCE_STORE_HTTP_GET_H
#define CAUCE_STORE_HTTP_GET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/error.h"

/* A URL taken apart. Strings are owned; NULL where there is none. */
struct http_get_url {
    char *url;      /* without user, password and fragment; its query may still hold secrets */
    char *origin;   /* "https://host:443": safe to show */
    char *host;     /* without brackets */
    char *user;     /* decoded */
    char *password; /* decoded; a secret */
    bool secure;    /* https */
};

/*
 * Take a URL apart; `base` (NULL: none) is what it is relative to (RFC 3986, section 5). ERR_SOURCE:
 * malformed, or neither http nor https; the text does not show it.
 */
int http_get_url_parse(const char *base, const char *text, struct http_get_url *out,
                       struct error *err);
void http_get_url_release(struct http_get_url *url); /* safe on a zeroed struct */

/* The head of an answer. Strings are owned; NULL where it has none, or one longer than allowed. */
struct http_get_answer {
    long status;
    char *etag;
    char *last_modified;
    char *date;
    char *location;
    char *retry_after;
    char *content_range;
    char *content_encoding;
    char *transfer_encoding;
    bool framed;     /* its end is marked; else it ends with the connection, whatever the reason */
    bool has_length; /* it says how long its body is, as transferred */
    uint64_t length;
    bool loopback; /* it came from this machine; never where a proxy is set */
};
void http_get_answer_release(struct http_get_answer *answer); /* safe on a zeroed struct */

struct http_get_header {
    const char *name;
    const char *value; /* may be a secret */
};

/* Strings are borrowed; NULL and 0 stand for "none". */
struct http_get_request {
    const struct http_get_url *url;
    const struct http_get_header *headers;
    size_t header_count;
    const char *user; /* of basic authentication */
    const char *password;
    bool compressed; /* let the server compress the transfer; the body comes decoded */

    const char *ca_file; /* PEM; instead of the system's certificates */
    const char *proxy;
    const char *no_proxy;
    bool allow_private;   /* addresses that address_is_refused() */
    bool refuse_loopback; /* and unless allow_private: this machine, too */
    int connect_seconds;
    int stall_seconds; /* most time without a byte */

    /*
     * Called with the head of a 200, 203 or 206, once, before the first byte of its body; then with
     * the body, piece by piece. A result other than ERR_OK ends the request and is what it returns.
     */
    int (*on_head)(void *ctx, const struct http_get_answer *answer, struct error *err);
    int (*on_body)(void *ctx, const void *bytes, size_t count, struct error *err);
    void *ctx;
};

/*
 * Send it once. `answer` must be zeroed and is the caller's to release, whatever is returned.
 * ERR_OK: a whole answer, whatever its status; bodies of other statuses are not read.
 * ERR_AGAIN: no connection, time-out, or an answer that broke off: it may be repeated.
 * ERR_SOURCE: repeating does not help (refused address, certificate, proxy).
 * ERR_INTERRUPTED: a signal asked to stop. Else what `on_head` and `on_body` returned.
 * The text of ERR_AGAIN and ERR_SOURCE is the reason alone, without URL and full stop.
 */
int http_get_perform(const struct http_get_request *request, struct http_get_answer *answer,
                     struct error *err);

/* Seconds since 1970 of an HTTP date (RFC 9110, section 5.6.7); -1 where it is none. */
int64_t http_get_date(const char *text);

#endif
