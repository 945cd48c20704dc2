#include "source/input.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "source/encoding.h"
#include "source/unpack.h"
#include "source/unpack_library.h"
#include "util/mem.h"
#include "util/stop.h"

#define HEAD_SIZE 4096

/* The stored file: the lowest stage. */
struct stored {
    struct stream stream;
    const char *name;
    int fd;
    unsigned char head[HEAD_SIZE]; /* was read when the file was opened */
    size_t head_size;
    size_t head_at; /* what of it was given on */
    struct sha256 *sha256;
};

struct input {
    const struct reader_file *file;
    const struct read_options *options;
    struct stored *stored; /* the lowest stage below `text` */
    struct stream *text;
    uint64_t size;
    uint64_t read; /* bytes of the text, so far */
};

/* ---- the stored file ---- */

static int read_some(struct stored *s, void *to, size_t room, size_t *got, struct error *err)
{
    int rc = stop_check(err);
    if (rc != ERR_OK)
        return rc;
    ssize_t n;
    do {
        n = read(s->fd, to, room);
    } while (n < 0 && errno == EINTR);
    if (n < 0)
        return error_set_errno(err, ERR_SOURCE, errno, "Cannot read %s", s->name);
    *got = (size_t)n;
    if (s->sha256 != NULL)
        sha256_update(s->sha256, to, *got);
    return ERR_OK;
}

static int stored_read(struct stream *self, void *to, size_t room, size_t *got, struct error *err)
{
    struct stored *s = (struct stored *)self;
    *got = 0;
    size_t left = s->head_size - s->head_at;
    if (left == 0)
        return read_some(s, to, room, got, err);
    *got = left < room ? left : room;
    memcpy(to, s->head + s->head_at, *got);
    s->head_at += *got;
    return ERR_OK;
}

static void stored_free(struct stream *self)
{
    struct stored *s = (struct stored *)self;
    sha256_free(s->sha256);
    if (s->fd >= 0)
        close(s->fd);
    free(s);
}

static int read_head(struct stored *s, struct error *err)
{
    size_t got;
    int rc;
    do {
        rc = read_some(s, s->head + s->head_size, HEAD_SIZE - s->head_size, &got, err);
        if (rc == ERR_OK)
            s->head_size += got;
    } while (rc == ERR_OK && got > 0 && s->head_size < HEAD_SIZE);
    return rc;
}

static int too_large(const struct input *in, struct error *err)
{
    return error_set(err, ERR_LIMIT,
                     "%s is larger than the limit of %llu bytes as a plain file. Raise "
                     "`max_bytes` if that is right.",
                     in->file->shown, (unsigned long long)in->options->max_bytes);
}

/* A pipe or a device may never end. */
static int check_kind(struct input *in, int fd, struct error *err)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return error_set_errno(err, ERR_SOURCE, errno, "Cannot read %s", in->file->shown);
    if (S_ISREG(st.st_mode)) {
        in->size = (uint64_t)st.st_size;
        return ERR_OK;
    }
    if (S_ISDIR(st.st_mode))
        return error_set(err, ERR_SOURCE, "%s is a folder, not a file.", in->file->shown);
    if (in->options->max_bytes > 0)
        return ERR_OK;
    return error_set(err, ERR_SOURCE,
                     "%s is not a regular file: it may have no end. Set `max_bytes` to the most "
                     "that may be read from it, or name a regular file.",
                     in->file->shown);
}

