/* Contract: several threads, handles and processes at once. */
#include "contract/contract_kit.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/store_backend.h"
#include "util/fs.h"
#include "util/mem.h"

#define RACERS 8

/* What one racer does; its code is its result. No assertions in here: they belong to the parent. */
typedef int race_step(struct store *st, size_t who, void *ctx);

/* ---- Starting many at once ---- */

struct racer {
    race_step *step;
    struct store *store;
    size_t who;
    void *ctx;
    pthread_barrier_t *start;
    int code;
};

static void *run_racer(void *arg)
{
    struct racer *r = arg;
    pthread_barrier_wait(r->start);
    r->code = r->step(r->store, r->who, r->ctx);
    return NULL;
}

/* In threads that share the handle of the test, or have one each. */
static void race_threads(struct contract *c, bool own_handles, race_step *step, void *ctx,
                         int codes[RACERS])
{
    struct racer racers[RACERS];
    pthread_t threads[RACERS];
    pthread_barrier_t start;
    pthread_barrier_init(&start, NULL, RACERS);
    for (size_t i = 0; i < RACERS; i++) {
        struct store *st = own_handles ? c->subject->open(c->subject) : c->store;
        racers[i] =
            (struct racer){.step = step, .store = st, .who = i, .ctx = ctx, .start = &start};
    }
    for (size_t i = 0; i < RACERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, run_racer, &racers[i]), 0);
    for (size_t i = 0; i < RACERS; i++) {
        pthread_join(threads[i], NULL);
        codes[i] = racers[i].code;
    }
    for (size_t i = 0; own_handles && i < RACERS; i++)
        store_free(racers[i].store);
    pthread_barrier_destroy(&start);
}

/* In processes with a handle each. Skips the test where the subject cannot bear it. */
static void race_processes(struct contract *c, race_step *step, void *ctx, int codes[RACERS])
{
    int gate[2];
    pid_t children[RACERS];
    if (!c->subject->between_processes)
        skip();
    assert_int_equal(pipe(gate), 0);
    for (size_t i = 0; i < RACERS; i++) {
        fflush(NULL);
        children[i] = fork();
        assert_true(children[i] >= 0);
        if (children[i] == 0) {
            char byte;
            struct store *st = c->subject->open(c->subject);
            close(gate[1]);
            /* The end of the file is the start of the race. */
            if (read(gate[0], &byte, 1) != 0)
                _exit(ERR_COUNT);
            _exit(step(st, i, ctx));
        }
    }
    close(gate[0]);
    close(gate[1]);
    for (size_t i = 0; i < RACERS; i++) {
        int status;
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        codes[i] = WIFEXITED(status) ? WEXITSTATUS(status) : ERR_COUNT;
    }
}

/* Is it an answer that who has lost a race may get? */
static bool has_lost(const struct contract *c, int code)
{
    return code == ERR_CONFLICT || (code == ERR_UNKNOWN && c->subject->vague_losers);
}

/* Exactly one OK, everybody else has lost; the winner. */
static size_t one_winner(const struct contract *c, const int codes[RACERS])
{
    size_t winner = RACERS;
    for (size_t i = 0; i < RACERS; i++) {
        if (codes[i] == ERR_OK) {
            assert_int_equal(winner, RACERS);
            winner = i;
        } else if (!has_lost(c, codes[i])) {
            print_error("racer %zu: %s\n", i, error_name(codes[i]));
            fail();
        }
    }
    assert_int_not_equal(winner, RACERS);
    return winner;
}

/* ---- One key, one winner ---- */

struct duel {
    const char *key;
    const struct store_tag *expected;
    size_t round;
};

static void content_of(size_t who, size_t round, char text[64])
{
    snprintf(text, 64, "content of racer %zu in round %zu", who, round);
}

static int step_put_new(struct store *st, size_t who, void *ctx)
{
    const struct duel *d = ctx;
    char text[64];
    content_of(who, d->round, text);
    struct store_body body = store_body_bytes(text, strlen(text));
    return store_put_new(st, d->key, &body, NULL, NULL);
}

static int step_swap(struct store *st, size_t who, void *ctx)
{
    const struct duel *d = ctx;
    char text[64];
    content_of(who, d->round, text);
    struct store_body body = store_body_bytes(text, strlen(text));
    return store_swap(st, d->key, d->expected, &body, NULL, NULL);
}

