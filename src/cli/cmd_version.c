#include "cli/command.h"
#include "cli/text.h"

static int version(const struct options *o, int *status, struct error *err)
{
    (void)status;
    (void)err;
    if (!o->json) {
        text_print("cauce " CAUCE_VERSION "\n");
        return ERR_OK;
    }
    struct json *object = json_new_object();
    json_set_string(object, "version", CAUCE_VERSION);
    text_print_json(object);
    return ERR_OK;
}

const struct command cmd_version = {
    .name = "version",
    .summary = "show the version of the program",
    .operands = "",
    .about = "Shows the version of the program; \"cauce doctor\" also that of libduckdb.",
    .examples = "  cauce version\n",
    .run = version,
};
