#include "source/parquet_footer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/fs.h"
#include "util/mem.h"
#include "util/str.h"

#define FOOTER_MAX ((size_t)512 << 20)
#define DEPTH_MAX 32
#define FIELD_MAX INT16_MAX

/* Types of the compact protocol. */
enum wire {
    WIRE_STOP = 0,
    WIRE_TRUE = 1,
    WIRE_FALSE = 2,
    WIRE_BYTE = 3,
    WIRE_I16 = 4,
    WIRE_I32 = 5,
    WIRE_I64 = 6,
    WIRE_DOUBLE = 7,
    WIRE_BINARY = 8,
    WIRE_LIST = 9,
    WIRE_SET = 10,
    WIRE_MAP = 11,
    WIRE_STRUCT = 12
};

/* The structs of a footer in which something is changed, or that lead there. */
enum place {
    PLACE_OTHER,
    PLACE_FILE,    /* FileMetaData */
    PLACE_ELEMENT, /* SchemaElement */
    PLACE_GROUP,   /* RowGroup */
    PLACE_CHUNK,   /* ColumnChunk */
    PLACE_COLUMN   /* ColumnMetaData */
};

/* Physical types of Parquet. */
#define TYPE_INT96 3
#define TYPE_FIXED 7
#define INT96_BYTES 12

/* Fields of SchemaElement. */
enum element_field {
    ELEMENT_TYPE = 1,
    ELEMENT_LENGTH = 2,
    ELEMENT_CONVERTED = 6,
    ELEMENT_SCALE = 7,
    ELEMENT_PRECISION = 8,
    ELEMENT_LOGICAL = 10
};

struct rewrite {
    const unsigned char *at;
    const unsigned char *end;
    const bool *bare; /* by entry of the schema */
    size_t count;
    size_t element; /* entry of the schema that is being read */
    bool wrong;
    unsigned depth;
    struct str *out;
};

static uint64_t take_number(struct rewrite *r)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && r->at < r->end; shift += 7) {
        unsigned char byte = *r->at++;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return value;
    }
    r->wrong = true;
    return 0;
}

static void put_byte(struct rewrite *r, unsigned value)
{
    str_append_char(r->out, (char)value);
}

static void put_number(struct rewrite *r, uint64_t value)
{
    for (; value >= 0x80; value >>= 7)
        put_byte(r, (unsigned)(value & 0x7f) | 0x80);
    put_byte(r, (unsigned)value);
}

static int64_t unzigzag(uint64_t value)
{
    return (int64_t)(value >> 1) ^ -(int64_t)(value & 1);
}

static uint64_t zigzag(int64_t value)
{
    return (uint64_t)value << 1 ^ (value < 0 ? UINT64_MAX : 0);
}

static void copy_bytes(struct rewrite *r, uint64_t count)
{
    if (count > (uint64_t)(r->end - r->at)) {
        r->wrong = true;
        return;
    }
    str_append_bytes(r->out, r->at, (size_t)count);
    r->at += count;
}

static void copy_struct(struct rewrite *r, enum place place);

/* What the items (fields) of a list (struct) at a field are. */
static enum place place_below(enum place place, int64_t field)
{
    if (place == PLACE_FILE && field == 2)
        return PLACE_ELEMENT;
    if (place == PLACE_FILE && field == 4)
        return PLACE_GROUP;
    if (place == PLACE_GROUP && field == 1)
        return PLACE_CHUNK;
    if (place == PLACE_CHUNK && field == 3)
        return PLACE_COLUMN;
    return PLACE_OTHER;
}

static void copy_value(struct rewrite *r, unsigned type, enum place below);

static void copy_list(struct rewrite *r, enum place below)
{
    if (r->at == r->end) {
        r->wrong = true;
        return;
    }
    unsigned head = *r->at++;
    uint64_t count = head >> 4;
    put_byte(r, head);
    if (count == 15) {
        count = take_number(r);
        put_number(r, count);
    }
    /* Every item has a byte at least. */
    r->wrong = r->wrong || count > (uint64_t)(r->end - r->at);
    for (uint64_t i = 0; i < count && !r->wrong; i++)
        copy_value(r, head & 15, below);
}

