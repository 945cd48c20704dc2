#include "engine/csv_scan.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/mem.h"
#include "util/stop.h"

#define CHUNK ((size_t)256 << 10)

/* What the bytes so far are part of. From FIELD on there is something to do when it is entered. */
enum state {
    START,   /* nothing of the row yet */
    SPACE,   /* one space, where a quote may still follow */
    SPACES,  /* more of them: the value has begun */
    PLAIN,   /* a value without quotes */
    QUOTED,  /* inside quotes */
    ESCAPED, /* just behind an escape inside quotes */
    CLOSED,  /* behind the closing quote */
    PART1,   /* the first byte of a delimiter */
    PART2,
    PART3,
    FIELD,       /* nothing of a value that is not the first */
    QUOTED_LINE, /* just behind a line ending inside quotes */
    BROKEN,      /* just behind text that must not follow the closing quote */
    NOTE,        /* a comment behind nothing but spaces */
    REMARK,      /* a comment behind values */
    END,         /* just behind the row's line ending, or its first byte */
    STATES
};
_Static_assert(STATES == CSV_SCAN_STATES, "the table has a row for every state");

struct rule {
    const struct csv_dialect *dialect;
    unsigned char (*next)[256];
};

static void set(const struct rule *r, enum state from, char byte, enum state to)
{
    r->next[from][(unsigned char)byte] = (unsigned char)to;
}

/* Transitions of a state outside quotes: line endings, delimiter, comment. */
static void outside_quotes(const struct rule *r, enum state from, enum state otherwise)
{
    const struct csv_dialect *d = r->dialect;
    memset(r->next[from], (int)otherwise, sizeof r->next[from]);
    set(r, from, '\n', END);
    set(r, from, '\r', END);
    if (d->delimiter[0] != '\0')
        set(r, from, d->delimiter[0], d->delimiter[1] != '\0' ? PART1 : FIELD);
    if (d->comment == '\0' || from == PART1 || from == PART2 || from == PART3)
        return;
    bool bare = from == START || from == SPACE || from == SPACES;
    set(r, from, d->comment, bare ? NOTE : REMARK);
}

static void inside_quotes(const struct rule *r, enum state from)
{
    const struct csv_dialect *d = r->dialect;
    memset(r->next[from], QUOTED, sizeof r->next[from]);
    set(r, from, '\n', QUOTED_LINE);
    set(r, from, '\r', QUOTED_LINE);
    if (from == ESCAPED || d->quote == '\0')
        return;
    if (d->escape != '\0')
        set(r, from, d->escape, ESCAPED);
    set(r, from, d->quote, CLOSED);
}

static void behind_quotes(const struct rule *r)
{
    const struct csv_dialect *d = r->dialect;
    outside_quotes(r, CLOSED, BROKEN);
    if (d->quote != '\0' && d->quote == d->escape)
        set(r, CLOSED, d->quote, QUOTED);
    if (d->delimiter[0] != ' ' && d->quote != ' ' && d->escape != ' ' && d->comment != ' ')
        set(r, CLOSED, ' ', CLOSED);
}

static void before_value(const struct rule *r, enum state from)
{
    outside_quotes(r, from, PLAIN);
    if (r->dialect->quote != '\0')
        set(r, from, r->dialect->quote, QUOTED);
    if (r->dialect->delimiter[0] != ' ')
        set(r, from, ' ', from == SPACE ? SPACES : SPACE);
}

/* A delimiter of several bytes, with DuckDB's way to begin anew when it breaks off. */
static void long_delimiter(const struct rule *r)
{
    const char *d = r->dialect->delimiter;
    size_t length = strlen(d);
    for (int part = PART1; part <= PART3; part++)
        outside_quotes(r, (enum state)part, PLAIN);
    if (length == 2)
        set(r, PART1, d[1], FIELD);
    if (length == 3) {
        if (d[0] == d[1])
            set(r, PART2, d[1], PART2);
        set(r, PART1, d[1], PART2);
        set(r, PART2, d[2], FIELD);
    }
    if (length == 4) {
        if (d[0] == d[2])
            set(r, PART3, d[1], PART2);
        if (d[0] == d[1] && d[1] == d[2])
            set(r, PART3, d[1], PART3);
        set(r, PART1, d[1], PART2);
        set(r, PART2, d[2], PART3);
        set(r, PART3, d[3], FIELD);
    }
}

