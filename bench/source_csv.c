/*
 * CSV and newline-delimited JSON to typed batches, with the SHA-256 of the file, beside DuckDB's
 * read_csv and read_json with explicit types.
 *
 * usage: source_csv [MILLIONS_OF_ROWS [THREADS [ROUNDS]]]       (default 10 2 5)
 *
 * Invented files in TMPDIR: a long one (code, date, price, number), the same as JSON, and a wide one
 * (30 columns, quoted texts, NULLs) with a tenth of the rows. The two take turns, so that a busy machine slows both;
 * each figure is a median of the rounds, and the ratio is that of each round.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "engine/engine.h"
#include "source/csv.h"
#include "source/ndjson.h"
#include "util/fs.h"
#include "util/mem.h"
#include "util/str.h"

#define ROUNDS_MAX 99

struct table {
    const char *name;
    size_t columns;
    const char *(*type)(size_t column); /* as the schema has it */
    void (*row)(FILE *f, size_t i);
    size_t rows;
    bool json; /* lines of JSON; else CSV */
    char *path;
};

static void fail(const char *what, const struct error *err)
{
    fprintf(stderr, "%s: %s\n", what, err != NULL ? err->text : "failed");
    exit(1);
}

/* ---- the files ---- */

static const char *long_type(size_t column)
{
    static const char *const types[] = {"text", "date", "double", "bigint"};
    return types[column];
}

static void long_row(FILE *f, size_t i)
{
    size_t day = i / 500;
    fprintf(f, "S%05zu,%04zu-%02zu-%02zu,%zu.%02zu,%zu\n", i * 7919 % 500, 1970 + day / 336 % 60,
            day / 28 % 12 + 1, day % 28 + 1, i * 7919 % 10007, i % 100, i * 31 % 1000003);
}

static void json_row(FILE *f, size_t i)
{
    size_t day = i / 500;
    fprintf(f, "{\"c0\":\"S%05zu\",\"c1\":\"%04zu-%02zu-%02zu\",\"c2\":%zu.%02zu,\"c3\":%zu}\n",
            i * 7919 % 500, 1970 + day / 336 % 60, day / 28 % 12 + 1, day % 28 + 1,
            i * 7919 % 10007, i % 100, i * 31 % 1000003);
}

static const char *wide_type(size_t column)
{
    static const char *const types[] = {"bigint", "text", "decimal(12,2)", "date", "int", "text"};
    return types[column % 6];
}

static void wide_row(FILE *f, size_t i)
{
    for (size_t k = 0; k < 30; k++) {
        size_t x = i * 31 + k * 7919;
        if (k > 0)
            fputc(',', f);
        if (k > 0 && x % 11 == 0)
            continue;
        switch (k % 6) {
        case 0:
            fprintf(f, "%zu", i * 30 + k);
            break;
        case 1:
            fprintf(f, "\"a text, of %zu words\"", x % 1000);
            break;
        case 2:
            fprintf(f, "%zu.%02zu", x % 100003, x % 100);
            break;
        case 3:
            fprintf(f, "%04zu-%02zu-%02zu", 1990 + x % 40, x % 12 + 1, x % 28 + 1);
            break;
        case 4:
            fprintf(f, "%zu", x % 5000);
            break;
        default:
            fprintf(f, "code-%zu", x % 97);
        }
    }
    fputc('\n', f);
}

static void write_table(struct table *t, const char *folder)
{
    t->path = mem_printf("%s/%s.csv", folder, t->name);
    FILE *f = fopen(t->path, "w");
    if (f == NULL)
        fail(t->path, NULL);
    for (size_t k = 0; !t->json && k < t->columns; k++)
        fprintf(f, "%sc%zu", k > 0 ? "," : "", k);
    if (!t->json)
        fputc('\n', f);
    for (size_t i = 0; i < t->rows; i++)
        t->row(f, i);
    if (fclose(f) != 0)
        fail(t->path, NULL);
}

