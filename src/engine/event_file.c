#include "engine/event_file.h"

#include <stdlib.h>

#include "engine/relation.h"
#include "engine/sql.h"
#include "util/mem.h"

/* `delta` is already sorted, and a filter keeps the order. */
static void copy_events(const struct schema *s, const struct event_job *job, uint64_t sequence,
                        int64_t ingested_at, struct str *out)
{
    struct str select;
    str_init(&select, STR_MAX_DEFAULT);
    str_printf(&select, "SELECT %s FROM delta WHERE part = %d", relation_whole(s),
               (int)job->partition);
    str_append(out, "COPY (SELECT ");
    relation_named(s, "d", out);
    sql_printf(out,
               ", CAST(%u AS BIGINT) AS " COLUMN_VERSION
               ", make_timestamptz(%i) AS " COLUMN_INGESTED_AT " FROM ",
               (unsigned long long)sequence, (long long)ingested_at);
    relation_rows(s, false, select.data, out);
    sql_printf(out, " d) TO %t ", job->path);
    relation_copy_options(s, RELATION_EVENT, out);
    str_release(&select);
}

int event_file_write(struct engine *e, const struct schema *s, const struct event_job *jobs,
                     size_t count, uint64_t sequence, int64_t ingested_at, struct error *err)
{
    char **statements = mem_calloc(count, sizeof *statements);
    int rc = ERR_OK;
    for (size_t i = 0; i < count && rc == ERR_OK; i++) {
        struct str copy;
        str_init(&copy, STR_MAX_DEFAULT);
        copy_events(s, &jobs[i], sequence, ingested_at, &copy);
        rc = str_check(&copy, "the statement that writes events", err);
        statements[i] = str_detach(&copy);
    }
    if (rc == ERR_OK)
        rc = engine_run_all(e, (const char *const *)statements, count, err);
    for (size_t i = 0; i < count; i++)
        free(statements[i]);
    free(statements);
    return rc;
}
