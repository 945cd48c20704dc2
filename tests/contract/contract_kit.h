/* What the files of the suite share: the state of one test, and short words for what tests do. */
#ifndef CAUCE_TESTS_CONTRACT_CONTRACT_KIT_H
#define CAUCE_TESTS_CONTRACT_CONTRACT_KIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "contract/contract.h"

/* The state of one test. */
struct contract {
    struct contract_subject *subject;
    struct store *store; /* a handle */
    char *folder;        /* local scratch */
    struct error err;    /* of the last call through a word below */
};

extern const struct CMUnitTest contract_object_tests[];
extern const size_t contract_object_test_count;
extern const struct CMUnitTest contract_swap_tests[];
extern const size_t contract_swap_test_count;
extern const struct CMUnitTest contract_many_tests[];
extern const size_t contract_many_test_count;
extern const struct CMUnitTest contract_race_tests[];
extern const size_t contract_race_test_count;

size_t contract_rounds(const struct contract *c);
size_t contract_big(const struct contract *c);

/* Fail the test, showing the error's text, unless the code is the wanted one. */
void contract_expect(struct contract *c, int rc, int wanted, const char *file, int line);
#define expect_code(c, rc, wanted) contract_expect((c), (rc), (wanted), __FILE__, __LINE__)
#define expect_ok(c, rc) expect_code((c), (rc), ERR_OK)

/* put_new of a text, and its code. */
int contract_put(struct contract *c, const char *key, const char *text, struct store_tag *tag);

/* swap to a text, and its code. */
int contract_swap(struct contract *c, const char *key, const struct store_tag *expected,
                  const char *text, struct store_tag *tag);

/* The object holds exactly this text; NULL: it is absent. */
void contract_holds(struct contract *c, const char *key, const char *text);

/* The object holds exactly these bytes. */
void contract_holds_bytes(struct contract *c, const char *key, const void *bytes, size_t size);

/* Path of a scratch file, new string. */
char *contract_path(const struct contract *c, const char *name);

/* Write a scratch file; its path as a new string. */
char *contract_file(const struct contract *c, const char *name, const void *bytes, size_t size);

/* `size` bytes that look like noise and depend on the seed; a new buffer. */
unsigned char *contract_noise(size_t size, uint64_t seed);

/* Keys of a listing, joined by newlines, as a new string; without what a store knows of itself. */
char *contract_list(struct contract *c, const char *prefix);

#endif
