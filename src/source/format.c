#include "source/format.h"

#include "source/csv.h"
#include "source/json_document.h"
#include "source/ndjson.h"
#include "source/parquet.h"

int source_format_open(enum source_format format, const struct format_tools *tools,
                       const struct reader_file *file, const struct read_options *options,
                       struct reader **out, struct error *err)
{
    switch (format) {
    case SOURCE_CSV:
        return csv_open(file, options, out, err);
    case SOURCE_JSON:
        return json_open(file, options, out, err);
    case SOURCE_NDJSON:
        return ndjson_open(file, options, out, err);
    case SOURCE_PARQUET:
        return parquet_open(tools->engine, tools->workdir, file, options, out, err);
    }
    return error_set(err, ERR_CONFIG, "This format is not known.");
}
