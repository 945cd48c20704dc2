#include "support/scenario.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "derived/projection/consolidate.h"
#include "pipeline/read.h"
#include "store/store_memory.h"
#include "support/temp_folder.h"
#include "util/fs.h"
#include "util/log.h"
#include "util/mem.h"

#define LOG_MAX ((size_t)16 << 20)
#define YAML_MAX ((size_t)1 << 20)

static void must(int rc, const struct error *err)
{
    if (rc == ERR_OK)
        return;
    fprintf(stderr, "scenario: %s: %s\n", error_name(rc), err->text);
    abort();
}

static void take_line(void *ctx, const char *line)
{
    struct str *log = ctx;
    if (getenv("CAUCE_TEST_LOG") != NULL)
        fprintf(stderr, "%s\n", line);
    str_printf(log, "%s\n", line);
}

static void parse(const char *folder, const char *yaml, struct config *out)
{
    struct str text;
    struct error err = ERROR_INIT;
    struct config_problems problems;
    struct config_env env = config_env_process();
    char *path = fs_join(folder, SCENARIO_DATASET ".yml");
    str_init(&text, YAML_MAX);
    config_problems_init(&problems);
    str_printf(&text, "dataset: " SCENARIO_DATASET "\ntemp: %s/scratch\nmemory: 256 MiB\n", folder);
    str_printf(&text, "threads: 2\n%s", yaml);
    int rc = config_parse(text.data, text.len, path, &env, out, &problems, &err);
    if (rc != ERR_OK) {
        struct str list;
        str_init(&list, YAML_MAX);
        config_problems_format(&problems, &list);
        fprintf(stderr, "%s%s\n", list.data, text.data);
    }
    must(rc, &err);
    config_problems_release(&problems);
    str_release(&text);
    free(path);
}

void scenario_open(struct scenario *s, const char *yaml)
{
    *s = (struct scenario){.err = ERROR_INIT};
    char *folder = temp_folder_new();
    struct error err = ERROR_INIT;
    must(fs_real_path(folder, &s->folder, &err), &err);
    free(folder);
    str_init(&s->log, LOG_MAX);
    parse(s->folder, yaml, &s->config);
    scenario_listen(s);
}

void scenario_listen(struct scenario *s)
{
    log_setup(LOG_DEBUG, LOG_TEXT);
    log_sink(take_line, &s->log);
}

void scenario_close(struct scenario *s)
{
    log_sink(NULL, NULL);
    log_setup(LOG_WARN, LOG_TEXT);
    run_report_release(&s->report);
    config_release(&s->config);
    str_release(&s->log);
    temp_folder_free(s->folder);
    *s = (struct scenario){.err = ERROR_INIT};
}

void scenario_reconfigure(struct scenario *s, const char *yaml)
{
    config_release(&s->config);
    parse(s->folder, yaml, &s->config);
}

struct store *scenario_memory(void)
{
    struct store *st;
    struct error err = ERROR_INIT;
    must(store_memory_open("", &st, &err), &err);
    return st;
}

struct store *scenario_file_store(const struct scenario *s)
{
    struct store *st;
    struct error err = ERROR_INIT;
    struct store_options options = {.create = true};
    char *path = mem_printf("%s/store/" SCENARIO_DATASET, s->folder);
    must(store_open(path, &options, &st, &err), &err);
    free(path);
    return st;
}

struct cloning {
    struct store *from;
    struct store *to;
};

static int clone_object(void *ctx, const struct store_entry *entry, struct error *err)
{
    struct cloning *c = ctx;
    struct str body;
    struct store_info info;
    str_init(&body, (size_t)1 << 30);
    int rc = store_head(c->from, entry->key, &info, err);
    if (rc == ERR_OK)
        rc = store_get(c->from, entry->key, &body, NULL, err);
    if (rc == ERR_OK) {
        struct store_body copy = store_body_bytes(body.data, body.len);
        memcpy(copy.labels, info.labels, sizeof copy.labels);
        rc = store_put_new(c->to, entry->key, &copy, NULL, err);
    }
    str_release(&body);
    return rc;
}

struct store *scenario_clone(struct store *from)
{
    struct error err = ERROR_INIT;
    struct cloning c = {from, scenario_memory()};
    must(store_list(from, "", clone_object, &c, &err), &err);
    return c.to;
}

const char *scenario_source(struct scenario *s, const char *name, const void *bytes, size_t count)
{
    struct error err = ERROR_INIT;
    char *path = fs_join(s->folder, name);
    must(fs_write(path, bytes, count, &err), &err);
    must(config_set_source(&s->config, path, &err), &err);
    free(path);
    return s->config.source.urls[0].path;
}

