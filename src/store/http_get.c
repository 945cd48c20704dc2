#include "store/http_get.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "store/address.h"
#include "util/mem.h"
#include "util/stop.h"

#define VALUE_MAX 1024
#define LOCATION_MAX ((size_t)16 << 10)

/* ---- URLs ---------------------------------------------------------------------------------- */

static char *part_of(CURLU *u, CURLUPart part, unsigned flags)
{
    char *text = NULL;
    if (curl_url_get(u, part, &text, flags) != CURLUE_OK)
        return NULL;
    char *copy = mem_strdup(text);
    curl_free(text);
    return copy;
}

static int bad_url(struct error *err)
{
    return error_set(err, ERR_SOURCE, "it is not a well-formed http or https URL");
}

static int take_parts(CURLU *u, struct http_get_url *out, struct error *err)
{
    char *scheme = part_of(u, CURLUPART_SCHEME, 0);
    char *port = part_of(u, CURLUPART_PORT, CURLU_DEFAULT_PORT);
    char *host = part_of(u, CURLUPART_HOST, 0);
    int rc = ERR_OK;
    if (scheme == NULL || port == NULL || host == NULL ||
        (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0)) {
        rc = bad_url(err);
        goto done;
    }
    out->secure = strcmp(scheme, "https") == 0;
    out->user = part_of(u, CURLUPART_USER, CURLU_URLDECODE);
    out->password = part_of(u, CURLUPART_PASSWORD, CURLU_URLDECODE);
    out->origin = mem_printf("%s://%s:%s", scheme, host, port);
    size_t length = strlen(host);
    out->host = host[0] == '[' && length > 2 ? mem_strndup(host + 1, length - 2) : mem_strdup(host);
    curl_url_set(u, CURLUPART_USER, NULL, 0);
    curl_url_set(u, CURLUPART_PASSWORD, NULL, 0);
    curl_url_set(u, CURLUPART_FRAGMENT, NULL, 0);
    out->url = part_of(u, CURLUPART_URL, 0);
    if (out->url == NULL)
        rc = bad_url(err);
done:
    free(scheme);
    free(port);
    free(host);
    return rc;
}

int http_get_url_parse(const char *base, const char *text, struct http_get_url *out,
                       struct error *err)
{
    *out = (struct http_get_url){0};
    CURLU *u = curl_url();
    if (u == NULL)
        abort();
    CURLUcode code = CURLUE_OK;
    if (base != NULL)
        code = curl_url_set(u, CURLUPART_URL, base, CURLU_NON_SUPPORT_SCHEME);
    if (code == CURLUE_OK)
        code = curl_url_set(u, CURLUPART_URL, text, CURLU_NON_SUPPORT_SCHEME | CURLU_URLENCODE);
    int rc = code == CURLUE_OK ? take_parts(u, out, err) : bad_url(err);
    curl_url_cleanup(u);
    if (rc != ERR_OK)
        http_get_url_release(out);
    return rc;
}

static void free_secret(char *text)
{
    if (text != NULL)
        explicit_bzero(text, strlen(text));
    free(text);
}

void http_get_url_release(struct http_get_url *url)
{
    free_secret(url->url);
    free(url->origin);
    free(url->host);
    free(url->user);
    free_secret(url->password);
    *url = (struct http_get_url){0};
}

int64_t http_get_date(const char *text)
{
    return text != NULL ? (int64_t)curl_getdate(text, NULL) : -1;
}

/* ---- The answer ---------------------------------------------------------------------------- */

/* One request on its way. */
struct exchange {
    const struct http_get_request *request;
    struct http_get_answer *answer;
    struct error *err;
    CURL *curl;
    int local;   /* what a function of ours returned to end it */
    bool opened; /* on_head was called */
    bool unread; /* the body was of no interest, and the connection cut */
    char refused[INET6_ADDRSTRLEN];
    char reason[CURL_ERROR_SIZE];
};

void http_get_answer_release(struct http_get_answer *answer)
{
    char *const owned[] = {answer->etag,
                           answer->last_modified,
                           answer->date,
                           answer->location,
                           answer->retry_after,
                           answer->content_range,
                           answer->content_encoding,
                           answer->transfer_encoding};
    for (size_t i = 0; i < sizeof owned / sizeof owned[0]; i++)
        free_secret(owned[i]);
    *answer = (struct http_get_answer){0};
}

