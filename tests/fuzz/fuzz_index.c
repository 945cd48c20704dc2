/* The index manifest: what is accepted is safe to use, and is written and read again the same. */
#include "fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "derived/index/state.h"

static void require(int condition)
{
    if (!condition)
        abort();
}

static void check(const struct index_state *s)
{
    struct key_digest sum = {0};
    for (size_t i = 0; i < s->shard_count; i++) {
        require(store_key_check(s->shards[i].key, NULL) == ERR_OK);
        require(strncmp(s->shards[i].key, "index/", 6) == 0);
        require(s->by_partition || i == 0 || s->shards[i].lower != NULL);
        key_digest_add(&sum, &s->shards[i].digest);
    }
    require(key_digest_equal(&sum, &s->keys));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct index_state s;
    struct index_state again;
    struct str first;
    struct str second;
    if (index_decode((const char *)data, size, &s, NULL) != ERR_OK)
        return 0;
    check(&s);
    str_init(&first, INDEX_MAX_BYTES);
    str_init(&second, INDEX_MAX_BYTES);
    index_encode(&s, &first);
    require(index_decode(first.data, first.len, &again, NULL) == ERR_OK);
    index_encode(&again, &second);
    require(first.len == second.len && memcmp(first.data, second.data, first.len) == 0);
    index_release(&again);
    index_release(&s);
    str_release(&second);
    str_release(&first);
    return 0;
}
