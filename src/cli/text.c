#include "cli/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "util/time.h"
#include "util/visible.h"

const char *text_time(int64_t time, char out[TEXT_SIZE])
{
    char full[TIME_TEXT_SIZE];
    if (time == 0 || time_format(time, full, NULL) != ERR_OK)
        snprintf(out, TEXT_SIZE, "-");
    else
        snprintf(out, TEXT_SIZE, "%.10s %.8s UTC", full, full + 11);
    return out;
}

const char *text_bytes(uint64_t bytes, char out[TEXT_SIZE])
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    double value = (double)bytes;
    size_t unit = 0;
    while (value >= 1023.95 && unit + 1 < sizeof units / sizeof units[0]) {
        value /= 1024;
        unit++;
    }
    if (unit == 0)
        snprintf(out, TEXT_SIZE, "%llu B", (unsigned long long)bytes);
    else
        snprintf(out, TEXT_SIZE, "%.1f %s", value, units[unit]);
    return out;
}

const char *text_seconds(double seconds, char out[TEXT_SIZE])
{
    if (seconds < 60) {
        snprintf(out, TEXT_SIZE, "%.1f s", seconds < 0 ? 0.0 : seconds);
        return out;
    }
    unsigned long long whole = (unsigned long long)seconds;
    if (whole < 3600)
        snprintf(out, TEXT_SIZE, "%llu min %02llu s", whole / 60, whole % 60);
    else if (whole < 86400)
        snprintf(out, TEXT_SIZE, "%llu h %02llu min", whole / 3600, whole / 60 % 60);
    else
        snprintf(out, TEXT_SIZE, "%llu d %llu h", whole / 86400, whole / 3600 % 24);
    return out;
}

const char *text_plural(uint64_t count, const char *one, const char *several)
{
    return count == 1 ? one : several;
}

void text_set_time(struct json *object, const char *name, int64_t time)
{
    char text[TIME_TEXT_SIZE];
    if (time == 0 || time_format(time, text, NULL) != ERR_OK)
        json_set(object, name, json_new_null());
    else
        json_set_string(object, name, text);
}

void text_set_version(struct json *object, const struct version_id *version)
{
    json_set_unsigned(object, "sequence", version->sequence);
    json_set_string(object, "commit", version->sequence > 0 ? version->commit : NULL);
}

static void print(const char *text, size_t length, enum visible how)
{
    struct str out;
    str_init(&out, SIZE_MAX / 2);
    visible_append(&out, text, length, how);
    fwrite(out.data, 1, out.len, stdout);
    str_release(&out);
}

void text_print(const char *text)
{
    print(text, strlen(text), VISIBLE_LINES);
}

void text_printf(const char *format, ...)
{
    struct str text;
    va_list args;
    str_init(&text, STR_MAX_DEFAULT);
    va_start(args, format);
    str_vprintf(&text, format, args);
    va_end(args);
    /* Only the newline that the format ends with is ours. */
    bool line = str_ends(format, "\n") && str_ends(text.data, "\n");
    print(text.data, text.len - line, VISIBLE_LINE);
    if (line)
        text_print("\n");
    str_release(&text);
}

void text_print_json(struct json *value)
{
    struct str out;
    str_init(&out, STR_MAX_DEFAULT);
    json_write_visible(value, true, &out);
    str_append_char(&out, '\n');
    fwrite(out.data, 1, out.len, stdout);
    str_release(&out);
    json_free(value);
}
