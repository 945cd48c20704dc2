#include "store/s3_http.h"

#include <ctype.h>
#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/mem.h"

#define HANDLES_MAX 64
#define BYTES_PER_SECOND (256 * 1024)

struct s3_http {
    pthread_mutex_t lock;
    CURL *idle[HANDLES_MAX]; /* the one used last on top: its connection is the warmest */
    size_t idle_count;
    unsigned generation; /* raised by a failure: what is older is not used again */
    unsigned idle_generation[HANDLES_MAX];
    char *ca_file;
    char *proxy;
    char *plain_proxy;
    char *no_proxy;
    struct s3_http_options options;
};

/* One request on its way. */
struct transfer {
    const struct s3_http_request *request;
    struct s3_http_answer *answer;
    CURL *curl;
    int source_fd;
    int begun; /* times that it was about to be sent */
    uint64_t sent;
    struct sha256 *sent_hash;
    struct sha256 *received_hash;
    long status; /* of the header block being read */
    int local;   /* error of ours that ended it, ERR_OK where none */
    int local_errno;
    char reason[CURL_ERROR_SIZE];
};

static void global_init(void)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        abort();
}

int s3_http_new(const struct s3_http_options *options, struct s3_http **out, struct error *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    static const struct s3_http_options defaults = {0};
    pthread_once(&once, global_init);
    if (options == NULL)
        options = &defaults;
    if (options->ca_file != NULL && access(options->ca_file, R_OK) != 0)
        return error_set_errno(err, ERR_CONFIG, errno,
                               "The file of trusted certificates %s cannot "
                               "be read",
                               options->ca_file);
    struct s3_http *http = mem_calloc(1, sizeof *http);
    pthread_mutex_init(&http->lock, NULL);
    http->options = *options;
    http->ca_file = mem_strdup(options->ca_file);
    http->proxy = mem_strdup(options->proxy);
    http->plain_proxy = mem_strdup(options->plain_proxy);
    http->no_proxy = mem_strdup(options->no_proxy);
    if (http->options.connect_seconds == 0)
        http->options.connect_seconds = 10;
    if (http->options.stall_seconds == 0)
        http->options.stall_seconds = 30;
    if (http->options.total_seconds == 0)
        http->options.total_seconds = 60;
    *out = http;
    return ERR_OK;
}

void s3_http_free(struct s3_http *http)
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

static CURL *take_handle(struct s3_http *http, unsigned *generation)
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

/* A connection that failed is not used again, and neither are those to the same dead end. */
static void give_handle(struct s3_http *http, CURL *curl, unsigned generation, bool good)
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

void s3_http_answer_init(struct s3_http_answer *answer)
{
    answer->fate = S3_HTTP_NEVER_SENT;
    answer->status = 0;
    answer->http2 = false;
    answer->sha256[0] = '\0';
    answer->received = 0;
    answer->header_count = 0;
    answer->header_used = 0;
    str_init(&answer->error_body, S3_HTTP_ERROR_MAX);
}

void s3_http_answer_release(struct s3_http_answer *answer)
{
    str_release(&answer->error_body);
}

const char *s3_http_header(const struct s3_http_answer *answer, const char *name)
{
    for (size_t i = 0; i < answer->header_count; i++) {
        if (strcmp(answer->headers[i].name, name) == 0)
            return answer->headers[i].value;
    }
    return NULL;
}

bool s3_http_is_loopback(const char *url)
{
    const char *host = strstr(url, "://");
    host = host != NULL ? host + 3 : url;
    if (strncmp(host, "[::1]", 5) == 0 && strchr(":/?", host[5]) != NULL)
        return true;
    /* "localhost", and all below it (RFC 6761): libcurl asks no name server about them. */
    static const char name[] = "localhost";
    size_t length = strcspn(host, ":/?");
    size_t start = length >= sizeof name - 1 ? length - (sizeof name - 1) : 0;
    if (strncasecmp(host + start, name, sizeof name - 1) == 0 &&
        (start == 0 || host[start - 1] == '.'))
        return true;
    /* 127.0.0.0/8: digits and dots only, so that 127.evil.example is none. */
    size_t n = strspn(host, "0123456789.");
    return strncmp(host, "127.", 4) == 0 && strchr(":/?", host[n]) != NULL;
}

