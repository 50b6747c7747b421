#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/print_repository.h"
#include "cli/print_summary.h"
#include "cli/text.h"
#include "cli/units.h"

#define BOLD "\x1b[1m"
#define DIM "\x1b[2m"
#define PLAIN "\x1b[0m"
#define TAGS_LEAST 4
#define TAGS_MOST 24

/* What Atlas' free tier gives out in seven days before it slows down. */
#define WEEK_FREE UINT64_C(10000000000)

static bool
is(const struct spaceferry_summary *s, const char *command)
{

	return s->command != NULL && strcmp(s->command, command) == 0;
}

bool
print_repository_is(const struct spaceferry_summary *s)
{

	return is(s, "snapshots") || is(s, "prune");
}

/* "2026-11-23T15:52:46Z" as seconds since 1970; -1 for something else. */
static int64_t
seconds_of(const char *text)
{
	struct tm tm = { .tm_isdst = 0 };
	const char *end;

	if (text == NULL)
		return -1;
	end = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
	return end != NULL && strcmp(end, "Z") == 0 ? (int64_t)timegm(&tm) : -1;
}

/* In local time, without the seconds. */
static const char *
local_time(int64_t at, char out[UNITS_TEXT])
{
	time_t t = (time_t)at;
	struct tm tm;

	if (at < 0 || localtime_r(&t, &tm) == NULL ||
	    strftime(out, UNITS_TEXT, "%Y-%m-%d %H:%M", &tm) == 0)
		snprintf(out, UNITS_TEXT, "?");
	return out;
}

/* "5 min", "3 h", "12 d", "14 mo": the largest unit of which there are two. */
static const char *
age(int64_t at, int64_t now, char out[UNITS_TEXT])
{
	int64_t seconds = now > at ? now - at : 0;
	static const struct {
		int64_t seconds;
		const char *name;
	} units[] = {
		{ 365 * 86400, "y" }, { 30 * 86400, "mo" }, { 86400, "d" },
		{ 3600, "h" }, { 60, "min" }, { 1, "s" },
	};
	size_t i;

	if (at < 0) {
		snprintf(out, UNITS_TEXT, "?");
		return out;
	}
	for (i = 0; i + 1 < sizeof(units) / sizeof(units[0]); i++) {
		if (seconds >= 2 * units[i].seconds)
			break;
	}
	snprintf(out, UNITS_TEXT, "%" PRId64 " %s", seconds / units[i].seconds,
	    units[i].name);
	return out;
}

static void
join_tags(const struct spaceferry_snapshot *one, struct buf *out)
{
	size_t i;

	for (i = 0; i < one->n_tags; i++) {
		if (!buf_append_str(out, i > 0 ? "," : "") ||
		    !buf_append_str(out, one->tags[i]))
			break;
	}
	if (buf_str(out) == NULL)
		buf_reset(out);
}

static size_t
tags_columns(const struct spaceferry_summary *s)
{
	size_t i, j, columns, most = TAGS_LEAST;

	for (i = 0; i < s->n_snapshots; i++) {
		columns = 0;
		for (j = 0; j < s->snapshots[i].n_tags; j++)
			columns += (j > 0) + text_columns(s->snapshots[i].tags[j]);
		if (columns > most)
			most = columns;
	}
	return most > TAGS_MOST ? TAGS_MOST : most;
}

/* A count that only who can read the snapshot knows. */
static const char *
known(const struct spaceferry_snapshot *one, uint64_t n, char out[UNITS_TEXT])
{

	return one->open ? units_print_count(n, out) : "-";
}

/* prune: what becomes of it. */
static void
print_fate(FILE *out, const struct spaceferry_summary *s,
    const struct spaceferry_snapshot *one)
{

	if (!is(s, "prune"))
		return;
	if (one->removed)
		fputs(s->dry_run ? "  would be removed" : "  removed", out);
	else if (one->reason != NULL && one->reason[0] != '\0')
		fprintf(out, "  kept: %s", one->reason);
	else
		fputs("  kept", out);
}

static void
print_one(FILE *out, const struct spaceferry_summary *s,
    const struct spaceferry_snapshot *one, size_t columns, int64_t now)
{
	char when[UNITS_TEXT], old[UNITS_TEXT], stored[UNITS_TEXT];
	char added[UNITS_TEXT], documents[UNITS_TEXT], files[UNITS_TEXT];
	int64_t at = seconds_of(one->time);
	struct buf tags;

	buf_init(&tags, (size_t)64 * 1024);
	join_tags(one, &tags);
	fputs("  ", out);
	print_cell(out, one->id, 8);
	fprintf(out, "  %-16s %7s  ", local_time(at, when), age(at, now, old));
	print_cell(out, buf_str(&tags) != NULL ? buf_str(&tags) : "", columns);
	fprintf(out, "%11s%11s", units_print_bytes(one->stored, stored),
	    units_print_bytes(one->added, added));
	if (!is(s, "prune"))
		fprintf(out, "%12s%9s", known(one, one->documents, documents),
		    known(one, one->files, files));
	print_fate(out, s, one);
	fputc('\n', out);
	buf_free(&tags);
}

