#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include "base/hash.h"

struct hash {
	EVP_MD_CTX *sha256;
	EVP_MD_CTX *md5;	/* NULL when not asked for */
	bool failed;		/* libcrypto refused some bytes */
};

static EVP_MD_CTX *
digest_new(const EVP_MD *type, const char *name, struct err *err)
{
	EVP_MD_CTX *ctx;

	if ((ctx = EVP_MD_CTX_new()) == NULL) {
		err_nomem(err, name);
		return NULL;
	}
	if (EVP_DigestInit_ex(ctx, type, NULL) != 1) {
		err_set(err, ERR_UNSUPPORTED, "libcrypto refuses %s", name);
		EVP_MD_CTX_free(ctx);
		return NULL;
	}
	return ctx;
}

struct hash *
hash_new(bool with_md5, struct err *err)
{
	struct hash *h;

	if ((h = calloc(1, sizeof(*h))) == NULL) {
		err_nomem(err, "hash");
		goto fail;
	}
	if ((h->sha256 = digest_new(EVP_sha256(), "SHA-256", err)) == NULL)
		goto fail_h;
	if (with_md5 && (h->md5 = digest_new(EVP_md5(), "MD5", err)) == NULL)
		goto fail_sha256;
	return h;

fail_sha256:
	EVP_MD_CTX_free(h->sha256);
fail_h:
	free(h);
fail:
	return NULL;
}

void
hash_free(struct hash *h)
{

	if (h == NULL)
		return;
	EVP_MD_CTX_free(h->sha256);
	EVP_MD_CTX_free(h->md5);
	free(h);
}

void
hash_update(struct hash *h, const void *data, size_t len)
{

	if (EVP_DigestUpdate(h->sha256, data, len) != 1 ||
	    (h->md5 != NULL && EVP_DigestUpdate(h->md5, data, len) != 1))
		h->failed = true;
}

/* Takes one digest and starts it anew. */
static bool
finish_one(EVP_MD_CTX *ctx, uint8_t *out)
{

	return EVP_DigestFinal_ex(ctx, out, NULL) == 1 &&
	    EVP_DigestInit_ex(ctx, NULL, NULL) == 1;
}

bool
hash_finish(struct hash *h, uint8_t sha256[HASH_SHA256_SIZE],
    uint8_t md5[HASH_MD5_SIZE], struct err *err)
{
	uint8_t unused[HASH_MD5_SIZE];
	bool ok = !h->failed && (md5 == NULL || h->md5 != NULL);

	ok = finish_one(h->sha256, sha256) && ok;
	if (h->md5 != NULL)
		ok = finish_one(h->md5, md5 != NULL ? md5 : unused) && ok;
	h->failed = false;
	return ok || err_set(err, ERR_INTERNAL, "libcrypto failed to make a "
	    "digest");
}

bool
hash_sha256(const void *data, size_t len, uint8_t out[HASH_SHA256_SIZE])
{

	if (EVP_Digest(data, len, out, NULL, EVP_sha256(), NULL) == 1)
		return true;
	memset(out, 0, HASH_SHA256_SIZE);
	return false;
}

bool
hash_sha1(const void *data, size_t len, uint8_t out[HASH_SHA1_SIZE])
{

	if (EVP_Digest(data, len, out, NULL, EVP_sha1(), NULL) == 1)
		return true;
	memset(out, 0, HASH_SHA1_SIZE);
	return false;
}

bool
hash_hmac_sha256(const void *key, size_t key_len, const void *data, size_t len,
    uint8_t out[HASH_SHA256_SIZE])
{

	if (HMAC(EVP_sha256(), key, (int)key_len, data, len, out, NULL) != NULL)
		return true;
	memset(out, 0, HASH_SHA256_SIZE);
	return false;
}

bool
hash_hkdf_sha256(const struct hash_hkdf *in, uint8_t out[HASH_SHA256_SIZE])
{
	uint8_t prk[HASH_SHA256_SIZE], expand[HASH_HKDF_INFO + 1];
	size_t n = strlen(in->info);
	bool ok;

	memset(out, 0, HASH_SHA256_SIZE);
	if (n > HASH_HKDF_INFO)
		return false;
	memcpy(expand, in->info, n);
	expand[n] = 1;
	ok = hash_hmac_sha256(in->salt_len > 0 ? in->salt : "", in->salt_len,
	    in->key, in->key_len, prk) &&
	    hash_hmac_sha256(prk, sizeof(prk), expand, n + 1, out);
	OPENSSL_cleanse(prk, sizeof(prk));
	return ok;
}

void
hash_hex(const uint8_t *bytes, size_t len, char *out)
{
	static const char digits[] = "0123456789abcdef";
	size_t i;

	for (i = 0; i < len; i++) {
		out[2 * i] = digits[bytes[i] >> 4];
		out[2 * i + 1] = digits[bytes[i] & 15];
	}
	out[2 * len] = '\0';
}

static int
hex_value(char c)
{

	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool
hash_unhex(const char *hex, uint8_t *out, size_t len)
{
	size_t i;

	if (strlen(hex) != 2 * len)
		return false;
	for (i = 0; i < len; i++) {
		int high = hex_value(hex[2 * i]);
		int low = hex_value(hex[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		out[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

void
hash_base64(const uint8_t *bytes, size_t len, char *out)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t i;

	for (i = 0; i < len; i += 3) {
		uint32_t v = (uint32_t)bytes[i] << 16;

		if (i + 1 < len)
			v |= (uint32_t)bytes[i + 1] << 8;
		if (i + 2 < len)
			v |= bytes[i + 2];
		*out++ = digits[v >> 18];
		*out++ = digits[v >> 12 & 63];
		*out++ = i + 1 < len ? digits[v >> 6 & 63] : '=';
		*out++ = i + 2 < len ? digits[v & 63] : '=';
	}
	*out = '\0';
}

bool
hash_random(void *out, size_t len)
{
	uint8_t *p = out;

	while (len > 0) {
		int n = len > 1 << 20 ? 1 << 20 : (int)len;

		if (RAND_bytes(p, n) != 1)
			return false;
		p += n;
		len -= (size_t)n;
	}
	return true;
}
