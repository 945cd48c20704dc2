/*
 * The pointer, `current/manifest.json`: the only truth, replaced only by compare-and-swap.
 * Codec and validation, reading and swapping. Never retries after a lost race.
 */
#ifndef CAUCE_CATALOG_POINTER_H
#define CAUCE_CATALOG_POINTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "catalog/layout.h"
#include "store/store.h"
#include "util/error.h"
#include "util/str.h"

#define POINTER_FORMAT 1
#define POINTER_RECENT 64
#define POINTER_MAX_BYTES ((size_t)64 << 10)
#define DATASET_ID_SIZE 65

struct pointer {
    char dataset[DATASET_ID_SIZE];
    struct version_id current;          /* sequence 0: nothing published yet */
    char manifest_key[LAYOUT_KEY_SIZE]; /* "" at sequence 0 */
    char manifest_sha256[SHA256_HEX_SIZE];
    uint64_t gc_epoch;
    uint64_t oldest_sequence; /* first version kept; 0: none removed */
    uint64_t key_seed;        /* of the key hashes, chosen at creation */
    char nonce[ID_SIZE];      /* fresh in every state of the pointer: no ABA */
    /* Newest published versions, newest first, current included; none at sequence 0. */
    struct version_id recent[POINTER_RECENT];
    size_t recent_count;
};

/* First state of a dataset: sequence 0, fresh seed and nonce. */
void pointer_init(struct pointer *p, const char *dataset);

/* State after publishing `version` on top of `base`: fresh nonce, recent shifted. */
void pointer_next(const struct pointer *base, const struct version_id *version,
                  const char *manifest_key, const char *manifest_sha256, struct pointer *next);

/* State after a gc fence: epoch plus one, fresh nonce, same version. */
void pointer_fenced(const struct pointer *base, struct pointer *next);

/* Is the version among `recent`? */
bool pointer_mentions(const struct pointer *p, const struct version_id *version);

/*
 * JSON and back. Decoding validates every field and their consistency: ERR_DAMAGED says which;
 * ERR_GATE: a newer cauce wrote it.
 */
void pointer_encode(const struct pointer *p, struct str *out);
MUST_USE int pointer_decode(const char *bytes, size_t count, struct pointer *out,
                            struct error *err);

/*
 * Pointer and tag from one answer. ERR_ABSENT: there is none. ERR_DAMAGED: it cannot be understood
 * (the message says that `cauce repair` can set it). ERR_GATE: a newer cauce wrote it.
 */
MUST_USE int pointer_read(struct store *st, struct pointer *out, struct store_tag *tag,
                          struct error *err);

/*
 * Replace the pointer if it still carries `expected` (NULL: it must not exist), as register_swap
 * does. A commit needs to know more about the answer: catalog_commit.
 */
MUST_USE int pointer_swap(struct store *st, const struct store_tag *expected,
                          const struct pointer *next, struct store_tag *tag, struct error *err);

#endif
