#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "derived/index/state.h"
#include "support/catalog_sample.h"
#include "unit/manifest_test.h"

#define ATTEMPT "55555555555555555555555555555555"

static void add_shard(struct index_state *s, unsigned number, uint64_t keys, const char *lower)
{
    struct version_id attempt = {2, ATTEMPT};
    struct index_shard shard = {
        .size = 100 + number,
        .sha256 = SHA_A,
        .digest = {.count = keys, .sum = {.low = keys, .high = number}},
        .partition = 20260000 + ((int32_t)number + 1) * 100,
    };
    index_shard_key(&attempt, number, shard.key);
    if (lower != NULL)
        shard.lower = golden_bound(lower, "2026-01-01");
    index_add_shard(s, &shard);
    key_digest_add(&s->keys, &shard.digest);
    json_free(shard.lower);
}

static void golden_index(struct index_state *s, bool by_partition)
{
    *s = (struct index_state){
        .stamp = {2, COMMIT_2},
        .attempt = ATTEMPT,
        .gc_epoch = 3,
        .by_partition = by_partition,
    };
    add_shard(s, 0, 7, NULL);
    add_shard(s, 1, 4, by_partition ? NULL : "m");
    s->has_source = by_partition;
    if (!by_partition)
        return;
    s->source.url = mem_strdup("https://example.org/rates.csv");
    s->source.size = 4711;
    memcpy(s->source.sha256, SHA_B, sizeof s->source.sha256);
    memcpy(s->source.recipe, SHA_C, sizeof s->source.recipe);
}

static char *index_text(const struct index_state *s)
{
    struct str out;
    str_init(&out, INDEX_MAX_BYTES);
    index_encode(s, &out);
    return str_detach(&out);
}

static void assert_golden(const char *name, bool by_partition)
{
    struct index_state s;
    struct index_state back;
    struct error err = ERROR_INIT;
    golden_index(&s, by_partition);
    char *text = index_text(&s);
    char *expected = sample_source_file(name);
    assert_string_equal(text, expected);
    assert_int_equal(index_decode(expected, strlen(expected), &back, &err), ERR_OK);
    assert_string_equal(err.text, "");
    char *again = index_text(&back);
    assert_string_equal(again, expected);
    assert_true(back.by_partition == by_partition);
    assert_true(key_digest_equal(&back.keys, &s.keys));
    assert_true(version_id_equal(&back.stamp, &s.stamp));
    assert_int_equal(back.shard_count, 2);
    assert_true((back.shards[1].lower == NULL) == by_partition);
    assert_true(back.has_source == by_partition);
    free(again);
    free(expected);
    free(text);
    index_release(&back);
    index_release(&s);
}

static void the_stored_bytes_are_the_golden_ones(void **state)
{
    (void)state;
    assert_golden("tests/golden/index-1.json", true);
    assert_golden("tests/golden/index-1-range.json", false);
}

static void assert_altered(const char *name, const char *from, const char *to, int code,
                           const char *message)
{
    struct index_state s;
    struct error err = ERROR_INIT;
    char *text = golden_altered(name, from, to);
    assert_non_null(text);
    int rc = index_decode(text, strlen(text), &s, &err);
    if (rc != code || (rc != ERR_OK && strstr(err.text, message) == NULL))
        fail_msg("%s -> %s: %s, \"%s\"", from, to, error_name(rc), err.text);
    index_release(&s);
    free(text);
}

