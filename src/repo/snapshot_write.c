#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pthread.h>

#include "repo/blobtable.h"
#include "repo/repo_internal.h"
#include "repo/snapshot_internal.h"

struct snapshot_writer {
	struct repo *repo;
	struct snapshot head;
	struct repo_counts before;
	pthread_mutex_t lock;	/* of blobs */
	struct blobtable blobs;	/* of data */
	struct repo_blob *details; /* of the details, in their order */
	size_t n_details, cap_details;
	struct buf run;		/* of the details, not stored yet */
	bool begun;		/* the first line was stored */
};

static bool
copy_head(struct snapshot *to, const struct snapshot *from, struct err *err)
{
	size_t i;

	if (strlen(from->group) != sizeof(to->group) - 1)
		return err_set(err, ERR_INTERNAL, "a snapshot without a group");
	to->time_ns = from->time_ns;
	memcpy(to->group, from->group, sizeof(to->group));
	if (from->tags.n > SNAPSHOT_TAGS_MAX)
		return err_set(err, ERR_USAGE, "more than %d tags",
		    SNAPSHOT_TAGS_MAX);
	for (i = 0; i < from->tags.n; i++) {
		if (!snapshot_is_tag(from->tags.v[i])) {
			err_set(err, ERR_USAGE, "\"%s\" cannot be a tag",
			    from->tags.v[i]);
			return err_hint(err, "a tag has letters, digits, - _ . "
			    "only, at most %d of them", SNAPSHOT_TAG_MAX);
		}
		if (!strings_add(&to->tags, from->tags.v[i]))
			return err_nomem(err, "tags");
	}
	return true;
}

struct snapshot_writer *
snapshot_writer_new(struct repo *r, const struct snapshot *head,
    struct err *err)
{
	uint8_t id[REPO_ID_SIZE / 2];
	struct snapshot_writer *w;

	if ((w = calloc(1, sizeof(*w))) == NULL) {
		err_nomem(err, "a snapshot");
		return NULL;
	}
	w->repo = r;
	pthread_mutex_init(&w->lock, NULL);
	blobtable_init(&w->blobs);
	buf_init(&w->run, SNAPSHOT_RUN_MAX);
	snapshot_init(&w->head);
	repo_counts(r, &w->before);
	if (!copy_head(&w->head, head, err))
		goto fail;
	if (!hash_random(id, sizeof(id))) {
		err_set(err, ERR_INTERNAL, "no random bytes");
		goto fail;
	}
	hash_hex(id, sizeof(id), w->head.id);
	memcpy(w->head.key_id, repo_key_id(r), sizeof(w->head.key_id));
	if (snapshot_object(&w->head, w->head.object))
		return w;
	err_set(err, ERR_INTERNAL, "the clock of this machine is wrong: no "
	    "snapshot can be called after its time");
fail:
	snapshot_writer_free(w);
	return NULL;
}

const char *
snapshot_writer_id(const struct snapshot_writer *w)
{

	return w->head.id;
}

void
snapshot_writer_free(struct snapshot_writer *w)
{

	if (w == NULL)
		return;
	pthread_mutex_destroy(&w->lock);
	blobtable_free(&w->blobs);
	snapshot_free(&w->head);
	buf_free(&w->run);
	free(w->details);
	free(w);
}

bool
snapshot_writer_need(struct snapshot_writer *w, const struct repo_blob *blob,
    struct err *err)
{
	struct blobtable_entry *e;

	pthread_mutex_lock(&w->lock);
	if ((e = blobtable_add(&w->blobs, blob->name)) != NULL)
		e->blob = *blob;
	pthread_mutex_unlock(&w->lock);
	return e != NULL || err_nomem(err, "the list of blobs");
}

/* --- details --- */

static bool
note_detail(struct snapshot_writer *w, const struct repo_blob *b,
    struct err *err)
{
	size_t cap = w->cap_details == 0 ? 16 : 2 * w->cap_details;
	struct repo_blob *v;

	if (w->n_details == w->cap_details) {
		v = reallocarray(w->details, cap, sizeof(*v));
		if (v == NULL)
			return err_nomem(err, "the list of blobs");
		w->details = v;
		w->cap_details = cap;
	}
	w->details[w->n_details++] = *b;
	return true;
}

static bool
flush(struct snapshot_writer *w, struct repo_session *s, struct err *err)
{
	struct repo_blob blob;
	bool fresh;

	if (w->run.len == 0)
		return true;
	if (!repo_put(s, w->run.data, w->run.len, &blob, &fresh, err) ||
	    !note_detail(w, &blob, err))
		return false;
	buf_reset(&w->run);
	return true;
}

/* 64-bit FNV-1a of the line: of 4096 lines, one ends a run. */
static bool
is_cut(const char *line, size_t len)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);
	size_t i;

	for (i = 0; i < len; i++) {
		h ^= (uint8_t)line[i];
		h *= UINT64_C(0x100000001b3);
	}
	return h >> 52 == 0;
}

