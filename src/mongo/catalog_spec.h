/*
 * Index specifications as a server can be asked for them.  Servers have
 * changed what they accept and what they leave unsaid: an index of 2012 may
 * have the key {a: true}, a text index no version, an index on a collection
 * with a collation of its own none, which means the simple one.
 *
 * Order: catalog_spec_make(), and after each refusal catalog_spec_relax().
 *
 * Inside mongo/ only.  Pure; thread-safe.
 */
#ifndef MONGO_CATALOG_SPEC_H
#define MONGO_CATALOG_SPEC_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "mongo/catalog.h"
#include "mongo/raw.h"

/* Initialises *spec with what listed (a spec as listIndexes gave it) means to
 * any server: with its options, and with the simple collation (collated: the
 * collection has one of its own) and the version of a 2dsphere or text index
 * spelled out where the listing is silent.  The caller destroys it.  False
 * when listed is malformed. */
bool catalog_spec_make(const struct rawdoc *listed, bool collated,
    bson_t *spec);

/* Takes out of *spec what why, the server's refusal of it, is about, where
 * that does not change which documents the index holds: a field it does not
 * know, storage options, key values of old ({a: 0}, {a: ""}, {a: true}), a
 * format version that is no more.  False when there is nothing to take. */
bool catalog_spec_relax(bson_t *spec, const struct err *why);

/* True for fields of a spec that say what the index does; a target may lack
 * any other one. */
bool catalog_spec_matters(const char *field);

/* Compares two keys as servers since 4.2 see them: {a: true} is {a: 1}. */
bool catalog_spec_same_key(const bson_iter_t *a, const bson_iter_t *b);

#endif
