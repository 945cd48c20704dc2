/* The probe against stores that keep, ignore or half keep their promises. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "store/store_probe.h"
#include "support/temp_folder.h"
#include "util/fs.h"
#include "util/mem.h"
#include "util/time.h"

#define SECOND INT64_C(1000000)

/* A store in memory whose promises can be broken one by one. */
struct lax {
    struct store store; /* first */
    struct store *inner;
    bool ignores_create; /* If-None-Match */
    bool ignores_match;  /* If-Match on what is there */
    bool creates_absent; /* If-Match on what is not there creates it */
    bool racy;           /* checks, waits, writes */
    bool wrong_bytes;    /* reads back something else */
    bool quoted_fails;   /* If-Match with quotes never fits */
    bool silent;         /* no answer to any write */
    bool unquoted;       /* how it is talked to */
    bool lax_parts;      /* uploads in parts ignore conditions */
    bool lax_copies;     /* copies do */
    bool racy_copies;    /* copies check, wait and write */
    int removed;
};

static struct lax *lax_of(struct store *st)
{
    return (struct lax *)st;
}

static int lax_get(struct store *st, const char *key, struct str *body, struct store_tag *tag,
                   struct error *err)
{
    struct lax *l = lax_of(st);
    int rc = store_get(l->inner, key, body, tag, err);
    if (rc == ERR_OK && l->wrong_bytes)
        body->data[0] = (char)(body->data[0] + 1);
    return rc;
}

static int lax_head(struct store *st, const char *key, struct store_info *info, struct error *err)
{
    return store_head(lax_of(st)->inner, key, info, err);
}

static int overwrite(struct lax *l, const char *key, const struct store_body *body,
                     struct store_tag *tag, struct error *err)
{
    struct store_info info;
    int rc = ERR_CONFLICT;
    while (rc == ERR_CONFLICT) {
        bool there = store_head(l->inner, key, &info, NULL) == ERR_OK;
        rc = store_swap(l->inner, key, there ? &info.tag : NULL, body, tag, err);
    }
    return rc;
}

static int lax_put_new(struct store *st, const char *key, const struct store_body *body,
                       struct store_tag *tag, struct error *err)
{
    struct lax *l = lax_of(st);
    struct store_info info;
    if (l->silent)
        return error_set(err, ERR_UNKNOWN, "No answer.");
    if (l->racy && store_head(l->inner, key, &info, NULL) == ERR_ABSENT) {
        time_sleep(5000);
        return overwrite(l, key, body, tag, err);
    }
    if (l->ignores_create)
        return overwrite(l, key, body, tag, err);
    return store_put_new(l->inner, key, body, tag, err);
}

static int lax_swap(struct store *st, const char *key, const struct store_tag *expected,
                    const struct store_body *body, struct store_tag *tag, struct error *err)
{
    struct lax *l = lax_of(st);
    struct store_info info;
    if (l->quoted_fails && !l->unquoted)
        return error_set(err, ERR_CONFLICT, "Quotes.");
    bool there = store_head(l->inner, key, &info, NULL) == ERR_OK;
    if ((there && l->ignores_match) || (!there && l->creates_absent))
        return overwrite(l, key, body, tag, err);
    return store_swap(l->inner, key, expected, body, tag, err);
}

static int lax_remove(struct store *st, const char *key, struct error *err)
{
    lax_of(st)->removed++;
    return store_remove(lax_of(st)->inner, key, err);
}

static void lax_use(void *ctx, const struct store_dialect *dialect)
{
    ((struct lax *)ctx)->unquoted = dialect->unquoted;
}

static int lax_parts(void *ctx, const char *key, const struct store_tag *expected,
                     const struct store_body *body, struct error *err)
{
    struct lax *l = ctx;
    if (l->lax_parts)
        return overwrite(l, key, body, NULL, err);
    return store_swap(l->inner, key, expected, body, NULL, err);
}

static int lax_copy(void *ctx, const char *from, const char *to, const struct store_tag *expected,
                    struct error *err)
{
    struct lax *l = ctx;
    struct store_info info;
    struct str text;
    str_init(&text, 100);
    int rc = store_get(l->inner, from, &text, NULL, err);
    struct store_body body = store_body_bytes(text.data, text.len);
    bool there = store_head(l->inner, to, &info, NULL) == ERR_OK;
    bool fits = expected != NULL ? there && strcmp(info.tag.text, expected->text) == 0 : !there;
    if (rc == ERR_OK && (l->lax_copies || (l->racy_copies && fits))) {
        time_sleep(l->racy_copies ? 5000 : 0);
        rc = overwrite(l, to, &body, NULL, err);
    } else if (rc == ERR_OK) {
        rc = store_swap(l->inner, to, expected, &body, NULL, err);
    }
    str_release(&text);
    return rc;
}

static long lax_absent(void *ctx)
{
    (void)ctx;
    return 404;
}

static void lax_init(struct lax *l)
{
    static const struct store_ops ops = {.get = lax_get,
                                         .head = lax_head,
                                         .put_new = lax_put_new,
                                         .swap = lax_swap,
                                         .remove = lax_remove};
    static char url[] = "lax:";
    *l = (struct lax){.store = {.ops = &ops, .url = url}};
    assert_int_equal(store_open("memory:", NULL, &l->inner, NULL), ERR_OK);
}

static int count_one(void *ctx, const struct store_entry *entry, struct error *err)
{
    (void)entry;
    (void)err;
    ++*(size_t *)ctx;
    return ERR_OK;
}

