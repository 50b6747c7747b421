#include <bson/bson.h>
#include <string.h>

#include "mongo/raw.h"
#include "mongo/session.h"
#include "mongo/users.h"

#define USERS_MAX ((size_t)64 * 1024 * 1024)

/* The only way of storing them that servers from 3.0 on know. */
#define SCHEMA 5

void
users_init(struct users *u)
{

	memset(u, 0, sizeof(*u));
	buf_init(&u->users, USERS_MAX);
	buf_init(&u->roles, USERS_MAX);
}

/* A text without NUL; NULL when the field is none. */
static const char *
text_of(const bson_t *doc, const char *field)
{
	bson_iter_t it;
	const char *text;
	uint32_t len;

	if (!bson_iter_init_find(&it, doc, field) || !BSON_ITER_HOLDS_UTF8(&it))
		return NULL;
	text = bson_iter_utf8(&it, &len);
	return strlen(text) == len ? text : NULL;
}

/* _id is "db.name". */
static bool
is_sound(const bson_t *doc, const char *name_field)
{
	const char *id = text_of(doc, "_id"), *db = text_of(doc, "db");
	const char *name = text_of(doc, name_field);
	size_t len = db != NULL ? strlen(db) : 0;

	return id != NULL && len > 0 && name != NULL && *name != '\0' &&
	    strncmp(id, db, len) == 0 && id[len] == '.' &&
	    strcmp(id + len + 1, name) == 0;
}

bool
users_add(struct users *u, enum users_kind kind, const uint8_t *data,
    size_t len, struct err *err)
{
	bool role = kind == USERS_ROLE;
	bson_t doc;

	if (!bson_init_static(&doc, data, len) ||
	    !is_sound(&doc, role ? "role" : "user"))
		return err_set(err, ERR_DAMAGED, "what should be a %s is none",
		    role ? "role" : "user");
	if (!buf_append(role ? &u->roles : &u->users, data, len))
		return err_nomem(err, "users");
	*(role ? &u->n_roles : &u->n_users) += 1;
	return true;
}

static bool
is_among(const struct strings *dbs, const char *db)
{
	size_t i;

	for (i = 0; db != NULL && i < dbs->n; i++) {
		if (strcmp(dbs->v[i], db) == 0)
			return true;
	}
	return false;
}

static bool
pick(const struct buf *from, const struct strings *dbs, struct buf *to,
    size_t *n)
{
	size_t at = 0;
	bson_t doc;

	while (session_next_doc(from, &at, &doc)) {
		if (!is_among(dbs, text_of(&doc, "db")))
			continue;
		if (!buf_append(to, bson_get_data(&doc), doc.len))
			return false;
		++*n;
	}
	return true;
}

bool
users_pick(const struct users *all, const struct strings *dbs,
    struct users *out, struct err *err)
{

	users_init(out);
	return (pick(&all->users, dbs, &out->users, &out->n_users) &&
	    pick(&all->roles, dbs, &out->roles, &out->n_roles)) ||
	    err_nomem(err, "users");
}

static bool
has_role_in(const bson_t *user, const struct strings *dbs)
{
	bson_iter_t roles, role, db;

	if (!bson_iter_init_find(&roles, user, "roles") ||
	    !bson_iter_recurse(&roles, &role))
		return false;
	while (bson_iter_next(&role)) {
		if (bson_iter_recurse(&role, &db) &&
		    bson_iter_find(&db, "db") && BSON_ITER_HOLDS_UTF8(&db) &&
		    is_among(dbs, bson_iter_utf8(&db, NULL)))
			return true;
	}
	return false;
}

void
users_admin_among(const struct users *all, const struct strings *dbs,
    void (*found)(void *arg, const char *name), void *arg)
{
	size_t at = 0;
	bson_t doc;

	while (session_next_doc(&all->users, &at, &doc)) {
		const char *db = text_of(&doc, "db");

		if (db != NULL && strcmp(db, "admin") == 0 &&
		    has_role_in(&doc, dbs))
			found(arg, text_of(&doc, "_id"));
	}
}

bool
users_schema(struct buf *out, struct err *err)
{
	bson_t doc;
	bool ok;

	bson_init(&doc);
	BSON_APPEND_UTF8(&doc, "_id", "authSchema");
	BSON_APPEND_INT32(&doc, "currentVersion", SCHEMA);
	ok = buf_append(out, bson_get_data(&doc), doc.len);
	bson_destroy(&doc);
	return ok || err_nomem(err, "users");
}

bool
users_check_schema(const uint8_t *data, size_t len, struct err *err)
{
	const char *id;
	bson_iter_t it;
	bson_t doc;

	if (!bson_init_static(&doc, data, len))
		return err_set(err, ERR_DAMAGED, "no document");
	id = text_of(&doc, "_id");
	if (id == NULL || strcmp(id, "authSchema") != 0 ||
	    !bson_iter_init_find(&it, &doc, "currentVersion") ||
	    bson_iter_as_int64(&it) == SCHEMA)
		return true;
	err_set(err, ERR_UNSUPPORTED, "its users and roles are stored in "
	    "another way (authSchema %lld) than servers do now",
	    (long long)bson_iter_as_int64(&it));
	return err_hint(err, "leave --users-and-roles out and make them by "
	    "hand");
}
