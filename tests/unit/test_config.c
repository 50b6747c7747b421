#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "cli/command.h"
#include "cli/config.h"
#include "cli/options.h"

static char folder[] = "/tmp/spaceferry-config-XXXXXX";
static char path[64];

static int
set_up(void **state)
{

	(void)state;
	if (mkdtemp(folder) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/c.yaml", folder);
	setenv("SF_TEST_NAME", "value", 1);
	setenv("SF_TEST_EMPTY", "", 1);
	setenv("SF_TEST_ODD", "a: b # $$ ${c}", 1);
	unsetenv("SF_TEST_UNSET");
	return 0;
}

static int
tear_down(void **state)
{

	(void)state;
	unlink(path);
	return rmdir(folder);
}

/* Reads text (len bytes) as the config of a command, over what o holds. */
static bool
read_bytes(struct options *o, const char *command, const char *text,
    size_t len, struct err *err)
{

	err_clear(err);
	assert_true(file_replace(path, text, len, err));
	o->config = path;
	return config_read(o, command_find(command), err);
}

static bool
read_text(struct options *o, const char *text, struct err *err)
{

	options_init(o);
	return read_bytes(o, "migrate", text, strlen(text), err);
}

static void
every_kind_of_value(void **state)
{
	struct options o;
	struct err err;

	(void)state;
	if (!read_text(&o,
	    "# a comment\n"
	    "from: mongodb://h/a\n"
	    "to: \"mongodb://i/b\"\n"
	    "db: one\n"
	    "include: [a.*, 'b.*']\n"
	    "exclude:\n  - c.d\n"
	    "query: '{\"a\": 1}'\n"
	    "rename:\n  - a.*=b.*\n  - {from: c.d, to: e.f}\n"
	    "rewrite: {from: /a, to: ''}\n"
	    "on-conflict: skip\n"
	    "drop: true\n"
	    "dry-run: no\n"
	    "jobs: 4\n"
	    "memory: 128MiB\n"
	    "bwlimit: 80mbit\n"
	    "patience: 1h\n"
	    "json: yes\n"
	    "log-format: json\n", &err))
		fail_msg("%s", err.message);
	assert_string_equal(o.job.from, "mongodb://h/a");
	assert_string_equal(o.job.to, "mongodb://i/b");
	assert_int_equal(o.job.db.n, 1);
	assert_int_equal(o.job.include.n, 2);
	assert_string_equal(o.job.include.v[1], "b.*");
	assert_string_equal(o.job.exclude.v[0], "c.d");
	assert_string_equal(o.job.query, "{\"a\": 1}");
	assert_int_equal(o.job.n_rename, 2);
	assert_string_equal(o.job.rename[0].to, "b.*");
	assert_string_equal(o.job.rename[1].from, "c.d");
	assert_int_equal(o.job.n_rewrite, 1);
	assert_string_equal(o.job.rewrite[0].to, "");
	assert_int_equal(o.job.on_conflict, SPACEFERRY_SKIP);
	assert_true(o.job.drop && !o.job.dry_run && o.json);
	assert_int_equal(o.job.jobs, 4);
	assert_int_equal(o.job.memory, 128 << 20);
	assert_int_equal(o.job.bandwidth, 10000000);
	assert_int_equal(o.job.patience_ms, 3600000);
	assert_int_equal(o.log_format, OPTIONS_JSON);
	options_free(&o);
}

static void
variables(void **state)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{ "plain", "plain" }, { "${SF_TEST_NAME}", "value" },
		{ "a${SF_TEST_NAME}b${SF_TEST_NAME}", "avaluebvalue" },
		{ "${SF_TEST_EMPTY}x", "x" }, { "$$", "$" },
		{ "$$1 $1 $ $x", "$1 $1 $ $x" },
		{ "$${SF_TEST_NAME}", "${SF_TEST_NAME}" },
		{ "$$$${", "$${" }, { "x$", "x$" }, { "$$${SF_TEST_NAME}",
		    "$value" },
		/* What was put in is not read again. */
		{ "${SF_TEST_ODD}", "a: b # $$ ${c}" },
		{ "", "" },
		{ "${SF_TEST_UNSET}", NULL }, { "${", NULL }, { "${}", NULL },
		{ "${SF_TEST_NAME", NULL }, { "${1A}", NULL },
		{ "${SF-TEST}", NULL }, { "${ SF_TEST_NAME }", NULL },
	};
	struct buf out;
	struct err err;
	size_t i;
	bool ok;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		err_clear(&err);
		buf_init(&out, 1000);
		ok = config_expand(cases[i].text, &out, &err);
		if (ok != (cases[i].want != NULL) || (ok &&
		    strcmp(buf_str(&out), cases[i].want) != 0))
			fail_msg("'%s': %d '%s'", cases[i].text, ok,
			    ok ? buf_str(&out) : err.message);
		buf_free(&out);
	}
	/* A value that does not fit is refused, not cut. */
	buf_init(&out, 4);
	assert_false(config_expand("${SF_TEST_NAME}", &out, &err));
	assert_null(strstr(err.message, "value of ${SF_TEST_NAME} is value"));
	buf_free(&out);
}

