#include "engine/plain.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "engine/transcode.h"
#include "util/fs.h"
#include "util/mem.h"
#include "util/stop.h"

#define CHUNK ((size_t)256 << 10)

/*
 * Bytes flow from the file through the decompressor into put() and from there, as UTF-8, into
 * write_out().
 */
struct plain {
    const char *path;
    const char *target;
    const struct plain_options *options;
    int in;
    int out;
    uint64_t read;
    uint64_t written;
    unsigned char *input;
    struct transcode *text; /* NULL: the bytes are not text */
};

static int too_large(const struct plain *p, struct error *err)
{
    return error_set(err, ERR_LIMIT,
                     "%s is larger than the limit of %llu bytes as a plain file. Raise "
                     "`max_bytes` if that is right.",
                     p->path, (unsigned long long)p->options->max_bytes);
}

static int write_out(void *ctx, const void *bytes, size_t count, struct error *err)
{
    struct plain *p = ctx;
    if (p->options->max_bytes > 0 && count > p->options->max_bytes - p->written)
        return too_large(p, err);
    p->written += count;
    return fs_write_all(p->out, bytes, count, p->target, err);
}

/* Bytes of the decompressed file. */
static int put(struct plain *p, const unsigned char *bytes, size_t count, struct error *err)
{
    if (p->text != NULL)
        return transcode_put(p->text, bytes, count, err);
    return write_out(p, bytes, count, err);
}

/* The next part of the file; `*count` is 0 at its end. */
static int read_in(struct plain *p, size_t *count, struct error *err)
{
    *count = 0;
    int rc = stop_check(err);
    if (rc != ERR_OK)
        return rc;
    ssize_t n;
    do {
        n = read(p->in, p->input, CHUNK);
    } while (n < 0 && errno == EINTR);
    if (n < 0)
        return error_set_errno(err, ERR_SOURCE, errno, "Cannot read %s", p->path);
    *count = (size_t)n;
    p->read += *count;
    return ERR_OK;
}

static int copy(struct plain *p, struct error *err)
{
    size_t count;
    int rc;
    do {
        rc = read_in(p, &count, err);
        if (rc == ERR_OK)
            rc = put(p, p->input, count, err);
    } while (rc == ERR_OK && count > 0);
    return rc;
}

static int truncated(const struct plain *p, const char *format, struct error *err)
{
    return error_set(err, ERR_SOURCE,
                     "%s ends in the middle of its %s data, after byte %llu. Check that it was "
                     "published and fetched completely.",
                     p->path, format, (unsigned long long)p->read);
}

static int corrupt(const struct plain *p, const char *format, uint64_t offset, const char *reason,
                   struct error *err)
{
    return error_set(
        err, ERR_SOURCE,
        "%s has damaged %s data at byte %llu: %s. Check that it was published and fetched "
        "completely, and `compression` in the configuration.",
        p->path, format, (unsigned long long)offset, reason);
}

static int not_compressed(const struct plain *p, const char *format, struct error *err)
{
    return error_set(err, ERR_SOURCE,
                     "%s is not compressed with %s, as `compression` in the configuration says.",
                     p->path, format);
}

/* What stands behind a whole member must be another one. */
static int trailing(const struct plain *p, const char *format, uint64_t offset, struct error *err)
{
    return error_set(
        err, ERR_SOURCE,
        "%s goes on behind its %s data, at byte %llu, with something else. Check that it "
        "was published and fetched correctly.",
        p->path, format, (unsigned long long)offset);
}

/* Where the decompressor stands in the file. */
struct gunzip {
    z_stream stream;
    bool inside;     /* a member has begun and not ended */
    bool any;        /* a member has ended */
    uint64_t member; /* offset of the one that has begun */
};

static uint64_t gunzip_offset(const struct plain *p, const struct gunzip *g)
{
    return p->read - g->stream.avail_in;
}

static int gunzip_failed(const struct plain *p, const struct gunzip *g, struct error *err)
{
    bool at_head = g->stream.total_out == 0 && g->stream.msg != NULL &&
                   strcmp(g->stream.msg, "incorrect header check") == 0;
    if (at_head && g->any)
        return trailing(p, "gzip", g->member, err);
    if (at_head)
        return not_compressed(p, "gzip", err);
    const char *reason = g->stream.msg != NULL ? g->stream.msg : "it cannot be decompressed";
    return corrupt(p, "gzip", gunzip_offset(p, g), reason, err);
}

