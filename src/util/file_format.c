#include "util/file_format.h"

#include <string.h>
#include <strings.h>

#define SUFFIXES 3
#define SETTINGS 12

/* In the order of the enum. */
static const char *const names[] = {"csv", "json", "ndjson", "parquet", "xlsx", "fixed"};
_Static_assert(sizeof names / sizeof *names == FILE_FORMAT_COUNT - FILE_FORMAT_CSV,
               "every format has a name");

/* `settings`: those that not every format understands, and this one does. */
static const struct {
    const char *suffixes[SUFFIXES];
    const char *settings[SETTINGS];
    bool header;
    bool text;
} formats[FILE_FORMAT_COUNT] = {
    [FILE_FORMAT_CSV] = {{".csv", ".tsv"},
                         {"delimiter", "quote", "escape", "header", "skip_lines", "comment",
                          "footer", "encoding", "compression"},
                         true,
                         true},
    [FILE_FORMAT_JSON] = {{".json"}, {"records", "encoding", "compression"}, false, false},
    [FILE_FORMAT_NDJSON] = {{".ndjson", ".jsonl"}, {"encoding", "compression"}, false, false},
    [FILE_FORMAT_PARQUET] = {{".parquet"}, {NULL}, true, false},
    [FILE_FORMAT_XLSX] = {{".xlsx"},
                          {"sheet", "range", "header", "skip_lines", "footer"},
                          true,
                          true},
    [FILE_FORMAT_FIXED] = {{NULL},
                           {"widths", "header", "skip_lines", "comment", "footer", "encoding",
                            "compression"},
                           true,
                           true},
};

const char *const *file_format_names(size_t *count)
{
    *count = sizeof names / sizeof *names;
    return names;
}

const char *file_format_name(enum file_format format)
{
    bool known = format > FILE_FORMAT_AUTO && format < FILE_FORMAT_COUNT;
    return known ? names[format - FILE_FORMAT_CSV] : "auto";
}

static bool ends(const char *name, size_t length, const char *suffix)
{
    size_t n = strlen(suffix);
    return length > n && strncasecmp(name + length - n, suffix, n) == 0;
}

/* The length of the name without one of the suffixes of compressed files. */
static size_t without_compression(const char *name, size_t length)
{
    static const char *const suffixes[] = {".gz", ".gzip", ".zst", ".zstd", ".xz", ".bz2"};
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++)
        if (ends(name, length, suffixes[i]))
            return length - strlen(suffixes[i]);
    return length;
}

enum file_format file_format_of(const char *name, size_t length, bool *tabs)
{
    length = without_compression(name, length);
    if (tabs != NULL)
        *tabs = ends(name, length, ".tsv");
    for (int f = FILE_FORMAT_CSV; f < FILE_FORMAT_COUNT; f++)
        for (size_t i = 0; i < SUFFIXES && formats[f].suffixes[i] != NULL; i++)
            if (ends(name, length, formats[f].suffixes[i]))
                return (enum file_format)f;
    return FILE_FORMAT_AUTO;
}

bool file_format_is_archive(const char *name, size_t length)
{
    static const char *const suffixes[] = {".zip", ".tar", ".tgz", ".7z"};
    length = without_compression(name, length);
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++)
        if (ends(name, length, suffixes[i]))
            return true;
    return false;
}

static bool lists(int format, const char *setting)
{
    for (size_t i = 0; i < SETTINGS && formats[format].settings[i] != NULL; i++)
        if (strcmp(formats[format].settings[i], setting) == 0)
            return true;
    return false;
}

bool file_format_takes(enum file_format format, const char *setting)
{
    if (format == FILE_FORMAT_AUTO || lists((int)format, setting))
        return true;
    for (int f = FILE_FORMAT_CSV; f < FILE_FORMAT_COUNT; f++)
        if (lists(f, setting))
            return false;
    return true;
}

bool file_format_has_header(enum file_format format)
{
    return formats[format].header;
}

bool file_format_is_text(enum file_format format)
{
    return formats[format].text || format == FILE_FORMAT_AUTO;
}
