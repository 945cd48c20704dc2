#include "cli/command.h"
#include "cli/exit.h"
#include "cli/text.h"
#include "config/config.h"

static struct json *encode_problems(const struct config_problems *problems)
{
    struct json *list = json_new_array();
    for (size_t i = 0; i < problems->count; i++) {
        const struct config_problem *p = &problems->items[i];
        struct json *one = json_new_object();
        json_set_string(one, "file", p->file);
        json_set_unsigned(one, "line", p->line);
        json_set_unsigned(one, "column", p->column);
        json_set_string(one, "message", p->message);
        json_append(list, one);
    }
    return list;
}

static void print_json(const struct config *config, const struct config_problems *problems)
{
    struct json *object = json_new_object();
    json_set_bool(object, "valid", config != NULL);
    json_set_string(object, "dataset", config != NULL ? config->dataset : NULL);
    json_set(object, "problems", encode_problems(problems));
    json_set_unsigned(object, "problems_left_out", problems->dropped);
    text_print_json(object);
}

static void print_text(const char *path, const struct config *config)
{
    text_printf("%s: dataset %s, ", path, config->dataset);
    if (config->column_count > 0)
        text_printf("%zu columns, ", config->column_count);
    else
        text_print("columns found at the first run, ");
    text_print("key ");
    for (size_t i = 0; i < config->key.count; i++)
        text_printf("%s%s", i > 0 ? ", " : "", config->key.items[i]);
    if (config->partition_by != CONFIG_BY_NONE)
        text_printf(", cut by %s of %s", config_by_name(config->partition_by),
                    config->partition_column);
    text_print(": no problems\n");
}

/* The problems are the answer here, so they go to standard output. */
static void print_problems(const struct config_problems *problems)
{
    struct str lines;
    str_init(&lines, STR_MAX_DEFAULT);
    config_problems_format(problems, &lines);
    text_print(lines.data);
    if (problems->dropped > 0)
        text_printf("and %zu more problems\n", problems->dropped);
    str_release(&lines);
}

static int check(const struct options *o, int *status, struct error *err)
{
    struct config config = {.path = NULL};
    struct config_problems problems;
    config_problems_init(&problems);
    int rc = config_load(o->file, NULL, &config, &problems, err);
    if (rc == ERR_OK && o->store != NULL)
        rc = config_set_store(&config, o->store, err);
    if (rc == ERR_OK || problems.count > 0) {
        const struct config *valid = rc == ERR_OK ? &config : NULL;
        if (o->json)
            print_json(valid, &problems);
        else if (valid == NULL)
            print_problems(&problems);
        else if (!o->quiet)
            print_text(o->file, valid);
        *status = valid != NULL ? EXIT_DONE : EXIT_USAGE;
        error_clear(err);
        rc = ERR_OK;
    }
    config_release(&config);
    config_problems_release(&problems);
    return rc;
}

const struct command cmd_check = {
    .name = "check",
    .summary = "find every mistake in a configuration",
    .operands = "DATASET.yml",
    .about = "Reads the configuration and lists every mistake in it, each with its file, line and\n"
             "column. It reads neither the source nor the store.",
    .examples = "  cauce check rates.yml\n"
                "  cauce check --json rates.yml\n",
    .takes_dataset = true,
    .file_only = true,
    .run = check,
};
