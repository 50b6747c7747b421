#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backup/check.h"
#include "backup/drill.h"
#include "backup/restore.h"
#include "job/migrate.h"
#include "job/repository.h"
#include "job/snapshot_source.h"

bool
restore_wants_place(const struct spaceferry_options *o, const char *place)
{
	size_t i;

	for (i = 0; i < o->n_files; i++) {
		if (o->files[i].place.from == NULL ||
		    strcmp(o->files[i].place.from, place) == 0)
			return true;
	}
	return false;
}

/* A restore that brings less than there is says so. */
static void
note_left_out(struct run *r)
{
	const struct snapshot_source *s = r->job.snapshot;
	const struct spaceferry_options *o = r->job.options;
	char bytes[CHECK_SIZE_TEXT];
	size_t i;

	if (o->to == NULL && snapshot_source_count(s) > 0)
		report_note(&r->job.report, "left_out", "--to URI brings them",
		    "without --to the documents are left out: %zu collections",
		    snapshot_source_count(s));
	for (i = 0; i < snapshot_source_places(s); i++) {
		const struct snapshot_place *p = snapshot_source_place(s, i);

		if (!restore_wants_place(o, p->name))
			report_note(&r->job.report, "left_out",
			    "--files NAME=END brings them", "the files of %s "
			    "are left out: %llu, %s", p->name,
			    (unsigned long long)p->files,
			    check_size_text(p->bytes, bytes));
	}
}

bool
restore_describe(struct run *r, struct err *err)
{
	const struct snapshot_source *s = r->job.snapshot;
	struct spaceferry_summary *summary = r->job.report.summary;
	struct spaceferry_snapshot *out;
	size_t i;

	if ((out = calloc(1, sizeof(*out))) == NULL ||
	    (summary->repository.name =
	    strdup(repo_name(snapshot_source_repo(s)))) == NULL) {
		free(out);
		return err_nomem(err, "summary");
	}
	summary->repository.snapshots = snapshot_source_snapshots(s);
	summary->snapshots = out;
	summary->n_snapshots = 1;
	if (!repository_describe(snapshot_source_head(s), out) ||
	    (out->source = strdup(snapshot_source_about(s)->source)) == NULL)
		return err_nomem(err, "summary");
	out->open = true;
	out->collections = snapshot_source_count(s);
	for (i = 0; i < snapshot_source_count(s); i++)
		out->documents += snapshot_source_collection(s, i)->tally.count;
	for (i = 0; i < snapshot_source_places(s); i++)
		out->files += snapshot_source_place(s, i)->files;
	return true;
}

bool
restore_settle(struct run *r, struct spaceferry_options *o, struct err *err)
{

	if (o->to == NULL || snapshot_source_count(r->job.snapshot) > 0)
		return true;
	if (o->n_files == 0 && !o->drill) {
		err_set(err, ERR_USAGE, "there are no documents in %s",
		    snapshot_source_name(r->job.snapshot));
		return err_hint(err, "--files END restores its files");
	}
	report_note(&r->job.report, "no_documents", "", "there are no documents "
	    "in %s, only files: --to is not looked at",
	    snapshot_source_name(r->job.snapshot));
	o->to = NULL;
	return true;
}

static bool
opened(void *arg, struct run *r, struct err *err)
{
	struct spaceferry_options *o = arg;

	if (!restore_settle(r, o, err))
		return false;
	r->job.options = o;
	note_left_out(r);
	return restore_describe(r, err);
}

/* Who asks for certain files and gets none has mistyped something. */
static bool
planned(void *arg, struct run *r, struct err *err)
{
	size_t i, n = 0;

	(void)arg;
	for (i = 0; r->has_files && i < r->files.n; i++)
		n += file_index_count(r->files.v[i].index);
	if (!r->has_files || n > 0 || r->job.options->files_include.n == 0)
		return true;
	err_set(err, ERR_NOT_FOUND, "no file is left to restore after "
	    "--files-include/--files-exclude");
	return err_hint(err, "globs match names below the folder that was backed "
	    "up: 'logos/*'");
}

static int
refuse(const struct spaceferry_options *options,
    struct spaceferry_summary *summary)
{
	struct job job;
	struct err err;

	if (job_open(&job, options, "restore", summary, &err)) {
		err_set(&err, ERR_USAGE, "%s is no snapshot", options->from);
		err_hint(&err, "--from snapshot:latest, which is the default, or "
		    "snapshot:ID");
	}
	return job_close(&job, false, &err);
}

int
spaceferry_restore(const struct spaceferry_options *options,
    struct spaceferry_summary *summary)
{
	struct spaceferry_options o = *options, settled;
	struct migrate_hooks hooks = { .opened = opened,
		.planned = planned, .arg = &settled };

	if (o.from == NULL)
		o.from = "snapshot:latest";
	settled = o;
	if (!snapshot_source_is(o.from))
		return refuse(options, summary);
	return o.drill ? drill_restore(&o, summary) :
	    migrate_run(&o, "restore", &hooks, summary);
}
