/*
 * What is encrypted comes back, the same bytes for the same seed and data (as
 * tests/reference/age.py has them).  What a source or a sink says is passed on.
 */
#include "age_fixture.h"

static const uint8_t seed[AGE_SEED_SIZE] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10,
	11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28,
	29, 30, 31 };

static void
test_reference(void **state)
{
	static const char hello[] = "age-encryption.org/v1\n"
	    "-> X25519 KvS3e8JIznNF/+jfVFW1ikDikNPo14CqUdAFWWfayk8\n"
	    "SOZZZNwmEI58bN8R82K+06vvuagGYkDb+kvljQuj3f0\n"
	    "-> X25519 nyNel8s/Bhg8jxRMWdw/o7RIYcDrlIx7OUPmRhzvpEQ\n"
	    "ntIf8c+KhQ2WdWssmzo8RlYwnfFvChuhen0qz5NI/yE\n"
	    "--- 6MUyK0UrwQAf6FmWzgK2RA4dUAVkFRrUkuMWMCi4fjk\n"
	    "\x53\x5f\xd9\x9b\xe9\xd3\x9e\x6c\x73\xed\x93\x1e\x6e\x53\xd2\x2e"
	    "\x7c\x7e\x44\x2b\x2b\x71\xb9\xce\xb7\x6b\xb9\x85\x66\x0f\xee\xb8"
	    "\x3c\x1f\x9f\xb1\x10";
	static const struct {
		size_t len;
		const char *sha256;
	} files[] = {
		{ 0, "da86bcbd2ed0378e0edaac2bb0748e33"
		    "c5050b6527324ac3da39ba39c3bd412c" },
		{ 65536, "9ee770e7712efacac78786e6c3987da9"
		    "a1b5f7bd1eacaa6aaa8010af995720ba" },
		{ 65537, "5a7aed0091997c8d47d1d7e83e194668"
		    "bd05144d25fa8c6bc886bc46c970db41" },
		{ 131073, "ea94307066701da68dcba109ad4ef209"
		    "5155e88f0ecbe5c7085998ac9ae3473c" },
	};
	uint8_t digest[HASH_SHA256_SIZE];
	char hex[2 * HASH_SHA256_SIZE + 1];
	struct buf file;
	size_t i;

	(void)state;
	encrypt(seed, "hello", 5, &file);
	assert_int_equal(file.len, sizeof(hello) - 1);
	assert_memory_equal(file.data, hello, file.len);
	buf_free(&file);
	for (i = 0; i < sizeof(files) / sizeof(*files); i++) {
		uint8_t *data = fill(files[i].len);

		encrypt(seed, data, files[i].len, &file);
		assert_true(hash_sha256(file.data, file.len, digest));
		hash_hex(digest, sizeof(digest), hex);
		assert_string_equal(hex, files[i].sha256);
		buf_free(&file);
		free(data);
	}
}

/* Whether a and b share the n bytes at their ends, or a line. */
static bool
share_anything(const struct buf *a, const struct buf *b)
{
	const char *from = strchr((const char *)a->data, '\n') + 1;
	const char *end;

	for (; *from != '\0' && *from != '-'; from = end + 1)
		end = strchr(from, '\n');
	for (; (end = strchr(from, '\n')) != NULL; from = end + 1) {
		if (memmem(b->data, b->len, from, (size_t)(end - from)))
			return true;
	}
	return memcmp(a->data + a->len - 21, b->data + b->len - 21, 21) == 0;
}

static void
test_seed(void **state)
{
	struct age_recipients *r;
	struct buf a, b, c, d, e, other;
	uint8_t seed2[AGE_SEED_SIZE] = { 0 };
	struct err err;

	(void)state;
	encrypt(seed, "hello", 5, &a);
	buf_init(&b, MAX);
	r = recipients(TO2, TO1);	/* another order, and one twice */
	assert_true(age_recipients_add(r, TO2, &err));
	assert_true(age_encrypt(r, seed, "hello", 5, &b, &err));
	age_recipients_free(r);
	assert_int_equal(a.len, b.len);
	assert_memory_equal(a.data, b.data, a.len);
	encrypt(seed, "hellp", 5, &c);
	encrypt(seed2, "hello", 5, &d);
	encrypt(NULL, "hello", 5, &e);
	encrypt(NULL, "hello", 5, &other);
	assert_non_null(buf_str(&a));
	assert_non_null(buf_str(&c));
	assert_non_null(buf_str(&d));
	assert_non_null(buf_str(&e));
	assert_true(share_anything(&a, &b));
	assert_false(share_anything(&a, &c));
	assert_false(share_anything(&a, &d));
	assert_false(share_anything(&a, &e));
	assert_false(share_anything(&e, &other));
	buf_free(&a);
	buf_free(&b);
	buf_free(&c);
	buf_free(&d);
	buf_free(&e);
	buf_free(&other);
}

