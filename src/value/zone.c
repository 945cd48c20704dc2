/*
 * A zone is a table of offsets and the moments from which they hold. What the rule at the end of a
 * file (its footer, a TZ string of POSIX) says is written into the table for the 400 years after
 * its last entry; then the calendar repeats itself, days of the week included.
 */
#include "value/zone.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/mem.h"
#include "value/calendar.h"
#include "value/zone_rule.h"

#define FOLDER "/usr/share/zoneinfo/"
#define NAME_MAX_BYTES 255
#define FILE_MAX ((size_t)1 << 20)
#define CYCLE_YEARS 400
#define CYCLE_SECONDS (INT64_C(146097) * 86400)
#define DAY INT64_C(86400)

/*
 * No offset is greater, so that what holds for two days around a moment holds at it in every zone.
 */
#define OFFSET_MAX (26 * 3600)

struct change {
    int64_t from; /* seconds since 1970 UTC */
    int offset;
};

struct zone {
    struct change *changes; /* in order; the first is from always */
    size_t count;
    size_t capacity;
    bool repeats; /* the changes of the last 400 years */
};

static int damaged(const char *name, const char *how, struct error *err)
{
    return error_set(err, ERR_CONFIG, "The file of the time zone \"%.80s\" is damaged: %s.", name,
                     how);
}

static void add(struct zone *z, int64_t from, int offset)
{
    if (z->count > 0 && z->changes[z->count - 1].from == from)
        z->count--;
    z->changes = mem_grow(z->changes, z->count, &z->capacity, sizeof *z->changes);
    z->changes[z->count++] = (struct change){from, offset};
}

/* ---- The file ------------------------------------------------------------------------------ */

#define HEADER 44

struct block {
    const unsigned char *times, *indexes, *types;
    size_t time_count, type_count;
    size_t width; /* of a time: 4 or 8 */
    size_t size;
};

