#include "cli/repair_list.h"

#include <string.h>

#include "cli/table.h"
#include "cli/text.h"

/* Rows of the table for people, and witnesses of each. JSON has all of them. */
#define ROWS 20
#define NAMED_BY 3

static const char *state_of(const struct repair_view *view)
{
    if (!view->found.exists)
        return "lost";
    if (!view->found.intact)
        return "damaged";
    return repair_went_back(view) ? "went_back" : "intact";
}

/* Nothing where the pointer is as it should be; else what was published last and is whole. */
static const struct candidate *proposed(const struct repair_view *view)
{
    const struct evidence *e = &view->evidence;
    const struct witness *latest = evidence_latest(e, true);
    const struct candidate *current =
        view->found.intact ? evidence_find(e, &view->found.pointer.current) : NULL;
    if (latest == NULL || (current != NULL && current->whole && !repair_went_back(view)))
        return NULL;
    return evidence_find(e, &latest->version);
}

/* What was published last, where that is not whole: setting anything else gives it up. */
static const struct witness *lost(const struct repair_view *view, const struct candidate *choice)
{
    const struct witness *latest = evidence_latest(&view->evidence, false);
    bool same = latest == NULL || version_id_equal(&latest->version, &choice->version);
    return same ? NULL : latest;
}

static bool is_proposed(const struct repair_view *view, const struct candidate *c)
{
    const struct candidate *choice = proposed(view);
    return choice != NULL && choice == c;
}

static bool is_current(const struct repair_view *view, const struct candidate *c)
{
    return view->found.intact && version_id_equal(&view->found.pointer.current, &c->version);
}

/* ---- JSON ---------------------------------------------------------------------------------- */

static struct json *encode_witnesses(const struct repair_view *view, const struct candidate *c)
{
    struct json *list = json_new_array();
    size_t count;
    const struct witness *w = evidence_of(&view->evidence, &c->version, &count);
    for (size_t i = 0; i < count; i++) {
        struct json *one = json_new_object();
        json_set_string(one, "by", w[i].who);
        json_set_unsigned(one, "gc_epoch", w[i].gc_epoch);
        json_append(list, one);
    }
    return list;
}

static struct json *encode(const struct repair_view *view, const struct candidate *c)
{
    struct json *object = json_new_object();
    size_t count;
    text_set_version(object, &c->version);
    json_set_string(object, "manifest", c->key);
    text_set_time(object, "created_at", c->time);
    json_set_bool(object, "current", is_current(view, c));
    json_set_bool(object, "proposed", is_proposed(view, c));
    json_set_bool(object, "published", evidence_of(&view->evidence, &c->version, &count) != NULL);
    json_set_bool(object, "whole", c->whole);
    json_set_bool(object, "readable", c->readable);
    json_set_unsigned(object, "files_missing", c->missing);
    json_set(object, "named_by", encode_witnesses(view, c));
    return object;
}

void repair_list_json(const struct opened *in, const struct repair_view *view)
{
    const struct evidence *e = &view->evidence;
    const struct candidate *choice = proposed(view);
    struct json *object = json_new_object();
    struct json *list = json_new_array();
    json_set_string(object, "dataset", in->config.dataset);
    json_set_string(object, "pointer", state_of(view));
    json_set_string(object, "proposed", choice != NULL ? choice->key : NULL);
    for (size_t i = e->candidate_count; i > 0; i--)
        json_append(list, encode(view, &e->candidates[i - 1]));
    json_set(object, "candidates", list);
    text_print_json(object);
}

/* ---- Text ---------------------------------------------------------------------------------- */

static const char *describe(const struct repair_view *view, const struct candidate *c)
{
    size_t count;
    bool published = evidence_of(&view->evidence, &c->version, &count) != NULL;
    if (!c->readable)
        return "unreadable";
    if (!c->whole)
        return c->missing > 0 ? "files are missing" : "stands on what is not whole";
    return published ? "whole" : "whole, but not known to be published";
}

static void add_row(const struct repair_view *view, const struct candidate *c, struct table *t)
{
    struct str names;
    char name[LAYOUT_NAME_SIZE];
    char time[TEXT_SIZE];
    size_t count;
    const struct witness *w = evidence_of(&view->evidence, &c->version, &count);
    str_init(&names, STR_MAX_DEFAULT);
    layout_name(&c->version, name);
    for (size_t i = 0; i < count && i < NAMED_BY; i++)
        str_printf(&names, "%s%s", i > 0 ? ", " : "", w[i].who);
    if (count > NAMED_BY)
        str_printf(&names, " and %zu more", count - NAMED_BY);
    table_cell(t, is_proposed(view, c) ? "*" : is_current(view, c) ? "=" : " ");
    table_cell(t, name);
    table_cell(t, c->readable ? text_time(c->time, time) : NULL);
    table_cell(t, describe(view, c));
    table_cell(t, names.data);
    str_release(&names);
}

static void print_state(const struct opened *in, const struct repair_view *view)
{
    const struct witness *latest = evidence_latest(&view->evidence, false);
    const char *id = in->config.dataset;
    unsigned long long sequence = view->found.pointer.current.sequence;
    if (!view->found.intact)
        text_printf("%s: the pointer is %s\n", id, state_of(view));
    else if (repair_went_back(view))
        text_printf("%s: the pointer went back to version %llu; %s speaks of version %llu\n", id,
                    sequence, latest->who, (unsigned long long)latest->version.sequence);
    else
        text_printf("%s: the pointer names version %llu (=)\n", id, sequence);
}

static void print_choice(const struct repair_view *view)
{
    const struct candidate *choice = proposed(view);
    const struct witness *given_up = choice != NULL ? lost(view, choice) : NULL;
    char name[LAYOUT_NAME_SIZE];
    if (choice != NULL)
        layout_name(&choice->version, name);
    if (given_up != NULL) {
        text_printf("Version %llu was published (%s) and is not whole: restore what it lacks, or "
                    "give it up:\n* cauce repair --replace --to %s\n",
                    (unsigned long long)given_up->version.sequence, given_up->who, name);
    } else if (choice != NULL) {
        text_printf("* was published last and is whole: cauce repair --to %s\n", name);
    } else if (!view->found.intact) {
        text_print("Nothing whole is known to be published: see the runbook.\n");
    }
}

void repair_list_text(const struct opened *in, const struct repair_view *view)
{
    static const char *const heads[] = {" ", "VERSION", "MADE AT", "STATE", "NAMED BY"};
    const struct evidence *e = &view->evidence;
    struct table table;
    struct str out;
    str_init(&out, STR_MAX_DEFAULT);
    table_init(&table, heads, sizeof heads / sizeof heads[0]);
    for (size_t i = e->candidate_count, n = 0; i > 0 && n < ROWS; i--, n++)
        add_row(view, &e->candidates[i - 1], &table);
    table_format(&table, &out);
    print_state(in, view);
    text_print(out.data);
    if (e->candidate_count > ROWS)
        text_printf("(%zu older ones are shown with --json)\n", e->candidate_count - ROWS);
    print_choice(view);
    table_release(&table);
    str_release(&out);
}
