/*
 * The commit under every fault. In most tests a plan says what becomes of each request, and what
 * others do in the middle; afterwards the chain is read directly and must agree with what was
 * reported, also after everything that was still under way has arrived.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "catalog/gc.h"
#include "catalog/verify.h"
#include "support/catalog_sample.h"
#include "support/store_check.h"
#include "support/store_script.h"
#include "util/mem.h"

#define COMMIT "0123456789abcdef0123456789abcdef"

/* What others do, just before the commit reads the pointer for the first time. */
enum event {
    EVENT_NONE,
    EVENT_PUBLISH,        /* another writer commits */
    EVENT_FENCE,          /* gc fences */
    EVENT_ARRIVE,         /* what was under way arrives */
    EVENT_ARRIVE_PUBLISH, /* ... and others commit on top */
    EVENT_PUBLISH_ARRIVE, /* others commit, then it arrives: too late */
    EVENT_ARRIVE_FENCE,
    EVENT_COUNT,
    /* Dear ones, not in the exhaustive test. */
    EVENT_PUBLISH_MANY,        /* so many that `recent` forgets the base */
    EVENT_ARRIVE_PUBLISH_MANY, /* so many that `recent` forgets our own commit */
    EVENT_REPAIR_BACK,         /* the pointer is set back to an older version by hand */
    EVENT_LOSE_POINTER,        /* somebody deletes it */
};

struct plan {
    struct store *inner;
    struct script_answer swap[COMMIT_RESENDS + 2]; /* by number of the swap, from 0 */
    struct script_answer put;                      /* of the manifest */
    enum event event;
    unsigned event_at_swap; /* not 0: the event happens just before this swap instead */
    unsigned failing_gets;  /* readings of the pointer that fail, after the event */
    struct str *old;        /* older bytes of the pointer, which some readings answer with */
    struct store_tag old_tag;
    unsigned old_gets; /* so many of them */
    bool failing_manifests;
    bool quick; /* leave the proof of soundness out */
    /* noted */
    unsigned swaps, gets;
    bool happened;
    char sha256[SHA256_HEX_SIZE]; /* of the first swap's bytes */
    bool same_bytes;
};

static struct script_answer pass(void)
{
    return (struct script_answer){SCRIPT_PASS, 0};
}

static struct script_answer refuse(int code)
{
    return (struct script_answer){SCRIPT_FAIL, code};
}

/* Somebody else moves the pointer without publishing. */
static void fence(struct store *st)
{
    struct pointer p;
    struct pointer next;
    struct store_tag tag;
    assert_int_equal(pointer_read(st, &p, &tag, NULL), ERR_OK);
    pointer_fenced(&p, &next);
    assert_int_equal(pointer_swap(st, &tag, &next, NULL, NULL), ERR_OK);
}

static void repair_back(struct store *st)
{
    struct base base;
    struct pointer out;
    assert_int_equal(base_read(st, SAMPLE_DATASET, &base, NULL), ERR_OK);
    assert_int_equal(sample_repair(st, base.manifest.parent_key, true, false, &out, NULL), ERR_OK);
    base_release(&base);
}

static void happen(struct plan *p, struct store *script)
{
    p->happened = true;
    if (p->event == EVENT_ARRIVE || p->event == EVENT_ARRIVE_PUBLISH ||
        p->event == EVENT_ARRIVE_FENCE || p->event == EVENT_ARRIVE_PUBLISH_MANY)
        store_script_deliver(script);
    if (p->event == EVENT_PUBLISH || p->event == EVENT_ARRIVE_PUBLISH ||
        p->event == EVENT_PUBLISH_ARRIVE)
        sample_publish(p->inner, 1);
    if (p->event == EVENT_PUBLISH_MANY || p->event == EVENT_ARRIVE_PUBLISH_MANY)
        sample_publish(p->inner, POINTER_RECENT + 6);
    if (p->event == EVENT_FENCE || p->event == EVENT_ARRIVE_FENCE)
        fence(p->inner);
    if (p->event == EVENT_PUBLISH_ARRIVE)
        store_script_deliver(script);
    if (p->event == EVENT_REPAIR_BACK)
        repair_back(p->inner);
    if (p->event == EVENT_LOSE_POINTER)
        assert_int_equal(store_remove(p->inner, LAYOUT_POINTER, NULL), ERR_OK);
}

