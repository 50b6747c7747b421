#include "bson/doc.h"
#include "bson/walk.h"

static unsigned
depth_of(const uint8_t *doc, size_t len, unsigned above)
{
	const uint8_t *p, *end;
	struct walk_element e;
	unsigned inner, most = 0;

	if (above == WALK_DEPTH_MAX || !walk_open(doc, len, &p, &end))
		return 0;
	for (; p < end; p = e.value + e.value_len) {
		if (!walk_next(p, end, &e))
			return 0;
		if (e.doc == NULL)
			continue;
		if ((inner = depth_of(e.doc, e.doc_len, above + 1)) == 0)
			return 0;
		most = inner > most ? inner : most;
	}
	return most + 1;
}

unsigned
doc_depth(const uint8_t *doc, size_t len)
{

	return depth_of(doc, len, 0);
}
