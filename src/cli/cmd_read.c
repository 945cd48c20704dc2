#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "catalog/catalog.h"
#include "cli/command.h"
#include "cli/open.h"
#include "cli/progress.h"
#include "cli/text.h"
#include "derived/derived.h"
#include "pipeline/read.h"
#include "util/log.h"
#include "util/time.h"

static const char *const names[] = {
    [READ_CSV] = "csv", [READ_JSONL] = "jsonl", [READ_PARQUET] = "parquet"};
#define FORMATS (sizeof names / sizeof names[0])

static int format_of(const char *text, enum read_format *out, struct error *err)
{
    for (size_t i = 0; i < FORMATS; i++) {
        if (strcmp(text, names[i]) == 0) {
            *out = (enum read_format)i;
            return ERR_OK;
        }
    }
    return error_set(err, ERR_CONFIG,
                     "The option --format must be csv, jsonl or parquet, not \"%.100s\".", text);
}

/* By --format, --json, or the name of the file; else CSV. */
static int choose_format(const struct options *o, enum read_format *out, struct error *err)
{
    *out = o->json ? READ_JSONL : READ_CSV;
    if (o->format != NULL) {
        int rc = format_of(o->format, out, err);
        if (rc == ERR_OK && o->json && *out != READ_JSONL)
            rc = error_set(err, ERR_CONFIG, "--json means --format jsonl, not %s.", o->format);
        return rc;
    }
    if (o->output == NULL || o->json)
        return ERR_OK;
    if (str_ends(o->output, ".parquet"))
        *out = READ_PARQUET;
    else if (str_ends(o->output, ".jsonl") || str_ends(o->output, ".ndjson"))
        *out = READ_JSONL;
    return ERR_OK;
}

static bool to_stdout(const struct options *o)
{
    return o->output == NULL || strcmp(o->output, "-") == 0;
}

static int choose(const struct options *o, struct read_request *out, struct error *err)
{
    *out = (struct read_request){.version = o->version,
                                 .events = o->events,
                                 .limit = o->limit,
                                 .path = o->output,
                                 .stream = stdout};
    if (to_stdout(o))
        out->path = NULL;
    int rc = choose_format(o, &out->format, err);
    if (rc == ERR_OK && o->at != NULL && o->version > 0)
        rc = error_set(err, ERR_CONFIG, "--version and --at both name a version: give only one.");
    if (rc == ERR_OK && o->at != NULL && time_parse(o->at, &out->at, err) != ERR_OK)
        rc = error_prefix(err, "--at");
    if (rc == ERR_OK && o->at != NULL && out->at == 0)
        out->at = -1; /* 0 would mean that no time was given; nothing is that old */
    if (rc == ERR_OK && out->format == READ_PARQUET && to_stdout(o) && isatty(STDOUT_FILENO) == 1)
        rc = error_set(err, ERR_CONFIG,
                       "Parquet is not written to a terminal: name a file with -o FILE.");
    return rc;
}

static int read_all(const struct options *o, int *status, struct error *err)
{
    struct opened in = {.store = NULL};
    struct base base = {.tag = {""}};
    struct read_request options;
    struct progress progress;
    uint64_t rows = 0;
    (void)status;
    int rc = choose(o, &options, err);
    if (rc == ERR_OK)
        rc = open_dataset(o, OPEN_READ, &in, err);
    if (rc != ERR_OK)
        return rc;
    /* Rows on a terminal are progress enough. */
    bool shown = (!to_stdout(o) || isatty(STDOUT_FILENO) == 0) && progress_wanted(o, STDERR_FILENO);
    progress_start(&progress, shown ? STDERR_FILENO : -1, "reading");
    rc = base_read(in.store, in.config.dataset, &base, err);
    if (rc == ERR_OK)
        derived_warn_of_pointer(&in.dataset, &base);
    if (rc == ERR_OK)
        rc = read_rows(&in.dataset, &base, &options, &rows, err);
    progress_end(&progress);
    if (rc == ERR_OK)
        log_write(LOG_INFO, LOG_FIELDS(LOG_INT("rows", (int64_t)rows)), "rows were written");
    base_release(&base);
    open_release(&in);
    return rc;
}

const struct command cmd_read = {
    .name = "read",
    .summary = "write the rows of a version as CSV, JSON Lines or Parquet",
    .operands = "DATASET.yml",
    .about =
        "Writes the newest row of every key, in the order of the keys, or, with --events, every\n"
        "row ever published, in the order of the versions, with the columns _version and\n"
        "_ingested_at. What is read is checked against the manifests. A file named with -o is\n"
        "replaced once it is complete.",
    .examples = "  cauce read rates.yml | head\n"
                "  cauce read -o rates.parquet rates.yml\n"
                "  cauce read --format jsonl --version 12 rates.yml\n"
                "  cauce read --at 2026-01-31T12:00:00Z rates.yml\n"
                "  cauce read --events --limit 100 rates.yml\n",
    .own =
        {
            {"format", 'f', OPTION_TEXT, "csv|jsonl|parquet",
             "default: by the name of FILE, else csv", OPTION_AT(format)},
            {"output", 'o', OPTION_TEXT, "FILE",
             "write to FILE, replacing it as a whole; -: stdout", OPTION_AT(output)},
            {"version", 0, OPTION_NUMBER, "N", "this version; default: the newest",
             OPTION_AT(version)},
            {"at", 0, OPTION_TEXT, "TIME", "the newest version made at or before TIME (RFC 3339)",
             OPTION_AT(at)},
            {"events", 0, OPTION_FLAG, NULL, "every row ever published, also replaced ones",
             OPTION_AT(events)},
            {"limit", 'n', OPTION_NUMBER, "N", "at most N rows", OPTION_AT(limit)},
        },
    .takes_dataset = true,
    .stoppable = true,
    .run = read_all,
};
