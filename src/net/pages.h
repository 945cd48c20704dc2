/*
 * From one page of an answer to the next: by a Link header (RFC 8288), by a URL that the page holds, or
 * by a parameter of the query. Pure functions; thread-safe.
 */
#ifndef CAUCE_NET_PAGES_H
#define CAUCE_NET_PAGES_H

#include "util/error.h"

/* Target of the first link with the relation `next`, as a new string; NULL: there is none. */
MUST_USE char *pages_link(const char *header);

/*
 * The URL `reference`, which may be relative to `from` (both may hold secrets), with user and
 * password of `from`. ERR_SOURCE: malformed, or it leads to another server: what is meant for one
 * must not reach another. The text does not show it.
 */
MUST_USE int pages_follow(const char *from, const char *reference, char **out, struct error *err);

/* The URL with this parameter in its query, in place of one that is there. A new string. */
MUST_USE char *pages_parameter(const char *url, const char *name, const char *value);

#endif
