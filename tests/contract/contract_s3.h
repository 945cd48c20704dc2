/* The contract suite on an S3 server. */
#ifndef CAUCE_TESTS_CONTRACT_CONTRACT_S3_H
#define CAUCE_TESTS_CONTRACT_CONTRACT_S3_H

/*
 * Run it on Ceph's gateway (NULL) or a server of tests/support/s3-other, for main() to return: the
 * number of failed tests, or 77 where the server cannot be brought up.
 */
int contract_s3_run(const char *server);

#endif
