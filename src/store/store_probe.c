#include "store/store_probe.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "store/store_backend.h"
#include "util/id.h"
#include "util/log.h"
#include "util/mem.h"

#define KEY_SIZE 80
#define SWAP_TRIES 4

/* Objects that one run of the probe made. */
struct probe {
    const struct store_subject *subject;
    struct store *store; /* that repeats what may be repeated */
    struct store_dialect dialect;
    char id[ID_SIZE];
    char (*keys)[KEY_SIZE];
    size_t count, capacity;
};

/* A fresh key, remembered for the cleaning. Valid until the next one is made: copy it. */
static void fresh_key(struct probe *p, const char *what, char out[KEY_SIZE])
{
    p->keys = mem_grow(p->keys, p->count, &p->capacity, sizeof *p->keys);
    struct str s;
    str_init(&s, KEY_SIZE - 1);
    str_printf(&s, STORE_PROBE_PREFIX "%s-%zu-%s", p->id, p->count, what);
    memcpy(p->keys[p->count++], s.data, s.len + 1);
    memcpy(out, s.data, s.len + 1);
    str_release(&s);
}

/* The store did not give the answer that the check needs: refuse, or pass on that it gave none. */
static int refuse(struct error *err, int code, const char *check, const char *why)
{
    if (code == ERR_AGAIN || code == ERR_UNKNOWN || code == ERR_DENIED || code == ERR_CONFIG ||
        code == ERR_SYSTEM)
        return error_prefix(err, "The store could not be probed (check \"%s\")", check);
    return error_set(err, ERR_GATE,
                     "The store cannot be published to: check \"%s\" failed, %s. Reading works.",
                     check, why);
}

static void tell_dialect(struct probe *p)
{
    if (p->subject->use != NULL)
        p->subject->use(p->subject->ctx, &p->dialect);
}

static int expect_content(struct probe *p, const char *key, const char *check,
                          const struct store_body *body, struct store_tag *tag, struct error *err)
{
    struct str text;
    str_init(&text, STORE_PROBE_BYTES);
    int rc = store_get(p->store, key, &text, tag, err);
    bool same =
        rc == ERR_OK && text.len == body->size && memcmp(text.data, body->bytes, text.len) == 0;
    str_release(&text);
    if (same)
        return ERR_OK;
    return refuse(err, rc == ERR_OK ? ERR_GATE : rc, check,
                  "an object read back is not what was written");
}

static int check_create(struct probe *p, const char *key, struct store_tag *tag, struct error *err)
{
    struct store_body first = store_body_bytes("first", 5);
    struct store_body second = store_body_bytes("second", 6);
    struct store_tag seen;
    int rc = store_put_new(p->store, key, &first, tag, err);
    if (rc != ERR_OK)
        return refuse(err, rc, "create", "an object that does not exist could not be created");
    rc = store_put_new(p->store, key, &second, NULL, err);
    if (rc != ERR_CONFLICT)
        return refuse(err, rc, "create-twice",
                      "an object that exists was created again: If-None-Match is ignored");
    rc = expect_content(p, key, "read-back", &first, &seen, err);
    if (rc == ERR_OK && !store_tag_equal(&seen, tag))
        rc =
            refuse(err, ERR_GATE, "read-back", "the ETag when writing is not the one when reading");
    return rc;
}

/* A replacement that certainly changed nothing is tried once more; no decorator may do that. */
static int replace(struct probe *p, const char *key, const struct store_tag *expected,
                   const struct store_body *body, struct store_tag *tag, struct error *err)
{
    int rc = ERR_AGAIN;
    for (int i = 0; i < SWAP_TRIES && rc == ERR_AGAIN; i++)
        rc = store_swap(p->store, key, expected, body, tag, err);
    return rc;
}

