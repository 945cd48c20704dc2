#include "source/members.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "source/input.h"
#include "source/kind.h"
#include "util/fs.h"
#include "util/mem.h"
#include "util/stop.h"
#include "util/str.h"

#define BLOCK ((size_t)256 << 10)
#define NAMES_SHOWN_MAX 500
#define TAR_BLOCK 512

struct unpacking {
    const struct reader_file *file;
    const char *pattern;
    const char *folder;
    const char *prefix;
    struct archive *archive;
    struct input *input; /* of a tar archive */
    struct read_options options;
    char *packed_block;
    char last[TAR_BLOCK]; /* of the archive, so far */
    int rc;               /* of reading it */
    struct error err;
    uint64_t limit; /* of bytes that are unpacked */
    bool declared;  /* the limit is max_bytes */
    uint64_t bytes;
    size_t seen;
    struct str names; /* of what did not match: for messages */
    char *block;
    struct members *out;
};

void members_release(struct members *m)
{
    for (size_t i = 0; i < m->count; i++) {
        free(m->items[i].name);
        free(m->items[i].shown);
        free(m->items[i].path);
    }
    free(m->items);
    *m = (struct members){0};
}

int members_limit(const struct reader_file *archive, uint64_t max_bytes, uint64_t *limit,
                  struct error *err)
{
    struct fs_stat stat;
    int rc = fs_stat(archive->path, &stat, err);
    if (rc != ERR_OK)
        return rc;
    uint64_t most = stat.size < UINT64_MAX / MEMBERS_RATIO ? stat.size * MEMBERS_RATIO : UINT64_MAX;
    *limit = max_bytes > 0 ? max_bytes : most > MEMBERS_FREE_BYTES ? most : MEMBERS_FREE_BYTES;
    return ERR_OK;
}

/* --- what libarchive says --------------------------------------------------------------------- */

static int damaged(const struct unpacking *u, const char *name, struct error *err)
{
    if (u->rc != ERR_OK)
        return error_pass(err, u->rc, &u->err);
    const char *reason = archive_error_string(u->archive);
    return error_set(err, ERR_SOURCE,
                     "%s%s%s cannot be unpacked: %s. Check that it was published and fetched "
                     "completely.",
                     u->file->shown, name != NULL ? ":" : "", name != NULL ? name : "",
                     reason != NULL ? reason : "it is damaged");
}

/*
 * A tar archive comes from the input, which unpacks it; its compression shows whether it is whole.
 */
static la_ssize_t feed(struct archive *archive, void *ctx, const void **bytes)
{
    struct unpacking *u = ctx;
    size_t got = 0;
    u->rc = input_read(u->input, u->packed_block, BLOCK, &got, &u->err);
    if (u->rc != ERR_OK) {
        archive_set_error(archive, EIO, "it cannot be read");
        return -1;
    }
    *bytes = u->packed_block;
    size_t part = got < TAR_BLOCK ? got : TAR_BLOCK;
    memmove(u->last, u->last + part, TAR_BLOCK - part);
    memcpy(u->last + TAR_BLOCK - part, u->packed_block + got - part, part);
    return (la_ssize_t)got;
}

static int open_tar(struct unpacking *u, struct error *err)
{
    archive_read_support_format_tar(u->archive);
    u->packed_block = mem_alloc(BLOCK);
    u->options.max_bytes = u->limit;
    int rc = input_open_bytes(u->file, &u->options, &u->input, err);
    if (rc != ERR_OK)
        return rc;
    return archive_read_open(u->archive, u, NULL, feed, NULL) == ARCHIVE_OK ? ERR_OK
                                                                            : damaged(u, NULL, err);
}

/* A ZIP archive is read by the directory at its end. */
static int open_zip(struct unpacking *u, struct error *err)
{
    archive_read_support_format_zip_seekable(u->archive);
    if (archive_read_open_filename(u->archive, u->file->path, BLOCK) == ARCHIVE_OK)
        return ERR_OK;
    return damaged(u, NULL, err);
}

static int open_archive(struct unpacking *u, uint64_t max_bytes, struct error *err)
{
    char head[4] = {0};
    int rc = members_limit(u->file, max_bytes, &u->limit, err);
    if (rc != ERR_OK)
        return rc;
    u->archive = archive_read_new();
    if (u->archive == NULL)
        abort();
    int fd = open(u->file->path, O_RDONLY | O_CLOEXEC);
    bool zip = read(fd, head, sizeof head) == sizeof head && memcmp(head, "PK", 2) == 0;
    if (fd >= 0)
        close(fd);
    return zip ? open_zip(u, err) : open_tar(u, err);
}

/* Names that are not UTF-8 are taken as they are in the archive. NULL: there is none. */
static const char *name_of(struct archive_entry *entry)
{
    const char *name = archive_entry_pathname_utf8(entry);
    if (name == NULL)
        name = archive_entry_pathname(entry);
    return name != NULL && *name != '\0' ? name : NULL;
}

/* --- members ---------------------------------------------------------------------------------- */

