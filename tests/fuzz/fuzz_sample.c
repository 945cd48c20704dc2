/*
 * Any bytes as the begin and the end of a file that `init` looks at: what it is, how it is laid out,
 * how it is encoded, and where its records are.
 */
#include "fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/sample_format.h"
#include "pipeline/sample_layout.h"
#include "pipeline/sample_records.h"
#include "source/json_path.h"
#include "util/mem.h"

static void require(bool good)
{
    if (!good)
        abort();
}

/* What is proposed can be configured. */
static void check_records(const char *text, size_t size)
{
    struct json_path path = {0};
    char *records = sample_records_of(text, size);
    if (records != NULL)
        require(json_path_parse(records, true, &path, NULL) == ERR_OK);
    json_path_release(&path);
    free(records);
}

static void check_layout(const char *text, size_t size, size_t cut, bool whole)
{
    struct sample_layout layout;
    sample_layout_of(text, cut, whole, text + (whole ? 0 : cut), size - (whole ? 0 : cut), &layout);
    require(layout.delimiter != '\0' && layout.delimiter != '\n' && layout.delimiter != '"');
    require(memchr(layout.footer_text, '\0', SAMPLE_FOOTER_SIZE) != NULL);
    require(layout.skip_lines <= size && layout.footer <= size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = mem_strndup((const char *)data, size);
    require(sample_format_of("x", text, size) < FILE_FORMAT_COUNT);
    const char *encoding = sample_encoding_of(text, size);
    require(encoding == NULL || encoding[0] != '\0');
    check_records(text, size);
    check_layout(text, size, size, true);
    check_layout(text, size, size / 2, false);
    free(text);
    return 0;
}
