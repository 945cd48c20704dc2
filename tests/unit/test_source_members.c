/* Files inside archives: which are taken, under which names, and what is refused. */
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <archive.h>
#include <archive_entry.h>
#include <cmocka.h>

#include "source/input.h"
#include "source/members.h"
#include "support/temp_folder.h"
#include "util/fs.h"
#include "util/mem.h"
#include "util/str.h"

struct entry {
    const char *name;
    const char *text; /* NULL: a symbolic link */
};

struct fixture {
    char *folder;
    char *path;
    struct reader_file file;
};

static void set_up(struct fixture *f)
{
    f->folder = temp_folder_new();
    f->path = fs_join(f->folder, "archive");
    f->file = (struct reader_file){.path = f->path, .shown = "data.zip"};
}

static void tear_down(struct fixture *f)
{
    free(f->path);
    temp_folder_free(f->folder);
}

static void write_entry(struct archive *a, const struct entry *e)
{
    struct archive_entry *entry = archive_entry_new();
    archive_entry_set_pathname(entry, e->name);
    archive_entry_set_mode(entry, (e->text != NULL ? AE_IFREG : AE_IFLNK) | 0600);
    if (e->text != NULL)
        archive_entry_set_size(entry, (la_int64_t)strlen(e->text));
    else
        archive_entry_set_symlink(entry, "elsewhere");
    assert_int_equal(archive_write_header(a, entry), ARCHIVE_OK);
    if (e->text != NULL)
        assert_int_equal(archive_write_data(a, e->text, strlen(e->text)),
                         (la_ssize_t)strlen(e->text));
    archive_entry_free(entry);
}

/* `format`: zip, tar, or tar packed by gzip, xz, bzip2 or zstd. */
static void write_archive(const struct fixture *f, const char *format, const struct entry *entries,
                          size_t count)
{
    struct archive *a = archive_write_new();
    if (strcmp(format, "zip") == 0) {
        archive_write_set_format_zip(a);
    } else {
        archive_write_set_format_pax_restricted(a);
        if (strcmp(format, "tar") != 0)
            assert_int_equal(archive_write_add_filter_by_name(a, format), ARCHIVE_OK);
    }
    assert_int_equal(archive_write_open_filename(a, f->path), ARCHIVE_OK);
    for (size_t i = 0; i < count; i++)
        write_entry(a, &entries[i]);
    assert_int_equal(archive_write_close(a), ARCHIVE_OK);
    archive_write_free(a);
}

/* Names and contents of what matched, or the error. A new string. */
static char *unpacked(const struct fixture *f, const char *pattern, uint64_t max_bytes)
{
    struct members m;
    struct str out;
    struct error err = ERROR_INIT;
    str_init(&out, STR_MAX_DEFAULT);
    int rc = members_unpack(&f->file, pattern, max_bytes, f->folder, "m", &m, &err);
    for (size_t i = 0; rc == ERR_OK && i < m.count; i++) {
        str_printf(&out, "%s=", m.items[i].shown);
        assert_int_equal(fs_read(m.items[i].path, &out, &err), ERR_OK);
        str_append(&out, ";");
    }
    for (size_t i = 0; i < m.count; i++)
        fs_discard(m.items[i].path);
    members_release(&m);
    if (rc != ERR_OK)
        str_printf(&out, "%s: %s", error_name(rc), err.text);
    return str_detach(&out);
}

static void assert_unpacked(const struct fixture *f, const char *pattern, const char *expected)
{
    char *found = unpacked(f, pattern, 0);
    assert_string_equal(found, expected);
    free(found);
}

static void assert_refused(const struct fixture *f, const char *pattern, uint64_t max_bytes,
                           const char *begin)
{
    char *found = unpacked(f, pattern, max_bytes);
    if (strncmp(found, begin, strlen(begin)) != 0)
        fail_msg("%s", found);
    free(found);
}

static const struct entry three[] = {
    {"2024/b.csv", "bb\n"}, {"readme.txt", "read"}, {"a.csv", "a\n"}, {"2024/x/c.csv", "c"}};

static void members_that_match_are_files_in_order_of_their_names(void **state)
{
    (void)state;
    static const char *const formats[] = {"zip", "tar", "gzip", "xz", "bzip2", "zstd"};
    for (size_t i = 0; i < 6; i++) {
        struct fixture f;
        set_up(&f);
        write_archive(&f, formats[i], three, 4);
        assert_unpacked(&f, "*.csv",
                        "data.zip:2024/b.csv=bb\n;data.zip:2024/x/c.csv=c;data.zip:a.csv=a\n;");
        assert_unpacked(&f, "2024/*.csv", "data.zip:2024/b.csv=bb\n;");
        assert_unpacked(&f, "readme.txt", "data.zip:readme.txt=read;");
        assert_unpacked(&f, "[ab].csv", "data.zip:2024/b.csv=bb\n;data.zip:a.csv=a\n;");
        assert_unpacked(
            &f, "*.json",
            "source: data.zip has no member that matches \"*.json\" (`archive`); it has "
            "2024/b.csv, readme.txt, a.csv, 2024/x/c.csv.");
        tear_down(&f);
    }
}

