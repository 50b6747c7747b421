#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/cancel.h"
#include "base/wake.h"
#include "bson/doc.h"
#include "bson/docdigest.h"
#include "job/snapshot_fetch.h"

#define THREADS_MAX 32
#define SLOTS_MAX (2 * THREADS_MAX)
#define WAIT_MS 100

/* One run on its way; a ring of them keeps the order. */
struct slot {
	size_t collection, run;
	bool ready;
	bool ok;
	struct err err;
	struct buf data;
	struct tally tally;
	bool *left_out;
};

struct snapshot_fetch {
	const struct snapshot_source *source;
	struct snapshot_fetch_range *ranges;
	struct mongo_server *server;
	const struct judge *judge;
	size_t memory;
	pthread_t threads[THREADS_MAX];
	unsigned n_threads;
	bool made;		/* lock and conditions */
	pthread_mutex_t lock;
	pthread_cond_t room;	/* for threads */
	pthread_cond_t arrived;	/* for the reader */
	/* Under lock: */
	bool stop;
	size_t collection, run;	/* the next to be fetched */
	struct slot slots[SLOTS_MAX];
	size_t n_slots;
	size_t head, tail;	/* count up: slots [head, tail) are in use */
	size_t in_flight;	/* bytes */
	/* The reader's own: */
	bool holds;		/* the slot at head was handed out */
};

/* What a thread works with. */
struct tools {
	struct repo_session *session;
	struct mongo_session *target;	/* where the server judges */
};

static const struct snapshot_run *
run_of(const struct snapshot_fetch *f, size_t collection, size_t run)
{

	return &snapshot_source_collection(f->source, collection)->runs[run];
}

/* Moves on to a run that is there to be fetched.  False at the end. */
static bool
find_next(struct snapshot_fetch *f)
{

	while (f->collection < snapshot_source_count(f->source)) {
		const struct snapshot_fetch_range *r =
		    &f->ranges[f->collection];

		if (r->wanted && f->run < r->first)
			f->run = r->first;
		if (r->wanted && f->run < snapshot_source_collection(f->source,
		    f->collection)->n_runs)
			return true;
		f->collection++;
		f->run = 0;
	}
	return false;
}

/* --- one run --- */

static size_t
length_of(const uint8_t *p)
{

	return p[0] | (size_t)p[1] << 8 | (size_t)p[2] << 16 |
	    (size_t)p[3] << 24;
}

static bool
check_documents(struct slot *s, const struct snapshot_run *run,
    struct err *err)
{
	size_t at = 0, len;
	struct tally one = { .count = 1 };

	memset(&s->tally, 0, sizeof(s->tally));
	for (; at < s->data.len; at += len) {
		const uint8_t *doc = s->data.data + at;

		len = s->data.len - at < 5 ? 0 : length_of(doc);
		if (len < 5 || len > s->data.len - at || !doc_valid(doc, len))
			return err_set(err, ERR_DAMAGED, "document %llu is no "
			    "whole, valid BSON",
			    (unsigned long long)s->tally.count + 1);
		one.bytes = len;
		one.digest = docdigest(doc, len);
		tally_add(&s->tally, &one);
	}
	if (s->tally.count == run->documents && s->tally.bytes == run->bytes)
		return true;
	return err_set(err, ERR_DAMAGED, "it holds %llu documents of %llu "
	    "bytes, and the snapshot says %llu of %llu",
	    (unsigned long long)s->tally.count,
	    (unsigned long long)s->tally.bytes,
	    (unsigned long long)run->documents,
	    (unsigned long long)run->bytes);
}

static bool
choose(struct snapshot_fetch *f, struct slot *s, struct mongo_session *target,
    const struct snapshot_collection *c, struct err *err)
{
	struct judge_documents d = {
		.docs = s->data.data, .len = s->data.len,
		.n = (size_t)s->tally.count,
		.options = { c->about.options, c->about.options_len },
	};

	if (f->server == NULL)
		return true;
	if ((s->left_out = calloc(d.n + 1, sizeof(*s->left_out))) == NULL)
		return err_nomem(err, "documents");
	return judge_documents(target, f->judge, &d, s->left_out, err) ||
	    err_prefix(err, "target: %s", c->ns);
}

