#include "source/xlsx_book.h"

#include <stdlib.h>
#include <string.h>

#include "source/members.h"
#include "source/xlsx_part.h"
#include "util/mem.h"
#include "util/str.h"
#include "util/utf8.h"

#define SHEETS_MAX 1000
#define RELATIONS_MAX 10000
#define STYLES_MAX 100000
#define TEXTS_MAX 50000000
#define NAMES_SHOWN_MAX 500

struct relation {
    char *id;
    char *target;
    char *type;
};

struct sheet {
    char *name;
    char *relation;
};

struct format {
    unsigned long number;
    enum xlsx_kind kind;
};

/* A workbook while it is being opened. */
struct loading {
    struct xlsx_book *book;
    struct relation *relations;
    size_t relation_count;
    size_t relation_capacity;
    struct sheet *sheets;
    size_t sheet_count;
    size_t sheet_capacity;
    struct format *formats;
    size_t format_count;
    size_t format_capacity;
    bool in_styles; /* of cells: <cellXfs> */
    unsigned phonetic;
    bool in_text;
    size_t text_begin;
    size_t most; /* bytes of all texts */
    bool full;
};

static void ignore_end(void *ctx, const char *name)
{
    (void)ctx;
    (void)name;
}

static void ignore_text(void *ctx, const char *text, size_t length)
{
    (void)ctx;
    (void)text;
    (void)length;
}

/* --- relations: which part is what ------------------------------------------------------------ */

static void on_relation(void *ctx, const char *name, const char **attributes)
{
    struct loading *l = ctx;
    const char *id = xlsx_part_attribute(attributes, "Id");
    const char *target = xlsx_part_attribute(attributes, "Target");
    const char *type = xlsx_part_attribute(attributes, "Type");
    if (strcmp(name, "Relationship") != 0 || id == NULL || target == NULL || type == NULL ||
        l->relation_count == RELATIONS_MAX)
        return;
    l->relations =
        mem_grow(l->relations, l->relation_count, &l->relation_capacity, sizeof *l->relations);
    l->relations[l->relation_count++] =
        (struct relation){mem_strdup(id), mem_strdup(target), mem_strdup(type)};
}

static void forget_relations(struct loading *l)
{
    for (size_t i = 0; i < l->relation_count; i++) {
        free(l->relations[i].id);
        free(l->relations[i].target);
        free(l->relations[i].type);
    }
    l->relation_count = 0;
}

/* Those of a part: "xl/workbook.xml" has them in "xl/_rels/workbook.xml.rels". */
static int read_relations(struct loading *l, const char *part, struct error *err)
{
    const struct xlsx_events events = {on_relation, ignore_end, ignore_text, l};
    const char *slash = strrchr(part, '/');
    size_t folder = slash != NULL ? (size_t)(slash + 1 - part) : 0;
    char *name = mem_printf("%.*s_rels/%s.rels", (int)folder, part, part + folder);
    bool found;
    forget_relations(l);
    int rc = xlsx_part_read(l->book->file, name, l->book->limit, &events, &found, err);
    free(name);
    return rc;
}

/* A target as a path inside the archive. A new string. */
static char *resolve(const char *part, const char *target)
{
    const char *slash = strrchr(part, '/');
    if (*target == '/')
        return mem_strdup(target + 1);
    return mem_printf("%.*s%s", slash != NULL ? (int)(slash + 1 - part) : 0, part, target);
}

/* The first relation whose type ends like this; NULL: none. */
static const struct relation *by_type(const struct loading *l, const char *end)
{
    for (size_t i = 0; i < l->relation_count; i++)
        if (str_ends(l->relations[i].type, end))
            return &l->relations[i];
    return NULL;
}

static const struct relation *by_id(const struct loading *l, const char *id)
{
    for (size_t i = 0; i < l->relation_count; i++)
        if (strcmp(l->relations[i].id, id) == 0)
            return &l->relations[i];
    return NULL;
}

/* --- the workbook ----------------------------------------------------------------------------- */

static bool is_true(const char *text)
{
    return text != NULL && (strcmp(text, "1") == 0 || strcmp(text, "true") == 0);
}

static void on_workbook(void *ctx, const char *name, const char **attributes)
{
    struct loading *l = ctx;
    if (strcmp(name, "workbookPr") == 0)
        l->book->from_1904 = is_true(xlsx_part_attribute(attributes, "date1904"));
    if (strcmp(name, "sheet") != 0 || l->sheet_count == SHEETS_MAX)
        return;
    const char *title = xlsx_part_attribute(attributes, "name");
    const char *id = xlsx_part_attribute(attributes, "id");
    if (title == NULL || id == NULL)
        return;
    l->sheets = mem_grow(l->sheets, l->sheet_count, &l->sheet_capacity, sizeof *l->sheets);
    l->sheets[l->sheet_count++] = (struct sheet){mem_strdup(title), mem_strdup(id)};
}

