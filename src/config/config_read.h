/*
 * What the files of this folder share while they turn a tree of YAML into a struct config: the
 * list of problems, tables of known keys, and readers for the common kinds of value.
 *
 * A reader checks one value and stores it; where the value is wrong it adds a problem, with the
 * value's place, and leaves the default alone. So one pass finds everything. Not for other folders.
 */
#ifndef CAUCE_CONFIG_CONFIG_READ_H
#define CAUCE_CONFIG_CONFIG_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/config.h"
#include "config/yaml_tree.h"

struct config_reader {
    const char *path;   /* the file's name in messages */
    const char *folder; /* that relative paths are relative to */
    const struct config_env *env;
    struct config_problems *problems;
    size_t expanded; /* bytes that variables have given so far */
};

struct config_table;
struct config_field;

typedef void config_read_fn(struct config_reader *r, const struct yaml_tree_node *node,
                            const struct config_field *field, void *target);

/* One key: how it is read, where its value goes, and what else its reader needs to know. */
struct config_field {
    const char *name;
    config_read_fn *read;
    size_t offset;   /* of the target in the struct of the table; unused by some readers */
    const void *arg; /* struct config_range, config_choices, ...; as the reader says */
    const struct config_table *below; /* keys of the mapping (of each item) found there, or NULL */
    bool below_items;                 /* it is a list of such mappings */
};

struct config_table {
    const char *name; /* of the section, for messages: "source"; NULL: the file itself */
    const struct config_field *fields;
    size_t count;
};

#define CONFIG_TABLE_MAX 40    /* most keys in one table */
#define CONFIG_THREADS_MAX 256 /* most threads of one run */

/* The tables, each in the file that reads it. */
extern const struct config_table config_table_root;
extern const struct config_table config_table_store;
extern const struct config_table config_table_source;
extern const struct config_table config_table_unpivot;
extern const struct config_table config_table_column;
extern const struct config_table config_table_partition;
extern const struct config_table config_table_lease;
extern const struct config_table config_table_tables;
extern const struct config_table config_table_next;

