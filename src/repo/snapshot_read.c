#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "repo/detail.h"
#include "repo/repo_internal.h"
#include "repo/snapshot_internal.h"

bool
snapshot_is_tag(const char *tag)
{
	size_t len = strlen(tag);

	return len > 0 && len <= SNAPSHOT_TAG_MAX && strspn(tag,
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	    "0123456789-_.") == len;
}

bool
snapshot_object(const struct snapshot *s, char out[REPO_OBJECT_MAX])
{
	time_t t = (time_t)(s->time_ns / 1000000000);
	char when[SNAPSHOT_TIME_SIZE];
	struct tm tm;

	if (s->time_ns < 0 || gmtime_r(&t, &tm) == NULL ||
	    strftime(when, sizeof(when), "%Y%m%dT%H%M%SZ", &tm) != 16)
		return false;
	snprintf(out, REPO_OBJECT_MAX, "snapshots/%s-%s.jsonl", when, s->id);
	return true;
}

/* --- the head --- */

static bool
is_hex(const char *text, size_t len)
{

	return strlen(text) == len &&
	    strspn(text, "0123456789abcdef") == len;
}

static bool
take_tags(struct snapshot *s, const json_t *tags, struct err *err)
{
	const char *tag;
	size_t i;

	if (!json_is_array(tags) || json_array_size(tags) > SNAPSHOT_TAGS_MAX)
		return err_set(err, ERR_DAMAGED, "no list of tags");
	for (i = 0; i < json_array_size(tags); i++) {
		tag = json_string_value(json_array_get(tags, i));
		if (tag == NULL || !snapshot_is_tag(tag))
			return err_set(err, ERR_DAMAGED, "a tag that cannot "
			    "be one");
		if (!strings_add(&s->tags, tag))
			return err_nomem(err, "tags");
	}
	return true;
}

bool
snapshot_take_head(struct snapshot *s, const json_t *head, struct err *err)
{
	json_int_t time_ns, read, added, added_blobs;
	const char *id, *key, *group;
	json_t *tags;

	if (json_unpack((json_t *)(uintptr_t)head,
	    "{s:s, s:I, s:s, s:s, s:o, s:I, s:I, s:I}", "id", &id, "time_ns",
	    &time_ns, "key", &key, "group", &group, "tags", &tags, "read",
	    &read, "added", &added, "added_blobs", &added_blobs) != 0)
		return err_set(err, ERR_DAMAGED, "its head lacks something");
	if (!is_hex(id, REPO_ID_SIZE) || time_ns < 0 || read < 0 ||
	    added < 0 || added_blobs < 0 || !is_hex(group, 16) ||
	    (*key != '\0' && !is_hex(key, REPO_KEY_ID_SIZE)))
		return err_set(err, ERR_DAMAGED, "its head holds something "
		    "that cannot be");
	memcpy(s->id, id, REPO_ID_SIZE + 1);
	memcpy(s->key_id, key, strlen(key) + 1);
	memcpy(s->group, group, sizeof(s->group));
	s->time_ns = time_ns;
	s->read = (uint64_t)read;
	s->added = (uint64_t)added;
	s->added_blobs = (uint64_t)added_blobs;
	return take_tags(s, tags, err);
}

/* --- the whole --- */

struct reading {
	const struct repo *repo;
	struct snapshot *head;
	const char *object;
	bool (*fn)(void *arg, const struct snapshot_blob *b, struct err *err);
	void *arg;
};

static bool
on_head(void *arg, const json_t *head, struct err *err)
{
	struct reading *r = arg;
	char object[REPO_OBJECT_MAX];

	if (!snapshot_take_head(r->head, head, err))
		return false;
	if (!snapshot_object(r->head, object) ||
	    strcmp(object, r->object) != 0)
		return err_set(err, ERR_DAMAGED, "it is another one (%s) than "
		    "its name says", r->head->id);
	if ((r->head->key_id[0] != '\0') != repo_is_encrypted(r->repo))
		return err_set(err, ERR_DAMAGED, "it is %sencrypted, the "
		    "repository is not so", r->head->key_id[0] != '\0' ? "" :
		    "not ");
	return true;
}

static bool
on_blob(void *arg, const struct repo_blob *blob, bool detail, struct err *err)
{
	const struct reading *r = arg;
	const struct snapshot_blob b = { .blob = *blob, .detail = detail };

	return r->fn(r->arg, &b, err);
}