static bool matches(const char *pattern, const char *name)
{
    const char *last = strrchr(name, '/');
    if (strchr(pattern, '/') == NULL && last != NULL)
        name = last + 1;
    return fnmatch(pattern, name, FNM_PATHNAME | FNM_PERIOD) == 0;
}

static int too_large(const struct reader_file *file, uint64_t limit, bool declared,
                     struct error *err)
{
    if (declared)
        return error_set(err, ERR_LIMIT,
                         "%s is larger than the limit of %llu bytes when it is unpacked. Raise "
                         "`max_bytes` if that is right.",
                         file->shown, (unsigned long long)limit);
    return error_set(err, ERR_LIMIT,
                     "%s unpacks to more than %llu bytes, which is many times its size: it may be "
                     "made to fill the disk. Set `max_bytes` if that is right.",
                     file->shown, (unsigned long long)limit);
}

/* The content of the member at hand to `fd`; parts that the archive leaves out are zeros. */
static int copy_content(struct unpacking *u, const struct member *m, int fd, struct error *err)
{
    for (;;) {
        int rc = stop_check(err);
        if (rc != ERR_OK)
            return rc;
        la_ssize_t n = archive_read_data(u->archive, u->block, BLOCK);
        if (n < 0)
            return damaged(u, m->name, err);
        if (n == 0)
            return ERR_OK;
        u->bytes += (uint64_t)n;
        if (u->bytes > u->limit)
            return too_large(u->file, u->limit, u->declared, err);
        rc = fs_write_all(fd, u->block, (size_t)n, m->path, err);
        if (rc != ERR_OK)
            return rc;
    }
}

