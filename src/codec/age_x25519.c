#include <string.h>

#include <sodium.h>

#include "base/hash.h"
#include "codec/age_internal.h"

/* The key that wraps the file key, from what both sides know. */
static bool
wrapping_key(const uint8_t shared[AGE_KEY], const uint8_t share[AGE_KEY],
    const uint8_t key[AGE_KEY], uint8_t out[AGE_KEY])
{
	uint8_t salt[2 * AGE_KEY];
	struct hash_hkdf in = { .key = shared, .key_len = AGE_KEY,
	    .salt = salt, .salt_len = sizeof(salt),
	    .info = "age-encryption.org/v1/X25519" };

	memcpy(salt, share, AGE_KEY);
	memcpy(salt + AGE_KEY, key, AGE_KEY);
	return hash_hkdf_sha256(&in, out);
}

bool
age_x25519_is_weak(const uint8_t key[AGE_KEY])
{
	static const uint8_t any[AGE_KEY] = { 8 };
	uint8_t out[AGE_KEY];

	return crypto_scalarmult_curve25519(out, any, key) != 0;
}

bool
age_x25519_wrap(struct age_stanza *s, const uint8_t key[AGE_KEY],
    const uint8_t ephemeral[AGE_KEY], const uint8_t file_key[AGE_FILE_KEY])
{
	uint8_t shared[AGE_KEY], wrap[AGE_KEY];
	bool ok;

	s->kind = AGE_X25519;
	ok = crypto_scalarmult_curve25519_base(s->share, ephemeral) == 0 &&
	    crypto_scalarmult_curve25519(shared, ephemeral, key) == 0 &&
	    wrapping_key(shared, s->share, key, wrap);
	if (ok)
		age_cipher_wrap(wrap, file_key, s->wrapped);
	sodium_memzero(shared, sizeof(shared));
	sodium_memzero(wrap, sizeof(wrap));
	return ok;
}

enum age_unwrapped
age_x25519_unwrap(const struct age_stanza *s, const struct age_identity *i,
    uint8_t file_key[AGE_FILE_KEY], struct err *err)
{
	uint8_t shared[AGE_KEY], wrap[AGE_KEY];
	enum age_unwrapped result = AGE_FAILED;

	/* libsodium refuses what would make shared all zero. */
	if (crypto_scalarmult_curve25519(shared, i->secret, s->share) != 0)
		err_set(err, ERR_DAMAGED, "a share in its age header is of "
		    "small order");
	else if (!wrapping_key(shared, s->share, i->key, wrap))
		err_nomem(err, "age header");
	else
		result = age_cipher_unwrap(wrap, s->wrapped, file_key) ?
		    AGE_MATCH : AGE_NO_MATCH;
	sodium_memzero(shared, sizeof(shared));
	sodium_memzero(wrap, sizeof(wrap));
	return result;
}
