#include "pipeline/record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/mem.h"
#include "util/time.h"

/* ---- One field ----------------------------------------------------------------------------- */

/*
 * An object that is written or read. The functions below take a field in either direction, so that
 * each is named once.
 */
struct codec {
    struct json *to; /* NULL: it is read */
    const struct json *from;
};

static void code_unsigned(const struct codec *c, const char *name, uint64_t *value)
{
    if (c->to != NULL) {
        json_set_unsigned(c->to, name, *value);
        return;
    }
    int64_t found = json_integer(json_get(c->from, name));
    *value = found > 0 ? (uint64_t)found : 0;
}

static void code_bool(const struct codec *c, const char *name, bool *value)
{
    if (c->to != NULL)
        json_set_bool(c->to, name, *value);
    else
        *value = json_bool(json_get(c->from, name));
}

/* Clocks are not trusted to make a sum fall. */
static void code_seconds(const struct codec *c, const char *name, double *seconds)
{
    static const double century = 3155760000.0;
    if (c->to != NULL) {
        json_set_real(c->to, name, *seconds);
        return;
    }
    double found = json_real(json_get(c->from, name));
    *seconds = found > 0 && found < century ? found : 0;
}

static void code_time(const struct codec *c, const char *name, int64_t *time)
{
    char text[TIME_TEXT_SIZE];
    if (c->to != NULL) {
        bool known = *time != 0 && time_format(*time, text, NULL) == ERR_OK;
        json_set_string(c->to, name, known ? text : NULL);
    } else if (time_parse(json_string(json_get(c->from, name)), time, NULL) != ERR_OK) {
        *time = 0;
    }
}

/* A text that is cut by nobody who writes: a longer one is none. "" is null. */
static void code_text(const struct codec *c, const char *name, char *text, size_t size)
{
    if (c->to != NULL) {
        json_set_string(c->to, name, text[0] != '\0' ? text : NULL);
        return;
    }
    const char *found = json_string(json_get(c->from, name));
    snprintf(text, size, "%s", strlen(found) < size ? found : "");
}

static void code_owned_text(const struct codec *c, const char *name, char **text)
{
    if (c->to != NULL) {
        json_set_string(c->to, name, *text);
        return;
    }
    const struct json *found = json_get(c->from, name);
    *text = json_is_string(found) ? mem_strdup(json_string(found)) : NULL;
}

static void code_texts(const struct codec *c, const char *name, char **texts, size_t *count,
                       size_t capacity)
{
    if (c->to != NULL) {
        struct json *list = json_new_array();
        for (size_t i = 0; i < *count; i++)
            json_append(list, json_new_string(texts[i]));
        json_set(c->to, name, list);
        return;
    }
    const struct json *list = json_get(c->from, name);
    for (*count = 0; *count < capacity && *count < json_count(list); ++*count)
        texts[*count] = mem_strdup(json_string(json_at(list, *count)));
}

/* An object in the object. */
static struct codec code_object(const struct codec *c, const char *name)
{
    if (c->to == NULL)
        return (struct codec){NULL, json_get(c->from, name)};
    struct json *object = json_new_object();
    json_set(c->to, name, object);
    return (struct codec){object, NULL};
}

/* ---- Fields of every kind ------------------------------------------------------------------ */

static void code_head(const struct codec *c, char id[ID_SIZE], int64_t *started)
{
    code_text(c, "run_id", id, ID_SIZE);
    code_time(c, "started_at", started);
}

static void code_version(const struct codec *c, struct version_id *version)
{
    code_unsigned(c, "sequence", &version->sequence);
    code_text(c, "commit", version->commit, sizeof version->commit);
}

/* What only whoever looks at the object wants to know. */
static struct json *begin(const char *kind, const char *dataset)
{
    struct json *object = json_new_object();
    json_set_integer(object, "format", RECORD_FORMAT);
    json_set_string(object, "kind", kind);
    json_set_string(object, "program", CAUCE_VERSION);
    json_set_string(object, "dataset", dataset);
    return object;
}

/* ---- Of a run ------------------------------------------------------------------------------ */

