#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/command.h"
#include "cli/options.h"
#include "options_fixture.h"

static void
the_table_is_sound(void **state)
{
	size_t i, j;

	(void)state;
	for (i = 0; i < options_count; i++) {
		const struct options_row *row = &options_table[i];

		assert_non_null(row->type);
		assert_true(row->commands != 0);
		if (row->type->flag != (row->argument == NULL))
			fail_msg("--%s: flag or argument?", row->name);
		if (strlen(row->help) > 49)
			fail_msg("--%s: its help is too wide", row->name);
		if (row->type->list != (row->count != 0))
			fail_msg("--%s: list and count", row->name);
		assert_ptr_equal(options_find(row->name, strlen(row->name)),
		    row);
		for (j = 0; j < i; j++) {
			assert_string_not_equal(options_table[j].name,
			    row->name);
			assert_true(row->letter == '\0' ||
			    options_table[j].letter != row->letter);
		}
	}
	for (i = 0; i < command_count; i++)
		assert_ptr_equal(command_find(command_table[i].name),
		    &command_table[i]);
}

static void
values_of_every_kind(void **state)
{
	struct line l;
	struct spaceferry_options *j = &l.o.job;

	(void)state;
	if (!line_read(&l, "migrate|--from|mongodb://h/a|--to=mongodb://i/b|"
	    "--db|x|--db=y|--db|z|--query={\"a\":1}|--rename|a.*=b.*|"
	    "--on-conflict|replace|--dry-run|--jobs=3|--memory|32MiB|"
	    "--bwlimit=8mbit|--patience|2m|--limit|5|--json|-qv"))
		fail_msg("%s", l.err.message);
	assert_string_equal(l.command->name, "migrate");
	assert_string_equal(j->from, "mongodb://h/a");
	assert_string_equal(j->to, "mongodb://i/b");
	assert_int_equal(j->db.n, 3);
	assert_string_equal(j->db.v[0], "x");
	assert_string_equal(j->db.v[1], "y");
	assert_string_equal(j->db.v[2], "z");
	assert_string_equal(j->query, "{\"a\":1}");
	assert_int_equal(j->n_rename, 1);
	assert_string_equal(j->rename[0].from, "a.*");
	assert_string_equal(j->rename[0].to, "b.*");
	assert_int_equal(j->on_conflict, SPACEFERRY_REPLACE);
	assert_true(j->dry_run);
	assert_false(j->drop);
	assert_int_equal(j->jobs, 3);
	assert_int_equal(j->memory, 32 << 20);
	assert_int_equal(j->bandwidth, 1000000);
	assert_int_equal(j->patience_ms, 120000);
	assert_int_equal(j->limit, 5);
	assert_true(l.o.json && l.o.quiet && l.o.verbose);
	line_free(&l);
}

static void
more_kinds(void **state)
{
	struct line l;

	(void)state;
	if (!line_read(&l, "migrate|--log-format=json|--content-disposition|"
	    "inline|--cache-control=max-age=60|--drop=true|--restart=no|"
	    "--patience=0|--state|/s|--config|c|--"))
		fail_msg("%s", l.err.message);
	assert_int_equal(l.o.log_format, OPTIONS_JSON);
	assert_string_equal(l.o.job.content_disposition, "inline");
	assert_string_equal(l.o.job.cache_control, "max-age=60");
	assert_true(l.o.job.drop);
	assert_false(l.o.job.restart);
	/* 0 would be the default in the library. */
	assert_int_equal(l.o.job.patience_ms, 1);
	assert_string_equal(l.o.job.state, "/s");
	assert_string_equal(l.o.config, "c");
	line_free(&l);
	/* So would 0 here: no limit. */
	if (!line_read(&l, "migrate|--delta|--delete|--max-delete=0"))
		fail_msg("%s", l.err.message);
	assert_true(l.o.job.max_delete == SPACEFERRY_DELETE_NONE);
	line_free(&l);
	if (!line_read(&l, "migrate|--delta|--delete|--max-delete|7"))
		fail_msg("%s", l.err.message);
	assert_int_equal(l.o.job.max_delete, 7);
	line_free(&l);
}

