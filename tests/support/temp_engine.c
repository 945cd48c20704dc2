#include "support/temp_engine.h"

#include <stdio.h>
#include <stdlib.h>

#define MEMORY ((uint64_t)512 << 20)

struct engine *temp_engine_new(const char *folder, unsigned threads)
{
    struct engine_options options = {
        .library = getenv("CAUCE_LIBDUCKDB"),
        .workdir = folder,
        .memory = MEMORY,
        .threads = threads,
        .key_seed = 1,
    };
    struct engine *e = NULL;
    struct error err = ERROR_INIT;
    if (engine_open(&options, &e, &err) != ERR_OK) {
        fprintf(stderr, "%s\n", err.text);
        abort();
    }
    return e;
}