static struct script_answer on_swap(struct plan *p, const struct script_call *call)
{
    if (p->swaps == 0)
        memcpy(p->sha256, call->body->sha256, sizeof p->sha256);
    else if (strcmp(p->sha256, call->body->sha256) != 0)
        p->same_bytes = false;
    assert_true(p->swaps <= COMMIT_RESENDS);
    if (!p->happened && p->event_at_swap == p->swaps + 1)
        happen(p, call->store);
    return p->swap[p->swaps++];
}

static struct script_answer rule(void *ctx, const struct script_call *call)
{
    struct plan *p = ctx;
    bool pointer = strcmp(call->key, LAYOUT_POINTER) == 0;
    if (pointer && strcmp(call->operation, "swap") == 0)
        return on_swap(p, call);
    if (strcmp(call->operation, "put_new") == 0)
        return p->put;
    if (strcmp(call->operation, "get") != 0)
        return pass();
    if (!pointer)
        return p->failing_manifests ? refuse(ERR_AGAIN) : pass();
    p->gets++;
    if (!p->happened && p->event_at_swap == 0)
        happen(p, call->store);
    if (p->gets <= p->old_gets)
        return (struct script_answer){SCRIPT_OLD, 0};
    return p->gets <= p->failing_gets ? refuse(ERR_AGAIN) : pass();
}

/* ---- One commit by plan -------------------------------------------------------------------- */

struct outcome {
    int rc;
    struct error err;
    struct commit_report report;
    struct version_id version;
};

struct count {
    const struct version_id *version;
    unsigned found;
};

static int count_visit(void *ctx, struct manifest *m, bool *stop, struct error *err)
{
    struct count *c = ctx;
    (void)stop;
    (void)err;
    c->found += version_id_equal(&m->version, c->version);
    return ERR_OK;
}

/* How often a version stands in the chain. */
static unsigned in_chain(struct store *st, const struct version_id *version)
{
    struct base base;
    struct count c = {.version = version};
    struct error err = ERROR_INIT;
    assert_int_equal(base_read(st, SAMPLE_DATASET, &base, &err), ERR_OK);
    assert_int_equal(catalog_walk(st, &base, count_visit, &c, &err), ERR_OK);
    base_release(&base);
    return c.found;
}

static void assert_sound(struct store *st)
{
    struct verify_report report;
    struct error err = ERROR_INIT;
    assert_int_equal(verify_structure(st, sample_roots(), SAMPLE_DATASET, true, &report, &err),
                     ERR_OK);
    for (size_t i = 0; i < report.count; i++) {
        if (report.findings[i].level == FINDING_MUST)
            fail_msg("%s: %s", report.findings[i].object, report.findings[i].text);
    }
    verify_report_release(&report);
}

/* What was reported must be true, now and after everything under way has arrived. */
static void assert_true_report(struct plan *p, struct store *script, const struct outcome *o)
{
    if (p->event == EVENT_LOSE_POINTER)
        return;
    for (int late = 0; late < 2; late++) {
        unsigned found = in_chain(p->inner, &o->version);
        if (o->rc == ERR_OK)
            assert_int_equal(found, 1);
        else if (o->rc != ERR_UNKNOWN)
            assert_int_equal(found, 0);
        else
            assert_true(found <= 1);
        store_script_deliver(script);
    }
    if (o->rc != ERR_OK && o->rc != ERR_UNKNOWN && p->put.action == SCRIPT_PASS)
        assert_true(o->report.manifest_written);
    if (!p->quick)
        assert_sound(p->inner);
    sample_publish(p->inner, 1); /* the next run just works */
}

static void run(struct plan *p, struct outcome *o)
{
    struct base base;
    struct manifest m;
    struct store *script = store_script_new(p->inner, rule, p);
    if (p->old != NULL)
        store_script_old(script, p->old->data, &p->old_tag);
    p->same_bytes = true;
    *o = (struct outcome){.err = ERROR_INIT};
    assert_int_equal(base_read(p->inner, SAMPLE_DATASET, &base, NULL), ERR_OK);
    sample_manifest(&base, &m);
    sample_put_events(p->inner, &m);
    o->version = m.version;
    o->rc = catalog_commit(script, &base, &m, &o->report, &o->err);
    assert_int_equal(o->report.swaps, p->swaps);
    assert_true(p->same_bytes);
    if (o->rc == ERR_OK)
        assert_true(pointer_mentions(&o->report.pointer, &o->version) ||
                    o->report.settled_by_reading);
    else
        assert_true(o->err.code == o->rc && o->err.text[0] != '\0');
    assert_true_report(p, script, o);
    manifest_release(&m);
    base_release(&base);
    store_free(script);
}

