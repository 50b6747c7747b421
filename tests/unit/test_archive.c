/*
 * What the real mongodump wrote (fixtures/archives/make.py) is read, in its four
 * forms, and what is written here is read back to the same.
 */
#include "archive_fixture.h"

#include "archive/crc64.h"
#include "base/log.h"

/* One source of documents: an archive in memory, or a dump. */
struct opened {
	struct buf bytes;
	struct memory memory;
	struct codec_reader *codec;
	struct archive_reader *reader;
	struct seen seen;
};

static void
finish_open(struct opened *o, struct err *err)
{

	if (o->reader == NULL)
		fail_msg("%s", err->message);
	seen_init(&o->seen);
	if (!read_all(o->reader, &o->seen, err))
		fail_msg("%s", err->message);
}

/* Takes the bytes, decompresses as name says, reads all. */
static void
open_bytes(struct opened *o, struct buf bytes, const char *name, size_t chunk)
{
	struct stream_in in = { memory_read, &o->memory };
	struct err err;

	*o = (struct opened){ .bytes = bytes };
	o->memory = (struct memory){ bytes.data, bytes.len, 0, chunk, -1 };
	o->codec = codec_reader_new(codec_by_name(name), &in, name, &err);
	assert_non_null(o->codec);
	in = codec_reader_stream(o->codec);
	o->reader = archive_reader_new(&in, name, &err);
	finish_open(o, &err);
}

static void
open_file(struct opened *o, const char *path)
{
	struct buf bytes;

	slurp(path, &bytes);
	open_bytes(o, bytes, path, 0);
}

static void
open_dump(struct opened *o, const char *path)
{
	struct err err;

	memset(o, 0, sizeof(*o));
	o->reader = archive_reader_dump(path, &filter, &err);
	finish_open(o, &err);
}

static void
close_opened(struct opened *o)
{

	archive_reader_free(o->reader);
	codec_reader_free(o->codec);
	seen_free(&o->seen);
	buf_free(&o->bytes);
}

/* --- what mongodump wrote --- */

static void
test_forms_agree(void **state)
{
	struct opened archive, gzip, dump, dump_gzip;

	(void)state;
	open_file(&archive, ARCHIVES "all.archive");
	open_file(&gzip, ARCHIVES "all.archive.gz");
	open_dump(&dump, ARCHIVES "dump");
	open_dump(&dump_gzip, ARCHIVES "dump-gzip");
	assert_string_equal(archive_reader_server_version(archive.reader),
	    "6.0.5");
	assert_string_equal(archive_reader_server_version(dump.reader),
	    "6.0.5");
	assert_string_equal(archive_reader_server_version(dump_gzip.reader),
	    "6.0.5");
	assert_same(archive.reader, &archive.seen, gzip.reader, &gzip.seen);
	assert_same(archive.reader, &archive.seen, dump.reader, &dump.seen);
	assert_same(archive.reader, &archive.seen, dump_gzip.reader,
	    &dump_gzip.seen);
	close_opened(&dump_gzip);
	close_opened(&dump);
	close_opened(&gzip);
	close_opened(&archive);
}

static void
test_content(void **state)
{
	static const uint8_t odd[] = "\x2c\0\0\0\x10_id\0\x09\0\0\0\x10\0\x01\0\0"
	    "\0\x10" "a\0\x01\0\0\0\x10" "a\0\x02\0\0\0\x02s\0\x03\0\0\0\x80"
	    "\xff\0";
	static const struct {
		const char *db, *name, *type;
		size_t docs;
		bool special;
	} expected[] = {
		{ "app", "types", "collection", 6, false },
		{ "app", "empty", "collection", 0, false },
		{ "app", "capped", "collection", 3, false },
		{ "app", "weather", "timeseries", 2, false },
		{ "app", "recent", "view", 0, false },
		{ "app", "odd/name %\xc3\xa9 .:*?", "collection", 1, false },
		{ "app", "system.js", "collection", 1, false },
		{ "second-db", "c", "collection", 12, false },
		{ "admin", "system.users", "collection", 1, true },
		{ "admin", "system.version", "collection", 2, true },
	};
	const struct archive_collection *c;
	struct opened o;
	size_t i, at, n;

	(void)state;
	open_dump(&o, ARCHIVES "dump");
	assert_int_equal(archive_reader_count(o.reader), COUNT(expected) + 1);
	for (i = 0; i < COUNT(expected); i++) {
		at = number_of(o.reader, expected[i].db, expected[i].name);
		c = archive_reader_collection(o.reader, at);
		assert_string_equal(c->type, expected[i].type);
		assert_int_equal(c->special, expected[i].special);
		assert_int_equal(o.seen.count[at], expected[i].docs);
		assert_int_equal(c->size, o.seen.docs[at].len);
	}
	at = number_of(o.reader, "app", "types");
	n = sizeof(odd);
	assert_memory_equal(o.seen.docs[at].data + o.seen.docs[at].len - n, odd,
	    n);
	c = archive_reader_collection(o.reader, at);
	assert_int_equal(c->options_len, 5);
	assert_non_null(memmem(c->indexes, c->indexes_len, "\x08hidden\0\x01",
	    9));
	c = archive_reader_collection(o.reader, number_of(o.reader, "app",
	    "recent"));
	assert_null(c->indexes);
	assert_non_null(memmem(c->options, c->options_len,
	    "\x0b$not\0^x\0i", 11));
	close_opened(&o);
}

