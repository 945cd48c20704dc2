#include <unistd.h>

#include "cli/command.h"
#include "cli/open.h"
#include "cli/progress.h"
#include "cli/text.h"
#include "derived/derived.h"
#include "derived/index/keeper.h"
#include "derived/index/state.h"

static void print(const struct options *o, const struct opened *in, const struct base *base,
                  const struct index_report *r)
{
    char seconds[TEXT_SIZE];
    uint64_t sequence = base->pointer.current.sequence;
    if (o->json) {
        struct json *object = json_new_object();
        json_set_string(object, "dataset", in->config.dataset);
        json_set_unsigned(object, "sequence", sequence);
        json_set_bool(object, "dry_run", o->dry_run);
        json_set_bool(object, "rebuilt", r->recovery == INDEX_REBUILT);
        json_set_unsigned(object, "keys", base->manifest.keys.count);
        json_set_unsigned(object, "rows", r->rows);
        json_set_real(object, "seconds", r->seconds);
        text_print_json(object);
    } else if (o->quiet) {
        return;
    } else if (o->dry_run) {
        text_printf("%s: the key index of version %llu would be rebuilt from %llu rows\n",
                    in->config.dataset, (unsigned long long)sequence,
                    (unsigned long long)base->manifest.rows_total);
    } else {
        text_printf("%s: key index of version %llu rebuilt: %llu keys, %s\n", in->config.dataset,
                    (unsigned long long)sequence, (unsigned long long)base->manifest.keys.count,
                    text_seconds(r->seconds, seconds));
    }
}

/* Whatever is there is replaced, except what a newer cauce wrote. */
static int work(const struct options *o, struct opened *in, struct base *base,
                struct index_state *index, struct index_report *report, struct error *err)
{
    int rc = base_read(in->store, in->config.dataset, base, err);
    if (rc == ERR_OK)
        rc = derived_check_pointer(&in->dataset, base, err);
    if (rc != ERR_OK || o->dry_run)
        return rc;
    rc = index_read(in->store, index, err);
    if (rc != ERR_OK && rc != ERR_ABSENT && rc != ERR_DAMAGED)
        return rc;
    error_clear(err);
    return index_keeper_rebuild(&in->dataset, base, NULL, index, report, err);
}

static int rebuild(const struct options *o, int *status, struct error *err)
{
    struct opened in = {.store = NULL};
    struct base base = {.tag = {""}};
    struct index_state index = {.by_partition = false};
    struct index_report report = {.recovery = INDEX_WAS_FRESH};
    struct progress progress;
    (void)status;
    int rc = open_dataset(o, OPEN_READ, &in, err);
    if (rc != ERR_OK)
        return rc;
    progress_start(&progress, progress_wanted(o, STDERR_FILENO) ? STDERR_FILENO : -1,
                   "rebuilding the key index");
    rc = work(o, &in, &base, &index, &report, err);
    if (rc == ERR_INTERRUPTED)
        error_append(err, "The key index is unchanged; run again.");
    progress_end(&progress);
    if (rc == ERR_OK)
        print(o, &in, &base, &report);
    index_release(&index);
    base_release(&base);
    open_release(&in);
    return rc;
}

const struct command cmd_rebuild_index = {
    .name = "rebuild-index",
    .summary = "rebuild the key index from the published versions",
    .operands = "DATASET.yml",
    .about = "Rebuilds the key index from the chain of published versions, whatever state it\n"
             "is in. Runs do so by themselves when they find it wrong.",
    .examples = "  cauce rebuild-index rates.yml\n"
                "  cauce rebuild-index --dry-run rates.yml\n",
    .own = {{"dry-run", 0, OPTION_FLAG, NULL, "only say what would be done", OPTION_AT(dry_run)}},
    .takes_dataset = true,
    .stoppable = true,
    .run = rebuild,
};
