#include "derived/projection/state.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "catalog/field.h"
#include "catalog/register.h"
#include "util/mem.h"

static const char where[] = "the projections manifest";

static void release_parts(struct projection_part *parts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        projection_part_release(&parts[i]);
    free(parts);
}

void projection_release(struct projection_state *s)
{
    release_parts(s->parts, s->part_count);
    release_parts(s->redo, s->redo_count);
    free(s->affected);
    free(s->former);
    *s = (struct projection_state){0};
}

void projection_part_release(struct projection_part *p)
{
    free(p->versions);
    *p = (struct projection_part){0};
}

void projection_part_copy(const struct projection_part *from, struct projection_part *to)
{
    *to = *from;
    to->versions = mem_calloc(from->version_count, sizeof *to->versions);
    if (from->version_count > 0)
        memcpy(to->versions, from->versions, from->version_count * sizeof *to->versions);
}

void projection_add_part(struct projection_state *s, const struct projection_part *part)
{
    s->parts = mem_grow(s->parts, s->part_count, &s->part_capacity, sizeof *s->parts);
    projection_part_copy(part, &s->parts[s->part_count++]);
}

void projection_add_redo(struct projection_state *s, const struct projection_part *part)
{
    s->redo = mem_grow(s->redo, s->redo_count, &s->redo_capacity, sizeof *s->redo);
    projection_part_copy(part, &s->redo[s->redo_count++]);
}

static int compare_parts(const void *a, const void *b)
{
    int32_t x = ((const struct projection_part *)a)->partition;
    int32_t y = ((const struct projection_part *)b)->partition;
    return (x > y) - (x < y);
}

struct projection_part *projection_find(struct projection_part *parts, size_t count,
                                        int32_t partition)
{
    const struct projection_part wanted = {.partition = partition};
    return count > 0 ? bsearch(&wanted, parts, count, sizeof *parts, compare_parts) : NULL;
}

void projection_sort(struct projection_part *parts, size_t count)
{
    if (count > 0)
        qsort(parts, count, sizeof *parts, compare_parts);
}

/* ---- Encoding ------------------------------------------------------------------------------ */

static struct json *encode_part(const struct projection_part *p, enum partition_by by)
{
    char partition[LAYOUT_PARTITION_SIZE];
    struct json *part = json_new_object();
    struct json *versions = json_new_array();
    layout_partition(by, p->partition, partition);
    for (size_t i = 0; i < p->version_count; i++)
        json_append(versions, json_new_integer((int64_t)p->versions[i]));
    json_set_string(part, "partition", partition);
    json_set_string(part, "key", p->key);
    if (p->temp[0] != '\0')
        json_set_string(part, "temp", p->temp);
    json_set_unsigned(part, "size", p->size);
    json_set_string(part, "sha256", p->sha256);
    json_set_unsigned(part, "rows", p->rows);
    json_set_unsigned(part, "columns", p->columns);
    field_set_version(part, &p->stamp);
    json_set(part, "versions", versions);
    return part;
}

static struct json *encode_parts(const struct projection_part *parts, size_t count,
                                 enum partition_by by)
{
    struct json *list = json_new_array();
    for (size_t i = 0; i < count; i++)
        json_append(list, encode_part(&parts[i], by));
    return list;
}

static struct json *encode_partitions(const int32_t *partitions, size_t count, enum partition_by by)
{
    struct json *list = json_new_array();
    for (size_t i = 0; i < count; i++) {
        char partition[LAYOUT_PARTITION_SIZE];
        layout_partition(by, partitions[i], partition);
        json_append(list, json_new_string(partition));
    }
    return list;
}

/* What only an unfinished consolidation has. */
static void encode_progress(struct json *root, const struct projection_state *s,
                            enum partition_by by)
{
    struct json *target = json_new_object();
    field_set_version(target, &s->target);
    json_set(root, "target", target);
    json_set(root, "affected", encode_partitions(s->affected, s->affected_count, by));
    json_set(root, "redo",
             s->has_redo ? encode_parts(s->redo, s->redo_count, by) : json_new_null());
}

void projection_encode(const struct projection_state *s, enum partition_by by, struct str *out)
{
    assert(s->phase != PROJECTION_NONE);
    bool completed = s->phase == PROJECTION_COMPLETED;
    struct json *root = json_new_object();
    json_set_integer(root, "format", PROJECTION_FORMAT);
    json_set_string(root, "state", projection_phase_name(s->phase));
    json_set_string(root, "attempt", s->attempt);
    json_set_unsigned(root, "gc_epoch", s->gc_epoch);
    json_set_string(root, "partition_by", partition_by_name(by));
    field_set_optional_version(root, &s->stamp);
    if (!completed)
        encode_progress(root, s, by);
    json_set(root, "parts", encode_parts(s->parts, s->part_count, by));
    if (s->former_count > 0)
        json_set(root, "former", encode_partitions(s->former, s->former_count, by));
    field_write(root, out);
}