static struct plan plan_for(void **state)
{
    struct plan p = {.inner = *state, .put = pass()};
    sample_publish(*state, 2);
    for (size_t i = 0; i < sizeof p.swap / sizeof *p.swap; i++)
        p.swap[i] = pass();
    return p;
}

static int set_up(void **state)
{
    sample_no_sleep();
    *state = store_check_new(sample_store());
    store_check_allow_repair(*state, true);
    return 0;
}

/* Whatever happened, no operation was against the protocol, as somebody else reads it. */
static int tear_down(void **state)
{
    assert_string_equal(store_check_text(*state), "");
    store_free(*state);
    sample_real_sleep();
    return 0;
}

/* ---- Without a fault ----------------------------------------------------------------------- */

static void a_commit_takes_one_put_and_one_swap(void **state)
{
    struct outcome o;
    struct plan p = plan_for(state);
    run(&p, &o);
    assert_int_equal(o.rc, ERR_OK);
    assert_int_equal(o.report.swaps, 1);
    assert_int_equal(o.report.ambiguous, 0);
    assert_false(o.report.settled_by_reading);
    assert_true(o.report.manifest_written);
    assert_int_equal(p.gets, 0);
    assert_true(version_id_equal(&o.report.pointer.current, &o.version));
}

static void the_tag_of_a_commit_is_that_of_the_new_pointer(void **state)
{
    struct base base;
    struct base now;
    struct manifest m;
    struct commit_report report;
    sample_publish(*state, 1);
    assert_int_equal(base_read(*state, SAMPLE_DATASET, &base, NULL), ERR_OK);
    sample_manifest(&base, &m);
    sample_put_events(*state, &m);
    assert_int_equal(catalog_commit(*state, &base, &m, &report, NULL), ERR_OK);
    assert_int_equal(base_read(*state, SAMPLE_DATASET, &now, NULL), ERR_OK);
    assert_string_equal(report.tag.text, now.tag.text);
    assert_string_equal(report.pointer.nonce, now.pointer.nonce);
    assert_string_equal(report.pointer.manifest_sha256, now.pointer.manifest_sha256);
    assert_string_equal(report.manifest_key, now.pointer.manifest_key);
    base_release(&now);
    manifest_release(&m);
    base_release(&base);
}

static void every_64th_version_carries_a_checkpoint(void **state)
{
    struct base base;
    sample_publish(*state, 63);
    assert_int_equal(base_read(*state, SAMPLE_DATASET, &base, NULL), ERR_OK);
    assert_false(base.manifest.has_checkpoint);
    base_release(&base);
    sample_publish(*state, 1);
    assert_int_equal(base_read(*state, SAMPLE_DATASET, &base, NULL), ERR_OK);
    assert_true(base.manifest.has_checkpoint);
    assert_int_equal(base.manifest.checkpoint.count, 128);
    base_release(&base);
    sample_publish(*state, 64);
    assert_int_equal(base_read(*state, SAMPLE_DATASET, &base, NULL), ERR_OK);
    assert_int_equal(base.manifest.checkpoint.count, 256);
    base_release(&base);
    assert_sound(*state);
}

/* ---- What must not be published ------------------------------------------------------------ */

typedef void spoil(struct manifest *m);

static void spoil_sequence(struct manifest *m)
{
    m->version.sequence++;
}
static void spoil_commit(struct manifest *m)
{
    m->version.commit[0] = '/';
}
static void spoil_rows(struct manifest *m)
{
    m->rows_total++;
}
static void spoil_keys(struct manifest *m)
{
    m->keys.count++;
}
static void spoil_schema(struct manifest *m)
{
    m->schema.track_revisions = false;
}
static void spoil_column(struct manifest *m)
{
    m->schema.columns[2].name[0] = 'V';
}
static void spoil_file(struct manifest *m)
{
    m->files.items[0].sha256[0] = '\0';
}

static void an_inconsistent_version_is_never_written(void **state)
{
    static spoil *const spoils[] = {spoil_sequence, spoil_commit, spoil_rows, spoil_keys,
                                    spoil_schema,   spoil_column, spoil_file};
    struct store *st = *state;
    sample_publish(st, 2);
    for (size_t i = 0; i < sizeof spoils / sizeof *spoils; i++) {
        struct base base;
        struct manifest m;
        struct commit_report report;
        struct error err = ERROR_INIT;
        assert_int_equal(base_read(st, SAMPLE_DATASET, &base, NULL), ERR_OK);
        sample_manifest(&base, &m);
        spoils[i](&m);
        uint64_t puts = st->bill.puts;
        uint64_t swaps = st->bill.swaps;
        assert_int_equal(catalog_commit(st, &base, &m, &report, &err), ERR_GATE);
        assert_int_equal(err.code, ERR_GATE);
        assert_non_null(strstr(err.text, "was not published"));
        assert_false(report.manifest_written);
        assert_int_equal(st->bill.puts, puts);
        assert_int_equal(st->bill.swaps, swaps);
        manifest_release(&m);
        base_release(&base);
    }
}

