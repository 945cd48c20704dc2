#include "catalog/layout.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "store/store.h"
#include "util/str.h"
#include "util/time.h"

/* The mark of an interrupted write follows a key: ".tmp-" and an id. */
_Static_assert(LAYOUT_KEY_SIZE + sizeof ".tmp-" + ID_SIZE <= STORE_ROOM, "room for every key");

#define NAME_DIGITS_MIN 10
#define NAME_DIGITS_MAX 19 /* what a signed 64-bit integer of JSON can hold */

bool version_id_equal(const struct version_id *a, const struct version_id *b)
{
    return a->sequence == b->sequence && strcmp(a->commit, b->commit) == 0;
}

void layout_name(const struct version_id *version, char out[LAYOUT_NAME_SIZE])
{
    snprintf(out, LAYOUT_NAME_SIZE, "%0*" PRIu64 "-%s", NAME_DIGITS_MIN, version->sequence,
             version->commit);
}

size_t layout_take_digits(const char **text, size_t most, uint64_t *value)
{
    size_t n = 0;
    uint64_t v = 0;
    while (n < most && (*text)[n] >= '0' && (*text)[n] <= '9') {
        v = v * 10 + (uint64_t)((*text)[n] - '0');
        n++;
    }
    *text += n;
    *value = v;
    return n;
}

int layout_parse_name(const char *text, struct version_id *out, struct error *err)
{
    const char *p = text;
    uint64_t sequence;
    size_t digits = layout_take_digits(&p, NAME_DIGITS_MAX, &sequence);
    bool padded = digits == NAME_DIGITS_MIN || (digits > NAME_DIGITS_MIN && text[0] != '0');
    if (!padded || sequence > INT64_MAX || *p != '-' || !id_valid(p + 1))
        return error_set(err, ERR_DAMAGED,
                         "\"%.80s\" is not the name of a version (<sequence>-<commit>).", text);
    out->sequence = sequence;
    memcpy(out->commit, p + 1, ID_SIZE);
    return ERR_OK;
}

static int32_t days_in_month(int32_t year, int32_t month)
{
    static const int8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap);
}

bool layout_partition_valid(enum partition_by by, int32_t value)
{
    if (value < 0 || value > 99991231)
        return false;
    int32_t year = value / 10000;
    int32_t month = value / 100 % 100;
    int32_t day = value % 100;
    switch (by) {
    case PARTITION_NONE:
        return value == 0;
    case PARTITION_YEAR:
        return month == 0 && day == 0;
    case PARTITION_MONTH:
        return month >= 1 && month <= 12 && day == 0;
    case PARTITION_DAY:
        return month >= 1 && month <= 12 && day >= 1 && day <= days_in_month(year, month);
    }
    return false;
}

/* The modulo operations show the compiler, and the reader, that the buffer always suffices. */
void layout_partition(enum partition_by by, int32_t value, char out[LAYOUT_PARTITION_SIZE])
{
    uint32_t v = (uint32_t)value;
    uint32_t year = v / 10000 % 10000;
    uint32_t month = v / 100 % 100;
    uint32_t day = v % 100;
    out[0] = '\0';
    if (by == PARTITION_YEAR)
        snprintf(out, LAYOUT_PARTITION_SIZE, "year=%04" PRIu32, year);
    else if (by == PARTITION_MONTH)
        snprintf(out, LAYOUT_PARTITION_SIZE, "year=%04" PRIu32 "/month=%02" PRIu32, year, month);
    else if (by == PARTITION_DAY)
        snprintf(out, LAYOUT_PARTITION_SIZE,
                 "year=%04" PRIu32 "/month=%02" PRIu32 "/day=%02" PRIu32, year, month, day);
}

/* One part of a partition's text, as in "month=01". */
static bool take_part(const char **text, const char *label, size_t digits, int32_t *value)
{
    if (!str_starts(*text, label))
        return false;
    *text += strlen(label);
    uint64_t v;
    if (layout_take_digits(text, digits, &v) != digits)
        return false;
    *value = (int32_t)v;
    return true;
}

