#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "backup/data.h"
#include "backup/files.h"
#include "backup/first.h"
#include "backup/group.h"
#include "backup/prune.h"
#include "backup/watch.h"
#include "base/cancel.h"
#include "base/log.h"
#include "job/drift.h"
#include "job/moment.h"
#include "job/repository.h"
#include "repo/detail.h"
#include "repo/lock.h"
#include "store/key.h"

#define NS_PER_S INT64_C(1000000000)
#define WEEK_NS (7 * 24 * 3600 * NS_PER_S)
#define LINE_MAX_BYTES ((size_t)1024 * 1024)
#define READINGS 3	/* of a source whose collections come and go */

struct backup {
	struct job job;
	struct backup_data data;
	struct backup_files *files;
	struct repository repository;
	struct repo_lock *lock;
	struct repo_session *session;
	struct snapshot_writer *writer;
	struct snapshot head;
	bool has_data, data_opened;
	bool began;		/* past the checks: counts mean something */
	uint64_t void_bytes;	/* of documents that were read again */
};

static int64_t
now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return t.tv_sec * NS_PER_S + t.tv_nsec;
}

/* --- opening --- */

static bool
open_sources(struct backup *b, struct err *err)
{
	const struct spaceferry_options *o = b->job.options;

	b->has_data = o->from != NULL;
	if (!b->has_data && o->n_files == 0) {
		err_set(err, ERR_USAGE, "nothing to back up: neither --from nor "
		    "--files is given");
		return err_hint(err, "spaceferry backup --help");
	}
	if (b->has_data) {
		b->data_opened = true;
		if (!backup_data_open(&b->data, &b->job, err))
			return false;
	}
	return true;
}

static bool
open_files(struct backup *b, struct err *err)
{

	if (b->job.options->n_files == 0)
		return true;
	b->files = backup_files_open(&b->job, b->repository.repo != NULL ?
	    repo_store(b->repository.repo) : NULL, err);
	return b->files != NULL && backup_files_list(b->files, err);
}

/* A dry run does without a repository that is yet to be made. */
static bool
open_repository(struct backup *b, struct err *err)
{

	if (repository_connect(&b->repository, &b->job, REPOSITORY_ADD_THERE,
	    err))
		return true;
	if (err->kind != ERR_NOT_FOUND || !first_check(&b->job, err))
		return false;
	return b->job.options->dry_run || repository_connect(&b->repository,
	    &b->job, REPOSITORY_ADD, err);
}

static bool
begin_snapshot(struct backup *b, struct err *err)
{

	b->head.time_ns = now_ns();
	if (!group_name(&b->job, b->has_data ? &b->data : NULL, b->files,
	    b->repository.repo, b->head.group, err))
		return false;
	if (!job_copy_strings(&b->job.options->tags, &b->head.tags))
		return err_nomem(err, "tags");
	b->writer = snapshot_writer_new(b->repository.repo, &b->head, err);
	return b->writer != NULL;
}

/* --- the work --- */

/* A collection that was dropped, renamed or made anew meanwhile was read in part
 * or as empty: such a snapshot would pass for a whole one, and policies remove
 * others for it.  What is stored already is not stored again. */
static bool
read_data(struct backup *b, uint64_t seed, struct err *err)
{
	struct data *d = &b->data.data;
	unsigned left = READINGS;
	bool ok;

	for (;;) {
		d->drift_noted = --left > 0;
		b->data.repo = b->repository.repo;
		ok = backup_data_run(&b->data, seed, err);
		if (d->drifts == 0 || cancel_requested())
			return ok;
		if (left == 0)
			break;
		log_warning("collections of the source came or went while it "
		    "was read: reading it again");
		b->void_bytes += backup_data_bytes_read(&b->data);
		backup_data_close(&b->data);
		if (!backup_data_open(&b->data, &b->job, err))
			return false;
	}
	if (!ok)
		return false;
	err_set(err, ERR_CHANGED, "no snapshot was made: each of %u times that "
	    "the source was read, collections of it were dropped, renamed or "
	    "made meanwhile", READINGS);
	return err_hint(err, "run it again when that has ended, or --exclude "
	    "what comes and goes");
}

static bool
store_data(struct backup *b, struct err *err)
{
	uint8_t sum[HASH_SHA256_SIZE];
	uint64_t seed = 0;
	size_t i;

	if (!b->has_data)
		return true;
	if (!repo_derive(b->repository.repo, "runs", NULL, 0, sum, err))
		return false;
	for (i = 0; i < sizeof(seed); i++)
		seed |= (uint64_t)sum[i] << (8 * i);
	return read_data(b, seed, err);
}

static bool
write_line(struct backup *b, const struct detail *d, struct err *err)
{
	struct buf line;
	bool ok;

	buf_init(&line, LINE_MAX_BYTES);
	ok = detail_write(d, &line, err) && snapshot_writer_detail(b->writer,
	    b->session, (const char *)line.data, line.len, err);
	buf_free(&line);
	return ok;
}

