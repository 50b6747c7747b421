#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "mongo/classify.h"
#include "mongo/reach.h"
#include "mongo/session.h"
#include "mongo/uri.h"

#define OPTION_SIZE 256

struct reach {
	mongoc_uri_t *uri;
	struct reach_host *hosts;
	struct reach_facts facts;
};

static bool
is_one_of(const char *text, const char *const *words, size_t n)
{
	size_t i;

	for (i = 0; text != NULL && i < n; i++) {
		if (strcasecmp(text, words[i]) == 0)
			return true;
	}
	return false;
}

/* user:pass@…, as guides have it. */
static bool
is_example(const char *user, const char *password)
{
	static const char *const users[] = {
		"user", "username", "utilisateur", "myuser", "dbuser",
	}, *const passwords[] = {
		"pass", "password", "motdepasse", "mypassword", "secret",
		"changeme", "xxx", "db_password",
	};

	return is_one_of(user, users, sizeof(users) / sizeof(users[0])) &&
	    is_one_of(password, passwords, sizeof(passwords) /
	    sizeof(passwords[0]));
}

static bool
copy_hosts(struct reach *r, struct err *err)
{
	const mongoc_host_list_t *h, *list = mongoc_uri_get_hosts(r->uri);
	struct reach_host *to;
	size_t n = 0;

	for (h = list; h != NULL; h = h->next)
		n++;
	if ((r->hosts = calloc(n + 1, sizeof(*r->hosts))) == NULL)
		return err_nomem(err, "hosts");
	for (h = list; h != NULL; h = h->next) {
		to = &r->hosts[r->facts.n_hosts++];
		snprintf(to->name, sizeof(to->name), "%s", h->host);
		to->port = h->port;
		to->socket = strchr(h->host, '/') != NULL;
	}
	r->facts.hosts = r->hosts;
	return true;
}

static bool
has_option(const mongoc_uri_t *uri, const char *name)
{

	return mongoc_uri_has_option(uri, name);
}

static bool
has_source(const mongoc_uri_t *uri)
{
	const bson_t *c = mongoc_uri_get_credentials(uri);
	bson_iter_t it;

	return c != NULL && bson_iter_init_find_case(&it, c,
	    MONGOC_URI_AUTHSOURCE);
}

static void
take_tls(struct reach_facts *f, const mongoc_uri_t *uri)
{
	bool lax = mongoc_uri_get_option_as_bool(uri, MONGOC_URI_TLSINSECURE,
	    false);

	f->tls = mongoc_uri_get_tls(uri) || (f->srv != NULL &&
	    !has_option(uri, MONGOC_URI_TLS) &&
	    !has_option(uri, MONGOC_URI_SSL));
	f->ca_file = mongoc_uri_get_option_as_utf8(uri, MONGOC_URI_TLSCAFILE,
	    NULL);
	f->key_file = mongoc_uri_get_option_as_utf8(uri,
	    MONGOC_URI_TLSCERTIFICATEKEYFILE, NULL);
	f->key_password = mongoc_uri_get_option_as_utf8(uri,
	    MONGOC_URI_TLSCERTIFICATEKEYFILEPASSWORD, NULL);
	f->any_certificate = lax || mongoc_uri_get_option_as_bool(uri,
	    MONGOC_URI_TLSALLOWINVALIDCERTIFICATES, false);
	f->any_name = lax || mongoc_uri_get_option_as_bool(uri,
	    MONGOC_URI_TLSALLOWINVALIDHOSTNAMES, false);
}

static void
take_facts(struct reach *r)
{
	const mongoc_uri_t *uri = r->uri;
	struct reach_facts *f = &r->facts;

	f->srv = mongoc_uri_get_srv_hostname(uri);
	f->service = f->srv == NULL ? NULL :
	    mongoc_uri_get_srv_service_name(uri);
	f->db = mongoc_uri_get_database(uri);
	f->user = mongoc_uri_get_username(uri);
	f->source = f->user == NULL ? NULL : mongoc_uri_get_auth_source(uri);
	f->mechanism = mongoc_uri_get_auth_mechanism(uri);
	f->example = is_example(f->user, mongoc_uri_get_password(uri));
	f->set_name = mongoc_uri_get_replica_set(uri);
	f->discovers = !mongoc_uri_get_option_as_bool(uri,
	    MONGOC_URI_DIRECTCONNECTION, false) &&
	    (f->srv != NULL || f->set_name != NULL || f->n_hosts > 1);
	f->needs_primary = mongoc_read_prefs_get_mode(
	    mongoc_uri_get_read_prefs_t(uri)) == MONGOC_READ_PRIMARY;
	take_tls(f, uri);
}

