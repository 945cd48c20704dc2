/* The contract, held by the S3 store on a second dialect: quoted tags, 404, conditional uploads. */
#include "contract/contract_s3.h"

int main(void)
{
    return contract_s3_run("versitygw");
}
