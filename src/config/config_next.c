/* source.next: how a source in pages goes on. */
#include <stdlib.h>
#include <string.h>

#include "config/config_read.h"
#include "util/mem.h"

#define PAGES_DEFAULT 1000

static const struct config_range count_range = {0, 1000000000};
static const struct config_range step_range = {1, 1000000};
static const struct config_range pages_range = {1, 100000};

#define AT(member) offsetof(struct config_next, member)

static const struct config_field fields[] = {
    {"field", config_read_text, AT(field), NULL, NULL, false},
    {"parameter", config_read_text, AT(parameter), NULL, NULL, false},
    {"first", config_read_number, AT(first), &count_range, NULL, false},
    {"step", config_read_number, AT(step), &step_range, NULL, false},
    {"max_pages", config_read_number, AT(max_pages), &pages_range, NULL, false},
};

const struct config_table config_table_next = {"next", fields, sizeof fields / sizeof fields[0]};

/* Settings of counting need a parameter that counts. */
static void check_counting(struct config_reader *r, const struct config_next *next,
                           const struct yaml_tree_node *const *seen)
{
    static const char *const counting[] = {"first", "step"};
    for (size_t i = 0; i < 2 && next->kind != CONFIG_NEXT_COUNT; i++) {
        const struct yaml_tree_node *n = config_seen(&config_table_next, seen, counting[i]);
        if (n != NULL)
            config_problem_value(r, n,
                                 "is only for pages that are counted, by \"parameter\" alone.");
    }
}

void config_read_next(struct config_reader *r, const struct yaml_tree_node *node,
                      const struct config_field *field, void *target)
{
    (void)field;
    struct config_next *next = target;
    const struct yaml_tree_node *seen[CONFIG_TABLE_MAX];
    char shown[CONFIG_SHOWN_SIZE];
    *next = (struct config_next){.first = 1, .step = 1, .max_pages = PAGES_DEFAULT};
    if (node->kind == YAML_TREE_TEXT) {
        next->kind = CONFIG_NEXT_LINK;
        if (strcmp(node->text, "link") != 0)
            config_problem_value(r, node,
                                 "must be link, or a mapping with \"field\" or "
                                 "\"parameter\", not %s.",
                                 config_shown(node, shown));
        return;
    }
    config_read_map(r, node, &config_table_next, next, seen);
    next->kind = next->field != NULL       ? CONFIG_NEXT_FIELD
                 : next->parameter != NULL ? CONFIG_NEXT_COUNT
                                           : CONFIG_NEXT_LINK;
    if (node->kind == YAML_TREE_MAP)
        check_counting(r, next, seen);
}

void config_next_release(struct config_next *next)
{
    free(next->field);
    free(next->parameter);
    *next = (struct config_next){0};
}
