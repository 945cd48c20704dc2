#include "util/str.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/mem.h"

static char empty[1] = "";

void str_init(struct str *s, size_t max)
{
    *s = (struct str){.data = empty, .max = max};
}

void str_release(struct str *s)
{
    if (s->cap > 0)
        free(s->data);
    str_init(s, s->max);
}

void str_clear(struct str *s)
{
    s->len = 0;
    s->full = false;
    if (s->cap > 0)
        s->data[0] = '\0';
}

/* Room for `more` bytes and a NUL; false where the cap forbids it. */
static bool reserve(struct str *s, size_t more)
{
    if (s->full || more > s->max || s->len > s->max - more) {
        s->full = true;
        return false;
    }
    size_t need = s->len + more + 1;
    if (need <= s->cap)
        return true;
    size_t grown = s->cap < 64 ? 64 : s->cap;
    while (grown < need)
        grown = grown > SIZE_MAX / 2 ? need : grown * 2;
    s->data = mem_resize(s->cap > 0 ? s->data : NULL, grown, 1);
    s->cap = grown;
    return true;
}

void str_append_bytes(struct str *s, const void *bytes, size_t count)
{
    if (count == 0 || !reserve(s, count))
        return;
    memcpy(s->data + s->len, bytes, count);
    s->len += count;
    s->data[s->len] = '\0';
}

void str_append(struct str *s, const char *text)
{
    str_append_bytes(s, text, strlen(text));
}

void str_append_char(struct str *s, char c)
{
    str_append_bytes(s, &c, 1);
}

void str_vprintf(struct str *s, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    if (n < 0)
        s->full = true; /* longer than INT_MAX */
    if (n > 0 && reserve(s, (size_t)n)) {
        vsnprintf(s->data + s->len, (size_t)n + 1, format, again);
        s->len += (size_t)n;
    }
    va_end(again);
}

void str_printf(struct str *s, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    str_vprintf(s, format, args);
    va_end(args);
}

void str_append_choices(struct str *s, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            str_append(s, i + 1 == count ? " or " : ", ");
        str_append(s, names[i]);
    }
}

int str_check(const struct str *s, const char *what, struct error *err)
{
    if (!s->full)
        return ERR_OK;
    return error_set(err, ERR_LIMIT, "%s is larger than the limit of %zu bytes.", what, s->max);
}

char *str_detach(struct str *s)
{
    char *text = s->cap > 0 ? s->data : mem_strdup("");
    str_init(s, s->max);
    return text;
}

bool str_starts(const char *text, const char *part)
{
    return strncmp(text, part, strlen(part)) == 0;
}

bool str_ends(const char *text, const char *part)
{
    size_t n = strlen(text);
    size_t m = strlen(part);
    return n >= m && memcmp(text + n - m, part, m) == 0;
}

#define WORD_MAX 64

static size_t least(size_t a, size_t b, size_t c)
{
    size_t m = a < b ? a : b;
    return m < c ? m : c;
}

/* Levenshtein distance, two rows; words longer than WORD_MAX never match. */
static size_t edits(const char *a, const char *b)
{
    size_t n = strlen(a);
    size_t m = strlen(b);
    if (n > WORD_MAX || m > WORD_MAX)
        return SIZE_MAX;
    size_t row[WORD_MAX + 1];
    for (size_t j = 0; j <= m; j++)
        row[j] = j;
    for (size_t i = 1; i <= n; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= m; j++) {
            size_t above = row[j];
            row[j] = least(row[j] + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1]));
            diagonal = above;
        }
    }
    return row[m];
}

const char *str_closest(const char *text, const char *const *options, size_t count)
{
    size_t length = strlen(text);
    size_t best = length < 2 ? 0 : (length + 2) / 3;
    const char *found = NULL;
    for (size_t i = 0; i < count; i++) {
        size_t n = edits(text, options[i]);
        if (n <= best && (found == NULL || n < best)) {
            best = n;
            found = options[i];
        }
    }
    return found;
}
