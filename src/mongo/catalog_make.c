#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/retry.h"
#include "mongo/catalog_same.h"
#include "mongo/classify.h"
#include "mongo/raw.h"
#include "mongo/session.h"

#define LISTED_MAX ((size_t)64 * 1024 * 1024)

/* The create command as the target gets it. */
static void
build_create(const struct catalog_create *c, const char *coll, bson_t *cmd)
{
	bson_iter_t it;
	const char *name;
	bson_t options;

	BSON_APPEND_UTF8(cmd, "create", coll);
	if (!raw_bson(c->info->options.data, c->info->options.len, &options) ||
	    !bson_iter_init(&it, &options))
		return;
	while (bson_iter_next(&it)) {
		name = bson_iter_key(&it);
		if (catalog_same_ignored(name, false))
			continue;
		if (c->later_expiry && strcmp(name, "expireAfterSeconds") == 0)
			continue;
		if (strcmp(name, "viewOn") == 0 && c->view_on != NULL)
			BSON_APPEND_UTF8(cmd, name, c->view_on);
		else
			bson_append_iter(cmd, NULL, 0, &it);
	}
}

static void
count_difference(void *arg, const char *name, const bson_iter_t *a,
    const bson_iter_t *b)
{
	unsigned *n = arg;

	(void)a;
	(void)b;
	/* Set later, or set already by a run that was interrupted. */
	if (strcmp(name, "expireAfterSeconds") != 0 &&
	    strcmp(name, "create") != 0)
		(*n)++;
}

/* Lists the one collection; *found false when there is none. */
static bool
list_one(struct mongo_session *s, const struct session_ns *ns,
    struct buf *listed, bool *found, struct err *err)
{
	bson_t cmd, filter;
	struct session_call call = {
		.db = ns->db, .command = &cmd, .what = "list the collection",
	};
	bool ok;

	bson_init(&cmd);
	BSON_APPEND_INT32(&cmd, "listCollections", 1);
	bson_append_document_begin(&cmd, "filter", -1, &filter);
	BSON_APPEND_UTF8(&filter, "name", ns->coll);
	bson_append_document_end(&cmd, &filter);
	ok = session_collect(s, &call, listed, err);
	bson_destroy(&cmd);
	*found = ok && listed->len > 0;
	return ok;
}

/* What is there counts as made if it has the options that were asked for. */
static bool
exists_alike(struct mongo_session *s, const struct session_ns *ns,
    const bson_t *create, const struct err *why, struct err *err)
{
	unsigned differences = 0;
	struct buf listed;
	bson_t doc, options;
	bson_iter_t it;
	const uint8_t *data;
	uint32_t len;
	size_t at = 0;
	bool found, ok;

	buf_init(&listed, LISTED_MAX);
	ok = list_one(s, ns, &listed, &found, err);
	if (ok && (!found || !session_next_doc(&listed, &at, &doc) ||
	    !bson_iter_init_find(&it, &doc, "options") ||
	    !BSON_ITER_HOLDS_DOCUMENT(&it))) {
		*err = *why;
		ok = false;
	}
	if (ok) {
		bson_iter_document(&it, &len, &data);
		if (raw_bson(data, len, &options))
			catalog_same_each(create, &options, false,
			    count_difference, &differences);
		if (differences > 0) {
			*err = *why;
			ok = err_hint(err, "it is there with other options: "
			    "--drop, or rename it");
		}
	}
	buf_free(&listed);
	return ok;
}

/* Without these it would be another collection. */
static bool
is_essential(const char *option)
{
	static const char *const names[] = {
		"create", "capped", "size", "max", "collation", "viewOn",
		"pipeline", "timeseries", "clusteredIndex", "encryptedFields",
		NULL
	};
	size_t i;

	for (i = 0; names[i] != NULL; i++) {
		if (strcmp(option, names[i]) == 0)
			return true;
	}
	return false;
}

static bool
is_bucketing(const char *field)
{

	return strcmp(field, "bucketMaxSpanSeconds") == 0 ||
	    strcmp(field, "bucketRoundingSeconds") == 0;
}

