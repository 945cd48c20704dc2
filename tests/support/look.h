/*
 * Looking at a store, and doing to it what no run would do: for tests that compare states, or that
 * damage something. Everything asserts its own success.
 */
#ifndef CAUCE_TESTS_SUPPORT_LOOK_H
#define CAUCE_TESTS_SUPPORT_LOOK_H

#include <stdbool.h>
#include <stddef.h>

#include "store/store.h"
#include "util/json.h"

/* "key sha256" of every object below the prefix, one a line, in order. The caller frees. */
char *look_state(struct store *st, const char *prefix);

size_t look_count(struct store *st, const char *prefix);
bool look_exists(struct store *st, const char *key);

/* Key of the first object below `prefix` ("" or with a slash behind) that holds `part`; the caller
 * frees. */
char *look_find(struct store *st, const char *prefix, const char *part);

/* The object as JSON; the caller frees it with json_free. */
struct json *look_json(struct store *st, const char *key);

/* Copy every object below a prefix that is not there yet, with its labels. */
void look_copy(struct store *from, struct store *to, const char *prefix);

/* Put anything in the place of whatever is there. */
void look_replace(struct store *st, const char *key, const void *bytes, size_t count);

/* Put the object of another store in the place of the one here. */
void look_take(struct store *from, struct store *to, const char *key);

/* Change one byte in its middle; the labels stay. */
void look_damage(struct store *st, const char *key);

void look_remove(struct store *st, const char *key);

/* Replace the first occurrence of some text in an object; aborts where it is not there. */
void look_edit(struct store *st, const char *key, const char *text, const char *by);

#endif
