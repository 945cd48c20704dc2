#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "config/config_read.h"
#include "util/log.h"
#include "util/mem.h"
#include "util/utf8.h"

/*
 * Most bytes that all variables of one file together may give: many texts may name one long
 * variable.
 */
#define EXPANDED_MAX (4 * CONFIG_SIZE_MAX)
#define NAME_MAX_BYTES 128
#define HIDDEN "***"

bool config_is_secret_name(const char *name)
{
    static const char *const words[] = {"key",       "token",         "secret",
                                        "password",  "passwd",        "credential",
                                        "signature", "authorization", "cookie"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcasestr(name, words[i]) != NULL)
            return true;
    }
    return false;
}

static bool is_name_start(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
}

static size_t name_length(const char *text)
{
    size_t n = 0;
    if (is_name_start(text[0])) {
        do
            n++;
        while (is_name_start(text[n]) || (text[n] >= '0' && text[n] <= '9'));
    }
    return n;
}

/* A text on its way from what the file says to what it means. */
struct expansion {
    struct config_reader *reader;
    const struct yaml_tree_node *node;
    struct str text;
    struct str shown;
};

static void append_both(struct expansion *x, const char *bytes, size_t count)
{
    str_append_bytes(&x->text, bytes, count);
    str_append_bytes(&x->shown, bytes, count);
}

static void append_variable(struct expansion *x, const char *name, const char *value)
{
    str_append(&x->text, value);
    if (config_is_secret_name(name)) {
        log_secret(value);
        str_append(&x->shown, HIDDEN);
    } else {
        str_append(&x->shown, value);
    }
}

/*
 * Take one "${...}" at `at`; returns what follows it, or NULL with a problem added. As in a shell,
 * a default replaces a variable that is not set or empty.
 */
static const char *take_variable(struct expansion *x, const char *at)
{
    const char *name_at = at + 2;
    size_t length = name_length(name_at);
    const char *rest = name_at + length;
    const char *end = strchr(rest, '}');
    bool has_default = strncmp(rest, ":-", 2) == 0;
    if (length == 0 || length > NAME_MAX_BYTES || end == NULL || (*rest != '}' && !has_default)) {
        config_problem_value(x->reader, x->node,
                             "contains a \"${\" that does not begin a variable: write ${NAME} or "
                             "${NAME:-default}, or $${ for a plain ${.");
        return NULL;
    }
    const char *given = has_default ? rest + 2 : NULL;
    size_t given_length = has_default ? (size_t)(end - given) : 0;
    if (has_default && memmem(given, given_length, "${", 2) != NULL) {
        config_problem_value(x->reader, x->node,
                             "contains a variable inside the default of another: only a plain text "
                             "can be a default.");
        return NULL;
    }
    char name[NAME_MAX_BYTES + 1];
    memcpy(name, name_at, length);
    name[length] = '\0';
    const struct config_env *env = x->reader->env;
    const char *value = env->get != NULL ? env->get(env->ctx, name) : NULL;
    if (value == NULL && !has_default) {
        config_problem_value(x->reader, x->node,
                             "needs the environment variable %s, which is not set: set it, or "
                             "write ${%s:-default}.",
                             name, name);
        return NULL;
    }
    if (has_default && (value == NULL || *value == '\0'))
        append_both(x, given, given_length);
    else
        append_variable(x, name, value);
    return end + 1;
}

/* False where a problem was added. */
static bool expand_text(struct expansion *x, const char *at)
{
    while (*at != '\0') {
        const char *dollar = strchr(at, '$');
        if (dollar == NULL)
            dollar = at + strlen(at);
        append_both(x, at, (size_t)(dollar - at));
        at = dollar;
        if (strncmp(at, "$${", 3) == 0) {
            append_both(x, "${", 2);
            at += 3;
        } else if (strncmp(at, "${", 2) == 0) {
            at = take_variable(x, at);
            if (at == NULL)
                return false;
        } else if (*at == '$') {
            append_both(x, at, 1);
            at++;
        }
    }
    return true;
}

static void expand_node(struct config_reader *r, struct yaml_tree_node *node)
{
    struct expansion x = {.reader = r, .node = node};
    if (strstr(node->text, "${") == NULL)
        return;
    size_t left = r->expanded < EXPANDED_MAX ? EXPANDED_MAX - r->expanded : 0;
    str_init(&x.text, left < CONFIG_SIZE_MAX ? left : CONFIG_SIZE_MAX);
    str_init(&x.shown, CONFIG_SIZE_MAX);
    if (!expand_text(&x, node->text)) {
        node->broken = true;
    } else if (x.text.full || x.shown.full) {
        config_problem_value(r, node, "is too long once its variables are expanded.");
        node->broken = true;
    } else if (!utf8_valid(x.text.data, strlen(x.text.data))) {
        config_problem_value(r, node, "is not UTF-8 once its variables are expanded.");
        node->broken = true;
    } else {
        r->expanded += x.text.len;
        free(node->text);
        free(node->shown);
        node->text = str_detach(&x.text);
        node->shown = str_detach(&x.shown);
    }
    str_release(&x.text);
    str_release(&x.shown);
}

void config_expand(struct config_reader *r, struct yaml_tree_node *root)
{
    if (root->kind == YAML_TREE_TEXT)
        expand_node(r, root);
    for (struct yaml_tree_node *child = root->first; child != NULL; child = child->next)
        config_expand(r, child);
}
