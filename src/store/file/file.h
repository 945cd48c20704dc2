/*
 * A store in a folder of a local file system: every object is an ordinary file.
 *
 * Creating: the content goes to "<name>.tmp-<32 hex>" in the same folder, is checked and synced to
 * disk, and gets its name by a rename that refuses a name that is taken. A local file that is given
 * away is moved there if it is on the same file system; any other is cloned or copied: no two names
 * share one file. Replacing: under one lock on the store's folder the object is read again and
 * compared, and the new content is renamed over it; afterwards the key must still lead there. In
 * both cases the folder, and every folder above it that may be new, is synced to disk before
 * success is reported. After a failed fsync a file is abandoned, never synced again.
 *
 * The tag of an object is the SHA-256 of its content (get, put_new, swap), so the same bytes
 * written again have the same tag; the tag of head is made of inode, size, mtime and ctime, and
 * distinguishes any two states. It also changes when the file gets or loses another name or
 * permission: a move is then refused although the content is the same, and may be tried with a
 * fresh head.
 *
 * A file that has another name is copied before it is moved.
 *
 * Removals are not synced to disk: after a power failure a removed object may be there again, named
 * by nothing. What a dead process leaves behind (temporary files) is listed like any object.
 *
 * No link inside the folder is ever followed. Created files and folders have the permissions that
 * the umask gives.
 */
#ifndef CAUCE_STORE_FILE_FILE_H
#define CAUCE_STORE_FILE_FILE_H

#include "store/store.h"

/* Open the folder `path`. Errors as store_open. */
MUST_USE int store_file_open(const char *path, const struct store_options *options,
                             struct store **out, struct error *err);

/* The same by URL: file:/path, file:///path or file://localhost/path (RFC 8089). */
MUST_USE int store_file_open_url(const char *url, const struct store_options *options,
                                 struct store **out, struct error *err);

#endif