static bool
fetch(struct snapshot_fetch *f, struct slot *s, const struct tools *t,
    struct err *err)
{
	const struct snapshot_collection *c;
	const struct snapshot_run *run = run_of(f, s->collection, s->run);
	char object[REPO_OBJECT_MAX];

	c = snapshot_source_collection(f->source, s->collection);
	repo_object_name(snapshot_source_repo(f->source), run->name, object);
	if (!buf_reserve(&s->data, (size_t)run->bytes))
		return err_nomem(err, "documents");
	if (!repo_get(t->session, snapshot_source_key_id(f->source), run->name,
	    &s->data, err))
		return err->kind == ERR_CANCELLED ? false :
		    err_prefix(err, "%s", c->ns);
	if (!check_documents(s, run, err))
		return err_prefix(err, "%s: %s", c->ns, object);
	return choose(f, s, t->target, c, err);
}

/* --- the threads --- */

static bool
has_room(struct snapshot_fetch *f)
{
	uint64_t bytes = run_of(f, f->collection, f->run)->bytes;

	return f->tail == f->head || (f->tail - f->head < f->n_slots &&
	    f->in_flight + bytes <= f->memory);
}

/* The next run, once there is room for it; NULL when there is nothing left to
 * do.  lock is held. */
static struct slot *
reserve(struct snapshot_fetch *f)
{
	struct slot *s;

	while (!f->stop && find_next(f) && !has_room(f))
		pthread_cond_wait(&f->room, &f->lock);
	if (f->stop || !find_next(f))
		return NULL;
	s = &f->slots[f->tail++ % f->n_slots];
	s->collection = f->collection;
	s->run = f->run++;
	s->ready = false;
	f->in_flight += run_of(f, s->collection, s->run)->bytes;
	return s;
}

static bool
open_tools(struct snapshot_fetch *f, struct tools *t, struct err *err)
{

	if (t->session == NULL && (t->session = repo_session_new(
	    snapshot_source_repo(f->source), err)) == NULL)
		return false;
	if (f->server == NULL || t->target != NULL)
		return true;
	t->target = mongo_session_new(f->server, err);
	return t->target != NULL || err_prefix(err, "target");
}

static void *
work(void *arg)
{
	struct snapshot_fetch *f = arg;
	struct tools t = { NULL, NULL };
	struct slot *s;

	pthread_mutex_lock(&f->lock);
	while ((s = reserve(f)) != NULL) {
		pthread_mutex_unlock(&f->lock);
		err_clear(&s->err);
		s->ok = open_tools(f, &t, &s->err) &&
		    fetch(f, s, &t, &s->err);
		pthread_mutex_lock(&f->lock);
		s->ready = true;
		/* What comes behind it is not asked for. */
		f->stop = f->stop || !s->ok;
		pthread_cond_broadcast(&f->arrived);
		if (f->stop)
			pthread_cond_broadcast(&f->room);
	}
	pthread_mutex_unlock(&f->lock);
	repo_session_free(t.session);
	mongo_session_free(t.target);
	return NULL;
}

/* --- the reader --- */

/* Gives the run at hand back.  lock is held. */
static void
release(struct snapshot_fetch *f)
{
	struct slot *s = &f->slots[f->head % f->n_slots];

	f->in_flight -= run_of(f, s->collection, s->run)->bytes;
	f->head++;
	f->holds = false;
	free(s->left_out);
	s->left_out = NULL;
	buf_free(&s->data);
	pthread_cond_broadcast(&f->room);
}

