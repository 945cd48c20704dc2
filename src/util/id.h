/* Random identifiers from the kernel (getrandom). Thread-safe. */
#ifndef CAUCE_UTIL_ID_H
#define CAUCE_UTIL_ID_H

#include <stddef.h>
#include <stdint.h>

#define ID_SIZE 33 /* 128 bits as 32 lower-case hex digits, and a NUL */

/* A fresh 128-bit id: never used before, for every attempt at anything. */
void id_new(char out[ID_SIZE]);

/* 64 random bits. */
uint64_t id_random64(void);

/* Is `text` an id of that form? */
int id_valid(const char *text);

#endif
