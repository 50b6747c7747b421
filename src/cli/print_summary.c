#include <inttypes.h>
#include <string.h>

#include "base/err.h"
#include "cli/print_doctor.h"
#include "cli/print_repository.h"
#include "cli/print_summary.h"
#include "cli/text.h"
#include "cli/units.h"

#define NAME_LEAST 12
#define NAME_MOST 44
#define TEXT_LARGEST (256 * 1024)

#define RED "\x1b[31m"
#define GREEN "\x1b[32m"
#define BOLD "\x1b[1m"
#define PLAIN "\x1b[0m"

bool
print_is_stop(const struct spaceferry_finding *f)
{
	int kind;

	for (kind = ERR_NONE + 1; kind < ERR_KINDS; kind++) {
		if (strcmp(f->kind, err_kind_name(kind)) == 0)
			return err_exit_status(kind, false) > 1;
	}
	return false;
}

static void
show(FILE *out, const char *text, size_t columns)
{
	struct buf shown;

	buf_init(&shown, TEXT_LARGEST);
	text_show(&shown, text, columns);
	fwrite(shown.data != NULL ? (char *)shown.data : "", 1, shown.len, out);
	buf_free(&shown);
}

void
print_safe(FILE *out, const char *text)
{

	show(out, text, TEXT_WHOLE);
}

void
print_cell(FILE *out, const char *text, size_t columns)
{
	size_t used = text_columns(text);

	show(out, text, columns);
	if (used < columns)
		fprintf(out, "%*s", (int)(columns - used), "");
}

void
print_number(FILE *out, uint64_t n, const char *one, const char *many)
{
	char text[UNITS_TEXT];

	fprintf(out, "%s %s", units_print_count(n, text), n == 1 ? one : many);
}

/* A list in a sentence: "a, b": the separator, then the next may be written. */
static void
separate(FILE *out, bool *first)
{

	fputs(*first ? "" : ", ", out);
	*first = false;
}

static void
state_part(FILE *out, bool *first, uint64_t n, const char *word)
{
	char text[UNITS_TEXT];

	if (n == 0)
		return;
	separate(out, first);
	fprintf(out, "%s %s", units_print_count(n, text), word);
}

/* "ok", or what is not, in a few words. */
static void
print_state(FILE *out, const struct spaceferry_collection *c)
{
	bool first = true;

	if (c->ok) {
		separate(out, &first);
		fputs("ok", out);
	}
	state_part(out, &first, c->missing, "missing");
	state_part(out, &first, c->different, "different");
	state_part(out, &first, c->extra, "extra");
	state_part(out, &first, c->quarantined, "in quarantine");
	state_part(out, &first, c->n_metadata, "in options or indexes");
	state_part(out, &first, c->conflicts, "there already");
	state_part(out, &first, c->violations, "against the validator");
	state_part(out, &first, c->kept, "kept");
	state_part(out, &first, c->expired, "expired");
	if (first)
		fputs("not proven", out);
}

static size_t
name_columns(const struct spaceferry_summary *s)
{
	size_t i, columns, most = NAME_LEAST;

	for (i = 0; i < s->n_collections; i++) {
		columns = text_columns(s->collections[i].ns);
		if (columns > most)
			most = columns;
	}
	return most > NAME_MOST ? NAME_MOST : most;
}

/* A backup stores documents as they are. */
static bool
is_backup(const struct spaceferry_summary *s)
{

	return s->command != NULL && strcmp(s->command, "backup") == 0;
}

/* The last figure of a row; blank where none is meant. */
static const char *
rewritten_text(const struct spaceferry_summary *s, uint64_t n,
    char out[UNITS_TEXT])
{

	return is_backup(s) ? "" : units_print_count(n, out);
}

static void
print_row(FILE *out, const struct spaceferry_summary *s,
    const struct spaceferry_collection *c, size_t columns, bool colour)
{
	char count[UNITS_TEXT], bytes[UNITS_TEXT], rewritten[UNITS_TEXT];

	fputs("  ", out);
	print_cell(out, c->ns, columns);
	if (strcmp(c->type, "view") == 0)
		fprintf(out, "%12s%12s%*s  ", "view", "",
		    is_backup(s) ? 0 : 12, "");
	else
		fprintf(out, "%12s%12s%*s  ",
		    units_print_count(c->source.count, count),
		    units_print_bytes(c->source.bytes, bytes),
		    is_backup(s) ? 0 : 12,
		    rewritten_text(s, c->rewritten_documents, rewritten));
	fputs(colour ? (c->ok ? GREEN : RED) : "", out);
	print_state(out, c);
	fputs(colour ? PLAIN "\n" : "\n", out);
}

