#include "support/reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/reader_private.h"
#include "support/temp_folder.h"
#include "util/fs.h"
#include "util/mem.h"

#define CONTENTS_MAX 2000 /* files remembered between checks; all are forgotten then */

struct reader *reader_new(const struct model_shape *shape)
{
    struct reader *r = mem_calloc(1, sizeof *r);
    struct error err = ERROR_INIT;
    char *folder = temp_folder_new();
    r->shape = shape;
    if (fs_real_path(folder, &r->folder, &err) != ERR_OK) {
        fprintf(stderr, "reader: %s\n", err.text);
        abort();
    }
    free(folder);
    return r;
}

void sightings_add(struct sightings *s, const char *key, const char *sha256)
{
    if (sightings_find(s, key) != NULL)
        return;
    s->items = mem_grow(s->items, s->count, &s->capacity, sizeof *s->items);
    struct sighting *added = &s->items[s->count++];
    added->key = mem_strdup(key);
    snprintf(added->sha256, sizeof added->sha256, "%s", sha256 != NULL ? sha256 : "");
}

const struct sighting *sightings_find(const struct sightings *s, const char *key)
{
    for (size_t i = s->count; i > 0; i--)
        if (strcmp(s->items[i - 1].key, key) == 0)
            return &s->items[i - 1];
    return NULL;
}

void sightings_release(struct sightings *s)
{
    for (size_t i = 0; i < s->count; i++)
        free(s->items[i].key);
    free(s->items);
    *s = (struct sightings){0};
}

static void forget_check(struct reader *r)
{
    reader_chain_release(r->chain, r->chain_count);
    r->chain = NULL;
    r->chain_count = 0;
    sightings_release(&r->named);
    r->orphans = 0;
    r->keys = 0;
}

void reader_forget(struct reader *r)
{
    forget_check(r);
    sightings_release(&r->seen);
    reader_chain_release(r->past, r->past_count);
    r->past = NULL;
    r->past_count = 0;
    r->projection_stamp = 0;
    r->claim_count = 0;
}

void reader_end(struct reader *r)
{
    reader_forget(r);
    reader_contents_release(r);
    engine_free(r->engine);
    for (size_t i = 0; i < r->source_count; i++)
        free(r->sources[i].csv);
    free(r->sources);
    free(r->claims);
    temp_folder_free(r->folder);
    free(r);
}

void reader_source(struct reader *r, const char *csv)
{
    r->sources = mem_grow(r->sources, r->source_count, &r->source_capacity, sizeof *r->sources);
    struct source_text *s = &r->sources[r->source_count++];
    sha256_hex(csv, strlen(csv), s->sha256);
    s->csv = mem_strdup(csv);
}

void reader_claim(struct reader *r, const struct reader_claim *claim)
{
    r->claims = mem_grow(r->claims, r->claim_count, &r->claim_capacity, sizeof *r->claims);
    r->claims[r->claim_count++] = *claim;
}

void reader_violation(struct reader *r, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    str_vprintf(r->out, format, args);
    va_end(args);
    str_append_char(r->out, '\n');
    r->violations++;
}

size_t reader_check(struct reader *r, struct store *st, unsigned demands, struct str *out)
{
    forget_check(r);
    if (r->content_count > CONTENTS_MAX)
        reader_contents_release(r);
    r->store = st;
    r->demands = demands;
    r->out = out;
    r->violations = 0;
    reader_read_chain(r);
    reader_check_claims(r);
    reader_check_history(r);
    reader_check_past(r);
    reader_check_rows(r);
    reader_check_index(r);
    reader_check_projections(r);
    reader_check_objects(r);
    return r->violations;
}

uint64_t reader_versions(const struct reader *r)
{
    return r->chain_count;
}

size_t reader_keys(const struct reader *r)
{
    return r->keys;
}

const char *reader_newest_source(const struct reader *r)
{
    if (r->chain_count == 0)
        return NULL;
    for (size_t i = 0; i < r->source_count; i++)
        if (strcmp(r->sources[i].sha256, r->chain[r->chain_count - 1].source) == 0)
            return r->sources[i].csv;
    return NULL;
}

size_t reader_orphans(const struct reader *r)
{
    return r->orphans;
}
