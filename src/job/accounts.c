#include <string.h>

#include "base/log.h"
#include "job/accounts.h"
#include "mongo/users.h"

#define FACT "accounts"
#define CLAIMED "claimed"

#define HINT_ATLAS "Atlas keeps users outside of the databases: make them " \
    "under Database Access, and leave --users-and-roles out"

static bool
is_wanted(const struct job *job)
{

	return job->options->users_and_roles;
}

/* Both sides, the source's under the names of the target. */
struct both {
	struct strings from;	/* databases on the source */
	struct strings to;	/* what each is called on the target */
	struct users source;
	struct users target;
};

static void
close_both(struct both *b)
{

	users_free(&b->source);
	users_free(&b->target);
	strings_free(&b->from);
	strings_free(&b->to);
}

static bool
cannot_follow(const struct move *m, struct err *err)
{

	err_set(err, ERR_USAGE, "--users-and-roles cannot follow %s, which "
	    "becomes %s: only a whole database may get another name",
	    m->info->ns, m->target_ns);
	return err_hint(err, "leave --users-and-roles out and make them by "
	    "hand, or rename with 'old.*=new.*' alone");
}

/* Adds the databases of one move.  Users belong to a database by its name, and
 * roles may name its collections: both must stay together. */
static bool
add_names(struct both *b, const struct move *m, struct err *err)
{
	size_t from_len = strcspn(m->info->ns, ".");
	size_t to_len = strcspn(m->target_ns, "."), i;
	char from[MONGO_NS_MAX], to[MONGO_NS_MAX];

	if (strcmp(m->info->ns + from_len, m->target_ns + to_len) != 0)
		return cannot_follow(m, err);
	memcpy(from, m->info->ns, from_len);
	from[from_len] = '\0';
	memcpy(to, m->target_ns, to_len);
	to[to_len] = '\0';
	for (i = 0; i < b->from.n; i++) {
		bool same = strcmp(b->from.v[i], from) == 0;

		if (same != (strcmp(b->to.v[i], to) == 0))
			return cannot_follow(m, err);
		if (same)
			return true;
	}
	return (strings_add(&b->from, from) && strings_add(&b->to, to)) ||
	    err_nomem(err, "databases");
}

/* close_both() is to be called all the same. */
static bool
open_both(struct data *d, struct both *b, struct err *err)
{
	size_t i;

	memset(b, 0, sizeof(*b));
	for (i = 0; i < d->n_moves; i++) {
		if (!add_names(b, &d->moves[i], err))
			return false;
	}
	if (!users_read(d->source.session, &b->from, &b->source, err)) {
		err_prefix(err, "source");
		return err->kind != ERR_DENIED ? false : err_hint(err,
		    "--users-and-roles needs a user of the source who may read "
		    "them: one with the role backup or root");
	}
	if (!users_read(d->target.session, &b->to, &b->target, err)) {
		err_prefix(err, "target");
		return err->kind != ERR_DENIED ? false : err_hint(err,
		    "a user with the roles restore and userAdminAnyDatabase, "
		    "or root, may write them; " HINT_ATLAS);
	}
	return users_rename(&b->source, &b->from, &b->to, err);
}

/* An archive of a database may hold users; they are not read yet. */
static bool
check_kinds(const struct data *d, struct err *err)
{

	return (d->source.kind == END_MONGO && d->target.kind == END_MONGO) ||
	    err_set(err, ERR_USAGE, "--users-and-roles works between two "
	    "MongoDBs only");
}

static bool
check_rights(struct data *d, const struct strings *dbs, struct err *err)
{
	bool may;

	if (!users_may_write(d->target.session, dbs, &may, err))
		return err_prefix(err, "target");
	if (may)
		return true;
	err_set(err, ERR_DENIED, "target %s: its user may not write users and "
	    "roles", end_name(&d->target));
	return err_hint(err, "a user with the roles restore and "
	    "userAdminAnyDatabase, or root, may; " HINT_ATLAS);
}

static void
find_clash(void *arg, const char *kind, const char *name,
    enum users_match match)
{
	struct err *err = arg;

	if (match == USERS_MISSING || err->kind != ERR_NONE)
		return;
	err_set(err, ERR_CONFLICT, "target: %s %s is there already", kind,
	    name);
	err_hint(err, "--on-conflict skip keeps the target's, replace puts "
	    "the source's in its place");
}

static void
tell_admin(void *arg, const char *name)
{
	struct job *job = arg;

	report_note(&job->report, "users", "make it on the target by hand, "
	    "where the app signs in with it", "user %s has a role in a chosen "
	    "database, but belongs to admin: it is not moved", name);
}

bool
accounts_check(struct data *d, struct job *job, struct journal *journal,
    struct err *err)
{
	struct both b;
	bool ok = false;

	if (!is_wanted(job))
		return true;
	if (!check_kinds(d, err))
		return false;
	if (!open_both(d, &b, err) || !check_rights(d, &b.to, err) ||
	    !users_in_admin(d->source.session, &b.from, tell_admin, job, err))
		goto out;
	if (job->options->on_conflict == SPACEFERRY_ABORT &&
	    (journal == NULL || journal_get(journal, FACT) == NULL)) {
		err_clear(err);
		users_compare(&b.source, &b.target, find_clash, err);
		if (err->kind != ERR_NONE)
			goto out;
	}
	log_info("%zu users and %zu roles to move", b.source.n_users,
	    b.source.n_roles);
	ok = true;
out:
	close_both(&b);
	return ok;
}

static void
tell_difference(void *arg, const char *kind, const char *name,
    enum users_match match)
{
	struct job *job = arg;

	if (match != USERS_SAME)
		report_error(&job->report, "users", "", "target: %s %s %s",
		    kind, name, match == USERS_MISSING ? "is missing" :
		    "is another one than on the source");
}

bool
accounts_move(struct data *d, struct job *job, struct journal *journal,
    struct err *err)
{
	struct both b;
	bool ok = false;

	if (!is_wanted(job))
		return true;
	if (!open_both(d, &b, err) ||
	    !journal_put(journal, FACT, CLAIMED, err))
		goto out;
	if (job->options->on_conflict == SPACEFERRY_SKIP &&
	    !users_subtract(&b.source, &b.target, err))
		goto out;
	if (!users_write(d->target.session, &b.source, &b.target, err)) {
		err_prefix(err, "target");
		goto out;
	}
	users_free(&b.target);
	if (!users_read(d->target.session, &b.to, &b.target, err)) {
		err_prefix(err, "target");
		goto out;
	}
	users_compare(&b.source, &b.target, tell_difference, job);
	log_info("%zu users and %zu roles moved", b.source.n_users,
	    b.source.n_roles);
	ok = true;
out:
	close_both(&b);
	return ok;
}

bool
accounts_compare(struct data *d, struct job *job, struct err *err)
{
	struct both b;
	bool ok;

	if (!is_wanted(job))
		return true;
	if (!check_kinds(d, err))
		return false;
	ok = open_both(d, &b, err);
	if (ok)
		users_compare(&b.source, &b.target, tell_difference, job);
	close_both(&b);
	return ok;
}
