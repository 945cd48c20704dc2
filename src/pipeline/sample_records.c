#include "pipeline/sample_records.h"

#include <stdbool.h>
#include <string.h>

#include "util/mem.h"
#include "util/str.h"

#define DEPTH_MAX 8

/* A walk through the objects at the beginning of a document. */
struct walk {
    const char *bytes;
    size_t count;
    size_t at;
    const char *names[DEPTH_MAX]; /* of the fields that are open; in the text, without quotes */
    size_t lengths[DEPTH_MAX];
    size_t depth; /* objects that are open */
};

static char look(struct walk *w)
{
    while (w->at < w->count && strchr(" \t\r\n", w->bytes[w->at]) != NULL && w->bytes[w->at] != 0)
        w->at++;
    return w->at < w->count ? w->bytes[w->at] : '\0';
}

/* The place after the string that begins here. */
static void skip_string(struct walk *w)
{
    for (w->at++; w->at < w->count && w->bytes[w->at] != '"'; w->at++)
        if (w->bytes[w->at] == '\\')
            w->at++;
    w->at++;
}

/*
 * The place after the value that begins here: a string, an array with all that is in it, or a word.
 */
static void skip_value(struct walk *w)
{
    size_t open = 0;
    do {
        char c = look(w);
        if (c == '"') {
            skip_string(w);
            continue;
        }
        if (c == '[' || c == '{')
            open++;
        else if (open > 0 && (c == ']' || c == '}'))
            open--;
        else if (open == 0)
            while (w->at + 1 < w->count && strchr(",]} \t\r\n", w->bytes[w->at + 1]) == NULL)
                w->at++;
        w->at++;
    } while (open > 0 && w->at < w->count);
}

static bool is_array_of_objects(struct walk *w)
{
    struct walk ahead = *w;
    ahead.at++;
    return look(&ahead) == '{';
}

/* A name that is written in a path as it is. */
static bool is_plain(const char *name, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (strchr(".[]\"'\\$ ", name[i]) != NULL)
            return false;
    return length > 0;
}

static char *path_of(const struct walk *w)
{
    struct str path;
    str_init(&path, 4096);
    for (size_t i = 0; i < w->depth; i++) {
        if (!is_plain(w->names[i], w->lengths[i])) {
            str_release(&path);
            return NULL;
        }
        str_append(&path, i > 0 ? "." : "");
        str_append_bytes(&path, w->names[i], w->lengths[i]);
    }
    return str_detach(&path);
}

/* The name of a field, and the colon after it. */
static bool take_name(struct walk *w)
{
    size_t begin = w->at + 1;
    skip_string(w);
    size_t end = w->at - 1;
    if (w->at > w->count || look(w) != ':')
        return false;
    w->names[w->depth - 1] = w->bytes + begin;
    w->lengths[w->depth - 1] = end - begin;
    w->at++;
    return true;
}

char *sample_records_of(const char *head, size_t count)
{
    struct walk w = {.bytes = head, .count = count};
    if (look(&w) != '{')
        return NULL;
    while (w.at < w.count) {
        char c = look(&w);
        if (c == '{' && w.depth < DEPTH_MAX) {
            w.depth++;
            w.at++;
        } else if (c == '}' && w.depth > 1) {
            w.depth--;
            w.at++;
        } else if (c == ',') {
            w.at++;
        } else if (c != '"' || w.depth == 0 || !take_name(&w)) {
            return NULL;
        } else if (look(&w) == '[' && is_array_of_objects(&w)) {
            return path_of(&w);
        } else if (look(&w) != '{') {
            skip_value(&w);
        }
    }
    return NULL;
}
