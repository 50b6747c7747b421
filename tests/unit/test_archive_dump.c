/*
 * Dump directories that are damaged, hostile or incomplete.
 */
#include "archive_fixture.h"

#include <sys/stat.h>

#include "base/log.h"

#define OPTIONS "{\"options\":{},\"indexes\":[]}"
#define VIEW "{\"options\":{\"viewOn\":\"c\",\"pipeline\":[]},\"indexes\":[]}"
#define SERIES "{\"options\":{\"timeseries\":{\"timeField\":\"t\"}}}"

static const uint8_t one[14] = { 14, 0, 0, 0, 0x10, '_', 'i', 'd', 0, 1 };
static unsigned warnings;

static void
count_warnings(enum log_level level, const char *line, void *arg)
{

	(void)line;
	(void)arg;
	warnings += level == LOG_WARNING;
}

/* Writes d/name. */
static void
put(const char *name, const void *data, size_t len)
{
	char path[400];
	struct err err;

	snprintf(path, sizeof(path), "d/%s", name);
	if (!file_replace(path, data, len, &err))
		fail_msg("%s", err.message);
}

static void
put_text(const char *name, const char *text)
{

	put(name, text, strlen(text));
}

/* A dump of db.c with one document. */
static void
dump(void)
{

	assert_int_equal(system("rm -rf d && mkdir -p d/db"), 0);
	put("db/c.bson", one, sizeof(one));
	put_text("db/c.metadata.json", OPTIONS);
}

static void
d_nothing(void)
{

	assert_int_equal(system("rm -rf d"), 0);
}

static void
d_empty(void)
{

	assert_int_equal(system("rm -rf d && mkdir d"), 0);
}

static void
d_file(void)
{

	assert_int_equal(system("rm -rf d && touch d"), 0);
}

static void
d_outside(void)
{

	dump();
	put("c.bson", one, sizeof(one));
}

static void
d_database_itself(void)
{

	dump();
	assert_int_equal(system("mv d/db x && rmdir d && mv x d"), 0);
}

static void
d_cut_in_document(void)
{

	dump();
	put("db/c.bson", "\x0e\0\0\0\x10_id\0\1\0\0\0\0\x0e\0\0\0\x10", 19);
}

static void
d_cut_in_length(void)
{

	dump();
	put("db/c.bson", "\x0e\0\0\0\x10_id\0\1\0\0\0\0\x0e\0\0", 17);
}

static void
d_bson(void)
{

	dump();
	put("db/c.bson", "\x0e\0\0\0\x20_id\0\1\0\0\0\0", 14);
}

static void
d_json(void)
{

	dump();
	put_text("db/c.metadata.json", "{\"options\":{},");
}

static void
d_shape(void)
{

	dump();
	put_text("db/c.metadata.json", "{\"indexes\":5}");
}

static void
d_no_bson(void)
{

	dump();
	assert_int_equal(unlink("d/db/c.bson"), 0);
}

static void
d_view_with_documents(void)
{

	dump();
	put_text("db/c.metadata.json", VIEW);
}

static void
d_series_without_buckets(void)
{

	dump();
	put_text("db/x.metadata.json", SERIES);
}

static void
d_buckets_alone(void)
{

	dump();
	put("db/system.buckets.x.bson", one, sizeof(one));
}

static void
d_two_forms(void)
{

	dump();
	put("db/c.bson.gz", one, sizeof(one));
}

static void
d_two_metadata(void)
{

	dump();
	assert_int_equal(system("cd d/db && gzip -k c.bson c.metadata.json"), 0);
}

static void
d_two_names(void)
{

	dump();
	put("db/a+b.bson", one, sizeof(one));
	put("db/a%20b.bson", one, sizeof(one));
}

static void
d_not_gzip(void)
{

	dump();
	assert_int_equal(unlink("d/db/c.bson"), 0);
	put("db/c.bson.gz", one, sizeof(one));
}

static void
d_gzip_cut(void)
{

	dump();
	assert_int_equal(system("cd d/db && gzip c.bson && truncate -s -3 "
	    "c.bson.gz"), 0);
}

static void
d_escape(void)
{

	dump();
	put("db/a%2.bson", one, sizeof(one));
}

static void
d_escaped_nul(void)
{

	dump();
	put("db/a%00b.bson", one, sizeof(one));
}

static void
d_escaped_dots(void)
{

	dump();
	put("db/%2E%2E%2Fx.bson", one, sizeof(one));
}

static void
d_reserved(void)
{

	dump();
	put("db/system.views.bson", one, sizeof(one));
}