static int step_put_or_swap(struct store *st, size_t who, void *ctx)
{
    return who % 2 == 0 ? step_put_new(st, who, ctx) : step_swap(st, who, ctx);
}

static void holds_content_of(struct contract *c, const char *key, size_t who, size_t round)
{
    char text[64];
    content_of(who, round, text);
    contract_holds(c, key, text);
}

/* Rounds in which all try to create the object of a new key. */
static void duels_for_new_keys(struct contract *c, race_step *step, bool own_handles)
{
    for (size_t round = 0; round < contract_rounds(c); round++) {
        int codes[RACERS];
        char key[64];
        snprintf(key, sizeof key, "race/%zu/object", round);
        struct duel d = {.key = key, .round = round};
        race_threads(c, own_handles, step, &d, codes);
        holds_content_of(c, key, one_winner(c, codes), round);
    }
}

static void test_put_new_in_8_threads_has_one_winner(void **state)
{
    duels_for_new_keys(*state, step_put_new, false);
}

static void test_put_new_with_8_handles_has_one_winner(void **state)
{
    duels_for_new_keys(*state, step_put_new, true);
}

static void test_creating_by_put_new_and_by_swap_has_one_winner(void **state)
{
    duels_for_new_keys(*state, step_put_or_swap, false);
}

static void test_put_new_in_8_processes_has_one_winner(void **state)
{
    struct contract *c = *state;
    for (size_t round = 0; round < contract_rounds(c); round++) {
        int codes[RACERS];
        char key[64];
        snprintf(key, sizeof key, "race/%zu/object", round);
        struct duel d = {.key = key, .round = round};
        race_processes(c, step_put_new, &d, codes);
        holds_content_of(c, key, one_winner(c, codes), round);
    }
}

/* Rounds in which all try to replace the same state. */
static void duels_for_a_state(struct contract *c, bool processes, bool own_handles)
{
    expect_ok(c, contract_put(c, "d/pointer", "state", NULL));
    for (size_t round = 0; round < contract_rounds(c); round++) {
        int codes[RACERS];
        struct store_tag tag;
        struct str body;
        str_init(&body, 1000);
        expect_ok(c, store_get(c->store, "d/pointer", &body, &tag, &c->err));
        str_release(&body);
        struct duel d = {.key = "d/pointer", .expected = &tag, .round = round};
        if (processes)
            race_processes(c, step_swap, &d, codes);
        else
            race_threads(c, own_handles, step_swap, &d, codes);
        holds_content_of(c, "d/pointer", one_winner(c, codes), round);
    }
    char *all = contract_list(c, "");
    assert_string_equal(all, "d/pointer\n");
    free(all);
}

static void test_swap_in_8_threads_has_one_winner_per_state(void **state)
{
    duels_for_a_state(*state, false, false);
}

static void test_swap_with_8_handles_has_one_winner_per_state(void **state)
{
    duels_for_a_state(*state, false, true);
}

static void test_swap_in_8_processes_has_one_winner_per_state(void **state)
{
    duels_for_a_state(*state, true, false);
}

/* ---- Nothing is lost ---- */

#define INCREMENTS 6

/* Add one to a number, as often as it takes to be told of a win. */
static int increment(struct store *st, const struct contract *c)
{
    for (;;) {
        struct store_tag tag;
        struct str body;
        str_init(&body, 100);
        int rc = store_get(st, "counter", &body, &tag, NULL);
        unsigned long number = strtoul(body.data, NULL, 10);
        str_release(&body);
        if (rc != ERR_OK)
            return rc;
        char text[32];
        int n = snprintf(text, sizeof text, "%lu", number + 1);
        struct store_body next = store_body_bytes(text, (size_t)n);
        rc = store_swap(st, "counter", &tag, &next, NULL, NULL);
        if (!has_lost(c, rc))
            return rc;
    }
}

static int step_count(struct store *st, size_t who, void *ctx)
{
    (void)who;
    int rc = ERR_OK;
    for (int i = 0; rc == ERR_OK && i < INCREMENTS; i++)
        rc = increment(st, ctx);
    return rc;
}

