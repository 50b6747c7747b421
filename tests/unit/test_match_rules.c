/* Point 1: what a rule is; point 7's last sentence: which ones a second pass
 * may change. */
#include "match_fixture.h"

static void
refused(void **state)
{
	static const struct {
		const char *from, *to, *says;
	} bad[] = {
		{ "", "/u", "FROM must start" },
		{ "/", "/u", "FROM must start" },
		{ "//old.example/", "https://new.example/", "FROM must start" },
		{ "ftp://old.example/", "/", "FROM must start" },
		{ "http:/old.example/", "/", "FROM must start" },
		{ "http:", "/", "FROM must start" },
		{ " https://old.example/", "/", "FROM must start" },
		{ "https://", "/", "host of FROM is missing" },
		{ "https:///a", "/a", "host of FROM is missing" },
		{ "https://:80/", "/", "host of FROM is missing" },
		{ "https://.example/", "/", "host of FROM is missing" },
		{ "https://a..example/", "/", "empty label" },
		{ "https://me@old.example/", "/", "user name" },
		{ "https://old example/", "/", "no host name has" },
		{ "https://old%20example/", "/", "no host name has" },
		{ "https://old.example:/", "/", "malformed port" },
		{ "https://old.example:x/", "/", "malformed port" },
		{ "https://old.example:80a/", "/", "malformed port" },
		{ "https://old.example:0/", "/", "malformed port" },
		{ "https://old.example:0443/", "/", "malformed port" },
		{ "https://old.example:65536/", "/", "malformed port" },
		{ "https://old.example:123456/", "/", "malformed port" },
		{ "https://*/", "/", "leftmost label" },
		{ "https://*./", "/", "leftmost label" },
		{ "https://a*.example/", "/", "leftmost label" },
		{ "https://*a.example/", "/", "leftmost label" },
		{ "https://a.*.example/", "/", "leftmost label" },
		{ "https://*.*.example/", "/", "leftmost label" },
		{ "https://*.example/*/", "/", "leftmost host label" },
		{ "/up*", "/u", "leftmost host label" },
		{ "https://old.example/a b", "/a", "no URL has" },
		{ "https://old.example/\xc3\xa9", "/a", "no URL has" },
		{ "/a\\b", "/a", "no URL has" },
		{ "/a\"", "/a", "no URL has" },
		{ "/a", "b", "no URL and no path" },
		{ "/a", "ftp://b", "no URL and no path" },
		{ "/a", "https:/b", "no URL and no path" },
		{ "/a", "/b c", "TO has a character" },
		{ "/a", "https://n\xc3\xa9w.example", "TO has a character" },
		{ "/a", "https://", "host of TO" },
		{ "/a/", "//", "host of TO" },
		{ "/a/", "https:///b/", "host of TO" },
		{ "/a", "https://?b", "host of TO" },
		{ "/a/", "/b", "ends in /" },
		{ "/a", "/b/", "ends in /" },
		{ "/a/", "", "ends in /" },
		{ "https://old.example/", "https://new.example", "ends in /" },
		{ "https://xn--\xc3\xa9.example/", "/", "internationalised" },
		{ "https://a\xff.example/", "/", "internationalised" },
	};
	struct fixture_rules f = { { NULL, NULL, NULL } };
	struct err err;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		f.pair[0] = bad[i].from;
		f.pair[1] = bad[i].to;
		memset(&err, 0, sizeof(err));
		if (fixture_compile(&f, &err) != NULL)
			fail_msg("%s=%s is no rule", bad[i].from, bad[i].to);
		assert_int_equal(err.kind, ERR_RULE);
		if (strstr(err.message, bad[i].says) == NULL)
			fail_msg("%s=%s: %s", bad[i].from, bad[i].to,
			    err.message);
		/* It names the rule and says how to mend it. */
		assert_non_null(strstr(err.message, "rule 1"));
		assert_true(err.hint[0] != '\0');
	}
}