bool
snapshot_read(struct repo_session *s, const char *object,
    struct snapshot *head,
    bool (*fn)(void *arg, const struct snapshot_blob *b, struct err *err),
    void *arg, struct err *err)
{
	struct reading r = { .repo = s->repo, .head = head, .object = object,
		.fn = fn, .arg = arg };
	struct bloblines_reader reader = { .format = SNAPSHOT_FORMAT,
		.head = on_head, .blob = fn == NULL ? NULL : on_blob,
		.arg = &r };

	snapshot_free(head);
	if (!bloblines_read(s, object, &reader, err)) {
		snapshot_free(head);
		return false;
	}
	head->blobs = reader.blobs;
	head->stored = reader.stored;
	head->size = reader.size;
	snprintf(head->object, sizeof(head->object), "%s", object);
	return true;
}

bool
snapshot_read_head(struct repo_session *s, const char *object,
    struct snapshot *head, struct err *err)
{
	struct reading r = { .repo = s->repo, .head = head, .object = object };
	struct bloblines_reader reader = { .format = SNAPSHOT_FORMAT,
		.head = on_head, .arg = &r, .head_only = true };
	bool ok;

	snapshot_free(head);
	if (!(ok = bloblines_read(s, object, &reader, err)))
		snapshot_free(head);
	return ok;
}

/* --- details --- */

struct details {
	uint8_t (*names)[REPO_NAME_SIZE];
	size_t n, cap;
	struct buf line;	/* one that goes on in the next blob */
	const char *what;
	bool (*fn)(void *arg, char *line, size_t len, struct err *err);
	void *arg;
};

static bool
keep_detail(void *arg, const struct snapshot_blob *b, struct err *err)
{
	struct details *d = arg;
	size_t cap = d->cap == 0 ? 64 : 2 * d->cap;
	uint8_t (*names)[REPO_NAME_SIZE];

	if (!b->detail)
		return true;
	if (d->n == d->cap) {
		names = reallocarray(d->names, cap, sizeof(*names));
		if (names == NULL)
			return err_nomem(err, "details");
		d->names = names;
		d->cap = cap;
	}
	memcpy(d->names[d->n++], b->blob.name, REPO_NAME_SIZE);
	return true;
}

static bool
keep_line(struct details *d, const char *p, size_t len, struct err *err)
{

	if (buf_append(&d->line, p, len))
		return true;
	if (len <= d->line.max - d->line.len)
		return err_nomem(err, d->what);
	return err_set(err, ERR_DAMAGED, "%s: a line of its details is too "
	    "long", d->what);
}

/* Tells the lines that end in this blob. */
static bool
tell(struct details *d, struct buf *blob, struct err *err)
{
	char *p = (char *)blob->data, *end = p + blob->len, *nl;
	bool ok;

	for (; p < end; p = nl + 1) {
		if ((nl = memchr(p, '\n', (size_t)(end - p))) == NULL)
			return keep_line(d, p, (size_t)(end - p), err);
		*nl = '\0';
		if (d->line.len == 0) {
			ok = d->fn(d->arg, p, (size_t)(nl - p), err);
		} else {
			ok = keep_line(d, p, (size_t)(nl - p) + 1, err) &&
			    d->fn(d->arg, (char *)d->line.data,
			    d->line.len - 1, err);
			buf_reset(&d->line);
		}
		if (!ok)
			return false;
	}
	return true;
}

bool
snapshot_read_details(struct repo_session *s, const struct snapshot *snap,
    bool (*fn)(void *arg, char *line, size_t len, struct err *err), void *arg,
    struct err *err)
{
	char what[REPO_WHAT_MAX];
	struct details d = { .fn = fn, .arg = arg, .what = what };
	struct snapshot head;
	struct buf blob;
	bool ok;
	size_t i;

	repo_what(s->repo, snap->object, what);
	snapshot_init(&head);
	buf_init(&d.line, DETAIL_LINE_MAX + 1);
	buf_init(&blob, REPO_BLOB_MAX);
	ok = snapshot_read(s, snap->object, &head, keep_detail, &d, err) &&
	    repo_load_key(s->repo, head.key_id, err);
	for (i = 0; ok && i < d.n; i++) {
		buf_reset(&blob);
		ok = repo_get(s, head.key_id, d.names[i], &blob, err) &&
		    tell(&d, &blob, err);
	}
	if (ok && d.line.len > 0)
		ok = err_set(err, ERR_DAMAGED, "%s: its details end within a "
		    "line", what);
	snapshot_free(&head);
	buf_free(&d.line);
	buf_free(&blob);
	free(d.names);
	return ok;
}
