#include "pipeline/sample_name.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "config/config.h"
#include "util/mem.h"
#include "util/utf8.h"
#include "util/visible.h"

#define NUMBER_SIZE 16 /* room for what distinguishes names, or comes before them */

static bool is_taken(const char *name, const struct schema *s, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcasecmp(s->columns[i].name, name) == 0)
            return true;
    return false;
}

/* Not too long, and without what nobody sees. */
static char *clean(const char *source)
{
    size_t length = strlen(source);
    if (length > CONFIG_COLUMN_NAME_MAX)
        length = utf8_prefix(source, CONFIG_COLUMN_NAME_MAX - NUMBER_SIZE);
    char *name = mem_strndup(source, length);
    char *to = name;
    for (const char *from = name; *from != '\0';) {
        uint32_t code;
        size_t hidden = visible_hides(from, &code);
        *to++ = hidden > 0 ? '_' : *from;
        from += hidden > 0 ? hidden : 1;
    }
    *to = '\0';
    return name;
}

char *sample_name_of(const char *source, const struct schema *s, size_t count)
{
    char *plain = config_name_fault(source) == NULL ? mem_strdup(source) : clean(source);
    char *base =
        config_name_fault(plain) == NULL ? mem_strdup(plain) : mem_printf("column%s", plain);
    char *name = mem_strdup(base);
    if (strlen(base) > CONFIG_COLUMN_NAME_MAX - NUMBER_SIZE)
        base[utf8_prefix(base, CONFIG_COLUMN_NAME_MAX - NUMBER_SIZE)] = '\0';
    for (unsigned n = 2; is_taken(name, s, count); n++) {
        free(name);
        name = mem_printf("%s.%u", base, n);
    }
    free(plain);
    free(base);
    return name;
}
