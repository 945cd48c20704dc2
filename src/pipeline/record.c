#include "pipeline/record.h"

#include <stdlib.h>
#include <string.h>

#include "util/log.h"
#include "util/mem.h"
#include "util/time.h"

#define PREFIX "runs/"
#define BATCH 64 /* records in memory at a time */

/* ---- Encoding ------------------------------------------------------------------------------ */

static void set_time(struct json *object, const char *name, int64_t time)
{
    char text[TIME_TEXT_SIZE];
    bool known = time != 0 && time_format(time, text, NULL) == ERR_OK;
    json_set_string(object, name, known ? text : NULL);
}

static void set_rows(struct json *object, const struct run_report *r)
{
    const struct {
        const char *name;
        uint64_t value;
    } counts[] = {
        {"rows_read", r->rows_read},           {"rows_new", r->rows_new},
        {"rows_revised", r->rows_revised},     {"rows_known", r->rows_known},
        {"rows_vanished", r->rows_vanished},   {"rows_rejected", r->rows_rejected},
        {"rows_duplicate", r->rows_duplicate}, {"rows_total", r->rows_total},
        {"keys_total", r->keys_total},         {"files_written", r->files_written},
        {"bytes_written", r->bytes_written},
    };
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        json_set_unsigned(object, counts[i].name, counts[i].value);
}

static void set_index(struct json *object, const struct run_report *r)
{
    const struct index_report *index = &r->index;
    json_set_bool(object, "index_rebuilt", index->recovery != INDEX_WAS_FRESH);
    json_set_string(object, "index_recovery", index_recovery_name(index->recovery));
    json_set_string(object, "index_reason", index->reason[0] != '\0' ? index->reason : NULL);
    json_set_unsigned(object, "index_rebuild_rows", index->rows);
    json_set_real(object, "index_rebuild_seconds", index->seconds);
}

static void set_attempts(struct json *object, const struct run_report *r)
{
    json_set_unsigned(object, "attempts", r->attempts);
    json_set_unsigned(object, "conflicts", r->conflicts);
    json_set_unsigned(object, "ambiguous", r->ambiguous);
    json_set_bool(object, "settled_by_reading", r->settled_by_reading);
    json_set_unsigned(object, "rollbacks", r->rollbacks);
    json_set_unsigned(object, "events_rolled_back", r->events_rolled_back);
    json_set_unsigned(object, "events_left", r->events_left);
}

/* The version whose fate is unknown, by its full name. */
static void set_doubtful(struct json *object, const struct run_report *r)
{
    char name[LAYOUT_NAME_SIZE];
    layout_name(&r->doubtful, name);
    json_set_string(object, "doubtful", r->outcome == RUN_UNKNOWN ? name : NULL);
}

static struct json *encode_consolidation(const struct consolidation_report *c)
{
    struct json *object = json_new_object();
    json_set_string(object, "state", projection_phase_name(c->state));
    json_set_unsigned(object, "built", c->built);
    json_set_unsigned(object, "moved", c->moved);
    json_set_unsigned(object, "behind", c->behind);
    json_set_bool(object, "skipped", c->skipped);
    json_set_bool(object, "resumed", c->resumed);
    json_set_bool(object, "replayed", c->replayed);
    return object;
}

static struct json *encode_seconds(const struct run_report *r)
{
    struct json *object = json_new_object();
    for (int step = 0; step < STEP_COUNT; step++)
        json_set_real(object, run_step_name((enum run_step)step), r->seconds[step]);
    double total = r->finished > r->started ? (double)(r->finished - r->started) / 1e6 : 0.0;
    json_set_real(object, "total", total);
    return object;
}

static struct json *encode_bill(const struct store_bill *b)
{
    const struct {
        const char *name;
        uint64_t value;
    } counts[] = {
        {"gets", b->gets},       {"heads", b->heads},           {"puts", b->puts},
        {"swaps", b->swaps},     {"moves", b->moves},           {"lists", b->lists},
        {"deletes", b->deletes}, {"bytes_read", b->bytes_read}, {"bytes_written", b->bytes_written},
        {"sent", b->requests},   {"retries", b->retries},
    };
    struct json *object = json_new_object();
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        json_set_unsigned(object, counts[i].name, counts[i].value);
    return object;
}

