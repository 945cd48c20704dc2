#include "net/xml.h"

#include <expat.h>
#include <stdlib.h>
#include <string.h>

#include "util/mem.h"

#define PATH_SIZE 256
#define TEXT_MAX ((size_t)64 << 10)
#define DEPTH_MAX 16

/* A walk over a document: `visit` is called at the end of each element, with its path from the root
 * ("ListBucketResult/Contents/Key") and its text. */
struct xml_walk {
    XML_Parser parser;
    char path[PATH_SIZE];
    size_t marks[DEPTH_MAX]; /* length of the path before each open element */
    size_t depth;
    struct str text;
    bool refused; /* a limit or a document type */
    void (*visit)(struct xml_walk *walk, void *ctx, const char *text);
    void *ctx;
};

static void refuse(struct xml_walk *w)
{
    w->refused = true;
    XML_StopParser(w->parser, XML_FALSE);
}

static void XMLCALL on_start(void *data, const XML_Char *name, const XML_Char **attributes)
{
    (void)attributes;
    struct xml_walk *w = data;
    const char *colon = strrchr(name, ':');
    const char *local = colon != NULL ? colon + 1 : name;
    size_t used = strlen(w->path);
    size_t length = strlen(local);
    if (w->depth == DEPTH_MAX || used + length + 2 > sizeof w->path) {
        refuse(w);
        return;
    }
    w->marks[w->depth++] = used;
    if (used > 0)
        w->path[used++] = '/';
    memcpy(w->path + used, local, length + 1);
    str_clear(&w->text);
}

static void XMLCALL on_text(void *data, const XML_Char *text, int length)
{
    struct xml_walk *w = data;
    str_append_bytes(&w->text, text, (size_t)length);
    if (w->text.full)
        refuse(w);
}

static void XMLCALL on_end(void *data, const XML_Char *name)
{
    (void)name;
    struct xml_walk *w = data;
    if (w->refused)
        return;
    w->visit(w, w->ctx, w->text.data);
    w->path[w->marks[--w->depth]] = '\0';
    str_clear(&w->text);
}

static void XMLCALL on_doctype(void *data, const XML_Char *name, const XML_Char *system,
                               const XML_Char *public, int internal)
{
    (void)name;
    (void)system;
    (void)public;
    (void)internal;
    refuse(data);
}

/* Walk the document; false where it is not a well-formed document within the limits. */
bool xml_walk(const char *bytes, size_t count,
              void (*visit)(struct xml_walk *, void *, const char *), void *ctx)
{
    /* Some servers send blanks while they work, to keep the connection alive. */
    while (count > 0 && (*bytes == ' ' || *bytes == '\n' || *bytes == '\r')) {
        bytes++;
        count--;
    }
    if (count == 0 || count > XML_BODY_MAX)
        return false;
    struct xml_walk w = {.visit = visit, .ctx = ctx};
    w.parser = XML_ParserCreate(NULL);
    if (w.parser == NULL)
        abort();
    str_init(&w.text, TEXT_MAX);
    XML_SetUserData(w.parser, &w);
    XML_SetElementHandler(w.parser, on_start, on_end);
    XML_SetCharacterDataHandler(w.parser, on_text);
    XML_SetStartDoctypeDeclHandler(w.parser, on_doctype);
    bool good = XML_Parse(w.parser, bytes, (int)count, 1) == XML_STATUS_OK && !w.refused;
    str_release(&w.text);
    XML_ParserFree(w.parser);
    return good;
}

/* Does the path of the element just ended end in `tail`, at a whole name? */
bool xml_at(const struct xml_walk *w, const char *tail)
{
    size_t n = strlen(w->path);
    size_t m = strlen(tail);
    if (n < m || memcmp(w->path + n - m, tail, m) != 0)
        return false;
    return n == m || w->path[n - m - 1] == '/';
}

size_t xml_depth(const struct xml_walk *w)
{
    return w->depth;
}

bool xml_within(const struct xml_walk *w, const char *root)
{
    size_t n = strlen(root);
    return strncmp(w->path, root, n) == 0 && (w->path[n] == '/' || w->path[n] == '\0');
}

/* The text that is wanted. */
struct text_state {
    const char *path;
    char *found;
};

static void visit_text(struct xml_walk *w, void *ctx, const char *text)
{
    struct text_state *s = ctx;
    if (s->found == NULL && xml_at(w, s->path))
        s->found = mem_strdup(text);
}

int xml_text(const char *bytes, size_t count, const char *path, char **out, struct error *err)
{
    struct text_state s = {.path = path};
    if (xml_walk(bytes, count, visit_text, &s) && s.found != NULL && *s.found != '\0') {
        *out = s.found;
        return ERR_OK;
    }
    free(s.found);
    *out = NULL;
    return error_set(err, ERR_DAMAGED, "The server's answer has no element %s.", path);
}

void xml_escape(const char *text, struct str *out)
{
    for (const char *p = text; *p != '\0'; p++) {
        switch (*p) {
        case '&':
            str_append(out, "&amp;");
            break;
        case '<':
            str_append(out, "&lt;");
            break;
        case '>':
            str_append(out, "&gt;");
            break;
        case '"':
            str_append(out, "&quot;");
            break;
        case '\'':
            str_append(out, "&apos;");
            break;
        default:
            str_append_char(out, *p);
        }
    }
}
