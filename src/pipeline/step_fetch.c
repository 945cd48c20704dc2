/*
 * The files of the source that are not on this machine: into the scratch folder, once in a run, in the
 * order of the configuration. It comes after the index of the base was opened, because that knows the
 * state of the source last absorbed: one whose server says that it has not changed costs one request.
 * Reads only; repeating it is harmless.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "net/download.h"
#include "pipeline/run_private.h"
#include "util/log.h"
#include "util/mem.h"
#include "util/uri.h"

#define EXTENSION_MAX 24

/* ---- What is known about it ----------------------------------------------------------------- */

/*
 * A tag identifies one state of one thing. A date does not: it is believed only where it is certain
 * that the same thing is asked for as last time. Headers and hidden parts of a URL, which are
 * recorded nowhere, could have asked for another.
 */
static bool date_tells(const struct config_source *source, const struct config_url *url)
{
    return source->header_count == 0 && strcmp(uri_host(url->url), uri_host(url->shown)) == 0;
}

/* The state last absorbed of this very source, or NULL. */
static const struct manifest_source *known_state(const struct run *r)
{
    const struct config_source *source = &r->d->config->source;
    const struct manifest_source *last = step_last_source(r);
    bool same = last != NULL && !r->options->force && source->url_count == 1 &&
                !source->urls[0].glob && last->url != NULL && last->sha256[0] != '\0' &&
                strcmp(last->url, r->identity.url) == 0 &&
                strcmp(last->recipe, r->identity.recipe) == 0;
    return same ? last : NULL;
}

/* It is the state last absorbed, and there is nothing to read. */
static void take_known(struct run *r, const struct manifest_source *last)
{
    struct manifest_source *own = &r->identity;
    own->size = last->size;
    memcpy(own->sha256, last->sha256, sizeof own->sha256);
    free(own->etag);
    free(own->last_modified);
    own->etag = mem_strdup(last->etag);
    own->last_modified = mem_strdup(last->last_modified);
}

static bool differs(const char *now, const char *last)
{
    return now != NULL && (last == NULL || strcmp(now, last) != 0);
}

bool step_source_renamed(const struct run *r)
{
    const struct manifest_source *own = &r->identity;
    const struct manifest_source *last = step_last_source(r);
    if (last == NULL || (own->etag == NULL && own->last_modified == NULL))
        return false;
    return differs(own->etag, last->etag) || differs(own->last_modified, last->last_modified) ||
           differs(own->url, last->url);
}

/* ---- Where it goes, and settings ----------------------------------------------------------- */

char *step_fetch_path(struct run *r, const char *name)
{
    char extension[EXTENSION_MAX] = "";
    size_t length = strcspn(name, "?#");
    size_t start = length;
    while (start > 0 && (isalnum((unsigned char)name[start - 1]) || name[start - 1] == '.'))
        start--;
    const char *dot = memchr(name + start, '.', length - start);
    size_t count = dot != NULL ? length - (size_t)(dot - name) : 0;
    if (dot != NULL && count < sizeof extension)
        memcpy(extension, dot, count);
    return dataset_scratch(r->d, extension);
}

const char *step_fetch_setting(void *run, const char *name)
{
    const struct run *r = run;
    const struct store_options *places = &r->d->places;
    if (places->setting != NULL)
        return places->setting(places->setting_ctx, name);
    struct config_env env = config_env_process();
    return env.get(env.ctx, name);
}

/* ---- From a web server --------------------------------------------------------------------- */

static void tell_progress(void *ctx, uint64_t received, uint64_t expected)
{
    const struct run *r = ctx;
    if (r->options->progress != NULL)
        r->options->progress(r->options->progress_ctx, STEP_SOURCE,
                             expected > 0 ? (double)received / (double)expected : -1);
}

