#include <stdio.h>
#include <string.h>

#include "mongo/raw.h"
#include "mongo/session.h"
#include "mongo/users.h"

struct renaming {
	const struct strings *from;
	const struct strings *to;
};

static const char *
new_name(const struct renaming *r, const char *db)
{
	size_t i;

	for (i = 0; i < r->from->n; i++) {
		if (strcmp(r->from->v[i], db) == 0)
			return r->to->v[i];
	}
	return db;
}

/* "db.name" of user or role name; a database's name has no dot. */
static void
append_id(const struct renaming *r, const bson_iter_t *id, bson_t *out)
{
	const char *old = bson_iter_utf8(id, NULL), *db;
	char name[64], text[SESSION_NS_SIZE];
	size_t len = strcspn(old, ".");

	if (len >= sizeof(name)) {
		bson_append_iter(out, NULL, 0, id);
		return;
	}
	memcpy(name, old, len);
	name[len] = '\0';
	db = new_name(r, name);
	if ((size_t)snprintf(text, sizeof(text), "%s%s", db, old + len) >=
	    sizeof(text))
		bson_append_iter(out, NULL, 0, id);
	else
		BSON_APPEND_UTF8(out, "_id", text);
}

/* What people wrote into it themselves, and what the password became. */
static bool
is_opaque(const char *field)
{

	return strcmp(field, "customData") == 0 ||
	    strcmp(field, "credentials") == 0 ||
	    strcmp(field, "authenticationRestrictions") == 0;
}

/* Copies fields with every "db" in them renamed: the user's or role's own, its
 * roles', its privileges' resources'. */
static void
copy_renamed(const struct renaming *r, bson_iter_t *fields, bson_t *out)
{
	bson_iter_t inner;
	const char *name;
	bson_t child;

	while (bson_iter_next(fields)) {
		name = bson_iter_key(fields);
		if (strcmp(name, "db") == 0 && BSON_ITER_HOLDS_UTF8(fields))
			BSON_APPEND_UTF8(out, name, new_name(r,
			    bson_iter_utf8(fields, NULL)));
		else if (strcmp(name, "_id") == 0 &&
		    BSON_ITER_HOLDS_UTF8(fields))
			append_id(r, fields, out);
		else if (!is_opaque(name) && BSON_ITER_HOLDS_DOCUMENT(fields) &&
		    bson_iter_recurse(fields, &inner)) {
			BSON_APPEND_DOCUMENT_BEGIN(out, name, &child);
			copy_renamed(r, &inner, &child);
			bson_append_document_end(out, &child);
		} else if (!is_opaque(name) && BSON_ITER_HOLDS_ARRAY(fields) &&
		    bson_iter_recurse(fields, &inner)) {
			BSON_APPEND_ARRAY_BEGIN(out, name, &child);
			copy_renamed(r, &inner, &child);
			bson_append_array_end(out, &child);
		} else
			bson_append_iter(out, NULL, 0, fields);
	}
}

static bool
rename_all(const struct renaming *r, struct buf *docs, struct err *err)
{
	bson_t doc, renamed;
	bson_iter_t fields;
	struct buf out;
	size_t at = 0;
	bool ok = true;

	buf_init(&out, docs->max);
	while (ok && session_next_doc(docs, &at, &doc)) {
		if (!bson_iter_init(&fields, &doc))
			continue;
		bson_init(&renamed);
		copy_renamed(r, &fields, &renamed);
		ok = buf_append(&out, bson_get_data(&renamed), renamed.len);
		bson_destroy(&renamed);
	}
	if (docs->len > 0)
		explicit_bzero(docs->data, docs->len);
	buf_free(docs);
	*docs = out;
	return ok || err_nomem(err, "users");
}

bool
users_rename(struct users *u, const struct strings *from,
    const struct strings *to, struct err *err)
{
	const struct renaming r = { from, to };

	return rename_all(&r, &u->users, err) && rename_all(&r, &u->roles, err);
}
