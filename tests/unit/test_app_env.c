#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "app/dburi.h"
#include "app/envfile.h"
#include "app/variable.h"

/* Environment files, variables, MONGODB_URI. */

static void
parse(struct envfile *e, const char *text, size_t len)
{
	struct err err;

	assert_true(envfile_parse(e, text, len, &err));
}

static void
values(void **state)
{
	static const struct {
		const char *text, *name, *value;
		unsigned line;
	} cases[] = {
		{ "A=1", "A", "1", 1 },
		{ "\n\n  A = 1  \r\n", "A", "1", 3 },
		{ "# A=0\nexport A=1", "A", "1", 2 },
		{ "export\tA=1", "A", "1", 1 },
		{ "A=1\nA=2", "A", "2", 2 },
		{ "A=", "A", "", 1 },
		{ "A=\nB=x", "A", "", 1 },
		{ "A=\nB=x", "B", "x", 2 },
		{ "A=x # why", "A", "x", 1 },
		{ "A=\"x # y\" # why", "A", "x # y", 1 },
		{ "A='x \\n y'", "A", "x \\n y", 1 },
		{ "A=\"x\\ny\"", "A", "x\ny", 1 },
		{ "A=`x 'y' \"z\"`", "A", "x 'y' \"z\"", 1 },
		{ "A=\"x\ny\nz\"\nB=2", "A", "x\ny\nz", 1 },
		{ "A=\"x\ny\nz\"\nB=2", "B", "2", 4 },
		{ "A=\"x\\\"y\"", "A", "x\\\"y", 1 },
		{ "A=it's", "A", "it's", 1 },
		{ "A=\"open\nB=2", "B", "2", 2 },
		{ "A=\"open\nB=2", "A", "\"open", 1 },
		{ "A=$HOME/x", "A", "$HOME/x", 1 },
		{ "a.b-c=1", "a.b-c", "1", 1 },
		{ "\xef\xbb\xbf" "A=1", "A", "1", 1 },
		{ "A=b=c", "A", "b=c", 1 },
	};
	const struct envfile_variable *v;
	struct envfile e;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		parse(&e, cases[i].text, strlen(cases[i].text));
		v = envfile_get(&e, cases[i].name);
		if (v == NULL || strcmp(v->value, cases[i].value) != 0 ||
		    v->line != cases[i].line)
			fail_msg("%zu: '%s' is '%s', line %u", i, cases[i].name,
			    v != NULL ? v->value : "(none)",
			    v != NULL ? v->line : 0);
		envfile_free(&e);
	}
}

static void
bad_lines(void **state)
{
	static const char text[] = "A=1\nwhat\n2B=1\n=3\nC=x#y\nD=x #y\n-E=1";
	struct envfile e;

	(void)state;
	parse(&e, text, sizeof(text) - 1);
	assert_int_equal(e.n, 3);
	assert_int_equal(e.bad, 4);
	assert_int_equal(e.bad_line, 2);
	assert_true(envfile_get(&e, "C")->cut);
	assert_string_equal(envfile_get(&e, "C")->value, "x");
	assert_false(envfile_get(&e, "D")->cut);
	assert_null(envfile_get(&e, "E"));
	envfile_free(&e);
	assert_int_equal(e.n, 0);
	parse(&e, NULL, 0);
	assert_int_equal(e.n, 0);
	envfile_free(&e);
}

static void
records(void **state)
{
	static const char text[] = "A=1\0B=x\ny # \"z\"\0nothing\0\0C=\0D=4";
	struct envfile e;

	(void)state;
	parse(&e, text, sizeof(text) - 1);
	assert_int_equal(e.n, 4);
	assert_string_equal(envfile_get(&e, "B")->value, "x\ny # \"z\"");
	assert_int_equal(envfile_get(&e, "B")->line, 2);
	assert_string_equal(envfile_get(&e, "C")->value, "");
	assert_string_equal(envfile_get(&e, "D")->value, "4");
	assert_int_equal(e.bad, 1);
	assert_int_equal(e.bad_line, 3);
	envfile_free(&e);
}

static void
placeholders(void **state)
{
	static const char *const examples[] = { "hf_xxxxxxxxxxxxxxxxxxxxx",
	    "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx", "your-mistral-key",
	    "your-super-secret-jwt-key-change-this", "changeme", "<password>",
	    "mongodb+srv://user:pass@cluster.mongodb.net/x",
	    "mongodb+srv://me:<db_password>@c.mongodb.net/x",
	    "mongodb://username:password@host/db", "sk_live_XXXXXXXX",
	    "votre-cle" };
	static const char *const real[] = { "", "x", "hf_aBcDeFxxxxgHiJk9",
	    "mongodb+srv://me:pw@c.mongodb.net/x", "a<b", "a<b,c>d",
	    "xx", "Zk39dkQm20sLw84nRt57yUx1pVb6cHf2", "yourself" };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(examples) / sizeof(examples[0]); i++) {
		if (variable_placeholder(examples[i]) == NULL)
			fail_msg("'%s' is an example", examples[i]);
	}
	for (i = 0; i < sizeof(real) / sizeof(real[0]); i++) {
		if (variable_placeholder(real[i]) != NULL)
			fail_msg("'%s' is none", real[i]);
	}
}

