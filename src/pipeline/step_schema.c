/*
 * The schema of a run: frozen by the first version, then that of the chain, grown at most by new
 * nullable columns. A configuration that contradicts the chain is refused. Pure apart from the
 * inference of the first run; repeating it is harmless.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "engine/relation.h"
#include "pipeline/run_private.h"
#include "util/mem.h"

static const char *const reserved[] = {COLUMN_VERSION, COLUMN_INGESTED_AT, COLUMN_ROW_HASH};

/* Columns that are added to a schema: room for all there may be, and the last id that was given. */
struct growth {
    struct schema *schema;
    size_t room;
    uint32_t last_id;
};

static struct growth growth_of(const struct config *config, struct schema *s)
{
    struct growth g = {.schema = s,
                       .room = s->count + config->column_count + config->constant_count};
    s->columns = mem_resize(s->columns, g.room, sizeof *s->columns);
    for (size_t i = 0; i < s->count; i++)
        if (s->columns[i].id > g.last_id)
            g.last_id = s->columns[i].id;
    return g;
}

static struct schema_column *append_column(struct growth *g, const char *name)
{
    assert(g->schema->count < g->room);
    struct schema_column *c = &g->schema->columns[g->schema->count++];
    *c = (struct schema_column){.name = mem_strdup(name), .id = ++g->last_id, .nullable = true};
    return c;
}

static void add_configured(const struct config *config, struct growth *out)
{
    for (size_t i = 0; i < config->column_count; i++) {
        struct schema_column *c = append_column(out, config->columns[i].name);
        c->type = config->columns[i].type;
        c->nullable = config->columns[i].nullable;
    }
}

static void add_constants(const struct config *config, struct growth *out)
{
    for (size_t i = 0; i < config->constant_count; i++) {
        struct schema_column *c = append_column(out, config->constants[i].name);
        c->type = (struct type){TYPE_TEXT, 0, 0};
        c->constant = true;
    }
}

static int missing_name(const struct schema *s, const char *what, const char *name,
                        struct error *err)
{
    const char **names = mem_calloc(s->count, sizeof *names);
    for (size_t i = 0; i < s->count; i++)
        names[i] = s->columns[i].name;
    const char *near = str_closest(name, names, s->count);
    free(names);
    return error_set(err, ERR_CONFIG,
                     "%s names the column \"%s\", which the dataset does not "
                     "have%s%s%s.",
                     what, name, near != NULL ? "; did you mean \"" : "", near != NULL ? near : "",
                     near != NULL ? "\"?" : "");
}

static int set_key(const struct config *config, struct schema *s, struct error *err)
{
    s->key = mem_calloc(config->key.count, sizeof *s->key);
    s->key_count = config->key.count;
    for (size_t i = 0; i < s->key_count; i++) {
        s->key[i] = schema_find(s, config->key.items[i]);
        if (s->key[i] == SIZE_MAX)
            return missing_name(s, "`key`", config->key.items[i], err);
        /* Without configured columns nobody has allowed NULL in the key. */
        if (config->column_count == 0)
            s->columns[s->key[i]].nullable = false;
    }
    return ERR_OK;
}

static enum partition_by partition_of(const struct config *config)
{
    static const enum partition_by by[] = {
        [CONFIG_BY_NONE] = PARTITION_NONE,
        [CONFIG_BY_YEAR] = PARTITION_YEAR,
        [CONFIG_BY_MONTH] = PARTITION_MONTH,
        [CONFIG_BY_DAY] = PARTITION_DAY,
    };
    return by[config->partition_by];
}

static int set_partition(const struct config *config, struct schema *s, struct error *err)
{
    s->partition_by = partition_of(config);
    if (s->partition_by == PARTITION_NONE)
        return ERR_OK;
    s->partition_column = schema_find(s, config->partition_column);
    if (s->partition_column == SIZE_MAX)
        return missing_name(s, "`partition`", config->partition_column, err);
    struct type type = s->columns[s->partition_column].type;
    if (type_is_day(type))
        return ERR_OK;
    char name[TYPE_TEXT_SIZE];
    type_format(type, name);
    return error_set(err, ERR_CONFIG,
                     "`partition` needs a date or a timestamp; the column \"%s\" is %s. Give it a "
                     "type (and formats) in `columns`.",
                     config->partition_column, name);
}

