#include <string.h>

#include "config/config_read.h"
#include "util/mem.h"

/* What may follow "%" in a format: the pieces that value/format.c knows. */
static const char specifiers[] = "aAbBcdDfFgGHIjmMnpQRsSTuVwxXyYzZ%";
static const char after_minus[] = "dmyHIMSj";

/* The first wrong specifier, cut to three bytes in `wrong`; false where all are right. */
static bool find_wrong(const char *format, char wrong[4])
{
    for (const char *p = format; *p != '\0'; p++) {
        if (*p != '%')
            continue;
        bool minus = p[1] == '-';
        char letter = p[minus ? 2 : 1];
        if (letter == '\0' || strchr(minus ? after_minus : specifiers, letter) == NULL) {
            size_t n = 1 + (minus ? 1U : 0U) + (letter > ' ' && letter < 0x7f ? 1U : 0U);
            memcpy(wrong, p, n);
            wrong[n] = '\0';
            return true;
        }
        p += minus ? 2 : 1;
    }
    return false;
}

void config_read_formats(struct config_reader *r, const struct yaml_tree_node *node,
                         const struct config_field *field, void *target)
{
    char shown[CONFIG_SHOWN_SIZE];
    char wrong[4];
    config_read_names(r, node, field, target);
    if (node->kind == YAML_TREE_MAP)
        return;
    for (const struct yaml_tree_node *n = config_items(node); n != NULL;
         n = config_items_next(node, n)) {
        if (n->broken || n->kind != YAML_TREE_TEXT || n->text[0] == '\0')
            continue;
        if (find_wrong(n->text, wrong))
            config_problem_value(r, n, "holds \"%s\", which is no part of a format: %s.", wrong,
                                 config_shown(n, shown));
        else if (strchr(n->text, '%') == NULL && !yaml_tree_is_null(n))
            config_problem_value(r, n, "must be a format such as \"%%d.%%m.%%Y\", not %s.",
                                 config_shown(n, shown));
    }
}