static void
urls_belong_to_the_files_before(void **state)
{
	struct line l;
	const struct spaceferry_files *f;

	(void)state;
	if (!line_read(&l, "verify|--files=./a=s3://b/a|--files-url=/u=https://c|"
	    "--files|x=/y|--files|/p=file:///q|--files-url|/v=https://d|"
	    "--files-url|https://o/v=https://d|--rewrite|/r=/s"))
		fail_msg("%s", l.err.message);
	f = l.o.job.files;
	assert_int_equal(l.o.job.n_files, 3);
	assert_string_equal(f[0].place.from, "./a");
	assert_string_equal(f[0].place.to, "s3://b/a");
	assert_string_equal(f[0].url.from, "/u");
	assert_string_equal(f[0].url.to, "https://c");
	assert_string_equal(f[1].place.to, "/y");
	assert_null(f[1].url.from);
	assert_string_equal(f[2].url.from, "/v");
	/* Another spelling of the same place is a rule like any other. */
	assert_int_equal(l.o.job.n_rewrite, 2);
	assert_string_equal(l.o.job.rewrite[0].from, "https://o/v");
	assert_string_equal(l.o.job.rewrite[0].to, "https://d");
	line_free(&l);
}

static void
errors(void **state)
{
	static const struct {
		const char *line, *message, *hint;
	} cases[] = {
		{ "migrate|--form|x", "unknown option --form", "--from" },
		{ "migrate|--no-such-thing", "unknown option --no-such-thing",
		    "migrate --help" },
		{ "migrate|--onconflict=skip", "--onconflict", "--on-conflict" },
		{ "migrate|--rewrite-skp=a", "--rewrite-skp", "--rewrite-skip" },
		{ "migrate|--rewrite-sk=a", "--rewrite-sk", "--rewrite-skip" },
		{ "migrate|--form=mongodb://u:hush@h", "unknown option --form",
		    "--from" },
		{ "migrat", "unknown command 'migrat'", "migrate" },
		{ "teleport", "unknown command 'teleport'",
		    "migrate, verify" },
		{ "migrate|verify", "unexpected argument 'verify'", "--from" },
		{ "migrate|--|--drop", "unexpected argument '--drop'", "" },
		{ "--json", "no command", "--help" },
		{ "verify|--drop", "verify does not use --drop", "migrate" },
		{ "--drop|verify", "verify does not use --drop", "migrate" },
		{ "verify|--dry-run", "verify does not use --dry-run", "" },
		{ "migrate|--from", "--from needs a value", "URI" },
		{ "migrate|--from|--to|x", "--from needs a value", "behind a =" },
		{ "migrate|--to=a|--to=b", "--to is given twice", "" },
		{ "migrate|--drop=maybe", "--drop: 'maybe'", "" },
		{ "migrate|--drop|--drop=no", "--drop is given twice", "" },
		{ "migrate|--memory=12q", "--memory: '12q' is not a size",
		    "64MiB" },
		{ "migrate|--memory=0", "--memory: it must be more", "" },
		{ "migrate|--jobs=0", "--jobs: '0' is less than 1", "" },
		{ "migrate|--jobs=257", "--jobs: at most 256", "" },
		{ "migrate|--limit=0", "--limit: '0' is less than 1", "" },
		{ "migrate|--on-conflict=keep", "--on-conflict: 'keep'",
		    "abort|skip|replace" },
		{ "migrate|--content-disposition=none", "'none'", "inline" },
		{ "migrate|--rename=ab", "--rename: there is no =", "FROM=TO" },
		{ "migrate|--rename==b", "--rename: FROM is empty", "" },
		{ "migrate|--rename=a=", "--rename: TO is empty", "" },
		{ "migrate|--from=", "--from: its value is empty", "" },
		{ "migrate|--db=", "--db: its value is empty", "" },
		{ "migrate|--files-url=/a=/b", "--files-url: there is no --files",
		    "before" },
		{ "migrate|--files-url=/a=/b|--files=a=b", "no --files", "" },
		{ "migrate|--files=a=/b|--files-url=/a=/b|--files-url=/c=/d",
		    "lead to one place", "--rewrite" },
		{ "migrate|--files=a", "--files: there is no =", "FROM=TO" },
		{ "--files=a|migrate", "--files: there is no =", "FROM=TO" },
		{ "migrate|--files==b", "--files: FROM is empty", "" },
		{ "migrate|--files=", "--files: its value is empty", "" },
		{ "backup|--files=", "--files: its value is empty", "" },
		{ "restore|--files=a=", "--files: TO is empty", "" },
		{ "backup|--query={}", "backup does not use --query", "restore" },
		{ "prune|--keep-last=x", "--keep-last: 'x'", "" },
		{ "prune|--keep-daily=1000001", "--keep-daily: at most", "" },
		{ "check|--read-data-subset=0%", "--read-data-subset", "" },
		{ "check|--read-data-subset=101", "--read-data-subset", "" },
		{ "backup|--every=6", "--every: '6' is not a duration", "" },
		{ "migrate|-x", "unknown option -x", "" },
		{ "migrate|-json", "unknown option -json", "--json" },
		{ "migrate|-", "unexpected argument '-'", "" },
		{ "migrate|mongodb://u:hush@h/", "unexpected argument", "" },
		{ "rewrite|a||b", "an argument is empty", "" },
	};
	struct line l;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (line_read(&l, cases[i].line))
			fail_msg("%s: accepted", cases[i].line);
		if (l.err.kind != ERR_USAGE ||
		    strstr(l.err.message, cases[i].message) == NULL ||
		    strstr(l.err.hint, cases[i].hint) == NULL ||
		    l.err.hint[0] == '\0' ||
		    strstr(l.err.message, "hush") != NULL)
			fail_msg("%s: %s (%s)", cases[i].line, l.err.message,
			    l.err.hint);
		line_free(&l);
	}
}

