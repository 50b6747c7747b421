#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "backup/check.h"
#include "base/cancel.h"

/* One snapshot's details, held against what its blobs were found to hold. */
struct compare {
	struct check *check;
	size_t snapshot;
	bool collecting;	/* a collection's runs are coming */
	bool unknown;		/* one of them was not read, or is damaged */
	bool bad;		/* one of them is not as its line says */
	char ns[256];
	struct tally expected, sum;
	uint64_t proven, unproven;
};

static const struct check_content *
content_of(const struct compare *s, const struct check_entry *e)
{
	const struct check_index *x = &s->check->index;
	const struct check_content *d;

	if (x->contents == NULL || (size_t)(e - x->v) >= x->n_contents)
		return NULL;
	d = &x->contents[e - x->v];
	return d->known ? d : NULL;
}

static void
fault(struct compare *s, const char *name, const char *what,
    const char *problem)
{
	struct check *c = s->check;
	char text[CHECK_SNAPSHOT_TEXT];

	if (!c->snapshots[s->snapshot].sound)
		return;		/* told already, by what is the cause */
	c->seen.content_faults++;
	check_fail(c, "snapshot", name, "its blobs are whole, so it was stored "
	    "so: run backup again, restore that from another snapshot",
	    "snapshot %s: %s: %s", check_snapshot_text(
	    &c->list.v[s->snapshot], text), what, problem);
}

static void
end_collection(struct compare *s)
{
	char found[DIGEST_HEX_SIZE], recorded[DIGEST_HEX_SIZE];
	char problem[256];

	if (!s->collecting)
		return;
	s->collecting = false;
	if (s->bad)
		return;
	if (s->unknown) {
		s->unproven++;
		return;
	}
	if (tally_equal(&s->sum, &s->expected)) {
		s->proven++;
		return;
	}
	digest_hex(s->sum.digest, found);
	digest_hex(s->expected.digest, recorded);
	snprintf(problem, sizeof(problem), "%" PRIu64 " documents, %" PRIu64
	    " bytes, digest %s; %" PRIu64 ", %" PRIu64 ", %s were backed up",
	    s->sum.count, s->sum.bytes, found, s->expected.count,
	    s->expected.bytes, recorded);
	fault(s, "digest", s->ns, problem);
}

static void
begin_collection(struct compare *s, const struct detail_collection *d)
{

	s->collecting = true;
	s->unknown = s->check->index.contents == NULL;
	s->bad = false;
	snprintf(s->ns, sizeof(s->ns), "%s", d->ns);
	s->expected = d->tally;
	memset(&s->sum, 0, sizeof(s->sum));
}

static bool
take_run(struct compare *s, const struct detail_run *d, struct err *err)
{
	struct check *c = s->check;
	struct check_entry *e = check_index_find(&c->index, d->name);
	const struct check_content *content;
	struct tally t;
	char what[320];

	if (e == NULL || e->damage != CHECK_WHOLE) {
		s->unknown = true;
		snprintf(what, sizeof(what), "%s (%" PRIu64 " documents)",
		    s->ns, d->documents);
		return e == NULL ||
		    check_losses_add(c, s->snapshot, e, what, err);
	}
	if ((content = content_of(s, e)) == NULL) {
		s->unknown = true;
		return true;
	}
	if (!content->documents || content->count != d->documents ||
	    content->bytes != d->bytes) {
		s->bad = true;
		repo_object_name(c->repository.repo, e->name, what);
		fault(s, "bad_run", what, content->documents ?
		    "it has another number of documents or bytes than the "
		    "details say" : "it does not hold whole BSON documents");
		return true;
	}
	t.count = content->count;
	t.bytes = content->bytes;
	t.digest = content->digest;
	tally_add(&s->sum, &t);
	return true;
}

/* Whether the file's contents are known: its size and SHA-256. */
static bool
file_content(const struct compare *s, const struct detail_file *d,
    uint64_t *size, uint8_t sha256[HASH_SHA256_SIZE])
{
	const struct check_content *content;
	const struct check_entry *e;
	const struct check_file *f;

	*size = 0;
	if (d->n_blobs == 0)
		return s->check->index.contents != NULL &&
		    hash_sha256("", 0, sha256);
	if (d->n_blobs > 1) {
		f = check_files_find(s->check->files, d);
		if (f == NULL || !f->proven)
			return false;
		*size = f->size;
		memcpy(sha256, f->sha256, HASH_SHA256_SIZE);
		return true;
	}
	e = check_index_find(&s->check->index, d->blobs[0]);
	if (e == NULL || (content = content_of(s, e)) == NULL)
		return false;
	*size = content->bytes;
	memcpy(sha256, content->sha256, HASH_SHA256_SIZE);
	return true;
}