/* A name is compared and shown, and leads nowhere. */
static void names_that_lead_out_of_the_folder_do_no_harm(void **state)
{
    (void)state;
    static const struct entry bad[] = {{"../../evil.csv", "x"}, {"/etc/evil.csv", "y"}};
    struct fixture f;
    set_up(&f);
    write_archive(&f, "tar", bad, 2);
    assert_unpacked(&f, "evil.csv", "data.zip:../../evil.csv=x;data.zip:/etc/evil.csv=y;");
    assert_false(fs_exists("/etc/evil.csv"));
    tear_down(&f);
}

/* Whatever the locale: a member that is passed over would be rows that are missing. */
static void names_of_all_languages_are_read(void **state)
{
    (void)state;
    static const char *const formats[] = {"zip", "tar"};
    static const struct entry entries[] = {{"\xc3\xbc/\xe6\x97\xa5.csv", "1"}, {"a.csv", "2"}};
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        struct fixture f;
        set_up(&f);
        locale_t utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
        locale_t before = uselocale(utf8);
        write_archive(&f, formats[i], entries, 2);
        uselocale(before);
        freelocale(utf8);
        static const char both[] = "data.zip:a.csv=2;data.zip:\xc3\xbc/\xe6\x97\xa5.csv=1;";
        assert_unpacked(&f, "*.csv", both);
        assert_unpacked(&f, "?.csv", both);
        tear_down(&f);
    }
}

static void what_is_ambiguous_or_no_file_is_refused(void **state)
{
    (void)state;
    static const struct entry twice[] = {{"a.csv", "1"}, {"a.csv", "2"}};
    static const struct entry link[] = {{"a.csv", NULL}};
    struct fixture f;
    set_up(&f);
    write_archive(&f, "tar", twice, 2);
    assert_refused(&f, "*.csv", 0, "source: data.zip has two members of the name a.csv.");
    write_archive(&f, "tar", link, 1);
    assert_refused(&f, "*.csv", 0, "source: data.zip:a.csv is a link or device, not a file.");
    assert_int_equal(fs_write(f.path, "a,b\n1,2\n", 8, NULL), ERR_OK);
    assert_refused(&f, "*.csv", 0, "source: data.zip cannot be unpacked: ");
    tear_down(&f);
}

static void what_unpacks_to_more_than_allowed_is_refused(void **state)
{
    (void)state;
    char *text = mem_calloc(100001, 1);
    memset(text, 'x', 100000);
    struct entry entries[] = {{"a.csv", text}, {"b.csv", text}};
    struct fixture f;
    set_up(&f);
    write_archive(&f, "zip", entries, 2);
    assert_refused(&f, "*.csv", 199999,
                   "limit: data.zip is larger than the limit of 199999 bytes when it is unpacked.");
    assert_refused(&f, "*.csv", 200000, "data.zip:a.csv=xxx");
    assert_refused(&f, "a.csv", 100000, "data.zip:a.csv=xxx");
    free(text);
    tear_down(&f);
}

/* Wherever an archive was cut: an error, never fewer files. */
static void an_archive_that_was_cut_is_refused(void **state)
{
    (void)state;
    static const char *const formats[] = {"zip", "tar", "gzip", "xz", "bzip2", "zstd"};
    for (size_t i = 0; i < 6; i++) {
        struct fixture f;
        struct str whole;
        set_up(&f);
        write_archive(&f, formats[i], three, 4);
        str_init(&whole, STR_MAX_DEFAULT);
        assert_int_equal(fs_read(f.path, &whole, NULL), ERR_OK);
        /* A tar archive is whole with one block of zeros behind its members. */
        size_t end = strcmp(formats[i], "tar") == 0 ? 512 * 9 : whole.len;
        for (size_t length = 0; length < end; length += length < 512 ? 1 : 13) {
            assert_int_equal(fs_write(f.path, whole.data, length, NULL), ERR_OK);
            char *found = unpacked(&f, "*.csv", 0);
            if (strncmp(found, "source: data.zip", 16) != 0)
                fail_msg("%s cut at %zu of %zu: %s", formats[i], length, whole.len, found);
            free(found);
        }
        str_release(&whole);
        tear_down(&f);
    }
}

