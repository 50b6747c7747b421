#include <stdio.h>
#include <string.h>

#include "mongo/catalog_same.h"
#include "mongo/raw.h"
#include "mongo/session.h"
#include "mongo/sink.h"
#include "mongo/users.h"

#define USERS_MAX ((size_t)64 * 1024 * 1024)

/* The only names that servers let such a collection have. */
#define TEMP_USERS "tempusers"
#define TEMP_ROLES "temproles"

static void
append_names(bson_t *doc, const char *field, const struct strings *names)
{
	bson_t in, list;
	const char *key;
	char digits[16];
	size_t i;

	BSON_APPEND_DOCUMENT_BEGIN(doc, field, &in);
	BSON_APPEND_ARRAY_BEGIN(&in, "$in", &list);
	for (i = 0; i < names->n; i++) {
		bson_uint32_to_string((uint32_t)i, &key, digits,
		    sizeof(digits));
		BSON_APPEND_UTF8(&list, key, names->v[i]);
	}
	bson_append_array_end(&in, &list);
	bson_append_document_end(doc, &in);
}

static bool
find_all(struct mongo_session *s, const char *coll, const bson_t *filter,
    struct buf *out, struct err *err)
{
	bson_t cmd;
	struct session_call call = {
		.db = "admin", .command = &cmd,
		.what = "read users and roles",
	};
	bool ok;

	bson_init(&cmd);
	BSON_APPEND_UTF8(&cmd, "find", coll);
	BSON_APPEND_DOCUMENT(&cmd, "filter", filter);
	ok = session_collect(s, &call, out, err);
	bson_destroy(&cmd);
	return ok;
}

static size_t
count(const struct buf *docs)
{
	size_t at = 0, n = 0;
	bson_t doc;

	while (session_next_doc(docs, &at, &doc))
		n++;
	return n;
}

bool
users_read(struct mongo_session *s, const struct strings *dbs,
    struct users *out, struct err *err)
{
	bson_t filter;
	bool ok;

	users_init(out);
	bson_init(&filter);
	append_names(&filter, "db", dbs);
	ok = find_all(s, "system.users", &filter, &out->users, err) &&
	    find_all(s, "system.roles", &filter, &out->roles, err);
	bson_destroy(&filter);
	out->n_users = count(&out->users);
	out->n_roles = count(&out->roles);
	return ok;
}

static void
wipe(struct buf *b)
{

	if (b->len > 0)
		explicit_bzero(b->data, b->len);
	buf_free(b);
}

void
users_free(struct users *u)
{

	wipe(&u->users);
	wipe(&u->roles);
	memset(u, 0, sizeof(*u));
}

bool
users_may_write(struct mongo_session *s, const struct strings *dbs,
    bool *may, struct err *err)
{
	static const char *const actions[] = {
		"createUser", "createRole", "grantRole", "revokeRole",
		"dropUser", NULL
	};
	char ns[SESSION_NS_SIZE];
	size_t i, j;

	if (!mongo_may(s, "admin." TEMP_USERS, "insert", may, err))
		return false;
	for (i = 0; *may && i < dbs->n; i++) {
		snprintf(ns, sizeof(ns), "%s.x", dbs->v[i]);
		for (j = 0; *may && actions[j] != NULL; j++) {
			if (!mongo_may(s, ns, actions[j], may, err))
				return false;
		}
	}
	return true;
}

/* "db.name", the _id of both kinds. */
static const char *
name_of(const bson_t *doc)
{
	bson_iter_t it;

	return bson_iter_init_find(&it, doc, "_id") &&
	    BSON_ITER_HOLDS_UTF8(&it) ? bson_iter_utf8(&it, NULL) : "";
}

/* Finds the document of that name; *found lives as long as docs. */
static bool
look_up(const struct buf *docs, const char *name, bson_t *found)
{
	size_t at = 0;

	while (session_next_doc(docs, &at, found)) {
		if (strcmp(name_of(found), name) == 0)
			return true;
	}
	return false;
}

