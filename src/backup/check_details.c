#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "archive/metadata.h"
#include "backup/check.h"
#include "base/cancel.h"

/* Lines out of blobs: one may begin in one and end in the next. */
struct lines {
	struct buf rest;
	const struct check_details_to *to;
	struct err *why;	/* what is wrong with them */
};

/* False with *err, or with l->why. */
static bool
take_line(struct lines *l, const char *line, size_t len, struct err *err)
{
	struct detail d;
	bool ok;

	if (!detail_read(line, len, &d, l->why)) {
		if (l->why->kind != ERR_DAMAGED &&
		    l->why->kind != ERR_UNSUPPORTED) {
			*err = *l->why;
			err_clear(l->why);
		}
		return false;
	}
	ok = l->to->fn(l->to->arg, &d, err);
	detail_free(&d);
	return ok;
}

static bool
take_data(struct lines *l, const uint8_t *data, size_t len, struct err *err)
{
	const uint8_t *end;
	size_t n;

	while ((end = memchr(data, '\n', len)) != NULL) {
		n = (size_t)(end - data);
		if (l->rest.len == 0) {
			if (!take_line(l, (const char *)data, n, err))
				return false;
		} else {
			if (!buf_append(&l->rest, data, n))
				return err_set(l->why, ERR_DAMAGED,
				    "a line is too long");
			if (!take_line(l, (const char *)l->rest.data,
			    l->rest.len, err))
				return false;
			buf_reset(&l->rest);
		}
		data = end + 1;
		len -= n + 1;
	}
	return buf_append(&l->rest, data, len) ||
	    err_set(l->why, ERR_DAMAGED, "a line is too long");
}

/* Reads a detail blob to r->raw.  False with *why or *err. */
static bool
blob_of(struct check *c, struct check_reader *r, uint32_t number,
    struct err *why, struct err *err)
{
	struct check_entry *e = &c->index.v[number];
	struct check_key *k = &c->keys[e->key];
	char object[REPO_OBJECT_MAX];
	bool open, first = !e->read;

	repo_object_name(c->repository.repo, e->name, object);
	if (!check_blob(r, e, &open, err))
		return err_prefix(err, "%s", object);
	if (first) {
		c->seen.read++;
		c->seen.read_bytes += r->stored.len;
		c->seen.renewed += e->renewed;
	}
	if (open) {
		k->opens = true;
		return true;
	}
	if (e->damage != CHECK_WHOLE)
		return err_set(why, ERR_DAMAGED, "%s: %s", object,
		    check_damage_word(e->damage));
	k->tried = true;
	return err_set(why, ERR_AUTH, "%s: the identities do not open it",
	    object);
}

static bool
read_blobs(struct check *c, const struct check_blobs *b, struct lines *l,
    struct check_reader *r, struct err *err)
{
	const uint8_t *data;
	size_t i, len;

	for (i = 0; i < b->n; i++) {
		if (!b->v[i].detail)
			continue;
		if (cancel_requested())
			return cancel_err(err);
		if (!check_cache_get(c->cache, b->v[i].entry, &data, &len)) {
			if (!blob_of(c, r, b->v[i].entry, l->why, err))
				return false;
			check_cache_put(c->cache, b->v[i].entry, r->raw.data,
			    r->raw.len);
			data = r->raw.data;
			len = r->raw.len;
		}
		if (!take_data(l, data, len, err))
			return false;
	}
	return l->rest.len == 0 || err_set(l->why, ERR_DAMAGED,
	    "the last line is cut");
}

bool
check_details_read(struct check *c, const struct check_blobs *b,
    const struct check_details_to *to, struct err *why, struct err *err)
{
	struct lines l = { .to = to, .why = why };
	struct check_reader r;
	bool ok;

	err_clear(why);
	err_clear(err);
	buf_init(&l.rest, DETAIL_LINE_MAX);
	ok = check_reader_init(&r, c, err) && read_blobs(c, b, &l, &r, err);
	check_reader_free(&r);
	buf_free(&l.rest);
	return ok || why->kind != ERR_NONE;
}

/* --- the first look --- */

struct survey {
	struct check *check;
	size_t snapshot;
	struct check_blobs *blobs;
	struct detail_order order;
	struct err fault;	/* the first one in order and counts */
	uint64_t strangers;	/* blobs that its list does not have */
	char ns[256];		/* of the collection or file at hand */
	char first[512];	/* of the strangers */
	uint64_t collections, documents, files;
};

static void
name_blob(struct survey *s, const uint8_t *name)
{
	struct check *c = s->check;
	struct check_entry *e = check_index_find(&c->index, name);
	char object[REPO_OBJECT_MAX];
	size_t place;

	if (e != NULL &&
	    (place = check_blobs_place(c, s->blobs, e)) != SIZE_MAX &&
	    !s->blobs->v[place].detail) {
		s->blobs->v[place].named = true;
		return;
	}
	repo_object_name(c->repository.repo, name, object);
	if (s->strangers++ == 0)
		snprintf(s->first, sizeof(s->first), "%s for %s", object,
		    s->ns);
}

