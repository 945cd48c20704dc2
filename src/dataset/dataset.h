/*
 * A dataset that a command works on: its store, its configuration where there is one, and what else
 * the work needs: a scratch folder and, from the first SQL on, an engine.
 */
#ifndef CAUCE_DATASET_DATASET_H
#define CAUCE_DATASET_DATASET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "catalog/catalog.h"
#include "config/config.h"
#include "dataset/workdir.h"
#include "engine/engine.h"
#include "store/store.h"

/* Limits of a run, from the configuration or the machine. */
struct limits {
    uint64_t memory;
    unsigned threads;
    const char *temp;    /* borrowed: folder for scratch */
    const char *library; /* borrowed: libduckdb to load, NULL: the installed one */
    uint64_t
        index_range; /* keys per range of an index that is cut by ranges; 0: INDEX_RANGE_KEYS */
};

struct derived_table;

struct dataset {
    struct store *store;         /* borrowed; opened at the dataset's root */
    const char *id;              /* borrowed */
    const struct config *config; /* borrowed; NULL: commands that need none */
    struct limits limits;
    char **files; /* outside of the store, that the engine may read */
    size_t file_count, file_capacity;
    struct store_bill beside; /* what was asked of places other than the store */
    /*
     * How the store was opened, and buckets of sources are: all but where. Without `setting`, as after
     * dataset_init, the settings are those of the environment.
     */
    struct store_options places;
    const char
        *memory; /* borrowed: folder where this machine remembers pointers; NULL: it does not */
    const char *place; /* borrowed: where the dataset is, as this machine remembers it */
    const struct derived_table
        *derived;          /* borrowed: what is derived from it; NULL: what derived.c lists */
    struct workdir work;   /* made on first need */
    struct engine *engine; /* made on first need */
};

/* Nothing is opened yet. */
void dataset_init(struct dataset *d, struct store *store, const char *id,
                  const struct config *config, const struct limits *limits);

/* Close the engine, remove the scratch folder. */
void dataset_release(struct dataset *d);

/*
 * Does this machine remember a later state of the pointer than that of the base? ERR_DAMAGED, as
 * witness_check says it. Else it remembers this one.
 */
MUST_USE int dataset_check_pointer(struct dataset *d, const struct base *base, struct error *err);

/* This machine has seen that state of the pointer. Best effort. */
void dataset_remember(const struct dataset *d, const struct pointer *p);

/* Make the scratch folder where there is none yet. */
MUST_USE int dataset_workdir(struct dataset *d, struct error *err);

/*
 * Let the engine read a file (absolute path, copied). Before it is opened: afterwards the engine
 * cannot be told any more, and healing the index opens it before the source is read.
 */
void dataset_allow(struct dataset *d, const char *path);

/*
 * Open the engine where it is not open yet: it may read the dataset's own folder (local stores),
 * the scratch folder, and the files allowed. `key_seed` is that of the dataset.
 */
MUST_USE int dataset_engine(struct dataset *d, uint64_t key_seed, struct error *err);

/*
 * A local file with the content of an object, checked against size and SHA-256: the object itself
 * where the store has local paths, else a download into the scratch folder, made once. `*path` is
 * the caller's to free. ERR_DAMAGED: it is not what it should be; ERR_ABSENT: it is gone.
 */
MUST_USE int dataset_fetch(struct dataset *d, const char *key, uint64_t size, const char *sha256,
                           char **path, struct error *err);

/* The same for what a published version names: where it is gone, that is damage, too (ERR_DAMAGED). */
MUST_USE int dataset_fetch_event(struct dataset *d, const char *key, uint64_t size,
                                 const char *sha256, char **path, struct error *err);

/* An object that is wanted, as its manifest states it; all borrowed. */
struct wanted {
    const char *key;
    uint64_t size;
    const char *sha256;
};

/*
 * Bring the objects into the scratch folder, several at once, where the store is remote and they
 * are not there yet; dataset_fetch then finds and checks them. It reports what is absent or
 * damaged. Other failures are returned.
 */
MUST_USE int dataset_prefetch(struct dataset *d, const struct wanted *wanted, size_t count,
                              struct error *err);

/*
 * A local file has exactly the content of an object that was just stored: nobody needs to download
 * it from a remote store. Best effort; the file stays the caller's.
 */
void dataset_keep(struct dataset *d, const char *path, const char *sha256);

/* dataset_fetch_event for many; `paths` has `count` entries, all freed and NULL on failure. */
MUST_USE int dataset_fetch_many(struct dataset *d, const struct wanted *wanted, size_t count,
                                char **paths, struct error *err);

/* Path of a new file in the scratch folder, the caller's to free; the name is unique. */
MUST_USE char *dataset_scratch(struct dataset *d, const char *suffix);

#endif
