#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "config/config_read.h"

/*
 * The canonical form: one line "name=length:bytes" for each setting, in a fixed order, with
 * defaults filled in, so that writing out a default changes nothing. Lists state their length
 * first. A change of this form makes every dataset read its source once more: form 2 came with the
 * strict casts of value/cast.h, which read some values differently.
 */
#define FORM "cauce-recipe-2"

struct form {
    struct sha256 *hash;
};

static void put(struct form *f, const char *name, const char *value)
{
    char length[32];
    const char *text = value != NULL ? value : "";
    int n = snprintf(length, sizeof length, "=%zu:", strlen(text));
    sha256_update(f->hash, name, strlen(name));
    sha256_update(f->hash, length, (size_t)n);
    sha256_update(f->hash, text, strlen(text));
    sha256_update(f->hash, "\n", 1);
}

static void put_number(struct form *f, const char *name, uint64_t value)
{
    char text[32];
    snprintf(text, sizeof text, "%" PRIu64, value);
    put(f, name, text);
}

/* Settings that were added after the form leave no trace where they have their defaults. */
static void put_unless(struct form *f, const char *name, uint64_t value, uint64_t other)
{
    if (value != other)
        put_number(f, name, value);
}

static void put_if(struct form *f, const char *name, const char *value)
{
    if (value != NULL)
        put(f, name, value);
}

static void put_char(struct form *f, const char *name, char value)
{
    char text[2] = {value, '\0'};
    put(f, name, text);
}

static void put_list(struct form *f, const char *name, const struct config_list *list)
{
    put_number(f, name, list->count);
    for (size_t i = 0; i < list->count; i++)
        put(f, name, list->items[i]);
}

static void put_source(struct form *f, const struct config_source *source)
{
    char encoding[64];
    size_t n = 0;
    for (; source->encoding[n] != '\0' && n < sizeof encoding - 1; n++)
        encoding[n] = (char)tolower((unsigned char)source->encoding[n]);
    encoding[n] = '\0';
    put(f, "format", file_format_name(source->format));
    put(f, "compression", config_compression_name(source->compression));
    put(f, "delimiter", source->delimiter);
    put_char(f, "quote", source->quote);
    put_char(f, "escape", source->escape);
    put_number(f, "header", source->header);
    put(f, "encoding", encoding);
    put_list(f, "nulls", config_source_nulls(source));
    put_list(f, "date_formats", &source->date_formats);
    put_list(f, "timestamp_formats", &source->timestamp_formats);
    put_char(f, "decimal", source->decimal);
    put_char(f, "thousands", source->thousands);
    put_number(f, "skip_lines", source->skip_lines);
    put_char(f, "comment", source->comment);
    put_if(f, "footer", source->footer);
    put_unless(f, "footer_lines", source->footer_lines, 0);
    put_unless(f, "trim", source->trim, 0);
    put_unless(f, "percent", source->percent, 0);
    put_unless(f, "pivot", source->pivot, CONFIG_PIVOT_DEFAULT);
    put_if(f, "time_zone", source->time_zone);
    put_if(f, "archive", source->archive);
    for (size_t i = 0; i < source->width_count; i++)
        put_number(f, "width", source->widths[i]);
    put_if(f, "sheet", source->sheet);
    put_if(f, "range", source->range);
    put_if(f, "records", source->records);
    put_if(f, "file_column", source->file_column);
    if (source->unpivot.name != NULL) {
        put_list(f, "unpivot", &source->unpivot.keep);
        put(f, "name", source->unpivot.name);
        put(f, "value", source->unpivot.value);
    }
    if (source->next.kind == CONFIG_NEXT_NONE)
        return;
    put_number(f, "next", source->next.kind);
    put_if(f, "next_field", source->next.field);
    put_if(f, "next_parameter", source->next.parameter);
    put_number(f, "next_first", source->next.first);
    put_number(f, "next_step", source->next.step);
}

static void put_columns(struct form *f, const struct config *config)
{
    put_number(f, "columns", config->column_count);
    for (size_t i = 0; i < config->column_count; i++) {
        const struct config_column *column = &config->columns[i];
        char type[TYPE_TEXT_SIZE];
        type_format(column->type, type);
        put(f, "name", column->name);
        put(f, "type", type);
        put_list(f, "from", &column->from);
        put_number(f, "nullable", column->nullable);
        put_list(f, "formats", &column->formats);
        put_unless(f, "optional", column->optional, 0);
        if (column->nulls_set)
            put_list(f, "nulls", &column->nulls);
        if (column->trim_set)
            put_unless(f, "trim", column->trim, config->source.trim);
        if (column->percent_set)
            put_unless(f, "percent", column->percent, config->source.percent);
        put_if(f, "time_zone", column->time_zone);
    }
}

void config_digest(const struct config *config, char out[SHA256_HEX_SIZE])
{
    unsigned char digest[SHA256_SIZE];
    struct form f = {.hash = sha256_new()};
    put(&f, "form", FORM);
    put_source(&f, &config->source);
    put_columns(&f, config);
    put(&f, "transform", config->transform);
    put_list(&f, "key", &config->key);
    put(&f, "partition_column", config->partition_column);
    put(&f, "partition_by", config_by_name(config->partition_by));
    put_number(&f, "revisions", config->revisions);
    put_number(&f, "duplicates", config->duplicates);
    put_number(&f, "bad_rows", config->bad_rows);
    put_number(&f, "constants", config->constant_count);
    for (size_t i = 0; i < config->constant_count; i++) {
        put(&f, "name", config->constants[i].name);
        put(&f, "value", config->constants[i].value);
    }
    sha256_finish(f.hash, digest);
    sha256_free(f.hash);
    digest_to_hex(digest, sizeof digest, out);
}

const char *config_compression_name(enum config_compression compression)
{
    static const char *const names[] = {"auto", "none", "gzip", "zstd", "xz", "bzip2"};
    return (size_t)compression < sizeof names / sizeof names[0] ? names[compression] : "auto";
}

const char *config_by_name(enum config_by by)
{
    static const char *const names[] = {"none", "year", "month", "day"};
    return (size_t)by < sizeof names / sizeof names[0] ? names[by] : "none";
}
