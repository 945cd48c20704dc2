#include <iconv.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "config/config_read.h"
#include "util/log.h"
#include "util/mem.h"
#include "util/str.h"
#include "util/utf8.h"

#define TIMEOUT_DEFAULT 300
#define HEADER_MAX 10
#define WIDTH_MAX 1000000

static void read_delimiter(struct config_reader *r, const struct yaml_tree_node *node,
                           const struct config_field *field, void *target);
static void read_encoding(struct config_reader *r, const struct yaml_tree_node *node,
                          const struct config_field *field, void *target);
static void read_size(struct config_reader *r, const struct yaml_tree_node *node,
                      const struct config_field *field, void *target);
static void read_proxy(struct config_reader *r, const struct yaml_tree_node *node,
                       const struct config_field *field, void *target);
static void read_format(struct config_reader *r, const struct yaml_tree_node *node,
                        const struct config_field *field, void *target);
static void read_unpivot(struct config_reader *r, const struct yaml_tree_node *node,
                         const struct config_field *field, void *target);
static void read_header(struct config_reader *r, const struct yaml_tree_node *node,
                        const struct config_field *field, void *target);
static void read_footer(struct config_reader *r, const struct yaml_tree_node *node,
                        const struct config_field *field, void *target);
static void read_widths(struct config_reader *r, const struct yaml_tree_node *node,
                        const struct config_field *field, void *target);

static const char *const compressions[] = {"auto", "none", "gzip", "zstd", "xz", "bzip2"};
static const struct config_choices compression_choices = {
    compressions, sizeof compressions / sizeof *compressions, CONFIG_COMPRESSION_AUTO};

static const struct config_range skip_range = {0, 1000000};
static const struct config_range pivot_range = {1, 9900};
static const struct config_range timeout_range = {1, 86400};

static const struct config_field unpivot_fields[] = {
    {"keep", config_read_list, offsetof(struct config_unpivot, keep), NULL, NULL, false},
    {"name", config_read_column_name, offsetof(struct config_unpivot, name), NULL, NULL, false},
    {"value", config_read_column_name, offsetof(struct config_unpivot, value), NULL, NULL, false},
};

const struct config_table config_table_unpivot = {"unpivot", unpivot_fields, 3};

#define AT(member) offsetof(struct config_source, member)

static const struct config_field fields[] = {
    {"url", config_read_urls, 0, NULL, NULL, false},
    {"format", read_format, AT(format), NULL, NULL, false},
    {"compression", config_read_choice, AT(compression), &compression_choices, NULL, false},
    {"delimiter", read_delimiter, 0, NULL, NULL, false},
    {"quote", config_read_char, AT(quote), NULL, NULL, false},
    {"escape", config_read_char, AT(escape), NULL, NULL, false},
    {"header", read_header, AT(header), NULL, NULL, false},
    {"encoding", read_encoding, AT(encoding), NULL, NULL, false},
    {"nulls", config_read_list, AT(nulls), NULL, NULL, false},
    {"date_formats", config_read_names, AT(date_formats), NULL, NULL, false},
    {"timestamp_formats", config_read_names, AT(timestamp_formats), NULL, NULL, false},
    {"decimal", config_read_char, AT(decimal), NULL, NULL, false},
    {"thousands", config_read_char, AT(thousands), NULL, NULL, false},
    {"skip_lines", config_read_number, AT(skip_lines), &skip_range, NULL, false},
    {"comment", config_read_char, AT(comment), NULL, NULL, false},
    {"footer", read_footer, 0, NULL, NULL, false},
    {"trim", config_read_bool, AT(trim), NULL, NULL, false},
    {"percent", config_read_bool, AT(percent), NULL, NULL, false},
    {"pivot", config_read_number, AT(pivot), &pivot_range, NULL, false},
    {"time_zone", config_read_time_zone, AT(time_zone), NULL, NULL, false},
    {"archive", config_read_text, AT(archive), NULL, NULL, false},
    {"widths", read_widths, 0, NULL, NULL, false},
    {"sheet", config_read_text, AT(sheet), NULL, NULL, false},
    {"range", config_read_text, AT(range), NULL, NULL, false},
    {"records", config_read_text, AT(records), NULL, NULL, false},
    {"next", config_read_next, AT(next), NULL, &config_table_next, false},
    {"file_column", config_read_column_name, AT(file_column), NULL, NULL, false},
    {"unpivot", read_unpivot, AT(unpivot), NULL, &config_table_unpivot, false},
    {"timeout_seconds", config_read_seconds, AT(timeout_seconds), &timeout_range, NULL, false},
    {"max_bytes", read_size, AT(max_bytes), NULL, NULL, false},
    {"headers", config_read_headers, 0, NULL, NULL, false},
    {"allow_private", config_read_bool, AT(allow_private), NULL, NULL, false},
    {"ca_bundle", config_read_path, AT(ca_bundle), NULL, NULL, false},
    {"proxy", read_proxy, AT(proxy), NULL, NULL, false},
};
#define FIELDS (sizeof fields / sizeof fields[0])

