/*
 * Content of objects in a folder store: read with its digest; written beside its final name,
 * checked, synced to disk, and only then given its name. Thread-safe.
 */
#ifndef CAUCE_STORE_FILE_CONTENT_H
#define CAUCE_STORE_FILE_CONTENT_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "store/file/root.h"
#include "store/store.h"

/* ---- Reading ---- */

/*
 * Open an object for reading. ERR_ABSENT where there is none (a folder is not one), ERR_DENIED
 * where there is a link or a device. The caller closes `*fd`; `size` may be NULL.
 */
MUST_USE int file_content_open(struct file_root *root, const char *key, int *fd, uint64_t *size,
                               struct error *err);

/*
 * Read an open object from its start to its end: appended to `body` where that is not NULL, written
 * to the local file `out` (named `out_name`) where that is not negative. `tag` (NULL allowed) gets
 * the SHA-256 of the content, `size` (NULL allowed) the number of bytes.
 */
MUST_USE int file_content_read(const struct file_root *root, int fd, const char *key,
                               struct str *body, int out, const char *out_name,
                               struct store_tag *tag, uint64_t *size, struct error *err);

/* Tag of an object as it is now. ERR_ABSENT where there is none. */
MUST_USE int file_content_tag(struct file_root *root, const char *key, struct store_tag *tag,
                              struct error *err);

/* ---- Writing ---- */

/* A file with whole, checked, durable content that has no name of its own yet. */
struct file_temp {
    int folder; /* borrowed */
    char name[NAME_MAX + 1];
};

/* Choose the name: "<name>.tmp-<32 hex>" beside the object, shortened where it would be too long. */
void file_temp_name(const struct file_root *root, const struct file_place *place, const char *key,
                    struct file_temp *temp);

/*
 * Write the body to the file, and to disk; a local file is cloned where the file system can
 * (ioctl_ficlone(2)), so that neither copy can be changed through the other, else copied. Nothing
 * is left behind by a failure, and a file whose fsync failed is never synced again. `*vanished`:
 * the folder was removed in the meantime; enter it again.
 */
MUST_USE int file_temp_write(struct file_root *root, const char *key, const struct store_body *body,
                             const struct file_temp *temp, bool *vanished, struct error *err);

/*
 * The same without copying: the local file of a body that is given away gets the new name in place
 * of its own. Done only where it has no other name, and the result is what creating a file would
 * have given: same file system, same owner and group, permissions by the umask, no default ACL.
 * `*moved` is false where that does not hold, or where the file could not be synced (`*unsafe`: its
 * pages may be lost although a second fsync would say otherwise): then copy.
 */
MUST_USE int file_temp_move(struct file_root *root, const char *key, const struct store_body *body,
                            const struct file_temp *temp, bool *moved, bool *unsafe,
                            struct error *err);

void file_temp_drop(const struct file_temp *temp);

/*
 * Rename in one step where nothing has the new name (else EEXIST); where the file system cannot, by
 * link(2), which leaves both names for a moment. -1 and errno on failure.
 */
int file_rename_new(int from_folder, const char *from, int to_folder, const char *to);

/*
 * Give the file its name where nothing has that name (ERR_CONFLICT else), or in place of what has
 * it; new folders are synced first. The file is gone afterwards in any case. ERR_UNKNOWN: it may
 * have its name, and may lose it again in a power failure.
 */
MUST_USE int file_publish_new(struct file_root *root, const struct file_temp *temp,
                              const struct file_place *place, const char *key, bool *vanished,
                              struct error *err);
MUST_USE int file_publish_over(struct file_root *root, const struct file_temp *temp,
                               const struct file_place *place, const char *key, struct error *err);

/* A folder was changed: sync it to disk, or ERR_UNKNOWN. */
MUST_USE int file_settle_change(const struct file_root *root, int folder, const char *key,
                                struct error *err);

/*
 * To be called under the lock, after a change in an open folder: ERR_UNKNOWN where the key now
 * leads to another folder, because somebody moved or replaced one on the way.
 */
MUST_USE int file_confirm_change(struct file_root *root, int folder, const char *key,
                                 struct error *err);

/* ERR_UNKNOWN for a rename, link or unlink that failed in a way that may still have done it. */
MUST_USE int file_unclear(const struct file_root *root, int errnum, const char *key,
                          struct error *err);

#endif
