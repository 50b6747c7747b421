#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/print_doctor.h"
#include "cli/print_summary.h"
#include "cli/report_parts.h"
#include "cli/units.h"

#define UNWRITTEN "Nothing was written. "

static bool
is_command(const struct report_view *v, const char *name)
{

	return v->s->command != NULL && strcmp(v->s->command, name) == 0;
}

/* Runs of white space become one space; none at the ends. */
static void
squeeze(char *text)
{
	char *from, *to = text;

	for (from = text; *from != '\0'; from++) {
		bool space = *from == ' ' || *from == '\n';

		if (!space)
			*to++ = *from;
		else if (to > text && to[-1] != ' ')
			*to++ = ' ';
	}
	while (to > text && to[-1] == ' ')
		to--;
	*to = '\0';
}

static void
keep_last_line(char *text)
{
	size_t len = strlen(text);
	char *line;

	while (len > 0 && text[len - 1] == '\n')
		text[--len] = '\0';
	if ((line = strrchr(text, '\n')) != NULL)
		memmove(text, line + 1, strlen(line + 1) + 1);
}

/* The closing words of the summary for people, in one line; the caller frees
 * them.  NULL when memory is out. */
static char *
closing_words(const struct report_view *v)
{
	struct print_style style = *v->style;
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	if (out == NULL)
		return NULL;
	style.colour = false;
	if (is_command(v, "doctor"))
		print_doctor_closing(out, v->s, &style);
	else
		print_closing(out, v->s, &style);
	if (fclose(out) != 0) {
		free(text);
		return NULL;
	}
	/* What comes before doctor's advice are counts, which have tiles of
	 * their own, and what failed. */
	if (is_command(v, "doctor"))
		keep_last_line(text);
	squeeze(text);
	return text;
}

/* The first words are the heading, up to a colon or the end of the sentence;
 * that nothing was written is said last. */
static void
write_words(struct report_html *h, char *text)
{
	bool unwritten = strncmp(text, UNWRITTEN, strlen(UNWRITTEN)) == 0;
	char *rest;
	size_t len;

	if (unwritten)
		text += strlen(UNWRITTEN);
	len = strcspn(text, ":.");
	rest = text + len;
	if (*rest != '\0') {
		*rest++ = '\0';
		rest += *rest == ' ';
	}
	report_html_text(h, text);
	report_html_raw(h, "</h1>\n<p class=\"lead\">");
	if (rest[0] >= 'a' && rest[0] <= 'z')
		rest[0] = (char)(rest[0] - 'a' + 'A');
	report_html_text(h, rest);
	report_html_raw(h, unwritten ? " Nothing was written." : "");
	report_html_raw(h, "</p>\n");
}

static const char *
status_words(const struct report_view *v)
{
	bool doctor = is_command(v, "doctor");
	bool moves = is_command(v, "migrate") || is_command(v, "restore");

	switch (v->style->status) {
	case 0:
		return doctor ? "no check failed" : moves ?
		    "done and verified" : "no difference";
	case 1:
		return doctor ? "a check failed" : moves ?
		    "not everything could be moved or proven" : "differences";
	case 2:
		return "nothing was changed; something must be mended first";
	default:
		return "could not finish; the same command resumes";
	}
}

static void
write_when(const struct report_view *v)
{
	char machine[40], people[60], took[UNITS_TEXT];
	uint64_t ms = (uint64_t)(v->s->elapsed_seconds * 1000 + 0.5);
	struct tm tm;

	gmtime_r(&v->started, &tm);
	strftime(machine, sizeof(machine), "%Y-%m-%dT%H:%M:%SZ", &tm);
	strftime(people, sizeof(people), "%Y-%m-%d %H:%M:%S UTC", &tm);
	report_html_format(v->h, "<p class=\"meta\"><time datetime=\"%s\">%s"
	    "</time> · took <data data-key=\"elapsed_seconds\" "
	    "value=\"%" PRIu64 ".%03u\">%s</data> · exit status %d: %s</p>\n",
	    machine, people, ms / 1000, (unsigned)(ms % 1000),
	    units_print_seconds(v->s->elapsed_seconds, took),
	    v->style->status, status_words(v));
}

