#pragma once

#include <stddef.h>
#include <stdint.h>

/*
 * The one function of a fuzz target: feed `size` bytes at `data` (borrowed, not terminated) to the
 * code under test. Returns 0. A fault shows itself as a crash, an abort() or a sanitizer report.
 * Called by libFuzzer, or by replay.c with the files of the corpus.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
