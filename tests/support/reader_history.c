/*
 * Invariant 7 for the table `history`, read as a reader of Delta tables would: from the log alone, and
 * compared with the chain. An entry of one version is one, has its files and no others, and is never
 * changed.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/reader_private.h"
#include "util/mem.h"

#define LOG "events/_delta_log/"

struct entry {
    char key[KEY_SIZE];
    const struct version *version; /* NULL: of the empty table */
    size_t files;
    int64_t time;
};

/* A file of the entry: the next one of its version. */
static void take_add(struct reader *r, struct entry *e, const struct json *add)
{
    size_t i = e->files++;
    const char *path = json_string(json_get(add, "path"));
    if (e->version == NULL || i >= e->version->file_count ||
        strcmp(e->version->files[i].key + strlen("events/"), path) != 0)
        reader_violation(r, "7: %s names %s", e->key, path);
}

static void take_line(struct reader *r, struct entry *e, const char *line, size_t length)
{
    struct json *root = NULL;
    struct error err = ERROR_INIT;
    if (json_parse(line, length, e->key, &root, &err) != ERR_OK) {
        reader_violation(r, "7: %s: %s", e->key, err.text);
        return;
    }
    const struct json *commit = json_get(root, "commitInfo");
    if (commit != NULL)
        e->time = json_integer(json_get(commit, "inCommitTimestamp"));
    if (commit != NULL && e->version != NULL &&
        strcmp(json_string(json_get(commit, "txnId")), e->version->commit) != 0)
        reader_violation(r, "7: %s is of another commit", e->key);
    if (json_get(root, "add") != NULL)
        take_add(r, e, json_get(root, "add"));
    if (json_get(root, "remove") != NULL)
        reader_violation(r, "7: %s removes a file", e->key);
    json_free(root);
}

static void take_lines(struct reader *r, struct entry *e, const struct str *text)
{
    const char *line = text->data;
    const char *end = text->data + text->len;
    while (line < end) {
        const char *stop = memchr(line, '\n', (size_t)(end - line));
        stop = stop != NULL ? stop : end;
        take_line(r, e, line, (size_t)(stop - line));
        line = stop + 1;
    }
}

/* False: there is no such entry. */
static bool check_entry(struct reader *r, uint64_t sequence, int64_t *time)
{
    struct entry e = {.version = sequence > 0 ? &r->chain[sequence - 1] : NULL};
    char sha256[SHA256_HEX_SIZE];
    struct str text;
    struct error err = ERROR_INIT;
    str_init(&text, (size_t)16 << 20);
    snprintf(e.key, sizeof e.key, LOG "%020" PRIu64 ".json", sequence);
    int rc = store_get(r->store, e.key, &text, NULL, &err);
    if (rc == ERR_OK) {
        take_lines(r, &e, &text);
        sha256_hex(text.data, text.len, sha256);
        sightings_add(&r->named, e.key, sha256);
        if (e.version != NULL && e.files != e.version->file_count)
            reader_violation(r, "7: %s has %zu of %zu files", e.key, e.files,
                             e.version->file_count);
        if (sequence > 0 && e.time <= *time)
            reader_violation(r, "7: the time of %s is not after that of the one before", e.key);
        *time = e.time;
    } else if (rc != ERR_ABSENT) {
        reader_violation(r, "7: %s cannot be read: %s", e.key, err.text);
    }
    str_release(&text);
    return rc == ERR_OK;
}

void reader_check_history(struct reader *r)
{
    uint64_t next = 0;
    int64_t time = 0;
    while (next <= r->chain_count && check_entry(r, next, &time))
        next++;
    bool settled = (r->demands & READER_SETTLED) != 0 && r->chain_count > 0;
    if (settled && next <= r->chain_count)
        reader_violation(r, "7: the table has no version %" PRIu64 ", and the newest is %zu", next,
                         r->chain_count);
}
