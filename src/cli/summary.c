#include "cli/summary.h"

#include <inttypes.h>
#include <string.h>

#include "cli/text.h"
#include "derived/index/index.h"
#include "derived/projection/projection.h"
#include "util/visible.h"

const char *summary_step(enum run_step step)
{
    static const char *const texts[STEP_COUNT] = {
        [STEP_PROBE] = "checking the store",
        [STEP_BASE] = "reading the newest version",
        [STEP_INDEX_CHECK] = "checking the key index",
        [STEP_INDEX_REBUILD] = "rebuilding the key index",
        [STEP_SOURCE] = "examining the source",
        [STEP_LOAD] = "loading the source",
        [STEP_DELTA] = "comparing keys",
        [STEP_WRITE_EVENTS] = "writing events",
        [STEP_PUBLISH] = "publishing",
        [STEP_INDEX_UPDATE] = "updating the key index",
        [STEP_HISTORY] = "writing the log of the table",
        [STEP_CONSOLIDATE] = "consolidating",
    };
    return texts[step];
}

static void outcome_line(const char *dataset, const struct run_report *r, struct str *out)
{
    uint64_t sequence = r->version.sequence;
    char name[LAYOUT_NAME_SIZE];
    layout_name(&r->version, name);
    str_printf(out, "%s: ", dataset);
    switch (r->outcome) {
    case RUN_PUBLISHED:
        str_printf(out, "published version %" PRIu64 " (%s)\n", sequence, name);
        break;
    case RUN_UNCHANGED:
        str_printf(out, "the source has not changed; version %" PRIu64 " is the newest\n",
                   sequence);
        break;
    case RUN_NO_NEW_ROWS:
        str_printf(out, "no new rows; version %" PRIu64 " is the newest\n", sequence);
        break;
    case RUN_PLANNED:
        str_printf(out, "would publish version %" PRIu64 "\n", sequence + 1);
        break;
    case RUN_FAILED:
    case RUN_LOST:
    case RUN_SKIPPED:
    case RUN_UNKNOWN:
        break; /* these are reported as errors */
    }
}

static void rows_line(const struct run_report *r, struct str *out)
{
    str_printf(out,
               "rows: %" PRIu64 " read: %" PRIu64 " new, %" PRIu64 " revised, %" PRIu64 " known",
               r->load.rows_read, r->delta.rows_new, r->delta.rows_revised, r->delta.rows_known);
    if (r->delta.rows_vanished > 0)
        str_printf(out, "; %" PRIu64 " published %s not in the source", r->delta.rows_vanished,
                   text_plural(r->delta.rows_vanished, "row is", "rows are"));
    if (r->load.rows_rejected > 0)
        str_printf(out, "; %" PRIu64 " rejected", r->load.rows_rejected);
    if (r->load.rows_duplicate > 0)
        str_printf(out, "; %" PRIu64 " repeated", r->load.rows_duplicate);
    str_append_char(out, '\n');
}

static void files_line(const struct run_report *r, struct str *out)
{
    char bytes[TEXT_SIZE];
    str_printf(
        out, "files: %" PRIu64 " written, %s; the dataset has %" PRIu64 " rows, %" PRIu64 " keys\n",
        r->events.files_written, text_bytes(r->events.bytes_written, bytes), r->rows_total,
        r->keys_total);
}

static void index_line(const struct run_report *r, struct str *out)
{
    char seconds[TEXT_SIZE];
    const struct index_report *index = index_report_of(&r->derived);
    if (index->recovery == INDEX_WAS_FRESH)
        return;
    str_printf(out, "key index: %s in %s, %" PRIu64 " rows",
               index->recovery == INDEX_REBUILT ? "rebuilt" : "caught up",
               text_seconds(index->seconds, seconds), index->rows);
    if (index->reason[0] != '\0')
        str_printf(out, " (%s)", index->reason);
    str_append_char(out, '\n');
}

static void projections_line(const struct run_report *r, struct str *out)
{
    const struct consolidation_report *c = projection_report_of(&r->derived);
    if (c->moved == 0 && !c->resumed && !c->replayed && c->behind == 0)
        return;
    str_printf(out, "projections: %" PRIu64 " %s replaced", c->moved,
               text_plural(c->moved, "file", "files"));
    if (c->replayed)
        str_append(out, ", an interrupted consolidation was finished");
    else if (c->resumed)
        str_append(out, ", an interrupted consolidation was started again");
    if (c->behind > 0)
        str_printf(out, "; %" PRIu64 " partitions behind", c->behind);
    str_append_char(out, '\n');
}

void summary_format(const char *dataset, const struct run_report *r, struct str *out)
{
    char seconds[TEXT_SIZE];
    char memory[TEXT_SIZE];
    if (r->outcome == RUN_SKIPPED) {
        str_printf(out, "%s: skipped: ", dataset);
        visible_append(out, r->message, strlen(r->message), VISIBLE_LINE);
        str_append_char(out, '\n');
    }
    if (r->outcome == RUN_SKIPPED || r->outcome == RUN_FAILED || r->outcome == RUN_LOST ||
        r->outcome == RUN_UNKNOWN)
        return;
    outcome_line(dataset, r, out);
    if (r->outcome != RUN_UNCHANGED)
        rows_line(r, out);
    if (r->outcome == RUN_PUBLISHED)
        files_line(r, out);
    index_line(r, out);
    projections_line(r, out);
    str_printf(out, "time: %s, at most %s of memory\n",
               text_seconds(run_report_seconds(r), seconds), text_bytes(r->peak_memory, memory));
}
