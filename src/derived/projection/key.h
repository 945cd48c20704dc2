/* Keys of the projections and of the scratch of their consolidation. No I/O. */
#ifndef CAUCE_DERIVED_PROJECTION_KEY_H
#define CAUCE_DERIVED_PROJECTION_KEY_H

#include "catalog/layout.h"

#define PROJECTION_ROOT "projections/manifest.json"

/*
 * projections/windows/<file>.parquet, the file being "2026", "2026-01", "2026-01-31" or "all". One
 * folder for all, whose name and whose files' names have no "=": no reader takes parts of them for
 * columns, and those that look into no folders below the one they are given find every file.
 */
void projection_key(enum partition_by by, int32_t partition, char out[LAYOUT_KEY_SIZE]);
/* projections/windows/<partition>/data.parquet: where it was up to format 1 of the manifest */
void projection_former_key(enum partition_by by, int32_t partition, char out[LAYOUT_KEY_SIZE]);
/* .tmp/<sequence>-<attempt>/<file>.parquet, the file as that of the projection */
void projection_temp_key(const struct version_id *attempt, enum partition_by by, int32_t partition,
                         char out[LAYOUT_KEY_SIZE]);
/* .tmp/<sequence>-<attempt>/ : prefix of all scratch of one attempt */
void projection_temp_prefix(const struct version_id *attempt, char out[LAYOUT_KEY_SIZE]);

/* The same taken apart, as layout_parse_manifest. */
MUST_USE int projection_parse_key(const char *key, enum partition_by by, int32_t *partition,
                                  struct error *err);
MUST_USE int projection_parse_temp_key(const char *key, enum partition_by by,
                                       struct version_id *attempt, int32_t *partition,
                                       struct error *err);

/* A projection or scratch file under a name that it had up to format 1 of the manifest? */
bool projection_is_former_key(const char *key, enum partition_by by);

#endif
