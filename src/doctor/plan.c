#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cancel.h"
#include "doctor/ends.h"
#include "doctor/state.h"
#include "job/plan.h"
#include "job/preflight.h"
#include "job/target.h"
#include "mongo/catalog.h"
#include "mongo/source.h"

#define MIB (1024.0 * 1024)

/* --- the source --- */

/* Whether a moment exists that all is read at. */
static enum doctor_next
check_moment(struct doctor_ends *all)
{
	struct doctor *d = all->doctor;
	const struct mongo_facts *f;

	if (all->source.end->kind != END_MONGO)
		return DOCTOR_GO;
	f = mongo_facts(all->source.end->server);
	if (f->set_name != NULL || f->is_mongos) {
		doctor_pass(d, "moment", "a replica set: all is read as it is "
		    "at one time, the app may go on writing meanwhile");
		return DOCTOR_GO;
	}
	if (d->job.options->consistent) {
		doctor_fail(d, "moment", "make it a replica set of one "
		    "(--replSet, rs.initiate()), or leave out --consistent and "
		    "stop the app meanwhile", "--consistent needs a replica "
		    "set, and the source is a standalone server");
		return DOCTOR_STOP;
	}
	doctor_pass(d, "moment", "a standalone server has no one moment to "
	    "read at: stop the app during the last run; what it writes "
	    "meanwhile is noticed, not prevented");
	return DOCTOR_GO;
}

static void
tell_plan(struct doctor_ends *all)
{
	const struct data *data = &all->data;
	uint64_t count = 0, bytes = 0;
	size_t i;

	for (i = 0; i < data->n_moves; i++) {
		count += data->moves[i].info->count;
		bytes += data->moves[i].info->bytes;
	}
	doctor_pass(all->doctor, "collections", "%zu collections and views, "
	    "about %llu documents, %.1f MiB", data->n_moves,
	    (unsigned long long)count, (double)bytes / MIB);
}

/* The target is not open yet: names stay as on the source, and are chosen once
 * more when it is. */
static void
stand_in(struct doctor_ends *all)
{

	all->data.target.kind = END_ARCHIVE;
	all->data.target.write = true;
}

static void
forget_plan(struct data *d)
{

	free(d->moves);
	d->moves = NULL;
	d->n_moves = 0;
}

static enum doctor_next
choose(struct doctor_ends *all, struct err *err)
{
	struct doctor *d = all->doctor;
	struct strings dbs = { NULL, 0 };
	struct end_reading reading = {
		.dbs = &dbs, .with_stats = true, .progress = d->job.progress,
		.with_accounts = d->job.options->users_and_roles,
	};
	const char *check = "collections";
	bool ok;

	if (all->source.end->kind != END_MONGO)
		check = "file";
	ok = plan_databases(d->job.options, end_default_db(all->source.end),
	    &dbs, err) && end_read_catalog(all->source.end, &reading, err);
	strings_free(&dbs);
	if (!ok)
		return doctor_failed(d, check, err);
	if (all->source.end->kind != END_MONGO)
		doctor_pass(d, "file", "%s is whole", end_name(
		    all->source.end));
	if (!plan_moves(&all->data, &d->job, err))
		return doctor_failed(d, "collections", err);
	all->chosen = true;
	tell_plan(all);
	return DOCTOR_GO;
}

enum doctor_next
doctor_plan_source(struct doctor_ends *all, struct err *err)
{
	struct doctor *d = all->doctor;
	enum doctor_next next;

	if (all->source.end->kind == END_ARCHIVE &&
	    all->source.end->place.stream)
		return DOCTOR_GO;
	stand_in(all);
	if ((next = check_moment(all)) == DOCTOR_ABORT ||
	    (next = doctor_rights_source(all, err)) == DOCTOR_ABORT)
		return next;
	if (next == DOCTOR_STOP)
		doctor_skip(d, "collections", "needs the rights above");
	else
		next = choose(all, err);
	return next;
}

/* --- the target --- */

struct filled {
	struct journal *journal;	/* of an earlier run; NULL: not known */
	bool looked;			/* for it */
	struct doctor_names ours;	/* were begun by an unfinished run */
	struct doctor_names unlike;	/* index or option of what is there */
	const char *ns;			/* whose they are */
	struct doctor_names names;	/* hold documents */
	struct doctor_names shapes;	/* are something else there */
	struct doctor_names streams;	/* hold documents, cannot be added to */
};

/* Whether an unfinished run, which the same command goes on with, made it.
 * Looks for its journal where there is a reason to. */
