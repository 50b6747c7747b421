#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "cli/command.h"
#include "cli/config.h"
#include "cli/options.h"
#include "options_fixture.h"

/* FROM=TO, END, or OLD=END: by the command, wherever it is named. */
static void
files_as_the_command_takes_them(void **state)
{
	static const struct {
		const char *line, *from, *to;
	} cases[] = {
		{ "migrate|--files=a=b", "a", "b" },
		{ "--files=a=b|rewrite", "a", "b" },
		{ "backup|--files=./up", "./up", NULL },
		{ "--files=./up|backup", "./up", NULL },
		{ "backup|--files=./a=b=/c", "./a=b=/c", NULL },
		{ "backup|--files=s3://b/x", "s3://b/x", NULL },
		{ "restore|--files=./up", NULL, "./up" },
		{ "restore|--files=./a=./b", "./a", "./b" },
		{ "restore|--files=a=b=s3://c/d", "a=b", "s3://c/d" },
		{ "restore|--files==./a=b", NULL, "./a=b" },
		{ "--files==/a=/b|restore", NULL, "/a=/b" },
	};
	const struct spaceferry_pair *p;
	struct line l;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (!line_read(&l, cases[i].line))
			fail_msg("%s: %s", cases[i].line, l.err.message);
		assert_int_equal(l.o.job.n_files, 1);
		p = &l.o.job.files[0].place;
		if ((p->from == NULL) != (cases[i].from == NULL) ||
		    (p->to == NULL) != (cases[i].to == NULL) ||
		    (p->from != NULL && strcmp(p->from, cases[i].from) != 0) ||
		    (p->to != NULL && strcmp(p->to, cases[i].to) != 0))
			fail_msg("%s: %s, %s", cases[i].line, p->from, p->to);
		line_free(&l);
	}
}

/* restore takes a snapshot; SPACEFERRY_FROM is the database of backup. */
static void
restore_reads_a_snapshot(void **state)
{
	struct line l;

	(void)state;
	setenv("SPACEFERRY_FROM", "mongodb://h/app", 1);
	assert_true(line_read(&l, "restore|--repo=/r|--to=b"));
	assert_true(options_read_environment(&l.o, l.command, &l.err));
	assert_string_equal(l.o.job.from, "mongodb://h/app");
	assert_true(command_set_ends(l.command, &l.o, &l.err));
	assert_null(l.o.job.from);
	line_free(&l);

	assert_true(line_read(&l, "restore|--repo=/r|--from=snapshot:ab"));
	assert_true(options_read_environment(&l.o, l.command, &l.err));
	assert_true(command_set_ends(l.command, &l.o, &l.err));
	assert_string_equal(l.o.job.from, "snapshot:ab");
	line_free(&l);
	unsetenv("SPACEFERRY_FROM");

	assert_true(line_read(&l, "restore|--repo=/r|--from=mongodb://h"));
	assert_false(command_set_ends(l.command, &l.o, &l.err));
	assert_int_equal(l.err.kind, ERR_USAGE);
	line_free(&l);
}

