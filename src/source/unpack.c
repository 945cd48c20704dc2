#include "source/unpack.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "util/mem.h"

/* What the formats share. A part is a gzip member or a zstd frame. */
struct unpack {
    struct stream stream;
    struct stream *from;
    const char *name;
    const char *format;
    unsigned char *input;
    uint64_t read;  /* bytes of the packed file, so far */
    uint64_t begun; /* offset of the part that has begun */
    bool inside;    /* a part has begun and not ended */
    bool any;       /* a part has ended */
    bool more;      /* output that found no room */
    z_stream gzip;
    ZSTD_DCtx *zstd;
    ZSTD_inBuffer zstd_in;
};

static int truncated(const struct unpack *u, struct error *err)
{
    return error_set(err, ERR_SOURCE,
                     "%s ends in the middle of its %s data, after byte %llu. Check that it was "
                     "published and fetched completely.",
                     u->name, u->format, (unsigned long long)u->read);
}

static int corrupt(const struct unpack *u, uint64_t offset, const char *reason, struct error *err)
{
    return error_set(
        err, ERR_SOURCE,
        "%s has damaged %s data at byte %llu: %s. Check that it was published and fetched "
        "completely, and `compression` in the configuration.",
        u->name, u->format, (unsigned long long)offset, reason);
}

/* What is not the head of a part: after a whole one, or where the first should be. */
static int foreign(const struct unpack *u, struct error *err)
{
    if (!u->any)
        return error_set(
            err, ERR_SOURCE,
            "%s is not compressed with %s, as `compression` in the configuration says.", u->name,
            u->format);
    return error_set(
        err, ERR_SOURCE,
        "%s has something else after its %s data, at byte %llu. Check that it was published and "
        "fetched correctly.",
        u->name, u->format, (unsigned long long)u->begun);
}

/* More of the packed bytes; `*end` where there are none. */
static int refill(struct unpack *u, size_t *got, bool *end, struct error *err)
{
    int rc = u->from->read(u->from, u->input, STREAM_CHUNK, got, err);
    if (rc != ERR_OK)
        return rc;
    u->read += *got;
    *end = *got == 0;
    return *end && (u->inside || !u->any) ? truncated(u, err) : ERR_OK;
}

/* ---- gzip ---- */

static uint64_t gzip_offset(const struct unpack *u)
{
    return u->read - u->gzip.avail_in;
}

static int gzip_failed(const struct unpack *u, struct error *err)
{
    const char *reason = u->gzip.msg != NULL ? u->gzip.msg : "it cannot be decompressed";
    if (u->gzip.total_out == 0 && strcmp(reason, "incorrect header check") == 0)
        return foreign(u, err);
    return corrupt(u, gzip_offset(u), reason, err);
}

static int gzip_inflate(struct unpack *u, unsigned char *to, size_t room, size_t *got,
                        struct error *err)
{
    if (!u->inside) {
        inflateReset(&u->gzip);
        u->begun = gzip_offset(u);
        u->inside = true;
    }
    u->gzip.next_out = to;
    u->gzip.avail_out = (uInt)room;
    int z = inflate(&u->gzip, Z_NO_FLUSH);
    if (z != Z_OK && z != Z_STREAM_END && z != Z_BUF_ERROR)
        return gzip_failed(u, err);
    *got = room - u->gzip.avail_out;
    u->more = z != Z_STREAM_END && u->gzip.avail_out == 0;
    if (z == Z_STREAM_END) {
        u->inside = false;
        u->any = true;
    }
    return ERR_OK;
}

static int gzip_read(struct stream *self, void *to, size_t room, size_t *got, struct error *err)
{
    struct unpack *u = (struct unpack *)self;
    bool end = false;
    int rc = ERR_OK;
    *got = 0;
    if (room > STREAM_CHUNK)
        room = STREAM_CHUNK;
    while (rc == ERR_OK && *got == 0 && !end) {
        size_t packed = 0;
        if (u->gzip.avail_in == 0 && !u->more) {
            rc = refill(u, &packed, &end, err);
            u->gzip.next_in = u->input;
            u->gzip.avail_in = (uInt)packed;
        }
        if (rc == ERR_OK && !end)
            rc = gzip_inflate(u, to, room, got, err);
    }
    return rc;
}

