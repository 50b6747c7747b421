#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "bson/validator.h"
#include "job/drift.h"
#include "job/moment.h"
#include "job/part.h"
#include "job/run.h"
#include "job/snapshot_source.h"
#include "job/target.h"
#include "state/place.h"

#define DAY_SECONDS (24 * 3600)
#define FILTER_MAX ((size_t)16 * 1024 * 1024)

/* A snapshot may be wanted for its files alone; a drill without documents reads
 * them itself. */
static bool
is_for_files(const struct spaceferry_options *o)
{

	return (o->n_files > 0 || o->drill) && ((o->to == NULL &&
	    snapshot_source_is(o->from)) ||
	    (o->from == NULL && snapshot_source_is(o->to)));
}

static bool
check_ends(struct run *r, const struct spaceferry_options *o, struct err *err)
{

	r->has_data = (o->from != NULL || o->to != NULL) && !is_for_files(o);
	r->has_files = o->n_files > 0;
	if (r->has_data && (o->from == NULL || o->to == NULL)) {
		err_set(err, ERR_USAGE, "%s is missing",
		    o->from == NULL ? "--from" : "--to");
		return err_hint(err, "give both ends: --from mongodb://… --to "
		    "mongodb+srv://…, or SPACEFERRY_FROM and SPACEFERRY_TO");
	}
	if (!r->has_data && !r->has_files && !o->drill) {
		err_set(err, ERR_USAGE, "nothing to do: neither --from and "
		    "--to nor --files");
		return err_hint(err, "spaceferry %s --help", r->job.command);
	}
	if (!r->has_data && (o->db.n > 0 || o->n_rename > 0))
		log_warning("--db and --rename do nothing without --from");
	return true;
}

/* The newest of all may not be of the ends that were thought of. */
static void
note_chosen(struct job *job)
{
	const struct snapshot_source *s = job->snapshot;
	const char *of = snapshot_source_about(s)->source;

	if (*of == '\0' && snapshot_source_places(s) > 0)
		of = snapshot_source_place(s, 0)->name;
	if (snapshot_source_groups(s) > 1)
		report_note(&job->report, "chosen", "--from snapshot:ID or --tag "
		    "chooses another; `spaceferry snapshots` shows all of them",
		    "the latest is %s, of %s; there are backups of other "
		    "ends, too: %zu", snapshot_source_name(s), of,
		    snapshot_source_groups(s) - 1);
	if (snapshot_source_head(s)->time_ns >
	    ((int64_t)time(NULL) + DAY_SECONDS) * 1000000000)
		report_note(&job->report, "future_snapshot", "a clock was wrong: "
		    "`spaceferry snapshots` shows whether another one is newer",
		    "%s is more than a day in the future",
		    snapshot_source_name(s));
}

static bool
open_snapshots(struct job *job, struct err *err)
{
	const struct spaceferry_options *o = job->options;

	if (snapshot_source_is(o->from)) {
		job->snapshot = snapshot_source_open(job, o->from, NULL, err);
		if (job->snapshot == NULL)
			return err_prefix(err, "source");
		note_chosen(job);
	}
	/* Nobody writes to one: end.c has the words for it. */
	if (snapshot_source_is(o->to) && job_compares(job)) {
		job->snapshot_to = snapshot_source_open(job, o->to,
		    job->snapshot, err);
		if (job->snapshot_to == NULL)
			return err_prefix(err, "target");
	}
	return true;
}

bool
run_open_job(struct run *r, const struct spaceferry_options *options,
    const char *command, struct spaceferry_summary *summary, struct err *err)
{

	memset(r, 0, sizeof(*r));
	return job_open(&r->job, options, command, summary, err) &&
	    open_snapshots(&r->job, err);
}

