/*
 * The parts of the page in the order in which report_page.c writes them.  Each
 * is silent where it has nothing to say.  Only report_*.c include this.
 */
#ifndef CLI_REPORT_PARTS_H
#define CLI_REPORT_PARTS_H

#include <time.h>

#include "cli/options.h"
#include "cli/print.h"
#include "cli/report_html.h"
#include "cli/report_kept.h"
#include "cli/report_timeline.h"
#include "spaceferry.h"

/* What the page tells of. */
struct report_view {
	struct report_html *h;
	const struct spaceferry_summary *s;
	const struct print_style *style;
	const struct options *o;
	const struct report_timeline *timeline;
	const struct report_kept *kept;
	char *const *argv;
	int argc;
	time_t started;
};

/* Lists longer than this are folded. */
#define REPORT_PARTS_UNFOLDED 40

/* report_status.c */
void report_parts_status(const struct report_view *v);
void report_parts_tiles(const struct report_view *v);

/* report_findings.c */
void report_parts_errors(const struct report_view *v);
void report_parts_notes(const struct report_view *v);
void report_parts_checks(const struct report_view *v);
void report_parts_samples(const struct report_view *v);

/* report_differences.c */
void report_parts_differences(const struct report_view *v);
void report_parts_metadata(const struct report_view *v);

/* report_collections.c */
void report_parts_collections(const struct report_view *v);
void report_parts_digests(const struct report_view *v);

/* report_links.c */
void report_parts_files(const struct report_view *v);
void report_parts_links(const struct report_view *v);

/* report_run.c */
void report_parts_run(const struct report_view *v);

/* Writes text, which may hold URLs, with "***" for their passwords. */
void report_parts_hidden(struct report_html *h, const char *text);

/* The opening tags of a table that scrolls in a box of its own, and the end of
 * both.  columns: the headings, of ours, "|" between them, "#" before those of
 * numbers; "" if there are none. */
void report_parts_table(struct report_html *h, const char *label,
    const char *columns);
void report_parts_table_end(struct report_html *h);

#endif
