#include "support/counter.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "catalog/field.h"
#include "catalog/register.h"
#include "catalog/verify_part.h"
#include "util/digest.h"
#include "util/mem.h"

#define FOLDER "derived/counter/"
#define MAX_BYTES ((size_t)4096)

struct counter {
    struct version_id stamp; /* the version that it reflects; the file has its sequence */
    uint64_t gc_epoch;
    char attempt[ID_SIZE];
    char key[LAYOUT_KEY_SIZE]; /* of the file; "": none */
    struct store_tag tag;      /* not stored; "": there is none yet */
};

/* ---- The root ------------------------------------------------------------------------------ */

static bool owns(const char *key)
{
    struct version_id attempt;
    char name[LAYOUT_NAME_SIZE] = "";
    char again[LAYOUT_KEY_SIZE];
    if (!str_starts(key, FOLDER))
        return false;
    snprintf(name, sizeof name, "%.*s", (int)strcspn(key + strlen(FOLDER), "."),
             key + strlen(FOLDER));
    snprintf(again, sizeof again, FOLDER "%s.txt", name);
    return layout_parse_name(name, &attempt, NULL) == ERR_OK && strcmp(again, key) == 0;
}

static int decode(const struct str *text, struct counter *out, struct error *err)
{
    struct json *root;
    const char *key;
    int rc = json_parse(text->data, text->len, COUNTER_ROOT, &root, err);
    if (rc != ERR_OK)
        return rc;
    if ((rc = field_optional_version(root, COUNTER_ROOT, &out->stamp, err)) == ERR_OK &&
        (rc = json_need_unsigned(root, "gc_epoch", COUNTER_ROOT, &out->gc_epoch, err)) == ERR_OK &&
        (rc = field_id(root, "attempt", COUNTER_ROOT, out->attempt, err)) == ERR_OK &&
        (rc = json_need_string(root, "file", COUNTER_ROOT, &key, err)) == ERR_OK)
        snprintf(out->key, sizeof out->key, "%s", key);
    json_free(root);
    return rc;
}

/* `out->tag` is set also where it is damaged. */
static int read_counter(struct store *st, struct counter *out, struct error *err)
{
    struct str text;
    *out = (struct counter){.gc_epoch = 0};
    str_init(&text, MAX_BYTES);
    int rc = register_read(st, COUNTER_ROOT, &text, &out->tag, err);
    if (rc == ERR_OK)
        rc = decode(&text, out, err);
    str_release(&text);
    return rc;
}

static int read_root(struct store *st, void **state, struct error *err)
{
    struct counter *c = mem_calloc(1, sizeof *c);
    int rc = read_counter(st, c, err);
    *state = rc == ERR_OK ? c : NULL;
    if (rc != ERR_OK)
        free(c);
    return rc;
}

static int swap(struct store *st, struct counter *c, struct error *err)
{
    struct json *root = json_new_object();
    struct store_tag from = c->tag;
    struct str text;
    str_init(&text, MAX_BYTES);
    id_new(c->attempt);
    field_set_optional_version(root, &c->stamp);
    json_set_unsigned(root, "gc_epoch", c->gc_epoch);
    json_set_string(root, "attempt", c->attempt);
    json_set_string(root, "file", c->key);
    field_write(root, &text);
    int rc =
        register_swap(st, COUNTER_ROOT, from.text[0] != '\0' ? &from : NULL, &text, &c->tag, err);
    str_release(&text);
    return rc;
}

static void witness(const void *state, struct witness *out)
{
    const struct counter *c = state;
    *out = (struct witness){COUNTER_ROOT, c->gc_epoch, c->stamp};
}

static void name_all(const void *state, struct inventory *named)
{
    const struct counter *c = state;
    if (c->key[0] != '\0')
        inventory_add(named, c->key, 0);
}

static int fence(struct store *st, void *state, const struct root_fence *f, struct error *err)
{
    struct counter empty = {.gc_epoch = 0};
    struct counter *c = state != NULL ? state : &empty;
    if (!f->published)
        *c = (struct counter){.tag = c->tag};
    c->gc_epoch = f->gc_epoch;
    return swap(st, c, err);
}

/* The number in the file, as text. */
static size_t print(const struct version_id *version, char out[24])
{
    return (size_t)snprintf(out, 24, "%" PRIu64 "\n", version->sequence);
}

