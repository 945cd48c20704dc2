#include "value/print.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "value/calendar.h"

#define DIGITS_MAX 17 /* distinguish every double from every other one */

/* "d.ddde+xx" with the fewest digits that are read as the same double; returns how many. */
static int shortest(double value, char text[PRINT_DOUBLE_SIZE])
{
    int digits = 0;
    do {
        digits++;
        snprintf(text, PRINT_DOUBLE_SIZE, "%.*e", digits - 1, value);
    } while (digits < DIGITS_MAX && strtod(text, NULL) != value);
    return digits;
}

void print_double(double value, char out[PRINT_DOUBLE_SIZE])
{
    if (!isfinite(value)) {
        const char *text = value > 0 ? "inf" : "-inf";
        snprintf(out, PRINT_DOUBLE_SIZE, "%s", isnan(value) ? "nan" : text);
        return;
    }
    int digits = shortest(value, out);
    int power = (int)strtol(strchr(out, 'e') + 1, NULL, 10);
    int places = digits - 1 - power;
    if (power >= -4 && power < 16)
        snprintf(out, PRINT_DOUBLE_SIZE, "%.*f", places > 1 ? places : 1, value);
}

void print_decimal(int128 unscaled, unsigned scale, char out[PRINT_DECIMAL_SIZE])
{
    char reversed[PRINT_DECIMAL_SIZE];
    size_t count = 0;
    bool negative = unscaled < 0;
    uint128 rest = negative ? -(uint128)unscaled : (uint128)unscaled;
    do {
        reversed[count++] = (char)('0' + (int)(rest % 10));
        rest /= 10;
        if (count == scale)
            reversed[count++] = '.';
    } while (rest > 0 || count <= scale + (scale > 0));
    char *at = out;
    if (negative)
        *at++ = '-';
    while (count > 0)
        *at++ = reversed[--count];
    *at = '\0';
}

void print_days(int32_t days, char out[PRINT_MOMENT_SIZE])
{
    struct calendar_day d = calendar_of(days);
    snprintf(out, PRINT_MOMENT_SIZE, "%04d-%02d-%02d", d.year, d.month, d.day);
}

void print_clock(int64_t micros, char out[PRINT_MOMENT_SIZE])
{
    int seconds = (int)(micros / CALENDAR_SECOND);
    int fraction = (int)(micros % CALENDAR_SECOND);
    int used = snprintf(out, PRINT_MOMENT_SIZE, "%02d:%02d:%02d", seconds / 3600, seconds / 60 % 60,
                        seconds % 60);
    if (fraction == 0)
        return;
    snprintf(out + used, PRINT_MOMENT_SIZE - (size_t)used, ".%06d", fraction);
    for (size_t end = strlen(out); out[end - 1] == '0'; end--)
        out[end - 1] = '\0';
}

void print_moment(int64_t micros, bool utc, char out[PRINT_MOMENT_SIZE])
{
    int64_t days = micros / CALENDAR_DAY - (micros % CALENDAR_DAY < 0);
    char day[PRINT_MOMENT_SIZE];
    char clock[PRINT_MOMENT_SIZE];
    print_days((int32_t)days, day);
    print_clock(micros - days * CALENDAR_DAY, clock);
    snprintf(out, PRINT_MOMENT_SIZE, "%.12s %.16s%s", day, clock, utc ? "+00" : "");
}

void print_uuid(struct uuid value, char out[PRINT_UUID_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    char *at = out;
    for (size_t i = 0; i < sizeof value.bytes; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *at++ = '-';
        *at++ = digits[value.bytes[i] >> 4];
        *at++ = digits[value.bytes[i] & 15];
    }
    *at = '\0';
}
