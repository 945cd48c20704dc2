/*
 * What a derived thing is: something that is made from the chain of versions, is beside it in the
 * store, and can be lost and rebuilt (key index, projections). And the table of all of them.
 *
 * gc, verify, runs, status, metrics, records and repair loop over the table; none of them knows a
 * thing by name. To add one: a folder below derived/ with what it does, and a row in derived.c.
 * What it has in the store is in a folder of its own, derived/<name>/ (index and projections are
 * older than that rule).
 *
 * `name`, `label` and `root` are required. Any other slot that is NULL says that the thing has
 * nothing to do there.
 */
#ifndef CAUCE_DERIVED_DERIVED_H
#define CAUCE_DERIVED_DERIVED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "catalog/root.h"
#include "dataset/check_part.h"
#include "dataset/dataset.h"
#include "derived/alert.h"
#include "derived/metric.h"
#include "util/codec.h"

/* A thing in the course of one run. Files and memory of it end with the run. */
struct derived_run {
    struct dataset *d;
    const struct base *base; /* of this attempt; after a commit, the version that was published */
    bool dry_run;            /* nothing may be written to the store */
    void *state;             /* as the root reads it, or as `open` left it; NULL: there is none */
    void *report;            /* what is recorded of it, `report_size` bytes, zero at first */
};

/* A version that was just published. Its new and revised rows are the engine's table `delta`. */
struct derived_commit {
    const struct schema *schema;
    const struct manifest *manifest;
    uint64_t gc_epoch; /* of the pointer that names it */
};

/* How a thing relates to the newest version. */
enum derived_state {
    DERIVED_NONE,        /* there is none */
    DERIVED_FRESH,       /* it reflects the newest version */
    DERIVED_BEHIND,      /* it reflects an older one; the next run catches up */
    DERIVED_IN_PROGRESS, /* work on it is under way, or was interrupted */
    DERIVED_INVALID,     /* it does not fit, or cannot be understood; it is rebuilt */
};
const char *derived_state_name(enum derived_state state); /* "fresh", ... */

struct derived_standing {
    enum derived_state state;
    uint64_t sequence;  /* of the version that it reflects */
    const char *reason; /* why it is not fresh; static, NULL: nothing to say */
};

/*
 * The steps of a run under which the time spent on a thing is reported, by name (run_step_name);
 * NULL, or a name that runs do not have: it is counted in the current step.
 */
struct derived_steps {
    const char *open, *heal, *follow, *bring_up;
};

struct derived {
    const char *name;  /* its member in the JSON of status: "index" */
    const char *label; /* for people: "key index" */
    struct root root;  /* what gc, verify and repair ask; catalog/root.h */
    struct derived_steps steps;

    /* ---- In a run -------------------------------------------------------------------------- */

    /*
     * Before anything is published, once for each attempt: bring it to exactly the base, because
     * the run reads it, and set `state` (owned by the run, given back with the root's release, also
     * after a failure). A failure fails the run, and nothing is published; ERR_CONFLICT: somebody
     * else was faster, and the attempt begins again. NULL: the run does without. Then the root is
     * read, `state` stays NULL where that is absent or damaged, and the run is refused where its
     * witness contradicts the base.
     */
    int (*open)(struct derived_run *run, struct error *err);

    /*
     * Seconds that healing it took, according to its report. NULL: they are not reported
     * separately.
     */
    double (*healing)(const void *report);

    /* The source held nothing new: note that, in `state`. NULL: sources do not matter to it. */
    int (*note)(struct derived_run *run, const struct manifest_source *source, struct error *err);

    /*
     * A version was published on the base to which `open` brought it: bring it there, while the rows are
     * at hand. NULL: it waits for bring_up.
     */
    int (*follow)(struct derived_run *run, const struct derived_commit *commit, struct error *err);

    /*
     * At the end of a run that did not fail, also where it published nothing: bring it to the
     * newest version. `base` is that version, or an older one where others are publishing; `state`
     * may be used up. Must be harmless to repeat, and to stop at any point.
     */
    int (*bring_up)(struct derived_run *run, struct error *err);

