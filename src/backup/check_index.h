/*
 * All blobs that check knows of, by name: what data/ holds of each, what
 * snapshots say of it, and what was found when it was read.  About 150 bytes
 * for each blob; with the contents' digests 80 more.
 *
 * An entry is named by its number, since it moves when others are added.  One
 * thread adds; once nobody adds, threads may each write the entries that they
 * read.
 */
#ifndef BACKUP_CHECK_INDEX_H
#define BACKUP_CHECK_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/err.h"
#include "base/hash.h"
#include "repo/repo.h"

/* What is wrong with a blob; check_damage_word() is its name in findings. */
enum check_damage {
	CHECK_WHOLE,
	CHECK_MISSING,
	CHECK_SIZE,		/* of the object */
	CHECK_UNREADABLE,	/* the store does not hand it out */
	CHECK_FLIPPED,		/* its bytes are not those that were stored */
	CHECK_UNDECRYPTABLE,
	CHECK_UNDECODABLE,
	CHECK_CONTENT		/* whole, but of another blob */
};
const char *check_damage_word(enum check_damage d);

struct check_entry {
	uint8_t name[REPO_NAME_SIZE];
	uint8_t sha256[HASH_SHA256_SIZE]; /* as recorded last */
	uint64_t stored;	/* likewise */
	uint64_t size;		/* of the object, as it is there */
	uint32_t key;		/* number of its naming key */
	uint32_t place;		/* in the snapshot that is looked at */
	uint32_t losses;	/* number of its first loss, from 1; 0: none */
	uint8_t damage;		/* enum check_damage */
	bool listed;		/* data/ holds it */
	bool needed;		/* by a snapshot */
	bool chosen;		/* by a snapshot that is to be read */
	bool differs;		/* snapshots record it differently */
	bool renewed;		/* stored otherwise than recorded, with the right
				 * contents */
	bool read;		/* its bytes were looked at */
	bool in_file;		/* read as part of a file of several */
};

/* What is in a blob that was read and is whole. */
struct check_content {
	bool known;
	bool documents;		/* nothing but whole BSON documents */
	uint32_t bytes;
	uint32_t count;		/* of documents */
	struct digest digest;	/* of these */
	uint8_t sha256[HASH_SHA256_SIZE]; /* of all bytes */
};

struct check_index {
	struct check_entry *v;
	struct check_content *contents;	/* of the first n_contents entries; NULL:
				 * not wanted */
	size_t n, cap, n_contents;
	uint32_t *slots;	/* 0: free, else number + 1 */
	size_t n_slots;
};

/* Zero-filled is an empty one. */
void check_index_free(struct check_index *x);

/* The number of the entry of name, added if it is new.  False when memory is
 * out. */
bool check_index_add(struct check_index *x, const uint8_t *name, uint32_t *n,
    struct err *err);
/* NULL when there is none.  Valid until the next one is added. */
struct check_entry *check_index_find(const struct check_index *x,
    const uint8_t *name);

/* Makes room for the contents of all entries that there are. */
bool check_index_want_contents(struct check_index *x, struct err *err);

#endif
