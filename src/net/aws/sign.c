#include "net/aws/sign.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "util/digest.h"
#include "util/hex.h"
#include "util/mem.h"
#include "util/time.h"

#define CANONICAL_MAX ((size_t)1 << 20)
#define DAY_LENGTH 8

static bool unreserved(unsigned char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

static void encode(const char *text, bool keep_slash, struct str *out)
{
    static const char digits[] = "0123456789ABCDEF";
    for (const unsigned char *p = (const unsigned char *)text; *p != '\0'; p++) {
        if (unreserved(*p) || (keep_slash && *p == '/')) {
            str_append_char(out, (char)*p);
            continue;
        }
        const char escaped[3] = {'%', digits[*p >> 4], digits[*p & 15]};
        str_append_bytes(out, escaped, sizeof escaped);
    }
}

void aws_sign_path(const char *key, struct str *out)
{
    if (key[0] != '/')
        str_append_char(out, '/');
    encode(key, true, out);
}

void aws_sign_encode(const char *value, struct str *out)
{
    encode(value, false, out);
}

static int compare_pairs(const void *a, const void *b)
{
    const struct http_pair *x = a;
    const struct http_pair *y = b;
    int order = strcmp(x->name, y->name);
    return order != 0 ? order : strcmp(x->value, y->value);
}

static char *encoded(const char *text)
{
    struct str s;
    str_init(&s, STR_MAX_DEFAULT);
    encode(text, false, &s);
    return str_detach(&s);
}

void aws_sign_query(const struct http_pair *parameters, size_t count, struct str *out)
{
    if (count == 0)
        return;
    /*
     * SigV4 sorts the encoded text, not what it stands for: the order differs beyond ASCII letters.
     */
    struct http_pair *sorted = mem_calloc(count, sizeof *sorted);
    for (size_t i = 0; i < count; i++)
        sorted[i] = (struct http_pair){encoded(parameters[i].name), encoded(parameters[i].value)};
    qsort(sorted, count, sizeof *sorted, compare_pairs);
    for (size_t i = 0; i < count; i++) {
        str_printf(out, "%s%s=%s", i == 0 ? "" : "&", sorted[i].name, sorted[i].value);
        free(mem_unconst(sorted[i].name));
        free(mem_unconst(sorted[i].value));
    }
    free(sorted);
}

int aws_sign_date(int64_t microseconds, char out[AWS_SIGN_DATE_SIZE], struct error *err)
{
    char compact[TIME_TEXT_SIZE];
    int rc = time_format_compact(microseconds, compact, err);
    if (rc != ERR_OK)
        return rc;
    memcpy(out, compact, AWS_SIGN_DATE_SIZE - 2);
    out[AWS_SIGN_DATE_SIZE - 2] = 'Z';
    out[AWS_SIGN_DATE_SIZE - 1] = '\0';
    return ERR_OK;
}

/* Headers of one request, sorted by name; equal names stay in the order given. */
struct sorted_headers {
    const struct http_pair *at[AWS_SIGN_HEADERS_MAX];
    size_t count;
};

static int sort_headers(const struct aws_sign_request *request, struct sorted_headers *sorted,
                        struct error *err)
{
    if (request->header_count > AWS_SIGN_HEADERS_MAX)
        return error_set(err, ERR_LIMIT,
                         "A request with %zu headers cannot be signed; at most %d "
                         "are supported.",
                         request->header_count, AWS_SIGN_HEADERS_MAX);
    sorted->count = request->header_count;
    for (size_t i = 0; i < sorted->count; i++) {
        size_t j = i;
        for (; j > 0 && strcmp(sorted->at[j - 1]->name, request->headers[i].name) > 0; j--)
            sorted->at[j] = sorted->at[j - 1];
        sorted->at[j] = &request->headers[i];
    }
    return ERR_OK;
}

/* The value without blanks around it, and with runs of blanks inside as one. */
static void append_trimmed(const char *value, struct str *out)
{
    bool pending = false;
    bool any = false;
    for (const char *p = value; *p != '\0'; p++) {
        if (*p == ' ' || *p == '\t') {
            pending = any;
            continue;
        }
        if (pending)
            str_append_char(out, ' ');
        pending = false;
        any = true;
        str_append_char(out, *p);
    }
}

static bool same_name(const struct sorted_headers *sorted, size_t i)
{
    return i > 0 && strcmp(sorted->at[i - 1]->name, sorted->at[i]->name) == 0;
}

static void append_signed_names(const struct sorted_headers *sorted, struct str *out)
{
    for (size_t i = 0; i < sorted->count; i++) {
        if (!same_name(sorted, i))
            str_printf(out, "%s%s", i == 0 ? "" : ";", sorted->at[i]->name);
    }
}

static void append_headers(const struct sorted_headers *sorted, struct str *out)
{
    for (size_t i = 0; i < sorted->count; i++) {
        if (same_name(sorted, i))
            str_append_char(out, ',');
        else
            str_printf(out, "%s%s:", i == 0 ? "" : "\n", sorted->at[i]->name);
        append_trimmed(sorted->at[i]->value, out);
    }
    str_append_char(out, '\n');
}

static void append_canonical(const struct aws_sign_request *request,
                             const struct sorted_headers *sorted, struct str *out)
{
    str_printf(out, "%s\n%s\n%s\n", request->method, request->path, request->query);
    append_headers(sorted, out);
    str_append_char(out, '\n');
    append_signed_names(sorted, out);
    str_printf(out, "\n%s", request->payload_sha256);
}

int aws_sign_canonical(const struct aws_sign_request *request, struct str *out, struct error *err)
{
    struct sorted_headers sorted;
    int rc = sort_headers(request, &sorted, err);
    if (rc != ERR_OK)
        return rc;
    append_canonical(request, &sorted, out);
    return str_check(out, "The canonical form of a request", err);
}

static void append_scope(const struct aws_sign_request *request, struct str *out)
{
    str_append_bytes(out, request->date, DAY_LENGTH);
    str_printf(out, "/%s/%s/aws4_request", request->region, request->service);
}

/* The string to sign, made of the canonical request. */
static int string_to_sign(const struct aws_sign_request *request, struct str *out,
                          struct error *err)
{
    if (strlen(request->date) != AWS_SIGN_DATE_SIZE - 1)
        return error_set(err, ERR_CONFIG, "\"%s\" is not a date that a request can be signed with.",
                         request->date);
    struct str canonical;
    str_init(&canonical, CANONICAL_MAX);
    int rc = aws_sign_canonical(request, &canonical, err);
    if (rc == ERR_OK) {
        char digest[SHA256_HEX_SIZE];
        sha256_hex(canonical.data, canonical.len, digest);
        str_printf(out, "AWS4-HMAC-SHA256\n%s\n", request->date);
        append_scope(request, out);
        str_printf(out, "\n%s", digest);
        rc = str_check(out, "The text of a request to sign", err);
    }
    str_release(&canonical);
    return rc;
}

/* kSigning of the specification: a chain of HMACs over day, region, service and a constant. */
static void signing_key(const struct aws_sign_request *request, const char *secret,
                        unsigned char out[SHA256_SIZE])
{
    char *seed = mem_printf("AWS4%s", secret);
    hmac_sha256(seed, strlen(seed), request->date, DAY_LENGTH, out);
    explicit_bzero(seed, strlen(seed));
    free(seed);
    unsigned char next[SHA256_SIZE];
    const char *const steps[] = {request->region, request->service, "aws4_request"};
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        hmac_sha256(out, SHA256_SIZE, steps[i], strlen(steps[i]), next);
        memcpy(out, next, SHA256_SIZE);
    }
    explicit_bzero(next, sizeof next);
}

