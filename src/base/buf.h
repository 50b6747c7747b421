/*
 * A growable byte buffer that cannot grow without limit: its maximum is fixed
 * when it is made, so no input can make the program eat the machine's memory.
 *
 * A struct buf belongs to one thread at a time.  Its fields may be read by
 * anyone who holds it; only these functions change them.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf {
	uint8_t *data;		/* NULL until something is stored */
	size_t len;		/* bytes in use */
	size_t cap;		/* bytes allocated */
	size_t max;		/* len never passes this */
};

/* Makes b empty with a maximum of max bytes (> 0).  Allocates nothing. */
void buf_init(struct buf *b, size_t max);

/* Frees the storage; b is empty afterwards and may be used again. */
void buf_free(struct buf *b);

/* Frees the storage after overwriting it: for secrets. */
void buf_free_secret(struct buf *b);

/* Forgets the contents, keeps the storage. */
void buf_reset(struct buf *b);

/* Forgets what stands behind the first len bytes (<= b->len). */
void buf_truncate(struct buf *b, size_t len);

/* Makes room for extra more bytes after len.  False when that would pass max
 * or memory is out; b is unchanged then. */
bool buf_reserve(struct buf *b, size_t extra);

/* Each appends; false as for buf_reserve, with b unchanged. */
bool buf_append(struct buf *b, const void *data, size_t len);
bool buf_append_byte(struct buf *b, uint8_t byte);
bool buf_append_str(struct buf *b, const char *s);
bool buf_printf(struct buf *b, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* The contents as a C string (a NUL is kept behind len, not counted).  NULL
 * when there is no room for it.  Valid until the next change. */
const char *buf_str(struct buf *b);

/* Hands the storage to the caller, who frees it with free(); b is empty. */
uint8_t *buf_steal(struct buf *b, size_t *len);

#endif
