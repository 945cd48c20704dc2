/*
 * Every object key of a dataset, but for those of derived things, which make their own (key.h of
 * each): formatted, parsed, and distinguished from what is not ours. No I/O.
 *
 * Keys are relative to the dataset's root; the store is opened there. A version's objects carry its
 * name, `<sequence>-<commit>`, sequence padded to ten digits so that listings sort by it.
 */
#ifndef CAUCE_CATALOG_LAYOUT_H
#define CAUCE_CATALOG_LAYOUT_H

#include <stdbool.h>
#include <stdint.h>

#include "util/error.h"
#include "util/id.h"
#include "util/schema.h"

#define LAYOUT_KEY_SIZE 192
#define LAYOUT_NAME_SIZE 56      /* <sequence>-<commit> */
#define LAYOUT_PARTITION_SIZE 32 /* year=2026/month=01/day=31 */

#define LAYOUT_POINTER "current/manifest.json"
/* Who is at work (catalog/lease.h); may be there before the pointer, and gc leaves it alone. */
#define LAYOUT_LEASE "current/lease.json"

/* A version, or an attempt at one. Sequence 0 is the empty dataset. */
struct version_id {
    uint64_t sequence;
    char commit[ID_SIZE];
};

bool version_id_equal(const struct version_id *a, const struct version_id *b);

/* `<sequence>-<commit>` and back; ERR_DAMAGED for another shape. */
void layout_name(const struct version_id *version, char out[LAYOUT_NAME_SIZE]);
MUST_USE int layout_parse_name(const char *text, struct version_id *out, struct error *err);

/* "year=2026/month=01"; "" for PARTITION_NONE. Years 0 to 9999. */
void layout_partition(enum partition_by by, int32_t value, char out[LAYOUT_PARTITION_SIZE]);
MUST_USE int layout_parse_partition(const char *text, enum partition_by by, int32_t *value,
                                    struct error *err);

/* manifests/<name>.json */
void layout_manifest(const struct version_id *version, char out[LAYOUT_KEY_SIZE]);
/*
 * events/_data/<name>/<partition>/part-<n>.parquet, or without "_data/" in a dataset that is not
 * `for_tables` (util/schema.h)
 */
void layout_event(const struct version_id *version, bool for_tables, enum partition_by by,
                  int32_t partition, unsigned part, char out[LAYOUT_KEY_SIZE]);
/*
 * The same keys taken apart. ERR_DAMAGED for every text that the function of the other direction
 * would not give, byte by byte: what comes through here cannot leave its folder.
 */
MUST_USE int layout_parse_manifest(const char *key, struct version_id *version, struct error *err);
MUST_USE int layout_parse_event(const char *key, enum partition_by by, struct version_id *version,
                                int32_t *partition, struct error *err);
/* Of such a key: does it lie where a table can name it; is it one of this version? */
bool layout_event_for_tables(const char *key);
bool layout_event_is_of(const char *key, const struct version_id *version);

/*
 * Pieces of keys, for those who make keys of their own (derived things). The digits at `*text`, at most
 * `most`: moves past them, and returns how many there were.
 */
size_t layout_take_digits(const char **text, size_t most, uint64_t *value);
/* The name of a version between `prefix` and the next `end`; moves `*key` past it. */
bool layout_take_name(const char **key, const char *prefix, char end, struct version_id *out);
/* The partition between `start` and the name of the file behind it. */
bool layout_take_folder(const char *start, const char *file, enum partition_by by,
                        int32_t *partition);
/* ERR_DAMAGED: "... is not the key of <what>." */
MUST_USE int layout_bad_key(const char *key, const char *what, struct error *err);

/*
 * What is under a key, by its name alone: each is one that a function above, the store itself
 * (store_key_object, store_key_is_probe) or a root (catalog/root.h) would have made, byte by byte,
 * for some cut of the dataset. Everything else is foreign, and not ours to delete.
 */
enum layout_kind {
    LAYOUT_STRANGER,
    LAYOUT_STATE,   /* pointer, lease, roots, proof: one of each, in use */
    LAYOUT_VERSION, /* manifest or event file of a version */
    LAYOUT_DERIVED, /* what a root names */
    LAYOUT_RECORD,  /* of a run */
    LAYOUT_REMAINS, /* of an interrupted write or probe */
};

/*
 * `version` (NULL allowed) is set where it is LAYOUT_VERSION. Of roots and what they name nothing is
 * known here: to this function they are strangers (see roots_kind).
 */
enum layout_kind layout_kind(const char *key, struct version_id *version);

/*
 * The key of the object that is there, or that an interrupted write left something of. False:
 * longer than any key.
 */
bool layout_object(const char *key, char out[LAYOUT_KEY_SIZE]);

/* The shape of a key of a dataset in a folder of this one: "<folders>/current/manifest.json". */
bool layout_is_nested(const char *key);

/* Is the key in a folder that only a dataset with a pointer has (events, index, ...)? */
bool layout_in_dataset(const char *key);

/* Is it a value that layout_partition can print, a day of the calendar or the start of one? */
bool layout_partition_valid(enum partition_by by, int32_t value);

/* runs/<compact time>-<run id>.json. ERR_CONFIG: not a run id; ERR_LIMIT: a year beyond 9999. */
MUST_USE int layout_run(int64_t time, const char *run_id, char out[LAYOUT_KEY_SIZE],
                        struct error *err);
bool layout_is_run(const char *key);

#endif
