/*
 * --report FILE.html: one page that says what a run did, for people.  It needs
 * nothing but itself: no script, no other file, no network.
 *
 * Order: report_page_new() before the job, which finds out whether the file can
 * be written at all; report_page_progress() and report_page_difference() while
 * it runs (one at a time, as callbacks come); report_page_write() once it has
 * ended, however it ended; report_page_free().
 */
#ifndef CLI_REPORT_PAGE_H
#define CLI_REPORT_PAGE_H

#include "base/err.h"
#include "cli/options.h"
#include "cli/print.h"
#include "spaceferry.h"

struct report_page;

/* options->report is where the page goes; options and argv (whose passwords
 * were overwritten, options.h) must outlive it.  NULL with *err: no such
 * folder, no right to write there, no regular file. */
struct report_page *report_page_new(const struct options *options, int argc,
    char *const *argv, struct err *err);
void report_page_free(struct report_page *p);	/* NULL is allowed */

/* For struct spaceferry_callbacks.  A page of NULL is allowed. */
void report_page_progress(struct report_page *p,
    const struct spaceferry_progress *v, size_t n);
void report_page_difference(struct report_page *p,
    const struct spaceferry_difference *d);

/* Writes the page in place of the file that was there, at one moment, mode
 * 0666 less the umask.  style as for print_summary().  False with *err; the
 * old file is as it was then. */
bool report_page_write(struct report_page *p,
    const struct spaceferry_summary *s, const struct print_style *style,
    struct err *err);

#endif
