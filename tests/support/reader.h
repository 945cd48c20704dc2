/*
 * A reader that knows only the pointer: it follows the protocol from current/manifest.json, with key
 * names, formats and rules of its own, and shares no code with catalog or pipeline. What it sees is
 * compared with a model (support/model.h) and with what the runs said of themselves.
 *
 *     struct reader *r = reader_new(&variant->shape);
 *     reader_source(r, variant->snapshots[0]);
 *     ... a run, with a fault ...
 *     reader_claim(r, &claim);
 *     struct str found;
 *     reader_check(r, st, READER_SETTLED, &found);
 *     assert_string_equal(found.data, "");
 *
 * The numbers in its findings are those of the invariants in docs/protocol.md. Not thread-safe.
 */
#ifndef CAUCE_TESTS_SUPPORT_READER_H
#define CAUCE_TESTS_SUPPORT_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/store.h"
#include "support/model.h"
#include "util/str.h"

struct reader;

/* `shape` is borrowed. Aborts where it cannot be made. */
struct reader *reader_new(const struct model_shape *shape);
void reader_end(struct reader *r);

/* The next check is of another dataset of the same shape: forget what was seen and claimed. */
void reader_forget(struct reader *r);

/* A snapshot that runs were given (copied): a version names it by the SHA-256 of this text. */
void reader_source(struct reader *r, const char *csv);

/* What a run said of itself. A process that died said nothing. */
enum reader_told { TOLD_COMMITTED, TOLD_NOT_COMMITTED, TOLD_UNKNOWN };
struct reader_claim {
    enum reader_told told;
    bool hidden; /* the fault hid the outcome: it may be unknown */
    char run_id[40];
    uint64_t sequence; /* TOLD_COMMITTED */
    char commit[40];
};
void reader_claim(struct reader *r, const struct reader_claim *claim);

enum reader_demand {
    READER_ANYTIME = 0, /* what holds at every moment */
    READER_SETTLED = 1, /* index and projections reflect the newest version, too */
    READER_CLEAN = 2,   /* no orphans, no scratch */
};

/*
 * Append one line for each violation of an invariant. Returns their number. Remembers what it saw:
 * a later check finds what has changed, gone or come back.
 */
size_t reader_check(struct reader *r, struct store *st, unsigned demands, struct str *out);

/* Of the last check. */
uint64_t reader_versions(const struct reader *r);
size_t reader_keys(const struct reader *r);               /* keys that the chain has published */
const char *reader_newest_source(const struct reader *r); /* text of a snapshot; NULL: none */
size_t reader_orphans(const struct reader *r);

#endif
