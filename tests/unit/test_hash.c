#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/hash.h"

/* Expected values: FIPS 180-4 and RFC 1321 examples, RFC 4231, RFC 4648. */
static const struct {
	const char *text, *sha256, *md5;
} digests[] = {
	{ "",
	    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
	    "d41d8cd98f00b204e9800998ecf8427e" },
	{ "abc",
	    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
	    "900150983cd24fb0d6963f7d28e17f72" },
	{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
	    "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
	    "8215ef0796a20bcaaae116d3876c664a" },
};

static void
streams_give_known_digests(void **state)
{
	struct hash *h = hash_new(true, NULL);
	size_t i, j;

	(void)state;
	assert_non_null(h);
	/* One struct hash serves all: finish starts a new stream. */
	for (i = 0; i < sizeof(digests) / sizeof(digests[0]); i++) {
		uint8_t sha256[HASH_SHA256_SIZE], md5[HASH_MD5_SIZE];
		char hex[2 * HASH_SHA256_SIZE + 1];

		for (j = 0; j < strlen(digests[i].text); j++)
			hash_update(h, digests[i].text + j, 1);
		hash_update(h, NULL, 0);
		assert_true(hash_finish(h, sha256, md5, NULL));
		hash_hex(sha256, sizeof(sha256), hex);
		assert_string_equal(hex, digests[i].sha256);
		hash_hex(md5, sizeof(md5), hex);
		assert_string_equal(hex, digests[i].md5);
		assert_true(hash_sha256(digests[i].text,
		    strlen(digests[i].text), sha256));
		hash_hex(sha256, sizeof(sha256), hex);
		assert_string_equal(hex, digests[i].sha256);
	}
	hash_free(h);
}

static void
without_md5(void **state)
{
	struct hash *h = hash_new(false, NULL);
	uint8_t sha256[HASH_SHA256_SIZE];
	char hex[2 * HASH_SHA256_SIZE + 1];

	(void)state;
	hash_update(h, "abc", 3);
	assert_true(hash_finish(h, sha256, NULL, NULL));
	hash_hex(sha256, sizeof(sha256), hex);
	assert_string_equal(hex, digests[1].sha256);
	hash_free(h);
	hash_free(NULL);
}

/* Test cases 1 and 3 of RFC 5869, their first 32 bytes. */
static void
hkdf_of_rfc_5869(void **state)
{
	uint8_t key[22], salt[13], out[HASH_SHA256_SIZE];
	struct hash_hkdf in = { .key = key, .key_len = sizeof(key),
	    .salt = salt, .salt_len = sizeof(salt),
	    .info = "\xf0\xf1\xf2\xf3\xf4\xf5\xf6\xf7\xf8\xf9" };
	char hex[2 * sizeof(out) + 1], longer[HASH_HKDF_INFO + 2];
	size_t i;

	(void)state;
	memset(key, 0x0b, sizeof(key));
	for (i = 0; i < sizeof(salt); i++)
		salt[i] = (uint8_t)i;
	assert_true(hash_hkdf_sha256(&in, out));
	hash_hex(out, sizeof(out), hex);
	assert_string_equal(hex, "3cb25f25faacd57a90434f64d0362f2a"
	    "2d2d0a90cf1a5a4c5db02d56ecc4c5bf");
	in.salt = NULL;
	in.salt_len = 0;
	in.info = "";
	assert_true(hash_hkdf_sha256(&in, out));
	hash_hex(out, sizeof(out), hex);
	assert_string_equal(hex, "8da4e775a563c18f715f802a063c5a31"
	    "b8a11f5c5ee1879ec3454e5f3c738d2d");
	memset(longer, 'x', sizeof(longer));
	longer[sizeof(longer) - 1] = '\0';
	in.info = longer;
	assert_false(hash_hkdf_sha256(&in, out));
}

static void
hmac_of_rfc_4231(void **state)
{
	uint8_t key[131], out[HASH_SHA256_SIZE];
	char hex[2 * HASH_SHA256_SIZE + 1];

	(void)state;
	memset(key, 0x0b, 20);
	assert_true(hash_hmac_sha256(key, 20, "Hi There", 8, out));
	hash_hex(out, sizeof(out), hex);
	assert_string_equal(hex, "b0344c61d8db38535ca8afceaf0bf12b"
	    "881dc200c9833da726e9376c2e32cff7");
	assert_true(hash_hmac_sha256("Jefe", 4, "what do ya want for nothing?",
	    28, out));
	hash_hex(out, sizeof(out), hex);
	assert_string_equal(hex, "5bdcc146bf60754e6a042426089575c7"
	    "5a003f089d2739839dec58b964ec3843");
	memset(key, 0xaa, sizeof(key));
	assert_true(hash_hmac_sha256(key, sizeof(key),
	    "Test Using Larger Than Block-Size Key - Hash Key First", 54, out));
	hash_hex(out, sizeof(out), hex);
	assert_string_equal(hex, "60e431591ee0b67f0d8a26aacbf5b77f"
	    "8e0bc6213728c5140546040f0ee37f54");
}

static void
hex_and_back(void **state)
{
	const uint8_t bytes[4] = { 0x00, 0x7f, 0x80, 0xff };
	uint8_t back[4];
	char hex[9];

	(void)state;
	hash_hex(bytes, 4, hex);
	assert_string_equal(hex, "007f80ff");
	assert_true(hash_unhex("007F80ff", back, 4));
	assert_memory_equal(back, bytes, 4);
	assert_false(hash_unhex("007f80f", back, 4));
	assert_false(hash_unhex("007f80ff0", back, 4));
	assert_false(hash_unhex("007f80fg", back, 4));
	assert_false(hash_unhex("007f80f ", back, 4));
}

static void
base64_of_rfc_4648(void **state)
{
	static const char *const pairs[][2] = {
		{ "", "" }, { "f", "Zg==" }, { "fo", "Zm8=" },
		{ "foo", "Zm9v" }, { "foob", "Zm9vYg==" },
		{ "fooba", "Zm9vYmE=" }, { "foobar", "Zm9vYmFy" },
		{ "\xff\xef\xbe", "/+++" },
	};
	char out[16];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		hash_base64((const uint8_t *)pairs[i][0], strlen(pairs[i][0]),
		    out);
		assert_string_equal(out, pairs[i][1]);
	}
}

static void
random_bytes_differ(void **state)
{
	uint8_t a[32] = { 0 }, b[32] = { 0 };

	(void)state;
	assert_true(hash_random(a, sizeof(a)));
	assert_true(hash_random(b, sizeof(b)));
	assert_memory_not_equal(a, b, sizeof(a));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(streams_give_known_digests),
		cmocka_unit_test(without_md5),
		cmocka_unit_test(hmac_of_rfc_4231),
		cmocka_unit_test(hkdf_of_rfc_5869),
		cmocka_unit_test(hex_and_back),
		cmocka_unit_test(base64_of_rfc_4648),
		cmocka_unit_test(random_bytes_differ),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
