#include "derived/projection/consolidation.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "derived/projection/projection.h"
#include "engine/inspect.h"
#include "engine/projection_file.h"
#include "util/fs.h"
#include "util/log.h"
#include "util/mem.h"
#include "util/stop.h"

/* Forget the event files of a base. */
static void forget_files(struct consolidation *c)
{
    for (size_t i = 0; c->paths != NULL && i < c->files.count; i++)
        free(c->paths[i]);
    free(c->paths);
    free(c->places);
    c->paths = NULL;
    c->places = NULL;
    manifest_files_release(&c->files);
    c->listed = false;
}

void consolidation_release(struct consolidation *c)
{
    forget_files(c);
    partition_set_release(&c->standing);
    projection_release(&c->seen);
    projection_release(&c->state);
    base_release(&c->renewed);
}

void consolidation_stand(struct consolidation *c, int32_t partition, const struct error *why)
{
    char name[LAYOUT_PARTITION_SIZE];
    layout_partition(c->schema->partition_by, partition, name);
    log_info("the projection of %s stays as it is: %s", name[0] != '\0' ? name : "the dataset",
             why->text);
    if (c->standing.count == 0)
        c->why = *why;
    partition_set_add(&c->standing, partition);
}

/* Only former names are known; what is there is replaced by its tag. */
static void start_over(struct consolidation *c)
{
    struct projection_state next = {.phase = PROJECTION_NONE,
                                    .tag = c->state.tag,
                                    .former = c->state.former,
                                    .former_count = c->state.former_count};
    c->state.former = NULL;
    projection_release(&c->state);
    c->state = next;
}

static int renew_base(struct consolidation *c, struct error *err)
{
    struct base now;
    int rc = base_read(c->d->store, c->d->id, &now, err);
    if (rc != ERR_OK)
        return rc;
    forget_files(c);
    base_release(&c->renewed);
    c->renewed = now;
    c->base = &c->renewed;
    c->schema = &c->renewed.manifest.schema;
    return ERR_OK;
}

/*
 * Is everything that the state speaks of in the chain? The base is renewed where it is behind: what
 * then is not in the chain was given up by a repair.
 */
static int fit_to_chain(struct consolidation *c, struct error *err)
{
    const struct projection_state *s = &c->state;
    bool under_way = s->phase == PROJECTION_IN_PROGRESS;
    bool stamp = false, target = !under_way;
    struct witness w;
    int rc = ERR_OK;
    projection_witness(s, &w);
    if (w.version.sequence > c->base->pointer.current.sequence)
        rc = renew_base(c, err);
    if (rc == ERR_OK)
        rc = witness_check_backed(c->d->store, c->base, &w, err);
    if (rc == ERR_OK)
        rc = catalog_contains(c->d->store, c->base, &s->stamp, &stamp, err);
    if (rc == ERR_OK && under_way)
        rc = catalog_contains(c->d->store, c->base, &s->target, &target, err);
    if (rc == ERR_OK && !(stamp && target)) {
        log_info(PROJECTION_ROOT " reflects version %llu, which the chain does not hold, as after "
                                 "a repair; all projections are built again",
                 (unsigned long long)w.version.sequence);
        start_over(c);
    }
    return rc;
}

static int read_state(struct consolidation *c, struct error *err)
{
    c->state = c->seen;
    c->seen = (struct projection_state){.phase = PROJECTION_NONE};
    return c->state.phase != PROJECTION_NONE ? ERR_OK
                                             : projection_read(c->d->store, &c->state, err);
}

int consolidation_read(struct consolidation *c, struct error *err)
{
    struct error why = ERROR_INIT;
    projection_release(&c->state);
    int rc = read_state(c, &why);
    if (rc == ERR_ABSENT)
        return ERR_OK;
    if (rc == ERR_DAMAGED) {
        log_warn("%s All projections are built again.", why.text);
        start_over(c);
        return ERR_OK;
    }
    return rc == ERR_OK ? fit_to_chain(c, err) : error_pass(err, rc, &why);
}

