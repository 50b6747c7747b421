#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "app/envuse.h"
#include "app/jscode.h"
#include "app/marks.h"
#include "app/nextconfig.h"
#include "app/secret.h"

/* Code as text: comments, variables, marks, next.config, secrets. */

#define FOUND_MAX 2048

struct found {
	char text[FOUND_MAX];
	size_t len;
};

static void
add(struct found *f, const char *what, size_t len, const char *more)
{
	int n = snprintf(f->text + f->len, sizeof(f->text) - f->len,
	    "%s%.*s%s", f->len > 0 ? " " : "", (int)len, what, more);

	assert_true(n >= 0 && (size_t)n < sizeof(f->text) - f->len);
	f->len += (size_t)n;
}

static void
comments(void **state)
{
	static const char *const cases[][2] = {
		{ "a // b\nc", "a     \nc" },
		{ "a /* b\n c */ d", "a     \n      d" },
		{ "'// no' // yes", "'// no'       " },
		{ "`https://x` /*y*/", "`https://x`      " },
		{ "\"\\\"// no\"", "\"\\\"// no\"" },
		{ "it's\n// yes", "it's\n      " },
		{ "a /", "a /" }, { "/*", "  " }, { "/* *", "    " },
		{ "'", "'" }, { "\"\\", "\"\\" }, { "//", "  " },
	};
	char text[64];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(text, sizeof(text), "%s", cases[i][0]);
		jscode_strip(text, strlen(text));
		if (strcmp(text, cases[i][1]) != 0)
			fail_msg("'%s' became '%s'", cases[i][0], text);
	}
}

static bool
on_use(void *arg, const struct envuse *u)
{
	char more[80];

	snprintf(more, sizeof(more), "%s%s%.*s", u->optional ? "?" : "",
	    u->fallback.len > 0 ? "=" : "", (int)u->fallback.len,
	    u->fallback.len > 0 ? u->fallback.p : "");
	add(arg, u->name.p, u->name.len, more);
	return true;
}

