/*
 * The program: finds the command, parses its options, runs it, and turns what came of it into one
 * message and an exit status. Text is never translated and no locale is set, so that output is the
 * same everywhere.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/exit.h"
#include "cli/text.h"
#include "util/log.h"
#include "util/stop.h"

/*
 * Print an error: one line of the log; where people read it, the further lines of its text below,
 * indented, so that none can be taken for a message of its own.
 */
static void complain(const struct error *err, enum log_format format)
{
    const char *text = err->text;
    if (format == LOG_JSON) {
        const struct log_field code[] = {LOG_STR("code", error_name(err->code)), LOG_END};
        log_write(LOG_ERROR, code, "%s", text);
        return;
    }
    for (const char *margin = ""; *text != '\0'; margin = "  ") {
        size_t n = strcspn(text, "\n");
        log_error("%s%.*s", margin, (int)n, text);
        text += n + (text[n] == '\n');
    }
}

/* Is the reader of our standard output gone? Then nobody is interested in an error, either. */
static bool is_abandoned(void)
{
    struct pollfd out = {.fd = STDOUT_FILENO, .events = POLLOUT};
    return poll(&out, 1, 0) == 1 && (out.revents & POLLERR) != 0;
}

/*
 * What was printed must have arrived: with a full disk the command did not succeed. A command that
 * failed has already said why, which is enough.
 */
static int finish_output(int status, enum log_format format)
{
    struct error err = ERROR_INIT;
    bool before = ferror(stdout) != 0; /* errno may be that of something else by now */
    bool failed = fflush(stdout) != 0 || before;
    int reason = errno;
    if (!failed || status != EXIT_DONE)
        return status;
    if (is_abandoned())
        return EXIT_BROKEN_PIPE;
    if (before)
        error_set(&err, ERR_SYSTEM, "The standard output could not be written.");
    else
        error_set_errno(&err, ERR_SYSTEM, reason, "The standard output could not be written");
    complain(&err, format);
    return EXIT_OTHER;
}

static int usage(void)
{
    struct str text;
    str_init(&text, STR_MAX_DEFAULT);
    command_help(&text);
    fputs(text.data, stderr);
    str_release(&text);
    return EXIT_USAGE;
}

static int run_command_line(const struct command *command, const struct options *options,
                            enum log_format format)
{
    struct error err = ERROR_INIT;
    int status = EXIT_DONE;
    if (command->stoppable)
        stop_install();
    int rc = command->run(options, &status, &err);
    if (rc == ERR_OK)
        return status;
    /* A failure to write to nobody need not be reported. */
    if (rc == ERR_SYSTEM && is_abandoned())
        return EXIT_BROKEN_PIPE;
    complain(&err, format);
    return exit_status_of(rc);
}

static int start(const struct command *command, int argc, char **argv)
{
    struct options options;
    struct error err = ERROR_INIT;
    enum log_level level = LOG_WARN;
    enum log_format format = LOG_TEXT;
    int rc = options_parse(command, argc, argv, &options, &err);
    options_log(&options, &level, &format);
    log_setup(level, format);
    if (rc != ERR_OK) {
        complain(&err, format);
        return exit_status_of(rc);
    }
    int status = EXIT_DONE;
    if (options.help) {
        struct str text;
        str_init(&text, STR_MAX_DEFAULT);
        options_help(command, &text);
        text_print(text.data);
        str_release(&text);
    } else {
        status = run_command_line(command, &options, format);
    }
    return finish_output(status, format);
}

/* "cauce --help" and "cauce --version" are what people try first. */
static const char *command_name(const char *text)
{
    if (strcmp(text, "--help") == 0 || strcmp(text, "-h") == 0)
        return "help";
    if (strcmp(text, "--version") == 0 || strcmp(text, "-V") == 0)
        return "version";
    return text;
}

/*
 * Credentials are in memory: no core dump may contain it (proc(5), coredump_filter). Best effort.
 */
static void keep_memory_out_of_cores(void)
{
    FILE *filter = fopen("/proc/self/coredump_filter", "we");
    if (filter == NULL)
        return;
    fputs("0", filter);
    fclose(filter);
}

int main(int argc, char **argv)
{
    const struct command *command;
    struct error err = ERROR_INIT;
    keep_memory_out_of_cores();
    /* A connection or a pipe that is closed gives an error where it is written to. */
    signal(SIGPIPE, SIG_IGN);
    /* So does a file that reaches the limit of its size (ulimit -f). */
    signal(SIGXFSZ, SIG_IGN);
    if (argc < 2)
        return usage();
    int rc = command_find(command_name(argv[1]), &command, &err);
    if (rc != ERR_OK && argv[1][0] == '-')
        error_set(&err, rc,
                  "\"%.60s\" is in the place of the command: options come after it, as in cauce "
                  "run %.60s.",
                  argv[1], argv[1]);
    if (rc != ERR_OK) {
        complain(&err, LOG_TEXT);
        return exit_status_of(rc);
    }
    return start(command, argc - 1, argv + 1);
}
