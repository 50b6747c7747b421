#include <string.h>

#include <sodium.h>

#include "base/hash.h"
#include "codec/age_internal.h"

bool
age_random_take(const struct age_random *r, const char *label,
    const uint8_t *recipient, uint8_t out[AGE_KEY])
{
	uint8_t message[64 + sizeof(r->digest) + AGE_KEY];
	size_t n = strlen(label) + 1;

	if (r->seed == NULL) {
		randombytes_buf(out, AGE_KEY);
		return true;
	}
	memcpy(message, label, n);	/* with its \0 */
	memcpy(message + n, r->digest, sizeof(r->digest));
	n += sizeof(r->digest);
	if (recipient != NULL) {
		memcpy(message + n, recipient, AGE_KEY);
		n += AGE_KEY;
	}
	return hash_hmac_sha256(r->seed, AGE_SEED_SIZE, message, n, out);
}
