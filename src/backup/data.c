#include <stdlib.h>
#include <string.h>

#include "archive/metadata.h"
#include "backup/data.h"
#include "backup/data_internal.h"
#include "base/log.h"
#include "bson/docrun.h"
#include "flow/pipeline.h"
#include "job/archive_head.h"
#include "job/drift.h"
#include "job/moment.h"
#include "job/plan.h"
#include "repo/detail.h"

#define QUEUE_ITEMS 64
#define REPLY_BYTES ((size_t)1024 * 1024)
#define METADATA_MAX ((size_t)64 * 1024 * 1024)

static bool
open_source(struct backup_data *b, struct err *err)
{
	const struct spaceferry_options *o = b->job->options;
	struct end_options source = {
		.role = "source", .text = o->from, .job = o,
		.mongo = { .patience_ms = b->job->patience_ms,
		    .max_sessions = 2 * b->job->workers + 4 },
	};

	if (strncmp(o->from, "snapshot:", 9) == 0) {
		err_set(err, ERR_USAGE, "%.60s is a backup already", o->from);
		return err_hint(err, "restore brings it back, export makes an "
		    "archive of it");
	}
	return end_open(&b->data.source, &source, err);
}

static bool
read_catalog(struct backup_data *b, struct err *err)
{
	const struct job *job = b->job;
	struct strings dbs = { NULL, 0 };
	struct end_reading reading = {
		.dbs = &dbs, .with_stats = true, .progress = job->progress,
	};
	bool ok;

	/* Names stay as they are, and time-series are their buckets. */
	b->data.target.kind = END_ARCHIVE;
	b->data.target.write = true;
	if (job->options->db.n == 0 && end_default_db(&b->data.source) != NULL)
		log_info("backing up database %s, named in the source's URI",
		    end_default_db(&b->data.source));
	ok = plan_databases(job->options, end_default_db(&b->data.source), &dbs,
	    err) && end_read_catalog(&b->data.source, &reading, err) &&
	    plan_moves(&b->data, job, err) && data_check_plan(&b->data, err);
	strings_free(&dbs);
	return ok;
}

bool
backup_data_open(struct backup_data *b, struct job *job, struct err *err)
{
	struct err ignored;

	memset(b, 0, sizeof(*b));
	b->job = job;
	if (!data_init(&b->data, job, err) || !open_source(b, err) ||
	    !read_catalog(b, err))
		return false;
	b->data.writes_known = b->data.source.kind == END_MONGO &&
	    mongo_write_counter(b->data.source.session,
	    &b->data.writes_before, &ignored);
	b->data.moment = moment_new(&b->data, job, NULL, err);
	return b->data.moment != NULL;
}

void
backup_data_close(struct backup_data *b)
{
	size_t i;

	for (i = 0; i < b->n_parts; i++)
		free(b->parts[i].runs);
	free(b->parts);
	data_close(&b->data);
}

bool
backup_data_identity(const struct backup_data *b, struct buf *out)
{
	struct strings dbs = { NULL, 0 };
	struct err ignored;
	bool ok;
	size_t i;

	ok = buf_printf(out, "%s\n", end_identity(&b->data.source)) &&
	    plan_databases(b->job->options, end_default_db(&b->data.source),
	    &dbs, &ignored);
	strings_sort(&dbs);
	for (i = 0; ok && i < dbs.n; i++)
		ok = buf_printf(out, "%s\n", dbs.v[i]);
	strings_free(&dbs);
	return ok;
}

/* --- partitions --- */

struct cutter {
	struct move *move;
	uint64_t seed;
};

static bool
add_range(void *arg, const struct mongo_range *r, struct err *err)
{
	struct cutter *c = arg;

	return part_add(c->move, r, NULL, err) != NULL;
}

static uint64_t
rank(void *arg, const uint8_t *id, size_t len)
{
	struct cutter *c = arg;

	return docrun_hash(c->seed, id, len);
}

