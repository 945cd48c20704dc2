#include <string.h>
#include <strings.h>

#include "config/config_read.h"
#include "util/str.h"
#include "util/visible.h"

/* May the text be in YAML without quotes, in a list or as a value, and mean itself? */
static bool is_plain(const char *text)
{
    static const char *const words[] = {"null", "true", "false", "yes", "no", "on",
                                        "off",  "y",    "n",     "nan", "inf"};
    static const char safe[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./-";
    size_t scheme = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789");
    const char *rest = strncmp(text + scheme, "://", 3) == 0 ? text + scheme + 3 : text;
    if (strspn(rest, safe) != strlen(rest))
        return false;
    /* What begins with a digit, a point or a dash might be a number, a date or a list. */
    if (text[0] == '\0' || strchr("0123456789-", text[0]) != NULL ||
        (text[0] == '.' && text[1] != '/' && text[1] != '.'))
        return false;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcasecmp(text, words[i]) == 0)
            return false;
    }
    return true;
}

/*
 * A text as a YAML scalar that config_parse reads back unchanged: quoted where needed, with every
 * "${" escaped.
 */
static void put_text(struct str *out, const char *text)
{
    if (is_plain(text)) {
        str_append(out, text);
        return;
    }
    str_append_char(out, '"');
    for (const char *p = text; *p != '\0'; p++) {
        uint32_t code;
        size_t n = visible_hides(p, &code);
        if (n > 0) {
            str_printf(out, code > 0xffff ? "\\U%08X" : "\\u%04X", (unsigned)code);
            p += n - 1;
        } else if (*p == '"' || *p == '\\') {
            str_printf(out, "\\%c", *p);
        } else if (*p == '$' && p[1] == '{') {
            str_append(out, "$$");
        } else {
            str_append_char(out, *p);
        }
    }
    str_append_char(out, '"');
}

/* Text inside a comment: one line, whatever it contains. */
static void put_comment(struct str *out, const char *text)
{
    visible_append(out, text, strlen(text), VISIBLE_LINE);
}

static void put_line(struct str *out, const char *key, const char *value)
{
    str_append(out, key);
    put_text(out, value);
    str_append_char(out, '\n');
}

static void put_head(struct str *out, const struct config_guess *guess)
{
    str_append(out, "# Configuration of one dataset. Every setting: docs/configuration.md.\n"
                    "# ${NAME} and ${NAME:-default} are taken from the environment: secrets belong "
                    "there.\n");
    for (size_t i = 0; i < guess->comment_count; i++) {
        str_append(out, "# ");
        put_comment(out, guess->comments[i]);
        str_append_char(out, '\n');
    }
    str_append(out, "\n# Name of the dataset: a folder of this name is made in the store.\n");
    put_line(out, "dataset: ", guess->dataset);
    str_append(out, "\n# Where versions are published: a folder, relative to this file, or "
                    "s3://bucket/prefix.\n");
    put_line(out, "store: ", guess->store);
}

static void put_sign(struct str *out, const char *key, char sign)
{
    char text[2] = {sign, '\0'};
    if (sign != '\0')
        put_line(out, key, text);
}

static void put_widths(struct str *out, const struct config_guess *guess)
{
    if (guess->width_count == 0)
        return;
    str_append(out,
               "  # Told by the blanks that all lines have in common: check them.\n  widths: [");
    for (size_t i = 0; i < guess->width_count; i++)
        str_printf(out, "%s%u", i > 0 ? ", " : "", (unsigned)guess->widths[i]);
    str_append(out, "]\n");
}

static void put_source(struct str *out, const struct config_guess *guess)
{
    bool csv = guess->format == FILE_FORMAT_CSV;
    str_append(out,
               "\n# Where the data come from: a path (relative to this file), file://, http(s):// "
               "or s3://;\n# a pattern such as data/*.csv, or a list of these.\nsource:\n");
    put_line(out, "  url: ", guess->url);
    if (guess->archive != NULL)
        put_line(out, "  archive: ", guess->archive);
    if (guess->format != FILE_FORMAT_AUTO)
        put_line(out, "  format: ", file_format_name(guess->format));
    put_widths(out, guess);
    if (csv && guess->delimiter != NULL)
        put_line(out,
                 "  delimiter: ", strcmp(guess->delimiter, "\t") == 0 ? "tab" : guess->delimiter);
    if (guess->format != FILE_FORMAT_PARQUET && guess->encoding != NULL)
        put_line(out, "  encoding: ", guess->encoding);
    if (guess->records != NULL)
        put_line(out, "  records: ", guess->records);
    if (guess->no_header)
        str_append(out, "  header: false\n");
    else if (guess->header > 1)
        str_printf(out, "  header: %u\n", guess->header);
    if (guess->skip_lines > 0)
        str_printf(out, "  skip_lines: %zu\n", guess->skip_lines);
    if (guess->footer_text != NULL)
        put_line(out, "  footer: ", guess->footer_text);
    else if (guess->footer > 0)
        str_printf(out, "  footer: %zu\n", guess->footer);
    put_sign(out, "  decimal: ", guess->decimal == '.' ? '\0' : guess->decimal);
    put_sign(out, "  thousands: ", guess->thousands);
    str_append(out,
               "  # nulls: [\"\", \"NA\"]            # texts that mean NULL; default: only the "
               "empty one\n"
               "  # date_formats: [\"%d.%m.%Y\"]   # default: ISO 8601\n"
               "  # decimal: \",\"                 # default: a point\n");
}

