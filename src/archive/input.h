/*
 * Reads a stream by whole pieces: the next n bytes are there together, at one
 * address, or the stream ends before.  Memory grows as bytes arrive, not as
 * lengths announce, to at most ARCHIVE_DOC_MAX and a block of reading.
 *
 * One thread.  The stream belongs to the caller.
 */
#ifndef ARCHIVE_INPUT_H
#define ARCHIVE_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/stream.h"

struct input {
	struct stream_in in;
	uint8_t *data;		/* the window, NULL until something is read */
	size_t cap;
	size_t begin, end;	/* what of it is read and not yet taken */
	uint64_t offset;	/* of begin in the stream */
	bool eof;
};

void input_init(struct input *i, const struct stream_in *in);
void input_free(struct input *i);

/* How many bytes are at hand, at least n (<= ARCHIVE_DOC_MAX) unless the stream
 * ends before.  Blocks.  False with what the stream says, or ERR_CANCELLED. */
bool input_need(struct input *i, size_t n, size_t *at_hand, struct err *err);

/* The first byte not yet taken; valid until the next input_need(). */
static inline const uint8_t *
input_bytes(const struct input *i)
{

	return i->data + i->begin;
}

/* Goes on behind the next n bytes, which must be at hand. */
static inline void
input_take(struct input *i, size_t n)
{

	i->begin += n;
	i->offset += n;
}

#endif
