#include "source/json_record.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "source/read_options.h"
#include "util/mem.h"
#include "util/str.h"

/* Fields of an object whose order is remembered from record to record. */
#define GUESSES_MAX 256

/* Values that are cast together. */
#define RUN_MAX 256

/* A field at some position of the previous record, as it was written there. */
struct guess {
    const char *token; /* NULL: none */
    size_t length;
    uint64_t first; /* its first and last eight bytes, or all */
    uint64_t last;
    uint64_t mask; /* of a word, the bytes that are the token's */
    json_node node;
};

/* What a node has in the record at hand. */
struct slot {
    uint64_t record; /* number of the record in which it was last met; 0: in none */
    struct json_piece piece;
    struct guess *guesses; /* by position; NULL: none */
};

struct json_record {
    const struct json_wanted *wanted;
    const struct json_tree *tree;
    struct slot *slots; /* by node */
    uint64_t number;    /* of the record at hand, from 1 */
    uint64_t objects;
    struct json_piece whole;
    const char *twice; /* a name that occurs twice in one object; NULL: none */
    char *scratch;     /* a text without its escapes */
    size_t scratch_capacity;
};

/* --- what is wanted -------------------------------------------------------------------------- */

static int add_alternative(struct json_wanted *w, const char *from, json_node *out,
                           struct error *err)
{
    struct json_path path = {.count = 0};
    int rc = json_path_parse(from, false, &path, err);
    if (rc == ERR_OK)
        *out = json_tree_add(w->tree, &path);
    json_path_release(&path);
    return rc;
}

int json_wanted_init(struct json_wanted *w, const struct reader_column *columns, size_t count,
                     struct error *err)
{
    size_t alternatives = 0;
    size_t k = 0;
    int rc = ERR_OK;
    for (size_t i = 0; i < count; i++)
        alternatives += columns[i].from.count;
    *w = (struct json_wanted){json_tree_new(), columns, count,
                              mem_calloc(alternatives, sizeof *w->nodes)};
    for (size_t i = 0; i < count && rc == ERR_OK; i++)
        for (size_t a = 0; a < columns[i].from.count && rc == ERR_OK; a++) {
            rc = add_alternative(w, columns[i].from.items[a], &w->nodes[k++], err);
            if (rc != ERR_OK)
                error_prefix(err, "column \"%s\"", columns[i].name);
        }
    return rc;
}

void json_wanted_release(struct json_wanted *w)
{
    json_tree_free(w->tree);
    free(w->nodes);
    *w = (struct json_wanted){0};
}

/* --- scanning -------------------------------------------------------------------------------- */

struct json_record *json_record_new(const struct json_wanted *w)
{
    struct json_record *r = mem_calloc(1, sizeof *r);
    r->wanted = w;
    r->tree = w->tree;
    r->slots = mem_calloc(json_tree_count(w->tree), sizeof *r->slots);
    return r;
}

void json_record_free(struct json_record *r)
{
    if (r == NULL)
        return;
    for (size_t i = 0; i < json_tree_count(r->tree); i++)
        free(r->slots[i].guesses);
    free(r->slots);
    free(r->scratch);
    free(r);
}

static char *scratch(struct json_record *r, size_t size)
{
    if (size > r->scratch_capacity) {
        r->scratch_capacity = size * 2;
        r->scratch = mem_resize(r->scratch, r->scratch_capacity, 1);
    }
    return r->scratch;
}

/* The field of this name, if it is wanted. */
static json_node look_up(struct json_record *r, json_node n, const struct json_piece *name)
{
    if (!name->escaped)
        return json_tree_field(r->tree, n, name->begin, name->length);
    char *plain = scratch(r, name->length);
    size_t length = json_scan_unescape(name->begin, name->length, plain);
    return json_tree_field(r->tree, n, plain, length);
}

static uint64_t load(const char *text)
{
    uint64_t word;
    memcpy(&word, text, sizeof word);
    return word;
}