struct bad_file {
	const char *text, *place, *message, *hint;
};

static const struct bad_file wrong_values[] = {
	{ "from: a\nform: b\n", ":2:", "unknown key 'form'", "from" },
	{ "a\n", ":1:", "not a mapping", "" },
	{ "- a\n", ":1:", "not a mapping", "" },
	{ "from: a\nto: b\nfrom: c\n", ":3:", "from: it is given twice, "
	    "first in line 1", "" },
	{ "to: x\n\nfrom: [a]\n", ":3:", "from: a text is wanted, not a "
	    "list", "" },
	{ "memory: {a: 1}\n", ":1:", "memory: a size is wanted, not a "
	    "mapping", "" },
	{ "db: [a, [b]]\n", ":1:", "not a list", "" },
	{ "db:\n  - a\n  - {b: c}\n", ":3:", "not a mapping", "" },
	{ "\n\nmemory: lots\n", ":3:", "memory: 'lots' is not a size",
	    "64MiB" },
	{ "drop: maybe\n", ":1:", "drop: 'maybe'", "" },
	{ "on-conflict: keep\n", ":1:", "'keep'", "abort|skip" },
	{ "from:\n", ":1:", "from: it has no value", "''" },
	{ "from: ~\n", ":1:", "has no value", "" },
	{ "from: ''\n", ":1:", "its value is empty", "" },
	{ "rename: [a]\n", ":1:", "no = in it", "FROM=TO" },
	{ "rename:\n  - {from: a}\n", ":2:", "both from and to", "" },
	{ "rename:\n  - {from: a, to: [b]}\n", ":2:", "single values",
	    "" },
	{ "rename:\n  - from: a\n    to: b\n    via: c\n", ":4:",
	    "unknown key 'via'", "from, to" },
	{ "rename:\n  - from: a\n    to: b\n    to: c\n", ":4:",
	    "'to' is given twice", "" },
	{ "rewrite:\n  - from: /a\n    to:\n", ":3:", "has no value",
	    "''" },
	{ "rename:\n  - from: ''\n    to: a\n", ":2:", "FROM is empty",
	    "" },
	{ "rename:\n  - from: a\n    to: ''\n", ":3:", "TO is empty",
	    "" },
};

static const struct bad_file wrong_files[] = {
	{ "to: x\nfrom: mongodb://u:${SF_TEST_UNSET}@h\n", ":2:",
	    "${SF_TEST_UNSET} is not set", "export" },
	{ "from: \"a\\0b\"\n", ":1:", "NUL", "" },
	{ "from: !secret a\n", ":1:", "tags are not known", "" },
	{ "jobs: !!int 3\n", ":1:", "tags are not known", "" },
	{ "from: a\n\tto: b\n", ":2:", "", "spaces, not tabs" },
	{ "from: a\nto: @b\n", ":2:", "cannot start any token",
	    "quotes" },
	{ "from: 'a\nto: b\n", ":3:", "quoted scalar", "" },
	{ "from: [a\nto: b\n", ":2:", "flow sequence", "" },
	{ "from: *a\n", ":1:", "alias", "" },
	{ "from: a\n---\nto: b\n", ":3:", "a second document", "" },
	{ "from: a\n...\n'\n", ":4:", "", "" },
	{ "<<: {from: a}\n", ":1:", "unknown key '<<'", "merge" },
	{ "[a]: b\n", ":1:", "a key is a single word", "" },
	{ "config: b\n", ":1:", "unknown key 'config'", "" },
	{ "help: true\n", ":1:", "unknown key 'help'", "" },
	{ "from: a\nto: b\xff\n", ":2:", "UTF-8", "" },
	{ "files-url: {from: /a, to: /b}\n", ":1:", "no --files", "" },
	{ "files: [a=/b, c=/d]\nfiles-url:\n  - /a=/b\n", ":3:",
	    "1 entries for 2", "inside" },
	{ "files: [{from: a, to: /b, url: c}]\n", ":1:",
	    "unknown key 'url'", "files-url" },
	{ "files:\n  - from: a\n    to: /b\n    files-url: {from: c}\n",
	    ":4:", "both from and to", "" },
};