/* Adds to the run, which is stored whenever it is full. */
static bool
add(struct snapshot_writer *w, struct repo_session *s, const char *p,
    size_t len, struct err *err)
{
	size_t n;

	for (; len > 0; p += n, len -= n) {
		if (w->run.len == SNAPSHOT_RUN_MAX && !flush(w, s, err))
			return false;
		n = SNAPSHOT_RUN_MAX - w->run.len;
		if (n > len)
			n = len;
		if (!buf_append(&w->run, p, n))
			return err_nomem(err, "details");
	}
	return true;
}

bool
snapshot_writer_detail(struct snapshot_writer *w, struct repo_session *s,
    const char *line, size_t len, struct err *err)
{

	/* A line that does not fit begins a run, and a longer one than that
	 * goes on in the next ones. */
	if (w->run.len + len + 1 > SNAPSHOT_RUN_MAX && !flush(w, s, err))
		return false;
	if (!add(w, s, line, len, err) || !add(w, s, "\n", 1, err))
		return false;
	/* The first line is another each time: it stands alone. */
	if (w->begun && len < SNAPSHOT_RUN_MAX &&
	    (w->run.len < SNAPSHOT_RUN_MIN || !is_cut(line, len)))
		return true;
	w->begun = true;
	return flush(w, s, err);
}

/* --- the object --- */

static json_t *
head_json(const struct snapshot *h)
{
	char when[SNAPSHOT_TIME_SIZE];
	json_t *tags = json_array();
	size_t i;

	for (i = 0; i < h->tags.n; i++)
		json_array_append_new(tags, json_string(h->tags.v[i]));
	snapshot_time_text(h->time_ns, when);
	return json_pack("{s:s, s:s, s:I, s:s, s:s, s:o, s:I, s:I, s:I}",
	    "id", h->id, "time", when, "time_ns", (json_int_t)h->time_ns,
	    "key", h->key_id, "group", h->group, "tags", tags, "read",
	    (json_int_t)h->read, "added", (json_int_t)h->added,
	    "added_blobs", (json_int_t)h->added_blobs);
}

static bool
write_text(struct snapshot_writer *w, struct bloblines_writer *text,
    struct err *err)
{
	size_t i;

	bloblines_begin(text, SNAPSHOT_FORMAT, head_json(&w->head));
	pthread_mutex_lock(&w->lock);
	for (i = 0; i < w->blobs.n; i++)
		bloblines_add(text, &blobtable_at(&w->blobs, i)->blob, false);
	pthread_mutex_unlock(&w->lock);
	for (i = 0; i < w->n_details; i++)
		bloblines_add(text, &w->details[i], true);
	w->head.blobs = text->blobs;
	w->head.stored = text->stored;
	return bloblines_end(text, err);
}

static bool
put(struct snapshot_writer *w, struct repo_session *s, const struct buf *text,
    struct err *err)
{
	struct repo_object o = { .key = w->head.object, .data = text->data,
		.len = text->len };
	struct buf there;
	bool same;

	w->head.size = text->len;
	switch (repo_write_new(s, &o, false, err)) {
	case REPO_WRITTEN:
		return true;
	case REPO_FAILED:
		return false;
	case REPO_TAKEN:
		break;
	}
	/* Nobody else has this id: the answer to a first attempt was lost. */
	buf_init(&there, SNAPSHOT_LINES_MAX);
	same = repo_read(s, w->head.object, &there, err) &&
	    (there.len == text->len &&
	    memcmp(there.data, text->data, text->len) == 0 ? true :
	    err_set(err, ERR_CONFLICT, "%s of %s is there already",
	    w->head.object, repo_name(w->repo)));
	buf_free(&there);
	return same;
}

static bool
describe(const struct snapshot_writer *w, struct snapshot *done,
    struct err *err)
{
	size_t i;

	*done = w->head;
	memset(&done->tags, 0, sizeof(done->tags));
	for (i = 0; i < w->head.tags.n; i++) {
		if (!strings_add(&done->tags, w->head.tags.v[i])) {
			snapshot_free(done);
			return err_nomem(err, "tags");
		}
	}
	return true;
}

bool
snapshot_writer_commit(struct snapshot_writer *w, struct repo_session *s,
    uint64_t read, struct snapshot *done, struct err *err)
{
	struct bloblines_writer text;
	struct repo_counts now;
	bool ok;

	if (done != NULL)
		snapshot_init(done);
	if (!flush(w, s, err))
		return false;
	repo_counts(w->repo, &now);
	w->head.read = read;
	w->head.added = now.added_bytes - w->before.added_bytes;
	w->head.added_blobs = now.added - w->before.added;
	ok = write_text(w, &text, err) && put(w, s, &text.text, err);
	bloblines_free(&text);
	if (!ok)
		return err_prefix(err, "the snapshot was not written");
	return done == NULL || describe(w, done, err);
}

bool
snapshot_writer_withdraw(struct snapshot_writer *w)
{
	struct store_session *session;
	struct err ignored;
	bool ok;

	session = store_session_new(repo_lock_store(w->repo), &ignored);
	if (session == NULL)
		return false;
	ok = store_delete(session, w->head.object, &ignored);
	store_session_free(session);
	return ok;
}