/* Remember that a field is at this position. */
static void remember(struct json_record *r, json_node n, size_t position, json_node field)
{
    struct slot *slot = &r->slots[n];
    if (position >= GUESSES_MAX)
        return;
    if (slot->guesses == NULL)
        slot->guesses = mem_calloc(GUESSES_MAX, sizeof *slot->guesses);
    struct guess *g = &slot->guesses[position];
    g->node = field;
    g->token = json_tree_token(r->tree, field, &g->length);
    g->first = g->last = g->mask = 0;
    memcpy(&g->first, g->token, g->length < 8 ? g->length : 8);
    memset(&g->mask, 0xFF, g->length < 8 ? g->length : 8);
    if (g->length >= 8)
        g->last = load(g->token + g->length - 8);
}

/* Does the text begin with it? Eight bytes can always be read, see JSON_SCAN_PADDING. */
static bool is_token(const struct guess *g, const char *text, size_t left)
{
    if (g->token == NULL || left < g->length)
        return false;
    if (g->length < 8)
        return ((load(text) ^ g->first) & g->mask) == 0;
    if (load(text) != g->first || load(text + g->length - 8) != g->last)
        return false;
    return g->length <= 16 || memcmp(text + 8, g->token + 8, g->length - 16) == 0;
}

static bool scan_node(struct json_record *r, struct json_scan *s, json_node n);

/* A field that is wanted; the second one of its name makes the record a fault. */
static bool scan_field(struct json_record *r, struct json_scan *s, json_node n, const char *name)
{
    if (r->slots[n].record == r->number && r->twice == NULL)
        r->twice = name;
    return scan_node(r, s, n);
}

/* A field of node `n`, whatever its name. */
static bool scan_any_field(struct json_record *r, struct json_scan *s, json_node n, size_t position)
{
    struct json_piece piece;
    if (!json_scan_name(s, &piece))
        return false;
    json_node field = look_up(r, n, &piece);
    if (field == JSON_NO_NODE)
        return json_scan_value(s, &piece);
    remember(r, n, position, field);
    return scan_field(r, s, field, piece.begin);
}

/* Most records have their fields in the order of the one before. */
static bool scan_fields(struct json_record *r, struct json_scan *s, json_node n)
{
    bool closed = json_scan_open(s, '}');
    for (size_t i = 0; !closed; i++) {
        const struct guess *guesses = r->slots[n].guesses;
        const struct guess *g = guesses != NULL && i < GUESSES_MAX ? &guesses[i] : NULL;
        bool scanned;
        if (g != NULL && is_token(g, s->at, (size_t)(s->end - s->at))) {
            const char *name = s->at + 1;
            s->at += g->length;
            json_scan_blanks(s);
            scanned = scan_field(r, s, g->node, name);
        } else {
            scanned = scan_any_field(r, s, n, i);
        }
        if (!scanned || !json_scan_next(s, '}', &closed))
            return false;
    }
    return true;
}

static bool scan_elements(struct json_record *r, struct json_scan *s, json_node n)
{
    bool closed = json_scan_open(s, ']');
    for (size_t i = 0; !closed; i++) {
        struct json_piece piece;
        json_node element = json_tree_element(r->tree, n, i);
        if (element != JSON_NO_NODE ? !scan_node(r, s, element) : !json_scan_value(s, &piece))
            return false;
        if (!json_scan_next(s, ']', &closed))
            return false;
    }
    return true;
}

/* The value of a node. This calls itself as often as a path has steps, and no more. */
static bool scan_node(struct json_record *r, struct json_scan *s, json_node n)
{
    struct slot *slot = &r->slots[n];
    const char *begin = s->at;
    bool object = *begin == '{' && json_tree_has_fields(r->tree, n);
    bool array = *begin == '[' && json_tree_has_elements(r->tree, n);
    slot->record = r->number;
    if (!object && !array)
        return json_scan_value(s, &slot->piece);
    if (object ? !scan_fields(r, s, n) : !scan_elements(r, s, n))
        return false;
    slot->piece = (struct json_piece){begin, (size_t)(s->at - begin),
                                      object ? JSON_OBJECT : JSON_ARRAY, false};
    return true;
}

bool json_record_scan(struct json_record *r, struct json_scan *s)
{
    r->number++;
    r->twice = NULL;
    if (!scan_node(r, s, 0))
        return false;
    r->whole = r->slots[0].piece;
    r->objects += r->whole.kind == JSON_OBJECT;
    return true;
}

