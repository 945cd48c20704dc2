/*
 * States of objects in a folder store: seen, compared, and changed under the lock of the store.
 * Functions called "locked" need file_root_lock to be held; the others are thread-safe.
 */
#ifndef CAUCE_STORE_FILE_STATE_H
#define CAUCE_STORE_FILE_STATE_H

#include <sys/stat.h>

#include "store/file/root.h"
#include "store/store.h"

/* ERR_CONFLICT: the object is not in the expected state. */
MUST_USE int file_conflict(const struct file_root *root, const char *key, struct error *err);

/* ERR_AGAIN: others remove the folder again and again. */
MUST_USE int file_vanished(const struct file_root *root, const char *key, struct error *err);

/*
 * Look at an object in its folder. ERR_ABSENT where there is none (a folder is not one), ERR_DENIED
 * where there is a link or a device.
 */
MUST_USE int file_look(const struct file_root *root, const struct file_place *place,
                       const char *key, struct stat *st, struct error *err);

/* The tag that head gives for what was seen. */
void file_stat_tag(const struct stat *st, struct store_tag *tag);

/* Is the content of the object what `expected` (of get, put_new or swap) says? ERR_CONFLICT. */
MUST_USE int file_compare_locked(struct file_root *root, const char *key,
                                 const struct store_tag *expected, struct error *err);

/* store_move and store_remove. */
MUST_USE int file_move_locked(struct file_root *root, const struct store_move *move,
                              struct error *err);
MUST_USE int file_remove_locked(struct file_root *root, const char *key, struct error *err);

#endif
