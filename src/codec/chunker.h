/*
 * Cuts a stream of bytes at places that its contents choose, so that the same
 * stretch of bytes becomes the same chunk wherever it stands: for files of a
 * backup.  FastCDC (Xia et al., USENIX ATC 2016): a gear hash with normalised
 * chunking, its table derived from a secret, so that sizes of chunks do not tell
 * which known file this is.
 *
 * chunker_next() is a pure function of table and bytes; thread-safe.
 */
#ifndef CODEC_CHUNKER_H
#define CODEC_CHUNKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CHUNKER_MIN ((size_t)512 * 1024)
#define CHUNKER_AVERAGE ((size_t)1024 * 1024)
#define CHUNKER_MAX ((size_t)2 * 1024 * 1024)

struct chunker {
	uint64_t gear[256];
};

/* Fills the table: HMAC-SHA-256(key, label) expanded (docs/FORMAT.md).  False
 * when memory is out. */
bool chunker_init(struct chunker *c, const uint8_t *key, size_t key_len);

/* How many of the len bytes at data are the next chunk: CHUNKER_MIN to
 * CHUNKER_MAX, less only where last says that nothing follows data.  0: more
 * bytes are needed to tell (never when len >= CHUNKER_MAX, or last). */
size_t chunker_next(const struct chunker *c, const uint8_t *data, size_t len,
    bool last);

#endif
