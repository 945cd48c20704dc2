/* Where the parts of a URL are (RFC 3986). Pure functions; they check nothing. */
#ifndef CAUCE_UTIL_URI_H
#define CAUCE_UTIL_URI_H

#include <stddef.h>

/* Length of "name" where the text begins with "name://" (section 3.1); else 0: it is a path. */
size_t uri_scheme(const char *text);

/* What follows "name://"; the text itself where it does not begin like that. */
const char *uri_authority(const char *text);

/* The host: the authority without user and password, which end with its last "@". */
const char *uri_host(const char *text);

#endif
