#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "config/config_read.h"
#include "util/fs.h"
#include "util/mem.h"
#include "util/str.h"

/* Digits at the start of `*at`, which moves past them; false for none or too many. */
static bool take_digits(const char **at, uint64_t *out)
{
    const char *p = *at;
    uint64_t value = 0;
    if (!isdigit((unsigned char)*p))
        return false;
    for (; isdigit((unsigned char)*p); p++) {
        uint64_t digit = (uint64_t)(*p - '0');
        if (value > (UINT64_MAX - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    *at = p;
    *out = value;
    return true;
}

bool config_parse_number(const char *text, uint64_t *out)
{
    uint64_t value;
    if (!take_digits(&text, &value) || *text != '\0')
        return false;
    *out = value;
    return true;
}

static const struct {
    const char *name;
    uint64_t bytes;
} size_units[] = {
    {"B", 1},
    {"kB", 1000},
    {"MB", 1000000},
    {"GB", 1000000000},
    {"TB", 1000000000000},
    {"KiB", (uint64_t)1 << 10},
    {"MiB", (uint64_t)1 << 20},
    {"GiB", (uint64_t)1 << 30},
    {"TiB", (uint64_t)1 << 40},
};

/* Bytes of a unit, 0 for none. */
static uint64_t unit_bytes(const char *name)
{
    for (size_t i = 0; i < sizeof size_units / sizeof size_units[0]; i++) {
        if (strcasecmp(name, size_units[i].name) == 0)
            return size_units[i].bytes;
    }
    return 0;
}

bool config_parse_size(const char *text, uint64_t *out)
{
    uint64_t whole;
    uint64_t thousandths = 0;
    if (!take_digits(&text, &whole))
        return false;
    if (*text == '.') {
        text++;
        uint64_t weight = 100;
        if (!isdigit((unsigned char)*text))
            return false;
        for (; isdigit((unsigned char)*text); text++, weight /= 10)
            thousandths += weight * (uint64_t)(*text - '0');
    }
    while (*text == ' ')
        text++;
    uint64_t unit = unit_bytes(text);
    if (unit == 0 || whole > (UINT64_MAX >> 1) / unit)
        return false;
    *out = whole * unit + unit / 1000 * thousandths + unit % 1000 * thousandths / 1000;
    return true;
}

static const struct {
    char name;
    int64_t seconds;
} duration_units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {'w', 604800}};

bool config_parse_duration(const char *text, int64_t *out)
{
    uint64_t number;
    if (!take_digits(&text, &number))
        return false;
    while (*text == ' ')
        text++;
    for (size_t i = 0; i < sizeof duration_units / sizeof duration_units[0]; i++) {
        if (text[0] == duration_units[i].name && text[1] == '\0') {
            if (number > (uint64_t)(INT64_MAX / duration_units[i].seconds))
                return false;
            *out = (int64_t)number * duration_units[i].seconds;
            return true;
        }
    }
    return false;
}

void config_format_duration(int64_t seconds, char out[32])
{
    size_t best = 0;
    for (size_t i = 1; i < sizeof duration_units / sizeof duration_units[0]; i++) {
        if (seconds > 0 && seconds % duration_units[i].seconds == 0)
            best = i;
    }
    snprintf(out, 32, "%" PRId64 "%c", seconds / duration_units[best].seconds,
             duration_units[best].name);
}

char *config_resolve(const char *folder, const char *path)
{
    if (path[0] == '/' || strcmp(folder, ".") == 0)
        return mem_strdup(path);
    while (str_starts(path, "./")) {
        path += 2;
        while (*path == '/')
            path++;
    }
    return fs_join(folder, *path != '\0' ? path : ".");
}
