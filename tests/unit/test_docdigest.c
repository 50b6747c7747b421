#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/hash.h"
#include "bson/doc.h"
#include "bson/docdigest.h"

/* One line of a table in fixtures/bson/, taken apart at its blanks. */
struct line {
	char *text;
	size_t size;
	char *words[4];
};

/* False at the end of the file. */
static bool
next_line(FILE *f, struct line *line)
{
	char *save = NULL;
	size_t i;

	if (getline(&line->text, &line->size, f) < 0) {
		free(line->text);
		return false;
	}
	for (i = 0; i < 4; i++) {
		line->words[i] = strtok_r(i == 0 ? line->text : NULL, " \n",
		    &save);
		assert_non_null(line->words[i]);
	}
	return true;
}

static uint8_t *
unhex(const char *hex, size_t *len)
{
	uint8_t *bytes;

	*len = strlen(hex) / 2;
	bytes = malloc(*len + 1);
	assert_true(hash_unhex(hex, bytes, *len));
	return bytes;
}

static void
assert_digest(const char *name, struct digest d, const char *want)
{
	char hex[DIGEST_HEX_SIZE];

	digest_hex(d, hex);
	if (strcmp(hex, want) != 0)
		fail_msg("%s: %s, not %s", name, hex, want);
}

/* Expected values by the Python package xxhash. */
static void
digests_as_python_makes_them(void **state)
{
	FILE *f = fopen(SF_FIXTURES "/bson/digests.txt", "r");
	struct line line = { 0 };
	uint8_t *doc;
	size_t len, n = 0;

	(void)state;
	assert_non_null(f);
	while (next_line(f, &line)) {
		doc = unhex(line.words[1], &len);
		assert_true(doc_valid(doc, len));
		assert_digest(line.words[0], docdigest(doc, len), line.words[2]);
		assert_digest(line.words[0], docdigest_id(doc, len),
		    line.words[3]);
		free(doc);
		n++;
	}
	fclose(f);
	assert_true(n >= 30);
}

static void
canonical_as_python_makes_it(void **state)
{
	FILE *f = fopen(SF_FIXTURES "/bson/canonical.txt", "r");
	struct line line = { 0 };
	uint8_t *doc, *want;
	size_t len, want_len, n = 0;
	struct buf out;

	(void)state;
	assert_non_null(f);
	buf_init(&out, 1 << 20);
	while (next_line(f, &line)) {
		const char *meta = line.words[1];

		doc = unhex(line.words[2], &len);
		want = unhex(line.words[3], &want_len);
		buf_reset(&out);
		buf_append_str(&out, "before");
		assert_true(docdigest_canonical(doc, len,
		    strcmp(meta, "-") == 0 ? NULL : meta, &out));
		if (out.len != 6 + want_len ||
		    memcmp(out.data + 6, want, want_len) != 0)
			fail_msg("%s", line.words[0]);
		assert_memory_equal(out.data, "before", 6);
		free(want);
		free(doc);
		n++;
	}
	buf_free(&out);
	fclose(f);
	assert_true(n >= 12);
}

/* The digest of the bytes as they are, whatever is wrong with them. */
static void
malformed_documents(void **state)
{
	static const uint8_t good[] = { 0x1c, 0, 0, 0,
		0x10, 'a', 0, 1, 0, 0, 0, 0x02, '_', 'i', 'd', 0,
		7, 0, 0, 0, 's', 'i', 'x', 't', 'y', '6', 0, 0 };
	uint8_t doc[sizeof(good)];
	struct buf out;
	size_t len, i;

	(void)state;
	assert_true(doc_valid(good, sizeof(good)));
	assert_false(digest_equal(docdigest(good, sizeof(good)),
	    docdigest_id(good, sizeof(good))));
	buf_init(&out, 1000);
	for (len = 0; len < sizeof(good); len++) {
		/* Of exactly len bytes, so that no reading beyond passes. */
		uint8_t *cut = malloc(len == 0 ? 1 : len);

		memcpy(cut, good, len);
		assert_true(digest_equal(docdigest(cut, len),
		    docdigest_id(cut, len)));
		assert_false(docdigest_canonical(cut, len, "a", &out));
		free(cut);
	}
	/* A terminator, a type, two lengths. */
	static const size_t places[] = { sizeof(good) - 1, 4, 16, 0 };

	for (i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		memcpy(doc, good, sizeof(doc));
		doc[places[i]] ^= 0x20;
		assert_false(docdigest_canonical(doc, sizeof(doc), NULL, &out));
		assert_true(digest_equal(docdigest(doc, sizeof(doc)),
		    docdigest_id(doc, sizeof(doc))));
	}
	assert_int_equal(out.len, 0);
	buf_free(&out);
	/* No room. */
	buf_init(&out, sizeof(good) - 1);
	assert_false(docdigest_canonical(good, sizeof(good), NULL, &out));
	assert_int_equal(out.len, 0);
	buf_free(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(digests_as_python_makes_them),
		cmocka_unit_test(canonical_as_python_makes_it),
		cmocka_unit_test(malformed_documents),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
