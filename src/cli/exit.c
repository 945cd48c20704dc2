#include "cli/exit.h"

#include "util/error.h"

static const struct exit_meaning meanings[] = {
    {EXIT_DONE, "done, or nothing to do"},
    {EXIT_OTHER, "any other failure"},
    {EXIT_USAGE, "the command line or the configuration is wrong"},
    {EXIT_SOURCE, "the source cannot be reached or read"},
    {EXIT_GATE, "a gate refused to go on"},
    {EXIT_STORAGE, "storage failed; trying again may help"},
    {EXIT_LOST, "other writers won the race, after all retries"},
    {EXIT_UNKNOWN, "the outcome of the commit is unknown; nothing was deleted"},
    {EXIT_UNCHANGED, "nothing changed (only with --detailed-exitcode)"},
    {EXIT_ABSENT, "there is no such dataset, or no such version"},
    {EXIT_DAMAGED, "verification failed, or the dataset is damaged"},
    {EXIT_TIMEOUT, "the run took longer than `timeout` allows"},
    {EXIT_STOPPED, "interrupted"},
    {EXIT_BROKEN_PIPE, "the reader of standard output is gone"},
};

int exit_status_of(int code)
{
    switch ((enum error_code)code) {
    case ERR_OK:
        return EXIT_DONE;
    case ERR_ABSENT:
        return EXIT_ABSENT;
    case ERR_CONFLICT:
    case ERR_LOST:
        return EXIT_LOST;
    case ERR_UNKNOWN:
        return EXIT_UNKNOWN;
    case ERR_AGAIN:
    case ERR_FULL:
    case ERR_DENIED:
        return EXIT_STORAGE;
    case ERR_DAMAGED:
        return EXIT_DAMAGED;
    case ERR_SOURCE:
        return EXIT_SOURCE;
    case ERR_GATE:
        return EXIT_GATE;
    case ERR_CONFIG:
        return EXIT_USAGE;
    case ERR_INTERRUPTED:
        return EXIT_STOPPED;
    case ERR_TIMEOUT:
        return EXIT_TIMEOUT;
    case ERR_LIMIT:
    case ERR_SYSTEM:
    case ERR_COUNT:
        break;
    }
    return EXIT_OTHER;
}

const struct exit_meaning *exit_meanings(size_t *count)
{
    *count = sizeof meanings / sizeof meanings[0];
    return meanings;
}
