#include "source/input.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>
#include <zstd.h>
#include <cmocka.h>

#include "support/temp_folder.h"
#include "util/fs.h"
#include "util/mem.h"
#include "util/stop.h"

/* Bytes with their number: texts of UTF-16 and compressed ones hold zeros. */
struct bytes {
    char *data;
    size_t count;
};

#define LITERAL(text) ((struct bytes){(char *)(uintptr_t)(text), sizeof(text) - 1})

struct fixture {
    char *folder;
    char *source;
    struct error err;
    struct str got;
    char sha256[SHA256_HEX_SIZE];
};

static int set_up(void **state)
{
    struct fixture *f = mem_calloc(1, sizeof *f);
    f->folder = temp_folder_new();
    f->source = fs_join(f->folder, "source");
    str_init(&f->got, STR_MAX_DEFAULT);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    stop_clear();
    temp_folder_free(f->folder);
    free(f->source);
    str_release(&f->got);
    free(f);
    return 0;
}

static struct bytes join(struct bytes a, struct bytes b)
{
    struct bytes all = {mem_alloc(a.count + b.count), a.count + b.count};
    memcpy(all.data, a.data, a.count);
    memcpy(all.data + a.count, b.data, b.count);
    return all;
}

static struct bytes gzip(struct bytes plain)
{
    z_stream z = {0};
    assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    struct bytes packed = {NULL, deflateBound(&z, plain.count)};
    packed.data = mem_alloc(packed.count);
    z.next_in = (unsigned char *)plain.data;
    z.avail_in = (unsigned)plain.count;
    z.next_out = (unsigned char *)packed.data;
    z.avail_out = (unsigned)packed.count;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    packed.count = z.total_out;
    deflateEnd(&z);
    return packed;
}

static struct bytes zstd(struct bytes plain)
{
    struct bytes packed = {NULL, ZSTD_compressBound(plain.count)};
    packed.data = mem_alloc(packed.count);
    ZSTD_CCtx *c = ZSTD_createCCtx();
    ZSTD_CCtx_setParameter(c, ZSTD_c_checksumFlag, 1);
    packed.count = ZSTD_compress2(c, packed.data, packed.count, plain.data, plain.count);
    assert_false(ZSTD_isError(packed.count));
    ZSTD_freeCCtx(c);
    return packed;
}

/* Lines that compress, but not to nothing: longer than every buffer. */
static struct bytes long_text(void)
{
    struct str s;
    str_init(&s, STR_MAX_DEFAULT);
    for (unsigned i = 0; i < 60000; i++)
        str_printf(&s, "%u,value %u,%x\n", i, i * 7919u, i * 2654435761u);
    size_t count = s.len;
    return (struct bytes){str_detach(&s), count};
}

/* How it is read: as text, or as bytes. */
struct input_kind {
    bool text;
    struct read_options options;
};

static int open_and_read(struct fixture *f, const char *path, struct input_kind kind)
{
    struct reader_file file = {.path = path, .shown = f->source};
    struct input *in;
    char part[5000];
    size_t got = 0;
    str_clear(&f->got);
    error_clear(&f->err);
    int rc = kind.text ? input_open(&file, &kind.options, &in, &f->err)
                       : input_open_bytes(&file, &kind.options, &in, &f->err);
    if (rc != ERR_OK)
        return rc;
    do {
        rc = input_read(in, part, sizeof part, &got, &f->err);
        str_append_bytes(&f->got, part, got);
    } while (rc == ERR_OK && got > 0);
    if (rc == ERR_OK)
        rc = input_digest(in, f->sha256, &f->err);
    input_free(in);
    return rc;
}

static int make(struct fixture *f, struct bytes source, struct input_kind kind)
{
    assert_int_equal(fs_write(f->source, source.data, source.count, NULL), ERR_OK);
    return open_and_read(f, f->source, kind);
}

static void check_made(struct fixture *f, struct bytes source, struct input_kind kind,
                       struct bytes expected)
{
    int rc = make(f, source, kind);
    assert_string_equal(f->err.text, "");
    assert_int_equal(rc, ERR_OK);
    assert_int_equal(f->got.len, expected.count);
    assert_memory_equal(f->got.data, expected.data, expected.count);
}

