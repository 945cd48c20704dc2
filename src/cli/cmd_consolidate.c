#include <unistd.h>

#include "cli/command.h"
#include "cli/open.h"
#include "cli/progress.h"
#include "cli/text.h"
#include "derived/derived.h"
#include "derived/history/history.h"
#include "derived/projection/consolidate.h"

/* What was done to the projections, and to the table. */
struct consolidated {
    struct consolidation_report projections;
    struct history_report history;
};

static struct json *encode_history(const struct history_report *r)
{
    struct json *object = json_new_object();
    json_set_string(object, "state", history_phase_name(r->phase));
    json_set_unsigned(object, "written", r->written);
    json_set_unsigned(object, "changed", r->changed);
    return object;
}

static void print_json(const struct options *o, const struct opened *in, const struct base *base,
                       const struct consolidated *done)
{
    const struct consolidation_report *r = &done->projections;
    struct json *object = json_new_object();
    json_set_string(object, "dataset", in->config.dataset);
    json_set_unsigned(object, "sequence", base->pointer.current.sequence);
    json_set_bool(object, "dry_run", o->dry_run);
    json_set_string(object, "state", projection_phase_name(r->state));
    json_set_unsigned(object, "built", r->built);
    json_set_unsigned(object, "moved", r->moved);
    json_set_unsigned(object, "behind", r->behind);
    json_set_bool(object, "skipped", r->skipped);
    json_set_bool(object, "resumed", r->resumed);
    json_set_bool(object, "replayed", r->replayed);
    if (!o->dry_run)
        json_set(object, "history", encode_history(&done->history));
    text_print_json(object);
}

static void print_history(const char *id, const struct history_report *r)
{
    uint64_t n = r->written + r->changed;
    if (n > 0)
        text_printf("%s: %llu %s of the table's log written\n", id, (unsigned long long)n,
                    text_plural(n, "entry", "entries"));
}

static void print_text(const struct options *o, const struct opened *in, const struct base *base,
                       const struct consolidation_report *r)
{
    unsigned long long sequence = base->pointer.current.sequence;
    const char *id = in->config.dataset;
    if (o->dry_run && r->behind > 0)
        text_printf("%s: %llu %s would be built for version %llu\n", id,
                    (unsigned long long)r->behind,
                    text_plural(r->behind, "partition", "partitions"), sequence);
    else if (r->skipped || o->dry_run)
        text_printf("%s: the projections reflect version %llu; nothing to do\n", id, sequence);
    else
        text_printf("%s: the projections reflect version %llu: %llu %s built, %llu moved into "
                    "place%s\n",
                    id, sequence, (unsigned long long)r->built,
                    text_plural(r->built, "partition", "partitions"), (unsigned long long)r->moved,
                    r->replayed  ? "; an interrupted consolidation was finished"
                    : r->resumed ? "; an interrupted consolidation was started again"
                                 : "");
}

/* On explicit request everything is checked, so that whatever verify found is healed. */
static int bring_up(struct dataset *d, const struct base *base, struct consolidated *done,
                    struct error *err)
{
    int rc = history_heal(d, base, &done->history, err);
    if (rc != ERR_OK)
        return rc;
    return consolidate(d, base, CONSOLIDATE_CHECK_BYTES, &done->projections, err);
}

static int work(const struct options *o, struct opened *in, struct base *base,
                struct consolidated *done, struct error *err)
{
    struct dataset *d = &in->dataset;
    int rc = base_read(in->store, in->config.dataset, base, err);
    if (rc == ERR_OK)
        rc = derived_check_pointer(d, base, err);
    if (rc != ERR_OK)
        return rc;
    return o->dry_run ? consolidate_plan(d, base, CONSOLIDATE_CHECK_BYTES, &done->projections, err)
                      : bring_up(d, base, done, err);
}

static int run(const struct options *o, int *status, struct error *err)
{
    struct opened in = {.store = NULL};
    struct base base = {.tag = {""}};
    struct consolidated done = {.projections = {.state = PROJECTION_NONE}};
    struct progress progress;
    (void)status;
    int rc = open_dataset(o, OPEN_READ, &in, err);
    if (rc != ERR_OK)
        return rc;
    progress_start(&progress, progress_wanted(o, STDERR_FILENO) ? STDERR_FILENO : -1,
                   "consolidating");
    rc = work(o, &in, &base, &done, err);
    if (rc == ERR_INTERRUPTED)
        error_append(err,
                     "Any later run, or `cauce consolidate`, continues where this one stopped.");
    progress_end(&progress);
    if (rc == ERR_OK && o->json)
        print_json(o, &in, &base, &done);
    if (rc == ERR_OK && !o->json && !o->quiet) {
        print_text(o, &in, &base, &done.projections);
        print_history(in.config.dataset, &done.history);
    }
    base_release(&base);
    open_release(&in);
    return rc;
}

const struct command cmd_consolidate = {
    .name = "consolidate",
    .summary = "bring projections and table to the newest version",
    .operands = "DATASET.yml",
    .about =
        "Builds the projections (one file per partition, with the newest row of every key) for\n"
        "the newest version, finishes what an interrupted consolidation left, and rebuilds\n"
        "every file that is not as it should be. Before that, every entry of the table's log is\n"
        "made what the chain of versions says. Runs do the same, but trust a file that has the\n"
        "right size, and entries that are there.",
    .examples = "  cauce consolidate rates.yml\n"
                "  cauce consolidate --dry-run rates.yml\n",
    .own = {{"dry-run", 0, OPTION_FLAG, NULL, "only say what would be done", OPTION_AT(dry_run)}},
    .takes_dataset = true,
    .stoppable = true,
    .run = run,
};
