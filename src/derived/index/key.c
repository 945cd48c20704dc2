#include "derived/index/key.h"

#include <stdio.h>
#include <string.h>

void index_shard_key(const struct version_id *attempt, unsigned shard, char out[LAYOUT_KEY_SIZE])
{
    char name[LAYOUT_NAME_SIZE];
    layout_name(attempt, name);
    snprintf(out, LAYOUT_KEY_SIZE, "index/%s/%u.parquet", name, shard);
}

int index_parse_shard_key(const char *key, struct version_id *attempt, struct error *err)
{
    static const char what[] = "a shard of the index";
    const char *p = key;
    if (!layout_take_name(&p, "index/", '/', attempt))
        return layout_bad_key(key, what, err);
    uint64_t shard;
    layout_take_digits(&p, 9, &shard);
    char again[LAYOUT_KEY_SIZE];
    index_shard_key(attempt, (unsigned)shard, again);
    return strcmp(again, key) == 0 ? ERR_OK : layout_bad_key(key, what, err);
}