/* Had a record any value, or null, for the column whose alternatives these are? */
static bool was_met(const struct json_record *r, const json_node *nodes, size_t count)
{
    for (size_t a = 0; a < count; a++)
        if (r->slots[nodes[a]].record != 0)
            return true;
    return false;
}

bool json_record_met(const struct json_wanted *w, const struct json_record *r)
{
    return was_met(r, w->nodes, w->columns[0].from.count);
}

int json_wanted_check(const struct json_wanted *w, struct reader *reader,
                      struct json_record *const *records, size_t count, struct error *err)
{
    uint64_t objects = 0;
    for (size_t k = 0; k < count; k++)
        objects += records[k]->objects;
    const json_node *nodes = w->nodes;
    for (size_t i = 0; i < w->count && objects > 0; i++) {
        const struct reader_column *c = &w->columns[i];
        bool met = c->optional;
        for (size_t k = 0; k < count && !met; k++)
            met = was_met(records[k], nodes, c->from.count);
        nodes += c->from.count;
        if (met)
            continue;
        struct reader_texts names;
        int rc = reader_names(reader, &names, err);
        return rc == ERR_OK ? reader_missing(reader, c, &names, err) : rc;
    }
    return ERR_OK;
}

/* --- values ---------------------------------------------------------------------------------- */

static bool is_met(const struct json_record *r, json_node n)
{
    return r->slots[n].record == r->number;
}

/*
 * Whatever is in the place where a path should have continued, unless that is null; NULL: it could
 * continue.
 */
static const struct json_piece *obstacle(const struct json_record *r, json_node n)
{
    bool element = json_tree_is_element(r->tree, n);
    json_node parent = json_tree_parent(r->tree, n);
    while (!is_met(r, parent)) {
        element = json_tree_is_element(r->tree, parent);
        parent = json_tree_parent(r->tree, parent);
    }
    const struct json_piece *piece = &r->slots[parent].piece;
    bool good = piece->kind == (element ? JSON_ARRAY : JSON_OBJECT) || piece->kind == JSON_NULL;
    return good ? NULL : piece;
}

/* Where a piece begins for people: at its quote. */
static const char *place_of(const struct json_piece *piece)
{
    return piece->kind == JSON_STRING ? piece->begin - 1 : piece->begin;
}

static bool fail(struct json_fault *fault, size_t column, const struct json_piece *piece,
                 char *reason)
{
    *fault = (struct json_fault){place_of(piece), column, piece->begin, piece->length, reason};
    return false;
}

static const char *with_article(enum json_kind kind)
{
    switch (kind) {
    case JSON_OBJECT:
        return "an object";
    case JSON_ARRAY:
        return "an array";
    case JSON_NUMBER:
        return "a number";
    case JSON_STRING:
        return "a text";
    case JSON_TRUE:
    case JSON_FALSE:
        return "a boolean";
    case JSON_NULL:
        break;
    }
    return "null";
}

/* No alternative of a column is in the record. */
static bool take_nothing(const struct json_record *r, size_t i, const json_node *nodes,
                         struct column *out, struct json_fault *fault)
{
    const struct reader_column *c = &r->wanted->columns[i];
    for (size_t a = 0; a < c->from.count; a++) {
        const struct json_piece *piece = obstacle(r, nodes[a]);
        if (piece != NULL)
            return fail(fault, i, piece,
                        mem_printf("is %s, so that %s leads nowhere", with_article(piece->kind),
                                   c->from.items[a]));
    }
    if (c->required) {
        fail(fault, i, &r->whole, mem_strdup("has no value, but must have one"));
        fault->value = NULL;
        return false;
    }
    column_add_null(out);
    return true;
}

/* The text that a piece stands for. */
static const char *text_of(struct json_record *r, const struct json_piece *piece, size_t *length)
{
    bool nested = piece->kind == JSON_OBJECT || piece->kind == JSON_ARRAY;
    *length = piece->length;
    if (!nested && !piece->escaped)
        return piece->begin;
    char *text = scratch(r, piece->length);
    *length = nested ? json_scan_compact(piece->begin, piece->length, text)
                     : json_scan_unescape(piece->begin, piece->length, text);
    return text;
}

static bool is_truth(const struct json_piece *piece)
{
    return piece->kind == JSON_TRUE || piece->kind == JSON_FALSE;
}

