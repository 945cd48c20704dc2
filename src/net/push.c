#include "net/push.h"

#include <stdlib.h>
#include <string.h>

#include "net/transfer.h"
#include "util/mem.h"
#include "util/str.h"
#include "util/uri.h"

/* The address of the group, without slashes at the end of the URL. */
static char *group_url(const char *url, const char *dataset)
{
    size_t n = strlen(url);
    while (n > 0 && url[n - 1] == '/')
        n--;
    return mem_printf("%.*s/metrics/job/cauce/dataset/%s", (int)n, url, dataset);
}

static int replace_group(struct http *http, const char *group, const char *text, size_t size,
                         struct error *err)
{
    struct http_pair headers[] = {{"content-type", "text/plain; version=0.0.4"}};
    struct transfer_request request = {.method = "PUT",
                                       .url = group,
                                       .headers = headers,
                                       .header_count = 1,
                                       .bytes = text,
                                       .size = size};
    struct transfer_answer answer;
    struct str body;
    str_init(&body, 65536);
    request.into = &body;
    transfer_answer_init(&answer);
    int rc = transfer_perform(http, &request, &answer, err);
    if (rc == ERR_OK && (answer.head.status < 200 || answer.head.status > 299))
        rc = error_set(err, ERR_AGAIN, "it answered with status %ld: %.300s", answer.head.status,
                       answer.error_body.data);
    transfer_answer_release(&answer);
    str_release(&body);
    return rc;
}

/* None of these messages shows the URL: what is wrong with it may be a secret. */
static int check_url(const char *url, struct error *err)
{
    const char *host = uri_authority(url);
    if (!str_starts(url, "http://") && !str_starts(url, "https://"))
        return error_set(err, ERR_CONFIG,
                         "the URL of a Pushgateway must begin with http:// or https://.");
    if (host[strcspn(host, "?#")] != '\0')
        return error_set(err, ERR_CONFIG,
                         "the URL of a Pushgateway ends with its path: it must not contain \"?\" "
                         "or \"#\".");
    if (memchr(host, '@', strcspn(host, "/")) != NULL)
        return error_set(err, ERR_CONFIG,
                         "the URL of a Pushgateway must not hold a user or a password, which every "
                         "user of this machine could read in the list of processes.");
    return ERR_OK;
}

int push_metrics(const char *url, const char *dataset, const char *text, size_t size,
                 struct error *err)
{
    int rc = check_url(url, err);
    if (rc != ERR_OK)
        return error_prefix(err, "the metrics could not be pushed");
    /* Gateways are inside a private network, mostly without TLS. */
    struct http_options options = {.allow_plain = true, .total_seconds = 20};
    struct http *http;
    rc = http_new(&options, &http, err);
    if (rc != ERR_OK)
        return rc;
    char *group = group_url(url, dataset);
    rc = replace_group(http, group, text, size, err);
    if (rc != ERR_OK)
        error_prefix(err, "the metrics could not be pushed");
    free(group);
    http_free(http);
    return rc;
}
