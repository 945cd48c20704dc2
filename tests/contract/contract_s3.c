#include "contract/contract_s3.h"

#include <stdio.h>
#include <stdlib.h>

#include "contract/contract.h"
#include "store/store.h"
#include "support/s3_server.h"
#include "util/id.h"
#include "util/mem.h"

static struct s3_server server;
static char *url;

static void begin(struct contract_subject *subject)
{
    (void)subject;
    char id[ID_SIZE];
    id_new(id);
    url = mem_printf("s3://contract/%.12s/a b+c", id);
}

static struct store *open_store(struct contract_subject *subject)
{
    (void)subject;
    return s3_server_open(&server, url, false);
}

static void end(struct contract_subject *subject)
{
    (void)subject;
    free(url);
}

int contract_s3_run(const char *name)
{
    if (!(name != NULL ? s3_server_start_other(&server, name) : s3_server_start(&server)))
        return 77;
    s3_server_make_bucket(&server, "contract");
    /* Small parts, so that the suite's big objects go up and come down in several. */
    s3_test_set(&server.settings, "CAUCE_S3_PART_SIZE", "5242880");
    s3_test_set(&server.settings, "CAUCE_S3_MULTIPART_THRESHOLD", "5242880");
    struct contract_subject subject = {
        .name = name != NULL ? name : "contract: S3 on Ceph's gateway",
        .begin = begin,
        .open = open_store,
        .end = end,
        .between_processes = true,
        .race_rounds = 5,
        .vague_losers = true,
        /* No object that is ever swapped is removed by cauce, and Ceph's gateway is known for it. */
        .removal_races = true,
    };
    int failed = contract_run(&subject);
    s3_server_stop(&server);
    return failed;
}
