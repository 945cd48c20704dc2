/* What the columns of a Parquet file are declared as, and what libduckdb 1.4 would make of them. */
#ifndef CAUCE_SOURCE_PARQUET_SCHEMA_H
#define CAUCE_SOURCE_PARQUET_SCHEMA_H

#include <stdbool.h>

#include "engine/engine.h"
#include "engine/result.h"

/* Declarations under which libduckdb would silently change values. */
enum parquet_loss {
    PARQUET_EXACT,   /* none: it is read as it is */
    PARQUET_INT96,   /* a moment of 96 bits: nanoseconds would be cut off */
    PARQUET_DECIMAL, /* of more than 38 digits: would become a double, and a wrong one */
    PARQUET_TIME,    /* of a day, in nanoseconds: would be cut off */
    PARQUET_MOMENT,  /* in nanoseconds with a zone: would be cut off */
    PARQUET_NESTED   /* one of these inside a list or struct */
};

struct parquet_schema {
    struct result_column *columns; /* what they mean; names are owned */
    enum parquet_loss *losses;
    bool *empty; /* declared to hold nothing but NULL */
    size_t count;
    bool *bare; /* by entry of the file's schema, the root first: is there a loss? */
    size_t entries;
    bool lossy; /* there is one somewhere */
};

/* ERR_SOURCE: it is not a Parquet file, or a damaged one. */
MUST_USE int parquet_schema_read(struct engine *e, const char *path, struct parquet_schema *out,
                                 struct error *err);
void parquet_schema_release(struct parquet_schema *s); /* safe on a zeroed struct */

#endif