const struct config_table config_table_source = {"source", fields, FIELDS};

void config_source_defaults(struct config_source *source)
{
    *source = (struct config_source){
        .delimiter = ",",
        .quote = '"',
        .escape = '"',
        .header = 1,
        .encoding = mem_strdup("utf-8"),
        .decimal = '.',
        .pivot = CONFIG_PIVOT_DEFAULT,
        .timeout_seconds = TIMEOUT_DEFAULT,
    };
    config_list_add(&source->nulls, "");
}

const struct config_list *config_source_nulls(const struct config_source *source)
{
    static const struct config_list none = {0};
    bool text = file_format_is_text(source->format);
    return source->nulls_set || text ? &source->nulls : &none;
}

void config_source_release_urls(struct config_source *source)
{
    for (size_t i = 0; i < source->url_count; i++)
        config_url_release(&source->urls[i]);
    free(source->urls);
    source->urls = NULL;
    source->url_count = 0;
}

static void release_headers(struct config_source *source)
{
    for (size_t i = 0; i < source->header_count; i++) {
        free(source->headers[i].name);
        free(source->headers[i].value);
    }
    free(source->headers);
    source->headers = NULL;
    source->header_count = 0;
}

void config_source_release(struct config_source *source)
{
    config_source_release_urls(source);
    release_headers(source);
    free(source->encoding);
    config_list_release(&source->nulls);
    config_list_release(&source->date_formats);
    config_list_release(&source->timestamp_formats);
    free(source->footer);
    free(source->time_zone);
    free(source->archive);
    free(source->widths);
    free(source->sheet);
    free(source->range);
    free(source->records);
    config_next_release(&source->next);
    free(source->file_column);
    config_list_release(&source->unpivot.keep);
    free(source->unpivot.name);
    free(source->unpivot.value);
    free(source->ca_bundle);
    free(source->proxy);
    *source = (struct config_source){0};
}

/* A password must come from the environment, and is never shown again. */
static bool check_password(struct config_reader *r, const struct yaml_tree_node *node)
{
    char *password = config_url_password(node->text);
    bool inline_secret = password != NULL && node->shown == NULL;
    if (inline_secret)
        config_problem_value(r, node,
                             "contains a password: secrets do not belong in this file; write "
                             "${NAME} and set the variable.");
    else if (password != NULL)
        log_secret(password);
    free(password);
    return !inline_secret;
}

void config_read_urls(struct config_reader *r, const struct yaml_tree_node *node,
                      const struct config_field *field, void *target)
{
    (void)field;
    struct config_source *source = target;
    size_t capacity = 0;
    if (node->kind == YAML_TREE_LIST && node->count == 0)
        config_problem_value(r, node, "must not be an empty list.");
    for (const struct yaml_tree_node *n = config_items(node); n != NULL;
         n = config_items_next(node, n)) {
        struct config_url url;
        struct error err = ERROR_INIT;
        if (!config_usable_text(r, n) || !check_password(r, n))
            continue;
        if (config_url_parse(n->text, n->shown, r->folder, &url, &err) != ERR_OK) {
            config_problem_value(r, n, "%s", err.text);
            continue;
        }
        source->urls = mem_grow(source->urls, source->url_count, &capacity, sizeof *source->urls);
        source->urls[source->url_count++] = url;
    }
}

static void read_delimiter(struct config_reader *r, const struct yaml_tree_node *node,
                           const struct config_field *field, void *target)
{
    (void)field;
    char shown[CONFIG_SHOWN_SIZE];
    struct config_source *source = target;
    if (node->kind == YAML_TREE_TEXT && strcmp(node->text, "tab") == 0) {
        memcpy(source->delimiter, "\t", 2);
        source->delimiter_set = true;
        return;
    }
    size_t length = 0;
    if (node->kind == YAML_TREE_TEXT && node->text[0] != '\0')
        length = utf8_character(node->text, strlen(node->text));
    if (length == 0 || node->text[length] != '\0' || length >= sizeof source->delimiter ||
        strchr("\n\r", node->text[0]) != NULL) {
        config_problem_value(r, node, "must be one character or tab, not %s.",
                             config_shown(node, shown));
        return;
    }
    memcpy(source->delimiter, node->text, length + 1);
    source->delimiter_set = true;
}

static void read_format(struct config_reader *r, const struct yaml_tree_node *node,
                        const struct config_field *field, void *target)
{
    size_t count;
    const char *const *names = file_format_names(&count);
    const struct config_choices choices = {names, count, FILE_FORMAT_CSV};
    const struct config_field choice = {field->name, NULL, 0, &choices, NULL, false};
    config_read_choice(r, node, &choice, target);
}

