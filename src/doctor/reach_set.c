#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cancel.h"
#include "doctor/ends.h"
#include "mongo/catalog.h"

#define DOCKER "the set knows its members by names of another network (docker?)" \
    ": leave replicaSet= out of the URI and add directConnection=true, or put " \
    "the names into /etc/hosts, or give the set names that hold everywhere"

/* What the answers say together. */
struct set {
	const struct reach_hello *hello; /* of the one that says most */
	bool primary;		/* one of the hosts that answered is writable */
	const char *primary_name; /* as the others know it; NULL: nobody does */
};

static struct set
sum_up(const struct doctor_end *e)
{
	struct set set = { NULL, false, NULL };
	size_t i;

	for (i = 0; i < e->n_ways; i++) {
		const struct reach_hello *h = &e->hellos[i];

		if (!e->answered[i])
			continue;
		if (set.hello == NULL || h->writable)
			set.hello = h;
		set.primary = set.primary || h->writable;
		if (h->primary[0] != '\0')
			set.primary_name = h->primary;
	}
	return set;
}

static const struct reach_hello *
find_stranger(const struct doctor_end *e, size_t *at)
{
	for (*at = 0; *at < e->n_ways; (*at)++) {
		const struct reach_hello *h = &e->hellos[*at];

		if (e->answered[*at] && e->facts->set_name != NULL &&
		    strcmp(h->set_name, e->facts->set_name) != 0)
			return h;
	}
	return NULL;
}

static enum doctor_next
another_set(struct doctor_end *e, const struct reach_hello *h, size_t at)
{
	const struct probe_host *host = &e->ways[at].host;

	if (h->set_name[0] == '\0')
		doctor_fail(e->doctor, "set", "leave replicaSet= out of the URI",
		    "the URI names the set %s, and %s:%u is %s",
		    e->facts->set_name, host->name, host->port, h->is_mongos ?
		    "a mongos" : "in no set");
	else
		doctor_fail(e->doctor, "set", "put the set's name into "
		    "replicaSet= in the URI", "the URI names the set %s, and "
		    "%s:%u is in the set %s", e->facts->set_name, host->name,
		    host->port, h->set_name);
	return DOCTOR_STOP;
}

/* "name:port", "[v6]:port". */
static struct probe_way
way_of(const char *member)
{
	struct probe_way w;
	const char *colon = strrchr(member, ':');
	size_t len = colon == NULL ? strlen(member) :
	    (size_t)(colon - member);

	memset(&w, 0, sizeof(w));
	w.host.port = colon == NULL ? 27017 :
	    (unsigned)strtoul(colon + 1, NULL, 10);
	if (len > 2 && member[0] == '[' && member[len - 1] == ']') {
		member++;
		len -= 2;
	}
	snprintf(w.host.name, sizeof(w.host.name), "%.*s", (int)len, member);
	return w;
}

static enum doctor_next
tell_lost(struct doctor_end *e, const char *set_name,
    struct doctor_names *unknown, struct doctor_names *closed, bool fatal)
{
	bool both = unknown->n > 0 && closed->n > 0;
	struct doctor_finding f = { "set", fatal ? SPACEFERRY_FAIL :
	    SPACEFERRY_WARN, unknown->n > 0 ? DOCKER : fatal ?
	    "open the ports of all members for this machine" :
	    "are they down? The migration goes on without them" };

	doctor_tell(e->doctor, &f, "members of %s that cannot be reached from "
	    "here: %s%s%s", set_name, doctor_names_text(unknown),
	    both ? ", " : "", doctor_names_text(closed));
	return fatal ? DOCTOR_STOP : DOCTOR_GO;
}

/* The members by their own names, as a driver goes to them. */
static enum doctor_next
check_members(struct doctor_end *e, const struct set *set, struct err *err)
{
	struct doctor_names unknown = { .n = 0 }, closed = { .n = 0 };
	const struct strings *members = &set->hello->members;
	struct probe_way *ways;
	bool primary_lost = false;
	size_t i;
	bool ok;

	if ((ways = calloc(members->n + 1, sizeof(*ways))) == NULL) {
		err_nomem(err, "doctor");
		return DOCTOR_ABORT;
	}
	for (i = 0; i < members->n; i++)
		ways[i] = way_of(members->v[i]);
	ok = probe_connect(ways, members->n, DOCTOR_STEP_MS, err);
	for (i = 0; ok && i < members->n; i++) {
		if (ways[i].tcp == PROBE_TCP_OPEN)
			continue;
		doctor_names_add(ways[i].tcp == PROBE_TCP_NO_ADDRESS ?
		    &unknown : &closed, members->v[i]);
		primary_lost = primary_lost || set->primary_name == NULL ||
		    strcasecmp(members->v[i], set->primary_name) == 0;
	}
	free(ways);
	if (!ok)
		return DOCTOR_ABORT;
	if (unknown.n + closed.n > 0)
		return tell_lost(e, set->hello->set_name, &unknown, &closed,
		    primary_lost || unknown.n + closed.n == members->n);
	doctor_pass(e->doctor, "set", "replica set %s of %zu, all members can "
	    "be reached", set->hello->set_name, members->n);
	return DOCTOR_GO;
}

static enum doctor_next
no_primary(struct doctor_end *e, const struct set *set)
{

	if (!e->facts->discovers && set->primary_name != NULL)
		doctor_fail(e->doctor, "set", "name the primary in the URI, or "
		    "let replicaSet= find it", "this member of %s is a "
		    "secondary; its primary is %s", set->hello->set_name,
		    set->primary_name);
	else
		doctor_fail(e->doctor, "set", "are enough members up? rs.status() "
		    "on one of them says what they see", "the set %s has no "
		    "primary", set->hello->set_name);
	return DOCTOR_STOP;
}

