/*
 * Columns are ranked by what they probably are: names and codes of things, then days, then other
 * columns, and last what was measured. Sets are tried from the smallest on; those that hold something
 * measured only after all others. Before all rows are looked at, a set must hold for the first ones,
 * and have as many combinations of values as there are rows.
 */
#include "pipeline/sample_key.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "util/mem.h"
#include "util/stop.h"

#define CANDIDATES 8
#define SETS 92 /* of one, two or three of them */
#define FIRST_ROWS 50000

/* What a column probably is, the best of a key first. */
enum rank { RANK_NAME, RANK_DAY, RANK_OTHER, RANK_MEASURE };

struct candidate {
    size_t position;
    enum rank rank;
    uint64_t distinct;
};

struct set {
    size_t items[SAMPLE_KEY_MAX]; /* of the candidates */
    size_t count;
    unsigned weight;
};

struct finder {
    struct engine *engine;
    const struct schema *schema;
    struct candidate candidates[CANDIDATES];
    size_t count;
    uint64_t rows;
};

static int by_position(const void *a, const void *b)
{
    const struct candidate *x = a;
    const struct candidate *y = b;
    return (x->position > y->position) - (x->position < y->position);
}

static bool may_be_key(enum type_kind kind)
{
    return kind != TYPE_DOUBLE && kind != TYPE_BINARY && kind != TYPE_NONE;
}

/* Is the word part of a name such as "StationId", "station_id" or "id"? */
static bool has_word(const char *name, const char *word)
{
    size_t n = strlen(word);
    for (const char *p = name; *p != '\0'; p++) {
        bool begins = p == name || !isalnum((unsigned char)p[-1]) ||
                      (isupper((unsigned char)p[0]) && islower((unsigned char)p[-1]));
        bool ends =
            strlen(p) >= n && (!isalnum((unsigned char)p[n]) || isdigit((unsigned char)p[n]) ||
                               isupper((unsigned char)p[n]));
        if (begins && ends && strncasecmp(p, word, n) == 0)
            return true;
    }
    return false;
}

static bool has_any(const char *name, const char *const *words)
{
    for (size_t i = 0; words[i] != NULL; i++)
        if (has_word(name, words[i]))
            return true;
    return false;
}

/* A whole number that no name speaks for may be anything: an id stands in the first place. */
static enum rank rank_of(const struct schema_column *c, bool first)
{
    static const char *const names[] = {
        "id",     "uuid",     "guid",    "key",    "code",      "iso",      "iso2", "iso3",
        "symbol", "ticker",   "isin",    "sku",    "series",    "station",  "nr",   "no",
        "number", "currency", "country", "region", "indicator", "variable", "ref",  "kennung",
        "codigo", "pais",     "moneda",  "serie",  "clave",     "cod",      NULL};
    static const char *const days[] = {
        "date", "day",   "month", "year",  "week",       "time", "period",    "quarter",
        "hour", "datum", "fecha", "anio",  "a\xc3\xb1o", "ano",  "mes",       "dia",
        "jahr", "monat", "tag",   "annee", "mois",       "jour", "trimestre", NULL};
    static const char *const measures[] = {
        "value",     "amount", "total",      "price",    "rate",    "count", "sum",     "qty",
        "quantity",  "share",  "mean",       "average",  "avg",     "min",   "max",     "score",
        "weight",    "height", "population", "balance",  "percent", "wert",  "betrag",  "valor",
        "importe",   "monto",  "precio",     "cantidad", "saldo",   "tasa",  "montant", "prix",
        "poblacion", "cases",  "deaths",     "casos",    "obs",     NULL};
    bool whole = c->type.kind == TYPE_INT || c->type.kind == TYPE_BIGINT;
    if (c->type.kind == TYPE_DECIMAL || c->type.kind == TYPE_BOOLEAN)
        return RANK_MEASURE;
    if (c->type.kind == TYPE_UUID)
        return RANK_NAME;
    if (type_is_day(c->type) || c->type.kind == TYPE_TIME)
        return RANK_DAY;
    if (whole && has_any(c->name, measures))
        return RANK_MEASURE;
    if (has_any(c->name, names))
        return RANK_NAME;
    if (has_any(c->name, days))
        return RANK_DAY;
    return whole && !first ? RANK_MEASURE : RANK_OTHER;
}

static int take_counts(void *ctx, const struct engine_row *row, struct error *err)
{
    struct finder *f = ctx;
    size_t kept = 0;
    (void)err;
    f->rows = strtoull(row->values[0], NULL, 10);
    for (size_t i = 0; i < f->count; i++) {
        uint64_t values = strtoull(row->values[1 + 2 * i], NULL, 10);
        f->candidates[i].distinct = strtoull(row->values[2 + 2 * i], NULL, 10);
        if (values == f->rows)
            f->candidates[kept++] = f->candidates[i];
    }
    f->count = kept;
    return ERR_OK;
}

/* The best columns by rank, in their order. */
static void choose_candidates(struct finder *f)
{
    for (int rank = RANK_NAME; rank <= RANK_MEASURE; rank++)
        for (size_t i = 0; i < f->schema->count && f->count < CANDIDATES; i++) {
            const struct schema_column *c = &f->schema->columns[i];
            if (may_be_key(c->type.kind) && rank_of(c, i == 0) == (enum rank)rank)
                f->candidates[f->count++] =
                    (struct candidate){.position = i, .rank = (enum rank)rank};
        }
    qsort(f->candidates, f->count, sizeof *f->candidates, by_position);
}

