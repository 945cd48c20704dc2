/* The contract, held by the S3 store on Ceph's gateway: unquoted tags, 412 for what is absent. */
#include <stddef.h>

#include "contract/contract_s3.h"

int main(void)
{
    return contract_s3_run(NULL);
}
