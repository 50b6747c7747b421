/* Points 3 to 7: what matches, where it begins and ends, what it becomes. */
#include "match_fixture.h"

struct one {
	const char *text, *want;
	unsigned matches, no_rule;
};

static void
run(const struct fixture_rules *f, const struct one *list, size_t n)
{
	struct match_rules *rules = fixture_rules(f);
	size_t i;

	for (i = 0; i < n; i++)
		fixture_expect(rules, list[i].text, list[i].want == NULL ?
		    list[i].text : list[i].want, list[i].matches,
		    list[i].no_rule);
	match_rules_free(rules);
}

#define RUN(f, list) run(&(f), (list), sizeof(list) / sizeof((list)[0]))

static const struct fixture_rules host = { {
	"https://old.example", "https://new.example", NULL } };
static const struct fixture_rules folder = { {
	"https://old.example/up/", "https://new.example/u/", NULL } };
static const struct fixture_rules path = { {
	"/uploads/", "https://cdn.example/u/", NULL } };

static void
variants(void **state)
{
	static const struct one list[] = {
		{ "https://old.example/a", "https://new.example/a", 1, 0 },
		{ "http://old.example/a", "https://new.example/a", 1, 0 },
		{ "HtTpS://OLD.eXample/A", "https://new.example/A", 1, 0 },
		{ "//old.example/a", "//new.example/a", 1, 0 },
		{ "\"//OLD.example\"", "\"//new.example\"", 1, 0 },
		{ "https://old.example:443/a", "https://new.example/a", 1, 0 },
		{ "http://old.example:80", "https://new.example", 1, 0 },
		{ "//old.example:80/ //old.example:443/",
		    "//new.example/ //new.example/", 2, 0 },
		{ "http://old.example:443/", NULL, 0, 1 },
		{ "https://old.example:80/", NULL, 0, 1 },
		{ "https://old.example:8443/", NULL, 0, 0 },
		{ "https://old.example:4430/", NULL, 0, 0 },
		{ "https://old.example:0443/", NULL, 0, 0 },
		{ "ftp://old.example/", NULL, 0, 1 },
		{ "old.example", NULL, 0, 1 },
		{ "https:old.example", NULL, 0, 1 },
		{ "https:/old.example", NULL, 0, 1 },
		{ "https:///old.example", NULL, 0, 1 },
		{ "httpss://old.example", NULL, 0, 1 },
		{ "://old.example", NULL, 0, 1 },
		{ "s://old.example", NULL, 0, 1 },
		{ "https://a.old.example/", NULL, 0, 0 },
		{ "https://xold.example/", NULL, 0, 0 },
		{ "https://me@old.example/", NULL, 0, 1 },
		{ "", NULL, 0, 0 },
	};
	static const struct one in_folder[] = {
		{ "http://old.example:80/up/x", "https://new.example/u/x", 1, 0 },
		{ "//old.example:443/up/", "//new.example/u/", 1, 0 },
		{ "https://old.example:443:443/up/", NULL, 0, 0 },
		{ "https://old.example/Up/", NULL, 0, 1 },
		{ "https://old.example/up", NULL, 0, 1 },
		{ "https://old.example//up/", NULL, 0, 1 },
		{ "https://old.example:81/up/", NULL, 0, 0 },
	};

	(void)state;
	RUN(host, list);
	RUN(folder, in_folder);
}

