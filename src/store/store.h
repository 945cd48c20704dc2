/*
 * The contract of a store: named objects with atomic creation and compare-and-swap.
 *
 * A store is a folder, a bucket prefix or memory. It knows nothing of datasets. Everything that
 * cauce promises rests on the promises made here, and one suite (tests/contract) holds every
 * backend to them.
 *
 * Keys are UTF-8 without a leading slash, "." or ".." segments, empty segments, control characters
 * or backslashes, at most STORE_KEY_MAX bytes: store_key_check. A key can never leave the root.
 *
 * Tags identify one state of one object ("ETag"). A tag is only meaningful for the same key of the
 * same store; tags are compared as bytes. A tag given by get, put_new or swap may be expected by
 * swap; a tag given by head may be expected by move.
 *
 * After a failure:
 *   ERR_CONFLICT  the condition did not hold; this call changed nothing
 *   ERR_AGAIN     this call changed nothing that a reader could see; it may be repeated
 *   ERR_FULL      as ERR_AGAIN: there is no room left
 *   ERR_DENIED    as ERR_AGAIN, but repeating does not help
 *   ERR_INTERRUPTED  as ERR_AGAIN: a signal ended the waiting for somebody else
 *   ERR_UNKNOWN   (put_new, swap, move, remove) no usable answer: the change may have happened, may
 *                 still happen, or never. Nobody may delete anything because of it
 *   ERR_DAMAGED   the bytes that arrived are not the bytes that were asked for
 *   ERR_ABSENT    there is no such object
 *   ERR_LIMIT     the object is larger than the caller's limit
 *
 * Threads: one store may be used by several threads at once.
 */
#ifndef CAUCE_STORE_STORE_H
#define CAUCE_STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/store_options.h"
#include "util/digest.h"
#include "util/error.h"
#include "util/str.h"

#define STORE_KEY_MAX 900
/*
 * No key of a dataset is longer, the mark of an interrupted write behind it included: a store is not
 * opened where there is not that much room behind the path or prefix of its root.
 */
#define STORE_ROOM 240
#define STORE_TAG_SIZE 160

struct store_tag {
    char text[STORE_TAG_SIZE]; /* "" where there is none */
};

/* Small labels that travel with an object where the backend can keep them (trait `labels`). */
#define STORE_LABELS_MAX 4
struct store_label {
    char name[24];  /* [a-z0-9-] */
    char value[80]; /* printable ASCII */
};

/* Content to write: bytes in memory, or a local file that nobody changes any more. */
struct store_body {
    const void *bytes; /* used where path is NULL */
    const char *path;  /* a closed local file */
    /*
     * The file is given away: a backend may move it into place instead of copying it, so that it is
     * gone afterwards, whatever comes of the call. Else what is stored shares its bytes with nothing.
     */
    bool given;
    uint64_t size; /* exact */
    char sha256
        [SHA256_HEX_SIZE]; /* of the content; a backend must refuse what differs: ERR_DAMAGED */
    struct store_label labels[STORE_LABELS_MAX]; /* the first with an empty name ends the list */
};

/* Body of bytes in memory (borrowed), with its digest computed. */
struct store_body store_body_bytes(const void *bytes, size_t size);

/* Body of a local file (path borrowed), hashed now. */
MUST_USE int store_body_file(const char *path, struct store_body *out, struct error *err);

/* What is known of an object without reading it. */
struct store_info {
    uint64_t size;
    struct store_tag tag;
    struct store_label labels[STORE_LABELS_MAX];
};

/* One object found by list. `tag` is empty where listing does not tell. */
struct store_entry {
    const char *key; /* borrowed for the duration of the call */
    uint64_t size;
};
typedef int store_visit(void *ctx, const struct store_entry *entry, struct error *err);

/* Put the content of one object at the key of another: see store_move. */
struct store_move {
    const char *from;
    const char *to;
    const struct store_tag *expected;  /* state of `to` seen by head; NULL: `to` must not exist */
    const char *guard;                 /* an object that must still carry guard_tag */
    const struct store_tag *guard_tag; /* as given by get, put_new or swap */
    struct store_label labels[STORE_LABELS_MAX];
};

