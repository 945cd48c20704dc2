#include "derived/derived.h"

#include <assert.h>

#include "derived/index/index.h"
#include "derived/projection/projection.h"
#include "util/log.h"

const struct derived_table derived_table = {
    .items = {&index_derived, &projection_derived},
    .count = 2,
};

const struct derived_table *derived_of(const struct dataset *d)
{
    return d->derived != NULL ? d->derived : &derived_table;
}

struct roots derived_roots(const struct derived_table *table)
{
    struct roots roots = {.count = table->count};
    assert(table->count <= ROOTS_MAX);
    for (size_t i = 0; i < table->count; i++)
        roots.items[i] = &table->items[i]->root;
    return roots;
}

int derived_check_pointer(struct dataset *d, const struct base *base, struct error *err)
{
    const struct roots roots = derived_roots(derived_of(d));
    int rc = dataset_check_pointer(d, base, err);
    return rc == ERR_OK ? roots_check_witnesses(d->store, &roots, base, err) : rc;
}

void derived_warn_of_pointer(struct dataset *d, const struct base *base)
{
    struct error why = ERROR_INIT;
    if (derived_check_pointer(d, base, &why) == ERR_DAMAGED)
        log_warn("%s", why.text);
}
