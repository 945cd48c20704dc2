/*
 * Which network addresses a download may reach. Pure functions, thread-safe.
 *
 * It refuses the addresses at which machines in a cloud get their credentials and settings, and all
 * link-local ones (RFC 3927, RFC 4291 section 2.5.6), also where an IPv6 address contains such an
 * IPv4 address (RFC 4291 section 2.5.5, RFC 6052, RFC 3056). Private networks are not refused: they
 * are where most sources are.
 */
#ifndef CAUCE_NET_ADDRESS_H
#define CAUCE_NET_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>

/* Is it link-local, or that of a metadata service? What is neither IPv4 nor IPv6 is refused, too. */
bool address_is_refused(const struct sockaddr *address);

/* Does it stay on this machine (127.0.0.0/8, ::1, or the unspecified address)? */
bool address_is_loopback(const struct sockaddr *address);

/*
 * The address that a host is written as ("10.0.0.1", "fe80::1", "[fe80::1]"); false where it is a
 * name. `port` of the result is 0.
 */
bool address_parse(const char *host, struct sockaddr_storage *out);

/* As text, without a port; "?" for what is neither IPv4 nor IPv6. */
void address_format(const struct sockaddr *address, char out[INET6_ADDRSTRLEN]);

#endif
