/*
 * The files that nothing links to: those of each --files with --files-url that
 * no rewritten link has marked in the index.
 */
#ifndef JOB_LINKS_FILES_H
#define JOB_LINKS_FILES_H

#include <stdint.h>

#include "job/files.h"

/* Counts them, and names the first in notes of kind "unreferenced_file", in the
 * order in which their store lists them.  The index keeps no names, so the
 * store is listed once more, until enough are named.  Blocks; a listing that
 * fails is a note and costs only names. */
uint64_t links_files_unreferenced(struct files *files);

#endif
