#include "source/format.h"

#include "source/csv.h"
#include "source/fixed.h"
#include "source/json_document.h"
#include "source/ndjson.h"
#include "source/parquet.h"
#include "source/xlsx.h"

int source_format_open(enum file_format format, const struct format_tools *tools,
                       const struct reader_file *file, const struct read_options *options,
                       struct reader **out, struct error *err)
{
    switch (format) {
    case FILE_FORMAT_CSV:
        return csv_open(file, options, out, err);
    case FILE_FORMAT_JSON:
        return json_open(file, options, out, err);
    case FILE_FORMAT_NDJSON:
        return ndjson_open(file, options, out, err);
    case FILE_FORMAT_FIXED:
        return fixed_open(file, options, out, err);
    case FILE_FORMAT_XLSX:
        return xlsx_open(file, options, out, err);
    case FILE_FORMAT_PARQUET:
        return parquet_open(tools->engine, tools->workdir, file, options, out, err);
    case FILE_FORMAT_AUTO:
    case FILE_FORMAT_COUNT:
        break;
    }
    return error_set(err, ERR_CONFIG, "The format of %s is not known: set `source.format`.",
                     file->shown);
}
