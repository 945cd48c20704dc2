#include "config/yaml_tree.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <yaml.h>

#include "util/mem.h"

struct reading {
    yaml_parser_t parser;
    size_t nodes;
    struct yaml_tree_mark *where;
    struct error *err;
};

static struct yaml_tree_mark mark_of(yaml_mark_t mark)
{
    const size_t most = 1U << 30;
    return (struct yaml_tree_mark){
        .line = (unsigned)(mark.line < most ? mark.line : most) + 1,
        .column = (unsigned)(mark.column < most ? mark.column : most) + 1,
    };
}

static int refuse(struct reading *r, yaml_mark_t at, const char *sentence)
{
    *r->where = mark_of(at);
    return error_set(r->err, ERR_CONFIG, "%s", sentence);
}

/* The parser's own complaint. Bytes that are not text have no line: libyaml gives their offset. */
static int parser_failed(struct reading *r)
{
    const yaml_parser_t *p = &r->parser;
    const char *problem = p->problem != NULL ? p->problem : "it cannot be read";
    if (p->error == YAML_READER_ERROR) {
        *r->where = mark_of(p->mark);
        return error_set(r->err, ERR_CONFIG, "The file is not text in UTF-8: %s at byte %zu.",
                         problem, p->problem_offset);
    }
    *r->where = mark_of(p->problem_mark);
    if (p->context != NULL)
        return error_set(r->err, ERR_CONFIG, "This is not YAML: %s, %s (in line %zu).", problem,
                         p->context, p->context_mark.line + 1);
    return error_set(r->err, ERR_CONFIG, "This is not YAML: %s.", problem);
}

/* The next event, to be given back with yaml_event_delete on ERR_OK. */
static int next_event(struct reading *r, yaml_event_t *event)
{
    if (yaml_parser_parse(&r->parser, event))
        return ERR_OK;
    return parser_failed(r);
}

static int check_scalar(struct reading *r, const yaml_event_t *event)
{
    if (event->data.scalar.anchor != NULL)
        return refuse(r, event->start_mark, "Anchors (&name) are not supported here.");
    if (event->data.scalar.tag != NULL)
        return refuse(r, event->start_mark, "Tags (!name) are not supported here.");
    if (memchr(event->data.scalar.value, '\0', event->data.scalar.length) != NULL)
        return refuse(r, event->start_mark, "A text must not hold a NUL character.");
    return ERR_OK;
}

static int check_container(struct reading *r, const yaml_event_t *event)
{
    bool list = event->type == YAML_SEQUENCE_START_EVENT;
    const yaml_char_t *anchor =
        list ? event->data.sequence_start.anchor : event->data.mapping_start.anchor;
    const yaml_char_t *tag = list ? event->data.sequence_start.tag : event->data.mapping_start.tag;
    if (anchor != NULL)
        return refuse(r, event->start_mark, "Anchors (&name) are not supported here.");
    if (tag != NULL)
        return refuse(r, event->start_mark, "Tags (!name) are not supported here.");
    return ERR_OK;
}

static void append_child(struct yaml_tree_node *parent, struct yaml_tree_node *child,
                         struct yaml_tree_node **last)
{
    child->parent = parent;
    child->index = parent->count++;
    if (*last == NULL)
        parent->first = child;
    else
        (*last)->next = child;
    *last = child;
}

static int read_node(struct reading *r, const yaml_event_t *event, unsigned depth,
                     struct yaml_tree_node **out);

/* The key of the next pair, NULL at the end of the mapping. */
static int read_key(struct reading *r, char **key, struct yaml_tree_mark *at)
{
    yaml_event_t event;
    *key = NULL;
    int rc = next_event(r, &event);
    if (rc != ERR_OK)
        return rc;
    if (event.type == YAML_SCALAR_EVENT) {
        rc = check_scalar(r, &event);
        if (rc == ERR_OK) {
            *at = mark_of(event.start_mark);
            *key = mem_strndup((const char *)event.data.scalar.value, event.data.scalar.length);
        }
    } else if (event.type == YAML_ALIAS_EVENT) {
        rc = refuse(r, event.start_mark, "Aliases (*name) are not supported here.");
    } else if (event.type != YAML_MAPPING_END_EVENT) {
        rc = refuse(r, event.start_mark, "A key must be a text.");
    }
    yaml_event_delete(&event);
    return rc;
}

static int read_map(struct reading *r, struct yaml_tree_node *map, unsigned depth)
{
    struct yaml_tree_node *last = NULL;
    for (;;) {
        char *key;
        struct yaml_tree_mark at;
        int rc = read_key(r, &key, &at);
        if (rc != ERR_OK || key == NULL)
            return rc;
        yaml_event_t event;
        struct yaml_tree_node *value = NULL;
        rc = next_event(r, &event);
        if (rc == ERR_OK) {
            rc = read_node(r, &event, depth, &value);
            yaml_event_delete(&event);
        }
        if (rc != ERR_OK) {
            free(key);
            return rc;
        }
        value->key = key;
        value->key_at = at;
        append_child(map, value, &last);
    }
}