/* All fields but userId, which each deployment gives anew. */
static bool
is_same(const bson_t *a, const bson_t *b)
{
	bson_iter_t x, y;

	if (!bson_iter_init(&x, a))
		return false;
	while (bson_iter_next(&x)) {
		if (strcmp(bson_iter_key(&x), "userId") == 0)
			continue;
		if (!bson_iter_init_find(&y, b, bson_iter_key(&x)) ||
		    !catalog_same_value(&x, &y, CATALOG_SAME_LOOSE))
			return false;
	}
	return true;
}

static void
compare(const struct buf *a, const struct buf *b, const char *kind,
    users_found_fn *found, void *arg)
{
	enum users_match match;
	size_t at = 0;
	bson_t doc, there;

	while (session_next_doc(a, &at, &doc)) {
		match = !look_up(b, name_of(&doc), &there) ? USERS_MISSING :
		    is_same(&doc, &there) ? USERS_SAME : USERS_DIFFERENT;
		found(arg, kind, name_of(&doc), match);
	}
}

void
users_compare(const struct users *a, const struct users *b,
    users_found_fn *found, void *arg)
{

	compare(&a->roles, &b->roles, "role", found, arg);
	compare(&a->users, &b->users, "user", found, arg);
}

static bool
subtract(struct buf *a, const struct buf *b, struct err *err)
{
	struct buf left;
	size_t at = 0;
	bson_t doc, there;
	bool ok = true;

	buf_init(&left, USERS_MAX);
	while (ok && session_next_doc(a, &at, &doc)) {
		if (!look_up(b, name_of(&doc), &there))
			ok = buf_append(&left, bson_get_data(&doc), doc.len);
	}
	if (!ok) {
		wipe(&left);
		return err_nomem(err, "users");
	}
	wipe(a);
	*a = left;
	return true;
}

bool
users_subtract(struct users *a, const struct users *b, struct err *err)
{
	bool ok;

	ok = subtract(&a->users, &b->users, err) &&
	    subtract(&a->roles, &b->roles, err);
	a->n_users = count(&a->users);
	a->n_roles = count(&a->roles);
	return ok;
}

static bool
run(struct mongo_session *s, const bson_t *cmd, const char *what,
    struct err *err)
{
	struct session_call call = {
		.db = "admin", .command = cmd, .write = true, .what = what,
	};
	bson_t reply;
	bool ok;

	ok = session_run(s, &call, &reply, err);
	bson_destroy(&reply);
	return ok;
}

static bool
drop(struct mongo_session *s, const char *coll, struct err *err)
{
	bson_t cmd;
	bool ok;

	bson_init(&cmd);
	BSON_APPEND_UTF8(&cmd, "drop", coll);
	ok = run(s, &cmd, "remove what users travelled in", err);
	bson_destroy(&cmd);
	if (ok || err->kind != ERR_NOT_FOUND)
		return ok;
	err_clear(err);
	return true;
}

static void
keep_refusal(void *arg, const struct mongo_refusal *r)
{

	if (*(int *)arg == 0)
		*(int *)arg = r->code;
}

static bool
fill(struct mongo_session *s, const char *ns, const struct buf *docs,
    struct err *err)
{
	struct mongo_written written = { .inserted = 0 };
	int refusal = 0;
	struct mongo_sink_options o = {
		.ns = ns, .on_conflict = MONGO_CONFLICT_REPLACE,
		.patience_ms = s->server->patience_ms,
		.refused = keep_refusal, .arg = &refusal,
	};
	struct mongo_sink *sink;
	bool ok;

	if ((sink = mongo_sink_new(s, &o, err)) == NULL)
		return false;
	ok = mongo_sink_write(sink, docs->data, docs->len, count(docs),
	    &written, err);
	mongo_sink_free(sink);
	if (ok && written.refused > 0)
		ok = err_set(err, ERR_REFUSED, "%s: a user or role was refused "
		    "(code %d)", s->server->hosts, refusal);
	return ok;
}

static bool
merge(struct mongo_session *s, const char *field, const char *ns,
    struct err *err)
{
	bson_t cmd;
	bool ok;

