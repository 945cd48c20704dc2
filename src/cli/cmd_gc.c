#include <unistd.h>

#include "cli/command.h"
#include "cli/open.h"
#include "cli/progress.h"
#include "cli/text.h"
#include "pipeline/collect.h"
#include "util/log.h"

/* Names of foreign objects in the warning; JSON has more of them. */
#define STRANGERS_SHOWN 10

static void print_json(const struct options *o, const struct opened *in, const struct gc_report *r)
{
    struct json *object = json_new_object();
    struct json *list = json_new_array();
    json_set_string(object, "dataset", in->config.dataset);
    json_set_bool(object, "dry_run", !o->apply);
    json_set_unsigned(object, "objects", r->count);
    json_set_unsigned(object, "bytes", r->bytes);
    json_set_unsigned(object, "removed", r->removed);
    json_set_unsigned(object, "gc_epoch", r->gc_epoch);
    for (size_t i = 0; i < r->count; i++) {
        struct json *one = json_new_object();
        json_set_string(one, "key", r->items[i].key);
        json_set_unsigned(one, "bytes", r->items[i].size);
        json_append(list, one);
    }
    json_set(object, "items", list);
    json_set_unsigned(object, "strangers", r->stranger_count);
    list = json_new_array();
    for (size_t i = 0; i < r->stranger_count && i < GC_STRANGERS_MAX; i++)
        json_append(list, json_new_string(r->strangers[i]));
    json_set(object, "stranger_keys", list);
    text_print_json(object);
}

/* A warning, because it is not one of our objects that would be deleted. */
static void warn_of_strangers(const struct opened *in, const struct gc_report *r)
{
    struct str names;
    size_t shown = r->stranger_count < STRANGERS_SHOWN ? r->stranger_count : STRANGERS_SHOWN;
    if (r->stranger_count == 0)
        return;
    str_init(&names, (size_t)STRANGERS_SHOWN * 1000);
    for (size_t i = 0; i < shown; i++)
        str_printf(&names, "%s%s", i > 0 ? ", " : "", r->strangers[i]);
    log_warn("%zu %s in the place of %s %s not made by cauce and left alone: %s%s",
             r->stranger_count, text_plural(r->stranger_count, "object", "objects"),
             in->config.dataset, text_plural(r->stranger_count, "was", "were"), names.data,
             shown < r->stranger_count ? ", ..." : "");
    str_release(&names);
}

static void print_text(const struct options *o, const struct opened *in, const struct gc_report *r)
{
    char bytes[TEXT_SIZE];
    text_bytes(r->bytes, bytes);
    for (size_t i = 0; i < r->count; i++)
        text_printf("%s\n", r->items[i].key);
    if (o->quiet)
        return;
    if (r->count == 0)
        text_printf("%s: nothing to delete\n", in->config.dataset);
    else if (o->apply)
        text_printf("%s: %zu of %zu objects deleted, %s\n", in->config.dataset, r->removed,
                    r->count, bytes);
    else
        text_printf("%s: %zu %s, %s, would be deleted with --delete\n", in->config.dataset,
                    r->count, text_plural(r->count, "object", "objects"), bytes);
}

static int collect(const struct options *o, int *status, struct error *err)
{
    struct opened in = {.store = NULL};
    struct gc_report report = {.count = 0};
    struct progress progress;
    (void)status;
    int rc = open_dataset(o, OPEN_READ, &in, err);
    if (rc != ERR_OK)
        return rc;
    progress_start(&progress, progress_wanted(o, STDERR_FILENO) ? STDERR_FILENO : -1,
                   "looking for leftovers");
    rc = collect_dataset(&in.dataset, o->apply, &report, err);
    progress_end(&progress);
    if (rc == ERR_OK)
        warn_of_strangers(&in, &report);
    if (rc == ERR_OK && o->json)
        print_json(o, &in, &report);
    else if (rc == ERR_OK)
        print_text(o, &in, &report);
    gc_report_release(&report);
    open_release(&in);
    return rc;
}

const struct command cmd_gc = {
    .name = "gc",
    .summary = "list, or delete, what interrupted runs left behind",
    .operands = "DATASET.yml",
    .about =
        "Lists the objects that neither a published version nor anything derived names: what\n"
        "interrupted or lost runs left behind. With --delete it deletes them, after a fence that\n"
        "makes every writer that is still at work start again; it never deletes by age. Records of\n"
        "runs are kept, and objects under names that cauce does not make are left alone and\n"
        "named.",
    .examples = "  cauce gc rates.yml\n"
                "  cauce gc --delete rates.yml\n",
    .own = {{"delete", 0, OPTION_FLAG, NULL, "delete them; without it nothing is changed",
             OPTION_AT(apply)}},
    .takes_dataset = true,
    .stoppable = true,
    .run = collect,
};
