#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "config/config_read.h"
#include "util/mem.h"

#define CONSTANTS_MAX 100

static void read_type(struct config_reader *r, const struct yaml_tree_node *node,
                      const struct config_field *field, void *target);

#define AT(member) offsetof(struct config_column, member)

static const struct config_field column_fields[] = {
    {"name", config_read_column_name, AT(name), NULL, NULL, false},
    {"type", read_type, AT(type), NULL, NULL, false},
    {"from", config_read_names, AT(from), NULL, NULL, false},
    {"nullable", config_read_bool, AT(nullable), NULL, NULL, false},
    {"formats", config_read_names, AT(formats), NULL, NULL, false},
    {"optional", config_read_bool, AT(optional), NULL, NULL, false},
    {"nulls", config_read_list, AT(nulls), NULL, NULL, false},
    {"trim", config_read_bool, AT(trim), NULL, NULL, false},
    {"percent", config_read_bool, AT(percent), NULL, NULL, false},
    {"time_zone", config_read_time_zone, AT(time_zone), NULL, NULL, false},
};
#define COLUMN_FIELDS (sizeof column_fields / sizeof column_fields[0])

const struct config_table config_table_column = {"a column", column_fields, COLUMN_FIELDS};

struct partition {
    char *column;
    enum config_by by;
};

static const char *const bys[] = {"year", "month", "day", "none"};
/* "none" comes last in messages; its value is corrected after reading. */
static const struct config_choices by_choices = {bys, 4, CONFIG_BY_YEAR};
#define BY_NONE_READ ((enum config_by)(CONFIG_BY_DAY + 1))

static const struct config_field partition_fields[] = {
    {"column", config_read_column_name, offsetof(struct partition, column), NULL, NULL, false},
    {"by", config_read_choice, offsetof(struct partition, by), &by_choices, NULL, false},
};
#define PARTITION_FIELDS (sizeof partition_fields / sizeof partition_fields[0])

const struct config_table config_table_partition = {"partition", partition_fields,
                                                    PARTITION_FIELDS};

const char *config_name_fault(const char *name)
{
    if (name[0] == '\0')
        return "must not be empty.";
    if (strlen(name) > CONFIG_COLUMN_NAME_MAX)
        return "is too long: a column's name has at most 128 bytes.";
    if (strcasecmp(name, "_version") == 0 || strcasecmp(name, "_ingested_at") == 0)
        return "is reserved: every published row has columns _version and _ingested_at of its own.";
    for (const unsigned char *p = (const unsigned char *)name; *p != '\0'; p++) {
        if (*p < 0x20 || *p == 0x7f || (*p == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0))
            return "must not hold control characters.";
    }
    return NULL;
}

void config_read_column_name(struct config_reader *r, const struct yaml_tree_node *node,
                             const struct config_field *field, void *target)
{
    if (!config_usable_text(r, node))
        return;
    const char *fault = config_name_fault(node->text);
    if (fault != NULL)
        config_problem_value(r, node, "%s", fault);
    else
        config_read_text(r, node, field, target);
}

static void read_type(struct config_reader *r, const struct yaml_tree_node *node,
                      const struct config_field *field, void *target)
{
    (void)field;
    struct type *type = target;
    struct error err = ERROR_INIT;
    struct type other;
    if (!config_usable_text(r, node) || type_parse(node->text, type, &err) == ERR_OK)
        return;
    if (strchr(node->text, '(') != NULL && strchr(node->text, ')') == NULL) {
        config_problem_value(r, node,
                             "ends at its comma: between { and } put quotes around it, as in "
                             "\"decimal(18,2)\".");
        return;
    }
    /* The error quotes what it was given: that must not be a secret. */
    if (node->shown != NULL && type_parse(node->shown, &other, &err) == ERR_OK)
        error_set(&err, ERR_CONFIG, "it is not a type.");
    config_problem_value(r, node, "is wrong: %s", err.text);
}

static void check_column(struct config_reader *r, const struct config_column *column,
                         const struct yaml_tree_node *node,
                         const struct yaml_tree_node *const *seen)
{
    const struct yaml_tree_node *formats = config_seen(&config_table_column, seen, "formats");
    bool time = type_is_day(column->type) || column->type.kind == TYPE_TIME;
    if (config_seen(&config_table_column, seen, "name") == NULL)
        config_problem_value(r, node, "needs a \"name\".");
    if (config_seen(&config_table_column, seen, "type") == NULL)
        config_problem_value(r, node, "needs a \"type\".");
    if (time)
        config_check_formats(r, formats, column->type.kind);
    else if (formats != NULL && column->type.kind != TYPE_NONE)
        config_problem_value(r, formats,
                             "has no effect: formats are for date, time and timestamp, and this "
                             "column is %s.",
                             type_name(column->type.kind));
}

