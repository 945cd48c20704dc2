/*
 * The result of a query as typed batches, in its order. It streams: memory does not grow with it.
 *
 * Values are given exactly as the database has them; a cast (value/cast.h) decides what they may
 * become. What none of the kinds below can hold (lists, structs, intervals, ...) comes as the text
 * that the database makes of it.
 *
 * A result belongs to the thread of its engine, whose other queries may run between the calls; only
 * one result is read at a time.
 */
#ifndef CAUCE_ENGINE_RESULT_H
#define CAUCE_ENGINE_RESULT_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/engine.h"
#include "value/cast.h"
#include "value/column.h"

/* What a value means, and the type of the column of the batch that it is in. */
enum result_kind {
    RESULT_BOOLEAN, /* boolean */
    RESULT_INTEGER, /* int, bigint or decimal(38,0); in that one values may have 39 digits */
    RESULT_FLOAT,   /* double: a number of 32 bits */
    RESULT_DOUBLE,  /* double */
    RESULT_DECIMAL, /* decimal of its scale */
    RESULT_TEXT,    /* text */
    RESULT_NESTED,  /* text: what the database makes of a value of any other kind */
    RESULT_DAYS,    /* date */
    RESULT_CLOCK,   /* bigint: time of day in `unit`; INT64_MIN: it has an offset other than zero */
    RESULT_MOMENT,  /* bigint: since 1970 in `unit` */
    RESULT_UUID,    /* uuid */
    RESULT_BINARY   /* binary */
};

struct result_column {
    char *name;
    enum result_kind kind;
    struct type stored;  /* type of the batch's column */
    enum cast_unit unit; /* of times and moments */
    bool local;          /* a moment without a zone */
    int physical;        /* for result.c: the database's type of the values */
};

struct result;

/* Make one SELECT ready; it runs from the first rows on. Codes are those of engine_query. */
MUST_USE int result_open(struct engine *e, const char *sql, struct result **out, struct error *err);

/* Its columns, borrowed. */
const struct result_column *result_columns(const struct result *r, size_t *count);

/* Make a batch for its rows. */
void result_batch(const struct result *r, struct batch *out);

/* Replace the rows of the batch by the next ones, a few thousand at most; none: the end. */
MUST_USE int result_next(struct result *r, struct batch *out, struct error *err);

void result_free(struct result *r); /* NULL allowed */

/*
 * The type that a dataset has for such values without losing any: what is declared is kept. Text for
 * what is nested.
 */
struct type result_type(const struct result_column *c);

#endif
