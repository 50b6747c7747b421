#include <stdlib.h>
#include <string.h>

#include "backup/check.h"

/* What came first stays: snapshots are read one after the other, each from its
 * beginning, where a cache of the latest would never hold the next one. */
struct kept {
	uint32_t entry;
	size_t len;
	uint8_t *data;
};

struct check_cache {
	struct kept *v;
	size_t n, cap;
	size_t bytes, most;
};

struct check_cache *
check_cache_new(size_t most)
{
	struct check_cache *k = calloc(1, sizeof(*k));

	if (k != NULL)
		k->most = most;
	return k;
}

void
check_cache_free(struct check_cache *k)
{
	size_t i;

	if (k == NULL)
		return;
	for (i = 0; i < k->n; i++)
		free(k->v[i].data);
	free(k->v);
	free(k);
}

/* At most a few hundred: most blobs of details have about 1 MiB. */
bool
check_cache_get(const struct check_cache *k, uint32_t entry,
    const uint8_t **data, size_t *len)
{
	size_t i;

	for (i = 0; i < k->n; i++) {
		if (k->v[i].entry == entry) {
			*data = k->v[i].data;
			*len = k->v[i].len;
			return true;
		}
	}
	return false;
}

void
check_cache_put(struct check_cache *k, uint32_t entry, const void *data,
    size_t len)
{
	size_t cap = k->cap == 0 ? 16 : 2 * k->cap;
	struct kept *v;
	uint8_t *copy;

	if (len == 0 || len > k->most - k->bytes)
		return;
	if (k->n == k->cap) {
		if ((v = realloc(k->v, cap * sizeof(*v))) == NULL)
			return;
		k->v = v;
		k->cap = cap;
	}
	if ((copy = malloc(len)) == NULL)
		return;
	memcpy(copy, data, len);
	k->v[k->n].entry = entry;
	k->v[k->n].len = len;
	k->v[k->n++].data = copy;
	k->bytes += len;
}
