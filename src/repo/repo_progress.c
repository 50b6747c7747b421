#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cancel.h"
#include "base/log.h"
#include "repo/bloblines.h"
#include "repo/repo_internal.h"

#define FORMAT "spaceferry progress"
#define INTERVAL_MIN ((uint64_t)5)	/* s */
#define INTERVAL_MAX ((uint64_t)60)
#define NOTES_STEP 12		/* after so many the interval doubles */
#define KEY_SIZE 64

static void
key_of(const struct repo *r, unsigned n, char out[KEY_SIZE])
{

	snprintf(out, KEY_SIZE, "partial/%s-%u.jsonl", r->run, n);
}

bool
repo_progress_add(struct repo *r, const struct repo_blob *blob)
{
	size_t cap = r->cap_stored == 0 ? 256 : 2 * r->cap_stored;
	struct repo_blob *v;

	if (r->n_stored == r->cap_stored) {
		if ((v = reallocarray(r->stored, cap, sizeof(*v))) == NULL)
			return false;
		r->stored = v;
		r->cap_stored = cap;
	}
	if (r->noted == 0)
		r->noted = cancel_now();
	r->stored[r->n_stored++] = *blob;
	return true;
}

/* --- writing --- */

static uint64_t
interval_of(unsigned notes)
{
	uint64_t s = INTERVAL_MIN;

	for (; notes >= NOTES_STEP && s < INTERVAL_MAX; notes -= NOTES_STEP)
		s *= 2;
	return (s < INTERVAL_MAX ? s : INTERVAL_MAX) * 1000000000;
}

static bool
put(struct repo_session *s, const char *key, const struct repo_blob *v,
    size_t n, struct err *err)
{
	struct bloblines_writer w;
	struct repo_object o = { .key = key };
	size_t i;
	bool ok;

	bloblines_begin(&w, FORMAT, json_pack("{s:s, s:I}", "run",
	    s->repo->run, "time", (json_int_t)time(NULL)));
	for (i = 0; i < n; i++)
		bloblines_add(&w, &v[i], false);
	ok = bloblines_end(&w, err);
	o.data = w.text.data;
	o.len = w.text.len;
	ok = ok && repo_write_new(s, &o, false, err) != REPO_FAILED;
	bloblines_free(&w);
	return ok || err_prefix(err, "cannot note what was stored");
}

bool
repo_note_progress(struct repo_session *s, bool now, struct err *err)
{
	struct repo *r = s->repo;
	struct repo_blob *v = NULL;
	char key[KEY_SIZE];
	size_t n = 0;
	bool ok;

	pthread_mutex_lock(&r->lock);
	if (r->n_stored > 0 && (now || cancel_now() - r->noted >=
	    interval_of(r->n_notes))) {
		v = r->stored;
		n = r->n_stored;
		r->stored = NULL;
		r->n_stored = r->cap_stored = 0;
		r->noted = cancel_now();
		key_of(r, r->n_notes++, key);
	}
	pthread_mutex_unlock(&r->lock);
	if (n == 0)
		return true;
	ok = put(s, key, v, n, err);
	free(v);
	return ok;
}

void
repo_forget_progress(struct repo_session *s)
{
	struct repo *r = s->repo;
	char key[KEY_SIZE];
	unsigned n, i;
	struct err err;

	pthread_mutex_lock(&r->lock);
	i = r->n_forgotten;
	n = r->n_forgotten = r->n_notes;
	r->n_stored = 0;
	pthread_mutex_unlock(&r->lock);
	for (; i < n; i++) {
		key_of(r, i, key);
		if (store_delete(s->store, key, &err))
			continue;
		/* Who may not delete leaves them to prune. */
		log_debug("%s", err.message);
		if (err.kind == ERR_DENIED)
			break;
	}
}

/* --- reading --- */

struct reading {
	bool (*fn)(void *arg, const struct repo_blob *blob, struct err *err);
	void *arg;
};

static bool
on_blob(void *arg, const struct repo_blob *blob, bool detail, struct err *err)
{
	const struct reading *r = arg;

	(void)detail;
	return r->fn(r->arg, blob, err);
}

bool
repo_progress_read(struct repo_session *s, const char *key,
    bool (*fn)(void *arg, const struct repo_blob *blob, struct err *err),
    void *arg, struct err *err)
{
	struct reading r = { fn, arg };
	struct bloblines_reader reader = { .format = FORMAT, .blob = on_blob,
		.arg = &r };

	return bloblines_read(s, key, &reader, err);
}

bool
repo_read_note(struct repo_session *s, const char *key,
    bool (*fn)(void *arg, const struct repo_blob *blob, struct err *err),
    void *arg, struct err *err)
{

	return repo_progress_read(s, key, fn, arg, err);
}

static bool
ignore(void *arg, const struct repo_blob *blob, struct err *err)
{

	(void)arg;
	(void)blob;
	(void)err;
	return true;
}

bool
repo_check_note(struct repo_session *s, const char *key, struct err *err)
{

	return repo_progress_read(s, key, ignore, NULL, err);
}
