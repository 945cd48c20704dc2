#include <stdlib.h>
#include <string.h>

#include "config/config_read.h"
#include "util/mem.h"
#include "util/str.h"

static int tells_no_format(struct error *err)
{
    size_t count;
    const char *const *names = file_format_names(&count);
    struct str list;
    str_init(&list, STR_MAX_DEFAULT);
    str_append_choices(&list, names, count);
    int rc =
        error_set(err, ERR_CONFIG,
                  "does not tell its format by its name: set \"source.format\" to %s.", list.data);
    str_release(&list);
    return rc;
}

/*
 * Decide the format by the names of the URLs where it is not set, and the delimiter of .tsv.
 * ERR_CONFIG with a predicate, and in `bad` the URL that says nothing or contradicts the first.
 */
static int decide_format(struct config_source *source, size_t *bad, struct error *err)
{
    enum file_format decided = source->format_set ? source->format : FILE_FORMAT_AUTO;
    bool all_tabs = source->url_count > 0;
    for (size_t i = 0; i < source->url_count; i++) {
        bool tabs;
        enum file_format format = config_url_format(&source->urls[i], source->archive, &tabs);
        *bad = i;
        if (source->format_set) {
            all_tabs = all_tabs && tabs;
            continue;
        }
        if (format == FILE_FORMAT_AUTO && source->archive == NULL &&
            config_url_is_archive(&source->urls[i]))
            return error_set(err, ERR_CONFIG,
                             "is an archive by its name: set \"source.archive\" to the name of the "
                             "file in it, or to a pattern such as *.csv.");
        if (format == FILE_FORMAT_AUTO)
            return tells_no_format(err);
        if (decided != FILE_FORMAT_AUTO && decided != format)
            return error_set(err, ERR_CONFIG,
                             "is %s by its name, but the first one is %s: all parts of a source "
                             "must have one format.",
                             file_format_name(format), file_format_name(decided));
        if (i > 0 && tabs != all_tabs && !source->delimiter_set)
            return error_set(err, ERR_CONFIG,
                             "mixes .tsv with .csv: set \"source.delimiter\", or keep to one.");
        all_tabs = tabs;
        decided = format;
    }
    source->format = decided;
    if (!source->delimiter_set)
        source->delimiter[0] = all_tabs && decided == FILE_FORMAT_CSV ? '\t' : ',';
    return ERR_OK;
}

/* Two characters with different meanings must differ. */
static void check_distinct(struct config_reader *r, const struct config_source *source,
                           const struct yaml_tree_node *const *seen)
{
    const struct {
        const char *name;
        char c;
    } chars[] = {
        {"delimiter", source->delimiter[1] == '\0' ? source->delimiter[0] : '\0'},
        {"quote", source->quote},
        {"escape", source->escape},
        {"comment", source->comment},
    };
    for (size_t i = 1; i < sizeof chars / sizeof chars[0]; i++) {
        const struct yaml_tree_node *node = config_seen(&config_table_source, seen, chars[i].name);
        for (size_t j = 0; j < i && chars[i].c != '\0'; j++) {
            /* Doubling the quote is the usual escape. */
            bool pair = strcmp(chars[i].name, "escape") == 0 && strcmp(chars[j].name, "quote") == 0;
            const struct yaml_tree_node *other =
                config_seen(&config_table_source, seen, chars[j].name);
            if (chars[i].c != chars[j].c || pair || (node == NULL && other == NULL))
                continue;
            config_problem_value(r, node != NULL ? node : other,
                                 "must differ: \"%s\" and \"%s\" are the same character.",
                                 chars[j].name, chars[i].name);
            return;
        }
    }
}

static void check_numbers(struct config_reader *r, const struct config_source *source,
                          const struct yaml_tree_node *const *seen)
{
    const struct yaml_tree_node *decimal = config_seen(&config_table_source, seen, "decimal");
    const struct yaml_tree_node *thousands = config_seen(&config_table_source, seen, "thousands");
    char shown[CONFIG_SHOWN_SIZE];
    if (decimal != NULL && source->decimal != '.' && source->decimal != ',')
        config_problem_value(r, decimal, "must be \".\" or \",\", not %s.",
                             config_shown(decimal, shown));
    if (thousands == NULL || source->thousands == '\0')
        return;
    if (strchr(".,' _", source->thousands) == NULL)
        config_problem_value(r, thousands,
                             "must be one of \".\", \",\", \"'\", \"_\" or a blank, not %s.",
                             config_shown(thousands, shown));
    else if (source->thousands == source->decimal)
        config_problem_value(r, thousands, "must differ from the decimal sign \"%c\".",
                             source->decimal);
}