/* Before, between and behind the options, in their order. */
static void
operands_are_kept(void **state)
{
	static const char *const want[] = {
		"a", "-", "ftp://u:xxxx@h/", "b", "--write", "c", "a",
	};
	struct line l;
	size_t i;

	(void)state;
	if (!line_read(&l, "rewrite|a|-|--json|ftp://u:hush@h/|--rewrite|/x=/y|"
	    "b|--|--write|c|a"))
		fail_msg("%s", l.err.message);
	assert_string_equal(l.command->name, "rewrite");
	assert_int_equal(l.o.operands.n, sizeof(want) / sizeof(want[0]));
	for (i = 0; i < l.o.operands.n; i++)
		assert_string_equal(l.o.operands.v[i], want[i]);
	assert_true(l.o.json && !l.o.write && l.o.job.n_rewrite == 1);
	assert_null(strstr(l.argv[4], "hush"));
	line_free(&l);
}

static void
help_needs_nothing_else(void **state)
{
	static const char *const lines[] = {
		"--help", "-h", "--version", "migrate|--help", "verify|-h",
		"verify|--drop|--help",
	};
	struct line l;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		if (!line_read(&l, lines[i]))
			fail_msg("%s: %s", lines[i], l.err.message);
		assert_true(l.o.help || l.o.version);
		line_free(&l);
	}
}

static void
pairs_split_as_written(void **state)
{
	static const struct {
		const char *text, *from;
	} cases[] = {
		{ "a=b", "a" }, { "a=b=c", "a" }, { "a=b=/c", "a=b" },
		{ "/x?q=1=/y", "/x?q=1" },
		{ "https://o/?a=b=https://n/", "https://o/?a=b" },
		{ "old.*=new.*", "old.*" }, { "./up=s3://b/p", "./up" },
		{ "/a=s3://b/x=/y", "/a" }, { "https://o/x=", "https://o/x" },
		{ "=b", "" }, { "a==/b", "a=" }, { "a=1x:y", "a" },
		{ "a=b=x-1.2+y:z", "a=b" }, { "=/b", "" },
	};
	size_t i;
	ptrdiff_t n;

	(void)state;
	assert_int_equal(options_split("none"), -1);
	assert_int_equal(options_split(""), -1);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		n = options_split(cases[i].text);
		if (n < 0 || (size_t)n != strlen(cases[i].from) ||
		    cases[i].text[n] != '=')
			fail_msg("%s at %td", cases[i].text, n);
	}
}