static void
test_small_reads(void **state)
{
	struct opened whole, slow;
	struct buf bytes;

	(void)state;
	open_file(&whole, ARCHIVES "all.archive");
	slurp(ARCHIVES "all.archive", &bytes);
	open_bytes(&slow, bytes, "slow", 1);
	assert_same(whole.reader, &whole.seen, slow.reader, &slow.seen);
	close_opened(&slow);
	close_opened(&whole);
}

static void
test_every_read_may_fail(void **state)
{
	struct archive_reader *r;
	struct memory m;
	struct stream_in in = { memory_read, &m };
	struct seen seen;
	struct buf bytes;
	struct err err;
	long n;
	bool ok = false;

	(void)state;
	slurp(ARCHIVES "small.archive", &bytes);
	for (n = 0; !ok; n++) {
		m = (struct memory){ bytes.data, bytes.len, 0, 100, n };
		seen_init(&seen);
		err_clear(&err);
		r = archive_reader_new(&in, "a", &err);
		ok = r != NULL && read_all(r, &seen, &err);
		if (!ok)
			assert_string_equal(err.message, "the disk fails");
		archive_reader_free(r);
		seen_free(&seen);
	}
	assert_int_equal(n, 1 + (long)(bytes.len + 99) / 100 + 1);
	buf_free(&bytes);
}

/* --- what is written here --- */

/* Copies the documents of o into w, from all collections by turns. */
static void
copy(const struct opened *o, struct archive_writer *w)
{
	size_t at[SEEN_MAX] = { 0 }, i, left = 1, n;
	struct err err;

	while (left > 0) {
		left = 0;
		for (i = 0; i < archive_reader_count(o->reader); i++) {
			const struct buf *docs = &o->seen.docs[i];

			if (at[i] == docs->len)
				continue;
			n = (size_t)docs->data[at[i]] |
			    (size_t)docs->data[at[i] + 1] << 8;
			if (!archive_write(w, i, docs->data + at[i], n, &err))
				fail_msg("%s", err.message);
			at[i] += n;
			left += docs->len - at[i];
			if (at[i] == docs->len && i % 2 == 0 &&
			    !archive_write_end(w, i, &err))
				fail_msg("%s", err.message);
		}
	}
	if (!archive_finish(w, &err))
		fail_msg("%s", err.message);
	archive_writer_free(w);
}

/* The head of what o holds; collections is to be freed. */
static struct archive_head
head_of(const struct opened *o)
{
	struct archive_collection *c;
	size_t i, n = archive_reader_count(o->reader);

	c = calloc(n, sizeof(*c));
	assert_non_null(c);
	for (i = 0; i < n; i++)
		c[i] = *archive_reader_collection(o->reader, i);
	return (struct archive_head){ .collections = c, .n = n,
	    .server_version = "6.0.5" };
}

static void
test_archive_round_trip(void **state)
{
	struct opened from, back;
	struct archive_head head;
	struct archive_writer *w;
	struct buf bytes;
	struct stream_out out = { buf_write, &bytes };
	struct err err;

	(void)state;
	open_file(&from, ARCHIVES "all.archive");
	head = head_of(&from);
	buf_init(&bytes, 1 << 24);
	if ((w = archive_writer_new(&out, &head, &err)) == NULL)
		fail_msg("%s", err.message);
	copy(&from, w);
	assert_non_null(memmem(bytes.data, bytes.len, "system.buckets.weather",
	    22));
	open_bytes(&back, bytes, "written", 0);
	assert_same(from.reader, &from.seen, back.reader, &back.seen);
	close_opened(&back);
	close_opened(&from);
	free((void *)head.collections);
}

static void
dump_round_trip(const char *path, bool gzip)
{
	struct opened from, back;
	struct archive_head head;
	struct archive_writer *w;
	struct err err;

	open_file(&from, ARCHIVES "all.archive");
	head = head_of(&from);
	w = archive_writer_dump(path, &head, gzip, gzip ? &filter : NULL, &err);
	if (w == NULL)
		fail_msg("%s", err.message);
	copy(&from, w);
	open_dump(&back, path);
	assert_same(from.reader, &from.seen, back.reader, &back.seen);
	close_opened(&back);
	close_opened(&from);
	free((void *)head.collections);
}

