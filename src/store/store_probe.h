/*
 * The proof that a store honours its conditions, by real requests (docs/protocol.md, step 0), and
 * what is learned about its dialect on the way. A store that fails it can be read, never published
 * to.
 */
#ifndef CAUCE_STORE_STORE_PROBE_H
#define CAUCE_STORE_STORE_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/store.h"
#include "util/error.h"

/* How a server wants requests to be written. */
struct store_dialect {
    bool unquoted;  /* If-Match: the ETag without quotes */
    bool multipart; /* conditions hold where a multipart upload is completed */
    bool copies;    /* conditions hold for a copy on the server */
    long absent;    /* status of If-Match on an object that is not there: 404 or 412 */
};

/* Rounds of each race, writers in each, and bytes that each of them writes. */
#define STORE_PROBE_ROUNDS 8
#define STORE_PROBE_WRITERS 12
#define STORE_PROBE_BYTES 16384

/* Rounds of the races of copies on the server, where conditions seem to hold for these. */
#define STORE_PROBE_COPY_ROUNDS 2

/* Bytes of a server's name. */
#define STORE_PROBE_SERVER 64

/*
 * The store to be proven; objects below ".probe/" are made and deleted. In the races its operations
 * must not be repeated by a decorator.
 */
struct store_subject {
    struct store *store;
    /* The same, but repeats what may be repeated: for all but the races. NULL: that store itself. */
    struct store *patient;
    void *ctx;
    /* Use this dialect from now on. NULL: there is only one. */
    void (*use)(void *ctx, const struct store_dialect *dialect);
    /*
     * Name of the server that answers for an object, "" where it gives none. Some are known to
     * check a condition and then write, which a race of a few seconds may well miss. NULL: no
     * server.
     */
    int (*server)(void *ctx, const char *key, char out[STORE_PROBE_SERVER], struct error *err);
    /* Status of the last conditional replacement of an absent object. NULL: there is none. */
    long (*absent_status)(void *ctx);
    /*
     * Write in parts, and copy on the server, under the condition that the target is as expected
     * (NULL: absent). Results as those of swap. NULL: the store cannot.
     */
    int (*put_in_parts)(void *ctx, const char *key, const struct store_tag *expected,
                        const struct store_body *body, struct error *err);
    int (*copy)(void *ctx, const char *from, const char *to, const struct store_tag *expected,
                struct error *err);
};

/*
 * Prove it: no server known to be unsafe, create twice, replace with the right and with a wrong tag, replace what is not there,
 * race, read back. ERR_GATE names the check that failed; ERR_AGAIN and others: it could not be
 * carried out. The probe's objects are deleted whatever happens.
 */
MUST_USE int store_probe_prove(const struct store_subject *subject, struct store_dialect *out,
                               struct error *err);

/*
 * The result kept in a file below `folder` (NULL: not kept) and in the store itself, for one
 * endpoint and bucket (`identity`), good for STORE_PROBE_DAYS days from `now` (microseconds since
 * 1970 UTC). Loading gives false where there is none that can be used; saving and forgetting are
 * best effort. Only proofs are kept, never refusals.
 */
#define STORE_PROBE_DAYS 7
struct store_proof {
    const char *folder;
    const char *identity;
    struct store *store; /* whose writing needs no proof; NULL: not kept there */
};
bool store_probe_load(const struct store_proof *kept, int64_t now, struct store_dialect *out);
void store_probe_save(const struct store_proof *kept, int64_t now,
                      const struct store_dialect *dialect);
void store_probe_forget(const struct store_proof *kept);

#endif
