/*
 * The record of a run, of a gc that deleted, or of a repair: one immutable JSON object each, and
 * the same object as the last line of `run --json`. Fields are documented in docs/format.md.
 *
 * It is written and read here and nowhere else; everybody else has it as a struct. Where records
 * are, and how they are visited: pipeline/records.h.
 */
#ifndef CAUCE_PIPELINE_RECORD_H
#define CAUCE_PIPELINE_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "catalog/layout.h"
#include "pipeline/run.h"
#include "util/json.h"

#define RECORD_FORMAT 1
#define RECORD_MAX_BYTES ((size_t)16 << 20)

/* Whatever is neither "gc" nor "repair" is taken for that of a run. */
enum record_kind { RECORD_RUN, RECORD_GC, RECORD_REPAIR };

/* What changed a dataset beside its runs. */
struct record_upkeep {
    char id[ID_SIZE];
    int64_t started; /* microseconds */
    bool failed;     /* part of it was done all the same */
    struct version_id version;
    uint64_t gc_epoch;                                     /* of the pointer afterwards */
    uint64_t orphans_found, orphans_removed, orphan_bytes; /* of RECORD_GC */
};

struct record {
    enum record_kind kind;
    union {
        struct run_report run;       /* of RECORD_RUN */
        struct record_upkeep upkeep; /* of the others */
    };
    struct json *json; /* all of it, also what this program does not know; owned */
};
void record_release(struct record *r);

/* A report as JSON, for the dataset of that name; the caller frees it. */
MUST_USE struct json *record_encode_run(const char *dataset, const struct run_report *r);
MUST_USE struct json *record_encode_upkeep(const char *dataset, enum record_kind kind,
                                           const struct record_upkeep *u);

/*
 * What a record says, also of the things in `table` (NULL: derived_table); takes the JSON over. A
 * record carries no weight, so whatever makes no sense in it is treated as absent: a number below
 * zero is 0, a malformed moment is 0, a duration beyond a century is 0, an outcome that this
 * program does not know is a failure.
 */
void record_decode(struct json *json, const struct derived_table *table, struct record *out);

int64_t record_started(const struct record *r); /* microseconds; 0: it does not say */

/* Did it begin or end after that moment (microseconds)? */
bool record_is_after(const struct record *r, int64_t moment);

/* Its key, into `out`, which is returned; "" where it does not say. */
const char *record_key(const struct record *r, char out[LAYOUT_KEY_SIZE]);

#endif
