/*
 * What a server says about itself.
 *
 * Inside mongo/ only; a session's thread calls.
 */
#ifndef MONGO_HELLO_H
#define MONGO_HELLO_H

#include <stdbool.h>

#include <mongoc/mongoc.h>

#include "base/err.h"
#include "mongo/session.h"

/* Asks hello and buildInfo, once, and fills the server of s: its facts, names
 * and members.  May be called again after a failure. */
bool hello_learn(struct mongo_session *s, struct err *err);

/* hello, by its old name on servers before 4.4.2.  *reply is initialised
 * whatever happens; so it is by hello_admin(), which runs {command: 1} on the
 * database admin. */
bool hello_say(struct mongo_session *s, bson_t *reply, struct err *err);
bool hello_admin(struct mongo_session *s, const char *command, bson_t *reply,
    struct err *err);

#endif