static int verify(struct verifier *v, const void *state, struct error *err)
{
    const struct counter *c = state;
    char text[24];
    char sha256[SHA256_HEX_SIZE];
    size_t length = print(&c->stamp, text);
    if (c->stamp.sequence != v->base.pointer.current.sequence)
        verify_add(v->report, FINDING_SHOULD, COUNTER_ROOT, "It counts %" PRIu64 " versions.",
                   c->stamp.sequence);
    if (c->key[0] == '\0')
        return ERR_OK;
    sha256_hex(text, length, sha256);
    return verify_object(v, FINDING_SHOULD, c->key, length, sha256, "The next run counts again.",
                         err);
}

/* ---- In a run ------------------------------------------------------------------------------ */

struct report {
    uint64_t counted; /* how often it was brought to a version */
};

/* Store the number, then name it. What an attempt that loses has stored is nobody's, and gc's. */
static int bring_to(struct store *st, const struct base *base, struct counter *c, struct error *err)
{
    char name[LAYOUT_NAME_SIZE];
    char text[24];
    struct version_id attempt = {.sequence = base->pointer.current.sequence};
    id_new(attempt.commit);
    layout_name(&attempt, name);
    c->stamp = base->pointer.current;
    c->gc_epoch = base->pointer.gc_epoch;
    snprintf(c->key, sizeof c->key, FOLDER "%s.txt", name);
    struct store_body body = store_body_bytes(text, print(&c->stamp, text));
    int rc = store_put_new(st, c->key, &body, NULL, err);
    return rc == ERR_OK ? swap(st, c, err) : rc;
}

static int bring_up(struct derived_run *run, struct error *err)
{
    struct counter c;
    struct error why = ERROR_INIT;
    struct report *report = run->report;
    int rc = read_counter(run->d->store, &c, &why);
    if (rc == ERR_OK && version_id_equal(&c.stamp, &run->base->pointer.current))
        return ERR_OK;
    if (rc == ERR_OK || rc == ERR_ABSENT || rc == ERR_DAMAGED)
        rc = bring_to(run->d->store, run->base, &c, &why);
    if (rc == ERR_CONFLICT)
        return ERR_OK;
    if (rc != ERR_OK)
        return error_set(err, rc, "the versions are not counted (%s); the next run does it",
                         why.text);
    report->counted++;
    return ERR_OK;
}

/* Healed at the start, as the key index is. */
static int open_counter(struct derived_run *run, struct error *err)
{
    int rc = run->dry_run || run->base->pointer.current.sequence == 0 ? ERR_OK : bring_up(run, err);
    return rc == ERR_OK ? derived_open(run, &counter_derived, err) : rc;
}

/* ---- What is told of it -------------------------------------------------------------------- */

static void code(const struct codec *c, void *report)
{
    codec_unsigned(c, "counted", &((struct report *)report)->counted);
}

static const struct derived_metric metrics[] = {
    {.kind = DERIVED_COUNT,
     .family = "cauce_counter_counted",
     .help = "How often versions were counted.",
     .json = "counter_counted"},
    {.kind = DERIVED_NOW,
     .family = "cauce_counter_versions",
     .help = "Versions that were counted.",
     .json = "counter_versions"},
};

static void count(double *values, const void *report)
{
    values[0] += (double)((const struct report *)report)->counted;
}

static void measure(struct dataset *d, const struct base *base, double *values)
{
    struct counter c;
    (void)base;
    if (read_counter(d->store, &c, NULL) == ERR_OK)
        values[1] = (double)c.stamp.sequence;
}

const struct derived counter_derived = {
    .name = "counter",
    .label = "counter",
    .root =
        {
            .key = COUNTER_ROOT,
            .command = "run",
            .absent = "The versions are not counted. The next run does it.",
            .remedy = "The next run counts again.",
            .owns = owns,
            .read = read_root,
            .release = free,
            .witness = witness,
            .name_all = name_all,
            .fence = fence,
            .verify = verify,
        },
    .open = open_counter,
    .bring_up = bring_up,
    .report_size = sizeof(struct report),
    .record = "counter",
    .code = code,
    .metrics = metrics,
    .metric_count = sizeof metrics / sizeof metrics[0],
    .count = count,
    .measure = measure,
};
