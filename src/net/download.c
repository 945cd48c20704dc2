#include "net/download.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "net/address.h"
#include "net/download_rules.h"
#include "net/http.h"
#include "net/url.h"
#include "util/fs.h"
#include "util/id.h"
#include "util/log.h"
#include "util/mem.h"
#include "util/stop.h"
#include "util/str.h"
#include "util/time.h"

#define TRIES_MAX 100u             /* however much progress there is */
#define PROGRESS_LEAST (64 * 1024) /* bytes that make a broken try worth while */
#define LONGEST_WAIT INT64_C(30000000)
#define CONNECT_SECONDS_MAX 30
#define HEADERS_OWN 4

/* One download: what it has so far, and what it knows about the server. */
struct job {
    struct download_options options; /* completed with defaults */
    const struct download_request *request;
    struct download_result *result;
    struct url source; /* the URL that was asked for */
    struct http *http;
    struct url at;              /* where this request goes */
    bool refuse_loopback;       /* it was redirected there from another machine */
    struct http_answer *answer; /* of the request that was sent last */
    struct download_head head;  /* of that answer */
    int fd;
    struct sha256 *hash;
    uint64_t received; /* bytes in the file */
    uint64_t expected; /* bytes of the whole file, 0 where unknown */
    bool resumable;    /* what is there may be continued */
    bool resuming;     /* this try asks for the rest */
    struct http_pair condition[HEADERS_OWN];
    size_t condition_count;
    char *range;
    char
        *elsewhere; /* where a redirect led this try, ", at https://host:443"; NULL: nowhere else */
};

/* ---- The file ------------------------------------------------------------------------------ */

static int fail_file(const struct job *j, int errnum, struct error *err)
{
    return error_set_errno(err, ERR_SYSTEM, errnum, "%s, for the source %s, cannot be written",
                           j->request->path, j->request->shown);
}

