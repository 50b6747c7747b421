/* Point 10: where a link ends, and which names its tail may have. */
#include "match_fixture.h"

static const struct fixture_rules uploads = { {
	"/uploads/", "https://cdn.example/u/",
	"https://*.old.example/f/", "https://new.example/$1/", NULL } };

/* The tail and the distinct forms of the only link of a text. */
struct one {
	const char *text, *tail, *form[4];
};

struct seen {
	const struct one *want;
	unsigned n;
};

static void
check(const struct match_link *link, void *arg)
{
	struct seen *seen = arg;
	const struct one *want = seen->want;
	struct buf b;
	size_t i;

	seen->n++;
	if (strlen(want->tail) != link->tail_len ||
	    memcmp(want->tail, link->tail, link->tail_len) != 0)
		fail_msg("%s: tail %.*s, not %s", want->text,
		    (int)link->tail_len, link->tail, want->tail);
	buf_init(&b, FIXTURE_MAX);
	for (i = 0; i < 4; i++) {
		buf_reset(&b);
		assert_true(buf_append_str(&b, "<<"));
		assert_true(match_link_form(link, i, &b));
		if (strcmp(buf_str(&b) + 2, want->form[i]) != 0)
			fail_msg("%s: form %zu is %s, not %s", want->text, i,
			    buf_str(&b) + 2, want->form[i]);
	}
	assert_false(match_link_form(link, 4, &b));
	buf_free(&b);
}

static void
run(const struct one *list, size_t n)
{
	struct match_rules *rules = fixture_rules(&uploads);
	struct match_result r;
	struct seen seen;
	struct buf out;
	size_t i;

	buf_init(&out, FIXTURE_MAX);
	for (i = 0; i < n; i++) {
		seen.want = &list[i];
		seen.n = 0;
		assert_true(match_text(rules, list[i].text,
		    strlen(list[i].text), &out, &r, check, &seen));
		assert_int_equal(seen.n, 1);
		assert_int_equal(r.matches, 1);
	}
	buf_free(&out);
	match_rules_free(rules);
}

#define RUN(list) run((list), sizeof(list) / sizeof((list)[0]))
#define SAME(s) { s, s, s, s }

static void
ends(void **state)
{
	static const struct one list[] = {
		{ "/uploads/a.png", "a.png", SAME("a.png") },
		{ "/uploads/a.png b", "a.png", SAME("a.png") },
		{ "/uploads/a.png\nb", "a.png", SAME("a.png") },
		{ "/uploads/a.png<b", "a.png", SAME("a.png") },
		{ "/uploads/a.png>b", "a.png", SAME("a.png") },
		{ "/uploads/a.png\"b", "a.png", SAME("a.png") },
		{ "/uploads/a.png'b", "a.png", SAME("a.png") },
		{ "(/uploads/a(1).png)", "a(1", SAME("a(1") },
		{ "/uploads/a`b", "a`b", SAME("a`b") },
		{ "/uploads/a\xe3\x80\x80" "b", "a", SAME("a") },
		{ "/uploads/", "", SAME("") },
		{ "/uploads/ a", "", SAME("") },
		/* Escapes of the text around end it, percent ones do not. */
		{ "/uploads/a.png\\nb", "a.png", SAME("a.png") },
		{ "/uploads/a.png\\u0020b", "a.png", SAME("a.png") },
		{ "/uploads/a.png&lt;b", "a.png", SAME("a.png") },
		{ "/uploads/a.png&#39;b", "a.png", SAME("a.png") },
		{ "/uploads/a.png&nbsp;b", "a.png", SAME("a.png") },
		{ "/uploads/a%20b", "a%20b", { "a%20b", "a b", "a b", "a b" } },
		{ "/uploads/a&amp;b", "a&amp;b", SAME("a&amp;b") },
		{ "/uploads/a\\\\\\b", "a\\\\\\b", SAME("a\\\\\\b") },
	};

	(void)state;
	RUN(list);
}

static void
quotes(void **state)
{
	static const struct one list[] = {
		{ "\"/uploads/a b)<c>.png\" d", "a b)<c>.png", SAME("a b)<c>.png") },
		{ "'/uploads/a\"b' c", "a\"b", SAME("a\"b") },
		{ "`/uploads/a b` c", "a b", SAME("a b") },
		/* No backslash escapes a backquote, but one escapes these. */
		{ "`/uploads/a b\\` c`", "a b\\", SAME("a b\\") },
		{ "'/uploads/a b\\' c'", "a b\\' c", SAME("a b\\' c") },
		/* The quote as it was opened. */
		{ "\\\"/uploads/a b\\\" c", "a b", SAME("a b") },
		{ "\\\\\\\"/uploads/a b\\\" c\\\\\\\"", "a b\\\" c",
		    SAME("a b\\\" c") },
		{ "&quot;/uploads/a b&quot; c", "a b", SAME("a b") },
		{ "&#34;/uploads/a b&#34; c", "a b", SAME("a b") },
		{ "%22/uploads/a b%22 c", "a b", SAME("a b") },
		{ "\\u0022/uploads/a b\\u0022 c", "a b", SAME("a b") },
		{ "'/uploads/it%27s' c", "it%27s", { "it%27s", "it's", "it's",
		    "it's" } },
		/* Never closed: it ends like one that no quote opened. */
		{ "\"/uploads/a b", "a", SAME("a") },
		{ "\"/uploads/a&quot;b", "a", SAME("a") },
	};

	(void)state;
	RUN(list);
}

