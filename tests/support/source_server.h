/*
 * A web server for tests of sources, tests/support/source_server.py: it serves the files of a folder
 * of its own, and the query of a URL says how (see there).
 */
#ifndef CAUCE_TESTS_SUPPORT_SOURCE_SERVER_H
#define CAUCE_TESTS_SUPPORT_SOURCE_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct source_server {
    char *folder; /* its files; "requests" is its own */
    char *url;    /* "http://127.0.0.1:PORT" */
    pid_t pid;
    int in; /* its standard input: it ends with it */
};

/* How to start one; NULL: 127.0.0.1, without TLS. */
struct source_server_options {
    const char *address;     /* to listen on */
    const char *host;        /* name in `url`, where it is not the address */
    const char *certificate; /* PEM files: https */
    const char *key;
};

/* Start; aborts on failure. */
void source_server_start(struct source_server *server, const struct source_server_options *options);
void source_server_stop(struct source_server *server);

/* Write a file that it serves. */
void source_server_put(struct source_server *server, const char *name, const void *bytes,
                       size_t count);

/* Requests since the last call of source_server_forget, where also "the first requests" begin. */
size_t source_server_count(struct source_server *server);
void source_server_forget(struct source_server *server);

/* Request `index` (0 is the first), line and headers, as a new string; aborts where there is none. */
char *source_server_request(struct source_server *server, size_t index);

/* Does the text stand in request `index`? Upper and lower case are the same. */
bool source_server_saw(struct source_server *server, size_t index, const char *text);

#endif
