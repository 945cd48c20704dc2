/*
 * Settings by the names that AWS tools give them (AWS_REGION, ...), from wherever the caller has
 * them. As thread-safe as the caller's function.
 */
#ifndef CAUCE_NET_AWS_LOOKUP_H
#define CAUCE_NET_AWS_LOOKUP_H

#include <stdbool.h>
#include <stdint.h>

#include "util/error.h"

/* Where values come from: borrowed until the next call, NULL where not set. */
struct aws_lookup {
    const char *(*get)(void *ctx, const char *name);
    void *ctx;
    const char *profile; /* where set, it takes precedence over AWS_PROFILE */
    const char *region;  /* and over AWS_REGION */
};

/* Copy of a setting as a new string; NULL where it is not set or empty. */
MUST_USE char *aws_lookup_copy(const struct aws_lookup *lookup, const char *name);

/* Is a setting "1", "true" or "yes"? */
bool aws_lookup_flag(const struct aws_lookup *lookup, const char *name);

/* A whole number in [least, most]; `fallback` where not set. ERR_CONFIG names the setting. */
MUST_USE int aws_lookup_number(const struct aws_lookup *lookup, const char *name, uint64_t least,
                               uint64_t most, uint64_t fallback, uint64_t *out, struct error *err);

#endif
