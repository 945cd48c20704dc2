/*
 * Assertions of the protocol's invariants (docs/protocol.md, "Invariants"), in the code that upholds
 * them. They are no checks of input: that one fails is a fault of cauce. Then the process ends before
 * it does more, which is safe at every point: whatever it was about to publish or to delete stays as
 * it is, and the next run heals. Always on; none may cost what can be measured.
 */
#ifndef CAUCE_UTIL_INVARIANT_H
#define CAUCE_UTIL_INVARIANT_H

/* `number`: which of them. What a function asks of its callers beyond them is an assert(). */
#define invariant(number, holds) \
    ((holds) ? (void)0 : invariant_fails(number, #holds, __FILE__, __LINE__))

/* Say so on stderr, and abort. */
_Noreturn void invariant_fails(int number, const char *holds, const char *file, int line);

#endif
