/*
 * What the files of the S3 backend share: the open store, and one signed request with its answer
 * judged. Used by the files of this folder only.
 */
#ifndef CAUCE_STORE_S3_CLIENT_H
#define CAUCE_STORE_S3_CLIENT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "net/aws/credentials.h"
#include "net/transfer.h"
#include "store/s3/settings.h"
#include "store/s3/wire.h"
#include "store/store.h"
#include "store/store_probe.h"

/* The digest of the content travels with every object, so that each download can be checked. */
#define S3_META_SHA256 "x-amz-meta-cauce-sha256"

struct s3_client {
    struct store store; /* first */
    struct s3_settings settings;
    struct http *http;
    struct aws_chain *chain;
    _Atomic int64_t clock_offset; /* microseconds that the server's clock is ahead of ours */
    _Atomic bool unquoted;        /* If-Match without quotes */
    _Atomic bool multipart;       /* conditions hold for multipart uploads: proven by the probe */
    _Atomic bool copies;          /* conditions hold for copies: proven by the probe */
    _Atomic bool batches;         /* DeleteObjects works; cleared by the first refusal */
    _Atomic bool probed;          /* the dialect is known */
    _Atomic long absent_status;   /* of the last If-Match on an object that was not there */
};

#define S3_CALL_PAIRS_MAX 24

/* One request. Pairs are borrowed; names of headers are lower case. */
struct s3_call {
    enum s3_op op;
    const char *key; /* in the store; NULL: the bucket itself */
    struct http_pair headers[S3_CALL_PAIRS_MAX];
    size_t header_count;
    struct http_pair query[8];
    size_t query_count;
    struct transfer_request http; /* method, body and destination; the rest is filled in */
    bool subresult;               /* 200 may carry an error: the body in http.into is looked at */
};

void s3_call_header(struct s3_call *call, const char *name, const char *value);
void s3_call_query(struct s3_call *call, const char *name, const char *value);

/*
 * Sign and send it once, and judge the answer: the code of s3_wire_classify, with a sentence that
 * names the request. `answer` is initialised by the caller and valid for its headers afterwards.
 */
MUST_USE int s3_client_call(struct s3_client *client, struct s3_call *call,
                            struct transfer_answer *answer, struct error *err);

/* The object's name in the bucket (prefix and key) as a new string. */
MUST_USE char *s3_client_name(const struct s3_client *client, const char *key);

/* Tag of an answer's ETag; ERR_DAMAGED where it has none. `tag` may be NULL. */
MUST_USE int s3_client_tag(const struct transfer_answer *answer, const char *key,
                           struct store_tag *tag, struct error *err);

/* Compare what was received with the digests that came with it: ERR_DAMAGED where they differ. */
MUST_USE int s3_client_verify(const struct transfer_answer *answer, const char *key,
                              const char *sha256, struct error *err);

/* A condition on the object written. */
struct s3_condition {
    const char *name; /* "if-none-match", "if-match", or NULL: none */
    char value[STORE_TAG_SIZE + 3];
};
struct s3_condition s3_condition_absent(void);
struct s3_condition s3_condition_tag(const struct s3_client *client, const struct store_tag *tag);

/* Add the headers that describe a new object: digest, labels, encryption. */
struct s3_meta {
    char names[STORE_LABELS_MAX][48];
    char checksum[64];
};
void s3_client_describe(const struct s3_client *client, struct s3_call *call,
                        const struct store_label *labels, const char *sha256,
                        struct s3_meta *storage);

/* Slots of the backend, by file. */
MUST_USE int s3_object_get(struct store *st, const char *key, struct str *body,
                           struct store_tag *tag, struct error *err);
MUST_USE int s3_object_head(struct store *st, const char *key, struct store_info *info,
                            struct error *err);
MUST_USE int s3_object_put_new(struct store *st, const char *key, const struct store_body *body,
                               struct store_tag *tag, struct error *err);
MUST_USE int s3_object_swap(struct store *st, const char *key, const struct store_tag *expected,
                            const struct store_body *body, struct store_tag *tag,
                            struct error *err);
MUST_USE int s3_object_move(struct store *st, const struct store_move *move, struct error *err);
MUST_USE int s3_object_remove(struct store *st, const char *key, struct error *err);
MUST_USE int s3_download_file(struct store *st, const char *key, const char *path,
                              struct store_tag *tag, struct error *err);
MUST_USE int s3_list_all(struct store *st, const char *prefix, store_visit *visit, void *ctx,
                         struct error *err);
MUST_USE int s3_list_remove_many(struct store *st, const char *const *keys, size_t count,
                                 size_t *removed, struct error *err);

/* One conditional PUT of a body, in parts. */
MUST_USE int s3_upload_put(struct s3_client *client, const char *key,
                           const struct s3_condition *condition, const struct store_body *body,
                           struct store_tag *tag, struct error *err);

/*
 * Unfinished uploads show in listings under a name of this form, "<key>.upload~<id>", and removing
 * that name ends the upload. Splits it in place; false where the name is of another form.
 */
bool s3_upload_split(char *key, char **id);
MUST_USE int s3_upload_abort(struct s3_client *client, const char *key, const char *id,
                             struct error *err);

#endif
