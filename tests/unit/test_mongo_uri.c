#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mongo/client.h"
#include "mongo/uri.h"

static void
redacts(void **state)
{
	static const char *const cases[][2] = {
		{ "mongodb://h", "mongodb://h" },
		{ "mongodb://h:27017/db?x=y", "mongodb://h:27017/db?x=y" },
		{ "mongodb://u@h/", "mongodb://u@h/" },
		{ "mongodb://u:p@h/db", "mongodb://u:***@h/db" },
		{ "mongodb+srv://u:p@c.x.net/?w=1",
		    "mongodb+srv://u:***@c.x.net/?w=1" },
		{ "mongodb://u:@h", "mongodb://u:***@h" },
		/* Whatever an unescaped password holds. */
		{ "mongodb://u:p@ss@h/", "mongodb://u:***@h/" },
		{ "mongodb://u:p/ss@h/", "mongodb://u:***@h/" },
		{ "mongodb://u:p?s=s@h/", "mongodb://u:***@h/" },
		{ "mongodb://u:p#s://s@h/", "mongodb://u:***@h/" },
		{ "mongodb://u:p@a/b?c=d@h/e", "mongodb://u:***@h/e" },
		{ "mongodb://u:secret@h1,u2:other@h2/",
		    "mongodb://u:***@h2/" },
		{ "s3://key:secret@bucket/x", "s3://key:***@bucket/x" },
		{ "root:secret@h:1/db", "root:***@h:1/db" },
		{ "mongodb://h/?tlsCertificateKeyFilePassword=abc&x=1",
		    "mongodb://h/?tlsCertificateKeyFilePassword=***&x=1" },
		{ "mongodb://h/?x=1&authMechanismProperties=AWS_SESSION_TOKEN:t",
		    "mongodb://h/?x=1&authMechanismProperties=***" },
		{ "", "" }, { "/some/folder", "/some/folder" },
	};
	char out[200];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		mongo_redact(cases[i][0], out, sizeof(out));
		assert_string_equal(out, cases[i][1]);
	}
}

static void
redacts_into_small_buffers(void **state)
{
	static const char uri[] = "mongodb://user:secret@host/db";
	char out[64];
	size_t size;

	(void)state;
	for (size = 0; size < sizeof(out); size++) {
		memset(out, 'x', sizeof(out));
		mongo_redact(uri, out, size);
		assert_null(memmem(out, sizeof(out), "sec", 3));
		if (size > 0)
			assert_true(strlen(out) < size);
		assert_int_equal(out[size], 'x');
	}
}

static void
knows_uris(void **state)
{

	(void)state;
	assert_true(mongo_is_uri("mongodb://h"));
	assert_true(mongo_is_uri("mongodb+srv://h"));
	assert_false(mongo_is_uri("mongodb:/h"));
	assert_false(mongo_is_uri("MONGODB://h"));
	assert_false(mongo_is_uri("archive:x"));
	assert_false(mongo_is_uri(""));
}

