/*
 * States of a change (function that decides); the rule is in register.h.
 *
 *   state | event                                            | next
 *   ------+--------------------------------------------------+---------------------------------
 *   SEND  | success                                          | done (send)
 *         | surely nothing changed, no doubt, not resendable | failed
 *         | anything else                                    | LOOK (in doubt unless surely nothing)
 *   LOOK  | our bytes                                        | done (decide)
 *         | another's; ours was before it                    | done (judge)
 *         | another's; ours was not                          | lost: ERR_CONFLICT (judge)
 *         | another's, without history; refused              | lost: ERR_CONFLICT (judge)
 *         | another's, without history; no answer            | ERR_UNKNOWN (judge)
 *         | what was expected, sends are left                | SEND, the same bytes (may_resend)
 *         | what was expected, none left; no doubt           | failed
 *         | what was expected, none left; in doubt           | ERR_UNKNOWN
 *         | it cannot be read; no doubt                      | failed
 *         | it cannot be read; in doubt                      | ERR_UNKNOWN
 */
#include "catalog/register.h"

#include <assert.h>
#include <string.h>

#include "util/id.h"
#include "util/invariant.h"
#include "util/time.h"

/* Readings after a request of register_swap. */
#define LOOKS 2

/* Pauses: from PAUSE, doubled each time, to PAUSE_MAX; each shortened at random by up to a half. */
#define PAUSE INT64_C(50000)
#define PAUSE_MAX INT64_C(2000000)

static void pause_before(unsigned attempt)
{
    int64_t most = attempt < 6 ? PAUSE << attempt : PAUSE_MAX;
    if (most > PAUSE_MAX)
        most = PAUSE_MAX;
    time_sleep(most - (int64_t)(id_random64() % (uint64_t)(most / 2)));
}

int register_read(struct store *st, const char *key, struct str *body, struct store_tag *tag,
                  struct error *err)
{
    if (tag != NULL)
        tag->text[0] = '\0';
    int rc = store_get(st, key, body, tag, err);
    if (rc == ERR_LIMIT)
        rc = error_set(err, ERR_DAMAGED, "%s is larger than %zu bytes.", key, body->max);
    return rc;
}

/* ---- LOOK ---------------------------------------------------------------------------------- */

/* What one reading showed. */
struct view {
    enum register_sight sight;
    struct str body; /* empty where it is larger than the document may be */
    struct store_tag tag;
};

static enum register_sight compare(const struct register_change *c, const struct view *v)
{
    if (v->body.len == c->bytes->len && memcmp(v->body.data, c->bytes->data, v->body.len) == 0)
        return REGISTER_OURS;
    if (c->expected != NULL && strcmp(v->tag.text, c->expected->text) == 0)
        return REGISTER_EXPECTED;
    return REGISTER_OTHER;
}

/* Absence is a state only where absence was expected: a register does not vanish. */
static int look(const struct register_change *c, struct view *v, struct error *err)
{
    *v = (struct view){.sight = REGISTER_OTHER};
    str_init(&v->body, c->bytes->max);
    int rc = store_get(c->store, c->key, &v->body, &v->tag, err);
    if (rc == ERR_OK) {
        v->sight = compare(c, v);
        return ERR_OK;
    }
    str_release(&v->body);
    if (rc == ERR_ABSENT && c->expected == NULL)
        v->sight = REGISTER_EXPECTED;
    else if (rc != ERR_LIMIT)
        return rc;
    error_clear(err);
    return ERR_OK;
}

int register_look(const struct register_change *c, enum register_sight *sight, struct error *err)
{
    struct view v;
    int rc = look(c, &v, err);
    *sight = v.sight;
    str_release(&v.body);
    return rc;
}

/* Where another's state is there, its history may say that ours was before it. */
static int look_and_ask(const struct register_change *c, enum register_sight *sight,
                        struct store_tag *tag, struct error *err)
{
    struct view v;
    bool ours = false;
    int rc = look(c, &v, err);
    if (rc == ERR_OK && v.sight == REGISTER_OTHER && c->history != NULL)
        rc = c->history(c->ctx, &v.body, &v.tag, &ours, err);
    *sight = ours ? REGISTER_OURS : v.sight;
    *tag = v.tag;
    str_release(&v.body);
    return rc;
}