static int no_sheet(const struct loading *l, const char *wanted, struct error *err)
{
    struct str names;
    str_init(&names, NAMES_SHOWN_MAX);
    for (size_t i = 0; i < l->sheet_count; i++)
        str_printf(&names, "%s\"%s\"", i > 0 ? ", " : "", l->sheets[i].name);
    error_set(err, ERR_GATE, "%s has no sheet%s%s%s; it has %s%s.", l->book->file->shown,
              wanted != NULL ? " \"" : "", wanted != NULL ? wanted : "",
              wanted != NULL ? "\" (`sheet`)" : "", l->sheet_count > 0 ? names.data : "none",
              names.full ? ", ..." : "");
    str_release(&names);
    return ERR_GATE;
}

/* The sheet of that name, or the first that is a sheet of cells. */
static int find_sheet(struct loading *l, const char *workbook, const char *wanted,
                      struct error *err)
{
    for (size_t i = 0; i < l->sheet_count && l->book->sheet == NULL; i++) {
        const struct relation *r = by_id(l, l->sheets[i].relation);
        if (r == NULL || !str_ends(r->type, "/worksheet"))
            continue;
        if (wanted == NULL || strcmp(l->sheets[i].name, wanted) == 0)
            l->book->sheet = resolve(workbook, r->target);
    }
    return l->book->sheet != NULL ? ERR_OK : no_sheet(l, wanted, err);
}

/* --- styles ----------------------------------------------------------------------------------- */

static enum xlsx_kind kind_of_format(const struct loading *l, unsigned long number)
{
    for (size_t i = 0; i < l->format_count; i++)
        if (l->formats[i].number == number)
            return l->formats[i].kind;
    return xlsx_format_of_number(number);
}

static void on_style(void *ctx, const char *name, const char **attributes)
{
    struct loading *l = ctx;
    struct xlsx_book *b = l->book;
    const char *id = xlsx_part_attribute(attributes, "numFmtId");
    const char *code = xlsx_part_attribute(attributes, "formatCode");
    unsigned long number = id != NULL ? strtoul(id, NULL, 10) : 0;
    if (strcmp(name, "cellXfs") == 0)
        l->in_styles = true;
    if (strcmp(name, "numFmt") == 0 && code != NULL && l->format_count < STYLES_MAX) {
        l->formats = mem_grow(l->formats, l->format_count, &l->format_capacity, sizeof *l->formats);
        l->formats[l->format_count++] = (struct format){number, xlsx_format_of_code(code)};
    }
    if (l->in_styles && strcmp(name, "xf") == 0 && b->style_count < STYLES_MAX) {
        b->styles = mem_grow(b->styles, b->style_count, &b->style_capacity, sizeof *b->styles);
        b->styles[b->style_count++] = kind_of_format(l, number);
    }
}

static void on_style_end(void *ctx, const char *name)
{
    struct loading *l = ctx;
    if (strcmp(name, "cellXfs") == 0)
        l->in_styles = false;
}

/* --- shared texts ----------------------------------------------------------------------------- */

static void on_shared(void *ctx, const char *name, const char **attributes)
{
    (void)attributes;
    struct loading *l = ctx;
    if (strcmp(name, "rPh") == 0)
        l->phonetic++;
    l->in_text = strcmp(name, "t") == 0 && l->phonetic == 0;
    if (strcmp(name, "si") == 0)
        l->text_begin = l->book->text_bytes;
}

static void on_shared_end(void *ctx, const char *name)
{
    struct loading *l = ctx;
    struct xlsx_book *b = l->book;
    l->in_text = false;
    if (strcmp(name, "rPh") == 0)
        l->phonetic--;
    if (strcmp(name, "si") != 0 || b->text_count == TEXTS_MAX)
        return;
    b->text_bytes =
        l->text_begin + xlsx_book_unescape(b->texts + l->text_begin, b->text_bytes - l->text_begin);
    b->text_ends =
        mem_grow(b->text_ends, b->text_count, &b->text_end_capacity, sizeof *b->text_ends);
    b->text_ends[b->text_count++] = b->text_bytes;
}

static void on_shared_text(void *ctx, const char *text, size_t length)
{
    struct loading *l = ctx;
    struct xlsx_book *b = l->book;
    if (!l->in_text)
        return;
    l->full = l->full || length > l->most - b->text_bytes;
    if (l->full)
        return;
    if (length > b->text_capacity - b->text_bytes) {
        b->text_capacity = (b->text_capacity + length) * 2;
        b->texts = mem_resize(b->texts, b->text_capacity, 1);
    }
    memcpy(b->texts + b->text_bytes, text, length);
    b->text_bytes += length;
}

