/*
 * Casts for tests in other languages: what is asked in lines of standard input is answered in lines of
 * standard output. Fields are separated by tabs.
 *
 *   in:   type, format ("": ISO 8601), time zone ("": UTC), decimal sign, thousands sign ("": none),
 *         text
 *   out:  the value as a text ("=..."), "NULL", or why it is none ("!...")
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/value_text.h"
#include "value/cast.h"

enum { TYPE, FORMAT, ZONE, DECIMAL, THOUSANDS, TEXT, FIELDS };

static struct cast *cast_of(char *fields[FIELDS])
{
    const char *format = fields[FORMAT];
    struct cast_options options = {
        .formats = &format,
        .format_count = *format != '\0' ? 1 : 0,
        .decimal = fields[DECIMAL][0],
        .thousands = fields[THOUSANDS][0],
        .time_zone = *fields[ZONE] != '\0' ? fields[ZONE] : NULL,
    };
    struct error err = ERROR_INIT;
    struct cast *c;
    if (type_parse(fields[TYPE], &options.type, &err) != ERR_OK ||
        cast_new(&options, &c, &err) != ERR_OK) {
        fprintf(stderr, "%s\n", err.text);
        exit(1);
    }
    return c;
}

static void answer(const struct cast *c, const char *text)
{
    struct column column;
    column_init(&column, cast_type(c));
    enum cast_outcome outcome = value_cast(c, text, strlen(text), &column);
    char *shown = outcome == CAST_BAD ? cast_reason(c, text, strlen(text)) : NULL;
    if (outcome == CAST_VALUE)
        shown = value_text(&column, 0);
    printf("%s%s\n",
           outcome == CAST_VALUE ? "="
           : outcome == CAST_BAD ? "!"
                                 : "NULL",
           shown != NULL ? shown : "");
    free(shown);
    column_release(&column);
}

/* Cuts the line; false where it has too few fields. */
static bool split(char *line, char *fields[FIELDS])
{
    line[strcspn(line, "\n")] = '\0';
    for (size_t i = 0; i < FIELDS; i++) {
        fields[i] = line;
        char *tab = i + 1 < FIELDS ? strchr(line, '\t') : NULL;
        if (tab == NULL)
            return i + 1 == FIELDS;
        *tab = '\0';
        line = tab + 1;
    }
    return true;
}

/* Lines that differ only in their text share a cast. */
int main(void)
{
    char *line = NULL;
    char *last = NULL;
    size_t capacity = 0;
    struct cast *c = NULL;
    char *fields[FIELDS];
    while (getline(&line, &capacity, stdin) > 0) {
        char *copy = strdup(line);
        if (!split(line, fields)) {
            fprintf(stderr, "too few fields: %s\n", line);
            return 1;
        }
        size_t head = (size_t)(fields[TEXT] - line);
        if (last == NULL || strncmp(last, copy, head) != 0) {
            cast_free(c);
            c = cast_of(fields);
        }
        answer(c, fields[TEXT]);
        free(last);
        last = copy;
    }
    cast_free(c);
    free(last);
    free(line);
    return 0;
}
