#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/sql.h"
#include "support/reader_private.h"
#include "util/fs.h"
#include "util/mem.h"

#define JSON_MAX ((size_t)64 << 20)
#define SHOWN_MAX 5 /* differences shown of one comparison */

/* ---- Objects ------------------------------------------------------------------------------- */

struct json *reader_json(struct reader *r, const char *key, char sha256[SHA256_HEX_SIZE],
                         bool *absent)
{
    struct str text;
    struct json *root = NULL;
    struct error err = ERROR_INIT;
    str_init(&text, JSON_MAX);
    int rc = store_get(r->store, key, &text, NULL, &err);
    *absent = rc == ERR_ABSENT;
    if (rc == ERR_OK) {
        sha256_hex(text.data, text.len, sha256);
        rc = json_parse(text.data, text.len, key, &root, &err);
    }
    if (rc != ERR_OK && rc != ERR_ABSENT)
        reader_violation(r, "2: %s cannot be read: %s", key, err.text);
    str_release(&text);
    return root;
}

static void content_free(struct content *c)
{
    for (size_t i = 0; i < c->count; i++)
        model_row_release(&c->rows[i]);
    free(c->rows);
    free(c->problem);
    free(c);
}

void reader_contents_release(struct reader *r)
{
    for (size_t i = 0; i < r->content_count; i++)
        content_free(r->contents[i]);
    free(r->contents);
    r->contents = NULL;
    r->content_count = 0;
    r->content_capacity = 0;
}

static struct content *find(const struct reader *r, const char *sha256)
{
    for (size_t i = r->content_count; i > 0; i--)
        if (strcmp(r->contents[i - 1]->sha256, sha256) == 0)
            return r->contents[i - 1];
    return NULL;
}

const struct content *reader_content(const struct reader *r, const char *sha256)
{
    return find(r, sha256);
}

static char *local_path(const struct reader *r, const char *sha256)
{
    return mem_printf("%s/%s.parquet", r->folder, sha256);
}

/* ---- Rows ---------------------------------------------------------------------------------- */

static void need_engine(struct reader *r)
{
    if (r->engine != NULL)
        return;
    struct error err = ERROR_INIT;
    const char *folders[] = {r->folder};
    struct engine_options options = {.library = getenv("CAUCE_LIBDUCKDB"),
                                     .workdir = r->folder,
                                     .memory = (uint64_t)256 << 20,
                                     .threads = 1,
                                     .folders = folders,
                                     .folder_count = 1};
    if (engine_open(&options, &r->engine, &err) != ERR_OK) {
        fprintf(stderr, "reader: %s\n", err.text);
        abort();
    }
}

static size_t column_of(const struct reader *r, const char *name)
{
    size_t n = model_column_count(r->shape);
    for (size_t i = 0; i < n; i++)
        if (strcmp(r->shape->columns[i], name) == 0)
            return i;
    return MODEL_COLUMNS;
}

static int take_row(void *ctx, const struct engine_row *in, struct error *err)
{
    struct reader *r = ctx;
    struct model_row row = {.sequence = 0};
    char sha256[SHA256_HEX_SIZE] = "";
    (void)err;
    for (size_t i = 0; i < in->count; i++) {
        size_t at = column_of(r, in->names[i]);
        if (at < MODEL_COLUMNS)
            row.values[at] = mem_strdup(in->values[i]);
        else if (strcmp(in->names[i], "_version") == 0 && in->values[i] != NULL)
            row.sequence = strtoull(in->values[i], NULL, 10);
        else if (strcmp(in->names[i], "filename") == 0)
            snprintf(sha256, sizeof sha256, "%.64s", in->values[i] + strlen(r->folder) + 1);
    }
    struct content *c = find(r, sha256);
    c->rows = mem_grow(c->rows, c->count, &c->capacity, sizeof *c->rows);
    c->rows[c->count++] = row;
    return ERR_OK;
}

static void drop_rows(struct content *c)
{
    for (size_t i = 0; i < c->count; i++)
        model_row_release(&c->rows[i]);
    c->count = 0;
}

/* Read files in one query. */
static int read_files(struct reader *r, struct content *const *files, size_t count,
                      struct error *err)
{
    struct str sql;
    const char **paths = mem_calloc(count, sizeof *paths);
    str_init(&sql, STR_MAX_DEFAULT);
    for (size_t i = 0; i < count; i++)
        paths[i] = local_path(r, files[i]->sha256);
    str_append(&sql, "SELECT CAST(COLUMNS(*) AS VARCHAR) FROM read_parquet(");
    sql_text_list(&sql, paths, count);
    str_append(&sql, ", filename = true, union_by_name = true, hive_partitioning = false)");
    need_engine(r);
    int rc = engine_query(r->engine, sql.data, take_row, r, err);
    for (size_t i = 0; i < count; i++)
        free(mem_unconst(paths[i]));
    free(paths);
    str_release(&sql);
    return rc;
}

