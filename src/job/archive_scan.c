#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "bson/docdigest.h"
#include "job/archive_scan.h"
#include "job/archive_users.h"
#include "job/part.h"

#define ORDER_FACTOR UINT64_C(0x9e3779b97f4a7c15) /* odd */

struct scanner {
	struct archive_scan *scan;
	struct archive_in *in;
	struct users *accounts;	/* or NULL */
	uint64_t *part_bytes;	/* of the partition at hand, per collection */
	uint64_t *part_docs;
	struct progress_item *progress;
};

bool
archive_scan_ns(const struct archive_collection *c, char out[MONGO_NS_MAX],
    struct err *err)
{

	if ((size_t)snprintf(out, MONGO_NS_MAX, "%s.%s", c->db, c->name) <
	    MONGO_NS_MAX)
		return true;
	return err_set(err, ERR_DAMAGED, "the name %s.%.100s… is too long",
	    c->db, c->name);
}

static bool
end_part(struct scanner *s, size_t i, struct err *err)
{
	struct archive_seen *seen = &s->scan->v[i];
	uint64_t *grown;

	/* Room for 1, 2, 4, 8 … */
	if ((seen->n_ends & (seen->n_ends - 1)) == 0) {
		grown = realloc(seen->ends, (seen->n_ends > 0 ?
		    2 * seen->n_ends : 1) * sizeof(*grown));
		if (grown == NULL)
			return err_nomem(err, "partitions");
		seen->ends = grown;
	}
	seen->ends[seen->n_ends++] = seen->tally.count;
	s->part_bytes[i] = 0;
	s->part_docs[i] = 0;
	return true;
}

static bool
take(void *arg, const struct archive_item *item, struct err *err)
{
	struct scanner *s = arg;
	struct tally one = { 1, item->len, docdigest(item->doc, item->len) };
	size_t i = item->collection;

	if (s->accounts != NULL && !archive_users_take(s->accounts,
	    archive_in_collection(s->in, i), item, err))
		return false;
	tally_add(&s->scan->v[i].tally, &one);
	s->scan->v[i].order = s->scan->v[i].order * ORDER_FACTOR +
	    one.digest.low;
	s->part_bytes[i] += item->len;
	progress_item_add(s->progress, 1, item->len);
	if (++s->part_docs[i] >= PART_MAX_DOCS ||
	    s->part_bytes[i] >= PART_MAX_BYTES)
		return end_part(s, i, err);
	return true;
}

/* The order of collections is the archive's own; of a dump, whatever the
 * folder gives: so digests of each are added up. */
static bool
digest_contents(struct scanner *s, struct err *err)
{
	uint8_t sum[HASH_SHA256_SIZE] = { 0 }, one[HASH_SHA256_SIZE];
	char digest[DIGEST_HEX_SIZE];
	size_t i, j;
	bool ok = true;
	struct buf b;

	buf_init(&b, (size_t)256 * 1024 * 1024);
	for (i = 0; ok && i < s->scan->n; i++) {
		const struct archive_seen *seen = &s->scan->v[i];
		const struct archive_collection *c;

		c = archive_in_collection(s->in, i);
		digest_hex(seen->tally.digest, digest);
		buf_reset(&b);
		ok = buf_printf(&b, "%s %s %llu %llu %s %llx\n", seen->ns, c->type,
		    (unsigned long long)seen->tally.count,
		    (unsigned long long)seen->tally.bytes, digest,
		    (unsigned long long)seen->order) &&
		    buf_append(&b, c->options, c->options_len) &&
		    (c->indexes_len == 0 ||
		    buf_append(&b, c->indexes, c->indexes_len)) &&
		    hash_sha256(b.data, b.len, one);
		for (j = 0; ok && j < sizeof(sum); j++)
			sum[j] ^= one[j];
	}
	buf_free(&b);
	hash_hex(sum, sizeof(sum), s->scan->contents);
	return ok || err_nomem(err, "contents of the archive");
}

static bool
scan(struct scanner *s, struct err *err)
{
	size_t i, n = archive_in_count(s->in);

	s->scan->v = calloc(n + 1, sizeof(*s->scan->v));
	s->part_bytes = calloc(n + 1, sizeof(*s->part_bytes));
	s->part_docs = calloc(n + 1, sizeof(*s->part_docs));
	if (s->scan->v == NULL || s->part_bytes == NULL ||
	    s->part_docs == NULL)
		return err_nomem(err, "collections");
	s->scan->n = n;
	for (i = 0; i < n; i++) {
		if (!archive_scan_ns(archive_in_collection(s->in, i),
		    s->scan->v[i].ns, err))
			return false;
	}
	if (!archive_in_all(s->in, take, s, err))
		return false;
	for (i = 0; i < n; i++) {
		if ((s->part_docs[i] > 0 || s->scan->v[i].n_ends == 0) &&
		    !end_part(s, i, err))
			return false;
	}
	return digest_contents(s, err);
}

struct archive_scan *
archive_scan_new(struct archive_in *in, struct users *accounts,
    struct progress *progress, struct err *err)
{
	struct scanner s = { .in = in, .accounts = accounts };
	bool ok;

	if (archive_in_snapshot(in) != NULL)
		return archive_scan_snapshot(archive_in_snapshot(in), err);
	if ((s.scan = calloc(1, sizeof(*s.scan))) == NULL) {
		err_nomem(err, "archive");
		return NULL;
	}
	if (progress != NULL)
		s.progress = progress_item_new(progress, "check", "archive");
	ok = scan(&s, err);
	progress_item_finish(s.progress);
	free(s.part_bytes);
	free(s.part_docs);
	if (ok)
		return s.scan;
	archive_scan_free(s.scan);
	return NULL;
}

void
archive_scan_free(struct archive_scan *s)
{
	size_t i;

	if (s == NULL)
		return;
	for (i = 0; i < s->n; i++)
		free(s->v[i].ends);
	free(s->v);
	free(s);
}

const struct archive_seen *
archive_scan_find(const struct archive_scan *s, const char *ns)
{
	size_t i;

	for (i = 0; i < s->n; i++) {
		if (strcmp(s->v[i].ns, ns) == 0)
			return &s->v[i];
	}
	return NULL;
}