/* It fails so, says so, and names the file. */
static void check_refused(struct fixture *f, struct bytes source, struct input_kind kind, int code,
                          const char *words)
{
    assert_int_equal(make(f, source, kind), code);
    assert_int_equal(f->err.code, code);
    if (strstr(f->err.text, words) == NULL)
        fail_msg("\"%s\" is not in: %s", words, f->err.text);
    if (code != ERR_CONFIG && code != ERR_INTERRUPTED)
        assert_non_null(strstr(f->err.text, f->source));
}

static void what_is_plain_already_stays_as_it_is(void **state)
{
    struct fixture *f = *state;
    static const char *const names[] = {NULL, "utf-8", "UTF-8", "utf8"};
    for (size_t i = 0; i < 4; i++) {
        struct input_kind o = {.text = true, .options.encoding = names[i]};
        check_made(f, LITERAL("a,b\n1,\xc3\xa9\n"), o, LITERAL("a,b\n1,\xc3\xa9\n"));
        check_made(f, LITERAL(""), o, LITERAL(""));
        check_made(f, LITERAL("\xef\xbb"), o, LITERAL("\xef\xbb"));
    }
    struct input_kind raw = {.text = true, .options.compression = READ_PLAIN};
    check_made(f, LITERAL("\x1f\x8bnot to be looked at"), raw,
               LITERAL("\x1f\x8bnot to be looked at"));
}

static void gzip_of_several_members_becomes_plain(void **state)
{
    struct fixture *f = *state;
    struct bytes text = long_text();
    struct bytes first = gzip(text);
    struct bytes second = gzip(LITERAL("the end\n"));
    struct bytes empty = gzip(LITERAL(""));
    struct bytes two = join(first, empty);
    struct bytes three = join(two, second);
    struct bytes expected = join(text, LITERAL("the end\n"));
    check_made(f, three, (struct input_kind){.text = true}, expected);
    check_made(f, three, (struct input_kind){.options.compression = READ_GZIP}, expected);
    check_made(f, empty, (struct input_kind){.text = true}, LITERAL(""));
    free(text.data);
    free(first.data);
    free(second.data);
    free(empty.data);
    free(two.data);
    free(three.data);
    free(expected.data);
}

static void zstd_of_several_frames_becomes_plain(void **state)
{
    struct fixture *f = *state;
    struct bytes text = long_text();
    struct bytes first = zstd(text);
    struct bytes second = zstd(LITERAL("the end\n"));
    struct bytes skipped = LITERAL("\x53\x2a\x4d\x18\x05\0\0\0skip!");
    struct bytes a = join(skipped, first);
    struct bytes b = join(a, skipped);
    struct bytes c = join(b, second);
    struct bytes expected = join(text, LITERAL("the end\n"));
    check_made(f, c, (struct input_kind){.text = true}, expected);
    check_made(f, c, (struct input_kind){.options.compression = READ_ZSTD}, expected);
    free(text.data);
    free(first.data);
    free(second.data);
    free(a.data);
    free(b.data);
    free(c.data);
    free(expected.data);
}

static void compressed_data_cut_anywhere_are_refused(void **state)
{
    struct fixture *f = *state;
    struct bytes packed[2] = {gzip(LITERAL("a,b\n1,2\n")), zstd(LITERAL("a,b\n1,2\n"))};
    for (size_t i = 0; i < 2; i++) {
        struct input_kind o = {.options.compression = i == 0 ? READ_GZIP : READ_ZSTD, .text = true};
        for (size_t count = 0; count < packed[i].count; count++) {
            char words[64];
            snprintf(words, sizeof words, "after byte %zu.", count);
            check_refused(f, (struct bytes){packed[i].data, count}, o, ERR_SOURCE, words);
        }
        free(packed[i].data);
    }
}

static void compressed_data_with_any_bit_flipped_are_refused(void **state)
{
    struct fixture *f = *state;
    struct bytes packed[2] = {gzip(LITERAL("a,b\n1,2\n")), zstd(LITERAL("a,b\n1,2\n"))};
    for (size_t i = 0; i < 2; i++) {
        struct input_kind o = {.options.compression = i == 0 ? READ_GZIP : READ_ZSTD, .text = true};
        /* Bytes 4 to 9 of a gzip header say when and where it was made: they change nothing. */
        for (size_t at = i == 0 ? 10 : 0; at < packed[i].count; at++) {
            packed[i].data[at] = (char)(packed[i].data[at] ^ 0x02);
            int rc = make(f, packed[i], o);
            assert_true(rc == ERR_SOURCE || rc == ERR_LIMIT);
            packed[i].data[at] = (char)(packed[i].data[at] ^ 0x02);
        }
        free(packed[i].data);
    }
}

