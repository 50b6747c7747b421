/*
 * Inside mongo/: what a server and a session are made of, and the ways in
 * which everything else here sends commands.
 *
 * A session belongs to one thread; the server may be read by all.
 */
#ifndef MONGO_SESSION_H
#define MONGO_SESSION_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <mongoc/mongoc.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/glob.h"
#include "mongo/client.h"

struct hangup;

#define SESSION_NS_SIZE 512	/* any namespace and what is put before it */

struct mongo_server {
	mongoc_uri_t *uri;
	mongoc_client_pool_t *pool;
	char *name;		/* the URI, redacted */
	char *hosts;		/* uri_hosts(): for messages too */
	char *identity;
	char *default_db;	/* NULL if the URI names none */
	char *version;
	char *set_name;		/* NULL if none */
	char *me;		/* this member's own name; NULL if none */
	struct strings members;	/* the set's hosts, as hello lists them */
	struct mongo_facts facts;
	bson_oid_t process;	/* hello.topologyVersion.processId */
	bool has_process;
	uint64_t patience_ms;
	bool opened;		/* its names did resolve once */
	struct hangup *hangup;
	atomic_bool no_bypass;	/* bypassDocumentValidation was refused */
};

struct mongo_session {
	struct mongo_server *server;
	mongoc_client_t *client;
};

/* A namespace, taken apart: a database's name has no dot. */
struct session_ns {
	char db[64];
	const char *coll;	/* inside the text that was given */
};

/* False with ERR_INTERNAL when ns is not "db.collection". */
bool session_split_ns(const char *ns, struct session_ns *out, struct err *err);

/* One command.  what says what it is for ("create app.users"): messages are
 * "HOSTS: what: reason". */
struct session_call {
	const char *db;
	const bson_t *command;
	const bson_t *opts;	/* sessionId, serverId; may be NULL */
	bool write;		/* goes to the primary, with the write concern */
	const char *what;
};

/* A connection of its own, outside the pool.  brief: gives up at the first try
 * to find a server; else never for being slow (no socket timeout).  NULL with
 * *err: mongoc_client_destroy() ends it. */
mongoc_client_t *session_dial(struct mongo_server *s, bool brief,
    struct err *err);

/* Runs it once.  *reply is initialised whatever happens; the caller destroys
 * it.  False with *err. */
bool session_once(struct mongo_session *s, const struct session_call *c,
    bson_t *reply, struct err *err);

/* The same, tried again within the server's patience: for commands that may
 * be repeated. */
bool session_run(struct mongo_session *s, const struct session_call *c,
    bson_t *reply, struct err *err);

/* Takes a reply with a cursor apart: its id (0: no more) and its batch, over
 * which the caller iterates while reply lives.  False when it is none. */
bool session_batch(const bson_t *reply, int64_t *id, bson_iter_t *docs);

/* Runs a command that answers with a cursor and appends all its documents to
 * out, one behind the other; tried again as a whole. */
bool session_collect(struct mongo_session *s, const struct session_call *c,
    struct buf *out, struct err *err);

/* Walks documents that lie one behind the other: *at starts at 0.  False at
 * the end. */
bool session_next_doc(const struct buf *docs, size_t *at, bson_t *doc);

/* Turns what libmongoc said into *err as the messages here are, "HOSTS: what:
 * reason".  Returns false. */
bool session_error(const struct mongo_session *s, const char *what,
    const bson_error_t *e, const bson_t *reply, struct err *err);

/* Chooses a server to read from, starts a session there (not causally
 * consistent) and puts both into opts: all commands of one cursor must go to
 * one server, from one session.  The caller destroys it; NULL with *err. */
mongoc_client_session_t *session_start(struct mongo_session *s, bson_t *opts,
    const char *what, struct err *err);

#endif