static void code_outcome(const struct codec *c, enum run_outcome *outcome)
{
    if (c->to != NULL) {
        json_set_string(c->to, "outcome", run_outcome_name(*outcome));
        return;
    }
    const char *name = json_string(json_get(c->from, "outcome"));
    *outcome = RUN_FAILED;
    for (int i = 0; i <= RUN_PLANNED; i++)
        if (strcmp(run_outcome_name((enum run_outcome)i), name) == 0)
            *outcome = (enum run_outcome)i;
}

/* The version whose fate is unknown, by its full name. */
static void code_doubtful(const struct codec *c, enum run_outcome outcome,
                          struct version_id *doubtful)
{
    char name[LAYOUT_NAME_SIZE];
    if (c->to != NULL) {
        layout_name(doubtful, name);
        json_set_string(c->to, "doubtful", outcome == RUN_UNKNOWN ? name : NULL);
    } else if (layout_parse_name(json_string(json_get(c->from, "doubtful")), doubtful, NULL) !=
               ERR_OK) {
        *doubtful = (struct version_id){.sequence = 0};
    }
}

static void code_rows(const struct codec *c, struct run_report *r)
{
    code_unsigned(c, "rows_read", &r->load.rows_read);
    code_unsigned(c, "rows_new", &r->delta.rows_new);
    code_unsigned(c, "rows_revised", &r->delta.rows_revised);
    code_unsigned(c, "rows_known", &r->delta.rows_known);
    code_unsigned(c, "rows_vanished", &r->delta.rows_vanished);
    code_unsigned(c, "rows_rejected", &r->load.rows_rejected);
    code_unsigned(c, "rows_duplicate", &r->load.rows_duplicate);
    code_unsigned(c, "rows_total", &r->rows_total);
    code_unsigned(c, "keys_total", &r->keys_total);
    code_unsigned(c, "files_written", &r->events.files_written);
    code_unsigned(c, "bytes_written", &r->events.bytes_written);
}

static void code_recovery(const struct codec *c, enum index_recovery *recovery)
{
    bool healed = *recovery != INDEX_WAS_FRESH;
    code_bool(c, "index_rebuilt", &healed);
    if (c->to != NULL) {
        json_set_string(c->to, "index_recovery", index_recovery_name(*recovery));
        return;
    }
    const char *name = json_string(json_get(c->from, "index_recovery"));
    bool caught_up = strcmp(name, index_recovery_name(INDEX_CAUGHT_UP)) == 0;
    *recovery = !healed ? INDEX_WAS_FRESH : caught_up ? INDEX_CAUGHT_UP : INDEX_REBUILT;
}

static void code_index(const struct codec *c, struct index_report *index)
{
    code_recovery(c, &index->recovery);
    code_text(c, "index_reason", index->reason, sizeof index->reason);
    code_unsigned(c, "index_rebuild_rows", &index->rows);
    code_seconds(c, "index_rebuild_seconds", &index->seconds);
}

static void code_attempts(const struct codec *c, struct run_report *r)
{
    code_unsigned(c, "attempts", &r->commits.attempts);
    code_unsigned(c, "conflicts", &r->commits.conflicts);
    code_unsigned(c, "ambiguous", &r->commits.ambiguous);
    code_bool(c, "settled_by_reading", &r->commits.settled_by_reading);
    code_unsigned(c, "rollbacks", &r->events.rollbacks);
    code_unsigned(c, "events_rolled_back", &r->events.rolled_back);
    code_unsigned(c, "events_left", &r->events.left);
}

static void code_phase(const struct codec *c, enum projection_phase *phase)
{
    if (c->to != NULL) {
        json_set_string(c->to, "state", projection_phase_name(*phase));
        return;
    }
    const char *name = json_string(json_get(c->from, "state"));
    *phase = PROJECTION_NONE;
    for (int i = 0; i <= PROJECTION_COMPLETED; i++)
        if (strcmp(projection_phase_name((enum projection_phase)i), name) == 0)
            *phase = (enum projection_phase)i;
}

static void code_consolidation(const struct codec *run, struct consolidation_report *r)
{
    struct codec c = code_object(run, "consolidation");
    code_phase(&c, &r->state);
    code_unsigned(&c, "built", &r->built);
    code_unsigned(&c, "moved", &r->moved);
    code_unsigned(&c, "behind", &r->behind);
    code_bool(&c, "skipped", &r->skipped);
    code_bool(&c, "resumed", &r->resumed);
    code_bool(&c, "replayed", &r->replayed);
}

