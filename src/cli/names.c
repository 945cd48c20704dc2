#include "cli/names.h"

#include <ctype.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "config/config.h"
#include "util/mem.h"
#include "util/str.h"

char *names_of_file(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash != NULL ? slash + 1 : path;
    const char *point = strrchr(name, '.');
    size_t length = point != NULL && point > name ? (size_t)(point - name) : strlen(name);
    struct str id;
    str_init(&id, CONFIG_DATASET_MAX);
    for (size_t i = 0; i < length; i++) {
        int c = tolower((unsigned char)name[i]);
        bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (plain || c == '_' || (id.len > 0 && id.data[id.len - 1] != '-'))
            str_append_char(&id, plain || c == '_' ? (char)c : '-');
    }
    while (id.len > 0 && id.data[id.len - 1] == '-')
        id.data[--id.len] = '\0';
    const char *begin = id.data + strspn(id.data, "_-");
    char *out = mem_strdup(*begin != '\0' ? begin : "example");
    str_release(&id);
    return out;
}

char *names_relative(const char *from, const char *to)
{
    size_t common = 0; /* length of the folders that both begin with, including the last slash */
    size_t i = 0;
    for (; from[i] != '\0' && from[i] == to[i]; i++)
        if (to[i] == '/')
            common = i + 1;
    if (from[i] == '\0' && to[i] == '/')
        common = i + 1;
    struct str out;
    str_init(&out, STR_MAX_DEFAULT);
    for (const char *rest = from + (common <= strlen(from) ? common : strlen(from)); *rest != '\0';
         rest++)
        if (rest[0] != '/' && (rest[1] == '/' || rest[1] == '\0'))
            str_append(&out, "../");
    if (out.len == 0)
        str_append(&out, "./");
    str_append(&out, to + common);
    return str_detach(&out);
}