static void the_base_says_what_the_parent_is(void **state)
{
    struct base base;
    struct base now;
    struct manifest m;
    struct commit_report report;
    struct version_id parent = sample_publish(*state, 1);
    assert_int_equal(base_read(*state, SAMPLE_DATASET, &base, NULL), ERR_OK);
    sample_manifest(&base, &m);
    sample_put_events(*state, &m);
    m.parent = (struct version_id){0, ""};
    m.parent_key[0] = '\0';
    m.dataset[0] = '\0';
    m.key_seed = 0;
    assert_int_equal(catalog_commit(*state, &base, &m, &report, NULL), ERR_OK);
    assert_int_equal(base_read(*state, SAMPLE_DATASET, &now, NULL), ERR_OK);
    assert_true(version_id_equal(&now.manifest.parent, &parent));
    assert_sound(*state);
    base_release(&now);
    manifest_release(&m);
    base_release(&base);
}

/* ---- Writing the manifest ------------------------------------------------------------------ */

static void put_with(void **state, struct script_answer put, int rc, bool written)
{
    struct outcome o;
    struct plan p = plan_for(state);
    p.put = put;
    run(&p, &o);
    assert_int_equal(o.rc, rc);
    assert_true(o.report.manifest_written == written);
    assert_int_equal(o.report.swaps, rc == ERR_OK ? 1 : 0);
    if (rc != ERR_OK)
        assert_int_equal(p.swaps, 0);
}

static void a_manifest_whose_answer_was_lost_is_read_back(void **state)
{
    put_with(state, (struct script_answer){SCRIPT_LOSE, 0}, ERR_OK, true);
}

static void a_manifest_refused_after_ones_own_copy_landed_counts_as_written(void **state)
{
    put_with(state, (struct script_answer){SCRIPT_LOSE, ERR_CONFLICT}, ERR_OK, true);
}

static void a_manifest_that_may_still_arrive_ends_the_commit_before_the_swap(void **state)
{
    put_with(state, (struct script_answer){SCRIPT_LATE, 0}, ERR_AGAIN, true);
}

static void a_manifest_that_was_refused_leaves_nothing(void **state)
{
    put_with(state, refuse(ERR_DENIED), ERR_DENIED, false);
    put_with(state, refuse(ERR_AGAIN), ERR_AGAIN, false);
    put_with(state, refuse(ERR_SYSTEM), ERR_SYSTEM, true);
}

static void a_manifest_that_cannot_be_read_back_may_exist(void **state)
{
    struct outcome o;
    struct plan p = plan_for(state);
    p.put = (struct script_answer){SCRIPT_LOSE, 0};
    p.failing_manifests = true;
    run(&p, &o);
    assert_int_equal(o.rc, ERR_AGAIN);
    assert_true(o.report.manifest_written);
    assert_int_equal(p.swaps, 0);
}

static void a_stranger_under_the_name_of_the_manifest_is_left_alone(void **state)
{
    struct base base;
    struct manifest m;
    struct commit_report report;
    struct error err = ERROR_INIT;
    char key[LAYOUT_KEY_SIZE];
    sample_publish(*state, 1);
    assert_int_equal(base_read(*state, SAMPLE_DATASET, &base, NULL), ERR_OK);
    sample_manifest(&base, &m);
    layout_manifest(&m.version, key);
    sample_put(*state, key, "stranger");
    assert_int_equal(catalog_commit(*state, &base, &m, &report, &err), ERR_DAMAGED);
    assert_false(report.manifest_written);
    assert_int_equal(report.swaps, 0);
    manifest_release(&m);
    base_release(&base);
}

/* ---- The swap: what became of it ----------------------------------------------------------- */

static void assert_outcome(const struct outcome *o, int rc, unsigned swaps, unsigned ambiguous)
{
    if (o->rc != rc || o->report.swaps != swaps || o->report.ambiguous != ambiguous)
        fail_msg("%s after %u swaps, %u ambiguous: \"%s\"", error_name(o->rc), o->report.swaps,
                 o->report.ambiguous, o->err.text);
}