/* The same files as mongodump's. */
static void
test_dump_round_trip(void **state)
{

	(void)state;
	dump_round_trip("d", false);
	assert_int_equal(system("cd d && find . -type f | sort >../ours && "
	    "cd " ARCHIVES "dump && find . -type f | sort | "
	    "cmp - \"$OLDPWD/../ours\""), 0);
	assert_int_equal(system("for f in $(cd d && find . -name '*.bson'); do "
	    "cmp d/$f " ARCHIVES "dump/$f || exit 1; done"), 0);
	assert_int_equal(system("mkdir e && ls -A >before"), 0);
	dump_round_trip("e/", true);
	assert_int_equal(system("ls -A | cmp - before"), 0);
}

/* More collections than files are kept open, each written to in turn. */
static void
test_many_files(void **state)
{
	static const uint8_t doc[] = { 5, 0, 0, 0, 0 };
	struct archive_collection c[50];
	struct archive_head head = { c, COUNT(c), "6.0.5", 0 };
	struct archive_writer *w;
	struct opened back;
	char names[COUNT(c)][8];
	struct err err;
	size_t i, round;

	(void)state;
	for (i = 0; i < COUNT(c); i++) {
		snprintf(names[i], sizeof(names[i]), "c%02zu", i);
		c[i] = (struct archive_collection){ .db = i % 2 ? "a" : "b",
		    .name = names[i], .type = "collection",
		    .options = (uint8_t *)doc, .options_len = sizeof(doc) };
	}
	w = archive_writer_dump("many", &head, true, &filter, &err);
	assert_non_null(w);
	for (round = 0; round < 3; round++)
		for (i = 0; i < COUNT(c); i++)
			assert_true(archive_write(w, i, doc, sizeof(doc),
			    &err));
	assert_true(archive_finish(w, &err));
	archive_writer_free(w);
	open_dump(&back, "many");
	assert_int_equal(archive_reader_count(back.reader), COUNT(c));
	for (i = 0; i < COUNT(c); i++)
		assert_int_equal(back.seen.count[i], 3);
	close_opened(&back);
}

/* What is not finished leaves nothing; what is not empty is left alone. */
static void
test_dump_rolls_back(void **state)
{
	struct archive_head head = { 0 };
	struct archive_writer *w;
	struct opened from;
	struct err err;

	(void)state;
	open_file(&from, ARCHIVES "all.archive");
	head = head_of(&from);
	w = archive_writer_dump("gone", &head, false, NULL, &err);
	assert_non_null(w);
	archive_writer_free(w);
	assert_int_equal(system("test -z \"$(ls -A)\""), 0);
	assert_int_equal(system("mkdir full && touch full/x"), 0);
	assert_null(archive_writer_dump("full", &head, false, NULL, &err));
	assert_int_equal(err.kind, ERR_CONFLICT);
	assert_null(archive_writer_dump("no/such", &head, false, NULL, &err));
	assert_int_equal(err.kind, ERR_NOT_FOUND);
	close_opened(&from);
	free((void *)head.collections);
}

static void
test_full_stream(void **state)
{
	struct archive_head head;
	struct archive_writer *w;
	struct opened from;
	struct buf bytes;
	struct stream_out out = { buf_write, &bytes };
	struct err err;

	(void)state;
	open_file(&from, ARCHIVES "all.archive");
	head = head_of(&from);
	buf_init(&bytes, 100);
	assert_null(archive_writer_new(&out, &head, &err));
	assert_string_equal(err.message, "it is full");
	buf_free(&bytes);
	buf_init(&bytes, 10000);
	w = archive_writer_new(&out, &head, &err);
	assert_non_null(w);
	bytes.cap = bytes.len;
	bytes.max = bytes.len + 100;
	assert_false(archive_finish(w, &err));
	archive_writer_free(w);
	buf_free(&bytes);
	close_opened(&from);
	free((void *)head.collections);
}

static void
test_crc64(void **state)
{
	const char *text = "123456789";
	uint64_t crc;
	size_t i;

	(void)state;
	assert_true(crc64_update(0, text, 9) == UINT64_C(0x995dc9bbdf1939fa));
	assert_true(crc64_update(0, text, 0) == 0);
	for (i = 0; i <= 9; i++) {
		crc = crc64_update(crc64_update(0, text, i), text + i, 9 - i);
		assert_true(crc == UINT64_C(0x995dc9bbdf1939fa));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forms_agree),
		cmocka_unit_test(test_content),
		cmocka_unit_test(test_small_reads),
		cmocka_unit_test(test_every_read_may_fail),
		cmocka_unit_test(test_archive_round_trip),
		cmocka_unit_test_setup_teardown(test_dump_round_trip, make_root,
		    remove_root),
		cmocka_unit_test_setup_teardown(test_many_files, make_root,
		    remove_root),
		cmocka_unit_test_setup_teardown(test_dump_rolls_back, make_root,
		    remove_root),
		cmocka_unit_test(test_full_stream),
		cmocka_unit_test(test_crc64),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