/* ---- Decoding ------------------------------------------------------------------------------ */

static int decode_partition(const struct json *value, const char *at, enum partition_by by,
                            int32_t *out, struct error *err)
{
    if (!json_is_string(value) ||
        layout_parse_partition(json_string(value), by, out, NULL) != ERR_OK)
        return error_set(err, ERR_DAMAGED, "%s is not a partition by %s.", at,
                         partition_by_name(by));
    return ERR_OK;
}

/* Final and temp keys are those that the layout gives for the partition. */
static int decode_keys(const struct json *value, const char *at, enum partition_by by, bool redo,
                       struct projection_part *out, struct error *err)
{
    const char *key;
    const char *temp;
    struct version_id attempt;
    int32_t partition;
    int rc = json_need_string(value, "key", at, &key, err);
    if (rc != ERR_OK)
        return rc;
    projection_key(by, out->partition, out->key);
    if (strcmp(key, out->key) != 0)
        return field_bad(err, "key", at, "is not that of its partition");
    if (!redo)
        return ERR_OK;
    if ((rc = json_need_string(value, "temp", at, &temp, err)) != ERR_OK)
        return rc;
    if (projection_parse_temp_key(temp, by, &attempt, &partition, NULL) != ERR_OK ||
        partition != out->partition)
        return field_bad(err, "temp", at, "is not that of its partition");
    field_copy(out->temp, sizeof out->temp, temp);
    return ERR_OK;
}

static int decode_versions(const struct json *value, const char *at, struct projection_part *out,
                           struct error *err)
{
    const struct json *list;
    int rc = json_need_array(value, "versions", at, &list, err);
    if (rc != ERR_OK)
        return rc;
    size_t count = json_count(list);
    int64_t last = 0;
    out->versions = mem_calloc(count, sizeof *out->versions);
    for (size_t i = 0; i < count; i++) {
        int64_t sequence = json_integer(json_at(list, i));
        if (sequence <= last || (uint64_t)sequence > out->stamp.sequence)
            return field_bad(err, "versions", at,
                             "is not an ascending list of sequences up to its own");
        out->versions[out->version_count++] = (uint64_t)sequence;
        last = sequence;
    }
    return ERR_OK;
}

static int decode_part(const struct json *value, const char *at, enum partition_by by, bool redo,
                       struct projection_part *out, struct error *err)
{
    int rc;
    if ((rc = decode_partition(json_get(value, "partition"), at, by, &out->partition, err)) !=
            ERR_OK ||
        (rc = decode_keys(value, at, by, redo, out, err)) != ERR_OK ||
        (rc = json_need_unsigned(value, "size", at, &out->size, err)) != ERR_OK ||
        (rc = field_sha256(value, "sha256", at, out->sha256, err)) != ERR_OK ||
        (rc = json_need_unsigned(value, "rows", at, &out->rows, err)) != ERR_OK ||
        (rc = json_need_unsigned(value, "columns", at, &out->columns, err)) != ERR_OK ||
        (rc = field_version(value, at, &out->stamp, err)) != ERR_OK)
        return rc;
    return decode_versions(value, at, out, err);
}

static int compare_partitions(const void *a, const void *b)
{
    int32_t x = *(const int32_t *)a;
    int32_t y = *(const int32_t *)b;
    return (x > y) - (x < y);
}

/* Is every partition there only once? Sorts the array. */
static bool distinct(int32_t *partitions, size_t count)
{
    if (count > 0)
        qsort(partitions, count, sizeof *partitions, compare_partitions);
    for (size_t i = 1; i < count; i++) {
        if (partitions[i - 1] == partitions[i])
            return false;
    }
    return true;
}

/* A list of parts, none of which was built for a version beyond `newest`. */
struct part_list {
    const char *name;
    bool redo;
    uint64_t newest;
    struct projection_part **parts;
    size_t *count;
    size_t *capacity;
};

static int check_parts(const struct part_list *l, struct error *err)
{
    projection_sort(*l->parts, *l->count);
    for (size_t i = 1; i < *l->count; i++)
        if ((*l->parts)[i - 1].partition == (*l->parts)[i].partition)
            return field_bad(err, l->name, where, "names a partition twice");
    return ERR_OK;
}

