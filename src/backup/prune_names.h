/*
 * A set of names of blobs, for what must stay: 32 bytes each, and a share of a
 * table of at most twice as many numbers.  Names are hashes already, so that
 * some of their bytes are the hash.
 *
 * One thread.  Zero-filled at first.
 */
#ifndef BACKUP_PRUNE_NAMES_H
#define BACKUP_PRUNE_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "repo/repo.h"

struct prune_names {
	uint8_t (*v)[REPO_NAME_SIZE];
	size_t n, cap;
	uint32_t *slots;	/* 0: free, else 1 + a number in v */
	size_t n_slots;		/* a power of 2 */
};

void prune_names_free(struct prune_names *s);

/* False when memory is out. */
bool prune_names_add(struct prune_names *s, const uint8_t name[REPO_NAME_SIZE]);
bool prune_names_has(const struct prune_names *s,
    const uint8_t name[REPO_NAME_SIZE]);

#endif