/* Where a header goes that is of interest; NULL for all others. */
static char **slot_of(struct http_get_answer *a, const char *name, size_t length)
{
    const struct {
        const char *name;
        char **slot;
    } known[] = {
        {"etag", &a->etag},
        {"last-modified", &a->last_modified},
        {"date", &a->date},
        {"location", &a->location},
        {"retry-after", &a->retry_after},
        {"content-range", &a->content_range},
        {"content-encoding", &a->content_encoding},
        {"transfer-encoding", &a->transfer_encoding},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (strlen(known[i].name) == length && strncasecmp(known[i].name, name, length) == 0)
            return known[i].slot;
    }
    return NULL;
}

/* What is too long or no printable ASCII is as good as absent. */
static void keep_value(char **slot, const char *value, size_t length, size_t most)
{
    free_secret(*slot);
    *slot = NULL;
    if (length == 0 || length > most)
        return;
    for (size_t i = 0; i < length; i++) {
        if (value[i] < ' ' || value[i] > '~')
            return;
    }
    *slot = mem_strndup(value, length);
}

static void take_status(struct exchange *x)
{
    curl_off_t length = -1;
    long version = CURL_HTTP_VERSION_NONE;
    char *ip = NULL;
    struct sockaddr_storage address;
    struct http_get_answer *a = x->answer;
    curl_easy_getinfo(x->curl, CURLINFO_RESPONSE_CODE, &a->status);
    curl_easy_getinfo(x->curl, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    curl_easy_getinfo(x->curl, CURLINFO_PRIMARY_IP, &ip);
    curl_easy_getinfo(x->curl, CURLINFO_HTTP_VERSION, &version);
    a->has_length = length >= 0;
    a->framed =
        a->has_length || version >= CURL_HTTP_VERSION_2_0 ||
        (a->transfer_encoding != NULL && strcasestr(a->transfer_encoding, "chunked") != NULL);
    a->length = length >= 0 ? (uint64_t)length : 0;
    a->loopback = x->request->proxy == NULL && ip != NULL && address_parse(ip, &address) &&
                  address_is_loopback((const struct sockaddr *)&address);
}

static bool has_content(long status)
{
    return status == 200 || status == 203 || status == 206;
}

/* The head is complete: look at it before a byte of the body comes. */
static int open_answer(struct exchange *x)
{
    take_status(x);
    /* An interim answer (103) is none. */
    x->opened = x->answer->status >= 200;
    if (!has_content(x->answer->status))
        return ERR_OK;
    return x->request->on_head(x->request->ctx, x->answer, x->err);
}

static size_t on_header(char *line, size_t one, size_t length, void *ctx)
{
    (void)one;
    struct exchange *x = ctx;
    if (length > 5 && memcmp(line, "HTTP/", 5) == 0) {
        /* A new block: what an interim answer (103) carried is forgotten. */
        http_get_answer_release(x->answer);
        return length;
    }
    if (!x->opened && (line[0] == '\r' || line[0] == '\n')) {
        x->local = open_answer(x);
        return x->local == ERR_OK ? length : 0;
    }
    const char *colon = memchr(line, ':', length);
    char **slot = NULL;
    /* After the body there may be trailers, which say nothing that we would believe. */
    if (colon != NULL && !x->opened)
        slot = slot_of(x->answer, line, (size_t)(colon - line));
    if (slot == NULL)
        return length;
    const char *value = colon + 1;
    const char *end = line + length;
    while (value < end && (*value == ' ' || *value == '\t'))
        value++;
    while (end > value && strchr(" \t\r\n", end[-1]) != NULL)
        end--;
    keep_value(slot, value, (size_t)(end - value),
               slot == &x->answer->location ? LOCATION_MAX : VALUE_MAX);
    return length;
}

static size_t on_body(char *bytes, size_t one, size_t count, void *ctx)
{
    (void)one;
    struct exchange *x = ctx;
    if (!has_content(x->answer->status)) {
        x->unread = true;
        return 0;
    }
    x->local = x->request->on_body(x->request->ctx, bytes, count, x->err);
    return x->local == ERR_OK ? count : 0;
}

static int on_progress(void *ctx, curl_off_t down_total, curl_off_t down, curl_off_t up_total,
                       curl_off_t up)
{
    struct exchange *x = ctx;
    (void)down_total;
    (void)down;
    (void)up_total;
    (void)up;
    if (x->local == ERR_OK && stop_requested())
        x->local = stop_check(x->err);
    return x->local == ERR_OK ? 0 : 1;
}

/* ---- The connection ------------------------------------------------------------------------ */

static bool may_reach(struct exchange *x, const struct sockaddr *address)
{
    const struct http_get_request *r = x->request;
    if (r->allow_private)
        return true;
    if (!address_is_refused(address) && !(r->refuse_loopback && address_is_loopback(address)))
        return true;
    address_format(address, x->refused);
    return false;
}

/* Here the name is resolved, and what is looked at is what will be connected to. */
static curl_socket_t on_socket(void *ctx, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct exchange *x = ctx;
    if (purpose != CURLSOCKTYPE_IPCXN || !may_reach(x, &address->addr))
        return CURL_SOCKET_BAD;
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/* Behind a proxy no socket to the host is made: at least what the URL names by number is judged. */
static bool may_ask_for(struct exchange *x)
{
    struct sockaddr_storage address;
    return !address_parse(x->request->url->host, &address) ||
           may_reach(x, (const struct sockaddr *)&address);
}

/* Theirs take the place of what libcurl would send by itself. */
static struct curl_slist *make_headers(const struct http_get_request *r)
{
    struct curl_slist *list = NULL;
    for (size_t i = 0; i < r->header_count; i++) {
        const char *value = r->headers[i].value;
        char *line = mem_printf(value[0] != '\0' ? "%s: %s" : "%s;%s", r->headers[i].name, value);
        list = curl_slist_append(list, line);
        free_secret(line);
        if (list == NULL)
            abort();
    }
    return list;
}

static void free_headers(struct curl_slist *list)
{
    for (struct curl_slist *h = list; h != NULL; h = h->next)
        explicit_bzero(h->data, strlen(h->data));
    curl_slist_free_all(list);
}

static void set_connection(CURL *c, const struct http_get_request *r, struct exchange *x)
{
    curl_easy_setopt(c, CURLOPT_OPENSOCKETFUNCTION, on_socket);
    curl_easy_setopt(c, CURLOPT_OPENSOCKETDATA, x);
    /* Set even where empty: libcurl would otherwise look at the environment. */
    curl_easy_setopt(c, CURLOPT_PROXY, r->proxy != NULL ? r->proxy : "");
    curl_easy_setopt(c, CURLOPT_NOPROXY, r->no_proxy != NULL ? r->no_proxy : "");
    curl_easy_setopt(c, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    curl_easy_setopt(c, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
    curl_easy_setopt(c, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (r->ca_file != NULL) {
        curl_easy_setopt(c, CURLOPT_CAINFO, r->ca_file);
        curl_easy_setopt(c, CURLOPT_CAPATH, NULL);
    }
    curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, (long)r->connect_seconds);
    curl_easy_setopt(c, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(c, CURLOPT_LOW_SPEED_TIME, (long)r->stall_seconds);
}

static void set_options(CURL *c, const struct http_get_request *r, struct exchange *x,
                        struct curl_slist *headers)
{
    set_connection(c, r, x);
    curl_easy_setopt(c, CURLOPT_URL, r->url->url);
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(c, CURLOPT_HTTPGET, 1L);
    curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(c, CURLOPT_USERAGENT, "cauce/" CAUCE_VERSION);
    if (r->compressed)
        curl_easy_setopt(c, CURLOPT_ACCEPT_ENCODING, "");
    curl_easy_setopt(c, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
    if (r->user != NULL || r->password != NULL) {
        curl_easy_setopt(c, CURLOPT_USERNAME, r->user != NULL ? r->user : "");
        curl_easy_setopt(c, CURLOPT_PASSWORD, r->password != NULL ? r->password : "");
    }
    curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(c, CURLOPT_HEADERDATA, x);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, x);
    curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(c, CURLOPT_XFERINFODATA, x);
    curl_easy_setopt(c, CURLOPT_ERRORBUFFER, x->reason);
}

/* ---- The outcome --------------------------------------------------------------------------- */

static int report_refused(const struct exchange *x, struct error *err)
{
    return error_set(err, ERR_SOURCE,
                     "its address %s is %s, which is refused unless `source.allow_private` is true",
                     x->refused,
                     x->request->refuse_loopback ? "this machine's own, link-local or a metadata "
                                                   "service's, reached by a redirect"
                                                 : "link-local or a metadata service's");
}

static int report_proxy(struct exchange *x, struct error *err)
{
    long status = 0;
    curl_easy_getinfo(x->curl, CURLINFO_HTTP_CONNECTCODE, &status);
    if (status >= 500)
        return error_set(err, ERR_AGAIN, "the proxy answered with status %ld", status);
    return error_set(err, ERR_SOURCE,
                     "the proxy refuses to connect, with status %ld: see `source.proxy`, or the "
                     "variables https_proxy and all_proxy",
                     status);
}

static int report_unusable_proxy(struct error *err)
{
    return error_set(err, ERR_SOURCE,
                     "the proxy cannot be used: see `source.proxy`, or the variables http_proxy, "
                     "https_proxy and all_proxy");
}

/* libcurl's text may quote a URL, of a proxy above all, and with it a password. */
static bool quotes_url(const char *reason)
{
    return strstr(reason, "://") != NULL || strchr(reason, '@') != NULL;
}

static const char *reason_of(const struct exchange *x, CURLcode result)
{
    if (x->reason[0] == '\0' || quotes_url(x->reason))
        return curl_easy_strerror(result);
    return x->reason;
}

static int report_broken(struct exchange *x, CURLcode result, struct error *err)
{
    const char *reason = reason_of(x, result);
    long connect = 0;
    curl_easy_getinfo(x->curl, CURLINFO_HTTP_CONNECTCODE, &connect);
    if (connect >= 300)
        return report_proxy(x, err);
    if (x->request->proxy != NULL && quotes_url(x->reason))
        return report_unusable_proxy(err);
    switch (result) {
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_PROXY:
        return report_unusable_proxy(err);
    case CURLE_PEER_FAILED_VERIFICATION:
        return error_set(err, ERR_SOURCE,
                         "the server's certificate is not trusted (%s): a private authority can be "
                         "named by `source.ca_bundle`",
                         reason);
    case CURLE_SSL_CACERT_BADFILE:
        return error_set(err, ERR_SOURCE, "the certificates of %s cannot be read",
                         x->request->ca_file != NULL ? x->request->ca_file : "the system");
    case CURLE_OPERATION_TIMEDOUT:
        return error_set(err, ERR_AGAIN,
                         "it did not send a byte for %d seconds, or could not be "
                         "connected to within %d",
                         x->request->stall_seconds, x->request->connect_seconds);
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT:
    case CURLE_OUT_OF_MEMORY:
    case CURLE_FAILED_INIT:
        return error_set(err, ERR_SOURCE, "%s", curl_easy_strerror(result));
    default:
        return error_set(err, ERR_AGAIN, "%s", reason);
    }
}

static int conclude(struct exchange *x, CURLcode result)
{
    if (x->local != ERR_OK)
        return x->local;
    if (result == CURLE_OK || x->unread)
        return ERR_OK;
    /* A name may have other addresses, which were tried then. */
    if (x->refused[0] != '\0' && result == CURLE_COULDNT_CONNECT)
        return report_refused(x, x->err);
    return report_broken(x, result, x->err);
}

static void global_init(void)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        abort();
}

int http_get_perform(const struct http_get_request *request, struct http_get_answer *answer,
                     struct error *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct error local = ERROR_INIT;
    pthread_once(&once, global_init);
    struct exchange x = {.request = request, .answer = answer, .err = &local};
    int rc;
    if (!may_ask_for(&x)) {
        rc = report_refused(&x, &local);
    } else {
        x.curl = curl_easy_init();
        if (x.curl == NULL)
            abort();
        struct curl_slist *headers = make_headers(request);
        set_options(x.curl, request, &x, headers);
        rc = conclude(&x, curl_easy_perform(x.curl));
        curl_easy_cleanup(x.curl);
        free_headers(headers);
    }
    if (rc != ERR_OK && err != NULL)
        *err = local;
    return rc;
}