static void describe(struct run *r, const struct http_pair *headers, struct download_options *out)
{
    const struct config_source *source = &r->d->config->source;
    uint64_t most = source->max_bytes;
    /* Of the whole source: what is here already counts. Zero would be no limit. */
    if (most > 0)
        most = most > r->identity.size ? most - r->identity.size : 1;
    *out = (struct download_options){
        .headers = headers,
        .header_count = source->header_count,
        .allow_private = source->allow_private,
        .ca_file = source->ca_bundle,
        .proxy = source->proxy,
        .timeout_seconds = source->timeout_seconds,
        .max_bytes = most,
        .setting = step_fetch_setting,
        .setting_ctx = r,
        .progress = tell_progress,
        .progress_ctx = r,
    };
}

int step_fetch_download(struct run *r, const struct download_request *request,
                        struct download_result *result, struct error *err)
{
    const struct config_source *source = &r->d->config->source;
    struct http_pair *headers = mem_calloc(source->header_count + 1, sizeof *headers);
    struct download_options options;
    for (size_t i = 0; i < source->header_count; i++)
        headers[i] = (struct http_pair){source->headers[i].name, source->headers[i].value};
    describe(r, headers, &options);
    int rc = download_fetch(&options, request, result, err);
    free(headers);
    if (rc == ERR_OK && result->modified && !result->framed)
        run_warn(r,
                 "the server of the source %s does not mark where it ends: had the transfer been "
                 "cut short, it would have gone unnoticed",
                 request->shown);
    log_write(LOG_INFO,
              LOG_FIELDS(LOG_STR("source", request->shown), LOG_INT("requests", result->requests),
                         LOG_INT("bytes", (int64_t)result->size)),
              "%s",
              rc != ERR_OK       ? "the source could not be downloaded"
              : result->modified ? "the source was downloaded"
                                 : "the source has not changed");
    return rc;
}

static int fetch_http(struct run *r, const struct config_url *url,
                      const struct manifest_source *last, bool *modified, struct error *err)
{
    const struct config_source *source = &r->d->config->source;
    struct download_result result;
    char *path = step_fetch_path(r, url->url);
    struct download_request request = {.url = url->url, .shown = url->shown, .path = path};
    if (last != NULL) {
        request.etag = last->etag;
        request.last_modified = date_tells(source, url) ? last->last_modified : NULL;
    }
    int rc = step_fetch_download(r, &request, &result, err);
    *modified = result.modified;
    if (rc != ERR_OK || !result.modified) {
        free(path);
    } else {
        rc = step_source_add(r, path, url->shown, result.sha256, err);
        if (source->url_count == 1) {
            r->identity.etag = mem_strdup(result.etag);
            r->identity.last_modified = mem_strdup(result.last_modified);
        }
    }
    download_result_release(&result);
    return rc;
}

/* ---- All of them --------------------------------------------------------------------------- */

/* Files that are here already: they only move to their place. */
static void keep(struct run *r, const struct source_file *f)
{
    r->files = mem_grow(r->files, r->file_count, &r->file_capacity, sizeof *r->files);
    r->files[r->file_count++] = *f;
}

static int fetch_one(struct run *r, const struct config_url *url, bool *modified, struct error *err)
{
    if (r->d->config->source.next.kind != CONFIG_NEXT_NONE)
        return step_fetch_pages(r, url, err);
    const struct manifest_source *last = known_state(r);
    int rc = url->place == CONFIG_PLACE_S3 ? step_fetch_s3(r, url, last, modified, err)
                                           : fetch_http(r, url, last, modified, err);
    if (rc == ERR_OK && !*modified)
        take_known(r, last);
    return rc;
}

int step_fetch_source(struct run *r, struct error *err)
{
    struct source_file *found = r->files;
    size_t count = r->file_count;
    bool modified = true;
    int rc = dataset_workdir(r->d, err);
    r->files = NULL;
    r->file_count = 0;
    r->file_capacity = 0;
    for (size_t i = 0; i < count; i++) {
        if (found[i].remote == NULL) {
            keep(r, &found[i]);
            continue;
        }
        if (rc == ERR_OK)
            rc = fetch_one(r, found[i].remote, &modified, err);
        free(found[i].shown);
    }
    free(found);
    r->fetched = rc == ERR_OK;
    return rc == ERR_SOURCE ? error_tell(err, rc, ERROR_UNPUBLISHED, NULL) : rc;
}
