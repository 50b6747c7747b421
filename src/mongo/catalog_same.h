/*
 * When two values in metadata mean the same: servers of different versions
 * store the same option with other number types, another order of fields, or
 * with its default spelled out.
 *
 * Inside mongo/ only.  Pure; thread-safe.
 */
#ifndef MONGO_CATALOG_SAME_H
#define MONGO_CATALOG_SAME_H

#include <stdbool.h>

#include <mongoc/mongoc.h>

enum catalog_same_how {
	CATALOG_SAME_EXACT,	/* the same bytes: expressions */
	CATALOG_SAME_ORDERED,	/* numbers by value: keys of an index */
	CATALOG_SAME_LOOSE	/* also the fields in any order */
};

/* Compares the values that both iterators stand on. */
bool catalog_same_value(const bson_iter_t *a, const bson_iter_t *b,
    enum catalog_same_how how);

/* Whether the option (of a collection, or of an index) name may be left out of
 * a comparison, and whether its value is what its absence means. */
bool catalog_same_ignored(const char *name, bool of_index);
bool catalog_same_default(const bson_iter_t *option);

/* True for options of a collection that say what may be in it, what reads of
 * it see, or what becomes of its documents.  A target may lack any other one:
 * how they are stored, and what only the servers of then or to come know. */
bool catalog_same_matters(const char *name);

/* True where a target's b is what servers make of a source's a by themselves:
 * expireAfterSeconds NaN is the largest number, the size of a capped collection
 * a multiple of 256, and a time-series is bucketed as they can. */
bool catalog_same_rounded(const char *name, const bson_iter_t *a,
    const bson_iter_t *b);

/* How the values of an option are compared. */
enum catalog_same_how catalog_same_how(const char *name);

/* Tells each top-level field in which a and b differ; b or a is NULL where it
 * is on one side only. */
typedef void catalog_same_fn(void *arg, const char *name, const bson_iter_t *a,
    const bson_iter_t *b);

/* Compares all options of two documents (collections' options, or specs of
 * indexes). */
void catalog_same_each(const bson_t *a, const bson_t *b, bool of_index,
    catalog_same_fn *differs, void *arg);

#endif
