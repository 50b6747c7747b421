#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "job/accounts.h"
#include "job/delta_internal.h"
#include "job/drift.h"
#include "job/moment.h"
#include "job/part.h"
#include "job/target.h"

static void
close_delta(struct delta *d)
{

	delta_writers_free(d);
	delta_pool_free(&d->pool);
	pace_free(d->pace);
	free(d->moves);
}

static bool
open_delta(struct delta *d, struct run *r, bool write, struct err *err)
{

	memset(d, 0, sizeof(*d));
	r->job.report.summary->delta.ran = true;
	d->run = r;
	d->job = &r->job;
	d->data = &r->data;
	d->write = write;
	delta_pool_init(&d->pool, r->job.memory / 16);
	d->moves = calloc(r->data.n_moves + 1, sizeof(*d->moves));
	d->pace = pace_new(r->job.options->bandwidth);
	if (d->moves == NULL || d->pace == NULL)
		return err_nomem(err, "what differs");
	return delta_writers_new(d, err);
}

/* What a run did, or would do, goes into the summary and the log. */
static void
tell(struct delta *d)
{
	struct spaceferry_delta *s = &d->job->report.summary->delta;
	const char *would = d->write ? "" : "would be ";
	size_t i;

	s->inserted = s->replaced = s->deleted = 0;
	s->bytes = d->bytes;
	for (i = 0; i < d->data->n_moves; i++) {
		struct delta_move *of = &d->moves[i];
		struct move *m = &d->data->moves[i];
		uint64_t back = of->taken < of->inserted ? of->taken :
		    of->inserted;

		of->inserted -= back;
		of->replaced += back;
		s->inserted += of->inserted;
		s->replaced += of->replaced;
		s->deleted += of->deleted;
		m->quarantined += of->quarantined;
		if (!d->quiet && of->inserted + of->replaced + of->deleted > 0)
			log_info("%s: %llu %sinserted, %llu replaced, %llu "
			    "removed", m->target_ns,
			    (unsigned long long)of->inserted, would,
			    (unsigned long long)of->replaced,
			    (unsigned long long)of->deleted);
	}
}

/* --- comparing --- */

/* Compares both sides and tells the writers what differs: of all, or of the
 * collections selected. */
static bool
compare(struct delta *d, const bool *selected, struct err *err)
{
	bool first = selected == NULL;
	struct verify_data v = {
		.job = d->job, .data = d->data,
		.links = first ? d->run->links : NULL,
		.read_source = true, .teller = d->tellers,
		.teller_each = true, .only_differing = !first,
		.selected = selected, .phase = "compare",
		.too_large = first ? delta_too_large : NULL,
		.too_large_arg = d,
	};

	return verify_data_run(&v, err) && delta_writers_flush(d, err);
}

/* What differed is compared once more, and named. */
static bool
prove(struct delta *d, struct err *err)
{
	bool archive = d->data->source.kind != END_MONGO;
	struct verify_data v = {
		.job = d->job, .data = d->data,
		.read_source = archive, .only_differing = true,
	};

	/* With an archive there are no partitions: all would be read again. */
	if (archive && !atomic_load(&d->told))
		return true;
	return verify_data_run(&v, err);
}

/* --- before anything is changed --- */

static bool
guard(struct run *r, uint64_t documents, uint64_t files, struct err *err)
{
	uint64_t most;

	if (!job_max_delete(&r->job, &most) || documents + files <= most)
		return true;
	err_set(err, ERR_CONFLICT, "it would remove %llu documents and %llu "
	    "files from the target; --max-delete allows %llu",
	    (unsigned long long)documents, (unsigned long long)files,
	    (unsigned long long)most);
	return err_hint(err, "look at them with `spaceferry diff`; if they may "
	    "go, allow more");
}

static bool
plan(struct run *r, bool quiet, struct err *err)
{
	struct spaceferry_delta *s = &r->job.report.summary->delta;
	struct delta d;
	uint64_t files;
	bool ok;

	ok = open_delta(&d, r, false, err);
	d.quiet = quiet;
	ok = ok && (!r->has_data || (compare(&d, NULL, err) &&
	    delta_streams_count(&d, err)));
	if (ok)
		tell(&d);
	close_delta(&d);
	if (!ok || !delta_files_count(r, &files, err))
		return false;
	s->files_deleted = files;
	return guard(r, s->deleted, files, err);
}

bool
delta_plan(struct run *r, struct err *err)
{

	return delta_guard_places(r, err) && delta_guard_empty(r, err) &&
	    plan(r, false, err);
}

