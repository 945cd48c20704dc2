/*
 * The settings of an S3 store: its URL, what the configuration says and, where that is silent, what
 * the environment does. Read once at opening and checked. Every name is listed in docs/s3.md.
 */
#ifndef CAUCE_STORE_S3_SETTINGS_H
#define CAUCE_STORE_S3_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "net/aws/lookup.h"
#include "store/store.h"
#include "util/error.h"

/* All strings are owned; NULL where not set, unless said otherwise. */
struct s3_settings {
    char *bucket;
    char *prefix;    /* without slashes around it; "" where none */
    char *scheme;    /* "https" or "http" */
    char *authority; /* host, and port where it is not the scheme's own; with the bucket in front
                        where it is addressed as a virtual host */
    char *base_path; /* encoded, "" or "/..." without a slash at the end; the bucket included where
                        it is addressed by path */
    char *endpoint;  /* as it was named; NULL: that of AWS */
    char *region;
    char *expected_bucket_owner;
    char *encryption; /* value of x-amz-server-side-encryption */
    char *kms_key_id;
    char *ca_file;
    char *proxy;       /* for https */
    char *plain_proxy; /* for http */
    char *no_proxy;
    char *cache_folder; /* of this user, for what was learned about servers */
    char *temp_folder;  /* never NULL */
    bool allow_plain;
    unsigned transfers;           /* at once */
    uint64_t part_size;           /* bytes of a part of an upload, and of a range of a download */
    uint64_t multipart_threshold; /* bodies larger than this go up in parts */
    int connect_seconds, stall_seconds, total_seconds;
    uint64_t retry_seconds; /* after which repeatable requests are given up */
};

/* ERR_CONFIG: not s3://bucket/prefix, or a setting that cannot be used. */
MUST_USE int s3_settings_load(const char *url, const struct store_s3_options *options,
                              const struct aws_lookup *lookup, struct s3_settings *out,
                              struct error *err);
void s3_settings_release(struct s3_settings *settings);

#endif
