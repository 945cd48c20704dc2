/*
 * The folder below which a folder store keeps its objects: entered key by key without ever
 * following a link, so that no key leads out of it. Folders are made durably and removed when they
 * become empty; one lock serialises what replaces or removes.
 *
 * Every function may be used by several threads at once.
 */
#ifndef CAUCE_STORE_FILE_ROOT_H
#define CAUCE_STORE_FILE_ROOT_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#include "store/store.h"
#include "util/fs.h"

/* One folder in one life: a number is given again after a removal, but not at the same time. */
struct folder_id {
    uint64_t device, inode;
    int64_t born_seconds;
    uint32_t born_nanoseconds;
};

/*
 * The content of an object, hashed once. The file is held open, so that nothing else gets its inode:
 * what has its name, inode and times is this file, as it was.
 */
struct file_seen {
    pthread_mutex_t mutex;
    int fd; /* -1: nothing was seen yet */
    struct stat st;
    struct store_tag tag;
};

struct file_root {
    int fd;
    char *path; /* absolute, without links */
    char *name; /* absolute, as it was given: what it names may be replaced while it is in use */
    pthread_mutex_t mutex;
    struct folder_id *durable; /* folders whose entry in their parent is on disk; sorted */
    size_t count, capacity;
    struct file_seen guard;     /* of the last move */
    atomic_bool waited_in_vain; /* for the lock, the last time */
};

/* The folder of an object, open, and its name there (borrowed from the key). */
struct file_place {
    int folder;
    const char *name;
};

/* `path` is an existing folder. */
MUST_USE int file_root_open(struct file_root *root, const char *path, struct error *err);
void file_root_release(struct file_root *root);

/* What somebody enters a folder for. */
enum file_entry {
    FILE_LOOK,   /* to look at what is there; the folder cannot be synced */
    FILE_CHANGE, /* to change it; it must be there */
    FILE_CREATE, /* as FILE_CHANGE; folders that are absent are made, see file_root_settle */
};

/*
 * Open the folder of a key. ERR_ABSENT: a folder on the way is not there; with FILE_CREATE,
 * somebody has just removed it, and it may be tried again. ERR_DENIED: a link, or a file where
 * FILE_CREATE needs a folder, is in the way. Left with file_place_leave on success.
 */
MUST_USE int file_root_enter(struct file_root *root, const char *key, enum file_entry entry,
                             struct file_place *place, struct error *err);
void file_place_leave(struct file_place *place);

/*
 * Sync to disk that the folders of a key exist. To be called when they are no longer empty, so that
 * nobody removes them any more, and before an object gets its name there. ERR_ABSENT: somebody has
 * removed one in the meantime.
 */
MUST_USE int file_root_settle(struct file_root *root, const char *key, struct error *err);

/* Sync the entries of an open folder to disk. 0, or an errno value. */
int file_folder_sync(int folder);

/* Remove the folders of the key that are empty, upwards, never the root. The lock must be held. */
void file_root_prune(struct file_root *root, const char *key);

/*
 * Visit what is not a folder below the prefix, in byte order of the keys, the lock file left out.
 * Links are reported and not followed. Names that cannot be keys are passed over.
 */
MUST_USE int file_root_list(struct file_root *root, const char *prefix, store_visit *visit,
                            void *ctx, struct error *err);

/*
 * ERR_DENIED where the store's path names another folder than the one that was opened, or none:
 * what is written there would be lost to everybody else. Entering a folder checks it, too.
 */
MUST_USE int file_root_check(const struct file_root *root, struct error *err);

/*
 * The one lock of the store, on its folder: see fs_lock_folder. Freed by fs_unlock. ERR_AGAIN where
 * somebody else holds it for more than a minute, ERR_INTERRUPTED where a signal ends the waiting.
 */
MUST_USE int file_root_lock(struct file_root *root, struct fs_lock *lock, struct error *err);

/*
 * The error for a failed system call: code by errno, and one sentence on what to do. `doing` is
 * "write", "read" and the like; nothing may have changed. Returns the code.
 */
MUST_USE int file_root_error(const struct file_root *root, int errnum, const char *doing,
                             const char *key, struct error *err);

#endif
