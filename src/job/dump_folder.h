/*
 * The folder of a dump as a thing to be replaced: nothing but a dump is ever
 * removed, and what is there changes at one moment.
 */
#ifndef JOB_DUMP_FOLDER_H
#define JOB_DUMP_FOLDER_H

#include <stdbool.h>

#include "base/err.h"

/* *empty: path is missing, or a folder without entries.  ERR_CONFLICT when it
 * is no folder. */
bool dump_folder_empty(const char *path, bool *empty, struct err *err);

/* True when path holds what a dump consists of and nothing else: so it may be
 * removed.  ERR_CONFLICT names what does not belong. */
bool dump_folder_check(const char *path, struct err *err);

/* A fresh name in the folder that holds path; the caller frees it. */
char *dump_folder_beside(const char *path, struct err *err);

/* Lets both change their names with each other, durably. */
bool dump_folder_exchange(const char *a, const char *b, struct err *err);

/* Removes the files of a dump below path, and the folders that are empty then.
 * Errors are logged: a leftover does no harm. */
void dump_folder_remove(const char *path);

#endif
