#include "net/address.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* A range of addresses: the first `bits` of `bytes`. */
struct range {
    unsigned char bytes[16];
    unsigned bits;
};

static const struct range refused_4[] = {
    {{169, 254}, 16},           /* link-local; AWS, Azure, Google, Oracle and others */
    {{100, 100, 100, 200}, 32}, /* Alibaba */
    {{168, 63, 129, 16}, 32},   /* Azure's host */
    {{192, 0, 0, 192}, 32},     /* Oracle, older */
};

static const struct range refused_6[] = {
    {{0xfe, 0x80}, 10},                                                  /* link-local */
    {{0xfd, 0x00, 0x0e, 0xc2}, 32},                                      /* AWS: fd00:ec2::254 */
    {{0xfd, 0x20, 0, 0xce, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0x54}, 128}, /* Google */
};

static const struct range loopback_4[] = {{{127}, 8}, {{0}, 8}};
static const struct range loopback_6[] = {
    {{0}, 128},
    {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 128},
};

/* Ranges whose addresses carry an IPv4 address, and the byte where it begins. */
static const struct {
    struct range range;
    unsigned at;
} carriers[] = {
    {{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, 96}, 12}, /* mapped */
    {{{0}, 96}, 12},                                        /* compatible */
    {{{0, 0x64, 0xff, 0x9b}, 96}, 12},                      /* NAT64 */
    {{{0x20, 0x02}, 16}, 2},                                /* 6to4 */
};

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static bool in_range(const unsigned char *address, const struct range *r)
{
    unsigned whole = r->bits / 8;
    unsigned rest = r->bits % 8;
    if (memcmp(address, r->bytes, whole) != 0)
        return false;
    return rest == 0 || (address[whole] ^ r->bytes[whole]) >> (8 - rest) == 0;
}

static bool in_any(const unsigned char *address, const struct range *ranges, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (in_range(address, &ranges[i]))
            return true;
    }
    return false;
}

/* Is it in one of the ranges, by itself or by what it carries? */
static bool belongs(const struct sockaddr *address, const struct range *four, size_t four_count,
                    const struct range *six, size_t six_count)
{
    if (address->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, address, sizeof in);
        return in_any((const unsigned char *)&in.sin_addr, four, four_count);
    }
    struct sockaddr_in6 in;
    memcpy(&in, address, sizeof in);
    const unsigned char *bytes = in.sin6_addr.s6_addr;
    if (in_any(bytes, six, six_count))
        return true;
    for (size_t i = 0; i < COUNT(carriers); i++) {
        if (in_range(bytes, &carriers[i].range) && in_any(bytes + carriers[i].at, four, four_count))
            return true;
    }
    return false;
}

bool address_is_refused(const struct sockaddr *address)
{
    if (address->sa_family != AF_INET && address->sa_family != AF_INET6)
        return true;
    return belongs(address, refused_4, COUNT(refused_4), refused_6, COUNT(refused_6));
}

bool address_is_loopback(const struct sockaddr *address)
{
    if (address->sa_family != AF_INET && address->sa_family != AF_INET6)
        return false;
    return belongs(address, loopback_4, COUNT(loopback_4), loopback_6, COUNT(loopback_6));
}

bool address_parse(const char *host, struct sockaddr_storage *out)
{
    char bare[INET6_ADDRSTRLEN];
    size_t length = strlen(host);
    struct sockaddr_in four = {.sin_family = AF_INET};
    struct sockaddr_in6 six = {.sin6_family = AF_INET6};
    *out = (struct sockaddr_storage){0};
    if (length > 1 && host[0] == '[' && host[length - 1] == ']') {
        host++;
        length -= 2;
    }
    /* A zone ("%eth0") says by which interface, not which address. */
    length = strcspn(host, "%]") < length ? strcspn(host, "%]") : length;
    if (length >= sizeof bare)
        return false;
    memcpy(bare, host, length);
    bare[length] = '\0';
    if (inet_pton(AF_INET, bare, &four.sin_addr) == 1)
        memcpy(out, &four, sizeof four);
    else if (inet_pton(AF_INET6, bare, &six.sin6_addr) == 1)
        memcpy(out, &six, sizeof six);
    else
        return false;
    return true;
}

void address_format(const struct sockaddr *address, char out[INET6_ADDRSTRLEN])
{
    const char *done = NULL;
    if (address->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, address, sizeof in);
        done = inet_ntop(AF_INET, &in.sin_addr, out, INET6_ADDRSTRLEN);
    } else if (address->sa_family == AF_INET6) {
        struct sockaddr_in6 in;
        memcpy(&in, address, sizeof in);
        done = inet_ntop(AF_INET6, &in.sin6_addr, out, INET6_ADDRSTRLEN);
    }
    if (done == NULL)
        snprintf(out, INET6_ADDRSTRLEN, "?");
}
