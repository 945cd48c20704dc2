/* Bytes as a file that has a path, and is gone when it is closed. */
#ifndef CAUCE_TESTS_FUZZ_MEMORY_FILE_H
#define CAUCE_TESTS_FUZZ_MEMORY_FILE_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define MEMORY_FILE_SIZE 64

/* Returns its descriptor, which the caller closes. */
static inline int memory_file(const uint8_t *data, size_t size, char path[MEMORY_FILE_SIZE])
{
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size)
        abort();
    snprintf(path, MEMORY_FILE_SIZE, "/proc/self/fd/%d", fd);
    return fd;
}

#endif
