/* Options of opening a store: what all backends share, and what each takes of its own. Data only. */
#ifndef CAUCE_STORE_STORE_OPTIONS_H
#define CAUCE_STORE_STORE_OPTIONS_H

#include <stdbool.h>

#include "store/s3/options.h"

/* Options of opening. All zero: the defaults. */
struct store_options {
    bool allow_network_filesystem;
    bool create; /* file: create the root folder where it is absent */
    bool prove; /* the probe sends its requests even where its result is known, or none is needed */
    struct store_s3_options s3;
    /*
     * Value of a backend's setting by the name of its environment variable ("AWS_REGION"; borrowed
     * until the next call), NULL where it is not set. A backend reads nothing else of the
     * environment; NULL: nothing is set. Called during opening only, in one thread.
     */
    const char *(*setting)(void *ctx, const char *name);
    void *setting_ctx;
};

#endif