static void make_table(struct csv_scan *s, const struct csv_dialect *dialect)
{
    struct rule r = {.dialect = dialect, .next = s->next};
    before_value(&r, START);
    before_value(&r, FIELD);
    before_value(&r, SPACE);
    outside_quotes(&r, SPACES, PLAIN);
    if (dialect->delimiter[0] != ' ')
        set(&r, SPACES, ' ', SPACES);
    outside_quotes(&r, PLAIN, PLAIN);
    outside_quotes(&r, BROKEN, PLAIN);
    inside_quotes(&r, QUOTED);
    inside_quotes(&r, QUOTED_LINE);
    inside_quotes(&r, ESCAPED);
    behind_quotes(&r);
    long_delimiter(&r);
    memset(s->next[NOTE], NOTE, sizeof s->next[NOTE]);
    memset(s->next[REMARK], REMARK, sizeof s->next[REMARK]);
    for (int state = NOTE; state <= REMARK; state++) {
        set(&r, (enum state)state, '\n', END);
        set(&r, (enum state)state, '\r', END);
    }
    s->delimiter_length = strlen(dialect->delimiter);
    s->quote = dialect->quote;
    s->comment = dialect->comment;
}

int csv_scan_read_at(const struct csv_scan *s, uint64_t offset, void *bytes, size_t count,
                     size_t *got, struct error *err)
{
    *got = 0;
    while (*got < count) {
        ssize_t n = pread(s->fd, (char *)bytes + *got, count - *got, (off_t)(offset + *got));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return error_set_errno(err, ERR_SOURCE, errno, "Cannot read %s", s->path);
        if (n == 0)
            break;
        *got += (size_t)n;
    }
    return ERR_OK;
}

static bool buffer_has(const struct csv_scan *s, char byte)
{
    return byte != '\0' && memchr(s->buffer, byte, s->filled) != NULL;
}

/* The next part of the file into the buffer; `filled` is 0 at its end. */
static int refill(struct csv_scan *s, struct error *err)
{
    s->base += s->filled;
    s->at = 0;
    s->filled = 0;
    int rc = stop_check(err);
    if (rc == ERR_OK)
        rc = csv_scan_read_at(s, s->base, s->buffer, CHUNK, &s->filled, err);
    s->plain = s->rows_only && !buffer_has(s, s->quote) && !buffer_has(s, s->comment);
    s->returns = buffer_has(s, '\r');
    return rc;
}

int csv_scan_open(struct csv_scan *s, const char *path, const struct csv_dialect *dialect,
                  struct error *err)
{
    memset(s, 0, sizeof *s);
    s->path = path;
    s->line = 1;
    s->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (s->fd < 0)
        return error_set_errno(err, ERR_SOURCE, errno, "Cannot open %s", path);
    s->buffer = mem_alloc(CHUNK);
    make_table(s, dialect);
    int rc = refill(s, err);
    if (rc != ERR_OK) {
        csv_scan_close(s);
        return rc;
    }
    if (s->filled >= 3 && memcmp(s->buffer, "\xef\xbb\xbf", 3) == 0) {
        s->at = 3;
        s->line_begin = 3;
    }
    return ERR_OK;
}

void csv_scan_close(struct csv_scan *s)
{
    if (s->buffer == NULL)
        return;
    free(s->buffer);
    s->buffer = NULL;
    close(s->fd);
}

void csv_scan_visit(struct csv_scan *s, csv_field_visit *visit, void *ctx)
{
    s->visit = visit;
    s->ctx = ctx;
}

static uint64_t here(const struct csv_scan *s)
{
    return s->base + s->at;
}

/* A line has ended; what comes next begins another one. */
static void begin_line(struct csv_scan *s, enum csv_line_end kind)
{
    if (s->first_end == CSV_LINE_END_NONE) {
        s->first_end = kind;
        s->first_end_line = s->line;
    }
    s->line++;
    s->line_begin = here(s);
}

/* A line ending whose first byte has just been read: its second one too. */
static int end_line(struct csv_scan *s, enum csv_line_end *kind, struct error *err)
{
    *kind = s->buffer[s->at - 1] == '\n' ? CSV_LINE_END_LF : CSV_LINE_END_CR;
    if (*kind == CSV_LINE_END_CR) {
        int rc = s->at < s->filled ? ERR_OK : refill(s, err);
        if (rc != ERR_OK)
            return rc;
        if (s->at < s->filled && s->buffer[s->at] == '\n') {
            s->at++;
            *kind = CSV_LINE_END_CRLF;
        }
    }
    begin_line(s, *kind);
    return ERR_OK;
}

/* Values of a row as it is read. */
struct reading {
    struct csv_row *row;
    struct csv_field field;
    uint64_t remark; /* offset of the comment behind the values */
};

static int end_field(struct csv_scan *s, struct reading *r, uint64_t end, struct error *err)
{
    r->field.end = end;
    r->row->fields++;
    return s->visit != NULL ? s->visit(s->ctx, &r->field, err) : ERR_OK;
}

static void begin_field(const struct csv_scan *s, struct reading *r, size_t index)
{
    r->field = (struct csv_field){
        .index = index, .begin = here(s), .line = s->line, .line_begin = s->line_begin};
}