static struct json *encode_rejects(const struct source_report *rows)
{
    struct json *list = json_new_array();
    for (size_t i = 0; i < rows->sample_count; i++) {
        const struct report_reject *s = &rows->samples[i];
        struct json *one = json_new_object();
        json_set_string(one, "file", s->file);
        json_set_unsigned(one, "row", s->row);
        json_set_unsigned(one, "line", s->line);
        json_set_unsigned(one, "column", s->column);
        json_set_string(one, "name", s->name);
        json_set_string(one, "value", s->value);
        json_set_string(one, "reason", s->reason);
        json_append(list, one);
    }
    return list;
}

static struct json *encode_texts(char *const *texts, size_t count)
{
    struct json *list = json_new_array();
    for (size_t i = 0; i < count; i++)
        json_append(list, json_new_string(texts[i]));
    return list;
}

static struct json *encode_error(const struct run_report *r)
{
    if (r->code == ERR_OK)
        return json_new_null();
    struct json *object = json_new_object();
    json_set_string(object, "code", error_name(r->code));
    json_set_string(object, "message", r->message);
    return object;
}

struct json *record_begin(const char *kind, const char *dataset, const char *id, int64_t started)
{
    struct json *object = json_new_object();
    json_set_integer(object, "format", RECORD_FORMAT);
    json_set_string(object, "kind", kind);
    json_set_string(object, "program", CAUCE_VERSION);
    json_set_string(object, "dataset", dataset);
    json_set_string(object, "run_id", id);
    set_time(object, "started_at", started);
    return object;
}

struct json *record_encode(const struct dataset *d, const struct run_report *r)
{
    struct json *object = record_begin("run", d->id, r->run_id, r->started);
    json_set_string(object, "outcome", run_outcome_name(r->outcome));
    json_set_unsigned(object, "sequence", r->version.sequence);
    json_set_string(object, "commit", r->version.sequence > 0 ? r->version.commit : NULL);
    json_set_unsigned(object, "gc_epoch", r->gc_epoch);
    set_doubtful(object, r);
    set_time(object, "finished_at", r->finished);
    json_set_string(object, "source", r->source);
    json_set_unsigned(object, "source_bytes", r->source_bytes);
    set_rows(object, r);
    set_index(object, r);
    set_attempts(object, r);
    json_set(object, "consolidation", encode_consolidation(&r->consolidation));
    json_set(object, "seconds", encode_seconds(r));
    json_set_unsigned(object, "peak_memory_bytes", r->peak_memory);
    json_set(object, "requests", encode_bill(&r->bill));
    json_set(object, "rejects", encode_rejects(&r->rows));
    json_set(object, "left_out_columns", encode_texts(r->rows.left_out, r->rows.left_out_count));
    json_set(object, "warnings", encode_texts(r->warnings, r->warning_count));
    json_set_string(object, "skipped", r->outcome == RUN_SKIPPED ? r->message : NULL);
    json_set(object, "error", encode_error(r));
    return object;
}

int record_put(struct store *st, int64_t started, const char *id, const struct json *record,
               struct error *err)
{
    char key[LAYOUT_KEY_SIZE];
    struct str text;
    int rc = layout_run(started, id, key, err);
    if (rc != ERR_OK)
        return rc;
    str_init(&text, RECORD_MAX_BYTES);
    json_write_visible(record, true, &text);
    str_append_char(&text, '\n');
    rc = str_check(&text, "the record of the run", err);
    if (rc == ERR_OK) {
        struct store_body body = store_body_bytes(text.data, text.len);
        rc = store_put_new(st, key, &body, NULL, err);
    }
    str_release(&text);
    return rc;
}

int record_write(struct dataset *d, const struct run_report *r, struct error *err)
{
    struct json *record = record_encode(d, r);
    int rc = record_put(d->store, r->started, r->run_id, record, err);
    json_free(record);
    return rc;
}

/* ---- Reading ------------------------------------------------------------------------------- */

bool record_is(const struct json *record, const char *kind)
{
    return strcmp(json_string(json_get(record, "kind")), kind) == 0;
}

bool record_is_run(const struct json *record)
{
    return !record_is(record, "gc") && !record_is(record, "repair");
}

enum run_outcome record_outcome(const struct json *record)
{
    const char *name = json_string(json_get(record, "outcome"));
    for (int i = 0; i <= RUN_PLANNED; i++)
        if (strcmp(run_outcome_name((enum run_outcome)i), name) == 0)
            return (enum run_outcome)i;
    return RUN_FAILED;
}

static int64_t moment_of(const struct json *record, const char *name)
{
    int64_t time = 0;
    return time_parse(json_string(json_get(record, name)), &time, NULL) == ERR_OK ? time : 0;
}

bool record_is_after(const struct json *record, int64_t moment)
{
    return moment_of(record, "started_at") > moment || moment_of(record, "finished_at") > moment;
}

