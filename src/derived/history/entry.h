/*
 * An entry of the log of the table `history`: what one version added, as Delta Lake says it (the
 * protocol of Delta, PROTOCOL.md of delta-io/delta). Bytes only, and a pure function of the chain: two
 * who write the entry of one version write the same.
 *
 * The table holds every row that was ever published, with `_version` and `_ingested_at`. It is add
 * only, and sealed: it asks writers for a feature that no other program has, and readers for nothing.
 */
#ifndef CAUCE_DERIVED_HISTORY_ENTRY_H
#define CAUCE_DERIVED_HISTORY_ENTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "catalog/manifest.h"
#include "util/error.h"
#include "util/str.h"

#define HISTORY_TABLE "events"
#define HISTORY_LOG HISTORY_TABLE "/_delta_log/"
#define HISTORY_FIRST HISTORY_LOG "00000000000000000000.json"
#define HISTORY_ENTRY_MAX MANIFEST_MAX_BYTES

/* The entry of a version: events/_delta_log/<20 digits>.json, and back (false: it is none). */
void history_key(uint64_t sequence, char out[LAYOUT_KEY_SIZE]);
bool history_parse_key(const char *key, uint64_t *sequence);

/* What an entry says of itself, and all that the next one needs of those before it. */
struct history_head {
    struct version_id version; /* sequence 0, of the empty table: commit "" */
    uint64_t gc_epoch;
    int64_t time;     /* milliseconds since 1970; greater than that of every entry before */
    uint64_t columns; /* of the user's */
};

/* What an entry is made of: parts of a manifest. */
struct history_version {
    struct version_id version;
    struct version_id parent;
    uint64_t gc_epoch;
    int64_t time; /* microseconds; a label */
    size_t columns;
    struct schema schema; /* needed where it has more columns than the version before */
    struct manifest_files files;
};
void history_version_release(struct history_version *v);

/* Of the table: the same in all its entries. */
struct history_table {
    char dataset[DATASET_ID_SIZE];
    uint64_t key_seed;
};

/* Can every reader of tables read the files of a dataset with this schema? */
bool history_can_hold(const struct schema *s);

/* The entry of the empty table, which has the columns of version 1, and its head. */
void history_write_first(const struct history_table *table, const struct history_version *first,
                         struct history_head *head, struct str *out);

/* The entry of a version, behind that of `head`, which becomes the new one's. */
void history_write(const struct history_table *table, const struct history_version *v,
                   struct history_head *head, struct str *out);

/* What the entry of that sequence says of itself. ERR_DAMAGED: it is not one of cauce's. */
MUST_USE int history_read_head(const struct str *entry, uint64_t sequence, struct history_head *out,
                               struct error *err);

#endif
