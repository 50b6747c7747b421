/*
 * Rewrites the URLs in one raw document (docs/REWRITING.md, points 2 and 8):
 * decides which places are looked at, lets match/ do the text, and splices the
 * new values into the old bytes.  What is not a changed value or an enclosing
 * length is copied byte for byte; a document without a match is not touched.
 *
 * One struct rewriter per thread and collection; the rules are shared.
 */
#ifndef BSON_REWRITE_H
#define BSON_REWRITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/glob.h"
#include "match/match.h"

/* Largest document a server takes: 16 MiB. */
#define REWRITE_DOC_MAX ((size_t)16 * 1024 * 1024)

struct rewriter;

/* The field counts of "rewritten" and "unrewritten" (contract, section 3). */
struct rewrite_counts {
	uint64_t documents;	/* documents changed */
	uint64_t values;	/* values changed in them */
	uint64_t keys;		/* matches left alone: in field names */
	uint64_t ids;		/* in what names something: the top-level _id,
				 * DBPointer, DBRef, the filename of GridFS */
	uint64_t binary;
	uint64_t regex;
	uint64_t no_rule;	/* values: a rule's host where no rule matched */
	uint64_t dbrefs;	/* DBRefs met (all only with count_dbrefs) */
};

/* A rewritten value, told before and after; the pointers live for the call. */
struct rewrite_value {
	const uint8_t *doc;	/* the whole source document */
	size_t doc_len;
	const char *path;	/* dotted, array elements as numbers */
	const char *before;
	size_t before_len;
	const char *after;
	size_t after_len;
};

struct rewrite_hooks {
	/* Each link, while its document is rewritten; may be NULL. */
	void (*link)(void *arg, const uint8_t *doc, size_t doc_len,
	    const char *path, const struct match_link *link);
	/* Each host of a rule that stands in no match in a value (and those
	 * with ports that no_rule leaves out); may be NULL. */
	void (*host)(void *arg, const uint8_t *doc, size_t doc_len,
	    const char *path, const struct match_host *host);
	/* Each changed value; may be NULL. */
	void (*value)(void *arg, const struct rewrite_value *value);
	void *arg;
};

struct rewriter_options {
	const struct match_rules *rules;
	const char *ns;		/* source namespace "db.collection" */
	const struct strings *skip; /* --rewrite-skip NS:PATH; may be NULL */
	bool count_dbrefs;	/* look for all of them, for --rename's warning */
	struct rewrite_hooks hooks;
};

enum rewrite_outcome {
	REWRITE_SAME,		/* nothing to do: use the source bytes */
	REWRITE_CHANGED,	/* the new document was appended to out */
	REWRITE_TOO_LARGE,	/* it would pass 16 MiB: quarantine; out as before */
	REWRITE_FAILED		/* *err: malformed document, memory, out's max */
};

/* NULL with *err: ERR_USAGE for a --rewrite-skip that cannot be read,
 * ERR_NOMEM.  ns and skip are copied, rules are not. */
struct rewriter *rewriter_new(const struct rewriter_options *options,
    struct err *err);
void rewriter_free(struct rewriter *r);	/* NULL is allowed */

/* A fast test for whole batches: false means that rewrite_document() would
 * give REWRITE_SAME and count nothing for each document in these bytes. */
bool rewrite_possible(const struct rewriter *r, const void *bytes, size_t len);

/* Rewrites one document.  REWRITE_SAME and REWRITE_CHANGED add to *counts; the
 * others leave it and out as they were, though hooks may have been called.  A
 * document that rewrite_possible() rules out is looked at from outside only,
 * so not everything malformed is found. */
enum rewrite_outcome rewrite_document(struct rewriter *r, const uint8_t *doc,
    size_t len, struct buf *out, struct rewrite_counts *counts,
    struct err *err);

/* Counts the matches in metadata (options, view pipeline, index options):
 * every text at any depth, and keys.  Nothing is changed. */
uint64_t rewrite_count_metadata(const struct match_rules *rules,
    const uint8_t *doc, size_t len);

void rewrite_counts_add(struct rewrite_counts *sum,
    const struct rewrite_counts *c);

#endif
