#include "store/s3/wire.h"

#include <stdlib.h>
#include <string.h>

#include "net/xml.h"
#include "util/hex.h"
#include "util/mem.h"

/* Copy what fits, with everything but printable ASCII as '?': it ends up in messages. */
static void copy_text(char *out, size_t size, const char *text)
{
    size_t i = 0;
    for (; text[i] != '\0' && i + 1 < size; i++)
        out[i] = text[i] >= ' ' && text[i] < 127 ? text[i] : '?';
    out[i] = '\0';
}

static void take_error_field(const struct xml_walk *w, struct s3_wire_error *error,
                             const char *text)
{
    if (xml_at(w, "Code"))
        copy_text(error->code, sizeof error->code, text);
    else if (xml_at(w, "Message"))
        copy_text(error->message, sizeof error->message, text);
    else if (xml_at(w, "Region"))
        copy_text(error->region, sizeof error->region, text);
}

static void visit_error(struct xml_walk *w, void *ctx, const char *text)
{
    if (xml_within(w, "Error") || xml_within(w, "ErrorResponse/Error"))
        take_error_field(w, ctx, text);
}

void s3_wire_error_parse(const char *bytes, size_t count, struct s3_wire_error *out)
{
    *out = (struct s3_wire_error){0};
    struct s3_wire_error found = {0};
    if (xml_walk(bytes, count, visit_error, &found))
        *out = found;
}

static int bad_answer(struct error *err, const char *what)
{
    return error_set(err, ERR_AGAIN,
                     "The answer to %s is not the XML document that was expected: it was cut "
                     "short, or something in front of the server gave it (a proxy, a login page).",
                     what);
}

/* Undo encoding-type=url in place: %XX, and + for a space. */
static void decode_url(char *text)
{
    char *out = text;
    for (const char *p = text; *p != '\0'; p++) {
        if (*p == '%' && hex_value(p[1]) >= 0 && hex_value(p[2]) >= 0) {
            *out++ = (char)(hex_value(p[1]) * 16 + hex_value(p[2]));
            p += 2;
        } else {
            *out++ = *p == '+' ? ' ' : *p;
        }
    }
    *out = '\0';
}

static bool parse_size(const char *text, uint64_t *out)
{
    uint64_t value = 0;
    if (*text == '\0')
        return false;
    for (; *text != '\0'; text++) {
        if (*text < '0' || *text > '9' || value > (UINT64_MAX - 9) / 10)
            return false;
        value = value * 10 + (uint64_t)(*text - '0');
    }
    *out = value;
    return true;
}

static void replace_text(char **slot, const char *text)
{
    free(*slot);
    *slot = mem_strdup(text);
}

struct list_state {
    struct s3_wire_list *list;
    struct s3_wire_object next;
    bool root, sized, url, bad;
};

static void end_object(struct list_state *s)
{
    struct s3_wire_list *list = s->list;
    if (s->next.key == NULL || !s->sized || list->count == S3_WIRE_ITEMS_MAX) {
        s->bad = true;
        free(s->next.key);
    } else {
        list->objects =
            mem_grow(list->objects, list->count, &list->capacity, sizeof *list->objects);
        list->objects[list->count++] = s->next;
    }
    s->next = (struct s3_wire_object){0};
    s->sized = false;
}

static void visit_list(struct xml_walk *w, void *ctx, const char *text)
{
    struct list_state *s = ctx;
    if (xml_at(w, "ListBucketResult"))
        s->root = xml_depth(w) == 1;
    else if (xml_at(w, "ListBucketResult/Contents/Key"))
        replace_text(&s->next.key, text);
    else if (xml_at(w, "ListBucketResult/Contents/Size"))
        s->sized = parse_size(text, &s->next.size);
    else if (xml_at(w, "ListBucketResult/Contents"))
        end_object(s);
    else if (xml_at(w, "ListBucketResult/IsTruncated"))
        s->list->truncated = strcmp(text, "true") == 0;
    else if (xml_at(w, "ListBucketResult/NextContinuationToken"))
        replace_text(&s->list->token, text);
    else if (xml_at(w, "ListBucketResult/EncodingType"))
        s->url = strcmp(text, "url") == 0;
}

int s3_wire_list_parse(const char *bytes, size_t count, struct s3_wire_list *out, struct error *err)
{
    *out = (struct s3_wire_list){0};
    struct list_state s = {.list = out};
    bool good = xml_walk(bytes, count, visit_list, &s) && s.root && !s.bad;
    free(s.next.key);
    for (size_t i = 0; s.url && i < out->count; i++)
        decode_url(out->objects[i].key);
    if (good && out->truncated && (out->token == NULL || *out->token == '\0'))
        good = false;
    if (good)
        return ERR_OK;
    s3_wire_list_release(out);
    return bad_answer(err, "a listing");
}