void
print_repository_table(FILE *out, const struct spaceferry_summary *s,
    bool colour, int64_t now)
{
	size_t i, columns = tags_columns(s);

	if (s->n_snapshots == 0)
		return;
	fprintf(out, "%s  %-8s  %-16s %7s  %-*s%11s%11s%s%s\n",
	    colour ? BOLD : "", "snapshot", "time", "age", (int)columns,
	    "tags", "stored", "added", is(s, "prune") ? "" :
	    "   documents    files", colour ? PLAIN : "");
	for (i = 0; i < s->n_snapshots; i++) {
		bool dim = colour && s->snapshots[i].removed;

		fputs(dim ? DIM : "", out);
		print_one(out, s, &s->snapshots[i], columns, now);
		fputs(dim ? PLAIN : "", out);
	}
	fputc('\n', out);
}

static void
print_blobs(FILE *out, uint64_t blobs, uint64_t bytes)
{
	char text[UNITS_TEXT];

	print_number(out, blobs, "blob", "blobs");
	fprintf(out, " (%s)", units_print_bytes(bytes, text));
}

static uint64_t
count_removed(const struct spaceferry_summary *s)
{
	uint64_t removed = 0;
	size_t i;

	for (i = 0; i < s->n_snapshots; i++)
		removed += s->snapshots[i].removed;
	return removed;
}

/* "3 snapshots and 40 blobs (1 GiB) removed; 7 snapshots, 80 blobs … stay" */
static void
print_pruned(FILE *out, const struct spaceferry_summary *s)
{
	const struct spaceferry_repository *r = &s->repository;
	uint64_t removed = count_removed(s);

	if (removed == 0 && r->blobs_removed == 0) {
		fputs(s->dry_run ? "Nothing would be removed.\n" :
		    "Nothing was to be removed.\n", out);
		return;
	}
	print_number(out, removed, "snapshot", "snapshots");
	fputs(" and ", out);
	print_blobs(out, r->blobs_removed, r->bytes_removed);
	fputs(s->dry_run ? " would be removed, " : " removed, ", out);
	print_number(out, s->n_snapshots - removed, "snapshot", "snapshots");
	fputs(" and ", out);
	print_blobs(out, r->blobs, r->bytes);
	fputs(s->dry_run ? " would stay.\n" : " stay.\n", out);
}

static void
print_listed(FILE *out, const struct spaceferry_summary *s)
{
	const struct spaceferry_repository *r = &s->repository;

	if (s->n_snapshots == 0)
		fputs("There is no snapshot.\n", out);
	else
		print_number(out, s->n_snapshots, "snapshot", "snapshots");
	if (s->n_snapshots > 0 && r->blobs > 0) {
		fputs(", ", out);
		print_blobs(out, r->blobs, r->bytes);
	}
	fputs(s->n_snapshots > 0 ? "\n" : "", out);
}

void
print_repository(FILE *out, const struct spaceferry_summary *s,
    const struct print_style *style)
{

	print_repository_table(out, s, style->colour, (int64_t)time(NULL));
	print_findings(out, "Wrong", s->errors, s->n_errors);
	print_findings(out, "Worth knowing", s->notes, s->n_notes);
	fputs(s->n_notes > 0 ? "\n" : "", out);
	fputs(style->colour ? BOLD : "", out);
	if (style->status > 1)
		print_closing(out, s, style);
	else if (is(s, "prune"))
		print_pruned(out, s);
	else
		print_listed(out, s);
	fputs(style->colour ? PLAIN : "", out);
}

/* Atlas tells itself by its host names. */
static bool
is_atlas(const struct spaceferry_summary *s)
{

	return s->source != NULL && strstr(s->source, ".mongodb.net") != NULL;
}

void
print_repository_stored(FILE *out, const struct spaceferry_summary *s)
{
	const struct spaceferry_repository *r = &s->repository;
	char bytes[UNITS_TEXT];

	if (r->bytes_read > 0 || r->blobs > 0)
		fprintf(out, "  read: %s", units_print_bytes(r->bytes_read,
		    bytes));
	if (r->blobs > 0) {
		fputs(", new: ", out);
		print_blobs(out, r->blobs_added, r->bytes_added);
		fputs("; in the repository: ", out);
		print_blobs(out, r->blobs, r->bytes);
	}
	fputs(r->bytes_read > 0 || r->blobs > 0 ? "\n" : "", out);
	if (count_removed(s) > 0 || r->blobs_removed > 0) {
		fputs("  removed: ", out);
		print_number(out, count_removed(s), "snapshot", "snapshots");
		fputs(" and ", out);
		print_blobs(out, r->blobs_removed, r->bytes_removed);
		fputc('\n', out);
	}
	if (is_atlas(s) && r->bytes_read_week > 0)
		fprintf(out, "  in 7 days: %s read; Atlas' free tier gives out "
		    "10 GB, then slows down%s\n",
		    units_print_bytes(r->bytes_read_week, bytes),
		    r->bytes_read_week > WEEK_FREE * 8 / 10 ?
		    ": back up less often" : "");
}

void
print_repository_snapshot(FILE *out, const struct spaceferry_summary *s)
{
	const struct spaceferry_snapshot *one;
	char when[UNITS_TEXT];

	if (s->n_snapshots == 0)
		return;
	one = &s->snapshots[0];
	fputs("snapshot ", out);
	print_safe(out, one->id);
	fprintf(out, " of %s", local_time(seconds_of(one->time), when));
	if (s->repository.name == NULL)
		return;
	fputs(" in ", out);
	print_safe(out, s->repository.name);
}
