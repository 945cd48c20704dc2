/*
 * The configuration of one dataset: a YAML file, read, checked and completed with defaults.
 *
 * All problems are found at once, each with file, line and column. Strings may name variables of
 * the environment (`${NAME}`, `${NAME:-default}`; `$${` is a plain `${`): this is the only reader
 * of the environment for settings. Every setting is described in docs/configuration.md and in
 * schema/dataset.schema.json. Functions are thread-safe across objects.
 */
#ifndef CAUCE_CONFIG_CONFIG_H
#define CAUCE_CONFIG_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/digest.h"
#include "util/error.h"
#include "util/file_format.h"
#include "util/str.h"
#include "util/type.h"

#define CONFIG_SIZE_MAX ((size_t)1 << 20) /* bytes of a configuration, and of its transform */
#define CONFIG_DATASET_MAX 64             /* characters in a dataset's id */
#define CONFIG_COLUMN_NAME_MAX 128        /* bytes of a column's name */
#define CONFIG_COLUMNS_MAX 4096
#define CONFIG_PARALLEL_DEFAULT 16
#define CONFIG_PIVOT_DEFAULT 1969 /* of %y: as in POSIX */
#define CONFIG_PROBLEMS_MAX 100   /* problems kept; more are counted */

/* Where values come from. What is not set is taken from this machine. */
struct config_env {
    /* Value of a variable (borrowed until the next call), NULL where it is not set. */
    const char *(*get)(void *ctx, const char *name);
    void *ctx;
    uint64_t memory; /* bytes of memory this process may use; 0: ask the machine */
    unsigned cpus;   /* processors this process may use; 0: ask the machine */
};

/* The process's own environment and machine. */
struct config_env config_env_process(void);

/* Strings in the order of the file. */
struct config_list {
    char **items;
    size_t count;
};

/* One mistake in the file. Lines and columns count from 1. */
struct config_problem {
    char *file;
    unsigned line;
    unsigned column;
    char *message; /* a sentence, without secrets */
};

struct config_problems {
    struct config_problem *items; /* in the order of the file */
    size_t count;
    size_t capacity;
    size_t dropped; /* found beyond CONFIG_PROBLEMS_MAX */
};

void config_problems_init(struct config_problems *problems);
void config_problems_release(struct config_problems *problems);

/* Append every problem as one line, "file:line:column: message" and a newline. */
void config_problems_format(const struct config_problems *problems, struct str *out);

enum config_place { CONFIG_PLACE_LOCAL, CONFIG_PLACE_HTTP, CONFIG_PLACE_S3 };

/* Where (a part of) a source is. */
struct config_url {
    enum config_place place;
    char *url;   /* variables expanded: it may hold secrets, never print or store it */
    char *shown; /* the same with secrets hidden: for logs, messages and manifests */
    char *path;  /* CONFIG_PLACE_LOCAL: path or pattern, resolved; else NULL */
    bool glob;   /* holds one of * ? [ (never for http) */
};

/* CONFIG_COMPRESSION_AUTO: by the first bytes of the file. */
enum config_compression {
    CONFIG_COMPRESSION_AUTO,
    CONFIG_COMPRESSION_NONE,
    CONFIG_COMPRESSION_GZIP,
    CONFIG_COMPRESSION_ZSTD,
    CONFIG_COMPRESSION_XZ,
    CONFIG_COMPRESSION_BZIP2
};

/* A request header of an http source. */
struct config_header {
    char *name;
    char *value; /* may be a secret */
};

/* How a source in pages goes on. */
enum config_next_kind {
    CONFIG_NEXT_NONE,
    CONFIG_NEXT_LINK,  /* by the header Link */
    CONFIG_NEXT_FIELD, /* by a field of the page: a URL, or the value of a parameter */
    CONFIG_NEXT_COUNT  /* by a parameter that counts, until a page has no records */
};

struct config_next {
    enum config_next_kind kind;
    char *field;     /* path of the field */
    char *parameter; /* of the query; NULL: the field holds a URL */
    uint64_t first;  /* number of the first page; default 1 */
    uint64_t step;   /* default 1 */
    uint64_t max_pages;
};

/* Rows that are made from columns. */
struct config_unpivot {
    struct config_list keep; /* columns that stay */
    char *name;              /* column for the names of the others; NULL: no rows are made */
    char *value;             /* and for their values */
};