static void all_ok(const int codes[RACERS])
{
    for (size_t i = 0; i < RACERS; i++)
        assert_int_equal(codes[i], ERR_OK);
}

/* Where a try without an answer may have counted too. */
static void holds_at_least(struct contract *c, const char *key, unsigned long number)
{
    struct str body;
    str_init(&body, 100);
    expect_ok(c, store_get(c->store, key, &body, NULL, &c->err));
    assert_true(strtoul(body.data, NULL, 10) >= number);
    str_release(&body);
}

static void counts_all(struct contract *c, bool processes)
{
    int codes[RACERS];
    char total[32];
    expect_ok(c, contract_put(c, "counter", "0", NULL));
    if (processes)
        race_processes(c, step_count, c, codes);
    else
        race_threads(c, true, step_count, c, codes);
    all_ok(codes);
    snprintf(total, sizeof total, "%d", RACERS * INCREMENTS);
    if (c->subject->vague_losers)
        holds_at_least(c, "counter", RACERS * INCREMENTS);
    else
        contract_holds(c, "counter", total);
}

static void test_no_update_of_8_threads_is_lost(void **state)
{
    counts_all(*state, false);
}

static void test_no_update_of_8_processes_is_lost(void **state)
{
    counts_all(*state, true);
}

/* Every second racer removes; the others replace the state they were given. */
static int step_swap_or_remove(struct store *st, size_t who, void *ctx)
{
    const struct duel *d = ctx;
    return who % 2 == 0 ? step_swap(st, who, ctx) : store_remove(st, d->key, NULL);
}

/* Whether the swap comes before or is refused after: what was removed stays removed. */
static void test_a_swap_never_brings_a_removed_object_back(void **state)
{
    struct contract *c = *state;
    if (c->subject->removal_races)
        skip();
    for (size_t round = 0; round < contract_rounds(c); round++) {
        int codes[RACERS];
        struct store_tag tag;
        expect_ok(c, contract_put(c, "d/p", "state", &tag));
        struct duel d = {.key = "d/p", .expected = &tag, .round = round};
        race_threads(c, true, step_swap_or_remove, &d, codes);
        for (size_t i = 0; i < RACERS; i++)
            assert_true(codes[i] == ERR_OK || (i % 2 == 0 && has_lost(c, codes[i])));
        contract_holds(c, "d/p", NULL);
    }
}

/* All in one folder, which is there or not from one moment to the next. */
static int step_come_and_go(struct store *st, size_t who, void *ctx)
{
    char key[64];
    int rc = ERR_OK;
    snprintf(key, sizeof key, "deep/folder/of/all/%zu", who);
    for (size_t i = 0; rc == ERR_OK && i < *(size_t *)ctx; i++) {
        struct store_body body = store_body_bytes(key, strlen(key));
        struct store_info info;
        rc = store_put_new(st, key, &body, NULL, NULL);
        if (rc == ERR_OK)
            rc = store_head(st, key, &info, NULL);
        if (rc == ERR_OK)
            rc = store_remove(st, key, NULL);
    }
    return rc;
}

static void test_objects_come_and_go_in_one_folder(void **state)
{
    struct contract *c = *state;
    int codes[RACERS];
    size_t times = contract_rounds(c);
    race_threads(c, true, step_come_and_go, &times, codes);
    all_ok(codes);
    char *all = contract_list(c, "");
    assert_string_equal(all, "");
    free(all);
}

/* ---- Move ---- */

struct move_duel {
    struct store_tag guard;
    const struct store_tag *expected;
};

static int step_move(struct store *st, size_t who, void *ctx)
{
    const struct move_duel *d = ctx;
    char from[64];
    snprintf(from, sizeof from, ".tmp/%zu/part", who);
    struct store_move move = {.from = from,
                              .to = "final/part",
                              .expected = d->expected,
                              .guard = "guard",
                              .guard_tag = &d->guard};
    return store_move(st, &move, NULL);
}

