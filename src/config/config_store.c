#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "config/config_read.h"
#include "util/mem.h"
#include "util/str.h"

static const char *const encryptions[] = {"none", "sse-s3", "sse-kms"};
static const struct config_choices encryption_choices = {encryptions, 3, CONFIG_ENCRYPTION_NONE};
static const struct config_range parallel_range = {1, 64};

#define AT(member) offsetof(struct config_store_options, member)

static const struct config_field fields[] = {
    {"allow_network_filesystem", config_read_bool, AT(allow_network_filesystem), NULL, NULL, false},
    {"endpoint", config_read_text, AT(endpoint), NULL, NULL, false},
    {"region", config_read_text, AT(region), NULL, NULL, false},
    {"path_style", config_read_bool, AT(path_style), NULL, NULL, false},
    {"profile", config_read_text, AT(profile), NULL, NULL, false},
    {"ca_bundle", config_read_path, AT(ca_bundle), NULL, NULL, false},
    {"expected_bucket_owner", config_read_text, AT(expected_bucket_owner), NULL, NULL, false},
    {"encryption", config_read_choice, AT(encryption), &encryption_choices, NULL, false},
    {"kms_key_id", config_read_text, AT(kms_key_id), NULL, NULL, false},
    {"allow_http", config_read_bool, AT(allow_http), NULL, NULL, false},
    {"parallel", config_read_unsigned, AT(parallel), &parallel_range, NULL, false},
};
#define FIELDS (sizeof fields / sizeof fields[0])

const struct config_table config_table_store = {"store_options", fields, FIELDS};

void config_store_options_defaults(struct config_store_options *options)
{
    *options = (struct config_store_options){.parallel = CONFIG_PARALLEL_DEFAULT};
}

void config_store_options_release(struct config_store_options *options)
{
    free(options->endpoint);
    free(options->region);
    free(options->profile);
    free(options->ca_bundle);
    free(options->expected_bucket_owner);
    free(options->kms_key_id);
    *options = (struct config_store_options){0};
}

void config_read_store(struct config_reader *r, const struct yaml_tree_node *node,
                       const struct config_field *field, void *target)
{
    (void)field;
    char **store = target;
    struct error err = ERROR_INIT;
    char *found;
    if (!config_usable_text(r, node))
        return;
    if (config_store_locate(node->text, node->shown, r->folder, &found, &err) != ERR_OK) {
        config_problem_value(r, node, "%s", err.text);
        return;
    }
    free(*store);
    *store = found;
}

/* Does "http://HOST..." name this machine itself? */
static bool is_loopback(const char *url)
{
    static const char *const hosts[] = {"localhost", "127.0.0.1", "[::1]"};
    const char *host = url + strlen("http://");
    size_t length = host[0] == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":/?#");
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
        if (strlen(hosts[i]) == length && strncasecmp(hosts[i], host, length) == 0)
            return true;
    }
    return false;
}

static void check_endpoint(struct config_reader *r, const struct config_store_options *options,
                           const struct yaml_tree_node *node)
{
    char shown[CONFIG_SHOWN_SIZE];
    const char *url = options->endpoint;
    bool http = strncasecmp(url, "http://", 7) == 0;
    bool https = strncasecmp(url, "https://", 8) == 0;
    const char *host = url + (http ? 7 : 8);
    if (!http && !https)
        config_problem_value(r, node, "must be a URL, as in https://s3.example.org, not %s.",
                             config_shown(node, shown));
    else if (*host == '\0' || strchr(":/?#", *host) != NULL)
        config_problem_value(r, node, "has no host after \"://\".");
    else if (strpbrk(host, "@?# \t\r\n") != NULL)
        config_problem_value(r, node, "must be a scheme, a host and a port, and nothing else.");
    else if (http && !options->allow_http && !is_loopback(url))
        config_problem_value(r, node,
                             "is not encrypted: use https://, or set "
                             "\"store_options.allow_http\" to true.");
}

/* Does the text consist of `allowed` characters only? */
static bool consists_of(const char *text, const char *allowed)
{
    return text[strspn(text, allowed)] == '\0';
}

static void check_names(struct config_reader *r, const struct config_store_options *options,
                        const struct yaml_tree_node *const *seen)
{
    char shown[CONFIG_SHOWN_SIZE];
    const struct yaml_tree_node *node;
    node = config_seen(&config_table_store, seen, "region");
    if (options->region != NULL &&
        !consists_of(options->region, "abcdefghijklmnopqrstuvwxyz0123456789-_"))
        config_problem_value(r, node, "must be a region such as eu-central-1, not %s.",
                             config_shown(node, shown));
    node = config_seen(&config_table_store, seen, "expected_bucket_owner");
    if (options->expected_bucket_owner != NULL &&
        (strlen(options->expected_bucket_owner) != 12 ||
         !consists_of(options->expected_bucket_owner, "0123456789")))
        config_problem_value(r, node, "must be an account of twelve digits, not %s.",
                             config_shown(node, shown));
    node = config_seen(&config_table_store, seen, "kms_key_id");
    if (options->kms_key_id != NULL && options->encryption != CONFIG_ENCRYPTION_SSE_KMS)
        config_problem_value(r, node,
                             "has no effect: set \"store_options.encryption\" to sse-kms, too.");
}

void config_read_store_options(struct config_reader *r, const struct yaml_tree_node *node,
                               const struct config_field *field, void *target)
{
    (void)field;
    struct config_store_options *options = target;
    const struct yaml_tree_node *seen[CONFIG_TABLE_MAX];
    config_read_map(r, node, &config_table_store, options, seen);
    options->path_style_set = config_seen(&config_table_store, seen, "path_style") != NULL;
    if (options->endpoint != NULL)
        check_endpoint(r, options, config_seen(&config_table_store, seen, "endpoint"));
    check_names(r, options, seen);
}

int config_set_store(struct config *config, const char *text, struct error *err)
{
    struct error why = ERROR_INIT;
    char *found;
    int rc = *text != '\0' ? config_store_locate(text, NULL, ".", &found, &why)
                           : error_set(&why, ERR_CONFIG, "must not be empty.");
    if (rc != ERR_OK) {
        char *shown = config_url_hide(text);
        rc = error_set(err, rc, "The store \"%.300s\" %s", shown, why.text);
        free(shown);
        return rc;
    }
    free(config->store);
    config->store = found;
    return ERR_OK;
}
