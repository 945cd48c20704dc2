/*
 * What S3 servers answer: XML to structs, status and error code to what a caller may do.
 *
 * Pure functions over bytes; no I/O. Every text and list has a cap, document types and custom
 * entities are refused. Thread-safe. Source of the formats: Amazon S3 API Reference.
 */
#ifndef CAUCE_STORE_S3_WIRE_H
#define CAUCE_STORE_S3_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/error.h"
#include "util/str.h"

/* Most items of one page. */
#define S3_WIRE_ITEMS_MAX 10000

/* The operations whose answers mean different things. */
enum s3_op {
    S3_OP_GET,
    S3_OP_HEAD,
    S3_OP_LIST,
    S3_OP_CREATE,   /* PUT of an object, If-None-Match: * */
    S3_OP_REPLACE,  /* PUT of an object, If-Match */
    S3_OP_COPY,     /* conditional copy on the server */
    S3_OP_COMPLETE, /* the request that makes a multipart upload an object, If-None-Match: * */
    S3_OP_PART,     /* start, part or end of an upload that nobody sees */
    S3_OP_DELETE,
    S3_OP_DELETE_MANY
};

/* The error document of an answer; all empty where there was none. */
struct s3_wire_error {
    char code[64];
    char message[256];
    char region[64];
};

/* Read an error document (<Error>, also inside <ErrorResponse>); anything else gives empty text. */
void s3_wire_error_parse(const char *bytes, size_t count, struct s3_wire_error *out);

/*
 * What an answer means. `status` is the HTTP status; `code` the error code of the body ("" where
 * none). A status of 200 with a code is an error sent late, and is judged by its code.
 *
 *   reads (GET, HEAD, LIST)   404: ERR_ABSENT; 429, 5xx: ERR_AGAIN
 *   conditional writes        412: ERR_CONFLICT; 404 of a REPLACE: ERR_CONFLICT; 409: ERR_AGAIN (it
 *                             did not land); 429 and RequestTimeout: ERR_AGAIN; 5xx, 408: ERR_UNKNOWN
 *   uploads nobody sees       429, 5xx: ERR_AGAIN
 *   DELETE                    404: ERR_OK; 5xx: ERR_UNKNOWN
 *   all                       501: ERR_GATE; a bucket that is not there, the wrong region: ERR_CONFIG;
 *                             a body that did not arrive whole: ERR_AGAIN; other 4xx: ERR_DENIED,
 *                             but 450 and above without a code, which are a proxy's: like no answer
 */
int s3_wire_classify(enum s3_op op, long status, const char *code);

/* What no usable answer means, where the request was never sent (`sent` false) or may have been. */
int s3_wire_classify_silence(enum s3_op op, bool sent);

/* Does the code say that the clock of this machine is off; that the credentials have expired? */
bool s3_wire_is_skew(const char *code);
bool s3_wire_is_expired(const char *code);

/*
 * The tag of an ETag header: without quotes and without W/. Tags are kept in this form, whatever
 * the server's dialect. false: too long for the buffer, or empty.
 */
bool s3_wire_tag(const char *etag, char *out, size_t size);

struct s3_wire_object {
    char *key;
    uint64_t size;
};

/* One page of ListObjectsV2. */
struct s3_wire_list {
    struct s3_wire_object *objects;
    size_t count, capacity;
    bool truncated;
    char *token; /* for the next page; NULL where there is none */
};
MUST_USE int s3_wire_list_parse(const char *bytes, size_t count, struct s3_wire_list *out,
                                struct error *err);
void s3_wire_list_release(struct s3_wire_list *list);

struct s3_wire_upload {
    char *key;
    char *id;
};

/* One page of ListMultipartUploads. */
struct s3_wire_uploads {
    struct s3_wire_upload *uploads;
    size_t count, capacity;
    bool truncated;
    char *next_key, *next_id;
};
MUST_USE int s3_wire_uploads_parse(const char *bytes, size_t count, struct s3_wire_uploads *out,
                                   struct error *err);
void s3_wire_uploads_release(struct s3_wire_uploads *uploads);

/* The failures in an answer to DeleteObjects. */
struct s3_wire_failure {
    char *key;
    struct s3_wire_error error;
};
struct s3_wire_deleted {
    struct s3_wire_failure *failures;
    size_t count, capacity;
};
MUST_USE int s3_wire_deleted_parse(const char *bytes, size_t count, struct s3_wire_deleted *out,
                                   struct error *err);
void s3_wire_deleted_release(struct s3_wire_deleted *deleted);

#endif
