/*
 * One XML document out of a workbook, which is a ZIP archive: read piece by piece, over libarchive
 * and expat. Document types, and with them custom entities, are refused. Not thread-safe.
 */
#ifndef CAUCE_SOURCE_XLSX_PART_H
#define CAUCE_SOURCE_XLSX_PART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "source/reader.h"
#include "util/error.h"

/* Called while a part is read. Names come without the prefix of a namespace. */
struct xlsx_events {
    void (*start)(void *ctx, const char *name, const char **attributes);
    void (*end)(void *ctx, const char *name);
    void (*text)(void *ctx, const char *text, size_t length);
    void *ctx;
};

struct xlsx_part;

/*
 * `name` is the path inside the archive, which is compared without regard to case; no more than
 * `limit` bytes are unpacked. `file` and `events` are borrowed. ERR_ABSENT: there is no such part;
 * ERR_SOURCE: the archive is damaged or encrypted.
 */
MUST_USE int xlsx_part_open(const struct reader_file *file, const char *name, uint64_t limit,
                            const struct xlsx_events *events, struct xlsx_part **out,
                            struct error *err);
void xlsx_part_free(struct xlsx_part *p); /* NULL allowed */

/*
 * Read on: a piece, or up to where an event paused. `*ended`: there is nothing more. ERR_SOURCE: not
 * XML, cut or damaged; ERR_LIMIT; ERR_INTERRUPTED; or what an event failed with.
 */
MUST_USE int xlsx_part_more(struct xlsx_part *p, bool *ended, struct error *err);

/* For events: let xlsx_part_more return. */
void xlsx_part_pause(struct xlsx_part *p);
/* For events: end it with an error, which is copied. */
void xlsx_part_fail(struct xlsx_part *p, const struct error *err);

/* Open, read all and free; absence is not an error, and `*found` reports it. */
MUST_USE int xlsx_part_read(const struct reader_file *file, const char *name, uint64_t limit,
                            const struct xlsx_events *events, bool *found, struct error *err);

/* Value of an attribute, whatever its prefix; NULL: there is none. Borrowed. */
const char *xlsx_part_attribute(const char **attributes, const char *name);

#endif
