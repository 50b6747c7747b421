#include <string.h>

#include <sodium.h>

#include "codec/age_internal.h"

#define LABEL "age-encryption.org/v1/scrypt"

static bool
wrapping_key(const struct age_stanza *s, const char *passphrase,
    uint8_t out[AGE_KEY], struct err *err)
{
	uint8_t salt[sizeof(LABEL) - 1 + AGE_SALT];

	memcpy(salt, LABEL, sizeof(LABEL) - 1);
	memcpy(salt + sizeof(LABEL) - 1, s->share, AGE_SALT);
	if (crypto_pwhash_scryptsalsa208sha256_ll((const uint8_t *)passphrase,
	    strlen(passphrase), salt, sizeof(salt), (uint64_t)1 << s->work, 8,
	    1, out, AGE_KEY) == 0)
		return true;
	err_nomem(err, "scrypt");
	return err_hint(err, "the passphrase of this file takes %llu MiB of "
	    "memory", s->work > 10 ? 1ULL << (s->work - 10) : 1ULL);
}

bool
age_scrypt_wrap(struct age_stanza *s, const char *passphrase,
    const uint8_t file_key[AGE_FILE_KEY], struct err *err)
{
	uint8_t wrap[AGE_KEY];
	bool ok;

	s->kind = AGE_SCRYPT;
	ok = wrapping_key(s, passphrase, wrap, err);
	if (ok)
		age_cipher_wrap(wrap, file_key, s->wrapped);
	sodium_memzero(wrap, sizeof(wrap));
	return ok;
}

enum age_unwrapped
age_scrypt_unwrap(const struct age_stanza *s, const char *passphrase,
    uint8_t file_key[AGE_FILE_KEY], struct err *err)
{
	uint8_t wrap[AGE_KEY];
	enum age_unwrapped result = AGE_FAILED;

	if (wrapping_key(s, passphrase, wrap, err))
		result = age_cipher_unwrap(wrap, s->wrapped, file_key) ?
		    AGE_MATCH : AGE_NO_MATCH;
	sodium_memzero(wrap, sizeof(wrap));
	return result;
}
