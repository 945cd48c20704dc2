/*
 * Any bytes as a file that is packed in some way and written in some encoding, which the first byte
 * chooses: what comes out is the same in large pieces and in small ones, and is UTF-8 wherever it was
 * another encoding.
 */
#include "fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fuzz/memory_file.h"
#include "source/input.h"
#include "util/str.h"
#include "util/utf8.h"

#define MAX_BYTES ((uint64_t)1 << 20)

static void require(bool good)
{
    if (!good)
        abort();
}

static int read_text(const char *path, const struct read_options *o, size_t piece, struct str *out)
{
    struct reader_file file = {.path = path, .shown = "s.csv"};
    struct input *in = NULL;
    struct error err = ERROR_INIT;
    char block[4096];
    size_t got = 1;
    str_init(out, STR_MAX_DEFAULT);
    int rc = input_open(&file, o, &in, &err);
    while (rc == ERR_OK && got > 0) {
        rc = input_read(in, block, piece, &got, &err);
        if (rc == ERR_OK)
            str_append_bytes(out, block, got);
    }
    require(rc == ERR_OK || err.text[0] != '\0');
    require(out->len <= MAX_BYTES * 4);
    input_free(in);
    return rc;
}

/* The mark of UTF-8 goes before an encoding that is named. */
static bool has_mark(const uint8_t *data, size_t size)
{
    return size >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const encodings[] = {NULL,           "utf-16le",  "utf-16be", "latin1",
                                            "windows-1252", "shift_jis", "gb18030",  "utf-32le"};
    struct str large;
    struct str small;
    char path[MEMORY_FILE_SIZE];
    if (size == 0)
        return 0;
    struct read_options o = {
        .encoding = encodings[data[0] % 8],
        .compression = (enum read_compression)(data[0] / 8 % (READ_BZIP2 + 1)),
        .max_bytes = MAX_BYTES,
    };
    int fd = memory_file(data + 1, size - 1, path);
    int rc = read_text(path, &o, 4096, &large);
    require(read_text(path, &o, STREAM_ROOM_MIN, &small) == rc);
    if (rc == ERR_OK) {
        require(large.len == small.len && memcmp(large.data, small.data, large.len) == 0);
        require(o.encoding == NULL || has_mark(data + 1, size - 1) ||
                utf8_valid(large.data, large.len));
    }
    str_release(&large);
    str_release(&small);
    close(fd);
    return 0;
}
