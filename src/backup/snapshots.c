#include <stdlib.h>
#include <string.h>

#include "backup/each.h"
#include "job/repository.h"
#include "job/ticker.h"
#include "repo/detail.h"

struct snapshots {
	struct job job;
	struct repository repository;
	struct repo_session *session;
	struct strings tags;
	struct snapshot_list list;
	struct spaceferry_snapshot *out; /* the summary's */
	size_t *which;		/* in list, for each of them */
	size_t n;
	bool *opens;		/* for each of list: its key is loaded */
};

/* --- details --- */

/* A snapshot's first details, and its last: what stands between is long. */
struct ends {
	uint8_t first[REPO_NAME_SIZE], last[REPO_NAME_SIZE];
	size_t n;
};

static bool
on_blob(void *arg, const struct snapshot_blob *b, struct err *err)
{
	struct ends *e = arg;

	(void)err;
	if (!b->detail)
		return true;
	if (e->n++ == 0)
		memcpy(e->first, b->blob.name, REPO_NAME_SIZE);
	memcpy(e->last, b->blob.name, REPO_NAME_SIZE);
	return true;
}

static bool
take_line(const char *line, size_t len, struct spaceferry_snapshot *out,
    struct err *err)
{
	struct detail d;
	bool ok = true;

	if (!detail_read(line, len, &d, err))
		return false;
	if (d.kind == DETAIL_SNAPSHOT) {
		out->source = strdup(d.snapshot.source);
		ok = out->source != NULL || err_nomem(err, "source");
	} else if (d.kind == DETAIL_END) {
		out->collections = d.end.collections;
		out->documents = d.end.documents;
		out->files = d.end.files;
		out->open = true;
	} else {
		ok = err_set(err, ERR_DAMAGED, "its details do not begin or "
		    "end as they should");
	}
	detail_free(&d);
	return ok;
}

/* Either its first line or its last. */
static bool
take_blob(struct repo_session *s, const char *key_id,
    const uint8_t name[REPO_NAME_SIZE], bool last,
    struct spaceferry_snapshot *out, struct err *err)
{
	const char *from, *to;
	struct buf text;
	bool ok;

	buf_init(&text, REPO_BLOB_MAX);
	ok = repo_get(s, key_id, name, &text, err);
	if (ok && (text.len < 2 || text.data[text.len - 1] != '\n'))
		ok = err_set(err, ERR_DAMAGED, "its details end within a line");
	if (ok) {
		from = (const char *)text.data;
		to = from + text.len - 1;
		if (!last)
			to = memchr(from, '\n', text.len);
		else if ((from = memrchr(text.data, '\n', text.len - 1)) ==
		    NULL)
			from = (const char *)text.data;
		else
			from++;
		ok = take_line(from, (size_t)(to - from), out, err);
	}
	buf_free(&text);
	return ok;
}

/* What was pruned meanwhile, and what other identities are for, stays closed. */
static bool
open_one(void *arg, struct repo_session *s, size_t i, struct err *err)
{
	struct snapshots *ss = arg;
	const struct snapshot *snap = &ss->list.v[ss->which[i]];
	struct ends e = { .n = 0 };
	struct snapshot head;
	bool ok;

	if (!ss->opens[ss->which[i]])
		return true;
	snapshot_init(&head);
	ok = snapshot_read(s, snap->object, &head, on_blob, &e, err);
	snapshot_free(&head);
	if (ok && e.n == 0)
		ok = err_set(err, ERR_DAMAGED, "it has no details");
	ok = ok && take_blob(s, snap->key_id, e.first, false, &ss->out[i],
	    err) && take_blob(s, snap->key_id, e.last, true, &ss->out[i], err);
	if (ok || err->kind == ERR_NOT_FOUND || err->kind == ERR_AUTH)
		return true;
	if (err->kind != ERR_DAMAGED && err->kind != ERR_UNSUPPORTED)
		return false;
	report_error(&ss->job.report, "damaged", "spaceferry check says what "
	    "is damaged", "snapshot %s cannot be opened: %s", snap->id,
	    err->message);
	return true;
}

static bool
is_known(const struct snapshots *ss, size_t i, size_t *j)
{

	for (*j = 0; *j < i; (*j)++)
		if (strcmp(ss->list.v[i].key_id, ss->list.v[*j].key_id) == 0)
			return true;
	return false;
}

