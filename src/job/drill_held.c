#include <stdlib.h>
#include <string.h>

#include "job/drill_held.h"

void
drill_held_init(struct drill_held *h, size_t max)
{

	memset(h, 0, sizeof(*h));
	h->max = max;
}

static bool
make_room(struct drill_held *h)
{
	size_t cap = h->cap > 0 ? 2 * h->cap : 64;
	struct drill_held_doc *v;

	if (h->n < h->cap)
		return true;
	if ((v = realloc(h->v, cap * sizeof(*v))) == NULL)
		return false;
	h->v = v;
	h->cap = cap;
	return true;
}

enum drill_hold
drill_hold(struct drill_held *h, struct digest id, const uint8_t *doc,
    size_t len)
{
	size_t bytes = len + sizeof(struct drill_held_doc);
	uint8_t *copy;

	if (h->n > 0 && h->bytes + bytes > h->max)
		return DRILL_FULL;
	if (!make_room(h) || (copy = malloc(len)) == NULL)
		return DRILL_NOMEM;
	memcpy(copy, doc, len);
	h->v[h->n++] = (struct drill_held_doc){
		.id = id, .doc = copy, .len = len,
	};
	h->bytes += bytes;
	h->sorted = false;
	return DRILL_HELD;
}

static int
compare_held(const void *a, const void *b)
{
	const struct drill_held_doc *x = a, *y = b;

	return digest_compare(x->id, y->id);
}

bool
drill_held_take(struct drill_held *h, struct digest id, const uint8_t **doc,
    size_t *len)
{
	struct drill_held_doc key = { .id = id }, *found;

	if (h->n == 0)
		return false;
	if (!h->sorted)
		qsort(h->v, h->n, sizeof(*h->v), compare_held);
	h->sorted = true;
	found = bsearch(&key, h->v, h->n, sizeof(*h->v), compare_held);
	if (found == NULL)
		return false;
	while (found > h->v && digest_equal(found[-1].id, id))
		found--;
	while (found < h->v + h->n && digest_equal(found->id, id) &&
	    found->taken)
		found++;
	if (found == h->v + h->n || !digest_equal(found->id, id))
		return false;
	found->taken = true;
	*doc = found->doc;
	*len = found->len;
	return true;
}

uint64_t
drill_held_reset(struct drill_held *h)
{
	uint64_t left = 0;
	size_t i;

	for (i = 0; i < h->n; i++) {
		left += !h->v[i].taken;
		free(h->v[i].doc);
	}
	h->n = h->bytes = 0;
	return left;
}

void
drill_held_free(struct drill_held *h)
{

	drill_held_reset(h);
	free(h->v);
}