static void
names(void **state)
{

	(void)state;
	assert_true(variable_is_required("MONGODB_URI"));
	assert_false(variable_is_required("MONGODB"));
	assert_true(variable_is_secret("STRIPE_SECRET_KEY"));
	assert_true(variable_is_secret("DATABASE_URL"));
	assert_false(variable_is_secret("NEXTAUTH_URL"));
	assert_false(variable_is_secret("KEYBOARD"));
	assert_true(variable_is_public("NEXT_PUBLIC_X"));
	assert_true(variable_is_provided("NODE_ENV"));
	assert_true(variable_is_provided("SPACE_HOST"));
	assert_false(variable_is_provided("NODE"));
	assert_true(variable_is_smtp("SMTP_HOST", "x"));
	assert_false(variable_is_smtp("SMTP_HOST", ""));
	assert_true(variable_is_smtp("ANY_PORT", "465"));
	assert_false(variable_is_smtp("ANY_PORT", "4650"));
	assert_true(variable_is_smtp("MAILER", "smtp://u:p@h:587"));
	assert_false(variable_is_smtp("BREVO_API_KEY", "x"));
	assert_true(variable_is_known_secret("your-secret-key"));
	assert_false(variable_is_known_secret("your-secret-key-2"));
}

static void
uris(void **state)
{
	static const struct {
		const char *uri;
		bool valid, srv, unescaped, srv_port;
		enum dburi_reach reach;
		const char *host, *database;
	} cases[] = {
		{ "mongodb+srv://u:p@c.a.net/db?w=1", true, true, false, false,
		    DBURI_PUBLIC, "c.a.net", "db" },
		{ "mongodb://h", true, false, false, false, DBURI_BARE, "h", "" },
		{ "mongodb://h.example:27017/", true, false, false, false,
		    DBURI_PUBLIC, "h.example", "" },
		{ "mongodb://a.example:1,localhost:2/x", true, false, false,
		    false, DBURI_LOCAL, "localhost", "x" },
		{ "mongodb://u:p%40@127.0.0.1/x", true, false, false, false,
		    DBURI_LOCAL, "127.0.0.1", "x" },
		{ "mongodb://u:p@x@h.example/x", true, false, true, false,
		    DBURI_PUBLIC, "h.example", "x" },
		{ "mongodb://u:p/x@h.example/x", true, false, true, false,
		    DBURI_PUBLIC, "h.example", "x" },
		{ "mongodb://u:5%@h.example/x", true, false, true, false,
		    DBURI_PUBLIC, "h.example", "x" },
		{ "mongodb://u:p@h.example/x?appName=a@b", true, false, false,
		    false, DBURI_PUBLIC, "h.example", "x" },
		{ "mongodb+srv://c.a.net:27017/x", true, true, false, true,
		    DBURI_PUBLIC, "c.a.net", "x" },
		{ "mongodb+srv://c.a.net,d.a.net/x", true, true, false, true,
		    DBURI_PUBLIC, "c.a.net", "x" },
		{ "mongodb://192.168.1.2/x", true, false, false, false,
		    DBURI_PRIVATE, "192.168.1.2", "x" },
		{ "mongodb://172.20.0.2/x", true, false, false, false,
		    DBURI_PRIVATE, "172.20.0.2", "x" },
		{ "mongodb://172.32.0.2/x", true, false, false, false,
		    DBURI_PUBLIC, "172.32.0.2", "x" },
		{ "mongodb://[::1]:27017/x", true, false, false, false,
		    DBURI_LOCAL, "[::1]", "x" },
		{ "mongodb://", false, false, false, false, DBURI_PUBLIC, "",
		    "" },
		{ "http://h/x", false, false, false, false, DBURI_PUBLIC, "",
		    "" },
	};
	struct dburi u;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		dburi_read(&u, cases[i].uri);
		if (u.valid != cases[i].valid || u.srv != cases[i].srv ||
		    u.unescaped != cases[i].unescaped ||
		    u.srv_port != cases[i].srv_port ||
		    u.reach != cases[i].reach ||
		    strcmp(u.host, cases[i].host) != 0 ||
		    strcmp(u.database, cases[i].database) != 0)
			fail_msg("%s: %d %d %d %d %d '%s' '%s'", cases[i].uri,
			    u.valid, u.srv, u.unescaped, u.srv_port, u.reach,
			    u.host, u.database);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values),
		cmocka_unit_test(bad_lines),
		cmocka_unit_test(records),
		cmocka_unit_test(placeholders),
		cmocka_unit_test(names),
		cmocka_unit_test(uris),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
