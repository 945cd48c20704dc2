/* The contract, held by the memory store; and by every decorator over it, which must change nothing. */
#include <stdio.h>
#include <stdlib.h>

#include "contract/contract.h"
#include "store/store.h"
#include "store/store_trace.h"
#include "support/store_check.h"
#include "support/store_fault.h"

static unsigned number;

/* Each test has a name of its own, which is never used again. */
static void begin(struct contract_subject *subject)
{
    (void)subject;
    number++;
}

static struct store *open_plain(struct contract_subject *subject)
{
    (void)subject;
    char url[64];
    struct store *st;
    snprintf(url, sizeof url, "memory:contract-%u", number);
    if (store_open(url, NULL, &st, NULL) != ERR_OK)
        abort();
    return st;
}

static struct store *open_decorated(struct contract_subject *subject)
{
    struct store *checked = store_check_new(open_plain(subject));
    return store_trace_new(store_fault_new(checked), NULL, NULL);
}

static void end(struct contract_subject *subject)
{
    (void)subject;
}

int main(void)
{
    struct contract_subject plain = {
        .name = "contract: memory",
        .begin = begin,
        .open = open_plain,
        .end = end,
        .race_rounds = 50,
        .big_size = (size_t)3 << 20,
        .many = 2500,
    };
    struct contract_subject decorated = {
        .name = "contract: memory, traced, with no faults, checked",
        .begin = begin,
        .open = open_decorated,
        .end = end,
        .big_size = (size_t)1 << 20,
    };
    int failed = contract_run(&plain);
    return failed + contract_run(&decorated);
}