static void a_lost_answer_is_not_taken_for_a_lost_race(void **state)
{
    struct outcome o;
    struct plan p = plan_for(state);
    p.swap[0] = (struct script_answer){SCRIPT_LOSE, 0};
    run(&p, &o);
    assert_outcome(&o, ERR_OK, 1, 1);
    assert_true(o.report.settled_by_reading);
    assert_true(version_id_equal(&o.report.pointer.current, &o.version));
}

static void a_refusal_after_ones_own_copy_landed_is_a_commit(void **state)
{
    struct outcome o;
    struct plan p = plan_for(state);
    p.swap[0] = (struct script_answer){SCRIPT_LOSE, ERR_CONFLICT};
    run(&p, &o);
    assert_outcome(&o, ERR_OK, 1, 0);
    assert_true(o.report.settled_by_reading);
}

static void a_commit_is_found_below_those_that_others_put_on_top(void **state)
{
    struct outcome o;
    struct plan p = plan_for(state);
    p.swap[0] = (struct script_answer){SCRIPT_LATE, 0};
    p.event = EVENT_ARRIVE_PUBLISH;
    run(&p, &o);
    assert_outcome(&o, ERR_OK, 1, 1);
    assert_int_equal(o.report.pointer.current.sequence, o.version.sequence + 1);
    assert_string_not_equal(o.report.tag.text, "");
}

static void a_commit_is_found_where_recent_has_forgotten_it(void **state)
{
    struct outcome o;
    struct plan p = plan_for(state);
    p.swap[0] = (struct script_answer){SCRIPT_LATE, 0};
    p.event = EVENT_ARRIVE_PUBLISH_MANY;
    run(&p, &o);
    assert_outcome(&o, ERR_OK, 1, 1);
    assert_false(pointer_mentions(&o.report.pointer, &o.version));
}

static void a_race_lost_long_ago_is_lost_where_recent_has_forgotten_the_winner(void **state)
{
    struct outcome o;
    struct plan p = plan_for(state);
    p.swap[0] = (struct script_answer){SCRIPT_LATE, 0};
    p.event = EVENT_PUBLISH_MANY;
    run(&p, &o);
    assert_outcome(&o, ERR_CONFLICT, 1, 1);
}

static void a_chain_that_cannot_be_walked_leaves_the_outcome_unknown(void **state)
{
    struct outcome o;
    struct plan p = plan_for(state);
    p.swap[0] = (struct script_answer){SCRIPT_LATE, 0};
    p.event = EVENT_PUBLISH_MANY;
    p.failing_manifests = true;
    run(&p, &o);
    assert_outcome(&o, ERR_UNKNOWN, 1, 1);
}

static void a_lost_race_is_lost_for_sure(void **state)
{
    struct outcome o;
    struct plan p = plan_for(state);
    p.swap[0] = refuse(ERR_CONFLICT);
    p.event = EVENT_PUBLISH;
    run(&p, &o);
    assert_outcome(&o, ERR_CONFLICT, 1, 0);
    assert_non_null(strstr(o.err.text, "another writer was first"));
    assert_false(o.report.settled_by_reading);
}

static void a_late_copy_cannot_land_after_the_race_was_called_lost(void **state)
{
    struct outcome o;
    struct plan p = plan_for(state);
    p.swap[0] = (struct script_answer){SCRIPT_LATE, 0};
    p.event = EVENT_PUBLISH;
    run(&p, &o); /* delivers the copy afterwards and looks again */
    assert_outcome(&o, ERR_CONFLICT, 1, 1);
}

static void a_fence_in_between_is_a_lost_race(void **state)
{
    struct outcome o;
    struct plan p = plan_for(state);
    p.swap[0] = (struct script_answer){SCRIPT_LATE, 0};
    p.event = EVENT_FENCE;
    run(&p, &o);
    assert_outcome(&o, ERR_CONFLICT, 1, 1);
    assert_non_null(strstr(o.err.text, "gc"));
}

static void a_fence_on_top_of_an_earlier_copy_that_landed_is_a_commit(void **state)
{
    struct outcome o;
    struct plan p = plan_for(state);
    p.swap[0] = (struct script_answer){SCRIPT_LATE, 0};
    p.event = EVENT_ARRIVE_FENCE;
    run(&p, &o);
    assert_outcome(&o, ERR_OK, 1, 1);
}

