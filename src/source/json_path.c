#include "source/json_path.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "source/read_options.h"
#include "util/hash.h"
#include "util/mem.h"
#include "util/str.h"

/* --- paths ---------------------------------------------------------------------------------- */

void json_path_release(struct json_path *p)
{
    for (size_t i = 0; i < p->count; i++)
        free(p->steps[i].name);
    p->count = 0;
}

static struct json_step *add_step(struct json_path *p)
{
    if (p->count == JSON_PATH_MAX)
        return NULL;
    p->steps[p->count] = (struct json_step){0};
    return &p->steps[p->count++];
}

/* A name in quotes, which begins at `text`; returns what follows it; NULL: it has no end. */
static const char *quoted_name(const char *text, struct json_step *step)
{
    char quote = *text++;
    step->name = mem_alloc(strlen(text) + 1);
    while (*text != quote) {
        if (*text == '\\')
            text++;
        if (*text == '\0')
            return NULL;
        step->name[step->length++] = *text++;
    }
    step->name[step->length] = '\0';
    return text + 1;
}

static const char *bare_name(const char *text, struct json_step *step)
{
    step->length = strcspn(text, ".[]\"'");
    step->name = mem_strndup(text, step->length);
    return step->length > 0 ? text + step->length : NULL;
}

static bool is_quote(char c)
{
    return c == '"' || c == '\'';
}

/* [0], ["name"]; `text` is after the bracket. */
static const char *bracket(const char *text, struct json_step *step)
{
    if (is_quote(*text)) {
        text = quoted_name(text, step);
    } else {
        char *end;
        if (*text < '0' || *text > '9' || strcspn(text, "]") > 9)
            return NULL;
        step->index = strtoul(text, &end, 10);
        text = end;
    }
    return text != NULL && *text == ']' ? text + 1 : NULL;
}

static const char *next_step(const char *text, struct json_step *step)
{
    if (*text == '[')
        return bracket(text + 1, step);
    if (*text != '.')
        return NULL;
    text++;
    return is_quote(*text) ? quoted_name(text, step) : bare_name(text, step);
}

static int parse_steps(const char *whole, const char *text, struct json_path *out,
                       struct error *err)
{
    while (text != NULL && *text != '\0') {
        struct json_step *step = add_step(out);
        if (step == NULL)
            return error_set(err, ERR_CONFIG, "the path \"%s\" has more than %d steps.", whole,
                             JSON_PATH_MAX);
        text = next_step(text, step);
    }
    if (text != NULL)
        return ERR_OK;
    return error_set(err, ERR_CONFIG,
                     "\"%s\" is not a path into a record. Write it as in $.value.amount, $.tags[0] "
                     "or $.\"a.b\"; a path leads to only one value.",
                     whole);
}

int json_path_parse(const char *text, bool bare, struct json_path *out, struct error *err)
{
    int rc = ERR_OK;
    out->count = 0;
    if (text[0] == '$' && (text[1] == '.' || text[1] == '[')) {
        rc = parse_steps(text, text + 1, out, err);
    } else if (!bare) {
        struct json_step *step = add_step(out);
        step->length = strlen(text);
        step->name = mem_strdup(text);
    } else if (*text == '[') {
        rc = parse_steps(text, text, out, err);
    } else {
        char *dotted = mem_printf(".%s", text);
        rc = parse_steps(text, dotted, out, err);
        free(dotted);
    }
    if (rc != ERR_OK)
        json_path_release(out);
    return rc;
}

char *json_path_of_name(const char *name, size_t length)
{
    struct str out;
    if (length < 2 || name[0] != '$' || (name[1] != '.' && name[1] != '['))
        return mem_strndup(name, length);
    str_init(&out, 2 * READ_NAME_MAX + 8);
    str_append(&out, "$.\"");
    for (size_t i = 0; i < length; i++) {
        if (name[i] == '"' || name[i] == '\\')
            str_append_char(&out, '\\');
        str_append_char(&out, name[i]);
    }
    str_append_char(&out, '"');
    return str_detach(&out);
}

/* --- the tree ------------------------------------------------------------------------------- */

/* Children are found by the hash of their key, whatever order a record has them in. */
struct table {
    json_node *slots; /* JSON_NO_NODE: free */
    size_t capacity;  /* a power of two */
    size_t used;
};

/* The key is the name of a field, or the bytes of the index of an element. */
struct node {
    char *key;
    size_t length;
    char *token; /* a field as it is usually written: its name in quotes, and a colon */
    size_t token_length;
    json_node parent; /* of the root: itself */
    bool element;
    uint64_t lengths; /* bit n: a field has a name of n (63: or more) bytes */
    struct table fields;
    struct table elements;
};

struct json_tree {
    struct node *nodes;
    size_t count;
    size_t capacity;
};

static json_node new_node(struct json_tree *t, json_node parent, const char *key, size_t length)
{
    t->nodes = mem_grow(t->nodes, t->count, &t->capacity, sizeof *t->nodes);
    t->nodes[t->count] =
        (struct node){.key = mem_strndup(key, length), .length = length, .parent = parent};
    return (json_node)t->count++;
}