static int decode_list(const struct json *list, enum partition_by by, const struct part_list *l,
                       struct error *err)
{
    int rc = ERR_OK;
    size_t count = json_count(list);
    *l->parts = mem_calloc(count, sizeof **l->parts);
    *l->capacity = count;
    for (size_t i = 0; rc == ERR_OK && i < count; i++) {
        char at[FIELD_WHERE_SIZE];
        struct projection_part *part = &(*l->parts)[i];
        snprintf(at, sizeof at, "%s[%zu]", l->name, i);
        *l->count = i + 1;
        rc = decode_part(json_at(list, i), at, by, l->redo, part, err);
        if (rc == ERR_OK && part->stamp.sequence > l->newest)
            rc = field_bad(err, "sequence", at, "is beyond what the manifest speaks of");
    }
    return rc == ERR_OK ? check_parts(l, err) : rc;
}

/* A list of partitions in any order; none twice. */
static int decode_partitions(const struct json *root, const char *name, enum partition_by by,
                             int32_t **out, size_t *out_count, struct error *err)
{
    const struct json *list;
    int rc = json_need_array(root, name, where, &list, err);
    if (rc != ERR_OK)
        return rc;
    size_t count = json_count(list);
    *out = mem_calloc(count, sizeof **out);
    *out_count = count;
    for (size_t i = 0; i < count; i++) {
        char at[FIELD_WHERE_SIZE];
        snprintf(at, sizeof at, "%s[%zu]", name, i);
        rc = decode_partition(json_at(list, i), at, by, &(*out)[i], err);
        if (rc != ERR_OK)
            return rc;
    }
    int32_t *copy = mem_calloc(count, sizeof *copy);
    if (count > 0)
        memcpy(copy, *out, count * sizeof *copy);
    bool ok = distinct(copy, count);
    free(copy);
    return ok ? ERR_OK : field_bad(err, name, where, "names a partition twice");
}

static int decode_progress(const struct json *root, enum partition_by by,
                           struct projection_state *s, struct error *err)
{
    const struct json *target;
    const struct json *redo;
    int rc;
    if ((rc = json_need_object(root, "target", where, &target, err)) != ERR_OK ||
        (rc = field_version(target, "target", &s->target, err)) != ERR_OK ||
        (rc = decode_partitions(root, "affected", by, &s->affected, &s->affected_count, err)) !=
            ERR_OK)
        return rc;
    if (s->target.sequence == 0)
        return field_bad(err, "sequence", "target", "is 0, and versions start at 1");
    if (s->target.sequence < s->stamp.sequence)
        return field_bad(err, "sequence", "target", "is before the version that is reflected");
    s->has_redo = !json_is_null(json_get(root, "redo"));
    if (!s->has_redo)
        return ERR_OK;
    if ((rc = json_need_array(root, "redo", where, &redo, err)) != ERR_OK)
        return rc;
    struct part_list l = {.name = "redo",
                          .redo = true,
                          .newest = s->target.sequence,
                          .parts = &s->redo,
                          .count = &s->redo_count,
                          .capacity = &s->redo_capacity};
    return decode_list(redo, by, &l, err);
}

const char *projection_phase_name(enum projection_phase phase)
{
    static const char *const names[] = {
        [PROJECTION_NONE] = "none",
        [PROJECTION_IN_PROGRESS] = "in_progress",
        [PROJECTION_COMPLETED] = "completed",
    };
    return names[phase];
}

static int decode_phase(const struct json *root, struct projection_state *s, struct error *err)
{
    const char *state;
    int rc = json_need_string(root, "state", where, &state, err);
    if (rc != ERR_OK)
        return rc;
    if (strcmp(state, "completed") == 0)
        s->phase = PROJECTION_COMPLETED;
    else if (strcmp(state, "in_progress") == 0)
        s->phase = PROJECTION_IN_PROGRESS;
    else
        return field_bad(err, "state", where, "is neither in_progress nor completed");
    return ERR_OK;
}

/* ---- Format 1 ------------------------------------------------------------------------------ */

/* Add the partitions of a list of parts. */
static int take_former(const struct json *list, const char *name, enum partition_by by,
                       struct projection_state *s, struct error *err)
{
    size_t count = json_count(list);
    s->former = mem_resize(s->former, s->former_count + count, sizeof *s->former);
    for (size_t i = 0; i < count; i++) {
        char at[FIELD_WHERE_SIZE];
        snprintf(at, sizeof at, "%s[%zu]", name, i);
        const struct json *partition = json_get(json_at(list, i), "partition");
        int rc = decode_partition(partition, at, by, &s->former[s->former_count++], err);
        if (rc != ERR_OK)
            return rc;
    }
    return ERR_OK;
}