/* Replace with the right tag, written in whichever way the server understands. */
static int check_right_tag(struct probe *p, const char *key, struct store_tag *tag,
                           struct error *err)
{
    struct store_body next = store_body_bytes("next", 4);
    struct store_tag moved;
    int rc = replace(p, key, tag, &next, &moved, err);
    if (rc == ERR_CONFLICT || rc == ERR_DENIED || rc == ERR_GATE) {
        p->dialect.unquoted = true;
        tell_dialect(p);
        rc = replace(p, key, tag, &next, &moved, err);
    }
    if (rc != ERR_OK)
        return refuse(err, rc, "right-tag",
                      "an object could not be replaced although its ETag was given in If-Match");
    if (store_tag_equal(tag, &moved))
        return refuse(err, ERR_GATE, "right-tag",
                      "an object kept its ETag although its content changed");
    *tag = moved;
    return expect_content(p, key, "right-tag", &next, NULL, err);
}

static int check_wrong_tags(struct probe *p, const char *key, const struct store_tag *stale,
                            struct error *err)
{
    struct store_body kept = store_body_bytes("next", 4);
    struct store_body wrong = store_body_bytes("wrong", 5);
    struct store_tag strange = {"00000000000000000000000000000000"};
    const struct store_tag *const tags[] = {stale, &strange};
    for (size_t i = 0; i < 2; i++) {
        int rc = replace(p, key, tags[i], &wrong, NULL, err);
        if (rc != ERR_CONFLICT)
            return refuse(err, rc, "wrong-tag",
                          "an object was replaced although If-Match named another ETag");
    }
    return expect_content(p, key, "wrong-tag", &kept, NULL, err);
}

static int check_absent(struct probe *p, const struct store_tag *tag, struct error *err)
{
    char key[KEY_SIZE];
    fresh_key(p, "absent", key);
    struct store_body body = store_body_bytes("absent", 6);
    struct store_info info;
    int rc = replace(p, key, tag, &body, NULL, err);
    if (rc != ERR_CONFLICT)
        return refuse(err, rc, "absent",
                      "an object that does not exist was created although If-Match named an ETag");
    if (p->subject->absent_status != NULL)
        p->dialect.absent = p->subject->absent_status(p->subject->ctx);
    rc = store_head(p->store, key, &info, err);
    if (rc != ERR_ABSENT)
        return refuse(err, rc, "absent", "a refused replacement left an object behind");
    return ERR_OK;
}

/* Servers whose conditions are known not to be atomic, by the beginning of their name. */
static int check_server(struct probe *p, const char *key, struct error *err)
{
    static const struct {
        const char *name;
        const char *why;
    } unsafe[] = {
        {"Werkzeug", "the server is a test server (moto) that checks a condition and then writes"},
    };
    char name[STORE_PROBE_SERVER] = "";
    if (p->subject->server == NULL)
        return ERR_OK;
    int rc = p->subject->server(p->subject->ctx, key, name, err);
    if (rc != ERR_OK)
        return refuse(err, rc, "server", "an object that was written cannot be seen");
    for (size_t i = 0; i < sizeof unsafe / sizeof unsafe[0]; i++) {
        if (str_starts(name, unsafe[i].name))
            return refuse(err, ERR_GATE, "server", unsafe[i].why);
    }
    return ERR_OK;
}

/* One writer of a race. */
struct racer {
    struct probe *probe;
    pthread_barrier_t *start;
    const char *key;
    const struct store_tag *expected;
    bool copy; /* on the server, instead of writing */
    char *bytes;
    struct store_body body;
    int rc;
    struct error err;
};

/* Content of what is copied, written under the key that was made second. */
static const struct store_body copied = {.bytes = "source", .size = 6};

static int attempt_copy(struct probe *p, const char *key, const struct store_tag *expected)
{
    return p->subject->copy(p->subject->ctx, p->keys[1], key, expected, NULL);
}

static void *race(void *arg)
{
    struct racer *r = arg;
    pthread_barrier_wait(r->start);
    if (r->copy)
        r->rc = attempt_copy(r->probe, r->key, r->expected);
    else
        r->rc = r->expected == NULL
                    ? store_put_new(r->probe->subject->store, r->key, &r->body, NULL, &r->err)
                    : store_swap(r->probe->subject->store, r->key, r->expected, &r->body, NULL,
                                 &r->err);
    return NULL;
}