static void
print_collections(FILE *out, const struct spaceferry_summary *s, bool colour)
{
	struct spaceferry_collection sum = { .ok = true };
	char count[UNITS_TEXT], bytes[UNITS_TEXT], rewritten[UNITS_TEXT];
	size_t i, columns = name_columns(s);

	if (s->n_collections == 0)
		return;
	fprintf(out, "  %s%-*s%12s%12s%*s%s\n", colour ? BOLD : "",
	    (int)columns, "collection", "documents", "size",
	    is_backup(s) ? 0 : 12, is_backup(s) ? "" : "rewritten",
	    colour ? PLAIN : "");
	for (i = 0; i < s->n_collections; i++) {
		const struct spaceferry_collection *c = &s->collections[i];

		print_row(out, s, c, columns, colour);
		sum.source.count += c->source.count;
		sum.source.bytes += c->source.bytes;
		sum.rewritten_documents += c->rewritten_documents;
	}
	if (s->n_collections > 1)
		fprintf(out, "  %-*s%12s%12s%*s\n", (int)columns, "together",
		    units_print_count(sum.source.count, count),
		    units_print_bytes(sum.source.bytes, bytes),
		    is_backup(s) ? 0 : 12,
		    rewritten_text(s, sum.rewritten_documents, rewritten));
	fputc('\n', out);
}

static void
print_files(FILE *out, const struct spaceferry_summary *s,
    const struct print_style *style)
{
	const struct spaceferry_file_counts *f = &s->files;
	bool verify = s->command != NULL && strcmp(s->command, "verify") == 0;
	bool backup = is_backup(s);
	char count[UNITS_TEXT], bytes[UNITS_TEXT];
	bool first = true;

	if (!style->files)
		return;
	fprintf(out, "  files: %s", units_print_count(f->count, count));
	fprintf(out, ", %s: ", units_print_bytes(f->bytes, bytes));
	state_part(out, &first, f->uploaded, backup ?
	    (s->dry_run ? "to read" : "stored") :
	    s->dry_run ? "to send" : "sent");
	state_part(out, &first, f->skipped, verify ? "equal" : backup ?
	    "there already" : "there already and equal");
	state_part(out, &first, f->failed, "failed");
	state_part(out, &first, f->missing, "missing");
	state_part(out, &first, f->different, "different");
	state_part(out, &first, f->extra, "only on the target");
	state_part(out, &first, s->delta.files_deleted, s->dry_run ?
	    "to remove" : "removed");
	if (first)
		fputs(verify ? "equal" : backup ? "read" : "nothing to do",
		    out);
	fputc('\n', out);
}

static void
print_repeated(FILE *out, const struct spaceferry_summary *s)
{
	char bytes[UNITS_TEXT];

	if (!s->resumed)
		return;
	fputs("  resumed: ", out);
	print_number(out, s->repeated.documents, "document", "documents");
	fprintf(out, " (%s) and ", units_print_bytes(s->repeated.bytes, bytes));
	print_number(out, s->repeated.files, "file", "files");
	fputs(" written again\n", out);
}

static void
print_delta(FILE *out, const struct spaceferry_summary *s)
{
	const struct spaceferry_delta *d = &s->delta;
	char text[UNITS_TEXT];
	bool first = true;

	if (!d->ran)
		return;
	fputs(s->dry_run ? "  documents to change: " :
	    "  documents changed: ", out);
	state_part(out, &first, d->inserted, "inserted");
	state_part(out, &first, d->replaced, "replaced");
	state_part(out, &first, d->deleted, "removed");
	if (first)
		fputs("none", out);
	else if (d->bytes > 0)
		fprintf(out, s->dry_run ? " (%s to send)" : " (%s sent)",
		    units_print_bytes(d->bytes, text));
	fputc('\n', out);
}

static void
print_links(FILE *out, const struct spaceferry_summary *s)
{
	char n[UNITS_TEXT];

	if (s->links_rewritten == 0 && s->links_dangling == 0 &&
	    s->unreferenced_files == 0)
		return;
	fprintf(out, "  links: %s rewritten",
	    units_print_count(s->links_rewritten, n));
	if (s->links_dangling > 0)
		fprintf(out, ", %s without their file",
		    units_print_count(s->links_dangling, n));
	if (s->unreferenced_files > 0) {
		fputs("; ", out);
		print_number(out, s->unreferenced_files, "file", "files");
		fputs(" linked from nowhere", out);
	}
	fputc('\n', out);
}

/* URLs of the rules that were left where rules do not reach. */
static void
print_unrewritten(FILE *out, const struct spaceferry_summary *s)
{
	uint64_t keys = 0, ids = 0, binary = 0, regex = 0, meta = 0, no_rule = 0;
	bool first = true;
	size_t i;

	for (i = 0; i < s->n_collections; i++) {
		keys += s->collections[i].unrewritten.keys;
		ids += s->collections[i].unrewritten.ids;
		binary += s->collections[i].unrewritten.binary;
		regex += s->collections[i].unrewritten.regex;
		meta += s->collections[i].unrewritten.metadata;
		no_rule += s->collections[i].unrewritten.no_rule;
	}
	if (keys + ids + binary + regex + meta + no_rule == 0)
		return;
	fputs("  left as they are: ", out);
	state_part(out, &first, keys, "in keys");
	state_part(out, &first, ids, "in _id");
	state_part(out, &first, binary, "in binary data");
	state_part(out, &first, regex, "in regular expressions");
	state_part(out, &first, meta, "in views and validators");
	state_part(out, &first, no_rule, no_rule == 1 ?
	    "mention of a rule's host" : "mentions of a rule's host");
	fputc('\n', out);
}