/* A capped collection or time-series is one partition, as is whatever comes out
 * of an archive; a view none. */
static bool
make_parts(struct backup_data *b, uint64_t seed, struct err *err)
{
	const struct mongo_range whole = { { NULL, 0 }, { NULL, 0 } };
	struct data *d = &b->data;
	size_t i, j, n = 0;

	for (i = 0; i < d->n_moves; i++) {
		struct cutter c = { &d->moves[i], seed };
		struct mongo_split split = {
			.info = d->moves[i].info, .max_docs = PART_MAX_DOCS,
			.max_bytes = PART_MAX_BYTES, .range = add_range,
			.rank = rank, .arg = &c,
		};

		if (split.info->type == COLLECTION_VIEW)
			continue;
		if (!(d->source.kind == END_MONGO ? mongo_split(
		    d->source.session, &split, err) : add_range(&c, &whole,
		    err)))
			return err_prefix(err, "source: %s", split.info->ns);
		n += d->moves[i].n_parts;
	}
	if ((b->parts = calloc(n + 1, sizeof(*b->parts))) == NULL)
		return err_nomem(err, "partitions");
	for (i = 0; i < d->n_moves; i++) {
		for (j = 0; j < d->moves[i].n_parts; j++)
			b->parts[b->n_parts++].part = &d->moves[i].parts[j];
	}
	return true;
}

/* --- the pipeline --- */

/* Local stores are as fast as the processors, others wait for the network. */
static unsigned
storers(const struct backup_data *b)
{
	unsigned n = b->job->workers;

	return b->repo == NULL || store_is_local(repo_store(b->repo)) ? n :
	    2 * n;
}

static bool
run_pipeline(struct backup_data *b, uint64_t seed, struct err *err)
{
	size_t budget = b->job->memory / 8 * 3;
	bool archive = b->data.source.kind != END_MONGO;
	struct data_run run = { .backup = b, .seed = seed, .budget = budget,
	    .reply_bytes = REPLY_BYTES };
	struct pipeline_stage stages[] = {
		{ "reading", archive ? 1 : (b->job->workers + 1) / 2,
		    archive ? data_read_archive : data_read, &run, NULL },
		{ "storing", storers(b), data_store, &run, NULL },
	};
	struct pipeline *p;
	bool ok = false;

	run.credit = credit_new(budget);
	run.pace = pace_new(b->job->options->bandwidth);
	run.queue = queue_new(QUEUE_ITEMS, budget / 2, data_item_free);
	stages[0].out = run.queue;
	p = pipeline_new();
	if (run.credit == NULL || run.pace == NULL || run.queue == NULL ||
	    p == NULL || !pipeline_add(p, &stages[0]) ||
	    !pipeline_add(p, &stages[1]) ||
	    !pipeline_watch_credit(p, run.credit))
		err_nomem(err, "pipeline");
	else
		ok = pipeline_run(p, err);
	pipeline_free(p);
	queue_free(run.queue);
	pace_free(run.pace);
	credit_free(run.credit);
	return ok;
}

static void
begin_progress(struct backup_data *b)
{
	size_t i;

	for (i = 0; i < b->data.n_moves; i++) {
		struct move *m = &b->data.moves[i];

		if (m->info->type == COLLECTION_VIEW)
			continue;
		m->progress = progress_item_new(b->job->progress, "read",
		    m->target_ns);
		progress_item_total(m->progress, m->info->count,
		    m->info->bytes);
	}
}

bool
backup_data_run(struct backup_data *b, uint64_t seed, struct err *err)
{
	struct err ignored;
	size_t i;
	bool ok;

	begin_progress(b);
	ok = make_parts(b, seed, err) && run_pipeline(b, seed, err);
	for (i = 0; i < b->n_parts; i++) {
		struct move *m = b->parts[i].part->move;

		tally_add(&m->source, &b->parts[i].tally);
		tally_add(&m->target, &b->parts[i].tally);
	}
	for (i = 0; i < b->data.n_moves; i++)
		progress_item_finish(b->data.moves[i].progress);
	if (ok)
		ok = drift_check(&b->data, b->job, err);
	else if (err->kind == ERR_NOT_FOUND || err->kind == ERR_UNSUPPORTED)
		drift_check(&b->data, b->job, &ignored);
	b->data.judged = ok;
	return ok;
}

