#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cancel.h"
#include "cli/command.h"
#include "cli/config.h"
#include "cli/console.h"
#include "cli/every.h"
#include "cli/generate.h"
#include "cli/options.h"
#include "cli/passphrase.h"
#include "cli/print.h"
#include "cli/print_diff.h"
#include "cli/print_doctor.h"
#include "cli/report_page.h"
#include "cli/rewrite.h"
#include "cli/signals.h"
#include "cli/terminal.h"
#include "spaceferry.h"

/* An arena for each processor would hold on to memory that another needs. */
#define ARENAS 2

/* One run of the program. */
struct program {
	struct options options;
	const struct command *command;	/* NULL until it is known */
	struct console *console;
	struct passphrase passphrase;
	struct print_doctor doctor;
	struct print_diff diff;
	struct report_page *page;	/* --report; NULL: none */
	int argc;
	char *const *argv;
	uint64_t started_ns;
};

/* Whoever starts us with a standard descriptor closed would have the journal
 * opened in its place, and the log written into it. */
static void
open_standard_descriptors(void)
{
	int fd;

	for (fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) < 0)
			return;
	}
}

static struct console *
open_console(const struct options *o)
{
	struct console_settings settings = {
		.out = stderr,
		.terminal = terminal_is(STDERR_FILENO),
		.colour = terminal_has_colour(STDERR_FILENO),
		.json = o->log_format == OPTIONS_JSON,
		.quiet = o->quiet,
		.verbose = o->verbose,
		.now = cancel_now,
	};

	return console_new(&settings);
}

/* Where the result goes: stdout, unless an archive goes there. */
static FILE *
result_stream(const struct program *p)
{
	const char *to = p->options.job.to;

	if (p->command != NULL && p->command->bit == COMMAND_DOCTOR)
		return stdout;
	return to != NULL && strcmp(to, "archive:-") == 0 ? stderr : stdout;
}

/* Flushes stdout: a result that nobody could read is no success.  Whoever reads
 * differences may have seen enough. */
static int
close_stdout(struct program *p, int status)
{
	char message[120];

	if (p->diff.failed == 0 && fflush(stdout) == 0 && !ferror(stdout))
		return status;
	if (p->diff.failed != 0)
		errno = p->diff.failed;
	if (errno == EPIPE && p->command != NULL &&
	    (p->command->bit & (COMMAND_DIFF | COMMAND_REWRITE)) != 0)
		return 3;
	snprintf(message, sizeof(message), "cannot write the result to stdout: "
	    "%s", strerror(errno));
	console_error(p->console, message, "");
	return status == 0 ? 3 : status;
}

static struct print_style
style_of(const struct program *p, int status)
{
	const char *to = p->options.job.to;
	FILE *out = result_stream(p);

	return (struct print_style){
		.colour = terminal_has_colour(fileno(out)),
		.status = status,
		.files = p->options.job.n_files > 0,
		.anew = to != NULL && (strncmp(to, "archive:", 8) == 0 ||
		    strncmp(to, "dump:", 5) == 0),
		.to_pipe = out == stderr,
		.drill = p->options.job.drill,
	};
}

/* Tells what happened: errors to stderr, the result to stdout.  ran: a job
 * did, so that there is something to tell. */
static int
report(struct program *p, const struct spaceferry_summary *s, int status,
    bool ran)
{
	FILE *out = result_stream(p);
	struct print_style style = style_of(p, status);
	size_t i;

	console_clear(p->console);
	if (p->diff.failed != 0)
		return close_stdout(p, status);
	for (i = 0; i < s->n_errors; i++) {
		if (print_is_stop(&s->errors[i]))
			console_error(p->console, s->errors[i].message,
			    s->errors[i].hint);
	}
	if (p->options.json) {
		if (!print_json(out, s))
			errno = ENOMEM;
	} else if (ran && p->command->bit == COMMAND_DIFF) {
		print_diff_summary(&p->diff, s, &style);
	} else if (ran) {
		print_summary(out, s, &style);
	}
	return close_stdout(p, status);
}

/* An error met before a job ran. */
static int
report_err(struct program *p, struct err *err)
{
	struct spaceferry_finding finding = {
		.kind = err_kind_name(err->kind),
		.message = err->message,
		.hint = err->hint,
	};
	struct spaceferry_summary summary = {
		.command = p->command != NULL ? p->command->name : NULL,
		.dry_run = p->options.job.dry_run,
		.elapsed_seconds = (double)(cancel_now() - p->started_ns) / 1e9,
		.errors = &finding,
		.n_errors = 1,
	};

	return report(p, &summary, err_exit_status(err->kind, false), false);
}