/* Ascending, each once. */
static void sort_former(struct projection_state *s)
{
    size_t n = 0;
    if (s->former_count > 0)
        qsort(s->former, s->former_count, sizeof *s->former, compare_partitions);
    for (size_t i = 0; i < s->former_count; i++)
        if (n == 0 || s->former[n - 1] != s->former[i])
            s->former[n++] = s->former[i];
    s->former_count = n;
}

/* A redo list of that time may be carried out in part: its files may be there as well. */
static int decode_former(const struct json *root, struct projection_state *s, struct error *err)
{
    const struct json *parts;
    int rc = json_need_array(root, "parts", where, &parts, err);
    if (rc == ERR_OK)
        rc = take_former(parts, "parts", s->by, s, err);
    if (rc == ERR_OK)
        rc = take_former(json_get(root, "redo"), "redo", s->by, s, err);
    sort_former(s);
    s->phase = PROJECTION_COMPLETED;
    return rc;
}

/* ---- The whole ----------------------------------------------------------------------------- */

static int decode_content(const struct json *root, struct projection_state *s, struct error *err)
{
    const struct json *parts;
    int rc = field_optional_version(root, where, &s->stamp, err);
    if (rc == ERR_OK)
        rc = json_need_array(root, "parts", where, &parts, err);
    if (rc != ERR_OK)
        return rc;
    struct part_list l = {.name = "parts",
                          .newest = s->stamp.sequence,
                          .parts = &s->parts,
                          .count = &s->part_count,
                          .capacity = &s->part_capacity};
    rc = decode_list(parts, s->by, &l, err);
    if (rc == ERR_OK && s->phase == PROJECTION_IN_PROGRESS)
        rc = decode_progress(root, s->by, s, err);
    if (rc == ERR_OK && json_get(root, "former") != NULL)
        rc = decode_partitions(root, "former", s->by, &s->former, &s->former_count, err);
    return rc;
}

static int decode_root(const struct json *root, struct projection_state *s, struct error *err)
{
    const char *by_text;
    int rc;
    if ((rc = field_format(root, where, PROJECTION_FORMAT, err)) != ERR_OK ||
        (rc = decode_phase(root, s, err)) != ERR_OK ||
        (rc = field_id(root, "attempt", where, s->attempt, err)) != ERR_OK ||
        (rc = json_need_unsigned(root, "gc_epoch", where, &s->gc_epoch, err)) != ERR_OK ||
        (rc = json_need_string(root, "partition_by", where, &by_text, err)) != ERR_OK)
        return rc;
    if (partition_by_parse(by_text, &s->by, NULL) != ERR_OK)
        return field_bad(err, "partition_by", where, "is not none, year, month or day");
    return json_integer(json_get(root, "format")) == 1 ? decode_former(root, s, err)
                                                       : decode_content(root, s, err);
}

int projection_decode(const char *bytes, size_t count, struct projection_state *out,
                      struct error *err)
{
    struct json *root = NULL;
    *out = (struct projection_state){0};
    int rc = json_parse(bytes, count, where, &root, err);
    if (rc == ERR_OK)
        rc = decode_root(root, out, err);
    json_free(root);
    if (rc != ERR_OK) {
        projection_release(out);
        error_prefix(err, PROJECTION_ROOT);
    }
    return rc;
}

/* ---- In the store -------------------------------------------------------------------------- */

int projection_read(struct store *st, struct projection_state *out, struct error *err)
{
    struct str body;
    struct store_tag tag = {""};
    *out = (struct projection_state){0};
    str_init(&body, PROJECTION_MAX_BYTES);
    int rc = register_read(st, PROJECTION_ROOT, &body, &tag, err);
    if (rc == ERR_OK)
        rc = projection_decode(body.data, body.len, out, err);
    str_release(&body);
    out->tag = tag;
    return rc;
}

int projection_swap(struct store *st, const struct store_tag *expected,
                    struct projection_state *next, enum partition_by by, struct error *err)
{
    /* Else two states could be alike. */
    assert(id_valid(next->attempt));
    struct str bytes;
    str_init(&bytes, PROJECTION_MAX_BYTES);
    projection_encode(next, by, &bytes);
    int rc = register_swap(st, PROJECTION_ROOT, expected, &bytes, &next->tag, err);
    str_release(&bytes);
    return rc;
}
