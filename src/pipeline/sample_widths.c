#include "pipeline/sample_widths.h"

#include <string.h>

#define LINES_MAX 200
#define LINES_MIN 3
#define LENGTH_MAX 4000

/* What the lines have in common. */
struct lines {
    size_t count;
    size_t longest;        /* characters */
    bool same;             /* all are that long */
    bool gap;              /* some have blanks beside one another, and text behind them */
    bool used[LENGTH_MAX]; /* by character: it is no blank in some line */
};

static bool goes_on(char c)
{
    return ((unsigned char)c & 0xc0) == 0x80;
}

/* False: a line that is too long, or has tabs. */
static bool add_line(struct lines *l, const char *line, size_t length)
{
    size_t at = 0;
    for (size_t i = 0; i < length; i++) {
        if (goes_on(line[i]))
            continue;
        if (at == LENGTH_MAX || line[i] == '\t')
            return false;
        bool text = line[i] != ' ';
        l->gap = l->gap || (text && i >= 2 && line[i - 1] == ' ' && line[i - 2] == ' ');
        l->used[at++] |= text;
    }
    l->same = l->count == 0 || (l->same && at == l->longest);
    l->longest = at > l->longest ? at : l->longest;
    l->count++;
    return true;
}

static bool add_lines(struct lines *l, const char *head, size_t count, bool whole)
{
    for (const char *at = head; at < head + count && l->count < LINES_MAX;) {
        const char *end = memchr(at, '\n', (size_t)(head + count - at));
        if (end == NULL && !whole)
            break;
        size_t length = (size_t)((end != NULL ? end : head + count) - at);
        const char *next = at + length + 1;
        while (length > 0 && (at[length - 1] == '\r' || at[length - 1] == ' '))
            length--;
        if (length > 0 && !add_line(l, at, length))
            return false;
        at = next;
    }
    return l->count >= LINES_MIN;
}

size_t sample_widths_of(const char *head, size_t count, bool whole,
                        uint32_t widths[SAMPLE_WIDTHS_MAX])
{
    struct lines l = {.same = true};
    size_t columns = 0;
    size_t begin = 0;
    size_t first = 0;
    if (!add_lines(&l, head, count, whole) || (!l.gap && !l.same))
        return 0;
    while (first < l.longest && !l.used[first])
        first++;
    for (size_t i = first + 1; i < l.longest; i++) {
        if (!l.used[i] || l.used[i - 1])
            continue;
        if (columns + 1 == SAMPLE_WIDTHS_MAX)
            return 0;
        widths[columns++] = (uint32_t)(i - begin);
        begin = i;
    }
    if (columns == 0)
        return 0;
    widths[columns++] = (uint32_t)(l.longest - begin);
    return columns;
}
