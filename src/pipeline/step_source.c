/*
 * The source's files: those that are here are found, and what they are is told by their SHA-256. Reads
 * only; repeating it is harmless. What is elsewhere is left to step_fetch.c.
 */
#include <glob.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/run_private.h"
#include "util/mem.h"
#include "util/stop.h"

static struct source_file *append(struct run *r, char *path, const char *shown)
{
    r->files = mem_grow(r->files, r->file_count, &r->file_capacity, sizeof *r->files);
    struct source_file *f = &r->files[r->file_count++];
    *f = (struct source_file){.path = path, .shown = mem_strdup(shown)};
    return f;
}

/* Add the size of a file to that of the source. */
static int measure(struct run *r, struct source_file *f, struct error *err)
{
    uint64_t most = r->d->config->source.max_bytes;
    int rc = fs_stat(f->path, &f->stat, err);
    if (rc != ERR_OK)
        return rc;
    if (f->stat.folder)
        return error_set(err, ERR_SOURCE,
                         "the source %s is a folder; name its files, for example %s/*.csv.",
                         f->shown, f->shown);
    /* It is read more than once, and must have an end. */
    if (!f->stat.regular)
        return error_set(err, ERR_SOURCE,
                         "the source %s is a pipe or a device: a source must be a file. Save what "
                         "it gives to one first.",
                         f->shown);
    r->identity.size += f->stat.size;
    if (most == 0 || r->identity.size <= most)
        return ERR_OK;
    return error_set(err, ERR_SOURCE,
                     "the source is larger than `source.max_bytes` allows: with %s it has %llu "
                     "bytes, %llu are allowed. Raise the limit if that is right.",
                     f->shown, (unsigned long long)r->identity.size, (unsigned long long)most);
}

/* Whatever it was, the source cannot be read. */
static int as_source(int rc, struct error *err)
{
    if (rc == ERR_INTERRUPTED)
        return rc;
    if (err != NULL)
        err->code = ERR_SOURCE;
    return ERR_SOURCE;
}

int step_source_add(struct run *r, char *path, const char *shown, const char *sha256,
                    struct error *err)
{
    struct source_file *f = append(r, path, shown);
    int rc = stop_check(err);
    if (rc != ERR_OK)
        return rc;
    if (sha256 != NULL)
        memcpy(f->sha256, sha256, sizeof f->sha256);
    rc = measure(r, f, err);
    if (rc == ERR_OK)
        dataset_allow(r->d, f->path);
    return rc == ERR_OK ? ERR_OK : as_source(rc, err);
}

static int add_path(struct run *r, const char *path, const char *shown, struct error *err)
{
    char *real;
    int rc = fs_real_path(path, &real, err);
    if (rc != ERR_OK)
        return error_set(err, ERR_SOURCE, "the source %s does not exist or cannot be reached.",
                         shown);
    return step_source_add(r, real, shown, NULL, err);
}

static int add_glob(struct run *r, const struct config_url *url, struct error *err)
{
    glob_t found;
    int rc = ERR_OK;
    int result = glob(url->path, GLOB_ERR, NULL, &found);
    if (result == GLOB_NOMATCH)
        return error_set(err, ERR_SOURCE, "no file matches the source %s.", url->shown);
    if (result != 0)
        return error_set(err, ERR_SOURCE, "the folder of the source %s cannot be read.",
                         url->shown);
    for (size_t i = 0; i < found.gl_pathc && rc == ERR_OK; i++)
        rc = add_path(r, found.gl_pathv[i], found.gl_pathv[i], err);
    globfree(&found);
    return rc;
}

/* Files that are elsewhere keep their place among the others. */
static int add_url(struct run *r, const struct config_url *url, struct error *err)
{
    if (url->place == CONFIG_PLACE_LOCAL)
        return url->glob ? add_glob(r, url, err) : add_path(r, url->path, url->shown, err);
    append(r, NULL, url->shown)->remote = url;
    r->fetched = false;
    return ERR_OK;
}

