/*
 * What went wrong, told once: libmongoc's errors and the server's codes become
 * kinds (what the exit status and the retries go by) and hints.
 *
 * Inside mongo/ only.  Pure; thread-safe.
 */
#ifndef MONGO_CLASSIFY_H
#define MONGO_CLASSIFY_H

#include <stdbool.h>
#include <stdint.h>

#include <mongoc/mongoc.h>

#include "base/err.h"

#define CLASSIFY_UNAUTHORIZED 13
#define CLASSIFY_NAMESPACE_NOT_FOUND 26
#define CLASSIFY_CURSOR_NOT_FOUND 43
#define CLASSIFY_NAMESPACE_EXISTS 48
#define CLASSIFY_COMMAND_NOT_FOUND 59
#define CLASSIFY_VALIDATION 121
#define CLASSIFY_CURSOR_KILLED 237
#define CLASSIFY_SNAPSHOT_TOO_OLD 239
#define CLASSIFY_SNAPSHOT_UNAVAILABLE 246
#define CLASSIFY_TOO_LARGE 10334
#define CLASSIFY_DUPLICATE_KEY 11000

/* The kind of a server's error, by its code and, where one code stands for
 * many things (Atlas' 8000), by its text. */
enum err_kind classify_code(int32_t code, const char *message);

/* Fills *err from a server's code and text, with a hint.  Returns false. */
bool classify_server(int32_t code, const char *message, struct err *err);

/* Fills *err from what libmongoc said; reply (may be NULL) is the server's
 * answer, whose code and labels libmongoc sometimes drops.  Returns false. */
bool classify_error(const bson_error_t *e, const bson_t *reply,
    struct err *err);

/* True when the command was certainly not executed: no server was found, or
 * it said so before it began. */
bool classify_not_sent(const bson_error_t *e);

#endif
