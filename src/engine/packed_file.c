#include "engine/packed_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/hash.h"
#include "util/mem.h"

#define PLACE_BITS 48 /* of a place, the offset; above it the number of the file */
#define ROOM_MIN ((size_t)4096)

/* Before the bytes of a row. */
struct head {
    uint64_t size;
    uint64_t hash; /* of the bytes, seeded with the place */
};

void packed_files_init(struct packed_files *p, const char *folder)
{
    p->folder = mem_strdup(folder);
    pthread_mutex_init(&p->lock, NULL);
    for (size_t i = 0; i < PACKED_FILES_MAX; i++)
        p->files[i].fd = -1;
}

static int open_unnamed(const char *folder)
{
    int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0)
        return fd;
    /* A file system that has none: a name that lives for a moment. */
    char *path = mem_printf("%s/packed-XXXXXX", folder);
    fd = mkostemp(path, O_CLOEXEC);
    if (fd >= 0)
        unlink(path);
    free(path);
    return fd;
}

int packed_file_open(struct packed_files *p, unsigned *number, struct error *err)
{
    int rc = ERR_OK;
    unsigned i = 0;
    pthread_mutex_lock(&p->lock);
    while (i < PACKED_FILES_MAX && p->files[i].fd >= 0)
        i++;
    if (i == PACKED_FILES_MAX) {
        rc = error_set(err, ERR_LIMIT, "more than %d scratch files of rows are in use.",
                       PACKED_FILES_MAX);
    } else if ((p->files[i].fd = open_unnamed(p->folder)) < 0) {
        rc = error_set_errno(err, ERR_SYSTEM, errno, "Cannot make a scratch file in %s", p->folder);
    } else {
        atomic_store(&p->files[i].end, 0);
        *number = i;
    }
    pthread_mutex_unlock(&p->lock);
    return rc;
}

void packed_file_close(struct packed_files *p, unsigned number)
{
    pthread_mutex_lock(&p->lock);
    close(p->files[number].fd);
    p->files[number].fd = -1;
    pthread_mutex_unlock(&p->lock);
}

/* ---- Rows ---------------------------------------------------------------------------------- */

static void make_room(struct packed_row *row, size_t room)
{
    if (row->room >= room)
        return;
    row->buffer = mem_resize(row->buffer, room, 1);
    row->room = room;
}

void packed_row_resize(struct packed_row *row, size_t size)
{
    make_room(row, sizeof(struct head) + size);
    row->bytes = row->buffer + sizeof(struct head);
    row->size = size;
}

void packed_row_release(struct packed_row *row)
{
    free(row->buffer);
    *row = (struct packed_row){0};
}

static uint64_t hash_of(const struct packed_row *row, int64_t place)
{
    return hash_64(row->bytes, row->size, (uint64_t)place);
}

/* ---- Out ----------------------------------------------------------------------------------- */

static int write_at(int fd, const unsigned char *bytes, size_t count, uint64_t offset)
{
    while (count > 0) {
        ssize_t n = pwrite(fd, bytes, count, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? errno : ENOSPC;
        bytes += n;
        count -= (size_t)n;
        offset += (uint64_t)n;
    }
    return 0;
}

int packed_file_append(struct packed_files *p, unsigned number, struct packed_row *row,
                       int64_t *place, struct error *err)
{
    struct packed_file *f = &p->files[number];
    size_t count = sizeof(struct head) + row->size;
    uint64_t offset = atomic_fetch_add(&f->end, count);
    if (row->size > PACKED_ROW_MAX || offset > PACKED_FILE_MAX - count)
        return error_set(err, ERR_LIMIT, "A scratch file of rows would become too large.");
    *place = (int64_t)((uint64_t)number << PLACE_BITS | offset);
    struct head head = {row->size, hash_of(row, *place)};
    memcpy(row->buffer, &head, sizeof head);
    int reason = write_at(f->fd, row->buffer, count, offset);
    if (reason == 0)
        return ERR_OK;
    return error_set_errno(err, ERR_SYSTEM, reason, "Cannot write to a scratch file in %s",
                           p->folder);
}

/* ---- In ------------------------------------------------------------------------------------ */

/* As many bytes as there is room for, or the file has. */
static int read_at(int fd, struct packed_row *row, uint64_t offset, size_t *got)
{
    *got = 0;
    while (*got < row->room) {
        ssize_t n = pread(fd, row->buffer + *got, row->room - *got, (off_t)(offset + *got));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno;
        if (n == 0)
            break;
        *got += (size_t)n;
    }
    return 0;
}

/* Read `*got` bytes from the place on, at least those of the row; it may be damaged. */
static int read_row(int fd, uint64_t offset, struct packed_row *row, size_t *got)
{
    struct head head = {0};
    /* As much as the longest row so far had, which is all of this one as a rule. */
    make_room(row, ROOM_MIN);
    int reason = read_at(fd, row, offset, got);
    if (*got >= sizeof head)
        memcpy(&head, row->buffer, sizeof head);
    if (reason != 0 || head.size > PACKED_ROW_MAX)
        return reason;
    bool is_whole = sizeof head + head.size <= row->room;
    packed_row_resize(row, (size_t)head.size);
    return is_whole ? 0 : read_at(fd, row, offset, got);
}

static bool is_sound(const struct packed_row *row, int64_t place, size_t got)
{
    struct head head = {0};
    if (got < sizeof head)
        return false;
    memcpy(&head, row->buffer, sizeof head);
    return head.size == row->size && row->size <= got - sizeof head &&
           head.hash == hash_of(row, place);
}

int packed_file_read(const struct packed_files *p, int64_t place, struct packed_row *row,
                     struct error *err)
{
    uint64_t number = (uint64_t)place >> PLACE_BITS;
    uint64_t offset = (uint64_t)place & (PACKED_FILE_MAX - 1);
    size_t got = 0;
    row->size = 0;
    int reason = number < PACKED_FILES_MAX ? read_row(p->files[number].fd, offset, row, &got) : 0;
    if (reason != 0)
        return error_set_errno(err, ERR_SYSTEM, reason, "Cannot read a scratch file in %s",
                               p->folder);
    if (is_sound(row, place, got))
        return ERR_OK;
    return error_set(err, ERR_SYSTEM,
                     "A scratch file in %s does not give back what was written to it. Check disk "
                     "and memory of this machine, then run again.",
                     p->folder);
}
