#include "pipeline/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/fs.h"
#include "util/id.h"
#include "util/mem.h"
#include "util/stop.h"

#define CHUNK ((size_t)1 << 20)

static const char *shown(const struct output *o)
{
    return o->path != NULL ? o->path : "the standard output";
}

static int failed(const struct output *o, struct error *err)
{
    if (errno == EINTR && stop_requested())
        return error_set(err, ERR_INTERRUPTED, "Stopped by a signal while writing %s.", shown(o));
    return error_set_errno(err, ERR_SYSTEM, errno, "cannot write %s", shown(o));
}

/* A file beside the target, which becomes the target by renaming. */
static int open_temp(struct output *o, struct error *err)
{
    char id[ID_SIZE];
    char *folder = fs_parent(o->final);
    id_new(id);
    o->temp = mem_printf("%s/" FS_TEMP_PREFIX "%s", folder, id);
    free(folder);
    o->stream = fopen(o->temp, "wxe");
    if (o->stream != NULL)
        return ERR_OK;
    int rc = failed(o, err);
    free(o->temp);
    o->temp = NULL;
    return rc;
}

static int open_path(struct output *o, struct error *err)
{
    struct stat st;
    bool exists = stat(o->path, &st) == 0;
    if (exists && S_ISDIR(st.st_mode))
        return error_set(err, ERR_CONFIG, "cannot write to %s: it is a folder.", o->path);
    if (exists && !S_ISREG(st.st_mode)) {
        o->stream = fopen(o->path, "we");
        return o->stream != NULL ? ERR_OK : failed(o, err);
    }
    /* What a link points at is replaced, not the link. */
    if (!exists)
        o->final = mem_strdup(o->path);
    else if (fs_real_path(o->path, &o->final, err) != ERR_OK)
        return ERR_SYSTEM;
    return open_temp(o, err);
}

int output_open(const char *path, FILE *stream, struct output *out, struct error *err)
{
    *out = (struct output){.stream = stream};
    if (path == NULL)
        return ERR_OK;
    out->path = mem_strdup(path);
    out->stream = NULL;
    int rc = open_path(out, err);
    if (rc != ERR_OK)
        output_release(out);
    return rc;
}

int output_write(struct output *o, const void *bytes, size_t count, struct error *err)
{
    if (fwrite(bytes, 1, count, o->stream) == count)
        return ERR_OK;
    return failed(o, err);
}

int output_copy(struct output *o, const char *path, struct error *err)
{
    char *buffer = mem_alloc(CHUNK);
    FILE *from = fopen(path, "re");
    int rc = ERR_OK;
    size_t n = 1;
    if (from == NULL)
        rc = error_set_errno(err, ERR_SYSTEM, errno, "cannot read %s", path);
    while (rc == ERR_OK && n > 0) {
        n = fread(buffer, 1, CHUNK, from);
        rc = output_write(o, buffer, n, err);
    }
    if (rc == ERR_OK && ferror(from))
        rc = error_set_errno(err, ERR_SYSTEM, errno, "cannot read %s", path);
    if (from != NULL)
        fclose(from);
    free(buffer);
    return rc;
}

/* fsync before the name, and the folder after it: the file is whole under its name, or not there. */
static int publish(struct output *o, struct error *err)
{
    int rc = ERR_OK;
    if (fsync(fileno(o->stream)) != 0)
        return failed(o, err);
    FILE *stream = o->stream;
    o->stream = NULL;
    if (fclose(stream) != 0 || rename(o->temp, o->final) != 0)
        return failed(o, err);
    free(o->temp);
    o->temp = NULL;
    char *folder = fs_parent(o->final);
    rc = fs_sync(folder, err);
    free(folder);
    return rc;
}

int output_finish(struct output *o, struct error *err)
{
    if (fflush(o->stream) != 0)
        return failed(o, err);
    return o->temp != NULL ? publish(o, err) : ERR_OK;
}

void output_release(struct output *o)
{
    if (o->path != NULL && o->stream != NULL)
        fclose(o->stream);
    if (o->temp != NULL)
        unlink(o->temp);
    free(o->temp);
    free(o->path);
    free(o->final);
    *o = (struct output){.stream = NULL};
}
