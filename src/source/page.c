#include "source/page.h"

#include <stdlib.h>
#include <string.h>

#include "source/json_record.h"
#include "source/json_window.h"
#include "util/mem.h"
#include "util/str.h"

/* The whole document, scanned. */
static int scan_document(struct json_window *w, struct json_record *r, struct error *err)
{
    for (;;) {
        struct json_scan s = json_window_scan(w);
        json_scan_blanks(&s);
        if (json_record_scan(r, &s))
            return ERR_OK;
        if (s.flaw != NULL || w->final) {
            uint64_t line;
            uint64_t column;
            json_window_place(w, s.at, &line, &column);
            return error_set(err, ERR_SOURCE, "%s:%llu:%llu: not JSON: %s.", w->file->shown,
                             (unsigned long long)line, (unsigned long long)column,
                             s.flaw != NULL ? s.flaw : "the page ends inside it");
        }
        int rc = json_window_more(w, err);
        if (rc != ERR_OK)
            return rc;
    }
}

/* The text of the one value of a batch; NULL: it says that there is no further page. */
static char *text_of(const struct batch *values)
{
    size_t length;
    if (column_is_null(&values->columns[0], 0))
        return NULL;
    const char *text = column_bytes(&values->columns[0], 0, &length);
    if (length == 0 || (length == 5 && memcmp(text, "false", 5) == 0))
        return NULL;
    return mem_strndup(text, length);
}

static int take_field(const struct reader_file *file, struct json_record *r, const char *path,
                      char **out, struct error *err)
{
    const struct type text = {TYPE_TEXT, 0, 0};
    struct batch values;
    struct json_fault fault = {0};
    int rc = ERR_OK;
    batch_init(&values, &text, 1);
    if (!json_record_take(r, &values, &fault))
        rc = error_set(err, ERR_SOURCE, "%s: the field \"%s\" (`next`) %s.", file->shown, path,
                       fault.reason);
    else
        *out = text_of(&values);
    if (*out != NULL && ((*out)[0] == '{' || (*out)[0] == '[')) {
        rc = error_set(err, ERR_SOURCE, "%s: the field \"%s\" (`next`) is an array or object.",
                       file->shown, path);
        free(*out);
        *out = NULL;
    }
    free(fault.reason);
    batch_release(&values);
    return rc;
}

int page_field(const struct reader_file *file, const struct read_options *options, const char *path,
               char **out, bool *there, struct error *err)
{
    const struct cast_options text = {.type = {TYPE_TEXT, 0, 0}, .decimal = '.'};
    const char *bare = path[0] == '$' || path[0] == '[' ? "" : "$.";
    char *whole = path[0] == '[' ? mem_printf("$%s", path) : mem_printf("%s%s", bare, path);
    const char *from = whole;
    struct reader_column column = {.name = "next", .from = {&from, 1}};
    struct cast *cast = NULL;
    struct json_wanted wanted = {0};
    struct json_record *record = NULL;
    struct json_window window = {0};
    *out = NULL;
    int rc = cast_new(&text, &cast, err);
    column.cast = cast;
    if (rc == ERR_OK)
        rc = json_wanted_init(&wanted, &column, 1, err);
    if (rc == ERR_OK)
        rc = json_window_open(&window, file, options, err);
    if (rc == ERR_OK) {
        record = json_record_new(&wanted);
        rc = scan_document(&window, record, err);
    }
    if (rc == ERR_OK)
        rc = take_field(file, record, path, out, err);
    *there = rc == ERR_OK && json_record_met(&wanted, record);
    json_window_release(&window);
    json_record_free(record);
    json_wanted_release(&wanted);
    cast_free(cast);
    free(whole);
    return rc;
}

int page_records(enum file_format format, const struct format_tools *tools,
                 const struct reader_file *file, const struct read_options *options,
                 uint64_t *count, struct error *err)
{
    struct reader *reader = NULL;
    struct reader_batch batch;
    reader_batch_init(&batch, NULL, 0);
    int rc = source_format_open(format, tools, file, options, &reader, err);
    if (rc == ERR_OK)
        rc = reader_select(reader, NULL, 0, err);
    while (rc == ERR_OK) {
        uint64_t before = reader->records;
        rc = reader_next(reader, &batch, err);
        if (reader->records == before)
            break;
    }
    *count = reader != NULL ? reader->records : 0;
    reader_free(reader);
    reader_batch_release(&batch);
    return rc;
}
