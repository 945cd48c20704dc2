/* What is known of the file system that a path is on. */
#include "util/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

static int code_of(int errnum)
{
    if (errnum == ENOENT || errnum == ENOTDIR)
        return ERR_ABSENT;
    return errnum == EACCES ? ERR_DENIED : ERR_SYSTEM;
}

/*
 * Magic numbers of file systems that other machines, or a program in user space, may serve: their
 * locks and renames promise less. Sources: statfs(2), linux/magic.h, and the modules outside Linux.
 */
static const struct {
    uint32_t magic;
    const char *name;
} network_kinds[] = {
    {0x6969, "NFS"},
    {0x517b, "SMB"},
    {0xff534d42, "CIFS"},
    {0xfe534d42, "SMB2"},
    {0x65735546, "FUSE"},
    {0x01021997, "9P"},
    {0x00c36400, "Ceph"},
    {0x5346414f, "AFS"},
    {0x6b414653, "AFS"},
    {0x0bd00bd0, "Lustre"},
    {0x73757245, "Coda"},
    {0x564c, "NCP"},
    {0x01161970, "GFS2"},
    {0x7461636f, "OCFS2"},
    {0x47504653, "GPFS"},
    {0x19830326, "BeeGFS"},
    {0x20030528, "OrangeFS"},
    {0xaad7aaea, "PanFS"},
    {0x786f4256, "VirtualBox shared folder"},
    {0xbacbacbc, "VMware shared folder"},
};

/* NULL: a local one. */
static const char *network_kind(const struct statfs *st)
{
    for (size_t i = 0; i < sizeof network_kinds / sizeof network_kinds[0]; i++) {
        if ((uint32_t)st->f_type == network_kinds[i].magic)
            return network_kinds[i].name;
    }
    return NULL;
}

int fs_is_network(const char *path, bool *network, const char **name, struct error *err)
{
    struct statfs st;
    int n;
    do {
        n = statfs(path, &st);
    } while (n != 0 && errno == EINTR);
    if (n != 0)
        return error_set_errno(err, code_of(errno), errno,
                               "Cannot determine the kind of file system that %s is on", path);
    const char *kind = network_kind(&st);
    *network = kind != NULL;
    *name = kind != NULL ? kind : "local";
    return ERR_OK;
}

bool fs_is_network_fd(int fd)
{
    struct statfs st;
    int n;
    do {
        n = fstatfs(fd, &st);
    } while (n != 0 && errno == EINTR);
    return n != 0 || network_kind(&st) != NULL;
}

int fs_free_space(const char *path, uint64_t *bytes, struct error *err)
{
    struct statvfs st;
    int n;
    do {
        n = statvfs(path, &st);
    } while (n != 0 && errno == EINTR);
    if (n != 0)
        return error_set_errno(err, code_of(errno), errno, "Cannot determine the free space at %s",
                               path);
    *bytes = (uint64_t)st.f_bavail * st.f_frsize;
    return ERR_OK;
}

int fs_check_writable(const char *folder, struct error *err)
{
    if (faccessat(AT_FDCWD, folder, W_OK | X_OK, AT_EACCESS) == 0)
        return ERR_OK;
    return error_set_errno(err, errno == ENOENT ? ERR_ABSENT : ERR_DENIED, errno,
                           "Cannot write to the folder %s", folder);
}
