/*
 * The manifest in memory: for manifest*.c only.  Keys are known by the first
 * 16 bytes of their SHA-256; entries lie packed in large blocks, found through
 * an open-addressing table of 32-bit places.  Unfinished uploads are few and
 * stand in a plain list.  Not thread-safe.
 */
#ifndef STATE_MANIFEST_TABLE_H
#define STATE_MANIFEST_TABLE_H

#include "state/manifest.h"

#define MANIFEST_KEY_SIZE 16

struct manifest_upload {
	uint8_t key[MANIFEST_KEY_SIZE];
	uint8_t sha256[HASH_SHA256_SIZE];
	uint64_t offset;	/* of its line */
	char *id;		/* from malloc() */
};

struct manifest_table {
	uint32_t *slots;	/* 0: free, else 1 + place of a packed entry */
	size_t n_slots;		/* a power of two, or 0 */
	size_t n_used;		/* slots in use, removed entries included */
	size_t n;		/* entries */
	uint8_t **blocks;
	size_t n_blocks;
	size_t block_used;	/* bytes of the last block */
	struct manifest_upload *uploads;
	size_t n_uploads;
	size_t cap_uploads;
};

/* Frees everything; t is empty afterwards.  A zero-filled one is empty too. */
void manifest_table_free(struct manifest_table *t);

/* Sets key's entry; offset says where its line stands (never 0).  False when
 * memory is out. */
bool manifest_table_put(struct manifest_table *t,
    const uint8_t key[MANIFEST_KEY_SIZE], const struct manifest_entry *entry,
    uint64_t offset);
void manifest_table_remove(struct manifest_table *t,
    const uint8_t key[MANIFEST_KEY_SIZE]);

/* The offset put with key, 0 when key is not there.  entry may be NULL. */
uint64_t manifest_table_get(const struct manifest_table *t,
    const uint8_t key[MANIFEST_KEY_SIZE], struct manifest_entry *entry);

/* NULL when there is none; lives until the next set or forget. */
const struct manifest_upload *manifest_table_find_upload(
    const struct manifest_table *t, const uint8_t key[MANIFEST_KEY_SIZE]);
void manifest_table_forget_upload(struct manifest_table *t,
    const uint8_t key[MANIFEST_KEY_SIZE]);

/* Takes over u->id, freeing it when memory is out (false). */
bool manifest_table_set_upload(struct manifest_table *t,
    const struct manifest_upload *u);

#endif
