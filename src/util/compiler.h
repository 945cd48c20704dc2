/*
 * What the compiler is told about a function, beyond its type.
 */
#ifndef CAUCE_UTIL_COMPILER_H
#define CAUCE_UTIL_COMPILER_H

/*
 * The result must be looked at: an error code, or memory that is the caller's now. Required on
 * every function of a header that takes `struct error *` last (scripts/check-headers), and before
 * those that return ownership. gcc is not silenced by a cast to void: a failure that changes
 * nothing goes through error_ignore(), with the reason beside it.
 */
#define MUST_USE __attribute__((warn_unused_result))

#endif
