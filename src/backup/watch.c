#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "backup/hook.h"
#include "backup/metrics.h"
#include "backup/ping.h"
#include "backup/watch.h"
#include "base/cancel.h"
#include "base/log.h"
#include "net/http.h"
#include "store/store.h"

#define PATIENCE_MS ((uint64_t)10 * 60 * 1000)
#define STOPPING_MS ((uint64_t)30 * 1000) /* --after, once a stop was requested */
#define NAME_MAX_BYTES 2048

static uint64_t
patience(const struct spaceferry_options *o)
{

	return o->patience_ms != 0 ? o->patience_ms : PATIENCE_MS;
}

bool
backup_watch_begin(struct job *job, struct err *err)
{
	const struct spaceferry_options *o = job->options;
	struct hook hook = { .option = "--before", .command = o->before,
	    .job = job->command, .patience_ms = patience(o) };
	struct err late;

	if (o->dry_run)
		return true;
	if (o->ping != NULL && (!http_global_init(&late) ||
	    !ping_send(o->ping, PING_START, "", &late)))
		report_note(&job->report, "ping", late.hint, "%s",
		    late.message);
	if (cancel_requested())
		return cancel_err(err);
	return o->before == NULL || hook_run(&hook, err);
}

/* The ping of the start may have failed in the same way. */
static bool
is_told(const struct spaceferry_summary *s, const struct spaceferry_finding *f)
{
	size_t i;

	for (i = 0; i < s->n_notes; i++) {
		if (strcmp(s->notes[i].kind, f->kind) == 0 &&
		    strcmp(s->notes[i].message, f->message) == 0)
			return true;
	}
	return false;
}

/* A note behind those that the job made, and a line of the log, which has no
 * handler any more. */
static void
add_note(const struct spaceferry_options *o, struct spaceferry_summary *s,
    const char *kind, const struct err *err)
{
	struct spaceferry_finding f = { .kind = kind,
	    .message = strdup(err->message), .hint = strdup(err->hint) };
	struct spaceferry_finding *grown;

	if (f.message != NULL && is_told(s, &f)) {
		free(f.message);
		free(f.hint);
		return;
	}
	if (o->callbacks.log != NULL)
		o->callbacks.log(o->callbacks.arg, SPACEFERRY_WARNING,
		    err->message);
	grown = realloc(s->notes, (s->n_notes + 1) * sizeof(*grown));
	if (grown != NULL)
		s->notes = grown;
	if (grown == NULL || f.message == NULL || f.hint == NULL) {
		free(f.message);
		free(f.hint);
		return;
	}
	grown[s->n_notes++] = f;
}

static void
end_metrics(const struct spaceferry_options *o, int status,
    struct spaceferry_summary *s)
{
	char name[NAME_MAX_BYTES] = "";
	struct err err;

	if (o->metrics == NULL)
		return;
	/* As it was given, also where a run did not come so far as to open it. */
	if (o->repo != NULL)
		store_redact(o->repo, name, sizeof(name));
	if (!metrics_write(o->metrics, s, name, status, (int64_t)time(NULL),
	    &err))
		add_note(o, s, "metrics", &err);
}

static void
end_hook(const struct spaceferry_options *o, int status,
    struct spaceferry_summary *s)
{
	char number[16];
	struct hook hook = { .option = "--after", .command = o->after,
	    .job = s->command, .status = number,
	    .snapshot = s->n_snapshots > 0 ? s->snapshots[0].id : "",
	    .patience_ms = patience(o), .despite_cancel = true };
	struct err err;

	if (o->after == NULL)
		return;
	snprintf(number, sizeof(number), "%d", status);
	if (cancel_requested() && hook.patience_ms > STOPPING_MS)
		hook.patience_ms = STOPPING_MS;
	if (!hook_run(&hook, &err))
		add_note(o, s, "after", &err);
}

/* One line of what happened. */
static void
describe(const struct spaceferry_summary *s, int status, char *out, size_t size)
{
	const struct spaceferry_snapshot *one = s->n_snapshots > 0 ?
	    &s->snapshots[0] : NULL;
	int n;

	n = snprintf(out, size, "backup: exit status %d", status);
	if (one != NULL && (size_t)n < size)
		n += snprintf(out + n, size - (size_t)n, ", snapshot %s, %"
		    PRIu64 " documents, %" PRIu64 " files, %" PRIu64
		    " bytes read, %" PRIu64 " bytes added", one->id,
		    one->documents, one->files, s->repository.bytes_read,
		    s->repository.bytes_added);
	if (s->n_errors > 0 && (size_t)n < size)
		snprintf(out + n, size - (size_t)n, ", %s: %s",
		    s->errors[0].kind, s->errors[0].message);
}

static void
end_ping(const struct spaceferry_options *o, int status,
    struct spaceferry_summary *s)
{
	char text[1000];
	struct err err;

	if (o->ping == NULL)
		return;
	describe(s, status, text, sizeof(text));
	if (!http_global_init(&err) || !ping_send(o->ping, status == 0 ?
	    PING_SUCCESS : PING_FAILURE, text, &err))
		add_note(o, s, "ping", &err);
}

int
backup_watch_end(const struct spaceferry_options *options, int status,
    struct spaceferry_summary *summary)
{

	if (options->dry_run)
		return status;
	end_metrics(options, status, summary);
	end_hook(options, status, summary);
	end_ping(options, status, summary);
	return status;
}
