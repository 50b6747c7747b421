/*
 * Recipients, identities and passphrases, given one by one or in files: what is
 * none is refused, by a message that repeats no secret.
 */
#include "age_fixture.h"

#include <unistd.h>

#include "base/file.h"

static char path[] = "/tmp/test_age_keys.XXXXXX";

static void
put(const void *data, size_t len)
{
	struct err err;

	assert_true(file_replace(path, data, len, &err));
}

static void
test_recipients(void **state)
{
	static const struct {
		const char *text;
		enum err_kind kind;
	} bad[] = {
		{ "", ERR_USAGE },
		{ "age1", ERR_USAGE },
		{ "joe@example.com", ERR_USAGE },
		/* The last character changed, and two swapped. */
		{ "age1swe9pr4xa3xu0568wk9m8d30ddaf5wydzr2ycuvwkqk2ln9atatsa45"
		    "k7p", ERR_USAGE },
		{ "age1wse9pr4xa3xu0568wk9m8d30ddaf5wydzr2ycuvwkqk2ln9atatsa45"
		    "k7n", ERR_USAGE },
		{ TO1 "q", ERR_USAGE },
		{ " " TO1, ERR_USAGE },
		/* Upper case, mixed case, another prefix. */
		{ "AGE1SWE9PR4XA3XU0568WK9M8D30DDAF5WYDZR2YCUVWKQK2LN9ATATSA45"
		    "K7N", ERR_USAGE },
		{ "age1Swe9pr4xa3xu0568wk9m8d30ddaf5wydzr2ycuvwkqk2ln9atatsa45"
		    "k7n", ERR_USAGE },
		{ "agf1qn6l9ytzcvdgmmap3eh8gg3ya6qxlst33gnch6zehftzqspt3uaqfl9"
		    "euv", ERR_USAGE },
		/* Bits behind the key; points of small order. */
		{ "age19gmfcmg52cacj23kd0k3s38h57uc2cjakkvruk6ls7hga95nsqz3h2a"
		    "epw", ERR_USAGE },
		{ "age1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq5cu"
		    "47z", ERR_USAGE },
		{ "age1qyqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqj7v"
		    "rya", ERR_USAGE },
		{ "age1ur4h5lpmgxu2u9jku0a0r87ydtdqnr0tnsetrlvxvgz3vh6fhqqqzyt"
		    "4v9", ERR_USAGE },
		{ ID1, ERR_USAGE },
		{ "age1yubikey1qwrz8hm", ERR_UNSUPPORTED },
		{ "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA", ERR_UNSUPPORTED },
	};
	struct age_recipients *r = recipients(NULL, NULL);
	struct err err;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		assert_false(age_recipients_add(r, bad[i].text, &err));
		assert_int_equal(err.kind, bad[i].kind);
		assert_null(strstr(err.message, "N0KMFR3M2"));
	}
	assert_int_equal(age_recipients_count(r), 0);
	assert_true(age_recipients_add(r, TO1, &err));
	assert_true(age_recipients_add(r, TO2, &err));
	assert_true(age_recipients_add(r, TO1, &err));
	assert_int_equal(age_recipients_count(r), 2);
	assert_false(age_recipients_add_passphrase(r, "p", 1, &err));
	assert_int_equal(err.kind, ERR_USAGE);
	age_recipients_free(r);
}

static void
test_nobody(void **state)
{
	struct age_recipients *r = recipients(NULL, NULL);
	struct buf out;
	struct err err;

	(void)state;
	buf_init(&out, MAX);
	assert_false(age_encrypt(r, NULL, "x", 1, &out, &err));
	assert_int_equal(err.kind, ERR_USAGE);
	assert_int_equal(out.len, 0);
	buf_free(&out);
	age_recipients_free(r);
}

static void
test_fingerprint(void **state)
{
	struct age_recipients *a = recipients(TO1, TO2);
	struct age_recipients *b = recipients(TO2, TO1);
	struct age_recipients *c = recipients(TO2, NULL);
	uint8_t fa[32], fb[32], fc[32];
	char hex[65];
	struct err err;

	(void)state;
	assert_true(age_recipients_fingerprint(a, fa));
	assert_true(age_recipients_fingerprint(b, fb));
	assert_true(age_recipients_fingerprint(c, fc));
	hash_hex(fa, 32, hex);
	/* printf '%s\n' age1... age1... | sort | sha256sum */
	assert_string_equal(hex, "4e5748f9f3fe539f4e5928151debfdde"
	    "99d0dbc450f95c5d6000ad98d63c68b6");
	assert_memory_equal(fa, fb, 32);
	assert_memory_not_equal(fa, fc, 32);
	age_recipients_free(c);
	c = recipients(NULL, NULL);
	assert_true(age_recipients_add_passphrase(c, "p", 1, &err));
	assert_int_equal(age_recipients_count(c), 1);
	assert_false(age_recipients_fingerprint(c, fc));
	age_recipients_free(a);
	age_recipients_free(b);
	age_recipients_free(c);
}

