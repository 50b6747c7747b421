#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cancel.h"
#include "base/log.h"
#include "bson/docignore.h"
#include "job/job.h"
#include "job/ticker.h"
#include "mongo/client.h"

#define DEFAULT_MEMORY ((uint64_t)64 * 1024 * 1024)
#define SMALLEST_MEMORY ((uint64_t)8 * 1024 * 1024)
#define DEFAULT_PATIENCE_MS ((uint64_t)10 * 60 * 1000)
#define DEFAULT_LIMIT 20
#define WORKERS_MAX 64
#define END_SHOWN_MAX 2048

bool
job_copy_strings(const struct spaceferry_strings *from, struct strings *out)
{
	size_t i;

	for (i = 0; i < from->n; i++) {
		if (!strings_add(out, from->v[i]))
			return false;
	}
	return true;
}

/* The rules: every --rewrite, then every --files-url. */
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

/* True when to is url or lies below it. */
static bool
is_below(const char *to, const char *url)
{
	size_t len = strlen(url);

	return len > 0 && strncmp(to, url, len) == 0 && (url[len - 1] == '/' ||
	    to[len] == '/' || to[len] == '\0');
}

/* A rule whose TO lies under the new URL of a --files leads to its files,
 * whichever option it came from. */
static void
find_link_rule(const struct spaceferry_options *o, const char *to,
    struct job_link_rule *rule)
{
	size_t i, len, best = 0;

	for (i = 0; i < o->n_files; i++) {
		const char *url = o->files[i].url.to;

		if (url == NULL || !is_below(to, url) ||
		    (len = strlen(url)) <= best)
			continue;
		best = len;
		rule->lookup = true;
		rule->files = i;
		rule->prefix = to + len;
	}
}

static bool
compile_rules(struct job *job, struct err *err)
{
	const struct spaceferry_options *o = job->options;
	struct match_rule_spec *specs;
	char why[512];
	bool ok = false;
	size_t i;

	specs = calloc(o->n_rewrite + o->n_files + 1, sizeof(*specs));
	job->link_rules = calloc(o->n_rewrite + o->n_files + 1,
	    sizeof(*job->link_rules));
	if (specs == NULL || job->link_rules == NULL) {
		err_nomem(err, "rewrite rules");
		goto out;
	}
	job->n_rules = list_rules(o, specs);
	for (i = 0; i < job->n_rules; i++)
		find_link_rule(o, specs[i].to, &job->link_rules[i]);
	job->rules = match_rules_new(specs, job->n_rules, err);
	if (job->rules == NULL)
		goto out;
	if (match_rules_unstable(job->rules, why, sizeof(why)))
		report_note(&job->report, "unstable_rules",
		    "a second run over the target would change it again",
		    "%s", why);
	ok = true;
out:
	free(specs);
	return ok;
}

static void
fill_defaults(struct job *job)
{
	const struct spaceferry_options *o = job->options;
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	job->workers = o->jobs != 0 ? o->jobs : cores > 4 ? (unsigned)cores : 4;
	if (job->workers > WORKERS_MAX)
		job->workers = WORKERS_MAX;
	job->memory = o->memory != 0 ? o->memory : DEFAULT_MEMORY;
	if (job->memory < SMALLEST_MEMORY)
		job->memory = SMALLEST_MEMORY;
	job->patience_ms = o->patience_ms != 0 ? o->patience_ms :
	    DEFAULT_PATIENCE_MS;
}

static void
carry_log(enum log_level level, const char *line, void *arg)
{

	ticker_log(arg, level == LOG_DEBUG ? SPACEFERRY_DEBUG :
	    level == LOG_INFO ? SPACEFERRY_INFO : SPACEFERRY_WARNING, line);
}

bool
job_compares(const struct job *job)
{

	return strcmp(job->command, "verify") == 0 ||
	    strcmp(job->command, "diff") == 0;
}

static bool
is_writing(const struct job *job)
{

	return !job_compares(job) && strcmp(job->command, "doctor") != 0 &&
	    strcmp(job->command, "snapshots") != 0 &&
	    strcmp(job->command, "check") != 0;
}

/* The ends as they may be shown; one that cannot be (memory) is left out. */
static void
name_ends(const struct spaceferry_options *o, struct spaceferry_summary *s)
{
	char shown[END_SHOWN_MAX];

	if (o->from != NULL) {
		mongo_redact(o->from, shown, sizeof(shown));
		s->source = strdup(shown);
	}
	if (o->to != NULL) {
		mongo_redact(o->to, shown, sizeof(shown));
		s->target = strdup(shown);
	}
}

/* An entry that cannot be is told before anybody is asked anything. */
static bool
check_ignored(const struct job *job, struct err *err)
{
	struct docignore *ignore;

	if ((ignore = docignore_new(&job->ignore, "", err)) == NULL)
		return false;
	docignore_free(ignore);
	return true;
}

