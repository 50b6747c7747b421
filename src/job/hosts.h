/*
 * The hosts that the rules name, as they stand in the documents: how many links
 * to each were rewritten, and how often one stands under no rule, with a sample
 * and the rule that is missing.  Behind "*" or with another port there may be
 * any number of them: a few thousand are counted each, the rest together, and
 * the SPACEFERRY_HOSTS_MAX with most links come into the summary.
 *
 * Order: hosts_new(), the counting from any thread, hosts_summarise() once no
 * thread counts any more.
 */
#ifndef JOB_HOSTS_H
#define JOB_HOSTS_H

#include "job/job.h"

struct hosts;
struct links_place;

struct hosts *hosts_new(struct job *job);	/* NULL when out of memory */
void hosts_free(struct hosts *h);		/* NULL is allowed */

/* A link that was rewritten. */
void hosts_rewritten(struct hosts *h, const struct match_link *link);

/* A host in no match; a link that a rule would rewrite is named in a note of
 * kind "no_rule". */
void hosts_no_rule(struct hosts *h, const struct links_place *place,
    const struct match_host *host);

/* Fills summary.hosts. */
void hosts_summarise(struct hosts *h);

#endif