/* Settings that the format of the source does not understand are mistakes, not decoration. */
static void check_fit(struct config_reader *r, const struct config_source *source,
                      const struct yaml_tree_node *const *seen)
{
    for (size_t i = 0; i < config_table_source.count; i++) {
        const char *name = config_table_source.fields[i].name;
        if (seen[i] != NULL && !file_format_takes(source->format, name))
            config_problem(r, seen[i]->key_at,
                           "\"source.%s\" has no effect on sources of the format %s.", name,
                           file_format_name(source->format));
    }
}

/* Pages come from web servers; only JSON has a field that leads on. */
static void check_next(struct config_reader *r, const struct config_source *source,
                       const struct yaml_tree_node *const *seen)
{
    const struct yaml_tree_node *next = config_seen(&config_table_source, seen, "next");
    if (next == NULL)
        return;
    for (size_t i = 0; i < source->url_count; i++)
        if (source->urls[i].place != CONFIG_PLACE_HTTP) {
            config_problem_value(r, next, "is for sources on web servers.");
            return;
        }
    if (source->next.kind == CONFIG_NEXT_FIELD && source->format != FILE_FORMAT_JSON)
        config_problem_value(r, next, "has a \"field\", which only pages in JSON have.");
    if (source->archive != NULL)
        config_problem_value(r, next, "cannot be combined with \"archive\".");
}

/* Place in the file of the URL `index`; those that were refused are not counted in it. */
static const struct yaml_tree_node *url_node(const struct yaml_tree_node *urls, size_t index)
{
    const struct yaml_tree_node *n = config_items(urls);
    for (size_t i = 0; n != NULL && i < index; i++)
        n = config_items_next(urls, n);
    return n;
}

static size_t item_count(const struct yaml_tree_node *node)
{
    return node->kind == YAML_TREE_LIST ? node->count : 1;
}

/* `urls`: where they are in the file, NULL where it names none. */
static void decide(struct config_reader *r, struct config_source *source,
                   const struct yaml_tree_node *urls)
{
    struct error err = ERROR_INIT;
    size_t bad = 0;
    if (urls != NULL && source->url_count != item_count(urls))
        return;
    if (decide_format(source, &bad, &err) != ERR_OK)
        config_problem_value(r, url_node(urls, bad), "%s", err.text);
}

void config_read_source(struct config_reader *r, const struct yaml_tree_node *node,
                        const struct config_field *field, void *target)
{
    struct config_source *source = target;
    const struct yaml_tree_node *seen[CONFIG_TABLE_MAX];
    if (node->kind != YAML_TREE_MAP) {
        config_read_urls(r, node, field, source);
        decide(r, source, node);
        return;
    }
    config_read_map(r, node, &config_table_source, source, seen);
    source->format_set = source->format != FILE_FORMAT_AUTO;
    source->nulls_set = config_seen(&config_table_source, seen, "nulls") != NULL;
    if (config_seen(&config_table_source, seen, "escape") == NULL)
        source->escape = source->quote;
    else if (source->quote == '\0' && source->escape != '\0')
        config_problem_value(r, config_seen(&config_table_source, seen, "escape"),
                             "has no effect without a quote.");
    /* A format that is there but wrong was reported, and says nothing about the names. */
    if (source->format_set || config_seen(&config_table_source, seen, "format") == NULL)
        decide(r, source, config_seen(&config_table_source, seen, "url"));
    check_distinct(r, source, seen);
    check_numbers(r, source, seen);
    config_check_formats(r, config_seen(&config_table_source, seen, "date_formats"), TYPE_DATE);
    config_check_formats(r, config_seen(&config_table_source, seen, "timestamp_formats"),
                         TYPE_TIMESTAMP);
    check_fit(r, source, seen);
    check_next(r, source, seen);
    if (source->format == FILE_FORMAT_FIXED && source->width_count == 0 && source->url_count > 0)
        config_problem_value(r, node, "needs \"widths\": how many characters each column has.");
}

int config_set_source(struct config *config, const char *text, struct error *err)
{
    struct config_source *source = &config->source;
    struct config_url url = {0};
    struct error why = ERROR_INIT;
    size_t bad;
    char *shown = config_url_hide(text);
    int rc = config_url_parse(text, NULL, ".", &url, &why);
    if (rc == ERR_OK) {
        struct config_source one = *source;
        one.urls = &url;
        one.url_count = 1;
        rc = decide_format(&one, &bad, &why);
        if (rc == ERR_OK) {
            config_source_release_urls(source);
            *source = one;
            source->urls = mem_alloc(sizeof url);
            *source->urls = url;
        } else {
            config_url_release(&url);
        }
    }
    if (rc != ERR_OK)
        error_set(err, rc, "The source \"%.300s\" %s", shown, why.text);
    free(shown);
    return rc;
}
