#include "net/http.h"

#include <ctype.h>
#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "net/address.h"
#include "net/url.h"
#include "util/digest.h"
#include "util/mem.h"
#include "util/stop.h"

#define HANDLES_MAX 64
#define BYTES_PER_SECOND (256 * 1024)

struct http {
    pthread_mutex_t lock;
    CURL *idle[HANDLES_MAX]; /* the one used last on top: its connection is the warmest */
    size_t idle_count;
    unsigned generation; /* raised by a failure: what is older is not used again */
    unsigned idle_generation[HANDLES_MAX];
    char *ca_file;
    char *proxy;
    char *plain_proxy;
    char *no_proxy;
    struct http_options options;
};

/* One request on its way. */
struct exchange {
    const struct http *http;
    const struct http_request *request;
    struct http_answer *answer;
    struct error *err;
    CURL *curl;
    const char *proxy; /* NULL: none */
    int source_fd;
    int begun; /* times that it was about to be sent */
    uint64_t sent;
    struct sha256 *sent_hash;
    int local;     /* what ended it on our side, ERR_OK where nothing did */
    bool opened;   /* the head of the final answer is complete */
    bool enough;   /* the rest of the body is of no interest, and the connection was cut */
    bool withheld; /* the body was not sent whole, on purpose */
    char reason[CURL_ERROR_SIZE];
};

/* ---- The pool ------------------------------------------------------------------------------ */

static void global_init(void)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        abort();
}

static void complete(struct http_options *o)
{
    if (o->connect_seconds == 0)
        o->connect_seconds = 10;
    if (o->stall_seconds == 0)
        o->stall_seconds = 30;
    if (o->stall_bytes == 0)
        o->stall_bytes = 1024;
    if (o->total_seconds == 0)
        o->total_seconds = 60;
}

int http_new(const struct http_options *options, struct http **out, struct error *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    static const struct http_options defaults = {0};
    pthread_once(&once, global_init);
    if (options == NULL)
        options = &defaults;
    if (options->ca_file != NULL && access(options->ca_file, R_OK) != 0)
        return error_set_errno(err, ERR_CONFIG, errno,
                               "The file of trusted certificates %s cannot be read",
                               options->ca_file);
    struct http *http = mem_calloc(1, sizeof *http);
    pthread_mutex_init(&http->lock, NULL);
    http->options = *options;
    http->ca_file = mem_strdup(options->ca_file);
    http->proxy = mem_strdup(options->proxy);
    http->plain_proxy = mem_strdup(options->plain_proxy);
    http->no_proxy = mem_strdup(options->no_proxy);
    complete(&http->options);
    *out = http;
    return ERR_OK;
}

void http_free(struct http *http)
{
    if (http == NULL)
        return;
    for (size_t i = 0; i < http->idle_count; i++)
        curl_easy_cleanup(http->idle[i]);
    pthread_mutex_destroy(&http->lock);
    free(http->ca_file);
    free(http->proxy);
    free(http->plain_proxy);
    free(http->no_proxy);
    free(http);
}

static CURL *take_handle(struct http *http, unsigned *generation)
{
    CURL *curl = NULL;
    pthread_mutex_lock(&http->lock);
    *generation = http->generation;
    while (curl == NULL && http->idle_count > 0) {
        http->idle_count--;
        curl = http->idle[http->idle_count];
        if (http->idle_generation[http->idle_count] != http->generation) {
            curl_easy_cleanup(curl);
            curl = NULL;
        }
    }
    pthread_mutex_unlock(&http->lock);
    if (curl != NULL) {
        curl_easy_reset(curl);
        return curl;
    }
    curl = curl_easy_init();
    if (curl == NULL)
        abort();
    return curl;
}

/* A connection that failed is not used again, nor are others to the same host. */
static void give_handle(struct http *http, CURL *curl, unsigned generation, bool good)
{
    pthread_mutex_lock(&http->lock);
    if (!good)
        http->generation++;
    bool keep = good && generation == http->generation && http->idle_count < HANDLES_MAX;
    if (keep) {
        http->idle_generation[http->idle_count] = generation;
        http->idle[http->idle_count++] = curl;
    }
    pthread_mutex_unlock(&http->lock);
    if (!keep)
        curl_easy_cleanup(curl);
}

