#include "config/config_read.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "util/mem.h"
#include "util/str.h"

static bool names_field(const struct config_table *table, const char *name)
{
    for (size_t i = 0; i < table->count; i++) {
        if (strcmp(table->fields[i].name, name) == 0)
            return true;
    }
    return false;
}

/* Section outside of `table` that knows this key, NULL where none does or it is the file itself. */
static const char *section_of(const struct config_table *table, const char *name)
{
    const struct config_table *root = &config_table_root;
    for (size_t i = 0; i < root->count; i++) {
        const struct config_table *below = root->fields[i].below;
        if (below != NULL && below != table && names_field(below, name))
            return root->fields[i].name;
    }
    return NULL;
}

static void report_unknown(struct config_reader *r, const struct yaml_tree_node *node,
                           const struct config_table *table)
{
    const char *known[CONFIG_TABLE_MAX];
    size_t count = table->count < CONFIG_TABLE_MAX ? table->count : CONFIG_TABLE_MAX;
    for (size_t i = 0; i < count; i++)
        known[i] = table->fields[i].name;
    const char *in = table->name != NULL ? " in " : "";
    const char *name = table->name != NULL ? table->name : "";
    const char *section = section_of(table, node->key);
    const char *meant = str_closest(node->key, known, count);
    if (table != &config_table_root && names_field(&config_table_root, node->key))
        config_problem(r, node->key_at,
                       "The key \"%s\" is not known%s%s: it belongs at the top level of the file.",
                       node->key, in, name);
    else if (section != NULL && meant == NULL)
        config_problem(r, node->key_at, "The key \"%s\" is not known%s%s: it belongs to \"%s\".",
                       node->key, in, name, section);
    else if (meant != NULL)
        config_problem(r, node->key_at, "The key \"%.80s\" is not known%s%s; did you mean \"%s\"?",
                       node->key, in, name, meant);
    else
        config_problem(r, node->key_at, "The key \"%.80s\" is not known%s%s.", node->key, in, name);
}

void config_read_map(struct config_reader *r, const struct yaml_tree_node *node,
                     const struct config_table *table, void *out,
                     const struct yaml_tree_node **seen)
{
    const struct yaml_tree_node *first[CONFIG_TABLE_MAX] = {0};
    for (size_t i = 0; seen != NULL && i < table->count; i++)
        seen[i] = NULL;
    if (node->kind != YAML_TREE_MAP) {
        if (node->parent == NULL)
            config_problem(r, node->at, "The file must be a mapping, lines of \"key: value\".");
        else
            config_problem_value(r, node, "must be a mapping, lines of \"key: value\".");
        return;
    }
    for (const struct yaml_tree_node *n = node->first; n != NULL; n = n->next) {
        size_t i = 0;
        while (i < table->count && strcmp(table->fields[i].name, n->key) != 0)
            i++;
        if (i == table->count || i >= CONFIG_TABLE_MAX) {
            report_unknown(r, n, table);
        } else if (first[i] != NULL) {
            config_problem(r, n->key_at, "The key \"%s\" appears twice: first in line %u.", n->key,
                           first[i]->key_at.line);
        } else {
            first[i] = n;
            if (seen != NULL)
                seen[i] = n;
            const struct config_field *field = &table->fields[i];
            if (config_usable(r, n))
                field->read(r, n, field, (char *)out + field->offset);
        }
    }
}

const struct yaml_tree_node *config_seen(const struct config_table *table,
                                         const struct yaml_tree_node *const *seen, const char *name)
{
    for (size_t i = 0; i < table->count; i++) {
        if (strcmp(table->fields[i].name, name) == 0)
            return seen[i];
    }
    return NULL;
}

bool config_usable(struct config_reader *r, const struct yaml_tree_node *node)
{
    if (node->broken)
        return false;
    if (!yaml_tree_is_null(node))
        return true;
    config_problem_value(r, node,
                         "has no value; where the text \"null\" or \"~\" or an empty text is "
                         "meant, put quotes around it.");
    return false;
}

bool config_usable_text(struct config_reader *r, const struct yaml_tree_node *node)
{
    char shown[CONFIG_SHOWN_SIZE];
    if (!config_usable(r, node))
        return false;
    if (node->kind != YAML_TREE_TEXT) {
        config_problem_value(r, node, "must be a text, not %s.", config_shown(node, shown));
        return false;
    }
    if (node->text[0] == '\0') {
        config_problem_value(r, node, "must not be empty.");
        return false;
    }
    return true;
}

