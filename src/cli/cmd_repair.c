#include <stdlib.h>

#include "cli/command.h"
#include "cli/open.h"
#include "cli/repair_list.h"
#include "cli/text.h"
#include "pipeline/repair.h"
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
        json_set_unsigned(object, "gc_epoch", p->gc_epoch);
        text_print_json(object);
    } else if (!o->quiet) {
        text_printf("%s: the pointer %s version %llu (%s)\n", in->config.dataset,
                    o->dry_run ? "would name" : "names", (unsigned long long)p->current.sequence,
                    key);
    }
}

static int set(const struct options *o, struct opened *in, struct error *err)
{
    struct pointer pointer;
    char *key = manifest_key(o->to);
    const struct repair_options options = {.manifest_key = key,
                                           .replace = o->replace,
                                           .unpublished = o->unpublished,
                                           .dry_run = o->dry_run};
    int rc = repair_dataset(&in->dataset, &options, &pointer, err);
    if (rc == ERR_OK)
        print(o, in, key, &pointer);
    else if (rc == ERR_GATE)
        error_append(err, "`cauce repair --list` shows the candidates.");
    free(key);
    return rc;
}

static int list(const struct options *o, struct opened *in, struct error *err)
{
    struct repair_view view;
    int rc = repair_look_dataset(&in->dataset, &view, err);
    if (rc == ERR_OK && o->json)
        repair_list_json(in, &view);
    else if (rc == ERR_OK)
        repair_list_text(in, &view);
    repair_view_release(&view);
    return rc;
}

static int repair(const struct options *o, int *status, struct error *err)
{
    struct opened in = {.store = NULL};
    (void)status;
    if ((o->to == NULL) == !o->list)
        return error_set(err, ERR_CONFIG,
                         "One of the options --to and --list is needed: --to names the manifest "
                         "for the pointer to name, --list shows the candidates.");
    int rc = open_dataset(o, OPEN_READ, &in, err);
    if (rc != ERR_OK)
        return rc;
    rc = o->list ? list(o, &in, err) : set(o, &in, err);
    open_release(&in);
    return rc;
}

const struct command cmd_repair = {
    .name = "repair",
    .summary = "set a pointer that is lost, damaged or out of date",
    .operands = "DATASET.yml",
    .about =
        "Sets the pointer of a dataset to the manifest named with --to, and brings the projections\n"
        "to its version. --list shows the manifests there are, whether each is whole, what shows\n"
        "that it was published, and which one is proposed; it changes nothing. The chain of\n"
        "versions is checked first. What was published is given up only with --replace, and a\n"
        "manifest that nothing names, such as a failed run leaves, is taken only with\n"
        "--unpublished.",
    .examples = "  cauce repair --list rates.yml\n"
                "  cauce repair --dry-run --to manifests/0000000012-<commit>.json rates.yml\n"
                "  cauce repair --to 0000000012-<commit> rates.yml\n",
    .own =
        {
            {"list", 0, OPTION_FLAG, NULL, "show the candidates, and change nothing",
             OPTION_AT(list)},
            {"to", 0, OPTION_TEXT, "MANIFEST", "key of the manifest, or name of its version",
             OPTION_AT(to)},
            {"replace", 0, OPTION_FLAG, NULL, "give up what was published after it",
             OPTION_AT(replace)},
            {"unpublished", 0, OPTION_FLAG, NULL,
             "take a manifest that nothing shows to have been published", OPTION_AT(unpublished)},
            {"dry-run", 0, OPTION_FLAG, NULL, "only check, and say what would be done",
             OPTION_AT(dry_run)},
        },
    .takes_dataset = true,
    .stoppable = true,
    .run = repair,
};
