#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cli/options_memory.h"

struct options_block {
	struct options_block *next;
	size_t size;
	_Alignas(max_align_t) unsigned char bytes[];
};

void *
options_memory_get(struct options_block **blocks, size_t size)
{
	struct options_block *block;

	if (size > SIZE_MAX / 2 ||
	    (block = calloc(1, sizeof(*block) + size)) == NULL)
		return NULL;
	block->size = size;
	block->next = *blocks;
	*blocks = block;
	return block->bytes;
}

void *
options_memory_grow(struct options_block **blocks, const void *array,
    size_t n, size_t size)
{
	void *larger;

	if (n > 0 && (n & (n - 1)) != 0)
		return (void *)(uintptr_t)array;	/* ours: not const */
	if ((larger = options_memory_get(blocks,
	    (n > 0 ? 2 * n : 1) * size)) == NULL)
		return NULL;
	if (n > 0)
		memcpy(larger, array, n * size);
	return larger;
}

void
options_memory_free(struct options_block **blocks)
{
	struct options_block *block, *next;

	for (block = *blocks; block != NULL; block = next) {
		next = block->next;
		explicit_bzero(block->bytes, block->size);
		free(block);
	}
	*blocks = NULL;
}
