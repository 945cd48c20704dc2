#include "pipeline/record.h"

#include <stdlib.h>
#include <string.h>

#include "util/codec.h"
#include "util/mem.h"

/* ---- Fields of every kind ------------------------------------------------------------------ */

static void code_head(const struct codec *c, char id[ID_SIZE], int64_t *started)
{
    codec_text(c, "run_id", id, ID_SIZE);
    codec_time(c, "started_at", started);
}

static void code_version(const struct codec *c, struct version_id *version)
{
    codec_unsigned(c, "sequence", &version->sequence);
    codec_text(c, "commit", version->commit, sizeof version->commit);
}

/* What is only of interest to a reader of the object. */
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
    codec_unsigned(c, "rows_read", &r->load.rows_read);
    codec_unsigned(c, "rows_new", &r->delta.rows_new);
    codec_unsigned(c, "rows_revised", &r->delta.rows_revised);
    codec_unsigned(c, "rows_known", &r->delta.rows_known);
    codec_unsigned(c, "rows_vanished", &r->delta.rows_vanished);
    codec_unsigned(c, "rows_rejected", &r->load.rows_rejected);
    codec_unsigned(c, "rows_duplicate", &r->load.rows_duplicate);
    codec_unsigned(c, "rows_total", &r->rows_total);
    codec_unsigned(c, "keys_total", &r->keys_total);
    codec_unsigned(c, "files_written", &r->events.files_written);
    codec_unsigned(c, "bytes_written", &r->events.bytes_written);
}

static void code_attempts(const struct codec *c, struct run_report *r)
{
    codec_unsigned(c, "attempts", &r->commits.attempts);
    codec_unsigned(c, "conflicts", &r->commits.conflicts);
    codec_unsigned(c, "ambiguous", &r->commits.ambiguous);
    codec_bool(c, "settled_by_reading", &r->commits.settled_by_reading);
    codec_unsigned(c, "rollbacks", &r->events.rollbacks);
    codec_unsigned(c, "events_rolled_back", &r->events.rolled_back);
    codec_unsigned(c, "events_left", &r->events.left);
}

static void code_steps(const struct codec *run, struct run_report *r)
{
    struct codec c = codec_object(run, "seconds");
    for (int step = 0; step < STEP_COUNT; step++)
        codec_seconds(&c, run_step_name((enum run_step)step), &r->seconds[step]);
    if (c.to != NULL) /* else both moments say it */
        json_set_real(c.to, "total", run_report_seconds(r));
}

static void code_bill(const struct codec *run, struct store_bill *b)
{
    struct codec c = codec_object(run, "requests");
    codec_unsigned(&c, "gets", &b->gets);
    codec_unsigned(&c, "heads", &b->heads);
    codec_unsigned(&c, "puts", &b->puts);
    codec_unsigned(&c, "swaps", &b->swaps);
    codec_unsigned(&c, "moves", &b->moves);
    codec_unsigned(&c, "lists", &b->lists);
    codec_unsigned(&c, "deletes", &b->deletes);
    codec_unsigned(&c, "bytes_read", &b->bytes_read);
    codec_unsigned(&c, "bytes_written", &b->bytes_written);
    codec_unsigned(&c, "sent", &b->requests);
    codec_unsigned(&c, "retries", &b->retries);
}

static void code_reject(const struct codec *c, struct report_reject *r)
{
    codec_owned_text(c, "file", &r->file);
    codec_unsigned(c, "row", &r->row);
    codec_unsigned(c, "line", &r->line);
    codec_unsigned(c, "column", &r->column);
    codec_owned_text(c, "name", &r->name);
    codec_owned_text(c, "value", &r->value);
    codec_owned_text(c, "reason", &r->reason);
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
    codec_texts(c, "left_out_columns", rows->left_out, &rows->left_out_count, capacity);
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
        struct codec error = codec_object(c, "error");
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
    codec_unsigned(c, "gc_epoch", &r->gc_epoch);
    code_doubtful(c, r->outcome, &r->doubtful);
    codec_time(c, "finished_at", &r->finished);
    codec_owned_text(c, "source", &r->source);
    codec_unsigned(c, "source_bytes", &r->source_bytes);
    code_rows(c, r);
    derived_reports_code(&r->derived, c, false);
    code_attempts(c, r);
    derived_reports_code(&r->derived, c, true);
    code_steps(c, r);
    codec_unsigned(c, "peak_memory_bytes", &r->peak_memory);
    code_bill(c, &r->bill);
    code_rejects(c, &r->load.source);
    code_left_out(c, &r->load.source);
    codec_texts(c, "warnings", r->warnings, &r->warning_count, RUN_WARNINGS_MAX);
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
        codec_unsigned(c, "orphans_found", &u->orphans_found);
        codec_unsigned(c, "orphans_removed", &u->orphans_removed);
        codec_unsigned(c, "orphan_bytes", &u->orphan_bytes);
    }
    codec_unsigned(c, "gc_epoch", &u->gc_epoch);
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

void record_decode(struct json *json, const struct derived_table *table, struct record *out)
{
    const char *kind = json_string(json_get(json, "kind"));
    struct codec c = {.from = json};
    *out = (struct record){.kind = RECORD_RUN, .json = json};
    for (int i = 0; i <= RECORD_REPAIR; i++)
        if (strcmp(kinds[i], kind) == 0)
            out->kind = (enum record_kind)i;
    if (out->kind == RECORD_RUN) {
        out->run.derived.table = table;
        code_run(&c, &out->run);
    } else {
        code_upkeep(&c, out->kind, &out->upkeep);
    }
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
