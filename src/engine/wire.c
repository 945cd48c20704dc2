#include "engine/wire.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "util/mem.h"

#define HEAD_SIZE 16
#define NO_TEXT UINT64_MAX
#define PARTS_MAX 1024 /* of one call (IOV_MAX of Linux) */

void wire_init(struct wire *w, int fd, wire_wait *wait, void *ctx)
{
    *w = (struct wire){.fd = fd, .wait = wait, .ctx = ctx};
}

void wire_release(struct wire *w)
{
    free(w->buffer);
    *w = (struct wire){.fd = -1};
}

static int gone(struct error *err)
{
    return error_set(err, ERR_ABSENT, "the other end of the wire is gone.");
}

/* Wait until something can be read (written). */
static int wait_for(struct wire *w, short events, struct error *err)
{
    struct pollfd p = {.fd = w->fd, .events = events};
    for (;;) {
        int n = poll(&p, 1, w->wait != NULL ? WIRE_TICK : -1);
        if (n > 0)
            return ERR_OK;
        if (n < 0 && errno != EINTR)
            return error_set_errno(err, ERR_SYSTEM, errno, "cannot wait for the engine");
        int rc = w->wait != NULL ? w->wait(w->ctx, err) : ERR_OK;
        if (rc != ERR_OK)
            return rc;
    }
}

/* Send a list whole; what a call has not taken is sent by the next one. */
static int send_list(struct wire *w, struct iovec *parts, size_t count, struct error *err)
{
    while (count > 0) {
        struct msghdr message = {.msg_iov = parts,
                                 .msg_iovlen = count < PARTS_MAX ? count : PARTS_MAX};
        ssize_t n = sendmsg(w->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno != EAGAIN && errno != EINTR)
            return gone(err);
        int rc = n < 0 ? wait_for(w, POLLOUT, err) : ERR_OK;
        if (rc != ERR_OK)
            return rc;
        size_t left = n > 0 ? (size_t)n : 0;
        for (; count > 0 && left >= parts->iov_len; count--, parts++)
            left -= parts->iov_len;
        if (count > 0) {
            parts->iov_base = (char *)parts->iov_base + left;
            parts->iov_len -= left;
        }
    }
    return ERR_OK;
}

/* Bytes that fill up so many, to the next frame. */
static size_t filling(uint64_t length)
{
    return (size_t)((WIRE_ALIGN - length % WIRE_ALIGN) % WIRE_ALIGN);
}

static int send_head(struct wire *w, uint32_t kind, uint32_t word, uint64_t length,
                     struct error *err)
{
    unsigned char head[HEAD_SIZE];
    memcpy(head, &kind, sizeof kind);
    memcpy(head + 4, &word, sizeof word);
    memcpy(head + 8, &length, sizeof length);
    return send_list(w, &(struct iovec){head, sizeof head}, 1, err);
}

static int send_filling(struct wire *w, uint64_t length, struct error *err)
{
    static char zeros[WIRE_ALIGN];
    return send_list(w, &(struct iovec){zeros, filling(length)}, 1, err);
}

int wire_send_parts(struct wire *w, uint32_t kind, uint32_t word, struct iovec *parts, size_t count,
                    struct error *err)
{
    uint64_t length = 0;
    for (size_t i = 0; i < count; i++)
        length += parts[i].iov_len;
    if (length > WIRE_BYTES_MAX)
        return error_set(err, ERR_LIMIT, "%llu bytes are too many for the engine at once.",
                         (unsigned long long)length);
    int rc = send_head(w, kind, word, length, err);
    if (rc == ERR_OK)
        rc = send_list(w, parts, count, err);
    return rc == ERR_OK ? send_filling(w, length, err) : rc;
}

int wire_send(struct wire *w, uint32_t kind, uint32_t word, const void *bytes, size_t count,
              struct error *err)
{
    struct iovec part = {(void *)(uintptr_t)bytes, count};
    return wire_send_parts(w, kind, word, &part, 1, err);
}

/* Room for `count` bytes from the next frame's beginning on; what is there is moved to the front. */
static void make_room(struct wire *w, size_t count)
{
    if (w->at > 0 && w->filled > w->at)
        memmove(w->buffer, w->buffer + w->at, w->filled - w->at);
    w->filled -= w->at;
    w->at = 0;
    if (w->capacity >= count)
        return;
    w->buffer = mem_resize(w->buffer, count, 1);
    w->capacity = count;
}