static int open_stored(struct input *in, struct error *err)
{
    /* So as not to wait for the writer of a pipe before its kind is known. */
    int fd = open(in->file->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return error_set_errno(err, ERR_SOURCE, errno, "Cannot open %s", in->file->shown);
    in->stored = mem_calloc(1, sizeof *in->stored);
    in->stored->stream = (struct stream){.read = stored_read, .free = stored_free};
    in->stored->name = in->file->shown;
    in->stored->fd = fd;
    in->stored->sha256 = in->options->digest ? sha256_new() : NULL;
    in->text = &in->stored->stream;
    int rc = check_kind(in, fd, err);
    if (rc == ERR_OK && fcntl(fd, F_SETFL, 0) != 0)
        rc = error_set_errno(err, ERR_SOURCE, errno, "Cannot read %s", in->file->shown);
    return rc == ERR_OK ? read_head(in->stored, err) : rc;
}

/* ---- the stages above it ---- */

/* The kind by the first bytes; zstd may begin with a frame or a skippable one. */
static enum read_compression detect(const unsigned char *head, size_t count)
{
    if (count >= 2 && head[0] == 0x1f && head[1] == 0x8b)
        return READ_GZIP;
    if (count >= 4 && memcmp(head, "\x28\xb5\x2f\xfd", 4) == 0)
        return READ_ZSTD;
    if (count >= 4 && (head[0] & 0xf0) == 0x50 && memcmp(head + 1, "\x2a\x4d\x18", 3) == 0)
        return READ_ZSTD;
    if (count >= 6 && memcmp(head,
                             "\xfd"
                             "7zXZ",
                             6) == 0)
        return READ_XZ;
    if (count >= 10 && memcmp(head, "BZh", 3) == 0 && memcmp(head + 4, "1AY&SY", 6) == 0)
        return READ_BZIP2;
    return READ_PLAIN;
}

static int unpack(struct input *in, struct error *err)
{
    enum read_compression kind = in->options->compression;
    if (kind == READ_AUTO)
        kind = detect(in->stored->head, in->stored->head_size);
    struct stream *packed = in->text;
    switch (kind) {
    case READ_GZIP:
        in->text = NULL;
        return unpack_gzip(packed, in->file->shown, &in->text, err);
    case READ_ZSTD:
        in->text = NULL;
        return unpack_zstd(packed, in->file->shown, &in->text, err);
    case READ_AUTO:
    case READ_PLAIN:
        if (in->options->max_bytes > 0 && in->size > in->options->max_bytes)
            return too_large(in, err);
        return ERR_OK;
    case READ_XZ:
    case READ_BZIP2:
        in->text = NULL;
        return unpack_library(packed, in->file->shown, kind, &in->text, err);
    }
    return error_set(err, ERR_CONFIG, "%s: this compression is not known.", in->file->shown);
}

static int decode(struct input *in, struct error *err)
{
    struct stream *stored = in->text;
    in->text = NULL;
    return encoding_open(stored, in->file->shown, in->options->encoding, &in->text, err);
}

static int open_input(const struct reader_file *file, const struct read_options *options, bool text,
                      struct input **out, struct error *err)
{
    struct input *in = mem_calloc(1, sizeof *in);
    in->file = file;
    in->options = options;
    int rc = open_stored(in, err);
    if (rc == ERR_OK)
        rc = unpack(in, err);
    if (rc == ERR_OK && text)
        rc = decode(in, err);
    if (rc == ERR_OK)
        *out = in;
    else
        input_free(in);
    return rc;
}

int input_open(const struct reader_file *file, const struct read_options *options,
               struct input **out, struct error *err)
{
    return open_input(file, options, true, out, err);
}

int input_open_bytes(const struct reader_file *file, const struct read_options *options,
                     struct input **out, struct error *err)
{
    return open_input(file, options, false, out, err);
}

void input_free(struct input *in)
{
    if (in == NULL)
        return;
    if (in->text != NULL)
        in->text->free(in->text);
    free(in);
}

int input_read(struct input *in, void *to, size_t room, size_t *got, struct error *err)
{
    int rc = ERR_OK;
    size_t part = 1;
    *got = 0;
    while (rc == ERR_OK && part > 0 && room - *got >= STREAM_ROOM_MIN) {
        rc = in->text->read(in->text, (char *)to + *got, room - *got, &part, err);
        if (rc == ERR_OK)
            *got += part;
    }
    in->read += *got;
    if (rc == ERR_OK && in->options->max_bytes > 0 && in->read > in->options->max_bytes)
        rc = too_large(in, err);
    return rc;
}

const unsigned char *input_head(const struct input *in, size_t *count)
{
    *count = in->stored->head_size;
    return in->stored->head;
}

/* Read to the end of the text, and of the file: unpacking may end before it does. */
static int read_rest(struct input *in, struct error *err)
{
    char *rest = mem_alloc(STREAM_CHUNK);
    size_t got;
    int rc;
    do {
        rc = input_read(in, rest, STREAM_CHUNK, &got, err);
    } while (rc == ERR_OK && got > 0);
    /* The head was hashed when it was read. */
    got = 1;
    while (rc == ERR_OK && got > 0)
        rc = read_some(in->stored, rest, STREAM_CHUNK, &got, err);
    free(rest);
    return rc;
}

int input_digest(struct input *in, char out[SHA256_HEX_SIZE], struct error *err)
{
    out[0] = '\0';
    if (in->stored->sha256 == NULL)
        return ERR_OK;
    int rc = read_rest(in, err);
    if (rc != ERR_OK)
        return rc;
    unsigned char digest[SHA256_SIZE];
    sha256_finish(in->stored->sha256, digest);
    digest_to_hex(digest, sizeof digest, out);
    sha256_free(in->stored->sha256);
    in->stored->sha256 = NULL;
    return ERR_OK;
}
