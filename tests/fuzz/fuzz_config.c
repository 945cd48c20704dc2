/*
 * Any bytes as a configuration: the parser either gives a configuration that keeps its promises, or
 * at least one problem with a place and a message without control characters.
 */
#include "config/config.h"

#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"

#define SECRET "canary-of-a-secret"

/* What the file itself says is no secret. */
static bool secret_is_ours;

static void check(bool right)
{
    if (!right)
        abort();
}

static const char *variable(void *ctx, const char *name)
{
    (void)ctx;
    if (strcmp(name, "A") == 0)
        return "value";
    if (strcmp(name, "EMPTY") == 0)
        return "";
    if (strcmp(name, "TOKEN") == 0)
        return SECRET;
    if (strcmp(name, "BYTES") == 0)
        return "\xff";
    return NULL;
}

static void check_config(struct config *config)
{
    char digest[SHA256_HEX_SIZE];
    check(strlen(config->dataset) >= 1 && strlen(config->dataset) <= CONFIG_DATASET_MAX);
    check(config->key.count >= 1 && config->sort.count >= 1);
    check((config->partition_column != NULL) == (config->partition_by != CONFIG_BY_NONE));
    check(config->memory > 0 && config->threads > 0 && config->temp != NULL);
    check(config->store_options.parallel >= 1 && config->store_options.parallel <= 64);
    for (size_t i = 0; i < config->column_count; i++) {
        check(config->columns[i].name != NULL && config->columns[i].type.kind != TYPE_NONE);
        check(config->columns[i].from.count >= 1);
    }
    for (size_t i = 0; i < config->source.url_count; i++) {
        const struct config_url *url = &config->source.urls[i];
        check((url->path != NULL) == (url->place == CONFIG_PLACE_LOCAL));
        check(!secret_is_ours || strstr(url->shown, SECRET) == NULL);
        check(config->source.format != FILE_FORMAT_AUTO);
    }
    config_digest(config, digest);
    check(strlen(digest) == SHA256_HEX_SIZE - 1);
}

static void check_problems(const struct config_problems *problems, const struct error *err)
{
    check(problems->count > 0 && err->code == ERR_CONFIG && err->text[0] != '\0');
    for (size_t i = 0; i < problems->count; i++) {
        const struct config_problem *p = &problems->items[i];
        check(p->line >= 1 && p->column >= 1 && p->message[0] != '\0');
        check(!secret_is_ours || strstr(p->message, SECRET) == NULL);
        for (const char *c = p->message; *c != '\0'; c++)
            check((unsigned char)*c >= 0x20 && *c != 0x7f);
        if (i > 0)
            check(p->line >= problems->items[i - 1].line);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct config_env env = {.get = variable, .memory = (uint64_t)1 << 30, .cpus = 2};
    struct config_problems problems;
    struct config config = {0};
    struct error err = ERROR_INIT;
    struct str lines;
    secret_is_ours = memmem(data, size, "canary", strlen("canary")) == NULL;
    config_problems_init(&problems);
    str_init(&lines, STR_MAX_DEFAULT);
    int rc = config_parse((const char *)data, size, "fuzz/d.yml", &env, &config, &problems, &err);
    if (rc == ERR_OK) {
        check(problems.count == 0);
        check_config(&config);
        config_release(&config);
    } else {
        check(rc == ERR_CONFIG);
        check_problems(&problems, &err);
        config_problems_format(&problems, &lines);
    }
    str_release(&lines);
    config_problems_release(&problems);
    return 0;
}