/* All output of the input that is there. */
static int gunzip_input(struct plain *p, struct gunzip *g, unsigned char *plain, struct error *err)
{
    int rc = ERR_OK;
    bool more = false; /* output that found no room */
    while (rc == ERR_OK && (g->stream.avail_in > 0 || more)) {
        if (!g->inside) {
            inflateReset(&g->stream);
            g->member = gunzip_offset(p, g);
            g->inside = true;
        }
        g->stream.next_out = plain;
        g->stream.avail_out = CHUNK;
        int z = inflate(&g->stream, Z_NO_FLUSH);
        if (z != Z_OK && z != Z_STREAM_END && z != Z_BUF_ERROR)
            return gunzip_failed(p, g, err);
        more = g->stream.avail_out == 0;
        rc = put(p, plain, CHUNK - g->stream.avail_out, err);
        if (z == Z_STREAM_END) {
            g->inside = false;
            g->any = true;
            more = false;
        }
    }
    return rc;
}

static int gunzip(struct plain *p, struct error *err)
{
    struct gunzip g = {.inside = false};
    /* 15 bits of window, and 16: gzip, with its check sums. */
    if (inflateInit2(&g.stream, 15 + 16) != Z_OK)
        return error_set(err, ERR_SYSTEM, "zlib cannot be set up to read %s.", p->path);
    unsigned char *plain = mem_alloc(CHUNK);
    size_t count;
    int rc;
    do {
        rc = read_in(p, &count, err);
        g.stream.next_in = p->input;
        g.stream.avail_in = (uInt)count;
        if (rc == ERR_OK)
            rc = gunzip_input(p, &g, plain, err);
    } while (rc == ERR_OK && count > 0);
    if (rc == ERR_OK && (g.inside || !g.any))
        rc = truncated(p, "gzip", err);
    free(plain);
    inflateEnd(&g.stream);
    return rc;
}

/* Where the decompressor stands in the file. */
struct unzstd {
    ZSTD_DCtx *context;
    ZSTD_inBuffer in;
    bool inside;    /* a frame has begun and not ended */
    bool any;       /* a frame has ended */
    uint64_t frame; /* offset of the one that has begun */
};

static uint64_t unzstd_offset(const struct plain *p, const struct unzstd *z)
{
    return p->read - (z->in.size - z->in.pos);
}

static int unzstd_failed(const struct plain *p, const struct unzstd *z, size_t code,
                         struct error *err)
{
    if (ZSTD_getErrorCode(code) == ZSTD_error_prefix_unknown)
        return z->any ? trailing(p, "zstd", z->frame, err) : not_compressed(p, "zstd", err);
    if (ZSTD_getErrorCode(code) == ZSTD_error_frameParameter_windowTooLarge)
        return error_set(
            err, ERR_LIMIT,
            "%s needs more than 128 MiB of memory to be decompressed. Compress it without "
            "`--long` and `--ultra`.",
            p->path);
    return corrupt(p, "zstd", unzstd_offset(p, z), ZSTD_getErrorName(code), err);
}

/* All output of the input that is there. */
static int unzstd_input(struct plain *p, struct unzstd *z, unsigned char *plain, struct error *err)
{
    int rc = ERR_OK;
    bool more = false; /* output that found no room */
    while (rc == ERR_OK && (z->in.pos < z->in.size || more)) {
        if (!z->inside)
            z->frame = unzstd_offset(p, z);
        ZSTD_outBuffer out = {.dst = plain, .size = CHUNK};
        size_t hint = ZSTD_decompressStream(z->context, &out, &z->in);
        if (ZSTD_isError(hint))
            return unzstd_failed(p, z, hint, err);
        z->inside = hint != 0;
        z->any = z->any || hint == 0;
        more = z->inside && out.pos == out.size;
        rc = put(p, plain, out.pos, err);
    }
    return rc;
}

