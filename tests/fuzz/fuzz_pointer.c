/* The pointer: what is accepted is safe to use, and is written and read again the same. */
#include "fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "catalog/pointer.h"

static void require(int condition)
{
    if (!condition)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pointer p;
    struct pointer again;
    struct str first;
    struct str second;
    if (pointer_decode((const char *)data, size, &p, NULL) != ERR_OK)
        return 0;
    require(p.current.sequence == 0 || store_key_check(p.manifest_key, NULL) == ERR_OK);
    str_init(&first, POINTER_MAX_BYTES);
    str_init(&second, POINTER_MAX_BYTES);
    pointer_encode(&p, &first);
    require(str_check(&first, "the pointer", NULL) == ERR_OK);
    require(pointer_decode(first.data, first.len, &again, NULL) == ERR_OK);
    pointer_encode(&again, &second);
    require(first.len == second.len && memcmp(first.data, second.data, first.len) == 0);
    str_release(&second);
    str_release(&first);
    return 0;
}
