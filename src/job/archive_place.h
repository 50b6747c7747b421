/*
 * Where an archive, a dump directory, a file of documents or a snapshot is, and
 * in what form: what stands behind "archive:FILE", "archive:-", "dump:DIR",
 * "documents:FILE" and "snapshot:ID".
 *
 * A struct archive_place points into the text it was made of.
 */
#ifndef JOB_ARCHIVE_PLACE_H
#define JOB_ARCHIVE_PLACE_H

#include <limits.h>
#include <stdbool.h>

#include "base/err.h"
#include "codec/codec.h"
#include "spaceferry.h"

struct snapshot_source;

enum archive_kind {
	ARCHIVE_FILE, ARCHIVE_DUMP, ARCHIVE_DOCUMENTS, ARCHIVE_SNAPSHOT
};

struct archive_place {
	enum archive_kind kind;
	const char *path;
	const char *ns;		/* documents: of which collection; else NULL */
	bool stream;		/* stdin or stdout: it passes once */
	enum codec codec;	/* of a dump: of each file that is written */
	const struct snapshot_source *snapshot; /* ARCHIVE_SNAPSHOT: set by who
				 * opened it, after archive_place_init() */
	char name[PATH_MAX + 16]; /* "archive FILE", for messages */
};

/* True for a text of this kind; another may be a URI. */
bool archive_place_is(const char *text);

/* Takes text apart; compress as the options have it, ns for documents.  False
 * with ERR_USAGE, ERR_URI. */
bool archive_place_init(struct archive_place *p, const char *text,
    const struct spaceferry_options *options, struct err *err);

#endif