static void copy_map(struct rewrite *r)
{
    uint64_t count = take_number(r);
    put_number(r, count);
    if (count == 0 || r->at == r->end)
        return;
    unsigned types = *r->at++;
    put_byte(r, types);
    for (uint64_t i = 0; i < count && !r->wrong; i++) {
        copy_value(r, types >> 4, PLACE_OTHER);
        copy_value(r, types & 15, PLACE_OTHER);
    }
}

/* A value of a list; booleans of structs are in the head of their field. */
static void copy_value(struct rewrite *r, unsigned type, enum place below)
{
    uint64_t length;
    if (type > WIRE_STRUCT) {
        r->wrong = true;
        return;
    }
    switch ((enum wire)type) {
    case WIRE_TRUE:
    case WIRE_FALSE:
    case WIRE_BYTE:
        copy_bytes(r, 1);
        break;
    case WIRE_I16:
    case WIRE_I32:
    case WIRE_I64:
        put_number(r, take_number(r));
        break;
    case WIRE_DOUBLE:
        copy_bytes(r, 8);
        break;
    case WIRE_BINARY:
        length = take_number(r);
        put_number(r, length);
        copy_bytes(r, length);
        break;
    case WIRE_LIST:
    case WIRE_SET:
        copy_list(r, below);
        break;
    case WIRE_MAP:
        copy_map(r);
        break;
    case WIRE_STRUCT:
        copy_struct(r, below);
        break;
    case WIRE_STOP:
        r->wrong = true;
        break;
    }
}

/* Does a field of an entry of the schema belong to what it loses? */
static bool is_declaration(int64_t field)
{
    return field == ELEMENT_CONVERTED || field == ELEMENT_SCALE || field == ELEMENT_PRECISION ||
           field == ELEMENT_LOGICAL;
}

static void put_field(struct rewrite *r, int64_t id, unsigned type, int64_t *last)
{
    if (id - *last >= 1 && id - *last <= 15) {
        put_byte(r, (unsigned)(id - *last) << 4 | type);
    } else {
        put_byte(r, type);
        put_number(r, zigzag(id));
    }
    *last = id;
}

/* INT96 becomes a byte array of 12. Also in the columns of row groups, which name their type again. */
static void copy_type(struct rewrite *r, enum place place, int64_t *last)
{
    int64_t type = unzigzag(take_number(r));
    bool changes = type == TYPE_INT96;
    put_field(r, ELEMENT_TYPE, WIRE_I32, last);
    put_number(r, zigzag(changes ? TYPE_FIXED : type));
    if (changes && place == PLACE_ELEMENT) {
        put_field(r, ELEMENT_LENGTH, WIRE_I32, last);
        put_number(r, zigzag(INT96_BYTES));
    }
}

static void skip_value(struct rewrite *r, unsigned type)
{
    struct str nowhere;
    struct str *out = r->out;
    str_init(&nowhere, FOOTER_MAX);
    r->out = &nowhere;
    copy_value(r, type, PLACE_OTHER);
    r->out = out;
    str_release(&nowhere);
}

static void copy_field(struct rewrite *r, enum place place, int64_t id, unsigned type,
                       int64_t *last)
{
    bool bare = place == PLACE_ELEMENT && r->element < r->count && r->bare[r->element];
    bool flag = type == WIRE_TRUE || type == WIRE_FALSE;
    if (bare && is_declaration(id)) {
        if (!flag)
            skip_value(r, type);
    } else if ((bare || place == PLACE_COLUMN) && id == ELEMENT_TYPE && type == WIRE_I32) {
        copy_type(r, place, last);
    } else {
        put_field(r, id, type, last);
        if (!flag)
            copy_value(r, type, place_below(place, id));
    }
}

static void copy_struct(struct rewrite *r, enum place place)
{
    int64_t id = 0;   /* of the field that was read last */
    int64_t last = 0; /* of the one that was written last */
    r->wrong = r->wrong || ++r->depth > DEPTH_MAX;
    while (!r->wrong && r->at < r->end) {
        unsigned head = *r->at++;
        if (head == WIRE_STOP) {
            put_byte(r, WIRE_STOP);
            r->element += place == PLACE_ELEMENT;
            r->depth--;
            return;
        }
        id = head >> 4 != 0 ? id + (head >> 4) : unzigzag(take_number(r));
        r->wrong = r->wrong || id < 0 || id > FIELD_MAX;
        if (!r->wrong)
            copy_field(r, place, id, head & 15, &last);
    }
    r->wrong = true;
}

