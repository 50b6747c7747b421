/*
 * Every reader of an app's files over one input, as it is: none may leave the
 * text, and what it says must hold together.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/dburi.h"
#include "app/dockerfile.h"
#include "app/envfile.h"
#include "app/envuse.h"
#include "app/frontmatter.h"
#include "app/ignore.h"
#include "app/jscode.h"
#include "app/marks.h"
#include "app/nextconfig.h"
#include "app/package.h"
#include "app/secret.h"
#include "app/variable.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(x) do { \
	if (!(x)) { \
		fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #x); \
		abort(); \
	} \
} while (0)

static void
check_within(struct span text, const char *at, size_t len)
{

	CHECK(at >= text.p && at + len <= text.p + text.len);
	CHECK(span_line_number(text, at) >= 1);
}

static bool
on_use(void *arg, const struct envuse *u)
{
	struct span *text = arg;

	check_within(*text, u->at, 0);
	check_within(*text, u->name.p, u->name.len);
	CHECK(u->name.len > 0);
	if (u->fallback.len > 0)
		check_within(*text, u->fallback.p, u->fallback.len);
	return true;
}

static bool
on_mark(void *arg, enum marks_kind kind, const char *what, const char *at)
{
	struct span *text = arg;

	CHECK(kind < MARKS_KINDS && *what != '\0');
	check_within(*text, at, 1);
	return true;
}

static void
on_import(void *arg, struct span package, const char *at)
{
	struct span *text = arg;

	check_within(*text, at, 1);
	check_within(*text, package.p, package.len);
	CHECK(package.len > 0);
}

static bool
on_secret(void *arg, const char *kind, const char *at)
{
	struct span *text = arg;

	CHECK(*kind != '\0');
	check_within(*text, at, 1);
	return true;
}

static void
read_env(struct span text)
{
	struct envfile e;
	struct err err;
	struct dburi u;
	size_t i;

	CHECK(envfile_parse(&e, text.p, text.len, &err));
	for (i = 0; i < e.n; i++) {
		CHECK(envfile_get(&e, e.variable[i].name) != NULL);
		CHECK(e.variable[i].line > 0);
		(void)variable_placeholder(e.variable[i].value);
		(void)variable_is_secret(e.variable[i].name);
		dburi_read(&u, e.variable[i].value);
		CHECK(!u.valid || u.host[0] != '\0');
	}
	CHECK((e.bad == 0) == (e.bad_line == 0));
	CHECK(secret_scan(text, &e, on_secret, &text));
	envfile_free(&e);
}

static void
read_image(struct span text)
{
	struct dockerfile d;
	struct package *p;
	struct span value;
	struct err err;
	char out[64];
	unsigned line = 0;
	size_t i;

	CHECK(dockerfile_parse(&d, text.p, text.len, &err));
	for (i = 0; i < d.n; i++) {
		CHECK(d.instruction[i].line > 0);
		CHECK(d.n_stages == 0 || d.instruction[i].stage < d.n_stages);
	}
	CHECK(d.n_stages == 0 || dockerfile_in_image(&d, d.n_stages - 1));
	(void)dockerfile_env(&d, "A", &value);
	(void)dockerfile_arg(&d, "A");
	(void)dockerfile_last(&d, "CMD");
	dockerfile_free(&d);
	if (frontmatter_get(text.p, text.len, "sdk", out, sizeof(out), &line))
		CHECK(line > 1 && frontmatter_present(text.p, text.len));
	if ((p = package_parse(text.p, text.len, &err)) != NULL)
		(void)package_version(p, "next");
	package_free(p);
}

static void
read_ignore(struct span text)
{
	struct ignore ig;

	ignore_init(&ig);
	CHECK(ignore_add(&ig, "", text.p, text.len));
	CHECK(ignore_add(&ig, "a", text.p, text.len));
	(void)ignore_matches(&ig, "a/b/c.txt", false);
	(void)ignore_matches(&ig, "a", true);
	ignore_free(&ig);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* Exactly as long as it is, for the sanitizer. */
	char *copy = malloc(size > 0 ? size : 1);
	struct nextconfig c;
	struct span text;

	if (copy == NULL)
		return 0;
	if (size > 0)
		memcpy(copy, data, size);
	text = (struct span){ copy, size };
	read_env(text);
	read_image(text);
	read_ignore(text);
	jscode_strip(copy, size);
	CHECK(envuse_scan(text, on_use, &text));
	CHECK(marks_scan(text, on_mark, &text));
	jscode_imports(text, on_import, &text);
	CHECK(nextconfig_read(&c, text));
	(void)nextconfig_allows(&c, "a.b.c");
	nextconfig_free(&c);
	free(copy);
	return 0;
}