static void
forms(void **state)
{
	static const struct one list[] = {
		{ "/uploads/a.png?v=1#x", "a.png?v=1#x",
		    { "a.png?v=1#x", "a.png?v=1#x", "a.png", "a.png" } },
		{ "/uploads/a.png#x?v", "a.png#x?v",
		    { "a.png#x?v", "a.png#x?v", "a.png", "a.png" } },
		{ "/uploads/a.png.,;:!?", "a.png.,;:!?",
		    { "a.png.,;:!?", "a.png.,;:!?", "a.png.,;:!", "a.png" } },
		{ "\"/uploads/(a.png)\"", "(a.png)",
		    { "(a.png)", "(a.png)", "(a.png)", "(a.png" } },
		/* What is encoded is part of the name. */
		{ "/uploads/a%3Fb%23%2E?x", "a%3Fb%23%2E?x",
		    { "a%3Fb%23%2E?x", "a?b#.?x", "a?b#.", "a?b#." } },
		{ "/uploads/%c3%a9+%zz%4", "%c3%a9+%zz%4",
		    { "%c3%a9+%zz%4", "\xc3\xa9+%zz%4", "\xc3\xa9+%zz%4",
		    "\xc3\xa9+%zz%4" } },
		/* The style is undone first. */
		{ "\\/uploads\\/a\\/b%20c\\\\/d", "a\\/b%20c\\\\/d",
		    { "a\\/b%20c\\\\/d", "a/b c/d", "a/b c/d", "a/b c/d" } },
		{ "\\u002Fuploads/a\\u002fb\\/c", "a\\u002fb\\/c",
		    { "a\\u002fb\\/c", "a/b\\/c", "a/b\\/c", "a/b\\/c" } },
		{ "&#x2F;uploads/a&#x2f;b", "a&#x2f;b",
		    { "a&#x2f;b", "a/b", "a/b", "a/b" } },
		{ "&#47;uploads/a&#47;b", "a&#47;b",
		    { "a&#47;b", "a/b", "a/b", "a/b" } },
		{ "=%2Fuploads%2Fa%2Fb%2520c%3Fd.", "a%2Fb%2520c%3Fd.",
		    { "a%2Fb%2520c%3Fd.", "a/b c?d.", "a/b c", "a/b c" } },
	};

	(void)state;
	RUN(list);
}

/* Everything else that a link tells. */
static void
check_fields(const struct match_link *link, void *arg)
{
	const char *text = arg;

	assert_int_equal(link->rule, 1);
	assert_ptr_equal(link->match, text + 2);
	assert_int_equal(link->match_len, strlen("http%3a%2f%2FApp.old.example/f/"));
	assert_ptr_equal(link->tail, strstr(text, "x.png"));
	assert_int_equal(link->tail_len, 5);
	assert_memory_equal(link->star, "App", 3);
	assert_int_equal(link->star_len, 3);
	assert_true(link->percent);
	assert_memory_equal(link->escaped_slash, "%2f", 3);
	assert_int_equal(link->escaped_slash_len, 3);
}

static void
fields(void **state)
{
	static char text[] = "> http%3a%2f%2FApp.old.example/f/x.png \xff";
	struct match_rules *rules = fixture_rules(&uploads);
	struct match_result r;
	struct buf out;

	(void)state;
	buf_init(&out, FIXTURE_MAX);
	assert_true(match_text(rules, text, sizeof(text) - 1, &out, &r,
	    check_fields, text));
	assert_int_equal(r.matches, 1);
	assert_string_equal(buf_str(&out),
	    "> https%3a%2f%2fnew.example%2fApp%2fx.png \xff");
	buf_free(&out);
	match_rules_free(rules);
}

/* Forms are told one by one to a buffer that may be too small. */
static void
check_full(const struct match_link *link, void *arg)
{
	struct buf b;

	(void)arg;
	buf_init(&b, 4);
	assert_true(buf_append_str(&b, "xy"));
	assert_false(match_link_form(link, 0, &b));
	assert_false(match_link_form(link, 1, &b));
	assert_int_equal(b.len, 2);
	buf_free(&b);
}

static void
full(void **state)
{
	struct match_rules *rules = fixture_rules(&uploads);
	struct match_result r;
	struct buf out;

	(void)state;
	buf_init(&out, FIXTURE_MAX);
	assert_true(match_text(rules, "/uploads/abc", 12, &out, &r, check_full,
	    NULL));
	buf_free(&out);
	match_rules_free(rules);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ends),
		cmocka_unit_test(quotes),
		cmocka_unit_test(forms),
		cmocka_unit_test(fields),
		cmocka_unit_test(full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