void config_read_columns(struct config_reader *r, const struct yaml_tree_node *node,
                         const struct config_field *field, void *target)
{
    (void)field;
    struct config *config = target;
    const struct yaml_tree_node *seen[CONFIG_TABLE_MAX];
    if (node->kind != YAML_TREE_LIST || node->count == 0) {
        config_problem_value(r, node,
                             "must be a list of columns, each with \"name\" and \"type\"; leave it "
                             "out to have the columns found at the first run.");
        return;
    }
    if (node->count > CONFIG_COLUMNS_MAX) {
        config_problem_value(r, node, "has %zu columns; at most %d are possible.", node->count,
                             CONFIG_COLUMNS_MAX);
        return;
    }
    /* One for each item, also for a wrong one: so the n-th column is that of the n-th item. */
    config->columns = mem_calloc(node->count, sizeof *config->columns);
    config->column_count = node->count;
    for (const struct yaml_tree_node *n = node->first; n != NULL; n = n->next) {
        struct config_column *column = &config->columns[n->index];
        column->nullable = true;
        if (n->kind != YAML_TREE_MAP) {
            config_problem_value(r, n,
                                 "must be a mapping with \"name\" and \"type\", as in "
                                 "{name: day, type: date}.");
            continue;
        }
        config_read_map(r, n, &config_table_column, column, seen);
        column->nulls_set = config_seen(&config_table_column, seen, "nulls") != NULL;
        column->trim_set = config_seen(&config_table_column, seen, "trim") != NULL;
        column->percent_set = config_seen(&config_table_column, seen, "percent") != NULL;
        check_column(r, column, n, seen);
    }
}

void config_columns_release(struct config *config)
{
    for (size_t i = 0; i < config->column_count; i++) {
        free(config->columns[i].name);
        config_list_release(&config->columns[i].from);
        config_list_release(&config->columns[i].formats);
        config_list_release(&config->columns[i].nulls);
        free(config->columns[i].time_zone);
    }
    free(config->columns);
    for (size_t i = 0; i < config->constant_count; i++) {
        free(config->constants[i].name);
        free(config->constants[i].value);
    }
    free(config->constants);
    config->columns = NULL;
    config->constants = NULL;
    config->column_count = 0;
    config->constant_count = 0;
}

void config_read_partition(struct config_reader *r, const struct yaml_tree_node *node,
                           const struct config_field *field, void *target)
{
    (void)field;
    struct config *config = target;
    struct partition p = {NULL, CONFIG_BY_NONE};
    const struct yaml_tree_node *seen[CONFIG_TABLE_MAX];
    config_read_map(r, node, &config_table_partition, &p, seen);
    if (node->kind != YAML_TREE_MAP)
        return;
    const struct yaml_tree_node *column = config_seen(&config_table_partition, seen, "column");
    const struct yaml_tree_node *by = config_seen(&config_table_partition, seen, "by");
    if (column == NULL && p.by != BY_NONE_READ)
        config_problem_value(r, node, "needs a \"column\": a date or a timestamp.");
    if (by == NULL)
        p.by = CONFIG_BY_MONTH;
    if (p.by == BY_NONE_READ || p.column == NULL) {
        free(p.column);
        return;
    }
    config->partition_column = p.column;
    config->partition_by = p.by;
}

void config_read_constants(struct config_reader *r, const struct yaml_tree_node *node,
                           const struct config_field *field, void *target)
{
    (void)field;
    struct config *config = target;
    size_t capacity = 0;
    if (node->kind != YAML_TREE_MAP) {
        config_problem_value(r, node, "must be a mapping of column names to texts.");
        return;
    }
    if (node->count > CONSTANTS_MAX) {
        config_problem_value(r, node, "must not hold more than %d columns.", CONSTANTS_MAX);
        return;
    }
    for (const struct yaml_tree_node *n = node->first; n != NULL; n = n->next) {
        const char *fault = config_name_fault(n->key);
        if (fault != NULL) {
            config_problem(r, n->key_at, "The name \"%.80s\" %s", n->key, fault);
        } else if (n->kind != YAML_TREE_TEXT) {
            config_problem_value(r, n, "must be a text.");
        } else if (config_usable(r, n)) {
            config->constants = mem_grow(config->constants, config->constant_count, &capacity,
                                         sizeof *config->constants);
            config->constants[config->constant_count++] =
                (struct config_constant){mem_strdup(n->key), mem_strdup(n->text)};
        }
    }
}
