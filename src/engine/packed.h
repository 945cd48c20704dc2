/*
 * Wide rows outside of tables.
 *
 * DuckDB works by column: a table holds a block of 256 KiB and more for each, a sort moves each by
 * itself, and whatever a statement is at has 2,048 values of each in memory. With thousands of columns
 * that is gigabytes, however few the rows are. So rows of more than PACKED_COLUMNS lie in scratch files
 * (engine/packed_file.h), each packed into one string of bytes; tables and sorts have their places,
 * and a few at a time are taken apart where all columns are wanted:
 *
 *   cauce_pack(file, columns...)   BIGINT: the place of a row, put into the file of that number
 *   cauce_unpack(select, row)      a table of the rows whose places a SELECT gives, in its order, and
 *                                  the place as the column `packed`. `row` is NULL, cast to a STRUCT of
 *                                  the columns' names and types. Where the SELECT packs rows itself,
 *                                  $1 is the number of a file that lasts as long as it runs
 *
 * Private to the engine.
 */
#ifndef CAUCE_ENGINE_PACKED_H
#define CAUCE_ENGINE_PACKED_H

#include "engine/database.h"

#define PACKED_COLUMNS 64

/* Make the two functions known. */
MUST_USE int packed_register(struct database *d, struct error *err);

/* Pack the rows of a chunk, and put their places into a vector of BIGINT. */
MUST_USE int packed_rows(struct packed_files *files, unsigned file, duckdb_data_chunk from,
                         duckdb_vector places, struct error *err);

#endif