static void
on_progress(void *arg, const struct spaceferry_progress *v, size_t n)
{
	struct program *p = arg;

	console_progress(p->console, v, n);
	report_page_progress(p->page, v, n);
}

static void
on_log(void *arg, enum spaceferry_level level, const char *line)
{
	struct program *p = arg;

	console_log(p->console, level, line);
}

static void
on_check(void *arg, const struct spaceferry_check *c)
{
	struct program *p = arg;

	console_clear(p->console);
	print_doctor_check(&p->doctor, c);
}

/* Nobody who could read the rest: no need to look for it. */
static void
on_difference(void *arg, const struct spaceferry_difference *d)
{
	struct program *p = arg;

	report_page_difference(p->page, d);
	if (p->diff.terminal && !p->diff.stat)
		console_clear(p->console);
	if (!print_diff_line(&p->diff, d))
		spaceferry_cancel();
}

static void
on_snapshot(void *arg, const struct spaceferry_snapshot *one)
{
	struct program *p = arg;

	if (p->options.json && p->command->bit == COMMAND_SNAPSHOTS)
		print_json_snapshot(stdout, one);
}

static bool
on_passphrase(void *arg, const char *what, char *out, size_t size)
{
	struct program *p = arg;

	console_clear(p->console);
	return passphrase_get(&p->passphrase, what, out, size);
}

/* What a command is in the library. */
static int
call_library(struct program *p, struct spaceferry_summary *summary)
{

	p->options.job.callbacks = (struct spaceferry_callbacks){
		.progress = on_progress,
		.log = on_log,
		.difference = on_difference,
		.check = on_check,
		.snapshot = on_snapshot,
		.passphrase = on_passphrase,
		.arg = p,
	};
	print_doctor_init(&p->doctor, stdout, p->options.json);
	print_diff_init(&p->diff, stdout, p->options.json, p->options.stat);
	switch (p->command->bit) {
	case COMMAND_VERIFY:
		return spaceferry_verify(&p->options.job, summary);
	case COMMAND_DIFF:
		return spaceferry_diff(&p->options.job, summary);
	case COMMAND_DOCTOR:
		return spaceferry_doctor(&p->options.job, summary);
	case COMMAND_EXPORT:
		return spaceferry_export(&p->options.job, summary);
	case COMMAND_IMPORT:
		return spaceferry_import(&p->options.job, summary);
	case COMMAND_BACKUP:
		return spaceferry_backup(&p->options.job, summary);
	case COMMAND_RESTORE:
		return spaceferry_restore(&p->options.job, summary);
	case COMMAND_SNAPSHOTS:
		return spaceferry_snapshots(&p->options.job, summary);
	case COMMAND_CHECK:
		return spaceferry_check(&p->options.job, summary);
	case COMMAND_PRUNE:
		return spaceferry_prune(&p->options.job, summary);
	default:
		return spaceferry_migrate(&p->options.job, summary);
	}
}

/* A second interruption ends the program at once, but not without the summary
 * that --json promises: it is made beforehand.  *text is freed by the caller,
 * after it took the words back. */
static void
prepare_last_words(struct program *p, char **text)
{
	struct spaceferry_finding finding = {
		.kind = err_kind_name(ERR_CANCELLED),
		.message = (char *)(uintptr_t)"interrupted twice: ended at once",
		.hint = (char *)(uintptr_t)"",
	};
	struct spaceferry_summary summary = {
		.command = p->command->name,
		.dry_run = p->options.job.dry_run,
		.errors = &finding,
		.n_errors = 1,
	};
	size_t len = 0;
	FILE *out;

	*text = NULL;
	if (!p->options.json || (out = open_memstream(text, &len)) == NULL)
		return;
	print_json(out, &summary);
	if (fclose(out) == 0)
		signals_last_words(fileno(result_stream(p)), *text, len);
}

/* An error that is met once the job has ended. */
static void
add_error(struct spaceferry_summary *s, const struct err *err)
{
	struct spaceferry_finding f = {
		.kind = err_kind_name(err->kind),
		.message = strdup(err->message),
		.hint = strdup(err->hint),
	}, *grown;

	s->ok = false;
	grown = realloc(s->errors, (s->n_errors + 1) * sizeof(*grown));
	if (grown != NULL)
		s->errors = grown;
	if (grown == NULL || f.message == NULL || f.hint == NULL) {
		free(f.message);
		free(f.hint);
		return;
	}
	grown[s->n_errors++] = f;
}

/* Runs the job, writes --report's page, tells what happened.  A page that
 * cannot be written takes nothing back of what the job did. */
