/* Many texts at once: cast_texts of value/cast.h. */
#include "value/cast.h"

size_t cast_texts(const struct cast *c, const char *base, const struct cast_span *texts,
                  size_t count, struct column *out)
{
    for (size_t i = 0; i < count; i++)
        if (cast_text(c, base + texts[i].at, texts[i].length, out) == CAST_BAD)
            return i;
    return count;
}