/* No message may hold a piece of the password. */
static void
finds_mistakes(void **state)
{
	static const struct {
		const char *uri, *message, *hint;
	} cases[] = {
		{ "mongo://h", "not a MongoDB URI", "mongodb://" },
		{ "", "not a MongoDB URI", "mongodb://" },
		{ "mongodb://", "no host", "HOST" },
		{ "mongodb:///db", "no host", "HOST" },
		{ "mongodb://u:S3CRET@", "no host", "HOST" },
		{ "mongodb://u:S3@CRET@h/", "'@'", "%40" },
		{ "mongodb://u@x:S3CRET@h/", "'@'", "%40" },
		{ "mongodb://u:S3/CRET@h/", "'/'", "%2F" },
		{ "mongodb://u:S3/CR@ET@h/", "'/'", "%2F" },
		{ "mongodb://u:S3?CRET@h/", "'?'", "%3F" },
		{ "mongodb://u:S3:CRET@h/", "':'", "%3A" },
		{ "mongodb://u:S3CRET%@h/", "'%'", "%25" },
		{ "mongodb://u:S3%zzCRET@h/", "'%'", "%25" },
		{ "mongodb://u:<password>@h/", "placeholder", "without" },
		{ "mongodb+srv://u:<S3CRET>@a.b.c/", "placeholder", "without" },
		{ "mongodb+srv://u:S3CRET@h/", "three labels", "mongodb://" },
		{ "mongodb+srv://u:S3CRET@cluster.net/", "three labels",
		    "mongodb://" },
		{ "mongodb+srv://u:S3CRET@a.b.c:27017/", "no port", "27017" },
		{ "mongodb+srv://u:S3CRET@a.b.c,d.e.f/", "one host",
		    "mongodb://" },
	};
	struct err err;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (uri_check(cases[i].uri, &err))
			fail_msg("%s passes", cases[i].uri);
		assert_int_equal(err.kind, ERR_URI);
		if (strstr(err.message, cases[i].message) == NULL ||
		    strstr(err.hint, cases[i].hint) == NULL)
			fail_msg("%s: %s (%s)", cases[i].uri, err.message,
			    err.hint);
		assert_null(strstr(err.message, "S3"));
		assert_null(strstr(err.hint, "S3"));
		assert_null(strstr(err.message, "CRET"));
		assert_null(strstr(err.hint, "CRET"));
	}
}

static void
lets_good_ones_pass(void **state)
{
	static const char *const cases[] = {
		"mongodb://h", "mongodb://h:1,i:2/db", "mongodb://u:p@h",
		"mongodb://u:p%40%2F@h/db?authSource=admin",
		"mongodb://u:<p@h/", "mongodb://[::1]:27017/",
		"mongodb+srv://u:p@cluster0.abcde.mongodb.net/db?retryWrites=true",
		"mongodb://h/?appName=a@b", "mongodb://%2Ftmp%2Fx.sock/db",
	};
	struct err err;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (!uri_check(cases[i], &err))
			fail_msg("%s: %s", cases[i], err.message);
	}
}

static mongoc_uri_t *
parse(const char *text)
{
	struct mongo_options o = { .patience_ms = 1000, .max_sessions = 7 };
	mongoc_uri_t *uri;
	struct err err;

	if ((uri = uri_parse(text, &o, &err)) == NULL)
		fail_msg("%s: %s", text, err.message);
	return uri;
}

static void
never_quotes_the_password(void **state)
{
	static const char *const cases[] = {
		"mongodb://u:S3CRET@h:99999/", "mongodb://u:S3CRET@h:x/",
		"mongodb://u:S3CRET@h/?a", "mongodb://u:S3CRET@[::1/",
		"mongodb://u:S3CRET@h/d$b",
		"mongodb://u:S3CRET@h/?authSource=%zz",
	};
	struct mongo_options o = { .patience_ms = 1000, .max_sessions = 7 };
	mongoc_uri_t *uri;
	struct err err;
	size_t i, failed = 0;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		err_clear(&err);
		if ((uri = uri_parse(cases[i], &o, &err)) != NULL) {
			mongoc_uri_destroy(uri);
			continue;
		}
		failed++;
		assert_int_equal(err.kind, ERR_URI);
		assert_null(strstr(err.message, "S3CRET"));
		assert_null(strstr(err.hint, "S3CRET"));
	}
	assert_true(failed >= 4);
}

static bool
compresses(const char *text)
{
	mongoc_uri_t *uri = parse(text);
	const bson_t *c = mongoc_uri_get_compressors(uri);
	bool yes = c != NULL && !bson_empty(c);

	mongoc_uri_destroy(uri);
	return yes;
}