static int check_url(const struct s3_http *http, const char *url, struct error *err)
{
    if (strncmp(url, "https://", 8) == 0)
        return ERR_OK;
    if (strncmp(url, "http://", 7) != 0)
        return error_set(err, ERR_CONFIG, "%s is neither an http nor an https URL.", url);
    if (strcspn(url + 7, "/?") > strcspn(url + 7, "@"))
        return error_set(err, ERR_CONFIG, "A URL with a user in it is not accepted.");
    if (http->options.allow_plain || s3_http_is_loopback(url))
        return ERR_OK;
    return error_set(err, ERR_CONFIG,
                     "%s is refused: without TLS anybody on the way can read and change the data. "
                     "Use https, or allow plain http explicitly (CAUCE_S3_ALLOW_HTTP=1).",
                     url);
}

/* Keep one header line; what does not fit is dropped, and no caller misses it silently: the ones
 * that matter are looked up by name. */
static void keep_header(struct s3_http_answer *answer, const char *line, size_t length)
{
    const char *colon = memchr(line, ':', length);
    if (colon == NULL || answer->header_count == S3_HTTP_HEADERS_MAX ||
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
    while (end > value && (end[-1] == '\r' || end[-1] == '\n' || end[-1] == ' '))
        end--;
    char *kept = name + name_length + 1;
    memcpy(kept, value, (size_t)(end - value));
    kept[end - value] = '\0';
    answer->header_used += name_length + 2 + (size_t)(end - value);
    answer->headers[answer->header_count++] = (struct s3_pair){name, kept};
}

static size_t on_header(char *line, size_t one, size_t length, void *ctx)
{
    (void)one;
    struct transfer *t = ctx;
    if (length > 5 && memcmp(line, "HTTP/", 5) == 0) {
        /* A new block: what an interim answer (100) carried is forgotten. */
        t->answer->header_count = 0;
        t->answer->header_used = 0;
        const char *space = memchr(line, ' ', length);
        t->status = space != NULL ? strtol(space, NULL, 10) : 0;
        return length;
    }
    keep_header(t->answer, line, length);
    return length;
}

static size_t fail_here(struct transfer *t, int code, int errnum, size_t result)
{
    t->local = code;
    t->local_errno = errnum;
    return result;
}

static size_t write_file(struct transfer *t, const char *bytes, size_t count)
{
    const struct s3_http_request *r = t->request;
    if (count > r->fd_limit - t->answer->received)
        return fail_here(t, ERR_LIMIT, 0, 0);
    for (size_t done = 0; done < count;) {
        ssize_t n = pwrite(r->fd, bytes + done, count - done,
                           (off_t)(r->fd_offset + t->answer->received + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return fail_here(t, ERR_SYSTEM, errno, 0);
        done += (size_t)n;
    }
    return count;
}

static size_t on_body(char *bytes, size_t one, size_t count, void *ctx)
{
    (void)one;
    struct transfer *t = ctx;
    if (t->status < 200 || t->status >= 300) {
        /* An error's text beyond the cap is of no interest. */
        size_t room = S3_HTTP_ERROR_MAX - t->answer->error_body.len;
        str_append_bytes(&t->answer->error_body, bytes, count < room ? count : room);
        return count;
    }
    const struct s3_http_request *r = t->request;
    if (r->into != NULL) {
        str_append_bytes(r->into, bytes, count);
        if (r->into->full)
            return fail_here(t, ERR_LIMIT, 0, 0);
    } else if (r->to_file && write_file(t, bytes, count) == 0) {
        return 0;
    }
    sha256_update(t->received_hash, bytes, count);
    t->answer->received += count;
    return count;
}

static ssize_t read_source(struct transfer *t, char *out, size_t count)
{
    const struct s3_http_request *r = t->request;
    if (r->path == NULL) {
        memcpy(out, (const char *)r->bytes + t->sent, count);
        return (ssize_t)count;
    }
    ssize_t n;
    do {
        n = pread(t->source_fd, out, count, (off_t)(r->offset + t->sent));
    } while (n < 0 && errno == EINTR);
    return n;
}

/* Does everything read up to here have the digest promised? Called before the last bytes go out. */
static bool digest_fits(struct transfer *t)
{
    unsigned char digest[SHA256_SIZE];
    char hex[SHA256_HEX_SIZE];
    sha256_finish(t->sent_hash, digest);
    digest_to_hex(digest, sizeof digest, hex);
    return strcmp(hex, t->request->sha256) == 0;
}

/*
 * libcurl repeats a request on a kept connection that died, behind the back of those who must know
 * how often it was sent: refuse the second time.
 */
static int on_request(void *ctx, char *their_ip, char *our_ip, int their_port, int our_port)
{
    (void)their_ip;
    (void)our_ip;
    (void)their_port;
    (void)our_port;
    struct transfer *t = ctx;
    return t->begun++ == 0 ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT;
}

/* libcurl asks for bytes to send. The last ones leave only if all have the digest promised. */
static size_t on_read(char *out, size_t one, size_t count, void *ctx)
{
    struct transfer *t = ctx;
    const struct s3_http_request *r = t->request;
    size_t room = one * count;
    uint64_t left = r->size - t->sent;
    if (left == 0)
        return 0;
    if (room > left)
        room = (size_t)left;
    ssize_t n = read_source(t, out, room);
    if (n < 0)
        return fail_here(t, ERR_SYSTEM, errno, CURL_READFUNC_ABORT);
    if (n == 0)
        return fail_here(t, ERR_DAMAGED, 0, CURL_READFUNC_ABORT);
    if (t->sent_hash != NULL) {
        sha256_update(t->sent_hash, out, (size_t)n);
        if ((uint64_t)n == left && !digest_fits(t))
            return fail_here(t, ERR_DAMAGED, 0, CURL_READFUNC_ABORT);
    }
    t->sent += (uint64_t)n;
    return (size_t)n;
}

static struct curl_slist *make_headers(const struct s3_http_request *r)
{
    /* No waiting for "100 Continue", and no content type that nobody signed. */
    static const char *const silent[] = {"Expect:", "Content-Type:", "Accept:"};
    struct curl_slist *list = NULL;
    for (size_t i = 0; i < sizeof silent / sizeof silent[0]; i++)
        list = curl_slist_append(list, silent[i]);
    /* A proxy that keeps answers must not give an old one of the pointer. Not signed: proxies may
     * well change it. */
    if (strcmp(r->method, "GET") == 0 || strcmp(r->method, "HEAD") == 0)
        list = curl_slist_append(list, "Cache-Control: no-cache");
    for (size_t i = 0; i < r->header_count; i++) {
        const char *value = r->headers[i].value;
        char *line = mem_printf(value[0] != '\0' ? "%s: %s" : "%s;%s", r->headers[i].name, value);
        list = curl_slist_append(list, line);
        explicit_bzero(line, strlen(line));
        free(line);
    }
    if (list == NULL)
        abort();
    return list;
}

static void set_body(struct transfer *t)
{
    const struct s3_http_request *r = t->request;
    CURL *c = t->curl;
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
        curl_easy_setopt(c, CURLOPT_READDATA, t);
        curl_easy_setopt(c, CURLOPT_INFILESIZE_LARGE, (curl_off_t)r->size);
    }
    curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, r->method);
}

static void set_limits(const struct s3_http *http, CURL *c, const struct s3_http_request *r)
{
    uint64_t expected = r->size + r->expected;
    long extra = expected / BYTES_PER_SECOND < 86400 ? (long)(expected / BYTES_PER_SECOND) : 86400;
    curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, (long)http->options.connect_seconds);
    curl_easy_setopt(c, CURLOPT_LOW_SPEED_LIMIT, 1024L);
    curl_easy_setopt(c, CURLOPT_LOW_SPEED_TIME, (long)http->options.stall_seconds);
    curl_easy_setopt(c, CURLOPT_TIMEOUT, (long)http->options.total_seconds + extra);
}