static bool take_piece(struct json_record *r, size_t i, const struct json_piece *piece,
                       struct column *out, struct json_fault *fault)
{
    const struct reader_column *c = &r->wanted->columns[i];
    enum cast_outcome outcome = CAST_NULL;
    size_t length = 0;
    const char *text = NULL;
    if (piece->kind == JSON_NULL) {
        column_add_null(out);
    } else if (piece->kind >= JSON_OBJECT && out->type.kind != TYPE_TEXT) {
        return fail(fault, i, piece,
                    mem_printf("is %s: only a text column takes it", with_article(piece->kind)));
    } else if (out->type.kind == TYPE_BOOLEAN && is_truth(piece)) {
        outcome = cast_boolean(c->cast, piece->kind == JSON_TRUE, out);
    } else {
        text = text_of(r, piece, &length);
        outcome = piece->kind == JSON_NUMBER ? cast_number(c->cast, text, length, out)
                                             : cast_text(c->cast, text, length, out);
    }
    if (outcome == CAST_BAD)
        return fail(fault, i, piece, cast_reason(c->cast, text, length));
    if (outcome == CAST_NULL && c->required)
        return fail(fault, i, piece, mem_strdup("has no value, but must have one"));
    return true;
}

/* The first alternative of a column that the record has. */
static const struct json_piece *first_found(const struct json_record *r, const json_node *nodes,
                                            size_t count)
{
    for (size_t a = 0; a < count; a++)
        if (is_met(r, nodes[a]))
            return &r->slots[nodes[a]].piece;
    return NULL;
}

bool json_record_take(struct json_record *r, struct batch *values, struct json_fault *fault)
{
    const json_node *nodes = r->wanted->nodes;
    if (r->whole.kind != JSON_OBJECT)
        return fail(fault, SIZE_MAX, &r->whole,
                    mem_printf("is %s, not an object", with_article(r->whole.kind)));
    if (r->twice != NULL) {
        struct json_scan name = {r->twice - 1, r->whole.begin + r->whole.length, NULL};
        struct json_piece piece;
        bool scanned = json_scan_string(&name, &piece);
        assert(scanned);
        (void)scanned;
        fail(fault, SIZE_MAX, &r->whole,
             mem_printf("has the name \"%.*s\" twice", (int)piece.length, piece.begin));
        fault->at = r->twice;
        return false;
    }
    for (size_t i = 0; i < r->wanted->count; i++) {
        size_t count = r->wanted->columns[i].from.count;
        const struct json_piece *piece = first_found(r, nodes, count);
        struct column *out = &values->columns[i];
        if (piece != NULL ? !take_piece(r, i, piece, out, fault)
                          : !take_nothing(r, i, nodes, out, fault))
            return false;
        nodes += count;
    }
    return true;
}

bool json_record_keep(const struct json_record *r, struct json_piece *pieces, size_t stride,
                      size_t i)
{
    const json_node *nodes = r->wanted->nodes;
    if (r->whole.kind != JSON_OBJECT || r->twice != NULL)
        return false;
    for (size_t k = 0; k < r->wanted->count; k++) {
        size_t count = r->wanted->columns[k].from.count;
        const struct json_piece *piece = first_found(r, nodes, count);
        for (size_t a = 0; a < count && piece == NULL; a++)
            if (json_tree_parent(r->tree, nodes[a]) != 0)
                return false;
        pieces[k * stride + i] = piece != NULL ? *piece : (struct json_piece){.kind = JSON_NULL};
        nodes += count;
    }
    return true;
}

/* Append the value of a piece; false: it does not fit. */
static bool take_plain(struct json_record *r, size_t k, const struct json_piece *piece,
                       struct column *out)
{
    const struct reader_column *c = &r->wanted->columns[k];
    struct json_fault fault = {0};
    enum cast_outcome outcome;
    if (piece->kind == JSON_STRING && !piece->escaped)
        outcome = cast_text(c->cast, piece->begin, piece->length, out);
    else if (piece->kind == JSON_NUMBER)
        outcome = cast_number(c->cast, piece->begin, piece->length, out);
    else if (take_piece(r, k, piece, out, &fault))
        return true;
    else
        outcome = CAST_BAD;
    free(fault.reason);
    return outcome == CAST_VALUE || (outcome == CAST_NULL && !c->required);
}