static void code_steps(const struct codec *run, struct run_report *r)
{
    struct codec c = code_object(run, "seconds");
    for (int step = 0; step < STEP_COUNT; step++)
        code_seconds(&c, run_step_name((enum run_step)step), &r->seconds[step]);
    if (c.to != NULL) /* else both moments say it */
        json_set_real(c.to, "total", run_report_seconds(r));
}

static void code_bill(const struct codec *run, struct store_bill *b)
{
    struct codec c = code_object(run, "requests");
    code_unsigned(&c, "gets", &b->gets);
    code_unsigned(&c, "heads", &b->heads);
    code_unsigned(&c, "puts", &b->puts);
    code_unsigned(&c, "swaps", &b->swaps);
    code_unsigned(&c, "moves", &b->moves);
    code_unsigned(&c, "lists", &b->lists);
    code_unsigned(&c, "deletes", &b->deletes);
    code_unsigned(&c, "bytes_read", &b->bytes_read);
    code_unsigned(&c, "bytes_written", &b->bytes_written);
    code_unsigned(&c, "sent", &b->requests);
    code_unsigned(&c, "retries", &b->retries);
}

static void code_reject(const struct codec *c, struct report_reject *r)
{
    code_owned_text(c, "file", &r->file);
    code_unsigned(c, "row", &r->row);
    code_unsigned(c, "line", &r->line);
    code_unsigned(c, "column", &r->column);
    code_owned_text(c, "name", &r->name);
    code_owned_text(c, "value", &r->value);
    code_owned_text(c, "reason", &r->reason);
    if (r->reason == NULL)
        r->reason = mem_strdup("");
}

static void code_rejects(const struct codec *c, struct source_report *rows)
{
    const struct json *from = json_get(c->from, "rejects");
    struct json *to = c->to != NULL ? json_new_array() : NULL;
    size_t count = to != NULL ? rows->sample_count : json_count(from);
    rows->sample_count = 0;
    for (size_t i = 0; i < count && i < REPORT_SAMPLES; i++) {
        struct codec one = {to != NULL ? json_new_object() : NULL, json_at(from, i)};
        code_reject(&one, &rows->samples[i]);
        rows->sample_count++;
        if (to != NULL)
            json_append(to, one.to);
    }
    if (to != NULL)
        json_set(c->to, "rejects", to);
}

static void code_left_out(const struct codec *c, struct source_report *rows)
{
    size_t capacity = json_count(json_get(c->from, "left_out_columns"));
    if (capacity > 0)
        rows->left_out = mem_calloc(capacity, sizeof *rows->left_out);
    code_texts(c, "left_out_columns", rows->left_out, &rows->left_out_count, capacity);
}

static int code_by_name(const char *name)
{
    for (int code = ERR_OK + 1; code < ERR_COUNT; code++)
        if (strcmp(error_name(code), name) == 0)
            return code;
    return ERR_SYSTEM;
}

/* The sentence may have been made by hand: it is cut and made visible as every other one. */
static void take_message(struct run_report *r, int code, const struct json *message)
{
    struct error said = ERROR_INIT;
    error_set(&said, code, "%s", json_string(message));
    r->code = code;
    memcpy(r->message, said.text, sizeof r->message);
}

static void code_message(const struct codec *c, struct run_report *r)
{
    if (c->to != NULL) {
        json_set_string(c->to, "skipped", r->outcome == RUN_SKIPPED ? r->message : NULL);
        if (r->code == ERR_OK) {
            json_set(c->to, "error", json_new_null());
            return;
        }
        struct codec error = code_object(c, "error");
        json_set_string(error.to, "code", error_name(r->code));
        json_set_string(error.to, "message", r->message);
        return;
    }
    const struct json *error = json_get(c->from, "error");
    if (json_is_object(error))
        take_message(r, code_by_name(json_string(json_get(error, "code"))),
                     json_get(error, "message"));
    else
        take_message(r, ERR_OK, json_get(c->from, "skipped"));
}