static void
d_database_name(void)
{

	dump();
	assert_int_equal(system("mv d/db 'd/a b'"), 0);
}

static void
d_link_to_folder(void)
{

	dump();
	assert_int_equal(symlink("/etc", "d/etc"), 0);
}

static void
d_link_to_file(void)
{

	dump();
	assert_int_equal(unlink("d/db/c.bson"), 0);
	assert_int_equal(symlink("/etc/passwd", "d/db/c.bson"), 0);
}

static void
d_fifo(void)
{

	dump();
	assert_int_equal(unlink("d/db/c.bson"), 0);
	assert_int_equal(mkfifo("d/db/c.bson", 0600), 0);
}

/* A name of 238 bytes with %24 in it says nothing by itself. */
static void
put_cut(const char *ending, const char *text)
{
	char name[300];

	snprintf(name, sizeof(name), "db/%0208d%%24%027d%s", 0, 0, ending);
	put_text(name, text);
}

static void
d_cut_name(void)
{

	dump();
	put_cut(".bson", "");
}

static void
d_cut_name_of_another(void)
{

	dump();
	put_cut(".bson", "");
	put_cut(".metadata.json", "{\"collectionName\":\"x\"}");
}

static void
d_prelude(void)
{

	dump();
	put_text("prelude.json", "{");
}

static const struct {
	const char *name;
	void (*make)(void);
	enum err_kind kind;
	const char *message;
} damages[] = {
	{ "nothing", d_nothing, ERR_NOT_FOUND, "No such file" },
	{ "empty", d_empty, ERR_NOT_FOUND, "no collection in it" },
	{ "a file", d_file, ERR_NOT_FOUND, "Not a directory" },
	{ "outside", d_outside, ERR_DAMAGED, "c.bson is in no database's" },
	{ "a database", d_database_itself, ERR_DAMAGED, "in no database's" },
	{ "cut in document", d_cut_in_document, ERR_DAMAGED, "db/c.bson: db.c, "
	    "document 2 at byte 14: it is cut: 5 of 14" },
	{ "cut in length", d_cut_in_length, ERR_DAMAGED, "db/c.bson: db.c: it "
	    "is cut behind document 1, at byte 14" },
	{ "BSON", d_bson, ERR_DAMAGED, "document 1 at byte 0: it is no valid" },
	{ "JSON", d_json, ERR_DAMAGED, "db/c.metadata.json: no Extended JSON" },
	{ "shape", d_shape, ERR_DAMAGED, "c.metadata.json: \"indexes\" is no" },
	{ "no .bson", d_no_bson, ERR_DAMAGED, "has no file of documents" },
	{ "view", d_view_with_documents, ERR_DAMAGED, "is that of a view" },
	{ "no buckets", d_series_without_buckets, ERR_DAMAGED,
	    "x.metadata.json has no file of documents" },
	{ "buckets", d_buckets_alone, ERR_DAMAGED, "without its metadata" },
	{ "two forms", d_two_forms, ERR_DAMAGED, "db.c is there twice" },
	{ "two metadata", d_two_metadata, ERR_DAMAGED, "db.c is there twice" },
	{ "two names", d_two_names, ERR_DAMAGED, "db.a b is there twice" },
	{ "no gzip", d_not_gzip, ERR_DAMAGED, "db/c.bson.gz: incorrect" },
	{ "gzip cut", d_gzip_cut, ERR_DAMAGED, "db/c.bson.gz: it is cut" },
	{ "escape", d_escape, ERR_DAMAGED, "a '%' that is no escape" },
	{ "NUL", d_escaped_nul, ERR_DAMAGED, "a NUL in the collection" },
	{ "dots", d_escaped_dots, ERR_DAMAGED, "\"../x\" begins with a dot" },
	{ "reserved", d_reserved, ERR_DAMAGED, "is the server's own" },
	{ "database", d_database_name, ERR_DAMAGED, "' ' in the database" },
	{ "link", d_link_to_folder, ERR_DAMAGED, "etc is a symbolic link" },
	{ "file link", d_link_to_file, ERR_DAMAGED, "it is a symbolic link" },
	{ "fifo", d_fifo, ERR_DAMAGED, "db/c.bson: it is no file" },
	{ "cut name", d_cut_name, ERR_DAMAGED, "the name is cut" },
	{ "cut name of another", d_cut_name_of_another, ERR_DAMAGED,
	    "those of another collection" },
	{ "prelude", d_prelude, ERR_DAMAGED, "prelude.json: no JSON" },
};

