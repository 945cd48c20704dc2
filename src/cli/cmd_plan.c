#include "cli/command.h"
#include "cli/run_command.h"

static int plan(const struct options *o, int *status, struct error *err)
{
    return run_command(o, true, status, err);
}

const struct command cmd_plan = {
    .name = "plan",
    .summary = "say what a run would publish, and change nothing",
    .operands = "DATASET.yml",
    .about =
        "Reads the source and says what `cauce run` would publish: rows that are new, revised,\n"
        "known, no longer in the source, rejected. Nothing is written to the store.",
    .examples = "  cauce plan rates.yml\n"
                "  cauce plan --source ./incoming/2026-01-31.csv rates.yml\n"
                "  cauce plan --detailed-exitcode rates.yml   # 9: nothing would be published\n",
    .own =
        {
            {"source", 's', OPTION_TEXT, "PATH|URL", "the source, in place of that in DATASET.yml",
             OPTION_AT(source)},
            {"force", 0, OPTION_FLAG, NULL, "read the source although it has not changed",
             OPTION_AT(force)},
            {"detailed-exitcode", 0, OPTION_FLAG, NULL,
             "exit with 9 where nothing would be published", OPTION_AT(detailed_exitcode)},
        },
    .takes_dataset = true,
    .file_only = true,
    .stoppable = true,
    .run = plan,
};