static void put_nulls(struct str *out, const struct config_guess_column *column)
{
    if (column->null_count == 0)
        return;
    str_append(out, "    nulls: [");
    for (size_t i = 0; i < column->null_count; i++) {
        str_append(out, i > 0 ? ", " : "");
        put_text(out, column->nulls[i]);
    }
    str_append(out, "]\n");
}

static void put_column(struct str *out, const struct config_guess_column *column)
{
    char type[TYPE_TEXT_SIZE];
    type_format(column->type, type);
    if (column->comment != NULL) {
        str_append(out, "  # ");
        put_comment(out, column->comment);
        str_append_char(out, '\n');
    }
    put_line(out, "  - name: ", column->name);
    str_printf(out, "    type: %s\n", type);
    if (column->from != NULL && strcmp(column->from, column->name) != 0)
        put_line(out, "    from: ", column->from);
    if (column->format != NULL)
        put_line(out, "    formats: ", column->format);
    if (column->percent)
        str_append(out, "    percent: true\n");
    if (column->trim)
        str_append(out, "    trim: true\n");
    put_nulls(out, column);
    str_printf(out, "    nullable: %s\n", column->nullable ? "true" : "false");
}

static void put_columns(struct str *out, const struct config_guess *guess)
{
    if (guess->column_count == 0) {
        str_append(out,
                   "\n# Columns: the whole schema. Left out, they are found at the first run and "
                   "stay as they are.\n"
                   "# columns:\n"
                   "#   - name: id\n"
                   "#     type: bigint    # boolean int bigint double decimal(p,s) text date time "
                   "timestamp uuid binary\n"
                   "#   - name: day\n"
                   "#     type: date\n"
                   "#     from: [Date, date]   # names that the source has used for it\n");
        return;
    }
    str_append(out, "\n# Columns: the whole schema; other columns of the source are left out.\n"
                    "# Types: boolean int bigint double decimal(p,s) text date time timestamp uuid "
                    "binary.\ncolumns:\n");
    for (size_t i = 0; i < guess->column_count; i++)
        put_column(out, &guess->columns[i]);
}

static void put_key(struct str *out, const struct config_guess *guess)
{
    bool known = guess->key_count > 0;
    size_t count = known ? guess->key_count : guess->column_count;
    str_append(out,
               "\n# Columns that identify a row: a row of a known key is a revision, not a new "
               "one.\n");
    if (!known && count > 0)
        str_append(out, "# No smaller set of columns was found that does so: name them here.\n");
    str_append(out, "key: [");
    for (size_t i = 0; i < count; i++) {
        str_append(out, i > 0 ? ", " : "");
        put_text(out, known ? guess->key[i] : guess->columns[i].name);
    }
    str_append(out, count > 0 ? "]\n" : "id]\n");
}

static void put_partition(struct str *out, const struct config_guess *guess)
{
    str_append(out, "\n# Files are cut by year, month or day of a date or timestamp column.\n");
    if (guess->partition_column == NULL || guess->partition_by == CONFIG_BY_NONE) {
        str_append(out, "# partition:\n#   column: day\n#   by: month\n");
        return;
    }
    str_append(out, "partition:\n");
    put_line(out, "  column: ", guess->partition_column);
    put_line(out, "  by: ", config_by_name(guess->partition_by));
}

/* Settings with their defaults. */
static const char rest[] =
    "\n"
    "# revisions: publish    # a changed row of a known key: publish it again, or ignore it\n"
    "# duplicates: last      # a key twice in one source: the last row wins, or fail\n"
    "# bad_rows: fail        # a row that cannot be read: fail, or reject it ...\n"
    "# bad_rows_limit: 1000  # ... up to that many\n"
    "# transform: SELECT * FROM source WHERE value IS NOT NULL\n"
    "# constants: {provider: example}   # columns with one value in all rows\n"
    "# memory: 25%           # or a size such as 2 GiB\n"
    "# tables: {delta: false} # no Delta table beside the projections\n"
    "# expect_every: 1d      # a run is expected that often: status and alerts tell\n";

void config_write_example(struct str *out, const struct config_guess *guess)
{
    struct config_guess filled = guess != NULL ? *guess : (struct config_guess){0};
    if (filled.dataset == NULL)
        filled.dataset = "example";
    if (filled.store == NULL)
        filled.store = "./published";
    if (filled.url == NULL) {
        filled.url = "./data/*.csv";
        filled.format = FILE_FORMAT_CSV;
    }
    put_head(out, &filled);
    put_source(out, &filled);
    put_columns(out, &filled);
    put_key(out, &filled);
    put_partition(out, &filled);
    str_append(out, rest);
}
