#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "config/config_read.h"
#include "util/fs.h"
#include "util/mem.h"
#include "util/str.h"

#define MEMORY_LEAST ((uint64_t)64 << 20)
#define MINUTE 60
#define DAY 86400

static void read_dataset(struct config_reader *r, const struct yaml_tree_node *node,
                         const struct config_field *field, void *target);
static void read_memory(struct config_reader *r, const struct yaml_tree_node *node,
                        const struct config_field *field, void *target);
static void read_lease(struct config_reader *r, const struct yaml_tree_node *node,
                       const struct config_field *field, void *target);
static void read_tables(struct config_reader *r, const struct yaml_tree_node *node,
                        const struct config_field *field, void *target);
static void read_transform_path(struct config_reader *r, const struct yaml_tree_node *node,
                                const struct config_field *field, void *target);

static const char *const revisions[] = {"publish", "ignore"};
static const struct config_choices revision_choices = {revisions, 2, CONFIG_REVISIONS_PUBLISH};

static const char *const duplicates[] = {"last", "fail"};
static const struct config_choices duplicate_choices = {duplicates, 2, CONFIG_DUPLICATES_LAST};

static const char *const bad_rows[] = {"fail", "reject"};
static const struct config_choices bad_row_choices = {bad_rows, 2, CONFIG_BAD_ROWS_FAIL};

static const struct config_range bad_rows_range = {0, 1000000000};
static const struct config_range threads_range = {1, CONFIG_THREADS_MAX};
static const struct config_range expect_range = {MINUTE, 3660LL * DAY};
static const struct config_range timeout_range = {1, 30 * DAY};
static const struct config_range ttl_range = {10, 7 * DAY};

static const struct config_field lease_fields[] = {
    {"ttl", config_read_duration, 0, &ttl_range, NULL, false},
};

const struct config_table config_table_lease = {"lease", lease_fields, 1};

#define AT(member) offsetof(struct config, member)

static const struct config_field tables_fields[] = {
    {"delta", config_read_bool, AT(tables_delta), NULL, NULL, false},
};

const struct config_table config_table_tables = {"tables", tables_fields, 1};

static const struct config_field fields[] = {
    {"dataset", read_dataset, AT(dataset), NULL, NULL, false},
    {"store", config_read_store, AT(store), NULL, NULL, false},
    {"store_options", config_read_store_options, AT(store_options), NULL, &config_table_store,
     false},
    {"source", config_read_source, AT(source), NULL, &config_table_source, false},
    {"columns", config_read_columns, 0, NULL, &config_table_column, true},
    {"transform", config_read_text, AT(transform), NULL, NULL, false},
    {"transform_file", read_transform_path, 0, NULL, NULL, false},
    {"key", config_read_names, AT(key), NULL, NULL, false},
    {"partition", config_read_partition, 0, NULL, &config_table_partition, false},
    {"revisions", config_read_choice, AT(revisions), &revision_choices, NULL, false},
    {"duplicates", config_read_choice, AT(duplicates), &duplicate_choices, NULL, false},
    {"bad_rows", config_read_choice, AT(bad_rows), &bad_row_choices, NULL, false},
    {"bad_rows_limit", config_read_number, AT(bad_rows_limit), &bad_rows_range, NULL, false},
    {"sort", config_read_names, AT(sort), NULL, NULL, false},
    {"constants", config_read_constants, 0, NULL, NULL, false},
    {"memory", read_memory, AT(memory), NULL, NULL, false},
    {"threads", config_read_unsigned, AT(threads), &threads_range, NULL, false},
    {"temp", config_read_path, AT(temp), NULL, NULL, false},
    {"expect_every", config_read_duration, AT(expect_every), &expect_range, NULL, false},
    {"timeout", config_read_duration, AT(timeout_seconds), &timeout_range, NULL, false},
    {"lease", read_lease, AT(lease_ttl_seconds), NULL, &config_table_lease, false},
    {"tables", read_tables, 0, NULL, &config_table_tables, false},
};

const struct config_table config_table_root = {NULL, fields, sizeof fields / sizeof fields[0]};

static void visit_table(const struct config_table *table, const char *prefix,
                        void (*visit)(void *ctx, const char *path), void *ctx)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct config_field *field = &table->fields[i];
        char *path = mem_printf("%s%s", prefix, field->name);
        visit(ctx, path);
        if (field->below != NULL) {
            char *below = mem_printf("%s%s.", path, field->below_items ? "[]" : "");
            visit_table(field->below, below, visit, ctx);
            free(below);
        }
        free(path);
    }
}

void config_known_keys(void (*visit)(void *ctx, const char *path), void *ctx)
{
    visit_table(&config_table_root, "", visit, ctx);
}

static bool is_dataset_id(const char *text)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789";
    size_t length = strlen(text);
    return length >= 1 && length <= CONFIG_DATASET_MAX && strchr(letters, text[0]) != NULL &&
           strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_-") == length;
}

