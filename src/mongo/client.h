/*
 * One end of a migration that is a MongoDB: a URI that was understood, a pool
 * of connections, and what hello said about the deployment.
 *
 * Order: mongo_global_init() once before threads start; mongo_open() per end;
 * one mongo_session per thread (from the pool, never shared); sessions are
 * freed before their server.  The password never leaves this module.
 */
#ifndef MONGO_CLIENT_H
#define MONGO_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct mongo_server;
struct mongo_session;

struct mongo_options {
	uint64_t patience_ms;	/* server selection and retries */
	unsigned max_sessions;	/* pool size */
	bool primary;		/* read from the primary whatever the URI says:
				 * for the end that is written to */
};

/* What hello and buildInfo said.  Strings live with the server. */
struct mongo_facts {
	const char *version;	/* "6.0.5" */
	int version_number;	/* 60005 */
	const char *set_name;	/* NULL on a standalone or mongos */
	bool is_mongos;
	bool is_writable;
	size_t max_document;	/* bytes; 16 MiB */
	size_t max_message;	/* bytes; 48000000 */
	size_t max_batch;	/* documents in one bulk; 100000 */
};

/* libmongoc's set-up: its log goes to base/log, never to stdout. */
void mongo_global_init(void);
void mongo_global_cleanup(void);

/* Parses uri, connects and asks hello.  Blocks up to the patience.  NULL with
 * *err: ERR_URI (malformed; an unescaped '@' is recognised and named),
 * ERR_DNS (SRV or host name), ERR_AUTH, ERR_NETWORK (with the hint fitting
 * what was seen: refused, timeout, TLS alert of an IP access list …). */
struct mongo_server *mongo_open(const char *uri,
    const struct mongo_options *options, struct err *err);
void mongo_close(struct mongo_server *s);	/* NULL is allowed */

/* The URI with the password hidden; lives with s. */
const char *mongo_name(const struct mongo_server *s);

/* The database named in the URI's path, NULL if none; lives with s. */
const char *mongo_default_db(const struct mongo_server *s);

/* Hosts as given (sorted, lower case) and set name, no credentials: the
 * journal's key.  Lives with s. */
const char *mongo_identity(const struct mongo_server *s);

const struct mongo_facts *mongo_facts(const struct mongo_server *s);

/* True when both are one deployment, whatever the names: the same process
 * (hello.topologyVersion.processId) or members in common. */
bool mongo_same(const struct mongo_server *a, const struct mongo_server *b);

/* The cluster's time now, for reads at one time and to see whether anybody
 * wrote meanwhile.  On a standalone, false with ERR_UNSUPPORTED. */
struct mongo_time {
	uint32_t seconds;
	uint32_t increment;
};
bool mongo_cluster_time(struct mongo_session *s, struct mongo_time *t,
    struct err *err);

/* serverStatus' insert+update+delete counters, summed, those of replication
 * too (a secondary has no others): on a standalone the only sign that somebody
 * wrote.  False when the server refuses to tell. */
bool mongo_write_counter(struct mongo_session *s, uint64_t *writes,
    struct err *err);

/* Whether the URI's user may do action ("collMod",
 * "bypassDocumentValidation", …: the server's names) on ns, as
 * connectionStatus tells; true where there are no users. */
bool mongo_may(struct mongo_session *s, const char *ns, const char *action,
    bool *may, struct err *err);

/* The same read once and asked often.  mongo_rights_new() blocks; NULL with
 * *err.  coll "" is the database itself ("listCollections"): what is allowed
 * on all of its collections. */
struct mongo_rights;
struct mongo_rights *mongo_rights_new(struct mongo_session *s,
    struct err *err);
void mongo_rights_free(struct mongo_rights *r);	/* NULL is allowed */
bool mongo_rights_allow(const struct mongo_rights *r, const char *db,
    const char *coll, const char *action);
/* Whether the connection is somebody's at all. */
bool mongo_rights_of_user(const struct mongo_rights *r);

/* Whether it is one of Atlas' small shared tiers (M0, Flex), as serverStatus
 * tells there; no where the server does not tell. */
bool mongo_is_small_atlas(struct mongo_session *s, bool *is, struct err *err);

/* Takes a connection from the pool; waits for a free one. */
struct mongo_session *mongo_session_new(struct mongo_server *s,
    struct err *err);
void mongo_session_free(struct mongo_session *session);	/* NULL is allowed */

/* True for a URI that this module reads: mongodb:// or mongodb+srv://. */
bool mongo_is_uri(const char *text);

/* Appends to out the same URI with the password replaced by "***", for any
 * text that might be one; never fails, cuts if too long. */
void mongo_redact(const char *uri, char *out, size_t out_size);

#endif