/* What a backend guarantees; the core refuses to publish to one that lacks what it needs. */
struct store_traits {
    const char *kind;      /* "file", "s3", "memory" */
    bool compare_and_swap; /* put_new and swap are atomic and durable */
    bool local_paths;      /* store_local_path works: objects are ordinary files */
    bool labels;           /* labels are kept and reported by head */
    bool guarded_move;     /* move checks the guard and moves in one atomic step */
    unsigned parallel;     /* operations at once that are of use; 0: one after the other */
    /* The server as it was named, where one URL names a place on each; NULL: the URL is enough. */
    const char *server; /* borrowed from the store */
};

/* Counters of requests since opening, for the bill of a run. */
struct store_bill {
    uint64_t gets, heads, puts, swaps, moves, lists, deletes;
    uint64_t bytes_read, bytes_written;
    uint64_t requests; /* actually sent, with retries */
    uint64_t retries;
};

/* Add what was asked of another store. */
void store_bill_add(struct store_bill *to, const struct store_bill *from);

struct store;

/* The backend's side. Each slot follows the contract of the function of its name below. */
struct store_ops {
    int (*get)(struct store *st, const char *key, struct str *body, struct store_tag *tag,
               struct error *err);
    int (*get_file)(struct store *st, const char *key, const char *path, struct store_tag *tag,
                    struct error *err);
    int (*head)(struct store *st, const char *key, struct store_info *info, struct error *err);
    int (*put_new)(struct store *st, const char *key, const struct store_body *body,
                   struct store_tag *tag, struct error *err);
    int (*swap)(struct store *st, const char *key, const struct store_tag *expected,
                const struct store_body *body, struct store_tag *tag, struct error *err);
    int (*move)(struct store *st, const struct store_move *move, struct error *err);
    int (*list)(struct store *st, const char *prefix, store_visit *visit, void *ctx,
                struct error *err);
    int (*remove)(struct store *st, const char *key, struct error *err);
    /* Many keys at once; NULL: one by one. */
    int (*remove_many)(struct store *st, const char *const *keys, size_t count, size_t *removed,
                       struct error *err);
    /* Many bodies at once, in parallel; NULL: one by one. See store_put_many. */
    int (*put_many)(struct store *st, const char *const *keys, const struct store_body *bodies,
                    size_t count, bool *written, struct error *err);
    int (*local_path)(struct store *st, const char *key, char **path, struct error *err);
    int (*probe)(struct store *st, struct error *err); /* NULL: safe by construction */
    int (*describe)(struct store *st, struct str *out, struct error *err); /* NULL: the URL */
    void (*free)(struct store *st);
};

/* Common head of every backend; a backend embeds it first. */
struct store {
    const struct store_ops *ops;
    struct store_traits traits;
    struct store_bill bill; /* backends count; decorators pass on */
    char *url;              /* for messages, without secrets; owned */
};

/*
 * Open a store by URL: file:///path, a plain path, memory: (one process), s3://bucket/prefix.
 * ERR_CONFIG: not a URL of a known kind; ERR_ABSENT: a folder that is not there (and create not
 * set); ERR_GATE: a network file system not asked for.
 */
MUST_USE int store_open(const char *url, const struct store_options *options, struct store **out,
                        struct error *err);
void store_free(struct store *st); /* NULL allowed */

/*
 * Has the call that failed with `rc` changed nothing, for sure and for good? Not said of
 * ERR_CONFLICT: a refusal may be the answer to a second copy of a request that succeeded.
 */
bool store_surely_unchanged(int rc);

/* Is the key well-formed? ERR_CONFIG with the reason. Every function below checks it first. */
MUST_USE int store_key_check(const char *key, struct error *err);

/*
 * A store leaves names of its own beside those of its objects. Length of the object's key in the
 * name of what an interrupted write left ("<key>.tmp-<id>", "<key>.upload~<id>"); for any other
 * name its whole length.
 */
size_t store_key_object(const char *key);

/* Is it the name of an object that the probe makes and removes? */
bool store_key_is_probe(const char *key);

