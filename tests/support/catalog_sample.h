/*
 * A small dataset "demo" for tests of the catalog and what stands on it: series, day, value; keyed by
 * series and day, cut by month. Event files hold a text in place of Parquet, which the catalog never
 * opens. Everything asserts its own success.
 */
#ifndef CAUCE_TESTS_CATALOG_SAMPLE_H
#define CAUCE_TESTS_CATALOG_SAMPLE_H

#include "catalog/catalog.h"
#include "derived/index/state.h"
#include "derived/projection/state.h"

#define SAMPLE_DATASET "demo"

/* Those of the derived things there are. */
const struct roots *sample_roots(void);

/* A memory store of its own. */
struct store *sample_store(void);

/* Sleeps take no time from now on, until the next call of sample_real_sleep. */
void sample_no_sleep(void);
void sample_real_sleep(void);
/* Number of sleeps since sample_no_sleep. */
unsigned sample_sleeps(void);

/* Read the base as a run does; where there is no dataset, make one. */
MUST_USE int sample_open(struct store *st, const char *dataset, struct base *out,
                         struct error *err);

void sample_schema(struct schema *out);

/*
 * The manifest of a version on top of `base`, with a fresh commit: two files, in January and
 * February 2026, of 5 rows together, of which 1 revises a known key (none in the first version).
 */
void sample_manifest(const struct base *base, struct manifest *out);

/* Write the event files that a manifest names. */
void sample_put_events(struct store *st, const struct manifest *m);

/* Publish `count` versions, one on the other. Returns the last. */
struct version_id sample_publish(struct store *st, unsigned count);

/* Write an index (shard and manifest) that fits the current version. */
void sample_index(struct store *st);

/* Write completed projections that fit the current version. */
void sample_projection(struct store *st);

/* Set the pointer, to a manifest published or not. `replace`: what was published may be given up. */
MUST_USE int sample_repair(struct store *st, const char *key, bool replace, bool dry_run,
                           struct pointer *out, struct error *err);

/* Put any text at any key, in place of what is there. */
void sample_put(struct store *st, const char *key, const char *text);
bool sample_exists(struct store *st, const char *key);
/* Content of an object as a new string. */
char *sample_get(struct store *st, const char *key);
/* Number of objects below a prefix. */
size_t sample_count(struct store *st, const char *prefix);

/* Content of a file of the source tree, as a new string. */
char *sample_source_file(const char *name);

#endif
