#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "job/media_type.h"

static const struct {
	const char *key;
	const char *sample;
	size_t len;
	const char *type;
	const char *disposition; /* under the policy "auto" */
} cases[] = {
#define BYTES(s) s, sizeof(s) - 1
	{ "a.png", BYTES("\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\b\6\0\0\0"),
	    "image/png", NULL },
	/* The contents decide, not the name. */
	{ "a.jpg", BYTES("\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\b\6\0\0\0"),
	    "image/png", NULL },
	{ "a", BYTES("\xff\xd8\xff\xe0\0\20JFIF\0\1\1\0\0\1\0\1\0\0"), "image/jpeg",
	    NULL },
	{ "a.gif", BYTES("GIF89a\1\0\1\0\0\0\0;"), "image/gif", NULL },
	{ "doc", BYTES("%PDF-1.4\n%\xe2\xe3\xcf\xd3\n"), "application/pdf", NULL },
	{ "page.png", BYTES("<!DOCTYPE html><html><body>x</body></html>"),
	    "text/html; charset=utf-8", "attachment" },
	{ "logo.svg", BYTES("<svg xmlns=\"http://www.w3.org/2000/svg\"></svg>"),
	    "image/svg+xml", "attachment" },
	{ "a.css", BYTES("body { color: red }\n"), "text/css; charset=utf-8",
	    NULL },
	{ "a.js", BYTES("export const a = 1;\n"),
	    "text/javascript; charset=utf-8", NULL },
	{ "a.json", BYTES("{\"a\": 1}\n"), "application/json", NULL },
	{ "a.csv", BYTES("a,b\n1,2\n3,4\n"), "text/csv; charset=utf-8", NULL },
	{ "note.txt", BYTES("d\xc3\xa9j\xc3\xa0 vu\n"),
	    "text/plain; charset=utf-8", NULL },
	/* Text by its contents, markup by its name: it must not run. */
	{ "x.html", BYTES("hello\n"), "text/html; charset=utf-8", "attachment" },
	{ "x.svg", BYTES("hello\n"), "image/svg+xml", "attachment" },
	{ "blob", BYTES("\1\2\3\4\5\6\7\x80\x81\x82"),
	    "application/octet-stream", "attachment" },
	{ "empty", "", 0, "text/plain; charset=utf-8", NULL },
};

static void
types_follow_contents(void **state)
{
	struct media_type *m;
	struct media media;
	struct err err;
	size_t i;

	(void)state;
	m = media_type_new(&err);
	assert_non_null(m);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *disposition;

		media_type_of(m, cases[i].key, cases[i].sample, cases[i].len,
		    &media);
		assert_string_equal(media.content_type, cases[i].type);
		disposition = media_type_disposition(&media, NULL);
		if (cases[i].disposition == NULL)
			assert_null(disposition);
		else
			assert_string_equal(disposition,
			    cases[i].disposition);
	}
	media_type_free(m);
}

static void
policy_overrides(void **state)
{
	struct media safe = { "image/png", true };
	struct media unsafe = { "text/html", false };

	(void)state;
	assert_string_equal(media_type_disposition(&safe, "attachment"),
	    "attachment");
	assert_string_equal(media_type_disposition(&unsafe, "inline"),
	    "inline");
	assert_string_equal(media_type_disposition(&unsafe, "auto"),
	    "attachment");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(types_follow_contents),
		cmocka_unit_test(policy_overrides),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