static void every_field_is_checked(void **state)
{
    (void)state;
    static const char part[] = "tests/golden/index-1.json";
    static const char range[] = "tests/golden/index-1-range.json";
    assert_altered(part, "\"format\": 1", "\"format\": 2", ERR_GATE, "newer cauce");
    assert_altered(part, "\"sequence\": 2", "\"sequence\": \"2\"", ERR_DAMAGED, "sequence");
    assert_altered(part, "\"commit\": \"22", "\"commit\": \"2", ERR_DAMAGED, "commit");
    assert_altered(part, "\"commit\": \"" COMMIT_2 "\"", "\"commit\": null", ERR_DAMAGED, "commit");
    assert_altered(part, "\"attempt\": \"55", "\"attempt\": \"5", ERR_DAMAGED, "attempt");
    assert_altered(part, "\"gc_epoch\": 3", "\"gc_epoch\": -3", ERR_DAMAGED, "gc_epoch");
    assert_altered(part, "\"cut\": \"partition\"", "\"cut\": \"hash\"", ERR_DAMAGED, "cut");
    assert_altered(part, "\"cut\": \"partition\"", "\"cut\": \"range\"", ERR_DAMAGED, "lower");
    assert_altered(part, "\"keys\": 11", "\"keys\": 12", ERR_DAMAGED, "hold 11 keys");
    assert_altered(part, "\"rows\": 7", "\"rows\": 8", ERR_DAMAGED, "hold 12 keys");
    assert_altered(part, "\"key_set_digest\": \"00", "\"key_set_digest\": \"ff", ERR_DAMAGED,
                   "digests differ");
    assert_altered(part, "/0.parquet", "/1.parquet", ERR_DAMAGED, "twice");
    assert_altered(part, "\"key\": \"index/", "\"key\": \"events/", ERR_DAMAGED, "key");
    assert_altered(part, "\"key\": \"index/", "\"key\": \"../index/", ERR_DAMAGED, "key");
    assert_altered(part, "\"size\": 100", "\"size\": -1", ERR_DAMAGED, "size");
    assert_altered(part, "\"sha256\": \"aa", "\"sha256\": \"a", ERR_DAMAGED, "sha256");
    assert_altered(part, "\"partition\": 20260100", "\"partition\": -1", ERR_DAMAGED, "partition");
    assert_altered(part, "\"partition\": 20260100", "\"partition\": 100000000", ERR_DAMAGED,
                   "partition");
    assert_altered(part, "\"source\": {", "\"source\": 1, \"x\": {", ERR_DAMAGED, "source");
    assert_altered(part, "\"sha256\": \"bb", "\"sha256\": \"b", ERR_DAMAGED, "sha256");
    assert_altered(part, "\"shards\": [", "\"shards\": [null, ", ERR_DAMAGED, "shards[0]");
    assert_altered(range, "\"lower\": [\n", "\"lower\": null, \"x\": [\n", ERR_DAMAGED, "lower");
    assert_altered(range, "\"m\",", "{},", ERR_DAMAGED, "plain value");
    assert_altered(range, "\"cut\": \"range\"", "\"cut\": \"range\", \"bloom\": [1]", ERR_OK, "");
    assert_altered(range, "\"lower\": null", "\"lower\": [1]", ERR_OK, "");
}

static void an_index_of_nothing_is_an_index(void **state)
{
    (void)state;
    struct index_state empty = {.attempt = ATTEMPT};
    struct index_state back;
    char *text = index_text(&empty);
    assert_int_equal(index_decode(text, strlen(text), &back, NULL), ERR_OK);
    assert_int_equal(back.shard_count, 0);
    assert_int_equal(back.stamp.sequence, 0);
    free(text);
    index_release(&back);
}

static void an_index_is_replaced_from_the_state_that_was_read(void **state)
{
    (void)state;
    struct store *st = sample_store();
    struct index_state s;
    struct index_state back;
    assert_int_equal(index_read(st, &back, NULL), ERR_ABSENT);
    golden_index(&s, true);
    assert_int_equal(index_swap(st, NULL, &s, NULL), ERR_OK);
    assert_string_not_equal(s.tag.text, "");
    assert_int_equal(index_read(st, &back, NULL), ERR_OK);
    assert_string_equal(back.tag.text, s.tag.text);
    id_new(back.attempt);
    struct store_tag old = back.tag;
    assert_int_equal(index_swap(st, &back.tag, &back, NULL), ERR_OK);
    assert_string_not_equal(back.tag.text, old.text);
    id_new(s.attempt);
    assert_int_equal(index_swap(st, &old, &s, NULL), ERR_CONFLICT);
    index_release(&back);
    index_release(&s);
    store_free(st);
}

static void a_damaged_index_can_still_be_replaced(void **state)
{
    (void)state;
    struct store *st = sample_store();
    struct index_state back;
    struct index_state next;
    struct error err = ERROR_INIT;
    sample_put(st, INDEX_ROOT, "{}");
    assert_int_equal(index_read(st, &back, &err), ERR_DAMAGED);
    assert_non_null(strstr(err.text, INDEX_ROOT));
    assert_int_equal(back.shard_count, 0);
    golden_index(&next, true);
    assert_int_equal(index_swap(st, &back.tag, &next, NULL), ERR_OK);
    index_release(&next);
    store_free(st);
}

/* ---- Freshness ----------------------------------------------------------------------------- */

static void assert_compares(struct store *st, const struct index_state *s,
                            enum index_freshness expected, const char *words)
{
    struct base base;
    enum index_freshness freshness;
    const char *reason = NULL;
    assert_int_equal(base_read(st, SAMPLE_DATASET, &base, NULL), ERR_OK);
    assert_int_equal(index_compare(st, &base, s, &freshness, &reason, NULL), ERR_OK);
    if (freshness != expected || strstr(reason, words) == NULL)
        fail_msg("%d: %s", (int)freshness, reason);
    base_release(&base);
}

static void an_index_of_the_current_version_is_fresh(void **state)
{
    (void)state;
    struct store *st = sample_store();
    struct index_state s;
    sample_publish(st, 3);
    sample_index(st);
    assert_int_equal(index_read(st, &s, NULL), ERR_OK);
    assert_compares(st, &s, INDEX_FRESH, "current");
    s.keys.sum.low++;
    assert_compares(st, &s, INDEX_INVALID, "digest");
    s.keys.count++;
    assert_compares(st, &s, INDEX_INVALID, "number of keys");
    index_release(&s);
    store_free(st);
}

