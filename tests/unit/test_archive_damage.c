/*
 * Archives that are damaged: each kind is refused with its own message.
 */
#include "archive_pieces.h"

/* --- the damages --- */

static void
d_empty(struct buf *b)
{

	(void)b;
}

static void
d_magic(struct buf *b)
{

	whole(b);
	b->data[0] ^= 1;
}

static void
d_bson_file(struct buf *b)
{

	document(b);
}

static void
d_gzip(struct buf *b)
{

	buf_append(b, "\x1f\x8b\x08\0\0\0\0\0\0\3abcdefghi", 19);
}

static void
d_no_version(struct buf *b)
{

	head(b, NULL);
	terminator(b);
}

static void
d_new_version(struct buf *b)
{

	head(b, "0.2");
	terminator(b);
}

static void
d_head_cut(struct buf *b)
{

	head(b, "0.1");
	buf_truncate(b, 40);
}

static void
d_head_length(struct buf *b)
{

	whole(b);
	b->data[7] = 0x7f;
}

static void
d_head_bson(struct buf *b)
{

	whole(b);
	b->data[8] = 0x55;
}

static void
d_collections_cut(struct buf *b)
{

	head(b, "0.1");
	collection(b, "db", "c", "");
}

static void
d_no_db(struct buf *b)
{

	head(b, "0.1");
	collection(b, NULL, "c", "");
	terminator(b);
}

static void
d_twice(struct buf *b)
{

	head(b, "0.1");
	collection(b, "db", "c", "");
	collection(b, "db", "d", "");
	collection(b, "db", "c", "");
	terminator(b);
}

static void
d_cut_in_document(struct buf *b)
{

	two_documents(b);
	buf_truncate(b, b->len - 5);
}

static void
d_cut_behind_document(struct buf *b)
{

	two_documents(b);
}

static void
d_cut_in_terminator(struct buf *b)
{

	two_documents(b);
	buf_append(b, "\xff\xff", 2);
}

static void
d_cut_in_block_head(struct buf *b)
{

	whole(b);
	buf_truncate(b, b->len - 20);
}

static void
d_no_end(struct buf *b)
{

	two_documents(b);
	terminator(b);
}

static void
d_no_end_terminator(struct buf *b)
{

	whole(b);
	buf_truncate(b, b->len - 4);
}

static void
d_end_with_documents(struct buf *b)
{

	begin(b);
	block(b, "db", "c", true, 0);
	document(b);
	terminator(b);
}

static void
d_no_terminator(struct buf *b)
{

	two_documents(b);
	end(b, "db", "c", crc_of_two());
}

static void
d_flipped(struct buf *b)
{

	two_documents(b);
	b->data[b->len - 5] ^= 0x10;
	terminator(b);
	end(b, "db", "c", crc_of_two());
}

static void
d_crc(struct buf *b)
{

	two_documents(b);
	terminator(b);
	end(b, "db", "c", crc_of_two() + 1);
}

static void
d_document_lost(struct buf *b)
{

	begin(b);
	block(b, "db", "c", false, 0);
	document(b);
	terminator(b);
	end(b, "db", "c", crc_of_two());
}

static void
length_is(struct buf *b, const char *length)
{

	two_documents(b);
	memcpy(b->data + b->len - sizeof(one), length, 4);
	terminator(b);
	end(b, "db", "c", 0);
}

static void
d_length_small(struct buf *b)
{

	length_is(b, "\4\0\0\0");
}

static void
d_length_short(struct buf *b)
{

	length_is(b, "\x0d\0\0\0");
}

static void
d_length_long(struct buf *b)
{

	length_is(b, "\x0f\0\0\0");
}

static void
d_length_large(struct buf *b)
{

	length_is(b, "\1\x40\0\1");
}

static void
d_length_most(struct buf *b)
{

	length_is(b, "\0\x40\0\1");
}

static void
d_length_negative(struct buf *b)
{

	length_is(b, "\xfe\xff\xff\xff");
}

