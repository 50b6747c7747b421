/*
 * A drill between its files: the names it uses, what it has made.  Only drill*.c
 * include this.
 */
#ifndef BACKUP_DRILL_INTERNAL_H
#define BACKUP_DRILL_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>

#include "backup/drill.h"
#include "base/err.h"
#include "base/glob.h"
#include "job/run.h"

#define DRILL_PREFIX "spaceferry_drill_"

struct drill {
	struct spaceferry_options options; /* of the restore it makes */
	char name[sizeof(DRILL_PREFIX) + 8];
	struct strings texts;	/* that options point to: two for each database,
				 * one for each --files */
	struct spaceferry_pair *rename; /* by database of the snapshot */
	size_t n_databases;
	struct spaceferry_files *files;
	bool began;		/* databases and files may have been made */
};

/* drill_scratch.c.  Chooses the name, and makes options from those given: the
 * databases of the snapshot that r reads go to scratch ones, files below a scratch
 * name.  False when memory is out. */
bool drill_choose(struct drill *d, const struct run *r, struct err *err);

/* Looks at what is on the target: ERR_CONFLICT when there is one of its own
 * names; removes what drills left more than a day ago, tells of newer ones. */
bool drill_sweep(struct drill *d, struct run *r, struct err *err);

/* The same for folders that files go to; of a bucket nothing is known without
 * listing all of it. */
void drill_sweep_files(struct drill *d, struct run *r);

/* Removes what the drill made; what cannot be removed is reported as an error,
 * by name.  stopped: a stop was requested, and taken back.  Returns whether
 * nothing is left. */
bool drill_remove(struct drill *d, struct run *r, bool stopped);

/* drill_files.c.  Reads the files of all places that options do not name, and
 * holds them against their digests.  Blocks.  False with *err. */
bool drill_read_files(struct drill *d, struct run *r, struct err *err);

#endif