static void
asks_for_compression_where_it_pays(void **state)
{

	(void)state;
	assert_true(compresses("mongodb://db.example/"));
	assert_true(compresses("mongodb+srv://c.abcde.example.net/"));
	assert_false(compresses("mongodb://localhost/"));
	assert_false(compresses("mongodb://127.0.0.1:1/"));
	assert_false(compresses("mongodb://db.example,LOCALHOST/"));
	assert_false(compresses("mongodb://%2Ftmp%2Fmongodb-27017.sock/"));
	assert_true(compresses("mongodb://localhost/?compressors=zlib"));
	assert_true(compresses("mongodb://db.example/?compressors=zlib"));
	assert_false(compresses("mongodb://db.example/?compressors="));
}

static void
sets_what_is_left_open(void **state)
{
	mongoc_uri_t *uri = parse("mongodb://h/");
	const mongoc_write_concern_t *wc;

	(void)state;
	assert_string_equal(mongoc_uri_get_appname(uri), "spaceferry");
	assert_int_equal(mongoc_uri_get_option_as_int32(uri,
	    MONGOC_URI_MAXPOOLSIZE, 0), 8);
	assert_true(mongoc_uri_get_option_as_int32(uri,
	    MONGOC_URI_SERVERSELECTIONTIMEOUTMS, 0) < 5000);
	mongoc_uri_destroy(uri);
	uri = parse("mongodb://h/?appName=mine&connectTimeoutMS=123&w=0");
	assert_string_equal(mongoc_uri_get_appname(uri), "mine");
	assert_int_equal(mongoc_uri_get_option_as_int32(uri,
	    MONGOC_URI_CONNECTTIMEOUTMS, 0), 123);
	wc = mongoc_uri_get_write_concern(uri);
	assert_true(mongoc_write_concern_is_acknowledged(wc));
	mongoc_uri_destroy(uri);
}

static void
reads_from_the_primary_where_told(void **state)
{
	static const char text[] = "mongodb://h/?readPreference=secondary";
	struct mongo_options o = { .primary = true };
	mongoc_uri_t *uri;
	struct err err;

	(void)state;
	uri = parse(text);
	assert_int_equal(mongoc_read_prefs_get_mode(
	    mongoc_uri_get_read_prefs_t(uri)), MONGOC_READ_SECONDARY);
	mongoc_uri_destroy(uri);
	assert_non_null(uri = uri_parse(text, &o, &err));
	assert_int_equal(mongoc_read_prefs_get_mode(
	    mongoc_uri_get_read_prefs_t(uri)), MONGOC_READ_PRIMARY);
	mongoc_uri_destroy(uri);
}

static void
names_hosts(void **state)
{
	static const char *const cases[][2] = {
		{ "mongodb://h", "h:27017" },
		{ "mongodb://B:2,a,C:1/db", "a:27017,b:2,c:1" },
		{ "mongodb://u:p@H/", "h:27017" },
		{ "mongodb+srv://u:p@Cluster0.Abc.mongodb.net/",
		    "srv:cluster0.abc.mongodb.net" },
	};
	mongoc_uri_t *uri;
	char *hosts;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uri = parse(cases[i][0]);
		assert_non_null(hosts = uri_hosts(uri));
		assert_string_equal(hosts, cases[i][1]);
		free(hosts);
		mongoc_uri_destroy(uri);
	}
}

static int
set_up(void **state)
{

	(void)state;
	mongo_global_init();
	return 0;
}

static int
tear_down(void **state)
{

	(void)state;
	mongo_global_cleanup();
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(redacts),
		cmocka_unit_test(redacts_into_small_buffers),
		cmocka_unit_test(knows_uris),
		cmocka_unit_test(finds_mistakes),
		cmocka_unit_test(lets_good_ones_pass),
		cmocka_unit_test(never_quotes_the_password),
		cmocka_unit_test(asks_for_compression_where_it_pays),
		cmocka_unit_test(sets_what_is_left_open),
		cmocka_unit_test(reads_from_the_primary_where_told),
		cmocka_unit_test(names_hosts),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