/* True when the text has the name as a word of its own. */
static bool
has_word(const char *text, const char *name)
{
	static const char in_words[] = "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
	size_t len = strlen(name);
	const char *at = text;

	while ((at = strstr(at, name)) != NULL) {
		if ((at == text || strchr(in_words, at[-1]) == NULL) &&
		    (at[len] == '\0' || strchr(in_words, at[len]) == NULL))
			return true;
		at += len;
	}
	return false;
}

/* Whether a refusal of the whole command may be about this option: it is named
 * in it, or (any) none is and it is one that a collection can do without. */
static bool
is_blamed(const char *option, const char *why, bool any)
{

	if (is_essential(option))
		return false;
	return any ? !catalog_same_matters(option) : has_word(why, option);
}

/* Appends the option timeseries without how it is bucketed, which changes what
 * reads cost and not what they find. */
static void
append_unbucketed(bson_t *out, const bson_iter_t *option)
{
	bson_iter_t it;
	bson_t fields;

	BSON_APPEND_DOCUMENT_BEGIN(out, "timeseries", &fields);
	if (bson_iter_recurse(option, &it)) {
		while (bson_iter_next(&it)) {
			if (!is_bucketing(bson_iter_key(&it)))
				bson_append_iter(&fields, NULL, 0, &it);
		}
	}
	bson_append_document_end(out, &fields);
}

/* Whether a refusal is about numbers that this command has in timeseries. */
static bool
blames_bucketing(const bson_iter_t *option, const char *why)
{
	bson_iter_t it;

	if (strcmp(bson_iter_key(option), "timeseries") != 0 ||
	    !bson_iter_recurse(option, &it))
		return false;
	while (bson_iter_next(&it)) {
		if (is_bucketing(bson_iter_key(&it)))
			return has_word(why, "bucketMaxSpanSeconds") ||
			    has_word(why, "bucketRoundingSeconds");
	}
	return false;
}

/* Takes out of *cmd what the refusal is about.  False when that is nothing
 * that it could do without. */
static bool
relax(bson_t *cmd, const char *ns, const char *why)
{
	bool taken = false, bucketed;
	bson_iter_t it;
	bson_t out;
	int any;

	for (any = 0; any < 2 && !taken; any++) {
		bson_init(&out);
		if (bson_iter_init(&it, cmd)) {
			while (bson_iter_next(&it)) {
				bucketed = blames_bucketing(&it, why);
				if (bucketed)
					append_unbucketed(&out, &it);
				else if (!is_blamed(bson_iter_key(&it), why,
				    any != 0)) {
					bson_append_iter(&out, NULL, 0, &it);
					continue;
				}
				taken = true;
				log_warning("%s is made without %s, which the "
				    "target refuses: %s", ns, bucketed ?
				    "its bucketing" : bson_iter_key(&it), why);
			}
		}
		if (taken) {
			bson_destroy(cmd);
			bson_copy_to(&out, cmd);
		}
		bson_destroy(&out);
	}
	return taken;
}

/* Whether an error may be about an option at all. */
static bool
may_be_an_option(const struct err *err)
{

	switch (err->kind) {
	case ERR_AUTH:
	case ERR_CANCELLED:
	case ERR_DENIED:
	case ERR_NOMEM:
	case ERR_QUOTA:
		return false;
	default:
		return err->code != CLASSIFY_NAMESPACE_EXISTS &&
		    !err_retryable(err->kind);
	}
}

bool
catalog_create(struct mongo_session *s, const struct catalog_create *c,
    struct err *err)
{
	char what[SESSION_NS_SIZE];
	struct session_ns ns;
	bson_t cmd, reply;
	struct session_call call = {
		.command = &cmd, .write = true, .what = what,
	};
	struct err why;
	bool ok;

