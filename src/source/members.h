/*
 * Files inside an archive (.zip, .tar, also packed: .tar.gz, .tar.xz, ...), unpacked into a scratch
 * folder: each one that matches is a file of the source.
 *
 * Names in an archive are never used as paths. What is unpacked has a limit, however small the
 * archive is: its author may mean harm.
 */
#ifndef CAUCE_SOURCE_MEMBERS_H
#define CAUCE_SOURCE_MEMBERS_H

#include <stddef.h>
#include <stdint.h>

#include "source/reader.h"
#include "util/error.h"

/* Most members that are examined, and most that may match. */
#define MEMBERS_MAX ((size_t)100000)
#define MEMBERS_MATCHED_MAX ((size_t)10000)

/* Without a limit of bytes: more than this, and more than so many times the archive, is too much. */
#define MEMBERS_FREE_BYTES ((uint64_t)1 << 30)
#define MEMBERS_RATIO 200

struct member {
    char *name;  /* path inside the archive */
    char *shown; /* for messages: "data.zip:2024/a.csv" */
    char *path;  /* of the unpacked file */
};

struct members {
    struct member *items; /* in byte order of their names */
    size_t count;
    size_t capacity;
};

void members_release(struct members *m); /* safe on a zeroed struct; the files stay */

/*
 * The most that may come out of an archive: `max_bytes`, or (0) so much as MEMBERS_RATIO allows.
 * ERR_ABSENT: it is not there.
 */
MUST_USE int members_limit(const struct reader_file *archive, uint64_t max_bytes, uint64_t *limit,
                           struct error *err);

/*
 * Unpack the members that a pattern matches into `folder`, which exists, as files named by `prefix`
 * and a number. The pattern has *, ? and [...], which do not match a slash; one without a slash is
 * compared with the last part of a member's path.
 *
 * ERR_SOURCE: not an archive, damaged, encrypted, no member matches, two have one name, or one that
 * matches is a link; ERR_LIMIT: more than `max_bytes` in all (0: see MEMBERS_RATIO), or too many
 * members; ERR_INTERRUPTED. `out` is to be released in any case.
 */
MUST_USE int members_unpack(const struct reader_file *archive, const char *pattern,
                            uint64_t max_bytes, const char *folder, const char *prefix,
                            struct members *out, struct error *err);

/*
 * Where a file is compressed as a whole, unpack it as the one file in `out`, whose name is NULL; else
 * `out` stays empty. For formats that are not read from beginning to end. Errors as those above.
 */
MUST_USE int members_unwrap(const struct reader_file *file, uint64_t max_bytes, const char *folder,
                            const char *prefix, struct members *out, struct error *err);

#endif
