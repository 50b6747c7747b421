/*
 * Blobs by their names, in memory: what a repository holds (repo_index.c), what
 * a snapshot needs (snapshot_write.c).  An entry costs 80 bytes and a share of
 * the slots.  Entries are only added, keep their order and their address.
 *
 * One thread at a time.  For src/repo only.
 */
#ifndef REPO_BLOBTABLE_H
#define REPO_BLOBTABLE_H

#include "repo/repo.h"

#define BLOBTABLE_BLOCK 512	/* entries that are allocated at once */

enum blobtable_flags {
	BLOBTABLE_LISTED = 1 << 0,	/* blob.stored: as the listing has it */
	BLOBTABLE_THERE = 1 << 1,	/* in the repository, as blob says */
	BLOBTABLE_BUSY = 1 << 2		/* somebody is finding out, or storing */
};

struct blobtable_entry {
	struct repo_blob blob;
	unsigned flags;
};

struct blobtable {
	struct blobtable_entry **blocks;
	size_t n_blocks;
	size_t n;		/* entries */
	uint32_t *slots;	/* 0: free, else 1 + an entry's number */
	size_t n_slots;		/* a power of 2 */
};

void blobtable_init(struct blobtable *t);
void blobtable_free(struct blobtable *t);

/* Number i < t->n, in the order in which they were added. */
struct blobtable_entry *blobtable_at(const struct blobtable *t, size_t i);

/* NULL when there is none. */
struct blobtable_entry *blobtable_find(const struct blobtable *t,
    const uint8_t name[REPO_NAME_SIZE]);

/* The one there is, or a new one without flags.  NULL when memory is out. */
struct blobtable_entry *blobtable_add(struct blobtable *t,
    const uint8_t name[REPO_NAME_SIZE]);

#endif