/* A comparison for the guard alone: its counts are not the run's. */
static bool
check_removals(struct run *r, struct err *err)
{
	const struct spaceferry_options *o = r->job.options;
	struct links *links = r->links;
	uint64_t files;
	size_t i, j;
	bool ok;

	if (!o->delete_extra)
		return true;
	if (o->max_delete == 0)
		return delta_files_count(r, &files, err);
	log_info("counting what would be removed");
	r->links = NULL;
	ok = plan(r, true, err);
	r->links = links;
	memset(&r->job.report.summary->delta, 0,
	    sizeof(r->job.report.summary->delta));
	for (i = 0; i < r->data.n_moves; i++) {
		r->data.moves[i].quarantined = 0;
		for (j = 0; j < r->data.moves[i].n_parts; j++)
			r->data.moves[i].parts[j].differs = false;
	}
	return ok;
}

bool
delta_begin(struct run *r, struct err *err)
{
	size_t i;

	if (!delta_guard_places(r, err) || !delta_guard_empty(r, err))
		return false;
	if (r->has_data) {
		if (!target_check(&r->data, &r->job, r->journal, err) ||
		    !accounts_check(&r->data, &r->job, r->journal, err))
			return false;
		for (i = 0; i < r->data.n_moves; i++) {
			if (!part_make_all(&r->data.moves[i], &r->data, NULL,
			    err))
				return false;
		}
	}
	if (!check_removals(r, err))
		return false;
	r->job.report.summary->delta.ran = true;
	return true;
}

/* --- the data --- */

/* Makes a collection that is not there; of one that is, only a missing expiry
 * is set in the end, as missing indexes are built. */
static bool
prepare_move(struct run *r, struct move *m, struct err *err)
{
	struct data *d = &r->data;
	const struct collection_info *there;
	struct catalog_create create = {
		.ns = m->target_ns,
		.info = m->info,
		.view_on = m->info->type == COLLECTION_VIEW ? m->view_on : NULL,
	};

	there = catalog_find(d->target.catalog, m->target_ns);
	if (m->info->expires && (there == NULL || !there->expires) &&
	    !mongo_may(d->target.session, m->target_ns, "collMod",
	    &m->expiry_later, err))
		return err_prefix(err, "target");
	if (there != NULL)
		return true;
	create.later_expiry = m->expiry_later;
	atomic_store(&r->job.changed, true);
	if (!catalog_create(d->target.session, &create, err))
		return err_prefix(err, "target: creating %s", m->target_ns);
	return true;
}

static bool
prepare(struct run *r, struct err *err)
{
	size_t i;

	if (!journal_put(r->journal, "delta", "begun", err))
		return false;
	for (i = 0; i < r->data.n_moves; i++) {
		struct move *m = &r->data.moves[i];

		if (!prepare_move(r, m, err) || (m->info->type !=
		    COLLECTION_VIEW && !quarantine_forget(r->quarantine,
		    m->info->ns, err)))
			return false;
	}
	return true;
}

/* Selects the collections of which something is to be tried again. */
static bool
select_again(struct delta *d, bool *selected)
{
	bool any = false;
	size_t i;

	for (i = 0; i < d->data->n_moves; i++) {
		selected[i] = d->moves[i].again;
		d->moves[i].again = false;
		any = any || selected[i];
	}
	return any;
}

/* Where more was refused than could be kept: what is to be replaced is taken
 * away first, all of it, so that every value is free that will be. */
static bool
move_again(struct delta *d, const bool *selected, struct err *err)
{
	bool ok;

	log_info("values of a unique index changed hands among many documents: "
	    "going through them again");
	d->selected = selected;
	d->taking = true;
	ok = compare(d, selected, err);
	d->taking = false;
	d->last = true;
	ok = ok && compare(d, selected, err) && delta_pool_settle(d, err);
	d->selected = NULL;
	return ok;
}

/* Moves what differs; what a unique index kept out may get in once others have
 * left their places. */
static bool
move_documents(struct delta *d, struct err *err)
{
	bool *selected, ok;

	if ((selected = calloc(d->data->n_moves + 1, sizeof(*selected))) == NULL)
		return err_nomem(err, "what differs");
	ok = compare(d, NULL, err) && delta_pool_settle(d, err);
	if (ok && select_again(d, selected))
		ok = move_again(d, selected, err);
	free(selected);
	return ok;
}

static bool
move_all(struct delta *d, struct err *err)
{
	struct run *r = d->run;

	return prepare(r, err) && move_documents(d, err) &&
	    delta_streams_move(d, err) && drift_check(d->data, d->job, err) &&
	    target_build_indexes(d->data, d->job, d->data->target.session,
	    err) && prove(d, err) && target_finish(d->data, d->job, err) &&
	    accounts_move(d->data, d->job, r->journal, err) &&
	    target_compare(d->data, d->job, err);
}

bool
delta_data(struct run *r, struct err *err)
{
	struct delta d;
	bool ok;

	ok = open_delta(&d, r, true, err) && move_all(&d, err);
	if (ok && r->job.options->delete_extra)
		target_note_others(&r->data, &r->job,
		    "--delete leaves whole collections alone");
	if (d.moves != NULL)
		tell(&d);
	close_delta(&d);
	return ok;
}
