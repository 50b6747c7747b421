#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "job/plan.h"

bool
plan_databases(const struct spaceferry_options *o, const char *source_default,
    struct strings *dbs, struct err *err)
{

	if (o->db.n > 0) {
		if (!job_copy_strings(&o->db, dbs))
			return err_nomem(err, "--db");
	} else if (source_default != NULL) {
		if (!strings_add(dbs, source_default))
			return err_nomem(err, "--db");
	}
	return true;
}

/* The rename that follows from the databases named in the two URIs: NULLs when
 * there is none.  One --db stands for a name missing in the source's. */
static void
implied_rename(const struct data *d, const struct spaceferry_options *o,
    const char **from, const char **to)
{

	*from = end_default_db(&d->source);
	*to = end_default_db(&d->target);
	if (*from == NULL && o->db.n == 1)
		*from = o->db.v[0];
	if (*from == NULL || *to == NULL || strcmp(*from, *to) == 0)
		*from = *to = NULL;
}

bool
plan_target_ns(const struct data *d, const struct spaceferry_options *o,
    const char *ns, char out[MONGO_NS_MAX], struct err *err)
{
	const char *from, *to;
	size_t i, len;
	int n = 0;

	for (i = 0; i < o->n_rename; i++) {
		if (glob_rename(o->rename[i].from, o->rename[i].to, ns, out,
		    MONGO_NS_MAX))
			return true;
		if (glob_match(o->rename[i].from, ns))
			return err_set(err, ERR_USAGE,
			    "--rename %s=%s: the new name of %s is too long",
			    o->rename[i].from, o->rename[i].to, ns);
	}
	implied_rename(d, o, &from, &to);
	if (from != NULL && strncmp(ns, from, len = strlen(from)) == 0 &&
	    ns[len] == '.')
		n = snprintf(out, MONGO_NS_MAX, "%s%s", to, ns + len);
	else
		n = snprintf(out, MONGO_NS_MAX, "%s", ns);
	if (n >= MONGO_NS_MAX)
		return err_set(err, ERR_USAGE, "the new name of %s is too long",
		    ns);
	return true;
}

/* A view stays beside its base: only then does its name on the target make
 * sense to the server. */
static bool
name_base(const struct data *d, const struct spaceferry_options *o,
    struct move *m, struct err *err)
{
	char base[MONGO_NS_MAX * 2], target[MONGO_NS_MAX];
	size_t db_len;

	snprintf(base, sizeof(base), "%s.%s", m->info->db, m->info->view_on);
	if (!plan_target_ns(d, o, base, target, err))
		return false;
	db_len = strcspn(m->target_ns, ".");
	if (strcspn(target, ".") != db_len ||
	    strncmp(target, m->target_ns, db_len) != 0) {
		err_set(err, ERR_USAGE, "--rename moves view %s away from %s, "
		    "which it reads", m->info->ns, base);
		return err_hint(err,
		    "rename both into one database, or --exclude the view");
	}
	snprintf(m->view_on, sizeof(m->view_on), "%s", target + db_len + 1);
	return true;
}

bool
plan_chooses(const struct spaceferry_options *o, const char *ns)
{
	struct strings include = { (char **)(uintptr_t)o->include.v,
	    o->include.n };
	struct strings exclude = { (char **)(uintptr_t)o->exclude.v,
	    o->exclude.n };

	return glob_selects(&include, &exclude, ns);
}

static bool
check_name(const char *ns, struct err *err)
{
	const char *dot = strchr(ns, '.');

	if (dot == NULL || dot == ns || dot[1] == '\0')
		return err_set(err, ERR_USAGE,
		    "--rename gives \"%s\", which is no database.collection",
		    ns);
	return true;
}

static bool
check_unique(const struct data *d, struct err *err)
{
	size_t i, j;

	for (i = 0; i < d->n_moves; i++) {
		for (j = 0; j < i; j++) {
			if (strcmp(d->moves[i].target_ns,
			    d->moves[j].target_ns) == 0)
				return err_set(err, ERR_USAGE,
				    "--rename gives %s and %s the same name %s",
				    d->moves[j].info->ns, d->moves[i].info->ns,
				    d->moves[i].target_ns);
		}
	}
	return true;
}

/* Where the documents of ns are: itself, or its buckets. */
static bool
name_documents(const char *ns, bool buckets, char out[MONGO_NS_MAX],
    struct err *err)
{
	int db = (int)strcspn(ns, "."), n;

	n = snprintf(out, MONGO_NS_MAX, "%.*s.%s%s", db, ns,
	    buckets ? "system.buckets." : "", ns + db + 1);
	return n < MONGO_NS_MAX || err_set(err, ERR_USAGE,
	    "the name of the buckets of %s is too long", ns);
}

static bool
nothing_to_move(const struct data *d, const struct spaceferry_options *o,
    struct err *err)
{

	if (d->source.catalog->n > 0) {
		err_set(err, ERR_NOT_FOUND,
		    "no collection is left to move after --include/--exclude");
		return err_hint(err,
		    "globs match \"database.collection\": 'mydb.*'");
	}
	err_set(err, ERR_NOT_FOUND, "%s: nothing to move: no collection in %s",
	    end_name(&d->source), o->db.n > 0 ? o->db.v[0] :
	    end_default_db(&d->source) != NULL ?
	    end_default_db(&d->source) : "any database");
	return err_hint(err, "check the name of the database (upper and lower "
	    "case differ) in the URI's path or in --db");
}

bool
plan_moves(struct data *d, const struct job *job, struct err *err)
{
	const struct spaceferry_options *o = job->options;
	size_t i;

	d->moves = calloc(d->source.catalog->n + 1, sizeof(*d->moves));
	if (d->moves == NULL)
		return err_nomem(err, "plan");
	for (i = 0; i < d->source.catalog->n; i++) {
		const struct collection_info *info = &d->source.catalog->v[i];
		struct move *m = &d->moves[d->n_moves];

		if (!plan_chooses(o, info->ns))
			continue;
		m->info = info;
		m->stream = info->capped || info->type == COLLECTION_TIMESERIES;
		if (!plan_target_ns(d, o, info->ns, m->target_ns, err) ||
		    !check_name(m->target_ns, err))
			return false;
		m->buckets = info->type == COLLECTION_TIMESERIES &&
		    (d->source.kind != END_MONGO || d->target.kind != END_MONGO);
		if (!name_documents(info->ns, m->buckets, m->read_ns, err) ||
		    !name_documents(m->target_ns, m->buckets, m->write_ns, err))
			return false;
		if (info->type == COLLECTION_VIEW && !name_base(d, o, m, err))
			return false;
		d->n_moves++;
	}
	if (d->n_moves == 0)
		return nothing_to_move(d, o, err);
	return check_unique(d, err);
}

void
plan_comparison(struct data *d)
{
	const struct collection_info *there;
	size_t i;

	for (i = 0; d->target.kind == END_MONGO && i < d->n_moves; i++) {
		struct move *m = &d->moves[i];

		there = catalog_find(d->target.catalog, m->target_ns);
		if (there != NULL && there->type != COLLECTION_PLAIN)
			m->stream = true;
	}
}
