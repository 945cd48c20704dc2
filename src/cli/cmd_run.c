#include "cli/command.h"
#include "cli/run_command.h"

static int run(const struct options *o, int *status, struct error *err)
{
    return run_command(o, o->dry_run, status, err);
}

const struct command cmd_run = {
    .name = "run",
    .summary = "publish what is new in the source as a new version",
    .operands = "DATASET.yml",
    .about =
        "Reads the source, finds the rows that are new or revised, publishes them as a new\n"
        "version, and brings the key index and the projections up to date. A source that has not\n"
        "changed, or holds nothing new, ends the run without a version. What an interrupted run\n"
        "left is healed first. Several runs at once are safe: none loses a row or writes one twice.",
    .examples =
        "  cauce run rates.yml\n"
        "  cauce run --source ./incoming/2026-01-31.csv rates.yml\n"
        "  cauce run --store s3://bucket/data --json rates.yml\n"
        "  cauce run --detailed-exitcode -q rates.yml   # 9: there was nothing to publish\n",
    .own =
        {
            {"source", 's', OPTION_TEXT, "PATH|URL", "the source, in place of that in DATASET.yml",
             OPTION_AT(source)},
            {"dry-run", 0, OPTION_FLAG, NULL, "only say what would be published (cauce plan)",
             OPTION_AT(dry_run)},
            {"force", 0, OPTION_FLAG, NULL, "read the source although it has not changed",
             OPTION_AT(force)},
            {"no-consolidate", 0, OPTION_FLAG, NULL, "leave projections and table to a later run",
             OPTION_AT(no_consolidate)},
            {"detailed-exitcode", 0, OPTION_FLAG, NULL, "exit with 9 where nothing was published",
             OPTION_AT(detailed_exitcode)},
            {"metrics-file", 0, OPTION_TEXT, "FILE",
             "write the metrics of all runs there afterwards", OPTION_AT(metrics_file)},
            {"pushgateway", 0, OPTION_TEXT, "URL", "push the metrics of all runs afterwards",
             OPTION_AT(pushgateway)},
            {"trace", 0, OPTION_TEXT, "FILE", "write a trace of the steps (Chrome trace format)",
             OPTION_AT(trace)},
        },
    .takes_dataset = true,
    .file_only = true,
    .stoppable = true,
    .run = run,
};
