#include <stdlib.h>
#include <string.h>

#include "mongo/hello.h"
#include "mongo/session.h"

static const char *
string_in(const bson_iter_t *doc, const char *field)
{
	bson_iter_t it;

	return bson_iter_recurse(doc, &it) && bson_iter_find(&it, field) &&
	    BSON_ITER_HOLDS_UTF8(&it) ? bson_iter_utf8(&it, NULL) : NULL;
}

/* A resource is {db, collection}, where "" stands for all, {cluster: true} or
 * {anyResource: true}. */
static bool
covers(const bson_iter_t *privilege, const char *ns_db, const char *ns_coll)
{
	bson_iter_t it, resource, any;
	const char *db, *coll;

	if (!bson_iter_recurse(privilege, &it) ||
	    !bson_iter_find(&it, "resource") || !bson_iter_recurse(&it, &any))
		return false;
	if (bson_iter_find(&any, "anyResource") && bson_iter_as_bool(&any))
		return true;
	resource = it;
	db = string_in(&resource, "db");
	coll = string_in(&resource, "collection");
	return db != NULL && coll != NULL &&
	    (*db == '\0' || strcmp(db, ns_db) == 0) &&
	    (*coll == '\0' || strcmp(coll, ns_coll) == 0);
}

static bool
allows(const bson_iter_t *privilege, const char *action)
{
	bson_iter_t it, actions;

	if (!bson_iter_recurse(privilege, &it) ||
	    !bson_iter_find(&it, "actions") || !bson_iter_recurse(&it, &actions))
		return false;
	while (bson_iter_next(&actions)) {
		if (BSON_ITER_HOLDS_UTF8(&actions) && (strcmp(action,
		    bson_iter_utf8(&actions, NULL)) == 0 ||
		    strcmp("anyAction", bson_iter_utf8(&actions, NULL)) == 0))
			return true;
	}
	return false;
}

static bool
look_up(const bson_t *status, const char *db, const char *coll,
    const char *action)
{
	bson_iter_t it, users, privileges, list;

	if (!bson_iter_init(&it, status) || !bson_iter_find_descendant(&it,
	    "authInfo.authenticatedUsers", &users) ||
	    !bson_iter_recurse(&users, &list) || !bson_iter_next(&list))
		return true;
	if (!bson_iter_init(&it, status) || !bson_iter_find_descendant(&it,
	    "authInfo.authenticatedUserPrivileges", &privileges) ||
	    !bson_iter_recurse(&privileges, &list))
		return true;
	while (bson_iter_next(&list)) {
		if (covers(&list, db, coll) && allows(&list, action))
			return true;
	}
	return false;
}

struct mongo_rights {
	bson_t *status;		/* connectionStatus' reply */
};

struct mongo_rights *
mongo_rights_new(struct mongo_session *s, struct err *err)
{
	struct mongo_rights *r;
	bson_t cmd, reply;
	struct session_call call = {
		.db = "admin", .command = &cmd, .what = "connectionStatus",
	};
	bool ok;

	if ((r = calloc(1, sizeof(*r))) == NULL) {
		err_nomem(err, "rights");
		return NULL;
	}
	bson_init(&cmd);
	BSON_APPEND_INT32(&cmd, "connectionStatus", 1);
	BSON_APPEND_BOOL(&cmd, "showPrivileges", true);
	ok = session_run(s, &call, &reply, err);
	bson_destroy(&cmd);
	if (ok)
		r->status = bson_copy(&reply);
	bson_destroy(&reply);
	if (ok)
		return r;
	mongo_rights_free(r);
	return NULL;
}

void
mongo_rights_free(struct mongo_rights *r)
{

	if (r == NULL)
		return;
	bson_destroy(r->status);	/* NULL is allowed */
	free(r);
}

bool
mongo_rights_allow(const struct mongo_rights *r, const char *db,
    const char *coll, const char *action)
{

	return look_up(r->status, db, coll, action);
}

bool
mongo_rights_of_user(const struct mongo_rights *r)
{
	bson_iter_t it, users, list;

	return bson_iter_init(&it, r->status) && bson_iter_find_descendant(&it,
	    "authInfo.authenticatedUsers", &users) &&
	    bson_iter_recurse(&users, &list) && bson_iter_next(&list);
}

bool
mongo_may(struct mongo_session *s, const char *name, const char *action,
    bool *may, struct err *err)
{
	struct mongo_rights *r;
	struct session_ns ns;

	if (!session_split_ns(name, &ns, err) ||
	    (r = mongo_rights_new(s, err)) == NULL)
		return false;
	*may = mongo_rights_allow(r, ns.db, ns.coll, action);
	mongo_rights_free(r);
	return true;
}

bool
mongo_is_small_atlas(struct mongo_session *s, bool *is, struct err *err)
{
	bson_iter_t it;
	bson_t reply;
	bool ok;

	*is = false;
	ok = hello_admin(s, "serverStatus", &reply, err);
	if (ok)
		*is = bson_iter_init_find(&it, &reply, "atlasVersion");
	else if (!err_retryable(err->kind) && err->kind != ERR_CANCELLED) {
		err_clear(err);		/* a right that is missing */
		ok = true;
	}
	bson_destroy(&reply);
	return ok;
}