int config_set_dataset(struct config *config, const char *text, struct error *err)
{
    if (!is_dataset_id(text))
        return error_set(
            err, ERR_CONFIG,
            "The dataset \"%.100s\" is not a valid id: it must consist of lower-case letters, "
            "digits, \"_\" and \"-\", begin with a letter or digit and have at most %d characters.",
            text, CONFIG_DATASET_MAX);
    config_set_text(&config->dataset, text);
    return ERR_OK;
}

static void read_dataset(struct config_reader *r, const struct yaml_tree_node *node,
                         const struct config_field *field, void *target)
{
    char shown[CONFIG_SHOWN_SIZE];
    if (!config_usable_text(r, node))
        return;
    if (is_dataset_id(node->text))
        config_read_text(r, node, field, target);
    else
        config_problem_value(r, node,
                             "must consist of lower-case letters, digits, \"_\" and \"-\", begin "
                             "with a letter or digit and have at most %d characters, not %s.",
                             CONFIG_DATASET_MAX, config_shown(node, shown));
}

/* "512 MiB", or "25%" of what this process may use. */
static void read_memory(struct config_reader *r, const struct yaml_tree_node *node,
                        const struct config_field *field, void *target)
{
    (void)field;
    char shown[CONFIG_SHOWN_SIZE];
    uint64_t *memory = target;
    uint64_t bytes = 0;
    const char *text = node->kind == YAML_TREE_TEXT ? node->text : "";
    if (str_ends(text, "%")) {
        char *digits = mem_strndup(text, strlen(text) - 1);
        uint64_t percent = 0;
        if (config_parse_number(digits, &percent) && percent >= 1 && percent <= 100) {
            uint64_t all = r->env->memory > 0 ? r->env->memory : config_machine_memory("");
            bytes = all / 100 * percent;
            if (bytes < MEMORY_LEAST)
                bytes = MEMORY_LEAST;
        }
        free(digits);
    } else if (!config_parse_size(text, &bytes)) {
        bytes = 0;
    }
    if (bytes == 0)
        config_problem_value(r, node,
                             "must be a size with its unit or a share of the memory, as in 512 MiB "
                             "or 50%%, not %s.",
                             config_shown(node, shown));
    else if (bytes < MEMORY_LEAST)
        config_problem_value(r, node, "must be at least 64 MiB, not %s.",
                             config_shown(node, shown));
    else
        *memory = bytes;
}

static void read_lease(struct config_reader *r, const struct yaml_tree_node *node,
                       const struct config_field *field, void *target)
{
    (void)field;
    const struct yaml_tree_node *seen[CONFIG_TABLE_MAX];
    config_read_map(r, node, &config_table_lease, target, seen);
    if (node->kind == YAML_TREE_MAP && config_seen(&config_table_lease, seen, "ttl") == NULL)
        config_problem_value(r, node, "needs a \"ttl\", the time that a lease lives, as in 15m.");
}

/* The target is the configuration itself. */
static void read_tables(struct config_reader *r, const struct yaml_tree_node *node,
                        const struct config_field *field, void *target)
{
    (void)field;
    config_read_map(r, node, &config_table_tables, target, NULL);
}

/* The file is read by config_read_transform, once it is clear that it is the only transform. */
static void read_transform_path(struct config_reader *r, const struct yaml_tree_node *node,
                                const struct config_field *field, void *target)
{
    char *path = NULL;
    (void)target;
    config_read_path(r, node, field, &path);
    free(path);
}

/* A device or a pipe could keep us waiting forever. */
static bool is_regular_file(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

static void read_transform_file(struct config_reader *r, const struct yaml_tree_node *node,
                                struct config *config)
{
    char shown[CONFIG_SHOWN_SIZE];
    struct str text;
    struct error err = ERROR_INIT;
    char *path = config_resolve(r->folder, node->text);
    str_init(&text, CONFIG_SIZE_MAX);
    if (!is_regular_file(path))
        config_problem_value(r, node, "does not name a file: %s.", config_shown(node, shown));
    else if (fs_read(path, &text, &err) != ERR_OK)
        config_problem_value(r, node, "cannot be read: %s",
                             node->shown == NULL ? err.text : config_shown(node, shown));
    else if (text.len == 0 || memchr(text.data, '\0', text.len) != NULL)
        config_problem_value(r, node, "names a file that is %s: %s.",
                             text.len == 0 ? "empty" : "not text", config_shown(node, shown));
    else
        config->transform = str_detach(&text);
    str_release(&text);
    free(path);
}

void config_read_transform(struct config_reader *r, struct config *config,
                           const struct yaml_tree_node *const *seen)
{
    const struct yaml_tree_node *text = config_seen(&config_table_root, seen, "transform");
    const struct yaml_tree_node *file = config_seen(&config_table_root, seen, "transform_file");
    if (file == NULL || file->kind != YAML_TREE_TEXT || file->broken || file->text[0] == '\0' ||
        yaml_tree_is_null(file))
        return;
    if (text != NULL)
        config_problem(
            r, file->key_at,
            "The keys \"transform_file\" and \"transform\" exclude each other: keep one.");
    else
        read_transform_file(r, file, config);
}
