/*
 * Archives with names that a server would not take and metadata of the wrong
 * shape; and the real mongodump's, cut and flipped at every byte.
 */
#include "archive_pieces.h"

#define NO_TEXT ((const char *)NULL)

/* Names that a server would not take, and metadata of the wrong shape. */
static const struct {
	const char *db, *name, *json, *message;
} hostile[] = {
	{ "../../x", "c", NO_TEXT, "in the database name \"../../x\"" },
	{ "..", "c", NO_TEXT, "'.' in the database name" },
	{ "", "c", NO_TEXT, "an empty database name" },
	{ "a/b", "c", NO_TEXT, "'/' in the database name" },
	{ "a\\b", "c", NO_TEXT, "'\\' in the database name" },
	{ "a b", "c", NO_TEXT, "' ' in the database name" },
	{ "$a", "c", NO_TEXT, "'$' in the database name" },
	{ "a\"b", "c", NO_TEXT, "'\"' in the database name" },
	{ "a\xff", "c", NO_TEXT, "\"a?\" is not UTF-8" },
	{ "db", "", NO_TEXT, "an empty collection name in the database \"db\"" },
	{ "db", "..", NO_TEXT, "begins with a dot" },
	{ "db", "a$b", NO_TEXT, "'$' in the collection name" },
	{ "db", "$cmd", NO_TEXT, "'$' in the collection name" },
	{ "db", "\xc3", NO_TEXT, "is not UTF-8" },
	{ "db", "system.views", NO_TEXT, "is the server's own" },
	{ "db", "system.buckets.x", NO_TEXT, "is the server's own" },
	{ "db", "c", "x", "no Extended JSON: byte 0: '{' expected" },
	{ "db", "c", "[]", "no Extended JSON" },
	{ "db", "c", "{\"options\":{}", "'}' expected" },
	{ "db", "c", "{\"options\":{}} x", "something behind the object" },
	{ "db", "c", "{\"options\":[]}", "\"options\" is no document" },
	{ "db", "c", "{\"options\":5}", "\"options\" is no document" },
	{ "db", "c", "{\"indexes\":{}}", "\"indexes\" is no array" },
	{ "db", "c", "{\"indexes\":[5]}", "index 1 is no document" },
	{ "db", "c", "{\"indexes\":[{\"key\":{}},{\"name\":\"x\"}]}",
	    "index 2 has no \"key\"" },
	{ "db", "c", "{\"type\":5}", "\"type\" is no text" },
	{ "db", "c", "{\"options\":{\"viewOn\":\"x\"},\"type\":\"collection\"}",
	    "\"collection\" and its options are those of a view" },
};

static void
test_hostile(void **state)
{
	struct buf b;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(hostile); i++) {
		buf_init(&b, 1 << 20);
		if (hostile[i].json == NULL)
			named(&b, hostile[i].db, hostile[i].name);
		else
			described(&b, hostile[i].json);
		assert_refused(&b, hostile[i].message, ERR_DAMAGED,
		    hostile[i].message);
		buf_free(&b);
	}
}

/* The undamaged ones are read, lest a test above passes for another reason. */
static void
test_whole(void **state)
{
	static const char *const names[] = { "system.js", "system.profile",
	    "a/b", "\xc3\xa9 %", "$admin.system.users", "x.system.y" };
	struct seen seen;
	struct err err;
	struct buf b;
	size_t i;

	(void)state;
	for (i = 0; i <= COUNT(names); i++) {
		buf_init(&b, 1 << 20);
		seen_init(&seen);
		if (i < COUNT(names))
			named(&b, "db", names[i]);
		else
			whole(&b);
		if (!read_bytes(&b, &seen, &err))
			fail_msg("%s", err.message);
		assert_int_equal(seen.count[0], i < COUNT(names) ? 0 : 2);
		seen_free(&seen);
		buf_free(&b);
	}
}

/* An archive with an oplog is read without it. */
static void
test_oplog(void **state)
{
	struct seen seen;
	struct err err;
	struct buf b;

	(void)state;
	buf_init(&b, 1 << 20);
	head(&b, "0.1");
	collection(&b, "", "oplog", "");
	collection(&b, "db", "c", "");
	terminator(&b);
	block(&b, "", "oplog", false, 0);
	document(&b);
	document(&b);
	terminator(&b);
	end(&b, "db", "c", 0);
	end(&b, "", "oplog", crc_of_two());
	seen_init(&seen);
	if (!read_bytes(&b, &seen, &err))
		fail_msg("%s", err.message);
	assert_true(seen.ended[0] && !seen.ended[1] && seen.count[0] == 0);
	seen_free(&seen);
	b.data[b.len - 10] ^= 1;
	assert_refused(&b, "oplog", ERR_DAMAGED, "the checksum of .oplog");
	buf_free(&b);
}

/* Of mongodump's own archive, nothing but the whole of it is accepted. */
static void
test_cut_everywhere(void **state)
{
	struct buf b, part;
	struct seen seen;
	struct err err;
	size_t n;

	(void)state;
	slurp(ARCHIVES "small.archive", &b);
	for (n = 0; n <= b.len; n++) {
		seen_init(&seen);
		part = b;
		part.len = n;
		if (read_bytes(&part, &seen, &err) != (n == b.len))
			fail_msg("cut at %zu of %zu: %s", n, b.len,
			    err.message);
		assert_true(n == b.len || err.kind == ERR_DAMAGED);
		seen_free(&seen);
	}
	buf_free(&b);
}

/* No flipped byte changes a document unseen.  (Names and metadata have no
 * checksum: a letter in them may change.) */
static void
test_flip_everywhere(void **state)
{
	static const uint8_t masks[] = { 0x01, 0x20, 0x80, 0xff };
	struct seen seen, right;
	struct err err;
	struct buf b;
	size_t i, m, refused = 0;

	(void)state;
	slurp(ARCHIVES "small.archive", &b);
	seen_init(&right);
	assert_true(read_bytes(&b, &right, &err));
	for (i = 0; i < b.len; i++) {
		for (m = 0; m < COUNT(masks); m++) {
			b.data[i] ^= masks[m];
			seen_init(&seen);
			if (!read_bytes(&b, &seen, &err)) {
				refused++;
			} else {
				assert_int_equal(seen.count[0],
				    right.count[0]);
				assert_int_equal(seen.docs[0].len,
				    right.docs[0].len);
				assert_memory_equal(seen.docs[0].data,
				    right.docs[0].data, right.docs[0].len);
			}
			seen_free(&seen);
			b.data[i] ^= masks[m];
		}
	}
	assert_true(refused > 2700 * COUNT(masks));
	seen_free(&right);
	buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_oplog),
		cmocka_unit_test(test_cut_everywhere),
		cmocka_unit_test(test_flip_everywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