static void
test_recipient_files(void **state)
{
	static const char good[] = "# both\n\n" TO1 "\r\n   # more\n\t" TO2
	    " \n# end";
	static const struct {
		const char *text;
		enum err_kind kind;
		const char *says;
	} bad[] = {
		{ "", ERR_USAGE, "no recipients" },
		{ "# none\n", ERR_USAGE, "no recipients" },
		{ TO1 "\n\n" ID1 "\n", ERR_USAGE, "line 3" },
		{ TO1 "\nssh-rsa AAAA\n", ERR_UNSUPPORTED, "line 2" },
		{ TO1 " " TO2, ERR_USAGE, "line 1" },
	};
	struct age_recipients *r = recipients(NULL, NULL);
	struct err err;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		put(bad[i].text, strlen(bad[i].text));
		assert_false(age_recipients_add_file(r, path, &err));
		assert_int_equal(err.kind, bad[i].kind);
		assert_non_null(strstr(err.message, path));
		assert_non_null(strstr(err.message, bad[i].says));
		assert_null(strstr(err.message, "N0KMFR3M2"));
	}
	put("\0\n", 2);
	assert_false(age_recipients_add_file(r, path, &err));
	put(good, strlen(good));
	assert_true(age_recipients_add_file(r, path, &err));
	assert_int_equal(age_recipients_count(r), 2);
	unlink(path);
	assert_false(age_recipients_add_file(r, path, &err));
	assert_int_equal(err.kind, ERR_NOT_FOUND);
	age_recipients_free(r);
}

static void
test_identities(void **state)
{
	static const struct {
		const char *text;
		enum err_kind kind;
	} bad[] = {
		{ "", ERR_USAGE },
		{ "hunter2 N0KMFR3M2", ERR_USAGE },
		{ TO1, ERR_USAGE },
		{ ID1 "Q", ERR_USAGE },
		{ "AGE-SECRET-KEY-1N0KMFR3M2AQMTLRJ7745SDSPLSKZX8XVYAM62AYUGH7E"
		    "5JHLV06QWA59TT", ERR_USAGE },
		{ "age-secret-key-1n0kmfr3m2aqmtlrj7745sdsplskzx8xvyam62ayugh7e"
		    "5jhlv06qwa59tu", ERR_USAGE },
		{ "AGE-SECRET-KEY-PQ-1N0KMFR3M2AQMTLRJ77", ERR_UNSUPPORTED },
		{ "AGE-PLUGIN-YUBIKEY-1N0KMFR3M2", ERR_UNSUPPORTED },
		{ "-----BEGIN OPENSSH PRIVATE KEY-----", ERR_UNSUPPORTED },
	};
	struct age_identities *i = identities(NULL);
	struct err err;
	size_t n;

	(void)state;
	for (n = 0; n < sizeof(bad) / sizeof(*bad); n++) {
		assert_false(age_identities_add(i, bad[n].text, &err));
		assert_int_equal(err.kind, bad[n].kind);
		assert_null(strcasestr(err.message, "N0KMFR3M2"));
		assert_null(strcasestr(err.hint, "N0KMFR3M2"));
	}
	assert_int_equal(age_identities_count(i), 0);
	for (n = 0; n < 256; n++)
		assert_true(age_identities_add(i, ID1, &err));
	assert_false(age_identities_add(i, ID1, &err));
	assert_int_equal(err.kind, ERR_USAGE);
	age_identities_free(i);
}

static bool
ask(void *arg, const char *what, char *out, size_t size)
{

	assert_string_equal(what, path);
	if (arg != NULL)
		snprintf(out, size, "%s", (const char *)arg);
	return arg != NULL;
}

/* ID1 reads what was encrypted to it, with what i holds. */
static void
check_identity(const struct age_identities *i)
{
	struct age_recipients *r = recipients(TO1, NULL);
	struct buf file, out;
	struct err err;

	buf_init(&file, MAX);
	buf_init(&out, MAX);
	assert_true(age_encrypt(r, NULL, "hello", 5, &file, &err));
	assert_true(age_decrypt(i, file.data, file.len, "f", &out, &err));
	assert_int_equal(out.len, 5);
	buf_free(&file);
	buf_free(&out);
	age_recipients_free(r);
}

