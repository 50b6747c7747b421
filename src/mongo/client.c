#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cancel.h"
#include "base/log.h"
#include "base/retry.h"
#include "mongo/hangup.h"
#include "mongo/hello.h"
#include "mongo/session.h"
#include "mongo/uri.h"

/* A host that cannot be reached at the start is told of sooner than one that
 * goes away in the middle: the patience is for the latter. */
#define GREETING_MS 10000
#define NAME_SIZE 2048

/* libmongoc prints DEBUG and INFO to stdout if it is let.  Lines that might
 * quote a connection string are dropped. */
static void
on_log(mongoc_log_level_t level, const char *domain, const char *message,
    void *arg)
{

	(void)level;
	(void)arg;
	if (strchr(message, '@') == NULL)
		log_debug("libmongoc: %s: %s", domain, message);
}

void
mongo_global_init(void)
{

	mongoc_log_set_handler(on_log, NULL);
	mongoc_init();
}

void
mongo_global_cleanup(void)
{

	mongoc_cleanup();
}

bool
mongo_is_uri(const char *text)
{

	return strncmp(text, "mongodb://", 10) == 0 ||
	    strncmp(text, "mongodb+srv://", 14) == 0;
}

void
mongo_redact(const char *uri, char *out, size_t out_size)
{

	uri_redact(uri, out, out_size);
}

static bool
set_names(struct mongo_server *s, const char *uri, struct err *err)
{
	const char *db = mongoc_uri_get_database(s->uri);
	char name[NAME_SIZE];

	uri_redact(uri, name, sizeof(name));
	s->name = strdup(name);
	s->hosts = uri_hosts(s->uri);
	if (db != NULL && *db != '\0')
		s->default_db = strdup(db);
	if (s->name == NULL || s->hosts == NULL ||
	    (db != NULL && *db != '\0' && s->default_db == NULL))
		return err_nomem(err, "server");
	return true;
}

static mongoc_client_pool_t *
make_pool(struct mongo_server *s, struct err *err)
{
	struct mongo_session no_session = { .server = s };
	mongoc_client_pool_t *pool;
	bson_error_t e;

	memset(&e, 0, sizeof(e));
	if ((pool = mongoc_client_pool_new_with_error(s->uri, &e)) == NULL) {
		session_error(&no_session, "connect", &e, NULL, err);
		return NULL;
	}
	mongoc_client_pool_set_error_api(pool, MONGOC_ERROR_API_VERSION_2);
	return pool;
}

/* The first contact is made without the pool: a client of its own says at
 * once, and more exactly, why a host cannot be reached.  It says so once, so
 * each attempt has a new one. */
static bool
greet_once(struct mongo_server *s, struct err *err)
{
	struct mongo_session first = { .server = s };

	if ((first.client = session_dial(s, true, err)) == NULL)
		return false;
	s->opened = hello_learn(&first, err) &&
	    (s->hangup = hangup_new(first.client, err)) != NULL;
	mongoc_client_destroy(first.client);
	return s->opened;
}

static bool
greet(struct mongo_server *s, struct err *err)
{
	struct retry retry;

	retry_init(&retry, s->patience_ms < GREETING_MS ? s->patience_ms :
	    GREETING_MS);
	while (!greet_once(s, err)) {
		if (!retry_wait(&retry, "connect", 0, err))
			return false;
	}
	retry_reset(&retry);
	return true;
}

/* The journal's key: it must not change while a migration is under way. */
static bool
set_identity(struct mongo_server *s, struct err *err)
{
	const char *set = s->set_name != NULL ? s->set_name : "";
	size_t size = strlen(s->hosts) + strlen(set) + 2;

	if ((s->identity = malloc(size)) == NULL)
		return err_nomem(err, "server");
	snprintf(s->identity, size, "%s/%s", s->hosts, set);
	return true;
}

struct mongo_server *
mongo_open(const char *uri, const struct mongo_options *options,
    struct err *err)
{
	struct mongo_server *s;

	if (!uri_check(uri, err))
		return NULL;
	if ((s = calloc(1, sizeof(*s))) == NULL) {
		err_nomem(err, "server");
		return NULL;
	}
	s->patience_ms = options->patience_ms;
	atomic_init(&s->no_bypass, false);
	if ((s->uri = uri_parse(uri, options, err)) == NULL ||
	    !set_names(s, uri, err) ||
	    !greet(s, err) || !set_identity(s, err) ||
	    (s->pool = make_pool(s, err)) == NULL) {
		mongo_close(s);
		return NULL;
	}
	return s;
}

