#include <stdlib.h>

#include "catalog/catalog.h"
#include "cli/command.h"
#include "cli/open.h"
#include "cli/text.h"
#include "util/mem.h"

/* The key of a manifest; the name of its version will do, too. The caller frees it. */
static char *manifest_key(const char *text)
{
    struct version_id version;
    char key[LAYOUT_KEY_SIZE];
    if (layout_parse_name(text, &version, NULL) != ERR_OK)
        return mem_strdup(text);
    layout_manifest(&version, key);
    return mem_strdup(key);
}

static void print(const struct options *o, const struct opened *in, const char *key,
                  const struct pointer *p)
{
    if (o->json) {
        struct json *object = json_new_object();
        json_set_string(object, "dataset", in->config.dataset);
        json_set_bool(object, "dry_run", o->dry_run);
        json_set_string(object, "manifest", key);
        text_set_version(object, &p->current);
        text_print_json(object);
    } else if (!o->quiet) {
        text_printf("%s: the pointer %s version %llu (%s)\n", in->config.dataset,
                    o->dry_run ? "would name" : "names", (unsigned long long)p->current.sequence,
                    key);
    }
}

static int repair(const struct options *o, int *status, struct error *err)
{
    struct opened in = {.store = NULL};
    struct pointer pointer;
    (void)status;
    if (o->to == NULL)
        return error_set(err, ERR_CONFIG,
                         "The option --to is missing: the manifest that the pointer is to name. "
                         "Manifests lie below manifests/ in the dataset's folder.");
    int rc = open_dataset(o, OPEN_READ, &in, err);
    if (rc != ERR_OK)
        return rc;
    char *key = manifest_key(o->to);
    rc = catalog_repair(in.store, key, o->replace, o->dry_run, &pointer, err);
    if (rc == ERR_OK)
        print(o, &in, key, &pointer);
    else if (rc == ERR_GATE && !o->replace)
        error_append(err, "--replace does so.");
    free(key);
    open_release(&in);
    return rc;
}

const struct command cmd_repair = {
    .name = "repair",
    .summary = "set a lost or damaged pointer to a manifest",
    .operands = "DATASET.yml",
    .about =
        "Sets the pointer of a dataset, where it is lost or damaged, to the manifest named with\n"
        "--to. The chain of versions from there on is checked first. An intact pointer is replaced\n"
        "only with --replace: what was published after that version is then no longer reachable.",
    .examples = "  cauce repair --dry-run --to manifests/0000000012-<commit>.json rates.yml\n"
                "  cauce repair --to 0000000012-<commit> rates.yml\n",
    .own =
        {
            {"to", 0, OPTION_TEXT, "MANIFEST", "key of the manifest, or name of its version",
             OPTION_AT(to)},
            {"replace", 0, OPTION_FLAG, NULL, "replace an intact pointer, too", OPTION_AT(replace)},
            {"dry-run", 0, OPTION_FLAG, NULL, "only check, and say what would be done",
             OPTION_AT(dry_run)},
        },
    .takes_dataset = true,
    .stoppable = true,
    .run = repair,
};
