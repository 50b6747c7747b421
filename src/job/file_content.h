/*
 * The contents of one source file as they are to arrive: its bytes, or with
 * --rewrite-files the rewritten text; its digests; how it is to be served.
 *
 * One struct file_content per file and thread; it holds the file open.
 */
#ifndef JOB_FILE_CONTENT_H
#define JOB_FILE_CONTENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/hash.h"
#include "job/file_walk.h"
#include "job/media_type.h"
#include "store/store.h"

/* A text file that is to be rewritten is held in memory: larger ones are
 * refused. */
#define FILE_CONTENT_TEXT_MAX ((size_t)16 * 1024 * 1024)

struct file_content {
	struct file_worker *worker;
	struct store_file *file;
	struct store_object source;	/* as it was when opened */
	struct buf text;		/* rewritten; empty: send the file */
	bool rewritten;
	struct store_body body;
	uint8_t sha256[HASH_SHA256_SIZE];
	uint8_t md5[HASH_MD5_SIZE];
	bool has_md5;			/* a snapshot's file has none */
	struct media media;
	struct store_headers headers;
	bool source_failed;		/* reading it failed, not sending */
};

/* Opens the file, reads it once for its digests (and its text); a snapshot knows
 * them.  False with *err; c holds nothing then. */
bool file_content_open(struct file_content *c, struct file_worker *w,
    const struct file_item *item, struct err *err);
void file_content_close(struct file_content *c);

/* ERR_CHANGED when the file is no longer what was read. */
bool file_content_unchanged(struct file_content *c, struct err *err);

/* A short digest of everything but the file itself that decides what is sent:
 * header options, and the rules for a file that they apply to. */
void file_content_policy(const struct job *job, const char *key,
    char out[24]);

/* SHA-256 of an object of a store, read back whole. */
bool file_content_hash_object(struct store_session *s, const char *key,
    uint8_t sha256[HASH_SHA256_SIZE], uint64_t *size, struct err *err);

#endif
