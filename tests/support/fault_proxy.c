#include "support/fault_proxy.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "net/transfer.h"
#include "util/mem.h"

struct fault_proxy {
    pid_t pid;
    int keep; /* the proxy ends when this is closed */
    char url[64];
    struct http *http;
};

static void run(const char *script, const char *target, int in, int out)
{
    dup2(in, STDIN_FILENO);
    dup2(out, STDOUT_FILENO);
    execlp("python3", "python3", script, target, (char *)NULL);
    _exit(127);
}

/* The port that it prints; 0 where it does not come up. */
static unsigned read_port(int fd)
{
    char text[32] = "";
    size_t used = 0;
    ssize_t n = 1;
    while (n > 0 && used + 1 < sizeof text && strchr(text, '\n') == NULL) {
        n = read(fd, text + used, sizeof text - 1 - used);
        used += n > 0 ? (size_t)n : 0;
    }
    return (unsigned)strtoul(text, NULL, 10);
}

struct fault_proxy *fault_proxy_new(const char *endpoint)
{
    int in[2];
    int out[2];
    struct fault_proxy *p = mem_calloc(1, sizeof *p);
    const char *target = strstr(endpoint, "://") + 3;
    char *script = mem_printf("%s/tests/support/fault_proxy.py", getenv("CAUCE_SOURCE_DIR"));
    if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0)
        abort();
    p->pid = fork();
    if (p->pid == 0)
        run(script, target, in[0], out[1]);
    free(script);
    close(in[0]);
    close(out[1]);
    p->keep = in[1];
    unsigned port = read_port(out[0]);
    close(out[0]);
    snprintf(p->url, sizeof p->url, "http://127.0.0.1:%u", port);
    if (port != 0 && http_new(NULL, &p->http, NULL) == ERR_OK)
        return p;
    fault_proxy_free(p);
    return NULL;
}

void fault_proxy_free(struct fault_proxy *proxy)
{
    if (proxy == NULL)
        return;
    close(proxy->keep);
    kill(proxy->pid, SIGTERM);
    waitpid(proxy->pid, NULL, 0);
    http_free(proxy->http);
    free(proxy);
}

const char *fault_proxy_url(const struct fault_proxy *proxy)
{
    return proxy->url;
}

/* One control request; aborts where it is not accepted. */
static void control(struct fault_proxy *proxy, const char *method, const char *path,
                    const char *json, struct str *into)
{
    char *url = mem_printf("%s%s", proxy->url, path);
    struct transfer_answer *answer = mem_calloc(1, sizeof *answer);
    transfer_answer_init(answer);
    const struct transfer_request request = {
        .method = method, .url = url, .bytes = json, .size = strlen(json), .into = into};
    if (transfer_perform(proxy->http, &request, answer, NULL) != ERR_OK ||
        answer->head.status != 200)
        abort();
    transfer_answer_release(answer);
    free(answer);
    free(url);
}

void fault_proxy_rules(struct fault_proxy *proxy, const char *json)
{
    control(proxy, "PUT", "/__faults", json, NULL);
}

void fault_proxy_settle(struct fault_proxy *proxy)
{
    control(proxy, "GET", "/__settled", "", NULL);
}

size_t fault_proxy_fired(struct fault_proxy *proxy)
{
    struct str seen;
    size_t fired = 0;
    str_init(&seen, (size_t)16 << 20);
    control(proxy, "GET", "/__seen", "", &seen);
    for (const char *p = seen.data; (p = strstr(p, "\"fault\": \"")) != NULL; p++)
        fired++;
    str_release(&seen);
    return fired;
}