/* A name that no manifest takes, for a source whose header is damaged or strange. */
static int check_name(const char *name, struct error *err)
{
    bool control = false;
    for (const char *p = name; *p != '\0'; p++)
        control = control || (unsigned char)*p < ' ' || *p == 127;
    if (!control && name[0] != '\0' && strlen(name) <= CONFIG_COLUMN_NAME_MAX) {
        for (size_t k = 0; k < sizeof reserved / sizeof *reserved; k++)
            if (strcasecmp(name, reserved[k]) == 0)
                return error_set(err, ERR_CONFIG,
                                 "the column name \"%s\" is kept for cauce's own use. Rename it "
                                 "with `columns` (`from`) or `transform`.",
                                 name);
        return ERR_OK;
    }
    return error_set(err, ERR_CONFIG,
                     "the source has a column name that is empty, longer than %d bytes, or holds "
                     "control characters: \"%.60s\". List the columns under `columns`, with other "
                     "names and `from`; `cauce init --from` writes such a list.",
                     CONFIG_COLUMN_NAME_MAX, control ? "(not shown)" : name);
}

static int check_names(const struct schema *s, struct error *err)
{
    int rc = ERR_OK;
    struct name_index names;
    name_index_init(&names, &s->columns->name, s->count, sizeof *s->columns, true);
    for (size_t i = 0; i < s->count && rc == ERR_OK; i++) {
        size_t first = name_index_find(&names, s->columns[i].name);
        rc = check_name(s->columns[i].name, err);
        if (rc == ERR_OK && first != i)
            rc = error_set(err, ERR_CONFIG,
                           "two columns are named \"%s\" and \"%s\"; names must differ in "
                           "more than case. List the columns under `columns`, with another "
                           "name for one of them and `from`; `cauce init --from` writes such "
                           "a list.",
                           s->columns[first].name, s->columns[i].name);
    }
    name_index_release(&names);
    return rc;
}

/*
 * Readers by glob take `year=2026` in the path of a file for a column `year`, also above the
 * dataset: its values would silently replace the published ones.
 */
static int check_path(const struct schema *s, const char *url, struct error *err)
{
    for (const char *at = url; at != NULL; at = strchr(at, '/')) {
        at += *at == '/';
        size_t length = strcspn(at, "=/");
        for (size_t i = 0; at[length] == '=' && i < s->count; i++) {
            const char *name = s->columns[i].name;
            if (strlen(name) == length && strncasecmp(at, name, length) == 0)
                return error_set(
                    err, ERR_CONFIG,
                    "the path of the store, %s, has the folder \"%.*s\". Readers that glob files "
                    "below it are shown that in place of the column \"%s\". Rename the folder or "
                    "the column.",
                    url, (int)strcspn(at, "/"), at, name);
        }
    }
    return ERR_OK;
}

/* The first version's schema: configured, or inferred from the source. */
static int first_schema(struct run *r, struct schema *out, struct error *err)
{
    const struct config *config = r->d->config;
    int rc = config->column_count == 0 ? source_infer(r->source, out, err) : ERR_OK;
    if (rc != ERR_OK)
        return rc;
    struct growth growth = growth_of(config, out);
    add_configured(config, &growth);
    add_constants(config, &growth);
    out->track_revisions = config->revisions == CONFIG_REVISIONS_PUBLISH;
    out->for_tables = true;
    rc = set_key(config, out, err);
    if (rc == ERR_OK)
        rc = set_partition(config, out, err);
    if (rc == ERR_OK)
        rc = check_names(out, err);
    return rc;
}

static int contradiction(const char *what, const char *chain, const char *configured,
                         struct error *err)
{
    return error_set(err, ERR_CONFIG,
                     "%s: the published dataset has %s, the configuration says %s. What is "
                     "published cannot change; correct the file, or publish under another "
                     "`dataset` id.",
                     what, chain, configured);
}

static void key_text(const struct schema *s, struct str *out)
{
    for (size_t i = 0; i < s->key_count; i++)
        str_printf(out, "%s%s", i > 0 ? ", " : "", s->columns[s->key[i]].name);
}

