/*
 * Scratch files of packed rows (engine/packed.h): bytes that are written once and read at their place.
 *
 * A file has no name, so nothing is left of it when it is closed or the process ends. Thread-safe, but
 * for opening and closing: nobody may use a file that is being closed.
 */
#ifndef CAUCE_ENGINE_PACKED_FILE_H
#define CAUCE_ENGINE_PACKED_FILE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "util/error.h"

#define PACKED_FILES_MAX 256

/* Most bytes of a row, and of a file. */
#define PACKED_ROW_MAX ((size_t)1 << 31)
#define PACKED_FILE_MAX ((uint64_t)1 << 48)

struct packed_file {
    int fd; /* -1: not open */
    _Atomic uint64_t end;
};

struct packed_files {
    char *folder;
    pthread_mutex_t lock; /* of opening and closing */
    struct packed_file files[PACKED_FILES_MAX];
};

void packed_files_init(struct packed_files *p, const char *folder);

/* A new file, by its number. ERR_LIMIT where all are in use. */
MUST_USE int packed_file_open(struct packed_files *p, unsigned *number, struct error *err);
void packed_file_close(struct packed_files *p, unsigned number);

/* A row on its way out or in. The buffer is used again for the next one; zeroed, it has none yet. */
struct packed_row {
    unsigned char *bytes;
    size_t size;
    unsigned char *buffer; /* what the file holds: the bytes, behind what is said of them */
    size_t room;
};

/* Make room for a row of so many bytes, which the caller fills in. */
void packed_row_resize(struct packed_row *row, size_t size);
void packed_row_release(struct packed_row *row);

/* Append a row. Its place says in which file it is, too. */
MUST_USE int packed_file_append(struct packed_files *p, unsigned number, struct packed_row *row,
                                int64_t *place, struct error *err);

/* Read it back. ERR_SYSTEM where that is not what was written. */
MUST_USE int packed_file_read(const struct packed_files *p, int64_t place, struct packed_row *row,
                              struct error *err);

#endif
