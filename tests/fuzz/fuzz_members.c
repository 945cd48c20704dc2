/*
 * Any bytes as an archive: refused with a reason, or its members become files of the scratch folder
 * and of no other, no more bytes of them than are allowed.
 */
#include "fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz/memory_file.h"
#include "source/members.h"
#include "support/temp_folder.h"

#define MAX_BYTES ((uint64_t)64 << 10)

static char *folder;

static void require(bool good)
{
    if (!good)
        abort();
}

static void clean(void)
{
    temp_folder_free(folder);
}

static void check_members(const struct members *m)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < m->count; i++) {
        struct stat st;
        require(m->items[i].name[0] != '\0');
        require(strncmp(m->items[i].path, folder, strlen(folder)) == 0);
        require(stat(m->items[i].path, &st) == 0 && S_ISREG(st.st_mode));
        bytes += (uint64_t)st.st_size;
    }
    require(bytes <= MAX_BYTES);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct members m;
    struct error err = ERROR_INIT;
    char path[MEMORY_FILE_SIZE];
    if (folder == NULL) {
        folder = temp_folder_new();
        atexit(clean);
    }
    int fd = memory_file(data, size, path);
    struct reader_file file = {.path = path, .shown = "s.zip"};
    int rc = members_unpack(&file, "*", MAX_BYTES, folder, "m", &m, &err);
    require(rc == ERR_OK || ((rc == ERR_SOURCE || rc == ERR_LIMIT) && err.text[0] != '\0'));
    if (rc == ERR_OK)
        check_members(&m);
    for (size_t i = 0; i < m.count; i++)
        unlink(m.items[i].path);
    members_release(&m);
    close(fd);
    return 0;
}
