#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "bson/docrun.h"
#include "bson/walk.h"

#define SMALL 256
/* Behind DOCRUN_MIN a run is cut once in so many bytes, on average. */
#define SPREAD (DOCRUN_MIN)

uint64_t
docrun_hash(uint64_t seed, const uint8_t *doc, size_t len)
{
	struct walk_element id;
	uint8_t small[SMALL];
	XXH3_state_t state;

	if (!walk_find_id(doc, len, &id))
		return XXH3_64bits_withSeed(doc, len, seed);
	if (id.value_len < sizeof(small)) {
		small[0] = id.type;
		memcpy(small + 1, id.value, id.value_len);
		return XXH3_64bits_withSeed(small, 1 + id.value_len, seed);
	}
	XXH3_INITSTATE(&state);
	XXH3_64bits_reset_withSeed(&state, seed);
	XXH3_64bits_update(&state, &id.type, 1);
	XXH3_64bits_update(&state, id.value, id.value_len);
	return XXH3_64bits_digest(&state);
}

/* A document is cut before with a chance in proportion to its size, so that runs
 * are as long whatever the documents are. */
static bool
is_chosen(const struct docrun *r, const uint8_t *doc, size_t len)
{

	return len >= SPREAD || docrun_hash(r->seed, doc, len) <
	    UINT64_MAX / SPREAD * len;
}

bool
docrun_cuts(struct docrun *r, const uint8_t *doc, size_t len)
{
	bool cuts = r->len > 0 && (r->len + len > DOCRUN_MAX ||
	    (r->len >= DOCRUN_MIN && is_chosen(r, doc, len)));

	r->len = cuts ? len : r->len + len;
	return cuts;
}