bool
run_open_ends(struct run *r, struct err *err)
{

	if (!check_ends(r, r->job.options, err))
		return false;
	if (r->has_files) {
		r->files_opened = true;
		if (!files_open(&r->files, &r->job, err))
			return false;
	}
	if (r->has_data) {
		r->data_opened = true;
		if (!data_open(&r->data, &r->job, err))
			return false;
	}
	if (r->has_files && !files_list(&r->files, err))
		return false;
	if ((r->links = links_new(&r->job, r->files.indexes)) == NULL)
		return err_nomem(err, "links");
	return true;
}

bool
run_open(struct run *r, const struct spaceferry_options *options,
    const char *command, struct spaceferry_summary *summary, struct err *err)
{

	return run_open_job(r, options, command, summary, err) &&
	    run_open_ends(r, err);
}

static void
warn_of_dbrefs(struct run *r)
{
	uint64_t n = 0;
	size_t i;

	/* A drill's names are gone when it ends. */
	if (r->job.options->n_rename == 0 || r->job.options->drill)
		return;
	for (i = 0; i < r->data.n_moves; i++)
		n += r->data.moves[i].rewritten.dbrefs;
	if (n > 0)
		report_note(&r->job.report, "dbref",
		    "change their $ref by hand where the collection was renamed",
		    "%llu DBRefs still name collections as on the source",
		    (unsigned long long)n);
}

static void
warn_of_buckets(struct run *r)
{
	size_t i;

	for (i = 0; i < r->data.n_moves; i++) {
		const struct move *m = &r->data.moves[i];

		if (!m->buckets || match_rules_count(r->job.rules) == 0)
			continue;
		report_note(&r->job.report, "buckets", "migrate from MongoDB "
		    "to MongoDB rewrites time-series too",
		    "%s: %llu buckets of a time-series stay as they are: URLs "
		    "inside are not rewritten", m->info->ns,
		    (unsigned long long)m->source.count);
	}
}

/* Whether this run itself read every document: what an earlier one has done is
 * not looked at for links again. */
static bool
read_whole(struct run *r)
{
	size_t i, j, n = 0;

	for (i = 0; i < r->data.n_moves; i++) {
		const struct move *m = &r->data.moves[i];

		for (j = 0; j < m->n_parts; j++)
			n += m->parts[j].resumed;
	}
	if (n > 0 && match_rules_count(r->job.rules) > 0)
		report_note(&r->job.report, "links_in_part", "verify with the "
		    "same options looks at all of them", "links are those of "
		    "this run: the documents that an earlier one moved were "
		    "not looked at again (%zu partitions)", n);
	return r->has_data && n == 0;
}

static bool
everything_arrived(const struct run *r)
{
	size_t i;

	for (i = 0; i < r->data.n_moves; i++) {
		const struct move *m = &r->data.moves[i];

		if (m->missing > 0 || m->different > 0 || m->quarantined > 0 ||
		    m->failed_indexes > 0 || m->n_metadata > 0 || m->drifted)
			return false;
		if (m->extra > 0 && job_minds_extras(&r->job))
			return false;
	}
	return atomic_load(&r->files.failed) == 0 &&
	    atomic_load(&r->files.missing) == 0 &&
	    atomic_load(&r->files.different) == 0;
}

static bool
snapshots_held(const struct run *r, struct err *err)
{
	const struct snapshot_source *from = r->job.snapshot;
	const struct snapshot_source *to = r->job.snapshot_to;

	return (from == NULL || snapshot_source_held(from, err)) &&
	    (to == NULL || snapshot_source_held(to, err));
}

