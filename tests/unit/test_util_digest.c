#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "support/temp_folder.h"
#include "util/digest.h"
#include "util/fs.h"
#include "util/mem.h"

#define EMPTY_SHA "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static void assert_sha256(const void *bytes, size_t count, const char *expected)
{
    char hex[SHA256_HEX_SIZE];
    sha256_hex(bytes, count, hex);
    assert_string_equal(hex, expected);
}

/* FIPS 180-4, the examples of NIST. */
static void known_digests(void **state)
{
    (void)state;
    assert_sha256(NULL, 0, EMPTY_SHA);
    assert_sha256("abc", 3, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    const char *two = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
    assert_sha256(two, strlen(two),
                  "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

static void pieces_give_the_digest_of_the_whole(void **state)
{
    (void)state;
    char piece[1000];
    memset(piece, 'a', sizeof piece);
    struct sha256 *h = sha256_new();
    for (int i = 0; i < 1000; i++) {
        size_t first = (size_t)i;
        sha256_update(h, piece, first);
        sha256_update(h, NULL, 0);
        sha256_update(h, piece + first, sizeof piece - first);
    }
    unsigned char raw[SHA256_SIZE];
    sha256_finish(h, raw);
    sha256_free(h);
    sha256_free(NULL);
    char hex[SHA256_HEX_SIZE];
    digest_to_hex(raw, sizeof raw, hex);
    assert_string_equal(hex, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

static void assert_hmac(const char *key, size_t key_size, const char *text, const char *expected)
{
    unsigned char raw[SHA256_SIZE];
    char hex[SHA256_HEX_SIZE];
    hmac_sha256(key, key_size, text, strlen(text), raw);
    digest_to_hex(raw, sizeof raw, hex);
    assert_string_equal(hex, expected);
}

/* RFC 4231, cases 1, 2, 6 and 7. */
static void known_hmacs(void **state)
{
    (void)state;
    char key[131];
    memset(key, 0x0b, 20);
    assert_hmac(key, 20, "Hi There",
                "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    assert_hmac("Jefe", 4, "what do ya want for nothing?",
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    memset(key, 0xaa, sizeof key);
    assert_hmac(key, sizeof key, "Test Using Larger Than Block-Size Key - Hash Key First",
                "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
    assert_hmac(key, sizeof key,
                "This is a test using a larger than block-size key and a larger than block-size "
                "data. The key needs to be hashed before being used by the HMAC algorithm.",
                "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2");
}

static void empty_key_and_text_have_an_hmac(void **state)
{
    (void)state;
    unsigned char raw[SHA256_SIZE];
    char hex[SHA256_HEX_SIZE];
    hmac_sha256(NULL, 0, NULL, 0, raw);
    digest_to_hex(raw, sizeof raw, hex);
    assert_string_equal(hex, "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

static void files_are_hashed_whole(void **state)
{
    const char *folder = *state;
    struct error err = ERROR_INIT;
    char hex[SHA256_HEX_SIZE];
    char expected[SHA256_HEX_SIZE];
    uint64_t size = 1;
    char *path = fs_join(folder, "data");
    assert_int_equal(fs_write(path, "", 0, &err), ERR_OK);
    assert_int_equal(sha256_file(path, hex, &size, &err), ERR_OK);
    assert_string_equal(hex, EMPTY_SHA);
    assert_int_equal(size, 0);
    const size_t big = 700001;
    unsigned char *bytes = mem_alloc(big);
    for (size_t i = 0; i < big; i++)
        bytes[i] = (unsigned char)(i * 31 + i / 256);
    assert_int_equal(fs_write(path, bytes, big, &err), ERR_OK);
    assert_int_equal(sha256_file(path, hex, &size, &err), ERR_OK);
    sha256_hex(bytes, big, expected);
    assert_string_equal(hex, expected);
    assert_int_equal(size, big);
    assert_int_equal(sha256_file(path, hex, NULL, NULL), ERR_OK);
    free(bytes);
    free(path);
}

static void a_file_that_cannot_be_read_is_named(void **state)
{
    const char *folder = *state;
    struct error err = ERROR_INIT;
    char hex[SHA256_HEX_SIZE] = "old";
    char *path = fs_join(folder, "missing");
    assert_int_equal(sha256_file(path, hex, NULL, &err), ERR_ABSENT);
    assert_non_null(strstr(err.text, path));
    assert_string_equal(hex, "");
    assert_int_equal(sha256_file(folder, hex, NULL, &err), ERR_SYSTEM);
    assert_non_null(strstr(err.text, folder));
    assert_string_equal(hex, "");
    free(path);
}

static void hex_is_written_and_recognised(void **state)
{
    (void)state;
    const unsigned char raw[] = {0x00, 0x0f, 0xa5, 0xff};
    char hex[9];
    digest_to_hex(raw, sizeof raw, hex);
    assert_string_equal(hex, "000fa5ff");
    digest_to_hex(raw, 0, hex);
    assert_string_equal(hex, "");
    assert_true(digest_is_hex("000fa5ff", 8));
    assert_true(digest_is_hex("", 0));
    assert_false(digest_is_hex("000fa5ff", 7));
    assert_false(digest_is_hex("000fa5ff", 9));
    assert_false(digest_is_hex("000FA5FF", 8));
    assert_false(digest_is_hex("000fa5fg", 8));
    assert_false(digest_is_hex("000fa5ff ", 8));
    assert_false(digest_is_hex("", 1));
}

static int make_folder(void **state)
{
    *state = temp_folder_new();
    return 0;
}

static int drop_folder(void **state)
{
    temp_folder_free(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_digests),
        cmocka_unit_test(pieces_give_the_digest_of_the_whole),
        cmocka_unit_test(known_hmacs),
        cmocka_unit_test(empty_key_and_text_have_an_hmac),
        cmocka_unit_test(files_are_hashed_whole),
        cmocka_unit_test(a_file_that_cannot_be_read_is_named),
        cmocka_unit_test(hex_is_written_and_recognised),
    };
    return cmocka_run_group_tests(tests, make_folder, drop_folder);
}
