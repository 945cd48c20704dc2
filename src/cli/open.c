#include "cli/open.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/store_trace.h"
#include "util/fs.h"
#include "util/log.h"
#include "util/mem.h"

char *open_join(const char *store, const char *dataset)
{
    size_t n = strlen(store);
    while (n > 0 && store[n - 1] == '/')
        n--;
    /* "memory:" alone is a memory of one's own, and "/" the root folder. */
    if (n > 0 && store[n - 1] == ':')
        return mem_printf("%.*s%s", (int)n, store, dataset);
    return mem_printf("%.*s/%s", (int)n, store, dataset);
}

/* ---- Settings of the store ----------------------------------------------------------------- */

static enum store_s3_encryption encryption_of(enum config_encryption encryption)
{
    switch (encryption) {
    case CONFIG_ENCRYPTION_DEFAULT:
        break;
    case CONFIG_ENCRYPTION_NONE:
        return STORE_S3_ENCRYPTION_NONE;
    case CONFIG_ENCRYPTION_SSE_S3:
        return STORE_S3_ENCRYPTION_AES;
    case CONFIG_ENCRYPTION_SSE_KMS:
        return STORE_S3_ENCRYPTION_KMS;
    }
    return STORE_S3_ENCRYPTION_UNSET;
}

static enum store_s3_addressing addressing_of(const struct config_store_options *o)
{
    if (!o->path_style_set)
        return STORE_S3_AUTO;
    return o->path_style ? STORE_S3_PATH : STORE_S3_VIRTUAL;
}

struct store_s3_options open_s3_options(const struct config *config)
{
    const struct config_store_options *o = &config->store_options;
    return (struct store_s3_options){
        .endpoint = o->endpoint,
        .region = o->region,
        .profile = o->profile,
        .ca_file = o->ca_bundle,
        .expected_bucket_owner = o->expected_bucket_owner,
        .kms_key_id = o->kms_key_id,
        .addressing = addressing_of(o),
        .encryption = encryption_of(o->encryption),
        .allow_plain = o->allow_http,
        /* Whether written out or not, the default leaves it to the environment. */
        .parallel = o->parallel != CONFIG_PARALLEL_DEFAULT ? o->parallel : 0,
    };
}

static const char *environment(void *ctx, const char *name)
{
    (void)ctx;
    struct config_env env = config_env_process();
    return env.get(env.ctx, name);
}

/* How the configuration says that a place is opened, whichever it is; borrowed from it. */
static struct store_options open_places(const struct config *config)
{
    return (struct store_options){
        .allow_network_filesystem = config->store_options.allow_network_filesystem,
        .s3 = open_s3_options(config),
        .setting = environment,
    };
}

/* ---- Configuration ------------------------------------------------------------------------- */

static void show_problems(const struct options *options, const struct config_problems *problems,
                          struct error *err)
{
    enum log_level level;
    enum log_format format;
    if (problems->count == 0)
        return;
    struct str lines;
    str_init(&lines, STR_MAX_DEFAULT);
    config_problems_format(problems, &lines);
    options_log(options, &level, &format);
    for (char *line = lines.data; *line != '\0';) {
        int n = (int)strcspn(line, "\n");
        if (format == LOG_JSON)
            log_error("%.*s", n, line);
        else
            fprintf(stderr, "%.*s\n", n, line);
        line += n + 1;
    }
    str_release(&lines);
    size_t count = problems->count + problems->dropped;
    error_set(err, ERR_CONFIG, "%s has %zu problem%s.", problems->items[0].file, count,
              count == 1 ? "" : "s");
}

static int load_file(const struct options *options, struct opened *out, struct error *err)
{
    struct config_problems problems;
    config_problems_init(&problems);
    int rc = config_load(options->file, NULL, &out->config, &problems, err);
    if (rc != ERR_OK)
        show_problems(options, &problems, err);
    else
        out->has_config = true;
    config_problems_release(&problems);
    return rc;
}

