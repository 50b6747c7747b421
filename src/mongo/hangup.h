/*
 * Ends reads that block.  libmongoc waits for an answer as long as
 * socketTimeoutMS says and asks nobody meanwhile; a server that hangs would
 * keep a stop waiting for minutes.  A thread of its own looks: some time after
 * a stop was requested, it shuts down this process's connections to the
 * deployment's ports, so that the reads end with an error and whoever made
 * them sees the request.
 *
 * Inside mongo/ only.  A process that embeds the library and has connections
 * of its own to the same ports loses them, too, when it cancels a job that
 * hangs.
 */
#ifndef MONGO_HANGUP_H
#define MONGO_HANGUP_H

#include <stdbool.h>

#include <mongoc/mongoc.h>

#include "base/err.h"

struct hangup;

/* Starts the thread, for the ports of all members that client (which has
 * talked to the deployment) knows.  NULL with *err. */
struct hangup *hangup_new(mongoc_client_t *client, struct err *err);

/* Ends it.  NULL is allowed. */
void hangup_free(struct hangup *h);

#endif
