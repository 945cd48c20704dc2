#include <stdlib.h>
#include <string.h>

#include "catalog/catalog.h"
#include "cli/command.h"
#include "cli/open.h"
#include "cli/table.h"
#include "cli/text.h"
#include "pipeline/read.h"

/* ---- Which version ------------------------------------------------------------------------- */

/* "12", or "0000000012-<commit>": then the commit is compared, too. Sequence 0: the newest. */
static int parse_version(const char *text, struct version_id *out, struct error *err)
{
    size_t digits = strspn(text, "0123456789");
    *out = (struct version_id){.sequence = 0};
    if (text[digits] == '\0' && digits > 0 && digits < 19) {
        out->sequence = strtoull(text, NULL, 10);
        if (out->sequence > 0)
            return ERR_OK;
    }
    if (layout_parse_name(text, out, NULL) == ERR_OK && out->sequence > 0)
        return ERR_OK;
    return error_set(err, ERR_CONFIG,
                     "\"%.100s\" is not a version: give its number, or its name as \"cauce log\" "
                     "and \"cauce status\" show it.",
                     text);
}

static int find(struct opened *in, const char *text, const struct base *base, struct manifest *out,
                struct error *err)
{
    struct version_id wanted = {.sequence = 0};
    int rc = text != NULL ? parse_version(text, &wanted, err) : ERR_OK;
    if (rc != ERR_OK)
        return rc;
    struct read_request options = {.version = wanted.sequence};
    rc = read_find(&in->dataset, base, &options, out, err);
    if (rc != ERR_OK || wanted.commit[0] == '\0' || version_id_equal(&wanted, &out->version))
        return rc;
    char name[LAYOUT_NAME_SIZE];
    layout_name(&out->version, name);
    manifest_release(out);
    return error_set(err, ERR_ABSENT,
                     "The version \"%.100s\" is not in the dataset: its version %llu is %s.", text,
                     (unsigned long long)wanted.sequence, name);
}

/* ---- JSON ---------------------------------------------------------------------------------- */

static struct json *encode_schema(const struct schema *s)
{
    struct json *columns = json_new_array();
    for (size_t i = 0; i < s->count; i++) {
        char type[TYPE_TEXT_SIZE];
        struct json *column = json_new_object();
        type_format(s->columns[i].type, type);
        json_set_string(column, "name", s->columns[i].name);
        json_set_string(column, "type", type);
        json_set_unsigned(column, "id", s->columns[i].id);
        json_set_bool(column, "nullable", s->columns[i].nullable);
        json_set_bool(column, "constant", s->columns[i].constant);
        json_append(columns, column);
    }
    return columns;
}

static struct json *encode_key(const struct schema *s)
{
    struct json *key = json_new_array();
    for (size_t i = 0; i < s->key_count; i++)
        json_append(key, json_new_string(s->columns[s->key[i]].name));
    return key;
}

static struct json *encode_partition(const struct schema *s)
{
    if (s->partition_by == PARTITION_NONE)
        return json_new_null();
    struct json *object = json_new_object();
    json_set_string(object, "column", s->columns[s->partition_column].name);
    json_set_string(object, "by", partition_by_name(s->partition_by));
    return object;
}

static struct json *encode_files(const struct manifest *m)
{
    struct json *files = json_new_array();
    for (size_t i = 0; i < m->files.count; i++) {
        const struct manifest_file *f = &m->files.items[i];
        struct json *file = json_new_object();
        json_set_string(file, "key", f->key);
        json_set_unsigned(file, "bytes", f->size);
        json_set_string(file, "sha256", f->sha256);
        json_set_unsigned(file, "rows", f->rows);
        json_set_unsigned(file, "revised", f->revised);
        json_set(file, "min", json_copy(f->min));
        json_set(file, "max", json_copy(f->max));
        json_append(files, file);
    }
    return files;
}

static void print_json(const struct manifest *m)
{
    char key[LAYOUT_KEY_SIZE];
    char digest[HASH128_HEX_SIZE];
    struct json *object = json_new_object();
    layout_manifest(&m->version, key);
    hash128_to_hex(m->keys.sum, digest);
    json_set_string(object, "dataset", m->dataset);
    text_set_version(object, &m->version);
    text_set_time(object, "time", m->time);
    json_set_string(object, "run_id", m->run_id);
    json_set_string(object, "manifest", key);
    json_set_string(object, "parent", m->parent.sequence > 0 ? m->parent_key : NULL);
    json_set(object, "source", manifest_source_encode(&m->source));
    json_set_unsigned(object, "rows_added", m->rows_added);
    json_set_unsigned(object, "rows_new", m->rows_added - m->rows_revised);
    json_set_unsigned(object, "rows_revised", m->rows_revised);
    json_set_unsigned(object, "rows_total", m->rows_total);
    json_set_unsigned(object, "keys_total", m->keys.count);
    json_set_string(object, "key_set_digest", digest);
    json_set(object, "columns", encode_schema(&m->schema));
    json_set(object, "key", encode_key(&m->schema));
    json_set(object, "partition", encode_partition(&m->schema));
    json_set(object, "files", encode_files(m));
    text_print_json(object);
}