/* The row has ended in `state`, at `end`: what was it? */
static int end_row(struct csv_scan *s, struct reading *r, enum state state, uint64_t end,
                   struct error *err)
{
    struct csv_row *row = r->row;
    if (state == NOTE) {
        row->kind = CSV_ROW_NOTE;
        return ERR_OK;
    }
    if (state == START) {
        row->kind = CSV_ROW_BLANK;
        return ERR_OK;
    }
    row->kind = CSV_ROW_RECORD;
    row->open = state == QUOTED || state == QUOTED_LINE || state == ESCAPED;
    return end_field(s, r, state == REMARK ? r->remark : end, err);
}

/* Bytes that change nothing: what most of a file is made of. */
static void skip_same(struct csv_scan *s, enum state state)
{
    const unsigned char *next = s->next[state];
    size_t at = s->at;
    while (at < s->filled && next[s->buffer[at]] == state)
        at++;
    s->at = at;
}

static int check_length(const struct csv_scan *s, const struct csv_row *row, struct error *err)
{
    if (s->row_limit == 0 || here(s) - row->begin <= s->row_limit)
        return ERR_OK;
    return error_set(
        err, ERR_LIMIT,
        "%s: the record that begins on line %llu is longer than %llu bytes. A quote "
        "that is not closed makes one record of all that follows: check that line, and "
        "`quote` and `skip_lines` in the configuration.",
        s->path, (unsigned long long)row->line, (unsigned long long)s->row_limit);
}

/* One byte has led from `state` to `now`; `*done` where it ended the row. */
static int step(struct csv_scan *s, struct reading *r, enum state state, enum state now, bool *done,
                struct error *err)
{
    enum csv_line_end kind;
    uint64_t at = here(s) - 1;
    int rc = ERR_OK;
    switch (now) {
    case FIELD:
        rc = end_field(s, r, at + 1 - s->delimiter_length, err);
        begin_field(s, r, r->field.index + 1);
        break;
    case QUOTED_LINE:
        rc = end_line(s, &kind, err);
        break;
    case BROKEN:
        r->row->broken++;
        break;
    case NOTE:
    case REMARK:
        if (state == now)
            break;
        r->remark = at;
        r->row->remark = now == REMARK || r->row->fields > 0;
        r->row->counts = state == PLAIN || state == SPACES;
        break;
    case END:
        rc = end_row(s, r, state, at, err);
        if (rc == ERR_OK)
            rc = end_line(s, &r->row->line_end, err);
        *done = true;
        break;
    default:
        break;
    }
    return rc;
}

/* A row that is one line, where quotes and comments are out of the question; false: look closer. */
static bool next_line(struct csv_scan *s, struct csv_row *row)
{
    unsigned char *from = s->buffer + s->at;
    unsigned char *to = s->plain ? memchr(from, '\n', s->filled - s->at) : NULL;
    if (to == NULL)
        return false;
    size_t length = (size_t)(to - from);
    unsigned char *cr = s->returns ? memchr(from, '\r', length) : NULL;
    if (cr != NULL && cr != to - 1)
        return false;
    row->kind = length == (cr != NULL) ? CSV_ROW_BLANK : CSV_ROW_RECORD;
    row->line_end = cr != NULL ? CSV_LINE_END_CRLF : CSV_LINE_END_LF;
    s->at += length + 1;
    row->end = here(s);
    begin_line(s, row->line_end);
    return true;
}

int csv_scan_next(struct csv_scan *s, struct csv_row *row, struct error *err)
{
    *row = (struct csv_row){.begin = here(s), .line = s->line, .counts = true};
    if (next_line(s, row))
        return ERR_OK;
    struct reading r = {.row = row};
    begin_field(s, &r, 0);
    enum state state = START;
    bool done = false;
    int rc = ERR_OK;
    while (rc == ERR_OK && !done) {
        if (s->at == s->filled) {
            rc = check_length(s, row, err);
            if (rc == ERR_OK)
                rc = refill(s, err);
            if (rc != ERR_OK || s->filled == 0)
                break;
        }
        enum state now = (enum state)s->next[state][s->buffer[s->at++]];
        if (now >= FIELD)
            rc = step(s, &r, state, now, &done, err);
        state = now;
        if (state == PLAIN || state == QUOTED || state == NOTE || state == REMARK)
            skip_same(s, state);
    }
    row->end = here(s);
    if (rc == ERR_OK && !done && state != START)
        rc = end_row(s, &r, state, row->end, err);
    if (rc == ERR_OK)
        rc = check_length(s, row, err);
    return rc;
}

int csv_scan_seek(struct csv_scan *s, const struct csv_row *row, struct error *err)
{
    s->base = row->begin;
    s->filled = 0;
    s->line = row->line;
    s->line_begin = row->begin;
    return refill(s, err);
}
