#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "config/config_read.h"
#include "util/mem.h"
#include "util/name_index.h"
#include "util/str.h"

/* What the checks below use. */
struct checks {
    struct config_reader *r;
    struct config *config;
    const struct yaml_tree_node *columns, *key, *partition, *sort, *constants;
    bool known; /* the names of all columns of the dataset are known */
};

/* SQL does not distinguish "Day" from "day", so neither may a dataset. */
static bool same_name(const char *a, const char *b)
{
    return strcasecmp(a, b) == 0;
}

static const struct config_column *find_column(const struct config *config, const char *name)
{
    for (size_t i = 0; i < config->column_count; i++) {
        if (config->columns[i].name != NULL && strcmp(config->columns[i].name, name) == 0)
            return &config->columns[i];
    }
    return NULL;
}

/* Comparing with more columns than this costs more time than a hint is worth. */
#define HINT_COLUMNS_MAX 512

/* The column that `name` was probably meant to be, NULL where none is near. */
static const char *closest_column(const struct config *config, const char *name)
{
    const char **names = mem_calloc(config->column_count, sizeof *names);
    const char *found = NULL;
    size_t count = 0;
    for (size_t i = 0; i < config->column_count; i++) {
        if (config->columns[i].name == NULL)
            continue;
        names[count++] = config->columns[i].name;
        if (found == NULL && same_name(config->columns[i].name, name))
            found = config->columns[i].name;
    }
    if (found == NULL && count <= HINT_COLUMNS_MAX)
        found = str_closest(name, names, count);
    free(names);
    return found;
}

/* A name that must be one of the columns, where these are known. */
static void check_known(const struct checks *c, const struct yaml_tree_node *node)
{
    char shown[CONFIG_SHOWN_SIZE];
    if (!c->known || find_column(c->config, node->text) != NULL)
        return;
    const char *meant = closest_column(c->config, node->text);
    config_problem_value(c->r, node, "names no column: %s is not in \"columns\"%s%s%s",
                         config_shown(node, shown), meant != NULL ? "; did you mean \"" : "",
                         meant != NULL ? meant : "", meant != NULL ? "\"?" : ".");
}

static bool is_text(const struct yaml_tree_node *node)
{
    return node->kind == YAML_TREE_TEXT && !node->broken && node->text[0] != '\0' &&
           !yaml_tree_is_null(node);
}

/* Names of columns in a list: valid, once each, and known. */
static void check_list(const struct checks *c, const struct yaml_tree_node *list)
{
    char shown[CONFIG_SHOWN_SIZE];
    if (list == NULL || list->kind == YAML_TREE_MAP)
        return;
    if (list->count > CONFIG_COLUMNS_MAX) {
        config_problem_value(c->r, list, "is too long.");
        return;
    }
    for (const struct yaml_tree_node *n = config_items(list); n != NULL;
         n = config_items_next(list, n)) {
        if (!is_text(n))
            continue;
        const struct yaml_tree_node *m = config_items(list);
        while (m != n && !(is_text(m) && same_name(m->text, n->text)))
            m = config_items_next(list, m);
        const char *fault = config_name_fault(n->text);
        if (fault != NULL)
            config_problem_value(c->r, n, "%s", fault);
        else if (m != n)
            config_problem_value(c->r, n, "appears twice: %s.", config_shown(n, shown));
        else
            check_known(c, n);
    }
}

static const struct yaml_tree_node *child(const struct yaml_tree_node *map, const char *key)
{
    for (const struct yaml_tree_node *n = map != NULL ? map->first : NULL; n != NULL; n = n->next) {
        if (n->key != NULL && strcmp(n->key, key) == 0)
            return n;
    }
    return NULL;
}

