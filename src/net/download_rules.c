#include "net/download_rules.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "net/http.h"
#include "util/time.h"

#define YEAR_SECONDS INT64_C(31622400)
#define VALUE_MAX 1024
#define LOCATION_MAX ((size_t)8 << 10)

static const char *plain_value(const struct http_answer *answer, const char *name, size_t most)
{
    const char *value = http_header(answer, name);
    size_t length = value != NULL ? strlen(value) : 0;
    if (length == 0 || length > most)
        return NULL;
    for (size_t i = 0; i < length; i++) {
        if (value[i] < ' ' || value[i] > '~')
            return NULL;
    }
    return value;
}

void download_read_head(const struct http_answer *answer, struct download_head *out)
{
    *out = (struct download_head){
        .status = answer->status,
        .etag = plain_value(answer, "etag", VALUE_MAX),
        .last_modified = plain_value(answer, "last-modified", VALUE_MAX),
        .date = plain_value(answer, "date", VALUE_MAX),
        .location = plain_value(answer, "location", LOCATION_MAX),
        .retry_after = plain_value(answer, "retry-after", VALUE_MAX),
        .content_range = plain_value(answer, "content-range", VALUE_MAX),
        .content_encoding = plain_value(answer, "content-encoding", VALUE_MAX),
    };
}

bool download_is_strong(const char *etag)
{
    size_t n = etag != NULL ? strlen(etag) : 0;
    return n > 2 && etag[0] == '"' && etag[n - 1] == '"';
}

bool download_date_tells(const struct download_head *answer)
{
    int64_t modified = http_date(answer->last_modified);
    int64_t answered = http_date(answer->date);
    return modified >= 0 && answered >= 0 && modified < answered - 1;
}

/* Digits only: strtoull alone would accept a sign. */
static bool take_number(const char **text, uint64_t *out)
{
    char *end = NULL;
    if (**text < '0' || **text > '9')
        return false;
    *out = strtoull(*text, &end, 10);
    *text = end;
    return true;
}

static bool take_char(const char **text, char c)
{
    if (**text != c)
        return false;
    (*text)++;
    return true;
}

bool download_parse_range(const char *text, uint64_t *first, uint64_t *total)
{
    uint64_t last = 0;
    if (text == NULL || strncasecmp(text, "bytes ", 6) != 0)
        return false;
    text += 6;
    if (!take_number(&text, first) || !take_char(&text, '-') || !take_number(&text, &last) ||
        !take_char(&text, '/') || last < *first)
        return false;
    *total = 0;
    if (strcmp(text, "*") == 0)
        return true;
    return take_number(&text, total) && *text == '\0' && last < *total;
}

bool download_is_redirect(const struct download_head *answer)
{
    static const long statuses[] = {301, 302, 303, 307, 308};
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        if (answer->status == statuses[i])
            return answer->location != NULL;
    }
    return false;
}

bool download_may_repeat(long status)
{
    return status == 408 || status == 425 || status == 429 || status == 500 ||
           (status >= 502 && status <= 504);
}

const char *download_advice(long status)
{
    switch (status) {
    case 401:
    case 403:
        return "Check the credentials: user and password in the URL, or `source.headers`.";
    case 404:
    case 410:
        return "Check `source.url`; perhaps it was moved.";
    case 407:
        return "The proxy requires a user and a password: see `source.proxy`.";
    default:
        return download_may_repeat(status) || status >= 500
                   ? "The server is at fault or busy: run again later."
                   : "Check `source.url`.";
    }
}

int64_t download_retry_after(const struct download_head *answer)
{
    const char *text = answer->retry_after;
    uint64_t number = 0;
    int64_t seconds = 0;
    if (text == NULL)
        return 0;
    if (take_number(&text, &number)) {
        seconds =
            *text == '\0' && number <= (uint64_t)YEAR_SECONDS ? (int64_t)number : YEAR_SECONDS;
    } else {
        int64_t date = http_date(answer->retry_after);
        int64_t now = answer->date != NULL ? http_date(answer->date) : time_now() / 1000000;
        seconds = date >= 0 && now >= 0 ? date - now : 0;
    }
    if (seconds <= 0)
        return 0;
    return (seconds < YEAR_SECONDS ? seconds : YEAR_SECONDS) * 1000000;
}