static void
passwords_are_hidden(void **state)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{ "mongodb://u:pw@h/db", "mongodb://u:xx@h/db" },
		{ "mongodb+srv://u:pw@h/db", "mongodb+srv://u:xx@h/db" },
		{ "mongodb://u:p@ss/w?rd@h:1/db", "mongodb://u:xxxxxxxxx@h:1/db" },
		{ "mongodb://u:1234@h/", "mongodb://u:xxxx@h/" },
		{ "s3://b/p=sftp://u:pw@h/x", "s3://b/p=sftp://u:xx@h/x" },
		{ "sftp://a:b@c/=sftp://d:e@f/", "sftp://a:x@c/=sftp://d:x@f/" },
		{ "mongodb://u@h/db", NULL }, { "mongodb://h:27017/db", NULL },
		{ "mongodb://h:27017,i:27018/db?appName=a@b", NULL },
		{ "mongodb://h/?x=a:b", NULL }, { "u:pw@h", NULL },
		{ "https://h/a:b@c", NULL }, { "mongodb://u:@h/", NULL },
		{ "mongodb://h/?tls=true&tlsCertificateKeyFilePassword=pw&x=y",
		    "mongodb://h/?tls=true&tlsCertificateKeyFilePassword=xx&x=y"
		},
		{ "mongodb://u:p@h/?authMechanismProperties="
		    "AWS_SESSION_TOKEN:abc,X:y", "mongodb://u:x@h/?"
		    "authMechanismProperties=AWS_SESSION_TOKEN:xxx,X:y" },
		{ "https://h/f?X-Amz-Signature=12&b", "https://h/f?"
		    "X-Amz-Signature=xx&b" },
		{ "", NULL }, { "://", NULL }, { "password=x", NULL },
	};
	char text[100];
	size_t i;
	bool found;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(text, sizeof(text), "%s", cases[i].text);
		found = options_hide(text);
		if (found != (cases[i].want != NULL) || strcmp(text,
		    found ? cases[i].want : cases[i].text) != 0)
			fail_msg("%s became %s", cases[i].text, text);
	}
}

static void
argv_loses_its_passwords(void **state)
{
	struct line l;

	(void)state;
	assert_true(line_read(&l, "migrate|--from=mongodb://u:hush@h/|--to|"
	    "mongodb://v:quiet@i/"));
	assert_string_equal(l.argv[2], "--from=mongodb://u:xxxx@h/");
	assert_string_equal(l.argv[4], "mongodb://v:xxxxx@i/");
	assert_string_equal(l.o.job.from, "mongodb://u:hush@h/");
	assert_string_equal(l.o.job.to, "mongodb://v:quiet@i/");
	assert_string_equal(l.o.exposed, "from");
	line_free(&l);

	assert_true(line_read(&l, "migrate|--from=mongodb://h:27017/"));
	assert_null(l.o.exposed);
	line_free(&l);
}

static void
environment_stands_in(void **state)
{
	struct line l;

	(void)state;
	setenv("SPACEFERRY_FROM", "mongodb://from-env", 1);
	setenv("SPACEFERRY_TO", "", 1);
	assert_true(line_read(&l, "migrate"));
	assert_true(options_read_environment(&l.o, l.command, &l.err));
	assert_string_equal(l.o.job.from, "mongodb://from-env");
	assert_null(l.o.job.to);
	line_free(&l);

	assert_true(line_read(&l, "migrate|--from=mongodb://flag"));
	assert_true(options_read_environment(&l.o, l.command, &l.err));
	assert_string_equal(l.o.job.from, "mongodb://flag");
	line_free(&l);
	unsetenv("SPACEFERRY_FROM");
	unsetenv("SPACEFERRY_TO");
}