/* Get `count` bytes of the next frame into the buffer. */
static int fill(struct wire *w, size_t count, struct error *err)
{
    if (w->filled - w->at >= count)
        return ERR_OK;
    make_room(w, count > 2 * WIRE_BLOCK ? count : 2 * WIRE_BLOCK);
    while (w->filled < count) {
        ssize_t n = recv(w->fd, w->buffer + w->filled, w->capacity - w->filled, MSG_DONTWAIT);
        if (n > 0) {
            w->filled += (size_t)n;
            continue;
        }
        if (n == 0 || (errno != EAGAIN && errno != EINTR))
            return gone(err);
        int rc = wait_for(w, POLLIN, err);
        if (rc != ERR_OK)
            return rc;
    }
    return ERR_OK;
}

int wire_receive(struct wire *w, struct wire_frame *out, struct error *err)
{
    uint64_t length;
    int rc = fill(w, HEAD_SIZE, err);
    if (rc != ERR_OK)
        return rc;
    memcpy(&out->kind, w->buffer + w->at, sizeof out->kind);
    memcpy(&out->word, w->buffer + w->at + 4, sizeof out->word);
    memcpy(&length, w->buffer + w->at + 8, sizeof length);
    if (length > WIRE_BYTES_MAX)
        return error_set(err, ERR_SYSTEM, "the engine's process sent a frame of %llu bytes.",
                         (unsigned long long)length);
    size_t whole = HEAD_SIZE + (size_t)length + filling(length);
    rc = fill(w, whole, err);
    if (rc != ERR_OK)
        return rc;
    out->bytes = w->buffer + w->at + HEAD_SIZE;
    out->count = (size_t)length;
    w->at += whole;
    return ERR_OK;
}

/* ---- Fields -------------------------------------------------------------------------------- */

void wire_put_number(struct str *out, uint64_t number)
{
    str_append_bytes(out, &number, sizeof number);
}

void wire_put_text(struct str *out, const char *text)
{
    wire_put_number(out, text != NULL ? strlen(text) : NO_TEXT);
    if (text != NULL)
        str_append_bytes(out, text, strlen(text) + 1);
}

void wire_put_texts(struct str *out, const char *const *texts, size_t count)
{
    wire_put_number(out, count);
    for (size_t i = 0; i < count; i++)
        wire_put_text(out, texts[i]);
}

struct wire_fields wire_fields_of(const struct wire_frame *frame)
{
    return (struct wire_fields){.at = frame->bytes, .end = frame->bytes + frame->count};
}

/* The next bytes, or NULL where there are not so many. */
static const unsigned char *get_bytes(struct wire_fields *f, uint64_t count)
{
    const unsigned char *bytes = f->at;
    if (f->bad || count > (uint64_t)(f->end - f->at)) {
        f->bad = true;
        return NULL;
    }
    f->at += count;
    return bytes;
}

uint64_t wire_get_number(struct wire_fields *f)
{
    uint64_t number = 0;
    const unsigned char *bytes = get_bytes(f, sizeof number);
    if (bytes != NULL)
        memcpy(&number, bytes, sizeof number);
    return number;
}

/* So many bytes and the NUL after them. */
static const char *get_string(struct wire_fields *f, uint64_t length)
{
    const unsigned char *bytes = get_bytes(f, length + 1);
    if (bytes != NULL && bytes[length] != '\0')
        f->bad = true;
    return f->bad ? NULL : (const char *)bytes;
}

const char *wire_get_text(struct wire_fields *f)
{
    uint64_t length = wire_get_number(f);
    return f->bad || length == NO_TEXT ? NULL : get_string(f, length);
}

const char **wire_get_texts(struct wire_fields *f, size_t *count)
{
    uint64_t n = wire_get_number(f);
    *count = 0;
    /* A text has at least 9 bytes, so no count from outside asks for more memory than its frame. */
    if (f->bad || n > (uint64_t)(f->end - f->at) / 9) {
        f->bad = true;
        return NULL;
    }
    const char **texts = mem_calloc((size_t)n, sizeof *texts);
    for (uint64_t i = 0; i < n; i++) {
        texts[i] = wire_get_text(f);
        f->bad = f->bad || texts[i] == NULL;
    }
    *count = f->bad ? 0 : (size_t)n;
    return texts;
}

const char *wire_get_value(struct wire_fields *f, size_t *length)
{
    uint32_t n = WIRE_NULL;
    const unsigned char *bytes = get_bytes(f, sizeof n);
    if (bytes != NULL)
        memcpy(&n, bytes, sizeof n);
    *length = n == WIRE_NULL ? 0 : n;
    return n == WIRE_NULL ? NULL : get_string(f, n);
}