static void an_index_of_an_ancestor_is_behind(void **state)
{
    (void)state;
    struct store *st = sample_store();
    struct index_state s;
    sample_publish(st, 3);
    sample_index(st);
    sample_publish(st, 2);
    assert_int_equal(index_read(st, &s, NULL), ERR_OK);
    assert_compares(st, &s, INDEX_BEHIND, "older");
    sample_publish(st, POINTER_RECENT);
    assert_compares(st, &s, INDEX_BEHIND, "older");
    s.keys.sum.high++;
    assert_compares(st, &s, INDEX_INVALID, "digest");
    s.stamp.commit[0] = s.stamp.commit[0] == 'a' ? 'b' : 'a';
    assert_compares(st, &s, INDEX_INVALID, "never published");
    index_release(&s);
    store_free(st);
}

static void an_index_of_a_version_that_never_was_is_invalid(void **state)
{
    (void)state;
    struct store *st = sample_store();
    struct index_state s;
    sample_publish(st, 3);
    sample_index(st);
    assert_int_equal(index_read(st, &s, NULL), ERR_OK);
    uint64_t gets = st->bill.gets;
    s.stamp = (struct version_id){3, COMMIT_1};
    assert_compares(st, &s, INDEX_INVALID, "never published");
    s.stamp = (struct version_id){2, COMMIT_1};
    assert_compares(st, &s, INDEX_INVALID, "never published");
    s.stamp = (struct version_id){4, COMMIT_1};
    assert_compares(st, &s, INDEX_INVALID, "ahead");
    assert_int_equal(st->bill.gets - gets, 6); /* pointer and manifest, and nothing else */
    index_release(&s);
    store_free(st);
}

static void an_index_of_the_empty_dataset_fits_it_and_is_behind_all_others(void **state)
{
    (void)state;
    struct store *st = sample_store();
    struct base base;
    struct index_state s = {.attempt = ATTEMPT};
    assert_int_equal(sample_open(st, SAMPLE_DATASET, &base, NULL), ERR_OK);
    base_release(&base);
    assert_compares(st, &s, INDEX_FRESH, "current");
    s.keys.count = 1;
    assert_compares(st, &s, INDEX_INVALID, "number");
    s.keys.count = 0;
    sample_publish(st, 1);
    assert_compares(st, &s, INDEX_BEHIND, "older");
    store_free(st);
}

static void an_index_of_a_version_no_longer_kept_is_invalid(void **state)
{
    (void)state;
    struct store *st = sample_store();
    struct base base;
    struct index_state s;
    enum index_freshness freshness;
    const char *reason = "";
    sample_publish(st, 1);
    sample_index(st);
    sample_publish(st, 3);
    assert_int_equal(index_read(st, &s, NULL), ERR_OK);
    assert_int_equal(base_read(st, SAMPLE_DATASET, &base, NULL), ERR_OK);
    base.pointer.oldest_sequence = 2;
    assert_int_equal(index_compare(st, &base, &s, &freshness, &reason, NULL), ERR_OK);
    assert_int_equal(freshness, INDEX_INVALID);
    assert_non_null(strstr(reason, "no longer kept"));
    base_release(&base);
    index_release(&s);
    store_free(st);
}

static void a_chain_that_cannot_be_walked_is_an_error_and_no_verdict(void **state)
{
    (void)state;
    struct store *st = sample_store();
    struct base base;
    struct index_state s;
    enum index_freshness freshness;
    const char *reason;
    sample_publish(st, 1);
    sample_index(st);
    sample_publish(st, 2);
    assert_int_equal(index_read(st, &s, NULL), ERR_OK);
    assert_int_equal(base_read(st, SAMPLE_DATASET, &base, NULL), ERR_OK);
    assert_int_equal(store_remove(st, base.manifest.parent_key, NULL), ERR_OK);
    assert_int_equal(index_compare(st, &base, &s, &freshness, &reason, NULL), ERR_DAMAGED);
    base_release(&base);
    index_release(&s);
    store_free(st);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_stored_bytes_are_the_golden_ones),
        cmocka_unit_test(every_field_is_checked),
        cmocka_unit_test(an_index_of_nothing_is_an_index),
        cmocka_unit_test(an_index_is_replaced_from_the_state_that_was_read),
        cmocka_unit_test(a_damaged_index_can_still_be_replaced),
        cmocka_unit_test(an_index_of_the_current_version_is_fresh),
        cmocka_unit_test(an_index_of_an_ancestor_is_behind),
        cmocka_unit_test(an_index_of_a_version_that_never_was_is_invalid),
        cmocka_unit_test(an_index_of_the_empty_dataset_fits_it_and_is_behind_all_others),
        cmocka_unit_test(an_index_of_a_version_no_longer_kept_is_invalid),
        cmocka_unit_test(a_chain_that_cannot_be_walked_is_an_error_and_no_verdict),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
