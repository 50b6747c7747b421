#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/cancel.h"
#include "bson/validator.h"
#include "doctor/ends.h"
#include "job/plan.h"
#include "mongo/catalog.h"
#include "mongo/inspect.h"

#define FILTER_MAX ((size_t)16 * 1024 * 1024)

/* How long the source may look for documents that their validators refuse: in
 * one collection, and in all. */
#define VIOLATION_MS 3000
#define VIOLATIONS_MS 10000

/* An action of the server, and what is lost without it. */
struct action {
	const char *name;
	bool needed;
};

/* "listCollections on a; find, insert on a.b, a.c". */
struct lacking {
	char text[768];
	char on[512];		/* the names at its end */
	size_t end;		/* where " on " and they begin */
};

struct missing {
	struct lacking needed;
	struct lacking useful;
};

static void
append(struct lacking *l, const char *action, struct doctor_names *on)
{
	const char *names = doctor_names_text(on);
	size_t size = sizeof(l->text);
	size_t len = strlen(l->text);

	if (on->n == 0)
		return;
	if (len > 0 && strcmp(l->on, names) == 0)
		snprintf(l->text + l->end, size - l->end, ", %s", action);
	else
		snprintf(l->text + len, size - len, "%s%s", len > 0 ? "; " : "",
		    action);
	l->end = strlen(l->text);
	snprintf(l->text + l->end, size - l->end, " on %s", names);
	snprintf(l->on, sizeof(l->on), "%s", names);
}

/* The database and the collection of a namespace, for mongo_rights_allow(). */
static bool
allows(const struct mongo_rights *r, const char *ns, const char *action)
{
	char db[MONGO_NS_MAX];
	size_t len = strcspn(ns, ".");

	snprintf(db, sizeof(db), "%.*s", (int)len, ns);
	return mongo_rights_allow(r, db, ns[len] == '.' ? ns + len + 1 : "",
	    action);
}

static void
look_for(const struct mongo_rights *r, const struct action *a,
    const struct strings *names, struct missing *m)
{
	struct doctor_names on = { .n = 0 };
	size_t i;

	for (i = 0; i < names->n; i++) {
		if (!allows(r, names->v[i], a->name))
			doctor_names_add(&on, names->v[i]);
	}
	append(a->needed ? &m->needed : &m->useful, a->name, &on);
}

static enum doctor_next
tell(const struct doctor_end *e, const struct missing *m)
{
	const char *remedy = e->is_target ? end_default_db(e->end) == NULL ?
	    "name the database that the user may write to in the path of --to "
	    "(mongodb://…/NAME), or give the user the role readWrite on these" :
	    e->atlas ?
	    "give the user the role readWriteAnyDatabase (or readWrite on this "
	    "database) under Database Access" :
	    "give the user the role readWrite on this database" :
	    "give the user the role read on this database (readAnyDatabase for "
	    "all)";

	if (m->needed.text[0] != '\0') {
		doctor_fail(e->doctor, "rights", remedy, "the user may not %s",
		    m->needed.text);
		return DOCTOR_STOP;
	}
	if (m->useful.text[0] != '\0') {
		doctor_warn(e->doctor, "rights", remedy, "the user may not %s",
		    m->useful.text);
		return DOCTOR_GO;
	}
	doctor_pass(e->doctor, "rights", "%s",
	    !mongo_rights_of_user(e->rights) ? "everything: the server has no "
	    "access control" : e->is_target ? "the user may read, write, "
	    "create and index what comes" : "the user may read what is chosen");
	return DOCTOR_GO;
}

/* --- the source --- */

/* The databases of the plan to come. */
static bool
find_databases(struct doctor_ends *all, struct strings *dbs, struct err *err)
{

	if (!plan_databases(all->doctor->job.options,
	    end_default_db(all->source.end), dbs, err))
		return false;
	return dbs->n > 0 || catalog_databases(all->source.end->session, dbs,
	    err);
}

static bool
find_chosen(struct doctor_ends *all, const struct strings *dbs,
    struct strings *names, struct err *err)
{
	struct catalog *c;
	bool ok = true;
	size_t i;

	if (dbs->n == 0)
		return true;	/* an empty list would be all of them */
	c = catalog_list(all->source.end->session, dbs, err);
	if (c == NULL)
		return false;
	for (i = 0; ok && i < c->n; i++) {
		if (plan_chooses(all->doctor->job.options, c->v[i].ns) &&
		    !strings_add(names, c->v[i].ns))
			ok = err_nomem(err, "doctor");
	}
	catalog_free(c);
	return ok;
}