/* All at once; where one of them cannot be read, one by one, to tell which. */
static void read_rows(struct reader *r, struct content *const *files, size_t count)
{
    bool all = count > 0 && read_files(r, files, count, NULL) == ERR_OK;
    for (size_t i = 0; i < count; i++) {
        struct error err = ERROR_INIT;
        struct content *c = files[i];
        if (!all) {
            for (size_t k = 0; k < count; k++)
                if (k >= i)
                    drop_rows(files[k]);
            c->readable = read_files(r, &c, 1, &err) == ERR_OK;
            c->problem = c->readable ? NULL : mem_strdup(err.text);
        } else {
            c->readable = true;
        }
        char *path = local_path(r, c->sha256);
        fs_discard(path);
        free(path);
    }
}

/* ---- Fetching ------------------------------------------------------------------------------ */

/* Get one object and compare it; what is new to us stays as a local file. true: it is new. */
static bool fetch(struct reader *r, const struct wanted_object *w)
{
    char sha256[SHA256_HEX_SIZE];
    uint64_t size;
    struct error err = ERROR_INIT;
    char *path = mem_printf("%s/fetched", r->folder);
    bool fresh = false;
    int rc = store_get_file(r->store, w->key, path, NULL, &err);
    if (rc == ERR_OK)
        rc = sha256_file(path, sha256, &size, &err);
    if (rc != ERR_OK)
        reader_violation(r, "%s: %s cannot be read: %s", w->invariant, w->key, err.text);
    else if (size != w->size || strcmp(sha256, w->sha256) != 0)
        reader_violation(r, "%s: %s is not what names it: %llu bytes with SHA-256 %s", w->invariant,
                         w->key, (unsigned long long)size, sha256);
    else
        fresh = find(r, sha256) == NULL;
    if (fresh) {
        char *kept = local_path(r, sha256);
        rename(path, kept);
        free(kept);
    }
    fs_discard(path);
    free(path);
    return fresh;
}

void reader_fetch(struct reader *r, const struct wanted_object *wanted, size_t count)
{
    struct content **fresh = mem_calloc(count, sizeof *fresh);
    size_t fresh_count = 0;
    for (size_t i = 0; i < count; i++) {
        if (!fetch(r, &wanted[i]))
            continue;
        struct content *c = mem_calloc(1, sizeof *c);
        memcpy(c->sha256, wanted[i].sha256, sizeof c->sha256);
        r->contents =
            mem_grow(r->contents, r->content_count, &r->content_capacity, sizeof *r->contents);
        r->contents[r->content_count++] = c;
        fresh[fresh_count++] = c;
    }
    read_rows(r, fresh, fresh_count);
    for (size_t i = 0; i < count; i++) {
        const struct content *c = find(r, wanted[i].sha256);
        if (c != NULL && !c->readable)
            reader_violation(r, "%s: %s is no Parquet file: %s", wanted[i].invariant, wanted[i].key,
                             c->problem);
    }
    free(fresh);
}

/* ---- Comparing ----------------------------------------------------------------------------- */

void reader_partition(const struct reader *r, const struct model_row *row, char out[40])
{
    size_t at = r->shape->partition != NULL ? column_of(r, r->shape->partition) : MODEL_COLUMNS;
    out[0] = '\0';
    if (at < MODEL_COLUMNS && row->values[at] != NULL)
        snprintf(out, 40, "year=%.4s/month=%.2s", row->values[at], row->values[at] + 5);
}

static int with_versions(const void *a, const void *b)
{
    return model_row_compare(*(const struct model_row *const *)a,
                             *(const struct model_row *const *)b, true);
}

static int without_versions(const void *a, const void *b)
{
    return model_row_compare(*(const struct model_row *const *)a,
                             *(const struct model_row *const *)b, false);
}

static const struct model_row **sorted(const struct model_row *const *rows, size_t count,
                                       bool versions)
{
    const struct model_row **out = mem_calloc(count, sizeof *out);
    if (count > 0) {
        memcpy(out, rows, count * sizeof *out);
        qsort(out, count, sizeof *out, versions ? with_versions : without_versions);
    }
    return out;
}

struct difference {
    struct reader *r;
    const char *invariant;
    const char *what;
    size_t shown;
};

static void show(struct difference *d, const struct model_row *row, const char *how)
{
    if (d->shown++ >= SHOWN_MAX)
        return;
    char *text = model_row_text(d->r->shape, row);
    reader_violation(d->r, "%s: %s: %s %s", d->invariant, d->what, text, how);
    free(text);
}

void reader_compare(struct reader *r, const char *invariant, const char *what,
                    const struct model_row *const *wanted, size_t wanted_count,
                    const struct model_row *const *found, size_t found_count, bool versions)
{
    struct difference d = {r, invariant, what, 0};
    const struct model_row **w = sorted(wanted, wanted_count, versions);
    const struct model_row **f = sorted(found, found_count, versions);
    size_t i = 0, k = 0;
    while (i < wanted_count || k < found_count) {
        int order = i == wanted_count  ? 1
                    : k == found_count ? -1
                                       : model_row_compare(w[i], f[k], versions);
        if (order < 0)
            show(&d, w[i++], "is missing");
        else if (order > 0)
            show(&d, f[k++], "should not be there");
        else {
            i++;
            k++;
        }
    }
    free(w);
    free(f);
}
