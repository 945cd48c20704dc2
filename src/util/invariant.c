#include "util/invariant.h"

#include <stdio.h>
#include <stdlib.h>

void invariant_fails(int number, const char *holds, const char *file, int line)
{
    fprintf(stderr,
            "cauce: error: invariant %d of the protocol does not hold: %s (%s:%d). This is a fault "
            "of cauce; it stops before it does more. Please report it.\n",
            number, holds, file, line);
    abort();
}