static int unzstd(struct plain *p, struct error *err)
{
    struct unzstd z = {.context = ZSTD_createDCtx()};
    if (z.context == NULL)
        return error_set(err, ERR_SYSTEM, "zstd cannot be set up to read %s.", p->path);
    unsigned char *plain = mem_alloc(CHUNK);
    size_t count;
    int rc;
    do {
        rc = read_in(p, &count, err);
        z.in = (ZSTD_inBuffer){.src = p->input, .size = count};
        if (rc == ERR_OK)
            rc = unzstd_input(p, &z, plain, err);
    } while (rc == ERR_OK && count > 0);
    if (rc == ERR_OK && (z.inside || !z.any))
        rc = truncated(p, "zstd", err);
    free(plain);
    ZSTD_freeDCtx(z.context);
    return rc;
}

/* The kind that the first bytes tell: of zstd a frame or a skippable one. */
static enum plain_compression detect(const unsigned char *head, size_t count)
{
    if (count >= 2 && head[0] == 0x1f && head[1] == 0x8b)
        return PLAIN_GZIP;
    if (count >= 4 && memcmp(head, "\x28\xb5\x2f\xfd", 4) == 0)
        return PLAIN_ZSTD;
    if (count >= 4 && (head[0] & 0xf0) == 0x50 && memcmp(head + 1, "\x2a\x4d\x18", 3) == 0)
        return PLAIN_ZSTD;
    return PLAIN_NONE;
}

/* Is there anything to do? Where not, the file's own size must keep the limit. */
static int inspect(struct plain *p, enum plain_compression *compression, bool *needed,
                   struct error *err)
{
    unsigned char head[4];
    struct stat st;
    ssize_t n = pread(p->in, head, sizeof head, 0);
    if (n < 0 || fstat(p->in, &st) != 0)
        return error_set_errno(err, ERR_SOURCE, errno, "Cannot read %s", p->path);
    *compression = p->options->compression;
    if (*compression == PLAIN_AUTO)
        *compression = detect(head, (size_t)n);
    bool changes = p->text != NULL && transcode_changes(p->text, head, (size_t)n);
    *needed = *compression != PLAIN_NONE || changes;
    if (!*needed && p->options->max_bytes > 0 && (uint64_t)st.st_size > p->options->max_bytes)
        return too_large(p, err);
    return ERR_OK;
}

static int open_target(struct plain *p, struct error *err)
{
    p->out = open(p->target, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (p->out < 0)
        return error_set_errno(err, ERR_SYSTEM, errno, "Cannot create %s", p->target);
    return ERR_OK;
}

static int make(struct plain *p, enum plain_compression compression, struct error *err)
{
    int rc = open_target(p, err);
    if (rc != ERR_OK)
        return rc;
    p->input = mem_alloc(CHUNK);
    switch (compression) {
    case PLAIN_GZIP:
        rc = gunzip(p, err);
        break;
    case PLAIN_ZSTD:
        rc = unzstd(p, err);
        break;
    default:
        rc = copy(p, err);
        break;
    }
    if (rc == ERR_OK && p->text != NULL)
        rc = transcode_finish(p->text, err);
    if (close(p->out) != 0 && errno != EINTR && rc == ERR_OK)
        rc = error_set_errno(err, ERR_SYSTEM, errno, "Cannot write %s", p->target);
    if (rc != ERR_OK)
        unlink(p->target);
    free(p->input);
    return rc;
}

int plain_make(const char *path, const struct plain_options *options, const char *target,
               bool *made, struct error *err)
{
    struct plain p = {.path = path, .target = target, .options = options};
    enum plain_compression compression;
    bool needed = false;
    *made = false;
    p.in = open(path, O_RDONLY | O_CLOEXEC);
    if (p.in < 0)
        return error_set_errno(err, ERR_SOURCE, errno, "Cannot open %s", path);
    int rc = ERR_OK;
    if (options->text)
        rc = transcode_new(path, options->encoding, write_out, &p, &p.text, err);
    if (rc == ERR_OK)
        rc = inspect(&p, &compression, &needed, err);
    if (rc == ERR_OK && needed)
        rc = make(&p, compression, err);
    *made = rc == ERR_OK && needed;
    transcode_free(p.text);
    close(p.in);
    return rc;
}
