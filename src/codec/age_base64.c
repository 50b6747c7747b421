#include <sodium.h>

#include "codec/age_internal.h"

bool
age_base64_decode(const char *text, size_t len, bool padded, uint8_t *out,
    size_t size, size_t *n)
{
	size_t i;

	/* libsodium 1.0.18 takes bytes above 127 for digits. */
	for (i = 0; i < len; i++) {
		if ((unsigned char)text[i] > 127)
			return false;
	}
	return sodium_base642bin(out, size, text, len, NULL, n, NULL, padded ?
	    sodium_base64_VARIANT_ORIGINAL :
	    sodium_base64_VARIANT_ORIGINAL_NO_PADDING) == 0;
}
