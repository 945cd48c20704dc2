/* Keys of the key index. No I/O. */
#ifndef CAUCE_DERIVED_INDEX_KEY_H
#define CAUCE_DERIVED_INDEX_KEY_H

#include "catalog/layout.h"

#define INDEX_ROOT "index/manifest.json"

/* index/<sequence>-<attempt>/<shard>.parquet; `attempt` is fresh for every attempt at an index */
void index_shard_key(const struct version_id *attempt, unsigned shard, char out[LAYOUT_KEY_SIZE]);

/* The same taken apart, as layout_parse_manifest. */
MUST_USE int index_parse_shard_key(const char *key, struct version_id *attempt, struct error *err);

#endif
