#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cancel.h"
#include "base/log.h"
#include "job/moment.h"

#define COMMIT_WAIT_MS 10000	/* until a majority has the time, on idle sets */
#define MOST_LOSSES 20		/* in a row, without a document between */
#define TIME_TEXT 32		/* "4294967295.4294967295" */

struct moment {
	pthread_mutex_t lock;	/* of all below but job, data and journal */
	struct job *job;
	struct data *data;
	struct journal *journal;
	bool possible;		/* reads at one time work */
	bool lost;		/* the last time is gone */
	struct mongo_time *times;
	size_t n;
};

static bool
is_set(const struct mongo_time *t)
{

	return t->seconds != 0;
}

static bool
same_time(const struct mongo_time *a, const struct mongo_time *b)
{

	return a->seconds == b->seconds && a->increment == b->increment;
}

static void
time_text(const struct mongo_time *t, char out[TIME_TEXT])
{

	snprintf(out, TIME_TEXT, "%u.%u", t->seconds, t->increment);
}

static bool
append(struct moment *m, const struct mongo_time *t, struct err *err)
{
	struct mongo_time *grown;

	grown = realloc(m->times, (m->n + 1) * sizeof(*grown));
	if (grown == NULL)
		return err_nomem(err, "cluster times");
	m->times = grown;
	m->times[m->n++] = *t;
	m->lost = false;
	return true;
}

/* --- what can be done, before anything is changed --- */

static bool
refuse(const char *what, const char *remedy, struct err *err)
{

	err_set(err, ERR_UNSUPPORTED, "--consistent: %s", what);
	return err_hint(err, "%s, or leave --consistent out", remedy);
}

/* A collection that shows whether reads at one time work; NULL when the plan
 * holds none that could be read so. */
static const struct move *
example(const struct data *d)
{
	size_t i;

	for (i = 0; i < d->n_moves; i++) {
		if (!d->moves[i].info->capped &&
		    d->moves[i].info->type != COLLECTION_VIEW)
			return &d->moves[i];
	}
	return NULL;
}

static bool
check_capped(const struct data *d, struct err *err)
{
	char what[MONGO_NS_MAX + 80];
	size_t i;

	for (i = 0; i < d->n_moves; i++) {
		if (!d->moves[i].info->capped)
			continue;
		snprintf(what, sizeof(what), "%s is capped, and servers read "
		    "capped collections only as they are now",
		    d->moves[i].info->ns);
		return refuse(what, "--exclude it", err);
	}
	return true;
}

/* The source has no time to be read at: a note says so, except of a
 * standalone, where source_changed tells what matters. */
static bool
do_without(struct moment *m, bool standalone, const struct err *why,
    struct err *err)
{
	struct err reason = *why;

	if (err_retryable(reason.kind) || reason.kind == ERR_CANCELLED) {
		*err = reason;
		return false;
	}
	if (m->job->options->consistent && standalone)
		return refuse("the source is a standalone server, which cannot "
		    "be read at one time", "make it a replica set of one "
		    "member (mongod --replSet, then rs.initiate())", err);
	if (m->job->options->consistent)
		return refuse(reason.message, "see whether the server is "
		    "MongoDB 5.0 or later and its set has a majority", err);
	if (!standalone)
		report_note(&m->job->report, "read_now", "stop the app while "
		    "this runs, then verify", "the source cannot be read at one "
		    "time and is read as it is: %s", reason.message);
	return true;
}

static bool
find_out(struct moment *m, struct err *err)
{
	struct mongo_session *s = m->data->source.session;
	const struct move *move = example(m->data);
	struct mongo_time t;
	struct err why;

	if (m->job->options->consistent && !check_capped(m->data, err))
		return false;
	if (move == NULL)
		return true;
	if (!mongo_cluster_time(s, &t, &why))
		return do_without(m, why.kind == ERR_UNSUPPORTED, &why, err);
	if (!mongo_readable_at(s, move->read_ns, &t, COMMIT_WAIT_MS, &why) &&
	    !mongo_time_gone(&why))
		return do_without(m, false, &why, err);
	m->possible = true;
	return true;
}

/* --- the time of an interrupted run --- */

static void
fact_name(size_t i, char out[TIME_TEXT])
{

	snprintf(out, TIME_TEXT, "cluster_time.%zu", i);
}

