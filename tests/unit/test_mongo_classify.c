#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "mongo/classify.h"

static void
codes(void **state)
{
	static const struct {
		int32_t code;
		const char *message;
		enum err_kind kind;
	} cases[] = {
		{ 6, "", ERR_NETWORK }, { 7, "", ERR_NETWORK },
		{ 43, "", ERR_NETWORK }, { 89, "", ERR_NETWORK },
		{ 112, "", ERR_NETWORK }, { 237, "", ERR_NETWORK },
		{ 262, "", ERR_NETWORK }, { 9001, "", ERR_NETWORK },
		{ 91, "", ERR_NOT_PRIMARY }, { 189, "", ERR_NOT_PRIMARY },
		{ 10107, "", ERR_NOT_PRIMARY }, { 11600, "", ERR_NOT_PRIMARY },
		{ 11602, "", ERR_NOT_PRIMARY }, { 13435, "", ERR_NOT_PRIMARY },
		{ 13436, "", ERR_NOT_PRIMARY }, { 10058, "", ERR_NOT_PRIMARY },
		{ 16500, "", ERR_THROTTLED }, { 462, "", ERR_THROTTLED },
		{ 13, "not authorized on x", ERR_DENIED },
		{ 18, "Authentication failed.", ERR_AUTH },
		{ 121, "", ERR_REFUSED }, { 11000, "", ERR_CONFLICT },
		{ 26, "", ERR_NOT_FOUND }, { 48, "", ERR_CONFLICT },
		{ 59, "", ERR_UNSUPPORTED }, { 239, "", ERR_UNSUPPORTED },
		{ 10334, "", ERR_TOO_LARGE }, { 14031, "", ERR_QUOTA },
		{ 79, "", ERR_URI }, { 100, "", ERR_URI },
		{ 123456, "what nobody knows", ERR_UNSUPPORTED },
		{ 8000, "you are over your space quota, using 513 MB of 512 MB",
		    ERR_QUOTA },
		{ 8000, "cannot create a new collection -- already using 500 "
		    "collections of 500", ERR_QUOTA },
		{ 8000, "bad auth : Authentication failed.", ERR_AUTH },
		{ 8000, "user is not allowed to do action [collMod] on [a.b]",
		    ERR_DENIED },
		{ 8000, "command dbHash is not allowed in this Atlas tier",
		    ERR_UNSUPPORTED },
		{ 8000, "request rate limit exceeded", ERR_THROTTLED },
		{ 8000, "Too many requests, throttling", ERR_THROTTLED },
		{ 8000, "something else", ERR_UNSUPPORTED },
	};
	struct err err;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_false(classify_server(cases[i].code, cases[i].message,
		    &err));
		if (err.kind != cases[i].kind)
			fail_msg("%d %s: %s", cases[i].code, cases[i].message,
			    err_kind_name(err.kind));
		assert_int_equal(classify_code(cases[i].code,
		    cases[i].message), cases[i].kind);
		assert_int_equal(err.code, cases[i].code);
		assert_string_equal(err.message, cases[i].message);
	}
}

