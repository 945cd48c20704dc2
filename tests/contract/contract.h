/*
 * The suite that holds every backend to the contract of store/store.h: one test for each sentence.
 *
 * To run it against a backend, write tests/contract/test_contract_<backend>.c with a main() that
 * fills a contract_subject and returns contract_run(&subject):
 *
 *     begin   makes storage that is empty (a new folder, a new bucket or prefix); before each test
 *     open    opens a new handle on that storage; called several times in a test, in several
 *             threads, and in children after fork() where `between_processes` is set
 *     end     takes the storage away; after each test, when every handle of the parent is freed
 *
 * The suite frees the handles that it opens. It asks the traits of a handle what may be expected;
 * the fields below say what a subject can bear. Where a subject is not available (no server), main()
 * says so and returns 77 instead of calling contract_run.
 */
#ifndef CAUCE_TESTS_CONTRACT_CONTRACT_H
#define CAUCE_TESTS_CONTRACT_CONTRACT_H

#include <stdbool.h>
#include <stddef.h>

#include "store/store.h"

struct contract_subject {
    const char *name; /* of the group of tests */
    void (*begin)(struct contract_subject *subject);
    struct store *(*open)(struct contract_subject *subject);
    void (*end)(struct contract_subject *subject);
    void *ctx;              /* the subject's own */
    bool between_processes; /* a child may open the storage of its parent */
    size_t race_rounds;     /* repetitions of a race; 0: 10 */
    size_t big_size;        /* bytes of a big object; 0: 6 MiB */
    size_t many;            /* objects of a long listing; 0: 60 */
    bool vague_losers;      /* who loses a race may be told ERR_UNKNOWN: servers that answer 500 */
    bool removal_races;     /* a swap may bring back what is removed at the same moment */
};

/* Run the whole suite; the number of failed tests, for main() to return. */
int contract_run(struct contract_subject *subject);

#endif
