/*
 * Users and roles of databases, with their credentials: read from one
 * deployment, put into another, where the server allows both; or gathered from
 * an archive and written to one.
 *
 * Order: users_read() (or users_add(), users_pick()) of both ends,
 * users_compare(), users_write().
 */
#ifndef MONGO_USERS_H
#define MONGO_USERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/glob.h"
#include "mongo/client.h"

/* Raw documents of admin.system.users and admin.system.roles, one behind the
 * other.  They hold credentials: never to be shown, nor written to disk but into
 * an archive that was asked to hold them. */
struct users {
	struct buf users;
	struct buf roles;
	size_t n_users;
	size_t n_roles;
};

/* Reads those that belong to the databases dbs.  False with *err: ERR_DENIED
 * where the URI's user may not see them (Atlas: nobody may). users_free() is to
 * be called all the same. */
bool users_read(struct mongo_session *s, const struct strings *dbs,
    struct users *out, struct err *err);
void users_init(struct users *u);	/* empty; users_read() does it itself */
void users_free(struct users *u);	/* what is in it; wiped before */

/* Adds the document of one, len bytes of valid BSON.  ERR_DAMAGED when it is no
 * user or role by its fields. */
enum users_kind { USERS_USER, USERS_ROLE };
bool users_add(struct users *u, enum users_kind kind, const uint8_t *doc,
    size_t len, struct err *err);

/* Makes *out those of all that belong to the databases dbs.  users_free() is to
 * be called all the same. */
bool users_pick(const struct users *all, const struct strings *dbs,
    struct users *out, struct err *err);

/* As users_in_admin(), of what was added. */
void users_admin_among(const struct users *all, const struct strings *dbs,
    void (*found)(void *arg, const char *name), void *arg);

/* Appends the document of admin.system.version that says how users and roles are
 * stored; mongorestore wants it beside them. */
bool users_schema(struct buf *out, struct err *err);

/* Looks at a document of such a collection: ERR_UNSUPPORTED when it says that
 * they are stored as servers before 3.0 did. */
bool users_check_schema(const uint8_t *doc, size_t len, struct err *err);

/* Makes them those of other databases: from->v[i] becomes to->v[i], in roles
 * and privileges too. */
bool users_rename(struct users *u, const struct strings *from,
    const struct strings *to, struct err *err);

/* Whether the URI's user may write users and roles of these databases, as far
 * as the server tells beforehand. */
bool users_may_write(struct mongo_session *s, const struct strings *dbs,
    bool *may, struct err *err);

/* Tells how b has each user and role of a: kind is "user" or "role", name
 * "db.name". */
enum users_match { USERS_MISSING, USERS_SAME, USERS_DIFFERENT };
typedef void users_found_fn(void *arg, const char *kind, const char *name,
    enum users_match match);
void users_compare(const struct users *a, const struct users *b,
    users_found_fn *found, void *arg);

/* Takes out of *a what b has as well. */
bool users_subtract(struct users *a, const struct users *b, struct err *err);

/* Puts all of u into the deployment, in place of those of the same name, which
 * are in there.  As mongorestore does it: through two collections in admin that
 * are removed again.  False with *err. */
bool users_write(struct mongo_session *s, const struct users *u,
    const struct users *there, struct err *err);

/* Tells the names of the users in admin who have a role in one of the
 * databases dbs: they are not among those of users_read(). */
bool users_in_admin(struct mongo_session *s, const struct strings *dbs,
    void (*found)(void *arg, const char *name), void *arg, struct err *err);

#endif