static bool is_plain(const struct json_piece *piece)
{
    return (piece->kind == JSON_STRING && !piece->escaped) || piece->kind == JSON_NUMBER;
}

/* The plain values from `i` on, together. Returns how many; SIZE_MAX: one of them does not fit. */
static size_t take_run(struct json_record *r, size_t k, const struct json_piece *pieces, size_t i,
                       size_t count, const char *base, struct column *out)
{
    struct cast_span spans[RUN_MAX];
    size_t run = 0;
    do {
        const struct json_piece *piece = &pieces[i + run];
        spans[run++] = (struct cast_span){(uint32_t)(piece->begin - base), (uint32_t)piece->length};
    } while (run < RUN_MAX && i + run < count && is_plain(&pieces[i + run]));
    size_t nulls = out->nulls;
    if (cast_texts(r->wanted->columns[k].cast, base, spans, run, out) < run)
        return SIZE_MAX;
    return r->wanted->columns[k].required && out->nulls > nulls ? SIZE_MAX : run;
}

bool json_record_take_all(struct json_record *r, const struct json_piece *pieces, size_t stride,
                          size_t count, const char *base, struct batch *values)
{
    bool good = true;
    for (size_t k = 0; k < r->wanted->count && good; k++) {
        const struct json_piece *column = &pieces[k * stride];
        struct column *out = &values->columns[k];
        bool together = cast_is_plain(r->wanted->columns[k].cast);
        for (size_t i = 0; i < count && good;) {
            size_t run = 0;
            if (together && is_plain(&column[i]))
                run = take_run(r, k, column, i, count, base, out);
            else
                run = take_plain(r, k, &column[i], out) ? 1 : SIZE_MAX;
            good = run != SIZE_MAX;
            i += run;
        }
    }
    if (!good)
        batch_truncate(values, values->rows);
    return good;
}

/* --- names ----------------------------------------------------------------------------------- */

void json_names_init(struct json_names *n)
{
    *n = (struct json_names){.tree = json_tree_new()};
}

void json_names_release(struct json_names *n)
{
    for (size_t i = 0; i < n->count; i++)
        free(n->items[i]);
    free(n->items);
    json_tree_free(n->tree);
    *n = (struct json_names){0};
}

static void add_name(struct json_names *n, const struct json_piece *name,
                     struct json_excess *excess)
{
    char *plain = mem_alloc(name->length);
    size_t length = json_scan_unescape(name->begin, name->length, plain);
    bool too_long = length > READ_NAME_MAX;
    if (json_tree_field(n->tree, 0, plain, length) != JSON_NO_NODE) {
        /* known */
    } else if (!too_long && n->count < READ_COLUMNS_MAX) {
        n->items = mem_grow(n->items, n->count, &n->capacity, sizeof *n->items);
        n->items[n->count++] = json_path_of_name(plain, length);
        json_tree_add_field(n->tree, 0, plain, length);
    } else if (excess->at == NULL) {
        *excess = (struct json_excess){name->begin, too_long};
    }
    free(plain);
}

bool json_names_scan(struct json_names *n, struct json_scan *s, struct json_excess *excess)
{
    *excess = (struct json_excess){NULL, false};
    struct json_piece piece;
    if (*s->at != '{')
        return json_scan_value(s, &piece);
    bool closed = json_scan_open(s, '}');
    while (!closed) {
        if (!json_scan_name(s, &piece))
            return false;
        add_name(n, &piece, excess);
        if (!json_scan_value(s, &piece) || !json_scan_next(s, '}', &closed))
            return false;
    }
    return true;
}

int json_names_refuse(const struct reader_file *file, uint64_t line, uint64_t column, bool too_long,
                      struct error *err)
{
    static const char advice[] = "Name the columns that are wanted under `columns`.";
    if (too_long)
        return error_set(err, ERR_LIMIT, "%s:%llu:%llu: a name is longer than %d bytes. %s",
                         file->shown, (unsigned long long)line, (unsigned long long)column,
                         READ_NAME_MAX, advice);
    return error_set(err, ERR_LIMIT,
                     "%s:%llu:%llu: with this one the records have more than %d names. %s",
                     file->shown, (unsigned long long)line, (unsigned long long)column,
                     READ_COLUMNS_MAX, advice);
}
