#include "util/mem.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static _Noreturn void die(size_t count, size_t size)
{
    fprintf(stderr,
            "cauce: out of memory (%zu x %zu bytes). Nothing partial was made visible; "
            "run again with more memory or a smaller `memory` setting.\n",
            count, size);
    abort();
}

void *mem_alloc(size_t size)
{
    void *p = malloc(size > 0 ? size : 1);
    if (p == NULL)
        die(1, size);
    return p;
}

void *mem_calloc(size_t count, size_t size)
{
    void *p = calloc(count > 0 ? count : 1, size > 0 ? size : 1);
    if (p == NULL)
        die(count, size);
    return p;
}

void *mem_resize(void *old, size_t count, size_t size)
{
    if (size != 0 && count > SIZE_MAX / size)
        die(count, size);
    size_t bytes = count * size;
    void *p = realloc(old, bytes > 0 ? bytes : 1);
    if (p == NULL)
        die(count, size);
    return p;
}

char *mem_strdup(const char *text)
{
    return text == NULL ? NULL : mem_strndup(text, strlen(text));
}

char *mem_strndup(const char *text, size_t length)
{
    char *copy = mem_alloc(length + 1);
    memcpy(copy, text, length);
    copy[length] = '\0';
    return copy;
}

char *mem_printf(const char *format, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, format);
    int n = vasprintf(&text, format, args);
    va_end(args);
    if (n < 0)
        die(1, 0);
    return text;
}

void *mem_grow(void *array, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity)
        return array;
    if (*capacity > SIZE_MAX / 2)
        die(*capacity, size);
    size_t wanted = *capacity < 8 ? 8 : *capacity * 2;
    array = mem_resize(array, wanted, size);
    *capacity = wanted;
    return array;
}
