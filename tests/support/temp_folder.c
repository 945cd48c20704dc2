#include "support/temp_folder.h"

#include <stdio.h>
#include <stdlib.h>

#include "util/fs.h"
#include "util/mem.h"

char *temp_folder_new(void)
{
    const char *base = getenv("TMPDIR");
    char *path = mem_printf("%s/cauce-test-XXXXXX", base != NULL && *base != '\0' ? base : "/tmp");
    if (mkdtemp(path) == NULL) {
        perror(path);
        abort();
    }
    return path;
}

void temp_folder_free(char *path)
{
    struct error err = ERROR_INIT;
    if (fs_remove_tree(path, &err) != ERR_OK)
        fprintf(stderr, "%s\n", err.text);
    free(path);
}
