#include <string.h>
#include <strings.h>

#include "config/config_read.h"
#include "util/log.h"
#include "util/mem.h"

#define HEADERS_MAX 100

/* RFC 9110, section 5.6.2. */
static bool is_token(const char *text)
{
    for (const char *p = text; *p != '\0'; p++) {
        bool letter = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z');
        if (!letter && !(*p >= '0' && *p <= '9') && strchr("!#$%&'*+-.^_`|~", *p) == NULL)
            return false;
    }
    return *text != '\0' && strlen(text) <= 128;
}

/* Headers that the download itself needs, or that would change what it means. */
static bool is_own(const char *name)
{
    static const char *const own[] = {
        "accept-encoding",
        "connection",
        "content-length",
        "expect",
        "host",
        "if-match",
        "if-modified-since",
        "if-none-match",
        "if-range",
        "if-unmodified-since",
        "range",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    };
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++) {
        if (strcasecmp(own[i], name) == 0)
            return true;
    }
    return false;
}

static bool has_control_characters(const char *text)
{
    for (const unsigned char *p = (const unsigned char *)text; *p != '\0'; p++) {
        if ((*p < 0x20 && *p != '\t') || *p == 0x7f)
            return true;
    }
    return false;
}

static bool check_header(struct config_reader *r, const struct yaml_tree_node *node)
{
    bool secret = config_is_secret_name(node->key);
    if (!is_token(node->key)) {
        config_problem(r, node->key_at, "\"%.80s\" is not the name of a header.", node->key);
        return false;
    }
    if (is_own(node->key)) {
        config_problem(r, node->key_at, "The header \"%s\" cannot be set: downloads use it.",
                       node->key);
        return false;
    }
    if (!config_usable_text(r, node))
        return false;
    if (has_control_characters(node->text)) {
        config_problem_value(r, node, "must not hold line breaks or control characters.");
        return false;
    }
    if (secret && node->shown == NULL) {
        config_problem_value(r, node,
                             "looks like a secret: secrets do not belong in this file; write "
                             "${NAME} and set the variable.");
        return false;
    }
    if (secret)
        log_secret(node->text);
    return true;
}

/* The case of header names does not matter (RFC 9110, section 5.1). */
static bool stands_before(const struct yaml_tree_node *map, const struct yaml_tree_node *node)
{
    for (const struct yaml_tree_node *n = map->first; n != node; n = n->next) {
        if (strcasecmp(n->key, node->key) == 0)
            return true;
    }
    return false;
}

void config_read_headers(struct config_reader *r, const struct yaml_tree_node *node,
                         const struct config_field *field, void *target)
{
    (void)field;
    struct config_source *source = target;
    size_t capacity = 0;
    if (node->kind != YAML_TREE_MAP) {
        config_problem_value(r, node, "must be a mapping of names to values.");
        return;
    }
    if (node->count > HEADERS_MAX) {
        config_problem_value(r, node, "must not hold more than %d headers.", HEADERS_MAX);
        return;
    }
    for (const struct yaml_tree_node *n = node->first; n != NULL; n = n->next) {
        if (stands_before(node, n)) {
            config_problem(r, n->key_at, "The header \"%.80s\" appears twice.", n->key);
        } else if (check_header(r, n)) {
            source->headers =
                mem_grow(source->headers, source->header_count, &capacity, sizeof *source->headers);
            source->headers[source->header_count++] =
                (struct config_header){mem_strdup(n->key), mem_strdup(n->text)};
        }
    }
}
