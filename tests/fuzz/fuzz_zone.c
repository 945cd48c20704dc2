/*
 * Any bytes as the file of a time zone: refused with a reason, or a zone whose answers fit together:
 * a time that its clocks showed once or twice is what they show at that moment, one that they never
 * showed is not shown around it.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "value/zone.h"

static void require(int good)
{
    if (!good)
        abort();
}

static void check(const struct zone *z, int64_t local)
{
    int64_t utc;
    if (zone_to_utc(z, local, &utc) != ZONE_NEVER)
        require(utc + zone_offset(z, utc) == local);
    int offset = zone_offset(z, local);
    require(zone_to_utc(z, local + offset, &utc) != ZONE_NEVER);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error err = ERROR_INIT;
    struct zone *z;
    int rc = zone_parse(data, size, "fuzz", &z, &err);
    require(rc == ERR_OK || (rc == ERR_CONFIG && err.text[0] != '\0' && z == NULL));
    if (rc != ERR_OK)
        return 0;
    static const int64_t first = INT64_C(-62135596800), last = INT64_C(253402300799);
    for (int64_t at = first; at <= last; at += INT64_C(7) * 86400 * 365)
        check(z, at + (int64_t)size * 1009 % 86400);
    check(z, first);
    check(z, last);
    zone_free(z);
    return 0;
}