/* Hash the files of which that was not done as they arrived, or were read. */
static int hash_files(struct run *r, struct error *err)
{
    int rc = ERR_OK;
    for (size_t i = 0; i < r->file_count && rc == ERR_OK; i++) {
        struct source_file *f = &r->files[i];
        if (f->sha256[0] == '\0')
            rc = sha256_source(f->path, f->sha256, err);
    }
    return rc == ERR_OK ? ERR_OK : as_source(rc, err);
}

/* One file is known by its own digest, several by the digest of their digests in order. */
static void digest_files(struct run *r)
{
    unsigned char digest[SHA256_SIZE];
    if (r->file_count == 1) {
        memcpy(r->identity.sha256, r->files[0].sha256, sizeof r->identity.sha256);
        return;
    }
    struct sha256 *all = sha256_new();
    for (size_t i = 0; i < r->file_count; i++)
        sha256_update(all, r->files[i].sha256, SHA256_HEX_SIZE - 1);
    sha256_finish(all, digest);
    sha256_free(all);
    digest_to_hex(digest, sizeof digest, r->identity.sha256);
}

int step_source_identify(struct run *r, struct error *err)
{
    if (r->identity.sha256[0] != '\0')
        return ERR_OK;
    int rc = hash_files(r, err);
    if (rc == ERR_OK)
        digest_files(r);
    return rc;
}

int step_find_source(struct run *r, struct error *err)
{
    const struct config_source *source = &r->d->config->source;
    struct str shown;
    str_init(&shown, 4000);
    int rc = source->url_count > 0 ? ERR_OK
                                   : error_set(err, ERR_CONFIG,
                                               "no source is configured: set `source`, or name one "
                                               "with --source.");
    r->fetched = true;
    for (size_t i = 0; i < source->url_count; i++)
        str_printf(&shown, "%s%s", i > 0 ? ", " : "", source->urls[i].shown);
    r->identity.url = str_detach(&shown);
    config_digest(r->d->config, r->identity.recipe);
    for (size_t i = 0; i < source->url_count && rc == ERR_OK; i++)
        rc = add_url(r, &source->urls[i], err);
    return rc;
}

int step_source_unchanged(struct run *r, bool *unchanged, struct error *err)
{
    const struct manifest_source *last = step_last_source(r);
    *unchanged = false;
    /* What has another size is something else: it need not be read to know that. */
    if (last == NULL || r->options->force || last->size != r->identity.size ||
        strcmp(last->recipe, r->identity.recipe) != 0)
        return ERR_OK;
    int rc = step_source_identify(r, err);
    *unchanged = rc == ERR_OK && strcmp(last->sha256, r->identity.sha256) == 0;
    return rc;
}

int step_check_source(struct run *r, struct error *err)
{
    for (size_t i = 0; i < r->file_count; i++) {
        const struct source_file *f = &r->files[i];
        struct fs_stat now;
        int rc = fs_stat(f->path, &now, NULL);
        if (rc == ERR_OK && now.size == f->stat.size && now.modified == f->stat.modified &&
            now.inode == f->stat.inode)
            continue;
        error_set(err, ERR_SOURCE, "the source %s changed while it was read.", f->shown);
        return error_tell(err, ERR_SOURCE, ERROR_UNPUBLISHED, "Run again when it is complete.");
    }
    return ERR_OK;
}

void step_source_release(struct run *r)
{
    for (size_t i = 0; i < r->file_count; i++) {
        free(r->files[i].path);
        free(r->files[i].shown);
    }
    free(r->files);
    source_free(r->source);
    for (size_t i = 0; r->members != NULL && i < r->file_count; i++)
        members_release(&r->members[i]);
    free(r->members);
    free(r->readable);
    free(r->columns);
    free(r->constants);
    schema_source_release(&r->frozen);
    schema_release(&r->loaded);
    manifest_source_release(&r->identity);
}
