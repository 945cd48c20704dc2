/*
 * A request whose answer is kept: in memory or in a file, hashed as it arrives; the body of an
 * answer that is not a success is kept separately. Every buffer has a cap. Over net/http.h, whose
 * rules hold.
 */
#ifndef CAUCE_NET_TRANSFER_H
#define CAUCE_NET_TRANSFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/http.h"
#include "util/digest.h"
#include "util/error.h"
#include "util/str.h"

#define TRANSFER_ERROR_MAX 65536 /* bytes kept of the body of an answer that is not a success */

struct transfer_request {
    const char *method;
    const char *url;
    const struct http_pair *headers;
    size_t header_count;

    /* What to send, as in struct http_request. */
    const void *bytes;
    const char *path;
    uint64_t offset;
    uint64_t size;
    const char *sha256;

    /* Where the body of a 2xx answer goes: appended to a string, or to a descriptor at an offset. */
    struct str *into;
    int fd; /* used where `into` is NULL and `to_file` is set */
    bool to_file;
    uint64_t fd_offset;
    uint64_t fd_limit; /* most bytes to write there */
    uint64_t expected; /* bytes that may come, for the time allowed; 0: few */
};

struct transfer_answer {
    struct http_answer head;
    struct str error_body;        /* body of an answer that is not 2xx */
    char sha256[SHA256_HEX_SIZE]; /* of the body of a 2xx answer */
    uint64_t received;            /* its bytes */
};

void transfer_answer_init(struct transfer_answer *answer);
void transfer_answer_release(struct transfer_answer *answer);

/*
 * Send one request once. ERR_OK: answered, whatever the status. Else `answer->head.fate` says how
 * far it got, and the code what went wrong here: ERR_AGAIN: connection, time-out; ERR_CONFIG: a URL
 * that may not be used, a certificate that is not accepted; ERR_LIMIT: the answer is larger than
 * its cap; ERR_DAMAGED: the body to send is not what its digest says; ERR_SYSTEM: a local file.
 */
MUST_USE int transfer_perform(struct http *http, const struct transfer_request *request,
                              struct transfer_answer *answer, struct error *err);

#endif
