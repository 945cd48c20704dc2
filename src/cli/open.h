/*
 * From the command line to an opened dataset: its configuration (where DATASET.yml is given), its
 * store at `<store>/<dataset>`, and the limits of a run.
 */
#ifndef CAUCE_CLI_OPEN_H
#define CAUCE_CLI_OPEN_H

#include <stdbool.h>

#include "cli/options.h"
#include "config/config.h"
#include "dataset/dataset.h"
#include "store/store.h"

enum open_mode {
    OPEN_READ,   /* a folder that does not exist: ERR_ABSENT, no such dataset */
    OPEN_DRY,    /* as if it existed and were empty; nothing is created */
    OPEN_CREATE, /* it is created */
    OPEN_PROVE,  /* as OPEN_READ; the store proves anew what it guarantees */
};

/* Limits and names live here; the dataset borrows them. */
struct opened {
    struct config config; /* of the file; without one: nothing but defaults, dataset and store */
    bool has_config;      /* of a file */
    char *url;            /* of the store, dataset included */
    char *memory;         /* folder where this machine remembers pointers; NULL: it does not */
    char *place;          /* the name by which it remembers the dataset */
    struct store *store;
    struct dataset dataset;
};

/*
 * Read the configuration; every problem is one line on standard error, and `err` sums them up.
 * --store, --dataset and --source take the place of what it says.
 */
MUST_USE int open_config(const struct options *options, struct opened *out, struct error *err);

/*
 * Then the store (where no dataset is named, by a command that may lack one, the store itself and not
 * a dataset in it); ERR_ABSENT, ERR_CONFIG and ERR_GATE as store_open. Releases
 * `out` on failure.
 */
MUST_USE int open_dataset(const struct options *options, enum open_mode mode, struct opened *out,
                          struct error *err);
void open_release(struct opened *o); /* safe on a zeroed struct */

/* URL or path of a dataset in a store, as a new string. Pure. */
MUST_USE char *open_join(const char *store, const char *dataset);

/* What the configuration says of a bucket; borrowed from it. Pure. */
struct store_s3_options open_s3_options(const struct config *config);

#endif
