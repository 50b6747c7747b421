/*
 * The way to a deployment, one step at a time: what a URI asks for, what each
 * host says to hello, whether other credentials would be let in.  For doctor,
 * which tells why mongo_open() would fail before it does.
 *
 * Order: reach_new(); of an SRV URI reach_add_txt() with what its TXT record
 * says; then any of the others.  One thread at a time.  Nothing is written.
 */
#ifndef MONGO_REACH_H
#define MONGO_REACH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/glob.h"

#define REACH_NAME_SIZE 256

struct reach;

struct reach_host {
	char name[REACH_NAME_SIZE]; /* IPv6 without []; a socket's path */
	unsigned port;
	bool socket;
};

/* Strings live with the struct reach; NULL where nothing is said. */
struct reach_facts {
	const char *srv;	/* the name behind mongodb+srv:// */
	const char *service;	/* "mongodb" */
	const struct reach_host *hosts;	/* none of an SRV URI */
	size_t n_hosts;
	const char *db;		/* in the path */
	const char *user;
	const char *source;	/* of the credentials, as they will be sent */
	const char *mechanism;
	bool example;		/* user and password are those of a guide */
	const char *set_name;
	bool discovers;		/* members are looked for by their own names */
	bool needs_primary;	/* readPreference is primary */
	bool tls;
	const char *ca_file;
	const char *key_file;
	const char *key_password;
	bool any_certificate;
	bool any_name;
};

/* Parses uri; no network.  NULL with ERR_URI. */
struct reach *reach_new(const char *uri, struct err *err);
void reach_free(struct reach *r);	/* NULL is allowed */
const struct reach_facts *reach_facts(const struct reach *r);

/* Options of the TXT record, which those in the URI override.  False with
 * ERR_URI when it holds any but authSource, replicaSet, loadBalanced (the
 * specification of the DNS seed list). */
bool reach_add_txt(struct reach *r, const char *txt, struct err *err);

/* One host's answer to hello, without credentials. */
struct reach_hello {
	char set_name[REACH_NAME_SIZE];	/* "" on a standalone or mongos */
	char primary[REACH_NAME_SIZE];	/* as it knows it, "" if none */
	char me[REACH_NAME_SIZE];
	bool is_mongos;
	bool writable;
	struct strings members;	/* "name:port" */
	bool has_clock;
	int64_t ahead_ms;	/* its clock before ours, within half the time
				 * that the answer took */
};
void reach_hello_free(struct reach_hello *h);	/* what is in it */

/* Asks it, over TLS or not.  Blocks timeout_ms or so.  *h is empty on false,
 * which comes with what libmongoc said. */
bool reach_hello(const struct reach *r, const struct reach_host *host,
    bool tls, unsigned timeout_ms, struct reach_hello *h, struct err *err);

/* Signs in as the URI says but for what is not NULL here.  True when it is let
 * in.  Blocks timeout_ms or so. */
struct reach_trial {
	const char *source;
	const char *mechanism;
	unsigned timeout_ms;
};
bool reach_signs_in(const struct reach *r, const struct reach_trial *t,
    struct err *err);

#endif