/* Begin the file, again or for the first time. */
static int restart(struct job *j, struct error *err)
{
    if (j->fd < 0)
        j->fd = open(j->request->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (j->fd < 0 || ftruncate(j->fd, 0) != 0 || lseek(j->fd, 0, SEEK_SET) != 0)
        return fail_file(j, errno, err);
    sha256_free(j->hash);
    j->hash = sha256_new();
    j->received = 0;
    j->expected = 0;
    j->resumable = false;
    return ERR_OK;
}

static int too_large(const struct job *j, uint64_t size, struct error *err)
{
    return error_set(err, ERR_LIMIT,
                     "the source %s is larger than `source.max_bytes` allows: it has %s%llu bytes, "
                     "%llu are allowed. Raise the limit if that is right.",
                     j->request->shown, size > 0 ? "" : "more than ",
                     (unsigned long long)(size > 0 ? size : j->options.max_bytes),
                     (unsigned long long)j->options.max_bytes);
}

static bool has_content(long status)
{
    return status == 200 || status == 203 || status == 206;
}

static int on_body(void *ctx, const struct http_answer *answer, const void *bytes, size_t count,
                   struct error *err)
{
    struct job *j = ctx;
    if (!has_content(answer->status))
        return HTTP_ENOUGH;
    uint64_t most = j->options.max_bytes;
    if (most > 0 && count > most - j->received)
        return too_large(j, 0, err);
    int rc = fs_write_all(j->fd, bytes, count, j->request->path, err);
    if (rc != ERR_OK)
        return rc;
    sha256_update(j->hash, bytes, count);
    j->received += count;
    if (j->options.progress != NULL)
        j->options.progress(j->options.progress_ctx, j->received, j->expected);
    return ERR_OK;
}

/* ---- The head of an answer ------------------------------------------------------- */

static void take_validators(struct download_result *out, const struct download_head *a)
{
    free(out->etag);
    free(out->last_modified);
    out->etag = mem_strdup(a->etag);
    out->last_modified = NULL;
    if (a->last_modified != NULL && (a->etag != NULL || download_date_tells(a)))
        out->last_modified = mem_strdup(a->last_modified);
}

static void take_links(struct download_result *out, const struct http_answer *answer)
{
    struct str links;
    str_init(&links, HTTP_HEADERS_SIZE);
    for (size_t i = 0; i < answer->header_count; i++)
        if (strcmp(answer->headers[i].name, "link") == 0)
            str_printf(&links, "%s%s", links.len > 0 ? ", " : "", answer->headers[i].value);
    free(out->links);
    out->links = str_detach(&links);
}

/* The rest of what is there, of the same state? Else the next try begins at the beginning. */
static int continue_file(struct job *j, const struct download_head *a, struct error *err)
{
    uint64_t first = 0;
    uint64_t total = 0;
    bool fits = j->resuming && a->content_encoding == NULL &&
                download_parse_range(a->content_range, &first, &total) && first == j->received &&
                (a->etag == NULL || strcmp(a->etag, j->result->etag) == 0);
    if (!fits) {
        j->resumable = false;
        return error_set(err, ERR_AGAIN, "it sent a part that was not asked for");
    }
    j->expected = total;
    return ERR_OK;
}

static int on_head(void *ctx, const struct http_answer *answer, struct error *err)
{
    struct job *j = ctx;
    struct download_head *a = &j->head;
    download_read_head(answer, a);
    if (!has_content(a->status))
        return ERR_OK;
    if (a->status == 206)
        return continue_file(j, a, err);
    int rc = restart(j, err);
    if (rc != ERR_OK)
        return rc;
    take_validators(j->result, a);
    take_links(j->result, answer);
    j->result->framed = answer->framed;
    bool plain = a->content_encoding == NULL || strcasecmp(a->content_encoding, "identity") == 0;
    if (plain && answer->has_length) {
        j->expected = answer->length;
        if (j->options.max_bytes > 0 && answer->length > j->options.max_bytes)
            return too_large(j, answer->length, err);
    }
    j->resumable = plain && download_is_strong(a->etag);
    return ERR_OK;
}

/* ---- One request --------------------------------------------------------------------------- */

static const char *setting_of(const struct job *j, const char *lower, const char *upper)
{
    const struct download_options *o = &j->options;
    const char *value = o->setting != NULL ? o->setting(o->setting_ctx, lower) : NULL;
    if ((value == NULL || value[0] == '\0') && o->setting != NULL && upper != NULL)
        value = o->setting(o->setting_ctx, upper);
    return value != NULL && value[0] != '\0' ? value : NULL;
}

/*
 * The proxy for a URL, as a new string or NULL. HTTP_PROXY in capitals is ignored: a CGI program
 * gets it from anybody who sends a header named Proxy.
 */
static char *proxy_for(const struct job *j, const struct url *url)
{
    const char *found = j->options.proxy;
    if (found == NULL)
        found = url->secure ? setting_of(j, "https_proxy", "HTTPS_PROXY")
                            : setting_of(j, "http_proxy", NULL);
    if (found == NULL)
        found = setting_of(j, "all_proxy", "ALL_PROXY");
    return mem_strdup(found);
}

static void add_condition(struct job *j, const char *name, const char *value)
{
    if (value != NULL)
        j->condition[j->condition_count++] = (struct http_pair){name, value};
}

/* Headers of this try: go on from where the last one broke off, or ask whether it has changed. */
static void set_conditions(struct job *j)
{
    j->condition_count = 0;
    j->resuming = j->resumable && j->received > 0;
    free(j->range);
    j->range = NULL;
    if (j->resuming) {
        j->range = mem_printf("bytes=%llu-", (unsigned long long)j->received);
        add_condition(j, "Range", j->range);
        add_condition(j, "If-Range", j->result->etag);
        return;
    }
    add_condition(j, "If-None-Match", j->request->etag);
    add_condition(j, "If-Modified-Since", j->request->last_modified);
}

/* Headers of a request, as a new array: those that are meant for the source go to it alone. */
static struct http_pair *make_headers(const struct job *j, bool foreign, size_t *count)
{
    const struct download_options *o = &j->options;
    size_t own = foreign ? 0 : o->header_count;
    struct http_pair *list = mem_calloc(own + j->condition_count + 1, sizeof *list);
    for (size_t i = 0; i < own; i++)
        list[i] = (struct http_pair){o->headers[i].name, o->headers[i].value};
    for (size_t i = 0; i < j->condition_count; i++)
        list[own + i] = (struct http_pair){j->condition[i].name, j->condition[i].value};
    *count = own + j->condition_count;
    return list;
}

/* Called before a connection is made: see net/address.h. */
static bool may_reach(void *ctx, const struct sockaddr *address)
{
    const struct job *j = ctx;
    return j->options.allow_private ||
           (!address_is_refused(address) && !(j->refuse_loopback && address_is_loopback(address)));
}

static int connect_seconds(const struct job *j)
{
    int64_t seconds = j->options.timeout_seconds;
    return (int)(seconds < CONNECT_SECONDS_MAX ? seconds : CONNECT_SECONDS_MAX);
}

/* A client for where this request goes: how it gets there depends on it. */
static int connect_to(struct job *j, struct error *err)
{
    const struct download_options *o = &j->options;
    char *proxy = proxy_for(j, &j->at);
    char *no_proxy = mem_strdup(setting_of(j, "no_proxy", "NO_PROXY"));
    const struct http_options options = {
        .ca_file = o->ca_file,
        .allow_plain = true,
        .connect_seconds = connect_seconds(j),
        .stall_seconds = (int)o->timeout_seconds,
        .stall_bytes = 1,
        .total_seconds = -1,
        .proxy = proxy,
        .plain_proxy = proxy,
        .no_proxy = no_proxy,
    };
    http_free(j->http);
    j->http = NULL;
    int rc = http_new(&options, &j->http, err);
    if (rc != ERR_OK)
        rc = error_set(err, ERR_SOURCE, "the certificates of %s cannot be read", o->ca_file);
    free(proxy);
    free(no_proxy);
    return rc;
}

static int report_address(const struct job *j, struct error *err)
{
    return error_set(err, ERR_SOURCE,
                     "its address %s is %s, which is refused unless `source.allow_private` is true",
                     j->answer->refused,
                     j->refuse_loopback ? "this machine's own, link-local or a metadata "
                                          "service's, reached by a redirect"
                                        : "link-local or a metadata service's");
}

static int report_proxy(long status, struct error *err)
{
    if (status >= 500)
        return error_set(err, ERR_AGAIN, "the proxy answered with status %ld", status);
    return error_set(err, ERR_SOURCE,
                     "the proxy refuses to connect, with status %ld: see `source.proxy`, or the "
                     "variables https_proxy and all_proxy",
                     status);
}

/* Why there is no answer, and whether asking again may help. */
static int report_fault(const struct job *j, int rc, struct error *err)
{
    const struct http_answer *a = j->answer;
    switch (a->fault) {
    case HTTP_ADDRESS:
        return report_address(j, err);
    case HTTP_CERTIFICATE:
        return error_set(err, ERR_SOURCE,
                         "the server's certificate is not trusted (%s): a private authority can be "
                         "named by `source.ca_bundle`",
                         a->reason);
    case HTTP_CA_FILE:
        return error_set(err, ERR_SOURCE, "the certificates of %s cannot be read",
                         j->options.ca_file != NULL ? j->options.ca_file : "the system");
    case HTTP_PROXY_REFUSES:
        return report_proxy(a->proxy_status, err);
    case HTTP_PROXY_UNUSABLE:
        return error_set(err, ERR_SOURCE,
                         "the proxy cannot be used: see `source.proxy`, or the variables "
                         "http_proxy, https_proxy and all_proxy");
    case HTTP_TIMEOUT:
        return error_set(err, ERR_AGAIN,
                         "it did not send a byte for %d seconds, or could not be connected to "
                         "within %d",
                         (int)j->options.timeout_seconds, connect_seconds(j));
    case HTTP_UNUSABLE:
        return error_set(err, ERR_SOURCE, "%s", a->reason);
    case HTTP_FINE:
    case HTTP_ENDED:
    case HTTP_BODY_FAULT:
    case HTTP_BROKEN:
        break;
    }
    return rc;
}

static int ask(struct job *j, bool from_here, struct error *err)
{
    bool foreign = strcasecmp(j->at.origin, j->source.origin) != 0;
    size_t count;
    j->refuse_loopback = foreign && !from_here;
    int rc = connect_to(j, err);
    if (rc != ERR_OK)
        return rc;
    struct http_pair *headers = make_headers(j, foreign, &count);
    const struct http_request request = {
        .method = "GET",
        .url = j->at.text,
        .headers = headers,
        .header_count = count,
        .user = foreign ? NULL : j->source.user,
        .password = foreign ? NULL : j->source.password,
        .compressed = !j->resuming,
        .interruptible = true,
        .may_reach = may_reach,
        .on_head = on_head,
        .on_body = on_body,
        .ctx = j,
    };
    j->result->requests++;
    rc = http_perform(j->http, &request, j->answer, err);
    free(headers);
    return rc == ERR_OK ? ERR_OK : report_fault(j, rc, err);
}

/* ---- Redirects ----------------------------------------------------------------------------- */

/* Go where an answer points, if that is allowed: the next request goes there. */
static int follow(struct job *j, const char *location, struct error *err)
{
    struct url *at = &j->at;
    struct url next;
    int rc = url_parse(at->text, location, &next, err);
    if (rc != ERR_OK)
        return error_set(err, ERR_SOURCE,
                         "it redirects to something that is not an http or https "
                         "URL");
    if (at->secure && !next.secure) {
        rc = error_set(err, ERR_SOURCE,
                       "it redirects from https to %s, which is not encrypted and is not followed",
                       next.origin);
        url_release(&next);
        return rc;
    }
    url_release(at);
    *at = next;
    free(j->elsewhere);
    j->elsewhere = strcasecmp(at->origin, j->source.origin) != 0
                       ? mem_printf(", redirected to %s,", at->origin)
                       : NULL;
    return ERR_OK;
}

/* One try: the request and all that it is redirected to. */
static int try_once(struct job *j, struct error *err)
{
    bool from_here = false;
    int rc = url_parse(NULL, j->source.text, &j->at, err);
    free(j->elsewhere);
    j->elsewhere = NULL;
    set_conditions(j);
    for (unsigned hops = 0; rc == ERR_OK; hops++) {
        j->head = (struct download_head){0};
        rc = ask(j, from_here, err);
        if (rc != ERR_OK || !download_is_redirect(&j->head))
            break;
        from_here = j->answer->loopback;
        if (hops == DOWNLOAD_REDIRECTS_MAX)
            rc = error_set(err, ERR_SOURCE, "it redirects more than %d times",
                           DOWNLOAD_REDIRECTS_MAX);
        else
            rc = follow(j, j->head.location, err);
    }
    url_release(&j->at);
    return rc;
}

/* ---- Outcomes ------------------------------------------------------------------------------ */

static int report_status(const struct job *j, long status, struct error *err)
{
    if (status == 416 || status == 304)
        return error_set(err, ERR_SOURCE,
                         "the source %s%s answered with status %ld, which was not asked for. %s",
                         j->request->shown, j->elsewhere != NULL ? j->elsewhere : "", status,
                         download_advice(status));
    return error_set(err, ERR_SOURCE, "the source %s%s answered with status %ld. %s%s",
                     j->request->shown, j->elsewhere != NULL ? j->elsewhere : "", status,
                     download_advice(status),
                     j->elsewhere != NULL && (status == 401 || status == 403)
                         ? " Neither goes to the host of a redirect; name that host if it is meant "
                           "to have them."
                         : "");
}

/* Put the reason that is there into a sentence. */
static int report_reason(const struct job *j, struct error *err)
{
    struct error reason = *err;
    return error_set(err, ERR_SOURCE, "the source %s%s cannot be downloaded: %s.",
                     j->request->shown, j->elsewhere != NULL ? j->elsewhere : "", reason.text);
}

/* What a whole answer means. ERR_AGAIN: nothing yet. */
static int judge(struct job *j, struct error *err)
{
    const struct download_head *a = &j->head;
    bool asked = j->condition_count > 0 && !j->resuming;
    if (has_content(a->status)) {
        if (a->status == 206 && j->expected > 0 && j->received != j->expected)
            return error_set(err, ERR_AGAIN, "it sent less than it announced");
        j->result->modified = true;
        return ERR_OK;
    }
    if (a->status == 304 && asked) {
        j->result->modified = false;
        return ERR_OK;
    }
    if (a->status == 416 && j->resuming) {
        j->resumable = false;
        return error_set(err, ERR_AGAIN, "it no longer has such a part");
    }
    if (download_may_repeat(a->status))
        return error_set(err, ERR_AGAIN, "it answered with status %ld", a->status);
    return report_status(j, a->status, err);
}

/* ---- Repetition ---------------------------------------------------------------------------- */

/* How often and how long. */
struct patience {
    unsigned tries; /* in a row without progress */
    unsigned all;
    int64_t most; /* the most to wait before the next */
};

/*
 * May it be tried again? Waits before saying so. `why` is the failure so far; `mark` is how much
 * was there before the attempt: one that brought bytes that are kept begins a new count.
 */
static bool wait_again(struct job *j, struct patience *p, uint64_t mark, struct error *why)
{
    if (j->resumable && j->received >= mark + PROGRESS_LEAST) {
        p->tries = 0;
        p->most = j->options.first_wait;
    }
    p->tries++;
    p->all++;
    if (p->tries >= j->options.tries || p->all >= TRIES_MAX)
        return false;
    int64_t wait = (int64_t)(id_random64() % ((uint64_t)p->most + 1));
    int64_t wanted = download_retry_after(&j->head);
    if (wanted > j->options.timeout_seconds * 1000000) {
        error_append(why, "and asks to wait %lld seconds, longer than `source.timeout_seconds`",
                     (long long)(wanted / 1000000));
        return false;
    }
    wait = wanted > wait ? wanted : wait;
    log_info("the source %s: %s; trying again in %lld ms", j->request->shown, why->text,
             (long long)(wait / 1000));
    time_sleep(wait);
    p->most = p->most > LONGEST_WAIT / 2 ? LONGEST_WAIT : p->most * 2;
    return true;
}

/* One try and what came of it: ERR_AGAIN with a reason, else ERR_OK or a whole sentence. */
static int try_and_judge(struct job *j, struct error *why)
{
    int rc = try_once(j, why);
    switch (rc) {
    case ERR_OK:
        return judge(j, why);
    case ERR_SOURCE:
        return report_reason(j, why);
    case ERR_LIMIT:
        why->code = ERR_SOURCE;
        return ERR_SOURCE;
    default:
        return rc;
    }
}

static int run_tries(struct job *j, struct error *why)
{
    struct patience p = {.most = j->options.first_wait};
    for (;;) {
        uint64_t mark = j->received;
        error_clear(why);
        int rc = stop_check(why);
        if (rc == ERR_OK)
            rc = try_and_judge(j, why);
        bool again = rc == ERR_AGAIN && wait_again(j, &p, mark, why);
        if (again)
            continue;
        if (rc != ERR_AGAIN)
            return rc;
        rc = report_reason(j, why);
        error_append(why, "It was tried %u times; run again later.", p.all);
        return rc;
    }
}

/* ---- All of it ----------------------------------------------------------------------------- */

static struct download_options complete(const struct download_options *given)
{
    struct download_options o = {0};
    if (given != NULL)
        o = *given;
    if (o.timeout_seconds == 0)
        o.timeout_seconds = 300;
    if (o.tries == 0)
        o.tries = 6;
    if (o.first_wait == 0)
        o.first_wait = 500000;
    return o;
}

/* A failure leaves nothing, not even what was there before. */
static int close_file(struct job *j, int rc, struct error *err)
{
    bool written = j->fd >= 0;
    if (written && close(j->fd) != 0 && rc == ERR_OK && j->result->modified)
        rc = fail_file(j, errno, err);
    if (rc != ERR_OK || (written && !j->result->modified))
        unlink(j->request->path);
    return rc;
}

static void fill_result(struct job *j)
{
    struct download_result *out = j->result;
    if (out->modified) {
        unsigned char digest[SHA256_SIZE];
        sha256_finish(j->hash, digest);
        digest_to_hex(digest, sizeof digest, out->sha256);
        out->size = j->received;
        return;
    }
    free(out->etag);
    free(out->last_modified);
    out->etag = NULL;
    out->last_modified = NULL;
}

int download_fetch(const struct download_options *options, const struct download_request *request,
                   struct download_result *out, struct error *err)
{
    struct error local = ERROR_INIT;
    *out = (struct download_result){0};
    struct job j = {.options = complete(options),
                    .request = request,
                    .result = out,
                    .answer = mem_calloc(1, sizeof *j.answer),
                    .fd = -1};
    int rc = url_parse(NULL, request->url, &j.source, &local);
    rc = rc == ERR_OK ? run_tries(&j, &local) : report_reason(&j, &local);
    rc = close_file(&j, rc, &local);
    if (rc == ERR_OK)
        fill_result(&j);
    url_release(&j.source);
    http_free(j.http);
    free(j.answer);
    sha256_free(j.hash);
    free(j.range);
    free(j.elsewhere);
    return rc == ERR_OK ? ERR_OK : error_pass(err, rc, &local);
}

void download_result_release(struct download_result *result)
{
    free(result->etag);
    free(result->last_modified);
    free(result->links);
    *result = (struct download_result){0};
}
