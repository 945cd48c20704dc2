/*
 * A real S3 server for a test, brought up for this test alone in a folder of its own: Ceph's gateway
 * (tests/support/ceph-rgw), or one of those that tests/support/s3-other knows. In place of the
 * gateway, CAUCE_TEST_S3_ENDPOINT may name a server that runs already (with
 * CAUCE_TEST_S3_ACCESS_KEY and CAUCE_TEST_S3_SECRET_KEY), as scripts/test does, or say "none".
 */
#ifndef CAUCE_TESTS_S3_SERVER_H
#define CAUCE_TESTS_S3_SERVER_H

#include <stdbool.h>

#include "store/store.h"

#define S3_SETTINGS_MAX 32

/* Settings of a store: names and values, as store_options.setting gives them. */
struct s3_test_settings {
    char *names[S3_SETTINGS_MAX];
    char *values[S3_SETTINGS_MAX];
};

/* Set (or, with NULL, take away) a setting. */
void s3_test_set(struct s3_test_settings *settings, const char *name, const char *value);
void s3_test_settings_release(struct s3_test_settings *settings);

/* The function for store_options.setting; ctx is the settings. */
const char *s3_test_get(void *ctx, const char *name);

struct s3_server {
    struct s3_test_settings settings; /* endpoint, credentials, region, a cache folder */
    char *folder;                     /* of what was brought up */
    const char *name;                 /* NULL: Ceph's gateway */
    bool own;
};

/*
 * Start. false: there is no server to be had here; the reason was printed, and main() returns 77.
 */
bool s3_server_start(struct s3_server *server);

/* The same for a server of s3-other ("versitygw", "moto", "s3rver"). */
bool s3_server_start_other(struct s3_server *server, const char *name);
void s3_server_stop(struct s3_server *server);

/* Make a bucket; aborts where that fails. */
void s3_server_make_bucket(struct s3_server *server, const char *bucket);

/* Open s3://bucket/prefix with the server's settings, decorated or bare; aborts on failure. */
struct store *s3_server_open(struct s3_server *server, const char *url, bool bare);

#endif