#define TEXT_MAX 1024

/* What is only for people to read may have any bytes. */
static char *
printable(const char *text, char out[TEXT_MAX])
{

	key_printable(text != NULL ? text : "", out, TEXT_MAX);
	return out;
}

static bool
write_first(struct backup *b, struct err *err)
{
	struct spaceferry_summary *s = b->job.report.summary;
	char host[256] = "", host_text[TEXT_MAX], source_text[TEXT_MAX];
	char time_text[SNAPSHOT_TIME_SIZE];
	static const struct strings none;
	struct detail d = { .kind = DETAIL_SNAPSHOT };

	gethostname(host, sizeof(host) - 1);
	snapshot_time_text(b->head.time_ns, time_text);
	d.snapshot = (struct detail_snapshot){
		.id = (char *)(uintptr_t)snapshot_writer_id(b->writer),
		.time = time_text,
		.host = printable(host, host_text),
		.tool = (char *)(uintptr_t)"spaceferry " SF_VERSION,
		.source = printable(s->source, source_text),
		.server = b->has_data ?
		    (char *)(uintptr_t)end_version(&b->data.data.source) :
		    (char *)(uintptr_t)"",
		.consistent_at = { s->consistent_at, s->n_consistent_at },
		.files = b->files != NULL ? *backup_files_names(b->files) :
		    none,
	};
	return write_line(b, &d, err);
}

static bool
write_details(struct backup *b, struct err *err)
{
	struct detail end = { .kind = DETAIL_END };

	if (b->has_data) {
		end.end.collections = b->data.data.n_moves;
		end.end.documents = backup_data_documents(&b->data);
	}
	if (b->files != NULL) {
		end.end.places = backup_files_places(b->files);
		end.end.files = backup_files_count(b->files);
	}
	return write_first(b, err) &&
	    (!b->has_data || backup_data_details(&b->data, b->writer,
	    b->session, err)) &&
	    (b->files == NULL || backup_files_details(b->files, b->writer,
	    b->session, err)) && write_line(b, &end, err);
}

static uint64_t
bytes_read(const struct backup *b)
{

	return b->void_bytes +
	    (b->has_data ? backup_data_bytes_read(&b->data) : 0) +
	    (b->files != NULL ? backup_files_bytes_read(b->files) : 0);
}

/* --- the summary --- */

static bool
describe(struct backup *b, const struct snapshot *done, struct err *err)
{
	struct spaceferry_summary *s = b->job.report.summary;
	struct spaceferry_snapshot *out;

	if ((out = calloc(1, sizeof(*out))) == NULL)
		return err_nomem(err, "summary");
	s->snapshots = out;
	s->n_snapshots = 1;
	if (!repository_describe(done, out))
		return err_nomem(err, "summary");
	out->open = true;
	if (s->source != NULL)
		out->source = strdup(s->source);
	if (b->has_data) {
		out->collections = b->data.data.n_moves;
		out->documents = backup_data_documents(&b->data);
	}
	if (b->files != NULL)
		out->files = backup_files_count(b->files);
	return true;
}

struct week {
	const struct snapshot *done;
	uint64_t read;
};

static bool
add_read(void *arg, const struct snapshot *head, struct err *err)
{
	struct week *w = arg;

	(void)err;
	if (strcmp(head->group, w->done->group) == 0 &&
	    strcmp(head->id, w->done->id) != 0)
		w->read += head->read;
	return true;
}

/* What backups of this group, this one too, have read in seven days; those that
 * failed are not known. */
static void
count_week(struct backup *b, const struct snapshot *done)
{
	struct spaceferry_repository *r = &b->job.report.summary->repository;
	struct week w = { .done = done, .read = done->read };
	struct snapshot_heads which = {
		.since_ns = done->time_ns - WEEK_NS, .all = &r->snapshots,
	};
	struct err ignored;

	snapshot_heads(b->session, &which, add_read, &w, &ignored);
	r->bytes_read_week = w.read;
}

static void
summarise_repository(struct backup *b)
{
	struct spaceferry_repository *r = &b->job.report.summary->repository;
	struct repo_counts counts;

	if (b->repository.repo == NULL)
		return;
	repo_counts(b->repository.repo, &counts);
	if (r->name == NULL)
		r->name = strdup(repo_name(b->repository.repo));
	r->blobs = counts.blobs;
	r->bytes = counts.bytes;
	r->blobs_added = counts.added;
	r->bytes_added = counts.added_bytes;
	r->bytes_read = bytes_read(b);
}

/* --- */

/* A run whose lock lapsed while the snapshot was on its way counts as dead, and a
 * prune may have removed what it needs. */