static void a_pointer_set_back_by_hand_is_a_lost_race(void **state)
{
    struct outcome o;
    struct plan p = plan_for(state);
    p.swap[0] = (struct script_answer){SCRIPT_LATE, 0};
    p.event = EVENT_REPAIR_BACK;
    run(&p, &o);
    assert_outcome(&o, ERR_CONFLICT, 1, 1);
}

/* Our copy landed, its answer is lost, and a cache answers with the state before the base's. */
static void commit_behind_a_cache(void **state, bool fenced, unsigned old_gets, struct outcome *o)
{
    struct str old;
    struct plan p = plan_for(state);
    str_init(&old, POINTER_MAX_BYTES);
    assert_int_equal(store_get(p.inner, LAYOUT_POINTER, &old, &p.old_tag, NULL), ERR_OK);
    if (fenced)
        fence(p.inner);
    else
        sample_publish(p.inner, 1);
    p.old = &old;
    p.old_gets = old_gets;
    p.swap[0] = (struct script_answer){SCRIPT_LOSE, ERR_UNKNOWN};
    run(&p, o);
    str_release(&old);
}

static void a_pointer_older_than_the_base_proves_nothing(void **state)
{
    struct outcome o;
    for (int fenced = 0; fenced < 2; fenced++) {
        commit_behind_a_cache(state, fenced != 0, 1000, &o);
        assert_outcome(&o, ERR_UNKNOWN, 1, 1);
        commit_behind_a_cache(state, fenced != 0, 2, &o);
        assert_outcome(&o, ERR_OK, 1, 1);
    }
}

static void a_pointer_that_vanished_leaves_the_outcome_unknown(void **state)
{
    struct outcome o;
    struct store *unchecked = sample_store(); /* to delete the pointer is against the protocol */
    void *unchecked_state = unchecked;
    struct plan p = plan_for(&unchecked_state);
    (void)state;
    p.swap[0] = (struct script_answer){SCRIPT_LATE, 0};
    p.event = EVENT_LOSE_POINTER;
    run(&p, &o);
    assert_outcome(&o, ERR_UNKNOWN, 1, 1);
    store_free(unchecked);
}

static void what_did_not_land_is_sent_again_with_the_same_bytes(void **state)
{
    struct outcome o;
    struct plan p = plan_for(state);
    p.swap[0] = refuse(ERR_UNKNOWN);
    p.swap[1] = refuse(ERR_AGAIN);
    run(&p, &o);
    assert_outcome(&o, ERR_OK, 3, 1);
    assert_false(o.report.settled_by_reading);
    assert_int_equal(sample_sleeps(), 2);
}

static void a_resend_refused_because_the_first_copy_landed_is_a_commit(void **state)
{
    static const enum event events[] = {EVENT_ARRIVE, EVENT_ARRIVE_PUBLISH, EVENT_ARRIVE_FENCE,
                                        EVENT_ARRIVE_PUBLISH_MANY};
    for (size_t i = 0; i < sizeof events / sizeof *events; i++) {
        struct outcome o;
        struct plan p = plan_for(state);
        p.swap[0] = (struct script_answer){SCRIPT_LATE, 0};
        p.event = events[i];
        p.event_at_swap = 2;
        run(&p, &o);
        assert_outcome(&o, ERR_OK, 2, 1);
        assert_true(o.report.settled_by_reading);
    }
}

static void a_resend_refused_because_others_came_between_is_a_lost_race(void **state)
{
    static const enum event events[] = {EVENT_PUBLISH, EVENT_FENCE, EVENT_PUBLISH_ARRIVE,
                                        EVENT_PUBLISH_MANY, EVENT_REPAIR_BACK};
    for (size_t i = 0; i < sizeof events / sizeof *events; i++) {
        struct outcome o;
        struct plan p = plan_for(state);
        p.swap[0] = (struct script_answer){SCRIPT_LATE, 0};
        p.event = events[i];
        p.event_at_swap = 2;
        run(&p, &o);
        assert_outcome(&o, ERR_CONFLICT, 2, 1);
    }
}

static void a_refusal_without_a_reason_is_not_believed(void **state)
{
    struct outcome o;
    struct plan p = plan_for(state);
    p.swap[0] = refuse(ERR_CONFLICT);
    run(&p, &o);
    assert_outcome(&o, ERR_OK, 2, 0);
}

static void a_store_that_never_answers_leaves_the_outcome_unknown(void **state)
{
    struct outcome o;
    struct plan p = plan_for(state);
    for (size_t i = 0; i <= COMMIT_RESENDS; i++)
        p.swap[i] = (struct script_answer){SCRIPT_LATE, 0};
    run(&p, &o);
    assert_outcome(&o, ERR_UNKNOWN, COMMIT_RESENDS + 1, COMMIT_RESENDS + 1);
    assert_non_null(strstr(o.err.text, "Nothing was deleted"));
    assert_true(o.report.manifest_written);
}

