/*
 * Any bytes as a name or path into a record: what is no path has a reason, and the way in which the
 * name of a field is written leads to that field, whatever its characters.
 */
#include "fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "source/json_path.h"
#include "util/mem.h"

static void require(bool good)
{
    if (!good)
        abort();
}

/* Walks from the root along the path, by what the tree says. */
static json_node walk(const struct json_tree *tree, const struct json_path *path)
{
    json_node at = 0;
    for (size_t i = 0; i < path->count && at != JSON_NO_NODE; i++) {
        const struct json_step *step = &path->steps[i];
        at = step->name != NULL ? json_tree_field(tree, at, step->name, step->length)
                                : json_tree_element(tree, at, step->index);
    }
    return at;
}

static void check_path(const char *text, bool bare)
{
    struct json_path path = {0};
    struct error err = ERROR_INIT;
    int rc = json_path_parse(text, bare, &path, &err);
    require(rc == ERR_OK || (rc == ERR_CONFIG && err.text[0] != '\0'));
    if (rc == ERR_OK) {
        struct json_tree *tree = json_tree_new();
        require(path.count > 0 && path.count <= JSON_PATH_MAX);
        json_node node = json_tree_add(tree, &path);
        require(node != 0 && walk(tree, &path) == node && json_tree_add(tree, &path) == node);
        require(json_tree_count(tree) == path.count + 1);
        json_tree_free(tree);
    }
    json_path_release(&path);
}

static void check_name(const char *name, size_t length)
{
    struct json_path path = {0};
    char *written = json_path_of_name(name, length);
    require(json_path_parse(written, false, &path, NULL) == ERR_OK && path.count == 1);
    require(path.steps[0].length == length && memcmp(path.steps[0].name, name, length) == 0);
    json_path_release(&path);
    free(written);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = mem_strndup((const char *)data, size);
    check_path(text, false);
    check_path(text, true);
    if (strlen(text) == size)
        check_name(text, size);
    free(text);
    return 0;
}