struct reach *
reach_new(const char *uri, struct err *err)
{
	const struct mongo_options options = { .max_sessions = 1 };
	struct reach *r;

	if (!uri_check(uri, err))
		return NULL;
	if ((r = calloc(1, sizeof(*r))) == NULL) {
		err_nomem(err, "URI");
		return NULL;
	}
	if ((r->uri = uri_parse(uri, &options, err)) == NULL)
		goto fail;
	if (mongoc_uri_get_srv_hostname(r->uri) == NULL && !copy_hosts(r, err))
		goto fail;
	take_facts(r);
	return r;
fail:
	reach_free(r);
	return NULL;
}

void
reach_free(struct reach *r)
{

	if (r == NULL)
		return;
	if (r->uri != NULL)
		mongoc_uri_destroy(r->uri);
	free(r->hosts);
	free(r);
}

const struct reach_facts *
reach_facts(const struct reach *r)
{

	return &r->facts;
}

bool
reach_add_txt(struct reach *r, const char *txt, struct err *err)
{
	char name[OPTION_SIZE], value[OPTION_SIZE];
	size_t len;

	for (; *txt != '\0'; txt += len + (txt[len] == '&')) {
		len = strcspn(txt, "&");
		name[0] = value[0] = '\0';
		if (len >= OPTION_SIZE || sscanf(txt, "%255[^=&]=%255[^&]",
		    name, value) != 2)
			return err_set(err, ERR_URI, "the TXT record is none "
			    "of options");
		if (strcasecmp(name, "authSource") == 0) {
			if (r->facts.user != NULL && !has_source(r->uri))
				mongoc_uri_set_auth_source(r->uri, value);
		} else if (strcasecmp(name, "replicaSet") == 0) {
			if (!has_option(r->uri, MONGOC_URI_REPLICASET))
				mongoc_uri_set_option_as_utf8(r->uri,
				    MONGOC_URI_REPLICASET, value);
		} else if (strcasecmp(name, "loadBalanced") != 0)
			return err_set(err, ERR_URI, "the TXT record has an "
			    "option that may not be there: %s", name);
	}
	take_facts(r);
	return true;
}

/* --- one host --- */

void
reach_hello_free(struct reach_hello *h)
{

	strings_free(&h->members);
}

static void
copy_tls(const struct reach *r, bool tls, mongoc_uri_t *to)
{
	static const char *const names[] = {
		MONGOC_URI_TLSCAFILE, MONGOC_URI_TLSCERTIFICATEKEYFILE,
		MONGOC_URI_TLSCERTIFICATEKEYFILEPASSWORD,
	}, *const flags[] = {
		MONGOC_URI_TLSINSECURE, MONGOC_URI_TLSALLOWINVALIDCERTIFICATES,
		MONGOC_URI_TLSALLOWINVALIDHOSTNAMES,
		MONGOC_URI_TLSDISABLECERTIFICATEREVOCATIONCHECK,
		MONGOC_URI_TLSDISABLEOCSPENDPOINTCHECK,
	};
	size_t i;

	mongoc_uri_set_option_as_bool(to, MONGOC_URI_TLS, tls);
	for (i = 0; tls && i < sizeof(names) / sizeof(names[0]); i++) {
		const char *value = mongoc_uri_get_option_as_utf8(r->uri,
		    names[i], NULL);

		if (value != NULL)
			mongoc_uri_set_option_as_utf8(to, names[i], value);
	}
	for (i = 0; tls && i < sizeof(flags) / sizeof(flags[0]); i++) {
		if (has_option(r->uri, flags[i]))
			mongoc_uri_set_option_as_bool(to, flags[i],
			    mongoc_uri_get_option_as_bool(r->uri, flags[i],
			    false));
	}
}

static void
set_timeouts(mongoc_uri_t *uri, unsigned ms)
{

	mongoc_uri_set_option_as_int32(uri, MONGOC_URI_CONNECTTIMEOUTMS,
	    (int32_t)ms);
	mongoc_uri_set_option_as_int32(uri, MONGOC_URI_SOCKETTIMEOUTMS,
	    (int32_t)ms);
	mongoc_uri_set_option_as_int32(uri, MONGOC_URI_SERVERSELECTIONTIMEOUTMS,
	    (int32_t)ms);
	mongoc_uri_set_option_as_bool(uri, MONGOC_URI_SERVERSELECTIONTRYONCE,
	    true);
}

/* A path's '/' is escaped in a URI. */
static mongoc_uri_t *
host_uri(const struct reach_host *host)
{
	char text[3 * REACH_NAME_SIZE + 64], *p = text;
	const char *c;

	p += snprintf(text, 16, "mongodb://");
	if (!host->socket) {
		bool v6 = strchr(host->name, ':') != NULL;

		snprintf(p, sizeof(text) - 16, "%s%s%s:%u/", v6 ? "[" : "",
		    host->name, v6 ? "]" : "", host->port);
		return mongoc_uri_new(text);
	}
	for (c = host->name; *c != '\0'; c++)
		p += snprintf(p, 4, isalnum((unsigned char)*c) ? "%c" :
		    "%%%02X", (unsigned char)*c);
	snprintf(p, 2, "/");
	return mongoc_uri_new(text);
}