static void
encrypt_pieces(const uint8_t *data, size_t len, size_t piece, struct buf *to)
{
	struct age_recipients *r = recipients(TO1, NULL);
	struct stream_out out = { memory_write, to };
	struct age_writer *w;
	struct err err;
	size_t n;

	assert_non_null(w = age_writer_new(r, &out, &err));
	out = age_writer_stream(w);
	for (; len > 0; data += n, len -= n) {
		n = len < piece ? len : piece;
		assert_true(out.write(out.arg, data, n, &err));
	}
	assert_true(age_writer_finish(w, &err));
	assert_true(age_writer_finish(w, &err));
	assert_false(out.write(out.arg, "x", 1, &err));
	age_writer_free(w);
	age_recipients_free(r);
}

static void
test_round_trips(void **state)
{
	static const size_t sizes[] = { 0, 1, 65535, 65536, 65537, 131072,
	    196609, 1000000 };
	static const size_t pieces[] = { 1009, 65536, MAX };
	struct age_identities *one = identities(ID1), *two = identities(ID2);
	struct age_identities *three = identities(ID3);
	struct buf file;
	struct err err;
	size_t i, k;

	(void)state;
	for (i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		uint8_t *data = fill(sizes[i]);

		encrypt(NULL, data, sizes[i], &file);
		assert_int_equal(file.len, 22 + 2 * 98 + 48 + 16 + sizes[i] +
		    16 * (sizes[i] > 0 ? (sizes[i] + 65535) / 65536 : 1));
		accept(one, &file, data, sizes[i]);
		accept(two, &file, data, sizes[i]);
		assert_int_equal(refuse(three, file.data, file.len, NULL),
		    ERR_AUTH);
		for (k = 0; k < 3; k++) {
			buf_reset(&file);
			encrypt_pieces(data, sizes[i], pieces[k], &file);
			accept(one, &file, data, sizes[i]);
			assert_int_equal(refuse(two, file.data, file.len,
			    NULL), ERR_AUTH);
		}
		buf_free(&file);
		free(data);
	}
	/* Many identities, of which the last fits. */
	assert_true(age_identities_add(three, ID3, &err));
	assert_true(age_identities_add(three, ID2, &err));
	assert_int_equal(age_identities_count(three), 3);
	encrypt(NULL, "hello", 5, &file);
	accept(three, &file, (const uint8_t *)"hello", 5);
	buf_free(&file);
	age_identities_free(one);
	age_identities_free(two);
	age_identities_free(three);
}

static bool
fail_write(void *arg, const void *data, size_t len, struct err *err)
{
	size_t *left = arg;

	(void)data;
	if (*left < len)
		return err_set(err, ERR_DISK, "full");
	*left -= len;
	return true;
}

static bool
fail_read(void *arg, void *data, size_t size, size_t *len, struct err *err)
{
	struct memory *m = arg;

	if (m->len == 0)
		return err_set(err, ERR_NETWORK, "gone");
	return memory_read(arg, data, size, len, err);
}

static void
test_failing_streams(void **state)
{
	struct age_recipients *r = recipients(TO1, NULL);
	struct age_identities *one = identities(ID1);
	uint8_t *data = fill(200000), part[1000];
	struct stream_out out;
	struct stream_in in;
	struct age_writer *w;
	struct age_reader *reader;
	struct memory m;
	struct buf file;
	struct err err;
	size_t left, n, at;

	(void)state;
	for (at = 0; at < 200000; at += 39999) {
		left = at;
		out = (struct stream_out){ fail_write, &left };
		w = age_writer_new(r, &out, &err);
		assert_int_equal(w != NULL, at > 0);
		if (w == NULL)
			continue;
		out = age_writer_stream(w);
		assert_false(out.write(out.arg, data, 200000, &err) &&
		    age_writer_finish(w, &err));
		assert_int_equal(err.kind, ERR_DISK);
		age_writer_free(w);
	}
	/* What a source says is passed on, and is no "damaged". */
	encrypt(NULL, data, 200000, &file);
	for (at = 0; at < 200000; at += 39999) {
		m = (struct memory){ file.data, at, 5000 };
		in = (struct stream_in){ fail_read, &m };
		reader = age_reader_new(one, &in, "f", &err);
		assert_int_equal(reader != NULL, at > 0);
		if (reader != NULL) {
			in = age_reader_stream(reader);
			while (in.read(in.arg, part, sizeof(part), &n, &err))
				assert_true(n > 0);
		}
		assert_int_equal(err.kind, ERR_NETWORK);
		age_reader_free(reader);
	}
	buf_free(&file);
	free(data);
	age_recipients_free(r);
	age_identities_free(one);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reference),
		cmocka_unit_test(test_seed),
		cmocka_unit_test(test_round_trips),
		cmocka_unit_test(test_failing_streams),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
