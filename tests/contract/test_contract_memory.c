/* The contract, held by the memory store; and by a trace over it, which must change nothing. */
#include <stdio.h>
#include <stdlib.h>

#include "contract/contract.h"
#include "store/store.h"
#include "store/store_trace.h"

static unsigned number;
static char plain_name[] = "plain";
static char traced_name[] = "traced";

static void begin(struct contract_subject *subject)
{
    (void)subject;
    number++;
}

static struct store *open_store(struct contract_subject *subject)
{
    char url[64];
    struct store *st;
    snprintf(url, sizeof url, "memory:%s-%u", (const char *)subject->ctx, number);
    if (store_open(url, NULL, &st, NULL) != ERR_OK)
        abort();
    return st;
}

static struct store *open_traced(struct contract_subject *subject)
{
    return store_trace_new(open_store(subject), NULL, NULL);
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
        .open = open_store,
        .end = end,
        .ctx = plain_name,
        .race_rounds = 50,
        .big_size = (size_t)3 << 20,
        .many = 2500,
    };
    struct contract_subject traced = plain;
    traced.name = "contract: memory, traced";
    traced.open = open_traced;
    traced.ctx = traced_name;
    int failed = contract_run(&plain);
    return failed + contract_run(&traced);
}