static bool
is_ours(struct doctor_ends *all, const struct move *m, struct filled *f)
{
	struct err unknown;

	if (!f->looked)
		f->journal = doctor_state_journal(all->doctor, &unknown);
	f->looked = true;
	return target_is_ours(m, f->journal);
}

/* What is missing there the run makes; what differs would be counted in the
 * end, and a collection with other options cannot be made again. */
static void
note_unlike(void *arg, const struct catalog_difference *d)
{
	struct filled *f = arg;
	char text[256];

	if (!target_stays_different(d))
		return;
	snprintf(text, sizeof(text), "%.150s of %.90s", d->name, f->ns);
	doctor_names_add(&f->unlike, text);
}

static bool
look_into(struct doctor_ends *all, const struct move *m, struct filled *f,
    struct err *err)
{
	const struct collection_info *there;
	bool any;

	there = catalog_find(all->data.target.catalog, m->target_ns);
	if (there == NULL)
		return true;
	if (!all->doctor->job.options->drop && is_ours(all, m, f)) {
		doctor_names_add(&f->ours, m->target_ns);
		return true;
	}
	if (there->type != m->info->type) {
		doctor_names_add(&f->shapes, m->target_ns);
		return true;
	}
	f->ns = m->target_ns;
	if (!all->doctor->job.options->drop)
		catalog_compare(m->info, there, m->view_on, note_unlike, f);
	if (m->info->type == COLLECTION_VIEW)
		return true;
	if (!mongo_any(all->target.end->session, m->target_ns, &any, err))
		return false;
	if (any)
		doctor_names_add(&f->names, m->target_ns);
	if (any && m->stream)
		doctor_names_add(&f->streams, m->target_ns);
	return true;
}

/* --delta: what is there is brought up to date. */
static void
tell_delta(struct doctor *d, struct filled *f)
{

	if (f->streams.n > 0 && !d->job.options->delete_extra)
		doctor_warn(d, "empty", "--delete lets them be replaced whole, "
		    "--exclude leaves them out", "capped or time-series, which "
		    "cannot be brought up to date document by document, should "
		    "they differ: %s", doctor_names_text(&f->streams));
	else
		doctor_pass(d, "empty", "what differs there is brought up to "
		    "date");
}

/* Documents of somebody else under --on-conflict abort. */
static void
tell_occupied(struct doctor *d, struct filled *f)
{

	doctor_fail(d, "empty", f->journal != NULL &&
	    journal_last_succeeded(f->journal) ? "already moved: `spaceferry "
	    "verify` compares both sides; --delta brings it up to date; --drop "
	    "moves everything again" : "--drop removes them first, "
	    "--on-conflict skip or replace adds to them, --delta brings up to "
	    "date what an earlier migration moved",
	    "holds documents already: %s", doctor_names_text(&f->names));
}

static void
tell_filled(struct doctor *d, struct filled *f)
{
	const struct spaceferry_options *o = d->job.options;
	enum spaceferry_on_conflict how = job_on_conflict(&d->job);
	bool adds = how != SPACEFERRY_ABORT;

	if (o->drop && f->names.n + f->shapes.n > 0)
		doctor_warn(d, "empty", "leave out --drop to keep what is "
		    "there", "--drop removes what is there: %s%s%s",
		    doctor_names_text(&f->names),
		    f->names.n > 0 && f->shapes.n > 0 ? ", " : "",
		    doctor_names_text(&f->shapes));
	else if (o->drop)
		doctor_pass(d, "empty", "nothing is there to be dropped");
	else if (f->shapes.n > 0)
		doctor_fail(d, "empty", "--drop removes it first, or --rename "
		    "it", "there already as something else (collection, view "
		    "or time-series): %s", doctor_names_text(&f->shapes));
	else if (o->delta)
		tell_delta(d, f);
	else if (adds && f->streams.n > 0)
		doctor_fail(d, "empty", "--drop removes it first, --exclude "
		    "leaves it out: a capped or time-series collection cannot "
		    "be added to", "holds documents already: %s",
		    doctor_names_text(&f->streams));
	else if (adds && f->names.n > 0)
		doctor_pass(d, "empty", "holds documents already: %s; those "
		    "with the same _id are %s", doctor_names_text(&f->names),
		    how == SPACEFERRY_SKIP ? "kept" : "replaced");
	else if (f->names.n > 0)
		tell_occupied(d, f);
	else if (f->ours.n > 0)
		doctor_pass(d, "empty", "only what an interrupted run began: "
		    "%s", doctor_names_text(&f->ours));
	else
		doctor_pass(d, "empty", "no chosen collection holds documents "
		    "there");
}