static int read_shared(struct loading *l, const char *part, struct error *err)
{
    const struct xlsx_events events = {on_shared, on_shared_end, on_shared_text, l};
    bool found;
    l->book->texts = mem_alloc(1);
    int rc = xlsx_part_read(l->book->file, part, l->book->limit, &events, &found, err);
    if (rc == ERR_OK && (l->full || l->book->text_count == TEXTS_MAX))
        rc = error_set(err, ERR_LIMIT,
                       "the texts that the sheets of %s share have more than %zu MiB. Raise "
                       "`memory`, or save the sheet as CSV.",
                       l->book->file->shown, l->most >> 20);
    return rc;
}

/* --- all of it -------------------------------------------------------------------------------- */

static int read_named(struct loading *l, const char *workbook, const char *type,
                      int (*read)(struct loading *, const char *, struct error *),
                      struct error *err)
{
    const struct relation *r = by_type(l, type);
    if (r == NULL)
        return ERR_OK;
    char *part = resolve(workbook, r->target);
    int rc = read(l, part, err);
    free(part);
    return rc;
}

static int read_styles(struct loading *l, const char *part, struct error *err)
{
    const struct xlsx_events events = {on_style, on_style_end, ignore_text, l};
    bool found;
    return xlsx_part_read(l->book->file, part, l->book->limit, &events, &found, err);
}

static int read_workbook(struct loading *l, const char *part, const char *wanted, struct error *err)
{
    const struct xlsx_events events = {on_workbook, ignore_end, ignore_text, l};
    bool found;
    int rc = xlsx_part_read(l->book->file, part, l->book->limit, &events, &found, err);
    if (rc == ERR_OK && !found)
        rc = error_set(err, ERR_SOURCE, "%s is not an Excel workbook: it has no %s.",
                       l->book->file->shown, part);
    if (rc == ERR_OK)
        rc = read_relations(l, part, err);
    if (rc == ERR_OK)
        rc = find_sheet(l, part, wanted, err);
    if (rc == ERR_OK)
        rc = read_named(l, part, "/styles", read_styles, err);
    if (rc == ERR_OK)
        rc = read_named(l, part, "/sharedStrings", read_shared, err);
    return rc;
}

static void release_loading(struct loading *l)
{
    forget_relations(l);
    for (size_t i = 0; i < l->sheet_count; i++) {
        free(l->sheets[i].name);
        free(l->sheets[i].relation);
    }
    free(l->relations);
    free(l->sheets);
    free(l->formats);
}

int xlsx_book_open(const struct reader_file *file, const struct read_options *options,
                   struct xlsx_book *out, struct error *err)
{
    struct loading l = {.book = out};
    *out = (struct xlsx_book){.file = file};
    l.most = options->memory > XLSX_TEXTS_MAX ? options->memory : XLSX_TEXTS_MAX;
    int rc = members_limit(file, options->max_bytes, &out->limit, err);
    if (rc == ERR_OK)
        rc = read_relations(&l, "", err);
    const struct relation *r = by_type(&l, "/officeDocument");
    char *workbook = resolve("", r != NULL ? r->target : "xl/workbook.xml");
    if (rc == ERR_OK)
        rc = read_workbook(&l, workbook, options->sheet, err);
    free(workbook);
    release_loading(&l);
    return rc;
}

void xlsx_book_release(struct xlsx_book *b)
{
    free(b->styles);
    free(b->texts);
    free(b->text_ends);
    free(b->sheet);
    *b = (struct xlsx_book){0};
}

bool xlsx_book_text(const struct xlsx_book *b, size_t number, const char **text, size_t *length)
{
    if (number >= b->text_count)
        return false;
    size_t begin = number > 0 ? b->text_ends[number - 1] : 0;
    *text = b->texts + begin;
    *length = b->text_ends[number] - begin;
    return true;
}

/* The character of _xHHHH_ at `p`; 0: it is not one (or half of a pair, which stays as it is). */
static unsigned escaped(const char *p, size_t length)
{
    static const char digits[] = "0123456789ABCDEFabcdef";
    unsigned c = 0;
    if (length < 7 || p[0] != '_' || p[1] != 'x' || p[6] != '_')
        return 0;
    for (int i = 2; i < 6; i++) {
        const char *digit = memchr(digits, p[i], sizeof digits - 1);
        if (digit == NULL)
            return 0;
        unsigned value = (unsigned)(digit - digits);
        c = c * 16 + (value < 16 ? value : value - 6);
    }
    return c >= 0xD800 && c <= 0xDFFF ? 0 : c;
}

size_t xlsx_book_unescape(char *text, size_t length)
{
    size_t from = 0;
    size_t to = 0;
    if (length < 7 || memmem(text, length, "_x", 2) == NULL)
        return length;
    while (from < length) {
        unsigned c = escaped(text + from, length - from);
        if (c != 0) {
            to += utf8_encode(c, text + to);
            from += 7;
        } else {
            text[to++] = text[from++];
        }
    }
    return to;
}
