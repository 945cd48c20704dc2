/*
 * SigV4 against the vectors in tests/data/sigv4. One vector a file, one item a line, a word and its
 * value: key, secret, region, service, date, method, path (raw), query NAME=VALUE (raw), header
 * NAME:VALUE, payload (hex digest of the body; without it, the digest of nothing), signature.
 */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "net/aws/sign.h"

#define EMPTY_SHA256 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define ITEMS_MAX 16

struct vector {
    char text[8192];
    struct http_pair headers[ITEMS_MAX];
    size_t header_count;
    struct http_pair query[ITEMS_MAX];
    size_t query_count;
    const char *key, *secret, *region, *service, *date, *method, *path, *payload, *signature;
};

static struct http_pair split(char *text, char at)
{
    char *mark = strchr(text, at);
    assert_non_null(mark);
    *mark = '\0';
    return (struct http_pair){text, mark + 1};
}

static void take_line(struct vector *v, char *line)
{
    char *value = strchr(line, ' ');
    if (line[0] == '#' || value == NULL)
        return;
    *value++ = '\0';
    const struct {
        const char *word;
        const char **at;
    } plain[] = {
        {"key", &v->key},         {"secret", &v->secret},   {"region", &v->region},
        {"service", &v->service}, {"date", &v->date},       {"method", &v->method},
        {"path", &v->path},       {"payload", &v->payload}, {"signature", &v->signature},
    };
    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++) {
        if (strcmp(line, plain[i].word) == 0)
            *plain[i].at = value;
    }
    if (strcmp(line, "header") == 0)
        v->headers[v->header_count++] = split(value, ':');
    if (strcmp(line, "query") == 0)
        v->query[v->query_count++] = split(value, '=');
}

static void load(const char *path, struct vector *v)
{
    *v = (struct vector){.payload = EMPTY_SHA256};
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    size_t n = fread(v->text, 1, sizeof v->text - 1, f);
    fclose(f);
    v->text[n] = '\0';
    char *rest = v->text;
    while (rest != NULL && *rest != '\0') {
        char *line = strsep(&rest, "\n");
        take_line(v, line);
    }
    assert_non_null(v->signature);
}

static void sign(const struct vector *v, struct str *out)
{
    struct str path;
    struct str query;
    str_init(&path, 4096);
    str_init(&query, 4096);
    aws_sign_path(v->path, &path);
    aws_sign_query(v->query, v->query_count, &query);
    const struct aws_sign_request request = {
        .method = v->method,
        .path = path.data,
        .query = query.data,
        .headers = v->headers,
        .header_count = v->header_count,
        .payload_sha256 = v->payload,
        .date = v->date,
        .region = v->region,
        .service = v->service,
    };
    const struct aws_sign_key key = {v->key, v->secret, NULL};
    struct error err = ERROR_INIT;
    assert_int_equal(aws_sign_authorization(&request, &key, out, &err), ERR_OK);
    str_release(&path);
    str_release(&query);
}

static void published_vectors_are_met(void **state)
{
    (void)state;
    const char *folder = CAUCE_TEST_SOURCE_DIR "/tests/data/sigv4";
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    int seen = 0;
    for (struct dirent *e = readdir(dir); e != NULL; e = readdir(dir)) {
        if (e->d_name[0] == '.')
            continue;
        char path[1024];
        snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        struct vector v;
        load(path, &v);
        struct str out;
        str_init(&out, 4096);
        sign(&v, &out);
        const char *signature = strstr(out.data, "Signature=");
        assert_non_null(signature);
        if (strcmp(signature + strlen("Signature="), v.signature) != 0)
            fail_msg("%s: %s, expected %s", e->d_name, out.data, v.signature);
        assert_null(strstr(out.data, v.secret));
        str_release(&out);
        seen++;
    }
    closedir(dir);
    assert_true(seen >= 14);
}