/* --- details --- */

static bool
write_line(const struct detail *d, struct snapshot_writer *w,
    struct repo_session *s, struct err *err)
{
	struct buf line;
	bool ok;

	buf_init(&line, DETAIL_LINE_MAX);
	ok = detail_write(d, &line, err) && snapshot_writer_detail(w, s,
	    (const char *)line.data, line.len, err);
	buf_free(&line);
	return ok;
}

static uint64_t
count_runs(const struct backup_data *b, const struct move *m)
{
	uint64_t n = 0;
	size_t i;

	for (i = 0; i < b->n_parts; i++)
		n += b->parts[i].part->move == m ? b->parts[i].n_runs : 0;
	return n;
}

static bool
write_collection(const struct backup_data *b, const struct move *m,
    struct snapshot_writer *w, struct repo_session *s, struct err *err)
{
	struct archive_collection described = { 0 };
	struct detail d = { .kind = DETAIL_COLLECTION };
	struct buf metadata;
	bool ok;

	buf_init(&metadata, METADATA_MAX);
	ok = archive_head_describe(m, &described) ||
	    err_nomem(err, m->target_ns);
	ok = ok && metadata_write(&described, &metadata, err);
	d.collection = (struct detail_collection){
		.ns = (char *)(uintptr_t)m->info->ns,
		.type = described.type,
		.metadata = (char *)(uintptr_t)buf_str(&metadata),
		.tally = m->source,
		.runs = count_runs(b, m),
	};
	ok = ok && (d.collection.metadata != NULL ||
	    err_nomem(err, m->target_ns)) && write_line(&d, w, s, err);
	archive_head_forget(&described);
	buf_free(&metadata);
	return ok || err_prefix(err, "%s", m->info->ns);
}

static bool
write_runs(const struct backup_part *p, struct snapshot_writer *w,
    struct repo_session *s, struct err *err)
{
	struct detail d = { .kind = DETAIL_RUN };
	size_t i;

	for (i = 0; i < p->n_runs; i++) {
		const struct backup_run *run = &p->runs[i];

		if (!run->stored)
			return err_set(err, ERR_INTERNAL, "a run of %s was "
			    "not stored", p->part->move->info->ns);
		memcpy(d.run.name, run->blob.name, sizeof(d.run.name));
		d.run.bytes = run->bytes;
		d.run.documents = run->documents;
		if (!snapshot_writer_need(w, &run->blob, err) ||
		    !write_line(&d, w, s, err))
			return false;
	}
	return true;
}

bool
backup_data_details(struct backup_data *b, struct snapshot_writer *w,
    struct repo_session *s, struct err *err)
{
	size_t i, j;

	for (i = 0; i < b->data.n_moves; i++) {
		const struct move *m = &b->data.moves[i];

		if (!write_collection(b, m, w, s, err))
			return false;
		for (j = 0; j < b->n_parts; j++) {
			if (b->parts[j].part->move == m &&
			    !write_runs(&b->parts[j], w, s, err))
				return false;
		}
	}
	return true;
}

uint64_t
backup_data_bytes_read(const struct backup_data *b)
{
	uint64_t n = 0;
	size_t i;

	for (i = 0; i < b->data.n_moves; i++)
		n += b->data.moves[i].source.bytes;
	return n;
}

uint64_t
backup_data_documents(const struct backup_data *b)
{
	uint64_t n = 0;
	size_t i;

	for (i = 0; i < b->data.n_moves; i++)
		n += b->data.moves[i].source.count;
	return n;
}
