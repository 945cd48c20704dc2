/* Any bytes as the begin of a file, and as its name: what it is has a name, and advice is a sentence. */
#include "fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "source/kind.h"
#include "util/file_format.h"

static void require(bool good)
{
    if (!good)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bool tabs = false;
    enum kind kind = kind_of(data, size);
    require(kind < KIND_COUNT && (size == 0) == (kind == KIND_EMPTY));
    const char *advice = kind_advice(kind);
    require(kind_name(kind)[0] != '\0');
    require(*advice == '\0' || advice[strlen(advice) - 1] == '.');
    enum file_format format = file_format_of((const char *)data, size, &tabs);
    require(format < FILE_FORMAT_COUNT && (!tabs || format == FILE_FORMAT_CSV));
    file_format_is_archive((const char *)data, size);
    return 0;
}
