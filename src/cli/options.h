/*
 * The command line of one command: its options, described by tables that also give the help text.
 */
#ifndef CAUCE_CLI_OPTIONS_H
#define CAUCE_CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/error.h"
#include "util/log.h"
#include "util/str.h"

/* What was given. Texts are borrowed from argv; NULL, 0 and false where not given. */
struct options {
    /* common to all commands */
    bool help;
    bool json;
    bool quiet;
    uint64_t verbose; /* how often */
    const char *log_format;

    /* which dataset */
    const char *file; /* DATASET.yml */
    const char *store;
    const char *dataset;

    /* of single commands */
    const char *source;
    const char *from;
    const char *encoding;
    const char *records;
    const char *key;
    const char *to;
    const char *format;
    const char *output;
    const char *at;
    const char *metrics_file;
    const char *pushgateway;
    const char *trace;
    uint64_t version;
    uint64_t limit;
    bool dry_run;
    bool force;
    bool no_consolidate;
    bool detailed_exitcode;
    bool events;
    bool runs;
    bool data;
    bool strict;
    bool apply;
    bool replace;
    bool unpublished;
    bool list;
    bool alert;

    /* operands after DATASET.yml */
    const char *operands[2];
    size_t operand_count;
};

enum option_kind {
    OPTION_FLAG,   /* bool */
    OPTION_COUNT,  /* uint64_t: how often it was given */
    OPTION_TEXT,   /* const char *; not empty, given once */
    OPTION_NUMBER, /* uint64_t from 1, decimal digits */
};

struct option_spec {
    const char *name;
    char letter; /* short form, 0: none */
    enum option_kind kind;
    const char *argument; /* its name in help texts; NULL: none */
    const char *help;
    size_t offset; /* of the target in struct options */
};
#define OPTION_AT(member) offsetof(struct options, member)

#define OPTIONS_OWN_MAX 16

struct command {
    const char *name;
    const char *summary;  /* one line, for the list of commands */
    const char *operands; /* after the options in the usage line: "DATASET.yml VERSION" */
    const char *about;    /* paragraphs, wrapped */
    const char *examples; /* lines */
    struct option_spec own[OPTIONS_OWN_MAX]; /* the first without a name ends the list */
    bool takes_dataset;                      /* DATASET.yml, or --store URL --dataset ID */
    bool file_only;                          /* DATASET.yml only: it needs a configuration */
    bool may_lack_dataset;                   /* the dataset may be left out */
    size_t least, most;                      /* operands besides DATASET.yml */
    bool stoppable; /* SIGINT and SIGTERM end it in an orderly way, not at once */
    /*
     * Do it. The exit status is that of the error code returned, and of `*status` (0 before) where
     * it returns ERR_OK. NULL: main does it.
     */
    int (*run)(const struct options *options, int *status, struct error *err);
};

/*
 * Parse argv after the command's name (argv[0] is the name). ERR_CONFIG: a sentence with what was
 * probably meant. With `help` among the options nothing else is checked.
 */
MUST_USE int options_parse(const struct command *command, int argc, char **argv,
                           struct options *out, struct error *err);

/* Level and shape of the log that the options ask for. */
void options_log(const struct options *options, enum log_level *level, enum log_format *format);

/* Append the help text of a command. */
void options_help(const struct command *command, struct str *out);

/* Visit every option of a command, those common to all included. */
void options_each(const struct command *command,
                  void (*visit)(void *ctx, const struct option_spec *spec), void *ctx);

#endif
