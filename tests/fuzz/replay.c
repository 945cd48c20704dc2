/*
 * Replays a corpus through a fuzz target without libFuzzer, so that every input that was ever
 * interesting is tried by each test run, with any compiler.
 *
 * usage: replay_<name> FILE_OR_FOLDER...     (folders are read one level deep, in order of name)
 */
#include "fuzz/fuzz.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define INPUT_LIMIT ((size_t)16 * 1024 * 1024)

/* Runs one file through the target. The copy has exactly its size, so that one byte read too far
 * is seen by the address sanitizer. Returns 0, or -1 with a message where it cannot be read. */
static int replay_file(const char *path)
{
    int result = -1;
    size_t size = 0;
    uint8_t *data = NULL;
    struct stat st;
    FILE *f = fopen(path, "rb");

    if (f == NULL || fstat(fileno(f), &st) != 0) {
        fprintf(stderr, "cannot open %s: %s\n", path, strerror(errno));
        goto out;
    }
    size = (size_t)st.st_size;
    if (size > INPUT_LIMIT) {
        fprintf(stderr, "%s is larger than a fuzz input may be\n", path);
        goto out;
    }
    data = malloc(size > 0 ? size : 1);
    if (data == NULL || fread(data, 1, size, f) != size) {
        fprintf(stderr, "cannot read %s\n", path);
        goto out;
    }
    printf("%s (%zu bytes)\n", path, size);
    fflush(stdout);
    LLVMFuzzerTestOneInput(data, size);
    result = 0;
out:
    free(data);
    if (f != NULL)
        fclose(f);
    return result;
}

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

/* Replays every file of `dir`; adds to *count. Returns 0, or -1 where anything could not be read. */
static int replay_folder(const char *dir, size_t *count)
{
    struct dirent **entries = NULL;
    int result = 0;
    int n = scandir(dir, &entries, is_visible, alphasort);

    if (n < 0) {
        fprintf(stderr, "cannot list %s: %s\n", dir, strerror(errno));
        return -1;
    }
    for (int i = 0; i < n; i++) {
        char *path = NULL;
        if (asprintf(&path, "%s/%s", dir, entries[i]->d_name) < 0)
            abort();
        if (replay_file(path) != 0)
            result = -1;
        else
            (*count)++;
        free(path);
        free(entries[i]);
    }
    free(entries);
    return result;
}

int main(int argc, char **argv)
{
    size_t count = 0;
    int result = 0;

    for (int i = 1; i < argc; i++) {
        struct stat st;
        if (stat(argv[i], &st) != 0) {
            fprintf(stderr, "cannot find %s: %s\n", argv[i], strerror(errno));
            result = 1;
        } else if (S_ISDIR(st.st_mode)) {
            if (replay_folder(argv[i], &count) != 0)
                result = 1;
        } else if (replay_file(argv[i]) != 0) {
            result = 1;
        } else {
            count++;
        }
    }
    if (count == 0) {
        fprintf(stderr, "no input was replayed: a corpus must not be empty\n");
        return 1;
    }
    printf("%zu inputs replayed\n", count);
    return result;
}