static void a_store_that_surely_does_nothing_is_no_unknown_outcome(void **state)
{
    struct outcome o;
    struct plan p = plan_for(state);
    for (size_t i = 0; i <= COMMIT_RESENDS; i++)
        p.swap[i] = refuse(ERR_AGAIN);
    run(&p, &o);
    assert_outcome(&o, ERR_AGAIN, COMMIT_RESENDS + 1, 0);
    assert_non_null(strstr(o.err.text, "unchanged"));
}

static void a_denied_commit_is_not_sent_again(void **state)
{
    struct outcome o;
    struct plan p = plan_for(state);
    p.swap[0] = refuse(ERR_DENIED);
    run(&p, &o);
    assert_outcome(&o, ERR_DENIED, 1, 0);
}

static void doubt_is_not_ended_by_a_later_refusal(void **state)
{
    struct outcome o;
    struct plan p = plan_for(state);
    p.swap[0] = (struct script_answer){SCRIPT_LATE, 0};
    for (size_t i = 1; i <= COMMIT_RESENDS; i++)
        p.swap[i] = refuse(i % 2 == 0 ? ERR_AGAIN : ERR_DENIED);
    run(&p, &o);
    assert_outcome(&o, ERR_UNKNOWN, COMMIT_RESENDS + 1, 1);
}

static void an_error_of_no_known_kind_is_ambiguous(void **state)
{
    struct outcome o;
    struct plan p = plan_for(state);
    p.swap[0] = (struct script_answer){SCRIPT_LOSE, ERR_SYSTEM};
    run(&p, &o);
    assert_outcome(&o, ERR_OK, 1, 1);
}

static void a_pointer_that_can_be_read_at_the_third_try_settles_it(void **state)
{
    struct outcome o;
    struct plan p = plan_for(state);
    p.swap[0] = (struct script_answer){SCRIPT_LOSE, 0};
    p.failing_gets = 2;
    run(&p, &o);
    assert_outcome(&o, ERR_OK, 1, 1);
    assert_int_equal(p.gets, 3);
    assert_int_equal(sample_sleeps(), 2);
}

static void a_pointer_that_cannot_be_read_leaves_the_outcome_unknown(void **state)
{
    struct outcome o;
    struct plan p = plan_for(state);
    p.swap[0] = (struct script_answer){SCRIPT_LOSE, 0};
    p.failing_gets = 1000;
    run(&p, &o);
    assert_outcome(&o, ERR_UNKNOWN, 1, 1);
    p = plan_for(state);
    p.swap[0] = refuse(ERR_CONFLICT);
    p.failing_gets = 1000;
    run(&p, &o);
    assert_outcome(&o, ERR_UNKNOWN, 1, 0);
}

static void a_pointer_that_cannot_be_read_does_not_matter_where_nothing_was_changed(void **state)
{
    struct outcome o;
    struct plan p = plan_for(state);
    p.swap[0] = refuse(ERR_AGAIN);
    p.failing_gets = 1000;
    run(&p, &o);
    assert_outcome(&o, ERR_AGAIN, 1, 0);
}

/* ---- All of it ----------------------------------------------------------------------------- */

/* UNKNOWN is for faults that hid the outcome: here an answer that told nothing, or contradictions. */
static void assert_justified(const struct plan *p, const struct outcome *o)
{
    bool doubtful = false;
    for (unsigned i = 0; i < p->swaps; i++) {
        const struct script_answer *a = &p->swap[i];
        doubtful = doubtful || a->action == SCRIPT_LOSE || a->action == SCRIPT_LATE ||
                   a->code == ERR_UNKNOWN || a->code == ERR_CONFLICT;
    }
    if (o->rc == ERR_UNKNOWN)
        assert_true(doubtful);
    assert_true(o->rc == ERR_OK || o->rc == ERR_CONFLICT || o->rc == ERR_UNKNOWN ||
                o->rc == ERR_AGAIN || o->rc == ERR_DENIED);
}

/*
 * Every pair of fates of the first two swaps, with every event before the first reading or before the
 * second swap, and readings that work or fail for good; later swaps pass, or arrive late.
 */
