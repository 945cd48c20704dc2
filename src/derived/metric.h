/* Numbers that a derived thing gives to monitoring, described. */
#ifndef CAUCE_DERIVED_METRIC_H
#define CAUCE_DERIVED_METRIC_H

#define DERIVED_VALUES 16 /* at most, of one thing */

enum derived_metric_kind {
    DERIVED_COUNT,   /* adds up over runs */
    DERIVED_SECONDS, /* the same; a real number */
    /*
     * A histogram: the value is the sum of what was seen, and the DERIVED_BUCKETs after it say how
     * often something up to their bound was seen (each counts in one of them).
     */
    DERIVED_HISTOGRAM,
    DERIVED_BUCKET,
    DERIVED_NOW, /* a gauge: how it stands now, whatever runs add up to */
};

struct derived_metric {
    enum derived_metric_kind kind;
    const char *family; /* of Prometheus, without "_total"; NULL: it is only in the JSON */
    const char *help;   /* NULL: one more sample of the family before it */
    const char *label;  /* of the sample, with its value; NULL: none */
    const char *value;
    const char *json; /* its name in the JSON of metrics; NULL: it is not there */
    double bound;     /* of a bucket; 0: it has none */
};

#endif
