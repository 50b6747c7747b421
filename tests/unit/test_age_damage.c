/*
 * What is cut, changed, reordered or continued is refused, with the output as it
 * was; and so is what only pretends to be an age file.
 */
#include "age_fixture.h"

static void
test_small_damage(void **state)
{
	struct age_identities *one = identities(ID1);
	uint8_t *data = fill(40);
	enum err_kind kind;
	struct buf file;
	size_t i, auth = 0;

	(void)state;
	encrypt(NULL, data, 40, &file);
	for (i = 0; i < file.len; i++)
		assert_int_equal(refuse(one, file.data, i, NULL), ERR_DAMAGED);
	for (i = 0; i < file.len * 8; i++) {
		file.data[i / 8] ^= (uint8_t)(1 << i % 8);
		kind = refuse(one, file.data, file.len, NULL);
		auth += kind == ERR_AUTH;
		/* Where the stanza of ID1 is no longer seen as such. */
		assert_true(kind == ERR_DAMAGED || kind == ERR_AUTH ||
		    (kind == ERR_UNSUPPORTED && i / 8 < 22));
		file.data[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	assert_true(auth > 0 && auth < 98 * 8);
	for (i = 0; i < 256; i++) {
		assert_true(buf_append_byte(&file, (uint8_t)i));
		assert_int_equal(refuse(one, file.data, file.len, NULL),
		    ERR_DAMAGED);
		buf_truncate(&file, file.len - 1);
	}
	/* Twice, one behind the other. */
	assert_true(buf_reserve(&file, file.len));
	assert_true(buf_append(&file, file.data, file.len));
	assert_int_equal(refuse(one, file.data, file.len, NULL), ERR_DAMAGED);
	buf_free(&file);
	age_identities_free(one);
	free(data);
}

/* A MAC has one spelling: no other byte stands for one of its digits. */
static void
test_mac_spelling(void **state)
{
	struct age_identities *one = identities(ID1);
	struct buf file;
	uint8_t *mac, *digit;
	unsigned c;

	(void)state;
	do {	/* one in two has the digit 63 */
		encrypt(NULL, "hello", 5, &file);
		mac = file.data + 22 + 2 * 98 + 4;
		if ((digit = memchr(mac, '/', 42)) == NULL)
			buf_free(&file);
	} while (digit == NULL);
	for (c = 0; c < 256; c++) {
		*digit = (uint8_t)c;
		if (c != '/')
			assert_int_equal(refuse(one, file.data, file.len,
			    NULL), ERR_DAMAGED);
	}
	buf_free(&file);
	age_identities_free(one);
}

/* The header and nonce of file, then the chunks that order names. */
static void
shuffle(const struct buf *file, size_t head, const char *order,
    struct buf *out)
{
	const size_t sealed = AGE_CHUNK + 16;
	size_t at, n;

	buf_reset(out);
	assert_true(buf_append(out, file->data, head));
	for (; *order != '\0'; order++) {
		at = head + (size_t)(*order - '0') * sealed;
		n = file->len - at < sealed ? file->len - at : sealed;
		assert_true(buf_append(out, file->data + at, n));
	}
}

static void
test_chunks(void **state)
{
	static const char *const orders[] = { "", "0", "01", "012", "013",
	    "03", "3", "1", "0213", "1023", "0132", "00123", "01123",
	    "01223", "01233", "01230", "3210", "0323", "123" };
	static const size_t last[] = { 1000, AGE_CHUNK };
	struct age_identities *one = identities(ID1);
	struct buf file, out;
	size_t i, k, head = 22 + 2 * 98 + 48 + 16, len;
	uint8_t *data;

	(void)state;
	buf_init(&out, MAX);
	for (k = 0; k < 2; k++) {
		len = 3 * AGE_CHUNK + last[k];
		data = fill(len);
		encrypt(NULL, data, len, &file);
		shuffle(&file, head, "0123", &out);
		accept(one, &out, data, len);
		for (i = 0; i < sizeof(orders) / sizeof(*orders); i++) {
			shuffle(&file, head, orders[i], &out);
			assert_int_equal(refuse(one, out.data, out.len, data),
			    ERR_DAMAGED);
		}
		/* Cut around each boundary. */
		for (i = 0; i < 4; i++) {
			size_t at = head + i * (AGE_CHUNK + 16);

			refuse(one, file.data, at - 1, data);
			refuse(one, file.data, at, data);
			refuse(one, file.data, at + 1, data);
			refuse(one, file.data, at + 15, data);
			refuse(one, file.data, at + 16, data);
			refuse(one, file.data, at + 17, data);
		}
		refuse(one, file.data, file.len - 1, data);
		buf_free(&file);
		free(data);
	}
	buf_free(&out);
	age_identities_free(one);
}

static void
test_hostile_headers(void **state)
{
	static const char stanza[] = "-> other\n\n";
	struct age_identities *one = identities(ID1);
	struct buf file;
	size_t i;

	(void)state;
	buf_init(&file, MAX);
	/* A header without end, of lines, and of one line. */
	assert_true(buf_append_str(&file, "age-encryption.org/v1\n"));
	for (i = 0; i < 100000; i++)
		assert_true(buf_append(&file, stanza, sizeof(stanza) - 1));
	assert_int_equal(refuse(one, file.data, file.len, NULL), ERR_DAMAGED);
	memset(file.data + 25, 'x', file.len - 25);
	assert_int_equal(refuse(one, file.data, file.len, NULL), ERR_DAMAGED);
	buf_reset(&file);
	assert_true(buf_append_str(&file, "age-encryption.org/v2\nX"));
	assert_int_equal(refuse(one, file.data, file.len, NULL),
	    ERR_UNSUPPORTED);
	buf_reset(&file);
	assert_true(buf_append_str(&file, "age-encryption.org/v1\n--- "
	    "6MUyK0UrwQAf6FmWzgK2RA4dUAVkFRrUkuMWMCi4fjk\n"));
	assert_int_equal(refuse(one, file.data, file.len, NULL), ERR_DAMAGED);
	buf_reset(&file);
	assert_true(buf_append_str(&file, "SQLite format 3"));
	assert_int_equal(refuse(one, file.data, file.len, NULL), ERR_DAMAGED);
	/* White space without end, where armor could begin. */
	buf_reset(&file);
	assert_true(buf_reserve(&file, 1000000));
	memset(file.data, '\n', 1000000);
	assert_int_equal(refuse(one, file.data, 1000000, NULL), ERR_DAMAGED);
	memset(file.data, ' ', 1000000);
	assert_int_equal(refuse(one, file.data, 1000000, NULL), ERR_DAMAGED);
	buf_free(&file);
	age_identities_free(one);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_small_damage),
		cmocka_unit_test(test_mac_spelling),
		cmocka_unit_test(test_chunks),
		cmocka_unit_test(test_hostile_headers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
