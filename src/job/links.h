/*
 * Looks up every rewritten link among the files (docs/REWRITING.md, point 10):
 * a link whose file is not there is dangling, a file that nothing links to is
 * unreferenced.  Neither changes the exit status.
 *
 * Order: links_new() with the files' indexes complete, links_found() from any
 * thread, links_summarise() once no thread uses it.
 */
#ifndef JOB_LINKS_H
#define JOB_LINKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "job/file_index.h"
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

/* Puts the counts into the summary. */
void links_summarise(struct links *l);

#endif