/* Reads d.  False with *err. */
static bool
read_dump(struct seen *seen, struct err *err)
{
	struct archive_reader *r;
	bool ok;

	err_clear(err);
	r = archive_reader_dump("d", &filter, err);
	ok = r != NULL && read_all(r, seen, err);
	archive_reader_free(r);
	return ok;
}

static void
test_damages(void **state)
{
	struct seen seen;
	struct err err;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(damages); i++) {
		damages[i].make();
		seen_init(&seen);
		if (read_dump(&seen, &err))
			fail_msg("%s: was read", damages[i].name);
		if (err.kind != damages[i].kind || strstr(err.message,
		    damages[i].message) == NULL ||
		    strstr(err.message, "dump d") == NULL)
			fail_msg("%s: %s: %s", damages[i].name,
			    err_kind_name(err.kind), err.message);
		seen_free(&seen);
	}
}

/* What is odd but says nothing false is read, with a warning where something is
 * left out. */
static void
test_odd(void **state)
{
	static const struct {
		const char *command;	/* in the folder of the dump */
		unsigned warnings, collections, documents;
	} odd[] = {
		{ "true", 0, 1, 1 },
		{ "cp db/c.bson oplog.bson", 1, 1, 1 },
		{ "touch README .DS_Store db/notes", 3, 1, 1 },
		{ "mkdir db/folder", 1, 1, 1 },
		{ "rm db/c.metadata.json", 1, 1, 1 },
		{ "echo '" VIEW "' >db/v.metadata.json", 0, 2, 1 },
		{ "echo '" SERIES "' >db/x.metadata.json; "
		    "cp db/c.bson db/system.buckets.x.bson", 0, 2, 2 },
		{ "echo '" SERIES "' >db/x.metadata.json; "
		    "cp db/c.bson db/x.bson", 0, 2, 2 },
		{ "gzip db/*; mkdir other; : >other/e.bson; "
		    "cp db/c.metadata.json.gz other/e.metadata.json.gz", 0, 2,
		    1 },
		{ ": >db/c.bson; : >db/c.metadata.json", 0, 1, 0 },
		{ "cat db/c.bson db/c.bson | gzip >db/c.bson.gz; rm db/c.bson; "
		    "gzip <db/c.bson.gz >/dev/null", 0, 1, 2 },
	};
	struct seen seen;
	struct err err;
	char command[300];
	size_t i, n, docs;

	(void)state;
	log_set_handler(count_warnings, NULL, LOG_WARNING);
	for (i = 0; i < COUNT(odd); i++) {
		dump();
		snprintf(command, sizeof(command), "cd d && { %s; }",
		    odd[i].command);
		assert_int_equal(system(command), 0);
		warnings = 0;
		seen_init(&seen);
		if (!read_dump(&seen, &err))
			fail_msg("%s: %s", odd[i].command, err.message);
		for (n = docs = 0; n < SEEN_MAX && seen.ended[n]; n++)
			docs += seen.count[n];
		if (n != odd[i].collections || docs != odd[i].documents ||
		    warnings != odd[i].warnings)
			fail_msg("%s: %zu collections, %zu documents, %u "
			    "warnings", odd[i].command, n, docs, warnings);
		seen_free(&seen);
	}
	log_set_handler(NULL, NULL, LOG_WARNING);
}

/* Without a filter plain files are read, compressed ones are not. */
static void
test_without_filter(void **state)
{
	struct archive_reader *r;
	struct seen seen;
	struct err err;

	(void)state;
	dump();
	seen_init(&seen);
	r = archive_reader_dump("d", NULL, &err);
	assert_true(r != NULL && read_all(r, &seen, &err));
	archive_reader_free(r);
	seen_free(&seen);
	assert_int_equal(system("gzip d/db/*"), 0);
	assert_null(archive_reader_dump("d", NULL, &err));
	assert_int_equal(err.kind, ERR_UNSUPPORTED);
}

/* Freed in the middle of a file, nothing is left open. */
static void
test_left_early(void **state)
{
	struct archive_reader *r;
	struct archive_item item;
	struct err err;

	(void)state;
	dump();
	assert_int_equal(system("gzip d/db/c.bson"), 0);
	r = archive_reader_dump("d", &filter, &err);
	assert_non_null(r);
	assert_int_equal(archive_next(r, &item, &err), ARCHIVE_DOC);
	assert_int_equal(item.len, sizeof(one));
	archive_reader_free(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_damages, make_root,
		    remove_root),
		cmocka_unit_test_setup_teardown(test_odd, make_root,
		    remove_root),
		cmocka_unit_test_setup_teardown(test_without_filter, make_root,
		    remove_root),
		cmocka_unit_test_setup_teardown(test_left_early, make_root,
		    remove_root),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