int
run_close(struct run *r, bool ok, struct err *err)
{
	struct spaceferry_summary *s = r->job.report.summary;
	struct err late;

	/* Whatever else went wrong when the state was lost, or the lock of a
	 * repository, that is the cause. */
	if (!ok && r->journal != NULL &&
	    !place_held(journal_place(r->journal), &late))
		*err = late;
	/* A prune since then looks like damage, too. */
	if ((!ok || !everything_arrived(r)) && !snapshots_held(r, &late)) {
		*err = late;
		ok = false;
	}
	/* A run that ended before it began has nothing to tell. */
	if (r->began && r->has_data) {
		moment_tell(r->data.moment);
		if (ok)
			drift_note_writes(&r->data, &r->job);
		warn_of_dbrefs(r);
		warn_of_buckets(r);
		if (!data_summarise(&r->data, &r->job, &late) && ok) {
			*err = late;
			ok = false;
		}
	}
	if (r->began && r->has_files)
		files_summarise(&r->files);
	if (r->began)
		links_summarise(r->links, r->has_files ? &r->files : NULL,
		    read_whole(r) && ok);
	if (r->quarantine != NULL && quarantine_path(r->quarantine) != NULL)
		s->quarantine = strdup(quarantine_path(r->quarantine));
	links_free(r->links);
	quarantine_free(r->quarantine);
	if (r->files_opened)
		files_close(&r->files);
	if (r->data_opened)
		data_close(&r->data);
	place_free(r->looked);
	journal_free(r->journal);
	state_key_free(&r->key);
	snapshot_source_close(r->job.snapshot_to);
	snapshot_source_close(r->job.snapshot);
	return job_close(&r->job, ok, err);
}

bool
run_finish_journal(struct run *r, struct err *err)
{

	if (r->journal == NULL)
		return true;
	if (everything_arrived(r))
		return journal_close_done(r->journal, err);
	return journal_sync(r->journal, err);
}

bool
run_make_key(struct run *r, struct err *err)
{

	return state_key_make(&r->key, &r->job, r->has_data ? &r->data : NULL,
	    r->has_files ? &r->files : NULL, err);
}

bool
run_find_manifests(struct run *r, struct err *err)
{
	struct place_options options = {
		.state = r->job.options->state,
		.patience_ms = r->job.patience_ms, .look_only = true,
	};

	if (r->key.n == 0 && !run_make_key(r, err))
		return false;
	options.key = (const char *)r->key.key.data;
	r->looked = place_new(&options, err);
	return r->looked != NULL &&
	    files_find_manifests(&r->files, r->looked, err);
}

/* Says what the violations mean: with the right to bypass validation they
 * arrive all the same. */
static bool
judge_violations(struct run *r, struct move *m, struct err *err)
{
	bool may;

	if (m->violations == 0 || r->data.target.kind != END_MONGO)
		return true;
	if (!mongo_may(r->data.target.session, m->target_ns,
	    "bypassDocumentValidation", &may, err))
		return err_prefix(err, "target");
	if (may) {
		report_note(&r->job.report, "violations", "",
		    "%s: %llu documents violate the collection's own validator; "
		    "they are moved as they are", m->info->ns,
		    (unsigned long long)m->violations);
		return true;
	}
	m->refused_violations = true;
	report_error(&r->job.report, "violations",
	    "give the target's user dbAdmin, or mend the documents",
	    "%s: %llu documents violate the collection's own validator and "
	    "would go to quarantine", m->info->ns,
	    (unsigned long long)m->violations);
	return true;
}

static bool
count_violations(struct run *r, struct move *m, struct buf *filter,
    struct err *err)
{
	struct rawdoc raw;

	buf_reset(filter);
	if (m->info->type != COLLECTION_PLAIN || !validator_violations(
	    m->info->options.data, m->info->options.len, r->data.query.data,
	    r->data.query.len, filter))
		return true;
	raw.data = filter->data;
	raw.len = filter->len;
	if (!mongo_count(r->data.source.session, m->info->ns, &raw,
	    &m->violations, err))
		return err_prefix(err, "source");
	return judge_violations(r, m, err);
}

bool
run_count_violations(struct run *r, struct err *err)
{
	struct buf filter;
	bool ok = true;
	size_t i;

	if (r->data.source.kind != END_MONGO)
		return true;	/* nobody there to ask */
	buf_init(&filter, FILTER_MAX);
	for (i = 0; i < r->data.n_moves && ok; i++)
		ok = count_violations(r, &r->data.moves[i], &filter, err);
	buf_free(&filter);
	return ok;
}