static int
run_job(struct program *p)
{
	struct spaceferry_summary summary;
	struct print_style style;
	struct err err;
	int status;
	bool written;

	status = call_library(p, &summary);
	signals_last_words(-1, NULL, 0);
	style = style_of(p, status);
	written = p->page == NULL ||
	    report_page_write(p->page, &summary, &style, &err);
	if (!written)
		add_error(&summary, &err);
	status = report(p, &summary, status, true);
	spaceferry_summary_free(&summary);
	print_diff_free(&p->diff);
	return written || status != 0 ? status : 3;
}

/* One run, and what is said at a second interruption of it. */
static int
run_once(struct program *p)
{
	char *last_words;
	int status;

	prepare_last_words(p, &last_words);
	if (p->command->bit == COMMAND_REWRITE) {
		status = close_stdout(p, rewrite_command(&p->options,
		    p->console, stdout));
		signals_last_words(-1, NULL, 0);
	} else {
		status = run_job(p);
	}
	free(last_words);
	return status;
}

/* Runs that follow each other until a stop is requested; the status is that of
 * the last one. */
static int
run_every(struct program *p)
{
	char at[EVERY_TIME_SIZE], line[EVERY_TIME_SIZE + 20];
	struct every every;
	int status;

	every_init(&every, p->options.every_ms, p->options.job.repo);
	do {
		every_begin(&every);
		status = run_once(p);
		if (cancel_requested())
			break;
		malloc_trim(0);
		every_time(every_left_ms(&every), at);
		snprintf(line, sizeof(line), "the next run: %s", at);
		console_log(p->console, SPACEFERRY_INFO, line);
	} while (every_wait(&every));
	return status;
}

static int
run_command(struct program *p)
{
	struct err err;
	int status;

	if (p->options.report != NULL && (p->page = report_page_new(
	    &p->options, p->argc, p->argv, &err)) == NULL)
		return report_err(p, &err);
	if (!spaceferry_init()) {
		err_set(&err, ERR_INTERNAL, "a library cannot be set up");
		return report_err(p, &err);
	}
	status = p->options.every_ms > 0 ? run_every(p) : run_once(p);
	spaceferry_cleanup();
	return status;
}

/* Everything that is wanted, from all three places. */
static bool
read_options(struct program *p, int argc, char **argv, struct err *err)
{

	p->options.json = options_asks_json(argc, argv);
	if (!options_read_argv(&p->options, argc, argv, &p->command, err))
		return false;
	if (p->options.help || p->options.version)
		return true;
	return options_read_environment(&p->options, p->command, err) &&
	    config_read(&p->options, p->command, err) &&
	    command_set_ends(p->command, &p->options, err) &&
	    p->command->check(&p->options, err);
}

/* What somebody may not know about where the options came from. */
static void
tell_places(struct program *p)
{
	char line[160];

	if (p->options.config != NULL &&
	    strcmp(p->options.config, CONFIG_DEFAULT) == 0)
		console_log(p->console, SPACEFERRY_INFO, "options of ./"
		    CONFIG_DEFAULT " are in force");
	if (p->options.exposed == NULL)
		return;
	snprintf(line, sizeof(line), "a password on the command line (--%s) can "
	    "be seen by other users; %s", p->options.exposed,
	    strcmp(p->options.exposed, "from") == 0 ||
	    strcmp(p->options.exposed, "to") == 0 ?
	    "SPACEFERRY_FROM and SPACEFERRY_TO keep it to yourself" :
	    "in " CONFIG_DEFAULT " it stays with you");
	console_log(p->console, SPACEFERRY_WARNING, line);
}

static int
run(struct program *p, int argc, char **argv)
{
	struct err err;
	bool ok;

	ok = read_options(p, argc, argv, &err);
	if ((p->console = open_console(&p->options)) == NULL)
		return 3;
	tell_places(p);
	if (!ok)
		return report_err(p, &err);
	if (p->options.help || p->options.version) {
		if (p->options.version)
			print_version(stdout);
		else
			print_help(stdout, p->command);
		return close_stdout(p, 0);
	}
	return run_command(p);
}

int
main(int argc, char **argv)
{
	struct program p = { .argc = argc, .argv = argv,
	    .started_ns = cancel_now() };
	int status;

	mallopt(M_ARENA_MAX, ARENAS);
	open_standard_descriptors();
	signals_install(spaceferry_cancel);
	if (argc == 3 && strcmp(argv[1], "--generate") == 0)
		return generate(stdout, argv[2]) ? 0 : 2;
	options_init(&p.options);
	passphrase_init(&p.passphrase);
	status = run(&p, argc, argv);
	passphrase_free(&p.passphrase);
	report_page_free(p.page);
	console_free(p.console);
	options_free(&p.options);
	return status;
}
