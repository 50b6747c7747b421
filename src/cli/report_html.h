/*
 * Writes HTML: markup of ours as it is, text from elsewhere escaped, figures
 * with their exact value beside the one people read.  Names and documents come
 * from strangers: whatever is not markup of ours goes through report_html_text().
 *
 * Errors are kept: after one, nothing more is written, and report_html_end()
 * tells it.  One thread at a time; memory is one buffer of REPORT_HTML_BUFFER.
 */
#ifndef CLI_REPORT_HTML_H
#define CLI_REPORT_HTML_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"

#define REPORT_HTML_BUFFER ((size_t)4 * 1024 * 1024)

struct report_html {
	struct file_writer *file; /* NULL: everything stays in pending */
	struct buf pending;
	bool failed;
	struct err err;
};

/* file stays the caller's and must outlive h.  report_html_free() at the end. */
void report_html_init(struct report_html *h, struct file_writer *file);
void report_html_free(struct report_html *h);

/* Hands the rest to the file.  False with the first error there was. */
bool report_html_end(struct report_html *h, struct err *err);

/* Markup, as it is. */
void report_html_raw(struct report_html *h, const char *markup);
void report_html_bytes_raw(struct report_html *h, const void *data, size_t len);

/* Markup, printf style: for numbers and words of ours only. */
void report_html_format(struct report_html *h, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Text: also fit for an attribute in quotes.  Control characters are spelled
 * out, what is not UTF-8 and what turns the direction of writing becomes
 * U+FFFD (text_show).  At most REPORT_HTML_TEXT bytes of it are shown. */
#define REPORT_HTML_TEXT ((size_t)64 * 1024)
void report_html_text(struct report_html *h, const char *text);

/* Text in a <bdi>: a name whose own direction does not spill over. */
void report_html_name(struct report_html *h, const char *text);

/* Figures: <data value="12345" data-key="files.bytes">.  The key is the path of
 * the same figure in --json, printf style; "" for one that is not there. */
void report_html_count(struct report_html *h, uint64_t n, const char *key, ...)
    __attribute__((format(printf, 3, 4)));
void report_html_bytes(struct report_html *h, uint64_t n, const char *key, ...)
    __attribute__((format(printf, 3, 4)));

#endif
