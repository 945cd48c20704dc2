/*
 * What the engine's process may still do once it has what it needs: compute, and read and write
 * where it is allowed to.
 *
 * Three fences, each for what the others cannot guard: rlimits (memory, no cores), Landlock (files;
 * Linux 5.13), and seccomp (no network, no other program, no other process). Where the kernel lacks
 * one, the others hold; DuckDB's own settings confine SQL in any case.
 */
#ifndef CAUCE_ENGINE_SANDBOX_H
#define CAUCE_ENGINE_SANDBOX_H

#include <stddef.h>
#include <stdint.h>

#include "util/error.h"

struct sandbox {
    const char *folder;          /* all below it may be read, written and deleted */
    const char *const *readable; /* files, and folders with all below them */
    size_t count;
    uint64_t memory; /* most bytes of data in addition to those it already has, 0: no limit */
};

/*
 * For the calling thread and those it will start, and for good. Paths that do not exist are left out.
 * ERR_SYSTEM where the kernel has a fence and refuses to raise it.
 */
MUST_USE int sandbox_enter(const struct sandbox *s, struct error *err);

#endif