const struct yaml_tree_node *config_items(const struct yaml_tree_node *node)
{
    return node->kind == YAML_TREE_LIST ? node->first : node;
}

const struct yaml_tree_node *config_items_next(const struct yaml_tree_node *node,
                                               const struct yaml_tree_node *item)
{
    return node->kind == YAML_TREE_LIST ? item->next : NULL;
}

void config_set_text(char **target, const char *text)
{
    free(*target);
    *target = mem_strdup(text);
}

void config_list_add(struct config_list *list, const char *text)
{
    list->items = mem_resize(list->items, list->count + 1, sizeof *list->items);
    list->items[list->count++] = mem_strdup(text);
}

void config_list_release(struct config_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->items[i]);
    free(list->items);
    *list = (struct config_list){0};
}

void config_read_text(struct config_reader *r, const struct yaml_tree_node *node,
                      const struct config_field *field, void *target)
{
    (void)field;
    char **text = target;
    if (config_usable_text(r, node))
        config_set_text(text, node->text);
}

void config_read_path(struct config_reader *r, const struct yaml_tree_node *node,
                      const struct config_field *field, void *target)
{
    (void)field;
    char **path = target;
    if (!config_usable_text(r, node))
        return;
    if (strcmp(node->text, "~") == 0 || str_starts(node->text, "~/")) {
        config_problem_value(r, node, "begins with \"~\", which is not expanded: write ${HOME}.");
        return;
    }
    free(*path);
    *path = config_resolve(r->folder, node->text);
}

void config_read_bool(struct config_reader *r, const struct yaml_tree_node *node,
                      const struct config_field *field, void *target)
{
    (void)field;
    static const char *const yes[] = {"yes", "on", "1", "y", "true"};
    static const char *const no[] = {"no", "off", "0", "n", "false"};
    char shown[CONFIG_SHOWN_SIZE];
    bool *value = target;
    const char *meant = NULL;
    if (node->kind == YAML_TREE_TEXT && strcmp(node->text, "true") == 0) {
        *value = true;
        return;
    }
    if (node->kind == YAML_TREE_TEXT && strcmp(node->text, "false") == 0) {
        *value = false;
        return;
    }
    for (size_t i = 0; node->kind == YAML_TREE_TEXT && i < sizeof yes / sizeof yes[0]; i++) {
        if (strcasecmp(node->text, yes[i]) == 0)
            meant = "true";
        if (strcasecmp(node->text, no[i]) == 0)
            meant = "false";
    }
    config_problem_value(r, node, "must be true or false, not %s%s%s%s", config_shown(node, shown),
                         meant != NULL ? "; did you mean " : "", meant != NULL ? meant : "",
                         meant != NULL ? "?" : ".");
}

void config_read_choice(struct config_reader *r, const struct yaml_tree_node *node,
                        const struct config_field *field, void *target)
{
    _Static_assert(sizeof(enum file_format) == sizeof(unsigned), "enums are stored as unsigned");
    const struct config_choices *choices = field->arg;
    char shown[CONFIG_SHOWN_SIZE];
    unsigned *value = target;
    for (size_t i = 0; node->kind == YAML_TREE_TEXT && i < choices->count; i++) {
        if (strcmp(choices->names[i], node->text) == 0) {
            *value = choices->first + (unsigned)i;
            return;
        }
    }
    struct str list;
    str_init(&list, 512);
    str_append_choices(&list, choices->names, choices->count);
    const char *meant = node->kind == YAML_TREE_TEXT
                            ? str_closest(node->text, choices->names, choices->count)
                            : NULL;
    config_problem_value(r, node, "must be %s, not %s%s%s%s", list.data, config_shown(node, shown),
                         meant != NULL ? "; did you mean \"" : "", meant != NULL ? meant : "",
                         meant != NULL ? "\"?" : ".");
    str_release(&list);
}