void s3_wire_list_release(struct s3_wire_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->objects[i].key);
    free(list->objects);
    free(list->token);
    *list = (struct s3_wire_list){0};
}

struct uploads_state {
    struct s3_wire_uploads *out;
    struct s3_wire_upload next;
    bool root, url, bad;
};

static void end_upload(struct uploads_state *s)
{
    struct s3_wire_uploads *out = s->out;
    if (s->next.key == NULL || s->next.id == NULL || out->count == S3_WIRE_ITEMS_MAX) {
        s->bad = true;
        free(s->next.key);
        free(s->next.id);
    } else {
        out->uploads = mem_grow(out->uploads, out->count, &out->capacity, sizeof *out->uploads);
        out->uploads[out->count++] = s->next;
    }
    s->next = (struct s3_wire_upload){0};
}

static void visit_uploads(struct xml_walk *w, void *ctx, const char *text)
{
    struct uploads_state *s = ctx;
    if (xml_at(w, "ListMultipartUploadsResult"))
        s->root = xml_depth(w) == 1;
    else if (xml_at(w, "Upload/Key"))
        replace_text(&s->next.key, text);
    else if (xml_at(w, "Upload/UploadId"))
        replace_text(&s->next.id, text);
    else if (xml_at(w, "ListMultipartUploadsResult/Upload"))
        end_upload(s);
    else if (xml_at(w, "IsTruncated"))
        s->out->truncated = strcmp(text, "true") == 0;
    else if (xml_at(w, "NextKeyMarker"))
        replace_text(&s->out->next_key, text);
    else if (xml_at(w, "NextUploadIdMarker"))
        replace_text(&s->out->next_id, text);
    else if (xml_at(w, "EncodingType"))
        s->url = strcmp(text, "url") == 0;
}

int s3_wire_uploads_parse(const char *bytes, size_t count, struct s3_wire_uploads *out,
                          struct error *err)
{
    *out = (struct s3_wire_uploads){0};
    struct uploads_state s = {.out = out};
    bool good = xml_walk(bytes, count, visit_uploads, &s) && s.root && !s.bad;
    free(s.next.key);
    free(s.next.id);
    for (size_t i = 0; s.url && i < out->count; i++)
        decode_url(out->uploads[i].key);
    if (s.url && out->next_key != NULL)
        decode_url(out->next_key);
    if (good && out->truncated && (out->next_key == NULL || *out->next_key == '\0'))
        good = false;
    if (good)
        return ERR_OK;
    s3_wire_uploads_release(out);
    return bad_answer(err, "a listing of unfinished uploads");
}

void s3_wire_uploads_release(struct s3_wire_uploads *uploads)
{
    for (size_t i = 0; i < uploads->count; i++) {
        free(uploads->uploads[i].key);
        free(uploads->uploads[i].id);
    }
    free(uploads->uploads);
    free(uploads->next_key);
    free(uploads->next_id);
    *uploads = (struct s3_wire_uploads){0};
}

struct deleted_state {
    struct s3_wire_deleted *out;
    struct s3_wire_failure next;
    bool root, bad;
};

static void end_failure(struct deleted_state *s)
{
    struct s3_wire_deleted *out = s->out;
    if (s->next.key == NULL || out->count == S3_WIRE_ITEMS_MAX) {
        s->bad = true;
        free(s->next.key);
    } else {
        out->failures = mem_grow(out->failures, out->count, &out->capacity, sizeof *out->failures);
        out->failures[out->count++] = s->next;
    }
    s->next = (struct s3_wire_failure){0};
}

static void visit_deleted(struct xml_walk *w, void *ctx, const char *text)
{
    struct deleted_state *s = ctx;
    if (xml_at(w, "DeleteResult"))
        s->root = xml_depth(w) == 1;
    else if (xml_at(w, "DeleteResult/Error/Key"))
        replace_text(&s->next.key, text);
    else if (xml_at(w, "DeleteResult/Error"))
        end_failure(s);
    else if (xml_within(w, "DeleteResult/Error"))
        take_error_field(w, &s->next.error, text);
}

int s3_wire_deleted_parse(const char *bytes, size_t count, struct s3_wire_deleted *out,
                          struct error *err)
{
    *out = (struct s3_wire_deleted){0};
    struct deleted_state s = {.out = out};
    bool good = xml_walk(bytes, count, visit_deleted, &s) && s.root && !s.bad;
    free(s.next.key);
    if (good)
        return ERR_OK;
    s3_wire_deleted_release(out);
    return bad_answer(err, "a deletion of many objects");
}

void s3_wire_deleted_release(struct s3_wire_deleted *deleted)
{
    for (size_t i = 0; i < deleted->count; i++)
        free(deleted->failures[i].key);
    free(deleted->failures);
    *deleted = (struct s3_wire_deleted){0};
}