static void read_header(struct config_reader *r, const struct yaml_tree_node *node,
                        const struct config_field *field, void *target)
{
    static const struct config_range range = {1, HEADER_MAX};
    const struct config_field number = {field->name, NULL, 0, &range, NULL, false};
    unsigned *lines = target;
    bool has = true;
    uint64_t count;
    if (node->kind == YAML_TREE_TEXT && config_parse_number(node->text, &count)) {
        config_read_unsigned(r, node, &number, target);
        return;
    }
    config_read_bool(r, node, field, &has);
    *lines = has ? 1 : 0;
}

/* A number of lines, or what the first of them begins with. */
static void read_footer(struct config_reader *r, const struct yaml_tree_node *node,
                        const struct config_field *field, void *target)
{
    const struct config_field number = {field->name, NULL, 0, &skip_range, NULL, false};
    struct config_source *source = target;
    uint64_t lines;
    if (node->kind == YAML_TREE_TEXT && config_parse_number(node->text, &lines))
        config_read_number(r, node, &number, &source->footer_lines);
    else
        config_read_text(r, node, field, &source->footer);
}

static void read_unpivot(struct config_reader *r, const struct yaml_tree_node *node,
                         const struct config_field *field, void *target)
{
    (void)field;
    struct config_unpivot *unpivot = target;
    const struct yaml_tree_node *seen[CONFIG_TABLE_MAX];
    config_read_map(r, node, &config_table_unpivot, unpivot, seen);
    if (node->kind == YAML_TREE_MAP && (unpivot->name == NULL || unpivot->value == NULL))
        config_problem_value(r, node,
                             "needs a \"name\" and a \"value\": columns that the names and values "
                             "of the other columns go to.");
}

static void read_widths(struct config_reader *r, const struct yaml_tree_node *node,
                        const struct config_field *field, void *target)
{
    static const struct config_range range = {1, WIDTH_MAX};
    const struct config_field number = {field->name, NULL, 0, &range, NULL, false};
    struct config_source *source = target;
    size_t capacity = 0;
    for (const struct yaml_tree_node *n = config_items(node); n != NULL;
         n = config_items_next(node, n)) {
        unsigned width = 0;
        config_read_unsigned(r, n, &number, &width);
        if (source->width_count == CONFIG_COLUMNS_MAX)
            return;
        source->widths =
            mem_grow(source->widths, source->width_count, &capacity, sizeof *source->widths);
        source->widths[source->width_count++] = width;
    }
}

static void read_encoding(struct config_reader *r, const struct yaml_tree_node *node,
                          const struct config_field *field, void *target)
{
    (void)field;
    static const char *const common[] = {"utf-8",        "utf-16",       "utf-16le", "utf-16be",
                                         "latin1",       "iso-8859-1",   "cp437",    "iso-8859-15",
                                         "windows-1252", "windows-1251", "ascii",    "shift_jis",
                                         "gb18030",      "big5",         "euc-kr",   "koi8-r"};
    char **encoding = target;
    char shown[CONFIG_SHOWN_SIZE];
    if (!config_usable_text(r, node))
        return;
    /* "//IGNORE" and the like would drop characters silently. */
    iconv_t converter = (iconv_t)-1;
    if (strchr(node->text, '/') == NULL && strlen(node->text) < 64)
        converter = iconv_open("UTF-8", node->text);
    if (converter != (iconv_t)-1) {
        iconv_close(converter);
        config_set_text(encoding, node->text);
        return;
    }
    const char *meant = str_closest(node->text, common, sizeof common / sizeof common[0]);
    config_problem_value(r, node, "is not an encoding known to this system: %s%s%s%s",
                         config_shown(node, shown), meant != NULL ? "; did you mean \"" : "",
                         meant != NULL ? meant : "", meant != NULL ? "\"?" : ".");
}

static void read_size(struct config_reader *r, const struct yaml_tree_node *node,
                      const struct config_field *field, void *target)
{
    (void)field;
    char shown[CONFIG_SHOWN_SIZE];
    uint64_t *size = target;
    uint64_t bytes = 0;
    if (node->kind != YAML_TREE_TEXT || !config_parse_size(node->text, &bytes) || bytes == 0)
        config_problem_value(r, node, "must be a size with its unit, as in 500 MB, not %s.",
                             config_shown(node, shown));
    else
        *size = bytes;
}

static void read_proxy(struct config_reader *r, const struct yaml_tree_node *node,
                       const struct config_field *field, void *target)
{
    char shown[CONFIG_SHOWN_SIZE];
    if (!config_usable_text(r, node) || !check_password(r, node))
        return;
    static const char *const schemes[] = {"http://",    "https://",  "socks5://",
                                          "socks5h://", "socks4://", "socks4a://"};
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        if (strncasecmp(node->text, schemes[i], strlen(schemes[i])) == 0) {
            config_read_text(r, node, field, target);
            return;
        }
    }
    config_problem_value(r, node, "must be a URL, as in http://gateway:3128, not %s.",
                         config_shown(node, shown));
}
