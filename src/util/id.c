#include "util/id.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "util/digest.h"

static void random_bytes(void *out, size_t count)
{
    /* Up to 256 bytes are given whole or not at all; until the pool is ready the call waits. */
    ssize_t n;
    do {
        n = getrandom(out, count, 0);
    } while (n < 0 && errno == EINTR);
    if (n != (ssize_t)count) {
        fprintf(stderr, "cauce: the kernel gives no random bytes (getrandom). Nothing partial was "
                        "made visible; publishing under ids that may repeat would not be safe.\n");
        abort();
    }
}

void id_new(char out[ID_SIZE])
{
    unsigned char raw[(ID_SIZE - 1) / 2];
    random_bytes(raw, sizeof raw);
    digest_to_hex(raw, sizeof raw, out);
}

uint64_t id_random64(void)
{
    uint64_t value;
    random_bytes(&value, sizeof value);
    return value;
}

int id_valid(const char *text)
{
    return digest_is_hex(text, ID_SIZE - 1);
}
