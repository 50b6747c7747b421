#include <stdio.h>
#include <string.h>

#include "job/drift.h"
#include "job/moment.h"
#include "job/plan.h"

#define COMMIT_WAIT_MS 10000

static bool
has_uuid(const struct collection_info *c)
{
	static const uint8_t none[sizeof(c->uuid)];

	return memcmp(c->uuid, none, sizeof(none)) != 0;
}

static bool
same_uuid(const struct collection_info *a, const struct collection_info *b)
{

	return memcmp(a->uuid, b->uuid, sizeof(a->uuid)) == 0;
}

static const struct collection_info *
find_uuid(const struct catalog *c, const struct collection_info *like)
{
	size_t i;

	for (i = 0; i < c->n && has_uuid(like); i++) {
		if (same_uuid(&c->v[i], like))
			return &c->v[i];
	}
	return NULL;
}

/* As report_error(): a run that goes on to read everything again has nothing to
 * be done by hand. */
static void
tell(struct data *d, struct job *job, const char *kind, const char *hint,
    const char *text)
{

	d->drifts++;
	if (d->drift_noted)
		report_note(&job->report, kind, "", "%s", text);
	else
		report_error(&job->report, kind, hint, "%s", text);
}

static void
tell_gone(struct data *d, struct job *job, const struct move *m,
    const struct collection_info *renamed)
{
	char text[2 * MONGO_NS_MAX + 80];

	if (renamed != NULL) {
		snprintf(text, sizeof(text), "%s was renamed to %s on the "
		    "source during the run", m->info->ns, renamed->ns);
		tell(d, job, "source_renamed", "run the same command again: it "
		    "moves it by its new name; then drop the old one on the "
		    "target", text);
		return;
	}
	snprintf(text, sizeof(text), "%s was dropped on the source during the "
	    "run", m->info->ns);
	tell(d, job, "source_dropped", "if that was meant, drop it on the "
	    "target too and run the same command again", text);
}

static void
check_move(struct data *d, struct job *job, struct move *m,
    const struct catalog *now)
{
	char text[MONGO_NS_MAX + 80];
	const struct collection_info *there = catalog_find(now, m->info->ns);

	m->drifted = there == NULL || there->type != m->info->type ||
	    !same_uuid(there, m->info);
	if (there == NULL)
		tell_gone(d, job, m, find_uuid(now, m->info));
	if (there == NULL || !m->drifted)
		return;
	snprintf(text, sizeof(text), "%s was dropped and made again on the "
	    "source during the run", m->info->ns);
	tell(d, job, "source_recreated", "run the same command again: it moves "
	    "the new one", text);
}

/* A new collection matters if it was there at the time that is moved: one that
 * came later cannot be read at that time (measured: code 246). */
static bool
was_there(struct data *d, const char *ns)
{
	struct mongo_time at;
	struct err ignored;

	return d->moment != NULL && moment_last(d->moment, &at) &&
	    mongo_readable_at(d->source.session, ns, &at, COMMIT_WAIT_MS,
	    &ignored);
}

static void
check_new(struct data *d, struct job *job, const struct collection_info *c)
{
	const char *hint = "run the same command again: it moves it too";
	char text[MONGO_NS_MAX + 80];

	if (catalog_find(d->source.catalog, c->ns) != NULL ||
	    !plan_chooses(job->options, c->ns) ||
	    find_uuid(d->source.catalog, c) != NULL)
		return;
	if (c->type != COLLECTION_VIEW && !c->capped && was_there(d, c->ns)) {
		snprintf(text, sizeof(text), "%s is new on the source and was "
		    "not moved", c->ns);
		tell(d, job, "source_created", hint, text);
	} else
		report_note(&job->report, "source_created", hint,
		    "%s was made on the source during the run and is not moved",
		    c->ns);
}

bool
drift_check(struct data *d, struct job *job, struct err *err)
{
	struct strings dbs = { NULL, 0 };
	struct catalog *now = NULL;
	size_t i;

	if (d->source.kind != END_MONGO)
		return true;
	if (plan_databases(job->options, end_default_db(&d->source), &dbs, err))
		now = catalog_list(d->source.session, &dbs, err);
	strings_free(&dbs);
	if (now == NULL)
		return err_prefix(err, "source");
	for (i = 0; i < d->n_moves; i++)
		check_move(d, job, &d->moves[i], now);
	for (i = 0; i < now->n; i++)
		check_new(d, job, &now->v[i]);
	catalog_free(now);
	return true;
}

void
drift_note_writes(struct data *d, struct job *job)
{
	struct report *report = &job->report;
	struct mongo_time at;
	struct err ignored;
	uint64_t now;
	bool frozen = d->moment != NULL &&
	    moment_last(d->moment, &at);
	const char *hint = "stop the app and do it again, so that nothing is "
	    "left behind";

	if (d->source.kind != END_MONGO || d->same_deployment)
		return;
	if (!d->writes_known || !mongo_write_counter(
	    d->source.session, &now, &ignored)) {
		if (!frozen)
			report_note(report, "source_unknown", "stop the app "
			    "while this runs, or give that user clusterMonitor",
			    "the source's user may not ask whether somebody "
			    "wrote to it during this run");
		return;
	}
	if (now == d->writes_before)
		return;
	report->summary->source_changed = true;
	if (strcmp(job->command, "migrate") == 0 &&
	    d->target.kind == END_MONGO)
		hint = "what came later is not on the target: stop the app, "
		    "then migrate --delta, then verify";
	if (frozen)
		report_note(report, "source_changed", hint,
		    "the source was written to during this run; it was read "
		    "at cluster time %u.%u", at.seconds, at.increment);
	else
		report_note(report, "source_changed", hint,
		    "the source deployment was written to during this run");
}
