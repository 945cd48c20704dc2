/*
 * The user's SELECT over a source.
 *
 * It sees the relation `source`: the columns that are listed, where the source has them, with their
 * names and types; and every other column of the source as the format has it (text, in CSV and
 * JSON). Where nothing is listed, the types are those that are found. And it sees, where it
 * names it, the relation `raw`: every record, all columns under the names of the source, as text.
 */
#ifndef CAUCE_SOURCE_TRANSFORM_H
#define CAUCE_SOURCE_TRANSFORM_H

#include "source/files.h"
#include "source/source.h"

/*
 * Make the relations that the SELECT names, and `transformed`, which is its result. Rows of the source
 * that do not fit go to the report. `seen` gets the columns whose types were found, now or when they
 * were frozen.
 */
MUST_USE int transform_open(struct engine *e, const struct files *files,
                            const struct source_options *o, struct source_report *report,
                            struct schema_source *seen, struct error *err);

/* The result's columns: names, types; everything nullable, ids from 1. */
MUST_USE int transform_infer(struct engine *e, struct schema *out, struct error *err);

/*
 * The result as `source_rows`, cast into the schema; `constants` as in source/load.h. Rows that do not
 * fit are counted in the report.
 */
MUST_USE int transform_load(struct engine *e, const struct source_options *o,
                            const struct schema *schema, const char **constants,
                            struct source_report *report, struct error *err);

#endif
