#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "mongo/classify.h"
#include "mongo/find.h"
#include "mongo/inspect.h"
#include "mongo/raw.h"
#include "mongo/session.h"

bool
inspect_db_bytes(struct mongo_session *s, const char *db, uint64_t *bytes,
    struct err *err)
{
	static const char *const fields[] = { "dataSize", "indexSize" };
	bson_t cmd, reply;
	struct session_call call = {
		.db = db, .command = &cmd, .what = "dbStats",
	};
	bson_iter_t it;
	size_t i;
	bool ok;

	*bytes = 0;
	bson_init(&cmd);
	BSON_APPEND_INT32(&cmd, "dbStats", 1);
	ok = session_run(s, &call, &reply, err);
	for (i = 0; ok && i < sizeof(fields) / sizeof(fields[0]); i++) {
		if (bson_iter_init_find(&it, &reply, fields[i]) &&
		    BSON_ITER_HOLDS_NUMBER(&it))
			*bytes += (uint64_t)bson_iter_as_int64(&it);
	}
	bson_destroy(&reply);
	bson_destroy(&cmd);
	return ok;
}

bool
inspect_compatibility(struct mongo_session *s, char out[16], struct err *err)
{
	bson_t cmd, reply;
	struct session_call call = {
		.db = "admin", .command = &cmd, .what = "getParameter",
	};
	bson_iter_t it, version;
	bool ok;

	out[0] = '\0';
	bson_init(&cmd);
	BSON_APPEND_INT32(&cmd, "getParameter", 1);
	BSON_APPEND_INT32(&cmd, "featureCompatibilityVersion", 1);
	ok = session_once(s, &call, &reply, err);
	if (ok && bson_iter_init(&it, &reply) && bson_iter_find_descendant(&it,
	    "featureCompatibilityVersion.version", &version) &&
	    BSON_ITER_HOLDS_UTF8(&version))
		snprintf(out, 16, "%s", bson_iter_utf8(&version, NULL));
	else if (!ok && !err_retryable(err->kind)) {
		err_clear(err);		/* not for everybody, nor everywhere */
		ok = true;
	}
	bson_destroy(&reply);
	bson_destroy(&cmd);
	return ok;
}

bool
inspect_matches(struct mongo_session *s, const char *name,
    const struct rawdoc *filter, uint64_t max_ms, bool *any, struct err *err)
{
	struct find f = { .filter = filter, .ids_only = true, .limit = 1,
	    .max_ms = max_ms };
	struct rawdoc doc = { NULL, 0 };
	struct session_ns ns;
	bool ok;

	if (!session_split_ns(name, &ns, err))
		return false;
	ok = find_one(s, &ns, &f, &doc, any, err);
	raw_free(&doc);
	return ok;
}

static bool
has_field(const struct rawdoc *doc, const char *field)
{
	bson_iter_t it;
	bson_t b;

	return doc->data != NULL && raw_bson(doc->data, doc->len, &b) &&
	    bson_iter_init_find(&it, &b, field);
}

bool
inspect_has_option(const struct collection_info *info, const char *field)
{

	return has_field(&info->options, field);
}

bool
inspect_has_index_option(const struct collection_info *info,
    const char *field)
{
	size_t i;

	for (i = 0; i < info->n_indexes; i++) {
		if (has_field(&info->indexes[i].spec, field))
			return true;
	}
	return has_field(&info->id_index, field);
}

/* --- the try to write --- */

struct attempt {
	struct mongo_session *session;
	const char *db;
	char coll[INSPECT_NAME_SIZE];
};