/* ---- The answer ---------------------------------------------------------------------------- */

const char *http_header(const struct http_answer *answer, const char *name)
{
    for (size_t i = 0; i < answer->header_count; i++) {
        if (strcmp(answer->headers[i].name, name) == 0)
            return answer->headers[i].value;
    }
    return NULL;
}

int64_t http_date(const char *text)
{
    return text != NULL ? (int64_t)curl_getdate(text, NULL) : -1;
}

/* Keep one header line. What does not fit counts as absent: whoever needs a header asks for it. */
static void keep_header(struct http_answer *answer, const char *line, size_t length)
{
    const char *colon = memchr(line, ':', length);
    if (colon == NULL || answer->header_count == HTTP_HEADERS_MAX ||
        length + 2 > sizeof answer->header_bytes - answer->header_used)
        return;
    size_t name_length = (size_t)(colon - line);
    char *name = answer->header_bytes + answer->header_used;
    for (size_t i = 0; i < name_length; i++)
        name[i] = (char)tolower((unsigned char)line[i]);
    name[name_length] = '\0';
    const char *value = colon + 1;
    const char *end = line + length;
    while (value < end && (*value == ' ' || *value == '\t'))
        value++;
    while (end > value && memchr(" \t\r\n", end[-1], 4) != NULL)
        end--;
    char *kept = name + name_length + 1;
    memcpy(kept, value, (size_t)(end - value));
    kept[end - value] = '\0';
    answer->header_used += name_length + 2 + (size_t)(end - value);
    answer->headers[answer->header_count++] = (struct http_pair){name, kept};
}

static bool is_chunked(const struct http_answer *a)
{
    const char *coding = http_header(a, "transfer-encoding");
    return coding != NULL && strcasestr(coding, "chunked") != NULL;
}

