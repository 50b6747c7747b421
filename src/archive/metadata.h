/*
 * What mongodump says of one collection, in its archive's head or in
 * X.metadata.json: {"options": {…}, "indexes": […], "uuid": "…",
 * "collectionName": "X", "type": "collection"}, as Extended JSON.
 *
 * Pure functions; thread-safe.
 */
#ifndef ARCHIVE_METADATA_H
#define ARCHIVE_METADATA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "archive/archive.h"
#include "base/buf.h"
#include "base/err.h"

struct metadata {
	char *name;		/* of the collection; NULL: does not say */
	size_t name_len;
	char *type;		/* "collection", "view", "timeseries" */
	uint8_t *options;	/* a document, never NULL */
	size_t options_len;
	uint8_t *indexes;	/* documents; NULL: none */
	size_t indexes_len;
};

/* Reads metadata (json of no bytes: of a collection without options and
 * indexes).  type is what the archive's head says, "" when it says nothing.
 * False with ERR_DAMAGED for what is no JSON or has the wrong shape,
 * ERR_UNSUPPORTED for an unknown type; m is empty then. */
bool metadata_read(struct metadata *m, const char *json, size_t len,
    const char *type, struct err *err);
void metadata_free(struct metadata *m);

/* Appends the metadata of c as mongodump writes them, but for the UUID, which
 * only --preserveUUID asks for. */
bool metadata_write(const struct archive_collection *c, struct buf *json,
    struct err *err);

#endif
