#include "config/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/config_read.h"
#include "config/yaml_tree.h"
#include "util/fs.h"
#include "util/mem.h"

#define MEBIBYTE ((uint64_t)1 << 20)
#define MEMORY_DEFAULT_LEAST (256 * MEBIBYTE)
#define MEMORY_DEFAULT_MOST (8192 * MEBIBYTE)
#define BAD_ROWS_LIMIT 1000

static const char *process_variable(void *ctx, const char *name)
{
    (void)ctx;
    return getenv(name);
}

struct config_env config_env_process(void)
{
    return (struct config_env){.get = process_variable};
}

static void set_defaults(struct config *config, const char *path, const char *folder)
{
    *config = (struct config){
        .path = mem_strdup(path),
        .folder = mem_strdup(folder),
        .bad_rows_limit = BAD_ROWS_LIMIT,
        .tables_delta = true,
    };
    config_source_defaults(&config->source);
    config_store_options_defaults(&config->store_options);
}

void config_release(struct config *config)
{
    free(config->path);
    free(config->folder);
    free(config->dataset);
    free(config->store);
    config_store_options_release(&config->store_options);
    config_source_release(&config->source);
    config_columns_release(config);
    free(config->transform);
    config_list_release(&config->key);
    free(config->partition_column);
    config_list_release(&config->sort);
    free(config->temp);
    *config = (struct config){0};
}

/* What the file leaves to the machine. */
static void fill_machine(struct config *config, const struct config_env *env)
{
    if (config->memory == 0) {
        uint64_t all = env->memory > 0 ? env->memory : config_machine_memory("");
        uint64_t share = all / 4;
        if (share < MEMORY_DEFAULT_LEAST)
            share = MEMORY_DEFAULT_LEAST;
        if (share > MEMORY_DEFAULT_MOST)
            share = MEMORY_DEFAULT_MOST;
        config->memory = share;
    }
    if (config->threads == 0) {
        unsigned cpus = env->cpus > 0 ? env->cpus : config_machine_cpus("");
        config->threads = cpus < CONFIG_THREADS_MAX ? cpus : CONFIG_THREADS_MAX;
    }
    if (config->temp == NULL) {
        const char *folder = env->get != NULL ? env->get(env->ctx, "TMPDIR") : NULL;
        config->temp = mem_strdup(folder != NULL && *folder != '\0' ? folder : "/var/tmp");
    }
}

void config_defaults(const struct config_env *env, struct config *out)
{
    struct config_env process = config_env_process();
    set_defaults(out, "", ".");
    fill_machine(out, env != NULL ? env : &process);
}

static void check_required(struct config_reader *r, const struct yaml_tree_node *const *seen)
{
    const struct yaml_tree_mark top = {1, 1};
    if (config_seen(&config_table_root, seen, "dataset") == NULL)
        config_problem(r, top, "The key \"dataset\" is missing: it names the dataset.");
    if (config_seen(&config_table_root, seen, "key") == NULL)
        config_problem(r, top,
                       "The key \"key\" is missing: it lists the columns that identify a row.");
}

static void read_root(struct config_reader *r, const struct yaml_tree_node *root,
                      struct config *config)
{
    const struct yaml_tree_node *seen[CONFIG_TABLE_MAX];
    config_read_map(r, root, &config_table_root, config, seen);
    if (root->kind != YAML_TREE_MAP)
        return;
    check_required(r, seen);
    config_read_transform(r, config, seen);
    config_columns_finish(r, config, seen);
}

/* Everything in `bytes` that is right goes into `config`, everything that is wrong is reported. */
static void read_bytes(struct config_reader *r, const char *bytes, size_t count,
                       struct config *config)
{
    struct yaml_tree_node *root = NULL;
    struct yaml_tree_mark where = {1, 1};
    struct error err = ERROR_INIT;
    if (count > CONFIG_SIZE_MAX) {
        config_problem(r, where, "The file is larger than %zu bytes.", CONFIG_SIZE_MAX);
    } else if (yaml_tree_parse(bytes, count, &root, &where, &err) != ERR_OK) {
        config_problem(r, where, "%s", err.text);
    } else if (root == NULL) {
        config_problem(r, where, "The file is empty: \"cauce init\" writes one to start from.");
    } else {
        config_expand(r, root);
        read_root(r, root, config);
    }
    yaml_tree_free(root);
}

static int sum_up(const struct config_problems *problems, struct error *err)
{
    const struct config_problem *first = &problems->items[0];
    size_t count = problems->count + problems->dropped;
    if (count == 1)
        return error_set(err, ERR_CONFIG, "%s:%u:%u: %s", first->file, first->line, first->column,
                         first->message);
    return error_set(err, ERR_CONFIG, "%s has %zu problems; the first, in line %u, column %u: %s",
                     first->file, count, first->line, first->column, first->message);
}

int config_parse(const char *bytes, size_t count, const char *path, const struct config_env *env,
                 struct config *out, struct config_problems *problems, struct error *err)
{
    struct config_env process = config_env_process();
    struct config_problems own;
    struct config config;
    char *folder = fs_parent(path);
    config_problems_init(&own);
    struct config_reader r = {
        .path = path,
        .folder = folder,
        .env = env != NULL ? env : &process,
        .problems = problems != NULL ? problems : &own,
    };
    int rc = ERR_OK;
    set_defaults(&config, path, folder);
    read_bytes(&r, bytes, count, &config);
    if (r.problems->count > 0) {
        config_problems_sort(r.problems);
        rc = sum_up(r.problems, err);
        config_release(&config);
    } else {
        fill_machine(&config, r.env);
        *out = config;
    }
    config_problems_release(&own);
    free(folder);
    return rc;
}

int config_load(const char *path, const struct config_env *env, struct config *out,
                struct config_problems *problems, struct error *err)
{
    struct str text;
    struct error why = ERROR_INIT;
    str_init(&text, CONFIG_SIZE_MAX);
    int rc = fs_read(path, &text, &why);
    if (rc == ERR_OK)
        rc = config_parse(text.data, text.len, path, env, out, problems, err);
    else if (rc == ERR_ABSENT)
        rc = error_set(err, ERR_CONFIG,
                       "The configuration %s does not exist: \"cauce init %s\" writes one to start "
                       "from.",
                       path, path);
    else
        rc = error_set(err, ERR_CONFIG, "The configuration cannot be read: %s", why.text);
    str_release(&text);
    return rc;
}
