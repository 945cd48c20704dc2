#include "cli/run_command.h"

#include <string.h>
#include <unistd.h>

#include "cli/exit.h"
#include "cli/open.h"
#include "cli/progress.h"
#include "cli/summary.h"
#include "cli/text.h"
#include "dataset/trace.h"
#include "pipeline/metrics.h"
#include "pipeline/record.h"
#include "pipeline/run.h"
#include "util/id.h"
#include "util/log.h"
#include "util/time.h"

/* Who is told of the steps. */
struct watch {
    struct progress progress;
    struct trace *trace; /* NULL: nobody asked for one */
};

static void show_step(void *ctx, enum run_step step, double done)
{
    struct watch *w = ctx;
    trace_step(w->trace, run_step_name(step));
    progress_step(&w->progress, summary_step(step), done);
}

/* Operations of the store go to the trace as well. */
static struct trace *begin_trace(const struct options *o, struct opened *in)
{
    if (o->trace == NULL)
        return NULL;
    struct trace *trace = trace_new();
    in->store = trace_store(trace, in->store);
    in->dataset.store = in->store;
    return trace;
}

static void end_trace(const struct options *o, struct trace *trace)
{
    struct error err = ERROR_INIT;
    if (trace_write(trace, o->trace, &err) != ERR_OK)
        log_warn("the trace could not be written: %s", err.text);
}

static void print(const struct options *o, const char *dataset, const struct run_report *r)
{
    struct str out;
    if (o->json) {
        text_print_json(record_encode_run(dataset, r));
        return;
    }
    if (o->quiet)
        return;
    str_init(&out, STR_MAX_DEFAULT);
    summary_format(dataset, r, &out);
    text_print(out.data);
    str_release(&out);
}

/* With --json there is always an answer, also where the run could not even begin. */
static void print_not_begun(const struct options *o, const char *run_id, int code,
                            const struct error *err)
{
    struct run_report report = {.outcome = RUN_FAILED, .code = code, .started = time_now()};
    memcpy(report.run_id, run_id, sizeof report.run_id);
    report.finished = report.started;
    memcpy(report.message, err->text, sizeof report.message);
    print(o, o->dataset, &report);
}

int run_command(const struct options *o, bool dry, int *status, struct error *err)
{
    struct opened in = {.store = NULL};
    struct run_report report;
    struct watch watch;
    char run_id[ID_SIZE];
    id_new(run_id);
    log_context("run", run_id);
    int rc = open_dataset(o, dry ? OPEN_DRY : OPEN_CREATE, &in, err);
    if (rc != ERR_OK) {
        print_not_begun(o, run_id, rc, err);
        return rc;
    }
    watch.trace = begin_trace(o, &in);
    progress_start(&watch.progress, progress_wanted(o, STDERR_FILENO) ? STDERR_FILENO : -1,
                   "starting");
    struct run_options options = {
        .run_id = run_id,
        .dry_run = dry,
        .force = o->force,
        .no_consolidate = o->no_consolidate,
        .progress = show_step,
        .progress_ctx = &watch,
    };
    rc = run_dataset(&in.dataset, &options, &report, err);
    progress_end(&watch.progress);
    end_trace(o, watch.trace);
    if (!dry)
        metrics_emit(&in.dataset, o->metrics_file, o->pushgateway);
    print(o, in.dataset.id, &report);
    bool idle = report.outcome == RUN_UNCHANGED || report.outcome == RUN_NO_NEW_ROWS ||
                report.outcome == RUN_SKIPPED;
    if (rc == ERR_OK && idle && o->detailed_exitcode)
        *status = EXIT_UNCHANGED;
    run_report_release(&report);
    open_release(&in);
    trace_free(watch.trace);
    return rc;
}
