#include "derived/projection/key.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "util/str.h"

/* The name of a partition's file, without suffix: "2026-01-31", "2026-01", "2026", "all". */
static void partition_file(enum partition_by by, int32_t partition, char out[LAYOUT_PARTITION_SIZE])
{
    uint32_t v = (uint32_t)partition;
    uint32_t year = v / 10000 % 10000;
    uint32_t month = v / 100 % 100;
    uint32_t day = v % 100;
    if (by == PARTITION_NONE)
        snprintf(out, LAYOUT_PARTITION_SIZE, "all");
    else if (by == PARTITION_YEAR)
        snprintf(out, LAYOUT_PARTITION_SIZE, "%04" PRIu32, year);
    else if (by == PARTITION_MONTH)
        snprintf(out, LAYOUT_PARTITION_SIZE, "%04" PRIu32 "-%02" PRIu32, year, month);
    else
        snprintf(out, LAYOUT_PARTITION_SIZE, "%04" PRIu32 "-%02" PRIu32 "-%02" PRIu32, year, month,
                 day);
}

void projection_key(enum partition_by by, int32_t partition, char out[LAYOUT_KEY_SIZE])
{
    char file[LAYOUT_PARTITION_SIZE];
    partition_file(by, partition, file);
    snprintf(out, LAYOUT_KEY_SIZE, "projections/windows/%s.parquet", file);
}

void projection_former_key(enum partition_by by, int32_t partition, char out[LAYOUT_KEY_SIZE])
{
    char folder[LAYOUT_PARTITION_SIZE];
    layout_partition(by, partition, folder);
    snprintf(out, LAYOUT_KEY_SIZE, "projections/windows/%s%sdata.parquet", folder,
             folder[0] != '\0' ? "/" : "");
}

void projection_temp_prefix(const struct version_id *attempt, char out[LAYOUT_KEY_SIZE])
{
    char name[LAYOUT_NAME_SIZE];
    layout_name(attempt, name);
    snprintf(out, LAYOUT_KEY_SIZE, ".tmp/%s/", name);
}

void projection_temp_key(const struct version_id *attempt, enum partition_by by, int32_t partition,
                         char out[LAYOUT_KEY_SIZE])
{
    char name[LAYOUT_NAME_SIZE];
    char file[LAYOUT_PARTITION_SIZE];
    layout_name(attempt, name);
    partition_file(by, partition, file);
    snprintf(out, LAYOUT_KEY_SIZE, ".tmp/%s/%s.parquet", name, file);
}

/* The partition that a file's name begins with; whether there is anything else is not checked. */
static int32_t take_partition(const char *file, enum partition_by by)
{
    uint64_t year = 0;
    uint64_t month = 0;
    uint64_t day = 0;
    if (by >= PARTITION_YEAR)
        layout_take_digits(&file, 4, &year);
    if (by >= PARTITION_MONTH && *file == '-' && file++)
        layout_take_digits(&file, 2, &month);
    if (by >= PARTITION_DAY && *file == '-' && file++)
        layout_take_digits(&file, 2, &day);
    return (int32_t)(year * 10000 + month * 100 + day);
}

int projection_parse_temp_key(const char *key, enum partition_by by, struct version_id *attempt,
                              int32_t *partition, struct error *err)
{
    static const char what[] = "a scratch file";
    const char *p = key;
    char again[LAYOUT_KEY_SIZE];
    if (!layout_take_name(&p, ".tmp/", '/', attempt))
        return layout_bad_key(key, what, err);
    *partition = take_partition(p, by);
    projection_temp_key(attempt, by, *partition, again);
    bool same = layout_partition_valid(by, *partition) && strcmp(again, key) == 0;
    return same ? ERR_OK : layout_bad_key(key, what, err);
}

static const char windows[] = "projections/windows/";

int projection_parse_key(const char *key, enum partition_by by, int32_t *partition,
                         struct error *err)
{
    static const char what[] = "a projection";
    char again[LAYOUT_KEY_SIZE];
    if (!str_starts(key, windows))
        return layout_bad_key(key, what, err);
    *partition = take_partition(key + sizeof windows - 1, by);
    projection_key(by, *partition, again);
    bool same = layout_partition_valid(by, *partition) && strcmp(again, key) == 0;
    return same ? ERR_OK : layout_bad_key(key, what, err);
}

static bool is_former_projection(const char *key, enum partition_by by)
{
    int32_t partition;
    char again[LAYOUT_KEY_SIZE];
    if (!str_starts(key, windows) ||
        !layout_take_folder(key + sizeof windows - 1, strrchr(key, '/') + 1, by, &partition))
        return false;
    projection_former_key(by, partition, again);
    return strcmp(again, key) == 0;
}

/* Its file was named like the folders of a partition, with dashes in place of slashes. */
static bool is_former_temp(const char *key, enum partition_by by)
{
    struct version_id attempt;
    int32_t partition;
    char folder[LAYOUT_PARTITION_SIZE] = "";
    const char *p = key;
    if (by == PARTITION_NONE || !layout_take_name(&p, ".tmp/", '/', &attempt))
        return false;
    size_t length = strcspn(p, ".");
    if (length >= sizeof folder || strcmp(p + length, ".parquet") != 0)
        return false;
    memcpy(folder, p, length);
    for (char *c = strchr(folder, '-'); c != NULL; c = strchr(c, '-'))
        *c = '/';
    return layout_parse_partition(folder, by, &partition, NULL) == ERR_OK;
}

bool projection_is_former_key(const char *key, enum partition_by by)
{
    return is_former_projection(key, by) || is_former_temp(key, by);
}