static int read_list(struct reading *r, struct yaml_tree_node *list, unsigned depth)
{
    struct yaml_tree_node *last = NULL;
    for (;;) {
        yaml_event_t event;
        struct yaml_tree_node *item = NULL;
        int rc = next_event(r, &event);
        if (rc != ERR_OK)
            return rc;
        bool end = event.type == YAML_SEQUENCE_END_EVENT;
        if (!end)
            rc = read_node(r, &event, depth, &item);
        yaml_event_delete(&event);
        if (rc != ERR_OK || end)
            return rc;
        append_child(list, item, &last);
    }
}

static int read_container(struct reading *r, const yaml_event_t *event, unsigned depth,
                          struct yaml_tree_node *node)
{
    int rc = check_container(r, event);
    if (rc != ERR_OK)
        return rc;
    if (depth >= YAML_TREE_DEPTH_MAX)
        return refuse(r, event->start_mark, "Lists and mappings are nested too deeply.");
    if (event->type == YAML_SEQUENCE_START_EVENT) {
        node->kind = YAML_TREE_LIST;
        return read_list(r, node, depth + 1);
    }
    node->kind = YAML_TREE_MAP;
    return read_map(r, node, depth + 1);
}

/* The value that `event` begins. Whoever gets a node frees it; there is none on failure. */
static int read_node(struct reading *r, const yaml_event_t *event, unsigned depth,
                     struct yaml_tree_node **out)
{
    if (event->type == YAML_ALIAS_EVENT)
        return refuse(r, event->start_mark, "Aliases (*name) are not supported here.");
    if (r->nodes++ >= YAML_TREE_NODES_MAX)
        return refuse(r, event->start_mark, "The file has too many entries.");

    struct yaml_tree_node *node = mem_calloc(1, sizeof *node);
    node->at = mark_of(event->start_mark);
    int rc;
    if (event->type == YAML_SCALAR_EVENT) {
        rc = check_scalar(r, event);
        node->kind = YAML_TREE_TEXT;
        node->plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
        node->text = mem_strndup((const char *)event->data.scalar.value, event->data.scalar.length);
    } else {
        rc = read_container(r, event, depth, node);
    }
    if (rc != ERR_OK) {
        yaml_tree_free(node);
        return rc;
    }
    *out = node;
    return ERR_OK;
}

/* Everything between the start and the end of the stream: at most one document. */
static int read_stream(struct reading *r, struct yaml_tree_node **root)
{
    for (;;) {
        yaml_event_t event;
        int rc = next_event(r, &event);
        if (rc != ERR_OK)
            return rc;
        bool end = event.type == YAML_STREAM_END_EVENT;
        bool framing = event.type == YAML_STREAM_START_EVENT ||
                       event.type == YAML_DOCUMENT_START_EVENT ||
                       event.type == YAML_DOCUMENT_END_EVENT;
        if (event.type == YAML_DOCUMENT_START_EVENT && *root != NULL)
            rc = refuse(r, event.start_mark,
                        "The file must hold one document; another one begins here.");
        else if (!end && !framing)
            rc = read_node(r, &event, 0, root);
        yaml_event_delete(&event);
        if (rc != ERR_OK || end)
            return rc;
    }
}

int yaml_tree_parse(const char *bytes, size_t count, struct yaml_tree_node **out,
                    struct yaml_tree_mark *where, struct error *err)
{
    struct reading r = {.where = where, .err = err};
    struct yaml_tree_node *root = NULL;
    *where = (struct yaml_tree_mark){1, 1};
    /* It fails only where memory runs out. */
    if (!yaml_parser_initialize(&r.parser))
        return error_set(err, ERR_SYSTEM, "The YAML parser could not start: out of memory.");
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)bytes, count);
    int rc = read_stream(&r, &root);
    yaml_parser_delete(&r.parser);
    if (rc != ERR_OK) {
        yaml_tree_free(root);
        return rc;
    }
    *out = root;
    return ERR_OK;
}

/* The depth of a tree is bounded, so is this recursion. */
void yaml_tree_free(struct yaml_tree_node *root)
{
    if (root == NULL)
        return;
    struct yaml_tree_node *child = root->first;
    while (child != NULL) {
        struct yaml_tree_node *next = child->next;
        yaml_tree_free(child);
        child = next;
    }
    free(root->text);
    free(root->shown);
    free(root->key);
    free(root);
}

bool yaml_tree_is_null(const struct yaml_tree_node *node)
{
    static const char *const nothing[] = {"", "~", "null", "Null", "NULL"};
    if (node->kind != YAML_TREE_TEXT || !node->plain)
        return false;
    for (size_t i = 0; i < sizeof nothing / sizeof nothing[0]; i++) {
        if (strcmp(node->text, nothing[i]) == 0)
            return true;
    }
    return false;
}

void yaml_tree_path(const struct yaml_tree_node *node, struct str *out)
{
    if (node->parent == NULL)
        return;
    yaml_tree_path(node->parent, out);
    if (node->key == NULL)
        str_printf(out, "[%zu]", node->index);
    else
        str_printf(out, "%s%.80s", node->parent->parent != NULL ? "." : "", node->key);
}