enum doctor_next
doctor_rights_source(struct doctor_ends *all, struct err *err)
{
	static const struct action list = { "listCollections", true };
	static const struct action actions[] = {
		{ "find", true }, { "listIndexes", true },
		{ "collStats", false },
	};
	struct doctor_end *e = &all->source;
	struct strings dbs = { NULL, 0 }, names = { NULL, 0 };
	enum doctor_next next = DOCTOR_GO;
	struct missing missing;
	size_t i;

	if (e->end->kind != END_MONGO)
		return DOCTOR_GO;
	memset(&missing, 0, sizeof(missing));
	if (!find_databases(all, &dbs, err)) {
		next = doctor_failed(e->doctor, "rights", err);
		goto out;
	}
	look_for(e->rights, &list, &dbs, &missing);
	if (missing.needed.text[0] == '\0') {
		if (!find_chosen(all, &dbs, &names, err)) {
			next = doctor_failed(e->doctor, "rights", err);
			goto out;
		}
		for (i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
			look_for(e->rights, &actions[i], &names, &missing);
	}
	next = tell(e, &missing);
out:
	strings_free(&names);
	strings_free(&dbs);
	return next;
}

/* --- the target --- */

static bool
target_names(const struct data *d, struct strings *names, struct err *err)
{
	size_t i;

	for (i = 0; i < d->n_moves; i++) {
		if (!strings_add(names, d->moves[i].target_ns))
			return err_nomem(err, "doctor");
	}
	return true;
}

/* Whether a document of the source violates the validator that comes with its
 * collection.  *sure: somebody did look. */
static bool
violates(struct doctor_ends *all, const struct move *m, uint64_t until,
    bool *sure)
{
	struct rawdoc filter;
	struct err ignored;
	struct buf b;
	bool any = false;

	*sure = true;
	buf_init(&b, FILTER_MAX);
	if (m->info->type == COLLECTION_PLAIN && validator_violations(
	    m->info->options.data, m->info->options.len,
	    all->data.query.data, all->data.query.len, &b)) {
		filter.data = b.data;
		filter.len = b.len;
		*sure = all->source.end->kind == END_MONGO &&
		    cancel_now() < until && inspect_matches(
		    all->source.end->session, m->info->ns, &filter,
		    VIOLATION_MS, &any, &ignored);
	}
	buf_free(&b);
	return any || !*sure;
}

/* Documents that a validator refuses need a right of their own. */
static void
check_bypass(struct doctor_ends *all)
{
	uint64_t until = cancel_now() + (uint64_t)VIOLATIONS_MS * 1000000;
	struct doctor_names names = { .n = 0 };
	char text[MONGO_NS_MAX + 16];
	size_t i;
	bool sure;

	for (i = 0; i < all->data.n_moves; i++) {
		const struct move *m = &all->data.moves[i];

		if (allows(all->target.rights, m->target_ns,
		    "bypassDocumentValidation") ||
		    !violates(all, m, until, &sure))
			continue;
		snprintf(text, sizeof(text), "%s%s", m->info->ns,
		    sure ? "" : " (perhaps)");
		doctor_names_add(&names, text);
	}
	if (names.n > 0)
		doctor_warn(all->doctor, "validators", "give the target's user "
		    "dbAdmin too, or mend the documents: migrate --dry-run "
		    "counts them", "documents that violate their collection's "
		    "own validator would go to quarantine: the user may not "
		    "bypassDocumentValidation; in %s",
		    doctor_names_text(&names));
	else
		doctor_pass(all->doctor, "validators", "no document needs the "
		    "right to bypass a validator that the user has not");
}

enum doctor_next
doctor_rights_target(struct doctor_ends *all, struct err *err)
{
	const struct spaceferry_options *o = all->doctor->job.options;
	bool replaces = job_on_conflict(&all->doctor->job) ==
	    SPACEFERRY_REPLACE;
	const struct action list = { "listCollections", true }, actions[] = {
		{ "find", true }, { "listIndexes", true },
		{ "insert", true }, { "createCollection", true },
		{ "createIndex", true }, { "remove", replaces },
		{ "update", replaces }, { "dropCollection", o->drop },
	};
	struct doctor_end *e = &all->target;
	struct strings dbs = { NULL, 0 }, names = { NULL, 0 };
	enum doctor_next next;
	struct missing missing;
	size_t i;

	memset(&missing, 0, sizeof(missing));
	if (!data_target_databases(&all->data, &dbs, err) ||
	    !target_names(&all->data, &names, err)) {
		next = DOCTOR_ABORT;
		goto out;
	}
	look_for(e->rights, &list, &dbs, &missing);
	for (i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
		look_for(e->rights, &actions[i], &names, &missing);
	if ((next = tell(e, &missing)) == DOCTOR_GO)
		check_bypass(all);
out:
	strings_free(&names);
	strings_free(&dbs);
	return next;
}

/* What is tried must go away again, whatever the name that it gets. */
static bool
may_remove(const struct doctor_end *e, const char *db)
{

	return mongo_rights_allow(e->rights, db, "", "remove") &&
	    mongo_rights_allow(e->rights, db, "", "dropCollection");
}

enum doctor_next
doctor_rights_write(struct doctor_ends *all, struct err *err)
{
	struct doctor_names good = { .n = 0 };
	struct strings dbs = { NULL, 0 };
	enum doctor_next next = DOCTOR_GO;
	char left[INSPECT_NAME_SIZE];
	size_t i;

	if (!data_target_databases(&all->data, &dbs, err))
		next = DOCTOR_ABORT;
	for (i = 0; next == DOCTOR_GO && i < dbs.n; i++) {
		if (!may_remove(&all->target, dbs.v[i])) {
			doctor_skip(all->doctor, "write", "%s: not tried, "
			    "because the user could not remove it again",
			    dbs.v[i]);
			continue;
		}
		if (inspect_write(all->target.end->session, dbs.v[i], left,
		    err)) {
			doctor_names_add(&good, dbs.v[i]);
			continue;
		}
		if (left[0] != '\0')
			err_hint(err, "drop %s.%s by hand: it is doctor's, and "
			    "could not be removed", dbs.v[i], left);
		next = doctor_failed(all->doctor, "write", err);
	}
	if (next == DOCTOR_GO && good.n > 0)
		doctor_pass(all->doctor, "write", "a collection was made, "
		    "filled and dropped again in %s", doctor_names_text(&good));
	strings_free(&dbs);
	return next;
}