static void
kinds_of_to(void **state)
{
	static const struct fixture_rules sets[] = {
		{ { "https://a.example/", "http://b.example/", NULL } },
		{ { "https://a.example/", "//b.example/", NULL } },
		{ { "https://a.example/", "/b/", NULL } },
		{ { "https://a.example", "", NULL } },
		{ { "/a/", "//b.example/", NULL } },
	};
	static const struct one to[] = {
		{ "https://a.example/x //a.example/x",
		    "http://b.example/x //b.example/x", 2, 0 },
		{ "https://a.example/x //a.example/x",
		    "//b.example/x //b.example/x", 2, 0 },
		{ "https://a.example/x //a.example/x", "/b/x /b/x", 2, 0 },
		{ "https://a.example/x //a.example/x", "/x /x", 2, 0 },
		{ "/a/x", "//b.example/x", 1, 0 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(to) / sizeof(to[0]); i++)
		run(&sets[i], &to[i], 1);
}

static void
own_port(void **state)
{
	static const struct fixture_rules f = { {
		"http://localhost:3000", "https://new.example", NULL } };
	static const struct one list[] = {
		{ "http://localhost:3000/a", "https://new.example/a", 1, 0 },
		{ "https://localhost:3000", "https://new.example", 1, 0 },
		{ "//LOCALHOST:3000/", "//new.example/", 1, 0 },
		{ "http%3A%2F%2Flocalhost%3a3000%2Fa",
		    "https%3A%2F%2Fnew.example%2Fa", 1, 0 },
		{ "http://localhost%3A3000/", NULL, 0, 0 },
		{ "http://localhost:3000:80/", NULL, 0, 0 },
		{ "http://localhost:30000/", NULL, 0, 0 },
		{ "http://localhost:300/", NULL, 0, 0 },
		{ "http://localhost/", NULL, 0, 1 },
		{ "localhost:3000", NULL, 0, 0 },
	};

	(void)state;
	RUN(f, list);
}

static void
styles(void **state)
{
	static const struct one list[] = {
		{ "https:\\/\\/old.example\\/up\\/a",
		    "https:\\/\\/new.example\\/u\\/a", 1, 0 },
		/* As many backslashes as the first has; plain ones may follow. */
		{ "https:\\\\\\/\\/old.example/up\\\\/a",
		    "https:\\\\\\/\\\\\\/new.example\\\\\\/u\\\\\\/a", 1, 0 },
		{ "http:\\u002F\\u002fold.example\\u002Fup/x",
		    "https:\\u002F\\u002Fnew.example\\u002Fu\\u002Fx", 1, 0 },
		{ "http:\\u002f/old.example/up/",
		    "https:\\u002f\\u002fnew.example\\u002fu\\u002f", 1, 0 },
		{ "http:\\\\u002f/old.example/up/", NULL, 0, 1 },
		{ "https&#58;//old.example/up/", NULL, 0, 1 },
		{ "https:&#x2F;&#X2f;old.example&#x2f;up&#x2F;a",
		    "https:&#x2F;&#x2F;new.example&#x2F;u&#x2F;a", 1, 0 },
		{ "https:&#47;&#47;old.example&#47;up&#47;a",
		    "https:&#47;&#47;new.example&#47;u&#47;a", 1, 0 },
		/* Never two escaped styles in one match, nor plain first. */
		{ "https:&#47;&#x2F;old.example/up/", NULL, 0, 1 },
		{ "https:\\/\\u002Fold.example/up/", NULL, 0, 1 },
		{ "https:/\\/old.example/up/", NULL, 0, 1 },
		{ "https://old.example\\/up/", NULL, 0, 1 },
		{ "https:%2F%2Fold.example&#47;up/", NULL, 0, 1 },
		/* The hex case is that of the first slash, colons as found. */
		{ "https%3A%2f%2Fold.example%2Fup%2Fa",
		    "https%3A%2f%2fnew.example%2fu%2fa", 1, 0 },
		{ "https%3a%2F/old.example/up/",
		    "https%3a%2F%2Fnew.example%2Fu%2F", 1, 0 },
		{ "https:%2F%2Fold.example%2Fup%2F",
		    "https:%2F%2Fnew.example%2Fu%2F", 1, 0 },
		{ "https%3A//old.example/up/", NULL, 0, 1 },
		{ "https\\u003a\\u002f\\u002fold.example/up/", NULL, 0, 1 },
		/* Doubly escaped. */
		{ "https%253A%252F%252Fold.example%252Fup%252F", NULL, 0, 0 },
	};

	(void)state;
	RUN(folder, list);
}

static void
percent_to(void **state)
{
	static const struct fixture_rules f = { {
		"https://*.old.example:81/", "http://n:82/a~b-c_d.e?f=$1&g=%20#h/",
		"/p", "http://n:82/q", NULL } };
	static const struct one list[] = {
		{ "http%3A%2F%2Fs.old.example%3A81%2Fx",
		    "http%3A%2F%2Fn%3A82%2Fa~b-c_d.e%3Ff%3Ds%26g%3D%2520%23h%2Fx",
		    1, 0 },
		{ "%2f%2fs-1_.old.example:81%2f",
		    "%2f%2fn:82%2fa~b-c_d.e%3ff%3ds-1_%26g%3d%2520%23h%2f", 1, 0 },
		{ "=%2fp", "=http%3a%2f%2fn%3a82%2fq", 1, 0 },
		{ "=%2Fp%20", "=http%3A%2F%2Fn%3A82%2Fq%20", 1, 0 },
		{ "\\/p\"", "http:\\/\\/n:82\\/q\"", 1, 0 },
	};

	(void)state;
	RUN(f, list);
}

static void
left_end(void **state)
{
	static const struct one schemes[] = {
		{ "xhttps://old.example", NULL, 0, 1 },
		{ "1https://old.example", NULL, 0, 1 },
		{ "+https://old.example", NULL, 0, 1 },
		{ ".https://old.example", NULL, 0, 1 },
		{ "-https://old.example", NULL, 0, 1 },
		{ "%41https://old.example", NULL, 0, 1 },
		{ "&#65;https://old.example", NULL, 0, 1 },
		{ "\\u0041https://old.example", NULL, 0, 1 },
		{ "\\\\\\u0041https://old.example", NULL, 0, 1 },
		{ "%2Ehttps://old.example", NULL, 0, 1 },
		{ "_https://old.example", "_https://new.example", 1, 0 },
		{ "/https://old.example", "/https://new.example", 1, 0 },
		{ ":https://old.example", ":https://new.example", 1, 0 },
		{ "\\https://old.example", "\\https://new.example", 1, 0 },
		{ "\\nhttps://old.example", "\\nhttps://new.example", 1, 0 },
		{ "\\xhttps://old.example", NULL, 0, 1 },
		{ "%20https://old.example", "%20https://new.example", 1, 0 },
		{ "\xc3\xa9https://old.example", "\xc3\xa9https://new.example", 1,
		    0 },
		{ "https://https://old.example", "https://https://new.example", 1,
		    0 },
	};
	static const struct one paths[] = {
		{ "/uploads/a", "https://cdn.example/u/a", 1, 0 },
		{ "a/uploads/a", NULL, 0, 0 },
		{ ":/uploads/a", NULL, 0, 0 },
		{ "//uploads/a", NULL, 0, 0 },
		{ "./uploads/a", NULL, 0, 0 },
		{ "\\/uploads/", "https:\\/\\/cdn.example\\/u\\/", 1, 0 },
		{ "&#x28;/uploads/", "&#x28;https://cdn.example/u/", 1, 0 },
		{ "\\u003d/uploads/", "\\u003dhttps://cdn.example/u/", 1, 0 },
		{ "&quot;/uploads/", "&quot;https://cdn.example/u/", 1, 0 },
		{ "&amp;/uploads/", NULL, 0, 0 },
		{ "&hellip;/uploads/", "&hellip;https://cdn.example/u/", 1, 0 },
		{ "%3D/uploads/", "%3Dhttps://cdn.example/u/", 1, 0 },
		{ "%253D/uploads/", NULL, 0, 0 },
		{ "%E2%80%83/uploads/", "%E2%80%83https://cdn.example/u/", 1, 0 },
		{ "\xe2\x80\x83/uploads/", "\xe2\x80\x83https://cdn.example/u/", 1,
		    0 },
		{ "\xc3\xa9/uploads/", NULL, 0, 0 },
		{ "https://x.example/?next=/uploads/a",
		    "https://x.example/?next=https://cdn.example/u/a", 1, 0 },
		{ "https://x.example?/uploads/a", NULL, 0, 0 },
		{ "/Uploads/a /uploads", NULL, 0, 0 },
		{ "/uploads/ /uploads/",
		    "https://cdn.example/u/ https://cdn.example/u/", 2, 0 },
		/* A match's end is the left neighbour of what follows. */
		{ "/uploads//uploads/", "https://cdn.example/u//uploads/", 1, 0 },
	};

	(void)state;
	RUN(host, schemes);
	RUN(path, paths);
}

static void
bare_hosts(void **state)
{
	static const struct fixture_rules f = { {
		"https://old.example/a/", "/b/", "http://old.example/c", "/d",
		"https://*.old.example/x/", "/y/$1/", "/p?old.example=", "/q?r=",
		NULL } };
	static const struct one list[] = {
		{ "old.example", NULL, 0, 1 },
		{ "OLD.EXAMPLE, old.example.", NULL, 0, 2 },
		{ "me@old.example", NULL, 0, 1 },
		{ "old.examples old.example.net old.example- xold.example", NULL,
		    0, 0 },
		{ "-old.example .old.example +old.example", NULL, 0, 0 },
		{ "_old.example /old.example", NULL, 0, 2 },
		{ "old.example: old.example:443 old.example:80/", NULL, 0, 3 },
		{ "old.example:8080 old.example:443@x old.example:x", NULL, 0, 0 },
		/* Once, though two rules have the host. */
		{ "https://old.example/z", NULL, 0, 1 },
		{ "https://old.example/a/ old.example", "/b/ old.example", 1, 1 },
		/* In a match it does not count. */
		{ "/p?old.example=old.example", "/q?r=old.example", 1, 1 },
		/* With '*'. */
		{ "s.old.example", NULL, 0, 1 },
		{ "https://s.old.example/z", NULL, 0, 1 },
		{ "https:%2F%2Fs.old.example/z", NULL, 0, 1 },
		{ "a.s.old.example", NULL, 0, 0 },
		{ "https://s.old.example/x/", "/y/s/", 1, 0 },
		{ "\\u002F\\u002Fs.old.example\\u002Fx/",
		    "\\u002Fy\\u002Fs\\u002F", 1, 0 },
	};

	(void)state;
	RUN(f, list);
}

/* A host inside the label and name of another. */
static void
bare_in_star(void **state)
{
	static const struct fixture_rules f = { {
		"https://*.old.example/", "/s/$1/",
		"https://app.old.example/x/", "/y/", NULL } };
	static const struct one list[] = {
		{ "https://my_app.old.example/", "/s/my_app/", 1, 0 },
		{ "app.old.example https://my_app.old.example/ my_app.old.example",
		    "app.old.example /s/my_app/ my_app.old.example", 1, 2 },
		{ "https://my_app.old.example", NULL, 0, 1 },
	};

	(void)state;
	RUN(f, list);
}

static void
which_rule(void **state)
{
	static const struct fixture_rules f = { {
		"https://*.ezia.ai/", "https://star.example/$1/",
		"https://www.ezia.ai/", "https://www.example/",
		"https://www.ezia.ai", "https://short.example",
		"https://*.ezia.ai/up/", "https://long.example/$1/",
		"http://ezia.ai/", "http://h.example/",
		"https://ezia.ai/", "https://s.example/",
		"/a", "/1", "/a/b/", "/2/", NULL } };
	static const struct one list[] = {
		/* The longest from the host on. */
		{ "https://www.ezia.ai/up/x", "https://long.example/www/x", 1, 0 },
		{ "https://www.ezia.ai?x", "https://short.example?x", 1, 0 },
		/* Then the one without a star, then by the scheme. */
		{ "https://www.ezia.ai/x", "https://www.example/x", 1, 0 },
		{ "https://app.ezia.ai/x", "https://star.example/app/x", 1, 0 },
		{ "https://www.ezia.ai:443/up/", "https://long.example/www/", 1, 0 },
		{ "http://ezia.ai/x", "http://h.example/x", 1, 0 },
		{ "https://ezia.ai/x", "https://s.example/x", 1, 0 },
		{ "//ezia.ai/x", "//s.example/x", 1, 0 },
		{ "/a /a/ /a/b /a/b/c", "/1 /1/ /1/b /2/c", 4, 0 },
		/* The leftmost, and none inside of what was matched. */
		{ "\"/a?=/a\"", "\"/1?=/1\"", 2, 0 },
		{ "https://My-App_9.ezia.ai/", "https://star.example/My-App_9/", 1,
		    0 },
		{ "https://a.b.ezia.ai/", NULL, 0, 0 },
		{ "https://.ezia.ai/", NULL, 0, 0 },
		{ "https://\xc3\xa9.ezia.ai/", NULL, 0, 0 },
	};

	(void)state;
	RUN(f, list);
}

/* The port does not count: the own port's rule is not longer, and so on. */
static void
which_rule_port(void **state)
{
	static const struct fixture_rules f = { {
		"https://old.example/a", "/1", "http://old.example:443/a/", "/2/",
		NULL } };
	static const struct fixture_rules tie = { {
		"http://old.example:443/", "/1/", "https://old.example/", "/2/",
		NULL } };
	static const struct one list[] = {
		{ "https://old.example:443/a/", "/2/", 1, 0 },
		{ "https://old.example:443/a", "/1", 1, 0 },
	};
	static const struct one ties[] = {
		{ "https://old.example:443/", "/2/", 1, 0 },
		{ "http://old.example:443/", "/1/", 1, 0 },
		{ "//old.example:443/", "/2/", 1, 0 },
	};

	(void)state;
	RUN(f, list);
	RUN(tie, ties);
}

static void
idn(void **state)
{
	static const struct fixture_rules f = { {
		"https://Caf\xc3\xa9.example/", "https://new.example/",
		"https://*.stra\xc3\x9f" "e.example/", "/s/$1/", NULL } };
	static const struct one list[] = {
		{ "https://caf\xc3\xa9.example/a", "https://new.example/a", 1, 0 },
		{ "https://CAF\xc3\xa9.EXAMPLE/a", "https://new.example/a", 1, 0 },
		{ "https://xn--caf-dma.example/a", "https://new.example/a", 1, 0 },
		{ "//XN--Caf-dma.Example/a", "//new.example/a", 1, 0 },
		/* Byte for byte: a capital outside ASCII is another name. */
		{ "https://caf\xc3\x89.example/a", NULL, 0, 0 },
		{ "https://caf%C3%A9.example/a", NULL, 0, 0 },
		{ "https://cafe\xcc\x81.example/a", NULL, 0, 0 },
		{ "https://a.stra\xc3\x9f" "e.example/", "/s/a/", 1, 0 },
		{ "https://a.xn--strae-oqa.example/", "/s/a/", 1, 0 },
		{ "https://a.strasse.example/", NULL, 0, 0 },
		{ "caf\xc3\xa9.example xn--caf-dma.example", NULL, 0, 2 },
	};

	(void)state;
	RUN(f, list);
}

/* Rules of which one's place in the scan comes after another's match. */
static void
order(void **state)
{
	static const struct fixture_rules f = { {
		"/a?b=/c/zzzzzzzzzz/", "/1/", "/c/", "/2/",
		"https://old.example/x?u=https://old2.example/", "/3/",
		"https://old2.example/", "/4/", NULL } };
	static const struct one list[] = {
		{ "/a?b=/c/zzzzzzzzzz/", "/1/", 1, 0 },
		{ "/a?b=/c/zzzzzzzzz/", "/a?b=/2/zzzzzzzzz/", 1, 0 },
		{ "https://old.example/x?u=https://old2.example/", "/3/", 1, 0 },
		{ "https://old.example/y?u=https://old2.example/",
		    "https://old.example/y?u=/4/", 1, 1 },
		{ "/c/ /c/ /c/", "/2/ /2/ /2/", 3, 0 },
	};

	(void)state;
	RUN(f, list);
}

/* A match does not begin inside of the one before it. */
static void
overlap(void **state)
{
	static const struct fixture_rules f = { {
		"/x=&#", "/y=&#", "https://old.example", "https://new.example",
		"/up/", "/down/", NULL } };
	static const struct one list[] = {
		{ "&#47;up/ &#47;/old.example", "&#47;down&#47; "
		    "&#47;&#47;new.example", 2, 0 },
		{ "/x=&#47;up/", "/y=&#47;up/", 1, 0 },
		{ "/x=&#47;/old.example", "/y=&#47;/old.example", 1, 1 },
		{ "/x=&#/up/ /x=&#//old.example", "/y=&#/up/ /y=&#//old.example",
		    2, 1 },
	};

	(void)state;
	RUN(f, list);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(variants),
		cmocka_unit_test(kinds_of_to),
		cmocka_unit_test(own_port),
		cmocka_unit_test(styles),
		cmocka_unit_test(percent_to),
		cmocka_unit_test(left_end),
		cmocka_unit_test(bare_hosts),
		cmocka_unit_test(bare_in_star),
		cmocka_unit_test(which_rule),
		cmocka_unit_test(which_rule_port),
		cmocka_unit_test(idn),
		cmocka_unit_test(order),
		cmocka_unit_test(overlap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
