#include "dataset/check_part.h"

#include <string.h>

#include "util/stop.h"

#define BATCH 256 /* files in one statement */

int check_stopped(struct error *err)
{
    if (!stop_requested())
        return ERR_OK;
    return error_set(err, ERR_INTERRUPTED,
                     "Stopped by a signal; the verification is incomplete. It changes nothing.");
}

static bool is_reported(const struct verify_report *r, const char *object)
{
    for (size_t i = 0; i < r->count; i++)
        if (strcmp(r->findings[i].object, object) == 0)
            return true;
    return false;
}

int check_fetch(struct check *c, enum finding_level level, const struct wanted *wanted,
                const char *advice, char **path, struct error *err)
{
    *path = NULL;
    int rc = check_stopped(err);
    if (rc == ERR_OK)
        rc = dataset_fetch(c->d, wanted->key, wanted->size, wanted->sha256, path, err);
    if (rc != ERR_ABSENT && rc != ERR_DAMAGED)
        return rc;
    if (!is_reported(c->report, wanted->key))
        verify_add(c->report, level, wanted->key, "It is %s. %s",
                   rc == ERR_ABSENT ? "missing" : "not what its manifest says", advice);
    error_clear(err);
    return ERR_OK;
}

/* ---- Reading files back -------------------------------------------------------------------- */

/* The files of a batch one by one: which of them cannot be read? */
static int inspect_singly(struct check *c, enum finding_level level,
                          const struct check_files *files, const char *advice,
                          struct inspection *out, bool *readable, struct error *err)
{
    int rc = ERR_OK;
    for (size_t i = 0; i < files->count && rc == ERR_OK; i++) {
        struct error why = ERROR_INIT;
        if (files->paths[i] == NULL)
            continue;
        inspection_release(&out[i]);
        rc = inspect_files(c->d->engine, c->schema, &files->paths[i], 1, &out[i], &why);
        readable[i] = rc == ERR_OK;
        if (rc == ERR_DAMAGED) {
            verify_add(c->report, level, files->keys[i],
                       "It cannot be read as Parquet with the columns of the dataset: %s %s",
                       why.text, advice);
            rc = ERR_OK;
        } else if (rc != ERR_OK) {
            rc = error_pass(err, rc, &why);
        }
    }
    return rc;
}

static int inspect_batch(struct check *c, enum finding_level level, const struct check_files *files,
                         const char *advice, struct inspection *out, bool *readable,
                         struct error *err)
{
    const char *paths[BATCH];
    size_t place[BATCH];
    struct inspection found[BATCH] = {{.min = NULL}};
    size_t n = 0;
    for (size_t i = 0; i < files->count; i++) {
        if (files->paths[i] == NULL)
            continue;
        place[n] = i;
        paths[n++] = files->paths[i];
    }
    if (n == 0)
        return ERR_OK;
    int rc = inspect_files(c->d->engine, c->schema, paths, n, found, err);
    for (size_t i = 0; i < n; i++) {
        out[place[i]] = found[i];
        readable[place[i]] = rc == ERR_OK;
    }
    if (rc != ERR_DAMAGED)
        return rc;
    error_clear(err);
    return inspect_singly(c, level, files, advice, out, readable, err);
}

int check_inspect(struct check *c, enum finding_level level, const struct check_files *files,
                  const char *advice, struct inspection *out, bool *readable, struct error *err)
{
    int rc = ERR_OK;
    for (size_t i = 0; i < files->count; i++) {
        out[i] = (struct inspection){.min = NULL};
        readable[i] = false;
    }
    for (size_t i = 0; i < files->count && rc == ERR_OK; i += BATCH) {
        size_t n = files->count - i < BATCH ? files->count - i : BATCH;
        struct check_files batch = {files->paths + i, files->keys + i, n};
        rc = check_stopped(err);
        if (rc == ERR_OK)
            rc = inspect_batch(c, level, &batch, advice, out + i, readable + i, err);
    }
    return rc;
}
