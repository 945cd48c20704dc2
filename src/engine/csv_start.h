/*
 * Where the data of a CSV file begin: behind the skipped lines and the header. Private to the
 * engine's csv_*.c.
 */
#ifndef CAUCE_ENGINE_CSV_START_H
#define CAUCE_ENGINE_CSV_START_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/csv_scan.h"
#include "engine/csv_text.h"
#include "util/error.h"

struct csv_start {
    struct csv_row first; /* the header record, or the first record where there is no header */
    struct csv_row data;  /* place of the first row of the data: only for csv_scan_seek */
    uint64_t skip;        /* rows before it, as DuckDB counts them */
};

/*
 * Read from the beginning up to the first record behind `skip_lines`; its values are shown to
 * `visit` (NULL allowed), after those of comments behind values that precede it. Errors as
 * csv_header's.
 */
int csv_start_find(struct csv_scan *s, const struct csv_dialect *dialect, csv_field_visit *visit,
                   void *ctx, struct csv_start *out, struct error *err);

/* Is the row one of the data, for DuckDB? */
bool csv_start_is_record(const struct csv_start *start, const struct csv_dialect *dialect,
                         const struct csv_row *row);

/*
 * ERR_SOURCE where the row ends otherwise than the first line of the file does: DuckDB would see no
 * end of it in strict mode, and then no rows at all or an error without a place.
 */
int csv_start_check_line_end(const struct csv_scan *s, const struct csv_row *row,
                             struct error *err);

#endif