static void
d_type(struct buf *b)
{

	two_documents(b);
	b->data[b->len - sizeof(one) + 4] = 0x20;
	terminator(b);
}

static void
d_deep(struct buf *b)
{
	uint32_t n = 300, i, len = n * 7 + 5;

	begin(b);
	block(b, "db", "c", false, 0);
	for (i = 0; i < n; i++, len -= 7) {
		buf_append(b, (uint8_t[]){ (uint8_t)len, (uint8_t)(len >> 8), 0,
		    0, 3, 0 }, 6);
	}
	buf_append(b, "\5\0\0\0\0", 5);
	for (i = 0; i < n; i++)
		buf_append_byte(b, 0);
	terminator(b);
}

static void
d_unknown(struct buf *b)
{

	begin(b);
	block(b, "db", "other", false, 0);
	document(b);
	terminator(b);
}

static void
d_oplog_unknown(struct buf *b)
{

	begin(b);
	block(b, "", "oplog", false, 0);
	terminator(b);
}

static void
d_block_of_something(struct buf *b)
{

	begin(b);
	document(b);
	terminator(b);
}

static void
d_headless(struct buf *b)
{

	begin(b);
	terminator(b);
}

static void
d_after_end(struct buf *b)
{

	head(b, "0.1");
	collection(b, "db", "c", "");
	collection(b, "db", "d", "");
	terminator(b);
	end(b, "db", "c", 0);
	block(b, "db", "c", false, 0);
	terminator(b);
}

static void
d_trailing(struct buf *b)
{

	whole(b);
	buf_append(b, "\0\0\0\0\0", 5);
}

static void
d_view_with_documents(struct buf *b)
{

	head(b, "0.1");
	collection(b, "db", "v",
	    "{\"options\":{\"viewOn\":\"c\",\"pipeline\":[]}}");
	terminator(b);
	block(b, "db", "v", false, 0);
	document(b);
	terminator(b);
	end(b, "db", "v", 0);
}

static void
d_db_nul(struct buf *b)
{

	head(b, "0.1");
	collection_n(b, "d\0b", 3, "c", 1, "", "");
	terminator(b);
}

static void
d_name_nul(struct buf *b)
{

	head(b, "0.1");
	collection_n(b, "db", 2, "c\0d", 3, "", "");
	terminator(b);
}

static void
d_db_long(struct buf *b)
{

	named(b, "d234567890d234567890d234567890d234567890d234567890d234567890"
	    "d234", "c");
}

static void
d_name_long(struct buf *b)
{
	char name[254];

	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	named(b, "db", name);
}

static void
d_type_unknown(struct buf *b)
{

	head(b, "0.1");
	collection_n(b, "db", 2, "c", 1, "", "graph");
	terminator(b);
}

static void
d_type_disagrees(struct buf *b)
{

	head(b, "0.1");
	collection_n(b, "db", 2, "c", 1, "{\"options\":{}}", "timeseries");
	terminator(b);
}

