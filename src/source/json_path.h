/*
 * Which values of a JSON record are wanted: names and paths, as a tree.
 *
 *   name               the field of that name, whatever characters the name has
 *   $.value.amount     a field inside a field
 *   $.tags[0]          an element of an array, from 0
 *   $."a.b"[0]['c']    names with dots, brackets or blanks are in quotes
 *
 * That is the part of JSONPath (RFC 9535) that leads to one value; a backslash in quotes takes the
 * next character as it is.
 *
 * A tree is read-only once it is made; any number of threads may use it then.
 */
#ifndef CAUCE_SOURCE_JSON_PATH_H
#define CAUCE_SOURCE_JSON_PATH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/error.h"

/* Most steps of a path. */
#define JSON_PATH_MAX 32

/* One step of a path: into a field, or (name NULL) to an element. */
struct json_step {
    char *name;
    size_t length;
    size_t index;
};

struct json_path {
    struct json_step steps[JSON_PATH_MAX];
    size_t count;
};

/*
 * Read a name or path. ERR_CONFIG: it begins like a path, but is not one. A path that is not plain
 * begins with `$.` or `$[`; `records` paths (bare: true) may omit the `$.`: data.items.
 */
MUST_USE int json_path_parse(const char *text, bool bare, struct json_path *out, struct error *err);
void json_path_release(struct json_path *p); /* safe on a zeroed struct */

/* How a field of a record is written under `from`: the name, or a path where it looks like one. */
MUST_USE char *json_path_of_name(const char *name, size_t length);

/* Number of a node; the root, which is the record, is 0. */
typedef uint32_t json_node;
#define JSON_NO_NODE UINT32_MAX

struct json_tree;

MUST_USE struct json_tree *json_tree_new(void);
void json_tree_free(struct json_tree *t); /* NULL allowed */

/* The node a path leads to, made where it is new. */
json_node json_tree_add(struct json_tree *t, const struct json_path *path);

/* The field of a node, made where it is new. */
json_node json_tree_add_field(struct json_tree *t, json_node parent, const char *name,
                              size_t length);

size_t json_tree_count(const struct json_tree *t);

/* JSON_NO_NODE where nothing below is wanted. */
json_node json_tree_field(const struct json_tree *t, json_node parent, const char *name,
                          size_t length);
json_node json_tree_element(const struct json_tree *t, json_node parent, size_t index);

/* Is anything wanted inside an object (array) that is here? */
bool json_tree_has_fields(const struct json_tree *t, json_node n);
bool json_tree_has_elements(const struct json_tree *t, json_node n);

/* The node that it is a field or an element of; of the root, the root. */
json_node json_tree_parent(const struct json_tree *t, json_node n);
bool json_tree_is_element(const struct json_tree *t, json_node n);

/* The name of a field as it is usually written: in quotes, followed by a colon. Borrowed. */
const char *json_tree_token(const struct json_tree *t, json_node n, size_t *length);

#endif