static void test_moves_to_one_key_have_one_winner(void **state)
{
    struct contract *c = *state;
    struct move_duel d = {.expected = NULL};
    struct store_info info;
    expect_ok(c, contract_put(c, "guard", "g", &d.guard));
    for (size_t round = 0; round < contract_rounds(c); round++) {
        int codes[RACERS];
        for (size_t i = 0; i < RACERS; i++) {
            char key[64];
            char text[64];
            snprintf(key, sizeof key, ".tmp/%zu/part", i);
            content_of(i, round, text);
            expect_ok(c, store_remove(c->store, key, &c->err));
            expect_ok(c, contract_put(c, key, text, NULL));
        }
        race_threads(c, true, step_move, &d, codes);
        holds_content_of(c, "final/part", one_winner(c, codes), round);
        expect_ok(c, store_head(c->store, "final/part", &info, &c->err));
        d.expected = &info.tag;
    }
}

#define PARTS 24

struct takeover {
    struct store_tag guard;
    atomic_bool moving;
};

/* Moves part after part until the guard is taken away. */
static int step_slow_mover(struct store *st, struct takeover *t)
{
    int rc = ERR_OK;
    for (int i = 0; rc == ERR_OK && i < PARTS; i++) {
        char from[32];
        char to[32];
        snprintf(from, sizeof from, ".tmp/1/%d", i);
        snprintf(to, sizeof to, "final/%d", i);
        struct store_move move = {.from = from, .to = to, .guard = "guard", .guard_tag = &t->guard};
        rc = store_move(st, &move, NULL);
        atomic_store(&t->moving, true);
    }
    return rc;
}

static void *run_slow_mover(void *arg)
{
    struct racer *r = arg;
    r->code = step_slow_mover(r->store, r->ctx);
    return NULL;
}

static void test_after_the_guard_is_taken_nothing_is_moved_any_more(void **state)
{
    struct contract *c = *state;
    if (!c->store->traits.guarded_move)
        skip();
    struct takeover t;
    pthread_t thread;
    atomic_init(&t.moving, false);
    expect_ok(c, contract_put(c, "guard", "mine", &t.guard));
    for (int i = 0; i < PARTS; i++) {
        char key[32];
        snprintf(key, sizeof key, ".tmp/1/%d", i);
        expect_ok(c, contract_put(c, key, "x", NULL));
    }
    struct racer r = {.store = c->subject->open(c->subject), .ctx = &t};
    assert_int_equal(pthread_create(&thread, NULL, run_slow_mover, &r), 0);
    while (!atomic_load(&t.moving))
        usleep(100);
    expect_ok(c, contract_swap(c, "guard", &t.guard, "taken", NULL));
    char *before = contract_list(c, "final/");
    pthread_join(thread, NULL);
    char *after = contract_list(c, "final/");
    assert_string_equal(before, after);
    assert_true(r.code == ERR_CONFLICT || r.code == ERR_OK);
    store_free(r.store);
    free(before);
    free(after);
}

/* ---- Readers ---- */

#define STATES 16

/* Contents of one object, each with its number in front, and the tags under which they were seen. */
struct gallery {
    struct contract *c;
    size_t size;
    unsigned char *contents[STATES];
    char tags[STATES][STORE_TAG_SIZE]; /* as the writer got them */
    atomic_bool done;
};

struct reader {
    struct gallery *gallery;
    struct store *store;
    char *path; /* for get_file; NULL: get */
    size_t reads;
    bool seen[STATES];
    char tags[STATES][STORE_TAG_SIZE];
    const char *fault;
};

static void gallery_init(struct gallery *g, struct contract *c)
{
    *g = (struct gallery){.c = c, .size = contract_big(c) / 12};
    atomic_init(&g->done, false);
    for (size_t i = 0; i < STATES; i++) {
        g->contents[i] = contract_noise(g->size, 100 + i);
        g->contents[i][0] = (unsigned char)i;
    }
}

static void gallery_release(struct gallery *g)
{
    for (size_t i = 0; i < STATES; i++)
        free(g->contents[i]);
}

static int read_once(struct reader *r, struct str *body, struct store_tag *tag)
{
    str_clear(body);
    if (r->path == NULL)
        return store_get(r->store, "d/object", body, tag, NULL);
    int rc = store_get_file(r->store, "d/object", r->path, tag, NULL);
    return rc == ERR_OK ? fs_read(r->path, body, NULL) : rc;
}