static void every_combination_of_faults_is_reported_truly(void **state)
{
    (void)state;
    static const struct script_answer fates[] = {
        {SCRIPT_LATE, ERR_UNKNOWN}, {SCRIPT_LOSE, ERR_UNKNOWN}, {SCRIPT_LOSE, ERR_CONFLICT},
        {SCRIPT_FAIL, ERR_AGAIN},   {SCRIPT_FAIL, ERR_DENIED},  {SCRIPT_FAIL, ERR_CONFLICT},
        {SCRIPT_PASS, 0},
    };
    static const unsigned failing[] = {0, 1000};
    size_t n = sizeof fates / sizeof *fates;
    unsigned outcomes[ERR_COUNT] = {0};
    for (size_t i = 0; i < n * n * EVENT_COUNT * 2 * 2 * 2; i++) {
        struct outcome o;
        struct store *inner = sample_store();
        void *inner_state = inner;
        struct plan p = plan_for(&inner_state);
        p.quick = i % 16 != 0;
        p.swap[0] = fates[i % n];
        p.swap[1] = fates[i / n % n];
        p.event = (enum event)(i / n / n % EVENT_COUNT);
        p.failing_gets = failing[i / n / n / EVENT_COUNT % 2];
        p.event_at_swap = i / n / n / EVENT_COUNT / 2 % 2 == 1 ? 2 : 0;
        for (size_t k = 2; i / n / n / EVENT_COUNT / 2 / 2 == 1 && k <= COMMIT_RESENDS; k++)
            p.swap[k] = fates[0];
        run(&p, &o);
        assert_justified(&p, &o);
        outcomes[o.rc]++;
        store_free(inner);
    }
    assert_true(outcomes[ERR_OK] > 100);
    assert_true(outcomes[ERR_CONFLICT] > 100);
    assert_true(outcomes[ERR_UNKNOWN] > 100);
    assert_true(outcomes[ERR_AGAIN] > 10);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_commit_takes_one_put_and_one_swap),
        TEST(the_tag_of_a_commit_is_that_of_the_new_pointer),
        TEST(every_64th_version_carries_a_checkpoint),
        TEST(an_inconsistent_version_is_never_written),
        TEST(the_base_says_what_the_parent_is),
        TEST(a_manifest_whose_answer_was_lost_is_read_back),
        TEST(a_manifest_refused_after_ones_own_copy_landed_counts_as_written),
        TEST(a_manifest_that_may_still_arrive_ends_the_commit_before_the_swap),
        TEST(a_manifest_that_was_refused_leaves_nothing),
        TEST(a_manifest_that_cannot_be_read_back_may_exist),
        TEST(a_stranger_under_the_name_of_the_manifest_is_left_alone),
        TEST(a_lost_answer_is_not_taken_for_a_lost_race),
        TEST(a_refusal_after_ones_own_copy_landed_is_a_commit),
        TEST(a_commit_is_found_below_those_that_others_put_on_top),
        TEST(a_commit_is_found_where_recent_has_forgotten_it),
        TEST(a_race_lost_long_ago_is_lost_where_recent_has_forgotten_the_winner),
        TEST(a_chain_that_cannot_be_walked_leaves_the_outcome_unknown),
        TEST(a_lost_race_is_lost_for_sure),
        TEST(a_late_copy_cannot_land_after_the_race_was_called_lost),
        TEST(a_fence_in_between_is_a_lost_race),
        TEST(a_fence_on_top_of_an_earlier_copy_that_landed_is_a_commit),
        TEST(a_pointer_set_back_by_hand_is_a_lost_race),
        TEST(a_pointer_older_than_the_base_proves_nothing),
        TEST(a_pointer_that_vanished_leaves_the_outcome_unknown),
        TEST(what_did_not_land_is_sent_again_with_the_same_bytes),
        TEST(a_resend_refused_because_the_first_copy_landed_is_a_commit),
        TEST(a_resend_refused_because_others_came_between_is_a_lost_race),
        TEST(a_refusal_without_a_reason_is_not_believed),
        TEST(a_store_that_never_answers_leaves_the_outcome_unknown),
        TEST(a_store_that_surely_does_nothing_is_no_unknown_outcome),
        TEST(a_denied_commit_is_not_sent_again),
        TEST(doubt_is_not_ended_by_a_later_refusal),
        TEST(an_error_of_no_known_kind_is_ambiguous),
        TEST(a_pointer_that_can_be_read_at_the_third_try_settles_it),
        TEST(a_pointer_that_cannot_be_read_leaves_the_outcome_unknown),
        TEST(a_pointer_that_cannot_be_read_does_not_matter_where_nothing_was_changed),
        TEST(every_combination_of_faults_is_reported_truly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
