#include <unistd.h>

#include "cli/command.h"
#include "cli/exit.h"
#include "cli/open.h"
#include "cli/progress.h"
#include "cli/text.h"
#include "pipeline/check.h"

static size_t count_must(const struct verify_report *r)
{
    size_t n = 0;
    for (size_t i = 0; i < r->count; i++)
        n += r->findings[i].level == FINDING_MUST;
    return n;
}

static const char *level_name(enum finding_level level)
{
    return level == FINDING_MUST ? "damaged" : "derived";
}

static void print_json(const struct opened *in, const struct verify_report *r, bool data)
{
    struct json *object = json_new_object();
    struct json *list = json_new_array();
    json_set_string(object, "dataset", in->config.dataset);
    json_set_bool(object, "sound", count_must(r) == 0);
    json_set_bool(object, "data", data);
    text_set_version(object, &r->current);
    json_set_unsigned(object, "versions", r->versions);
    json_set_unsigned(object, "files", r->files);
    json_set_unsigned(object, "rows", r->rows);
    json_set_unsigned(object, "keys", r->keys);
    json_set_unsigned(object, "bytes_hashed", r->bytes_hashed);
    for (size_t i = 0; i < r->count; i++) {
        struct json *one = json_new_object();
        json_set_string(one, "level", level_name(r->findings[i].level));
        json_set_string(one, "object", r->findings[i].object);
        json_set_string(one, "text", r->findings[i].text);
        json_append(list, one);
    }
    json_set(object, "findings", list);
    text_print_json(object);
}

static void print_text(const struct opened *in, const struct verify_report *r, bool data,
                       bool quiet)
{
    char bytes[TEXT_SIZE];
    size_t must = count_must(r);
    for (size_t i = 0; i < r->count; i++)
        text_printf("%s: %s: %s\n", level_name(r->findings[i].level), r->findings[i].object,
                    r->findings[i].text);
    if (quiet)
        return;
    text_printf("%s: %llu %s, %llu %s, %llu %s, %llu %s", in->config.dataset,
                (unsigned long long)r->versions, text_plural(r->versions, "version", "versions"),
                (unsigned long long)r->files, text_plural(r->files, "file", "files"),
                (unsigned long long)r->rows, text_plural(r->rows, "row", "rows"),
                (unsigned long long)r->keys, text_plural(r->keys, "key", "keys"));
    if (data)
        text_printf(", %s read", text_bytes(r->bytes_hashed, bytes));
    if (must > 0)
        text_printf(": DAMAGED, %zu %s\n", must, text_plural(must, "finding", "findings"));
    else if (r->count > 0)
        text_print(": sound; something derived needs work\n");
    else
        text_print(": sound\n");
}

static int verify(const struct options *o, int *status, struct error *err)
{
    struct opened in = {.store = NULL};
    struct verify_report report = {.count = 0};
    struct progress progress;
    int rc = open_dataset(o, OPEN_READ, &in, err);
    if (rc != ERR_OK)
        return rc;
    progress_start(&progress, progress_wanted(o, STDERR_FILENO) ? STDERR_FILENO : -1, "verifying");
    rc = check_dataset(&in.dataset, o->data, &report, err);
    progress_end(&progress);
    if (rc == ERR_OK && o->json)
        print_json(&in, &report, o->data);
    else if (rc == ERR_OK)
        print_text(&in, &report, o->data, o->quiet);
    if (count_must(&report) > 0 || (o->strict && report.count > 0))
        *status = EXIT_DAMAGED;
    verify_report_release(&report);
    open_release(&in);
    return rc;
}

const struct command cmd_verify = {
    .name = "verify",
    .summary = "check that everything published is present and whole",
    .operands = "DATASET.yml",
    .about =
        "Checks the pointer, the chain of versions, and that every object they name exists with\n"
        "the right size. With --data every file is read and hashed, its rows and keys are\n"
        "counted, and the key index and the projections are compared with what the events give.\n"
        "\n"
        "A finding about what is published (\"damaged\") makes the exit status 12. Findings about\n"
        "what is derived (\"derived\": key index, projections) are healed by the next run, or as they\n"
        "say; they count only with --strict. Nothing is changed.",
    .examples = "  cauce verify rates.yml\n"
                "  cauce verify --data --strict rates.yml\n"
                "  cauce verify --data --json --store s3://bucket/data --dataset rates\n",
    .own =
        {
            {"data", 0, OPTION_FLAG, NULL, "read and hash all data, too", OPTION_AT(data)},
            {"strict", 0, OPTION_FLAG, NULL, "findings about what is derived count, too",
             OPTION_AT(strict)},
        },
    .takes_dataset = true,
    .stoppable = true,
    .run = verify,
};