/* Candidates without NULL, with the number of their values. */
static int survey(struct finder *f, struct error *err)
{
    struct str sql;
    str_init(&sql, STR_MAX_DEFAULT);
    str_append(&sql, "SELECT CAST(count(*) AS VARCHAR)");
    choose_candidates(f);
    for (size_t i = 0; i < f->count; i++)
        str_printf(&sql, ", CAST(count(c%zu) AS VARCHAR), CAST(count(DISTINCT c%zu) AS VARCHAR)",
                   f->candidates[i].position, f->candidates[i].position);
    str_append(&sql, " FROM source_rows");
    int rc = engine_query(f->engine, sql.data, take_counts, f, err);
    str_release(&sql);
    return rc;
}

static unsigned weigh(const struct finder *f, const struct set *set)
{
    unsigned weight = 0;
    bool measured = false;
    bool day = set->count == 1; /* alone, a day is no better than a number */
    for (size_t i = 0; i < set->count; i++) {
        enum rank rank = f->candidates[set->items[i]].rank;
        weight += rank == RANK_OTHER ? 2 : 0;
        day = day || rank == RANK_DAY;
        measured = measured || rank == RANK_MEASURE;
    }
    return (measured ? 1000 : 0) + (unsigned)set->count * 100 + weight + (day ? 0 : 1);
}

static int by_weight(const void *a, const void *b)
{
    const struct set *x = a;
    const struct set *y = b;
    if (x->weight != y->weight)
        return x->weight < y->weight ? -1 : 1;
    return memcmp(x->items, y->items, sizeof x->items) < 0 ? -1 : 1;
}

static void add_set(const struct finder *f, struct set *sets, size_t *count, size_t a, size_t b,
                    size_t c)
{
    struct set set = {.items = {a, b, c}, .count = 1};
    if (b != SIZE_MAX)
        set.count = c != SIZE_MAX ? 3 : 2;
    set.weight = weigh(f, &set);
    sets[(*count)++] = set;
}

static size_t make_sets(const struct finder *f, struct set sets[SETS])
{
    size_t count = 0;
    for (size_t a = 0; a < f->count; a++) {
        add_set(f, sets, &count, a, SIZE_MAX, SIZE_MAX);
        for (size_t b = a + 1; b < f->count; b++) {
            add_set(f, sets, &count, a, b, SIZE_MAX);
            for (size_t c = b + 1; c < f->count; c++)
                add_set(f, sets, &count, a, b, c);
        }
    }
    qsort(sets, count, sizeof *sets, by_weight);
    return count;
}

/* Could the set distinguish all rows? */
static bool is_possible(const struct finder *f, const struct set *set)
{
    double combinations = 1;
    for (size_t i = 0; i < set->count; i++)
        combinations *= (double)f->candidates[set->items[i]].distinct;
    return combinations >= (double)f->rows;
}

/* Is it unique among the first `limit` rows? */
static int is_unique(struct finder *f, const struct set *set, uint64_t limit, bool *unique,
                     struct error *err)
{
    uint64_t found = 0;
    struct str columns;
    str_init(&columns, 256);
    for (size_t i = 0; i < set->count; i++)
        str_printf(&columns, "%sc%zu", i > 0 ? ", " : "", f->candidates[set->items[i]].position);
    char *sql = mem_printf("SELECT count(*) FROM (SELECT DISTINCT %s FROM "
                           "(SELECT %s FROM source_rows LIMIT %" PRIu64 "))",
                           columns.data, columns.data, limit);
    int rc = engine_count(f->engine, sql, &found, err);
    *unique = found == limit;
    free(sql);
    str_release(&columns);
    return rc;
}

static int try_set(struct finder *f, const struct set *set, bool *unique, struct error *err)
{
    *unique =
        set->count == 1 ? f->candidates[set->items[0]].distinct == f->rows : is_possible(f, set);
    if (!*unique || set->count == 1)
        return ERR_OK;
    int rc = ERR_OK;
    if (f->rows > FIRST_ROWS)
        rc = is_unique(f, set, FIRST_ROWS, unique, err);
    if (rc == ERR_OK && *unique)
        rc = is_unique(f, set, f->rows, unique, err);
    return rc;
}

int sample_key_find(struct engine *e, const struct schema *s, size_t columns[SAMPLE_KEY_MAX],
                    size_t *count, struct error *err)
{
    struct finder f = {.engine = e, .schema = s};
    struct set sets[SETS];
    *count = 0;
    int rc = survey(&f, err);
    if (rc != ERR_OK || f.rows == 0)
        return rc;
    size_t n = make_sets(&f, sets);
    for (size_t i = 0; i < n && rc == ERR_OK; i++) {
        bool unique = false;
        rc = stop_check(err);
        if (rc == ERR_OK)
            rc = try_set(&f, &sets[i], &unique, err);
        if (rc != ERR_OK || !unique)
            continue;
        *count = sets[i].count;
        for (size_t k = 0; k < *count; k++)
            columns[k] = f.candidates[sets[i].items[k]].position;
        break;
    }
    return rc;
}
