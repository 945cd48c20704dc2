#include "source/unpack_library.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "util/mem.h"

struct library {
    struct stream stream;
    struct stream *from;
    const char *name;
    const char *format;
    struct archive *archive;
    unsigned char *input;
    uint64_t fed; /* bytes of what is packed */
    int rc;       /* of reading it */
    struct error err;
};

static la_ssize_t feed(struct archive *archive, void *ctx, const void **bytes)
{
    struct library *l = ctx;
    size_t got = 0;
    l->rc = l->from->read(l->from, l->input, STREAM_CHUNK, &got, &l->err);
    if (l->rc != ERR_OK) {
        archive_set_error(archive, EIO, "it cannot be read");
        return -1;
    }
    *bytes = l->input;
    l->fed += got;
    return (la_ssize_t)got;
}

static int fail(const struct library *l, struct error *err)
{
    if (l->rc != ERR_OK)
        return error_pass(err, l->rc, &l->err);
    const char *reason = archive_error_string(l->archive);
    return error_set(
        err, ERR_SOURCE,
        "%s is not complete and sound %s data: %s. Check that it was published and fetched "
        "completely, and `compression` in the configuration.",
        l->name, l->format, reason != NULL ? reason : "it is damaged");
}

/* What follows the packed data and is not of its kind would end it without a word. */
static int check_end(struct library *l, struct error *err)
{
    const void *rest;
    uint64_t used = (uint64_t)archive_filter_bytes(l->archive, -1);
    la_ssize_t more = feed(l->archive, l, &rest);
    if (more < 0)
        return fail(l, err);
    if (more == 0 && used == l->fed)
        return ERR_OK;
    return error_set(err, ERR_SOURCE,
                     "%s goes on behind its %s data, at byte %llu, with something else. Check that "
                     "it was published and fetched correctly.",
                     l->name, l->format, (unsigned long long)used);
}

static int library_read(struct stream *self, void *to, size_t room, size_t *got, struct error *err)
{
    struct library *l = (struct library *)self;
    la_ssize_t n = archive_read_data(l->archive, to, room);
    *got = n > 0 ? (size_t)n : 0;
    if (n < 0)
        return fail(l, err);
    return n == 0 && room > 0 ? check_end(l, err) : ERR_OK;
}

static void library_free(struct stream *self)
{
    struct library *l = (struct library *)self;
    archive_read_free(l->archive);
    l->from->free(l->from);
    free(l->input);
    free(l);
}

static int open_library(struct library *l, enum read_compression kind, struct error *err)
{
    struct archive_entry *entry;
    l->archive = archive_read_new();
    if (l->archive == NULL)
        abort();
    if (kind == READ_XZ)
        archive_read_support_filter_xz(l->archive);
    else
        archive_read_support_filter_bzip2(l->archive);
    archive_read_support_format_raw(l->archive);
    if (archive_read_open(l->archive, l, NULL, feed, NULL) != ARCHIVE_OK)
        return fail(l, err);
    /* Without a filter the bytes would be passed on as they are. */
    if (archive_filter_count(l->archive) < 2)
        return error_set(
            err, ERR_SOURCE,
            "%s is not compressed with %s, as `compression` in the configuration says.", l->name,
            l->format);
    return archive_read_next_header(l->archive, &entry) == ARCHIVE_OK ? ERR_OK : fail(l, err);
}

int unpack_library(struct stream *from, const char *name, enum read_compression kind,
                   struct stream **out, struct error *err)
{
    struct library *l = mem_calloc(1, sizeof *l);
    l->stream = (struct stream){.read = library_read, .free = library_free};
    l->from = from;
    l->name = name;
    l->format = kind == READ_XZ ? "xz" : "bzip2";
    l->input = mem_alloc(STREAM_CHUNK);
    int rc = open_library(l, kind, err);
    if (rc == ERR_OK)
        *out = &l->stream;
    else
        library_free(&l->stream);
    return rc;
}