static void
look_at_head(struct survey *s, const struct detail_snapshot *d)
{
	const struct snapshot *head = &s->check->list.v[s->snapshot];
	char time[SNAPSHOT_TIME_SIZE];

	snapshot_time_text(head->time_ns, time);
	if (strcmp(d->id, head->id) != 0)
		err_set(&s->fault, ERR_DIFFERS, "its details are those of "
		    "snapshot %s", d->id);
	else if (strcmp(d->time, time) != 0)
		err_set(&s->fault, ERR_DIFFERS, "its details are of %s",
		    d->time);
}

static void
look_at_collection(struct survey *s, const struct detail_collection *d)
{
	struct check *c = s->check;
	char text[CHECK_SNAPSHOT_TEXT];
	struct metadata m;
	struct err err;

	snprintf(s->ns, sizeof(s->ns), "%s", d->ns);
	s->collections++;
	s->documents += d->tally.count;
	if (metadata_read(&m, d->metadata, strlen(d->metadata), d->type,
	    &err)) {
		metadata_free(&m);
		return;
	}
	c->seen.detail_faults++;
	check_fail(c, "snapshot", "bad_metadata", "restore that collection "
	    "from another snapshot", "snapshot %s: metadata of %s: %s",
	    check_snapshot_text(&c->list.v[s->snapshot], text), d->ns,
	    err.message);
}

static bool
survey_line(void *arg, const struct detail *d, struct err *err)
{
	struct survey *s = arg;
	size_t i;

	if (s->fault.kind == ERR_NONE)
		detail_order_take(&s->order, d, &s->fault);
	switch (d->kind) {
	case DETAIL_SNAPSHOT:
		look_at_head(s, &d->snapshot);
		break;
	case DETAIL_COLLECTION:
		look_at_collection(s, &d->collection);
		break;
	case DETAIL_RUN:
		name_blob(s, d->run.name);
		break;
	case DETAIL_FILE:
		s->files++;
		snprintf(s->ns, sizeof(s->ns), "file %s", d->file.key);
		for (i = 0; i < d->file.n_blobs; i++)
			name_blob(s, d->file.blobs[i]);
		if (s->check->files != NULL && d->file.n_blobs > 1)
			return check_files_add(s->check, &d->file, err);
		break;
	case DETAIL_PLACE:
	case DETAIL_END:
		break;
	}
	return true;
}

static uint64_t
count_unnamed(const struct check_blobs *b)
{
	uint64_t n = 0;
	size_t i;

	for (i = 0; i < b->n; i++)
		n += !b->v[i].detail && !b->v[i].named;
	return n;
}

/* What was found once all lines were read. */
static void
judge(struct survey *s)
{
	struct check *c = s->check;
	const struct check_finding surplus = {
		"snapshot", "surplus_blobs", SPACEFERRY_WARN,
		"they only take room; they go with the snapshot",
	};
	char text[CHECK_SNAPSHOT_TEXT];
	uint64_t n = count_unnamed(s->blobs);

	check_snapshot_text(&c->list.v[s->snapshot], text);
	if (s->fault.kind == ERR_NONE)
		detail_order_done(&s->order, &s->fault);
	if (s->fault.kind != ERR_NONE)
		check_fail(c, "snapshot", s->fault.kind == ERR_DIFFERS ?
		    "detail_mismatch" : "bad_details",
		    "restore from another snapshot", "snapshot %s: %s", text,
		    s->fault.message);
	if (s->strangers > 0)
		check_fail(c, "snapshot", "detail_mismatch",
		    "its object was changed: put a copy of it back, or restore "
		    "from another snapshot; do not prune before that",
		    "snapshot %s: its details name %s that its list does not "
		    "have: %s", text, CHECK_COUNT(s->strangers, "blob"),
		    s->first);
	if (s->fault.kind == ERR_NONE && n > 0)
		check_tell(c, &surplus, "snapshot %s lists %s that its "
		    "details do not name", text, CHECK_COUNT(n, "blob"));
	c->seen.open += s->fault.kind == ERR_NONE && s->strangers == 0;
	if (s->fault.kind == ERR_NONE && s->strangers == 0)
		c->snapshots[s->snapshot].sound = true;
	else
		c->seen.detail_faults++;
}

bool
check_details(struct check *c, size_t n, struct check_blobs *b,
    struct err *err)
{
	struct survey s = { .check = c, .snapshot = n, .blobs = b };
	const struct check_details_to to = { survey_line, &s };
	char text[CHECK_SNAPSHOT_TEXT];
	struct err why;

	if (!check_details_read(c, b, &to, &why, err))
		return false;
	c->seen.collections += s.collections;
	c->seen.documents += s.documents;
	c->seen.files += s.files;
	if (why.kind == ERR_NONE) {
		judge(&s);
		return true;
	}
	if (why.kind == ERR_AUTH)
		return true;	/* told once for its key */
	c->seen.detail_faults++;
	check_fail(c, "snapshot", why.kind == ERR_UNSUPPORTED ?
	    "newer_version" : "bad_details", why.kind == ERR_UNSUPPORTED ?
	    "check with a newer spaceferry" : "restore from another snapshot",
	    "snapshot %s: its details cannot be read: %s",
	    check_snapshot_text(&c->list.v[n], text), why.message);
	return true;
}
