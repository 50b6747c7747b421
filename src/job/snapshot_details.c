#include <stdlib.h>
#include <string.h>

#include "archive/metadata.h"
#include "archive/name.h"
#include "base/cancel.h"
#include "job/snapshot_details.h"

#define COLLECTIONS_MAX 100000
#define METADATA_MAX ((size_t)64 * 1024 * 1024)
#define PLACES_MAX 10000

struct reading {
	struct snapshot_details *d;	/* NULL: files only */
	const struct snapshot_details_files *files; /* NULL: none */
	const struct snapshot *head;
	struct detail_order order;
	size_t metadata;	/* bytes so far */
	size_t runs;		/* of the collection at hand, so far */
	size_t places;		/* so far */
};

/* Room for one more: 1, 2, 4, 8 … */
static void *
grow(void *v, size_t n, size_t size)
{

	if ((n & (n - 1)) != 0)
		return v;
	return realloc(v, (n > 0 ? 2 * n : 1) * size);
}

static bool
take_about(struct reading *r, struct detail_snapshot *s, struct err *err)
{

	if (strcmp(s->id, r->head->id) != 0)
		return err_set(err, ERR_DAMAGED, "its details are those of "
		    "snapshot %.16s", s->id);
	if (r->d != NULL) {
		r->d->about = *s;
		memset(s, 0, sizeof(*s));
	}
	return true;
}

static bool
name_collection(struct snapshot_collection *c, struct err *err)
{
	const char *dot = strchr(c->ns, '.');
	size_t len = strlen(c->ns);
	struct archive_collection *a = &c->about;

	if (dot == NULL)
		return err_set(err, ERR_DAMAGED, "%.100s is no collection's "
		    "name", c->ns);
	a->db = strndup(c->ns, (size_t)(dot - c->ns));
	a->name = strdup(dot + 1);
	if (a->db == NULL || a->name == NULL)
		return err_nomem(err, "details");
	return name_check_db(a->db, strlen(a->db), err) &&
	    name_check_collection(a->db, a->name,
	    len - (size_t)(dot + 1 - c->ns), err);
}

static bool
describe(struct snapshot_collection *c, const struct detail_collection *from,
    struct err *err)
{
	struct archive_collection *a = &c->about;
	struct metadata m;

	if (!name_collection(c, err) || !metadata_read(&m, from->metadata,
	    strlen(from->metadata), from->type, err))
		return false;
	a->type = m.type;
	a->options = m.options;
	a->options_len = m.options_len;
	a->indexes = m.indexes;
	a->indexes_len = m.indexes_len;
	a->size = from->tally.bytes;
	free(m.name);
	return true;
}

static bool
take_collection(struct reading *r, struct detail_collection *from,
    struct err *err)
{
	struct snapshot_details *d = r->d;
	struct snapshot_collection *c, *grown;

	r->runs = 0;
	if (d == NULL)
		return true;
	r->metadata += strlen(from->metadata);
	if (d->n_collections == COLLECTIONS_MAX || r->metadata > METADATA_MAX)
		return err_set(err, ERR_TOO_LARGE, "more than %d collections, "
		    "or %zu MiB of metadata", COLLECTIONS_MAX,
		    METADATA_MAX >> 20);
	grown = grow(d->collections, d->n_collections, sizeof(*c));
	if (grown == NULL)
		return err_nomem(err, "details");
	d->collections = grown;
	c = &grown[d->n_collections++];
	memset(c, 0, sizeof(*c));
	c->ns = from->ns;
	from->ns = NULL;
	c->tally = from->tally;
	return describe(c, from, err) || err_prefix(err, "%.100s", c->ns);
}

static bool
take_run(struct reading *r, const struct detail_run *from, struct err *err)
{
	struct snapshot_collection *c;
	struct snapshot_run *grown;

	if (r->d == NULL)
		return true;
	c = &r->d->collections[r->d->n_collections - 1];
	if (from->bytes > REPO_BLOB_MAX)
		return err_set(err, ERR_DAMAGED, "%s: a run of %llu bytes",
		    c->ns, (unsigned long long)from->bytes);
	if ((grown = grow(c->runs, c->n_runs, sizeof(*grown))) == NULL)
		return err_nomem(err, "details");
	c->runs = grown;
	grown += c->n_runs++;
	memcpy(grown->name, from->name, sizeof(grown->name));
	grown->bytes = from->bytes;
	grown->documents = from->documents;
	return true;
}

static bool
take_place(struct reading *r, struct detail_place *from, struct err *err)
{
	struct snapshot_place *grown;

	r->places++;
	if (r->d == NULL)
		return true;
	if (r->d->n_places == PLACES_MAX)
		return err_set(err, ERR_TOO_LARGE, "more than %d places of "
		    "files", PLACES_MAX);
	grown = grow(r->d->places, r->d->n_places, sizeof(*grown));
	if (grown == NULL)
		return err_nomem(err, "details");
	r->d->places = grown;
	grown += r->d->n_places++;
	grown->name = from->name;
	from->name = NULL;
	grown->files = from->files;
	grown->bytes = from->bytes;
	return true;
}

static bool
take_file(struct reading *r, const struct detail_file *f, struct err *err)
{
	const struct snapshot_details_files *to = r->files;

	if (to == NULL || (to->place != SIZE_MAX && to->place + 1 != r->places))
		return true;
	return to->fn(to->arg, r->places - 1, f, err);
}

static bool
take(void *arg, char *line, size_t len, struct err *err)
{
	struct reading *r = arg;
	struct detail d;
	bool ok = true;

	if (cancel_requested())
		return cancel_err(err);
	if (!detail_read(line, len, &d, err))
		return false;
	if (!detail_order_take(&r->order, &d, err)) {
		detail_free(&d);
		return false;
	}
	switch (d.kind) {
	case DETAIL_SNAPSHOT:
		ok = take_about(r, &d.snapshot, err);
		break;
	case DETAIL_COLLECTION:
		ok = take_collection(r, &d.collection, err);
		break;
	case DETAIL_RUN:
		ok = take_run(r, &d.run, err);
		break;
	case DETAIL_PLACE:
		ok = take_place(r, &d.place, err);
		break;
	case DETAIL_FILE:
		ok = take_file(r, &d.file, err);
		break;
	case DETAIL_END:
		break;
	}
	detail_free(&d);
	return ok;
}

static bool
read_all(struct reading *r, struct repo_session *session, struct err *err)
{

	return snapshot_read_details(session, r->head, take, r, err) &&
	    detail_order_done(&r->order, err);
}

bool
snapshot_details_read(struct snapshot_details *d, struct repo_session *session,
    const struct snapshot *head, struct err *err)
{
	struct reading r = { .d = d, .head = head };

	return read_all(&r, session, err);
}

bool
snapshot_details_files(const struct snapshot_details_files *files,
    struct repo_session *session, const struct snapshot *head,
    struct err *err)
{
	struct reading r = { .files = files, .head = head };

	return read_all(&r, session, err);
}

void
snapshot_details_free(struct snapshot_details *d)
{
	struct detail about = { .kind = DETAIL_SNAPSHOT, .snapshot = d->about };
	size_t i;

	for (i = 0; i < d->n_collections; i++) {
		struct snapshot_collection *c = &d->collections[i];

		free(c->ns);
		free(c->about.db);
		free(c->about.name);
		free(c->about.type);
		free(c->about.options);
		free(c->about.indexes);
		free(c->runs);
	}
	free(d->collections);
	for (i = 0; i < d->n_places; i++)
		free(d->places[i].name);
	free(d->places);
	detail_free(&about);
	memset(d, 0, sizeof(*d));
}