bool
job_open(struct job *job, const struct spaceferry_options *options,
    const char *command, struct spaceferry_summary *summary, struct err *err)
{

	memset(job, 0, sizeof(*job));
	job->options = options;
	job->command = command;
	job->writes = is_writing(job) && !options->dry_run;
	job->started_ns = cancel_now();
	if (!report_init(&job->report, summary,
	    options->limit != 0 ? options->limit : DEFAULT_LIMIT))
		return err_nomem(err, "report");
	summary->command = command;
	summary->dry_run = options->dry_run;
	name_ends(options, summary);
	fill_defaults(job);
	if (!job_copy_strings(&options->rewrite_skip, &job->rewrite_skip) ||
	    !job_copy_strings(&options->ignore, &job->ignore) ||
	    !job_copy_strings(&options->rewrite_files, &job->rewrite_files) ||
	    !job_copy_strings(&options->files_include, &job->files_include) ||
	    !job_copy_strings(&options->files_exclude, &job->files_exclude))
		return err_nomem(err, "options");
	if ((job->progress = progress_new()) == NULL)
		return err_nomem(err, "progress");
	if ((job->ticker = ticker_new(&options->callbacks,
	    job->progress)) == NULL)
		return err_nomem(err, "progress thread");
	log_set_handler(carry_log, job->ticker, LOG_DEBUG);
	return compile_rules(job, err) && check_ignored(job, err);
}

enum spaceferry_on_conflict
job_on_conflict(const struct job *job)
{

	if (job->differences != NULL)
		return SPACEFERRY_ABORT;	/* nothing is in conflict */
	return job->options->delta ? SPACEFERRY_REPLACE :
	    job->options->on_conflict;
}

bool
job_max_delete(const struct job *job, uint64_t *most)
{
	uint64_t n = job->options->max_delete;

	*most = n == SPACEFERRY_DELETE_NONE ? 0 : n;
	return n > 0;
}

bool
job_minds_extras(const struct job *job)
{

	if (job->options->delta)
		return job->options->delete_extra;
	return !is_writing(job) ||
	    job->options->on_conflict == SPACEFERRY_ABORT;
}

/* Whether every count in the summary says that all is well. */
static bool
counts_are_ok(const struct spaceferry_summary *s)
{
	size_t i;

	for (i = 0; i < s->n_collections; i++) {
		if (!s->collections[i].ok)
			return false;
	}
	if (strcmp(s->command, "diff") == 0 && s->files.extra > 0)
		return false;
	for (i = 0; i < s->n_checks; i++) {
		if (s->checks[i].verdict == SPACEFERRY_FAIL)
			return false;
	}
	return s->files.failed == 0 && s->files.missing == 0 &&
	    s->files.different == 0 && s->n_errors == 0;
}

void
job_repeated_documents(struct job *job, uint64_t n, uint64_t bytes)
{

	if (!job->resumed)
		return;
	atomic_fetch_add(&job->repeated.documents, n);
	atomic_fetch_add(&job->repeated.bytes, bytes);
}

void
job_repeated_files(struct job *job, uint64_t n, uint64_t bytes)
{

	if (!job->resumed)
		return;
	atomic_fetch_add(&job->repeated.files, n);
	atomic_fetch_add(&job->repeated.file_bytes, bytes);
}

static void
summarise_repeated(struct job *job)
{
	struct spaceferry_summary *s = job->report.summary;

	s->resumed = job->resumed;
	s->repeated.documents = atomic_load(&job->repeated.documents);
	s->repeated.bytes = atomic_load(&job->repeated.bytes);
	s->repeated.files = atomic_load(&job->repeated.files);
	s->repeated.file_bytes = atomic_load(&job->repeated.file_bytes);
}

int
job_close(struct job *job, bool ok, const struct err *err)
{
	struct spaceferry_summary *s = job->report.summary;
	int status = 0;

	log_set_handler(NULL, NULL, LOG_WARNING);
	ticker_free(job->ticker);
	progress_free(job->progress);
	if (!ok) {
		report_err(&job->report, err);
		status = err_exit_status(err->kind,
		    atomic_load(&job->changed));
	}
	report_finish(&job->report);
	summarise_repeated(job);
	s->ok = ok && counts_are_ok(s);
	if (ok && !s->ok)
		status = 1;
	s->elapsed_seconds = (double)(cancel_now() - job->started_ns) / 1e9;
	match_rules_free(job->rules);
	free(job->link_rules);
	strings_free(&job->rewrite_skip);
	strings_free(&job->ignore);
	strings_free(&job->rewrite_files);
	strings_free(&job->files_include);
	strings_free(&job->files_exclude);
	return status;
}