/* Different bytes per writer and round: equal ones would have equal ETags. */
static void fill(struct racer *r)
{
    r->bytes = mem_alloc(STORE_PROBE_BYTES);
    for (size_t i = 0; i < STORE_PROBE_BYTES; i += sizeof(uint64_t)) {
        uint64_t random = id_random64();
        memcpy(r->bytes + i, &random, sizeof random);
    }
    r->body = store_body_bytes(r->bytes, STORE_PROBE_BYTES);
    r->err = (struct error)ERROR_INIT;
}

/* A writer that got no answer may have won: only what was acknowledged must be unique and there. */
static int judge_race(struct probe *p, const char *key, const struct racer *racers,
                      struct store_tag *tag, struct error *err)
{
    size_t winners = 0;
    size_t winner = 0;
    size_t open = 0;
    for (size_t i = 0; i < STORE_PROBE_WRITERS; i++) {
        if (racers[i].rc == ERR_OK) {
            winners++;
            winner = i;
        } else if (racers[i].rc == ERR_UNKNOWN || racers[i].rc == ERR_AGAIN) {
            open++;
        } else if (racers[i].rc != ERR_CONFLICT) {
            if (err != NULL)
                *err = racers[i].err;
            return refuse(err, racers[i].rc, "race", "a writer in a race was refused");
        }
    }
    if (winners > 1)
        return refuse(err, ERR_GATE, "race",
                      "several writers were told that they had won: conditions are not atomic");
    if (winners == 1)
        return expect_content(p, key, "race", &racers[winner].body, tag, err);
    if (open == 0)
        return refuse(err, ERR_GATE, "race", "every writer in a race was told that it had lost");
    struct store_info info;
    int rc = store_head(p->store, key, &info, err);
    if (rc == ERR_OK && tag != NULL)
        *tag = info.tag;
    return rc == ERR_ABSENT ? ERR_OK : rc;
}

static int run_race(struct probe *p, const char *key, const struct store_tag *expected, bool copy,
                    struct store_tag *tag, struct error *err)
{
    pthread_t threads[STORE_PROBE_WRITERS];
    struct racer *racers = mem_calloc(STORE_PROBE_WRITERS, sizeof *racers);
    pthread_barrier_t start;
    pthread_barrier_init(&start, NULL, STORE_PROBE_WRITERS);
    for (size_t i = 0; i < STORE_PROBE_WRITERS; i++) {
        racers[i] = (struct racer){.probe = p,
                                   .start = &start,
                                   .key = key,
                                   .expected = expected,
                                   .copy = copy,
                                   .rc = ERR_UNKNOWN};
        fill(&racers[i]);
        if (copy)
            racers[i].body = copied;
        /* A barrier with too few threads would wait forever. */
        if (pthread_create(&threads[i], NULL, race, &racers[i]) != 0)
            abort();
    }
    for (size_t i = 0; i < STORE_PROBE_WRITERS; i++)
        pthread_join(threads[i], NULL);
    pthread_barrier_destroy(&start);
    int rc = judge_race(p, key, racers, tag, err);
    for (size_t i = 0; i < STORE_PROBE_WRITERS; i++)
        free(racers[i].bytes);
    free(racers);
    return rc;
}

static int check_races(struct probe *p, struct error *err)
{
    int rc = ERR_OK;
    for (int round = 0; round < STORE_PROBE_ROUNDS && rc == ERR_OK; round++) {
        char key[KEY_SIZE];
        struct store_tag tag = {""};
        fresh_key(p, "race", key);
        rc = run_race(p, key, NULL, false, &tag, err);
        if (rc == ERR_OK && tag.text[0] != '\0')
            rc = run_race(p, key, &tag, false, NULL, err);
    }
    return rc;
}

