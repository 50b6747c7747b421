/*
 * The keys of one listing in little memory: per key a 128-bit name digest and
 * what must be compared later, about 64 bytes.  Names are not kept; whoever
 * needs them lists again.
 *
 * Filled by one thread; then found and marked by any number.
 */
#ifndef JOB_FILE_INDEX_H
#define JOB_FILE_INDEX_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct file_index;

struct file_entry {
	uint8_t id[16];		/* first half of the key's SHA-256 */
	uint64_t size;
	int64_t mtime_ns;
	uint8_t etag_id[8];	/* first bytes of the ETag's SHA-256 */
	bool used;
	bool kept;		/* file_conflict.h: not to be looked at; set by
				 * one thread each, read by later walks */
	atomic_bool marked;	/* linked to, or met on the other side */
};

struct file_index *file_index_new(void);	/* NULL when out of memory */
void file_index_free(struct file_index *f);	/* NULL is allowed */

/* Adds a key, or replaces what is known of it.  False when out of memory. */
bool file_index_add(struct file_index *f, const char *key, uint64_t size,
    int64_t mtime_ns, const char *etag);

/* NULL when there is no such key (len bytes, no NUL needed); lives until the
 * next add. */
struct file_entry *file_index_find(struct file_index *f, const char *key,
    size_t len);

size_t file_index_count(const struct file_index *f);
size_t file_index_count_marked(const struct file_index *f);

/* True when the entry's ETag is this one. */
bool file_index_etag_is(const struct file_entry *e, const char *etag);

#endif
