/* Which keys and prefixes are well-formed. */
#include "store/store_backend.h"

#include <string.h>

#include "util/id.h"
#include "util/utf8.h"

/* Most bytes of a bad key that a message shows. */
#define SHOWN 160

/* C0, DEL and C1 (U+0080 to U+009F). */
static bool is_control(const unsigned char *s)
{
    return s[0] < 0x20 || s[0] == 0x7f || (s[0] == 0xc2 && s[1] < 0xa0);
}

static const char *segment_fault(const char *segment, size_t length)
{
    if (length == 0)
        return "it has an empty segment, or begins or ends with a slash";
    if ((length == 1 && segment[0] == '.') || (length == 2 && memcmp(segment, "..", 2) == 0))
        return "\".\" and \"..\" are not names";
    return NULL;
}

/* What is wrong with `length` bytes of `key` (a NUL follows at some point); NULL: nothing. */
static const char *key_fault(const char *key, size_t length)
{
    if (length == 0)
        return "it is empty";
    if (length > STORE_KEY_MAX)
        return "it is longer than 900 bytes";
    size_t start = 0;
    for (size_t i = 0; i < length;) {
        const unsigned char *s = (const unsigned char *)key + i;
        size_t n = utf8_character(key + i, length - i);
        if (n == 0)
            return "it is not UTF-8";
        if (is_control(s))
            return "it contains a control character";
        if (*s == '\\')
            return "it contains a backslash";
        if (*s == '/') {
            const char *fault = segment_fault(key + start, i - start);
            if (fault != NULL)
                return fault;
            start = i + 1;
        }
        i += n;
    }
    return segment_fault(key + start, length - start);
}

/* A copy that is safe to print: what is not printable ASCII becomes "?". */
static void make_printable(const char *text, char out[SHOWN + 1])
{
    size_t i = 0;
    for (; i < SHOWN && text[i] != '\0'; i++)
        out[i] = (char)(text[i] >= 0x20 && text[i] < 0x7f ? text[i] : '?');
    out[i] = '\0';
}

static int refuse(const char *kind, const char *text, const char *fault, struct error *err)
{
    char shown[SHOWN + 1];
    make_printable(text, shown);
    error_set(err, ERR_CONFIG, "\"%s\" cannot be the %s of an object: %s.", shown, kind, fault);
    return error_tell(err, ERR_CONFIG, ERROR_UNCHANGED, NULL);
}

int store_key_check(const char *key, struct error *err)
{
    if (key == NULL)
        return error_set(err, ERR_CONFIG, "The key of an object is missing.");
    const char *fault = key_fault(key, strlen(key));
    return fault == NULL ? ERR_OK : refuse("key", key, fault, err);
}

int store_prefix_check(const char *prefix, struct error *err)
{
    if (prefix == NULL)
        return error_set(err, ERR_CONFIG, "The prefix to list is missing.");
    size_t length = strlen(prefix);
    if (length == 0)
        return ERR_OK;
    if (prefix[length - 1] != '/')
        return refuse("prefix", prefix, "it does not end with a slash", err);
    const char *fault = key_fault(prefix, length - 1);
    return fault == NULL ? ERR_OK : refuse("prefix", prefix, fault, err);
}

const char *store_prefix_fault(const char *prefix, size_t most)
{
    size_t length = strlen(prefix);
    if (length == 0)
        return NULL;
    if (length + 1 + STORE_ROOM > most)
        return "it is so long that names of objects would not fit behind it";
    return key_fault(prefix, length);
}

size_t store_key_object(const char *key)
{
    size_t length = strlen(key);
    size_t behind = strlen(STORE_TEMP_MARK) + ID_SIZE - 1;
    if (length > behind && id_valid(key + length - (ID_SIZE - 1)) &&
        strncmp(key + length - behind, STORE_TEMP_MARK, strlen(STORE_TEMP_MARK)) == 0)
        return length - behind;
    const char *upload = strstr(key, STORE_UPLOAD_MARK);
    return upload != NULL && upload != key ? (size_t)(upload - key) : length;
}

/* ".probe/<id>-<number>-<word>" */
bool store_key_is_probe(const char *key)
{
    char id[ID_SIZE] = "";
    if (!str_starts(key, STORE_PROBE_PREFIX))
        return false;
    const char *rest = key + strlen(STORE_PROBE_PREFIX);
    size_t n = strcspn(rest, "-");
    if (n != ID_SIZE - 1)
        return false;
    memcpy(id, rest, n);
    rest += n + 1;
    size_t digits = strspn(rest, "0123456789");
    const char *word = rest + digits + 1;
    return id_valid(id) && digits > 0 && rest[digits] == '-' && word[0] != '\0' &&
           word[strspn(word, "abcdefghijklmnopqrstuvwxyz")] == '\0';
}
