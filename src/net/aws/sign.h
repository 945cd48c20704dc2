/*
 * AWS Signature Version 4, single chunk, in the Authorization header, as Amazon S3 requires (the
 * path is encoded once and never normalised). Source: "Authenticating Requests (AWS Signature
 * Version 4)", Amazon S3 API Reference.
 *
 * Pure functions: no clock, no environment, no I/O. Thread-safe.
 */
#ifndef CAUCE_NET_AWS_SIGN_H
#define CAUCE_NET_AWS_SIGN_H

#include <stddef.h>
#include <stdint.h>

#include "net/http.h"
#include "util/error.h"
#include "util/str.h"

/* "20130524T000000Z" and its NUL. */
#define AWS_SIGN_DATE_SIZE 17

/* Most headers of one request. */
#define AWS_SIGN_HEADERS_MAX 40

/* Who signs. The token is NULL or "" where the key is permanent. */
struct aws_sign_key {
    const char *access_key_id;
    const char *secret;
    const char *session_token;
};

struct aws_sign_request {
    const char *method;
    const char *path; /* encoded, as in the request line: aws_sign_path */
    const char
        *query; /* encoded and sorted, as in the request line, "" where none: aws_sign_query */
    const struct http_pair *headers; /* all that are to be signed, host and x-amz-date among them */
    size_t header_count;
    const char *payload_sha256; /* hex digest of the body, or what x-amz-content-sha256 says */
    const char *date;           /* of x-amz-date: YYYYMMDDTHHMMSSZ */
    const char *region;
    const char *service;
};

/* Append `key` as an absolute path: every byte but A-Z a-z 0-9 - . _ ~ / as %XX. */
void aws_sign_path(const char *key, struct str *out);

/* Append one value encoded for a query: as aws_sign_path, and the slash as well. */
void aws_sign_encode(const char *value, struct str *out);

/*
 * Append the parameters (raw names and values), encoded, joined by & and sorted as SigV4 requires.
 */
void aws_sign_query(const struct http_pair *parameters, size_t count, struct str *out);

/* The date header's text of a time in microseconds since 1970 UTC. */
MUST_USE int aws_sign_date(int64_t microseconds, char out[AWS_SIGN_DATE_SIZE], struct error *err);

/* Append the canonical request. For tests. */
MUST_USE int aws_sign_canonical(const struct aws_sign_request *request, struct str *out,
                                struct error *err);

/*
 * Append the value of the Authorization header. A session token is not handled here: it is a header
 * like others (x-amz-security-token) and must be among those given. ERR_LIMIT: too many headers, or
 * text larger than the cap of `out`; ERR_CONFIG: a malformed date.
 */
MUST_USE int aws_sign_authorization(const struct aws_sign_request *request,
                                    const struct aws_sign_key *key, struct str *out,
                                    struct error *err);

/* Append the standard base64 (RFC 4648) of some bytes, and of a lower-case hex digest. */
void aws_sign_base64(const unsigned char *bytes, size_t count, struct str *out);
void aws_sign_base64_of_hex(const char *hex, struct str *out);

#endif
