/*
 * What tests of the S3 store against scripted answers (http_mock.h) share: an open store whose
 * secret is a canary, which must show nowhere, and a clock that does not wait.
 */
#ifndef CAUCE_TESTS_S3_CASE_H
#define CAUCE_TESTS_S3_CASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/store.h"
#include "store/store_probe.h"
#include "support/http_mock.h"
#include "support/s3_server.h"

#define S3_CASE_SECRET "canary/SECRET/0123456789abcdefghijklmn"
#define S3_CASE_TOKEN "canary-token-9876543210zyxwvu"

struct s3_case {
    struct http_mock *mock;
    struct s3_test_settings settings;
    struct store *store;
    char *folder;
    struct error err;
    struct store_dialect dialect; /* what the probe is taken to have learned */
};

/* Microseconds that the program would have slept. */
extern int64_t s3_case_slept;

/* For the group of tests: the clock, and an eye on the log. */
int s3_case_setup(void **state);

/* The mock and the settings; change them before opening. */
void s3_case_prepare(struct s3_case *f, const char *scenario);

/* Open s3://bucket/p, proven as the dialect says; bare: without the retries. */
void s3_case_open(struct s3_case *f, bool bare);
void s3_case_begin(struct s3_case *f, const char *scenario, bool bare); /* both */

/* Every exchange was asked for, nothing else was, and no secret showed. */
void s3_case_end(struct s3_case *f);
void s3_case_no_canary(const char *text);

/* Does request i have this header line (name in lower case)? Fails the test where not. */
void s3_case_has_header(struct s3_case *f, size_t i, const char *line);

/* Read "key"; create it with "hello"; replace tag 0123 of it by "hello". */
int s3_case_get(struct s3_case *f, char **text, struct store_tag *tag);
int s3_case_put(struct s3_case *f, struct store_tag *tag);
int s3_case_swap(struct s3_case *f, struct store_tag *tag);

#endif
