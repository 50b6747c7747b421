/*
 * What an export leaves beside its FILE or DIR when it is killed, or rewrite
 * beside its FILE: a temporary file or folder, made for that very name
 * (base/file.h) and held by nobody any more.  The next one for the same name
 * removes it.
 */
#ifndef JOB_LEFTOVERS_H
#define JOB_LEFTOVERS_H

/* Looks beside target, which need not exist.  Left alone are those of living
 * processes, of other users, and folders that hold anything but a dump.  Errors
 * are passed over: a leftover does no harm. */
void leftovers_remove(const char *target);

#endif
