#include "engine/event_file.h"

#include "engine/relation.h"
#include "engine/sql.h"

int event_file_write(struct engine *e, const struct schema *s, int32_t partition,
                     uint64_t sequence, int64_t ingested_at, const char *path, struct error *err)
{
    struct str sql;
    str_init(&sql, STR_MAX_DEFAULT);
    str_append(&sql, "COPY (SELECT ");
    relation_named(s, "d", &sql);
    sql_printf(&sql,
               ", CAST(%u AS BIGINT) AS " COLUMN_VERSION
               ", make_timestamptz(%i) AS " COLUMN_INGESTED_AT
               " FROM (SELECT * FROM delta WHERE part = %i ORDER BY ",
               (unsigned long long)sequence, (long long)ingested_at, (long long)partition);
    relation_keys(s, "", &sql);
    sql_printf(&sql, ") d) TO %t ", path);
    relation_copy_options(s, RELATION_EVENT, &sql);
    int rc = str_check(&sql, "the statement that writes events", err);
    if (rc == ERR_OK)
        rc = engine_run(e, sql.data, err);
    str_release(&sql);
    return rc;
}