/* ---- Text ---------------------------------------------------------------------------------- */

static void print_head(const struct manifest *m)
{
    char name[LAYOUT_NAME_SIZE];
    char time[TEXT_SIZE];
    char bytes[TEXT_SIZE];
    layout_name(&m->version, name);
    text_printf("version:  %s of %s\n", name, m->dataset);
    text_printf("made:     %s by run %s\n", text_time(m->time, time), m->run_id);
    text_printf("source:   %s, %s, SHA-256 %s\n", m->source.url != NULL ? m->source.url : "-",
                text_bytes(m->source.size, bytes),
                m->source.sha256[0] != '\0' ? m->source.sha256 : "-");
    text_printf("rows:     %llu new, %llu revised; %llu in all versions, %llu keys\n",
                (unsigned long long)(m->rows_added - m->rows_revised),
                (unsigned long long)m->rows_revised, (unsigned long long)m->rows_total,
                (unsigned long long)m->keys.count);
}

static void print_columns(const struct schema *s)
{
    static const char *const heads[] = {"COLUMN", "TYPE", "NULL", "KEY"};
    struct table t;
    struct str out;
    table_init(&t, heads, sizeof heads / sizeof heads[0]);
    for (size_t i = 0; i < s->count; i++) {
        char type[TYPE_TEXT_SIZE];
        type_format(s->columns[i].type, type);
        table_cell(&t, s->columns[i].name);
        table_cell(&t, type);
        table_cell(&t, s->columns[i].nullable ? "yes" : "no");
        table_cell(&t, schema_in_key(s, i) ? "key" : NULL);
    }
    str_init(&out, STR_MAX_DEFAULT);
    table_format(&t, &out);
    text_print("\n");
    text_print(out.data);
    str_release(&out);
    table_release(&t);
}

static void print_files(const struct manifest *m)
{
    static const char *const heads[] = {">ROWS", ">REVISED", ">BYTES", "FILE"};
    struct table t;
    struct str out;
    table_init(&t, heads, sizeof heads / sizeof heads[0]);
    for (size_t i = 0; i < m->files.count; i++) {
        const struct manifest_file *f = &m->files.items[i];
        table_cellf(&t, "%llu", (unsigned long long)f->rows);
        table_cellf(&t, "%llu", (unsigned long long)f->revised);
        table_cellf(&t, "%llu", (unsigned long long)f->size);
        table_cell(&t, f->key);
    }
    str_init(&out, STR_MAX_DEFAULT);
    table_format(&t, &out);
    text_print("\n");
    text_print(out.data);
    str_release(&out);
    table_release(&t);
}

static int show(const struct options *o, int *status, struct error *err)
{
    struct opened in = {.store = NULL};
    struct base base = {.tag = {""}};
    struct manifest m = {.time = 0};
    (void)status;
    int rc = open_dataset(o, OPEN_READ, &in, err);
    if (rc != ERR_OK)
        return rc;
    rc = base_read(in.store, in.config.dataset, &base, err);
    if (rc == ERR_OK)
        rc = find(&in, o->operand_count > 0 ? o->operands[0] : NULL, &base, &m, err);
    if (rc == ERR_OK && o->json) {
        print_json(&m);
    } else if (rc == ERR_OK) {
        print_head(&m);
        print_columns(&m.schema);
        print_files(&m);
    }
    manifest_release(&m);
    base_release(&base);
    open_release(&in);
    return rc;
}

const struct command cmd_show = {
    .name = "show",
    .summary = "show one version: rows, source, columns, files",
    .operands = "DATASET.yml [VERSION]",
    .about = "Shows one version: when and from what it was made, its rows, columns and files.\n"
             "VERSION is its number or its full name; without it the newest one is shown.",
    .examples = "  cauce show rates.yml\n"
                "  cauce show rates.yml 12\n"
                "  cauce show --store ./published --dataset rates --json 12\n",
    .takes_dataset = true,
    .most = 1,
    .run = show,
};
