/* Where a service of AWS, or a compatible one, is. Pure functions; thread-safe. */
#ifndef CAUCE_NET_AWS_ENDPOINT_H
#define CAUCE_NET_AWS_ENDPOINT_H

#include "util/error.h"

/*
 * Split an endpoint ("https://host:9000/base") into scheme, authority without the scheme's own
 * port, and path without a slash at the end, as new strings. ERR_CONFIG with the reason.
 */
MUST_USE int aws_endpoint_split(const char *endpoint, char **scheme, char **authority, char **path,
                                struct error *err);

#endif