int open_config(const struct options *options, struct opened *out, struct error *err)
{
    int rc = ERR_OK;
    *out = (struct opened){.has_config = false};
    if (options->file != NULL)
        rc = load_file(options, out, err);
    else
        config_defaults(NULL, &out->config);
    if (rc == ERR_OK && options->dataset != NULL)
        rc = config_set_dataset(&out->config, options->dataset, err);
    if (rc == ERR_OK && options->store != NULL)
        rc = config_set_store(&out->config, options->store, err);
    if (rc == ERR_OK && options->source != NULL)
        rc = config_set_source(&out->config, options->source, err);
    log_context("dataset", out->config.dataset);
    if (rc != ERR_OK)
        open_release(out);
    return rc;
}

/* ---- Store --------------------------------------------------------------------------------- */

/* An error of the operating system about a store is a failure of the storage. */
static int unusable(const char *store, struct error *err)
{
    error_prefix(err, "The store %s cannot be opened", store);
    return error_tell(err, ERR_AGAIN, ERROR_UNCHANGED,
                      "Check the folder, or correct `store`; then run again.");
}

static int open_store(enum open_mode mode, struct opened *out, struct error *err)
{
    const struct config *config = &out->config;
    struct store_options options = open_places(config);
    options.create = mode == OPEN_CREATE;
    options.prove = mode == OPEN_PROVE;
    out->url = config->dataset != NULL ? open_join(config->store, config->dataset)
                                       : mem_strdup(config->store);
    int rc = store_open(out->url, &options, &out->store, err);
    if (rc == ERR_SYSTEM)
        rc = unusable(config->store, err);
    if (rc != ERR_ABSENT || config->dataset == NULL)
        return rc;
    /* What does not exist is empty, and a dry run must create nothing. */
    if (mode == OPEN_DRY)
        return store_open("memory:", NULL, &out->store, err);
    return error_set(err, rc,
                     "There is no dataset \"%s\" in the store %s. \"cauce run\" creates "
                     "it.",
                     config->dataset, config->store);
}

/* Folder for the state of programs (XDG Base Directory Specification), as a new string or NULL. */
static char *state_folder(void)
{
    const char *state = environment(NULL, "XDG_STATE_HOME");
    if (state != NULL && state[0] == '/')
        return fs_join(state, "cauce");
    const char *home = environment(NULL, "HOME");
    return home != NULL && home[0] == '/' ? mem_printf("%s/.local/state/cauce", home) : NULL;
}

/* Buckets of one name on two servers are two places. */
static void find_memory(struct opened *o)
{
    const char *server = o->store->traits.server;
    o->place = mem_printf("%s%s%s", o->store->url, server != NULL ? " at " : "",
                          server != NULL ? server : "");
    o->memory = state_folder();
    o->dataset.memory = o->memory;
    o->dataset.place = o->place;
}

int open_dataset(const struct options *options, enum open_mode mode, struct opened *out,
                 struct error *err)
{
    int rc = open_config(options, out, err);
    if (rc != ERR_OK)
        return rc;
    if (out->config.store == NULL)
        rc = error_set(err, ERR_CONFIG, "No store is named: set \"store\" in %s, or give --store.",
                       options->file);
    if (rc == ERR_OK)
        rc = open_store(mode, out, err);
    if (rc != ERR_OK) {
        open_release(out);
        return rc;
    }
    /* A trace says the same about each operation. */
    if (log_enabled(LOG_DEBUG) && options->trace == NULL)
        out->store = store_trace_new(out->store, NULL, NULL);
    struct limits limits = {
        .memory = out->config.memory, .threads = out->config.threads, .temp = out->config.temp};
    dataset_init(&out->dataset, out->store, out->config.dataset,
                 out->has_config ? &out->config : NULL, &limits);
    find_memory(out);
    out->dataset.places = open_places(&out->config);
    return ERR_OK;
}

void open_release(struct opened *o)
{
    if (o->store != NULL) {
        dataset_release(&o->dataset);
        store_free(o->store);
    }
    free(o->url);
    free(o->memory);
    free(o->place);
    config_release(&o->config);
    *o = (struct opened){.has_config = false};
}
