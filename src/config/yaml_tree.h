/*
 * A YAML document as a small tree that remembers where everything was. The only file that knows
 * libyaml; the subset it lets through is what JSON can say: mappings with plain keys, lists, texts.
 * Anchors, aliases, tags and further documents are refused, depth and number of nodes are bounded.
 * Nothing is typed: `12`, `true` and `"12"` are texts, and `plain` distinguishes the quoted ones.
 */
#ifndef CAUCE_CONFIG_YAML_TREE_H
#define CAUCE_CONFIG_YAML_TREE_H

#include <stdbool.h>
#include <stddef.h>

#include "util/error.h"
#include "util/str.h"

#define YAML_TREE_DEPTH_MAX 16
#define YAML_TREE_NODES_MAX 65536

enum yaml_tree_kind { YAML_TREE_TEXT, YAML_TREE_LIST, YAML_TREE_MAP };

/* Lines and columns count from 1; a column is a character. */
struct yaml_tree_mark {
    unsigned line;
    unsigned column;
};

struct yaml_tree_node {
    enum yaml_tree_kind kind;
    struct yaml_tree_mark at;
    bool plain;  /* text without quotes */
    char *text;  /* of a text: without NUL bytes inside; else NULL */
    char *shown; /* of a text: what messages may show of it; NULL: the text itself */
    bool broken; /* of a text: something was wrong with it that has been reported */

    char *key; /* its name in the mapping that it is in, else NULL */
    struct yaml_tree_mark key_at;
    size_t index; /* its place in its parent, from 0 */

    struct yaml_tree_node *parent; /* NULL: the root */
    struct yaml_tree_node *first;  /* of a list or a mapping */
    struct yaml_tree_node *next;   /* in the same parent */
    size_t count;                  /* children */
};

/*
 * Parse one document. `*out` is the caller's to free and set only on ERR_OK; it is NULL where the
 * text holds no document at all. ERR_CONFIG with a sentence, and in `where` its place: not YAML,
 * not UTF-8, or outside the subset. Duplicate keys are left in, in order.
 */
MUST_USE int yaml_tree_parse(const char *bytes, size_t count, struct yaml_tree_node **out,
                             struct yaml_tree_mark *where, struct error *err);

void yaml_tree_free(struct yaml_tree_node *root); /* NULL allowed */

/* Is it a text that YAML reads as nothing: no quotes, and empty, `~` or `null`? */
bool yaml_tree_is_null(const struct yaml_tree_node *node);

/* Append where a node is, as "source.nulls[2]" with indexes from 0; "" for the root. */
void yaml_tree_path(const struct yaml_tree_node *node, struct str *out);

#endif