/* Each naming key once, before the threads. */
static bool
load_keys(struct snapshots *ss, struct err *err)
{
	bool may = !repo_is_encrypted(ss->repository.repo) ||
	    ss->repository.identities != NULL;
	size_t i, j;

	for (i = 0; may && i < ss->list.n; i++) {
		if (is_known(ss, i, &j)) {
			ss->opens[i] = ss->opens[j];
			continue;
		}
		ss->opens[i] = repo_load_key(ss->repository.repo,
		    ss->list.v[i].key_id, err);
		if (!ss->opens[i] && err->kind != ERR_AUTH &&
		    err->kind != ERR_NOT_FOUND && err->kind != ERR_DAMAGED)
			return false;
	}
	return true;
}

static void
note_closed(struct snapshots *ss)
{
	size_t i, closed = 0;

	for (i = 0; i < ss->n; i++)
		closed += !ss->out[i].open;
	if (closed > 0 && ss->repository.identities != NULL)
		report_note(&ss->job.report, "closed", "give the --identity of "
		    "the recipients of that time", "%zu of %zu snapshots "
		    "could not be opened with these identities", closed,
		    ss->n);
}

/* --- heads --- */

static bool
on_odd(void *arg, const char *key, const struct err *why, struct err *err)
{
	struct snapshots *ss = arg;

	(void)err;
	report_error(&ss->job.report, "damaged", "spaceferry check says what "
	    "is damaged", "%s cannot be read: %s", key, why->message);
	return true;
}

static bool
describe(struct snapshots *ss, struct err *err)
{
	struct spaceferry_summary *s = ss->job.report.summary;
	size_t i;

	ss->which = calloc(ss->list.n + 1, sizeof(*ss->which));
	ss->opens = calloc(ss->list.n + 1, sizeof(*ss->opens));
	ss->out = calloc(ss->list.n + 1, sizeof(*ss->out));
	s->snapshots = ss->out;
	if (ss->which == NULL || ss->opens == NULL || ss->out == NULL)
		return err_nomem(err, "snapshots");
	for (i = 0; i < ss->list.n; i++) {
		if (!snapshot_has_tags(&ss->list.v[i], &ss->tags))
			continue;
		ss->which[ss->n] = i;
		s->n_snapshots = ++ss->n;
		if (!repository_describe(&ss->list.v[i], &ss->out[ss->n - 1]))
			return err_nomem(err, "snapshots");
	}
	return true;
}

/* --- the repository --- */

static bool
count_blob(void *arg, const uint8_t name[REPO_NAME_SIZE], uint64_t size,
    struct err *err)
{
	struct spaceferry_repository *r = arg;

	(void)name;
	(void)err;
	r->blobs++;
	r->bytes += size;
	return true;
}

static bool
count(struct snapshots *ss, struct err *err)
{
	struct spaceferry_repository *r = &ss->job.report.summary->repository;
	const struct repo_listing listing = { .blob = count_blob, .arg = r };

	r->name = strdup(repo_name(ss->repository.repo));
	r->snapshots = ss->list.n;
	return repo_list(ss->session, &listing, err);
}

static bool
run(struct snapshots *ss, struct err *err)
{
	struct each each = { .name = "snapshots", .fn = open_one, .arg = ss };
	size_t i;

	each.repo = ss->repository.repo;
	if (!job_copy_strings(&ss->job.options->tags, &ss->tags))
		return err_nomem(err, "tags");
	if ((ss->session = repo_session_new(each.repo, err)) == NULL ||
	    !snapshot_list(ss->session, &ss->list, on_odd, ss, err) ||
	    !describe(ss, err) || !load_keys(ss, err))
		return false;
	each.n = ss->n;
	if (!each_run(&ss->job, &each, err) || !count(ss, err))
		return false;
	note_closed(ss);
	for (i = 0; i < ss->n; i++)
		ticker_snapshot(ss->job.ticker, &ss->out[i]);
	return true;
}

int
spaceferry_snapshots(const struct spaceferry_options *options,
    struct spaceferry_summary *summary)
{
	struct snapshots ss = { .n = 0 };
	struct err err;
	bool ok;

	err_clear(&err);
	ok = job_open(&ss.job, options, "snapshots", summary, &err) &&
	    repository_open(&ss.repository, &ss.job, REPOSITORY_READ, &err) &&
	    run(&ss, &err);
	repo_session_free(ss.session);
	snapshot_list_free(&ss.list);
	strings_free(&ss.tags);
	free(ss.which);
	free(ss.opens);
	repository_close(&ss.repository);
	return job_close(&ss.job, ok, &err);
}
