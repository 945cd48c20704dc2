#include "cli/command.h"

#include <string.h>

#include "cli/exit.h"

static const struct command *const commands[] = {
    &cmd_init,    &cmd_check,  &cmd_plan,   &cmd_run,    &cmd_status,        &cmd_log,
    &cmd_metrics, &cmd_show,   &cmd_read,   &cmd_verify, &cmd_rebuild_index, &cmd_consolidate,
    &cmd_gc,      &cmd_repair, &cmd_doctor, &cmd_help,   &cmd_version,
};
#define COMMANDS (sizeof commands / sizeof commands[0])

const struct command *const *command_list(size_t *count)
{
    *count = COMMANDS;
    return commands;
}

int command_find(const char *name, const struct command **out, struct error *err)
{
    const char *names[COMMANDS];
    for (size_t i = 0; i < COMMANDS; i++) {
        names[i] = commands[i]->name;
        if (strcmp(name, names[i]) == 0) {
            *out = commands[i];
            return ERR_OK;
        }
    }
    const char *meant = str_closest(name, names, COMMANDS);
    if (meant != NULL)
        return error_set(err, ERR_CONFIG, "\"%.60s\" is not a command; did you mean \"%s\"?", name,
                         meant);
    return error_set(err, ERR_CONFIG, "\"%.60s\" is not a command; \"cauce help\" lists them.",
                     name);
}

void command_help(struct str *out)
{
    size_t count;
    const struct exit_meaning *meanings = exit_meanings(&count);
    str_append(out,
               "usage: cauce COMMAND [OPTIONS] DATASET.yml\n\n"
               "Publishes recurring data as versions of a dataset, in a folder or a bucket.\n\n"
               "Commands:\n");
    for (size_t i = 0; i < COMMANDS; i++)
        str_printf(out, "  %-15s%s\n", commands[i]->name, commands[i]->summary);
    str_append(out, "\n\"cauce help COMMAND\" shows the options of a command, and examples.\n\n"
                    "Exit status:\n");
    for (size_t i = 0; i < count; i++)
        str_printf(out, "  %-5d%s\n", meanings[i].status, meanings[i].meaning);
}
