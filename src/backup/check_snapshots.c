#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "backup/check.h"
#include "base/cancel.h"

static void
tell_bad(struct check *c, const char *key, const struct err *why)
{

	c->seen.odd++;
	if (why->kind == ERR_UNSUPPORTED)
		check_fail(c, "snapshot", "newer_version", "check with a newer "
		    "spaceferry", "%s: %s", key, why->message);
	else
		check_fail(c, "snapshot", "bad_manifest", "put a copy of it "
		    "back that you have; else remove it: the other snapshots do "
		    "not need it", "%s: %s", key, why->message);
}

/* Adds what could be read to the list; *n: its number. */
static bool
append(struct check *c, struct check_blobs *b, const struct strings *tags,
    size_t *n, struct err *err)
{
	size_t cap = c->cap == 0 ? 64 : 2 * c->cap;
	struct check_snapshot *s;
	struct snapshot *v;

	if (c->list.n == c->cap) {
		if ((v = realloc(c->list.v, cap * sizeof(*v))) == NULL)
			return err_nomem(err, "list of snapshots");
		c->list.v = v;
		if ((s = realloc(c->snapshots, cap * sizeof(*s))) == NULL)
			return err_nomem(err, "list of snapshots");
		c->snapshots = s;
		c->cap = cap;
	}
	*n = c->list.n;
	s = &c->snapshots[*n];
	memset(s, 0, sizeof(*s));
	s->chosen = snapshot_has_tags(&b->head, tags);
	if (!check_key_number(c, b->head.key_id, &s->key, err))
		return false;
	c->list.v[c->list.n++] = b->head;
	snapshot_init(&b->head);
	return true;
}

static bool
check_one(struct check *c, const char *object, const struct strings *tags,
    struct err *err)
{
	struct check_blobs b;
	struct err damage;
	size_t n = 0;
	bool ok;

	ok = check_blobs_read(c, object, &b, &damage, err);
	if (ok && damage.kind != ERR_NONE) {
		tell_bad(c, object, &damage);
	} else if (ok) {
		ok = append(c, &b, tags, &n, err) &&
		    check_blobs_find(c, n, &b, true, err);
		if (ok && c->snapshots[n].chosen && c->can_open)
			ok = check_details(c, n, &b, err);
	}
	check_blobs_free(&b);
	return ok;
}

/* A blob that must be there and is not, or with another size.  What was read
 * meanwhile is judged already. */
static void
judge_blobs(struct check *c)
{
	const struct check_finding differs = {
		"blob", "differing_records", SPACEFERRY_WARN,
		"check --read-data --identity F shows whether its contents are "
		"right",
	};
	char object[REPO_OBJECT_MAX];
	size_t i;

	for (i = 0; i < c->index.n; i++) {
		struct check_entry *e = &c->index.v[i];

		if (!e->needed || e->read)
			continue;
		if (!e->listed)
			e->damage = CHECK_MISSING;
		else if (e->size != e->stored)
			e->damage = CHECK_SIZE;
		if (!e->differs)
			continue;
		repo_object_name(c->repository.repo, e->name, object);
		check_tell(c, &differs, "snapshots record %s with different "
		    "sizes or digests", object);
	}
}

/* Identities that open nothing of a key's are others'. */
static void
judge_keys(struct check *c)
{
	size_t i, n, k;

	for (k = 0; c->can_open && k < c->n_keys; k++) {
		struct check_key *key = &c->keys[k];
		struct check_finding f = {
			"snapshot", "other_recipients", SPACEFERRY_WARN,
			"give an identity of those too: --identity F",
		};

		if (key->opens && key->listed && !key->proven &&
		    !key->damaged) {
			key->damaged = true;
			check_fail(c, "repository", "bad_key", "put a copy of "
			    "it back; or check --repair, and backup on the "
			    "machine whose state folder holds the key",
			    "keys/%s.age cannot be decrypted, though blobs "
			    "can", key->id);
		}
		if (key->opens || key->proven || !key->tried)
			continue;
		for (n = 0, i = 0; i < c->list.n; i++)
			n += c->snapshots[i].key == k;
		check_tell(c, &f, "%s encrypted to others than these "
		    "identities (naming key %s): the details were not looked "
		    "at", CHECK_COUNT(n, "snapshot"), key->id);
	}
}

static void
tell_stage(struct check *c)
{
	char size[CHECK_SIZE_TEXT];
	uint64_t bad = 0;
	size_t i;

	for (i = 0; i < c->index.n; i++)
		bad += c->index.v[i].damage != CHECK_WHOLE;
	if (c->seen.odd == 0)
		check_pass(c, "snapshot", "manifests", "%s, whole and under "
		    "the right names", CHECK_COUNT(c->list.n, "snapshot"));
	if (bad == 0)
		check_pass(c, "blob", "listed", "%s, %s: all that snapshots "
		    "need are there with their sizes",
		    CHECK_COUNT(c->seen.blobs, "blob"),
		    check_size_text(c->seen.bytes, size));
	if (c->seen.open > 0 && c->seen.detail_faults == 0)
		check_pass(c, "snapshot", "details", "what is in %s agrees "
		    "with the lists of blobs: %s, %s, %s",
		    CHECK_COUNT(c->seen.open, "snapshot"),
		    CHECK_COUNT(c->seen.collections, "collection"),
		    CHECK_COUNT(c->seen.documents, "document"),
		    CHECK_COUNT(c->seen.files, "file"));
}

static bool
check_each(struct check *c, struct err *err)
{
	struct strings tags = { NULL, 0 };
	bool ok;
	size_t i;

	ok = job_copy_strings(&c->job.options->tags, &tags) ||
	    err_nomem(err, "tags");
	for (i = 0; ok && i < c->objects.n; i++) {
		ok = cancel_requested() ? cancel_err(err) :
		    check_one(c, c->objects.v[i], &tags, err);
	}
	strings_free(&tags);
	return ok;
}

bool
check_snapshots(struct check *c, struct err *err)
{
	const struct check_finding closed = {
		"snapshot", "details", SPACEFERRY_SKIPPED,
		"--identity F looks into them",
	};

	if (!check_each(c, err))
		return false;
	judge_blobs(c);
	judge_keys(c);
	check_tell_keys(c);
	tell_stage(c);
	if (!c->can_open && c->list.n > 0)
		check_tell(c, &closed, "what is in %s is encrypted, and no "
		    "identity was given", CHECK_COUNT(c->list.n,
		    "snapshot"));
	return true;
}
