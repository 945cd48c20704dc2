#include "cli/options.h"

#include <assert.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/mem.h"

static const struct option_spec dataset_options[] = {
    {"store", 0, OPTION_TEXT, "URL", "the store, in place of the one in DATASET.yml",
     OPTION_AT(store)},
    {"dataset", 0, OPTION_TEXT, "ID", "the dataset, in place of DATASET.yml (with --store)",
     OPTION_AT(dataset)},
};

static const struct option_spec store_option = {
    "store",          0, OPTION_TEXT, "URL", "the store, in place of the one in DATASET.yml",
    OPTION_AT(store),
};

static const struct option_spec common_options[] = {
    {"json", 0, OPTION_FLAG, NULL, "write JSON to standard output", OPTION_AT(json)},
    {"quiet", 'q', OPTION_FLAG, NULL, "only errors, no summary and no progress", OPTION_AT(quiet)},
    {"verbose", 'v', OPTION_COUNT, NULL, "say what is done; twice: every step and request",
     OPTION_AT(verbose)},
    {"log-format", 0, OPTION_TEXT, "text|json", "shape of the lines on standard error",
     OPTION_AT(log_format)},
    {"help", 'h', OPTION_FLAG, NULL, "show this text", OPTION_AT(help)},
};

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* All specifications of one command, in the order of its help text. */
#define SPECS_MAX (OPTIONS_OWN_MAX + COUNT(dataset_options) + COUNT(common_options))
struct specs {
    const struct option_spec *items[SPECS_MAX];
    size_t count;
};

static void add_spec(void *ctx, const struct option_spec *spec)
{
    struct specs *s = ctx;
    assert(s->count < SPECS_MAX);
    s->items[s->count++] = spec;
}

void options_each(const struct command *command,
                  void (*visit)(void *ctx, const struct option_spec *spec), void *ctx)
{
    for (size_t i = 0; i < OPTIONS_OWN_MAX && command->own[i].name != NULL; i++)
        visit(ctx, &command->own[i]);
    if (command->file_only)
        visit(ctx, &store_option);
    for (size_t i = 0; command->takes_dataset && !command->file_only && i < COUNT(dataset_options);
         i++)
        visit(ctx, &dataset_options[i]);
    for (size_t i = 0; i < COUNT(common_options); i++)
        visit(ctx, &common_options[i]);
}

/* ---- Values -------------------------------------------------------------------------------- */

static int take_number(uint64_t *target, const struct option_spec *spec, const char *text,
                       struct error *err)
{
    errno = 0;
    unsigned long long value = strtoull(text, NULL, 10);
    if (strspn(text, "0123456789") != strlen(text) || errno != 0 || value == 0 || value > INT64_MAX)
        return error_set(err, ERR_CONFIG,
                         "The option --%s needs a whole number from 1, not \"%.100s\".", spec->name,
                         text);
    *target = value;
    return ERR_OK;
}

static int take_text(const char **target, const struct option_spec *spec, const char *text,
                     struct error *err)
{
    if (*target != NULL)
        return error_set(err, ERR_CONFIG, "The option --%s is given twice.", spec->name);
    if (*text == '\0')
        return error_set(err, ERR_CONFIG, "The option --%s must not be empty.", spec->name);
    *target = text;
    return ERR_OK;
}

static int take(struct options *out, const struct option_spec *spec, const char *text,
                struct error *err)
{
    void *target = (char *)out + spec->offset;
    bool *flag = target;
    uint64_t *number = target;
    switch (spec->kind) {
    case OPTION_FLAG:
        *flag = true;
        return ERR_OK;
    case OPTION_COUNT:
        ++*number;
        return ERR_OK;
    case OPTION_NUMBER:
        return take_number(number, spec, text, err);
    case OPTION_TEXT:
        break;
    }
    return take_text(target, spec, text, err);
}

/* ---- Mistakes ------------------------------------------------------------------------------ */