static void
taken(void **state)
{
	static const char *const good[][2] = {
		{ "/a", "" }, { "/a", "/b" }, { "/a/", "/" }, { "/a/", "//b/" },
		{ "/a", "//b" }, { "HTTPS://OLD.example", "HTTP://New.example" },
		{ "https://old.example", "" }, { "https://old.example?", "" },
		{ "https://old.example#", "/x" }, { "/a?b=", "/c/" },
		{ "/a#", "https://b/" }, { "http://localhost", "https://a" },
		{ "http://localhost:3000/", "/" }, { "http://10.0.0.1:1/", "/" },
		{ "http://[::1]:3000/", "/" }, { "http://[fe80::1]", "/x" },
		{ "https://a_b.example/", "/" }, { "https://old.example./", "/" },
		{ "https://*.ezia.ai/", "https://ezia.example/s/$1/" },
		{ "https://*.ezia.ai:81/", "https://$1.new.example/$1/" },
		{ "https://*.caf\xc3\xa9.example/", "/" },
		{ "https://caf\xc3\xa9.example", "https://xn--caf-dma.new" },
		{ "/-._~:?#[]@!$&'(),;=%", "/-._~:?#[]@!$&'()*+,;=%" },
	};
	struct fixture_rules f = { { NULL, NULL, NULL } };
	struct match_rules *rules;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		f.pair[0] = good[i][0];
		f.pair[1] = good[i][1];
		rules = fixture_rules(&f);
		assert_int_equal(match_rules_count(rules), 1);
		match_rules_free(rules);
	}
}

static void
same_from(void **state)
{
	static const struct fixture_rules same[] = {
		{ { "/a/", "/b/", "/a/", "/c/", NULL } },
		{ { "https://a.example/", "/b/", "HTTPS://A.EXAMPLE/", "/", NULL } },
		{ { "https://a.example/", "/b/", "https://a.example:443/", "/",
		    NULL } },
		{ { "http://a.example:80", "/b", "http://a.example", "/c", NULL } },
		{ { "https://*.a.example/", "/b/", "https://*.A.example/", "/c/",
		    NULL } },
		{ { "/x/", "/y/", "https://\xc3\xa9.example/", "/b/",
		    "https://\xc3\xa9.EXAMPLE/", "/", NULL } },
	};
	static const struct fixture_rules differ[] = {
		{ { "/a/", "/b/", "/A/", "/c/", NULL } },
		{ { "/a", "/b", "/a/", "/c/", NULL } },
		{ { "http://a.example/", "/b/", "https://a.example/", "/", NULL } },
		{ { "http://a.example/", "/b/", "http://a.example:443/", "/",
		    NULL } },
		{ { "https://*.a.example/", "/b/", "https://a.example/", "/", NULL } },
		{ { "https://a.example/x", "/b", "https://a.example/X", "/c", NULL } },
	};
	struct match_rules *rules;
	struct err err;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
		assert_null(fixture_compile(&same[i], &err));
		assert_int_equal(err.kind, ERR_RULE);
		assert_non_null(strstr(err.message, "the same FROM"));
		assert_non_null(strstr(err.message, i == 5 ? "and 3" : "and 2"));
	}
	for (i = 0; i < sizeof(differ) / sizeof(differ[0]); i++) {
		rules = fixture_rules(&differ[i]);
		assert_int_equal(match_rules_count(rules), 2);
		match_rules_free(rules);
	}
}

static void
none(void **state)
{
	struct match_rules *rules;
	struct match_result r = { 7, 7, true };
	struct err err;
	struct buf out;
	char why[80];

	(void)state;
	rules = match_rules_new(NULL, 0, &err);
	assert_non_null(rules);
	assert_int_equal(match_rules_count(rules), 0);
	assert_false(match_possible(rules, "https://a/", 10));
	buf_init(&out, 100);
	assert_true(match_text(rules, "https://a/", 10, &out, &r, NULL, NULL));
	assert_int_equal(r.matches + r.no_rule + out.len, 0);
	assert_false(match_rules_unstable(rules, why, sizeof(why)));
	match_rules_free(rules);
	match_rules_free(NULL);
}

static bool
unstable(const struct fixture_rules *f, char *why, size_t size)
{
	struct match_rules *rules = fixture_rules(f);
	bool answer;

	why[0] = '\0';
	answer = match_rules_unstable(rules, why, size);
	match_rules_free(rules);
	return answer;
}

