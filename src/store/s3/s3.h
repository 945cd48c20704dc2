/*
 * A store in an S3-compatible bucket (docs/s3.md): s3://bucket/prefix. Conditional writes are
 * If-None-Match and If-Match, as docs/protocol.md wants them judged; nothing is repeated here,
 * store_retry does that.
 */
#ifndef CAUCE_STORE_S3_S3_H
#define CAUCE_STORE_S3_S3_H

#include "store/store.h"

/*
 * Open a bucket, decorated with back-off. Nothing is sent yet. Settings come from
 * options->setting. The first operation that writes runs the probe where its result is not known.
 * ERR_CONFIG: URL or settings.
 */
MUST_USE int store_s3_open(const char *url, const struct store_options *options, struct store **out,
                           struct error *err);

/* The same without back-off: for tests of what one request does. */
MUST_USE int store_s3_open_bare(const char *url, const struct store_options *options,
                                struct store **out, struct error *err);

#endif