/* Waits for the run at head, if one is on its way or yet to come. */
static struct slot *
await(struct snapshot_fetch *f)
{

	for (;;) {
		struct slot *s = &f->slots[f->head % f->n_slots];

		if (f->head < f->tail && s->ready)
			return s;
		if (cancel_requested() || (f->head == f->tail &&
		    (f->stop || !find_next(f))))
			return NULL;
		wake_wait(&f->arrived, &f->lock, WAIT_MS);
	}
}

bool
snapshot_fetch_next(struct snapshot_fetch *f, struct snapshot_fetched *out,
    bool *fetched, struct err *err)
{
	struct slot *s;

	pthread_mutex_lock(&f->lock);
	if (f->holds)
		release(f);
	s = await(f);
	f->holds = s != NULL && s->ok;
	pthread_mutex_unlock(&f->lock);
	*fetched = false;
	if (s == NULL)
		return !cancel_requested() || cancel_err(err);
	if (!s->ok) {
		*err = s->err;
		return false;
	}
	*fetched = true;
	out->collection = s->collection;
	out->run = s->run;
	out->data = s->data.data;
	out->len = s->data.len;
	out->tally = s->tally;
	out->left_out = s->left_out;
	return true;
}

/* --- */

static bool
start(struct snapshot_fetch *f, unsigned threads, struct err *err)
{
	unsigned i;

	for (i = 0; i < threads; i++) {
		if (pthread_create(&f->threads[i], NULL, work, f) != 0)
			break;
		f->n_threads++;
	}
	return f->n_threads > 0 || err_nomem(err, "threads");
}

static bool
set_up(struct snapshot_fetch *f, const struct snapshot_fetch_options *o,
    struct err *err)
{
	size_t i, n = snapshot_source_count(o->source);

	f->source = o->source;
	f->memory = o->memory;
	f->server = o->server;
	f->judge = o->judge;
	f->n_slots = o->threads < THREADS_MAX ? 2 * o->threads : SLOTS_MAX;
	for (i = 0; i < SLOTS_MAX; i++)
		buf_init(&f->slots[i].data, REPO_BLOB_MAX);
	if ((f->ranges = calloc(n + 1, sizeof(*f->ranges))) == NULL)
		return err_nomem(err, "collections");
	memcpy(f->ranges, o->ranges, n * sizeof(*f->ranges));
	if (pthread_mutex_init(&f->lock, NULL) != 0)
		return err_nomem(err, "lock");
	if (pthread_cond_init(&f->room, NULL) != 0) {
		pthread_mutex_destroy(&f->lock);
		return err_nomem(err, "lock");
	}
	if (!wake_init(&f->arrived)) {
		pthread_cond_destroy(&f->room);
		pthread_mutex_destroy(&f->lock);
		return err_nomem(err, "lock");
	}
	f->made = true;
	return true;
}

struct snapshot_fetch *
snapshot_fetch_new(const struct snapshot_fetch_options *options,
    struct err *err)
{
	struct snapshot_fetch *f;

	if ((f = calloc(1, sizeof(*f))) == NULL) {
		err_nomem(err, "snapshot");
		return NULL;
	}
	if (set_up(f, options, err) && start(f, options->threads <
	    THREADS_MAX ? options->threads : THREADS_MAX, err))
		return f;
	snapshot_fetch_free(f);
	return NULL;
}

void
snapshot_fetch_free(struct snapshot_fetch *f)
{
	size_t i;

	if (f == NULL)
		return;
	if (f->made) {
		pthread_mutex_lock(&f->lock);
		f->stop = true;
		pthread_cond_broadcast(&f->room);
		pthread_mutex_unlock(&f->lock);
		for (i = 0; i < f->n_threads; i++)
			pthread_join(f->threads[i], NULL);
		pthread_cond_destroy(&f->arrived);
		pthread_cond_destroy(&f->room);
		pthread_mutex_destroy(&f->lock);
	}
	for (i = 0; i < SLOTS_MAX; i++) {
		buf_free(&f->slots[i].data);
		free(f->slots[i].left_out);
	}
	free(f->ranges);
	free(f);
}