static void take_head(struct exchange *x)
{
    curl_off_t length = -1;
    long version = CURL_HTTP_VERSION_NONE;
    char *ip = NULL;
    struct sockaddr_storage address;
    struct http_answer *a = x->answer;
    curl_easy_getinfo(x->curl, CURLINFO_RESPONSE_CODE, &a->status);
    curl_easy_getinfo(x->curl, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    curl_easy_getinfo(x->curl, CURLINFO_PRIMARY_IP, &ip);
    curl_easy_getinfo(x->curl, CURLINFO_HTTP_VERSION, &version);
    a->http2 = version == CURL_HTTP_VERSION_2_0;
    a->has_length = length >= 0;
    a->framed = a->has_length || version >= CURL_HTTP_VERSION_2_0 || is_chunked(a);
    a->length = length >= 0 ? (uint64_t)length : 0;
    a->loopback = x->proxy == NULL && ip != NULL && address_parse(ip, &address) &&
                  address_is_loopback((const struct sockaddr *)&address);
}

/* The head of an answer is complete: look at it before a byte of the body comes. */
static size_t open_answer(struct exchange *x, size_t length)
{
    take_head(x);
    /* An interim answer (103) does not count. */
    x->opened = x->answer->status >= 200;
    if (x->opened && x->request->on_head != NULL)
        x->local = x->request->on_head(x->request->ctx, x->answer, x->err);
    return x->local == ERR_OK ? length : 0;
}

static size_t on_header(char *line, size_t one, size_t length, void *ctx)
{
    (void)one;
    struct exchange *x = ctx;
    /* After the body there may be trailers, which say nothing that we would believe. */
    if (x->opened)
        return length;
    if (length > 5 && memcmp(line, "HTTP/", 5) == 0) {
        /* A new block: what an interim answer (100) carried is forgotten. */
        x->answer->header_count = 0;
        x->answer->header_used = 0;
        return length;
    }
    if (line[0] == '\r' || line[0] == '\n')
        return open_answer(x, length);
    keep_header(x->answer, line, length);
    return length;
}

static size_t on_body(char *bytes, size_t one, size_t count, void *ctx)
{
    (void)one;
    struct exchange *x = ctx;
    if (x->request->on_body == NULL)
        return count;
    int rc = x->request->on_body(x->request->ctx, x->answer, bytes, count, x->err);
    x->enough = rc == HTTP_ENOUGH;
    if (rc != ERR_OK && !x->enough)
        x->local = rc;
    return rc == ERR_OK ? count : 0;
}

/* ---- What is sent -------------------------------------------------------------------------- */

static int body_fault(struct exchange *x, int rc)
{
    x->local = rc;
    x->withheld = true;
    x->answer->fault = HTTP_BODY_FAULT;
    return CURL_READFUNC_ABORT;
}

static ssize_t read_source(struct exchange *x, char *out, size_t count)
{
    const struct http_request *r = x->request;
    if (r->path == NULL) {
        memcpy(out, (const char *)r->bytes + x->sent, count);
        return (ssize_t)count;
    }
    ssize_t n;
    do {
        n = pread(x->source_fd, out, count, (off_t)(r->offset + x->sent));
    } while (n < 0 && errno == EINTR);
    return n;
}

/* Does everything read so far have the promised digest? Called before the last bytes go out. */
static bool digest_fits(struct exchange *x)
{
    unsigned char digest[SHA256_SIZE];
    char hex[SHA256_HEX_SIZE];
    sha256_finish(x->sent_hash, digest);
    digest_to_hex(digest, sizeof digest, hex);
    return strcmp(hex, x->request->sha256) == 0;
}

static int changed_body(const struct exchange *x)
{
    return error_set(x->err, ERR_DAMAGED,
                     "the content is not what its SHA-256 says: it changed or was cut after it was "
                     "hashed. It was not sent");
}

/*
 * libcurl asks for bytes to send. The last ones are sent only if all of them have the promised
 * digest.
 */
static size_t on_read(char *out, size_t one, size_t count, void *ctx)
{
    struct exchange *x = ctx;
    const struct http_request *r = x->request;
    size_t room = one * count;
    uint64_t left = r->size - x->sent;
    if (left == 0)
        return 0;
    if (room > left)
        room = (size_t)left;
    ssize_t n = read_source(x, out, room);
    if (n < 0)
        return (size_t)body_fault(
            x, error_set_errno(x->err, ERR_SYSTEM, errno, "%s cannot be read", r->path));
    if (n == 0)
        return (size_t)body_fault(x, changed_body(x));
    if (x->sent_hash != NULL) {
        sha256_update(x->sent_hash, out, (size_t)n);
        if ((uint64_t)n == left && !digest_fits(x))
            return (size_t)body_fault(x, changed_body(x));
    }
    x->sent += (uint64_t)n;
    return (size_t)n;
}

/*
 * libcurl repeats a request on a kept connection that died, without telling those who must know how
 * often it was sent: refuse the second time.
 */
static int on_request(void *ctx, char *their_ip, char *our_ip, int their_port, int our_port)
{
    (void)their_ip;
    (void)our_ip;
    (void)their_port;
    (void)our_port;
    struct exchange *x = ctx;
    return x->begun++ == 0 ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT;
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
    const struct http_request *r = x->request;
    if (r->may_reach == NULL || r->may_reach(r->ctx, address))
        return true;
    address_format(address, x->answer->refused);
    return false;
}

/* Here the name is resolved, so what is checked is what will be connected to. */
static curl_socket_t on_socket(void *ctx, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct exchange *x = ctx;
    if (purpose != CURLSOCKTYPE_IPCXN || !may_reach(x, &address->addr))
        return CURL_SOCKET_BAD;
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/*
 * Behind a proxy no socket to the host is made: at least an address that the URL contains is
 * checked.
 */
static bool may_ask_for(struct exchange *x)
{
    struct url url;
    struct sockaddr_storage address;
    if (x->request->may_reach == NULL || url_parse(NULL, x->request->url, &url, NULL) != ERR_OK)
        return true;
    bool may =
        !address_parse(url.host, &address) || may_reach(x, (const struct sockaddr *)&address);
    url_release(&url);
    return may;
}

/* Theirs take the place of what libcurl would send by itself. */
static struct curl_slist *make_headers(const struct http_request *r)
{
    /* No waiting for "100 Continue", and no content type that nobody signed. */
    static const char *const silent[] = {"Expect:", "Content-Type:"};
    struct curl_slist *list = NULL;
    for (size_t i = 0; i < sizeof silent / sizeof silent[0]; i++)
        list = curl_slist_append(list, silent[i]);
    for (size_t i = 0; i < r->header_count; i++) {
        const char *value = r->headers[i].value;
        char *line = mem_printf(value[0] != '\0' ? "%s: %s" : "%s;%s", r->headers[i].name, value);
        list = curl_slist_append(list, line);
        explicit_bzero(line, strlen(line));
        free(line);
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

static void set_body(struct exchange *x)
{
    const struct http_request *r = x->request;
    CURL *c = x->curl;
    if (strcmp(r->method, "HEAD") == 0) {
        curl_easy_setopt(c, CURLOPT_NOBODY, 1L);
        return;
    }
    bool body = r->bytes != NULL || r->path != NULL || strcmp(r->method, "PUT") == 0 ||
                strcmp(r->method, "POST") == 0;
    if (!body) {
        curl_easy_setopt(c, CURLOPT_HTTPGET, 1L);
    } else {
        curl_easy_setopt(c, CURLOPT_UPLOAD, 1L);
        curl_easy_setopt(c, CURLOPT_READFUNCTION, on_read);
        curl_easy_setopt(c, CURLOPT_READDATA, x);
        curl_easy_setopt(c, CURLOPT_INFILESIZE_LARGE, (curl_off_t)r->size);
    }
    curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, r->method);
}

static void set_limits(const struct exchange *x)
{
    const struct http_options *o = &x->http->options;
    uint64_t expected = x->request->size + x->request->expected;
    long extra = expected / BYTES_PER_SECOND < 86400 ? (long)(expected / BYTES_PER_SECOND) : 86400;
    curl_easy_setopt(x->curl, CURLOPT_CONNECTTIMEOUT, (long)o->connect_seconds);
    curl_easy_setopt(x->curl, CURLOPT_LOW_SPEED_LIMIT, (long)o->stall_bytes);
    curl_easy_setopt(x->curl, CURLOPT_LOW_SPEED_TIME, (long)o->stall_seconds);
    if (o->total_seconds > 0)
        curl_easy_setopt(x->curl, CURLOPT_TIMEOUT, (long)o->total_seconds + extra);
}

static void set_connection(struct exchange *x)
{
    const struct http *http = x->http;
    CURL *c = x->curl;
    if (x->request->may_reach != NULL) {
        curl_easy_setopt(c, CURLOPT_OPENSOCKETFUNCTION, on_socket);
        curl_easy_setopt(c, CURLOPT_OPENSOCKETDATA, x);
    }
    curl_easy_setopt(c, CURLOPT_FRESH_CONNECT, x->request->fresh ? 1L : 0L);
    curl_easy_setopt(c, CURLOPT_FORBID_REUSE, x->request->fresh ? 1L : 0L);
    /* Set even where empty: libcurl would otherwise look at the environment. */
    curl_easy_setopt(c, CURLOPT_PROXY, x->proxy != NULL ? x->proxy : "");
    curl_easy_setopt(c, CURLOPT_NOPROXY, http->no_proxy != NULL ? http->no_proxy : "");
    /* A proxy's own answer is not an answer of the server. */
    curl_easy_setopt(c, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    curl_easy_setopt(c, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
    curl_easy_setopt(c, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (http->ca_file != NULL) {
        curl_easy_setopt(c, CURLOPT_CAINFO, http->ca_file);
        curl_easy_setopt(c, CURLOPT_CAPATH, NULL);
    }
    curl_easy_setopt(c, CURLOPT_TCP_KEEPALIVE, 1L);
    /* A connection that was idle for longer may be dead without our knowing. */
    curl_easy_setopt(c, CURLOPT_MAXAGE_CONN, 15L);
}

static void set_callbacks(struct exchange *x)
{
    CURL *c = x->curl;
    curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(c, CURLOPT_HEADERDATA, x);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, x);
    curl_easy_setopt(c, CURLOPT_PREREQFUNCTION, on_request);
    curl_easy_setopt(c, CURLOPT_PREREQDATA, x);
    curl_easy_setopt(c, CURLOPT_ERRORBUFFER, x->reason);
    if (x->request->interruptible) {
        curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
        curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, on_progress);
        curl_easy_setopt(c, CURLOPT_XFERINFODATA, x);
    }
}

static void set_request(struct exchange *x, struct curl_slist *headers)
{
    const struct http_request *r = x->request;
    CURL *c = x->curl;
    curl_easy_setopt(c, CURLOPT_URL, r->url);
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(c, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(c, CURLOPT_USERAGENT, "cauce/" CAUCE_VERSION);
    if (r->compressed)
        curl_easy_setopt(c, CURLOPT_ACCEPT_ENCODING, "");
    if (r->user != NULL || r->password != NULL) {
        curl_easy_setopt(c, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
        curl_easy_setopt(c, CURLOPT_USERNAME, r->user != NULL ? r->user : "");
        curl_easy_setopt(c, CURLOPT_PASSWORD, r->password != NULL ? r->password : "");
    }
    set_body(x);
}

/* ---- The outcome --------------------------------------------------------------------------- */

/* Was nothing of the request sent? Only then is it certain that nothing came of it. */
static bool never_sent(const struct exchange *x)
{
    /*
     * Once it was begun, the result proves nothing: "could not connect" may be about a second
     * attempt, after the first went out on a kept connection that then died.
     */
    if (x->begun == 0)
        return true;
    /* A body that we withheld was never whole on the other side: nothing can come of it. */
    if (x->withheld)
        return true;
    if (x->begun > 1)
        return false;
    long request_size = 0;
    curl_off_t uploaded = 0;
    curl_easy_getinfo(x->curl, CURLINFO_REQUEST_SIZE, &request_size);
    curl_easy_getinfo(x->curl, CURLINFO_SIZE_UPLOAD_T, &uploaded);
    return request_size == 0 && uploaded == 0;
}

/* libcurl's text may quote a URL, in particular a proxy's, and with it a password. */
static bool quotes_url(const char *reason)
{
    return strstr(reason, "://") != NULL || strchr(reason, '@') != NULL;
}

static void set_reason(const struct exchange *x, CURLcode result)
{
    const char *reason = x->reason;
    if (x->begun > 1)
        reason = "the connection was closed before an answer came";
    else if (reason[0] == '\0' || quotes_url(reason))
        reason = curl_easy_strerror(result);
    size_t length = strnlen(reason, HTTP_REASON_SIZE - 1);
    memcpy(x->answer->reason, reason, length);
    x->answer->reason[length] = '\0';
}

static enum http_fault fault_of(const struct exchange *x, CURLcode result)
{
    /* A name may have other addresses, which were then tried. */
    if (x->answer->refused[0] != '\0' && result == CURLE_COULDNT_CONNECT)
        return HTTP_ADDRESS;
    if (x->answer->proxy_status >= 300)
        return HTTP_PROXY_REFUSES;
    if (x->proxy != NULL && quotes_url(x->reason))
        return HTTP_PROXY_UNUSABLE;
    switch ((int)result) { /* not ours to list: what is not named here is broken */
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_PROXY:
        return HTTP_PROXY_UNUSABLE;
    case CURLE_PEER_FAILED_VERIFICATION:
        return HTTP_CERTIFICATE;
    case CURLE_SSL_CACERT_BADFILE:
        return HTTP_CA_FILE;
    case CURLE_OPERATION_TIMEDOUT:
        return HTTP_TIMEOUT;
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT:
    case CURLE_OUT_OF_MEMORY:
    case CURLE_FAILED_INIT:
        return HTTP_UNUSABLE;
    default:
        return HTTP_BROKEN;
    }
}

static int conclude(struct exchange *x, CURLcode result)
{
    struct http_answer *a = x->answer;
    if (x->local == ERR_OK && (result == CURLE_OK || x->enough)) {
        a->fate = HTTP_ANSWERED;
        return ERR_OK;
    }
    a->fate = never_sent(x) ? HTTP_NEVER_SENT : HTTP_SENT;
    if (x->local != ERR_OK) {
        if (a->fault == HTTP_FINE)
            a->fault = HTTP_ENDED;
        return x->local;
    }
    curl_easy_getinfo(x->curl, CURLINFO_HTTP_CONNECTCODE, &a->proxy_status);
    set_reason(x, result);
    a->fault = fault_of(x, result);
    return error_set(x->err, ERR_AGAIN, "%s", a->reason);
}

static int check_url(const struct http *http, const char *url, struct error *err)
{
    if (strncasecmp(url, "https://", 8) == 0)
        return ERR_OK;
    if (strncasecmp(url, "http://", 7) != 0)
        return error_set(err, ERR_CONFIG, "%s is neither an http nor an https URL.", url);
    if (strcspn(url + 7, "/?") > strcspn(url + 7, "@"))
        return error_set(err, ERR_CONFIG, "A URL with a user in it is not accepted.");
    if (http->options.allow_plain || url_is_loopback(url))
        return ERR_OK;
    return error_set(err, ERR_CONFIG,
                     "%s is refused: without TLS anybody along the way can read and change the "
                     "data. Use https, or allow plain http explicitly (CAUCE_S3_ALLOW_HTTP=1).",
                     url);
}

static void answer_init(struct http_answer *a)
{
    /* Not the space for headers, which is large and is read only as far as it was filled. */
    memset(a, 0, offsetof(struct http_answer, headers));
    a->header_used = 0;
}

static int send_once(struct http *http, struct exchange *x)
{
    unsigned generation;
    x->curl = take_handle(http, &generation);
    struct curl_slist *headers = make_headers(x->request);
    set_request(x, headers);
    set_connection(x);
    set_limits(x);
    set_callbacks(x);
    CURLcode result = curl_easy_perform(x->curl);
    int rc = conclude(x, result);
    give_handle(http, x->curl, generation, result == CURLE_OK);
    free_headers(headers);
    return rc;
}

int http_perform(struct http *http, const struct http_request *request, struct http_answer *answer,
                 struct error *err)
{
    bool plain = strncasecmp(request->url, "http://", 7) == 0;
    const char *proxy = plain ? http->plain_proxy : http->proxy;
    struct exchange x = {.http = http,
                         .request = request,
                         .answer = answer,
                         .err = err,
                         .proxy = proxy != NULL && proxy[0] != '\0' ? proxy : NULL,
                         .source_fd = -1};
    answer_init(answer);
    int rc = check_url(http, request->url, err);
    if (rc != ERR_OK)
        return rc;
    if (!may_ask_for(&x)) {
        answer->fault = HTTP_ADDRESS;
        return error_set(err, ERR_AGAIN, "its address %s is refused", answer->refused);
    }
    if (request->path != NULL) {
        x.source_fd = open(request->path, O_RDONLY | O_CLOEXEC);
        answer->fault = HTTP_BODY_FAULT;
        if (x.source_fd < 0)
            return error_set_errno(err, ERR_SYSTEM, errno, "%s cannot be opened", request->path);
        answer->fault = HTTP_FINE;
    }
    if (request->sha256 != NULL && request->size > 0)
        x.sent_hash = sha256_new();
    rc = send_once(http, &x);
    sha256_free(x.sent_hash);
    if (x.source_fd >= 0)
        close(x.source_fd);
    return rc;
}
