#include "pipeline/sample_format.h"

#include <string.h>
#include <strings.h>

#include "util/str.h"

#define RECORDS_MAX 50

/* ---- Format -------------------------------------------------------------------------------- */

static size_t without(const char *name, size_t length, const char *suffix)
{
    size_t n = strlen(suffix);
    bool has = length > n && strncasecmp(name + length - n, suffix, n) == 0;
    return has ? length - n : length;
}

static enum config_format by_name(const char *name)
{
    static const struct {
        const char *suffix;
        enum config_format format;
    } known[] = {
        {".csv", CONFIG_FORMAT_CSV},      {".tsv", CONFIG_FORMAT_CSV},
        {".json", CONFIG_FORMAT_JSON},    {".ndjson", CONFIG_FORMAT_NDJSON},
        {".jsonl", CONFIG_FORMAT_NDJSON}, {".parquet", CONFIG_FORMAT_PARQUET},
    };
    static const char *const compressions[] = {".gz", ".gzip", ".zst", ".zstd"};
    size_t length = strlen(name);
    for (size_t i = 0; i < sizeof compressions / sizeof compressions[0]; i++)
        length = without(name, length, compressions[i]);
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (without(name, length, known[i].suffix) < length)
            return known[i].format;
    return CONFIG_FORMAT_AUTO;
}

static size_t skip_blanks(const char *bytes, size_t count, size_t at)
{
    while (at < count && memchr(" \t\r\n", bytes[at], 4) != NULL)
        at++;
    return at;
}

/* One object per line, or one document? Objects of a document stand in a list. */
static enum config_format which_json(const char *bytes, size_t count)
{
    size_t at = skip_blanks(bytes, count, 0);
    if (at == count)
        return CONFIG_FORMAT_AUTO;
    if (bytes[at] == '[')
        return CONFIG_FORMAT_JSON;
    if (bytes[at] != '{')
        return CONFIG_FORMAT_AUTO;
    const char *end = memchr(bytes + at, '\n', count - at);
    size_t stop = end != NULL ? (size_t)(end - bytes) : count;
    while (stop > at + 1 && memchr(" \t\r", bytes[stop - 1], 3) != NULL)
        stop--;
    return bytes[stop - 1] == '}' ? CONFIG_FORMAT_NDJSON : CONFIG_FORMAT_JSON;
}

enum config_format sample_format_of(const char *name, const char *bytes, size_t count)
{
    enum config_format named = by_name(name);
    if (count >= 4 && memcmp(bytes, "PAR1", 4) == 0)
        return CONFIG_FORMAT_PARQUET;
    if (named == CONFIG_FORMAT_CSV || named == CONFIG_FORMAT_PARQUET)
        return named;
    enum config_format json = which_json(bytes, count);
    return json != CONFIG_FORMAT_AUTO ? json : named;
}

/* ---- Delimiter ----------------------------------------------------------------------------- */

/* Fields of the record at `*at`, which moves behind it; 0: the record has no end. */
static size_t count_fields(const char *bytes, size_t count, bool whole, char delimiter, size_t *at)
{
    size_t fields = 1;
    bool quoted = false;
    size_t i = *at;
    for (; i < count && (quoted || bytes[i] != '\n'); i++) {
        if (bytes[i] == '"')
            quoted = !quoted;
        else if (bytes[i] == delimiter && !quoted)
            fields++;
    }
    if (i == count && (!whole || quoted))
        return 0;
    *at = i + 1;
    return fields;
}

/* Number of fields that all of the first records have; 0: they differ. */
static size_t common_fields(const char *bytes, size_t count, bool whole, char delimiter)
{
    size_t common = 0;
    size_t at = 0;
    for (int n = 0; n < RECORDS_MAX && at < count; n++) {
        size_t fields = count_fields(bytes, count, whole, delimiter, &at);
        if (fields == 0)
            break;
        if (common != 0 && fields != common)
            return 0;
        common = fields;
    }
    return common;
}

char sample_delimiter_of(const char *bytes, size_t count, bool whole)
{
    static const char delimiters[] = {',', ';', '\t', '|'};
    char best = ',';
    size_t most = 1;
    for (size_t i = 0; i < sizeof delimiters; i++) {
        size_t fields = common_fields(bytes, count, whole, delimiters[i]);
        if (fields > most) {
            most = fields;
            best = delimiters[i];
        }
    }
    if (most > 1)
        return best;
    /* No delimiter cuts all records alike: the header decides. */
    for (size_t i = 0; i < sizeof delimiters; i++) {
        size_t at = 0;
        size_t fields = count_fields(bytes, count, true, delimiters[i], &at);
        if (fields > most) {
            most = fields;
            best = delimiters[i];
        }
    }
    return best;
}
