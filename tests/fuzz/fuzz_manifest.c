/* A manifest: what is accepted is safe to use, and is written and read again the same. */
#include "fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "catalog/manifest.h"

static void require(int condition)
{
    if (!condition)
        abort();
}

static void check_files(const struct manifest_files *files)
{
    for (size_t i = 0; i < files->count; i++) {
        const struct manifest_file *f = &files->items[i];
        require(store_key_check(f->key, NULL) == ERR_OK);
        require(strncmp(f->key, "events/", 7) == 0);
        require(f->revised <= f->rows && f->sequence > 0);
    }
}

static void check(const struct manifest *m)
{
    check_files(&m->files);
    check_files(&m->checkpoint);
    require(m->version.sequence > 0 && m->parent.sequence == m->version.sequence - 1);
    require(m->rows_total >= m->rows_added && m->keys.count <= m->rows_total);
    require(m->schema.key_count > 0 && m->schema.key_count <= m->schema.count);
    for (size_t i = 0; i < m->schema.key_count; i++)
        require(m->schema.key[i] < m->schema.count);
    require(m->schema.partition_by == PARTITION_NONE ||
            m->schema.partition_column < m->schema.count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct manifest m;
    struct manifest again;
    struct manifest copy;
    struct str first;
    struct str second;
    if (manifest_decode((const char *)data, size, "the input", &m, NULL) != ERR_OK)
        return 0;
    check(&m);
    str_init(&first, MANIFEST_MAX_BYTES);
    str_init(&second, MANIFEST_MAX_BYTES);
    manifest_encode(&m, &first);
    require(manifest_decode(first.data, first.len, "the copy", &again, NULL) == ERR_OK);
    manifest_copy(&again, &copy);
    manifest_release(&again);
    manifest_encode(&copy, &second);
    require(first.len == second.len && memcmp(first.data, second.data, first.len) == 0);
    error_ignore(manifest_follows(&m, &copy, NULL)); /* either answer, and no crash */
    manifest_release(&copy);
    manifest_release(&m);
    str_release(&second);
    str_release(&first);
    return 0;
}