static void
check_bad(const struct bad_file *cases, size_t n)
{
	struct options o;
	struct err err;
	char want[100];
	size_t i;

	for (i = 0; i < n; i++) {
		if (read_text(&o, cases[i].text, &err))
			fail_msg("accepted: %s", cases[i].text);
		snprintf(want, sizeof(want), "%s%s", path, cases[i].place);
		if (err.kind != ERR_CONFIG ||
		    strncmp(err.message, want, strlen(want)) != 0 ||
		    strstr(err.message, cases[i].message) == NULL ||
		    strstr(err.hint, cases[i].hint) == NULL ||
		    err.hint[0] == '\0')
			fail_msg("%s--> %s (%s)", cases[i].text, err.message,
			    err.hint);
		options_free(&o);
	}
}

static void
errors_have_their_line(void **state)
{

	(void)state;
	check_bad(wrong_values, sizeof(wrong_values) / sizeof(wrong_values[0]));
	check_bad(wrong_files, sizeof(wrong_files) / sizeof(wrong_files[0]));
}

static void
files_and_their_urls(void **state)
{
	static const struct {
		const char *text;
		const char *urls[3];	/* url.from of each of files */
		size_t rules;
	} cases[] = {
		{ "files: [a=/b, c=/d]\n", { NULL, NULL }, 0 },
		{ "files: a=/b\nfiles-url: /u=/v\n", { "/u" }, 0 },
		/* The order in the file does not matter. */
		{ "files-url: [/u=/v, /w=/v]\nfiles: [a=/b]\n", { "/u" }, 1 },
		{ "files: [a=/b, c=/d]\nfiles-url: [/u=/v, {from: /w, to: /x}]\n",
		    { "/u", "/w" }, 0 },
		{ "files:\n- {from: a, to: /b, files-url: {from: /u, to: /v}}\n"
		  "- {from: c, to: /d}\n"
		  "- {from: e, to: /f, files-url: [/w=/x, /y=/x, /z=/x]}\n",
		    { "/u", NULL, "/w" }, 2 },
	};
	struct options o;
	struct err err;
	size_t i, j;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (!read_text(&o, cases[i].text, &err))
			fail_msg("%s--> %s", cases[i].text, err.message);
		assert_string_equal(o.job.files[0].place.to, "/b");
		for (j = 0; j < o.job.n_files; j++) {
			const char *got = o.job.files[j].url.from;

			if ((got == NULL) != (cases[i].urls[j] == NULL) ||
			    (got != NULL && strcmp(got, cases[i].urls[j]) != 0))
				fail_msg("%s--> %zu: %s", cases[i].text, j,
				    got);
		}
		assert_int_equal(o.job.n_rewrite, cases[i].rules);
		options_free(&o);
	}
}

/* The stronger place wins; a list is replaced as a whole. */
static void
flags_beat_the_file(void **state)
{
	static const char text[] =
	    "from: file\nto: file\ndb: [x, y]\ndrop: true\nmemory: 1MiB\n"
	    "files: a=/b\nfiles-url: /u=/v\nlimit: 7\n";
	char from[] = "--from=flag", files[] = "--files=c=/d";
	char *argv[] = { "spaceferry", "migrate", from, "--db=z",
	    "--drop=false", files, NULL };
	const struct command *command;
	struct options o;
	struct err err;

	(void)state;
	options_init(&o);
	assert_true(options_read_argv(&o, 6, argv, &command, &err));
	setenv("SPACEFERRY_FROM", "environment", 1);
	setenv("SPACEFERRY_TO", "environment", 1);
	assert_true(options_read_environment(&o, command, &err));
	unsetenv("SPACEFERRY_FROM");
	unsetenv("SPACEFERRY_TO");
	if (!read_bytes(&o, "migrate", text, strlen(text), &err))
		fail_msg("%s", err.message);
	assert_string_equal(o.job.from, "flag");
	assert_string_equal(o.job.to, "environment");
	assert_int_equal(o.job.db.n, 1);
	assert_string_equal(o.job.db.v[0], "z");
	assert_false(o.job.drop);
	assert_int_equal(o.job.memory, 1 << 20);
	assert_int_equal(o.job.limit, 7);
	assert_int_equal(o.job.n_files, 1);
	assert_string_equal(o.job.files[0].place.from, "c");
	/* The file's URLs belong to the file's files. */
	assert_null(o.job.files[0].url.from);
	options_free(&o);

	/* What is overruled is checked all the same. */
	options_init(&o);
	assert_true(options_read_argv(&o, 5, argv, &command, &err));
	assert_false(read_bytes(&o, "migrate", "drop: perhaps\n", 14, &err));
	options_free(&o);
}