/* Add a problem at a place: a sentence. Control characters in it are made visible as "?". */
void config_problem(struct config_reader *r, struct yaml_tree_mark at, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same at a value, with the value's path in quotes and a blank in front of the sentence. */
void config_problem_value(struct config_reader *r, const struct yaml_tree_node *node,
                          const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Add a problem; what config_problem does with its sentence ready. */
void config_problems_add(struct config_problems *problems, const char *file, unsigned line,
                         unsigned column, const char *message);

/* Order by place; equal places keep their order. */
void config_problems_sort(struct config_problems *problems);

/* A value in quotes for a message, without secrets, cut where it is long; or "a list". */
#define CONFIG_SHOWN_SIZE 96
const char *config_shown(const struct yaml_tree_node *node, char out[CONFIG_SHOWN_SIZE]);

/*
 * Expand the variables in every text of the tree, in place. A text that cannot be expanded is
 * reported once and marked broken, so that it is not reported again. Values of variables whose name
 * says so are registered as secrets and hidden in `shown`.
 */
void config_expand(struct config_reader *r, struct yaml_tree_node *root);

/* Does a name (of a variable, a header, a parameter) say that its value is a secret? */
bool config_is_secret_name(const char *name);

/*
 * Read a mapping by its table into the struct at `out`. Keys that are unknown, appear twice or have
 * no value are reported. `seen` (count of the table, NULL allowed) gets the node of each field that
 * is there, else NULL. Something that is not a mapping is reported; all of `seen` is NULL then.
 */
void config_read_map(struct config_reader *r, const struct yaml_tree_node *node,
                     const struct config_table *table, void *out,
                     const struct yaml_tree_node **seen);

/* Node of the field `name` in what config_read_map saw, NULL where it is not there. */
const struct yaml_tree_node *config_seen(const struct config_table *table,
                                         const struct yaml_tree_node *const *seen,
                                         const char *name);

/* May a reader look at this value? Reports what has no value; what is broken was reported. */
bool config_usable(struct config_reader *r, const struct yaml_tree_node *node);

/* As config_usable, and it is a text, not empty. */
bool config_usable_text(struct config_reader *r, const struct yaml_tree_node *node);

/* The children of a list, or the one text itself in place of a list of one: first and next. */
const struct yaml_tree_node *config_items(const struct yaml_tree_node *node);
const struct yaml_tree_node *config_items_next(const struct yaml_tree_node *node,
                                               const struct yaml_tree_node *item);

/* Replace an owned string. */
void config_set_text(char **target, const char *text);

void config_list_add(struct config_list *list, const char *text);
void config_list_release(struct config_list *list);

config_read_fn config_read_next; /* struct config_next */
void config_next_release(struct config_next *next);

/* Can these formats (NULL: none) of dates, times or timestamps be used? */
void config_check_formats(struct config_reader *r, const struct yaml_tree_node *node,
                          enum type_kind kind);

/* Readers: the target's type, and what `arg` is. */
config_read_fn config_read_text;      /* char *, owned, not empty */
config_read_fn config_read_path;      /* char *, owned: resolved path */
config_read_fn config_read_bool;      /* bool */
config_read_fn config_read_choice;    /* an enum; arg: struct config_choices */
config_read_fn config_read_number;    /* uint64_t; arg: struct config_range */
config_read_fn config_read_unsigned;  /* unsigned; arg: struct config_range */
config_read_fn config_read_seconds;   /* int64_t, a plain number; arg: struct config_range */
config_read_fn config_read_duration;  /* int64_t seconds, with unit; arg: struct config_range */
config_read_fn config_read_char;      /* char, one ASCII character or empty: NUL */
config_read_fn config_read_list;      /* struct config_list of texts, empty ones allowed */
config_read_fn config_read_names;     /* struct config_list of texts, not empty, at least one */
config_read_fn config_read_time_zone; /* char *: a zone of the system */

struct config_range {
    uint64_t least;
    uint64_t most;
};

/* The value of an enum is the place of its name plus `first`. */
struct config_choices {
    const char *const *names;
    size_t count;
    unsigned first;
};

/* Pure conversions of texts. False where the text is not of that form or does not fit. */

/* Digits only. */
bool config_parse_number(const char *text, uint64_t *out);

/* "512MB", "1.5 GiB": bytes. Units B, kB, MB, GB, TB (powers of 1000), KiB ... TiB (of 1024). */
bool config_parse_size(const char *text, uint64_t *out);

/* "30s", "15m", "6h", "1d", "2w": seconds. */
bool config_parse_duration(const char *text, int64_t *out);

/* Seconds as config_parse_duration reads them, in the largest unit that has no rest. */
void config_format_duration(int64_t seconds, char out[32]);

/* A path of the file made relative to its folder, as a new string. */
MUST_USE char *config_resolve(const char *folder, const char *path);

/*
 * Locate (a part of) a source. `text` may hold secrets, `shown` is what may be said of it (NULL:
 * made from the text). `out` is set only on ERR_OK; ERR_CONFIG: a predicate without its subject
 * ("has no host").
 */
MUST_USE int config_url_parse(const char *text, const char *shown, const char *folder,
                              struct config_url *out, struct error *err);
void config_url_release(struct config_url *url);

/* What may be shown of a URL: without user, password and the values of secret parameters. */
MUST_USE char *config_url_hide(const char *text);

/* The password in a URL ("scheme://user:password@host"), as a new string, or NULL. */
MUST_USE char *config_url_password(const char *text);

/*
 * Format by the end of a file's name, or of the pattern of its members where it is an archive; AUTO
 * where it says nothing; `tabs`: it was .tsv.
 */
enum file_format config_url_format(const struct config_url *url, const char *archive, bool *tabs);

/* Is it an archive by the end of its name? */
bool config_url_is_archive(const struct config_url *url);

/* Check a store's URL or path, and make a path of it relative to the folder. As above. */
MUST_USE int config_store_locate(const char *text, const char *shown, const char *folder,
                                 char **out, struct error *err);

/* Parts of the whole that have files of their own. */
void config_source_defaults(struct config_source *source);
void config_source_release(struct config_source *source);
void config_source_release_urls(struct config_source *source);
config_read_fn config_read_urls;    /* struct config_source, its urls: a text or a list */
config_read_fn config_read_headers; /* struct config_source, its headers: a mapping */
config_read_fn config_read_source;  /* struct config_source: a text, a list or a mapping */

void config_store_options_defaults(struct config_store_options *options);
void config_store_options_release(struct config_store_options *options);
config_read_fn config_read_store;         /* char * */
config_read_fn config_read_store_options; /* struct config_store_options */

config_read_fn config_read_column_name; /* char *, owned: the name of a column */
config_read_fn config_read_columns;     /* struct config */
config_read_fn config_read_partition;   /* struct config */
config_read_fn config_read_constants;   /* struct config */
void config_columns_release(struct config *config);

/* Read the file of `transform_file`, and refuse it beside `transform`. */
void config_read_transform(struct config_reader *r, struct config *config,
                           const struct yaml_tree_node *const *seen);

/* What must hold between columns, key, partition, sort and constants; fills their defaults. */
void config_columns_finish(struct config_reader *r, struct config *config,
                           const struct yaml_tree_node *const *seen);

/*
 * Memory and processors that this process may use, by cgroup, affinity and machine. `root` is put
 * before /proc and /sys (tests); "" is the machine itself. 0 where it is not known.
 */
uint64_t config_machine_memory(const char *root);
unsigned config_machine_cpus(const char *root);

#endif
