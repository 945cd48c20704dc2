/*
 * State of the consolidation, `projections/manifest.json`: a redo log. Derived. Never opens
 * Parquet; consolidate.c drives it.
 */
#ifndef CAUCE_DERIVED_PROJECTION_STATE_H
#define CAUCE_DERIVED_PROJECTION_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "catalog/catalog.h"
#include "derived/projection/key.h"

#define PROJECTION_FORMAT 2
#define PROJECTION_MAX_BYTES ((size_t)256 << 20)

/* One consolidated partition, or a step of the redo list (then `temp` is set). */
struct projection_part {
    int32_t partition;
    char key[LAYOUT_KEY_SIZE];  /* final key */
    char temp[LAYOUT_KEY_SIZE]; /* temp key in the redo list, else "" */
    uint64_t size;
    char sha256[SHA256_HEX_SIZE];
    uint64_t rows;
    uint64_t columns; /* of the user's that its file has: all of the schema it was built for */
    struct version_id stamp; /* attempt of the newest version it was built for */
    uint64_t *versions;      /* sequences of the versions it holds, ascending; owned */
    size_t version_count;
};

enum projection_phase { PROJECTION_NONE, PROJECTION_IN_PROGRESS, PROJECTION_COMPLETED };
const char *projection_phase_name(enum projection_phase phase); /* "none", "in_progress", ... */

struct projection_state {
    enum projection_phase phase;
    char attempt[ID_SIZE]; /* of the process at work; fresh */
    uint64_t gc_epoch;
    enum partition_by by;     /* as read; writing takes that of the dataset */
    struct version_id stamp;  /* completed: reflected; in_progress: what was completed before */
    struct version_id target; /* in_progress: what it will reflect */
    struct projection_part *parts; /* what was completed last; ascending by partition, as `redo` */
    size_t part_count, part_capacity;
    int32_t *affected; /* in_progress: partitions to build */
    size_t affected_count;
    bool has_redo; /* in_progress: from here on it can only go forward */
    struct projection_part *redo;
    size_t redo_count, redo_capacity;
    /*
     * Partitions whose file may still be under its former name (projection_former_key), from which
     * it is moved before the next consolidation is completed; ascending.
     */
    int32_t *former;
    size_t former_count;
    struct store_tag tag; /* as read or written; not stored */
};

void projection_release(struct projection_state *s);
void projection_part_release(struct projection_part *p);
void projection_part_copy(const struct projection_part *from, struct projection_part *to);
/* Append a copy to the parts (the redo list). */
void projection_add_part(struct projection_state *s, const struct projection_part *part);
void projection_add_redo(struct projection_state *s, const struct projection_part *part);
/* The part of a partition, of `count` that ascend, or NULL. */
struct projection_part *projection_find(struct projection_part *parts, size_t count,
                                        int32_t partition);
/* Sort the parts. */
void projection_sort(struct projection_part *parts, size_t count);

void projection_encode(const struct projection_state *s, enum partition_by by, struct str *out);
MUST_USE int projection_decode(const char *bytes, size_t count, struct projection_state *out,
                               struct error *err);

/*
 * A manifest of format 1 is read as one that reflects nothing yet: its files have other names, and
 * perhaps the columns of an older schema. All that is kept of it are the names (`former`).
 *
 * ERR_ABSENT: none (out->phase is NONE). ERR_DAMAGED: it cannot be understood; `out->tag` is set
 * all the same, unless not even its bytes could be read. ERR_GATE: a newer cauce wrote it.
 */
MUST_USE int projection_read(struct store *st, struct projection_state *out, struct error *err);

/*
 * Replace it from `expected` (NULL: absent), as register_swap does; sets next->tag on success. The
 * attempt makes the state unlike every other.
 */
MUST_USE int projection_swap(struct store *st, const struct store_tag *expected,
                             struct projection_state *next, enum partition_by by,
                             struct error *err);

#endif
