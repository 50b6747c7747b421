/*
 * One struct collection_info filled from what a server, or a dump, says of it.
 *
 * Inside mongo/ only.  An entry belongs to the catalog that is being made.
 */
#ifndef MONGO_CATALOG_INFO_H
#define MONGO_CATALOG_INFO_H

#include <stdbool.h>

#include <mongoc/mongoc.h>

#include "base/err.h"
#include "mongo/catalog.h"

/* Adds an empty entry.  NULL when out of memory; the entry lives until the
 * next one is added. */
struct collection_info *catalog_info_new(struct catalog *c);

/* Sets db, name and ns.  False with *err when the name is too long. */
bool catalog_info_name(struct collection_info *c, const char *db,
    const char *name, struct err *err);

/* Copies the options (a raw document, as listCollections gives them) and looks
 * into them.  False when out of memory, or when they are no document. */
bool catalog_info_options(struct collection_info *c, const uint8_t *options,
    size_t len);

/* Adds an index as listIndexes gives it; the one on _id is kept apart. */
bool catalog_info_index(struct collection_info *c, const bson_t *listed);

/* Frees what is in c. */
void catalog_info_free(struct collection_info *c);

/* What a server keeps for itself and nobody moves: system.* but system.js, and
 * the databases admin, config and local. */
bool catalog_info_internal(const char *name);
bool catalog_info_internal_db(const char *db);

/* Puts views last, each after what it views.  False when out of memory. */
bool catalog_info_sort(struct catalog *c);

#endif
