#include "engine/source.h"

#include <stdlib.h>
#include <string.h>

#include "engine/cast.h"
#include "engine/source_private.h"
#include "engine/sql.h"
#include "util/mem.h"

/* Longest line of a CSV file and largest object of a JSON file, in bytes. */
#define LINE_MAX_BYTES "4000000"
#define OBJECT_MAX_BYTES "16777216"
/* DuckDB would take sixteen times the longest line per thread. */
#define BUFFER_BYTES "8000000"

#define ALL_FILES SIZE_MAX

/* DuckDB wants at least one text that means NULL: U+FFFF is no character and stands in no file. */
#define NO_NULLS "['\xEF\xBF\xBF']"

static void character_option(struct str *out, const char *name, char c)
{
    char text[2] = {c, '\0'};
    sql_printf(out, ", %s = %t", name, text);
}

/* Which files a reader reads: one, or all. */
static struct source_texts files_of(const struct source *s, size_t i)
{
    if (i == ALL_FILES)
        return s->options.files;
    return (struct source_texts){s->options.files.items + i, 1};
}

static void csv_options(const struct source_options *o, uint64_t skip, struct str *out)
{
    sql_printf(out, ", delim = %t, header = false, skip = %u", o->csv.delimiter,
               (unsigned long long)skip);
    character_option(out, "quote", o->csv.quote);
    character_option(out, "escape", o->csv.escape);
    if (o->csv.comment != '\0')
        character_option(out, "comment", o->csv.comment);
    str_append(out, ", nullstr = ");
    if (o->nulls.count > 0)
        sql_text_list(out, o->nulls.items, o->nulls.count);
    else
        str_append(out, NO_NULLS);
    str_append(out, ", max_line_size = " LINE_MAX_BYTES ", buffer_size = " BUFFER_BYTES
                    ", strict_mode = true");
}

/* Names come from the header of each file, so that a new order of columns changes nothing. */
static int csv_reader(const struct source *s, size_t i, struct str *out, struct error *err)
{
    const struct source_options *o = &s->options;
    struct source_texts files = files_of(s, i);
    struct csv_names names = {0};
    int rc = csv_header(files.items[0], &o->csv, &names, err);
    if (rc != ERR_OK)
        return rc;
    str_append(out, "read_csv(");
    sql_text_list(out, files.items, files.count);
    csv_options(o, names.skip, out);
    str_append(
        out,
        ", auto_detect = false, compression = 'none', store_rejects = true, "
        "rejects_limit = 0, rejects_table = 'csv_errors', rejects_scan = 'csv_scans', columns = {");
    for (size_t k = 0; k < names.count; k++)
        sql_printf(out, "%s%n: 'VARCHAR'", k > 0 ? ", " : "", names.names[k]);
    str_append(out, "})");
    csv_names_release(&names);
    return ERR_OK;
}

/* Every column as text, or (names NULL) with types that are guessed: only to learn the names. */
static void json_reader(const struct source *s, const struct source_name *names, struct str *out)
{
    struct source_texts files = s->options.files;
    str_append(out, "read_json(");
    sql_text_list(out, files.items, files.count);
    /* What is packed was unpacked, whatever its name says. */
    sql_printf(
        out,
        ", format = '%s', compression = 'uncompressed', maximum_object_size = " OBJECT_MAX_BYTES,
        s->options.format == SOURCE_NDJSON ? "newline_delimited" : "auto");
    if (names == NULL) {
        str_append(out, ", sample_size = -1)");
        return;
    }
    str_append(out, ", columns = {");
    for (size_t k = 0; k < s->count; k++)
        sql_printf(out, "%s%n: 'VARCHAR'", k > 0 ? ", " : "", names[k].name);
    str_append(out, "})");
}

/* The table function that reads file `i` (ALL_FILES: all of them) as it is. */
static int reader(const struct source *s, size_t i, struct str *out, struct error *err)
{
    switch (s->options.format) {
    case SOURCE_CSV:
        return csv_reader(s, i, out, err);
    case SOURCE_PARQUET: {
        struct source_texts files = files_of(s, i);
        str_append(out, "read_parquet(");
        sql_text_list(out, files.items, files.count);
        str_append(out, ", hive_partitioning = false, union_by_name = true)");
        return ERR_OK;
    }
    default:
        json_reader(s, s->names, out);
        return ERR_OK;
    }
}

static int add_name(void *ctx, const struct engine_row *row, struct error *err)
{
    (void)err;
    struct source *s = ctx;
    s->names = mem_grow(s->names, s->count, &s->capacity, sizeof *s->names);
    s->names[s->count++] =
        (struct source_name){mem_strdup(row->values[0]), mem_strdup(row->values[1])};
    return ERR_OK;
}

static void forget_names(struct source *s)
{
    for (size_t i = 0; i < s->count; i++) {
        free(s->names[i].name);
        free(s->names[i].type);
    }
    s->count = 0;
}

/* Names and types of what a FROM clause gives. */
static int describe(struct source *s, const char *from, struct error *err)
{
    forget_names(s);
    struct str sql;
    str_init(&sql, STR_MAX_DEFAULT);
    sql_printf(&sql, "SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM %s)", from);
    int rc = str_check(&sql, "the source's reader", err);
    if (rc == ERR_OK)
        rc = engine_query(s->engine, sql.data, add_name, s, err);
    str_release(&sql);
    return rc;
}

