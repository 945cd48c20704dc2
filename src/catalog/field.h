/*
 * Fields of stored objects, read with every check that JSON alone does not give. Internal to the
 * catalog. Every getter sets its result only on success and fails with ERR_DAMAGED, naming the
 * field and `where` it is ("outputs.files[3]"). Pure functions.
 */
#ifndef CAUCE_CATALOG_FIELD_H
#define CAUCE_CATALOG_FIELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "catalog/layout.h"
#include "util/digest.h"
#include "util/error.h"
#include "util/hash.h"
#include "util/json.h"

#define FIELD_WHERE_SIZE 64
#define FIELD_TEXT_MAX ((size_t)1 << 20)

/* Is it the id of a dataset: [a-z0-9][a-z0-9_-]{0,63}? */
bool field_dataset_valid(const char *text);

/* Append a document as it is stored: indented, with a newline at its end. Frees it. */
void field_write(struct json *root, struct str *out);

/* ERR_DAMAGED: "The field `name` of `where` ..." and the rest of the sentence. */
int field_bad(struct error *err, const char *name, const char *where, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/*
 * `format` of a document is at most `newest`. ERR_GATE: a newer cauce wrote it; it is not damaged,
 * and must not be replaced.
 */
MUST_USE int field_format(const struct json *root, const char *where, uint64_t newest,
                          struct error *err);

/* A string of at most FIELD_TEXT_MAX bytes; borrowed. */
MUST_USE int field_text(const struct json *object, const char *name, const char *where,
                        const char **out, struct error *err);
/* The same or null, as a new string or NULL. */
MUST_USE int field_optional_text(const struct json *object, const char *name, const char *where,
                                 char **out, struct error *err);

MUST_USE int field_id(const struct json *object, const char *name, const char *where,
                      char out[ID_SIZE], struct error *err);
MUST_USE int field_sha256(const struct json *object, const char *name, const char *where,
                          char out[SHA256_HEX_SIZE], struct error *err);
/* The same or null, which gives "". */
MUST_USE int field_optional_sha256(const struct json *object, const char *name, const char *where,
                                   char out[SHA256_HEX_SIZE], struct error *err);
void field_set_optional_sha256(struct json *object, const char *name, const char *sha256);

/* 64 bits as a string of 16 hex digits: the integers of JSON are signed. */
MUST_USE int field_bits(const struct json *object, const char *name, const char *where,
                        uint64_t *out, struct error *err);
void field_set_bits(struct json *object, const char *name, uint64_t value);

/* `sequence` and `commit` of an object. */
MUST_USE int field_version(const struct json *object, const char *where, struct version_id *out,
                           struct error *err);
void field_set_version(struct json *object, const struct version_id *version);
/* The same, where `commit` is null at sequence 0: "no version". */
MUST_USE int field_optional_version(const struct json *object, const char *where,
                                    struct version_id *out, struct error *err);
void field_set_optional_version(struct json *object, const struct version_id *version);

/* A count of keys under `count_name`, and `key_set_digest`. The empty set has digest 0. */
MUST_USE int field_keys(const struct json *object, const char *count_name, const char *where,
                        struct key_digest *out, struct error *err);
void field_set_keys(struct json *object, const char *count_name, const struct key_digest *keys);

/* Copy a text into a field of a struct. One that does not fit ends the program: it is checked. */
void field_copy(char *out, size_t size, const char *text);

/* Add to a sum; ERR_DAMAGED where it leaves what JSON can hold. */
MUST_USE int field_add(uint64_t *sum, uint64_t value, const char *what, struct error *err);

/* Are all texts different? Reorders the array of pointers; `*twice` gets one that occurs twice. */
bool field_distinct(const char **texts, size_t count, const char **twice);

#endif
