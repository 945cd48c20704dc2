#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/exit.h"
#include "cli/open.h"
#include "cli/text.h"
#include "util/fs.h"
#include "util/mem.h"

/* Findings in the order of the checks: each is one line, or one JSON object. */
struct doctor {
    struct json *checks;
    int code; /* of the first check that failed */
};

static void report(struct doctor *d, const char *name, int code, const char *text)
{
    struct json *one = json_new_object();
    json_set_string(one, "check", name);
    json_set_bool(one, "ok", code == ERR_OK);
    json_set_string(one, "text", text);
    json_append(d->checks, one);
    if (d->code == ERR_OK)
        d->code = code;
}

static void reportf(struct doctor *d, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void reportf(struct doctor *d, const char *name, const char *format, ...)
{
    struct str text;
    va_list args;
    str_init(&text, STR_MAX_DEFAULT);
    va_start(args, format);
    str_vprintf(&text, format, args);
    va_end(args);
    report(d, name, ERR_OK, text.data);
    str_release(&text);
}

static void look_at_program(struct doctor *d)
{
    struct error err = ERROR_INIT;
    char *version = NULL;
    report(d, "program", ERR_OK, "cauce " CAUCE_VERSION);
    int rc = engine_version(NULL, &version, &err);
    report(d, "libduckdb", rc, rc == ERR_OK ? version : err.text);
    free(version);
}

static void look_at_limits(struct doctor *d, const struct config *config)
{
    char bytes[TEXT_SIZE];
    reportf(d, "memory", "at most %s for a run", text_bytes(config->memory, bytes));
    reportf(d, "threads", "%u", config->threads);
}

/* The folder itself, or the nearest one above it that exists. */
static char *existing_folder(const char *path)
{
    char *folder = mem_strdup(path);
    while (!fs_exists(folder) && strcmp(folder, ".") != 0 && strcmp(folder, "/") != 0) {
        char *parent = fs_parent(folder);
        free(folder);
        folder = parent;
    }
    return folder;
}

/* File system and free space of a local folder, and whether it may be written to. */
static void look_at_folder(struct doctor *d, const char *name, const char *path)
{
    struct error err = ERROR_INIT;
    char bytes[TEXT_SIZE];
    uint64_t room = 0;
    bool network = false;
    const char *kind = "";
    char *folder = existing_folder(path);
    int rc = fs_free_space(folder, &room, &err);
    if (rc == ERR_OK)
        rc = fs_is_network(folder, &network, &kind, &err);
    if (rc == ERR_OK)
        rc = fs_check_writable(folder, &err);
    if (rc != ERR_OK)
        report(d, name, rc, err.text);
    else
        reportf(d, name, "%s: %s free, %s%s%s", path, text_bytes(room, bytes),
                network ? "on a network (" : "local", network ? kind : "", network ? ")" : "");
    free(folder);
}

static void look_at_traits(struct doctor *d, const struct store *st)
{
    const struct store_traits *t = &st->traits;
    reportf(d, "store", "%s (%s)", st->url, t->kind);
    reportf(d, "traits", "compare-and-swap: %s, local paths: %s, labels: %s, guarded move: %s",
            t->compare_and_swap ? "yes" : "no", t->local_paths ? "yes" : "no",
            t->labels ? "yes" : "no", t->guarded_move ? "yes" : "no");
}

/* After the probe, which learns the server's dialect. */
static void look_at_server(struct doctor *d, struct store *st)
{
    struct error err = ERROR_INIT;
    struct str text;
    if (st->ops->describe == NULL)
        return;
    str_init(&text, STR_MAX_DEFAULT);
    int rc = store_describe(st, &text, &err);
    report(d, "server", rc, rc == ERR_OK ? text.data : err.text);
    str_release(&text);
}

static void look_at_store(struct doctor *d, const struct opened *in)
{
    struct error err = ERROR_INIT;
    look_at_traits(d, in->store);
    if (in->store->traits.local_paths) {
        char *path = NULL;
        if (store_local_path(in->store, LAYOUT_POINTER, &path, NULL) == ERR_OK) {
            path[strlen(path) - strlen("/" LAYOUT_POINTER)] = '\0';
            look_at_folder(d, "folder", path);
        }
        free(path);
    }
    int rc = store_probe(in->store, &err);
    look_at_server(d, in->store);
    report(d, "probe", rc,
           rc == ERR_OK ? "the store honours its conditions: publishing to it is safe" : err.text);
}

static void look_at_dataset(struct doctor *d, const struct opened *in)
{
    struct error err = ERROR_INIT;
    struct base base = {.tag = {""}};
    int rc = base_read(in->store, in->config.dataset, &base, &err);
    if (rc == ERR_ABSENT)
        report(d, "dataset", ERR_OK, "nothing published yet");
    else if (rc != ERR_OK)
        report(d, "dataset", rc, err.text);
    else
        reportf(d, "dataset", "%s, version %llu", in->config.dataset,
                (unsigned long long)base.pointer.current.sequence);
    base_release(&base);
}

static void print_text(const struct doctor *d)
{
    for (size_t i = 0; i < json_count(d->checks); i++) {
        const struct json *one = json_at(d->checks, i);
        text_printf("%-6s %-10s %s\n", json_bool(json_get(one, "ok")) ? "ok" : "FAILED",
                    json_string(json_get(one, "check")), json_string(json_get(one, "text")));
    }
}

static void print(const struct options *o, struct doctor *d)
{
    if (!o->json) {
        print_text(d);
        return;
    }
    struct json *object = json_new_object();
    json_set_bool(object, "ok", d->code == ERR_OK);
    json_set(object, "checks", json_copy(d->checks));
    text_print_json(object);
}

/* Without a dataset or a store only the machine is checked. */
static int open_what_is_named(const struct options *o, struct opened *in, struct doctor *d,
                              struct error *err)
{
    if (o->file == NULL && o->store == NULL)
        return open_config(o, in, err);
    int rc = open_dataset(o, OPEN_PROVE, in, err);
    if (rc != ERR_ABSENT)
        return rc;
    report(d, "store", ERR_OK,
           o->file == NULL && o->dataset == NULL
               ? "the store's folder does not exist; the first run creates it"
               : "the dataset's folder does not exist; the first run creates it");
    error_clear(err);
    rc = open_config(o, in, err);
    if (rc == ERR_OK)
        look_at_folder(d, "folder",
                       in->config.store +
                           (str_starts(in->config.store, "file://") ? strlen("file://") : 0));
    return rc;
}

static int examine(const struct options *o, int *status, struct error *err)
{
    struct opened in = {.store = NULL};
    struct doctor d = {.checks = json_new_array()};
    look_at_program(&d);
    int rc = open_what_is_named(o, &in, &d, err);
    if (rc == ERR_OK) {
        look_at_limits(&d, &in.config);
        look_at_folder(&d, "scratch", in.config.temp);
        if (in.store != NULL) {
            look_at_store(&d, &in);
            if (in.config.dataset != NULL)
                look_at_dataset(&d, &in);
        }
        print(o, &d);
        *status = exit_status_of(d.code);
    }
    open_release(&in);
    json_free(d.checks);
    return rc;
}

const struct command cmd_doctor = {
    .name = "doctor",
    .summary = "show what is installed, which limits hold, and whether a store is safe",
    .operands = "[DATASET.yml]",
    .about =
        "Shows the versions of the program and of libduckdb, the limits of a run, the folder for\n"
        "scratch files and, where a dataset or a store is named, the store: what it guarantees,\n"
        "whether it keeps that (objects below .probe/ are made and deleted), and which endpoint\n"
        "and credentials are used. The exit status is that of the first check that failed.",
    .examples = "  cauce doctor\n"
                "  cauce doctor rates.yml\n"
                "  cauce doctor --store s3://bucket/data\n"
                "  cauce doctor --store s3://bucket/data --dataset rates\n",
    .takes_dataset = true,
    .may_lack_dataset = true,
    .run = examine,
};
