/*
 * Descriptor and stamp of the key index, `index/manifest.json`. Derived: it may be lost and is
 * then rebuilt from the chain. Never opens Parquet.
 */
#ifndef CAUCE_DERIVED_INDEX_STATE_H
#define CAUCE_DERIVED_INDEX_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "catalog/catalog.h"
#include "catalog/manifest.h"
#include "derived/index/key.h"
#include "util/hash.h"

#define INDEX_FORMAT 1
#define INDEX_MAX_BYTES ((size_t)256 << 20)

/* One immutable shard file: sorted keys, and their row hashes where revisions are tracked. */
struct index_shard {
    char key[LAYOUT_KEY_SIZE];
    uint64_t size;
    char sha256[SHA256_HEX_SIZE];
    struct key_digest digest; /* of its keys; count = rows */
    int32_t partition;        /* cut by partition: which one */
    struct json *lower;       /* cut by range: array of key values, inclusive; NULL: no bound */
};

struct index_state {
    struct version_id stamp; /* the version it reflects */
    char attempt[ID_SIZE];   /* of the writer; fresh, so no two states are alike */
    uint64_t gc_epoch;
    bool by_partition;      /* shards are partitions, else ranges of the key; ascending */
    struct key_digest keys; /* sum over the shards */
    struct index_shard *shards;
    size_t shard_count, shard_capacity;
    bool has_source; /* the source last absorbed */
    struct manifest_source source;
    struct store_tag tag; /* as read or written; not stored */
};

void index_release(struct index_state *s); /* safe on a zeroed struct, which it leaves behind */
/* Append a copy. */
void index_add_shard(struct index_state *s, const struct index_shard *shard);
/* The position of the shard of a partition, or SIZE_MAX. */
size_t index_find(const struct index_state *s, int32_t partition);
void index_encode(const struct index_state *s, struct str *out);
MUST_USE int index_decode(const char *bytes, size_t count, struct index_state *out,
                          struct error *err);

/*
 * ERR_ABSENT: none. ERR_DAMAGED: it cannot be understood; `out->tag` is set all the same, unless
 * not even its bytes could be read. ERR_GATE: a newer cauce wrote it.
 */
MUST_USE int index_read(struct store *st, struct index_state *out, struct error *err);

/*
 * Replace it from `expected` (NULL: absent), as register_swap does; sets next->tag on success. The
 * attempt makes the state unlike every other.
 */
MUST_USE int index_swap(struct store *st, const struct store_tag *expected,
                        struct index_state *next, struct error *err);

/* How an index relates to a base. */
enum index_freshness {
    INDEX_FRESH,   /* stamp, count and digest equal the manifest's */
    INDEX_BEHIND,  /* reflects an ancestor, consistently with that ancestor's manifest */
    INDEX_INVALID, /* anything else: rebuild */
};
/*
 * Compare stamp, count and digest with the manifest of the base (FRESH), or with the manifest of
 * the ancestor it names (BEHIND). `reason` gets a short static text for logs.
 */
MUST_USE int index_compare(struct store *st, const struct base *base, const struct index_state *s,
                           enum index_freshness *out, const char **reason, struct error *err);

#endif
