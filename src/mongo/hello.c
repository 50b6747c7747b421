#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mongo/classify.h"
#include "mongo/hello.h"

/* Copies a string field of a reply; absent is NULL. */
static bool
take_string(const bson_t *reply, const char *field, char **out)
{
	bson_iter_t it;

	free(*out);
	*out = NULL;
	if (!bson_iter_init_find(&it, reply, field) || !BSON_ITER_HOLDS_UTF8(&it))
		return true;
	return (*out = strdup(bson_iter_utf8(&it, NULL))) != NULL;
}

static int64_t
number(const bson_t *reply, const char *field, int64_t otherwise)
{
	bson_iter_t it;

	return bson_iter_init_find(&it, reply, field) &&
	    BSON_ITER_HOLDS_NUMBER(&it) ? bson_iter_as_int64(&it) : otherwise;
}

static bool
take_members(struct mongo_server *s, const bson_t *hello)
{
	bson_iter_t it, hosts;

	strings_free(&s->members);
	if (!bson_iter_init_find(&it, hello, "hosts") ||
	    !bson_iter_recurse(&it, &hosts))
		return true;
	while (bson_iter_next(&hosts)) {
		if (BSON_ITER_HOLDS_UTF8(&hosts) &&
		    !strings_add(&s->members, bson_iter_utf8(&hosts, NULL)))
			return false;
	}
	return true;
}

/* "6.0.5" is 60005; what follows a third number is left out. */
static int
version_number(const char *version)
{
	int part[3] = { 0, 0, 0 };

	if (sscanf(version, "%3d.%3d.%3d", &part[0], &part[1], &part[2]) < 2)
		return 0;
	return part[0] * 10000 + part[1] * 100 + part[2];
}

static bool
take_hello(struct mongo_server *s, const bson_t *hello, struct err *err)
{
	bson_iter_t it, process;
	struct mongo_facts *f = &s->facts;

	if (!take_string(hello, "setName", &s->set_name) ||
	    !take_string(hello, "me", &s->me) || !take_members(s, hello))
		return err_nomem(err, "server");
	f->set_name = s->set_name;
	f->is_mongos = bson_iter_init_find(&it, hello, "msg") &&
	    BSON_ITER_HOLDS_UTF8(&it) &&
	    strcmp(bson_iter_utf8(&it, NULL), "isdbgrid") == 0;
	f->is_writable = (bson_iter_init_find(&it, hello, "isWritablePrimary") ||
	    bson_iter_init_find(&it, hello, "ismaster")) &&
	    bson_iter_as_bool(&it);
	f->max_document = (size_t)number(hello, "maxBsonObjectSize", 16777216);
	f->max_message = (size_t)number(hello, "maxMessageSizeBytes", 48000000);
	f->max_batch = (size_t)number(hello, "maxWriteBatchSize", 1000);
	if (bson_iter_init(&it, hello) && bson_iter_find_descendant(&it,
	    "topologyVersion.processId", &process) &&
	    BSON_ITER_HOLDS_OID(&process)) {
		bson_oid_copy(bson_iter_oid(&process), &s->process);
		s->has_process = true;
	}
	return true;
}

bool
hello_admin(struct mongo_session *s, const char *command, bson_t *reply,
    struct err *err)
{
	bson_t cmd;
	struct session_call call = {
		.db = "admin", .command = &cmd, .what = command,
	};
	bool ok;

	bson_init(&cmd);
	BSON_APPEND_INT32(&cmd, command, 1);
	ok = session_once(s, &call, reply, err);
	bson_destroy(&cmd);
	return ok;
}

bool
hello_say(struct mongo_session *s, bson_t *reply, struct err *err)
{

	if (hello_admin(s, "hello", reply, err))
		return true;
	if (err->code != CLASSIFY_COMMAND_NOT_FOUND)
		return false;
	bson_destroy(reply);
	return hello_admin(s, "isMaster", reply, err);
}

bool
hello_learn(struct mongo_session *s, struct err *err)
{
	struct mongo_server *server = s->server;
	bson_t reply;
	bool ok;

	ok = hello_say(s, &reply, err) && take_hello(server, &reply, err);
	bson_destroy(&reply);
	if (!ok)
		return false;
	ok = hello_admin(s, "buildInfo", &reply, err) &&
	    (take_string(&reply, "version", &server->version) ||
	    err_nomem(err, "server"));
	bson_destroy(&reply);
	if (!ok)
		return false;
	server->facts.version = server->version != NULL ? server->version : "0";
	server->facts.version_number = version_number(server->facts.version);
	return true;
}
