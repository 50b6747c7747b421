/*
 * Looks up every rewritten link among the files (docs/REWRITING.md, point 10):
 * a link whose file is not there is dangling, a file that nothing links to is
 * unreferenced, a link to a rule's host that lies in no match lacks a rule.
 * None of them changes the exit status.
 *
 * Order: links_new() with the files' indexes complete, links_found() and
 * links_no_rule() from any thread, links_summarise() once no thread uses it.
 */
#ifndef JOB_LINKS_H
#define JOB_LINKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "job/file_index.h"
#include "job/files.h"
#include "job/job.h"

struct links;

/* indexes: one per options->files, in their order; NULL entries are files that
 * were not listed.  Neither is owned.  NULL when out of memory. */
struct links *links_new(struct job *job, struct file_index *const *indexes);
void links_free(struct links *l);	/* NULL is allowed */

/* One link in a document of ns. */
struct links_place {
	const char *ns;
	const uint8_t *doc;	/* raw, for its _id */
	size_t doc_len;
	const char *path;
};
void links_found(struct links *l, const struct links_place *place,
    const struct match_link *link);

/* A host of the rules where no rule matched. */
void links_no_rule(struct links *l, const struct links_place *place,
    const struct match_host *host);

/* Puts the counts into the summary.  Where every document was read (whole), the
 * files that nothing links to are counted, and named from one more listing of
 * their stores, which blocks; files may be NULL. */
void links_summarise(struct links *l, struct files *files, bool whole);

#endif