/* Do all CSV files have the header of the first? Then one scan reads them all. */
static int same_headers(const struct source *s, bool *same, struct error *err)
{
    struct csv_names first = {0};
    int rc = csv_header(s->options.files.items[0], &s->options.csv, &first, err);
    *same = true;
    for (size_t i = 1; rc == ERR_OK && *same && i < s->options.files.count; i++) {
        struct csv_names other = {0};
        rc = csv_header(s->options.files.items[i], &s->options.csv, &other, err);
        *same = rc == ERR_OK && other.count == first.count && other.skip == first.skip;
        for (size_t k = 0; *same && k < first.count; k++)
            *same = strcmp(first.names[k], other.names[k]) == 0;
        csv_names_release(&other);
    }
    csv_names_release(&first);
    return rc;
}

/* All files as one relation. */
static int all_files(struct source *s, struct str *out, struct error *err)
{
    bool together = true;
    int rc = ERR_OK;
    if (s->options.format == SOURCE_CSV && s->options.files.count > 1)
        rc = same_headers(s, &together, err);
    if (rc == ERR_OK && together) {
        str_append(out, "SELECT * FROM ");
        return reader(s, ALL_FILES, out, err);
    }
    for (size_t i = 0; rc == ERR_OK && i < s->options.files.count; i++) {
        str_append(out, i > 0 ? " UNION ALL BY NAME SELECT * FROM " : "SELECT * FROM ");
        rc = reader(s, i, out, err);
    }
    return rc;
}

/* JSON names its columns row by row, so they are collected before the relation can be made. */
static int collect_json_names(struct source *s, struct error *err)
{
    struct str guess;
    str_init(&guess, STR_MAX_DEFAULT);
    json_reader(s, NULL, &guess);
    int rc = describe(s, guess.data, err);
    str_release(&guess);
    return rc;
}

/* DuckDB misreads some files without a word: they are found before it reads them. */
static int check_files(struct source *s, struct error *err)
{
    size_t n = s->options.files.count;
    s->records = mem_calloc(n, sizeof *s->records);
    int rc = ERR_OK;
    for (size_t i = 0; i < n && rc == ERR_OK && s->options.format == SOURCE_CSV; i++) {
        rc = csv_check(s->options.files.items[i], &s->options.csv, &s->records[i], err);
        if (rc != ERR_OK)
            error_prefix(err, "source %s", s->options.shown.items[i]);
    }
    return rc;
}

static int make_relation(struct source *s, struct error *err)
{
    struct str sql;
    str_init(&sql, STR_MAX_DEFAULT);
    int rc = ERR_OK;
    if (s->options.format == SOURCE_JSON || s->options.format == SOURCE_NDJSON)
        rc = collect_json_names(s, err);
    str_append(&sql, "CREATE OR REPLACE VIEW source AS ");
    if (rc == ERR_OK)
        rc = all_files(s, &sql, err);
    if (rc == ERR_OK)
        rc = str_check(&sql, "the list of source files", err);
    if (rc == ERR_OK)
        rc = engine_run(s->engine, sql.data, err);
    str_release(&sql);
    return rc;
}

/* The text without blanks and semicolons at its end, which would not stand inside a statement. */
static char *bare_select(const char *sql)
{
    size_t n = strlen(sql);
    while (n > 0 && strchr(" \t\r\n;", sql[n - 1]) != NULL)
        n--;
    return mem_strndup(sql, n);
}

static int make_transform(struct source *s, struct error *err)
{
    if (s->options.transform == NULL)
        return ERR_OK;
    engine_blame(s->engine, ERR_CONFIG);
    char *select = bare_select(s->options.transform);
    int rc = engine_check_select(s->engine, select, err);
    if (rc == ERR_OK)
        rc = engine_runf(s->engine, err,
                         "CREATE OR REPLACE VIEW transformed AS SELECT * FROM (%s\n)", select);
    if (rc != ERR_OK)
        error_prefix(err, "transform");
    free(select);
    s->relation = "transformed";
    engine_blame(s->engine, ERR_SOURCE);
    return rc;
}

static void list_names(struct source *s)
{
    s->name_list = mem_calloc(s->count, sizeof *s->name_list);
    for (size_t i = 0; i < s->count; i++)
        s->name_list[i] = s->names[i].name;
}

static bool has_text(const struct source_texts *texts, const char *text)
{
    for (size_t i = 0; i < texts->count; i++)
        if (strcmp(texts->items[i], text) == 0)
            return true;
    return false;
}

int source_open(struct engine *e, const struct source_options *options, struct source **out,
                struct error *err)
{
    struct source *s = mem_calloc(1, sizeof *s);
    s->engine = e;
    s->options = *options;
    s->relation = "source";
    engine_blame(e, ERR_SOURCE);
    s->options.csv.drop_blank = !has_text(&options->nulls, "");
    int rc = check_files(s, err);
    if (rc == ERR_OK)
        rc = make_relation(s, err);
    if (rc == ERR_OK)
        rc = make_transform(s, err);
    if (rc == ERR_OK)
        rc = describe(s, s->relation, err);
    engine_blame(e, ERR_SYSTEM);
    rc = source_explain_json(s, rc, err);
    list_names(s);
    if (rc == ERR_OK)
        *out = s;
    else
        source_free(s);
    return rc;
}

void source_free(struct source *s)
{
    if (s == NULL)
        return;
    forget_names(s);
    free(s->names);
    free(s->name_list);
    free(s->records);
    free(s);
}

struct source_texts source_names(const struct source *s)
{
    return (struct source_texts){(const char *const *)s->name_list, s->count};
}
