#include "util/codec.h"

#include <stdio.h>
#include <string.h>

#include "util/mem.h"
#include "util/time.h"

void codec_unsigned(const struct codec *c, const char *name, uint64_t *value)
{
    if (c->to != NULL) {
        json_set_unsigned(c->to, name, *value);
        return;
    }
    int64_t found = json_integer(json_get(c->from, name));
    *value = found > 0 ? (uint64_t)found : 0;
}

void codec_bool(const struct codec *c, const char *name, bool *value)
{
    if (c->to != NULL)
        json_set_bool(c->to, name, *value);
    else
        *value = json_bool(json_get(c->from, name));
}

void codec_seconds(const struct codec *c, const char *name, double *seconds)
{
    static const double century = 3155760000.0;
    if (c->to != NULL) {
        json_set_real(c->to, name, *seconds);
        return;
    }
    double found = json_real(json_get(c->from, name));
    *seconds = found > 0 && found <= century ? found : 0;
}

void codec_time(const struct codec *c, const char *name, int64_t *time)
{
    char text[TIME_TEXT_SIZE];
    if (c->to != NULL) {
        bool known = *time != 0 && time_format(*time, text, NULL) == ERR_OK;
        json_set_string(c->to, name, known ? text : NULL);
    } else if (time_parse(json_string(json_get(c->from, name)), time, NULL) != ERR_OK) {
        *time = 0;
    }
}

void codec_text(const struct codec *c, const char *name, char *text, size_t size)
{
    if (c->to != NULL) {
        json_set_string(c->to, name, text[0] != '\0' ? text : NULL);
        return;
    }
    const char *found = json_string(json_get(c->from, name));
    snprintf(text, size, "%s", strlen(found) < size ? found : "");
}

void codec_owned_text(const struct codec *c, const char *name, char **text)
{
    if (c->to != NULL) {
        json_set_string(c->to, name, *text);
        return;
    }
    const struct json *found = json_get(c->from, name);
    *text = json_is_string(found) ? mem_strdup(json_string(found)) : NULL;
}

void codec_texts(const struct codec *c, const char *name, char **texts, size_t *count,
                 size_t capacity)
{
    if (c->to != NULL) {
        struct json *list = json_new_array();
        for (size_t i = 0; i < *count; i++)
            json_append(list, json_new_string(texts[i]));
        json_set(c->to, name, list);
        return;
    }
    const struct json *list = json_get(c->from, name);
    for (*count = 0; *count < capacity && *count < json_count(list); ++*count)
        texts[*count] = mem_strdup(json_string(json_at(list, *count)));
}

struct codec codec_object(const struct codec *c, const char *name)
{
    if (c->to == NULL)
        return (struct codec){NULL, json_get(c->from, name)};
    struct json *object = json_new_object();
    json_set(c->to, name, object);
    return (struct codec){object, NULL};
}
