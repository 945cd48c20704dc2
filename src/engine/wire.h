/*
 * Frames between the program and its engine's process, over a socket pair of type SOCK_STREAM.
 *
 * A frame is a head of 16 bytes (kind and word, 4 bytes each, and the number of bytes that follow,
 * 8; all in the machine's own order, as both ends are the same program) and those bytes, filled up
 * to a multiple of WIRE_ALIGN: so what is aligned in a frame is aligned in memory. The end that
 * reads trusts nothing: a length beyond WIRE_BYTES_MAX and a field that ends outside its frame are
 * errors. Private to the engine; one owner per end.
 */
#ifndef CAUCE_ENGINE_WIRE_H
#define CAUCE_ENGINE_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "util/error.h"
#include "util/str.h"

/* Most bytes of one row, and of a frame: a block of rows is sent as soon as it has WIRE_BLOCK. */
#define WIRE_ROW_MAX ((size_t)1 << 31)
#define WIRE_BYTES_MAX (WIRE_ROW_MAX + ((size_t)1 << 24))
#define WIRE_BLOCK ((size_t)256 << 10)
#define WIRE_ALIGN 16

/* Length of a value in a block that is NULL, and has no bytes. */
#define WIRE_NULL UINT32_MAX

/*
 * Requests of the program; their word is the code that a failing statement gives, and above it the
 * number of a feed or a result. Every request has one WIRE_DONE as its last answer.
 */
#define WIRE_HANDLE_SHIFT 8

enum wire_kind {
    WIRE_VERSION,       /* library; answered by WIRE_TEXT */
    WIRE_OPEN,          /* library, workdir, memory, threads, seed, folders, files */
    WIRE_RUN,           /* statements */
    WIRE_RUN_ALL,       /* many independent statements */
    WIRE_QUERY,         /* a query; answered by WIRE_NAMES and any number of WIRE_ROWS */
    WIRE_PARSE,         /* is it one statement? */
    WIRE_SELECT,        /* is it a SELECT that binds? */
    WIRE_REPEATS_BEGIN, /* rows, memory */
    WIRE_REPEATS_END,
    WIRE_FEED_OPEN, /* table, types; answered by WIRE_HANDLE */
    WIRE_FEED_PUT,  /* a batch, as engine/wire_batch.h has it */
    WIRE_FEED_CLOSE,
    WIRE_FEED_FREE,
    WIRE_RESULT_OPEN, /* a query; answered by WIRE_COLUMNS */
    WIRE_RESULT_NEXT, /* answered by WIRE_BATCH, as long as there are rows */
    WIRE_RESULT_FREE,
    /* Answers. */
    WIRE_DONE, /* word: error code; the text that goes with it */
    WIRE_TEXT,
    WIRE_NAMES,   /* of the columns */
    WIRE_ROWS,    /* word: rows; of each value its length (4 bytes), its bytes, a NUL */
    WIRE_HANDLE,  /* word: the number of a feed */
    WIRE_COLUMNS, /* word: that of a result; of each column what struct result_column holds */
    WIRE_BATCH
};

struct wire_frame {
    uint32_t kind;
    uint32_t word;
    const unsigned char *bytes; /* borrowed until the next call on the wire */
    size_t count;
};

/* Called about every WIRE_TICK milliseconds while nothing comes or goes; not ERR_OK gives up. */
typedef int wire_wait(void *ctx, struct error *err);
#define WIRE_TICK 50

struct wire {
    int fd;
    wire_wait *wait; /* NULL: wait forever */
    void *ctx;
    unsigned char *buffer;
    size_t capacity;
    size_t at;     /* where the next frame begins */
    size_t filled; /* bytes in the buffer */
};

void wire_init(struct wire *w, int fd, wire_wait *wait, void *ctx);
void wire_release(struct wire *w); /* does not close */

/* ERR_ABSENT: the other end is gone. */
MUST_USE int wire_send(struct wire *w, uint32_t kind, uint32_t word, const void *bytes,
                       size_t count, struct error *err);

/* The same with bytes in several places; the list of them is modified. */
MUST_USE int wire_send_parts(struct wire *w, uint32_t kind, uint32_t word, struct iovec *parts,
                             size_t count, struct error *err);
MUST_USE int wire_receive(struct wire *w, struct wire_frame *out, struct error *err);

/* Fields of a frame, one after the other. */
void wire_put_number(struct str *out, uint64_t number);
void wire_put_text(struct str *out, const char *text); /* NULL allowed */
void wire_put_texts(struct str *out, const char *const *texts, size_t count);

/* Reads fields; what is missing or malformed sets `bad`, and gives 0, NULL or none. */
struct wire_fields {
    const unsigned char *at;
    const unsigned char *end;
    bool bad;
};
struct wire_fields wire_fields_of(const struct wire_frame *frame);
uint64_t wire_get_number(struct wire_fields *f);
const char *wire_get_text(struct wire_fields *f); /* borrowed; NULL for NULL */

/* An array of borrowed texts, none of them NULL; the array is the caller's to free. */
const char **wire_get_texts(struct wire_fields *f, size_t *count);

/* The next value of a block: borrowed, ends with NUL; NULL for NULL. */
const char *wire_get_value(struct wire_fields *f, size_t *length);

#endif