static void a_byte_that_changed_is_noticed(void **state)
{
    (void)state;
    struct fixture f;
    struct str whole;
    set_up(&f);
    write_archive(&f, "zip", three, 4);
    str_init(&whole, STR_MAX_DEFAULT);
    assert_int_equal(fs_read(f.path, &whole, NULL), ERR_OK);
    char *content = memmem(whole.data, whole.len, "2024/b.csv", 10);
    assert_non_null(content);
    /* The bytes behind the local name (and its extra field) are the content. */
    size_t extra = (unsigned char)content[-2] + 256u * (unsigned char)content[-1];
    content[10 + extra] ^= 1;
    assert_int_equal(fs_write(f.path, whole.data, whole.len, NULL), ERR_OK);
    assert_refused(&f, "*.csv", 0, "source: data.zip:2024/b.csv cannot be unpacked: ");
    str_release(&whole);
    tear_down(&f);
}

/* --- files that are packed by themselves --- */

static void pack(const struct fixture *f, const char *filter, const char *text, struct str *out)
{
    struct archive *a = archive_write_new();
    struct entry e = {"x", text};
    archive_write_set_format_raw(a);
    assert_int_equal(archive_write_add_filter_by_name(a, filter), ARCHIVE_OK);
    assert_int_equal(archive_write_open_filename(a, f->path), ARCHIVE_OK);
    write_entry(a, &e);
    assert_int_equal(archive_write_close(a), ARCHIVE_OK);
    archive_write_free(a);
    assert_int_equal(fs_read(f->path, out, NULL), ERR_OK);
}

static char *read_packed(const struct fixture *f, enum read_compression compression)
{
    struct read_options options = {.compression = compression};
    struct error err = ERROR_INIT;
    struct input *in = NULL;
    char text[1000];
    size_t got = 0;
    int rc = input_open(&f->file, &options, &in, &err);
    if (rc == ERR_OK)
        rc = input_read(in, text, sizeof text, &got, &err);
    input_free(in);
    return rc == ERR_OK ? mem_strndup(text, got) : mem_printf("%s: %s", error_name(rc), err.text);
}

static void xz_and_bzip2_are_unpacked_whole_or_refused(void **state)
{
    (void)state;
    static const char *const filters[] = {"xz", "bzip2"};
    static const enum read_compression kinds[] = {READ_XZ, READ_BZIP2};
    for (size_t i = 0; i < 2; i++) {
        struct fixture f;
        struct str packed;
        set_up(&f);
        str_init(&packed, STR_MAX_DEFAULT);
        pack(&f, filters[i], "first,", &packed);
        size_t length = packed.len;
        pack(&f, filters[i], "second", &packed);
        assert_int_equal(fs_write(f.path, packed.data, packed.len, NULL), ERR_OK);
        char *text = read_packed(&f, READ_AUTO);
        assert_string_equal(text, "first,second");
        free(text);
        for (size_t cut = 1; cut < length; cut++) {
            assert_int_equal(fs_write(f.path, packed.data, cut, NULL), ERR_OK);
            text = read_packed(&f, kinds[i]);
            if (strncmp(text, "source: data.zip is no", 22) != 0)
                fail_msg("%s cut at %zu: %s", filters[i], cut, text);
            free(text);
        }
        /* A second part whose begin is damaged must not end the file without a word. */
        packed.data[length] ^= 4;
        assert_int_equal(fs_write(f.path, packed.data, packed.len, NULL), ERR_OK);
        text = read_packed(&f, READ_AUTO);
        if (strncmp(text, "source: data.zip ", 17) != 0)
            fail_msg("%s: %s", filters[i], text);
        free(text);
        packed.data[length / 2] ^= 4;
        assert_int_equal(fs_write(f.path, packed.data, length, NULL), ERR_OK);
        text = read_packed(&f, kinds[i]);
        assert_int_equal(strncmp(text, "source: data.zip is no", 22), 0);
        free(text);
        str_release(&packed);
        tear_down(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_that_match_are_files_in_order_of_their_names),
        cmocka_unit_test(names_that_lead_out_of_the_folder_do_no_harm),
        cmocka_unit_test(names_of_all_languages_are_read),
        cmocka_unit_test(what_is_ambiguous_or_no_file_is_refused),
        cmocka_unit_test(what_unpacks_to_more_than_allowed_is_refused),
        cmocka_unit_test(an_archive_that_was_cut_is_refused),
        cmocka_unit_test(a_byte_that_changed_is_noticed),
        cmocka_unit_test(xz_and_bzip2_are_unpacked_whole_or_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
