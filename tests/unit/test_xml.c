#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "store/xml.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* Writes "parent/name=text;" for each element. */
static bool
collect(void *arg, const char *parent, const char *name, const char *text,
    struct err *err)
{

	if (strcmp(name, "stop") == 0)
		return err_set(err, ERR_DISK, "stopped");
	return buf_printf(arg, "%s/%s=%s;", parent, name, text);
}

static void
elements_are_told_as_they_end(void **state)
{
	static const char text[] = "\xef\xbb\xbf<?xml version=\"1.0\"?>\n"
	    "<s3:A xmlns:s3='x'>one<B c='d'>&lt;two&#233;&amp;</B>three"
	    "<!-- no --><B/><C><![CDATA[<x>]]></C> \n</s3:A>\n";
	static const char want[] = "A/B=<two\xc3\xa9&;A/B=;A/C=<x>;/A= \n;";
	struct buf got;
	struct err err;
	struct xml *x;
	size_t i;

	(void)state;
	buf_init(&got, 1000);
	assert_true(xml_parse(text, strlen(text), collect, &got, &err));
	assert_string_equal(buf_str(&got), want);
	/* The same byte by byte. */
	buf_reset(&got);
	assert_non_null(x = xml_new(collect, &got, &err));
	for (i = 0; i < strlen(text); i++)
		assert_true(xml_feed(x, text + i, 1, &err));
	assert_true(xml_finish(x, &err));
	assert_string_equal(buf_str(&got), want);
	xml_free(x);
	xml_free(NULL);
	buf_free(&got);
}

static void
what_is_refused(void **state)
{
	static const char *const bad[] = {
		"", "text", "<a>", "<a></b>", "<a/><b/>", "<a>&undefined;</a>",
		"<!DOCTYPE a><a/>", "<a>\x01</a>", "<a>\xff</a>",
		"<!DOCTYPE a [<!ENTITY e 'x'>]><a>&e;</a>",
		"<a><a><a><a><a><a><a><a><a/></a></a></a></a></a></a></a></a>",
		"<aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/>",
	};
	struct buf got;
	struct err err;
	size_t i;

	(void)state;
	buf_init(&got, 1000);
	for (i = 0; i < COUNT(bad); i++) {
		if (xml_parse(bad[i], strlen(bad[i]), collect, &got, &err))
			fail_msg("%s", bad[i]);
		assert_int_equal(err.kind, ERR_DAMAGED);
	}
	buf_free(&got);
}

static void
long_texts_are_refused(void **state)
{
	const size_t len = 16 << 10;
	char *text = malloc(len + 8);
	struct buf got;
	struct err err;

	(void)state;
	assert_non_null(text);
	buf_init(&got, 64 << 10);
	memset(text, 'x', len + 8);
	memcpy(text, "<a>", 3);
	memcpy(text + 3 + len - 1, "</a>", 4);
	assert_true(xml_parse(text, len + 6, collect, &got, &err));
	assert_int_equal(got.len, strlen("/a=;") + len - 1);
	text[3 + len - 1] = 'x';
	memcpy(text + 3 + len, "</a>", 4);
	assert_false(xml_parse(text, len + 7, collect, &got, &err));
	assert_int_equal(err.kind, ERR_DAMAGED);
	buf_free(&got);
	free(text);
}

static void
a_callback_stops_it(void **state)
{
	struct buf got;
	struct err err;
	struct xml *x;

	(void)state;
	buf_init(&got, 1000);
	assert_non_null(x = xml_new(collect, &got, &err));
	assert_false(xml_feed(x, "<a><b/><stop/><c/>", 18, &err));
	assert_int_equal(err.kind, ERR_DISK);
	assert_string_equal(buf_str(&got), "a/b=;");
	assert_false(xml_feed(x, "</a>", 4, &err));
	assert_false(xml_finish(x, &err));
	xml_free(x);
	buf_free(&got);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(elements_are_told_as_they_end),
		cmocka_unit_test(what_is_refused),
		cmocka_unit_test(long_texts_are_refused),
		cmocka_unit_test(a_callback_stops_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