int layout_parse_partition(const char *text, enum partition_by by, int32_t *value,
                           struct error *err)
{
    const char *p = text;
    int32_t year = 0;
    int32_t month = 0;
    int32_t day = 0;
    bool ok = by < PARTITION_YEAR || take_part(&p, "year=", 4, &year);
    ok = ok && (by < PARTITION_MONTH || take_part(&p, "/month=", 2, &month));
    ok = ok && (by < PARTITION_DAY || take_part(&p, "/day=", 2, &day));
    int32_t v = year * 10000 + month * 100 + day;
    if (!ok || *p != '\0' || !layout_partition_valid(by, v))
        return error_set(err, ERR_DAMAGED, "\"%.60s\" is not a partition by %s.", text,
                         partition_by_name(by));
    *value = v;
    return ERR_OK;
}

void layout_manifest(const struct version_id *version, char out[LAYOUT_KEY_SIZE])
{
    char name[LAYOUT_NAME_SIZE];
    layout_name(version, name);
    snprintf(out, LAYOUT_KEY_SIZE, "manifests/%s.json", name);
}

/* Readers of tables look for no files of theirs in folders that begin with an underscore. */
static const char events[] = "events/";
static const char events_for_tables[] = "events/_data/";

void layout_event(const struct version_id *version, bool for_tables, enum partition_by by,
                  int32_t partition, unsigned part, char out[LAYOUT_KEY_SIZE])
{
    char name[LAYOUT_NAME_SIZE];
    char folder[LAYOUT_PARTITION_SIZE];
    layout_name(version, name);
    layout_partition(by, partition, folder);
    snprintf(out, LAYOUT_KEY_SIZE, "%s%s/%s%spart-%u.parquet",
             for_tables ? events_for_tables : events, name, folder, folder[0] != '\0' ? "/" : "",
             part);
}

bool layout_take_name(const char **key, const char *prefix, char end, struct version_id *out)
{
    if (!str_starts(*key, prefix))
        return false;
    const char *start = *key + strlen(prefix);
    const char *stop = strchr(start, end);
    if (stop == NULL || (size_t)(stop - start) >= LAYOUT_NAME_SIZE)
        return false;
    char name[LAYOUT_NAME_SIZE] = "";
    memcpy(name, start, (size_t)(stop - start));
    *key = stop + 1;
    return layout_parse_name(name, out, NULL) == ERR_OK;
}

int layout_bad_key(const char *key, const char *what, struct error *err)
{
    return error_set(err, ERR_DAMAGED, "\"%.200s\" is not the key of %s.", key, what);
}

int layout_parse_manifest(const char *key, struct version_id *version, struct error *err)
{
    const char *p = key;
    char again[LAYOUT_KEY_SIZE];
    if (!layout_take_name(&p, "manifests/", '.', version))
        return layout_bad_key(key, "a manifest", err);
    layout_manifest(version, again);
    return strcmp(again, key) == 0 ? ERR_OK : layout_bad_key(key, "a manifest", err);
}

bool layout_take_folder(const char *start, const char *file, enum partition_by by,
                        int32_t *partition)
{
    char folder[LAYOUT_PARTITION_SIZE] = "";
    size_t length = (size_t)(file - start);
    if (length > sizeof folder)
        return false;
    if (length > 0)
        memcpy(folder, start, length - 1);
    return layout_parse_partition(folder, by, partition, NULL) == ERR_OK;
}

int layout_parse_event(const char *key, enum partition_by by, struct version_id *version,
                       int32_t *partition, struct error *err)
{
    static const char what[] = "an event file";
    const char *p = key;
    bool for_tables = layout_event_for_tables(key);
    if (!layout_take_name(&p, for_tables ? events_for_tables : events, '/', version))
        return layout_bad_key(key, what, err);
    /* The slash after the name is the last one, or there is another after it. */
    const char *file = strrchr(key, '/') + 1;
    if (!layout_take_folder(p, file, by, partition) || !str_starts(file, "part-"))
        return layout_bad_key(key, what, err);
    const char *digits = file + strlen("part-");
    uint64_t part;
    layout_take_digits(&digits, 9, &part);
    char again[LAYOUT_KEY_SIZE];
    layout_event(version, for_tables, by, *partition, (unsigned)part, again);
    return strcmp(again, key) == 0 ? ERR_OK : layout_bad_key(key, what, err);
}

