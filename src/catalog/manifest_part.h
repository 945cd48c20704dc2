/*
 * Parts of a manifest: codec and validation of the schema and of lists of files. Internal to the
 * catalog. Decoders fail with ERR_DAMAGED, naming the field, and leave `out` all zero then.
 */
#ifndef CAUCE_CATALOG_MANIFEST_PART_H
#define CAUCE_CATALOG_MANIFEST_PART_H

#include "catalog/manifest.h"
#include "util/error.h"
#include "util/json.h"
#include "util/schema.h"

/* The object `schema`; the key's names are in `index`. */
MUST_USE struct json *manifest_schema_encode(const struct schema *s);
MUST_USE struct json *manifest_key_encode(const struct schema *s);
MUST_USE int manifest_schema_decode(const struct json *schema, const struct json *key_columns,
                                    struct schema *out, struct error *err);

/* Does `child` hold every column of `parent`, unchanged, and is every other one nullable? */
MUST_USE int manifest_schema_grown(const struct schema *parent, const struct schema *child,
                                   struct error *err);

/* A list of event files. `where` is its path in messages, for example "outputs.files". */
MUST_USE struct json *manifest_files_encode(const struct manifest_files *files,
                                            const struct schema *s);
MUST_USE int manifest_files_decode(const struct json *list, const char *where,
                                   const struct schema *s, struct manifest_files *out,
                                   struct error *err);
/* Sum of the rows, and of the revised rows, of a list. */
MUST_USE int manifest_files_sum(const struct manifest_files *files, uint64_t *rows,
                                uint64_t *revised, struct error *err);

#endif
