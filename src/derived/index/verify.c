#include "derived/index/verify.h"

#include <inttypes.h>

static int check_freshness(struct verifier *v, const struct index_state *s, struct error *err)
{
    enum index_freshness freshness;
    const char *reason;
    bool known = v->has_pointer && v->whole && !v->went_back;
    int rc = known ? index_compare(v->st, &v->base, s, &freshness, &reason, err) : ERR_OK;
    if (!known || rc == ERR_DAMAGED) {
        error_clear(err);
        return ERR_OK;
    }
    if (rc == ERR_OK && freshness == INDEX_BEHIND)
        verify_add(v->report, FINDING_SHOULD, INDEX_ROOT,
                   "It reflects version %" PRIu64 " of %" PRIu64
                   ". The next run catches up; `cauce rebuild-index` does it now.",
                   s->stamp.sequence, v->base.pointer.current.sequence);
    else if (rc == ERR_OK && freshness == INDEX_INVALID)
        verify_add(v->report, FINDING_SHOULD, INDEX_ROOT,
                   "It does not fit the chain of versions: %s. " INDEX_REMEDY, reason);
    return rc;
}

int index_verify(struct verifier *v, const struct index_state *s, struct error *err)
{
    int rc = check_freshness(v, s, err);
    for (size_t i = 0; rc == ERR_OK && i < s->shard_count; i++) {
        const struct index_shard *shard = &s->shards[i];
        rc = verify_object(v, FINDING_SHOULD, shard->key, shard->size, shard->sha256, INDEX_REMEDY,
                           err);
    }
    return rc;
}
