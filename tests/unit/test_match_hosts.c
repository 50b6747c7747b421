/* Hosts in no match: where each stands, what it is called, and whether a rule
 * for it would help. */
#include "match_fixture.h"

/* What is told of a text, one host after the other: "name:port@at" and '!' for
 * a link, '~' for a mention. */
static void
write_host(const struct match_host *h, void *arg)
{
	struct buf *out = arg;

	assert_true(buf_printf(out, "%s%.*s%s%.*s@%zu%s", out->len > 0 ?
	    " " : "", (int)h->name_len, h->name, h->port != NULL ? ":" : "",
	    (int)h->port_len, h->port != NULL ? h->port : "", h->at,
	    h->link ? "!" : "~"));
	assert_true(h->at <= (size_t)(h->name - h->text));
	assert_true(h->label_len < h->name_len);
}

struct one {
	const char *text, *want;
	unsigned no_rule;
};

static void
run(const struct fixture_rules *f, const struct one *list, size_t n)
{
	struct match_rules *rules = fixture_rules(f);
	struct match_result r;
	struct buf out;
	size_t i;

	for (i = 0; i < n; i++) {
		buf_init(&out, FIXTURE_MAX);
		match_hosts(rules, list[i].text, strlen(list[i].text),
		    write_host, &out);
		match_count(rules, list[i].text, strlen(list[i].text), &r);
		if (strcmp(buf_str(&out), list[i].want) != 0 ||
		    r.no_rule != list[i].no_rule)
			fail_msg("%s\n tells %s (%u)\n not   %s (%u)",
			    list[i].text, buf_str(&out), (unsigned)r.no_rule,
			    list[i].want, list[i].no_rule);
		assert_int_equal(r.hosts, out.len > 0);
		buf_free(&out);
	}
	match_rules_free(rules);
}

#define RUN(f, list) run(&(f), (list), sizeof(list) / sizeof((list)[0]))

static const struct fixture_rules folder = { {
	"https://old.example/up/", "https://new.example/u/", NULL } };

static void
links_and_mentions(void **state)
{
	static const struct one list[] = {
		{ "https://old.example/up/a", "", 0 },
		{ "see https://Old.example/avatars/a", "Old.example@4!", 1 },
		{ "HTTP://old.example", "old.example@0!", 1 },
		{ "\"//old.example/x\"", "old.example@1!", 1 },
		{ "x//old.example/x", "old.example@3~", 1 },
		{ "https%3A%2F%2Fold.example%2Fx", "old.example@0!", 1 },
		{ "https:\\/\\/old.example\\/x", "old.example@0!", 1 },
		{ "https%253A%252F%252Fold.example%252Fup%252F", "", 0 },
		{ "at old.example.", "old.example@3~", 1 },
		{ "me@old.example", "old.example@3~", 1 },
		{ "ftp://old.example/", "old.example@6~", 1 },
		{ "old.example https://old.example/up/a //old.example/",
		    "old.example@0~ old.example@37!", 2 },
		{ "https://old.example.evil.net https://a.old.example", "", 0 },
	};

	(void)state;
	RUN(folder, list);
}

static void
ports(void **state)
{
	static const struct fixture_rules own = { {
		"http://localhost:3000", "https://new.example", NULL } };
	static const struct one list[] = {
		{ "https://old.example:443/x", "old.example@0!", 1 },
		{ "http://old.example:80/x", "old.example@0!", 1 },
		{ "//old.example:80/x", "old.example@0!", 1 },
		{ "http://old.example:443/x", "old.example:443@0!", 1 },
		{ "https://old.example:8443/up/", "old.example:8443@0!", 0 },
		{ "old.example:8443", "old.example:8443@0~", 0 },
		{ "https%3a%2F%2Fold.example%3a8443%2Fx",
		    "old.example:8443@0!", 0 },
		{ "https://old.example:443@evil.net/", "", 0 },
		{ "https://old.example:8443@evil.net/", "", 0 },
		{ "https://old.example:08443/", "", 0 },
		{ "https://old.example:84430000/", "", 0 },
		{ "https://old.example:8443x", "", 0 },
		{ "https://old.example:8443.", "old.example:8443@0!", 0 },
		{ "https://old.example:", "old.example@0!", 1 },
	};
	static const struct one of_own[] = {
		{ "http://localhost:3000/a http://localhost:3001/a",
		    "localhost:3001@24!", 0 },
		{ "http://localhost/a", "localhost@0!", 1 },
		{ "localhost:3000", "localhost:3000@0~", 0 },
		{ "http://localhost:30001/", "localhost:30001@0!", 0 },
		{ "http://localhost:300x/", "", 0 },
	};

	(void)state;
	RUN(folder, list);
	RUN(own, of_own);
}

static void
stars(void **state)
{
	static const struct fixture_rules f = { {
		"https://*.old.example/", "https://new.example/$1/",
		"https://old.example/up/", "https://new.example/u/", NULL } };
	static const struct one list[] = {
		{ "https://shop.old.example/a", "", 0 },
		{ "https://shop.old.example", "shop.old.example@0!", 1 },
		{ "https%3A%2F%2Fshop.old.example", "shop.old.example@0!", 1 },
		{ "https:\\u002F\\u002Fshop.old.example",
		    "shop.old.example@0!", 1 },
		{ "https://Shop.old.example:81/ old.example",
		    "Shop.old.example:81@0! old.example@29~", 1 },
		{ "https://a.shop.old.example/", "", 0 },
		/* One place, though two hosts end here. */
		{ "//old.example/a", "old.example@0!", 1 },
		/* What the second host of the pair would be is in a match. */
		{ "old.example-x.old.example", "", 0 },
		{ "a.old.example//b.old.example/",
		    "a.old.example@0~ b.old.example@15~", 2 },
	};

	(void)state;
	RUN(f, list);
}

static void
names_of_rules(void **state)
{
	static const struct fixture_rules f = { {
		"https://Old.Example/", "https://new.example/",
		"http://*.old.example:8080", "https://new.example",
		"https://old.example:443/x", "https://new.example/x",
		"http://old.example:443/", "https://new.example/",
		"/uploads", "/u", NULL } };
	static const char *const want[] = { "old.example",
		"*.old.example:8080", "old.example", "old.example:443", "" };
	struct match_rules *rules = fixture_rules(&f);
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(want) / sizeof(want[0]); i++)
		assert_string_equal(match_rules_host(rules, i), want[i]);
	match_rules_free(rules);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(links_and_mentions),
		cmocka_unit_test(ports),
		cmocka_unit_test(stars),
		cmocka_unit_test(names_of_rules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
