/*
 * Names of databases and collections as they come from an archive or a folder:
 * nothing that a server would refuse may come through, and nothing that means
 * something to a file system.  Also how mongodump turns a collection's name into
 * a file's: url.QueryEscape of Go, cut and completed by a SHA-1 where the result
 * is longer than 238 bytes.
 *
 * Pure functions; thread-safe.
 */
#ifndef ARCHIVE_NAME_H
#define ARCHIVE_NAME_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

#define NAME_DB_MAX 63
#define NAME_NAMESPACE_MAX 255	/* db.collection, bytes */
#define NAME_FILE_MAX 238	/* escaped, without the ending */
#define NAME_BUCKETS "system.buckets."

/* False with ERR_DAMAGED when a server would not take db as a database's name;
 * len bytes, which may hold a NUL. */
bool name_check_db(const char *db, size_t len, struct err *err);

/* The same for a collection of db (checked already). */
bool name_check_collection(const char *db, const char *name, size_t len,
    struct err *err);

/* True for what is the server's own, not the app's. */
bool name_special(const char *db, const char *collection);

/* True for the users, roles and their version that `mongodump
 * --dumpDbUsersAndRoles` puts beside a database's collections ($admin.*): they
 * have no metadata, and files of their plain names. */
bool name_beside(const char *collection);

/* The file of a collection, without ".bson" or ".metadata.json".  False when
 * memory is out. */
bool name_escape(const char *collection, char out[NAME_FILE_MAX + 1]);

/* True when a file's name (len bytes, without the ending) is a cut one: the
 * collection's name is in its metadata only. */
bool name_is_cut(const char *file, size_t len);

/* The collection of a file's name that is not cut, to be freed with free();
 * *out_len counts a NUL in it too.  False with ERR_DAMAGED for a bad escape. */
bool name_unescape(const char *file, size_t len, char **out, size_t *out_len,
    struct err *err);

#endif
