#include "cli/progress.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "util/fs.h"
#include "util/time.h"

#define SECOND 1000000
#define CLEAR "\r\033[K"
#define WIDTH 80 /* of a terminal that does not say */

bool progress_wanted(const struct options *options, int fd)
{
    enum log_level level;
    enum log_format format;
    options_log(options, &level, &format);
    return !options->quiet && format == LOG_TEXT && isatty(fd) == 1;
}

void progress_line(const char *what, double done, int64_t elapsed, size_t width, char *out,
                   size_t out_size)
{
    char share[16] = "";
    if (done >= 0)
        snprintf(share, sizeof share, "  %d %%", done >= 1 ? 100 : (int)(done * 100));
    long long seconds = elapsed / SECOND;
    if (seconds < 60)
        snprintf(out, out_size, "%s%s  %lld s", what, share, seconds);
    else
        snprintf(out, out_size, "%s%s  %lld min %02lld s", what, share, seconds / 60, seconds % 60);
    if (strlen(out) > width)
        out[width] = '\0';
}

static size_t terminal_width(int fd)
{
    struct winsize size;
    if (ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
        return WIDTH;
    return size.ws_col;
}

/* A terminal that cannot be written to is no reason to fail. */
static void put(const struct progress *p, const char *bytes, size_t count)
{
    error_ignore(fs_write_all(p->fd, bytes, count, "the terminal", NULL));
}

/* With the mutex held. */
static void draw(struct progress *p)
{
    char text[PROGRESS_TEXT + 64];
    char line[sizeof text + sizeof CLEAR];
    int64_t now = time_monotonic();
    if (now - p->began < PROGRESS_DELAY)
        return;
    progress_line(p->text, p->done, now - p->step_began, terminal_width(p->fd) - 1, text,
                  sizeof text);
    int n = snprintf(line, sizeof line, "%s%s", CLEAR, text);
    put(p, line, (size_t)n);
    p->drawn = true;
}

static void wipe(struct progress *p)
{
    if (p->drawn)
        put(p, CLEAR, sizeof CLEAR - 1);
    p->drawn = false;
}

static void *keep_drawing(void *ctx)
{
    struct progress *p = ctx;
    pthread_mutex_lock(&p->mutex);
    while (!p->stop) {
        int64_t until = time_now() + PROGRESS_INTERVAL;
        struct timespec at = {.tv_sec = until / SECOND, .tv_nsec = until % SECOND * 1000};
        pthread_cond_timedwait(&p->ended, &p->mutex, &at);
        if (!p->stop)
            draw(p);
    }
    pthread_mutex_unlock(&p->mutex);
    return NULL;
}

/* A line of the log replaces ours, which is drawn again below it. */
static void take_log_line(void *ctx, const char *line)
{
    struct progress *p = ctx;
    pthread_mutex_lock(&p->mutex);
    wipe(p);
    put(p, line, strlen(line));
    put(p, "\n", 1);
    pthread_mutex_unlock(&p->mutex);
}

/* Signals are for the thread that works: its waiting calls must return. */
static int start_thread(struct progress *p)
{
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = pthread_create(&p->thread, NULL, keep_drawing, p);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return rc;
}

void progress_start(struct progress *p, int fd, const char *what)
{
    *p = (struct progress){.fd = fd, .done = -1};
    if (fd < 0)
        return;
    snprintf(p->text, sizeof p->text, "%s", what);
    p->began = p->step_began = time_monotonic();
    pthread_mutex_init(&p->mutex, NULL);
    pthread_cond_init(&p->ended, NULL);
    if (start_thread(p) != 0) {
        pthread_cond_destroy(&p->ended);
        pthread_mutex_destroy(&p->mutex);
        p->fd = -1;
        return;
    }
    log_sink(take_log_line, p);
}

void progress_step(struct progress *p, const char *what, double done)
{
    if (p->fd < 0)
        return;
    pthread_mutex_lock(&p->mutex);
    if (strncmp(p->text, what, sizeof p->text - 1) != 0)
        p->step_began = time_monotonic();
    snprintf(p->text, sizeof p->text, "%s", what);
    p->done = done;
    pthread_mutex_unlock(&p->mutex);
}

void progress_end(struct progress *p)
{
    if (p->fd < 0)
        return;
    log_sink(NULL, NULL);
    pthread_mutex_lock(&p->mutex);
    p->stop = true;
    pthread_cond_signal(&p->ended);
    pthread_mutex_unlock(&p->mutex);
    pthread_join(p->thread, NULL);
    wipe(p);
    pthread_cond_destroy(&p->ended);
    pthread_mutex_destroy(&p->mutex);
    p->fd = -1;
}
