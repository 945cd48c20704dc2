#include "dataset/local_events.h"

#include <stdlib.h>

#include "util/mem.h"

void local_events_release(struct local_events *l)
{
    for (size_t i = 0; l->paths != NULL && i < l->files.count; i++)
        free(l->paths[i]);
    free(l->paths);
    free(l->relation);
    manifest_files_release(&l->files);
    *l = (struct local_events){0};
}

int local_events_fetch(struct dataset *d, const struct base *base, uint64_t after, uint64_t upto,
                       struct local_events *out, struct error *err)
{
    *out = (struct local_events){0};
    int rc = catalog_files(d->store, base, after, upto, &out->files, err);
    if (rc != ERR_OK)
        return rc;
    size_t n = out->files.count;
    struct wanted *wanted = mem_calloc(n, sizeof *wanted);
    out->paths = mem_calloc(n, sizeof *out->paths);
    out->relation = mem_calloc(n, sizeof *out->relation);
    for (size_t i = 0; i < n; i++) {
        const struct manifest_file *f = &out->files.items[i];
        wanted[i] = (struct wanted){f->key, f->size, f->sha256};
    }
    rc = dataset_fetch_many(d, wanted, n, out->paths, err);
    for (size_t i = 0; i < n; i++)
        out->relation[i] = (struct relation_file){out->paths[i], out->files.items[i].revised > 0};
    free(wanted);
    if (rc != ERR_OK)
        local_events_release(out);
    return rc;
}
