#include "support/http_mock.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "util/fs.h"
#include "util/mem.h"
#include "util/str.h"

#define EXCHANGES_MAX 64
#define REQUESTS_MAX 256
#define THREADS_MAX 64
#define REQUEST_SIZE ((size_t)16 << 20)

struct exchange {
    char *method, *target, *head, *body;
    bool drop, cut, hang, gone, used;
};

struct http_mock {
    pthread_mutex_t lock;
    struct exchange exchanges[EXCHANGES_MAX];
    size_t exchange_count;
    char *requests[REQUESTS_MAX];
    size_t request_count;
    size_t strange;
    int listener;
    char url[64];
    pthread_t acceptor;
    pthread_t threads[THREADS_MAX];
    int sockets[THREADS_MAX];
    size_t thread_count;
    char *text;
};

static void die(const char *what, const char *name)
{
    fprintf(stderr, "http_mock: %s %s\n", what, name);
    abort();
}

/* Take "METHOD TARGET [word]" of a line. */
static void parse_line(struct exchange *x, char *line)
{
    char *rest = line;
    x->method = strsep(&rest, " ");
    x->target = strsep(&rest, " ");
    if (x->target == NULL)
        die("bad line", line);
    x->gone = rest != NULL && strcmp(rest, "gone") == 0;
    x->drop = x->gone || (rest != NULL && strcmp(rest, "drop") == 0);
    x->hang = rest != NULL && strcmp(rest, "hang") == 0;
    x->cut = rest != NULL && strcmp(rest, "cut") == 0;
}

/* An answer without a body may end in the empty line. */
static void cut_newlines(char *head)
{
    size_t n = strlen(head);
    while (n > 0 && head[n - 1] == '\n')
        head[--n] = '\0';
}

static void parse(struct http_mock *m, char *text, const char *name)
{
    char *at = strncmp(text, "=== ", 4) == 0 ? text : strstr(text, "\n=== ");
    while (at != NULL) {
        struct exchange *x = &m->exchanges[m->exchange_count++];
        if (m->exchange_count == EXCHANGES_MAX)
            die("too many exchanges in", name);
        char *line = strchr(at, '=') + 4;
        char *end = line + strcspn(line, "\n");
        char *next = strstr(end, "\n=== ");
        if (next != NULL)
            *next++ = '\0';
        else if (end[0] != '\0' && end[strlen(end) - 1] == '\n')
            end[strlen(end) - 1] = '\0';
        x->head = end[0] != '\0' ? end + 1 : end;
        *end = '\0';
        parse_line(x, line);
        char *gap = strstr(x->head, "\n\n");
        x->body = gap != NULL ? gap + 2 : x->head + strlen(x->head);
        if (gap != NULL)
            *gap = '\0';
        else
            cut_newlines(x->head);
        at = next;
    }
}

static struct exchange *find(struct http_mock *m, const char *request)
{
    for (size_t i = 0; i < m->exchange_count; i++) {
        struct exchange *x = &m->exchanges[i];
        size_t n = strlen(x->method);
        if (!x->used && strncmp(request, x->method, n) == 0 && request[n] == ' ' &&
            strncmp(request + n + 1, x->target, strlen(x->target)) == 0)
            return x;
    }
    return NULL;
}

/* Read one request; false at the end of the connection. */
static bool receive(int fd, struct str *out)
{
    char *gap = NULL;
    size_t need = 0;
    str_clear(out);
    while (gap == NULL || out->len < need) {
        char buffer[65536];
        ssize_t n = recv(fd, buffer, sizeof buffer, 0);
        if (n <= 0)
            return false;
        str_append_bytes(out, buffer, (size_t)n);
        gap = strstr(out->data, "\r\n\r\n");
        if (gap == NULL)
            continue;
        const char *length = strcasestr(out->data, "\r\ncontent-length:");
        size_t head = (size_t)(gap - out->data) + 4;
        need = head + (length != NULL && length < gap ? strtoul(length + 17, NULL, 10) : 0);
    }
    return true;
}

static void send_all(int fd, const char *bytes, size_t count)
{
    while (count > 0) {
        ssize_t n = send(fd, bytes, count, MSG_NOSIGNAL);
        if (n <= 0)
            return;
        bytes += n;
        count -= (size_t)n;
    }
}

/* Answer; false: close the connection. */
static bool answer(int fd, const struct exchange *x, bool head_only)
{
    if (x->drop)
        return false;
    if (x->hang)
        return true;
    struct str out;
    str_init(&out, REQUEST_SIZE);
    for (const char *p = x->head; *p != '\0'; p++) {
        if (*p == '\n')
            str_append_char(&out, '\r');
        str_append_char(&out, *p);
    }
    size_t length = strlen(x->body);
    bool silent = strstr(x->head, "HTTP/1.1 204") != NULL;
    if (!silent && strcasestr(x->head, "content-length:") == NULL)
        str_printf(&out, "\r\nContent-Length: %zu", length);
    str_append(&out, "\r\n\r\n");
    if (!head_only)
        str_append_bytes(&out, x->body, x->cut ? length / 2 : length);
    send_all(fd, out.data, out.len);
    str_release(&out);
    return !x->cut;
}