/* Does a way of writing honour its conditions? Where it does not, it is simply not used. */
static bool honours(struct probe *p, const char *existing, const struct store_tag *stale,
                    int (*attempt)(struct probe *, const char *, const struct store_tag *))
{
    char key[KEY_SIZE];
    struct store_info before;
    struct store_info after;
    fresh_key(p, "way", key);
    return store_head(p->store, existing, &before, NULL) == ERR_OK &&
           attempt(p, existing, NULL) == ERR_CONFLICT &&
           attempt(p, existing, stale) == ERR_CONFLICT && attempt(p, key, stale) == ERR_CONFLICT &&
           attempt(p, key, NULL) == ERR_OK && attempt(p, existing, &before.tag) == ERR_OK &&
           store_head(p->store, key, &after, NULL) == ERR_OK;
}

static int attempt_parts(struct probe *p, const char *key, const struct store_tag *expected)
{
    struct store_body body = store_body_bytes("parts", 5);
    return p->subject->put_in_parts(p->subject->ctx, key, expected, &body, NULL);
}

/* A copy replaces what readers see: what was checked must not change before it is written. */
static bool copies_are_atomic(struct probe *p)
{
    struct store_body body = store_body_bytes("before", 6);
    bool good = true;
    for (int round = 0; round < STORE_PROBE_COPY_ROUNDS && good; round++) {
        char key[KEY_SIZE];
        struct store_tag tag;
        fresh_key(p, "copy", key);
        good = run_race(p, key, NULL, true, NULL, NULL) == ERR_OK;
        fresh_key(p, "copy", key);
        good = good && store_put_new(p->store, key, &body, &tag, NULL) == ERR_OK &&
               run_race(p, key, &tag, true, NULL, NULL) == ERR_OK;
    }
    return good;
}

static void learn_ways(struct probe *p, const struct store_tag *stale)
{
    char existing[KEY_SIZE];
    char source[KEY_SIZE];
    struct store_body body = store_body_bytes("source", 6);
    memcpy(existing, p->keys[0], KEY_SIZE);
    memcpy(source, p->keys[1], KEY_SIZE);
    if (store_put_new(p->store, source, &body, NULL, NULL) != ERR_OK)
        return;
    bool parts = p->subject->put_in_parts != NULL && honours(p, existing, stale, attempt_parts);
    bool copies = p->subject->copy != NULL && honours(p, existing, stale, attempt_copy) &&
                  copies_are_atomic(p);
    p->dialect.multipart = parts;
    p->dialect.copies = copies;
    tell_dialect(p);
}

static void clean(struct probe *p)
{
    const char **keys = mem_calloc(p->count, sizeof *keys);
    for (size_t i = 0; i < p->count; i++)
        keys[i] = p->keys[i];
    size_t removed = 0;
    struct error err = ERROR_INIT;
    for (int tries = 0; tries < 3; tries++) {
        if (store_remove_many(p->store, keys, p->count, &removed, &err) == ERR_OK)
            break;
    }
    if (removed < p->count)
        log_warn("%zu objects of the probe could not be deleted; they are below .probe/%s: %s",
                 p->count - removed, p->id, err.text);
    free(keys);
}

int store_probe_prove(const struct store_subject *subject, struct store_dialect *out,
                      struct error *err)
{
    struct probe p = {.subject = subject,
                      .store = subject->patient != NULL ? subject->patient : subject->store};
    char key[KEY_SIZE];
    char source[KEY_SIZE];
    struct store_tag stale = {""};
    struct store_tag tag;
    id_new(p.id);
    fresh_key(&p, "object", key);
    fresh_key(&p, "source", source);
    tell_dialect(&p);
    int rc = check_create(&p, key, &tag, err);
    stale = tag;
    if (rc == ERR_OK)
        rc = check_server(&p, key, err);
    if (rc == ERR_OK)
        rc = check_right_tag(&p, key, &tag, err);
    if (rc == ERR_OK)
        rc = check_wrong_tags(&p, key, &stale, err);
    if (rc == ERR_OK)
        rc = check_absent(&p, &tag, err);
    if (rc == ERR_OK)
        rc = check_races(&p, err);
    if (rc == ERR_OK)
        learn_ways(&p, &stale);
    clean(&p);
    free(p.keys);
    if (rc == ERR_OK) {
        *out = p.dialect;
        error_clear(err); /* the expected refusals left their text */
    }
    return rc;
}
