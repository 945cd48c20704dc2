/*
 * Local files: durable creation, locks, folders. Every path is a plain string; messages name it.
 * Thread-safe except where two threads name the same path.
 */
#ifndef CAUCE_UTIL_FS_H
#define CAUCE_UTIL_FS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/error.h"
#include "util/str.h"

/* What stat tells: of the target of a link, except in fs_walk. */
struct fs_stat {
    uint64_t size;
    int64_t modified; /* microseconds since 1970 UTC */
    uint64_t inode;
    uint64_t device;
    bool folder;
    bool regular; /* a file with an end; not a pipe, a device or a socket */
};

/* ERR_ABSENT where nothing is there. */
MUST_USE int fs_stat(const char *path, struct fs_stat *out, struct error *err);

bool fs_exists(const char *path);

/* Append the whole file to `out` (its cap applies: ERR_LIMIT). ERR_ABSENT where it is not there. */
MUST_USE int fs_read(const char *path, struct str *out, struct error *err);

/* Write a new or replaced scratch file; not durable. A failure may leave a part of it. */
MUST_USE int fs_write(const char *path, const void *bytes, size_t count, struct error *err);

/* Write all of it to a descriptor, whatever the number of calls it takes. */
MUST_USE int fs_write_all(int fd, const void *bytes, size_t count, const char *name,
                          struct error *err);

/* Copy the content of one file into an open descriptor. */
MUST_USE int fs_copy_to(const char *path, int fd, const char *name, struct error *err);

/*
 * Replace `path` atomically and durably: temp file beside it, fsync, rename, fsync of the folder.
 * ERR_UNKNOWN: replaced, but the last step failed, so a power failure may undo it; after any other
 * failure `path` is as it was. A process that dies may leave the temp file behind; its name is
 * FS_TEMP_PREFIX and an id.
 */
#define FS_TEMP_PREFIX ".tmp-"
MUST_USE int fs_replace(const char *path, const void *bytes, size_t count, struct error *err);

/*
 * fsync a file or folder by name. ERR_ABSENT where it is not there. A folder of a file system that
 * has no such operation (EINVAL) counts as synced: nothing better can be done there.
 */
MUST_USE int fs_sync(const char *path, struct error *err);

/*
 * Create the folder and its parents, where they do not exist; `durable` fsyncs every parent that
 * gained an entry.
 */
MUST_USE int fs_make_folders(const char *path, bool durable, struct error *err);

/* Delete a file; one that is not there counts as deleted. */
MUST_USE int fs_remove(const char *path, struct error *err);

/*
 * Delete a scratch file that nobody wants any more; NULL allowed. What cannot be deleted now goes
 * with the folder it is in.
 */
void fs_discard(const char *path);

/*
 * Delete a folder (or file, or link) and all below it; never follows a link. Absent is success;
 * more than 128 levels are ERR_LIMIT.
 */
MUST_USE int fs_remove_tree(const char *path, struct error *err);

/* Parent of a path, as a new string ("." where it has none). */
MUST_USE char *fs_parent(const char *path);

/* Path of `name` in `folder`, as a new string. */
MUST_USE char *fs_join(const char *folder, const char *name);

/* Absolute path of something that exists, links resolved, as a new string in `out`. */
MUST_USE int fs_real_path(const char *path, char **out, struct error *err);

/*
 * Visit every file below `folder`, in byte order of `name`, the path relative to `folder`. A
 * non-zero return of `visit` ends the walk and is returned. Links are reported as they are and not
 * followed. An absent folder has no files; more than 128 levels are ERR_LIMIT. What appears or
 * vanishes meanwhile may or may not be visited.
 */
typedef int fs_visit(void *ctx, const char *name, const struct fs_stat *stat, struct error *err);
MUST_USE int fs_walk(const char *folder, fs_visit *visit, void *ctx, struct error *err);

/*
 * Exclusive lock on an open folder, taken without waiting: ERR_CONFLICT where somebody else,
 * process or thread, holds it. It is on the folder itself (flock(2)), so that nobody can delete or
 * replace it under its holder, and the kernel frees it when the holder dies. Network file systems
 * lock folders within one machine only: there the file FS_LOCK_FILE in the folder is locked
 * besides; elsewhere only where it exists, because earlier versions of cauce, one of which may be
 * running, know no other lock. `path` names the folder. The path may name another folder by now:
 * the caller checks that once the lock is held (fs_names).
 */
#define FS_LOCK_FILE ".cauce.lock"
struct fs_lock {
    int folder, file; /* -1: not held */
};
#define FS_LOCK_NONE ((struct fs_lock){-1, -1})
MUST_USE int fs_lock_folder(int folder, const char *path, struct fs_lock *out, struct error *err);
void fs_unlock(struct fs_lock *lock); /* safe on FS_LOCK_NONE */

/* Append who holds the lock on a folder, as far as the system knows: "process 123 (cauce)". */
void fs_lock_holder(int folder, struct str *out);

/* Is the open file or folder the one that the path names? */
bool fs_names(const char *path, int fd);

/* Is the folder on a network file system (NFS, SMB, FUSE, ...)? `name` gets the kind, static. */
MUST_USE int fs_is_network(const char *path, bool *network, const char **name, struct error *err);

/* The same for an open file or folder; true also where it cannot be determined. */
bool fs_is_network_fd(int fd);

/* May this process make files in the folder? ERR_DENIED with the reason, or ERR_ABSENT. */
MUST_USE int fs_check_writable(const char *folder, struct error *err);

/* Free bytes for an unprivileged user on the file system of `path`. */
MUST_USE int fs_free_space(const char *path, uint64_t *bytes, struct error *err);

#endif