struct connection {
    struct http_mock *mock;
    int fd;
};

static const struct exchange *record(struct http_mock *m, const char *request)
{
    static char head[] = "HTTP/1.1 599 Strange";
    static const struct exchange strange = {.head = head, .body = head + sizeof head - 1};
    const struct exchange *result = &strange;
    pthread_mutex_lock(&m->lock);
    if (m->request_count < REQUESTS_MAX)
        m->requests[m->request_count++] = mem_strdup(request);
    struct exchange *x = find(m, request);
    if (x != NULL) {
        x->used = true;
        if (x->gone)
            shutdown(m->listener, SHUT_RDWR);
        result = x;
    } else {
        m->strange++;
        fprintf(stderr, "http_mock: strange request %.*s\n", (int)strcspn(request, "\r"), request);
    }
    pthread_mutex_unlock(&m->lock);
    return result;
}

static void *serve(void *arg)
{
    struct connection c = *(struct connection *)arg;
    free(arg);
    struct str request;
    str_init(&request, REQUEST_SIZE);
    while (receive(c.fd, &request)) {
        const struct exchange *x = record(c.mock, request.data);
        if (!answer(c.fd, x, strncmp(request.data, "HEAD ", 5) == 0))
            break;
    }
    shutdown(c.fd, SHUT_RDWR);
    str_release(&request);
    return NULL;
}

static void *accept_all(void *arg)
{
    struct http_mock *m = arg;
    for (;;) {
        int fd = accept4(m->listener, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0 || m->thread_count == THREADS_MAX)
            return NULL;
        struct connection *c = mem_alloc(sizeof *c);
        *c = (struct connection){m, fd};
        m->sockets[m->thread_count] = fd;
        pthread_create(&m->threads[m->thread_count++], NULL, serve, c);
    }
}

struct http_mock *http_mock_new(const char *scenario)
{
    struct http_mock *m = mem_calloc(1, sizeof *m);
    struct str text;
    str_init(&text, REQUEST_SIZE);
    char *path = mem_printf("%s/tests/data/s3/%s.http", getenv("CAUCE_SOURCE_DIR"), scenario);
    if (fs_read(path, &text, NULL) != ERR_OK)
        die("no scenario", path);
    free(path);
    m->text = str_detach(&text);
    parse(m, m->text, scenario);
    pthread_mutex_init(&m->lock, NULL);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof address;
    m->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(m->listener, (struct sockaddr *)&address, size) != 0 || listen(m->listener, 64) != 0 ||
        getsockname(m->listener, (struct sockaddr *)&address, &size) != 0)
        die("cannot listen for", scenario);
    snprintf(m->url, sizeof m->url, "http://127.0.0.1:%u", (unsigned)ntohs(address.sin_port));
    pthread_create(&m->acceptor, NULL, accept_all, m);
    return m;
}

const char *http_mock_url(const struct http_mock *mock)
{
    return mock->url;
}

size_t http_mock_count(struct http_mock *mock)
{
    pthread_mutex_lock(&mock->lock);
    size_t count = mock->request_count;
    pthread_mutex_unlock(&mock->lock);
    return count;
}

const char *http_mock_request(struct http_mock *mock, size_t index)
{
    if (index >= http_mock_count(mock))
        die("no such request", mock->url);
    return mock->requests[index];
}

size_t http_mock_faults(struct http_mock *mock)
{
    pthread_mutex_lock(&mock->lock);
    size_t faults = mock->strange;
    for (size_t i = 0; i < mock->exchange_count; i++) {
        if (!mock->exchanges[i].used) {
            fprintf(stderr, "http_mock: not asked for: %s %s\n", mock->exchanges[i].method,
                    mock->exchanges[i].target);
            faults++;
        }
    }
    pthread_mutex_unlock(&mock->lock);
    return faults;
}

void http_mock_free(struct http_mock *mock)
{
    shutdown(mock->listener, SHUT_RDWR);
    pthread_join(mock->acceptor, NULL);
    for (size_t i = 0; i < mock->thread_count; i++) {
        shutdown(mock->sockets[i], SHUT_RDWR);
        pthread_join(mock->threads[i], NULL);
        close(mock->sockets[i]);
    }
    close(mock->listener);
    for (size_t i = 0; i < mock->request_count; i++)
        free(mock->requests[i]);
    pthread_mutex_destroy(&mock->lock);
    free(mock->text);
    free(mock);
}