static bool
take_file(struct compare *s, const struct detail_file *d, struct err *err)
{
	struct check *c = s->check;
	uint8_t sha256[HASH_SHA256_SIZE];
	char what[320];
	uint64_t size;
	size_t i;

	snprintf(what, sizeof(what), "file %s", d->key);
	for (i = 0; i < d->n_blobs; i++) {
		struct check_entry *e = check_index_find(&c->index,
		    d->blobs[i]);

		if (e != NULL && e->damage != CHECK_WHOLE &&
		    !check_losses_add(c, s->snapshot, e, what, err))
			return false;
	}
	if (!file_content(s, d, &size, sha256))
		s->unproven++;
	else if (size == d->size &&
	    memcmp(sha256, d->sha256, sizeof(sha256)) == 0)
		s->proven++;
	else
		fault(s, "digest", what, "its contents are not those that were "
		    "backed up (size or SHA-256)");
	return true;
}

static bool
compare_line(void *arg, const struct detail *d, struct err *err)
{
	struct compare *s = arg;

	if (d->kind == DETAIL_RUN)
		return take_run(s, &d->run, err);
	end_collection(s);
	if (d->kind == DETAIL_COLLECTION)
		begin_collection(s, &d->collection);
	return d->kind != DETAIL_FILE || take_file(s, &d->file, err);
}

/* Counts the damaged blobs of one snapshot, and notes that it needs them. */
static bool
count_damage(struct check *c, size_t n, const struct check_blobs *b,
    struct err *err)
{
	struct check_snapshot *s = &c->snapshots[n];
	size_t i;

	for (i = 0; i < b->n; i++) {
		struct check_entry *e = &c->index.v[b->v[i].entry];

		if (e->damage == CHECK_WHOLE)
			continue;
		s->damaged++;
		if (!check_losses_add(c, n, e, NULL, err) || (b->v[i].detail &&
		    !check_losses_add(c, n, e, "all names and metadata", err)))
			return false;
	}
	return true;
}

static bool
compare_one(struct check *c, size_t n, struct err *err)
{
	struct check_blobs b;
	struct check_snapshot *s = &c->snapshots[n];
	struct compare state = { .check = c, .snapshot = n };
	const struct check_details_to to = { compare_line, &state };
	struct err why;
	bool ok;

	ok = check_blobs_read(c, c->list.v[n].object, &b, &why, err);
	if (ok && why.kind == ERR_NONE) {
		ok = check_blobs_find(c, n, &b, false, err) &&
		    count_damage(c, n, &b, err);
		if (ok && c->can_open && (s->damaged > 0 || (s->chosen &&
		    c->index.contents != NULL)))
			ok = check_details_read(c, &b, &to, &why, err);
	}
	c->seen.digests += state.proven;
	c->seen.unproven += state.unproven;
	check_blobs_free(&b);
	return ok;
}

bool
check_contents(struct check *c, struct err *err)
{
	bool damaged = false;
	size_t i;

	for (i = 0; i < c->index.n && !damaged; i++)
		damaged = c->index.v[i].damage != CHECK_WHOLE;
	if (!damaged && c->index.contents == NULL)
		return true;
	for (i = 0; i < c->list.n; i++) {
		if (cancel_requested())
			return cancel_err(err);
		if (!compare_one(c, i, err))
			return false;
	}
	if (c->index.contents == NULL || damaged || c->seen.content_faults > 0)
		return true;
	if (c->seen.unproven == 0)
		check_pass(c, "snapshot", "digests", "%" PRIu64 " collections "
		    "and files of %s have the digests they were backed up with",
		    c->seen.digests, CHECK_COUNT(c->seen.open, "snapshot"));
	else
		check_pass(c, "snapshot", "digests", "%" PRIu64 " collections "
		    "and files have the digests they were backed up with; of "
		    "%" PRIu64 " others not all was read", c->seen.digests,
		    c->seen.unproven);
	return true;
}
