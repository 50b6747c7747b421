#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/report_kept.h"
#include "cli/report_parts.h"

/* What report_html writes with no file stays in pending. */
static const char *
written(struct report_html *h)
{
	const char *s = buf_str(&h->pending);

	return s != NULL ? s : "";
}

static void
text_is_escaped(void **state)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{ "", "" }, { "plain", "plain" },
		{ "<script>alert('x')</script>",
		    "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;" },
		{ "\" onload=\"", "&quot; onload=&quot;" },
		{ "a&amp;b", "a&amp;amp;b" },
		{ "tab\there\x01", "tab\\there\\x01" },
		{ "\xFFodd", "\xEF\xBF\xBDodd" },
		/* U+202E would write the rest from right to left. */
		{ "a\xE2\x80\xAE.exe", "a\xEF\xBF\xBD.exe" },
	};
	struct report_html h;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		report_html_init(&h, NULL);
		report_html_text(&h, cases[i].text);
		assert_string_equal(written(&h), cases[i].want);
		report_html_free(&h);
	}
}

static void
figures_carry_their_value(void **state)
{
	struct report_html h;

	(void)state;
	report_html_init(&h, NULL);
	report_html_count(&h, 1234567, "collections.%zu.missing", (size_t)3);
	report_html_bytes(&h, 2048, "%s", "");
	assert_string_equal(written(&h), "<data value=\"1234567\" "
	    "data-key=\"collections.3.missing\">1,234,567</data>"
	    "<data value=\"2048\">2.0 KiB</data>");
	report_html_free(&h);
}

static void
long_text_is_bounded(void **state)
{
	size_t len = 3 * REPORT_HTML_TEXT;
	char *text = malloc(len + 1);
	struct report_html h;
	struct err err;

	(void)state;
	assert_non_null(text);
	memset(text, '<', len);
	text[len] = '\0';
	report_html_init(&h, NULL);
	report_html_text(&h, text);
	assert_int_equal(h.pending.len, 4 * REPORT_HTML_TEXT);
	assert_true(report_html_end(&h, &err));
	report_html_free(&h);
	free(text);
}

static void
passwords_become_stars(void **state)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{ "mongodb://u:secret@h/db", "<bdi>mongodb://u:***@h/db</bdi>" },
		{ "mongodb://u:xxxxxxxx@h/", "<bdi>mongodb://u:***@h/</bdi>" },
		{ "--from=mongodb://u:longer@h/?tls=true&"
		    "tlsCertificateKeyFilePassword=pass",
		    "<bdi>--from=mongodb://u:***@h/?tls=true&amp;"
		    "tlsCertificateKeyFilePassword=***</bdi>" },
		{ "sftp://a:bcdef@c/=sftp://d:efghi@f/",
		    "<bdi>sftp://a:***@c/=sftp://d:***@f/</bdi>" },
		{ "https://exx.example/=https://x.example/",
		    "<bdi>https://exx.example/=https://x.example/</bdi>" },
		{ "plain=xxx", "<bdi>plain=xxx</bdi>" },
	};
	struct report_html h;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		report_html_init(&h, NULL);
		report_parts_hidden(&h, cases[i].text);
		assert_string_equal(written(&h), cases[i].want);
		report_html_free(&h);
	}
}

static struct spaceferry_difference
different(const char *id, const struct spaceferry_field *fields, size_t n)
{

	return (struct spaceferry_difference){ .kind = SPACEFERRY_DIFFERENT,
	    .ns = "a.b", .id = id, .fields = fields, .n_fields = n };
}

static void
differences_are_cut(void **state)
{
	struct spaceferry_field fields[REPORT_KEPT_FIELDS + 5];
	char value[REPORT_KEPT_TEXT + 200];
	struct spaceferry_difference d;
	struct report_kept k = { 0 };
	size_t i;

	(void)state;
	/* Two bytes each: the cut falls between two of them. */
	for (i = 0; i + 1 < sizeof(value); i++)
		value[i] = i % 2 == 0 ? '\xC3' : '\xA9';
	value[sizeof(value) - 1] = '\0';
	memmove(value + 1, value, sizeof(value) - 2);
	value[0] = '"';
	for (i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		fields[i] = (struct spaceferry_field){ .path = "p",
		    .source = value };
	d = different("1", fields, sizeof(fields) / sizeof(fields[0]));
	report_kept_add(&k, &d);
	assert_int_equal(k.n, 1);
	assert_int_equal(k.items[0].n_fields, REPORT_KEPT_FIELDS);
	assert_int_equal(k.items[0].more_fields, 5);
	assert_null(k.items[0].fields[0].target);
	i = strlen(k.items[0].fields[0].source);
	assert_int_equal(i, REPORT_KEPT_TEXT - 1 + 3);
	assert_string_equal(k.items[0].fields[0].source + i - 5,
	    "\xC3\xA9\xE2\x80\xA6");
	report_kept_free(&k);
}

static void
differences_are_counted_beyond_their_number(void **state)
{
	struct spaceferry_difference d = different("1", NULL, 0);
	struct report_kept k = { 0 };
	char big[REPORT_KEPT_TEXT];
	size_t i;

	(void)state;
	for (i = 0; i < REPORT_KEPT_MOST + 7; i++)
		report_kept_add(&k, &d);
	assert_int_equal(k.n, REPORT_KEPT_MOST);
	assert_int_equal(k.more, 7);
	report_kept_free(&k);

	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	d = (struct spaceferry_difference){ .kind = SPACEFERRY_METADATA,
	    .ns = big, .type = "index", .name = big, .source = big,
	    .target = big };
	for (i = 0; i < REPORT_KEPT_MOST; i++)
		report_kept_add(&k, &d);
	assert_true(k.bytes < REPORT_KEPT_BYTES + 4 * sizeof(big));
	assert_int_equal(k.n + k.more, REPORT_KEPT_MOST);
	assert_true(k.more > 0);
	report_kept_free(&k);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_is_escaped),
		cmocka_unit_test(figures_carry_their_value),
		cmocka_unit_test(long_text_is_bounded),
		cmocka_unit_test(passwords_become_stars),
		cmocka_unit_test(differences_are_cut),
		cmocka_unit_test(differences_are_counted_beyond_their_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