/* Run the probe; nothing may be left behind, whatever it says. */
static int prove(struct lax *l, struct store_dialect *dialect, struct error *err)
{
    const struct store_subject subject = {.store = &l->store,
                                          .ctx = l,
                                          .use = lax_use,
                                          .absent_status = lax_absent,
                                          .put_in_parts = lax_parts,
                                          .copy = lax_copy};
    size_t left = 0;
    *err = (struct error)ERROR_INIT;
    int rc = store_probe_prove(&subject, dialect, err);
    assert_int_equal(store_list(l->inner, "", count_one, &left, NULL), ERR_OK);
    assert_int_equal(left, 0);
    assert_true(l->removed > 0);
    store_free(l->inner);
    return rc;
}

static void a_store_that_keeps_its_promises_is_proven(void **state)
{
    (void)state;
    struct lax l;
    struct store_dialect dialect;
    struct error err;
    lax_init(&l);
    int rc = prove(&l, &dialect, &err);
    if (rc != ERR_OK)
        fail_msg("%s", err.text);
    assert_false(dialect.unquoted);
    assert_true(dialect.multipart);
    assert_true(dialect.copies);
    assert_int_equal(dialect.absent, 404);
    assert_string_equal(err.text, "");
}

static void the_way_of_writing_tags_is_learned(void **state)
{
    (void)state;
    struct lax l;
    struct store_dialect dialect;
    struct error err;
    lax_init(&l);
    l.quoted_fails = true;
    assert_int_equal(prove(&l, &dialect, &err), ERR_OK);
    assert_true(dialect.unquoted);
}

static void uploads_in_parts_without_conditions_are_not_used(void **state)
{
    (void)state;
    struct lax l;
    struct store_dialect dialect;
    struct error err;
    lax_init(&l);
    l.lax_parts = true;
    assert_int_equal(prove(&l, &dialect, &err), ERR_OK);
    assert_false(dialect.multipart);
}

static void copies_without_conditions_or_atomicity_are_not_used(void **state)
{
    (void)state;
    for (int racy = 0; racy < 2; racy++) {
        struct lax l;
        struct store_dialect dialect;
        struct error err;
        lax_init(&l);
        l.lax_copies = racy == 0;
        l.racy_copies = racy == 1;
        assert_int_equal(prove(&l, &dialect, &err), ERR_OK);
        assert_false(dialect.copies);
        assert_true(dialect.multipart);
    }
}

static void a_broken_promise_is_named(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++) {
        static const char *const checks[] = {"\"create-twice\"", "\"wrong-tag\"", "\"absent\"",
                                             "\"race\"", "\"read-back\""};
        struct lax l;
        struct store_dialect dialect;
        struct error err;
        lax_init(&l);
        l.ignores_create = i == 0;
        l.ignores_match = i == 1;
        l.creates_absent = i == 2;
        l.racy = i == 3;
        l.wrong_bytes = i == 4;
        int rc = prove(&l, &dialect, &err);
        if (rc != ERR_GATE || strstr(err.text, checks[i]) == NULL)
            fail_msg("%s: %s, %s", checks[i], error_name(rc), err.text);
        assert_non_null(strstr(err.text, "Reading works"));
    }
}

static void a_store_that_does_not_answer_is_not_refused_for_good(void **state)
{
    (void)state;
    struct lax l;
    struct store_dialect dialect;
    struct error err;
    lax_init(&l);
    l.silent = true;
    assert_int_equal(prove(&l, &dialect, &err), ERR_UNKNOWN);
}

static void a_proof_is_remembered_for_a_week(void **state)
{
    (void)state;
    char *folder = temp_folder_new();
    char *cache = fs_join(folder, "a/b");
    struct store_dialect in = {.unquoted = true, .copies = true, .absent = 412};
    struct store_dialect out = {0};
    int64_t now = 1000000 * SECOND;
    int64_t week = STORE_PROBE_DAYS * 86400 * SECOND;
    assert_false(store_probe_load(&(struct store_proof){cache, "here", NULL}, now, &out));
    store_probe_save(&(struct store_proof){cache, "here", NULL}, now, &in);
    assert_true(store_probe_load(&(struct store_proof){cache, "here", NULL}, now, &out));
    assert_true(out.unquoted && out.copies && !out.multipart && out.absent == 412);
    assert_true(store_probe_load(&(struct store_proof){cache, "here", NULL}, now + week, &out));
    assert_false(
        store_probe_load(&(struct store_proof){cache, "here", NULL}, now + week + 1, &out));
    assert_false(store_probe_load(&(struct store_proof){cache, "here", NULL}, now - 1, &out));
    assert_false(store_probe_load(&(struct store_proof){cache, "there", NULL}, now, &out));
    assert_false(store_probe_load(&(struct store_proof){NULL, "here", NULL}, now, &out));
    store_probe_save(&(struct store_proof){NULL, "here", NULL}, now, &in);
    free(cache);
    temp_folder_free(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_store_that_keeps_its_promises_is_proven),
        cmocka_unit_test(the_way_of_writing_tags_is_learned),
        cmocka_unit_test(uploads_in_parts_without_conditions_are_not_used),
        cmocka_unit_test(copies_without_conditions_or_atomicity_are_not_used),
        cmocka_unit_test(a_broken_promise_is_named),
        cmocka_unit_test(a_store_that_does_not_answer_is_not_refused_for_good),
        cmocka_unit_test(a_proof_is_remembered_for_a_week),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
