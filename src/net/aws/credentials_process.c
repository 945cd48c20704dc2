/* Credentials printed by a program of the user (credential_process in a profile). */
#include "net/aws/providers.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/mem.h"
#include "util/time.h"

#define WORDS_MAX 64
#define OUTPUT_MAX 65536
#define WAIT_MICROS (INT64_C(60) * 1000000)

extern char **environ;

/*
 * Cut a command into words, in place: blanks separate, single and double quotes keep them, a
 * backslash takes the next character as it is (not within single quotes). No shell is involved.
 */
static int split_words(char *text, char *words[WORDS_MAX + 1], struct error *err)
{
    size_t count = 0;
    char *in = text;
    for (;;) {
        in += strspn(in, " \t");
        if (*in == '\0')
            break;
        if (count == WORDS_MAX)
            return error_set(err, ERR_CONFIG, "A credential_process has too many words.");
        char *out = in;
        char quote = '\0';
        words[count++] = out;
        for (; *in != '\0' && (quote != '\0' || (*in != ' ' && *in != '\t')); in++) {
            if (quote == '\0' && (*in == '"' || *in == '\''))
                quote = *in;
            else if (quote != '\0' && *in == quote)
                quote = '\0';
            else if (*in == '\\' && quote != '\'' && in[1] != '\0')
                *out++ = *++in;
            else
                *out++ = *in;
        }
        if (quote != '\0')
            return error_set(err, ERR_CONFIG,
                             "A credential_process has a quote that is not "
                             "closed.");
        if (*in != '\0')
            in++;
        *out = '\0';
    }
    words[count] = NULL;
    if (count == 0)
        return error_set(err, ERR_CONFIG, "A credential_process is empty.");
    return ERR_OK;
}

static int spawn(char *const words[], pid_t *pid, int *output, struct error *err)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return error_set_errno(err, ERR_SYSTEM, errno, "A pipe cannot be made");
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    int errnum = posix_spawnp(pid, words[0], &actions, NULL, words, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    if (errnum != 0) {
        close(ends[0]);
        return error_set_errno(err, ERR_CONFIG, errnum, "The credential_process %s cannot be run",
                               words[0]);
    }
    *output = ends[0];
    return ERR_OK;
}

/* Everything it prints until it ends, or the time is up (false). */
static bool collect(int fd, struct str *out)
{
    int64_t end = time_monotonic() + WAIT_MICROS;
    char buffer[4096];
    for (;;) {
        int64_t left = end - time_monotonic();
        struct pollfd p = {.fd = fd, .events = POLLIN};
        if (left <= 0)
            return false;
        int ready = poll(&p, 1, (int)(left / 1000) + 1);
        if (ready < 0 && errno != EINTR)
            return false;
        if (ready <= 0)
            continue;
        ssize_t n = read(fd, buffer, sizeof buffer);
        if (n == 0)
            break;
        if (n < 0 && errno != EINTR)
            return false;
        if (n > 0)
            str_append_bytes(out, buffer, (size_t)n);
        if (out->full)
            return false;
    }
    explicit_bzero(buffer, sizeof buffer);
    return true;
}

int aws_provider_process(const char *command, struct aws_credentials *out, struct error *err)
{
    char *words[WORDS_MAX + 1];
    char *text = mem_strdup(command);
    pid_t pid = 0;
    int fd = -1;
    struct str printed;
    str_init(&printed, OUTPUT_MAX);
    int rc = split_words(text, words, err);
    if (rc == ERR_OK)
        rc = spawn(words, &pid, &fd, err);
    if (rc != ERR_OK)
        goto done;
    bool whole = collect(fd, &printed);
    if (!whole)
        kill(pid, SIGKILL);
    close(fd);
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    char *who = mem_printf("the credential_process %s", words[0]);
    if (!whole)
        rc = error_set(err, ERR_AGAIN,
                       "%s took longer than 60 s or printed too much, and was "
                       "ended.",
                       who);
    else if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        rc = error_set(err, ERR_DENIED, "%s failed.", who);
    else
        rc = aws_provider_make_json(&printed, "SessionToken", who, out, err);
    free(who);
done:
    if (printed.len > 0)
        explicit_bzero(printed.data, printed.len);
    str_release(&printed);
    free(text);
    return rc;
}