static void
keys_of_other_commands_are_checked_only(void **state)
{
	static const char good[] = "from: a\ndrop: true\ndry-run: true\n";
	static const char bad[] = "from: a\ndrop: perhaps\n";
	struct options o;
	struct err err;

	(void)state;
	options_init(&o);
	assert_true(read_bytes(&o, "verify", good, strlen(good), &err));
	assert_string_equal(o.job.from, "a");
	assert_false(o.job.drop || o.job.dry_run);
	options_free(&o);
	options_init(&o);
	assert_false(read_bytes(&o, "verify", bad, strlen(bad), &err));
	options_free(&o);
}

static void
odd_files(void **state)
{
	struct options o;
	struct err err;
	char *large;
	size_t i;

	(void)state;
	assert_true(read_text(&o, "", &err));
	options_free(&o);
	assert_true(read_text(&o, "# nothing\n", &err));
	options_free(&o);
	assert_true(read_text(&o, "\xEF\xBB\xBF" "from: a\r\nto: b\r\n", &err));
	assert_string_equal(o.job.to, "b");
	options_free(&o);
	assert_true(read_text(&o, "x: &p /u=/v\nrewrite: *p\n", &err) ||
	    strstr(err.message, "unknown key 'x'") != NULL);
	options_free(&o);
	assert_true(read_text(&o, "rename: [&p {from: a, to: b}, *p]\n", &err));
	assert_int_equal(o.job.n_rename, 2);
	options_free(&o);

	/* 1 MiB is read, more is not. */
	large = malloc((1 << 20) + 1);
	memset(large, '\n', (1 << 20) + 1);
	options_init(&o);
	assert_true(read_bytes(&o, "migrate", large, 1 << 20, &err));
	assert_false(read_bytes(&o, "migrate", large, (1 << 20) + 1, &err));
	assert_int_equal(err.kind, ERR_CONFIG);
	/* Deep nesting ends in an error, not in the end of the stack. */
	for (i = 0; i < 1 << 20; i++)
		large[i] = '[';
	memcpy(large, "db: ", 4);
	assert_false(read_bytes(&o, "migrate", large, 1 << 20, &err));
	assert_non_null(strstr(err.message, ":1: nested too deeply"));
	for (i = 0; i < 1 << 20; i += 8)
		memcpy(large + i, i == 0 ? "db: [a, " : "&a b,\n  ", 8);
	assert_false(read_bytes(&o, "migrate", large, 1 << 20, &err));
	assert_non_null(strstr(err.message, ":1001: too many anchors"));
	options_free(&o);
	free(large);

	options_init(&o);
	o.config = "/nonexistent/c.yaml";
	assert_false(config_read(&o, command_find("migrate"), &err));
	assert_int_equal(err.kind, ERR_CONFIG);
	assert_non_null(strstr(err.message, "/nonexistent/c.yaml"));
	o.config = folder;
	assert_false(config_read(&o, command_find("migrate"), &err));
	assert_int_equal(err.kind, ERR_CONFIG);
	options_free(&o);
}

static void
the_default_file_may_be_missing(void **state)
{
	struct options o;
	struct err err;

	(void)state;
	assert_int_equal(chdir(folder), 0);
	options_init(&o);
	assert_true(config_read(&o, command_find("migrate"), &err));
	assert_null(o.config);
	assert_true(file_replace(CONFIG_DEFAULT, "from: here\n", 11, &err));
	assert_true(config_read(&o, command_find("migrate"), &err));
	assert_string_equal(o.config, CONFIG_DEFAULT);
	assert_string_equal(o.job.from, "here");
	unlink(CONFIG_DEFAULT);
	options_free(&o);
	assert_int_equal(chdir("/"), 0);
}

/* Whatever a file looks like, secrets do not come back in a message. */
static void
values_of_variables_stay_secret(void **state)
{
	static const char *const texts[] = {
		"from: [\"${SF_TEST_SECRET}\"]\n", "from: ${SF_TEST_SECRET}${\n",
		"from: a\nfrom: ${SF_TEST_SECRET}\n",
		"rename: ${SF_TEST_SECRET}\n",
	};
	struct options o;
	struct err err;
	size_t i;

	(void)state;
	setenv("SF_TEST_SECRET", "hush", 1);
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		assert_false(read_text(&o, texts[i], &err));
		assert_null(strstr(err.message, "hush"));
		assert_null(strstr(err.hint, "hush"));
		options_free(&o);
	}
	unsetenv("SF_TEST_SECRET");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_of_value),
		cmocka_unit_test(variables),
		cmocka_unit_test(errors_have_their_line),
		cmocka_unit_test(files_and_their_urls),
		cmocka_unit_test(flags_beat_the_file),
		cmocka_unit_test(keys_of_other_commands_are_checked_only),
		cmocka_unit_test(odd_files),
		cmocka_unit_test(the_default_file_may_be_missing),
		cmocka_unit_test(values_of_variables_stay_secret),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