static void authorization_names_scope_and_signed_headers(void **state)
{
    (void)state;
    struct vector v;
    load(CAUCE_TEST_SOURCE_DIR "/tests/data/sigv4/s3-get-object.txt", &v);
    struct str out;
    str_init(&out, 4096);
    sign(&v, &out);
    assert_string_equal(
        out.data, "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/"
                  "aws4_request, SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, "
                  "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
    str_release(&out);
}

static void every_input_changes_the_signature(void **state)
{
    (void)state;
    struct vector v;
    load(CAUCE_TEST_SOURCE_DIR "/tests/data/sigv4/s3-put-object.txt", &v);
    struct str first;
    struct str other;
    str_init(&first, 4096);
    str_init(&other, 4096);
    sign(&v, &first);
    v.headers[v.header_count++] = (struct http_pair){"if-none-match", "*"};
    sign(&v, &other);
    assert_string_not_equal(first.data, other.data);
    assert_non_null(strstr(other.data, "host;if-none-match;x-amz-content-sha256"));
    v.header_count--;
    v.payload = EMPTY_SHA256;
    str_clear(&other);
    sign(&v, &other);
    assert_string_not_equal(first.data, other.data);
    str_release(&first);
    str_release(&other);
}

static void paths_are_encoded_once_and_never_normalised(void **state)
{
    (void)state;
    struct str out;
    str_init(&out, 100);
    aws_sign_path("a b/../year=2026/%41//x", &out);
    assert_string_equal(out.data, "/a%20b/../year%3D2026/%2541//x");
    str_release(&out);
}

static void queries_are_sorted_by_their_encoded_text(void **state)
{
    (void)state;
    struct str out;
    str_init(&out, 200);
    const struct http_pair p[] = {
        {"prefix", "a/b c"}, {"list-type", "2"}, {"delete", ""}, {"~", "1"}, {"\xc3\xa9", "e"}};
    aws_sign_query(p, 5, &out);
    assert_string_equal(out.data, "%C3%A9=e&delete=&list-type=2&prefix=a%2Fb%20c&~=1");
    str_release(&out);
}

static void dates_are_cut_to_seconds(void **state)
{
    (void)state;
    char text[AWS_SIGN_DATE_SIZE];
    assert_int_equal(aws_sign_date(INT64_C(1369353600999999), text, NULL), ERR_OK);
    assert_string_equal(text, "20130524T000000Z");
}

static void too_many_headers_are_refused(void **state)
{
    (void)state;
    struct http_pair headers[AWS_SIGN_HEADERS_MAX + 1];
    for (size_t i = 0; i <= AWS_SIGN_HEADERS_MAX; i++)
        headers[i] = (struct http_pair){"a", "b"};
    const struct aws_sign_request request = {
        .method = "GET",
        .path = "/",
        .query = "",
        .headers = headers,
        .header_count = AWS_SIGN_HEADERS_MAX + 1,
        .payload_sha256 = EMPTY_SHA256,
        .date = "20130524T000000Z",
        .region = "r",
        .service = "s3",
    };
    struct str out;
    str_init(&out, 4096);
    struct error err = ERROR_INIT;
    assert_int_equal(aws_sign_canonical(&request, &out, &err), ERR_LIMIT);
    str_release(&out);
}

static void base64_follows_rfc_4648(void **state)
{
    (void)state;
    const char *const pairs[][2] = {{"", ""},        {"f", "Zg=="},        {"fo", "Zm8="},
                                    {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}, {"foobar", "Zm9vYmFy"}};
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        struct str out;
        str_init(&out, 100);
        aws_sign_base64((const unsigned char *)pairs[i][0], strlen(pairs[i][0]), &out);
        assert_string_equal(out.data, pairs[i][1]);
        str_release(&out);
    }
    struct str out;
    str_init(&out, 100);
    aws_sign_base64_of_hex(EMPTY_SHA256, &out);
    assert_string_equal(out.data, "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
    str_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_vectors_are_met),
        cmocka_unit_test(authorization_names_scope_and_signed_headers),
        cmocka_unit_test(every_input_changes_the_signature),
        cmocka_unit_test(paths_are_encoded_once_and_never_normalised),
        cmocka_unit_test(queries_are_sorted_by_their_encoded_text),
        cmocka_unit_test(dates_are_cut_to_seconds),
        cmocka_unit_test(too_many_headers_are_refused),
        cmocka_unit_test(base64_follows_rfc_4648),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
