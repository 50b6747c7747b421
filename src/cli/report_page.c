#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cancel.h"
#include "base/file.h"
#include "cli/report_chart.h"
#include "cli/report_page.h"
#include "cli/report_parts.h"
#include "cli/report_style.h"

#define MODE 0666

struct report_page {
	const struct options *options;
	char *path;		/* where a symbolic link leads */
	int argc;
	char *const *argv;
	time_t started;
	uint64_t started_ns;
	struct report_timeline timeline;
	struct report_kept kept;
};

/* The file that is to be written: through a link, and nothing but a file. */
static char *
resolve(const char *path, struct err *err)
{
	struct stat st;
	char *resolved;

	if (path[0] == '\0' || path[strlen(path) - 1] == '/' ||
	    strcmp(path, "-") == 0) {
		err_set(err, ERR_USAGE, "--report %s: not the name of a file",
		    path);
		err_hint(err, "--report FILE.html");
		return NULL;
	}
	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) {
		err_set(err, ERR_USAGE, "--report %s: this is a %s", path,
		    S_ISDIR(st.st_mode) ? "folder" : "device or pipe");
		err_hint(err, "name a file for the report");
		return NULL;
	}
	resolved = realpath(path, NULL);
	if (resolved == NULL && (resolved = strdup(path)) == NULL)
		err_nomem(err, "report");
	return resolved;
}

/* Whether a file can be made beside it, as report_page_write() will. */
static bool
probe(const char *path, struct err *err)
{
	struct file_writer *w = file_writer_new(path, MODE, err);

	if (w == NULL) {
		err_prefix(err, "--report %s", path);
		if (err->kind == ERR_NOT_FOUND)
			err_hint(err, "make its folder first");
		else if (err->hint[0] == '\0')
			err_hint(err, "name a place that may be written to");
		return false;
	}
	file_writer_free(w);
	return true;
}

struct report_page *
report_page_new(const struct options *options, int argc, char *const *argv,
    struct err *err)
{
	struct report_page *p;

	if ((p = calloc(1, sizeof(*p))) == NULL) {
		err_nomem(err, "report");
		goto fail;
	}
	if ((p->path = resolve(options->report, err)) == NULL)
		goto fail_page;
	if (!probe(p->path, err))
		goto fail_path;
	p->options = options;
	p->argc = argc;
	p->argv = argv;
	p->started = time(NULL);
	p->started_ns = cancel_now();
	report_timeline_init(&p->timeline);
	return p;

fail_path:
	free(p->path);
fail_page:
	free(p);
fail:
	return NULL;
}

void
report_page_free(struct report_page *p)
{

	if (p == NULL)
		return;
	report_timeline_free(&p->timeline);
	report_kept_free(&p->kept);
	free(p->path);
	free(p);
}

void
report_page_progress(struct report_page *p,
    const struct spaceferry_progress *v, size_t n)
{

	if (p != NULL)
		report_timeline_note(&p->timeline,
		    (double)(cancel_now() - p->started_ns) / 1e9, v, n);
}

void
report_page_difference(struct report_page *p,
    const struct spaceferry_difference *d)
{

	if (p != NULL)
		report_kept_add(&p->kept, d);
}

static void
write_head(const struct report_view *v)
{

	report_html_raw(v->h, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n"
	    "<meta charset=\"utf-8\">\n<meta http-equiv=\"Content-Security-"
	    "Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; "
	    "img-src data:; base-uri 'none'; form-action 'none'\">\n"
	    "<meta name=\"viewport\" content=\"width=device-width, "
	    "initial-scale=1\">\n<meta name=\"color-scheme\" "
	    "content=\"light dark\">\n<meta name=\"referrer\" "
	    "content=\"no-referrer\">\n<link rel=\"icon\" href=\"data:,\">\n"
	    "<title>spaceferry ");
	report_html_text(v->h, v->s->command != NULL ? v->s->command : "");
	report_html_raw(v->h, ": ");
	report_html_raw(v->h, v->s->ok ? "well" : "not well");
	report_html_raw(v->h, "</title>\n<style>\n");
	report_html_bytes_raw(v->h, report_style, report_style_size);
	report_html_raw(v->h, "</style>\n</head>\n<body>\n<main>\n");
}

static void
write_page(const struct report_view *v)
{

	write_head(v);
	report_parts_status(v);
	report_parts_tiles(v);
	report_parts_errors(v);
	report_parts_checks(v);
	report_parts_differences(v);
	report_parts_metadata(v);
	report_parts_collections(v);
	report_parts_files(v);
	report_parts_links(v);
	report_parts_samples(v);
	report_parts_notes(v);
	report_chart_sizes(v->h, v->s);
	report_chart_speed(v->h, v->timeline);
	report_parts_digests(v);
	report_parts_run(v);
	report_html_raw(v->h, "</main>\n</body>\n</html>\n");
}

bool
report_page_write(struct report_page *p, const struct spaceferry_summary *s,
    const struct print_style *style, struct err *err)
{
	struct report_html h;
	struct report_view view = {
		.h = &h, .s = s, .style = style, .o = p->options,
		.timeline = &p->timeline, .kept = &p->kept,
		.argv = p->argv, .argc = p->argc, .started = p->started,
	};
	struct file_writer *file;
	bool ok;

	if ((file = file_writer_new(p->path, MODE, err)) == NULL)
		return err_prefix(err, "the report");
	report_html_init(&h, file);
	write_page(&view);
	ok = report_html_end(&h, err) && file_writer_finish(file, err);
	report_html_free(&h);
	file_writer_free(file);
	return ok || err_prefix(err, "the report");
}
