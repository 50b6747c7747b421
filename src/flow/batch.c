#include <stdlib.h>

#include "flow/batch.h"

struct batch *
batch_new(size_t max, struct credit *credit, size_t charged)
{
	struct batch *b;

	if ((b = calloc(1, sizeof(*b))) == NULL)
		return NULL;
	buf_init(&b->docs, max);
	b->credit = credit;
	b->charged = charged;
	return b;
}

void
batch_free(void *batch)
{
	struct batch *b = batch;

	if (b == NULL)
		return;
	buf_free(&b->docs);
	if (b->credit != NULL)
		credit_give(b->credit, b->charged);
	free(b);
}

bool
batch_add(struct batch *b, const uint8_t *doc, size_t len)
{

	if (!buf_append(&b->docs, doc, len))
		return false;
	b->n++;
	return true;
}

const uint8_t *
batch_next(const struct batch *b, size_t *at, size_t *len)
{
	const uint8_t *doc;

	if (*at >= b->docs.len)
		return NULL;
	doc = b->docs.data + *at;
	*len = (size_t)doc[0] | (size_t)doc[1] << 8 | (size_t)doc[2] << 16 |
	    (size_t)doc[3] << 24;
	*at += *len;
	return doc;
}