enum doctor_next
doctor_reach_set(struct doctor_end *e, struct err *err)
{
	const struct reach_hello *stranger;
	struct set set = sum_up(e);
	size_t at;

	if ((stranger = find_stranger(e, &at)) != NULL)
		return another_set(e, stranger, at);
	if (set.hello->is_mongos || set.hello->set_name[0] == '\0') {
		doctor_pass(e->doctor, "set", "%s", set.hello->is_mongos ?
		    "a sharded cluster, through mongos" :
		    "a standalone server, no replica set");
		return DOCTOR_GO;
	}
	if (!set.primary && (e->is_target || (e->facts->discovers &&
	    e->facts->needs_primary)) && (!e->facts->discovers ||
	    set.primary_name == NULL))
		return no_primary(e, &set);
	if (e->facts->discovers)
		return check_members(e, &set, err);
	doctor_pass(e->doctor, "set", "replica set %s of %zu, this member by "
	    "itself", set.hello->set_name, set.hello->members.n);
	return DOCTOR_GO;
}

/* --- auth --- */

/* Whether the same password is right with another source or mechanism. */
static bool
try_others(struct doctor_end *e)
{
	const struct reach_facts *f = e->facts;
	const char *sources[] = { "admin", f->db }, *mechanisms[] = {
		"SCRAM-SHA-256", "SCRAM-SHA-1" };
	struct reach_trial t = { .timeout_ms = DOCTOR_STEP_MS };
	struct err ignored;
	char remedy[256];
	size_t i;

	for (i = 0; i < 2; i++) {
		if (sources[i] == NULL || *sources[i] == '\0' ||
		    (f->source != NULL && strcmp(sources[i], f->source) == 0))
			continue;
		t.source = sources[i];
		if (!reach_signs_in(e->reach, &t, &ignored))
			continue;
		snprintf(remedy, sizeof(remedy), "the user is defined in %s: "
		    "authSource=%s in the URI", t.source, t.source);
		doctor_fail(e->doctor, "auth", remedy, "user %s is not known "
		    "in the database %s, but is in %s", f->user, f->source,
		    t.source);
		return true;
	}
	t.source = NULL;
	for (i = 0; f->mechanism != NULL && i < 2; i++) {
		t.mechanism = mechanisms[i];
		if (strcmp(mechanisms[i], f->mechanism) == 0 ||
		    !reach_signs_in(e->reach, &t, &ignored))
			continue;
		doctor_fail(e->doctor, "auth", "leave authMechanism= out of "
		    "the URI: the best one is found without it",
		    "user %s cannot sign in with %s, but with %s", f->user,
		    f->mechanism, mechanisms[i]);
		return true;
	}
	return false;
}

static enum doctor_next
not_let_in(struct doctor_end *e, struct err *err)
{
	const struct reach_facts *f = e->facts;

	if (err->kind != ERR_AUTH || f->user == NULL)
		return doctor_failed(e->doctor, "auth", err);
	if (try_others(e))
		return DOCTOR_STOP;
	if (f->example)
		err_hint(err, "the URI still looks like a guide's example: put "
		    "your own user and password there");
	else if (e->atlas)
		err_hint(err, "check user and password in the URI; they are "
		    "set under Database Access in Atlas, apart from those of "
		    "your Atlas account, and take a minute to be known");
	else
		err_hint(err, "the user %s or its password is wrong: no other "
		    "authSource that was tried knows them either", f->user);
	return doctor_failed(e->doctor, "auth", err);
}

/* A server with access control lets anybody in, and then refuses. */
static enum doctor_next
check_nobody(struct doctor_end *e, struct err *err)
{
	struct strings dbs = { NULL, 0 };
	bool ok = catalog_databases(e->end->session, &dbs, err);

	strings_free(&dbs);
	if (!ok) {
		doctor_failed(e->doctor, "auth", err);
		return err->kind == ERR_CANCELLED || err->kind == ERR_NOMEM ?
		    DOCTOR_ABORT : DOCTOR_STOP;
	}
	doctor_pass(e->doctor, "auth", "no user, and the server asks for none");
	return DOCTOR_GO;
}

enum doctor_next
doctor_reach_auth(struct doctor_end *e, struct err *err)
{
	struct end_options options = {
		.role = e->role, .text = e->text,
		.mongo = { .patience_ms = DOCTOR_STEP_MS, .max_sessions = 4,
		    .primary = e->is_target },
		.job = e->doctor->job.options, .write = e->is_target,
	};

	e->end = e->is_target ? &e->data->target : &e->data->source;
	if (!end_open(e->end, &options, err)) {
		enum doctor_next next = not_let_in(e, err);

		end_close(e->end);
		return next;
	}
	if ((e->rights = mongo_rights_new(e->end->session, err)) == NULL)
		return doctor_failed(e->doctor, "auth", err);
	if (!mongo_rights_of_user(e->rights) && check_nobody(e, err) !=
	    DOCTOR_GO)
		return DOCTOR_STOP;
	e->is_open = true;
	if (mongo_rights_of_user(e->rights))
		doctor_pass(e->doctor, "auth", "signed in as %s%s%s",
		    e->facts->user != NULL ? e->facts->user : "the holder of "
		    "the certificate", e->facts->source != NULL ? " of " : "",
		    e->facts->source != NULL ? e->facts->source : "");
	return DOCTOR_GO;
}
