/* The contract, held by the folder store. */
#include <stdio.h>
#include <stdlib.h>

#include "contract/contract.h"
#include "store/store.h"
#include "support/temp_folder.h"

static char *folder;

static void begin(struct contract_subject *subject)
{
    (void)subject;
    folder = temp_folder_new();
}

static struct store *open_store(struct contract_subject *subject)
{
    (void)subject;
    struct error err = ERROR_INIT;
    struct store *st;
    if (store_open(folder, &(struct store_options){.create = true}, &st, &err) != ERR_OK) {
        fprintf(stderr, "%s\n", err.text);
        abort();
    }
    return st;
}

static void end(struct contract_subject *subject)
{
    (void)subject;
    temp_folder_free(folder);
}

int main(void)
{
    struct contract_subject subject = {
        .name = "contract: folder",
        .begin = begin,
        .open = open_store,
        .end = end,
        .between_processes = true,
    };
    return contract_run(&subject);
}