static int compare_places(const void *a, const void *b)
{
    const struct event_place *x = a;
    const struct event_place *y = b;
    if (x->partition != y->partition)
        return x->partition < y->partition ? -1 : 1;
    return (x->at > y->at) - (x->at < y->at);
}

static int list_files(struct consolidation *c, struct error *err)
{
    if (c->listed)
        return ERR_OK;
    forget_files(c);
    int rc =
        catalog_files(c->d->store, c->base, 0, c->base->pointer.current.sequence, &c->files, err);
    c->listed = rc == ERR_OK;
    c->paths = mem_calloc(c->files.count, sizeof *c->paths);
    c->places = mem_calloc(c->files.count, sizeof *c->places);
    for (size_t i = 0; i < c->files.count; i++)
        c->places[i] = (struct event_place){c->files.items[i].partition, i};
    if (c->files.count > 0)
        qsort(c->places, c->files.count, sizeof *c->places, compare_places);
    return rc;
}

/* Event files, by their places. */
struct events {
    const struct event_place *places;
    size_t count;
};

/* How many places are of partitions before this one. */
static size_t places_before(const struct consolidation *c, int64_t partition)
{
    size_t low = 0;
    size_t high = c->files.count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (c->places[middle].partition < partition)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct events events_of(const struct consolidation *c, int32_t partition)
{
    size_t first = places_before(c, partition);
    size_t end = places_before(c, (int64_t)partition + 1);
    assert(c->listed && first <= end);
    return (struct events){c->places + first, end - first};
}

static int prefetch(struct consolidation *c, const struct events *events, struct error *err)
{
    struct wanted *wanted = mem_calloc(events->count, sizeof *wanted);
    size_t n = 0;
    for (size_t i = 0; i < events->count; i++) {
        size_t at = events->places[i].at;
        const struct manifest_file *f = &c->files.items[at];
        if (c->paths[at] == NULL)
            wanted[n++] = (struct wanted){f->key, f->size, f->sha256};
    }
    int rc = dataset_prefetch(c->d, wanted, n, err);
    free(wanted);
    return rc;
}

/* Local copies of event files; `*out` as the engine wants them, as many as there are events. */
static int fetch_events(struct consolidation *c, const struct events *events,
                        struct relation_file **out, struct error *err)
{
    *out = mem_calloc(events->count, sizeof **out);
    int rc = prefetch(c, events, err);
    for (size_t i = 0; i < events->count && rc == ERR_OK; i++) {
        size_t at = events->places[i].at;
        const struct manifest_file *f = &c->files.items[at];
        rc = stop_check(err);
        if (rc == ERR_OK && c->paths[at] == NULL)
            rc = dataset_fetch_event(c->d, f->key, f->size, f->sha256, &c->paths[at], err);
        (*out)[i] = (struct relation_file){c->paths[at], f->revised > 0};
    }
    return rc;
}

/* Those of them all that revise rows and are of a version after `after`, or (false) any. */
static int fetch_some(struct consolidation *c, bool revising, uint64_t after,
                      struct relation_file **out, size_t *n, struct error *err)
{
    struct event_place *chosen = mem_calloc(c->files.count, sizeof *chosen);
    *n = 0;
    for (size_t i = 0; i < c->files.count; i++) {
        const struct manifest_file *f = &c->files.items[i];
        if (!revising || (f->revised > 0 && f->sequence > after))
            chosen[(*n)++] = (struct event_place){f->partition, i};
    }
    int rc = fetch_events(c, &(struct events){chosen, *n}, out, err);
    free(chosen);
    return rc;
}

/* Where a revised row may leave its partition: the partitions that lose rows to newer versions. */
static int add_losers(struct consolidation *c, uint64_t after, struct partition_set *out,
                      struct error *err)
{
    struct relation_file *newer = NULL, *all = NULL;
    size_t newer_count = 0, all_count = 0, found = 0;
    int32_t *losers = NULL;
    int rc = dataset_engine(c->d, c->base->pointer.key_seed, err);
    if (rc == ERR_OK)
        rc = fetch_some(c, true, after, &newer, &newer_count, err);
    if (rc == ERR_OK && newer_count > 0)
        rc = fetch_some(c, false, 0, &all, &all_count, err);
    if (rc == ERR_OK)
        rc = projection_file_losers(c->d->engine, c->schema, newer, newer_count, all, all_count,
                                    &losers, &found, err);
    for (size_t i = 0; i < found; i++)
        partition_set_add(out, losers[i]);
    free(losers);
    free(newer);
    free(all);
    return rc;
}

/* Where that cannot be found out, because of damage, every partition may have lost rows. */
static int add_moved(struct consolidation *c, uint64_t after, struct partition_set *out,
                     struct error *err)
{
    struct error why = ERROR_INIT;
    int rc = add_losers(c, after, out, &why);
    if (rc == ERR_OK)
        return rc;
    if (rc != ERR_DAMAGED)
        return error_pass(err, rc, &why);
    for (size_t i = 0; i < c->files.count; i++)
        partition_set_add(out, c->files.items[i].partition);
    return ERR_OK;
}

/*
 * Readers by glob take the columns of one file, any, for those of all: a column that was added must
 * be in every file, though it is NULL in the rows of most.
 */
static void add_narrow(const struct consolidation *c, struct partition_set *out)
{
    size_t narrow = 0;
    uint64_t bytes = 0;
    for (size_t i = 0; i < c->state.part_count; i++) {
        const struct projection_part *part = &c->state.parts[i];
        if (part->columns >= c->schema->count)
            continue;
        partition_set_add(out, part->partition);
        narrow++;
        bytes += part->size;
    }
    if (narrow > 0)
        log_info("consolidation: columns were added to the schema; %zu projection files (%llu "
                 "bytes) without them are built again",
                 narrow, (unsigned long long)bytes);
}

struct remains {
    enum partition_by by;
    struct partition_set *found;
};

static int take_remains(void *ctx, const struct store_entry *entry, struct error *err)
{
    struct remains *r = ctx;
    int32_t partition;
    (void)err;
    if (projection_parse_key(entry->key, r->by, &partition, NULL) == ERR_OK)
        partition_set_add(r->found, partition);
    return ERR_OK;
}

/*
 * Where nothing is known about the files in the windows, each is rebuilt, an empty one where the
 * chain has no events for it: those who glob must not see what was given up. A first version that
 * no repair went back to has found nothing there.
 */
static int add_remains(struct consolidation *c, struct partition_set *out, struct error *err)
{
    struct remains r = {.by = c->schema->partition_by, .found = out};
    bool first = c->base->pointer.current.sequence < 2 && c->base->pointer.gc_epoch == 0;
    if (c->state.phase != PROJECTION_NONE || first)
        return ERR_OK;
    return store_list(c->d->store, "projections/", take_remains, &r, err);
}

int consolidation_affected(struct consolidation *c, struct partition_set *out, struct error *err)
{
    uint64_t until = c->state.stamp.sequence; /* 0 where nothing is known */
    int rc = add_remains(c, out, err);
    add_narrow(c, out);
    for (size_t i = 0; i < c->state.affected_count; i++)
        partition_set_add(out, c->state.affected[i]);
    for (size_t i = 0; i < c->state.redo_count; i++)
        partition_set_add(out, c->state.redo[i].partition);
    bool news = rc == ERR_OK && until < c->base->pointer.current.sequence;
    if (news)
        rc = list_files(c, err);
    for (size_t i = 0; news && rc == ERR_OK && i < c->files.count; i++)
        if (c->files.items[i].sequence > until)
            partition_set_add(out, c->files.items[i].partition);
    if (news && rc == ERR_OK && until > 0 && !schema_partition_in_key(c->schema) &&
        c->schema->partition_by != PARTITION_NONE)
        rc = add_moved(c, until, out, err);
    partition_set_settle(out);
    return rc;
}

/* Sequences of the versions that have events in a partition, ascending. */
static void note_versions(const struct consolidation *c, struct projection_part *part)
{
    struct events own = events_of(c, part->partition);
    part->versions = mem_calloc(own.count, sizeof *part->versions);
    for (size_t i = 0; i < own.count; i++) {
        uint64_t sequence = c->files.items[own.places[i].at].sequence;
        if (part->version_count == 0 || part->versions[part->version_count - 1] != sequence)
            part->versions[part->version_count++] = sequence;
    }
}

/* The columns that are configured to sort by, before the key; none where they begin the key. */
static size_t *sort_columns(const struct consolidation *c, size_t *count)
{
    const struct config *config = c->d->config;
    size_t n = config != NULL ? config->sort.count : 0;
    size_t *sort = mem_calloc(n, sizeof *sort);
    bool by_key = true;
    *count = 0;
    for (size_t i = 0; i < n; i++) {
        size_t at = schema_find(c->schema, config->sort.items[i]);
        if (at == SIZE_MAX)
            continue;
        by_key = by_key && *count < c->schema->key_count && c->schema->key[*count] == at;
        sort[(*count)++] = at;
    }
    if (by_key)
        *count = 0;
    return sort;
}

static void describe_part(const struct consolidation *c, int32_t partition,
                          struct projection_part *part)
{
    struct version_id attempt = {.sequence = c->state.target.sequence};
    memcpy(attempt.commit, c->state.attempt, sizeof attempt.commit);
    *part = (struct projection_part){
        .partition = partition, .columns = c->schema->count, .stamp = c->state.target};
    projection_key(c->schema->partition_by, partition, part->key);
    projection_temp_key(&attempt, c->schema->partition_by, partition, part->temp);
    note_versions(c, part);
}

/* The files of the affected partitions on their way from events to `.tmp/`. */
struct building {
    struct projection_job *jobs; /* one per file to write */
    struct projection_part **of; /* the partition of each job */
    size_t job_count;
    struct relation_file *revising; /* shared by all jobs */
    const char **paths;             /* per partition: what is stored */
    const char **keys;
    struct store_body *bodies;
};

static void building_release(struct building *b)
{
    for (size_t i = 0; i < b->job_count; i++) {
        fs_discard(b->jobs[i].path);
        free(mem_unconst(b->jobs[i].path));
        free(mem_unconst(b->jobs[i].own));
    }
    free(b->jobs);
    free(b->of);
    free(b->revising);
    free(b->paths);
    free(b->keys);
    free(b->bodies);
}

static void building_init(struct building *b, size_t capacity)
{
    *b = (struct building){.jobs = mem_calloc(capacity, sizeof *b->jobs),
                           .of = mem_calloc(capacity, sizeof *b->of),
                           .paths = mem_calloc(capacity, sizeof *b->paths),
                           .keys = mem_calloc(capacity, sizeof *b->keys),
                           .bodies = mem_calloc(capacity, sizeof *b->bodies)};
}

/*
 * The event file that is the projection of its partition as it stands: the only one there, of the
 * newest version, so with all columns of today, and sorted by key as all event files are. NULL:
 * the rows must be put together.
 */
static const struct manifest_file *sole_event(const struct consolidation *c,
                                              const struct events *own)
{
    if (own->count != 1)
        return NULL;
    const struct manifest_file *f = &c->files.items[own->places[0].at];
    return f->sequence == c->base->pointer.current.sequence ? f : NULL;
}

/* The events that one partition is made of; `at` is its place among those that are built. */
static int gather_one(struct consolidation *c, struct building *b, bool by_key, size_t revising,
                      struct projection_part *part, size_t at, struct error *err)
{
    struct relation_file *own;
    struct events events = events_of(c, part->partition);
    const struct manifest_file *sole = sole_event(c, &events);
    int rc = fetch_events(c, &events, &own, err);
    bool as_it_is = sole != NULL && by_key && revising == 0;
    if (rc == ERR_OK && as_it_is) {
        part->rows = sole->rows;
        b->paths[at] = own[0].path;
    }
    if (rc != ERR_OK || as_it_is) {
        free(own);
        return rc;
    }
    b->paths[at] = dataset_scratch(c->d, ".parquet");
    b->of[b->job_count] = part;
    b->jobs[b->job_count++] =
        (struct projection_job){own, events.count, b->revising, revising, b->paths[at]};
    return ERR_OK;
}

/* The events of each affected partition; where they are damaged it is not among the parts. */
static int gather(struct consolidation *c, struct building *b, bool by_key,
                  struct projection_part *parts, size_t *count, struct error *err)
{
    size_t revising = 0;
    int rc = ERR_OK;
    if (!schema_partition_in_key(c->schema))
        rc = fetch_some(c, true, 0, &b->revising, &revising, err);
    for (size_t i = 0; i < c->state.affected_count && rc == ERR_OK; i++) {
        struct error why = ERROR_INIT;
        struct projection_part *part = &parts[*count];
        describe_part(c, c->state.affected[i], part);
        rc = gather_one(c, b, by_key, revising, part, *count, &why);
        if (rc == ERR_OK) {
            ++*count;
            continue;
        }
        projection_part_release(part);
        if (rc != ERR_DAMAGED)
            return error_pass(err, rc, &why);
        consolidation_stand(c, c->state.affected[i], &why);
        rc = ERR_OK;
    }
    partition_set_settle(&c->standing);
    return rc;
}

/* Write what no event file already holds in the right form, and count its rows. */
static int put_together(struct consolidation *c, struct building *b, const size_t *sort,
                        size_t sort_count, struct error *err)
{
    size_t n = b->job_count;
    const char **paths = mem_calloc(n, sizeof *paths);
    struct inspection *found = mem_calloc(n, sizeof *found);
    for (size_t i = 0; i < n; i++)
        paths[i] = b->jobs[i].path;
    int rc = projection_file_write(c->d->engine, c->schema, b->jobs, n, sort, sort_count, err);
    if (rc == ERR_OK)
        rc = inspect_files(c->d->engine, c->schema, paths, n, found, err);
    for (size_t i = 0; i < n; i++) {
        b->of[i]->rows = found[i].keys.count;
        inspection_release(&found[i]);
    }
    free(found);
    free(paths);
    return rc;
}

/* Sizes and digests of the files. What was put together is given away, an event file never. */
static int measure(struct building *b, struct projection_part *parts, size_t count,
                   struct error *err)
{
    int rc = ERR_OK;
    for (size_t i = 0; i < count && rc == ERR_OK; i++) {
        rc = store_body_file(b->paths[i], &b->bodies[i], err);
        parts[i].size = b->bodies[i].size;
        memcpy(parts[i].sha256, b->bodies[i].sha256, sizeof parts[i].sha256);
        b->keys[i] = parts[i].temp;
    }
    for (size_t k = 0; k < b->job_count; k++)
        b->bodies[b->of[k] - parts].given = true;
    return rc;
}

int consolidation_build(struct consolidation *c, struct projection_part **built, size_t *count,
                        struct error *err)
{
    struct building b;
    size_t n = c->state.affected_count;
    size_t sort_count;
    size_t *sort = sort_columns(c, &sort_count);
    bool *written = mem_calloc(n, sizeof *written);
    *built = mem_calloc(n, sizeof **built);
    *count = 0;
    building_init(&b, n);
    int rc = list_files(c, err);
    if (rc == ERR_OK)
        rc = dataset_engine(c->d, c->base->pointer.key_seed, err);
    if (rc == ERR_OK)
        rc = gather(c, &b, sort_count == 0, *built, count, err);
    if (rc == ERR_OK)
        rc = put_together(c, &b, sort, sort_count, err);
    if (rc == ERR_OK)
        rc = measure(&b, *built, *count, err);
    if (rc == ERR_OK)
        rc = stop_check(err);
    if (rc == ERR_OK)
        rc = store_put_many(c->d->store, b.keys, b.bodies, *count, written, err);
    building_release(&b);
    free(written);
    free(sort);
    return rc;
}
