/* Bytes as they are written: UUIDs. Pure functions. */
#ifndef CAUCE_VALUE_OCTETS_H
#define CAUCE_VALUE_OCTETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "value/column.h"

/* 8-4-4-4-12 hex digits or all 32 without a hyphen, perhaps in braces. */
bool octets_uuid(const char *text, size_t length, struct uuid *out);

#endif