/* True when both paths name the same field, array indexes apart. */
static bool
same_path(const char *a, const char *b)
{
	static const char digits[] = "0123456789";

	while (*a != '\0' && *b != '\0') {
		size_t na = strspn(a, digits), nb = strspn(b, digits);

		if (na > 0 && nb > 0) {
			a += na;
			b += nb;
		} else if (*a++ != *b++) {
			return false;
		}
	}
	return *a == *b;
}

/* True when an earlier sample shows the same field of the same collection. */
static bool
is_shown(const struct spaceferry_sample *samples, size_t at)
{
	size_t i;

	for (i = 0; i < at; i++) {
		if (strcmp(samples[i].ns, samples[at].ns) == 0 &&
		    same_path(samples[i].path, samples[at].path))
			return true;
	}
	return false;
}

/* One sample of each field; --json has them all. */
static void
print_samples(FILE *out, const struct spaceferry_summary *s, bool colour)
{
	size_t i;

	if (s->n_samples == 0)
		return;
	fputs("\n  Rewritten values, for example:\n", out);
	for (i = 0; i < s->n_samples; i++) {
		const struct spaceferry_sample *v = &s->samples[i];

		if (is_shown(s->samples, i))
			continue;
		fputs("    ", out);
		print_safe(out, v->ns);
		fputs(" _id ", out);
		print_safe(out, v->id);
		fputs(", ", out);
		print_safe(out, v->path);
		fprintf(out, "\n      %s- ", colour ? RED : "");
		print_safe(out, v->before);
		fprintf(out, "%s\n      %s+ ", colour ? PLAIN : "",
		    colour ? GREEN : "");
		print_safe(out, v->after);
		fputs(colour ? PLAIN "\n" : "\n", out);
	}
}

static const char *
hint_of(const struct spaceferry_finding *f)
{

	return f->hint != NULL ? f->hint : "";
}

/* The findings under a title; a hint that several in a row share is written
 * once, behind the last of them. */
void
print_findings(FILE *out, const char *title,
    const struct spaceferry_finding *f, size_t n)
{
	const struct spaceferry_finding *last = NULL;
	size_t i;

	for (i = 0; i <= n; i++) {
		if (i < n && print_is_stop(&f[i]))
			continue;
		if (last != NULL && hint_of(last)[0] != '\0' &&
		    (i == n || strcmp(hint_of(last), hint_of(&f[i])) != 0)) {
			fputs("      hint: ", out);
			print_safe(out, hint_of(last));
			fputc('\n', out);
		}
		if (i == n)
			return;
		if (last == NULL)
			fprintf(out, "\n  %s:\n", title);
		fputs("    ", out);
		print_safe(out, f[i].message);
		fputc('\n', out);
		last = &f[i];
	}
}

void
print_summary(FILE *out, const struct spaceferry_summary *s,
    const struct print_style *style)
{
	char took[UNITS_TEXT];

	if (print_repository_is(s)) {
		print_repository(out, s, style);
		return;
	}
	if (s->command != NULL && (strcmp(s->command, "doctor") == 0 ||
	    strcmp(s->command, "check") == 0)) {
		print_findings(out, "Wrong", s->errors, s->n_errors);
		print_findings(out, "Worth knowing", s->notes, s->n_notes);
		print_doctor_closing(out, s, style);
		return;
	}
	if (style->status > 1 && s->n_collections == 0 && s->files.count == 0) {
		print_closing(out, s, style);
		return;
	}
	fprintf(out, "spaceferry %s%s%s, %s\n\n",
	    s->command != NULL ? s->command : "",
	    s->delta.ran ? " --delta" : "", s->dry_run ? " --dry-run" : "",
	    units_print_seconds(s->elapsed_seconds, took));
	print_collections(out, s, style->colour);
	print_files(out, s, style);
	print_delta(out, s);
	if (is_backup(s))
		print_repository_stored(out, s);
	print_links(out, s);
	print_repeated(out, s);
	print_unrewritten(out, s);
	if (s->quarantine != NULL) {
		fputs("  quarantine: ", out);
		print_safe(out, s->quarantine);
		fputc('\n', out);
	}
	if (s->source_changed)
		fputs("  The source was written to while it was read.\n", out);
	print_hosts(out, s, style->colour);
	print_samples(out, s, style->colour);
	print_findings(out, "Wrong", s->errors, s->n_errors);
	print_findings(out, "Worth knowing", s->notes, s->n_notes);
	print_closing(out, s, style);
}
