/* The record of a run: whatever it says, what is understood of it is written and read again the same. */
#include "fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/record.h"

static void require(int condition)
{
    if (!condition)
        abort();
}

static struct json *parse(const char *bytes, size_t count)
{
    struct json *json = NULL;
    if (json_parse(bytes, count, "the input", &json, NULL) != ERR_OK)
        return NULL;
    return json;
}

/* What is understood of a record, as the text of a record; takes the JSON over. */
static void rewrite(struct json *json, struct str *out)
{
    struct record r;
    char key[LAYOUT_KEY_SIZE];
    record_decode(json, NULL, &r);
    require(strlen(record_key(&r, key)) < sizeof key);
    struct json *again = r.kind == RECORD_RUN ? record_encode_run("demo", &r.run)
                                              : record_encode_upkeep("demo", r.kind, &r.upkeep);
    json_write_visible(again, true, out);
    json_free(again);
    record_release(&r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str first, second;
    struct json *json = parse((const char *)data, size);
    if (json == NULL)
        return 0;
    str_init(&first, RECORD_MAX_BYTES);
    str_init(&second, RECORD_MAX_BYTES);
    rewrite(json, &first);
    json = parse(first.data, first.len);
    require(json != NULL);
    rewrite(json, &second);
    require(first.len == second.len && memcmp(first.data, second.data, first.len) == 0);
    str_release(&second);
    str_release(&first);
    return 0;
}
