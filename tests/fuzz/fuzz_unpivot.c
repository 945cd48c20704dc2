/*
 * Any bytes as a CSV file of which columns are made rows: what is read is the same in one block and
 * in many.
 */
#include "fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fuzz/memory_file.h"
#include "source/csv.h"
#include "source/unpivot.h"
#include "support/rows.h"

static void require(bool good)
{
    if (!good)
        abort();
}

static int open_inner(const struct reader_file *file, const struct read_options *options,
                      struct reader **out, struct error *err)
{
    static const char *const keep[] = {"k"};
    static const struct unpivot u = {{keep, 1}, "name", "value"};
    struct reader *inner;
    int rc = csv_open(file, options, &inner, err);
    return rc == ERR_OK ? unpivot_open(inner, &u, out, err) : rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct rows_column columns[] = {
        {.name = "k"}, {.name = "name"}, {.name = "value"}};
    struct read_options o = {.delimiter = ",", .quote = '"', .escape = '"', .header = 1};
    struct str out[2];
    int rc[2];
    char path[MEMORY_FILE_SIZE];
    int fd = memory_file(data, size, path);
    for (unsigned i = 0; i < 2; i++) {
        struct error err = ERROR_INIT;
        o.threads = 1 + 2 * i;
        o.memory = i;
        str_init(&out[i], STR_MAX_DEFAULT);
        rc[i] = rows_read(open_inner, path, &o, columns, 3, &out[i], NULL, &err);
        require(rc[i] == ERR_OK || err.text[0] != '\0');
    }
    require(rc[0] == rc[1] && out[0].len == out[1].len);
    require(memcmp(out[0].data, out[1].data, out[0].len) == 0);
    str_release(&out[0]);
    str_release(&out[1]);
    close(fd);
    return 0;
}
