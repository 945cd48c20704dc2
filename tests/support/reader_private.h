/* The rooms of the reader. Private to reader*.c. */
#ifndef CAUCE_TESTS_SUPPORT_READER_PRIVATE_H
#define CAUCE_TESTS_SUPPORT_READER_PRIVATE_H

#include "support/reader.h"

#include "engine/engine.h"
#include "util/digest.h"
#include "util/json.h"

#define NAME_SIZE 64 /* <sequence>-<commit> */
#define KEY_SIZE (STORE_KEY_MAX + 1)

/* The rows of one Parquet file, known by its content. */
struct content {
    char sha256[SHA256_HEX_SIZE];
    bool readable;
    char *problem;          /* why not; owned */
    struct model_row *rows; /* sequence from _version, 0 where there is none */
    size_t count, capacity;
};

/* A file that the chain names. */
struct named_file {
    char key[KEY_SIZE];
    char sha256[SHA256_HEX_SIZE];
    uint64_t rows, revised;
    char partition[40];
};

/* A version of the chain. */
struct version {
    uint64_t sequence;
    char commit[40];
    char run_id[40];
    char key[KEY_SIZE]; /* of its manifest */
    char sha256[SHA256_HEX_SIZE];
    char source[SHA256_HEX_SIZE];
    char parent_key[KEY_SIZE];
    char parent_sha256[SHA256_HEX_SIZE];
    uint64_t added, revised, total, keys;
    struct named_file *files;
    size_t file_count;
};

/* A key that something names, with the content that it has. */
struct sighting {
    char *key;
    char sha256[SHA256_HEX_SIZE];
};
struct sightings {
    struct sighting *items;
    size_t count, capacity;
};

struct source_text {
    char sha256[SHA256_HEX_SIZE];
    char *csv;
};

struct reader {
    const struct model_shape *shape;
    char *folder;
    struct engine *engine;
    struct content **contents;
    size_t content_count, content_capacity;
    struct source_text *sources;
    size_t source_count, source_capacity;
    struct reader_claim *claims;
    size_t claim_count, claim_capacity;

    /* of this check */
    struct store *store;
    unsigned demands;
    struct str *out;
    size_t violations;
    struct version *chain; /* oldest first */
    size_t chain_count;
    struct sightings named; /* every key that pointer, chain or a derived thing names */
    size_t orphans;
    size_t keys;

    /* of all checks */
    struct sightings seen; /* immutable objects of the chain */
    struct version *past;  /* the chain seen last; files not kept */
    size_t past_count;
    uint64_t projection_stamp;
};

/* reader.c */
void reader_violation(struct reader *r, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* reader_content.c: objects and rows */

/* An object as JSON with its SHA-256; NULL where it is absent (`*absent`), or no JSON: violation. */
struct json *reader_json(struct reader *r, const char *key, char sha256[SHA256_HEX_SIZE],
                         bool *absent);

/* Fetch objects that must exist with this content; what is Parquet of ours is read, too. */
struct wanted_object {
    const char *key;
    const char *sha256;
    uint64_t size;
    const char *invariant; /* "2": for the violation */
};
void reader_fetch(struct reader *r, const struct wanted_object *wanted, size_t count);

/* What was fetched, by content; NULL where it could not be had. */
const struct content *reader_content(const struct reader *r, const char *sha256);
void reader_contents_release(struct reader *r);

/* "year=2026/month=01" of a row, "" where the dataset is not cut. */
void reader_partition(const struct reader *r, const struct model_row *row, char out[40]);

/* Compare two sets of rows; each difference is a violation. */
void reader_compare(struct reader *r, const char *invariant, const char *what,
                    const struct model_row *const *wanted, size_t wanted_count,
                    const struct model_row *const *found, size_t found_count, bool versions);

/* reader_chain.c: invariants 1 to 6 */
void reader_read_chain(struct reader *r);
void reader_check_rows(struct reader *r);
void reader_check_claims(struct reader *r);
void reader_check_past(struct reader *r);
void reader_chain_release(struct version *chain, size_t count);

/* Rows of the model up to a version of the chain. */
void reader_model(struct reader *r, uint64_t upto, struct model *out);

/* reader_derived.c: invariants 7, 9 and 10 */
void reader_check_index(struct reader *r);
void reader_check_projections(struct reader *r);
void reader_check_objects(struct reader *r);

/* reader_history.c: invariant 7 */
void reader_check_history(struct reader *r);

/* sightings */
void sightings_add(struct sightings *s, const char *key, const char *sha256);
const struct sighting *sightings_find(const struct sightings *s, const char *key);
void sightings_release(struct sightings *s);

#endif
