#include "pipeline/metrics.h"

#include "net/push.h"
#include "util/fs.h"
#include "util/log.h"
#include "util/time.h"

void metrics_emit(struct dataset *d, const char *path, const char *gateway)
{
    struct metrics m;
    struct str text;
    struct error err = ERROR_INIT;
    if (path == NULL && gateway == NULL)
        return;
    str_init(&text, STR_MAX_DEFAULT);
    int rc = metrics_collect(d, time_now(), &m, &err);
    if (rc == ERR_ABSENT)
        rc = ERR_OK;
    if (rc != ERR_OK)
        log_warn("the metrics could not be collected: %s", err.text);
    else
        metrics_write(&m, METRICS_PROMETHEUS, &text);
    if (rc == ERR_OK && path != NULL && fs_replace(path, text.data, text.len, &err) != ERR_OK)
        log_warn("the metrics could not be written: %s", err.text);
    if (rc == ERR_OK && gateway != NULL &&
        push_metrics(gateway, d->id, text.data, text.len, &err) != ERR_OK)
        log_warn("%s", err.text);
    str_release(&text);
}
