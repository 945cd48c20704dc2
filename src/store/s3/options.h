/* What may be said of a bucket when it is opened. Data only. */
#ifndef CAUCE_STORE_S3_OPTIONS_H
#define CAUCE_STORE_S3_OPTIONS_H

#include <stdbool.h>

enum store_s3_addressing { STORE_S3_AUTO, STORE_S3_PATH, STORE_S3_VIRTUAL };
enum store_s3_encryption {
    STORE_S3_ENCRYPTION_UNSET,
    STORE_S3_ENCRYPTION_NONE, /* as the bucket has it */
    STORE_S3_ENCRYPTION_AES,  /* SSE-S3 */
    STORE_S3_ENCRYPTION_KMS   /* SSE-KMS */
};

/* What the configuration says of a bucket. What is zero or NULL is taken from the environment. */
struct store_s3_options {
    const char *endpoint;
    const char *region;
    const char *profile;
    const char *ca_file;
    const char *proxy; /* for https */
    const char *expected_bucket_owner;
    const char *kms_key_id;
    enum store_s3_addressing addressing;
    enum store_s3_encryption encryption;
    bool allow_plain;
    bool reads_only;   /* owner and encryption are meant for buckets that are published to */
    unsigned parallel; /* most transfers at once */
};

#endif