/* ---- the two readers ---- */

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double cpu(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static struct reader_column *wanted_columns(const struct table *t)
{
    static const char *const nulls[] = {""};
    struct reader_column *columns = mem_calloc(t->columns, sizeof *columns);
    struct error err = ERROR_INIT;
    for (size_t k = 0; k < t->columns; k++) {
        struct cast_options o = {.nulls = nulls, .null_count = 1, .decimal = '.'};
        struct cast *cast = NULL;
        const char **from = mem_alloc(sizeof *from);
        *from = mem_printf("c%zu", k);
        if (type_parse(t->type(k), &o.type, &err) != ERR_OK || cast_new(&o, &cast, &err) != ERR_OK)
            fail("a type", &err);
        columns[k] = (struct reader_column){.name = *from, .from = {from, 1}, .cast = cast};
    }
    return columns;
}

static size_t read_ours(const struct table *t, unsigned threads,
                        const struct reader_column *columns)
{
    struct reader_file file = {.path = t->path, .shown = t->path};
    struct read_options options = {
        .delimiter = ",", .quote = '"', .escape = '"', .header = 1, .threads = threads};
    options.digest = true;
    struct reader *r;
    struct reader_batch batch;
    struct error err = ERROR_INIT;
    size_t rows = 0;
    int rc = t->json ? ndjson_open(&file, &options, &r, &err) : csv_open(&file, &options, &r, &err);
    if (rc != ERR_OK || reader_select(r, columns, t->columns, &err) != ERR_OK)
        fail("open", &err);
    reader_batch_init(&batch, columns, t->columns);
    do {
        if (reader_next(r, &batch, &err) != ERR_OK)
            fail("next", &err);
        rows += batch.values.rows;
    } while (batch.values.rows + batch.fault_count > 0);
    reader_batch_release(&batch);
    reader_free(r);
    return rows;
}

/* A count of every column, so that each is read. */
static size_t read_duckdb(const struct table *t, struct engine *e)
{
    struct str sql;
    struct error err = ERROR_INIT;
    uint64_t rows = 0;
    str_init(&sql, STR_MAX_DEFAULT);
    str_append(&sql, "SELECT CAST(count(*) AS BIGINT), ");
    for (size_t k = 0; k < t->columns; k++)
        str_printf(&sql, "%scount(c%zu)", k > 0 ? " + " : "", k);
    if (t->json)
        str_printf(&sql, " FROM read_json('%s', format = 'newline_delimited', columns = {", t->path);
    else
        str_printf(&sql, " FROM read_csv('%s', auto_detect = false, header = true, delim = ',', "
                     "quote = '\"', escape = '\"', columns = {", t->path);
    for (size_t k = 0; k < t->columns; k++)
        str_printf(&sql, "%sc%zu: '%s'", k > 0 ? ", " : "", k, t->type(k));
    str_append(&sql, "})");
    if (engine_count(e, sql.data, &rows, &err) != ERR_OK)
        fail("DuckDB", &err);
    str_release(&sql);
    return rows;
}

/* ---- figures ---- */

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, size_t count)
{
    qsort(values, count, sizeof *values, by_value);
    return values[count / 2];
}

static void measure(struct table *t, struct engine *e, unsigned threads, size_t rounds)
{
    double ours[ROUNDS_MAX], theirs[ROUNDS_MAX], ratios[ROUNDS_MAX], busy[ROUNDS_MAX];
    struct reader_column *columns = wanted_columns(t);
    read_ours(t, threads, columns); /* the file is in the cache from here on */
    for (size_t i = 0; i < rounds; i++) {
        double begun = now();
        double before = cpu();
        if (read_ours(t, threads, columns) != t->rows)
            fail("rows are missing", NULL);
        ours[i] = now() - begun;
        busy[i] = cpu() - before;
        begun = now();
        if (read_duckdb(t, e) != t->rows)
            fail("rows are missing in DuckDB", NULL);
        theirs[i] = now() - begun;
        ratios[i] = ours[i] / theirs[i];
    }
    printf("%-6s %9zu rows x %2zu: %6.3f s (CPU %6.3f s), DuckDB %6.3f s: %.2f of its time\n",
           t->name, t->rows, t->columns, median(ours, rounds), median(busy, rounds),
           median(theirs, rounds), median(ratios, rounds));
}

int main(int argc, char **argv)
{
    size_t millions = argc > 1 ? strtoul(argv[1], NULL, 10) : 10;
    unsigned threads = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 2;
    size_t rounds = argc > 3 ? strtoul(argv[3], NULL, 10) : 5;
    const char *temp = getenv("TMPDIR");
    char *folder = mem_printf("%s/cauce-bench-XXXXXX", temp != NULL ? temp : "/tmp");
    if (millions == 0 || rounds == 0 || rounds > ROUNDS_MAX || mkdtemp(folder) == NULL)
        fail("usage: source_csv [MILLIONS_OF_ROWS [THREADS [ROUNDS]]]", NULL);
    struct table tables[] = {
        {"long", 4, long_type, long_row, millions * 1000000, false, NULL},
        {"wide", 30, wide_type, wide_row, millions * 100000, false, NULL},
        {"ndjson", 4, long_type, json_row, millions * 1000000, true, NULL},
    };
    struct engine_options options = {.library = getenv("CAUCE_LIBDUCKDB"),
                                     .workdir = folder,
                                     .folders = (const char *const[]){folder},
                                     .folder_count = 1,
                                     .memory = (uint64_t)1 << 30,
                                     .threads = threads};
    struct engine *e = NULL;
    struct error err = ERROR_INIT;
    if (engine_open(&options, &e, &err) != ERR_OK)
        fail("DuckDB", &err);
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        write_table(&tables[i], folder);
        measure(&tables[i], e, threads, rounds);
        unlink(tables[i].path);
    }
    engine_free(e);
    error_ignore(fs_remove_tree(folder, NULL)); /* a bench may leave its folder behind */
    free(folder);
    return 0;
}
