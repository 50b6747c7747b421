#include <string.h>

#include "base/log.h"
#include "job/accounts.h"
#include "job/archive_users.h"
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

/* What one end has; users_free() is to be called all the same. */
static bool
read_end(struct end *e, const struct strings *dbs, struct users *out,
    struct err *err)
{

	if (e->kind == END_MONGO ? users_read(e->session, dbs, out, err) :
	    users_pick(&e->accounts, dbs, out, err))
		return true;
	return err_prefix(err, "%s", e->role);
}

static bool
read_source(struct data *d, struct both *b, struct err *err)
{

	if (read_end(&d->source, &b->from, &b->source, err))
		return true;
	return err->kind != ERR_DENIED ? false : err_hint(err,
	    "--users-and-roles needs a user of the source who may read them: "
	    "one with the role backup or root");
}

static bool
read_target(struct data *d, struct both *b, struct err *err)
{

	if (read_end(&d->target, &b->to, &b->target, err))
		return true;
	return err->kind != ERR_DENIED ? false : err_hint(err,
	    "a user with the roles restore and userAdminAnyDatabase, or root, "
	    "may write them; " HINT_ATLAS);
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
	return read_source(d, b, err) && read_target(d, b, err) &&
	    users_rename(&b->source, &b->from, &b->to, err);
}

/* What comes through a pipe is known once it has passed. */
static bool
is_pipe(const struct end *e)
{

	return e->kind != END_MONGO && e->place.stream;
}

static bool
is_snapshot(const struct end *e)
{

	return e->kind != END_MONGO && e->place.kind == ARCHIVE_SNAPSHOT;
}

static bool
check_kinds(const struct data *d, bool verify, struct err *err)
{

	if (is_snapshot(&d->source) || is_snapshot(&d->target)) {
		err_set(err, ERR_USAGE, "--users-and-roles: a snapshot holds "
		    "none");
		return err_hint(err, "export --users-and-roles writes them "
		    "into an archive");
	}
	if (d->source.kind != END_MONGO &&
	    d->source.place.kind == ARCHIVE_DOCUMENTS)
		return err_set(err, ERR_USAGE, "--users-and-roles: a file of "
		    "documents holds none");
	if (!is_pipe(&d->source) || (!verify && d->target.kind == END_MONGO))
		return true;
	err_set(err, ERR_USAGE, "--users-and-roles: from stdin they go into a "
	    "MongoDB only");
	return err_hint(err, "write the archive to a file first");
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

/* Those of stdin are not known before accounts_move(). */
static bool
tell_admins(struct data *d, struct job *job, const struct both *b,
    struct err *err)
{

	if (d->source.kind == END_MONGO)
		return users_in_admin(d->source.session, &b->from, tell_admin,
		    job, err);
	users_admin_among(&d->source.accounts, &b->from, tell_admin, job);
	if (b->source.n_users + b->source.n_roles == 0)
		report_note(&job->report, "users", "export --users-and-roles "
		    "and mongodump --dumpDbUsersAndRoles put them in", "%s "
		    "holds no users or roles of these databases",
		    end_name(&d->source));
	return true;
}

/* Under --on-conflict abort; see accounts_check(). */
static bool
check_clash(struct data *d, const struct both *b, struct err *err)
{
	const struct users *there = &b->target;
	const struct users *moved = &b->source;

	/* Whatever comes may be there already. */
	if (is_pipe(&d->source))
		moved = there;
	err_clear(err);
	users_compare(moved, there, find_clash, err);
	return err->kind == ERR_NONE;
}

static bool
check_target(struct data *d, struct job *job, const struct both *b,
    struct journal *journal, struct err *err)
{

	if (d->target.kind != END_MONGO)
		return true;
	if (!check_rights(d, &b->to, err))
		return false;
	return job_on_conflict(job) != SPACEFERRY_ABORT ||
	    (journal != NULL && journal_get(journal, FACT) != NULL) ||
	    check_clash(d, b, err);
}

bool
accounts_check(struct data *d, struct job *job, struct journal *journal,
    struct err *err)
{
	struct both b;
	bool ok = false;

	if (!is_wanted(job))
		return true;
	if (!check_kinds(d, false, err))
		return false;
	if (!open_both(d, &b, err) ||
	    !check_target(d, job, &b, journal, err) ||
	    (!is_pipe(&d->source) && !tell_admins(d, job, &b, err)))
		goto out;
	if (!is_pipe(&d->source))
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
	    !journal_put(journal, FACT, CLAIMED, err) ||
	    (is_pipe(&d->source) && !tell_admins(d, job, &b, err)))
		goto out;
	if (job_on_conflict(job) == SPACEFERRY_SKIP &&
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

/* The databases of the target, as the archive's head has them. */
static bool
export_each(const struct data *d, const struct both *b,
    struct archive_out *out, struct err *err)
{
	struct strings dbs = { NULL, 0 };
	bool ok;
	size_t i;

	ok = data_target_databases(d, &dbs, err);
	for (i = 0; ok && i < dbs.n; i++) {
		const struct strings one = { &dbs.v[i], 1 };
		struct users users;

		ok = users_pick(&b->source, &one, &users, err) &&
		    archive_users_write(out, d->n_moves + i *
		    ARCHIVE_USERS_COLLECTIONS, &users, err);
		users_free(&users);
	}
	strings_free(&dbs);
	return ok || err_prefix(err, "target");
}

bool
accounts_export(struct data *d, struct job *job, struct archive_out *out,
    struct err *err)
{
	struct both b;
	bool ok;

	if (!is_wanted(job))
		return true;
	ok = open_both(d, &b, err) && export_each(d, &b, out, err);
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
	if (!check_kinds(d, true, err))
		return false;
	ok = open_both(d, &b, err);
	if (ok)
		users_compare(&b.source, &b.target, tell_difference, job);
	close_both(&b);
	return ok;
}