void scenario_dataset(const struct scenario *s, struct store *st, struct dataset *out)
{
    struct limits limits = {.memory = s->config.memory,
                            .threads = s->config.threads,
                            .temp = s->config.temp,
                            .index_range = s->index_range,
                            .library = getenv("CAUCE_LIBDUCKDB")};
    dataset_init(out, st, SCENARIO_DATASET, &s->config, &limits);
    out->derived = s->derived;
}

int scenario_run(struct scenario *s, struct store *st)
{
    struct dataset d;
    run_report_release(&s->report);
    error_clear(&s->err);
    scenario_clear_log(s);
    scenario_dataset(s, st, &d);
    int rc = run_dataset(&d, &s->options, &s->report, &s->err);
    dataset_release(&d);
    return rc;
}

int scenario_publish(struct scenario *s, struct store *st, const char *csv)
{
    scenario_source(s, "source.csv", csv, strlen(csv));
    return scenario_run(s, st);
}

int scenario_consolidate(struct scenario *s, struct store *st)
{
    struct dataset d;
    struct base base;
    error_clear(&s->err);
    scenario_clear_log(s);
    scenario_dataset(s, st, &d);
    int rc = base_read(st, SCENARIO_DATASET, &base, &s->err);
    if (rc == ERR_OK)
        rc = consolidate(&d, &base, CONSOLIDATE_CHECK_BYTES,
                         derived_report(&s->report.derived, &projection_derived), &s->err);
    base_release(&base);
    dataset_release(&d);
    return rc;
}

char *scenario_read(struct scenario *s, struct store *st, bool events)
{
    struct dataset d;
    struct base base;
    struct str text;
    struct error err = ERROR_INIT;
    uint64_t rows;
    char *path = fs_join(s->folder, "read.csv");
    struct read_request options = {.events = events, .format = READ_CSV, .path = path};
    str_init(&text, LOG_MAX);
    scenario_dataset(s, st, &d);
    must(base_read(st, SCENARIO_DATASET, &base, &err), &err);
    must(read_rows(&d, &base, &options, &rows, &err), &err);
    must(fs_read(path, &text, &err), &err);
    base_release(&base);
    dataset_release(&d);
    free(path);
    return text.len > 0 ? str_detach(&text) : mem_strdup("");
}

struct reader_claim scenario_claim(const struct scenario *s)
{
    const struct run_report *r = &s->report;
    struct reader_claim claim = {.told = TOLD_NOT_COMMITTED};
    snprintf(claim.run_id, sizeof claim.run_id, "%s", r->run_id);
    if (r->outcome == RUN_UNKNOWN)
        claim.told = TOLD_UNKNOWN;
    if (r->outcome != RUN_PUBLISHED)
        return claim;
    claim.told = TOLD_COMMITTED;
    claim.sequence = r->version.sequence;
    snprintf(claim.commit, sizeof claim.commit, "%s", r->version.commit);
    return claim;
}

void scenario_check_report(const struct scenario *s, int rc, struct str *out)
{
    const struct run_report *r = &s->report;
    const char *outcome = run_outcome_name(r->outcome);
    bool failed = r->outcome == RUN_FAILED || r->outcome == RUN_LOST || r->outcome == RUN_UNKNOWN;
    if ((rc != ERR_OK) != failed || r->code != rc)
        str_printf(out, "11: the run returned %s and says %s (%s)\n", error_name(rc), outcome,
                   error_name(r->code));
    if ((rc == ERR_LOST) != (r->outcome == RUN_LOST) ||
        (rc == ERR_UNKNOWN) != (r->outcome == RUN_UNKNOWN))
        str_printf(out, "11: the outcome %s comes with the code %s: %s\n", outcome, error_name(rc),
                   s->err.text);
    if (failed && (strlen(r->message) < 20 || strcmp(r->message, s->err.text) != 0))
        str_printf(out, "11: a failed run says: \"%s\"\n", r->message);
    if (r->bill.requests > 2000)
        str_printf(out, "11: the run took %llu requests\n", (unsigned long long)r->bill.requests);
}

bool scenario_logged(const struct scenario *s, const char *words)
{
    return strstr(s->log.data, words) != NULL;
}

void scenario_clear_log(struct scenario *s)
{
    str_clear(&s->log);
}

static int count_file(void *ctx, const char *name, const struct fs_stat *stat, struct error *err)
{
    size_t *count = ctx;
    (void)name;
    (void)stat;
    (void)err;
    ++*count;
    return ERR_OK;
}

size_t scenario_scratch_count(const struct scenario *s)
{
    size_t count = 0;
    if (fs_walk(s->config.temp, count_file, &count, NULL) != ERR_OK)
        return SIZE_MAX;
    return count;
}
