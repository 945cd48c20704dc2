#include "support/source_server.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/temp_folder.h"
#include "util/fs.h"
#include "util/mem.h"
#include "util/str.h"

#define REQUESTS_SIZE ((size_t)16 << 20)

extern char **environ;

static void die(const char *what)
{
    fprintf(stderr, "source_server: %s\n", what);
    abort();
}

static int read_port(int fd)
{
    char text[32] = "";
    size_t used = 0;
    ssize_t n = 0;
    while (used < sizeof text - 1 && strchr(text, '\n') == NULL &&
           (n = read(fd, text + used, sizeof text - 1 - used)) > 0)
        used += (size_t)n;
    close(fd);
    int port = (int)strtol(text, NULL, 10);
    if (port == 0)
        die("did not start");
    return port;
}

static void spawn(struct source_server *s, const struct source_server_options *o, int *out)
{
    int to[2];
    int from[2];
    char *script = mem_printf("%s/tests/support/source_server.py", getenv("CAUCE_SOURCE_DIR"));
    char python[] = "python3";
    char flag_address[] = "--address";
    char flag_tls[] = "--tls";
    char here[] = "127.0.0.1";
    char *address = o->address != NULL ? mem_strdup(o->address) : mem_strdup(here);
    char *certificate = mem_strdup(o->certificate);
    char *key = mem_strdup(o->key);
    char *const arguments[] = {python,       script,  s->folder,
                               flag_address, address, certificate != NULL ? flag_tls : NULL,
                               certificate,  key,     NULL};
    if (pipe2(to, O_CLOEXEC) != 0 || pipe2(from, O_CLOEXEC) != 0)
        die("no pipe");
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, to[0], 0);
    posix_spawn_file_actions_adddup2(&actions, from[1], 1);
    if (posix_spawnp(&s->pid, python, &actions, NULL, arguments, environ) != 0)
        die("python3 cannot be started");
    posix_spawn_file_actions_destroy(&actions);
    close(to[0]);
    close(from[1]);
    s->in = to[1];
    *out = from[0];
    free(script);
    free(address);
    free(certificate);
    free(key);
}

void source_server_start(struct source_server *s, const struct source_server_options *options)
{
    static const struct source_server_options plain = {0};
    const struct source_server_options *o = options != NULL ? options : &plain;
    int out;
    *s = (struct source_server){.folder = temp_folder_new()};
    spawn(s, o, &out);
    const char *host = o->host != NULL ? o->host : o->address != NULL ? o->address : "127.0.0.1";
    s->url =
        mem_printf("%s://%s:%d", o->certificate != NULL ? "https" : "http", host, read_port(out));
}

void source_server_stop(struct source_server *s)
{
    close(s->in);
    waitpid(s->pid, NULL, 0);
    free(s->url);
    temp_folder_free(s->folder);
    *s = (struct source_server){0};
}

void source_server_put(struct source_server *s, const char *name, const void *bytes, size_t count)
{
    struct error err = ERROR_INIT;
    char *path = fs_join(s->folder, name);
    if (fs_write(path, bytes, count, &err) != ERR_OK)
        die(err.text);
    free(path);
}

static char *read_requests(struct source_server *s)
{
    struct str text;
    str_init(&text, REQUESTS_SIZE);
    char *path = fs_join(s->folder, "requests");
    if (fs_exists(path) && fs_read(path, &text, NULL) != ERR_OK)
        die("its requests cannot be read");
    free(path);
    return str_detach(&text);
}

size_t source_server_count(struct source_server *s)
{
    char *text = read_requests(s);
    size_t count = 0;
    for (const char *p = text; (p = strstr(p, "\n\n")) != NULL; p += 2)
        count++;
    free(text);
    return count;
}

void source_server_forget(struct source_server *s)
{
    char *path = fs_join(s->folder, "requests");
    fs_discard(path);
    free(path);
}

char *source_server_request(struct source_server *s, size_t index)
{
    char *text = read_requests(s);
    char *from = text;
    for (size_t i = 0; i < index && from != NULL; i++) {
        from = strstr(from, "\n\n");
        from = from != NULL ? from + 2 : NULL;
    }
    char *end = from != NULL ? strstr(from, "\n\n") : NULL;
    if (end == NULL)
        die("there was no such request");
    char *copy = mem_strndup(from, (size_t)(end - from));
    free(text);
    return copy;
}

bool source_server_saw(struct source_server *s, size_t index, const char *text)
{
    char *request = source_server_request(s, index);
    bool found = strcasestr(request, text) != NULL;
    free(request);
    return found;
}