static int compare_key(const struct config *config, const struct schema *chain, struct error *err)
{
    bool same = config->key.count == chain->key_count;
    for (size_t i = 0; same && i < chain->key_count; i++)
        same = strcmp(config->key.items[i], chain->columns[chain->key[i]].name) == 0;
    if (same)
        return ERR_OK;
    struct str published;
    struct str configured;
    str_init(&published, 500);
    str_init(&configured, 500);
    key_text(chain, &published);
    for (size_t i = 0; i < config->key.count; i++)
        str_printf(&configured, "%s%s", i > 0 ? ", " : "", config->key.items[i]);
    int rc = contradiction("`key`", published.data, configured.data, err);
    str_release(&published);
    str_release(&configured);
    return rc;
}

static int compare_partition(const struct config *config, const struct schema *chain,
                             struct error *err)
{
    enum partition_by by = partition_of(config);
    if (by != chain->partition_by)
        return contradiction("`partition`", partition_by_name(chain->partition_by),
                             partition_by_name(by), err);
    if (by == PARTITION_NONE)
        return ERR_OK;
    const char *column = chain->columns[chain->partition_column].name;
    if (strcmp(column, config->partition_column) != 0)
        return contradiction("`partition`", column, config->partition_column, err);
    return ERR_OK;
}

static int compare_type(const struct config_column *c, const struct schema_column *published,
                        struct error *err)
{
    if (type_equal(c->type, published->type) && c->nullable == published->nullable)
        return ERR_OK;
    char chain[TYPE_TEXT_SIZE], configured[TYPE_TEXT_SIZE];
    type_format(published->type, chain);
    type_format(c->type, configured);
    char *what = mem_printf("column \"%s\"", c->name);
    char *old = mem_printf("%s%s", chain, published->nullable ? ", nullable" : ", not nullable");
    char *now = mem_printf("%s%s", configured, c->nullable ? ", nullable" : ", not nullable");
    int rc = contradiction(what, old, now, err);
    free(what);
    free(old);
    free(now);
    return rc;
}

/* A configured column against the chain, where it is at `at`; a new one (SIZE_MAX) is appended. */
static int grow_column(const struct config_column *c, size_t at, struct growth *g,
                       struct error *err)
{
    if (at != SIZE_MAX)
        return compare_type(c, &g->schema->columns[at], err);
    if (!c->nullable)
        return error_set(err, ERR_CONFIG,
                         "column \"%s\" is new: it must be nullable, because the rows "
                         "published so far do not have it.",
                         c->name);
    append_column(g, c->name)->type = c->type;
    return ERR_OK;
}

/* Columns and constants of the configuration against the chain; new ones are appended to `s`. */
static int grow_columns(const struct config *config, const struct schema *chain, struct schema *s,
                        struct error *err)
{
    int rc = ERR_OK;
    struct growth growth = growth_of(config, s);
    struct name_index names;
    schema_names(chain, &names);
    for (size_t i = 0; i < config->column_count && rc == ERR_OK; i++) {
        const struct config_column *c = &config->columns[i];
        rc = grow_column(c, name_index_find(&names, c->name), &growth, err);
    }
    for (size_t i = 0; i < config->constant_count && rc == ERR_OK; i++)
        if (name_index_find(&names, config->constants[i].name) == SIZE_MAX) {
            struct schema_column *c = append_column(&growth, config->constants[i].name);
            c->type = (struct type){TYPE_TEXT, 0, 0};
            c->constant = true;
        }
    name_index_release(&names);
    return rc;
}

/* Every published column must still be fed; where none is listed, all of the source are. */
static int nothing_removed(const struct config *config, const struct schema *chain,
                           struct error *err)
{
    int rc = ERR_OK;
    bool listed = config->column_count > 0;
    struct name_index columns = {0};
    struct name_index constants = {0};
    if (listed)
        name_index_init(&columns, &config->columns->name, config->column_count,
                        sizeof *config->columns, false);
    if (config->constant_count > 0)
        name_index_init(&constants, &config->constants->name, config->constant_count,
                        sizeof *config->constants, false);
    for (size_t i = 0; i < chain->count && rc == ERR_OK; i++) {
        const struct schema_column *c = &chain->columns[i];
        bool named = name_index_find(c->constant ? &constants : &columns, c->name) != SIZE_MAX;
        if (!named && (c->constant || listed))
            rc = error_set(err, ERR_CONFIG,
                           "the published dataset has the column \"%s\", which the configuration "
                           "no longer names. Columns cannot be removed; put it back under %s.",
                           c->name, c->constant ? "`constants`" : "`columns`");
    }
    name_index_release(&columns);
    name_index_release(&constants);
    return rc;
}