static void damage_is_reported_with_its_byte(void **state)
{
    struct fixture *f = *state;
    struct bytes text = long_text();
    struct bytes packed = gzip(text);
    memset(packed.data + packed.count / 2, 0xff, 64);
    check_refused(f, packed, (struct input_kind){.text = true}, ERR_SOURCE, "at byte ");
    free(packed.data);
    packed = zstd(text);
    memset(packed.data + packed.count / 2, 0xff, 64);
    check_refused(f, packed, (struct input_kind){.text = true}, ERR_SOURCE, "at byte ");
    free(packed.data);
    free(text.data);
}

static void garbage_behind_compressed_data_is_refused(void **state)
{
    struct fixture *f = *state;
    struct bytes packed = gzip(LITERAL("a\n"));
    struct bytes more = join(packed, LITERAL("hello"));
    char words[64];
    snprintf(words, sizeof words, "has something else after its gzip data, at byte %zu",
             packed.count);
    check_refused(f, more, (struct input_kind){.text = true}, ERR_SOURCE, words);
    free(packed.data);
    free(more.data);
    packed = zstd(LITERAL("a\n"));
    more = join(packed, LITERAL("hello"));
    snprintf(words, sizeof words, "has something else after its zstd data, at byte %zu",
             packed.count);
    check_refused(f, more, (struct input_kind){.text = true}, ERR_SOURCE, words);
    free(packed.data);
    free(more.data);
}

static void a_file_that_is_not_compressed_as_configured_is_refused(void **state)
{
    struct fixture *f = *state;
    check_refused(f, LITERAL("a,b\n1,2\n"), (struct input_kind){.options.compression = READ_GZIP},
                  ERR_SOURCE, "is not compressed with gzip");
    check_refused(f, LITERAL("a,b\n1,2\n"), (struct input_kind){.options.compression = READ_ZSTD},
                  ERR_SOURCE, "is not compressed with zstd");
}

static void a_bomb_is_refused_at_the_limit(void **state)
{
    struct fixture *f = *state;
    struct bytes zeros = {mem_calloc(1, 8 << 20), 8 << 20};
    struct bytes packed[2] = {gzip(zeros), zstd(zeros)};
    for (size_t i = 0; i < 2; i++) {
        struct input_kind o = {.options.max_bytes = zeros.count - 1};
        check_refused(f, packed[i], o, ERR_LIMIT, "8388607 bytes");
        o.options.max_bytes++;
        check_made(f, packed[i], o, zeros);
        free(packed[i].data);
    }
    free(zeros.data);
    struct input_kind o = {.text = true, .options.max_bytes = 3};
    check_made(f, LITERAL("abc"), o, LITERAL("abc"));
    check_refused(f, LITERAL("abcd"), o, ERR_LIMIT, "3 bytes");
    o.options.encoding = "latin1";
    check_refused(f, LITERAL("ab\xe9"), o, ERR_LIMIT, "3 bytes");
}

static void a_zstd_window_beyond_the_limit_is_refused(void **state)
{
    /* RFC 8878: magic, frame header with a window of 2 GiB, one raw block. */
    static const char frame[] = "\x28\xb5\x2f\xfd\x00\xa8\x01\x00\x00";
    check_refused(*state, LITERAL(frame), (struct input_kind){.text = true}, ERR_LIMIT, "128 MiB");
}

static void byte_order_marks_are_removed(void **state)
{
    struct fixture *f = *state;
    static const char expected[] = "a,\xc3\xa9\n\xf0\x9f\x98\x80\n";
    static const struct {
        const char *what;
        const char *data;
        size_t count;
    } cases[] = {
#define CASE(what, text) {what, text, sizeof(text) - 1}
        CASE("utf-8", "\xef\xbb\xbf"
                      "a,\xc3\xa9\n\xf0\x9f\x98\x80\n"),
        CASE("utf-16le", "\xff\xfe"
                         "a\0,\0\xe9\0\n\0\x3d\xd8\x00\xde\n\0"),
        CASE("utf-16be", "\xfe\xff"
                         "\0a\0,\0\xe9\0\n\xd8\x3d\xde\x00\0\n"),
        CASE("utf-32le", "\xff\xfe\0\0"
                         "a\0\0\0,\0\0\0\xe9\0\0\0\n\0\0\0\x00\xf6\x01\0\n\0\0\0"),
        CASE("utf-32be", "\0\0\xfe\xff"
                         "\0\0\0a\0\0\0,\0\0\0\xe9\0\0\0\n\0\x01\xf6\x00\0\0\0\n"),
#undef CASE
    };
    /* A mark decides over what is configured. */
    static const char *const configured[] = {NULL, "utf-8", "latin1", "UTF-16"};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct bytes source = {(char *)(uintptr_t)cases[i].data, cases[i].count};
        for (size_t k = 0; k < 4; k++) {
            struct input_kind o = {.text = true, .options.encoding = configured[k]};
            check_made(f, source, o, LITERAL(expected));
        }
        struct bytes packed = gzip(source);
        struct input_kind o = {.text = true};
        check_made(f, packed, o, LITERAL(expected));
        o.text = false;
        check_made(f, packed, o, source);
        free(packed.data);
    }
    check_made(f, LITERAL("\xef\xbb\xbf"), (struct input_kind){.text = true}, LITERAL(""));
}

