#include <string.h>

#include "base/hash.h"
#include "codec/chunker.h"

#define LABEL "spaceferry chunker"
/* Level 2: two bits more than the average asks for before it, two less after. */
#define BITS_BEFORE 22
#define BITS_AFTER 18

bool
chunker_init(struct chunker *c, const uint8_t *key, size_t key_len)
{
	uint8_t text[sizeof(LABEL)], block[HASH_SHA256_SIZE];
	size_t i, j;

	memcpy(text, LABEL, sizeof(LABEL));
	for (i = 0; i < 256; i++) {
		if (i % 4 == 0) {
			/* In place of the NUL. */
			text[sizeof(LABEL) - 1] = (uint8_t)(i / 4);
			if (!hash_hmac_sha256(key, key_len, text,
			    sizeof(text), block))
				return false;
		}
		c->gear[i] = 0;
		for (j = 0; j < 8; j++)
			c->gear[i] = c->gear[i] << 8 | block[i % 4 * 8 + j];
	}
	return true;
}

/* Goes on from at up to end; true where the hash has so many leading zeros. */
static bool
find(const struct chunker *c, const uint8_t *data, size_t end, unsigned bits,
    uint64_t *hash, size_t *at)
{
	uint64_t h = *hash;
	size_t i;

	for (i = *at; i < end; i++) {
		h = (h << 1) + c->gear[data[i]];
		if (h >> (64 - bits) == 0)
			break;
	}
	*hash = h;
	*at = i < end ? i + 1 : i;
	return i < end;
}

size_t
chunker_next(const struct chunker *c, const uint8_t *data, size_t len,
    bool last)
{
	size_t at = CHUNKER_MIN;
	uint64_t hash = 0;

	if (len <= CHUNKER_MIN)
		return last ? len : 0;
	if (find(c, data, len < CHUNKER_AVERAGE ? len : CHUNKER_AVERAGE,
	    BITS_BEFORE, &hash, &at))
		return at;
	if (len > CHUNKER_AVERAGE && find(c, data, len < CHUNKER_MAX ? len :
	    CHUNKER_MAX, BITS_AFTER, &hash, &at))
		return at;
	return len >= CHUNKER_MAX ? CHUNKER_MAX : last ? len : 0;
}