struct config_source {
    struct config_url *urls; /* at least one, unless the file leaves it to the command line */
    size_t url_count;
    enum file_format format; /* as set, else by the names of the files; AUTO: no URL is set */
    bool format_set;         /* it was set in the file */
    enum config_compression compression;
    char delimiter[5]; /* one UTF-8 character; default ",", for .tsv a tab */
    bool delimiter_set;
    char quote;                      /* default '"'; NUL: none */
    char escape;                     /* default as quote; NUL: none */
    unsigned header;                 /* lines that name the columns; default 1 */
    char *encoding;                  /* iconv's name; default "utf-8" */
    struct config_list nulls;        /* texts that mean NULL, as set; see config_source_nulls */
    struct config_list date_formats; /* strptime formats; empty: ISO 8601 */
    struct config_list timestamp_formats; /* the same */
    char decimal;                         /* '.' or ','; default '.' */
    char thousands;                       /* NUL: none */
    char comment;                         /* lines that begin with it are skipped; NUL: none */
    bool trim;                            /* blanks around values are not part of them */
    bool percent;                         /* numbers may end in % */
    bool nulls_set;
    bool allow_private; /* downloads: link-local and metadata addresses too */
    uint64_t skip_lines;
    uint64_t footer_lines; /* at the end, that are not records */
    char *footer;          /* what the first line of the footer begins with; NULL: none */
    uint64_t pivot;        /* first of the hundred years that %y stands for; default 1969 */
    char *time_zone;       /* of timestamps without an offset; NULL: UTC */
    char *archive;    /* pattern of the members of an archive; NULL: the files are not archives */
    uint32_t *widths; /* fixed width: characters of each column */
    size_t width_count;
    char *sheet;   /* XLSX: its name; NULL: the first */
    char *range;   /* XLSX: as in A1:D100; NULL: what is used */
    char *records; /* JSON: path of the records; NULL: the document itself */
    struct config_next next;
    char *file_column; /* a column with the name of the file; NULL: none */
    struct config_unpivot unpivot;

    int64_t timeout_seconds;       /* default 300; most time without progress of a download */
    uint64_t max_bytes;            /* 0: no limit; of the file as stored */
    struct config_header *headers; /* of http requests */
    size_t header_count;
    char *ca_bundle; /* path, resolved; NULL: the system's */
    char *proxy;     /* URL; may hold a secret; NULL: as the environment says */
};

struct config_column {
    char *name;
    struct type type;
    struct config_list from;    /* names that the source has used for it; default its own name */
    bool nullable;              /* default true, for key columns false */
    struct config_list formats; /* strptime formats; empty: those of the source */
    bool optional;              /* a file may lack it */
    struct config_list nulls;   /* texts that mean NULL, in place of those of the source */
    bool nulls_set;
    bool trim, percent; /* where they are set, in place of those of the source */
    bool trim_set, percent_set;
    char *time_zone; /* NULL: that of the source */
};

enum config_by { CONFIG_BY_NONE, CONFIG_BY_YEAR, CONFIG_BY_MONTH, CONFIG_BY_DAY };

/* A column whose value is the same in every row. */
struct config_constant {
    char *name;
    char *value;
};

enum config_encryption {
    CONFIG_ENCRYPTION_DEFAULT, /* not set: as the bucket has it */
    CONFIG_ENCRYPTION_NONE,
    CONFIG_ENCRYPTION_SSE_S3,
    CONFIG_ENCRYPTION_SSE_KMS
};

struct config_store_options {
    bool allow_network_filesystem;
    char *endpoint; /* this and the other strings: NULL where not set */
    char *region;
    bool path_style;
    bool path_style_set;
    char *profile;
    char *ca_bundle; /* path, resolved */
    char *expected_bucket_owner;
    enum config_encryption encryption;
    char *kms_key_id;
    bool allow_http;
    unsigned parallel; /* 1 to 64; default CONFIG_PARALLEL_DEFAULT */
};

enum config_revisions { CONFIG_REVISIONS_PUBLISH, CONFIG_REVISIONS_IGNORE };
enum config_duplicates { CONFIG_DUPLICATES_LAST, CONFIG_DUPLICATES_FAIL };
enum config_bad_rows { CONFIG_BAD_ROWS_FAIL, CONFIG_BAD_ROWS_REJECT };

/* Everything is owned by the struct; config_release gives it back. */
struct config {
    char *path;   /* of the file, as it was named */
    char *folder; /* that relative paths are relative to */

    char *dataset;
    char *store; /* URL, or a resolved path; NULL: to be given on the command line */
    struct config_store_options store_options;
    struct config_source source;
    struct config_column *columns; /* none: inferred at the first run, then frozen in the chain */
    size_t column_count;
    char *transform; /* SQL text, also where it came from a file; NULL: none */
    struct config_list key;
    char *partition_column; /* NULL exactly where partition_by is CONFIG_BY_NONE */
    enum config_by partition_by;
    enum config_revisions revisions;
    enum config_duplicates duplicates;
    enum config_bad_rows bad_rows;
    uint64_t bad_rows_limit; /* most rows that one run may reject; default 1000 */
    struct config_list sort; /* of the projections; default: the key */
    struct config_constant *constants;
    size_t constant_count;