static void set_options(const struct s3_http *http, struct transfer *t, struct curl_slist *headers)
{
    CURL *c = t->curl;
    const struct s3_http_request *r = t->request;
    bool plain = strncmp(r->url, "http://", 7) == 0;
    const char *proxy = plain ? http->plain_proxy : http->proxy;
    curl_easy_setopt(c, CURLOPT_URL, r->url);
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(c, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(c, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
    curl_easy_setopt(c, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    /* Set even where empty: libcurl would otherwise look at the environment. */
    curl_easy_setopt(c, CURLOPT_PROXY, proxy != NULL ? proxy : "");
    curl_easy_setopt(c, CURLOPT_NOPROXY, http->no_proxy != NULL ? http->no_proxy : "");
    if (http->ca_file != NULL) {
        curl_easy_setopt(c, CURLOPT_CAINFO, http->ca_file);
        curl_easy_setopt(c, CURLOPT_CAPATH, NULL);
    }
    /* A proxy's own answer is no answer of the server. */
    curl_easy_setopt(c, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(c, CURLOPT_USERAGENT, "cauce/" CAUCE_VERSION);
    curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(c, CURLOPT_HEADERDATA, t);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, t);
    curl_easy_setopt(c, CURLOPT_ERRORBUFFER, t->reason);
    curl_easy_setopt(c, CURLOPT_PREREQFUNCTION, on_request);
    curl_easy_setopt(c, CURLOPT_PREREQDATA, t);
    curl_easy_setopt(c, CURLOPT_TCP_KEEPALIVE, 1L);
    /* A connection that idled longer may be dead without our knowing. */
    curl_easy_setopt(c, CURLOPT_MAXAGE_CONN, 15L);
    set_limits(http, c, r);
    set_body(t);
}

/* Was nothing of the request sent? Only then is it certain that nothing came of it. */
static bool never_sent(const struct transfer *t)
{
    CURL *c = t->curl;
    /* The result proves nothing once it was begun: "could not connect" may be what became of the
     * second try, after the first went out on a kept connection that then died. */
    if (t->begun == 0)
        return true;
    if (t->begun > 1)
        return false;
    long request_size = 0;
    curl_off_t uploaded = 0;
    curl_easy_getinfo(c, CURLINFO_REQUEST_SIZE, &request_size);
    curl_easy_getinfo(c, CURLINFO_SIZE_UPLOAD_T, &uploaded);
    return request_size == 0 && uploaded == 0;
}

static int report_local(const struct transfer *t, struct error *err)
{
    const struct s3_http_request *r = t->request;
    switch (t->local) {
    case ERR_LIMIT:
        return error_set(err, ERR_LIMIT, "The answer to %s %s is larger than its limit.", r->method,
                         r->url);
    case ERR_DAMAGED:
        return error_set(err, ERR_DAMAGED,
                         "The content for %s %s is not what its SHA-256 says: it "
                         "changed or was cut after it was hashed. It was not "
                         "sent.",
                         r->method, r->url);
    default:
        return error_set_errno(err, ERR_SYSTEM, t->local_errno,
                               "A local file could not be read or written during %s %s", r->method,
                               r->url);
    }
}

static int conclude(struct transfer *t, CURLcode result, struct error *err)
{
    struct s3_http_answer *a = t->answer;
    long version = 0;
    if (result == CURLE_OK) {
        unsigned char digest[SHA256_SIZE];
        sha256_finish(t->received_hash, digest);
        digest_to_hex(digest, sizeof digest, a->sha256);
        a->fate = S3_HTTP_ANSWERED;
        a->status = t->status;
        curl_easy_getinfo(t->curl, CURLINFO_HTTP_VERSION, &version);
        a->http2 = version == CURL_HTTP_VERSION_2_0;
        return ERR_OK;
    }
    a->fate = never_sent(t) ? S3_HTTP_NEVER_SENT : S3_HTTP_SENT;
    /* A body that we withheld was never whole on the other side: nothing can come of it. */
    if (t->local == ERR_DAMAGED || (t->local == ERR_SYSTEM && t->sent < t->request->size))
        a->fate = S3_HTTP_NEVER_SENT;
    if (t->local != ERR_OK)
        return report_local(t, err);
    const char *reason = t->reason[0] != '\0' ? t->reason : curl_easy_strerror(result);
    if (result == CURLE_PEER_FAILED_VERIFICATION || result == CURLE_SSL_CACERT_BADFILE)
        return error_set(err, ERR_CONFIG,
                         "%s %s was not sent: the server's certificate is not accepted (%s). Check "
                         "the endpoint's name, and name the authority in AWS_CA_BUNDLE where it is "
                         "a private one.",
                         t->request->method, t->request->url, reason);
    if (t->begun > 1)
        reason = "the connection was closed before an answer came";
    return error_set(err, ERR_AGAIN, "%s %s failed: %s.", t->request->method, t->request->url,
                     reason);
}

int s3_http_perform(struct s3_http *http, const struct s3_http_request *request,
                    struct s3_http_answer *answer, struct error *err)
{
    int rc = check_url(http, request->url, err);
    if (rc != ERR_OK)
        return rc;
    struct transfer t = {.request = request, .answer = answer, .source_fd = -1};
    if (request->path != NULL) {
        t.source_fd = open(request->path, O_RDONLY | O_CLOEXEC);
        if (t.source_fd < 0)
            return error_set_errno(err, ERR_SYSTEM, errno, "%s cannot be opened", request->path);
    }
    if (request->sha256 != NULL && request->size > 0)
        t.sent_hash = sha256_new();
    t.received_hash = sha256_new();
    unsigned generation;
    t.curl = take_handle(http, &generation);
    struct curl_slist *headers = make_headers(request);
    set_options(http, &t, headers);
    CURLcode result = curl_easy_perform(t.curl);
    rc = conclude(&t, result, err);
    give_handle(http, t.curl, generation, result == CURLE_OK);
    for (struct curl_slist *h = headers; h != NULL; h = h->next)
        explicit_bzero(h->data, strlen(h->data));
    curl_slist_free_all(headers);
    sha256_free(t.received_hash);
    sha256_free(t.sent_hash);
    if (t.source_fd >= 0)
        close(t.source_fd);
    return rc;
}