/* ---- zstd ---- */

static uint64_t zstd_offset(const struct unpack *u)
{
    return u->read - (u->zstd_in.size - u->zstd_in.pos);
}

static int zstd_failed(const struct unpack *u, size_t code, struct error *err)
{
    if (ZSTD_getErrorCode(code) == ZSTD_error_prefix_unknown)
        return foreign(u, err);
    if (ZSTD_getErrorCode(code) == ZSTD_error_frameParameter_windowTooLarge)
        return error_set(
            err, ERR_LIMIT,
            "%s needs more than 128 MiB of memory to be decompressed. Compress it without "
            "`--long` and `--ultra`.",
            u->name);
    return corrupt(u, zstd_offset(u), ZSTD_getErrorName(code), err);
}

static int zstd_decompress(struct unpack *u, void *to, size_t room, size_t *got, struct error *err)
{
    if (!u->inside)
        u->begun = zstd_offset(u);
    ZSTD_outBuffer out = {.dst = to, .size = room};
    size_t hint = ZSTD_decompressStream(u->zstd, &out, &u->zstd_in);
    if (ZSTD_isError(hint))
        return zstd_failed(u, hint, err);
    *got = out.pos;
    u->inside = hint != 0;
    u->any = u->any || hint == 0;
    u->more = u->inside && out.pos == out.size;
    return ERR_OK;
}

static int zstd_read(struct stream *self, void *to, size_t room, size_t *got, struct error *err)
{
    struct unpack *u = (struct unpack *)self;
    bool end = false;
    int rc = ERR_OK;
    *got = 0;
    while (rc == ERR_OK && *got == 0 && !end) {
        size_t packed = 0;
        if (u->zstd_in.pos == u->zstd_in.size && !u->more) {
            rc = refill(u, &packed, &end, err);
            u->zstd_in = (ZSTD_inBuffer){.src = u->input, .size = packed};
        }
        if (rc == ERR_OK && !end)
            rc = zstd_decompress(u, to, room, got, err);
    }
    return rc;
}

/* ---- both ---- */

static void unpack_free(struct stream *self)
{
    struct unpack *u = (struct unpack *)self;
    if (u->zstd != NULL)
        ZSTD_freeDCtx(u->zstd);
    else
        inflateEnd(&u->gzip);
    u->from->free(u->from);
    free(u->input);
    free(u);
}

static struct unpack *unpack_new(struct stream *from, const char *name, const char *format)
{
    struct unpack *u = mem_calloc(1, sizeof *u);
    u->stream.free = unpack_free;
    u->from = from;
    u->name = name;
    u->format = format;
    u->input = mem_alloc(STREAM_CHUNK);
    return u;
}

int unpack_gzip(struct stream *from, const char *name, struct stream **out, struct error *err)
{
    struct unpack *u = unpack_new(from, name, "gzip");
    u->stream.read = gzip_read;
    /* 15 bits of window, and 16: gzip, with its check sums. */
    if (inflateInit2(&u->gzip, 15 + 16) == Z_OK) {
        *out = &u->stream;
        return ERR_OK;
    }
    unpack_free(&u->stream);
    return error_set(err, ERR_SYSTEM, "zlib cannot be set up to read %s.", name);
}

int unpack_zstd(struct stream *from, const char *name, struct stream **out, struct error *err)
{
    struct unpack *u = unpack_new(from, name, "zstd");
    u->stream.read = zstd_read;
    u->zstd = ZSTD_createDCtx();
    if (u->zstd != NULL) {
        *out = &u->stream;
        return ERR_OK;
    }
    unpack_free(&u->stream);
    return error_set(err, ERR_SYSTEM, "zstd cannot be set up to read %s.", name);
}