    uint64_t memory;           /* bytes; default a quarter of the machine's, 256 MiB to 8 GiB */
    unsigned threads;          /* default: processors available */
    char *temp;                /* folder; default $TMPDIR, else /var/tmp */
    int64_t expect_every;      /* seconds; 0: not set */
    int64_t lease_ttl_seconds; /* 0: no lease */
    int64_t timeout_seconds;   /* of a run; 0: no limit */

    bool tables_delta; /* write the logs of Delta tables; default true */
};

/*
 * Read, check and complete a configuration. `env` NULL: config_env_process(). `out` must not hold
 * anything; it is set only on ERR_OK, and is the caller's to release. `problems` (initialised and
 * empty, NULL allowed) gets every mistake; `err` then sums them up. ERR_CONFIG: wrong, or the file
 * cannot be read (then without problems).
 */
MUST_USE int config_load(const char *path, const struct config_env *env, struct config *out,
                         struct config_problems *problems, struct error *err);

/* The same from bytes; `path` names them in messages, and its folder resolves relative paths. */
MUST_USE int config_parse(const char *bytes, size_t count, const char *path,
                          const struct config_env *env, struct config *out,
                          struct config_problems *problems, struct error *err);

/*
 * Nothing but the defaults of this machine: what a command without a file works with. `out` must
 * not hold anything and is the caller's to release. Dataset, store, source and key are not set.
 */
void config_defaults(const struct config_env *env, struct config *out);

/* Safe on a zeroed struct, which it leaves behind. */
void config_release(struct config *config);

/* What is wrong with the name of a column, as a predicate ("must not be empty."), or NULL. Static. */
const char *config_name_fault(const char *name);

/* Set the dataset to what the command line says. ERR_CONFIG with the reason; nothing is changed. */
MUST_USE int config_set_dataset(struct config *config, const char *text, struct error *err);

/*
 * Replace the store (source) by what the command line says; relative paths stay relative to the
 * working directory. The format of a source follows its name where the file does not set it.
 * ERR_CONFIG with the reason; nothing is changed then.
 */
MUST_USE int config_set_store(struct config *config, const char *text, struct error *err);
MUST_USE int config_set_source(struct config *config, const char *text, struct error *err);

/*
 * SHA-256 over exactly what decides how a source becomes rows: how it is read, columns, transform,
 * key, partition, revisions, duplicates, bad rows, constants. Not where the source is, nor
 * credentials, limits of time and memory, or where the rows go. Stable between versions of the
 * program unless the meaning of a setting changes.
 */
void config_digest(const struct config *config, char out[SHA256_HEX_SIZE]);

/* Texts that mean NULL: those that are set, else the empty one in CSV, and none elsewhere. */
const struct config_list *config_source_nulls(const struct config_source *source);

/* Names as they are written in the file. Static; "auto" for what is not decided. */
const char *config_compression_name(enum config_compression compression);
const char *config_by_name(enum config_by by);

/* What a sample of a source suggests. Strings are borrowed; NULL and 0 where nothing is known. */
struct config_guess_column {
    const char *name;
    struct type type;
    const char *from; /* NULL: the same as name */
    bool nullable;
    const char *comment;      /* NULL: none; one line */
    const char *format;       /* strptime format of dates and times; NULL: ISO 8601 */
    const char *const *nulls; /* texts that mean NULL */
    size_t null_count;
    bool percent, trim;
};

struct config_guess {
    const char *dataset;
    const char *store;
    const char *url;
    enum file_format format;
    const char *delimiter;
    const char *encoding;
    const char *records;
    const char *archive;    /* pattern of members; NULL: none */
    const uint32_t *widths; /* fixed width */
    size_t width_count;
    bool no_header;
    unsigned header; /* lines of it, where there are several */
    size_t skip_lines;
    size_t footer;
    const char *footer_text; /* in place of their number; NULL: none */
    char decimal;            /* 0: a point */
    char thousands;          /* 0: none */
    const struct config_guess_column *columns;
    size_t column_count;
    const char *const *key;
    size_t key_count;
    const char *partition_column;
    enum config_by partition_by;
    const char *const *comments; /* lines for the head of the file */
    size_t comment_count;
};

/*
 * Append the commented YAML that a new dataset starts from: a general example (`guess` NULL) or one
 * filled in from a sample. It parses without problems as long as the guess itself is valid.
 */
void config_write_example(struct str *out, const struct config_guess *guess);

/*
 * Visit every key that the parser knows, as a path ("source.url", "columns[].name"), in a fixed
 * order; `constants` and `source.headers` have names chosen by the user below them.
 */
void config_known_keys(void (*visit)(void *ctx, const char *path), void *ctx);

#endif
