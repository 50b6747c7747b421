/*
 * Memory of a struct options: pieces that are freed all at once, overwritten
 * first.  Only options*.c use it.
 */
#ifndef CLI_OPTIONS_MEMORY_H
#define CLI_OPTIONS_MEMORY_H

#include <stddef.h>

struct options_block;

/* size bytes, zeroed, aligned for anything; NULL when memory is out.  They
 * live until options_memory_free(). */
void *options_memory_get(struct options_block **blocks, size_t size);

/* Room for one more element behind the n of array (elements of size bytes):
 * array itself, or a larger copy of it.  Call it for n = 0, 1, 2 …: the room
 * is a power of two. */
void *options_memory_grow(struct options_block **blocks, const void *array,
    size_t n, size_t size);

void options_memory_free(struct options_block **blocks);

#endif
