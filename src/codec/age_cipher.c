#include <string.h>

#include <sodium.h>

#include "base/hash.h"
#include "codec/age_internal.h"

/* Each wrapping key is used once, so its nonce may be all zero. */
static const uint8_t zero[crypto_aead_chacha20poly1305_ietf_NPUBBYTES];

void
age_cipher_wrap(const uint8_t key[AGE_KEY],
    const uint8_t file_key[AGE_FILE_KEY], uint8_t out[AGE_WRAPPED])
{

	crypto_aead_chacha20poly1305_ietf_encrypt(out, NULL, file_key,
	    AGE_FILE_KEY, NULL, 0, NULL, zero, key);
}

bool
age_cipher_unwrap(const uint8_t key[AGE_KEY],
    const uint8_t wrapped[AGE_WRAPPED], uint8_t out[AGE_FILE_KEY])
{

	return crypto_aead_chacha20poly1305_ietf_decrypt(out, NULL, NULL,
	    wrapped, AGE_WRAPPED, NULL, 0, zero, key) == 0;
}

bool
age_cipher_start(struct age_cipher *c, const uint8_t file_key[AGE_FILE_KEY],
    const uint8_t nonce[AGE_NONCE])
{
	struct hash_hkdf in = { .key = file_key, .key_len = AGE_FILE_KEY,
	    .salt = nonce, .salt_len = AGE_NONCE, .info = "payload" };

	c->n = 0;
	return hash_hkdf_sha256(&in, c->key);
}

/* 11 bytes of counter, then whether it is the last chunk. */
static void
chunk_nonce(struct age_cipher *c, bool last,
    uint8_t nonce[crypto_aead_chacha20poly1305_ietf_NPUBBYTES])
{
	int i;

	memset(nonce, 0, crypto_aead_chacha20poly1305_ietf_NPUBBYTES);
	for (i = 0; i < 8; i++)
		nonce[10 - i] = (uint8_t)(c->n >> 8 * i);
	nonce[11] = last;
	c->n++;
}

void
age_cipher_seal(struct age_cipher *c, uint8_t *chunk, size_t len, bool last)
{
	uint8_t nonce[crypto_aead_chacha20poly1305_ietf_NPUBBYTES];

	chunk_nonce(c, last, nonce);
	crypto_aead_chacha20poly1305_ietf_encrypt(chunk, NULL, chunk, len,
	    NULL, 0, NULL, nonce, c->key);
}

bool
age_cipher_open(struct age_cipher *c, uint8_t *chunk, size_t len, bool last)
{
	uint8_t nonce[crypto_aead_chacha20poly1305_ietf_NPUBBYTES];

	chunk_nonce(c, last, nonce);
	return crypto_aead_chacha20poly1305_ietf_decrypt(chunk, NULL, NULL,
	    chunk, len, NULL, 0, nonce, c->key) == 0;
}
