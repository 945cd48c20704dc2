#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/scenario.h"

static const char by_month[] = "columns:\n"
                               "  - {name: series, type: text}\n"
                               "  - {name: day, type: date}\n"
                               "  - {name: value, type: \"decimal(9,2)\"}\n"
                               "  - {name: note, type: text}\n"
                               "key: [series, day]\n"
                               "partition: {column: day, by: month}\n";

static const char moving[] = "columns:\n"
                             "  - {name: id, type: bigint}\n"
                             "  - {name: day, type: date, nullable: false}\n"
                             "  - {name: state, type: text}\n"
                             "key: id\n"
                             "partition: {column: day, by: month}\n";

static const char uncut[] = "columns:\n"
                            "  - {name: id, type: bigint}\n"
                            "  - {name: day, type: date, nullable: false}\n"
                            "  - {name: state, type: text}\n"
                            "key: id\n";

static const char ignoring[] = "columns:\n"
                               "  - {name: series, type: text}\n"
                               "  - {name: day, type: date}\n"
                               "  - {name: value, type: \"decimal(9,2)\"}\n"
                               "  - {name: note, type: text}\n"
                               "key: [series, day]\n"
                               "partition: {column: day, by: month}\n"
                               "revisions: ignore\n";

static const char separators[] = "columns:\n"
                                 "  - {name: a, type: text}\n"
                                 "  - {name: b, type: text}\n"
                                 "  - {name: n, type: int}\n"
                                 "key: [a, b]\n";

#define SERIES_SHAPE \
    .columns = {"series", "day", "value", "note"}, .key = {"series", "day"}, .partition = "day"

#define SERIES_SNAPSHOTS                                                                                                            \
    {                                                                                                                               \
        /* two months of two series, one row twice: the last one counts */                                                          \
        "series,day,value,note\n"                                                                                                   \
        "EUR,2026-01-30,1.00,\n"                                                                                                    \
        "EUR,2026-01-31,9.99,wrong\n"                                                                                               \
        "EUR,2026-02-01,1.20,\n"                                                                                                    \
        "USD,2026-01-31,2.10,first\n"                                                                                               \
        "EUR,2026-01-31,1.10,\n", /* new ones, a late one of a series that is behind, a revised one, known ones */                  \
            "series,day,value,note\n"                                                                                               \
            "USD,2026-03-01,2.30,\n"                                                                                                \
            "EUR,2026-01-30,1.00,\n"                                                                                                \
            "EUR,2026-03-01,1.30,\n"                                                                                                \
            "USD,2026-01-30,2.00,late\n"                                                                                            \
            "EUR,2026-02-01,1.25,revised\n", /* revised back, revised to NULL, a whole month vanished, a month before all others */ \
            "series,day,value,note\n"                                                                                               \
            "EUR,2026-02-01,1.20,\n"                                                                                                \
            "USD,2026-01-31,,first\n"                                                                                               \
            "JPY,2025-12-31,0.01,\"a \"\"quoted\"\", note\"\n",                                                                     \
            "series,day,value,note\n"                                                                                               \
            "JPY,2026-04-01,0.02,\n"                                                                                                \
            "USD,2026-01-31,2.11,again\n"                                                                                           \
            "EUR,2026-01-30,1.01,\n",                                                                                               \
    }

#define STATES_SHAPE .columns = {"id", "day", "state"}, .key = {"id"}

#define STATES_SNAPSHOTS                                                                              \
    {                                                                                                 \
        "id,day,state\n"                                                                              \
        "1,2026-01-05,new\n"                                                                          \
        "2,2026-01-06,new\n"                                                                          \
        "3,2026-02-07,new\n", /* 1 moves to February, 3 back to January; 4 is new */                  \
            "id,day,state\n"                                                                          \
            "1,2026-02-01,moved\n"                                                                    \
            "2,2026-01-06,new\n"                                                                      \
            "3,2026-01-31,moved\n"                                                                    \
            "4,2026-03-01,new\n", /* 1 returns, 2 goes where nothing was, 4 leaves its month empty */ \
            "id,day,state\n"                                                                          \
            "1,2026-01-05,new\n"                                                                      \
            "2,2026-05-01,gone far\n"                                                                 \
            "4,2026-01-01,moved\n"                                                                    \
            "5,2026-02-02,new\n",                                                                     \
            "id,day,state\n"                                                                          \
            "4,2026-03-01,back\n"                                                                     \
            "6,2026-03-02,new\n",                                                                     \
    }

const struct variant scenario_variants[] = {
    {
        .name = "month",
        .yaml = by_month,
        .shape = {SERIES_SHAPE},
        .snapshots = SERIES_SNAPSHOTS,
    },
    {
        .name = "moving",
        .yaml = moving,
        .shape = {STATES_SHAPE, .partition = "day"},
        .snapshots = STATES_SNAPSHOTS,
    },
    {
        .name = "uncut",
        .yaml = uncut,
        .shape = {STATES_SHAPE},
        .snapshots = STATES_SNAPSHOTS,
    },
    {
        .name = "ignore",
        .yaml = ignoring,
        .shape = {SERIES_SHAPE, .ignore_revisions = true},
        .snapshots = SERIES_SNAPSHOTS,
    },
    {
        .name = "separators",
        .yaml = separators,
        .shape = {.columns = {"a", "b", "n"}, .key = {"a", "b"}},
        .snapshots =
            {
                "a,b,n\n"
                "a|b,c,1\n"
                "\"a,b\",c,2\n"
                "\"line\nend\",\"a \"\"quote\"\"\",3\n",
                "a,b,n\n"
                "a,b|c,4\n"
                "a,\"b,c\",5\n"
                "a|b,c,1\n"
                "'; DROP TABLE delta; --,\"$1 \\\\ %s\",6\n",
                "a,b,n\n"
                "a|b|,c,7\n"
                "a|b,|c,8\n"
                "a|b,c,9\n"
                "\xc3\xa4,\xe2\x82\xac,10\n",
                "a,b,n\n"
                "line,\"end\na \"\"quote\"\"\",11\n"
                "a,b|c,12\n",
            },
    },
};
const size_t scenario_variant_count = sizeof scenario_variants / sizeof *scenario_variants;

const struct variant *scenario_variant(const char *name)
{
    for (size_t i = 0; i < scenario_variant_count; i++)
        if (strcmp(scenario_variants[i].name, name) == 0)
            return &scenario_variants[i];
    fprintf(stderr, "there is no variant %s\n", name);
    abort();
}