static bool
load(struct moment *m, struct err *err)
{
	char name[TIME_TEXT];
	const char *value;
	struct mongo_time t;

	for (;;) {
		fact_name(m->n, name);
		value = journal_get(m->journal, name);
		if (value == NULL)
			return true;
		if (sscanf(value, "%u.%u", &t.seconds, &t.increment) != 2)
			return err_set(err, ERR_DAMAGED, "the journal holds "
			    "the cluster time '%.40s'", value);
		if (!append(m, &t, err))
			return false;
	}
}

/* True when something was moved at another time than the last one. */
static bool
is_mixed(const struct moment *m)
{
	const struct data *d = m->data;
	struct journal_part p;
	size_t i, j;

	for (i = 0; i < d->n_moves; i++) {
		const char *ns = d->moves[i].target_ns;

		for (j = 0; journal_get_part(m->journal, ns, j, &p); j++) {
			if (p.done && (m->n != 1 || m->lost))
				return true;
		}
	}
	return false;
}

/* Goes on at the journal's time, if it can still be read. */
static bool
resume(struct moment *m, struct err *err)
{
	struct err why;

	if (m->journal == NULL)
		return true;
	if (!load(m, err))
		return false;
	if (m->possible && m->n > 0 && !mongo_readable_at(m->data->source.session,
	    example(m->data)->read_ns, &m->times[m->n - 1], COMMIT_WAIT_MS,
	    &why)) {
		if (!mongo_time_gone(&why)) {
			*err = why;
			return err_prefix(err, "source");
		}
		m->lost = true;
	}
	if (!m->job->options->consistent || !is_mixed(m))
		return true;
	err_set(err, ERR_CONFLICT, "--consistent: the interrupted run read the "
	    "source at a time that its history no longer has");
	return err_hint(err, "--restart --drop reads all of it at one new "
	    "time; without --consistent the rest is read at a later one");
}

struct moment *
moment_new(struct data *d, struct job *job, struct journal *journal,
    struct err *err)
{
	struct moment *m;

	if ((m = calloc(1, sizeof(*m))) == NULL) {
		err_nomem(err, "moment");
		return NULL;
	}
	if (pthread_mutex_init(&m->lock, NULL) != 0) {
		free(m);
		err_nomem(err, "moment");
		return NULL;
	}
	m->job = job;
	m->data = d;
	m->journal = journal;
	/* What is in a file does not change under the reader. */
	if (d->source.kind != END_MONGO || (find_out(m, err) && resume(m, err)))
		return m;
	moment_free(m);
	return NULL;
}

void
moment_free(struct moment *m)
{

	if (m == NULL)
		return;
	free(m->times);
	pthread_mutex_destroy(&m->lock);
	free(m);
}

/* --- reading --- */

/* Takes a new time; the lock is held. */
static bool
take(struct moment *m, struct mongo_session *s, struct err *err)
{
	char name[TIME_TEXT], text[TIME_TEXT];
	struct mongo_time t;

	if (!mongo_cluster_time(s, &t, err))
		return err_prefix(err, "source");
	time_text(&t, text);
	if (m->n > 0)
		log_warning("the source has no history of cluster time %u.%u "
		    "any more: reading on at %s", m->times[m->n - 1].seconds,
		    m->times[m->n - 1].increment, text);
	else
		log_info("reading the source at cluster time %s", text);
	fact_name(m->n, name);
	return append(m, &t, err) && (m->journal == NULL ||
	    journal_put(m->journal, name, text, err));
}

static bool
current(struct moment *m, struct mongo_session *s, struct mongo_time *at,
    struct err *err)
{
	bool ok = true;

	pthread_mutex_lock(&m->lock);
	if (m->n == 0 || m->lost)
		ok = take(m, s, err);
	if (ok)
		*at = m->times[m->n - 1];
	pthread_mutex_unlock(&m->lock);
	return ok;
}

/* From here on move is read as it is now. */
static void
give_up(struct moment_read *r, const char *why)
{
	struct data *d = r->moment->data;
	bool told;

	pthread_mutex_lock(&d->lock);
	told = r->move->read_now;
	r->move->read_now = true;
	pthread_mutex_unlock(&d->lock);
	memset(&r->at, 0, sizeof(r->at));
	if (!told)
		report_note(&r->moment->job->report, "read_now", "nobody may "
		    "write to it meanwhile: verify tells whether somebody did",
		    "%s was read as it is now, not at the cluster time of the "
		    "rest: %s", r->move->info->ns, why);
}

