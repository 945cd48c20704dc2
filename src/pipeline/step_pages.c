/*
 * A source in pages, each of which is a file of the source. How one leads to the next is configured
 * (`source.next`). Nothing is asked for conditionally: that the first page has not changed says
 * nothing about the others.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "net/download.h"
#include "net/pages.h"
#include "pipeline/run_private.h"
#include "source/page.h"
#include "util/fs.h"
#include "util/mem.h"

struct paging {
    struct run *run;
    const struct config_url *url;
    const struct config_next *next;
    struct read_options options;
    uint64_t page; /* number of the one at hand, from 1 */
    char *shown;   /* of it */
    char **urls;   /* of all so far */
    size_t url_count;
    size_t url_capacity;
    char *at; /* its URL; NULL: there is no further one */
};

static int fail(const struct paging *p, struct error *err)
{
    return error_prefix(err, "the source %s, page %llu", p->url->shown,
                        (unsigned long long)p->page);
}

/* A page that leads to an earlier one would go on forever. */
static int check_new(struct paging *p, struct error *err)
{
    for (size_t i = 0; i < p->url_count; i++)
        if (strcmp(p->urls[i], p->at) == 0) {
            error_set(err, ERR_SOURCE, "it leads back to page %zu", i + 1);
            return fail(p, err);
        }
    return ERR_OK;
}

/* A server that does not know the parameter sends the same page again and again. */
static int check_differs(const struct paging *p, struct error *err)
{
    const struct run *r = p->run;
    const struct source_file *last = &r->files[r->file_count - 1];
    if (p->page < 2 || strcmp(last[-1].sha256, last->sha256) != 0)
        return ERR_OK;
    error_set(err, ERR_SOURCE,
              "it is the same as the page before: the server seems to ignore the parameter \"%s\" "
              "(`next`).",
              p->next->parameter);
    return fail(p, err);
}

static char *counted(const struct paging *p)
{
    uint64_t count = p->next->first + (p->page - 1) * p->next->step;
    char *number = mem_printf("%" PRIu64, count);
    char *url = pages_parameter(p->url->url, p->next->parameter, number);
    free(number);
    return url;
}

static int follow(const struct paging *p, const char *target, char **out, struct error *err)
{
    int rc = pages_follow(p->at, target, out, err);
    return rc == ERR_OK ? rc : fail(p, err);
}

/* A last page may lack the field. Where the first one does, its name may be wrong as well. */
static void warn_of_field(const struct paging *p)
{
    run_warn(
        p->run,
        "the source %s: page 1 has no field \"%s\" (`next`), so that it was taken for the only "
        "one. Where there are more, correct the name of the field",
        p->url->shown, p->next->field);
}

/* The URL that a field of the page leads to. */
static int by_field(struct paging *p, const struct reader_file *file, char **out, struct error *err)
{
    char *value = NULL;
    bool there = false;
    int rc = page_field(file, &p->options, p->next->field, &value, &there, err);
    if (rc == ERR_OK && value != NULL && p->next->parameter != NULL)
        *out = pages_parameter(p->url->url, p->next->parameter, value);
    else if (rc == ERR_OK && value != NULL)
        rc = follow(p, value, out, err);
    if (rc == ERR_OK && !there && p->page == 1)
        warn_of_field(p);
    free(value);
    return rc;
}

static int by_link(struct paging *p, const char *links, char **out, struct error *err)
{
    char *target = links != NULL ? pages_link(links) : NULL;
    int rc = target != NULL ? follow(p, target, out, err) : ERR_OK;
    free(target);
    return rc;
}

/* By counting: a page without records is the last. */
static int by_count(struct paging *p, const struct reader_file *file, char **out, struct error *err)
{
    const struct run *r = p->run;
    const struct format_tools tools = {.workdir = r->d->work.path};
    uint64_t records = 0;
    int rc = page_records(r->d->config->source.format, &tools, file, &p->options, &records, err);
    p->page++;
    if (rc == ERR_OK && records > 0)
        *out = counted(p);
    p->page--;
    return rc;
}

/* Move to the next page; `at` is NULL where there is none. */
static int turn(struct paging *p, const char *links, struct error *err)
{
    const struct run *r = p->run;
    const struct source_file *f = &r->files[r->file_count - 1];
    const struct reader_file file = {.path = f->path, .shown = f->shown};
    char *next = NULL;
    int rc = ERR_OK;
    switch (p->next->kind) {
    case CONFIG_NEXT_LINK:
        rc = by_link(p, links, &next, err);
        break;
    case CONFIG_NEXT_FIELD:
        rc = by_field(p, &file, &next, err);
        break;
    case CONFIG_NEXT_COUNT:
        rc = check_differs(p, err);
        if (rc == ERR_OK)
            rc = by_count(p, &file, &next, err);
        break;
    case CONFIG_NEXT_NONE:
        break;
    }
    p->urls = mem_grow(p->urls, p->url_count, &p->url_capacity, sizeof *p->urls);
    p->urls[p->url_count++] = p->at;
    p->at = next;
    return rc;
}

static int fetch_page(struct paging *p, struct error *err)
{
    struct run *r = p->run;
    struct download_result result;
    char *path = step_fetch_path(r, p->url->url);
    char *shown = p->page == 1
                      ? mem_strdup(p->url->shown)
                      : mem_printf("%s (page %llu)", p->url->shown, (unsigned long long)p->page);
    const struct download_request request = {.url = p->at, .shown = shown, .path = path};
    int rc = step_fetch_download(r, &request, &result, err);
    if (rc == ERR_OK)
        rc = step_source_add(r, path, shown, result.sha256, err);
    else
        free(path);
    if (rc == ERR_OK)
        rc = turn(p, result.links, err);
    free(shown);
    download_result_release(&result);
    return rc;
}

int step_fetch_pages(struct run *r, const struct config_url *url, struct error *err)
{
    struct paging p = {.run = r, .url = url, .next = &r->d->config->source.next, .page = 1};
    int rc = ERR_OK;
    step_read_options(r->d->config, &p.options);
    p.at = p.next->kind == CONFIG_NEXT_COUNT ? counted(&p) : mem_strdup(url->url);
    while (rc == ERR_OK && p.at != NULL) {
        if (p.page > p.next->max_pages)
            rc = error_set(err, ERR_SOURCE,
                           "the source %s has more than %llu pages. Raise `max_pages` (`next`) if "
                           "that is right.",
                           url->shown, (unsigned long long)p.next->max_pages);
        else
            rc = check_new(&p, err);
        if (rc == ERR_OK)
            rc = fetch_page(&p, err);
        p.page++;
    }
    for (size_t i = 0; i < p.url_count; i++)
        free(p.urls[i]);
    free(p.urls);
    free(p.at);
    return rc;
}