void
report_parts_status(const struct report_view *v)
{
	static const char *const classes[] = { "ok", "bad", "stop", "stop" };
	static const char *const marks[] = { "✓", "✗", "✗", "…" };
	int status = v->style->status > 3 ? 3 : v->style->status;
	char *words = closing_words(v);

	report_html_format(v->h, "<header class=\"%s\"><p class=\"brand\">"
	    "spaceferry <b>", classes[status]);
	report_html_text(v->h, v->s->command != NULL ? v->s->command : "");
	report_html_raw(v->h, "</b>");
	if (v->s->dry_run)
		report_html_raw(v->h, " <span class=\"tag\">dry run</span>");
	report_html_format(v->h, "<data data-key=\"ok\" value=\"%s\"></data>"
	    "</p>\n<h1><span class=\"mark\" aria-hidden=\"true\">%s</span> ",
	    v->s->ok ? "true" : "false", status == 1 &&
	    (is_command(v, "verify") || is_command(v, "diff")) ? "≠" :
	    marks[status]);
	if (words != NULL)
		write_words(v->h, words);
	else
		report_html_raw(v->h, "spaceferry</h1>\n");
	free(words);
	write_when(v);
	report_html_raw(v->h, "</header>\n");
}

static void
open_tile(const struct report_view *v, const char *title)
{

	report_html_format(v->h, "<li><span>%s</span><b>", title);
}

static void
tile_count(const struct report_view *v, const char *title, uint64_t n,
    const char *key)
{

	open_tile(v, title);
	report_html_count(v->h, n, "%s", key);
	report_html_raw(v->h, "</b></li>\n");
}

static void
tile_bytes(const struct report_view *v, const char *title, uint64_t n,
    const char *key)
{

	open_tile(v, title);
	report_html_bytes(v->h, n, "%s", key);
	report_html_raw(v->h, "</b></li>\n");
}

static void
tiles_of_doctor(const struct report_view *v)
{
	uint64_t n[SPACEFERRY_SKIPPED + 1] = { 0 };
	size_t i;

	for (i = 0; i < v->s->n_checks; i++)
		n[v->s->checks[i].verdict]++;
	tile_count(v, "passed", n[SPACEFERRY_PASS], "checks.passed");
	tile_count(v, "warnings", n[SPACEFERRY_WARN], "checks.warnings");
	tile_count(v, "failed", n[SPACEFERRY_FAIL], "checks.failed");
	tile_count(v, "skipped", n[SPACEFERRY_SKIPPED], "checks.skipped");
}

static void
tiles_of_differences(const struct report_view *v)
{
	uint64_t missing = 0, different = 0, extra = 0;
	size_t i;

	for (i = 0; i < v->s->n_collections; i++) {
		missing += v->s->collections[i].missing;
		different += v->s->collections[i].different;
		extra += v->s->collections[i].extra;
	}
	if (!is_command(v, "diff") && missing + different + extra == 0)
		return;
	tile_count(v, "documents missing", missing, "collections.*.missing");
	tile_count(v, "documents different", different,
	    "collections.*.different");
	tile_count(v, "documents extra", extra, "collections.*.extra");
	if (v->s->settled > 0)
		tile_count(v, "settled meanwhile", v->s->settled, "settled");
}

static void
tiles_of_delta(const struct report_view *v)
{
	const struct spaceferry_delta *d = &v->s->delta;

	if (!d->ran)
		return;
	tile_count(v, "documents inserted", d->inserted, "delta.inserted");
	tile_count(v, "documents replaced", d->replaced, "delta.replaced");
	tile_count(v, "documents deleted", d->deleted, "delta.deleted");
	tile_bytes(v, "documents sent", d->bytes, "delta.bytes");
	if (d->files_deleted > 0)
		tile_count(v, "files deleted", d->files_deleted,
		    "delta.files_deleted");
}

void
report_parts_tiles(const struct report_view *v)
{
	uint64_t count = 0, bytes = 0, values = 0;
	size_t i;

	report_html_raw(v->h, "<ul class=\"tiles\">\n");
	for (i = 0; i < v->s->n_collections; i++) {
		count += v->s->collections[i].source.count;
		bytes += v->s->collections[i].source.bytes;
		values += v->s->collections[i].rewritten_values;
	}
	if (v->s->n_collections > 0) {
		tile_count(v, "documents", count, "collections.*.source.count");
		tile_bytes(v, "of documents", bytes,
		    "collections.*.source.bytes");
	}
	if (v->style->files && !is_command(v, "doctor")) {
		tile_count(v, "files", v->s->files.count, "files.count");
		tile_bytes(v, "of files", v->s->files.bytes, "files.bytes");
	}
	if (values > 0)
		tile_count(v, "values rewritten", values,
		    "collections.*.rewritten.values");
	if (v->s->target_bytes > 0)
		tile_bytes(v, "needed on the target", v->s->target_bytes,
		    "target_bytes");
	tiles_of_differences(v);
	tiles_of_delta(v);
	if (is_command(v, "doctor"))
		tiles_of_doctor(v);
	report_html_raw(v->h, "</ul>\n");
}
