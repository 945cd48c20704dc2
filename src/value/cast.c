#include "value/cast.h"

#include <stdlib.h>

struct cast {
    struct type type;
};

void cast_free(struct cast *c)
{
    free(c);
}

struct type cast_type(const struct cast *c)
{
    return c->type;
}
