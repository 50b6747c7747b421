/*
 * The fields of one collection that are not compared (--ignore NS:PATH, a
 * lastSeen that always moves): takes them out of raw documents before those are
 * summed or shown.  Paths mean what they mean to --rewrite-skip (docpaths.h):
 * arrays are transparent, '*' is any one name; the scope of code is looked into
 * like a document.
 *
 * The top-level _id is what documents are told apart by: an entry that names it
 * is an error, and '*' does not reach it.
 *
 * Never changes after docignore_new(): any number of threads may use one.
 */
#ifndef BSON_DOCIGNORE_H
#define BSON_DOCIGNORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/glob.h"

struct docignore;

/* Takes the entries of list (NULL and empty allowed: nothing is ignored) whose
 * namespace matches ns.  NULL with *err: ERR_USAGE when an entry, of whatever
 * namespace, has no NS, no PATH, or a PATH that begins with _id. */
struct docignore *docignore_new(const struct strings *list, const char *ns,
    struct err *err);
void docignore_free(struct docignore *ignore);	/* NULL is allowed */

/* True when any field of this collection may be ignored; without one there is
 * no need to call docignore_strip(). */
bool docignore_any(const struct docignore *ignore);

/* Appends doc without the ignored fields to out; all else byte for byte, but
 * for the lengths around what was taken out.  *stripped: anything was.  False,
 * with out as it was, when doc is malformed or out is full. */
bool docignore_strip(const struct docignore *ignore, const uint8_t *doc,
    size_t len, struct buf *out, bool *stripped);

#endif