/* Body and tag from one answer. Appends to `body`, whose cap is the limit. `tag` may be NULL. */
MUST_USE int store_get(struct store *st, const char *key, struct str *body, struct store_tag *tag,
                       struct error *err);

/* Into a new local file (replaced where it exists; removed on failure). `tag` may be NULL. */
MUST_USE int store_get_file(struct store *st, const char *key, const char *path,
                            struct store_tag *tag, struct error *err);

MUST_USE int store_head(struct store *st, const char *key, struct store_info *info,
                        struct error *err);

/*
 * Create an object that must not exist: all of it is there under its key, durable, or nothing is.
 * ERR_CONFLICT: it exists (whatever its content). `tag` may be NULL.
 */
MUST_USE int store_put_new(struct store *st, const char *key, const struct store_body *body,
                           struct store_tag *tag, struct error *err);

/*
 * Replace the object if it still carries `expected` (NULL: it must not exist), in one atomic and
 * durable step. Never repeated by anything below this call. ERR_CONFLICT also where it is absent
 * and `expected` is not NULL. `tag` is set only on success and may be NULL.
 */
MUST_USE int store_swap(struct store *st, const char *key, const struct store_tag *expected,
                        const struct store_body *body, struct store_tag *tag, struct error *err);

/*
 * Put the object `from` at `to`, replacing exactly the state `expected`, while `guard` carries
 * `guard_tag`. `from` is gone afterwards where the backend renames, and may remain where it copies.
 * ERR_CONFLICT: guard or target differ. ERR_ABSENT: `from` is not there.
 * With trait guarded_move all of it is one atomic step; else the guard is checked right before.
 */
MUST_USE int store_move(struct store *st, const struct store_move *move, struct error *err);

/*
 * Every object whose key begins with `prefix` ("" or ending in "/"), in byte order of the keys,
 * remains of interrupted writes included. What is created or removed meanwhile may or may not show.
 */
MUST_USE int store_list(struct store *st, const char *prefix, store_visit *visit, void *ctx,
                        struct error *err);

/* Delete; an absent object counts as deleted. */
MUST_USE int store_remove(struct store *st, const char *key, struct error *err);

/* Delete many; `removed` counts what is surely gone. The first failure is returned, the rest tried. */
MUST_USE int store_remove_many(struct store *st, const char *const *keys, size_t count,
                               size_t *removed, struct error *err);

/*
 * put_new for each of `count` objects, in any order or at once. `written[i]` says what surely
 * exists now because of this call. Returns the first failure; later ones are still settled so that
 * `written` is exact, and objects whose outcome is unknown count as written for the roll-back.
 */
MUST_USE int store_put_many(struct store *st, const char *const *keys,
                            const struct store_body *bodies, size_t count, bool *written,
                            struct error *err);

/*
 * Do task(ctx, i, err) once for each i below `count`: as many at once, on threads, as are useful
 * for the store (trait parallel), else in order. After a failure no further task begins; those
 * under way are finished, and the first failure is returned.
 */
typedef int store_task(void *ctx, size_t index, struct error *err);
MUST_USE int store_each(struct store *st, size_t count, store_task *task, void *ctx,
                        struct error *err);

/* Local path of an object as a new string (trait local_paths), for reading only. */
MUST_USE int store_local_path(struct store *st, const char *key, char **path, struct error *err);

/*
 * Prove that the store honours its conditions; cheap after the first time. What was proven is kept
 * on this machine, and in the store as STORE_PROOF, for machines that keep nothing.
 */
#define STORE_PROOF ".probe/proof.json"
MUST_USE int store_probe(struct store *st, struct error *err);

/*
 * Append a sentence, for people, about what the store uses: where it is, where credentials came
 * from, what was learned of the server. No secrets. May fetch credentials.
 */
MUST_USE int store_describe(struct store *st, struct str *out, struct error *err);

/* Labels: set (replaces one of that name), value of one or NULL. */
void store_label_set(struct store_label labels[STORE_LABELS_MAX], const char *name,
                     const char *value);
const char *store_label_get(const struct store_label labels[STORE_LABELS_MAX], const char *name);

#endif