static void check_column_names(const struct checks *c)
{
    const struct config *config = c->config;
    const struct yaml_tree_node *node = c->columns != NULL ? c->columns->first : NULL;
    struct name_index names;
    name_index_init(&names, config->columns, config->column_count, sizeof *config->columns, true);
    for (; node != NULL && node->index < config->column_count; node = node->next) {
        const char *name = config->columns[node->index].name;
        size_t first = name != NULL ? name_index_find(&names, name) : node->index;
        if (first < node->index)
            config_problem_value(c->r, child(node, "name"),
                                 "is the name of columns[%zu], too: \"%s\" (upper and lower case "
                                 "are the same).",
                                 first, config->columns[first].name);
    }
    name_index_release(&names);
}

/* Neither a column nor a part of the key, and every name once. */
static void check_constants(const struct checks *c)
{
    if (c->constants == NULL || c->constants->kind != YAML_TREE_MAP)
        return;
    const struct config *config = c->config;
    for (const struct yaml_tree_node *n = c->constants->first; n != NULL; n = n->next) {
        bool clash = false;
        for (const struct yaml_tree_node *m = c->constants->first; m != n; m = m->next)
            clash = clash || same_name(m->key, n->key);
        if (clash) {
            config_problem(c->r, n->key_at, "The constant \"%.80s\" appears twice.", n->key);
            continue;
        }
        for (size_t i = 0; i < config->column_count; i++)
            clash = clash ||
                    (config->columns[i].name != NULL && same_name(config->columns[i].name, n->key));
        for (size_t i = 0; i < config->key.count; i++)
            clash = clash || same_name(config->key.items[i], n->key);
        if (config->partition_column != NULL)
            clash = clash || same_name(config->partition_column, n->key);
        if (clash)
            config_problem(c->r, n->key_at,
                           "The constant \"%.80s\" has the name of a column of the source.",
                           n->key);
    }
}

static void check_partition(const struct checks *c)
{
    const struct yaml_tree_node *node = child(c->partition, "column");
    char type[TYPE_TEXT_SIZE];
    if (node == NULL || c->config->partition_column == NULL)
        return;
    check_known(c, node);
    const struct config_column *column = find_column(c->config, node->text);
    if (!c->known || column == NULL || column->type.kind == TYPE_NONE || type_is_day(column->type))
        return;
    type_format(column->type, type);
    config_problem_value(c->r, node, "must be a date or a timestamp; the column \"%s\" is %s.",
                         column->name, type);
}

static bool all_named(const struct config *config)
{
    for (size_t i = 0; i < config->column_count; i++) {
        if (config->columns[i].name == NULL)
            return false;
    }
    return config->column_count > 0;
}

/* NULL identifies nothing, unless the file says that it does. */
static void fill_columns(struct config *config, const struct yaml_tree_node *columns)
{
    const struct yaml_tree_node *node = columns != NULL ? columns->first : NULL;
    for (; node != NULL && node->index < config->column_count; node = node->next) {
        struct config_column *column = &config->columns[node->index];
        if (column->name == NULL)
            continue;
        if (column->from.count == 0)
            config_list_add(&column->from, column->name);
        for (size_t k = 0; k < config->key.count; k++) {
            if (strcmp(config->key.items[k], column->name) == 0 && child(node, "nullable") == NULL)
                column->nullable = false;
        }
    }
}

void config_columns_finish(struct config_reader *r, struct config *config,
                           const struct yaml_tree_node *const *seen)
{
    const struct config_table *root = &config_table_root;
    struct checks c = {
        .r = r,
        .config = config,
        .columns = config_seen(root, seen, "columns"),
        .key = config_seen(root, seen, "key"),
        .partition = config_seen(root, seen, "partition"),
        .sort = config_seen(root, seen, "sort"),
        .constants = config_seen(root, seen, "constants"),
        /* A transform makes columns of its own. */
        .known = all_named(config) && config_seen(root, seen, "transform") == NULL &&
                 config_seen(root, seen, "transform_file") == NULL,
    };
    check_column_names(&c);
    check_list(&c, c.key);
    check_list(&c, c.sort);
    check_partition(&c);
    check_constants(&c);
    fill_columns(config, c.columns);
    if (c.sort != NULL)
        return;
    for (size_t i = 0; i < config->key.count; i++)
        config_list_add(&config->sort, config->key.items[i]);
}