/* The texts as libmongoc 1.23.1 has them. */
static void
drivers_errors(void **state)
{
	static const char none[] =
	    "No suitable servers found (`serverSelectionTryOnce` set): ";
	static const struct {
		uint32_t domain, code;
		const char *message;
		enum err_kind kind;
		const char *hint;
	} cases[] = {
		{ MONGOC_ERROR_CLIENT, 11, "bad auth : Authentication failed.",
		    ERR_AUTH, "Database Access" },
		{ MONGOC_ERROR_CLIENT, 11, "Authentication failed.", ERR_AUTH,
		    "authSource" },
		{ MONGOC_ERROR_CLIENT, 11, "Failed to send \"saslStart\" "
		    "command with database \"admin\": socket error or timeout",
		    ERR_NETWORK, "" },
		{ MONGOC_ERROR_CLIENT, 11, "interrupted at shutdown",
		    ERR_NETWORK, "" },
		{ MONGOC_ERROR_SCRAM, 1, "SCRAM Failure: bad", ERR_AUTH, "URI" },
		{ MONGOC_ERROR_STREAM, 3, "Failed to look up SRV record \"_mon"
		    "godb._tcp.X\": The specified host is unknown.", ERR_DNS,
		    "paused" },
		{ MONGOC_ERROR_STREAM, 4, "Failed to read 4 bytes: socket "
		    "error or timeout", ERR_NETWORK, "" },
		{ MONGOC_ERROR_SERVER_SELECTION, 13053, "[TLS handshake failed:"
		    " error:0A000438:SSL routines::tlsv1 alert internal error "
		    "calling hello on 'host:27017']", ERR_NETWORK,
		    "Network Access" },
		{ MONGOC_ERROR_SERVER_SELECTION, 13053, "[TLS handshake failed:"
		    " Connection timed out calling hello on 'h:1']",
		    ERR_NETWORK, "TLS" },
		{ MONGOC_ERROR_SERVER_SELECTION, 13053, "[TLS handshake failed:"
		    " certificate verify failed calling hello on 'h:1']",
		    ERR_URI, "tlsCAFile" },
		{ MONGOC_ERROR_SERVER_SELECTION, 13053,
		    "[connection timeout calling hello on 'h:1']", ERR_NETWORK,
		    "firewall" },
		{ MONGOC_ERROR_SERVER_SELECTION, 13053,
		    "[socket timeout calling hello on 'h:1']", ERR_NETWORK,
		    "does not answer" },
		{ MONGOC_ERROR_SERVER_SELECTION, 13053,
		    "[connection refused calling hello on 'h:1']", ERR_NETWORK,
		    "bindIp" },
		{ MONGOC_ERROR_SERVER_SELECTION, 13053,
		    "[Failed to resolve 'nohost.invalid']", ERR_DNS, "host name" },
		{ MONGOC_ERROR_SERVER_SELECTION, 13053, "", ERR_NETWORK,
		    "replicaSet" },
		{ MONGOC_ERROR_COMMAND, 22, "Cannot assemble command for "
		    "invalidated server: x", ERR_NETWORK, "" },
		{ MONGOC_ERROR_PROTOCOL, MONGOC_ERROR_PROTOCOL_BAD_WIRE_VERSION,
		    "too old", ERR_UNSUPPORTED, "old" },
		{ MONGOC_ERROR_SERVER, 11602, "operation was interrupted",
		    ERR_NOT_PRIMARY, "" },
		{ MONGOC_ERROR_SERVER, 13, "find requires authentication",
		    ERR_DENIED, "or one that is no more" },
		{ MONGOC_ERROR_WRITE_CONCERN, 64, "waiting for replication "
		    "timed out", ERR_NETWORK, "members" },
	};
	bson_error_t e;
	struct err err;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		bool selection = cases[i].domain ==
		    MONGOC_ERROR_SERVER_SELECTION;

		bson_set_error(&e, cases[i].domain, cases[i].code, "%s%s",
		    selection ? none : "", cases[i].message);
		assert_false(classify_error(&e, NULL, &err));
		if (err.kind != cases[i].kind ||
		    strstr(err.hint, cases[i].hint) == NULL)
			fail_msg("%s: %s (%s)", e.message,
			    err_kind_name(err.kind), err.hint);
		assert_true(err.message[0] != '\0');
		if (cases[i].message[0] != '\0')
			assert_string_equal(err.message, cases[i].message);
		assert_int_equal(classify_not_sent(&e), selection);
	}
}

static void
labels(void **state)
{
	bson_error_t e;
	bson_t *reply;
	struct err err;

	(void)state;
	bson_set_error(&e, MONGOC_ERROR_SERVER, 4242, "no name for it");
	classify_error(&e, NULL, &err);
	assert_int_equal(err.kind, ERR_UNSUPPORTED);
	reply = BCON_NEW("errorLabels", "[", "RetryableWriteError", "]");
	classify_error(&e, reply, &err);
	assert_int_equal(err.kind, ERR_NETWORK);
	bson_destroy(reply);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(codes),
		cmocka_unit_test(drivers_errors),
		cmocka_unit_test(labels),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