	if (!session_split_ns(c->ns, &ns, err))
		return false;
	snprintf(what, sizeof(what), "create %s", c->ns);
	call.db = ns.db;
	bson_init(&cmd);
	build_create(c, ns.coll, &cmd);
	while (!(ok = session_run(s, &call, &reply, err)) &&
	    may_be_an_option(err) && relax(&cmd, c->ns, err->message)) {
		bson_destroy(&reply);
		err_clear(err);
	}
	if (!ok && err->code == CLASSIFY_NAMESPACE_EXISTS) {
		why = *err;
		err_clear(err);
		ok = exists_alike(s, &ns, &cmd, &why, err);
	} else if (!ok && may_be_an_option(err) && *err->hint == '\0')
		err_hint(err, "--exclude leaves it out");
	bson_destroy(&reply);
	bson_destroy(&cmd);
	return ok;
}

bool
catalog_set_expiry(struct mongo_session *s, const char *name,
    const struct collection_info *info, struct err *err)
{
	char what[SESSION_NS_SIZE];
	struct session_ns ns;
	bson_t cmd, reply, options;
	struct session_call call = {
		.command = &cmd, .write = true, .what = what,
	};
	bson_iter_t it;
	bool ok;

	if (!raw_bson(info->options.data, info->options.len, &options) ||
	    !bson_iter_init_find(&it, &options, "expireAfterSeconds"))
		return true;
	if (!session_split_ns(name, &ns, err))
		return false;
	snprintf(what, sizeof(what), "set expireAfterSeconds of %s", name);
	call.db = ns.db;
	bson_init(&cmd);
	BSON_APPEND_UTF8(&cmd, "collMod", ns.coll);
	bson_append_iter(&cmd, NULL, 0, &it);
	ok = session_run(s, &call, &reply, err);
	bson_destroy(&reply);
	bson_destroy(&cmd);
	return ok;
}

/* As good as a drop where the server refuses one. */
static void
build_delete_all(const char *coll, bson_t *cmd)
{
	bson_t deletes, one, q;

	BSON_APPEND_UTF8(cmd, "delete", coll);
	BSON_APPEND_ARRAY_BEGIN(cmd, "deletes", &deletes);
	BSON_APPEND_DOCUMENT_BEGIN(&deletes, "0", &one);
	BSON_APPEND_DOCUMENT_BEGIN(&one, "q", &q);
	bson_append_document_end(&one, &q);
	BSON_APPEND_INT32(&one, "limit", 0);
	bson_append_document_end(&deletes, &one);
	bson_append_array_end(cmd, &deletes);
}

bool
catalog_drop(struct mongo_session *s, const char *name, struct err *err)
{
	char what[SESSION_NS_SIZE];
	struct session_ns ns;
	bson_t cmd, reply;
	struct session_call call = {
		.command = &cmd, .write = true, .what = what,
	};
	bool ok;

	if (!session_split_ns(name, &ns, err))
		return false;
	snprintf(what, sizeof(what), "drop %s", name);
	call.db = ns.db;
	bson_init(&cmd);
	if (strcmp(ns.coll, "system.js") == 0)
		build_delete_all(ns.coll, &cmd);
	else
		BSON_APPEND_UTF8(&cmd, "drop", ns.coll);
	ok = session_run(s, &call, &reply, err);
	if (!ok && err->code == CLASSIFY_NAMESPACE_NOT_FOUND) {
		err_clear(err);
		ok = true;
	}
	bson_destroy(&reply);
	bson_destroy(&cmd);
	return ok;
}

bool
catalog_drop_database(struct mongo_session *s, const char *db, struct err *err)
{
	char what[SESSION_NS_SIZE];
	bson_t cmd, reply;
	struct session_call call = {
		.db = db, .command = &cmd, .write = true, .what = what,
	};
	bool ok;

	snprintf(what, sizeof(what), "drop database %s", db);
	bson_init(&cmd);
	BSON_APPEND_INT32(&cmd, "dropDatabase", 1);
	ok = session_run(s, &call, &reply, err);
	bson_destroy(&reply);
	bson_destroy(&cmd);
	return ok;
}
