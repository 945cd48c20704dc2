/*
 * The manifest of one version, `manifests/<sequence>-<commit>.json`: immutable. Codec and
 * validation only; pure bytes to struct and back.
 */
#ifndef CAUCE_CATALOG_MANIFEST_H
#define CAUCE_CATALOG_MANIFEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "catalog/layout.h"
#include "catalog/pointer.h"
#include "util/digest.h"
#include "util/error.h"
#include "util/hash.h"
#include "util/json.h"
#include "util/schema.h"
#include "util/str.h"

#define MANIFEST_FORMAT 2 /* 1: of a dataset that is not `for_tables` (util/schema.h) */
#define MANIFEST_MAX_BYTES ((size_t)256 << 20)
#define MANIFEST_CHECKPOINT_EVERY 64

/* Name of the hash the key digest is a sum of (`index.hash_column`). */
#define COLUMN_KEY_HASH "key_hash"

/* One event file. */
struct manifest_file {
    char key[LAYOUT_KEY_SIZE];
    uint64_t sequence; /* of the version that wrote it */
    uint64_t size;
    char sha256[SHA256_HEX_SIZE];
    uint64_t rows;
    uint64_t revised; /* rows of it that revise a known key */
    int32_t partition;
    struct json *min; /* array: least value of each key column, as JSON; owned */
    struct json *max;
};
struct manifest_files {
    struct manifest_file *items;
    size_t count, capacity;
};
/* Append a copy (min and max copied deep). */
void manifest_files_add(struct manifest_files *files, const struct manifest_file *file);
void manifest_files_release(struct manifest_files *files);

/* The source a version was made from. Texts owned, NULL where unknown. */
struct manifest_source {
    char *url;
    char *etag;
    char *last_modified;
    uint64_t size;
    char sha256[SHA256_HEX_SIZE]; /* "" where unknown */
    char recipe[SHA256_HEX_SIZE]; /* digest of the configuration that read it */
};
void manifest_source_release(struct manifest_source *s);
void manifest_source_copy(const struct manifest_source *from, struct manifest_source *to);
MUST_USE struct json *manifest_source_encode(const struct manifest_source *s);
MUST_USE int manifest_source_decode(const struct json *value, struct manifest_source *out,
                                    struct error *err);

struct manifest {
    char dataset[DATASET_ID_SIZE];
    struct version_id version;
    struct version_id parent;         /* sequence 0: the empty dataset */
    char parent_key[LAYOUT_KEY_SIZE]; /* "" where the parent is sequence 0 */
    char parent_sha256[SHA256_HEX_SIZE];
    uint64_t gc_epoch; /* of the pointer that it was to replace */
    char run_id[ID_SIZE];
    int64_t time; /* a label */
    struct manifest_source source;
    struct manifest_files files; /* what this version added */
    uint64_t rows_added;         /* sum of files' rows: new and revised */
    uint64_t rows_revised;
    uint64_t rows_total;    /* rows of all event files up to this version */
    struct key_digest keys; /* the key set after this version: count and digest */
    uint64_t key_seed;
    struct schema schema;
    bool has_checkpoint;
    struct manifest_files checkpoint; /* every live file, this version's included */
};

void manifest_release(struct manifest *m); /* all zero is valid to release */
void manifest_copy(const struct manifest *from, struct manifest *to); /* deep */
void manifest_encode(const struct manifest *m, struct str *out);

/*
 * Validates every field, sums and consistency (rows_added = sum of rows, sequence = parent's + 1,
 * names of files belong to this version, ...). ERR_DAMAGED names the field; ERR_GATE: a newer
 * cauce wrote it. `what` is the object's key for messages. On failure `out` is all zero.
 */
MUST_USE int manifest_decode(const char *bytes, size_t count, const char *what,
                             struct manifest *out, struct error *err);

/*
 * Can `child` follow `parent`: same dataset and seed, next sequence, sums that continue the
 * parent's, a schema that only grew? Reads neither files nor hashes. ERR_DAMAGED: why not.
 */
MUST_USE int manifest_follows(const struct manifest *parent, const struct manifest *child,
                              struct error *err);

#endif