/* The content is one of the states, whole. Its tag is always the same. */
static const char *judge(struct reader *r, const struct str *body, const struct store_tag *tag)
{
    const struct gallery *g = r->gallery;
    if (body->len != g->size)
        return "half an object was read";
    size_t state = (unsigned char)body->data[0];
    if (state >= STATES || memcmp(body->data, g->contents[state], g->size) != 0)
        return "a mixture of states was read";
    if (r->seen[state] && strcmp(r->tags[state], tag->text) != 0)
        return "one state was read with two tags";
    r->seen[state] = true;
    memcpy(r->tags[state], tag->text, sizeof tag->text);
    return NULL;
}

static void *run_reader(void *arg)
{
    struct reader *r = arg;
    struct str body;
    str_init(&body, (size_t)64 << 20);
    bool last = false;
    while (r->fault == NULL && !last) {
        struct store_tag tag;
        last = atomic_load(&r->gallery->done);
        int rc = read_once(r, &body, &tag);
        if (rc == ERR_OK)
            r->fault = judge(r, &body, &tag);
        else if (rc != ERR_ABSENT || r->reads > 0)
            r->fault = error_name(rc);
        r->reads += rc == ERR_OK;
    }
    str_release(&body);
    return NULL;
}

static void write_states(struct gallery *g)
{
    struct contract *c = g->c;
    struct store_tag tag;
    for (size_t i = 0; i < STATES; i++) {
        struct store_body body = store_body_bytes(g->contents[i], g->size);
        if (i == 0)
            expect_ok(c, store_put_new(c->store, "d/object", &body, &tag, &c->err));
        else
            expect_ok(c, store_swap(c->store, "d/object", &tag, &body, &tag, &c->err));
        memcpy(g->tags[i], tag.text, sizeof tag.text);
    }
}

static void test_readers_see_whole_states_with_their_own_tags(void **state)
{
    struct contract *c = *state;
    struct gallery g;
    struct reader readers[4];
    pthread_t threads[4];
    gallery_init(&g, c);
    for (size_t i = 0; i < 4; i++) {
        char *name = mem_printf("copy-%zu", i);
        readers[i] = (struct reader){.gallery = &g, .store = c->subject->open(c->subject)};
        if (i % 2 == 1)
            readers[i].path = contract_path(c, name);
        free(name);
        assert_int_equal(pthread_create(&threads[i], NULL, run_reader, &readers[i]), 0);
    }
    write_states(&g);
    atomic_store(&g.done, true);
    for (size_t i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    for (size_t i = 0; i < 4; i++) {
        if (readers[i].fault != NULL)
            print_error("reader %zu: %s\n", i, readers[i].fault);
        assert_null(readers[i].fault);
        assert_true(readers[i].seen[STATES - 1]);
        for (size_t s = 0; s < STATES; s++) {
            if (readers[i].seen[s])
                assert_string_equal(readers[i].tags[s], g.tags[s]);
        }
        store_free(readers[i].store);
        free(readers[i].path);
    }
    gallery_release(&g);
}

const struct CMUnitTest contract_race_tests[] = {
    cmocka_unit_test(test_put_new_in_8_threads_has_one_winner),
    cmocka_unit_test(test_put_new_with_8_handles_has_one_winner),
    cmocka_unit_test(test_put_new_in_8_processes_has_one_winner),
    cmocka_unit_test(test_creating_by_put_new_and_by_swap_has_one_winner),
    cmocka_unit_test(test_swap_in_8_threads_has_one_winner_per_state),
    cmocka_unit_test(test_swap_with_8_handles_has_one_winner_per_state),
    cmocka_unit_test(test_swap_in_8_processes_has_one_winner_per_state),
    cmocka_unit_test(test_no_update_of_8_threads_is_lost),
    cmocka_unit_test(test_no_update_of_8_processes_is_lost),
    cmocka_unit_test(test_a_swap_never_brings_a_removed_object_back),
    cmocka_unit_test(test_objects_come_and_go_in_one_folder),
    cmocka_unit_test(test_moves_to_one_key_have_one_winner),
    cmocka_unit_test(test_after_the_guard_is_taken_nothing_is_moved_any_more),
    cmocka_unit_test(test_readers_see_whole_states_with_their_own_tags),
};
const size_t contract_race_test_count = sizeof contract_race_tests / sizeof contract_race_tests[0];