bool parquet_footer_rewrite(const unsigned char *in, size_t length, const bool *bare, size_t count,
                            struct str *out)
{
    struct rewrite r = {.at = in, .end = in + length, .bare = bare, .count = count, .out = out};
    copy_struct(&r, PLACE_FILE);
    return !r.wrong && !out->full;
}

/* ---- Files --------------------------------------------------------------------------------- */

#define TAIL 8 /* length of the footer, and "PAR1" */

static int no_footer(const char *path, struct error *err)
{
    return error_set(err, ERR_SOURCE, "%s has no footer of a Parquet file, or a damaged one.",
                     path);
}

/* The footer of a file, and where it begins. */
static int read_footer(const char *path, int fd, struct str *out, off_t *begins, struct error *err)
{
    unsigned char tail[TAIL];
    struct stat st;
    if (fstat(fd, &st) != 0 || st.st_size < 2 * TAIL ||
        pread(fd, tail, TAIL, st.st_size - TAIL) != TAIL || memcmp(tail + 4, "PAR1", 4) != 0)
        return no_footer(path, err);
    size_t length =
        (size_t)tail[0] | (size_t)tail[1] << 8 | (size_t)tail[2] << 16 | (size_t)tail[3] << 24;
    if (length > FOOTER_MAX || (off_t)length > st.st_size - TAIL)
        return no_footer(path, err);
    *begins = st.st_size - TAIL - (off_t)length;
    char *bytes = mem_alloc(length);
    ssize_t got = pread(fd, bytes, length, *begins);
    if (got == (ssize_t)length)
        str_append_bytes(out, bytes, length);
    free(bytes);
    return got == (ssize_t)length ? ERR_OK : no_footer(path, err);
}

static int write_copy(const char *path, int fd, const char *target, off_t begins,
                      const struct str *footer, struct error *err)
{
    unsigned char tail[TAIL] = {(unsigned char)footer->len,
                                (unsigned char)(footer->len >> 8),
                                (unsigned char)(footer->len >> 16),
                                (unsigned char)(footer->len >> 24),
                                'P',
                                'A',
                                'R',
                                '1'};
    int rc = fs_copy_to(path, fd, target, err);
    if (rc == ERR_OK && (ftruncate(fd, begins) != 0 || lseek(fd, begins, SEEK_SET) != begins))
        rc = error_set_errno(err, ERR_SYSTEM, errno, "cannot write %s", target);
    if (rc == ERR_OK)
        rc = fs_write_all(fd, footer->data, footer->len, target, err);
    return rc == ERR_OK ? fs_write_all(fd, tail, TAIL, target, err) : rc;
}

static int copy_with(const char *path, const char *target, off_t begins, const struct str *footer,
                     struct error *err)
{
    int fd = open(target, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return error_set_errno(err, ERR_SYSTEM, errno, "cannot create %s", target);
    int rc = write_copy(path, fd, target, begins, footer, err);
    close(fd);
    return rc;
}

int parquet_footer_copy(const char *path, const char *target, const bool *bare, size_t count,
                        struct error *err)
{
    struct str in, out;
    off_t begins = 0;
    str_init(&in, FOOTER_MAX);
    str_init(&out, FOOTER_MAX);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    int rc = fd < 0 ? error_set_errno(err, ERR_SOURCE, errno, "cannot read %s", path)
                    : read_footer(path, fd, &in, &begins, err);
    if (rc == ERR_OK &&
        !parquet_footer_rewrite((const unsigned char *)in.data, in.len, bare, count, &out))
        rc = no_footer(path, err);
    if (rc == ERR_OK)
        rc = copy_with(path, target, begins, &out, err);
    if (fd >= 0)
        close(fd);
    str_release(&in);
    str_release(&out);
    return rc;
}