/* A whole number within the field's range. */
static bool read_in_range(struct config_reader *r, const struct yaml_tree_node *node,
                          const struct config_field *field, uint64_t *out)
{
    const struct config_range *range = field->arg;
    char shown[CONFIG_SHOWN_SIZE];
    uint64_t value;
    if (node->kind != YAML_TREE_TEXT || !config_parse_number(node->text, &value) ||
        value < range->least || value > range->most) {
        config_problem_value(r, node,
                             "must be a whole number from %" PRIu64 " to %" PRIu64 ", not %s.",
                             range->least, range->most, config_shown(node, shown));
        return false;
    }
    *out = value;
    return true;
}

void config_read_number(struct config_reader *r, const struct yaml_tree_node *node,
                        const struct config_field *field, void *target)
{
    uint64_t *value = target;
    read_in_range(r, node, field, value);
}

void config_read_unsigned(struct config_reader *r, const struct yaml_tree_node *node,
                          const struct config_field *field, void *target)
{
    unsigned *value = target;
    uint64_t number;
    if (read_in_range(r, node, field, &number))
        *value = (unsigned)number;
}

void config_read_seconds(struct config_reader *r, const struct yaml_tree_node *node,
                         const struct config_field *field, void *target)
{
    int64_t *value = target;
    uint64_t number;
    if (read_in_range(r, node, field, &number))
        *value = (int64_t)number;
}

void config_read_duration(struct config_reader *r, const struct yaml_tree_node *node,
                          const struct config_field *field, void *target)
{
    const struct config_range *range = field->arg;
    char shown[CONFIG_SHOWN_SIZE];
    char least[32];
    char most[32];
    int64_t *value = target;
    int64_t seconds;
    if (node->kind != YAML_TREE_TEXT || !config_parse_duration(node->text, &seconds)) {
        config_problem_value(r, node,
                             "must be a number and one of the units s, m, h, d, w, as in 6h, "
                             "not %s.",
                             config_shown(node, shown));
        return;
    }
    if ((uint64_t)seconds < range->least || (uint64_t)seconds > range->most) {
        config_format_duration((int64_t)range->least, least);
        config_format_duration((int64_t)range->most, most);
        config_problem_value(r, node, "must be between %s and %s, not %s.", least, most,
                             config_shown(node, shown));
        return;
    }
    *value = seconds;
}

void config_read_char(struct config_reader *r, const struct yaml_tree_node *node,
                      const struct config_field *field, void *target)
{
    (void)field;
    char shown[CONFIG_SHOWN_SIZE];
    char *value = target;
    unsigned char c = node->kind == YAML_TREE_TEXT ? (unsigned char)node->text[0] : 0;
    if (node->kind != YAML_TREE_TEXT || (c != 0 && node->text[1] != '\0') || c > 0x7e ||
        c == '\n' || c == '\r') {
        config_problem_value(r, node, "must be one ASCII character, or '' for none, not %s.",
                             config_shown(node, shown));
        return;
    }
    *value = (char)c;
}

/* Texts of a list; `named`: none may be empty, and there must be one. */
static void read_list(struct config_reader *r, const struct yaml_tree_node *node,
                      struct config_list *list, bool named)
{
    if (node->kind == YAML_TREE_MAP) {
        config_problem_value(r, node, "must be a list of texts, not a mapping.");
        return;
    }
    if (named && node->kind == YAML_TREE_LIST && node->count == 0) {
        config_problem_value(r, node, "must not be an empty list.");
        return;
    }
    struct config_list found = {0};
    size_t capacity = 0;
    for (const struct yaml_tree_node *n = config_items(node); n != NULL;
         n = config_items_next(node, n)) {
        if (named || n->kind != YAML_TREE_TEXT ? !config_usable_text(r, n) : !config_usable(r, n))
            continue;
        found.items = mem_grow(found.items, found.count, &capacity, sizeof *found.items);
        found.items[found.count++] = mem_strdup(n->text);
    }
    config_list_release(list);
    *list = found;
}

void config_read_list(struct config_reader *r, const struct yaml_tree_node *node,
                      const struct config_field *field, void *target)
{
    (void)field;
    struct config_list *list = target;
    read_list(r, node, list, false);
}

void config_read_names(struct config_reader *r, const struct yaml_tree_node *node,
                       const struct config_field *field, void *target)
{
    (void)field;
    struct config_list *list = target;
    read_list(r, node, list, true);
}