	bson_init(&cmd);
	BSON_APPEND_INT32(&cmd, "_mergeAuthzCollections", 1);
	BSON_APPEND_UTF8(&cmd, field, ns);
	BSON_APPEND_BOOL(&cmd, "drop", false);
	BSON_APPEND_UTF8(&cmd, "db", "");
	ok = run(s, &cmd, "put users and roles in place", err);
	bson_destroy(&cmd);
	return ok;
}

/* Credentials are not left lying in the temporary collection, whatever
 * happens. */
static bool
transfer(struct mongo_session *s, const char *coll, const char *field,
    const struct buf *docs, struct err *err)
{
	char ns[64];
	struct err ignored;
	bool ok;

	if (docs->len == 0)
		return true;
	snprintf(ns, sizeof(ns), "admin.%s", coll);
	if (!drop(s, coll, err))
		return false;
	ok = fill(s, ns, docs, err) && merge(s, field, ns, err);
	return drop(s, coll, ok ? err : &ignored) && ok;
}

static const char *
string_of(const bson_t *doc, const char *field)
{
	bson_iter_t it;

	return bson_iter_init_find(&it, doc, field) &&
	    BSON_ITER_HOLDS_UTF8(&it) ? bson_iter_utf8(&it, NULL) : "";
}

/* {dropUser: name}, or {updateRole: name, …} with all that a role is. */
static bool
administer(struct mongo_session *s, const char *command, const bson_t *doc,
    struct err *err)
{
	static const char *const fields[] = {
		"privileges", "roles", "authenticationRestrictions", NULL
	};
	bool is_role = strcmp(command, "updateRole") == 0;
	bson_t cmd, reply;
	struct session_call call = {
		.db = string_of(doc, "db"), .command = &cmd, .write = true,
		.what = "replace a user or role",
	};
	bson_iter_t it;
	size_t i;
	bool ok;

	bson_init(&cmd);
	BSON_APPEND_UTF8(&cmd, command, string_of(doc, is_role ? "role" :
	    "user"));
	for (i = 0; is_role && fields[i] != NULL; i++) {
		if (bson_iter_init_find(&it, doc, fields[i]))
			bson_append_iter(&cmd, NULL, 0, &it);
	}
	ok = session_run(s, &call, &reply, err);
	bson_destroy(&reply);
	bson_destroy(&cmd);
	return ok;
}

/* Does that to each of docs that is there, and is another one. */
static bool
administer_all(struct mongo_session *s, const char *command,
    const struct buf *docs, const struct buf *there, struct err *err)
{
	bson_t doc, other;
	size_t at = 0;

	while (session_next_doc(docs, &at, &doc)) {
		if (look_up(there, name_of(&doc), &other) &&
		    !is_same(&doc, &other) &&
		    !administer(s, command, &doc, err))
			return false;
	}
	return true;
}

/* Merging leaves alone what is there.  A user is then dropped first; a role is
 * not, because whoever has it would lose it.  Roles come before the users who
 * have them. */
bool
users_write(struct mongo_session *s, const struct users *u,
    const struct users *there, struct err *err)
{

	return transfer(s, TEMP_ROLES, "tempRolesCollection", &u->roles, err) &&
	    administer_all(s, "updateRole", &u->roles, &there->roles, err) &&
	    administer_all(s, "dropUser", &u->users, &there->users, err) &&
	    transfer(s, TEMP_USERS, "tempUsersCollection", &u->users, err);
}

bool
users_in_admin(struct mongo_session *s, const struct strings *dbs,
    void (*found)(void *arg, const char *name), void *arg, struct err *err)
{
	struct buf users;
	bson_t filter, doc;
	size_t at = 0;
	bool ok;

	buf_init(&users, USERS_MAX);
	bson_init(&filter);
	BSON_APPEND_UTF8(&filter, "db", "admin");
	append_names(&filter, "roles.db", dbs);
	ok = find_all(s, "system.users", &filter, &users, err);
	bson_destroy(&filter);
	while (ok && session_next_doc(&users, &at, &doc))
		found(arg, name_of(&doc));
	wipe(&users);
	return ok;
}