static void
repository_options(void **state)
{
	struct line l;
	const struct spaceferry_options *j = &l.o.job;

	(void)state;
	if (!line_read(&l, "backup|--repo=s3://b/r|--recipient=age1a|"
	    "--recipient|age1b|--recipients-file=f|--tag=x|--tag=y|"
	    "--every=6h|--keep-last=0|--keep-hourly=24|--keep-daily=7|"
	    "--keep-weekly=5|--keep-monthly=12|--keep-yearly=3|"
	    "--keep-within=2d|--before=a b|--after=c|--ping=https://h/u|"
	    "--metrics=/m.prom"))
		fail_msg("%s", l.err.message);
	assert_int_equal(j->recipients.n, 2);
	assert_string_equal(j->recipients.v[1], "age1b");
	assert_int_equal(j->recipients_files.n, 1);
	assert_int_equal(j->tags.n, 2);
	assert_int_equal(l.o.every_ms, 6 * 3600 * 1000);
	assert_true(j->keep.last == SPACEFERRY_KEEP_NONE);
	assert_int_equal(j->keep.hourly, 24);
	assert_int_equal(j->keep.daily, 7);
	assert_int_equal(j->keep.weekly, 5);
	assert_int_equal(j->keep.monthly, 12);
	assert_int_equal(j->keep.yearly, 3);
	assert_int_equal(j->keep.within_ms, 2 * 86400 * 1000);
	assert_string_equal(j->before, "a b");
	assert_string_equal(j->after, "c");
	assert_string_equal(j->ping, "https://h/u");
	assert_string_equal(j->metrics, "/m.prom");
	line_free(&l);
	if (!line_read(&l, "check|--repo=/r|--identity=k|--read-data-subset=2.5%|"
	    "--max-age=24h|--repair"))
		fail_msg("%s", l.err.message);
	assert_true(j->read_data_percent > 2.49 && j->read_data_percent < 2.51);
	assert_int_equal(j->max_age_ms, 86400 * 1000);
	assert_int_equal(j->identities.n, 1);
	assert_true(j->repair && !j->read_data);
	line_free(&l);
}

/* Reads text as the config of a command. */
static bool
read_config(struct options *o, const char *command, const char *text,
    struct err *err)
{
	char path[] = "/tmp/spaceferry-options-XXXXXX";
	int fd = mkstemp(path);
	bool ok;

	assert_true(fd >= 0);
	close(fd);
	options_init(o);
	assert_true(file_replace(path, text, strlen(text), err));
	o->config = path;
	ok = config_read(o, command_find(command), err);
	o->config = NULL;
	unlink(path);
	return ok;
}

/* The same file for migrate, backup and restore. */
static void
files_of_backup_and_restore(void **state)
{
	static const char text[] = "files:\n  - ./a=b=/c\n  - {from: ./d, "
	    "to: s3://e, files-url: /f=https://g}\nrewrite: /r=/s\n";
	const struct spaceferry_files *f;
	struct options o;
	struct err err;

	(void)state;
	if (!read_config(&o, "backup", text, &err))
		fail_msg("%s", err.message);
	f = o.job.files;
	assert_int_equal(o.job.n_files, 2);
	assert_string_equal(f[0].place.from, "./a=b=/c");
	assert_string_equal(f[1].place.from, "./d");
	assert_true(f[0].place.to == NULL && f[1].place.to == NULL);
	assert_true(f[1].url.from == NULL && o.job.n_rewrite == 0);
	options_free(&o);

	if (!read_config(&o, "restore", text, &err))
		fail_msg("%s", err.message);
	f = o.job.files;
	assert_string_equal(f[0].place.from, "./a=b");
	assert_string_equal(f[0].place.to, "/c");
	assert_string_equal(f[1].place.from, "./d");
	assert_string_equal(f[1].place.to, "s3://e");
	assert_string_equal(f[1].url.from, "/f");
	assert_int_equal(o.job.n_rewrite, 1);
	options_free(&o);

	if (!read_config(&o, "restore", "files: ./a\n", &err))
		fail_msg("%s", err.message);
	assert_null(o.job.files[0].place.from);
	assert_string_equal(o.job.files[0].place.to, "./a");
	options_free(&o);
	/* A command without files passes over it; one with both ends minds. */
	assert_true(read_config(&o, "prune", "files: ./a\n", &err));
	options_free(&o);
	assert_false(read_config(&o, "migrate", "files: ./a\n", &err));
	assert_non_null(strstr(err.message, ":1: files: there is no ="));
	options_free(&o);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_as_the_command_takes_them),
		cmocka_unit_test(files_of_backup_and_restore),
		cmocka_unit_test(restore_reads_a_snapshot),
		cmocka_unit_test(repository_options),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
