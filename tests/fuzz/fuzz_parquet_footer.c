/*
 * Any bytes as the footer of a Parquet file: refused, or written anew so that it can be written anew
 * once more, and is the same then.
 */
#include "fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "source/parquet_footer.h"
#include "util/str.h"

#define ENTRIES 64

static void require(bool good)
{
    if (!good)
        abort();
}

static void check(const uint8_t *data, size_t size, const bool *bare)
{
    struct str once;
    struct str twice;
    str_init(&once, STR_MAX_DEFAULT);
    str_init(&twice, STR_MAX_DEFAULT);
    if (parquet_footer_rewrite(data, size, bare, ENTRIES, &once)) {
        require(parquet_footer_rewrite((const unsigned char *)once.data, once.len, bare, ENTRIES,
                                       &twice));
        require(once.len == twice.len && memcmp(once.data, twice.data, once.len) == 0);
    }
    str_release(&once);
    str_release(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bool bare[ENTRIES] = {false};
    check(data, size, bare);
    for (size_t i = 0; i < ENTRIES; i++)
        bare[i] = size > 0 && (data[size - 1] >> (i % 8) & 1) != 0;
    check(data, size, bare);
    return 0;
}
