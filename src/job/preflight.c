#include <string.h>
#include <strings.h>

#include "job/preflight.h"
#include "job/quota.h"

/* A server's own limit, in bytes. */
#define DB_MAX 63

/* Those of M0 and Flex, as Atlas documents them. */
#define SMALL_NS_MAX 95
#define SMALL_DB_MAX 38
#define SMALL_COLLECTIONS 500

static bool
check_name(const struct move *m, bool small, struct err *err)
{
	size_t db = strcspn(m->target_ns, "."), ns = strlen(m->target_ns);
	size_t db_max = small ? SMALL_DB_MAX : DB_MAX;

	if (db > db_max)
		err_set(err, ERR_UNSUPPORTED, "target: the database of %s has "
		    "a name of %zu bytes; %zu are the most there",
		    m->target_ns, db, db_max);
	else if (small && ns > SMALL_NS_MAX)
		err_set(err, ERR_UNSUPPORTED, "target: %s is %zu bytes long; "
		    "%d are the most on this tier of Atlas", m->target_ns, ns,
		    SMALL_NS_MAX);
	else
		return true;
	return err_hint(err, "--rename gives it a shorter name, --exclude "
	    "leaves it out");
}

bool
preflight_names(const struct data *d, bool small, struct err *err)
{
	size_t i;

	for (i = 0; i < d->n_moves; i++) {
		if (!check_name(&d->moves[i], small, err))
			return false;
	}
	return true;
}

/* Servers from 5.0 on build no geoHaystack index, and nothing else here does
 * what its app asks of it. */
static bool
check_indexes(const struct data *d, const struct move *m, struct err *err)
{
	size_t i;

	for (i = 0; i < m->info->n_indexes; i++) {
		if (!catalog_is_haystack(&m->info->indexes[i]) ||
		    mongo_facts(d->target.server)->version_number < 50000)
			continue;
		err_set(err, ERR_UNSUPPORTED, "%s: index %s is a geoHaystack "
		    "index, which MongoDB has no longer since 5.0",
		    m->info->ns, m->info->indexes[i].name);
		return err_hint(err, "drop it on the source (a 2dsphere index "
		    "with $geoNear does its work), or --exclude the "
		    "collection");
	}
	return true;
}

bool
preflight_indexes(const struct data *d, struct err *err)
{
	size_t i;

	for (i = 0; i < d->n_moves; i++) {
		if (!check_indexes(d, &d->moves[i], err))
			return false;
	}
	return true;
}

static bool
check_count(const struct data *d, struct err *err)
{

	if (d->n_moves <= SMALL_COLLECTIONS)
		return true;
	err_set(err, ERR_UNSUPPORTED, "target: %zu collections are to be "
	    "moved; this tier of Atlas holds %d", d->n_moves,
	    SMALL_COLLECTIONS);
	return err_hint(err, "choose a larger tier, or --exclude some");
}

static bool
clash(const char *there, const char *new, struct err *err)
{

	err_set(err, ERR_UNSUPPORTED, "target: databases %s and %s would "
	    "differ in case only, which no MongoDB allows", there, new);
	return err_hint(err, "--rename '%s.*=%s.*'", new, there);
}

bool
preflight_case(struct data *d, struct err *err)
{
	struct strings there = { NULL, 0 }, new = { NULL, 0 };
	bool ok = true;
	size_t i, j;

	if (!data_target_databases(d, &new, err))
		ok = false;
	else if (!catalog_databases(d->target.session, &there, err))
		ok = err_prefix(err, "target");
	for (i = 0; ok && i < new.n; i++) {
		for (j = 0; ok && j < there.n + i; j++) {
			const char *other = j < there.n ? there.v[j] :
			    new.v[j - there.n];

			if (strcasecmp(other, new.v[i]) == 0 &&
			    strcmp(other, new.v[i]) != 0)
				ok = clash(other, new.v[i], err);
		}
	}
	strings_free(&there);
	strings_free(&new);
	return ok;
}

bool
preflight_check(struct data *d, struct job *job, struct err *err)
{
	bool small;

	if (d->target.kind != END_MONGO)
		return true;
	if (!mongo_is_small_atlas(d->target.session, &small, err))
		return err_prefix(err, "target");
	if (!preflight_names(d, small, err) || !preflight_indexes(d, err) ||
	    !preflight_case(d, err))
		return false;
	if (!small)
		return true;
	return check_count(d, err) && quota_check(d, job, err);
}
