/*
 * The HTTP client, over libcurl: one request, sent once, whose answer streams to functions of the
 * caller. HTTP/1.1, or HTTP/2 where TLS negotiates it. No retries, no redirects, no environment, no
 * cookies, no netrc. TLS certificates are verified. Downloads of sources, the S3 client, services
 * that give credentials and the Pushgateway all go through it; what an answer means is for them to
 * decide.
 *
 * One `struct http` may be used by several threads at once: each request takes a handle with its
 * own kept-alive connection from a pool.
 */
#ifndef CAUCE_NET_HTTP_H
#define CAUCE_NET_HTTP_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "util/error.h"

#define HTTP_HEADERS_MAX 64
#define HTTP_HEADERS_SIZE 16384 /* bytes of all headers kept of one answer */
#define HTTP_REASON_SIZE 256

struct http;

/* Zero or NULL: the default. Strings are copied. */
struct http_options {
    const char *ca_file; /* PEM file of certificates trusted instead of the system's */
    bool allow_plain;    /* http:// to any host, not to loopback ones alone */
    int connect_seconds; /* 10 */
    int stall_seconds;   /* 30: less than `stall_bytes` per second for so long ends the request */
    int stall_bytes;     /* 1024 */
    int total_seconds;   /* 60, and one second more for every 256 kB to transfer; -1: no limit */
    const char *proxy;   /* URL of a proxy for https, NULL or "": none */
    const char *plain_proxy; /* the same for http */
    const char *no_proxy;    /* hosts that need none, separated by commas */
};

/* ERR_CONFIG: the file of certificates cannot be read. */
MUST_USE int http_new(const struct http_options *options, struct http **out, struct error *err);
void http_free(struct http *http); /* NULL allowed */

/* A header. Names in answers are in lower case. */
struct http_pair {
    const char *name;
    const char *value; /* may be a secret */
};

/* What became of a request. */
enum http_fate {
    HTTP_NEVER_SENT, /* no byte of it reached the server, or never its whole body */
    HTTP_SENT,       /* it, or a part, may have been received; the answer is lost or broken */
    HTTP_ANSWERED    /* a whole answer; `status` says which */
};

/* Why there is no answer. */
enum http_fault {
    HTTP_FINE,
    HTTP_ENDED,          /* a function of the caller's ended it, or a signal asked to stop */
    HTTP_BODY_FAULT,     /* what was to be sent could not be read, or is not what its digest says */
    HTTP_ADDRESS,        /* its address is refused: `refused` */
    HTTP_CERTIFICATE,    /* the server's certificate is not trusted */
    HTTP_CA_FILE,        /* the certificates to trust cannot be read */
    HTTP_PROXY_REFUSES,  /* the proxy does not connect: `proxy_status` */
    HTTP_PROXY_UNUSABLE, /* the proxy's URL or name cannot be used */
    HTTP_TIMEOUT,
    HTTP_UNUSABLE, /* a URL or protocol that libcurl does not take */
    HTTP_BROKEN    /* no connection, or one that broke */
};

struct http_answer {
    enum http_fate fate;
    enum http_fault fault;
    long status;
    long proxy_status;
    bool http2;
    bool framed; /* its end is marked; else it ends when the connection does, for whatever reason */
    bool has_length; /* it says how long its body is, as transferred */
    uint64_t length;
    bool loopback; /* it came from this machine; never where a proxy is used */
    char refused[INET6_ADDRSTRLEN];
    char reason[HTTP_REASON_SIZE]; /* of a failure: without URL, secrets or full stop */
    size_t header_count;
    struct http_pair headers[HTTP_HEADERS_MAX];
    char header_bytes[HTTP_HEADERS_SIZE];
    size_t header_used;
};

/* Value of a header (name in lower case), borrowed; NULL where the answer has none. */
const char *http_header(const struct http_answer *answer, const char *name);

/* Strings are borrowed; NULL and 0 stand for "none". */
struct http_request {
    const char *method;
    const char *url;
    const struct http_pair *headers;
    size_t header_count;
    const char *user; /* of basic authentication */
    const char *password;
    bool compressed;    /* let the server compress the transfer; the body comes decoded */
    bool fresh;         /* on a connection of its own, so that `may_reach` is asked */
    bool interruptible; /* a signal to stop ends it; only for requests that change nothing */

    /* What to send: bytes, or a stretch of a file. Neither: no body. */
    const void *bytes;
    const char *path;
    uint64_t offset; /* into the file */
    uint64_t size;   /* of the body */
    /* Hex digest that the body must have; what differs is never sent whole. NULL: any. */
    const char *sha256;
    uint64_t expected; /* bytes that may come, for the time allowed; 0: few */

    /*
     * Asked, where it is set, before a connection is made, with the address that the name was
     * resolved to: so no name can lead elsewhere than where it was checked. Behind a proxy only an
     * address in the URL itself is asked about.
     */
    bool (*may_reach)(void *ctx, const struct sockaddr *address);

    /*
     * Called with the head of the final answer, once, before the first byte of its body (NULL:
     * not); then with the body, piece by piece. A result other than ERR_OK ends the request and is
     * returned by it. HTTP_ENOUGH from on_body: the rest of the body is of no interest.
     */
    int (*on_head)(void *ctx, const struct http_answer *answer, struct error *err);
    int (*on_body)(void *ctx, const struct http_answer *answer, const void *bytes, size_t count,
                   struct error *err);
    void *ctx;
};

#define HTTP_ENOUGH (-1)

/*
 * Send it once. ERR_OK: answered, whatever the status. Else `answer` says how far it got and why:
 * ERR_AGAIN: HTTP_ADDRESS and everything below it; the text is the reason alone. ERR_CONFIG: a URL
 * that may not be used. ERR_DAMAGED: the body is not what its digest says. ERR_SYSTEM: a local
 * file. ERR_INTERRUPTED: a signal asked to stop. Else what `on_head` and `on_body` returned.
 */
MUST_USE int http_perform(struct http *http, const struct http_request *request,
                          struct http_answer *answer, struct error *err);

/* Seconds since 1970 of an HTTP date (RFC 9110, section 5.6.7); -1 where it is none. */
int64_t http_date(const char *text);

#endif