static int unknown_letter(const struct command *c, int letter, struct error *err)
{
    return error_set(err, ERR_CONFIG,
                     "The option -%c is not known to %s; \"cauce help %s\" lists its options.",
                     letter, c->name, c->name);
}

/* `given` begins with "--" and may have "=value" behind the name. */
static int bad_name(const struct command *c, const struct specs *specs, const char *given,
                    struct error *err)
{
    const char *names[SPECS_MAX];
    char *name = mem_strndup(given + 2, strcspn(given + 2, "="));
    size_t alike = 0;
    for (size_t i = 0; i < specs->count; i++) {
        names[i] = specs->items[i]->name;
        alike += str_starts(names[i], name);
    }
    const char *meant = str_closest(name, names, specs->count);
    if (alike > 1)
        error_set(err, ERR_CONFIG,
                  "The option --%.60s is ambiguous: several options of %s begin "
                  "like that.",
                  name, c->name);
    else if (meant != NULL)
        error_set(err, ERR_CONFIG, "The option --%.60s is not known to %s; did you mean \"--%s\"?",
                  name, c->name, meant);
    else
        error_set(err, ERR_CONFIG,
                  "The option --%.60s is not known to %s; \"cauce help %s\" lists its options.",
                  name, c->name, c->name);
    free(name);
    return ERR_CONFIG;
}

/* What getopt_long answered with '?' or ':'. */
static int complain(const struct command *c, const struct specs *specs, int answer, char **argv,
                    struct error *err)
{
    const char *given = argv[optind - 1];
    if (optopt == 0)
        return bad_name(c, specs, given, err);
    for (size_t i = 0; i < specs->count; i++) {
        const struct option_spec *s = specs->items[i];
        if (optopt != s->letter && optopt != (int)(256 + i))
            continue;
        if (answer == ':')
            return error_set(err, ERR_CONFIG, "The option --%s needs a value: --%s %s.", s->name,
                             s->name, s->argument);
        return error_set(err, ERR_CONFIG, "The option --%s takes no value.", s->name);
    }
    return unknown_letter(c, optopt, err);
}

/* ---- Parsing ------------------------------------------------------------------------------- */

static void make_tables(const struct specs *specs, char *letters, struct option *longs)
{
    size_t n = 0;
    letters[n++] = ':'; /* tell a missing value from an unknown option */
    for (size_t i = 0; i < specs->count; i++) {
        const struct option_spec *s = specs->items[i];
        bool value = s->kind == OPTION_TEXT || s->kind == OPTION_NUMBER;
        longs[i] =
            (struct option){s->name, value ? required_argument : no_argument, NULL, (int)(256 + i)};
        if (s->letter == 0)
            continue;
        letters[n++] = s->letter;
        if (value)
            letters[n++] = ':';
    }
    letters[n] = '\0';
}

static const struct option_spec *find(const struct specs *specs, int answer)
{
    if (answer >= 256)
        return specs->items[answer - 256];
    for (size_t i = 0; i < specs->count; i++)
        if (specs->items[i]->letter == answer)
            return specs->items[i];
    return NULL;
}

static int parse_options(const struct command *c, const struct specs *specs, int argc, char **argv,
                         struct options *out, struct error *err)
{
    char letters[2 * SPECS_MAX + 2];
    struct option longs[SPECS_MAX + 1] = {{0}};
    int rc = ERR_OK;
    make_tables(specs, letters, longs);
    optind = 0; /* GNU: forget what was parsed before */
    opterr = 0;
    while (rc == ERR_OK && !out->help) {
        int answer = getopt_long(argc, argv, letters, longs, NULL);
        if (answer < 0)
            break;
        const struct option_spec *spec = find(specs, answer);
        rc = answer == '?' || answer == ':' || spec == NULL ? complain(c, specs, answer, argv, err)
                                                            : take(out, spec, optarg, err);
    }
    return rc;
}