int aws_sign_authorization(const struct aws_sign_request *request, const struct aws_sign_key *key,
                           struct str *out, struct error *err)
{
    struct sorted_headers sorted;
    struct str text;
    str_init(&text, CANONICAL_MAX);
    int rc = sort_headers(request, &sorted, err);
    if (rc == ERR_OK)
        rc = string_to_sign(request, &text, err);
    if (rc != ERR_OK)
        goto done;
    unsigned char signing[SHA256_SIZE];
    unsigned char mac[SHA256_SIZE];
    char signature[SHA256_HEX_SIZE];
    signing_key(request, key->secret, signing);
    hmac_sha256(signing, sizeof signing, text.data, text.len, mac);
    explicit_bzero(signing, sizeof signing);
    digest_to_hex(mac, sizeof mac, signature);
    str_printf(out, "AWS4-HMAC-SHA256 Credential=%s/", key->access_key_id);
    append_scope(request, out);
    str_append(out, ", SignedHeaders=");
    append_signed_names(&sorted, out);
    str_printf(out, ", Signature=%s", signature);
    rc = str_check(out, "The signature of a request", err);
done:
    str_release(&text);
    return rc;
}

void aws_sign_base64(const unsigned char *bytes, size_t count, struct str *out)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < count; i += 3) {
        uint32_t group = (uint32_t)bytes[i] << 16;
        if (i + 1 < count)
            group |= (uint32_t)bytes[i + 1] << 8;
        if (i + 2 < count)
            group |= bytes[i + 2];
        char four[4] = {alphabet[group >> 18], alphabet[group >> 12 & 63],
                        i + 1 < count ? alphabet[group >> 6 & 63] : '=',
                        i + 2 < count ? alphabet[group & 63] : '='};
        str_append_bytes(out, four, sizeof four);
    }
}

void aws_sign_base64_of_hex(const char *hex, struct str *out)
{
    unsigned char bytes[SHA256_SIZE];
    size_t count = strlen(hex) / 2;
    if (count > sizeof bytes)
        count = sizeof bytes;
    bool good = hex_decode(hex, count, bytes);
    assert(good);
    (void)good;
    aws_sign_base64(bytes, count, out);
}
