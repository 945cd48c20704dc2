#include "pipeline/sample_file.h"

#include "source/input.h"
#include "source/kind.h"

static const char *const patterns[] = {
    "*.csv",     "*.tsv",  "*.json", "*.ndjson", "*.jsonl",
    "*.parquet", "*.xlsx", "*.CSV",  "*.txt",    "*.csv.gz",
};
#define PATTERNS (sizeof patterns / sizeof *patterns)

static int look(const struct reader_file *file, enum read_compression compression, enum kind *kind,
                struct error *err)
{
    struct read_options options = {.compression = compression};
    struct input *in = NULL;
    char head[KIND_HEAD];
    size_t count = 0;
    int rc = input_open_bytes(file, &options, &in, err);
    if (rc == ERR_OK)
        rc = input_read(in, head, sizeof head, &count, err);
    if (rc == ERR_OK)
        *kind = kind_of(head, count);
    input_free(in);
    return rc;
}

int sample_file_members(const struct reader_file *file, const char *folder, struct members *out,
                        const char **pattern, struct error *err)
{
    enum kind kind = KIND_UNKNOWN;
    struct error first = ERROR_INIT;
    *out = (struct members){0};
    *pattern = NULL;
    int rc = look(file, READ_PLAIN, &kind, err);
    if (rc == ERR_OK && kind != KIND_ZIP)
        rc = look(file, READ_AUTO, &kind, err);
    if (rc != ERR_OK || (kind != KIND_ZIP && kind != KIND_TAR))
        return rc;
    rc = members_unpack(file, patterns[0], 0, folder, "member-", out, &first);
    *pattern = patterns[0];
    for (size_t i = 1; rc == ERR_SOURCE && out->count == 0 && i < PATTERNS; i++) {
        rc = members_unpack(file, patterns[i], 0, folder, "member-", out, NULL);
        *pattern = patterns[i];
    }
    return rc == ERR_OK ? rc : error_set(err, rc, "%s", first.text);
}