static bool
keep_lock(struct backup *b, struct err *err)
{

	if (repo_lock_held(b->lock, err))
		return true;
	if (!snapshot_writer_withdraw(b->writer))
		err_hint(err, "snapshot %s may be there and lack something: "
		    "spaceferry check tells; then back up again",
		    snapshot_writer_id(b->writer));
	return false;
}

static bool
commit(struct backup *b, struct err *err)
{
	struct snapshot done;
	struct err lost;
	bool ok;

	if (!repo_lock_held(b->lock, err))
		return false;
	if (!snapshot_writer_commit(b->writer, b->session, bytes_read(b), &done,
	    err)) {
		keep_lock(b, &lost);
		return false;
	}
	if ((ok = keep_lock(b, err))) {
		repo_forget_progress(b->session);
		ok = describe(b, &done, err);
		count_week(b, &done);
	}
	snapshot_free(&done);
	return ok;
}

/* A set is read at one time, whatever its app does meanwhile. */
static void
tell_source(struct backup *b)
{
	struct mongo_time at;

	if (b->has_data && !moment_last(b->data.data.moment, &at))
		drift_note_writes(&b->data.data, &b->job);
}

static bool
take_lock(struct backup *b, struct err *err)
{
	struct repo_lock_options options = {
		.repo = b->repository.repo, .kind = REPO_LOCK_ADD,
		.command = "backup", .patience_ms = b->job.patience_ms,
	};

	b->lock = repo_lock_take(&options, err);
	return b->lock != NULL;
}

static bool
back_up(struct backup *b, struct err *err)
{

	if (!repo_is_encrypted(b->repository.repo))
		report_note(&b->job.report, "not_encrypted", "give --recipient "
		    "age1… for a repository that only you can read",
		    "whoever can read %s can read this backup",
		    repo_name(b->repository.repo));
	if (!take_lock(b, err))
		return false;
	atomic_store(&b->job.changed, true);
	if ((b->session = repo_session_new(b->repository.repo, err)) == NULL ||
	    !repo_load_index(b->repository.repo, err) ||
	    !begin_snapshot(b, err))
		return false;
	b->began = true;
	if (!store_data(b, err) || (b->files != NULL &&
	    !backup_files_run(b->files, b->repository.repo, b->writer, err)))
		return false;
	if (b->has_data)
		moment_tell(b->data.data.moment);
	tell_source(b);
	return write_details(b, err) && commit(b, err);
}

static bool
dry_run(struct backup *b, struct err *err)
{

	b->began = true;
	if (b->has_data && !backup_data_run(&b->data, 0, err))
		return false;
	if (b->has_data)
		moment_tell(b->data.data.moment);
	return true;
}

static bool
run(struct backup *b, struct err *err)
{

	if (!repository_prepare(&b->repository, &b->job, REPOSITORY_ADD, err) ||
	    !open_sources(b, err) || !open_repository(b, err) ||
	    !open_files(b, err))
		return false;
	return b->job.options->dry_run ? dry_run(b, err) : back_up(b, err);
}

static void
release(struct backup *b)
{

	snapshot_writer_free(b->writer);
	repo_session_free(b->session);
	repo_lock_free(b->lock);
	b->writer = NULL;
	b->session = NULL;
	b->lock = NULL;
}

/* A snapshot that lacks something takes nobody's place. */
static bool
remove_others(struct backup *b, struct err *err)
{
	struct spaceferry_summary *s = b->job.report.summary;

	if (s->n_errors == 0 && s->files.failed == 0)
		return prune_run(&b->job, &b->repository, err);
	report_note(&b->job.report, "not_pruned", "", "older snapshots were all "
	    "kept: the new one is not complete");
	return true;
}

static int
finish(struct backup *b, bool ok, struct err *err)
{
	struct err late;

	/* Whatever else went wrong when the lock was lost, that is the cause. */
	if (!ok && b->lock != NULL && !repo_lock_held(b->lock, &late))
		*err = late;
	if (b->began && b->has_data &&
	    !data_summarise(&b->data.data, &b->job, &late) && ok) {
		*err = late;
		ok = false;
	}
	if (b->files != NULL)
		backup_files_summarise(b->files);
	summarise_repository(b);
	release(b);
	if (ok && !b->job.options->dry_run && prune_wanted(b->job.options))
		ok = remove_others(b, err);
	backup_files_close(b->files);
	if (b->data_opened)
		backup_data_close(&b->data);
	repository_close(&b->repository);
	snapshot_free(&b->head);
	return job_close(&b->job, ok, err);
}

int
spaceferry_backup(const struct spaceferry_options *options,
    struct spaceferry_summary *summary)
{
	struct backup b = { .has_data = false };
	struct err err;
	int status;
	bool ok;

	err_clear(&err);
	snapshot_init(&b.head);
	ok = job_open(&b.job, options, "backup", summary, &err) &&
	    backup_watch_begin(&b.job, &err) && run(&b, &err);
	status = finish(&b, ok, &err);
	return backup_watch_end(options, status, summary);
}
