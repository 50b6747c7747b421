/*
 * Users and roles in an archive or dump: mongodump puts those of all databases
 * into admin.system.users and admin.system.roles, and with
 * --dumpDbUsersAndRoles those of one into its $admin.system.users and
 * $admin.system.roles.  Read are both, written is the second.
 *
 * Pure functions but for archive_users_write(), which belongs to who writes.
 */
#ifndef JOB_ARCHIVE_USERS_H
#define JOB_ARCHIVE_USERS_H

#include <stdbool.h>

#include "archive/archive.h"
#include "base/err.h"
#include "job/archive_out.h"
#include "mongo/users.h"

/* Adds to u what item is, when c, its collection, holds users or roles.  False
 * with ERR_DAMAGED, ERR_UNSUPPORTED (from servers before 3.0). */
bool archive_users_take(struct users *u, const struct archive_collection *c,
    const struct archive_item *item, struct err *err);

/* The collections that one database gets, in the order of archive_users_write:
 * their names. */
#define ARCHIVE_USERS_COLLECTIONS 3
extern const char *const archive_users_names[ARCHIVE_USERS_COLLECTIONS];

/* Writes u, of one database, into its collections, of which first is the number
 * of the first, and ends them. */
bool archive_users_write(struct archive_out *out, size_t first,
    const struct users *u, struct err *err);

#endif
