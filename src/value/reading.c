#include "value/reading.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/mem.h"

static const struct {
    const char *text;
    enum reading_order order;
} days[] = {
    {"%Y-%m-%d", READING_YEAR_FIRST},   {"%Y/%m/%d", READING_YEAR_FIRST},
    {"%d/%m/%Y", READING_DAY_FIRST},    {"%m/%d/%Y", READING_MONTH_FIRST},
    {"%d.%m.%Y", READING_DAY_FIRST},    {"%d-%m-%Y", READING_DAY_FIRST},
    {"%m-%d-%Y", READING_MONTH_FIRST},  {"%d %b %Y", READING_DAY_FIRST},
    {"%d-%b-%Y", READING_DAY_FIRST},    {"%d %B %Y", READING_DAY_FIRST},
    {"%b %d, %Y", READING_MONTH_FIRST}, {"%B %d, %Y", READING_MONTH_FIRST},
    {"%d/%m/%y", READING_DAY_FIRST},    {"%m/%d/%y", READING_MONTH_FIRST},
    {"%y/%m/%d", READING_YEAR_FIRST},   {"%d.%m.%y", READING_DAY_FIRST},
    {"%y.%m.%d", READING_YEAR_FIRST},   {"%d-%m-%y", READING_DAY_FIRST},
    {"%m-%d-%y", READING_MONTH_FIRST},  {"%y-%m-%d", READING_YEAR_FIRST},
    {"%d-%b-%y", READING_DAY_FIRST},    {"%d %b %y", READING_DAY_FIRST},
    {"%Y%m%d", READING_YEAR_FIRST},
};

static const char *const clocks[] = {
    "", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", " %I:%M %p", " %I:%M:%S %p",
};

_Static_assert(sizeof days / sizeof *days == READING_DAYS, "one reading per entry");
_Static_assert(sizeof clocks / sizeof *clocks == READING_CLOCKS, "one reading per entry");

static void make(struct reading *r, size_t clock, size_t day)
{
    r->kind = clock == 0 ? TYPE_DATE : TYPE_TIMESTAMP;
    r->order = days[day].order;
    r->short_year = strstr(days[day].text, "%y") != NULL;
    snprintf(r->text, sizeof r->text, "%s%s", days[day].text, clocks[clock]);
    int rc = format_parse(r->text, r->kind, FORMAT_PIVOT, &r->format, NULL);
    assert(rc == ERR_OK);
    (void)rc;
}

struct reading *reading_list(void)
{
    struct reading *list = mem_calloc(READING_COUNT, sizeof *list);
    for (size_t clock = 0; clock < READING_CLOCKS; clock++)
        for (size_t day = 0; day < READING_DAYS; day++)
            make(&list[clock * READING_DAYS + day], clock, day);
    return list;
}

void reading_free(struct reading *list)
{
    for (size_t i = 0; list != NULL && i < READING_COUNT; i++)
        format_free(list[i].format);
    free(list);
}
