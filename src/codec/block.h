/*
 * One block of bytes to zstd and back, for blobs of a repository: a frame with
 * content size and checksum, with the same parameters always, so that the same bytes
 * become the same bytes (for one version of libzstd).
 *
 * A struct block_codec keeps its working memory between blocks; one thread.
 */
#ifndef CODEC_BLOCK_H
#define CODEC_BLOCK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

struct block_codec;

struct block_codec *block_codec_new(struct err *err);
void block_codec_free(struct block_codec *c);	/* NULL is allowed */

/* Each appends to out; on false out is as before.  Compressing takes room for
 * the worst case: len and 1/256 of it, and 64 KiB. */
bool block_compress(struct block_codec *c, const void *data, size_t len,
    struct buf *out, struct err *err);
/* most: refuse what is larger, or does not say its size (ERR_DAMAGED), as is
 * what is cut, changed, or more than one frame.  name is for messages. */
bool block_decompress(struct block_codec *c, const void *data, size_t len,
    size_t most, const char *name, struct buf *out, struct err *err);

#endif
