/*
 * How dates and times are written: checked by what reads them, so that no run finds a mistake
 * later.
 */
#include <string.h>

#include "config/config_read.h"
#include "value/format.h"
#include "value/zone.h"

static void check_format(struct config_reader *r, const struct yaml_tree_node *node,
                         enum type_kind kind)
{
    char shown[CONFIG_SHOWN_SIZE];
    struct format *format = NULL;
    struct error err = ERROR_INIT;
    if (strchr(node->text, '%') == NULL) {
        config_problem_value(r, node, "must be a format such as \"%%d.%%m.%%Y\", not %s.",
                             config_shown(node, shown));
        return;
    }
    if (format_parse(node->text, kind, FORMAT_PIVOT, &format, &err) != ERR_OK) {
        /* The error quotes what it was given: that must not be a secret. */
        bool secret = node->shown != NULL;
        config_problem_value(r, node, "is wrong: %s", secret ? "it is not a format." : err.text);
    }
    format_free(format);
}

void config_check_formats(struct config_reader *r, const struct yaml_tree_node *node,
                          enum type_kind kind)
{
    if (node == NULL || node->kind == YAML_TREE_MAP)
        return;
    for (const struct yaml_tree_node *n = config_items(node); n != NULL;
         n = config_items_next(node, n))
        if (!n->broken && n->kind == YAML_TREE_TEXT && n->text[0] != '\0' && !yaml_tree_is_null(n))
            check_format(r, n, kind);
}

void config_read_time_zone(struct config_reader *r, const struct yaml_tree_node *node,
                           const struct config_field *field, void *target)
{
    char shown[CONFIG_SHOWN_SIZE];
    struct zone *zone = NULL;
    if (!config_usable_text(r, node))
        return;
    config_read_text(r, node, field, target);
    /* Without the zones of the system there is nothing to compare with; a run will say so. */
    if (zone_open(node->text, &zone, NULL) != ERR_OK && zone_are_here())
        config_problem_value(r, node,
                             "is not a time zone known to this system: %s. Write an IANA name such "
                             "as \"Europe/Madrid\".",
                             config_shown(node, shown));
    zone_free(zone);
}
