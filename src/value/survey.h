/*
 * What the texts of columns are, where nobody has said so.
 *
 * Every text of a source is shown to a survey once; it keeps a few bytes per column, whatever the
 * number of rows. Then it says for each column which type every value has (one that the casts
 * accept: what is found also loads), and what people probably meant, with the doubts. docs/types.md
 * has the rules.
 *
 *     survey_new(&options, columns, &survey);
 *     for every record and column: survey_add(survey, column, text, length);
 *     survey_find(survey, column, &finding);         a run: finding.type, finding.format
 *     survey_doubts(survey, column, &line);          a warning of a run, a comment of `init`
 *     survey_mean(survey, column, &meaning);         `init`: what to write into the configuration
 *
 * Not thread-safe (one owner).
 */
#ifndef CAUCE_VALUE_SURVEY_H
#define CAUCE_VALUE_SURVEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/str.h"
#include "util/type.h"
#include "value/format.h"

/* How the source is said to be written. Everything is borrowed until the survey is freed. */
struct survey_options {
    const char *const *nulls; /* texts that mean NULL */
    size_t null_count;
    char decimal;   /* '.' or ','; 0: '.' */
    char thousands; /* 0: none */
    bool percent;
    bool typed; /* the source may tell numbers from texts: then their signs are certain */
    bool trim;  /* blanks around texts, and around NULLs, are not part of them */
    struct format *const *dates; /* how they are written; none: in ISO 8601 */
    size_t date_count;
    struct format *const *timestamps;
    size_t timestamp_count;
};

struct survey;

void survey_new(const struct survey_options *options, size_t columns, struct survey **out);
void survey_free(struct survey *s); /* NULL allowed */

/* Show a text; one that means NULL counts as such. NULL (also of a typed source): text NULL. */
void survey_add(struct survey *s, size_t column, const char *text, size_t length);

/* The type that fits every value; text where none does, or where more than one reading is left. */
struct survey_finding {
    struct type type;
    const char *format; /* of dates and timestamps, the survey's own; NULL: ISO 8601 */
    uint64_t values;    /* that are not NULL */
    uint64_t nulls;
};
void survey_find(const struct survey *s, size_t column, struct survey_finding *out);

/*
 * What people probably mean with the column, which may need settings: a decimal comma, `nulls`, a
 * format with %y. The same as the finding where nothing better is known.
 */
#define SURVEY_NULLS_MAX 32
struct survey_meaning {
    struct type type;
    const char *format; /* the survey's own */
    char decimal, thousands;
    bool percent;
    bool trim;  /* of texts: there are blanks around them */
    int scale;  /* of a double: digits that every value has after the point; -1: they differ */
    bool local; /* of a timestamp: no value has an offset, so that `time_zone` decides */
    const char *nulls[SURVEY_NULLS_MAX]; /* found in the column beside those configured; static */
    size_t null_count;
};
void survey_mean(const struct survey *s, size_t column, struct survey_meaning *out);

/*
 * The signs with which most columns hold numbers, where the survey's own are not as good; false: they
 * are, or it cannot be told which sign is which.
 */
bool survey_signs(const struct survey *s, char *decimal, char *thousands);

/*
 * Append what is doubtful about a column as one line of plain sentences; nothing where all is clear.
 * Values of the source are quoted in it, cut short.
 */
void survey_doubts(const struct survey *s, size_t column, struct str *out);

#endif
