#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "archive/bsoncheck.h"
#include "backup/check.h"
#include "base/cancel.h"
#include "base/log.h"
#include "bson/docdigest.h"
#include "flow/pipeline.h"

/* Of stored, decrypted and raw bytes, as a rule. */
#define MEMORY_PER_WORKER ((size_t)6 * 1024 * 1024)

struct data {
	struct check *check;
	uint32_t *v;		/* blobs to be read for themselves */
	size_t n, candidates;
	size_t n_files;		/* come first, each as a whole */
	uint64_t all, bytes;	/* of both */
	atomic_size_t next;
	pthread_mutex_t lock;	/* entries, contents and counters */
	struct progress_item *item;
};

/* Counts and digests the documents of a run; false for what is none. */
static bool
sum_documents(const struct buf *raw, struct check_content *out)
{
	size_t at = 0, wrong;
	uint32_t len;

	while (at < raw->len) {
		if (raw->len - at < BSONCHECK_SMALLEST)
			return false;
		len = bsoncheck_u32(raw->data + at);
		if (len > raw->len - at || len < BSONCHECK_SMALLEST ||
		    !bsoncheck_valid(raw->data + at, len, &wrong))
			return false;
		digest_add(&out->digest, docdigest(raw->data + at, len));
		out->count++;
		at += len;
	}
	return raw->len > 0;
}

static bool
describe(const struct check_reader *r, struct check_content *out,
    struct err *err)
{

	memset(out, 0, sizeof(*out));
	out->known = true;
	out->bytes = (uint32_t)r->raw.len;
	out->documents = sum_documents(&r->raw, out);
	return hash_sha256(r->raw.data, r->raw.len, out->sha256) ||
	    err_nomem(err, "digest of a blob");
}

/* Reads one blob; *open as check_blob() has it. */
static bool
read_blob(struct data *d, struct check_reader *r, uint32_t number, bool *open,
    struct err *err)
{
	struct check *c = d->check;
	struct check_content content = { .known = false };
	struct check_entry e;
	char object[REPO_OBJECT_MAX];
	bool first;

	pthread_mutex_lock(&d->lock);
	e = c->index.v[number];
	pthread_mutex_unlock(&d->lock);
	repo_object_name(c->repository.repo, e.name, object);
	if (!check_blob(r, &e, open, err))
		return err_prefix(err, "%s", object);
	if (*open && c->index.contents != NULL && !describe(r, &content, err))
		return false;
	if (e.damage != CHECK_WHOLE)
		log_warning("%s: %s", object, check_damage_word(e.damage));
	pthread_mutex_lock(&d->lock);
	first = !c->index.v[number].read;
	c->index.v[number].read = true;
	c->index.v[number].damage = e.damage;
	c->index.v[number].renewed = e.renewed;
	if (content.known)
		c->index.contents[number] = content;
	c->seen.read += first;
	c->seen.read_bytes += r->stored.len;
	c->seen.renewed += first && e.renewed;
	pthread_mutex_unlock(&d->lock);
	progress_item_add(d->item, first, r->stored.len);
	return true;
}

static bool
read_file(struct data *d, struct check_reader *r, struct check_file *f,
    struct err *err)
{
	struct hash *h = hash_new(false, err);
	bool ok = h != NULL, open, whole = true;
	size_t i;

	for (i = 0; ok && i < f->n; i++) {
		if (cancel_requested()) {
			ok = cancel_err(err);
			break;
		}
		ok = read_blob(d, r, f->v[i], &open, err);
		if (ok && open) {
			hash_update(h, r->raw.data, r->raw.len);
			f->size += r->raw.len;
		}
		whole = whole && open;
	}
	if (ok && whole) {
		ok = hash_finish(h, f->sha256, NULL, err);
		f->proven = ok;
	}
	hash_free(h);
	return ok;
}

static bool
work(void *arg, unsigned worker, struct err *err)
{
	struct data *d = arg;
	struct check_reader r;
	bool ok, open;
	size_t i;

	(void)worker;
	ok = check_reader_init(&r, d->check, err);
	while (ok && (i = atomic_fetch_add(&d->next, 1)) <
	    d->n_files + d->n) {
		if (cancel_requested())
			ok = cancel_err(err);
		else if (i < d->n_files)
			ok = read_file(d, &r, check_files_at(d->check->files,
			    i), err);
		else
			ok = read_blob(d, &r, d->v[i - d->n_files], &open,
			    err);
	}
	check_reader_free(&r);
	return ok;
}

/* The first n of v become a choice by chance. */
static bool
shuffle(uint32_t *v, size_t all, size_t n, struct err *err)
{
	uint64_t random;
	uint32_t swap;
	size_t i, k;

	for (i = 0; i < n; i++) {
		if (!hash_random(&random, sizeof(random)))
			return err_set(err, ERR_INTERNAL,
			    "the system has no random bytes");
		k = i + (size_t)(random % (all - i));
		swap = v[i];
		v[i] = v[k];
		v[k] = swap;
	}
	return true;
}

