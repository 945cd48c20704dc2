/*
 * One JSON record after the other, into the columns of a batch: what all readers of JSON share.
 *
 * A record is an object. Its fields may come in any order, and any of them may be missing: that is
 * NULL, as null is. A name that occurs twice in one object, a value that leads a path nowhere (a
 * text where an object was expected), a value that does not fit its column: the record is a fault.
 *
 * A `struct json_record` has one owner; several may share one tree.
 */
#ifndef CAUCE_SOURCE_JSON_RECORD_H
#define CAUCE_SOURCE_JSON_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "source/json_path.h"
#include "source/json_scan.h"
#include "source/reader.h"
#include "util/error.h"

/* Which values of a record feed which columns. Read-only once it is made. */
struct json_wanted {
    struct json_tree *tree;
    const struct reader_column *columns; /* borrowed */
    size_t count;
    json_node *nodes; /* of all columns' alternatives, one column after the other */
};

/* ERR_CONFIG: a name under `from` that begins like a path but is not one. */
MUST_USE int json_wanted_init(struct json_wanted *w, const struct reader_column *columns,
                              size_t count, struct error *err);
void json_wanted_release(struct json_wanted *w); /* safe on a zeroed struct */

struct json_record;

MUST_USE struct json_record *json_record_new(const struct json_wanted *w);
void json_record_free(struct json_record *r); /* NULL allowed */

/* Why a record is not a row. */
struct json_fault {
    const char *at;    /* where in the text */
    size_t index;      /* of the column; SIZE_MAX: the record as a whole */
    const char *value; /* as it stands in the text; NULL: none */
    size_t value_length;
    char *reason; /* owned by the receiver */
};

/*
 * Scan the record that begins here; false as the functions of json_scan.h. A value of another kind
 * is scanned whole, too.
 */
bool json_record_scan(struct json_record *r, struct json_scan *s);

/*
 * Append the values of the record that was scanned, one to each column. False: it is a fault; the
 * columns may have got values already.
 */
bool json_record_take(struct json_record *r, struct batch *values, struct json_fault *fault);

/*
 * The same for many records, whose values are cast column by column: keep the pieces of the record
 * that was scanned, that of column k at [k * stride + i]; false where the record needs a closer
 * look (json_record_take). Then append all that was kept; false where any of it does not fit, and
 * nothing is appended. The texts must still be there, less than 4 GiB after `base`, and CAST_MARGIN
 * bytes after each of them must be readable.
 */
bool json_record_keep(const struct json_record *r, struct json_piece *pieces, size_t stride,
                      size_t i);
bool json_record_take_all(struct json_record *r, const struct json_piece *pieces, size_t stride,
                          size_t count, const char *base, struct batch *values);

/*
 * At the end of a file whose records were scanned by one or several `records`: ERR_GATE where a
 * column that is not optional was in none of them, though there were some.
 */
MUST_USE int json_wanted_check(const struct json_wanted *w, struct reader *reader,
                               struct json_record *const *records, size_t count, struct error *err);

/* Did any record that was scanned have the first column, be it null? */
bool json_record_met(const struct json_wanted *w, const struct json_record *r);

/* Names of the fields of all records, in the order in which they first occurred. */
struct json_names {
    char **items; /* as they are written under `from` */
    size_t count;
    size_t capacity;
    struct json_tree *tree;
};

void json_names_init(struct json_names *n);
void json_names_release(struct json_names *n); /* safe on a zeroed struct */

/* A name that was not added. */
struct json_excess {
    const char *at; /* in the record that was scanned; NULL: there is none */
    bool too_long;  /* it is longer than READ_NAME_MAX; else there are READ_COLUMNS_MAX already */
};

/* Scan a record and add what is new; `excess` is set to the first name that is not added. */
bool json_names_scan(struct json_names *n, struct json_scan *s, struct json_excess *excess);

/* What to say then, with the place of that name: ERR_LIMIT. */
MUST_USE int json_names_refuse(const struct reader_file *file, uint64_t line, uint64_t column,
                               bool too_long, struct error *err);

#endif
