/*
 * Small XML documents, as servers answer: a walk over their elements, over expat. Every text and
 * list has a cap; document types and custom entities are refused. Pure functions; thread-safe.
 */
#ifndef CAUCE_NET_XML_H
#define CAUCE_NET_XML_H

#include <stdbool.h>
#include <stddef.h>

#include "util/error.h"
#include "util/str.h"

#define XML_BODY_MAX ((size_t)16 << 20) /* bytes of a document */

/* A walk under way: where it is. */
struct xml_walk;

/*
 * Call `visit` at the end of each element, with its text. False where it is not a well-formed
 * document within the limits; blanks before it are allowed, because some servers send them while
 * they work.
 */
bool xml_walk(const char *bytes, size_t count,
              void (*visit)(struct xml_walk *walk, void *ctx, const char *text), void *ctx);

/* Does the path of the element just ended ("ListBucketResult/Contents/Key") end in `tail`? */
bool xml_at(const struct xml_walk *walk, const char *tail);

/* Elements that are open, the one just ended included: 1 for the root. */
size_t xml_depth(const struct xml_walk *walk);

/* Does it begin with `root`? */
bool xml_within(const struct xml_walk *walk, const char *root);

/*
 * Text of the first element whose path ends in `path` ("UploadId", "Credentials/SecretAccessKey"),
 * as a new string; ERR_DAMAGED where there is none.
 */
MUST_USE int xml_text(const char *bytes, size_t count, const char *path, char **out,
                      struct error *err);

/* Append text with the five special characters of XML escaped. */
void xml_escape(const char *text, struct str *out);

#endif