static int look_until(const struct register_change *c, enum register_sight *sight,
                      struct store_tag *tag, struct error *err)
{
    int rc = look_and_ask(c, sight, tag, err);
    for (unsigned i = 1; rc != ERR_OK && i < c->looks; i++) {
        pause_before(i);
        rc = look_and_ask(c, sight, tag, err);
    }
    return rc;
}

/* ---- SEND and what follows ----------------------------------------------------------------- */

static int send(const struct register_change *c, const struct store_body *body,
                struct register_answer *out, struct error *err)
{
    out->sends++;
    int rc = store_swap(c->store, c->key, c->expected, body, &out->tag, err);
    if (rc == ERR_OK || store_surely_unchanged(rc))
        return rc;
    out->doubt = true;
    out->ambiguous += rc != ERR_CONFLICT;
    return rc;
}

/* May it be sent again after `rc`? What repeating cannot help is only repeated to end a doubt. */
static bool may_resend(const struct register_change *c, const struct register_answer *out, int rc)
{
    bool hopeless = store_surely_unchanged(rc) && rc != ERR_AGAIN;
    return out->sends <= c->resends && (out->doubt || !hopeless);
}

/* No more can be learned. `rc` was the answer to the last request, and `err` says why. */
static int give_up(const struct register_answer *out, int rc, struct error *err)
{
    if (!out->doubt)
        return rc;
    if (err != NULL)
        err->code = ERR_UNKNOWN;
    return ERR_UNKNOWN;
}

/* What was read after the answer `rc`, where it is not the state that was expected. */
static int decide(const struct register_change *c, struct register_answer *out, int rc,
                  enum register_sight sight, struct error *err)
{
    assert(sight != REGISTER_EXPECTED);
    if (sight == REGISTER_OURS) {
        out->read = true;
        return ERR_OK;
    }
    if (c->history == NULL && rc != ERR_CONFLICT)
        return give_up(out, rc, err);
    return error_set(err, ERR_CONFLICT, "%s was replaced by somebody else.", c->key);
}

/* One request and what is seen of it. `*again`: it has had no effect yet and may be sent again. */
static int try_once(const struct register_change *c, const struct store_body *body,
                    struct register_answer *out, bool *again, struct error *err)
{
    struct error reading = ERROR_INIT;
    enum register_sight sight;
    *again = false;
    int rc = send(c, body, out, err);
    if (rc == ERR_OK || (!out->doubt && c->resends == 0))
        return rc;
    if (look_until(c, &sight, &out->tag, &reading) != ERR_OK) {
        if (out->doubt)
            error_append(err, "%s", reading.text);
        return give_up(out, rc, err);
    }
    if (sight != REGISTER_EXPECTED)
        return decide(c, out, rc, sight, err);
    *again = may_resend(c, out, rc);
    return *again ? rc : give_up(out, rc, err);
}

/* What holds after every change, whatever became of it. */
static void check_answer(const struct register_change *c, const struct register_answer *out, int rc)
{
    assert(out->sends > 0 && out->sends <= c->resends + 1);
    assert(out->ambiguous <= out->sends);
    assert(out->ambiguous == 0 || out->doubt);
    assert(rc != ERR_OK || out->tag.text[0] != '\0');
    invariant(5, rc != ERR_UNKNOWN || out->doubt);
    invariant(5, !out->doubt || rc == ERR_OK || rc == ERR_CONFLICT || rc == ERR_UNKNOWN);
}

int register_change(const struct register_change *c, struct register_answer *out, struct error *err)
{
    assert(c->bytes->len > 0 && !c->bytes->full);
    assert(c->expected == NULL || c->expected->text[0] != '\0');
    assert(c->looks > 0 && (c->resends == 0 || c->history != NULL));
    struct store_body body = store_body_bytes(c->bytes->data, c->bytes->len);
    bool again;
    *out = (struct register_answer){0};
    int rc = try_once(c, &body, out, &again, err);
    while (again) {
        pause_before(out->sends);
        rc = try_once(c, &body, out, &again, err);
    }
    if (rc == ERR_OK)
        error_clear(err);
    check_answer(c, out, rc);
    return rc;
}

int register_swap(struct store *st, const char *key, const struct store_tag *expected,
                  const struct str *bytes, struct store_tag *tag, struct error *err)
{
    struct register_change change = {st, key, expected, bytes, .looks = LOOKS};
    struct register_answer answer = {0};
    int rc = str_check(bytes, key, err);
    if (rc == ERR_OK)
        rc = register_change(&change, &answer, err);
    if (rc == ERR_OK && tag != NULL)
        *tag = answer.tag;
    return rc;
}