static void
commands_check_what_belongs_together(void **state)
{
	static const struct {
		const char *line, *message;
	} cases[] = {
		{ "migrate", "nothing to migrate" },
		{ "verify", "nothing to verify" },
		{ "migrate|--from=a", "--to is missing" },
		{ "verify|--to=a", "--from is missing" },
		{ "migrate|--from=a|--to=b", NULL },
		{ "migrate|--files=a=b", NULL },
		{ "migrate|--files=a=b|--from=a", "--to is missing" },
		{ "migrate|--from=a|--to=b|--drop|--on-conflict=skip",
		    "--drop" },
		{ "migrate|--from=a|--to=b|--drop|--on-conflict=abort", NULL },
		{ "migrate|--from=snapshot:1|--to=b", "no snapshot" },
		{ "verify|--from=a|--to=snapshot:1", "--repo is missing" },
		{ "diff|--from=snapshot:1|--to=b|--repo=/r", NULL },
		{ "backup|--from=a", "--repo is missing" },
		{ "backup|--repo=/r", "nothing to back up" },
		{ "backup|--repo=/r|--files=/f", NULL },
		{ "backup|--repo=/r|--from=snapshot:1", "already" },
		{ "backup|--repo=/r|--from=a|--ping=h/x", "--ping" },
		{ "backup|--repo=/r|--from=a|--ping=http:///x", "--ping" },
		{ "backup|--repo=/r|--from=a|--ping=http://h/x", NULL },
		{ "backup|--repo=/r|--from=a|--every=1h|--dry-run", "--every" },
		{ "restore|--to=b", "--repo is missing" },
		{ "restore|--repo=/r", "restore to where" },
		{ "restore|--repo=/r|--files=/f", NULL },
		{ "restore|--repo=/r|--to=b|--drop|--on-conflict=skip",
		    "--drop" },
		{ "restore|--repo=/r|--to=snapshot:1", "reads from" },
		{ "restore|--repo=/r|--drill|--files=/f", "needs --to" },
		{ "restore|--repo=/r|--drill|--to=b|--drop", "--drop" },
		{ "restore|--repo=/r|--drill|--to=b|--on-conflict=skip",
		    "--on-conflict" },
		{ "restore|--repo=/r|--drill|--to=b", NULL },
		{ "snapshots", "--repo is missing" },
		{ "check|--repo=/r|--read-data|--read-data-subset=5%",
		    "--read-data-subset" },
		{ "check|--repo=/r|--repair|--max-age=1d", NULL },
		{ "prune|--repo=/r", NULL },
	};
	struct line l;
	size_t i;
	bool ok;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_true(line_read(&l, cases[i].line));
		ok = l.command->check(&l.o, &l.err);
		if (ok != (cases[i].message == NULL) || (!ok &&
		    strstr(l.err.message, cases[i].message) == NULL))
			fail_msg("%s: %d %s", cases[i].line, ok,
			    l.err.message);
		line_free(&l);
	}
}

static void
json_is_seen_in_any_line(void **state)
{
	char *with[] = { "spaceferry", "--bad", "--json", NULL };
	char *without[] = { "spaceferry", "--", "--json", NULL };

	(void)state;
	assert_true(options_asks_json(3, with));
	assert_false(options_asks_json(2, with));
	assert_false(options_asks_json(3, without));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_table_is_sound),
		cmocka_unit_test(values_of_every_kind),
		cmocka_unit_test(more_kinds),
		cmocka_unit_test(urls_belong_to_the_files_before),
		cmocka_unit_test(errors),
		cmocka_unit_test(operands_are_kept),
		cmocka_unit_test(help_needs_nothing_else),
		cmocka_unit_test(pairs_split_as_written),
		cmocka_unit_test(passwords_are_hidden),
		cmocka_unit_test(argv_loses_its_passwords),
		cmocka_unit_test(environment_stands_in),
		cmocka_unit_test(commands_check_what_belongs_together),
		cmocka_unit_test(json_is_seen_in_any_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