static bool
run(mongoc_uri_t *uri, const char *command, bson_t *reply, struct err *err)
{
	mongoc_client_t *client;
	bson_error_t e;
	bson_t cmd;
	bool ok;

	memset(&e, 0, sizeof(e));
	bson_init(reply);
	client = mongoc_client_new_from_uri_with_error(uri, &e);
	if (client == NULL)
		return classify_error(&e, NULL, err);
	mongoc_client_set_error_api(client, MONGOC_ERROR_API_VERSION_2);
	bson_init(&cmd);
	BSON_APPEND_INT32(&cmd, command, 1);
	bson_destroy(reply);
	ok = mongoc_client_command_simple(client, "admin", &cmd,
	    mongoc_uri_get_read_prefs_t(uri), reply, &e);
	bson_destroy(&cmd);
	mongoc_client_destroy(client);
	return ok || classify_error(&e, reply, err);
}

static void
take_text(const bson_t *reply, const char *field, char out[REACH_NAME_SIZE])
{
	bson_iter_t it;

	if (bson_iter_init_find(&it, reply, field) && BSON_ITER_HOLDS_UTF8(&it))
		snprintf(out, REACH_NAME_SIZE, "%s", bson_iter_utf8(&it, NULL));
}

static bool
take_members(const bson_t *reply, const char *field, struct strings *members)
{
	bson_iter_t it, list;

	if (!bson_iter_init_find(&it, reply, field) ||
	    !bson_iter_recurse(&it, &list))
		return true;
	while (bson_iter_next(&list)) {
		if (BSON_ITER_HOLDS_UTF8(&list) &&
		    !strings_add(members, bson_iter_utf8(&list, NULL)))
			return false;
	}
	return true;
}

static bool
take_hello(const bson_t *reply, struct reach_hello *h, int64_t our_ms,
    struct err *err)
{
	bson_iter_t it;

	take_text(reply, "setName", h->set_name);
	take_text(reply, "primary", h->primary);
	take_text(reply, "me", h->me);
	h->is_mongos = bson_iter_init_find(&it, reply, "msg");
	h->writable = (bson_iter_init_find(&it, reply, "isWritablePrimary") ||
	    bson_iter_init_find(&it, reply, "ismaster")) &&
	    bson_iter_as_bool(&it);
	if (bson_iter_init_find(&it, reply, "localTime") &&
	    BSON_ITER_HOLDS_DATE_TIME(&it)) {
		h->has_clock = true;
		h->ahead_ms = bson_iter_date_time(&it) - our_ms;
	}
	return (take_members(reply, "hosts", &h->members) &&
	    take_members(reply, "passives", &h->members)) ||
	    err_nomem(err, "members");
}

static int64_t
wall_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

bool
reach_hello(const struct reach *r, const struct reach_host *host, bool tls,
    unsigned timeout_ms, struct reach_hello *h, struct err *err)
{
	mongoc_uri_t *uri;
	bson_t reply;
	bool ok;

	memset(h, 0, sizeof(*h));
	if ((uri = host_uri(host)) == NULL)
		return err_set(err, ERR_URI, "%s: no host", host->name);
	mongoc_uri_set_appname(uri, "spaceferry");
	mongoc_uri_set_option_as_bool(uri, MONGOC_URI_DIRECTCONNECTION, true);
	copy_tls(r, tls, uri);
	set_timeouts(uri, timeout_ms);
	ok = run(uri, "hello", &reply, err);
	if (!ok && err->code == CLASSIFY_COMMAND_NOT_FOUND) {
		bson_destroy(&reply);
		ok = run(uri, "isMaster", &reply, err);
	}
	ok = ok && take_hello(&reply, h, wall_ms(), err);
	if (!ok)
		reach_hello_free(h);
	bson_destroy(&reply);
	mongoc_uri_destroy(uri);
	return ok;
}

bool
reach_signs_in(const struct reach *r, const struct reach_trial *t,
    struct err *err)
{
	mongoc_uri_t *uri = mongoc_uri_copy(r->uri);
	bson_t reply;
	bool ok;

	if (t->source != NULL)
		mongoc_uri_set_auth_source(uri, t->source);
	if (t->mechanism != NULL)
		mongoc_uri_set_auth_mechanism(uri, t->mechanism);
	set_timeouts(uri, t->timeout_ms);
	ok = run(uri, "ping", &reply, err);
	bson_destroy(&reply);
	mongoc_uri_destroy(uri);
	return ok;
}