static void
test_identity_files(void **state)
{
	static const char good[] = "# created: 2026-11-23T15:52:46Z\n"
	    "# public key: " TO1 "\n" ID1 "\n";
	static const char bad[] = "\n" ID1 "X\n";
	struct age_identities *i = identities(NULL);
	struct err err;

	(void)state;
	put(good, strlen(good));
	assert_true(age_identities_add_file(i, path, NULL, NULL, &err));
	assert_int_equal(age_identities_count(i), 1);
	check_identity(i);
	put(bad, strlen(bad));
	assert_false(age_identities_add_file(i, path, NULL, NULL, &err));
	assert_int_equal(err.kind, ERR_USAGE);
	assert_non_null(strstr(err.message, "line 2"));
	assert_null(strstr(err.message, "N0KMFR3M2"));
	put("# none\n", 7);
	assert_false(age_identities_add_file(i, path, NULL, NULL, &err));
	assert_int_equal(err.kind, ERR_USAGE);
	unlink(path);
	assert_false(age_identities_add_file(i, path, NULL, NULL, &err));
	assert_int_equal(err.kind, ERR_NOT_FOUND);
	assert_int_equal(age_identities_count(i), 1);
	age_identities_free(i);
}

static void
test_encrypted_identity_files(void **state)
{
	static const char good[] = "# mine\n" ID1 "\n";
	struct age_recipients *r = recipients(NULL, NULL);
	struct age_identities *i = identities(NULL);
	struct buf file;
	struct err err;

	(void)state;
	buf_init(&file, MAX);
	assert_true(age_recipients_add_passphrase(r, "open sesame", 4, &err));
	assert_true(age_encrypt(r, NULL, good, strlen(good), &file, &err));
	put(file.data, file.len);
	assert_false(age_identities_add_file(i, path, NULL, NULL, &err));
	assert_int_equal(err.kind, ERR_AUTH);
	assert_false(age_identities_add_file(i, path, ask, NULL, &err));
	assert_int_equal(err.kind, ERR_AUTH);
	assert_false(age_identities_add_file(i, path, ask, "open sesam", &err));
	assert_int_equal(err.kind, ERR_AUTH);
	assert_null(strstr(err.message, "sesam"));
	assert_false(age_identities_add_file(i, path, ask, "", &err));
	assert_int_equal(age_identities_count(i), 0);
	assert_true(age_identities_add_file(i, path, ask, "open sesame",
	    &err));
	assert_int_equal(age_identities_count(i), 1);
	check_identity(i);
	/* Cut; and encrypted, but no identities in it. */
	put(file.data, file.len - 1);
	assert_false(age_identities_add_file(i, path, ask, "open sesame",
	    &err));
	assert_int_equal(err.kind, ERR_DAMAGED);
	buf_reset(&file);
	assert_true(age_encrypt(r, NULL, "secret!", 7, &file, &err));
	put(file.data, file.len);
	assert_false(age_identities_add_file(i, path, ask, "open sesame",
	    &err));
	assert_int_equal(err.kind, ERR_USAGE);
	assert_null(strstr(err.message, "secret!"));
	unlink(path);
	buf_free(&file);
	age_recipients_free(r);
	age_identities_free(i);
}

static void
test_passphrases(void **state)
{
	static const uint8_t seed[AGE_SEED_SIZE] = { 7 };
	struct age_recipients *r = recipients(NULL, NULL);
	struct age_identities *i = identities(ID1);
	struct buf a, b, out;
	struct err err;

	(void)state;
	buf_init(&a, MAX);
	buf_init(&b, MAX);
	buf_init(&out, MAX);
	assert_false(age_recipients_add_passphrase(r, "", 4, &err));
	assert_false(age_recipients_add_passphrase(r, "one", 23, &err));
	assert_true(age_recipients_add_passphrase(r, "one", 4, &err));
	assert_false(age_recipients_add_passphrase(r, "two", 4, &err));
	assert_false(age_recipients_add(r, TO1, &err));
	assert_int_equal(err.kind, ERR_USAGE);
	assert_true(age_encrypt(r, seed, "hello", 5, &a, &err));
	assert_true(age_encrypt(r, seed, "hello", 5, &b, &err));
	assert_int_equal(a.len, b.len);
	assert_memory_equal(a.data, b.data, a.len);
	assert_false(age_decrypt(i, a.data, a.len, "f", &out, &err));
	assert_int_equal(err.kind, ERR_AUTH);
	assert_true(age_identities_add_passphrase(i, "two", &err));
	assert_false(age_decrypt(i, a.data, a.len, "f", &out, &err));
	assert_int_equal(err.kind, ERR_AUTH);
	assert_true(age_identities_add_passphrase(i, "one", &err));
	assert_true(age_decrypt(i, a.data, a.len, "f", &out, &err));
	assert_int_equal(out.len, 5);
	assert_memory_equal(out.data, "hello", 5);
	buf_free(&a);
	buf_free(&b);
	buf_free(&out);
	age_recipients_free(r);
	age_identities_free(i);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_recipients),
		cmocka_unit_test(test_nobody),
		cmocka_unit_test(test_fingerprint),
		cmocka_unit_test(test_recipient_files),
		cmocka_unit_test(test_identities),
		cmocka_unit_test(test_identity_files),
		cmocka_unit_test(test_encrypted_identity_files),
		cmocka_unit_test(test_passphrases),
	};
	int fd = mkstemp(path), rc;

	if (fd < 0)
		return 1;
	close(fd);
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(path);
	return rc;
}
