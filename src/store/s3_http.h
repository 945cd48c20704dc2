/*
 * One HTTP request over libcurl: HTTP/1.1, or HTTP/2 where TLS negotiates it. No retries, no
 * redirects, no environment. TLS certificates are verified; plain http goes to loopback addresses
 * only, unless it is asked for. Every buffer has a cap. The only file that includes curl.
 *
 * One `struct s3_http` may be used by several threads at once: each request takes a handle with its
 * own kept-alive connection out of a pool.
 */
#ifndef CAUCE_STORE_S3_HTTP_H
#define CAUCE_STORE_S3_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/s3_sign.h"
#include "util/digest.h"
#include "util/error.h"
#include "util/str.h"

#define S3_HTTP_HEADERS_MAX 64
#define S3_HTTP_HEADERS_SIZE 16384 /* bytes of all headers kept of one answer */
#define S3_HTTP_ERROR_MAX 65536    /* bytes kept of the body of an answer that is no success */

struct s3_http;

/* Zero or NULL: the default. Strings are copied. */
struct s3_http_options {
    const char *ca_file;     /* PEM file of certificates trusted instead of the system's */
    bool allow_plain;        /* http:// to any host */
    int connect_seconds;     /* 10 */
    int stall_seconds;       /* 30: less than 1 kB/s for so long ends the request */
    int total_seconds;       /* 60, and one second more for every 256 kB to transfer */
    const char *proxy;       /* URL of a proxy for https, NULL or "": none */
    const char *plain_proxy; /* the same for http */
    const char *no_proxy;    /* hosts that need none, separated by commas */
};

int s3_http_new(const struct s3_http_options *options, struct s3_http **out, struct error *err);
void s3_http_free(struct s3_http *http); /* NULL allowed */

struct s3_http_request {
    const char *method;
    const char *url;
    const struct s3_pair *headers;
    size_t header_count;

    /* What to send: bytes, or a stretch of a file. Neither: no body. */
    const void *bytes;
    const char *path;
    uint64_t offset; /* into the file */
    uint64_t size;   /* of the body */
    /* Hex digest that the body must have; what differs is never sent whole (ERR_DAMAGED). NULL: any. */
    const char *sha256;

    /* Where the body of a 2xx answer goes: appended to a string, or to a descriptor at an offset. */
    struct str *into;
    int fd; /* used where `into` is NULL and `to_file` is set */
    bool to_file;
    uint64_t fd_offset;
    uint64_t fd_limit; /* most bytes to write there */
    uint64_t expected; /* bytes that may come, for the time allowed; 0: few */
};

/* What became of a request. */
enum s3_http_fate {
    S3_HTTP_ANSWERED,   /* a whole answer; `status` says which */
    S3_HTTP_NEVER_SENT, /* no byte of it reached the server */
    S3_HTTP_SENT        /* it, or a part, may have been received; the answer is lost or broken */
};

struct s3_http_answer {
    enum s3_http_fate fate;
    long status;
    bool http2;
    struct str error_body;        /* body of an answer that is no 2xx */
    char sha256[SHA256_HEX_SIZE]; /* of the body of a 2xx answer */
    uint64_t received;            /* its bytes */
    size_t header_count;
    struct s3_pair headers[S3_HTTP_HEADERS_MAX]; /* names in lower case */
    char header_bytes[S3_HTTP_HEADERS_SIZE];
    size_t header_used;
};

void s3_http_answer_init(struct s3_http_answer *answer);
void s3_http_answer_release(struct s3_http_answer *answer);

/* Value of a header (name in lower case), NULL where the answer has none. */
const char *s3_http_header(const struct s3_http_answer *answer, const char *name);

/*
 * Send one request once. ERR_OK: answered, whatever the status.
 * Else `answer->fate` tells how far it came, and the code what went wrong here:
 * ERR_AGAIN: connection, time-out; ERR_CONFIG: a URL that may not be used, a certificate that is
 * not accepted; ERR_LIMIT: the answer is
 * larger than its cap; ERR_DAMAGED: the body to send is not what its digest says; ERR_SYSTEM: a
 * local file.
 */
int s3_http_perform(struct s3_http *http, const struct s3_http_request *request,
                    struct s3_http_answer *answer, struct error *err);

/* Is this an URL of a loopback host ("http://127.0.0.1:7480/", localhost, x.localhost, [::1])? */
bool s3_http_is_loopback(const char *url);

#endif