static void
uses(void **state)
{
	static const char *const cases[][2] = {
		{ "process.env.A", "A" },
		{ "process.env.A_1!", "A_1" },
		{ "process.env['A'] process.env[\"B\"]", "A B" },
		{ "process.env[ 'A' ] ?? 'x'", "A?=x" },
		{ "process.env?.A", "A" },
		{ "process.env.A || 'x y'", "A?=x y" },
		{ "process.env.A ?? f()", "A?" },
		{ "process.env.A === 'x'", "A?" },
		{ "process.env.A ? 1 : 2", "A?" },
		{ "!!process.env.A", "A?" },
		{ "!process.env.A", "A" },
		{ "process.env.A = 'x'", "" },
		{ "process.env[name]", "" },
		{ "process.environment.A myprocess.env.A", "" },
		{ "{ ...process.env }", "" },
		{ "const { A, B: b, C = 'x' } = process.env;", "A B C?=x" },
		{ "const {\n  A,\n  B,\n} = process.env", "A B" },
		{ "import.meta.env.A", "A" },
		{ "f(process.env)", "" }, { "process.env", "" },
		{ "process.env.", "" }, { "process.env[", "" },
		{ "process.env['", "" }, { "process.env['A", "A" },
		{ "}=process.env", "" }, { "=process.env", "" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct found f = { .len = 0 };

		assert_true(envuse_scan(span_of(cases[i][0]), on_use, &f));
		if (strcmp(f.text, cases[i][1]) != 0)
			fail_msg("%s: '%s', not '%s'", cases[i][0], f.text,
			    cases[i][1]);
	}
}

static void
on_import(void *arg, struct span package, const char *at)
{

	(void)at;
	add(arg, package.p, package.len, "");
}

static void
imports(void **state)
{
	static const char *const cases[][2] = {
		{ "import a from 'next/image';", "next" },
		{ "import { a,\n b } from \"@s/p/x\";", "@s/p" },
		{ "export * from 'a'; ", "a" },
		{ "import 'a/b.css';", "a" },
		{ "const a = require('a');", "a" },
		{ "await import('a')", "a" },
		{ "import type { A } from 'estree';", "" },
		{ "import fs from 'fs'; import x from 'node:y';", "" },
		{ "import a from './a'; import b from '@/b';", "" },
		{ "a message from 'me'", "" },
		{ "require(name)", "" }, { "import", "" }, { "from '", "" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct found f = { .len = 0 };

		jscode_imports(span_of(cases[i][0]), on_import, &f);
		if (strcmp(f.text, cases[i][1]) != 0)
			fail_msg("%s: '%s'", cases[i][0], f.text);
	}
}

static void
sources(void **state)
{
	static const char *const yes[] = { "app/page.tsx", "next.config.mjs",
	    "middleware.ts", "src/lib/a.js", "lib/testing.ts" };
	static const char *const no[] = { "app/page.test.tsx", "fix.js",
	    "scripts/a.js", "types/a.d.ts", "a/__tests__/b.ts", "a.md",
	    "public/x.js", "lib/a.min.js", "tests/a.ts" };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
		if (!jscode_is_source(yes[i]))
			fail_msg("%s", yes[i]);
	}
	for (i = 0; i < sizeof(no) / sizeof(no[0]); i++) {
		if (jscode_is_source(no[i]))
			fail_msg("%s", no[i]);
	}
}

static bool
on_mark(void *arg, enum marks_kind kind, const char *what, const char *at)
{
	static const char *const words[MARKS_KINDS] = { "disk", "tenant",
	    "frame", "site", "insecure", "script", "localhost" };

	(void)what;
	assert_non_null(at);
	add(arg, words[kind], strlen(words[kind]), "");
	return true;
}

static void
marks(void **state)
{
	static const char *const cases[][2] = {
		{ "fs.writeFile(p, d)", "disk" },
		{ "fs.createWriteStream(p)", "disk" },
		{ "import { writeFile } from 'fs'", "" },
		{ "writeFileSync('/tmp/x', d)", "" },
		{ "writeFileSync(join(os.tmpdir(), 'x'), d)", "" },
		{ "const p = host.split('.'); if (p.length > 2)", "tenant" },
		{ "hostname.split(\".\")\nx.length >= 3", "tenant" },
		{ "hostname.split('.')\nx.length >= 2", "" },
		{ "name.split('.'); x.length > 2; host", "" },
		{ "if (h.endsWith('.hf.space')) x; host.split('.').length > 2",
		    "" },
		{ "'X-Frame-Options': 'SAMEORIGIN'", "frame" },
		{ "'x-frame-options', 'ALLOWALL'", "" },
		{ "\"frame-ancestors 'none'\"", "frame" },
		{ "\"frame-ancestors https://huggingface.co\"", "" },
		{ "sameSite: 'lax'", "site" },
		{ "sameSite: 'strict', secure: true", "site" },
		{ "sameSite: 'none', secure: true", "" },
		{ "sameSite: z.enum(['lax'])", "" },
		{ "process.env.A\n  ? f : 'http://localhost:3000'", "" },
		{ "sameSite: \"none\"", "insecure" },
		{ "sameSite: prod ? 'none' : 'lax', secure: prod", "" },
		{ "cookie({ secure: false })", "insecure" },
		{ "mail({ secure: false })", "" },
		{ "cookie({ httpOnly: false })", "script" },
		{ "fetch('http://localhost:3000/a')", "localhost" },
		{ "process.env.A || 'http://localhost:3000'", "" },
		{ "f(process.env.A); g('http://localhost:3000')", "localhost" },
		{ "mongodb://localhost/x", "" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct found f = { .len = 0 };

		assert_true(marks_scan(span_of(cases[i][0]), on_mark, &f));
		if (strcmp(f.text, cases[i][1]) != 0)
			fail_msg("%s: '%s'", cases[i][0], f.text);
	}
	assert_true(marks_is_health("src/app/api/health/route.ts"));
	assert_true(marks_is_health("pages/api/health.ts"));
	assert_false(marks_is_health("app/api/healthy/route.ts"));
}

static void
configs(void **state)
{
	static const char text[] = "module.exports = { output: 'standalone',\n"
	    "env: { A: process.env.A, 'B': `}`, C },\n"
	    "images: { domains: [\"a.example\"], unoptimized: false,\n"
	    "remotePatterns: [{ protocol: 'https', hostname: '*.b.example' },\n"
	    "{ \"hostname\": \"**.c.example\" },\n"
	    "new URL('https://d.example:8/x/**')] } };";
	struct nextconfig c;
	size_t i;

	(void)state;
	assert_true(nextconfig_read(&c, span_of(text)));
	assert_true(c.standalone && c.images && !c.unoptimized);
	assert_int_equal(c.host.n, 4);
	assert_int_equal(c.inlined.n, 3);
	for (i = 0; i < 3; i++)
		assert_int_equal(c.inlined.v[i][0], 'A' + (int)i);
	assert_true(nextconfig_allows(&c, "a.example"));
	assert_true(nextconfig_allows(&c, "x.b.example"));
	assert_false(nextconfig_allows(&c, "x.y.b.example"));
	assert_false(nextconfig_allows(&c, "b.example"));
	assert_true(nextconfig_allows(&c, "x.y.c.example"));
	assert_true(nextconfig_allows(&c, "d.example"));
	assert_false(nextconfig_allows(&c, "e.example"));
	nextconfig_free(&c);
	assert_true(nextconfig_read(&c, span_of("images: {unoptimized: true")));
	assert_true(c.unoptimized);
	nextconfig_free(&c);
}

static bool
on_secret(void *arg, const char *kind, const char *at)
{

	assert_non_null(at);
	add(arg, kind, strlen(kind), ";");
	return true;
}

/* Put together here, so that no scanner takes this file for a leak. */
static void
secrets(void **state)
{
	static const char *const cases[][3] = {
		{ "hf_", "aB3dE6gH9jK2mN5paB3dE6gH9jK2mN5pxy",
		    "a Hugging Face token;" },
		{ "hf_", "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", "" },
		{ "my_hf_", "aB3dE6gH9jK2mN5paB3dE6gH9jK2mN5pxy", "" },
		{ "hf_", "short", "" },
		{ "AKIA", "QWERTYUIOPASDFGH", "an AWS access key;" },
		{ "AKIA", "IOSFODNN7EXAMPLE", "" },
		{ "mongodb://a:", "Hunter2@h.example/x",
		    "a MongoDB URI with a password;" },
		{ "mongodb://a:", "<password>@h.example/x", "" },
		{ "mongodb://user:", "pass@h.example/x", "" },
		{ "mongodb://a:", "${PASS}@h.example/x", "" },
		{ "mongodb://a:", "****@h.example/x", "" },
		{ "mongodb://h.example/x?", "a:b@c", "" },
		{ "postgres://a:", "Hunter2@h/x",
		    "a database URI with a password;" },
		{ "-----BEGIN ", "PRIVATE KEY-----", "" },
		{ "the value is ", "R7wq0pLm92hVxZ81kTnBs64Y;",
		    "the value of JWT_SECRET;" },
		{ "mongodb://", "a:", "" },
	};
	static const char env[] = "JWT_SECRET=R7wq0pLm92hVxZ81kTnBs64Y\n"
	    "SHORT_KEY=abc\nTITLE=the value is here\n"
	    "NEXT_PUBLIC_KEY=the value is public\n";
	struct envfile e;
	struct err err;
	char text[256];
	size_t i;

	(void)state;
	assert_true(envfile_parse(&e, env, sizeof(env) - 1, &err));
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct found f = { .len = 0 };

		snprintf(text, sizeof(text), "\"%s%s\"\n", cases[i][0],
		    cases[i][1]);
		assert_true(secret_scan(span_of(text), &e, on_secret, &f));
		if (strcmp(f.text, cases[i][2]) != 0)
			fail_msg("%s: '%s'", text, f.text);
	}
	envfile_free(&e);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(comments),
		cmocka_unit_test(uses),
		cmocka_unit_test(imports),
		cmocka_unit_test(sources),
		cmocka_unit_test(marks),
		cmocka_unit_test(configs),
		cmocka_unit_test(secrets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