    /*
     * Failures of note, follow and bring_up leave what was published as it is, and the thing for
     * any later run to bring up. They become warnings, so the text is a whole sentence: what is
     * behind, why, and who continues it. It is not a failure that another process was faster.
     */

    /*
     * A repair has set the pointer to `base`: stop showing what was given up, at once. NULL: the next run
     * is soon enough. The text of a failure is a sentence, for a warning.
     */
    int (*withdraw)(struct dataset *d, const struct base *base, struct error *err);

    /* ---- What is reported about it ---------------------------------------------------------- */

    /*
     * `verify --data`: findings of what its files contain, compared with the events of the chain.
     * What can be seen without opening them is the root's to verify.
     */
    int (*check)(struct check *c, struct error *err);

    /*
     * How what was read relates to the base. `out` is all zero before. NULL: by the root's witness
     * alone. An error only where the store fails.
     */
    int (*stand)(struct dataset *d, const struct base *base, const void *state,
                 struct derived_standing *out, struct error *err);

    /*
     * Its report in the record of a run, either way: fields in an object of the name `record`,
     * NULL: among those of the run. A report of zeros is that of a run that did not get that far.
     */
    size_t report_size; /* 0: nothing is recorded */
    const char *record;
    void (*code)(const struct codec *c, void *report);

    /*
     * Metrics: `values` has one number for each of `metrics`. `count` adds the report of one run to
     * them; `measure` sets those that describe its present state. It may leave them as `count` had
     * set them for the newest run; a store that fails is no reason to report nothing.
     */
    const struct derived_metric *metrics;
    size_t metric_count; /* up to DERIVED_VALUES */
    void (*count)(double *values, const void *report);
    void (*measure)(struct dataset *d, const struct base *base, double *values);

    /*
     * Alerts that fire: by what the runs of some days add up to (`runs` of them), or, with `now`,
     * by its present state.
     */
    void (*judge)(const double *values, uint64_t runs, bool now, struct alerts *out);
};

struct derived_table {
    const struct derived *items[ROOTS_MAX];
    size_t count;
};

/* The things of this program, in the order in which they are brought up to date. */
extern const struct derived_table derived_table;

/* Those of a dataset: its own table, or the program's. */
const struct derived_table *derived_of(const struct dataset *d);

/* Their roots, for what looks at the store alone. */
struct roots derived_roots(const struct derived_table *table);

/*
 * As dataset_check_pointer, and does a derived thing know of a later state of the pointer
 * (roots_check_witnesses)?
 */
MUST_USE int derived_check_pointer(struct dataset *d, const struct base *base, struct error *err);

/*
 * The same for whoever only reads: a warning where the pointer went back, because then what is read
 * is not the newest version.
 */
void derived_warn_of_pointer(struct dataset *d, const struct base *base);

/*
 * Read a thing and say how it relates to the base. Absent or damaged is an answer; an error only
 * where the store fails.
 */
MUST_USE int derived_stand(struct dataset *d, const struct base *base, const struct derived *thing,
                           struct derived_standing *out, struct error *err);

/* The `open` of a thing that has none. */
MUST_USE int derived_open(struct derived_run *run, const struct derived *thing, struct error *err);

/* What is recorded of each thing in one run. All zero: of the program's things, nothing yet. */
struct derived_reports {
    const struct derived_table *table; /* NULL: derived_table */
    void *items[ROOTS_MAX];            /* NULL: nothing yet; owned */
};
void derived_reports_release(struct derived_reports *r);

/* That of a thing of the table, made where there is none yet; NULL where it records nothing. */
void *derived_report(struct derived_reports *r, const struct derived *thing);
/* The same, and NULL where there is none yet. */
const void *derived_report_of(const struct derived_reports *r, const struct derived *thing);

/* Write or read those whose `record` is NULL (false), or has a name (true). */
void derived_reports_code(struct derived_reports *r, const struct codec *c, bool named);

#endif
