/* The contract, held by the S3 store on MinIO. */
#include "contract/contract_s3.h"

int main(void)
{
    return contract_s3_run("minio");
}