static int chain_schema(struct run *r, struct schema *out, struct error *err)
{
    const struct config *config = r->d->config;
    const struct schema *chain = &r->base.manifest.schema;
    bool track = config->revisions == CONFIG_REVISIONS_PUBLISH;
    schema_copy(chain, out);
    int rc = compare_key(config, chain, err);
    if (rc == ERR_OK)
        rc = compare_partition(config, chain, err);
    if (rc == ERR_OK && track != chain->track_revisions)
        rc = contradiction("`revisions`", chain->track_revisions ? "publish" : "ignore",
                           track ? "publish" : "ignore", err);
    if (rc == ERR_OK)
        rc = nothing_removed(config, chain, err);
    if (rc == ERR_OK)
        rc = grow_columns(config, chain, out, err);
    if (rc == ERR_OK)
        rc = check_names(out, err);
    return rc;
}

/* What the transform would see today, where it is not what it is shown. */
static int compare_seen(struct run *r, struct error *err)
{
    struct schema_source today = {0};
    struct name_index names;
    int rc = r->frozen.count > 0 ? source_look(r->source, &today, err) : ERR_OK;
    schema_source_names(&r->frozen, &names);
    for (size_t i = 0; i < today.count && rc == ERR_OK; i++) {
        size_t at = name_index_find(&names, today.columns[i].name);
        const struct schema_source_column *c = at != SIZE_MAX ? &r->frozen.columns[at] : NULL;
        char now[TYPE_TEXT_SIZE], then[TYPE_TEXT_SIZE];
        if (c == NULL || type_equal(today.columns[i].type, c->type))
            continue;
        type_format(today.columns[i].type, now);
        type_format(c->type, then);
        run_warn(r,
                 "column \"%s\" of the source would be found as %s today; the transform sees it as "
                 "%s, as in the first run",
                 c->name, now, then);
    }
    name_index_release(&names);
    schema_source_release(&today);
    return rc;
}

/* In a plan: what would be found in the source now that differs from what is published? */
static int compare_found(struct run *r, const struct schema *chain, struct error *err)
{
    struct schema found = {0};
    if (!r->options->dry_run || r->d->config->column_count > 0)
        return ERR_OK;
    if (r->d->config->transform != NULL)
        return compare_seen(r, err);
    struct name_index names;
    int rc = source_infer(r->source, &found, err);
    schema_names(chain, &names);
    for (size_t i = 0; i < found.count && rc == ERR_OK; i++) {
        char now[TYPE_TEXT_SIZE], then[TYPE_TEXT_SIZE];
        size_t at = name_index_find(&names, found.columns[i].name);
        if (at == SIZE_MAX || type_equal(found.columns[i].type, chain->columns[at].type))
            continue;
        type_format(found.columns[i].type, now);
        type_format(chain->columns[at].type, then);
        run_warn(r,
                 "column \"%s\" would be found as %s today; it stays %s, as it was published first",
                 found.columns[i].name, now, then);
    }
    name_index_release(&names);
    schema_release(&found);
    return rc;
}

/* What the transform sees stays so, from the first version that is published with it. */
static void freeze_source(const struct run *r, struct schema *s)
{
    const struct schema_source *seen = source_seen(r->source);
    if (seen->count == 0)
        return;
    schema_source_release(&s->source);
    schema_source_copy(seen, &s->source);
}

int step_schema(struct run *r, struct error *err)
{
    struct schema schema = {0};
    bool first = r->base.pointer.current.sequence == 0;
    int rc = first ? first_schema(r, &schema, err) : chain_schema(r, &schema, err);
    if (rc == ERR_OK && !first)
        rc = compare_found(r, &schema, err);
    if (rc == ERR_OK)
        freeze_source(r, &schema);
    if (rc == ERR_OK)
        rc = check_path(&schema, r->d->store->url, err);
    if (rc != ERR_OK) {
        schema_release(&schema);
        return rc;
    }
    schema_release(&r->schema);
    r->schema = schema;
    return ERR_OK;
}
