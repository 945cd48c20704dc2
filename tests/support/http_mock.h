/*
 * A tiny HTTP server in threads of the test, whose answers are a data file: one exchange after the
 * other, each
 *
 *     === METHOD TARGET [drop|cut|hang|gone]
 *     HTTP/1.1 200 OK
 *     name: value
 *     (empty line)
 *     body
 *
 * A request is answered by the first exchange not yet used with its method and a target that is a
 * prefix of its own. The body ends before the next "===" line, without its last newline;
 * content-length is added. "drop" reads the request and closes without an answer; "cut" closes in
 * the middle of the body; "hang" never answers; "gone" drops, and nobody listens any more. A request that no exchange fits is answered 599 and remembered as strange.
 */
#ifndef CAUCE_TESTS_HTTP_MOCK_H
#define CAUCE_TESTS_HTTP_MOCK_H

#include <stddef.h>

struct http_mock;

/* Start with the exchanges of tests/data/s3/<scenario>.http. Aborts on failure. */
struct http_mock *http_mock_new(const char *scenario);

/* "http://127.0.0.1:PORT", owned by the mock. */
const char *http_mock_url(const struct http_mock *mock);

/* Requests so far; one of them, head and body, names of headers as sent. */
size_t http_mock_count(struct http_mock *mock);
const char *http_mock_request(struct http_mock *mock, size_t index);

/* Exchanges not used and strange requests; 0: everything went as the file says. */
size_t http_mock_faults(struct http_mock *mock);

void http_mock_free(struct http_mock *mock);

#endif
