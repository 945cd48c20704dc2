#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/config_read.h"
#include "util/mem.h"
#include "util/utf8.h"
#include "util/visible.h"

#define MESSAGE_MAX ((size_t)1024)

void config_problems_init(struct config_problems *problems)
{
    *problems = (struct config_problems){0};
}

void config_problems_release(struct config_problems *problems)
{
    for (size_t i = 0; i < problems->count; i++) {
        free(problems->items[i].file);
        free(problems->items[i].message);
    }
    free(problems->items);
    config_problems_init(problems);
}

void config_problems_format(const struct config_problems *problems, struct str *out)
{
    for (size_t i = 0; i < problems->count; i++) {
        const struct config_problem *p = &problems->items[i];
        visible_append(out, p->file, strlen(p->file), VISIBLE_LINE);
        str_printf(out, ":%u:%u: %s\n", p->line, p->column, p->message);
    }
    if (problems->dropped > 0)
        str_printf(out, "%s: and %zu more.\n", problems->items[0].file, problems->dropped);
}

void config_problems_add(struct config_problems *problems, const char *file, unsigned line,
                         unsigned column, const char *message)
{
    if (problems->count >= CONFIG_PROBLEMS_MAX) {
        problems->dropped++;
        return;
    }
    problems->items =
        mem_grow(problems->items, problems->count, &problems->capacity, sizeof *problems->items);
    struct config_problem *p = &problems->items[problems->count++];
    /* A message quotes the file, and no terminal should obey what is written there. */
    *p = (struct config_problem){mem_strdup(file), line, column, visible_new(message)};
}

/* Insertion sort: a hundred at most, nearly in order, and it keeps equal places as they are. */
void config_problems_sort(struct config_problems *problems)
{
    struct config_problem *items = problems->items;
    for (size_t i = 1; i < problems->count; i++) {
        struct config_problem moving = items[i];
        size_t j = i;
        for (; j > 0 && (items[j - 1].line > moving.line ||
                         (items[j - 1].line == moving.line && items[j - 1].column > moving.column));
             j--)
            items[j] = items[j - 1];
        items[j] = moving;
    }
}

void config_problem(struct config_reader *r, struct yaml_tree_mark at, const char *format, ...)
{
    struct str text;
    str_init(&text, MESSAGE_MAX);
    va_list args;
    va_start(args, format);
    str_vprintf(&text, format, args);
    va_end(args);
    config_problems_add(r->problems, r->path, at.line, at.column,
                        text.full ? "This value is wrong." : text.data);
    str_release(&text);
}

void config_problem_value(struct config_reader *r, const struct yaml_tree_node *node,
                          const char *format, ...)
{
    struct str text;
    str_init(&text, MESSAGE_MAX);
    str_append_char(&text, '"');
    yaml_tree_path(node, &text);
    str_append(&text, "\" ");
    va_list args;
    va_start(args, format);
    str_vprintf(&text, format, args);
    va_end(args);
    config_problems_add(r->problems, r->path, node->at.line, node->at.column,
                        text.full ? "This value is wrong." : text.data);
    str_release(&text);
}

const char *config_shown(const struct yaml_tree_node *node, char out[CONFIG_SHOWN_SIZE])
{
    if (node->kind == YAML_TREE_LIST)
        return "a list";
    if (node->kind == YAML_TREE_MAP)
        return "a mapping";
    char *text = config_url_hide(node->shown != NULL ? node->shown : node->text);
    size_t length = utf8_cut(text, strlen(text), CONFIG_SHOWN_SIZE - 8);
    snprintf(out, CONFIG_SHOWN_SIZE, "\"%.*s%s\"", (int)length, text,
             text[length] != '\0' ? "..." : "");
    free(text);
    return out;
}