static void configured_encodings_are_transcoded(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *encoding;
        const char *from;
        const char *to;
    } cases[] = {
        {"latin1", "caf\xe9\r\n", "caf\xc3\xa9\r\n"},
        {"WINDOWS-1252", "\x80 \x96\n", "\xe2\x82\xac \xe2\x80\x93\n"},
        {"ISO-8859-15", "\xa4", "\xe2\x82\xac"},
        {"SHIFT_JIS", "\x93\xfa\x96\x7b", "\xe6\x97\xa5\xe6\x9c\xac"},
        {"ISO-2022-JP", "\x1b$BF|K\\\x1b(B\n", "\xe6\x97\xa5\xe6\x9c\xac\n"},
        {"GB18030", "\xc4\xe3", "\xe4\xbd\xa0"},
        {"ASCII", "plain", "plain"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct bytes from = {(char *)(uintptr_t)cases[i].from, strlen(cases[i].from)};
        struct bytes to = {(char *)(uintptr_t)cases[i].to, strlen(cases[i].to)};
        check_made(f, from,
                   (struct input_kind){.text = true, .options.encoding = cases[i].encoding}, to);
    }
    /* As told by name, without a mark. */
    check_made(f, LITERAL("a\0\n\0"),
               (struct input_kind){.text = true, .options.encoding = "UTF-16LE"}, LITERAL("a\n"));
}

static void a_decoder_that_waits_for_the_next_character_is_emptied(void **state)
{
    /* 0x8862 is Ê with macron, 0x8866 Ê alone, which glibc holds back: it may get a macron. */
    check_made(*state, LITERAL("\x88\x66"),
               (struct input_kind){.text = true, .options.encoding = "BIG5-HKSCS"},
               LITERAL("\xc3\x8a"));
}

static void characters_that_lie_across_buffers_survive(void **state)
{
    struct fixture *f = *state;
    size_t pairs = 300000;
    struct bytes wide = {mem_alloc(pairs * 4 + 2), pairs * 4 + 2};
    struct bytes narrow = {mem_alloc(pairs * 4), pairs * 4};
    memcpy(wide.data, "\xfe\xff", 2);
    for (size_t i = 0; i < pairs; i++) { /* U+1F600: four bytes in both */
        memcpy(wide.data + 2 + i * 4, "\xd8\x3d\xde\x00", 4);
        memcpy(narrow.data + i * 4, "\xf0\x9f\x98\x80", 4);
    }
    check_made(f, wide, (struct input_kind){.text = true}, narrow);
    struct bytes packed = zstd(wide);
    check_made(f, packed, (struct input_kind){.text = true}, narrow);
    free(packed.data);
    free(wide.data);
    free(narrow.data);
}

static void bytes_that_the_encoding_lacks_are_reported_with_their_place(void **state)
{
    struct fixture *f = *state;
    check_refused(f, LITERAL("a\r\nb\rc\n\xe9\n"),
                  (struct input_kind){.text = true, .options.encoding = "ASCII"}, ERR_SOURCE,
                  "line 4: the byte 0xe9 at offset 7 of the text is not ASCII");
    /* A low surrogate alone. */
    check_refused(f,
                  LITERAL("\xff\xfe"
                          "a\0\n\0\x00\xde"),
                  (struct input_kind){.text = true}, ERR_SOURCE,
                  "line 2: the byte 0x00 at offset 6");
    check_refused(f,
                  LITERAL("\xff\xfe"
                          "a\0\n"),
                  (struct input_kind){.text = true}, ERR_SOURCE,
                  "ends in the middle of a character of UTF-16LE, at offset 4");
    check_refused(f, LITERAL("x\x93"),
                  (struct input_kind){.text = true, .options.encoding = "SHIFT_JIS"}, ERR_SOURCE,
                  "ends in the middle of a character");
    assert_non_null(strstr(f->err.text, "Check"));
}

