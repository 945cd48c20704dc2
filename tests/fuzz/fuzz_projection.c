/* The projections manifest: what is accepted is safe to use, and is written and read the same. */
#include "fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "derived/projection/state.h"

static void require(int condition)
{
    if (!condition)
        abort();
}

static void check_parts(const struct projection_part *parts, size_t count, int redo)
{
    for (size_t i = 0; i < count; i++) {
        require(store_key_check(parts[i].key, NULL) == ERR_OK);
        require(strncmp(parts[i].key, "projections/windows/", 20) == 0);
        require((parts[i].temp[0] != '\0') == redo);
        require(!redo || (store_key_check(parts[i].temp, NULL) == ERR_OK &&
                          strncmp(parts[i].temp, ".tmp/", 5) == 0));
        for (size_t k = 1; k < parts[i].version_count; k++)
            require(parts[i].versions[k - 1] < parts[i].versions[k]);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct projection_state s;
    struct projection_state again;
    struct str first;
    struct str second;
    if (projection_decode((const char *)data, size, &s, NULL) != ERR_OK)
        return 0;
    require(s.phase != PROJECTION_NONE);
    require(s.phase == PROJECTION_IN_PROGRESS || (!s.has_redo && s.affected_count == 0));
    check_parts(s.parts, s.part_count, 0);
    check_parts(s.redo, s.redo_count, 1);
    str_init(&first, PROJECTION_MAX_BYTES);
    str_init(&second, PROJECTION_MAX_BYTES);
    projection_encode(&s, s.by, &first);
    require(projection_decode(first.data, first.len, &again, NULL) == ERR_OK);
    projection_encode(&again, again.by, &second);
    require(first.len == second.len && memcmp(first.data, second.data, first.len) == 0);
    projection_release(&again);
    projection_release(&s);
    str_release(&second);
    str_release(&first);
    return 0;
}