struct json_tree *json_tree_new(void)
{
    struct json_tree *t = mem_calloc(1, sizeof *t);
    new_node(t, 0, "", 0);
    return t;
}

void json_tree_free(struct json_tree *t)
{
    if (t == NULL)
        return;
    for (size_t i = 0; i < t->count; i++) {
        free(t->nodes[i].key);
        free(t->nodes[i].token);
        free(t->nodes[i].fields.slots);
        free(t->nodes[i].elements.slots);
    }
    free(t->nodes);
    free(t);
}

size_t json_tree_count(const struct json_tree *t)
{
    return t->count;
}

static bool is_key(const struct json_tree *t, json_node n, const char *key, size_t length)
{
    const struct node *node = &t->nodes[n];
    return node->length == length && memcmp(node->key, key, length) == 0;
}

const char *json_tree_token(const struct json_tree *t, json_node n, size_t *length)
{
    *length = t->nodes[n].token_length;
    return t->nodes[n].token;
}

/* Where a key is in a table, or would be. */
static size_t find_slot(const struct json_tree *t, const struct table *table, const char *key,
                        size_t length)
{
    size_t mask = table->capacity - 1;
    size_t i = (size_t)hash_64(key, length, 0) & mask;
    while (table->slots[i] != JSON_NO_NODE && !is_key(t, table->slots[i], key, length))
        i = (i + 1) & mask;
    return i;
}

static json_node find(const struct json_tree *t, const struct table *table, const char *key,
                      size_t length)
{
    return table->used > 0 ? table->slots[find_slot(t, table, key, length)] : JSON_NO_NODE;
}

/* Half of the slots stay free. */
static void grow_table(const struct json_tree *t, struct table *table)
{
    struct table old = *table;
    table->capacity = old.capacity > 0 ? old.capacity * 2 : 8;
    table->slots = mem_resize(NULL, table->capacity, sizeof *table->slots);
    for (size_t i = 0; i < table->capacity; i++)
        table->slots[i] = JSON_NO_NODE;
    for (size_t i = 0; i < old.capacity; i++) {
        if (old.slots[i] == JSON_NO_NODE)
            continue;
        const struct node *n = &t->nodes[old.slots[i]];
        table->slots[find_slot(t, table, n->key, n->length)] = old.slots[i];
    }
    free(old.slots);
}

static void insert(const struct json_tree *t, struct table *table, json_node n)
{
    if (table->used * 2 >= table->capacity)
        grow_table(t, table);
    table->slots[find_slot(t, table, t->nodes[n].key, t->nodes[n].length)] = n;
    table->used++;
}

static uint64_t length_bit(size_t length)
{
    return UINT64_C(1) << (length < 63 ? length : 63);
}

json_node json_tree_field(const struct json_tree *t, json_node parent, const char *name,
                          size_t length)
{
    const struct node *n = &t->nodes[parent];
    if ((n->lengths & length_bit(length)) == 0)
        return JSON_NO_NODE;
    return find(t, &n->fields, name, length);
}

json_node json_tree_add_field(struct json_tree *t, json_node parent, const char *name,
                              size_t length)
{
    json_node found = json_tree_field(t, parent, name, length);
    if (found != JSON_NO_NODE)
        return found;
    json_node added = new_node(t, parent, name, length);
    t->nodes[added].token = mem_printf("\"%s\":", t->nodes[added].key);
    t->nodes[added].token_length = length + 3;
    insert(t, &t->nodes[parent].fields, added);
    t->nodes[parent].lengths |= length_bit(length);
    return added;
}

json_node json_tree_element(const struct json_tree *t, json_node parent, size_t index)
{
    return find(t, &t->nodes[parent].elements, (const char *)&index, sizeof index);
}

static json_node add_element(struct json_tree *t, json_node parent, size_t index)
{
    json_node found = json_tree_element(t, parent, index);
    if (found != JSON_NO_NODE)
        return found;
    json_node added = new_node(t, parent, (const char *)&index, sizeof index);
    t->nodes[added].element = true;
    insert(t, &t->nodes[parent].elements, added);
    return added;
}

json_node json_tree_add(struct json_tree *t, const struct json_path *path)
{
    json_node at = 0;
    for (size_t i = 0; i < path->count; i++) {
        const struct json_step *step = &path->steps[i];
        at = step->name != NULL ? json_tree_add_field(t, at, step->name, step->length)
                                : add_element(t, at, step->index);
    }
    return at;
}

bool json_tree_has_fields(const struct json_tree *t, json_node n)
{
    return t->nodes[n].fields.used > 0;
}

bool json_tree_has_elements(const struct json_tree *t, json_node n)
{
    return t->nodes[n].elements.used > 0;
}

json_node json_tree_parent(const struct json_tree *t, json_node n)
{
    return t->nodes[n].parent;
}

bool json_tree_is_element(const struct json_tree *t, json_node n)
{
    return t->nodes[n].element;
}
