#include <string.h>

#include "cli/alerts.h"
#include "cli/command.h"
#include "cli/open.h"
#include "cli/text.h"
#include "pipeline/metrics.h"
#include "util/time.h"

static int choose_format(const struct options *o, enum metrics_format *out, struct error *err)
{
    *out = METRICS_PROMETHEUS;
    if (o->format == NULL || strcmp(o->format, "prometheus") == 0)
        return ERR_OK;
    *out = METRICS_OPENMETRICS;
    if (strcmp(o->format, "openmetrics") == 0)
        return ERR_OK;
    return error_set(err, ERR_CONFIG, "--format must be prometheus or openmetrics, not \"%.40s\".",
                     o->format);
}

static int metrics(const struct options *o, int *status, struct error *err)
{
    struct opened in = {.store = NULL};
    struct metrics m;
    enum metrics_format format;
    struct str text;
    (void)status;
    str_init(&text, STR_MAX_DEFAULT);
    int rc = choose_format(o, &format, err);
    if (rc == ERR_OK)
        rc = open_dataset(o, OPEN_READ, &in, err);
    if (rc == ERR_OK)
        rc = metrics_collect(&in.dataset, time_now(), &m, err);
    if (rc == ERR_OK && o->json)
        alerts_print_metrics(&m);
    else if (rc == ERR_OK) {
        metrics_write(&m, format, &text);
        rc = str_check(&text, "the metrics", err);
        if (rc == ERR_OK)
            text_print(text.data);
    }
    str_release(&text);
    open_release(&in);
    return rc;
}

const struct command cmd_metrics = {
    .name = "metrics",
    .summary = "write what all runs add up to, for Prometheus",
    .operands = "DATASET.yml",
    .about =
        "Adds up the records of all runs and writes them as metrics: runs by outcome, rollbacks,\n"
        "rebuilds of the index, conflicts, rows, requests, times, and the state of the dataset.\n"
        "The format is the text that node_exporter's textfile collector and a Pushgateway read;\n"
        "`cauce run --metrics-file` and `--pushgateway` write the same after a run.",
    .examples = "  cauce metrics rates.yml > rates.prom\n"
                "  cauce metrics --format openmetrics rates.yml\n",
    .own = {{"format", 0, OPTION_TEXT, "prometheus|openmetrics", "default: prometheus",
             OPTION_AT(format)}},
    .takes_dataset = true,
    .run = metrics,
};