bool
moment_begin(struct moment_read *r, struct err *err)
{
	struct data *d = r->moment->data;
	bool now;

	if (!r->moment->possible)
		return true;
	if (r->move->info->capped) {
		give_up(r, "it is capped");
		return true;
	}
	pthread_mutex_lock(&d->lock);
	now = r->move->read_now;
	pthread_mutex_unlock(&d->lock);
	return now || current(r->moment, r->session, &r->at, err);
}

const struct mongo_time *
moment_at(const struct moment_read *r)
{

	return is_set(&r->at) ? &r->at : NULL;
}

static bool
lost_under_consistent(struct err *err)
{
	struct err reason = *err;

	err_set(err, ERR_UNSUPPORTED, "--consistent: the source has no history "
	    "of the time at which it was read any more: %s", reason.message);
	return err_hint(err, "raise minSnapshotHistoryWindowInSeconds on the "
	    "source (db.adminCommand({setParameter: 1, "
	    "minSnapshotHistoryWindowInSeconds: 3600})), then --restart "
	    "--drop; or leave --consistent out");
}

/* The time is gone: another reader may have taken a new one already. */
static bool
move_on(struct moment_read *r, struct err *err)
{
	struct moment *m = r->moment;

	if (m->job->options->consistent)
		return lost_under_consistent(err);
	if (++r->losses > MOST_LOSSES) {
		give_up(r, "its history is lost at once");
		return true;
	}
	if (r->losses > 1 && !cancel_sleep(100))
		return cancel_err(err);
	pthread_mutex_lock(&m->lock);
	if (m->n > 0 && same_time(&r->at, &m->times[m->n - 1]))
		m->lost = true;
	pthread_mutex_unlock(&m->lock);
	return current(m, r->session, &r->at, err);
}

/* A stream has no place to go on from. */
static bool
start_anew(struct moment_read *r)
{

	r->anew = true;
	if (++r->starts > 1 && is_set(&r->at))
		give_up(r, "reading it takes longer than the history lasts");
	return false;
}

static bool
read_now_if_allowed(struct moment_read *r, const struct err *err)
{

	if (r->moment->job->options->consistent)
		return false;
	give_up(r, err->message);
	return true;
}

bool
moment_mend(struct moment_read *r, struct mongo_cursor *cursor,
    struct err *err)
{

	r->anew = false;
	if (!is_set(&r->at))
		return false;
	if (mongo_time_gone(err)) {
		if (r->fixed) {
			memset(&r->at, 0, sizeof(r->at));
			r->anew = true;
			return false;
		}
		if (!move_on(r, err))
			return false;
	} else if (r->fixed || (err->kind != ERR_UNSUPPORTED &&
	    err->kind != ERR_DENIED) || !read_now_if_allowed(r, err))
		return false;
	return mongo_cursor_move(cursor, moment_at(r)) || start_anew(r);
}

/* --- the end --- */

bool
moment_last(struct moment *m, struct mongo_time *at)
{
	bool any;

	pthread_mutex_lock(&m->lock);
	any = m->n > 0 && !m->lost;
	if (any)
		*at = m->times[m->n - 1];
	pthread_mutex_unlock(&m->lock);
	return any;
}

void
moment_tell(struct moment *m)
{
	struct spaceferry_summary *s;
	char text[TIME_TEXT];
	size_t i;

	if (m == NULL || m->n == 0)
		return;
	s = m->job->report.summary;
	s->consistent_at = calloc(m->n, sizeof(*s->consistent_at));
	for (i = 0; i < m->n && s->consistent_at != NULL; i++) {
		time_text(&m->times[i], text);
		s->consistent_at[i] = strdup(text);
		if (s->consistent_at[i] == NULL)
			break;
		s->n_consistent_at++;
	}
	if (m->n > 1)
		report_note(&m->job->report, "several_times", "stop the app, "
		    "then migrate --delta and verify, or raise "
		    "minSnapshotHistoryWindowInSeconds on the source",
		    "the source was read at %zu cluster times, one after the "
		    "other: its history does not last as long as this run",
		    m->n);
}