static void
mark_files(struct data *d)
{
	struct check *c = d->check;
	size_t i, k;

	for (i = 0; i < d->n_files; i++) {
		const struct check_file *f = check_files_at(c->files, i);

		for (k = 0; k < f->n; k++) {
			struct check_entry *e = &c->index.v[f->v[k]];

			if (!e->in_file) {
				d->candidates++;
				d->all++;
				d->bytes += e->size;
			}
			e->in_file = true;
		}
	}
}

/* Chooses what is read.  Blobs of a wrong size are, where that can tell whether
 * their contents are right. */
static bool
choose(struct data *d, struct err *err)
{
	struct check *c = d->check;
	const struct spaceferry_options *o = c->job.options;
	bool data = o->read_data || o->read_data_percent > 0;
	size_t i, n = 0;

	if ((d->v = calloc(c->index.n + 1, sizeof(*d->v))) == NULL)
		return err_nomem(err, "list of blobs");
	d->n_files = check_files_count(c->files);
	mark_files(d);
	for (i = 0; i < c->index.n; i++) {
		const struct check_entry *e = &c->index.v[i];

		if (data && e->chosen && !e->read && !e->in_file &&
		    e->damage == CHECK_WHOLE)
			d->v[n++] = (uint32_t)i;
	}
	d->candidates += n;
	if (!o->read_data && data) {
		size_t all = n;

		n = (size_t)((double)all * o->read_data_percent / 100 + 0.999);
		n = n > all ? all : n;
		if (!shuffle(d->v, all, n, err))
			return false;
	}
	d->n = n;
	for (i = 0; i < c->index.n; i++) {
		const struct check_entry *e = &c->index.v[i];

		if (e->damage == CHECK_SIZE && !e->read && !e->in_file &&
		    c->can_open)
			d->v[d->n++] = (uint32_t)i;
	}
	d->all += d->n;
	for (i = 0; i < d->n; i++)
		d->bytes += c->index.v[d->v[i]].size;
	return true;
}

static unsigned
threads(const struct data *d)
{
	size_t n = d->check->job.memory / MEMORY_PER_WORKER;

	if (n > d->check->job.workers)
		n = d->check->job.workers;
	if (n > d->n + d->n_files)
		n = d->n + d->n_files;
	return n == 0 ? 1 : (unsigned)n;
}

static bool
run(struct data *d, struct err *err)
{
	struct check *c = d->check;
	struct pipeline_stage stage = {
		.name = "check", .threads = threads(d), .run = work, .arg = d,
	};
	struct pipeline *p;
	bool ok;

	d->item = progress_item_new(c->job.progress, "blobs",
	    repo_name(c->repository.repo));
	progress_item_total(d->item, d->all, d->bytes);
	if ((p = pipeline_new()) == NULL)
		return err_nomem(err, "readers of blobs");
	ok = (pipeline_add(p, &stage) || err_nomem(err, "readers of blobs")) &&
	    pipeline_run(p, err);
	pipeline_free(p);
	progress_item_finish(d->item);
	return ok;
}

static void
tell_stage(struct data *d)
{
	struct check *c = d->check;
	char size[CHECK_SIZE_TEXT];
	uint64_t bad = 0;
	size_t i;

	for (i = 0; i < c->index.n; i++)
		bad += c->index.v[i].read &&
		    c->index.v[i].damage != CHECK_WHOLE;
	check_size_text(c->seen.read_bytes, size);
	if (bad == 0 && d->candidates > d->n && d->n_files == 0)
		check_pass(c, "blob", "data", "%zu of %s, chosen by chance, "
		    "were read (%s in all): they are what was stored", d->n,
		    CHECK_COUNT(d->candidates, "blob"), size);
	else if (bad == 0)
		check_pass(c, "blob", "data", "%s, %s, were read: they are "
		    "what was stored", CHECK_COUNT(c->seen.read, "blob"),
		    size);
	if (c->seen.renewed > 0)
		check_pass(c, "blob", "renewed", "%s: other bytes than were "
		    "recorded, but the right contents: stored anew by another "
		    "version", CHECK_COUNT(c->seen.renewed, "blob"));
}

bool
check_data(struct check *c, struct err *err)
{
	const struct spaceferry_options *o = c->job.options;
	struct data d = { .check = c };
	bool ok;

	if (pthread_mutex_init(&d.lock, NULL) != 0)
		return err_nomem(err, "readers of blobs");
	atomic_init(&d.next, 0);
	ok = (!c->can_open || !(o->read_data || o->read_data_percent > 0) ||
	    check_index_want_contents(&c->index, err)) && choose(&d, err);
	if (ok && d.n + d.n_files > 0)
		ok = run(&d, err);
	if (ok && (o->read_data || o->read_data_percent > 0))
		tell_stage(&d);
	free(d.v);
	pthread_mutex_destroy(&d.lock);
	return ok;
}
