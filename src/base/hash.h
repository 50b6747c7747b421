/*
 * The cryptographic digests that file formats and protocols ask for, on
 * OpenSSL's libcrypto.  (The digest of documents is not here: it is not
 * cryptographic and lives in bson/docdigest.)
 */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define HASH_SHA256_SIZE 32
#define HASH_MD5_SIZE 16
#define HASH_SHA1_SIZE 20

/* A running SHA-256, and MD5 when asked for, over one stream of bytes. */
struct hash;

/* with_md5: compute MD5 too.  NULL with *err when memory is out or libcrypto
 * refuses (MD5 in a FIPS build). */
struct hash *hash_new(bool with_md5, struct err *err);
void hash_free(struct hash *h);		/* NULL is allowed */
void hash_update(struct hash *h, const void *data, size_t len);

/* Ends the stream and starts a new one.  md5 may be NULL, and is to be when it
 * was not asked for.  False with ERR_INTERNAL when libcrypto failed on the way:
 * there is no digest then. */
bool hash_finish(struct hash *h, uint8_t sha256[HASH_SHA256_SIZE],
    uint8_t md5[HASH_MD5_SIZE], struct err *err)
    __attribute__((warn_unused_result));

/* The digests of one block of bytes.  False, with out all zero, when memory is
 * out. */
bool hash_sha256(const void *data, size_t len, uint8_t out[HASH_SHA256_SIZE]);
/* For a format that asks for it (names of a dump's files), not for security. */
bool hash_sha1(const void *data, size_t len, uint8_t out[HASH_SHA1_SIZE]);
bool hash_hmac_sha256(const void *key, size_t key_len, const void *data,
    size_t len, uint8_t out[HASH_SHA256_SIZE]);

/* HKDF-SHA-256 (RFC 5869), one block of output.  salt may be NULL when its length
 * is 0.  False, with out all zero, as above. */
struct hash_hkdf {
	const void *key, *salt;
	size_t key_len, salt_len;
	const char *info;	/* at most HASH_HKDF_INFO characters */
};
#define HASH_HKDF_INFO 95
bool hash_hkdf_sha256(const struct hash_hkdf *in,
    uint8_t out[HASH_SHA256_SIZE]);

/* Lower-case hex; out holds 2 * len + 1 bytes. */
void hash_hex(const uint8_t *bytes, size_t len, char *out);

/* The reverse: false unless hex is exactly 2 * len hex digits. */
bool hash_unhex(const char *hex, uint8_t *out, size_t len);

/* Standard base64 with padding (RFC 4648); out holds 4 * ((len + 2) / 3) + 1
 * bytes. */
void hash_base64(const uint8_t *bytes, size_t len, char *out);

/* Cryptographically random bytes.  False when the system has none. */
bool hash_random(void *out, size_t len);

#endif
