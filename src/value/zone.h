/*
 * Time zones, from the files of the system (RFC 8536, TZif) and nothing else: libc keeps one zone
 * for the whole process. A zone is read-only once it is open: any number of threads may use it.
 */
#ifndef CAUCE_VALUE_ZONE_H
#define CAUCE_VALUE_ZONE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/error.h"

struct zone;

/*
 * By its IANA name ("America/Argentina/Buenos_Aires"). ERR_CONFIG: there is no such zone on this
 * machine, or its file is damaged.
 */
MUST_USE int zone_open(const char *name, struct zone **out, struct error *err);

/* Are there any zones on this machine? */
bool zone_are_here(void);

/* The same from the bytes of such a file; `name` is for messages. */
MUST_USE int zone_parse(const void *bytes, size_t count, const char *name, struct zone **out,
                        struct error *err);
void zone_free(struct zone *z); /* NULL allowed */

/* Seconds east of UTC at a moment (seconds since 1970 UTC). */
int zone_offset(const struct zone *z, int64_t utc);

/* When the clocks of the zone showed a time (seconds since 1970, as if it were UTC). */
enum zone_answer {
    ZONE_ONCE,  /* then */
    ZONE_NEVER, /* they were put forward over it */
    ZONE_TWICE  /* they were put back to before it; the earlier one */
};
enum zone_answer zone_to_utc(const struct zone *z, int64_t local, int64_t *utc);

#endif