static int check_dataset(const struct command *c, const struct options *o, struct error *err)
{
    if (!c->takes_dataset)
        return ERR_OK;
    if (o->file != NULL && o->dataset != NULL)
        return error_set(err, ERR_CONFIG,
                         "\"%.300s\" and --dataset both name a dataset: give only one.", o->file);
    if (o->dataset != NULL && o->store == NULL)
        return error_set(err, ERR_CONFIG, "--dataset needs --store, the store that holds it.");
    if (o->file != NULL || o->dataset != NULL || c->may_lack_dataset)
        return ERR_OK;
    if (c->file_only)
        return error_set(err, ERR_CONFIG, "No dataset is named: give DATASET.yml.");
    return error_set(err, ERR_CONFIG,
                     "No dataset is named: give DATASET.yml, or --store URL and --dataset ID.");
}

static int take_operands(const struct command *c, int argc, char **argv, struct options *out,
                         struct error *err)
{
    int at = optind;
    if (c->takes_dataset && out->dataset == NULL && at < argc)
        out->file = argv[at++];
    while (at < argc && out->operand_count < c->most)
        out->operands[out->operand_count++] = argv[at++];
    int rc = check_dataset(c, out, err);
    if (rc != ERR_OK)
        return rc;
    if (at < argc)
        return error_set(err, ERR_CONFIG, "\"%.200s\" is one operand too many: cauce %s %s.",
                         argv[at], c->name, c->operands);
    if (out->operand_count < c->least)
        return error_set(err, ERR_CONFIG, "An operand is missing: cauce %s %s.", c->name,
                         c->operands);
    return ERR_OK;
}

int options_parse(const struct command *command, int argc, char **argv, struct options *out,
                  struct error *err)
{
    struct specs specs = {.count = 0};
    *out = (struct options){.help = false};
    options_each(command, add_spec, &specs);
    int rc = parse_options(command, &specs, argc, argv, out, err);
    if (rc == ERR_OK && !out->help)
        rc = take_operands(command, argc, argv, out, err);
    if (rc == ERR_OK && out->log_format != NULL && strcmp(out->log_format, "text") != 0 &&
        strcmp(out->log_format, "json") != 0)
        rc = error_set(err, ERR_CONFIG,
                       "The option --log-format must be text or json, not "
                       "\"%.100s\".",
                       out->log_format);
    if (rc == ERR_OK && out->quiet && out->verbose > 0)
        rc = error_set(err, ERR_CONFIG, "The options --quiet and --verbose contradict each other.");
    return rc;
}

void options_log(const struct options *options, enum log_level *level, enum log_format *format)
{
    *level = LOG_WARN;
    if (options->quiet)
        *level = LOG_ERROR;
    else if (options->verbose == 1)
        *level = LOG_INFO;
    else if (options->verbose > 1)
        *level = LOG_DEBUG;
    bool json = options->log_format != NULL && strcmp(options->log_format, "json") == 0;
    *format = json ? LOG_JSON : LOG_TEXT;
}

/* ---- Help ---------------------------------------------------------------------------------- */

#define HELP_COLUMN 36

static void help_option(void *ctx, const struct option_spec *spec)
{
    struct str *out = ctx;
    char left[64];
    char letter[8] = "    ";
    if (spec->letter != 0)
        snprintf(letter, sizeof letter, "-%c, ", spec->letter);
    snprintf(left, sizeof left, "  %s--%s%s%s", letter, spec->name,
             spec->argument != NULL ? " " : "", spec->argument != NULL ? spec->argument : "");
    str_printf(out, "%-*s%s%s\n", HELP_COLUMN, left, strlen(left) < HELP_COLUMN ? "" : "  ",
               spec->help);
}

void options_help(const struct command *command, struct str *out)
{
    str_printf(out, "usage: cauce %s [OPTIONS]%s%s\n\n%s\n\nOptions:\n", command->name,
               *command->operands != '\0' ? " " : "", command->operands, command->about);
    options_each(command, help_option, out);
    str_printf(out, "\nExamples:\n%s", command->examples);
}
