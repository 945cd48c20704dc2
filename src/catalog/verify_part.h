/* What is shared in verifying one dataset: by verify itself, and the `verify` of each root. */
#ifndef CAUCE_CATALOG_VERIFY_PART_H
#define CAUCE_CATALOG_VERIFY_PART_H

#include "catalog/inventory.h"
#include "catalog/verify.h"

/* A version of the chain, as far as others are compared with it. */
struct verify_version {
    struct version_id id;
    struct key_digest keys;
    size_t columns;          /* of its schema */
    struct key_digest files; /* digest of its event files */
    bool has_checkpoint;
    struct key_digest checkpoint; /* digest of the files that its checkpoint names */
};

struct verifier {
    struct store *st;
    bool data;
    const struct verify_reader *reader; /* NULL: objects are read here */
    struct verify_report *report;
    struct base base; /* the manifest is all zero where it cannot be read */
    bool has_pointer;
    bool went_back;                  /* to an older one, which says nothing about what is newer */
    struct inventory objects;        /* all of them, listed after the manifests were read */
    struct verify_version *versions; /* newest first */
    size_t version_count, version_capacity;
    bool whole; /* every version down to the oldest was understood */
};

/*
 * Is the object there, of that size, and with `data` of that SHA-256? A finding says what is wrong
 * and ends with `advice`. An error only where the store fails.
 */
MUST_USE int verify_object(struct verifier *v, enum finding_level level, const char *key,
                           uint64_t size, const char *sha256, const char *advice,
                           struct error *err);

/* The version of that sequence in the chain, or NULL. */
const struct verify_version *verify_find(const struct verifier *v, uint64_t sequence);

#endif