static uint32_t number32(const unsigned char *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static int64_t time_at(const struct block *b, size_t i)
{
    const unsigned char *at = b->times + i * b->width;
    if (b->width == 4)
        return (int32_t)number32(at);
    return (int64_t)((uint64_t)number32(at) << 32 | number32(at + 4));
}

static int offset_of(const struct block *b, size_t type)
{
    return (int32_t)number32(b->types + type * 6);
}

/* NULL, or what is wrong. */
static const char *find_block(const unsigned char *bytes, size_t count, size_t width,
                              struct block *out)
{
    if (count < HEADER || memcmp(bytes, "TZif", 4) != 0)
        return "it does not begin as a TZif file does";
    size_t counts[6];
    for (size_t i = 0; i < 6; i++) {
        counts[i] = number32(bytes + 20 + 4 * i);
        if (counts[i] > FILE_MAX)
            return "its tables are too long";
    }
    enum { IS_UT, IS_STD, LEAPS, TIMES, TYPES, CHARS };
    *out = (struct block){.width = width, .time_count = counts[TIMES], .type_count = counts[TYPES]};
    out->times = bytes + HEADER;
    out->size = HEADER + counts[TIMES] * (width + 1) + counts[TYPES] * 6 + counts[CHARS] +
                counts[LEAPS] * (width + 4) + counts[IS_STD] + counts[IS_UT];
    if (out->size > count)
        return "it is cut short";
    if (counts[LEAPS] > 0)
        return "its clock counts leap seconds, which is not UTC";
    if (counts[TYPES] == 0 || counts[TYPES] > 256)
        return "it has no offsets";
    out->indexes = out->times + counts[TIMES] * width;
    out->types = out->indexes + counts[TIMES];
    return NULL;
}

static const char *read_changes(const struct block *b, struct zone *z)
{
    add(z, INT64_MIN, offset_of(b, 0));
    for (size_t i = 0; i < b->type_count; i++)
        if (offset_of(b, i) > OFFSET_MAX || offset_of(b, i) < -OFFSET_MAX)
            return "an offset is too large";
    for (size_t i = 0; i < b->time_count; i++) {
        if (b->indexes[i] >= b->type_count)
            return "a change names no offset";
        if (i > 0 && time_at(b, i) <= time_at(b, i - 1))
            return "its changes are not in order";
        add(z, time_at(b, i), offset_of(b, b->indexes[i]));
    }
    return NULL;
}

/* ---- The rule after the last change --------------------------------------------------------- */

static int year_of(int64_t utc)
{
    int64_t days = utc / DAY - (utc % DAY < 0);
    if (days < CALENDAR_FIRST)
        return 1;
    return days > CALENDAR_LAST ? 9999 : calendar_of((int32_t)days).year;
}

static const char *follow_rule(struct zone *z, const struct zone_rule *rule)
{
    int64_t last = z->changes[z->count - 1].from;
    int first = year_of(last);
    if (!rule->has_summer)
        return z->changes[z->count - 1].offset == rule->offset
                   ? NULL
                   : "its rule for later years contradicts its last change";
    for (int year = first; year <= first + CYCLE_YEARS + 1; year++) {
        struct zone_rule_change changes[2];
        zone_rule_year(rule, year, changes);
        for (size_t i = 0; i < 2; i++)
            if (changes[i].from > last)
                add(z, changes[i].from, changes[i].offset);
    }
    z->repeats = true;
    return NULL;
}

static const char *read_footer(const unsigned char *at, size_t count, struct zone *z)
{
    if (count < 2 || at[0] != '\n' || memchr(at + 1, '\n', count - 1) == NULL)
        return "its last line is missing";
    const char *text = (const char *)at + 1;
    size_t length = (size_t)((const char *)memchr(text, '\n', count - 1) - text);
    struct zone_rule rule;
    if (length == 0)
        return NULL;
    if (!zone_rule_parse(text, length, &rule))
        return "its rule for later years cannot be read";
    return follow_rule(z, &rule);
}

static const char *read_file(const unsigned char *bytes, size_t count, struct zone *z)
{
    struct block b;
    const char *wrong = find_block(bytes, count, 4, &b);
    if (wrong != NULL)
        return wrong;
    if (bytes[4] < '2')
        return read_changes(&b, z);
    size_t skipped = b.size;
    wrong = find_block(bytes + skipped, count - skipped, 8, &b);
    if (wrong == NULL)
        wrong = read_changes(&b, z);
    if (wrong == NULL)
        wrong = read_footer(bytes + skipped + b.size, count - skipped - b.size, z);
    return wrong;
}

int zone_parse(const void *bytes, size_t count, const char *name, struct zone **out,
               struct error *err)
{
    struct zone *z = mem_calloc(1, sizeof *z);
    const char *wrong = read_file(bytes, count, z);
    *out = NULL;
    if (wrong != NULL) {
        zone_free(z);
        return damaged(name, wrong, err);
    }
    *out = z;
    return ERR_OK;
}

/* Letters, digits and signs between single slashes: never a way out of the folder. */
static bool is_name(const char *name)
{
    size_t length = strlen(name);
    if (length == 0 || length > NAME_MAX_BYTES || name[0] == '/' || name[length - 1] == '/' ||
        strstr(name, "//") != NULL || strchr(name, '.') != NULL)
        return false;
    return strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-/") ==
           length;
}

bool zone_are_here(void)
{
    return access(FOLDER, X_OK) == 0;
}

int zone_open(const char *name, struct zone **out, struct error *err)
{
    *out = NULL;
    char path[sizeof FOLDER + NAME_MAX_BYTES];
    FILE *file = NULL;
    if (is_name(name)) {
        snprintf(path, sizeof path, "%s%s", FOLDER, name);
        file = fopen(path, "rbe");
    }
    if (file == NULL)
        return error_set(
            err, ERR_CONFIG,
            "There is no time zone \"%.80s\" in %s: write an IANA name such as "
            "Europe/Madrid, and install the package tzdata where the folder is missing.",
            name, FOLDER);
    char *bytes = mem_alloc(FILE_MAX);
    size_t count = fread(bytes, 1, FILE_MAX, file);
    fclose(file);
    int rc = zone_parse(bytes, count, name, out, err);
    free(bytes);
    return rc;
}

void zone_free(struct zone *z)
{
    if (z == NULL)
        return;
    free(z->changes);
    free(z);
}

/* ---- Questions ------------------------------------------------------------------------------- */

/* The last change that is not after a moment. */
static size_t find(const struct zone *z, int64_t utc)
{
    size_t low = 0;
    size_t high = z->count;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (z->changes[middle].from <= utc)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* How far to go back so that the table covers a moment: whole cycles of the calendar. */
static int64_t beyond(const struct zone *z, int64_t utc)
{
    if (!z->repeats)
        return 0;
    int64_t end = z->changes[z->count - 1].from - 4 * DAY;
    if (utc < end)
        return 0;
    return ((utc - end) / CYCLE_SECONDS + 1) * CYCLE_SECONDS;
}

int zone_offset(const struct zone *z, int64_t utc)
{
    return z->changes[find(z, utc - beyond(z, utc))].offset;
}

enum zone_answer zone_to_utc(const struct zone *z, int64_t local, int64_t *utc)
{
    int64_t back = beyond(z, local);
    int64_t at = local - back;
    size_t first = find(z, at - OFFSET_MAX);
    enum zone_answer answer = ZONE_NEVER;
    for (size_t i = first; i < z->count; i++) {
        int64_t found = at - z->changes[i].offset;
        if (i > first && z->changes[i].from > at + OFFSET_MAX)
            break;
        if (found < z->changes[i].from || (i + 1 < z->count && found >= z->changes[i + 1].from))
            continue;
        if (answer != ZONE_NEVER)
            return ZONE_TWICE;
        *utc = found + back;
        answer = ZONE_ONCE;
    }
    return answer;
}