const char *record_key(const struct json *record, char out[LAYOUT_KEY_SIZE])
{
    const char *id = json_string(json_get(record, "run_id"));
    if (layout_run(moment_of(record, "started_at"), id, out, NULL) != ERR_OK)
        out[0] = '\0';
    return out;
}

bool record_is_success(enum run_outcome outcome)
{
    return outcome == RUN_PUBLISHED || outcome == RUN_UNCHANGED || outcome == RUN_NO_NEW_ROWS;
}

/* Keys in the order of a listing, which is that of time. */
struct keys {
    char **items;
    size_t count, capacity;
    const char *least; /* those before it are left out */
};

static int take_key(void *ctx, const struct store_entry *entry, struct error *err)
{
    struct keys *k = ctx;
    (void)err;
    if (!str_ends(entry->key, ".json") || strcmp(entry->key + strlen(PREFIX), k->least) < 0)
        return ERR_OK;
    k->items = mem_grow(k->items, k->count, &k->capacity, sizeof *k->items);
    k->items[k->count++] = mem_strdup(entry->key);
    return ERR_OK;
}

static void keys_release(struct keys *k)
{
    for (size_t i = 0; i < k->count; i++)
        free(k->items[i]);
    free(k->items);
}

static int parse(const char *key, const struct str *text, struct json **out, struct error *err)
{
    int rc = json_parse(text->data, text->len, key, out, err);
    if (rc == ERR_OK && !json_is_object(*out)) {
        json_free(*out);
        *out = NULL;
        rc = error_set(err, ERR_DAMAGED, "%s is no JSON object.", key);
    }
    return rc;
}

/* `*out` is NULL, with ERR_OK, where this record cannot be used: it is of no weight. */
static int read_record(struct store *st, const char *key, struct json **out, struct error *err)
{
    struct str text;
    struct error why = ERROR_INIT;
    *out = NULL;
    str_init(&text, RECORD_MAX_BYTES);
    int rc = store_get(st, key, &text, NULL, &why);
    if (rc == ERR_OK)
        rc = parse(key, &text, out, &why);
    str_release(&text);
    if (rc == ERR_OK)
        return ERR_OK;
    if (rc == ERR_DAMAGED || rc == ERR_ABSENT || rc == ERR_LIMIT) {
        log_warn("a record of a run is left out: %s", why.text);
        return ERR_OK;
    }
    return error_set(err, rc, "%s", why.text);
}

/* Some keys in a row, and what became of them. */
struct page {
    struct store *store;
    char *const *keys;
    struct json *records[BATCH];
};

static int read_one(void *ctx, size_t i, struct error *err)
{
    struct page *b = ctx;
    return read_record(b->store, b->keys[i], &b->records[i], err);
}

/* Read `count` records, several at once where the store has use for it, and visit them in order. */
static int visit_page(struct store *st, char *const *keys, size_t count, record_visit *visit,
                      void *ctx, struct error *err)
{
    struct page b = {.store = st, .keys = keys};
    int rc = store_each(st, count, read_one, &b, err);
    for (size_t i = 0; i < count; i++) {
        if (rc == ERR_OK && b.records[i] != NULL)
            rc = visit(ctx, b.records[i], err);
        json_free(b.records[i]);
    }
    return rc;
}

int record_each(struct store *st, int64_t since, record_visit *visit, void *ctx, struct error *err)
{
    char least[TIME_TEXT_SIZE] = "";
    struct keys keys = {.least = least};
    int rc = since > 0 ? time_format_compact(since, least, err) : ERR_OK;
    if (rc == ERR_OK)
        rc = store_list(st, PREFIX, take_key, &keys, err);
    for (size_t i = 0; rc == ERR_OK && i < keys.count; i += BATCH) {
        size_t left = keys.count - i;
        rc = visit_page(st, keys.items + i, left < BATCH ? left : BATCH, visit, ctx, err);
    }
    keys_release(&keys);
    return rc;
}

int record_back(struct store *st, record_visit_back *visit, void *ctx, struct error *err)
{
    struct keys keys = {.least = ""};
    bool stop = false;
    int rc = store_list(st, PREFIX, take_key, &keys, err);
    for (size_t i = keys.count; rc == ERR_OK && !stop && i > 0; i--) {
        struct json *record;
        rc = read_record(st, keys.items[i - 1], &record, err);
        if (rc == ERR_OK && record != NULL)
            rc = visit(ctx, record, &stop, err);
        json_free(record);
    }
    keys_release(&keys);
    return rc;
}
