/*
 * Every structural invariant of a live dataset, checked without changing anything. What needs the
 * content of Parquet files is checked by the pipeline on top of this.
 */
#ifndef CAUCE_CATALOG_VERIFY_H
#define CAUCE_CATALOG_VERIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "catalog/catalog.h"
#include "catalog/root.h"

/* How bad a finding is: data lost or wrong, or derived things that heal by themselves. */
enum finding_level { FINDING_MUST, FINDING_SHOULD };

struct finding {
    enum finding_level level;
    char *object; /* key */
    char *text;   /* what is wrong and what to do; one or two sentences */
};

struct verify_report {
    struct finding *findings;
    size_t count, capacity;
    uint64_t versions, files, rows, keys; /* what was checked */
    uint64_t bytes_hashed;
    struct version_id current;
};
void verify_report_release(struct verify_report *r);
void verify_add(struct verify_report *r, enum finding_level level, const char *object,
                const char *format, ...) __attribute__((format(printf, 4, 5)));

/*
 * Pointer, chain (hashes, sequences, sums), presence and size of every event file, the roots with
 * their files. With `data` every named object is read and hashed.
 * ERR_OK whatever is found; an error only where checking itself could not go on (ERR_ABSENT: no
 * dataset; a damaged pointer is a finding).
 */
MUST_USE int verify_structure(struct store *st, const struct roots *roots, const char *dataset,
                              bool data, struct verify_report *out, struct error *err);

/*
 * How objects are read, for callers that go on to examine their content and keep what was read:
 * `hash` reads the object of that key, now, and gives its SHA-256; `sha256` is the one stated.
 */
struct verify_reader {
    int (*hash)(void *ctx, const char *key, const char *sha256, char out[SHA256_HEX_SIZE],
                struct error *err);
    void *ctx;
};

/* The same through this reader; NULL: as above. */
MUST_USE int verify_structure_by(struct store *st, const struct roots *roots, const char *dataset,
                                 bool data, const struct verify_reader *reader,
                                 struct verify_report *out, struct error *err);

#endif