static void
steady(void **state)
{
	static const struct fixture_rules sets[] = {
		{ { "https://old.example/", "https://new.example/", NULL } },
		{ { "https://old.example", "https://new.example",
		    "/uploads/", "https://cdn.example/uploads/", NULL } },
		{ { "https://*.ezia.ai/", "https://ezia.example/s/$1/",
		    "https://ezia.ai/", "https://ezia.example/", NULL } },
		{ { "https://old.example/a/", "/b/", "/c/", "/d/", NULL } },
		{ { "https://old.example/go?u=", "https://new.example/go/",
		    NULL } },
		/* It begins like FROM, but another host stands there. */
		{ { "https://old.example/", "https://old.example.new/", NULL } },
		{ { "/up", "/up2", NULL } },
	};
	char why[300];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(sets) / sizeof(sets[0]); i++)
		if (unstable(&sets[i], why, sizeof(why)))
			fail_msg("%s=%s: %s", sets[i].pair[0], sets[i].pair[1],
			    why);
}

static void
unsteady(void **state)
{
	static const struct fixture_rules sets[] = {
		/* A FROM inside a TO: itself, another, other scheme, no scheme,
		 * default port, any case, in a query, in %2F style. */
		{ { "https://a.example/", "https://a.example/x/", NULL } },
		{ { "https://a.example/", "https://b.example/",
		    "http://b.example/", "/c/", NULL } },
		{ { "https://a.example/", "//b.example/",
		    "http://b.example/", "/c/", NULL } },
		{ { "/a/", "https://B.example:443/", "https://b.example/",
		    "/c/", NULL } },
		{ { "/a/", "/r?u=/a/", NULL } },
		{ { "/a", "/r?u=%2Fa", NULL } },
		{ { "/a", "/r?u=https%3a%2f%2fb.example%2f",
		    "https://b.example/", "/c/", NULL } },
		{ { "/a%25b", "/a%b", NULL } },
		/* With stars. */
		{ { "https://*.a.example/", "https://$1.a.example/", NULL } },
		{ { "https://*.a.example/", "https://x.example/$1/",
		    "https://x.example/b/", "/c/", NULL } },
		{ { "/a/", "https://b.c.example/", "https://*.c.example/",
		    "/d/", NULL } },
		/* A TO or its end begins a FROM. */
		{ { "https://a.example/", "/", NULL } },
		{ { "https://a.example/", "/b/", "/b/c/", "/d/", NULL } },
		{ { "/a?", "/r?u=https", "https://b.example/", "/c/", NULL } },
		{ { "/a", "https://b.example", "https://b.example:8080/",
		    "/c/", NULL } },
		/* An empty TO. */
		{ { "https://a.example", "", NULL } },
		/* A TO that ends in a character behind which a path matches. */
		{ { "/a?", "/b=", NULL } }, { { "/a?", "/b(", NULL } },
		{ { "/a?", "/b,", NULL } }, { { "/a?", "/b;", NULL } },
		{ { "/a?", "/b'", NULL } }, { { "/a?", "/b[", NULL } },
		{ { "/a?", "/b%20", NULL } }, { { "/a?", "/b&lt;", NULL } },
		/* Or in what may become one. */
		{ { "/a?", "/b%", NULL } }, { { "/a?", "/b%2", NULL } },
		{ { "/a?", "/b%E2%80", NULL } }, { { "/a?", "/b&#3", NULL } },
		{ { "/a?", "/b&quo", NULL } },
		/* A TO inside a FROM. */
		{ { "/x;/new", "/z", "/y", "/new", NULL } },
	};
	char why[300];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
		if (!unstable(&sets[i], why, sizeof(why)))
			fail_msg("%s=%s may change again", sets[i].pair[0],
			    sets[i].pair[1]);
		assert_non_null(strstr(why, "rule "));
		assert_null(strchr(why, '\n'));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refused),
		cmocka_unit_test(taken),
		cmocka_unit_test(same_from),
		cmocka_unit_test(none),
		cmocka_unit_test(steady),
		cmocka_unit_test(unsteady),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
