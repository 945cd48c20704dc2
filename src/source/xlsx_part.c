#include "source/xlsx_part.h"

#include <archive.h>
#include <archive_entry.h>
#include <expat.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "util/mem.h"
#include "util/stop.h"

#define PIECE (64 << 10)
#define BLOCK ((size_t)256 << 10)

struct xlsx_part {
    const struct reader_file *file;
    char *name;
    const struct xlsx_events *events;
    struct archive *archive;
    XML_Parser parser;
    uint64_t limit;
    uint64_t bytes;
    bool last; /* its last piece was given to the parser */
    bool failed;
    struct error err; /* of an event */
};

/* --- the archive ------------------------------------------------------------------------------ */

static int damaged(const struct xlsx_part *p, struct error *err)
{
    const char *reason = archive_error_string(p->archive);
    return error_set(err, ERR_SOURCE,
                     "%s cannot be read as a workbook: %s. Check that it was published and fetched "
                     "completely.",
                     p->file->shown, reason != NULL ? reason : "it is damaged");
}

static bool is_part(struct archive_entry *entry, const char *name)
{
    const char *path = archive_entry_pathname_utf8(entry);
    if (path == NULL)
        path = archive_entry_pathname(entry);
    return path != NULL && strcasecmp(path, name) == 0;
}

static int find_part(struct xlsx_part *p, struct error *err)
{
    struct archive_entry *entry;
    if (archive_read_open_filename(p->archive, p->file->path, BLOCK) != ARCHIVE_OK)
        return damaged(p, err);
    for (;;) {
        int rc = archive_read_next_header(p->archive, &entry);
        if (rc == ARCHIVE_EOF)
            return error_set(err, ERR_ABSENT, "%s has no part %s.", p->file->shown, p->name);
        if (rc != ARCHIVE_OK && rc != ARCHIVE_WARN)
            return damaged(p, err);
        if (!is_part(entry, p->name))
            continue;
        if (archive_entry_is_encrypted(entry))
            return error_set(err, ERR_SOURCE, "%s is encrypted. Save it without a password.",
                             p->file->shown);
        return ERR_OK;
    }
}

/* --- the document ----------------------------------------------------------------------------- */

static const char *local(const char *name)
{
    const char *colon = strchr(name, ':');
    return colon != NULL ? colon + 1 : name;
}

static void on_start(void *ctx, const char *name, const char **attributes)
{
    const struct xlsx_part *p = ctx;
    p->events->start(p->events->ctx, local(name), attributes);
}

static void on_end(void *ctx, const char *name)
{
    const struct xlsx_part *p = ctx;
    p->events->end(p->events->ctx, local(name));
}

static void on_text(void *ctx, const char *text, int length)
{
    const struct xlsx_part *p = ctx;
    p->events->text(p->events->ctx, text, (size_t)length);
}

static void on_document_type(void *ctx, const char *name, const char *system, const char *public,
                             int internal)
{
    (void)name;
    (void)system;
    (void)public;
    (void)internal;
    struct xlsx_part *p = ctx;
    struct error err = ERROR_INIT;
    error_set(&err, ERR_SOURCE, "%s: %s has a document type, which no workbook has.",
              p->file->shown, p->name);
    xlsx_part_fail(p, &err);
}

int xlsx_part_open(const struct reader_file *file, const char *name, uint64_t limit,
                   const struct xlsx_events *events, struct xlsx_part **out, struct error *err)
{
    struct xlsx_part *p = mem_calloc(1, sizeof *p);
    p->file = file;
    p->name = mem_strdup(name);
    p->events = events;
    p->limit = limit;
    p->archive = archive_read_new();
    p->parser = XML_ParserCreate(NULL);
    if (p->archive == NULL || p->parser == NULL)
        abort();
    archive_read_support_format_zip_seekable(p->archive);
    XML_SetUserData(p->parser, p);
    XML_SetElementHandler(p->parser, on_start, on_end);
    XML_SetCharacterDataHandler(p->parser, on_text);
    XML_SetStartDoctypeDeclHandler(p->parser, on_document_type);
    int rc = find_part(p, err);
    if (rc == ERR_OK)
        *out = p;
    else
        xlsx_part_free(p);
    return rc;
}

void xlsx_part_free(struct xlsx_part *p)
{
    if (p == NULL)
        return;
    archive_read_free(p->archive);
    XML_ParserFree(p->parser);
    free(p->name);
    free(p);
}

void xlsx_part_pause(struct xlsx_part *p)
{
    XML_StopParser(p->parser, XML_TRUE);
}

void xlsx_part_fail(struct xlsx_part *p, const struct error *err)
{
    if (p->failed)
        return;
    p->failed = true;
    p->err = *err;
    XML_StopParser(p->parser, XML_FALSE);
}

static int not_xml(const struct xlsx_part *p, struct error *err)
{
    if (p->failed)
        return error_pass(err, p->err.code, &p->err);
    return error_set(err, ERR_SOURCE, "%s: %s, line %lu: %s.", p->file->shown, p->name,
                     (unsigned long)XML_GetCurrentLineNumber(p->parser),
                     XML_ErrorString(XML_GetErrorCode(p->parser)));
}

/* The next piece, into a buffer of the parser's. */
static int read_piece(struct xlsx_part *p, enum XML_Status *status, struct error *err)
{
    void *buffer = XML_GetBuffer(p->parser, PIECE);
    if (buffer == NULL)
        abort();
    la_ssize_t n = archive_read_data(p->archive, buffer, PIECE);
    if (n < 0)
        return damaged(p, err);
    p->bytes += (uint64_t)n;
    if (p->bytes > p->limit)
        return error_set(
            err, ERR_LIMIT,
            "%s: %s has more than %llu bytes when it is unpacked: it may be made to do "
            "harm. Set `max_bytes` if that is right.",
            p->file->shown, p->name, (unsigned long long)p->limit);
    p->last = n == 0;
    *status = XML_ParseBuffer(p->parser, (int)n, p->last);
    return ERR_OK;
}

int xlsx_part_more(struct xlsx_part *p, bool *ended, struct error *err)
{
    XML_ParsingStatus now;
    enum XML_Status status = XML_STATUS_OK;
    int rc = stop_check(err);
    if (rc != ERR_OK)
        return rc;
    XML_GetParsingStatus(p->parser, &now);
    if (now.parsing == XML_SUSPENDED)
        status = XML_ResumeParser(p->parser);
    else if (!p->last)
        rc = read_piece(p, &status, err);
    if (rc == ERR_OK && (status == XML_STATUS_ERROR || p->failed))
        rc = not_xml(p, err);
    *ended = p->last && status == XML_STATUS_OK;
    return rc;
}

int xlsx_part_read(const struct reader_file *file, const char *name, uint64_t limit,
                   const struct xlsx_events *events, bool *found, struct error *err)
{
    struct xlsx_part *p;
    bool ended = false;
    int rc = xlsx_part_open(file, name, limit, events, &p, err);
    *found = rc != ERR_ABSENT;
    if (rc == ERR_ABSENT)
        return ERR_OK;
    if (rc != ERR_OK)
        return rc;
    while (rc == ERR_OK && !ended)
        rc = xlsx_part_more(p, &ended, err);
    xlsx_part_free(p);
    return rc;
}

const char *xlsx_part_attribute(const char **attributes, const char *name)
{
    for (size_t i = 0; attributes[i] != NULL; i += 2)
        if (strcmp(local(attributes[i]), name) == 0)
            return attributes[i + 1];
    return NULL;
}