static const struct {
	const char *name;
	void (*make)(struct buf *b);
	enum err_kind kind;
	const char *message;	/* a part of it */
} damages[] = {
	{ "empty", d_empty, ERR_DAMAGED, "in its magic number" },
	{ "magic", d_magic, ERR_DAMAGED, "no mongodump archive" },
	{ "a .bson", d_bson_file, ERR_DAMAGED, "no mongodump archive" },
	{ "gzip unsaid", d_gzip, ERR_DAMAGED, "no mongodump archive" },
	{ "no version", d_no_version, ERR_DAMAGED, "has no version" },
	{ "version", d_new_version, ERR_UNSUPPORTED, "version \"0.2\"" },
	{ "head cut", d_head_cut, ERR_DAMAGED, "cut at byte 40, in the head" },
	{ "head length", d_head_length, ERR_DAMAGED, "the head at byte 4: its "
	    "length" },
	{ "head BSON", d_head_bson, ERR_DAMAGED, "the head at byte 4 is no" },
	{ "collections cut", d_collections_cut, ERR_DAMAGED, "in its head" },
	{ "no db", d_no_db, ERR_DAMAGED, "without a name" },
	{ "twice", d_twice, ERR_DAMAGED, "db.c is there twice" },
	{ "cut in document", d_cut_in_document, ERR_DAMAGED, "db.c, document 2 "
	    "at byte 235: it is cut: 9 of 14" },
	{ "cut behind document", d_cut_behind_document, ERR_DAMAGED,
	    "cut behind document 2 of db.c" },
	{ "cut in terminator", d_cut_in_terminator, ERR_DAMAGED,
	    "cut behind document 2 of db.c" },
	{ "cut in block head", d_cut_in_block_head, ERR_DAMAGED,
	    "in the head of a block" },
	{ "no end", d_no_end, ERR_DAMAGED, "without the end of db.c (after 2" },
	{ "no last terminator", d_no_end_terminator, ERR_DAMAGED,
	    "at the end of a collection" },
	{ "end with documents", d_end_with_documents, ERR_DAMAGED,
	    "no terminator behind the end of db.c" },
	{ "no terminator", d_no_terminator, ERR_DAMAGED, "without the end of "
	    "db.c (after 3" },
	{ "flipped", d_flipped, ERR_DAMAGED, "the checksum of db.c" },
	{ "crc", d_crc, ERR_DAMAGED, "the checksum of db.c (2 documents)" },
	{ "a document lost", d_document_lost, ERR_DAMAGED, "the checksum" },
	{ "length 4", d_length_small, ERR_DAMAGED, "document 2 at byte 235: its "
	    "length, 4," },
	{ "length 13", d_length_short, ERR_DAMAGED, "no valid BSON" },
	{ "length 15", d_length_long, ERR_DAMAGED, "no valid BSON" },
	{ "length too large", d_length_large, ERR_DAMAGED, "its length, "
	    "16793601, is" },
	{ "largest length", d_length_most, ERR_DAMAGED, "it is cut: " },
	{ "negative length", d_length_negative, ERR_DAMAGED, "length, -2, is" },
	{ "type", d_type, ERR_DAMAGED, "no valid BSON from its byte 4 on" },
	{ "deep", d_deep, ERR_DAMAGED, "no valid BSON from its byte " },
	{ "unknown", d_unknown, ERR_DAMAGED, "db.other, which the archive's" },
	{ "oplog unknown", d_oplog_unknown, ERR_DAMAGED, "oplog, which the" },
	{ "no block head", d_block_of_something, ERR_DAMAGED, "what should be "
	    "the head of a block is none" },
	{ "headless", d_headless, ERR_DAMAGED, "a block without a head" },
	{ "after its end", d_after_end, ERR_DAMAGED, "db.c, which has ended" },
	{ "trailing", d_trailing, ERR_DAMAGED, "something follows the end" },
	{ "documents of a view", d_view_with_documents, ERR_DAMAGED,
	    "documents of the view db.v" },
	{ "NUL in db", d_db_nul, ERR_DAMAGED, "a NUL in the database" },
	{ "NUL in name", d_name_nul, ERR_DAMAGED, "a NUL in the collection" },
	{ "long db", d_db_long, ERR_DAMAGED, "longer than 63 bytes" },
	{ "long name", d_name_long, ERR_DAMAGED, "longer than 255 bytes" },
	{ "unknown type", d_type_unknown, ERR_UNSUPPORTED, "\"graph\"" },
	{ "type disagrees", d_type_disagrees, ERR_DAMAGED, "\"timeseries\" and "
	    "its options are those of a collection" },
};

static void
test_damages(void **state)
{
	struct buf b;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(damages); i++) {
		buf_init(&b, 1 << 24);
		damages[i].make(&b);
		assert_refused(&b, damages[i].name, damages[i].kind,
		    damages[i].message);
		buf_free(&b);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_damages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
