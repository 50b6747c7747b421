/*
 * What writing and reading a snapshot share.  For src/repo only.
 */
#ifndef REPO_SNAPSHOT_INTERNAL_H
#define REPO_SNAPSHOT_INTERNAL_H

#include "repo/bloblines.h"
#include "repo/snapshot.h"

#define SNAPSHOT_FORMAT "spaceferry snapshot"
#define SNAPSHOT_TAGS_MAX 256

/* A run of lines of the details, before compression. */
#define SNAPSHOT_RUN_MIN ((size_t)512 * 1024)
#define SNAPSHOT_RUN_MAX ((size_t)2 * 1024 * 1024)

/* "snapshots/20261123T155246Z-1b2c3d4e.jsonl"; false for a time that no such
 * name can tell. */
bool snapshot_object(const struct snapshot *s, char out[REPO_OBJECT_MAX]);

/* The head alone, as snapshot_read() has it. */
bool snapshot_read_head(struct repo_session *s, const char *object,
    struct snapshot *head, struct err *err);

/* Takes the members of a head.  ERR_DAMAGED says what is wrong with them. */
bool snapshot_take_head(struct snapshot *s, const json_t *head,
    struct err *err);

#endif
