/*
 * CSV files from standard input, their rows to standard output, for tests in other languages: many small
 * files at the price of one process.
 *
 * usage: csv_rows DELIMITER QUOTE ESCAPE [THREADS]       (QUOTE and ESCAPE: '' for none)
 *
 * All numbers are 32 bits, little-endian. In: for each file its length and bytes; it has no header. Out:
 * for each file the code of the error it ended with, the number of rows and faults in order; for each
 * the number of values (0: a fault), and for each value its length and bytes.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "source/csv.h"
#include "util/mem.h"
#include "util/str.h"

static void put(struct str *out, size_t number)
{
    uint32_t n = (uint32_t)number;
    str_append_bytes(out, &n, sizeof n);
}

static void put_row(const struct reader_batch *b, size_t i, struct str *out)
{
    put(out, b->values.column_count);
    for (size_t k = 0; k < b->values.column_count; k++) {
        size_t n;
        const char *bytes = column_bytes(&b->values.columns[k], i, &n);
        put(out, n);
        str_append_bytes(out, bytes, n);
    }
}

/* Rows and faults of a batch, each kind in order, as they came in the file. */
static uint32_t put_batch(const struct reader_batch *b, struct str *out)
{
    size_t fault = 0;
    for (size_t i = 0; i <= b->values.rows; i++) {
        uint64_t row = i < b->values.rows ? b->rows[i] : UINT64_MAX;
        for (; fault < b->fault_count && b->faults[fault].row < row; fault++)
            put(out, 0);
        if (i < b->values.rows)
            put_row(b, i, out);
    }
    return (uint32_t)(b->values.rows + b->fault_count);
}

static int read_rows(struct reader *r, const struct cast *text, struct str *out, uint32_t *count)
{
    struct reader_texts names;
    struct reader_batch batch;
    struct error err;
    uint32_t part;
    int rc = reader_names(r, &names, &err);
    struct reader_column *columns = mem_calloc(names.count, sizeof *columns);
    for (size_t i = 0; i < names.count; i++)
        columns[i] = (struct reader_column){
            .name = names.items[i], .from = {&names.items[i], 1}, .cast = text};
    reader_batch_init(&batch, columns, names.count);
    if (rc == ERR_OK)
        rc = reader_select(r, columns, names.count, &err);
    do {
        part = 0;
        if (rc == ERR_OK)
            rc = reader_next(r, &batch, &err);
        if (rc == ERR_OK)
            part = put_batch(&batch, out);
        *count += part;
    } while (part > 0);
    reader_batch_release(&batch);
    free(columns);
    return rc;
}

static void read_one(const char *bytes, size_t length, const struct read_options *o,
                     const struct cast *text)
{
    char path[64];
    struct str out;
    struct reader *r;
    struct reader_file file = {.path = path, .shown = "file"};
    uint32_t count = 0;
    int fd = memfd_create("csv", MFD_CLOEXEC);
    if (fd < 0 || write(fd, bytes, length) != (ssize_t)length)
        abort();
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    str_init(&out, STR_MAX_DEFAULT);
    int rc = csv_open(&file, o, &r, NULL);
    if (rc == ERR_OK) {
        rc = read_rows(r, text, &out, &count);
        reader_free(r);
    }
    uint32_t head[2] = {(uint32_t)rc, count};
    fwrite(head, sizeof head, 1, stdout);
    fwrite(out.data, 1, out.len, stdout);
    str_release(&out);
    close(fd);
}

int main(int argc, char **argv)
{
    struct read_options o = {.compression = READ_PLAIN};
    struct cast_options text = {.type = {TYPE_TEXT, 0, 0}};
    struct cast *cast;
    uint32_t length;
    if (argc < 4 || strlen(argv[1]) > 4 || cast_new(&text, &cast, NULL) != ERR_OK)
        return 2;
    memcpy(o.delimiter, argv[1], strlen(argv[1]));
    o.quote = argv[2][0];
    o.escape = argv[3][0];
    o.threads = argc > 4 ? (unsigned)strtoul(argv[4], NULL, 10) : 1;
    o.memory = o.threads > 1 ? 1 : 0;
    while (fread(&length, sizeof length, 1, stdin) == 1) {
        char *bytes = mem_alloc(length);
        if (fread(bytes, 1, length, stdin) != length)
            abort();
        read_one(bytes, length, &o, cast);
        free(bytes);
    }
    cast_free(cast);
    return 0;
}