bool layout_event_for_tables(const char *key)
{
    return str_starts(key, events_for_tables);
}

bool layout_event_is_of(const char *key, const struct version_id *version)
{
    char name[LAYOUT_NAME_SIZE];
    const char *folder = layout_event_for_tables(key) ? events_for_tables : events;
    layout_name(version, name);
    if (!str_starts(key, folder) || !str_starts(key + strlen(folder), name))
        return false;
    return key[strlen(folder) + strlen(name)] == '/';
}

int layout_run(int64_t time, const char *run_id, char out[LAYOUT_KEY_SIZE], struct error *err)
{
    char label[TIME_TEXT_SIZE];
    if (!id_valid(run_id))
        return error_set(err, ERR_CONFIG, "\"%.60s\" is not the id of a run.", run_id);
    int rc = time_format_compact(time, label, err);
    if (rc == ERR_OK)
        snprintf(out, LAYOUT_KEY_SIZE, "runs/%s-%s.json", label, run_id);
    return rc;
}

bool layout_is_run(const char *key)
{
    static const char shape[] = "runs/00000000T000000.000000Z-"; /* 0: any digit */
    char id[ID_SIZE] = "";
    for (size_t i = 0; i < sizeof shape - 1; i++) {
        bool fits = shape[i] == '0' ? key[i] >= '0' && key[i] <= '9' : key[i] == shape[i];
        if (!fits)
            return false;
    }
    const char *rest = key + sizeof shape - 1;
    memcpy(id, rest, strnlen(rest, ID_SIZE - 1));
    return id_valid(id) && strcmp(rest + ID_SIZE - 1, ".json") == 0;
}

/* ---- Told by the name ---------------------------------------------------------------------- */

static bool is_state(const char *key)
{
    static const char *const states[] = {LAYOUT_POINTER, LAYOUT_LEASE, STORE_PROOF};
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++) {
        if (strcmp(key, states[i]) == 0)
            return true;
    }
    return false;
}

/* The kind of a whole object. A cut that the dataset does not have today it may have had. */
static enum layout_kind object_kind(const char *key, struct version_id *version)
{
    int32_t partition;
    if (is_state(key))
        return LAYOUT_STATE;
    if (layout_parse_manifest(key, version, NULL) == ERR_OK)
        return LAYOUT_VERSION;
    if (layout_is_run(key))
        return LAYOUT_RECORD;
    for (enum partition_by by = PARTITION_NONE; by <= PARTITION_DAY; by++) {
        if (layout_parse_event(key, by, version, &partition, NULL) == ERR_OK)
            return LAYOUT_VERSION;
    }
    return LAYOUT_STRANGER;
}

bool layout_object(const char *key, char out[LAYOUT_KEY_SIZE])
{
    size_t length = store_key_object(key);
    if (length >= LAYOUT_KEY_SIZE)
        return false;
    memcpy(out, key, length);
    out[length] = '\0';
    return true;
}

enum layout_kind layout_kind(const char *key, struct version_id *version)
{
    char object[LAYOUT_KEY_SIZE];
    struct version_id ignored;
    if (!layout_object(key, object))
        return LAYOUT_STRANGER;
    if (store_key_is_probe(object))
        return LAYOUT_REMAINS;
    enum layout_kind kind = object_kind(object, version != NULL ? version : &ignored);
    return kind != LAYOUT_STRANGER && strcmp(object, key) != 0 ? LAYOUT_REMAINS : kind;
}

bool layout_is_nested(const char *key)
{
    return str_ends(key, "/" LAYOUT_POINTER);
}

bool layout_in_dataset(const char *key)
{
    static const char *const folders[] = {"events/", "manifests/",   "derived/",
                                          "index/",  "projections/", ".tmp/"};
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        if (str_starts(key, folders[i]))
            return true;
    }
    return false;
}
