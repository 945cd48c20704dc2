#include <unistd.h>

#include "cli/command.h"
#include "cli/open.h"
#include "cli/progress.h"
#include "cli/text.h"
#include "derived/derived.h"
#include "derived/projection/consolidate.h"

static void print_json(const struct options *o, const struct opened *in, const struct base *base,
                       const struct consolidation_report *r)
{
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
    text_print_json(object);
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

static int work(const struct options *o, struct opened *in, struct base *base,
                struct consolidation_report *report, struct error *err)
{
    int rc = base_read(in->store, in->config.dataset, base, err);
    if (rc == ERR_OK)
        rc = derived_check_pointer(&in->dataset, base, err);
    if (rc != ERR_OK)
        return rc;
    /* On explicit request every file is checked, so that whatever verify found is healed. */
    return o->dry_run ? consolidate_plan(&in->dataset, base, CONSOLIDATE_CHECK_BYTES, report, err)
                      : consolidate(&in->dataset, base, CONSOLIDATE_CHECK_BYTES, report, err);
}

static int run(const struct options *o, int *status, struct error *err)
{
    struct opened in = {.store = NULL};
    struct base base = {.tag = {""}};
    struct consolidation_report report = {.state = PROJECTION_NONE};
    struct progress progress;
    (void)status;
    int rc = open_dataset(o, OPEN_READ, &in, err);
    if (rc != ERR_OK)
        return rc;
    progress_start(&progress, progress_wanted(o, STDERR_FILENO) ? STDERR_FILENO : -1,
                   "consolidating");
    rc = work(o, &in, &base, &report, err);
    if (rc == ERR_INTERRUPTED)
        error_append(err,
                     "Any later run, or `cauce consolidate`, continues where this one stopped.");
    progress_end(&progress);
    if (rc == ERR_OK && o->json)
        print_json(o, &in, &base, &report);
    else if (rc == ERR_OK && !o->quiet)
        print_text(o, &in, &base, &report);
    base_release(&base);
    open_release(&in);
    return rc;
}

const struct command cmd_consolidate = {
    .name = "consolidate",
    .summary = "bring the projections to the newest version",
    .operands = "DATASET.yml",
    .about =
        "Builds the projections (one file per partition, with the newest row of every key) for\n"
        "the newest version, finishes what an interrupted consolidation left, and rebuilds\n"
        "every file that is not as it should be. Runs do the same, but trust a file that has the\n"
        "right size.",
    .examples = "  cauce consolidate rates.yml\n"
                "  cauce consolidate --dry-run rates.yml\n",
    .own = {{"dry-run", 0, OPTION_FLAG, NULL, "only say what would be done", OPTION_AT(dry_run)}},
    .takes_dataset = true,
    .stoppable = true,
    .run = run,
};
