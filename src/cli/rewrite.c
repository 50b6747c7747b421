#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cancel.h"
#include "cli/console.h"
#include "cli/options.h"
#include "cli/rewrite.h"
#include "cli/rewrite_file.h"
#include "cli/rewrite_print.h"
#include "cli/terminal.h"
#include "job/report.h"
#include "match/match.h"

#define DEFAULT_LIMIT 20

struct run {
	const struct options *o;
	FILE *out;
	struct match_rules *rules;
	struct rewrite_file *files;
	size_t n;		/* each path once */
	struct report report;
	bool wrote;		/* a file was changed */
	int status;
};

/* Notes an error; the worst status wins.  Always false. */
static bool
failed(struct run *r, const struct err *err)
{
	int status = err_exit_status(err->kind, r->wrote);

	/* Whoever changed a file while we did: the same command finishes. */
	if (err->kind == ERR_CHANGED)
		status = 3;
	if (status > r->status)
		r->status = status;
	report_err(&r->report, err);
	return false;
}

/* Every --rewrite, then every --files-url, as a migration has them. */
static size_t
list_rules(const struct spaceferry_options *o, struct match_rule_spec *specs)
{
	size_t i, n = 0;

	for (i = 0; i < o->n_rewrite; i++) {
		specs[n].from = o->rewrite[i].from;
		specs[n++].to = o->rewrite[i].to;
	}
	for (i = 0; i < o->n_files; i++) {
		if (o->files[i].url.from == NULL)
			continue;
		specs[n].from = o->files[i].url.from;
		specs[n++].to = o->files[i].url.to;
	}
	return n;
}

static bool
compile_rules(struct run *r)
{
	const struct spaceferry_options *o = &r->o->job;
	struct match_rule_spec *specs;
	struct err err;
	char why[512];

	if ((specs = calloc(o->n_rewrite + o->n_files + 1,
	    sizeof(*specs))) == NULL) {
		err_nomem(&err, "rewrite rules");
		return failed(r, &err);
	}
	r->rules = match_rules_new(specs, list_rules(o, specs), &err);
	free(specs);
	if (r->rules == NULL)
		return failed(r, &err);
	if (!match_rules_unstable(r->rules, why, sizeof(why)))
		return true;
	if (!r->o->write) {
		report_note(&r->report, "unstable_rules", "--write refuses such "
		    "rules", "%s", why);
		return true;
	}
	err_set(&err, ERR_RULE, "%s", why);
	err_hint(&err, "a second run would change the files again: write the "
	    "rules so that no FROM matches what a rule has written");
	return failed(r, &err);
}

static bool
is_known(const struct run *r, const char *path)
{
	size_t i;

	for (i = 0; i < r->n; i++) {
		if (strcmp(r->files[i].path, path) == 0)
			return true;
	}
	return false;
}

/* What is worth knowing about a file that nothing is wrong with. */
static void
note_file(struct run *r, const struct rewrite_file *f)
{

	if (f->binary != NULL)
		report_note(&r->report, "binary", "", "%s: %s, left as it is",
		    f->operand, f->binary);
	if (f->no_rule > 0)
		report_note(&r->report, "no_rule", "is a rule missing?",
		    "%s: line %llu names a host of the rules in a way that no "
		    "rule covers (%llu in all)", f->operand,
		    (unsigned long long)f->no_rule_line,
		    (unsigned long long)f->no_rule);
	if (f->lines > 0 && f->st.st_nlink > 1)
		report_note(&r->report, "hard_link", "", "%s has %llu names: "
		    "only this one %s the new text", f->operand,
		    (unsigned long long)f->st.st_nlink,
		    r->o->write ? "gets" : "would get");
}

/* Finds and reads every file; goes on after an error, so that all that is wrong
 * is told at once. */
static bool
read_files(struct run *r)
{
	const struct spaceferry_strings *names = &r->o->operands;
	struct rewrite_file *f;
	struct err err;
	bool ok = true;
	size_t i;

	if ((r->files = calloc(names->n, sizeof(*r->files))) == NULL) {
		err_nomem(&err, "files");
		return failed(r, &err);
	}
	for (i = 0; i < names->n && !cancel_requested(); i++) {
		f = &r->files[r->n];
		if (!rewrite_file_find(f, names->v[i], &err)) {
			ok = failed(r, &err);
			rewrite_file_free(f);
		} else if (is_known(r, f->path)) {
			rewrite_file_free(f);
		} else {
			r->n++;
			if (!rewrite_file_read(f, r->rules, &err) ||
			    (r->o->write && f->lines > 0 &&
			    !rewrite_file_check(f, &err)))
				ok = failed(r, &err);
			else
				note_file(r, f);
		}
	}
	if (ok && cancel_requested()) {
		cancel_err(&err);
		ok = failed(r, &err);
	}
	return ok;
}

/* Shows or writes one after another, up to the first that fails. */
static bool
do_files(struct run *r, bool colour)
{
	struct rewrite_file *f;
	struct err err;
	bool ok = true;

	for (f = r->files; ok && f < r->files + r->n; f++) {
		if (f->lines == 0)
			continue;
		if (cancel_requested())
			ok = cancel_err(&err);
		else if (r->o->write)
			ok = rewrite_file_write(f, r->rules, &err);
		else if (!r->o->json)
			ok = rewrite_file_show(f, r->rules, colour, r->out,
			    &err);
		r->wrote = r->wrote || f->written;
		if (!ok)
			failed(r, &err);
	}
	return ok;
}

static void
tell(const struct run *r, const struct spaceferry_summary *s,
    struct console *console)
{
	size_t i;

	for (i = 0; i < s->n_notes; i++)
		console_log(console, SPACEFERRY_WARNING, s->notes[i].message);
	for (i = 0; i < s->n_errors; i++)
		console_error(console, s->errors[i].message, s->errors[i].hint);
	if (!r->o->json && (s->n_errors == 0 || r->wrote))
		rewrite_print(r->out, console, r->files, r->n, r->o->write);
	if (r->o->json && !rewrite_print_json(r->out, s, r->files, r->n))
		console_error(console, "out of memory: no summary", "");
}

int
rewrite_command(const struct options *o, struct console *console, FILE *out)
{
	struct run r = { .o = o, .out = out };
	uint64_t started_ns = cancel_now();
	struct spaceferry_summary s;
	size_t i;

	if (!report_init(&r.report, &s, o->job.limit != 0 ? o->job.limit :
	    DEFAULT_LIMIT)) {
		console_error(console, "a lock cannot be made", "");
		return 3;
	}
	if (compile_rules(&r) && read_files(&r))
		do_files(&r, terminal_has_colour(fileno(out)));
	report_finish(&r.report);
	s.command = "rewrite";
	s.dry_run = !o->write;
	s.ok = r.status == 0;
	s.elapsed_seconds = (double)(cancel_now() - started_ns) / 1e9;
	tell(&r, &s, console);
	for (i = 0; i < r.n; i++)
		rewrite_file_free(&r.files[i]);
	free(r.files);
	match_rules_free(r.rules);
	spaceferry_summary_free(&s);
	return r.status;
}
