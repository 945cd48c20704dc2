#include "cli/command.h"
#include "cli/text.h"

/* Commands with what they are for and how they are called; all of them, or one. */
static void print_json(const struct command *one)
{
    size_t count;
    const struct command *const *all = command_list(&count);
    struct json *object = json_new_object();
    struct json *commands = json_new_array();
    for (size_t i = 0; i < count; i++) {
        if (one != NULL && all[i] != one)
            continue;
        struct str text;
        struct json *item = json_new_object();
        str_init(&text, STR_MAX_DEFAULT);
        options_help(all[i], &text);
        json_set_string(item, "command", all[i]->name);
        json_set_string(item, "summary", all[i]->summary);
        json_set_string(item, "text", text.data);
        json_append(commands, item);
        str_release(&text);
    }
    json_set(object, "commands", commands);
    text_print_json(object);
}

static int help(const struct options *o, int *status, struct error *err)
{
    const struct command *command = NULL;
    struct str out;
    (void)status;
    int rc = o->operand_count == 0 ? ERR_OK : command_find(o->operands[0], &command, err);
    if (rc != ERR_OK)
        return rc;
    if (o->json) {
        print_json(command);
        return ERR_OK;
    }
    str_init(&out, STR_MAX_DEFAULT);
    if (command == NULL)
        command_help(&out);
    else
        options_help(command, &out);
    text_print(out.data);
    str_release(&out);
    return ERR_OK;
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
