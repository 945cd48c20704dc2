#include "contract/contract.h"

#include <stdlib.h>
#include <string.h>

#include "contract/contract_kit.h"
#include "support/temp_folder.h"
#include "util/fs.h"
#include "util/mem.h"

static int set_up(void **state)
{
    struct contract_subject *subject = *state;
    struct contract *c = mem_calloc(1, sizeof *c);
    c->subject = subject;
    c->folder = temp_folder_new();
    subject->begin(subject);
    c->store = subject->open(subject);
    *state = c;
    return 0;
}

static int tear_down(void **state)
{
    struct contract *c = *state;
    store_free(c->store);
    c->subject->end(c->subject);
    temp_folder_free(c->folder);
    free(c);
    return 0;
}

int contract_run(struct contract_subject *subject)
{
    const struct {
        const struct CMUnitTest *tests;
        size_t count;
    } parts[] = {
        {contract_object_tests, contract_object_test_count},
        {contract_swap_tests, contract_swap_test_count},
        {contract_many_tests, contract_many_test_count},
        {contract_race_tests, contract_race_test_count},
    };
    size_t count = 0;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        count += parts[i].count;
    struct CMUnitTest *tests = mem_calloc(count, sizeof *tests);
    size_t n = 0;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        memcpy(tests + n, parts[i].tests, parts[i].count * sizeof *tests);
        n += parts[i].count;
    }
    for (size_t i = 0; i < count; i++) {
        tests[i].setup_func = set_up;
        tests[i].teardown_func = tear_down;
        tests[i].initial_state = subject;
    }
    int failed = _cmocka_run_group_tests(subject->name, tests, count, NULL, NULL);
    free(tests);
    return failed;
}

size_t contract_rounds(const struct contract *c)
{
    return c->subject->race_rounds > 0 ? c->subject->race_rounds : 10;
}

size_t contract_big(const struct contract *c)
{
    return c->subject->big_size > 0 ? c->subject->big_size : (size_t)6 << 20;
}

void contract_expect(struct contract *c, int rc, int wanted, const char *file, int line)
{
    if (rc == wanted)
        return;
    print_error("%s instead of %s: %s\n", error_name(rc), error_name(wanted), c->err.text);
    _fail(file, line);
}

int contract_put(struct contract *c, const char *key, const char *text, struct store_tag *tag)
{
    struct store_body body = store_body_bytes(text, strlen(text));
    error_clear(&c->err);
    return store_put_new(c->store, key, &body, tag, &c->err);
}

int contract_swap(struct contract *c, const char *key, const struct store_tag *expected,
                  const char *text, struct store_tag *tag)
{
    struct store_body body = store_body_bytes(text, strlen(text));
    error_clear(&c->err);
    return store_swap(c->store, key, expected, &body, tag, &c->err);
}

void contract_holds_bytes(struct contract *c, const char *key, const void *bytes, size_t size)
{
    struct str body;
    str_init(&body, (size_t)64 << 20);
    expect_ok(c, store_get(c->store, key, &body, NULL, &c->err));
    assert_int_equal(body.len, size);
    if (size > 0)
        assert_memory_equal(body.data, bytes, size);
    str_release(&body);
}

void contract_holds(struct contract *c, const char *key, const char *text)
{
    struct store_info info;
    if (text == NULL) {
        struct str body;
        str_init(&body, 1 << 20);
        expect_code(c, store_get(c->store, key, &body, NULL, &c->err), ERR_ABSENT);
        expect_code(c, store_head(c->store, key, &info, &c->err), ERR_ABSENT);
        str_release(&body);
        return;
    }
    contract_holds_bytes(c, key, text, strlen(text));
    expect_ok(c, store_head(c->store, key, &info, &c->err));
    assert_int_equal(info.size, strlen(text));
}

char *contract_path(const struct contract *c, const char *name)
{
    return fs_join(c->folder, name);
}

char *contract_file(const struct contract *c, const char *name, const void *bytes, size_t size)
{
    char *path = contract_path(c, name);
    assert_int_equal(fs_write(path, bytes, size, NULL), ERR_OK);
    return path;
}

unsigned char *contract_noise(size_t size, uint64_t seed)
{
    unsigned char *bytes = mem_alloc(size);
    uint64_t x = seed * 2 + 1;
    for (size_t i = 0; i < size; i++) {
        x = x * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        bytes[i] = (unsigned char)(x >> 56);
    }
    return bytes;
}

static int join_key(void *ctx, const struct store_entry *entry, struct error *err)
{
    (void)err;
    struct str *all = ctx;
    if (strcmp(entry->key, STORE_PROOF) != 0)
        str_printf(all, "%s\n", entry->key);
    return ERR_OK;
}

char *contract_list(struct contract *c, const char *prefix)
{
    struct str all;
    str_init(&all, 1 << 24);
    expect_ok(c, store_list(c->store, prefix, join_key, &all, &c->err));
    return str_detach(&all);
}
