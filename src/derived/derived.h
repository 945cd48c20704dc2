/*
 * What a derived thing is: something that is made from the chain of versions, lies beside it in the
 * store, and can be lost and made anew (key index, projections). And the table of all there are.
 *
 * gc, verify, runs, status, metrics and records loop over the table; none of them knows a thing by
 * name. To add one: a folder below derived/ with what it does, and a row in derived.c.
 */
#ifndef CAUCE_DERIVED_DERIVED_H
#define CAUCE_DERIVED_DERIVED_H

#include "catalog/root.h"
#include "dataset/check_part.h"

struct derived {
    struct root root; /* what gc, verify and repair ask; catalog/root.h */

    /*
     * `verify --data`: findings of what its files contain, compared with the events of the chain.
     * What can be seen without opening them is the root's to verify. NULL: there is nothing to compare.
     */
    int (*check)(struct check *c, struct error *err);
};

struct derived_table {
    const struct derived *items[ROOTS_MAX];
    size_t count;
};

/* The things of this program, in the order in which they are brought up to date. */
extern const struct derived_table derived_table;

/* Those of a dataset: its own table, or the program's. */
const struct derived_table *derived_of(const struct dataset *d);

/* Their roots, for what looks at the store alone. */
struct roots derived_roots(const struct derived_table *table);

/*
 * As dataset_check_pointer, and does a derived thing know of a later state of the pointer
 * (roots_check_witnesses)?
 */
MUST_USE int derived_check_pointer(struct dataset *d, const struct base *base, struct error *err);

/*
 * The same for whoever only reads: a warning where the pointer went back, for then it is not the newest
 * version that is read.
 */
void derived_warn_of_pointer(struct dataset *d, const struct base *base);

#endif