static void an_unknown_encoding_is_a_mistake_of_the_configuration(void **state)
{
    struct fixture *f = *state;
    /* Options of iconv would drop characters silently; "" would depend on the locale. */
    static const char *const names[] = {"no-such", "", "latin1//IGNORE", "latin1//TRANSLIT"};
    for (size_t i = 0; i < 4; i++) {
        struct input_kind o = {.text = true, .options.encoding = names[i]};
        check_refused(f, LITERAL("a\n"), o, ERR_CONFIG, names[i]);
        check_refused(f,
                      LITERAL("\xef\xbb\xbf"
                              "a\n"),
                      o, ERR_CONFIG, "`encoding`");
    }
}

static void what_is_no_regular_file_is_refused_or_bounded(void **state)
{
    struct fixture *f = *state;
    struct input_kind o = {.text = true};
    assert_int_equal(open_and_read(f, f->source, o), ERR_SOURCE);
    assert_non_null(strstr(f->err.text, "No such file"));
    assert_int_equal(open_and_read(f, f->folder, o), ERR_SOURCE);
    assert_non_null(strstr(f->err.text, "is a folder"));
    assert_int_equal(open_and_read(f, "/dev/zero", o), ERR_SOURCE);
    assert_non_null(strstr(f->err.text, "is not a regular file"));
    o.options.max_bytes = 1 << 20;
    assert_int_equal(open_and_read(f, "/dev/zero", o), ERR_LIMIT);
    assert_int_equal(mkfifo(f->source, 0600), 0);
    o.options.max_bytes = 0;
    assert_int_equal(open_and_read(f, f->source, o), ERR_SOURCE);
    assert_non_null(strstr(f->err.text, "Set `max_bytes`"));
}

static void stored_bytes_are_hashed_on_the_way(void **state)
{
    struct fixture *f = *state;
    struct bytes text = long_text();
    struct bytes packed = gzip(text);
    struct input_kind o = {.text = true, .options = {.digest = true}};
    char expected[SHA256_HEX_SIZE];
    for (int i = 0; i < 2; i++) {
        const struct bytes *b = i == 0 ? &packed : &text;
        assert_int_equal(make(f, *b, o), ERR_OK);
        sha256_hex(b->data, b->count, expected);
        assert_string_equal(f->sha256, expected);
    }
    free(packed.data);
    free(text.data);
}

static void a_request_to_stop_ends_it(void **state)
{
    struct fixture *f = *state;
    struct bytes packed = gzip(LITERAL("a\n"));
    stop_request();
    check_refused(f, packed, (struct input_kind){.text = true}, ERR_INTERRUPTED, "Stopped");
    check_refused(f,
                  LITERAL("\xef\xbb\xbf"
                          "a"),
                  (struct input_kind){.text = true}, ERR_INTERRUPTED, "Stopped");
    free(packed.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(what_is_plain_already_stays_as_it_is),
        TEST(gzip_of_several_members_becomes_plain),
        TEST(zstd_of_several_frames_becomes_plain),
        TEST(compressed_data_cut_anywhere_are_refused),
        TEST(compressed_data_with_any_bit_flipped_are_refused),
        TEST(damage_is_reported_with_its_byte),
        TEST(garbage_behind_compressed_data_is_refused),
        TEST(a_file_that_is_not_compressed_as_configured_is_refused),
        TEST(a_bomb_is_refused_at_the_limit),
        TEST(a_zstd_window_beyond_the_limit_is_refused),
        TEST(byte_order_marks_are_removed),
        TEST(configured_encodings_are_transcoded),
        TEST(a_decoder_that_waits_for_the_next_character_is_emptied),
        TEST(characters_that_lie_across_buffers_survive),
        TEST(bytes_that_the_encoding_lacks_are_reported_with_their_place),
        TEST(an_unknown_encoding_is_a_mistake_of_the_configuration),
        TEST(what_is_no_regular_file_is_refused_or_bounded),
        TEST(stored_bytes_are_hashed_on_the_way),
        TEST(a_request_to_stop_ends_it),
#undef TEST
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
