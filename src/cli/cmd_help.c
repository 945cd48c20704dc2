#include "cli/command.h"
#include "cli/text.h"

static int help(const struct options *o, int *status, struct error *err)
{
    const struct command *command;
    struct str out;
    (void)status;
    str_init(&out, STR_MAX_DEFAULT);
    int rc = ERR_OK;
    if (o->operand_count == 0)
        command_help(&out);
    else
        rc = command_find(o->operands[0], &command, err);
    if (rc == ERR_OK && o->operand_count > 0)
        options_help(command, &out);
    text_print(out.data);
    str_release(&out);
    return rc;
}

const struct command cmd_help = {
    .name = "help",
    .summary = "list the commands, or show the options of one",
    .operands = "[COMMAND]",
    .about = "Lists the commands and the exit statuses, or shows the options of one command.",
    .examples = "  cauce help\n"
                "  cauce help run\n",
    .most = 1,
    .run = help,
};
