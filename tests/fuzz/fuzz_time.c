/*
 * Any text as a time: what is accepted is in the range that can be written, and means the same after
 * writing and reading. Any 64 bits as microseconds: written and read back, or refused.
 */
#include "fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "util/mem.h"
#include "util/time.h"

static void require(int good)
{
    if (!good)
        abort();
}

/* The text of a time must be read as that time. */
static void check_round_trip(int64_t value)
{
    char text[TIME_TEXT_SIZE];
    char compact[TIME_TEXT_SIZE];
    int64_t back;
    require(time_format(value, text, NULL) == ERR_OK);
    require(strlen(text) == TIME_TEXT_SIZE - 1);
    require(time_parse(text, &back, NULL) == ERR_OK);
    require(back == value);
    require(time_format_compact(value, compact, NULL) == ERR_OK);
    require(strlen(compact) == TIME_TEXT_SIZE - 5);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error err = ERROR_INIT;
    int64_t value;
    char *text = mem_strndup(size > 0 ? (const char *)data : "", size);
    int rc = time_parse(text, &value, &err);
    if (rc == ERR_OK)
        check_round_trip(value);
    else
        require(rc == ERR_CONFIG && err.text[0] != '\0');
    free(text);

    if (size >= sizeof value) {
        memcpy(&value, data, sizeof value);
        rc = time_format(value, (char[TIME_TEXT_SIZE]){0}, NULL);
        require(rc == ERR_OK || rc == ERR_LIMIT);
        if (rc == ERR_OK)
            check_round_trip(value);
    }
    return 0;
}