static void
tell_unlike(struct doctor *d, struct filled *f)
{

	if (f->unlike.n > 0)
		doctor_fail(d, "metadata", "drop what the app made there "
		    "before the move, or give --drop, which makes it anew as "
		    "on the source", "collections are there already with other "
		    "indexes or options: %s", doctor_names_text(&f->unlike));
}

static enum doctor_next
check_empty(struct doctor_ends *all, struct err *err)
{
	struct filled f;
	size_t i;
	bool ok;

	memset(&f, 0, sizeof(f));
	if (!doctor_state_note(all->doctor, &all->data, err))
		return DOCTOR_ABORT;
	for (i = 0, ok = true; ok && i < all->data.n_moves; i++)
		ok = look_into(all, &all->data.moves[i], &f, err);
	if (ok) {
		tell_filled(all->doctor, &f);
		tell_unlike(all->doctor, &f);
	}
	journal_free(f.journal);
	return ok ? DOCTOR_GO : doctor_failed(all->doctor, "empty", err);
}

/* The same namespace on one deployment is no target. */
static enum doctor_next
check_same(struct doctor_ends *all, struct err *err)
{

	if (!data_check_ends(&all->data, &all->doctor->job, err) ||
	    !data_check_plan(&all->data, err))
		return doctor_failed(all->doctor, "same", err);
	doctor_pass(all->doctor, "same", "%s", all->data.same_deployment ?
	    "the same deployment as the source, under other names" :
	    "not the source");
	return DOCTOR_GO;
}

/* Without the rights that were told as missing it may fail. */
static enum doctor_next
read_target(struct doctor_ends *all, bool may, struct err *err)
{
	struct strings dbs = { NULL, 0 };
	struct end_reading reading = {
		.dbs = &dbs, .with_stats = true,
		.progress = all->doctor->job.progress,
	};
	bool ok;

	ok = data_target_databases(&all->data, &dbs, err) &&
	    end_read_catalog(all->target.end, &reading, err);
	strings_free(&dbs);
	if (!ok && !may && err->kind == ERR_DENIED) {
		doctor_skip(all->doctor, "collections", "needs the rights "
		    "above");
		return DOCTOR_STOP;
	}
	if (!ok)
		return doctor_failed(all->doctor, "collections", err);
	all->target_read = true;
	return DOCTOR_GO;
}

/* As the run makes it, now that both ends are open. */
static enum doctor_next
make_plan(struct doctor_ends *all, struct err *err)
{

	forget_plan(&all->data);
	if (!plan_moves(&all->data, &all->doctor->job, err))
		return doctor_failed(all->doctor, "collections", err);
	if (all->target.end->kind == END_MONGO && !mongo_is_small_atlas(
	    all->target.end->session, &all->small, err))
		return doctor_failed(all->doctor, "collections", err);
	all->planned = true;
	return DOCTOR_GO;
}

enum doctor_next
doctor_plan_target(struct doctor_ends *all, struct err *err)
{
	bool archive = all->target.end->kind != END_MONGO;
	enum doctor_next next, writes;

	if (!all->chosen) {
		doctor_skip(all->doctor, "rights", "not looked at: which "
		    "collections come is not known");
		return DOCTOR_GO;
	}
	if ((next = make_plan(all, err)) != DOCTOR_GO ||
	    (next = check_same(all, err)) != DOCTOR_GO)
		return next;
	if (archive)
		return read_target(all, true, err);
	if (!preflight_names(&all->data, false, err)) {
		doctor_skip(all->doctor, "rights", "not looked at: a name is "
		    "too long for any server");
		return DOCTOR_GO;
	}
	if ((next = doctor_rights_target(all, err)) == DOCTOR_ABORT)
		return next;
	if (next == DOCTOR_STOP) {
		doctor_skip(all->doctor, "write", "not tried: rights failed");
		doctor_skip(all->doctor, "empty", "not looked at: rights "
		    "failed");
	}
	writes = next == DOCTOR_GO ? doctor_rights_write(all, err) : DOCTOR_GO;
	if (writes == DOCTOR_ABORT)
		return writes;
	if (read_target(all, next == DOCTOR_GO, err) == DOCTOR_ABORT)
		return DOCTOR_ABORT;
	return next == DOCTOR_GO && all->target_read ? check_empty(all, err) :
	    DOCTOR_GO;
}
