#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "job/archive_scan.h"
#include "job/delta_internal.h"
#include "mongo/source.h"

/* --- places --- */

/* What identifies a place that may not be there yet; for free(). */
static char *
identity_of(const char *url, struct err *err)
{
	struct store_options options = { .may_be_missing = true };
	struct store *store;
	char *identity;

	if ((store = store_open(url, &options, err)) == NULL)
		return NULL;
	if ((identity = strdup(store_identity(store))) == NULL)
		err_nomem(err, url);
	store_free(store);
	return identity;
}

/* Holds the target of one pair against all that must not lie in it. */
static bool
guard_target(const struct run *r, size_t target, const char *identity,
    struct err *err)
{
	const char *name = r->files.v[target].what->place.to;
	size_t i;

	for (i = 0; i < r->files.n; i++) {
		const struct file_pair *pair = &r->files.v[i];
		const char *what = NULL;
		char *other;

		if (store_lies_in(store_identity(pair->source), identity))
			what = store_name(pair->source);
		if (what == NULL && i != target) {
			other = identity_of(pair->what->place.to, err);
			if (other == NULL)
				return false;
			if (store_lies_in(other, identity))
				what = pair->what->place.to;
			free(other);
		}
		if (what == NULL)
			continue;
		err_set(err, ERR_CONFLICT, "--delete in %s would remove files "
		    "of %s, another place of --files", name, what);
		return err_hint(err, "give each --files a place of its own, "
		    "none within another");
	}
	return true;
}

static bool
guard_state(const struct run *r, size_t target, const char *identity,
    struct err *err)
{
	char *state;
	bool inside;

	if (r->journal == NULL)
		return true;
	state = identity_of(place_path(journal_place(r->journal)), err);
	if (state == NULL)
		return err_prefix(err, "state");
	inside = store_lies_in(state, identity);
	free(state);
	if (!inside)
		return true;
	err_set(err, ERR_CONFLICT, "--delete would remove this run's state, "
	    "which lies in %s", r->files.v[target].what->place.to);
	return err_hint(err, "--state keeps it elsewhere");
}

bool
delta_guard_places(struct run *r, struct err *err)
{
	bool ok = true;
	size_t i;

	if (!r->has_files || !r->job.options->delete_extra)
		return true;
	for (i = 0; ok && i < r->files.n; i++) {
		char *identity = identity_of(r->files.v[i].what->place.to, err);

		ok = identity != NULL && guard_state(r, i, identity, err) &&
		    guard_target(r, i, identity, err);
		free(identity);
	}
	return ok;
}

/* --- collections --- */

static bool
any_on_source(const struct data *d, const struct move *m, bool *any,
    struct err *err)
{

	const struct archive_seen *seen;

	if (d->source.kind == END_MONGO)
		return mongo_any(d->source.session, m->read_ns, any, err) ||
		    err_prefix(err, "source: %s", m->info->ns);
	*any = true;
	if (d->source.scan != NULL) {
		seen = archive_scan_find(d->source.scan, m->info->ns);
		*any = seen != NULL && seen->tally.count > 0;
	}
	return true;
}

static bool
guard_move(const struct data *d, const struct move *m, struct err *err)
{
	bool any;

	if (m->info->type == COLLECTION_VIEW ||
	    catalog_find(d->target.catalog, m->target_ns) == NULL)
		return true;
	if (!any_on_source(d, m, &any, err))
		return false;
	if (any)
		return true;
	if (!mongo_any(d->target.session, m->target_ns, &any, err))
		return err_prefix(err, "target: %s", m->target_ns);
	if (!any)
		return true;
	err_set(err, ERR_CONFLICT, "the source's %s is empty, the target's %s "
	    "is not: --delete would remove all of it", m->info->ns,
	    m->target_ns);
	return err_hint(err, "see that --from is the right one; if all of it "
	    "may go, --max-delete says how many documents at most, --exclude "
	    "leaves it alone");
}

bool
delta_guard_empty(struct run *r, struct err *err)
{
	const struct spaceferry_options *o = r->job.options;
	size_t i;

	if (!r->has_data || !o->delete_extra || o->max_delete > 0)
		return true;
	for (i = 0; i < r->data.n_moves; i++) {
		if (!guard_move(&r->data, &r->data.moves[i], err))
			return false;
	}
	return true;
}

/* --- before each removal --- */

bool
delta_guard_source(const struct data *d, struct mongo_session *source,
    const struct move *m, struct err *err)
{
	const struct collection_info *now;
	struct strings dbs = { NULL, 0 };
	struct catalog *catalog = NULL;
	char db[MONGO_NS_MAX];
	bool same;

	if (d->source.kind != END_MONGO)
		return true;
	snprintf(db, sizeof(db), "%s", m->info->ns);
	db[strcspn(db, ".")] = '\0';
	if (!strings_add(&dbs, db))
		err_nomem(err, "catalog");
	else
		catalog = catalog_list(source, &dbs, err);
	strings_free(&dbs);
	if (catalog == NULL)
		return err_prefix(err, "source");
	now = catalog_find(catalog, m->info->ns);
	same = now != NULL && memcmp(now->uuid, m->info->uuid,
	    sizeof(now->uuid)) == 0;
	catalog_free(catalog);
	if (same)
		return true;
	err_set(err, ERR_CHANGED, "%s was dropped on the source during the run: "
	    "nothing more is removed for it", m->info->ns);
	return err_hint(err, "see what became of it; the same command compares "
	    "anew");
}