/* Errors of a write's single documents come with ok: 1. */
static bool
check_written(const bson_t *reply, const char *what, struct err *err)
{
	bson_iter_t it, list, e;
	const char *message = "refused";
	int32_t code = 0;

	if (!bson_iter_init_find(&it, reply, "writeErrors") ||
	    !bson_iter_recurse(&it, &list) || !bson_iter_next(&list) ||
	    !bson_iter_recurse(&list, &e))
		return true;
	while (bson_iter_next(&e)) {
		if (strcmp(bson_iter_key(&e), "code") == 0)
			code = (int32_t)bson_iter_as_int64(&e);
		else if (strcmp(bson_iter_key(&e), "errmsg") == 0 &&
		    BSON_ITER_HOLDS_UTF8(&e))
			message = bson_iter_utf8(&e, NULL);
	}
	classify_server(code, message, err);
	return err_prefix(err, "%s", what);
}

static bool
send_command(const struct attempt *a, const bson_t *cmd, const char *what,
    struct err *err)
{
	struct session_call call = {
		.db = a->db, .command = cmd, .write = true, .what = what,
	};
	bson_t reply;
	bool ok;

	ok = session_once(a->session, &call, &reply, err) &&
	    check_written(&reply, what, err);
	bson_destroy(&reply);
	return ok;
}

static bool
simple(const struct attempt *a, const char *command, struct err *err)
{
	char what[INSPECT_NAME_SIZE * 2 + 16];
	bson_t cmd;
	bool ok;

	snprintf(what, sizeof(what), "%s %s.%s", command, a->db, a->coll);
	bson_init(&cmd);
	BSON_APPEND_UTF8(&cmd, command, a->coll);
	ok = send_command(a, &cmd, what, err);
	bson_destroy(&cmd);
	return ok;
}

static bool
insert(const struct attempt *a, struct err *err)
{
	bson_t cmd, list, doc;
	bool ok;

	bson_init(&cmd);
	BSON_APPEND_UTF8(&cmd, "insert", a->coll);
	BSON_APPEND_ARRAY_BEGIN(&cmd, "documents", &list);
	BSON_APPEND_DOCUMENT_BEGIN(&list, "0", &doc);
	BSON_APPEND_INT32(&doc, "_id", 1);
	bson_append_document_end(&list, &doc);
	bson_append_array_end(&cmd, &list);
	ok = send_command(a, &cmd, "insert", err);
	bson_destroy(&cmd);
	return ok;
}

static bool
take_out(const struct attempt *a, struct err *err)
{
	bson_t cmd, list, one, q;
	bool ok;

	bson_init(&cmd);
	BSON_APPEND_UTF8(&cmd, "delete", a->coll);
	BSON_APPEND_ARRAY_BEGIN(&cmd, "deletes", &list);
	BSON_APPEND_DOCUMENT_BEGIN(&list, "0", &one);
	BSON_APPEND_DOCUMENT_BEGIN(&one, "q", &q);
	bson_append_document_end(&one, &q);
	BSON_APPEND_INT32(&one, "limit", 0);
	bson_append_document_end(&list, &one);
	bson_append_array_end(&cmd, &list);
	ok = send_command(a, &cmd, "delete", err);
	bson_destroy(&cmd);
	return ok;
}

bool
inspect_write(struct mongo_session *s, const char *db,
    char left[INSPECT_NAME_SIZE], struct err *err)
{
	struct attempt a = { .session = s, .db = db };
	struct err late;
	uint64_t number;
	bool ok, dropped;

	left[0] = '\0';
	if (!hash_random(&number, sizeof(number)))
		return err_set(err, ERR_INTERNAL, "no random numbers");
	snprintf(a.coll, sizeof(a.coll), "spaceferry_doctor_%016llx",
	    (unsigned long long)number);
	ok = simple(&a, "create", err);
	/* Where the answer was lost it may be there all the same. */
	if (!ok && !err_retryable(err->kind))
		return false;
	ok = ok && insert(&a, err) && take_out(&a, err);
	dropped = simple(&a, "drop", &late) || simple(&a, "drop", &late) ||
	    late.code == CLASSIFY_NAMESPACE_NOT_FOUND;
	if (!dropped) {
		snprintf(left, INSPECT_NAME_SIZE, "%s", a.coll);
		if (ok && err != NULL)
			*err = late;
	}
	return ok && dropped;
}
