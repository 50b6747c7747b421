#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "app/dockerfile.h"
#include "app/frontmatter.h"
#include "app/package.h"

/* What an image is made from. */

static const char text[] =
    "# syntax=docker/dockerfile:1\n"
    "ARG NODE=20\n"
    "FROM --platform=linux/amd64 node:${NODE} AS base\n"
    "ENV A=base B=\"two words\" C='3'\n"
    "from base as Builder\n"
    "ARG NEXT_PUBLIC_A=1 NEXT_PUBLIC_B\n"
    "ENV MONGODB_URI mongodb://localhost/x\n"
    "RUN <<EOT\n"
    "EXPOSE 1\n"
    "EOT\n"
    "FROM base\n"
    "ENV PORT=3000 \\\n"
    "    # a comment within\n"
    "    HOSTNAME=0.0.0.0\n"
    "env A=last\n"
    "EXPOSE 3000/tcp\n"
    "USER node\n"
    "CMD [\"node\", \\\r\n"
    "  \"server.js\"]";

static void
images(void **state)
{
	const struct dockerfile_line *l;
	struct dockerfile d;
	struct span value;
	struct err err;

	(void)state;
	assert_true(dockerfile_parse(&d, text, sizeof(text) - 1, &err));
	assert_int_equal(d.n_stages, 3);
	assert_true(dockerfile_in_image(&d, 0));
	assert_false(dockerfile_in_image(&d, 1));
	assert_true(dockerfile_in_image(&d, 2));
	assert_non_null(l = dockerfile_env(&d, "PORT", &value));
	assert_int_equal(l->line, 12);
	assert_true(span_is(value, "3000"));
	assert_non_null(dockerfile_env(&d, "HOSTNAME", &value));
	assert_true(span_is(value, "0.0.0.0"));
	assert_non_null(l = dockerfile_env(&d, "A", &value));
	assert_true(span_is(value, "last"));
	assert_int_equal(l->line, 15);
	assert_non_null(dockerfile_env(&d, "B", &value));
	assert_true(span_is(value, "two words"));
	assert_non_null(dockerfile_env(&d, "C", &value));
	assert_true(span_is(value, "3"));
	assert_null(dockerfile_env(&d, "MONGODB_URI", &value));
	assert_non_null(l = dockerfile_arg(&d, "NEXT_PUBLIC_B"));
	assert_int_equal(l->line, 6);
	assert_non_null(dockerfile_arg(&d, "NEXT_PUBLIC_A"));
	assert_null(dockerfile_arg(&d, "NEXT_PUBLIC"));
	assert_non_null(l = dockerfile_last(&d, "CMD"));
	assert_string_equal(l->rest, "[\"node\",  \"server.js\"]");
	assert_int_equal(l->line, 18);
	assert_non_null(l = dockerfile_says(&d, "EXPOSE", "3000"));
	assert_int_equal(l->line, 16);
	assert_null(dockerfile_says(&d, "EXPOSE", "1"));
	dockerfile_free(&d);
}

static void
stages_by_variables(void **state)
{
	static const char dockerfile[] = "FROM a AS db_false\nUSER x\n"
	    "FROM b AS db_true\nUSER y\nFROM c AS other\nUSER z\n"
	    "FROM db_${WITH_DB} AS last\n";
	struct dockerfile d;
	struct err err;

	(void)state;
	assert_true(dockerfile_parse(&d, dockerfile, sizeof(dockerfile) - 1,
	    &err));
	assert_string_equal(dockerfile_last(&d, "USER")->rest, "y");
	dockerfile_free(&d);
}

static void
odd_images(void **state)
{
	static const char *const texts[] = { "", "\\", "FROM", "FROM a AS a\n"
	    "FROM a AS a\nFROM a", "RUN <<X\nnever ends", "FROM x AS\nENV\nENV A",
	    "ENV A=\"open", "ARG\nEXPOSE" };
	struct dockerfile d;
	struct span value;
	struct err err;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		assert_true(dockerfile_parse(&d, texts[i], strlen(texts[i]),
		    &err));
		(void)dockerfile_env(&d, "A", &value);
		(void)dockerfile_arg(&d, "A");
		(void)dockerfile_last(&d, "CMD");
		dockerfile_free(&d);
	}
}

static void
heads(void **state)
{
	static const char readme[] = "---\ntitle: \"A: b\"  # c\nsdk: docker\n"
	    "app_port: 3000 # here\nempty:\n# sdk: x\n  nested: 1\n---\nsdk: no\n";
	char out[64];
	unsigned line;
	size_t len = sizeof(readme) - 1;

	(void)state;
	assert_true(frontmatter_present(readme, len));
	assert_true(frontmatter_get(readme, len, "title", out, sizeof(out),
	    NULL));
	assert_string_equal(out, "A: b");
	assert_true(frontmatter_get(readme, len, "app_port", out, sizeof(out),
	    &line));
	assert_string_equal(out, "3000");
	assert_int_equal(line, 4);
	assert_true(frontmatter_get(readme, len, "empty", out, sizeof(out),
	    NULL));
	assert_string_equal(out, "");
	assert_false(frontmatter_get(readme, len, "nested", out, sizeof(out),
	    NULL));
	assert_false(frontmatter_get(readme, len, "app", out, sizeof(out),
	    NULL));
	assert_true(frontmatter_get(readme, len, "sdk", out, 4, NULL));
	assert_string_equal(out, "doc");
	assert_false(frontmatter_present("# A\n---\nsdk: x\n---\n", 20));
	assert_false(frontmatter_present("---\nsdk: x\n", 11));
	assert_true(frontmatter_present("\xef\xbb\xbf---\r\n---\r\n", 13));
}

static void
packages(void **state)
{
	static const char json[] = "{\"scripts\":{\"build\":\"next build\"},"
	    "\"dependencies\":{\"next\":\"15\",\"@a/b\":\"1\"},"
	    "\"devDependencies\":{\"@types/estree\":\"1\"}}";
	struct package *p;
	struct err err;

	(void)state;
	assert_non_null(p = package_parse(json, sizeof(json) - 1, &err));
	assert_string_equal(package_version(p, "next"), "15");
	assert_true(package_has(p, span_of("@a/b")));
	assert_true(package_has(p, span_of("estree")));
	assert_false(package_has(p, span_of("react")));
	assert_string_equal(package_script(p, "build"), "next build");
	assert_null(package_script(p, "start"));
	package_free(p);
	assert_null(package_parse("{\n\n,}", 6, &err));
	assert_non_null(strstr(err.message, "line 3"));
	assert_null(package_parse("[]", 2, &err));
	assert_int_equal(err.kind, ERR_DAMAGED);
	package_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(images),
		cmocka_unit_test(stages_by_variables),
		cmocka_unit_test(odd_images),
		cmocka_unit_test(heads),
		cmocka_unit_test(packages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