void
mongo_close(struct mongo_server *s)
{

	if (s == NULL)
		return;
	if (s->pool != NULL)
		mongoc_client_pool_destroy(s->pool);
	hangup_free(s->hangup);
	if (s->uri != NULL)
		mongoc_uri_destroy(s->uri);
	strings_free(&s->members);
	free(s->name);
	free(s->hosts);
	free(s->identity);
	free(s->default_db);
	free(s->version);
	free(s->set_name);
	free(s->me);
	free(s);
}

const char *
mongo_name(const struct mongo_server *s)
{

	return s->name;
}

const char *
mongo_default_db(const struct mongo_server *s)
{

	return s->default_db;
}

const char *
mongo_identity(const struct mongo_server *s)
{

	return s->identity;
}

const struct mongo_facts *
mongo_facts(const struct mongo_server *s)
{

	return &s->facts;
}

static bool
members_in_common(const struct mongo_server *a, const struct mongo_server *b)
{
	size_t i, j;

	for (i = 0; i < a->members.n; i++) {
		for (j = 0; j < b->members.n; j++) {
			if (strcasecmp(a->members.v[i], b->members.v[j]) == 0)
				return true;
		}
	}
	return false;
}

bool
mongo_same(const struct mongo_server *a, const struct mongo_server *b)
{
	bool processes = a->has_process && b->has_process;
	bool same_process = processes && bson_oid_equal(&a->process, &b->process);

	if (same_process)
		return true;
	if (a->set_name == NULL || b->set_name == NULL)
		return !processes && strcmp(a->identity, b->identity) == 0;
	if (strcmp(a->set_name, b->set_name) != 0 || !members_in_common(a, b))
		return false;
	/* Two sets may use the same names, each behind its own tunnel: one
	 * name with two processes tells them apart. */
	return !(processes && a->me != NULL && b->me != NULL &&
	    strcasecmp(a->me, b->me) == 0);
}

struct mongo_session *
mongo_session_new(struct mongo_server *s, struct err *err)
{
	struct mongo_session *session;

	if ((session = calloc(1, sizeof(*session))) == NULL) {
		err_nomem(err, "session");
		return NULL;
	}
	session->server = s;
	while ((session->client = mongoc_client_pool_try_pop(s->pool)) == NULL) {
		if (!cancel_sleep(20)) {
			cancel_err(err);
			free(session);
			return NULL;
		}
	}
	return session;
}

void
mongo_session_free(struct mongo_session *session)
{

	if (session == NULL)
		return;
	mongoc_client_pool_push(session->server->pool, session->client);
	free(session);
}

bool
mongo_cluster_time(struct mongo_session *s, struct mongo_time *t,
    struct err *err)
{
	struct retry retry;
	bson_iter_t it;
	bson_t reply;

	retry_init(&retry, s->server->patience_ms);
	while (!hello_say(s, &reply, err)) {
		bson_destroy(&reply);
		if (!retry_wait(&retry, "hello", 0, err))
			return false;
	}
	retry_reset(&retry);
	if (bson_iter_init_find(&it, &reply, "operationTime") &&
	    BSON_ITER_HOLDS_TIMESTAMP(&it)) {
		bson_iter_timestamp(&it, &t->seconds, &t->increment);
		bson_destroy(&reply);
		return true;
	}
	bson_destroy(&reply);
	err_set(err, ERR_UNSUPPORTED, "%s: a standalone server has no cluster "
	    "time", s->server->hosts);
	return err_hint(err, "reads at one time need a replica set (one member "
	    "is enough)");
}

bool
mongo_write_counter(struct mongo_session *s, uint64_t *writes,
    struct err *err)
{
	static const char *const names[] = {
		"opcounters.insert", "opcounters.update", "opcounters.delete",
		"opcountersRepl.insert", "opcountersRepl.update",
		"opcountersRepl.delete",
	};
	bson_iter_t it, counter;
	bson_t reply;
	size_t i;
	bool ok;

	ok = hello_admin(s, "serverStatus", &reply, err);
	for (*writes = 0, i = 0; ok && i < sizeof(names) / sizeof(names[0]);
	    i++) {
		if (bson_iter_init(&it, &reply) &&
		    bson_iter_find_descendant(&it, names[i], &counter) &&
		    BSON_ITER_HOLDS_NUMBER(&counter))
			*writes += (uint64_t)bson_iter_as_int64(&counter);
		else
			ok = err_set(err, ERR_UNSUPPORTED, "%s: serverStatus "
			    "tells no opcounters", s->server->hosts);
	}
	bson_destroy(&reply);
	return ok;
}
