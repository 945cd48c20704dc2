/*
 * URLs of http and https, taken apart by RFC 3986. Pure functions; thread-safe.
 */
#ifndef CAUCE_NET_URL_H
#define CAUCE_NET_URL_H

#include <stdbool.h>

#include "util/error.h"

/* A URL taken apart. Strings are owned; NULL where there is none. */
struct url {
    char *text;     /* without user, password and fragment; its query may still hold secrets */
    char *origin;   /* "https://host:443": safe to show */
    char *host;     /* without brackets */
    char *user;     /* decoded */
    char *password; /* decoded; a secret */
    bool secure;    /* https */
};

/*
 * Take a URL apart; `base` (NULL: none) is what it is relative to (RFC 3986, section 5). ERR_SOURCE:
 * malformed, or neither http nor https; the text does not show it.
 */
MUST_USE int url_parse(const char *base, const char *text, struct url *out, struct error *err);
void url_release(struct url *url); /* safe on a zeroed struct */

/* Is this a URL of a loopback host ("http://127.0.0.1:7480/", localhost, x.localhost, [::1])? */
bool url_is_loopback(const char *text);

#endif
