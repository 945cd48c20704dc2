/* Bytes as they are written: UTF-8, UUIDs. Pure functions. */
#ifndef CAUCE_VALUE_OCTETS_H
#define CAUCE_VALUE_OCTETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "value/column.h"

/* UTF-8 as RFC 3629 defines it: nothing overlong, no surrogates, nothing beyond U+10FFFF. */
bool octets_are_utf8(const char *text, size_t length);

/* 8-4-4-4-12 hex digits or all 32 without a hyphen, perhaps in braces. */
bool octets_uuid(const char *text, size_t length, struct uuid *out);

#endif
