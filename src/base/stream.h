/*
 * Bytes in order, from or to wherever: what lets an archive, a compression and
 * a file be put one behind the other without knowing each other.  A stream
 * owns nothing; whoever made it keeps what arg points to alive.  One thread.
 */
#ifndef BASE_STREAM_H
#define BASE_STREAM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* Reads at least one and at most size bytes; *len is 0 at the end only.
 * Blocks.  False with *err. */
struct stream_in {
	bool (*read)(void *arg, void *data, size_t size, size_t *len,
	    struct err *err);
	void *arg;
};

/* Takes all len bytes.  Blocks.  False with *err. */
struct stream_out {
	bool (*write)(void *arg, const void *data, size_t len,
	    struct err *err);
	void *arg;
};

#endif