/* In the order in which they are written. */
static void code_run(const struct codec *c, struct run_report *r)
{
    code_head(c, r->run_id, &r->started);
    code_outcome(c, &r->outcome);
    code_version(c, &r->version);
    code_unsigned(c, "gc_epoch", &r->gc_epoch);
    code_doubtful(c, r->outcome, &r->doubtful);
    code_time(c, "finished_at", &r->finished);
    code_owned_text(c, "source", &r->source);
    code_unsigned(c, "source_bytes", &r->source_bytes);
    code_rows(c, r);
    code_index(c, &r->index);
    code_attempts(c, r);
    code_consolidation(c, &r->consolidation);
    code_steps(c, r);
    code_unsigned(c, "peak_memory_bytes", &r->peak_memory);
    code_bill(c, &r->bill);
    code_rejects(c, &r->load.source);
    code_left_out(c, &r->load.source);
    code_texts(c, "warnings", r->warnings, &r->warning_count, RUN_WARNINGS_MAX);
    code_message(c, r);
}

struct json *record_encode_run(const char *dataset, const struct run_report *r)
{
    struct run_report from = *r; /* of which nothing is changed or released */
    struct codec c = {.to = begin("run", dataset)};
    code_run(&c, &from);
    return c.to;
}

/* ---- Of a gc or a repair ------------------------------------------------------------------- */

static const char *const kinds[] = {
    [RECORD_RUN] = "run", [RECORD_GC] = "gc", [RECORD_REPAIR] = "repair"};

static void code_end(const struct codec *c, enum record_kind kind, bool *failed)
{
    const char *done = kind == RECORD_GC ? "collected" : "repaired";
    if (c->to != NULL)
        json_set_string(c->to, "outcome", *failed ? "failed" : done);
    else
        *failed = strcmp(json_string(json_get(c->from, "outcome")), done) != 0;
}

static void code_upkeep(const struct codec *c, enum record_kind kind, struct record_upkeep *u)
{
    code_head(c, u->id, &u->started);
    code_end(c, kind, &u->failed);
    code_version(c, &u->version);
    if (kind == RECORD_GC) {
        code_unsigned(c, "orphans_found", &u->orphans_found);
        code_unsigned(c, "orphans_removed", &u->orphans_removed);
        code_unsigned(c, "orphan_bytes", &u->orphan_bytes);
    }
    code_unsigned(c, "gc_epoch", &u->gc_epoch);
}

struct json *record_encode_upkeep(const char *dataset, enum record_kind kind,
                                  const struct record_upkeep *u)
{
    struct record_upkeep from = *u;
    struct codec c = {.to = begin(kinds[kind], dataset)};
    code_upkeep(&c, kind, &from);
    return c.to;
}

/* ---- Of any kind --------------------------------------------------------------------------- */

void record_decode(struct json *json, struct record *out)
{
    const char *kind = json_string(json_get(json, "kind"));
    struct codec c = {.from = json};
    *out = (struct record){.kind = RECORD_RUN, .json = json};
    for (int i = 0; i <= RECORD_REPAIR; i++)
        if (strcmp(kinds[i], kind) == 0)
            out->kind = (enum record_kind)i;
    if (out->kind == RECORD_RUN)
        code_run(&c, &out->run);
    else
        code_upkeep(&c, out->kind, &out->upkeep);
}

void record_release(struct record *r)
{
    if (r->kind == RECORD_RUN)
        run_report_release(&r->run);
    json_free(r->json);
    *r = (struct record){.kind = RECORD_RUN};
}

int64_t record_started(const struct record *r)
{
    return r->kind == RECORD_RUN ? r->run.started : r->upkeep.started;
}

bool record_is_after(const struct record *r, int64_t moment)
{
    bool ended_after = r->kind == RECORD_RUN && r->run.finished > moment;
    return record_started(r) > moment || ended_after;
}

const char *record_key(const struct record *r, char out[LAYOUT_KEY_SIZE])
{
    const char *id = r->kind == RECORD_RUN ? r->run.run_id : r->upkeep.id;
    if (layout_run(record_started(r), id, out, NULL) != ERR_OK)
        out[0] = '\0';
    return out;
}