/* A new file of the scratch folder; `name` and `shown` are taken. */
static int create_member(struct members *out, char *name, char *shown, const char *folder,
                         const char *prefix, int *fd, struct error *err)
{
    out->items = mem_grow(out->items, out->count, &out->capacity, sizeof *out->items);
    struct member *m = &out->items[out->count];
    *m = (struct member){name, shown, mem_printf("%s/%s%zu", folder, prefix, out->count)};
    out->count++;
    *fd = open(m->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    return *fd >= 0 ? ERR_OK : error_set_errno(err, ERR_SYSTEM, errno, "Cannot create %s", m->path);
}

static int close_member(const struct member *m, int fd, int rc, struct error *err)
{
    if (close(fd) != 0 && rc == ERR_OK)
        return error_set_errno(err, ERR_SYSTEM, errno, "Cannot write %s", m->path);
    return rc;
}

static int unpack_member(struct unpacking *u, const char *name, struct error *err)
{
    struct members *out = u->out;
    char *shown = mem_printf("%s:%s", u->file->shown, name);
    int fd;
    int rc = create_member(out, mem_strdup(name), shown, u->folder, u->prefix, &fd, err);
    if (rc != ERR_OK)
        return rc;
    const struct member *m = &out->items[out->count - 1];
    return close_member(m, fd, copy_content(u, m, fd, err), err);
}

static int take_entry(struct unpacking *u, struct archive_entry *entry, struct error *err)
{
    const char *name = name_of(entry);
    mode_t type = archive_entry_filetype(entry);
    if (type == AE_IFDIR)
        return ERR_OK;
    if (name == NULL)
        return error_set(err, ERR_SOURCE, "%s has a member whose name cannot be read.",
                         u->file->shown);
    if (!matches(u->pattern, name)) {
        str_printf(&u->names, "%s%s", u->names.len > 0 ? ", " : "", name);
        return ERR_OK;
    }
    if (archive_entry_is_encrypted(entry))
        return error_set(err, ERR_SOURCE,
                         "%s:%s is encrypted. Unpack it first, or have it published without a "
                         "password.",
                         u->file->shown, name);
    if (type != AE_IFREG || archive_entry_hardlink(entry) != NULL)
        return error_set(err, ERR_SOURCE, "%s:%s is a link or device, not a file.", u->file->shown,
                         name);
    if (u->out->count == MEMBERS_MATCHED_MAX)
        return error_set(err, ERR_LIMIT, "more than %zu members of %s match \"%s\".",
                         MEMBERS_MATCHED_MAX, u->file->shown, u->pattern);
    return unpack_member(u, name, err);
}

static int take_all(struct unpacking *u, struct error *err)
{
    struct archive_entry *entry;
    int rc = ERR_OK;
    while (rc == ERR_OK) {
        /*
         * A mere warning means that the name or a time could not be understood, which does no harm.
         */
        int read = archive_read_next_header(u->archive, &entry);
        if (read == ARCHIVE_EOF)
            return ERR_OK;
        if (read != ARCHIVE_OK && read != ARCHIVE_WARN)
            return damaged(u, NULL, err);
        if (++u->seen > MEMBERS_MAX)
            return error_set(err, ERR_LIMIT, "%s has more than %zu members.", u->file->shown,
                             MEMBERS_MAX);
        rc = take_entry(u, entry, err);
    }
    return rc;
}

/*
 * A plain tar archive that was cut between two members looks whole, but for the block of zeros at
 * its end. What follows the end is read to check its compression.
 */
static int check_end(struct unpacking *u, struct error *err)
{
    static const char zeros[TAR_BLOCK];
    const void *rest;
    if (u->input == NULL)
        return ERR_OK;
    while (feed(u->archive, u, &rest) > 0)
        if (stop_check(err) != ERR_OK)
            return ERR_INTERRUPTED;
    if (u->rc != ERR_OK)
        return damaged(u, NULL, err);
    if (memcmp(u->last, zeros, TAR_BLOCK) == 0)
        return ERR_OK;
    return error_set(err, ERR_SOURCE,
                     "%s has no end mark: it was cut off. Check that it was published and fetched "
                     "completely.",
                     u->file->shown);
}

/* --- all of it -------------------------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
    return strcmp(((const struct member *)a)->name, ((const struct member *)b)->name);
}

static int check_members(struct unpacking *u, struct error *err)
{
    struct members *out = u->out;
    if (out->count == 0)
        return error_set(err, ERR_SOURCE,
                         "%s has no member that matches \"%s\" (`archive`); it has %s%s.",
                         u->file->shown, u->pattern, u->names.len > 0 ? u->names.data : "none",
                         u->names.full ? ", ..." : "");
    qsort(out->items, out->count, sizeof *out->items, compare);
    for (size_t i = 1; i < out->count; i++)
        if (strcmp(out->items[i - 1].name, out->items[i].name) == 0)
            return error_set(err, ERR_SOURCE, "%s has two members of the name %s.", u->file->shown,
                             out->items[i].name);
    return ERR_OK;
}

/*
 * libarchive gives names in the characters of the locale, and does not give those with other
 * characters: only a locale that has all characters will do. The locale of the thread is given
 * back.
 */
static int unpack(struct unpacking *u, uint64_t max_bytes, struct error *err)
{
    locale_t all = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
    locale_t before = all != (locale_t)0 ? uselocale(all) : (locale_t)0;
    int rc = open_archive(u, max_bytes, err);
    if (rc == ERR_OK)
        rc = take_all(u, err);
    if (rc == ERR_OK)
        rc = check_end(u, err);
    if (all != (locale_t)0) {
        uselocale(before);
        freelocale(all);
    }
    return rc;
}

int members_unpack(const struct reader_file *archive, const char *pattern, uint64_t max_bytes,
                   const char *folder, const char *prefix, struct members *out, struct error *err)
{
    struct unpacking u = {.file = archive,
                          .pattern = pattern,
                          .folder = folder,
                          .prefix = prefix,
                          .declared = max_bytes > 0,
                          .out = out};
    *out = (struct members){0};
    str_init(&u.names, NAMES_SHOWN_MAX);
    u.block = mem_alloc(BLOCK);
    int rc = unpack(&u, max_bytes, err);
    if (rc == ERR_OK)
        rc = check_members(&u, err);
    archive_read_free(u.archive);
    input_free(u.input);
    free(u.packed_block);
    str_release(&u.names);
    free(u.block);
    return rc;
}

/* --- a file that is compressed as a whole ----------------------------------------------------- */

static int is_compressed(const struct reader_file *file, bool *compressed, struct error *err)
{
    struct read_options plain = {.compression = READ_PLAIN};
    struct input *in = NULL;
    size_t count;
    int rc = input_open_bytes(file, &plain, &in, err);
    if (rc != ERR_OK)
        return rc;
    const unsigned char *head = input_head(in, &count);
    enum kind kind = kind_of(head, count);
    *compressed = kind == KIND_GZIP || kind == KIND_ZSTD || kind == KIND_XZ || kind == KIND_BZIP2;
    input_free(in);
    return ERR_OK;
}

static int copy_input(struct input *in, const char *path, int fd, struct error *err)
{
    char *block = mem_alloc(BLOCK);
    size_t got = 0;
    int rc;
    do {
        rc = input_read(in, block, BLOCK, &got, err);
        if (rc == ERR_OK)
            rc = fs_write_all(fd, block, got, path, err);
    } while (rc == ERR_OK && got > 0);
    free(block);
    return rc;
}

int members_unwrap(const struct reader_file *file, uint64_t max_bytes, const char *folder,
                   const char *prefix, struct members *out, struct error *err)
{
    struct read_options options = {.compression = READ_AUTO};
    struct input *in = NULL;
    bool compressed = false;
    int fd = -1;
    *out = (struct members){0};
    int rc = is_compressed(file, &compressed, err);
    if (rc != ERR_OK || !compressed)
        return rc;
    rc = members_limit(file, max_bytes, &options.max_bytes, err);
    if (rc == ERR_OK)
        rc = input_open_bytes(file, &options, &in, err);
    if (rc == ERR_OK)
        rc = create_member(out, NULL, mem_strdup(file->shown), folder, prefix, &fd, err);
    if (rc == ERR_OK) {
        const char *path = out->items[0].path;
        rc = close_member(&out->items[0], fd, copy_input(in, path, fd, err), err);
    }
    if (rc == ERR_LIMIT)
        rc = too_large(file, options.max_bytes, max_bytes > 0, err);
    input_free(in);
    return rc;
}
