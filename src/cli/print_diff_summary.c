#include <stdlib.h>
#include <string.h>

#include "cli/print_diff.h"
#include "cli/print_summary.h"
#include "cli/text.h"
#include "cli/units.h"

#define NAME_LEAST 12
#define NAME_MOST 44

#define RED "\x1b[31m"
#define BOLD "\x1b[1m"
#define PLAIN "\x1b[0m"

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

/* One line of the table: in all, then what differs; UINT64_MAX: does not
 * apply. */
static void
print_row(const struct print_diff *p, size_t columns, const char *name,
    const uint64_t counts[5])
{
	char text[UNITS_TEXT];
	size_t i;

	fputs("  ", p->out);
	print_cell(p->out, name, columns);
	for (i = 0; i < 5; i++) {
		bool none = counts[i] == UINT64_MAX ||
		    (i > 0 && counts[i] == 0);
		bool differs = i > 0 && !none;

		fprintf(p->out, "%s%12s%s", differs && p->colour ? RED : "",
		    none ? "-" : units_print_count(counts[i], text),
		    differs && p->colour ? PLAIN : "");
	}
	fputc('\n', p->out);
}

static void
print_table(const struct print_diff *p, const struct spaceferry_summary *s,
    bool files)
{
	const struct spaceferry_file_counts *f = &s->files;
	size_t i, columns = name_columns(s);

	fprintf(p->out, "  %s%-*s%12s%12s%12s%12s%12s%s\n",
	    p->colour ? BOLD : "", (int)columns, "", "in all", "missing",
	    "extra", "different", "metadata", p->colour ? PLAIN : "");
	for (i = 0; i < s->n_collections; i++) {
		const struct spaceferry_collection *c = &s->collections[i];
		bool view = c->type != NULL && strcmp(c->type, "view") == 0;

		print_row(p, columns, c->ns, (uint64_t[]){
		    view ? UINT64_MAX : c->source.count, c->missing,
		    c->extra, c->different, c->n_metadata });
	}
	if (files)
		print_row(p, columns, "files", (uint64_t[]){ f->count,
		    f->missing, f->extra, f->different, 0 });
}

static uint64_t
all_differences(const struct spaceferry_summary *s)
{
	const struct spaceferry_file_counts *f = &s->files;
	uint64_t n = f->missing + f->extra + f->different;
	size_t i;

	for (i = 0; i < s->n_collections; i++) {
		const struct spaceferry_collection *c = &s->collections[i];

		n += c->missing + c->extra + c->different + c->n_metadata;
	}
	return n;
}

/* What is told about links whoever reads the source is no difference: --json
 * and --report have it, and here it would hide what was asked for. */
static bool
is_about_links(const struct spaceferry_finding *f)
{

	return strcmp(f->kind, "dangling_link") == 0 ||
	    strcmp(f->kind, "no_rule") == 0 ||
	    strcmp(f->kind, "unreferenced_file") == 0;
}

static void
print_notes(const struct print_diff *p, const struct spaceferry_summary *s)
{
	struct spaceferry_finding *notes;
	size_t i, n = 0;

	if ((notes = calloc(s->n_notes + 1, sizeof(*notes))) == NULL)
		return;
	for (i = 0; i < s->n_notes; i++) {
		if (!is_about_links(&s->notes[i]))
			notes[n++] = s->notes[i];
	}
	print_findings(p->out, "Worth knowing", notes, n);
	free(notes);
}

void
print_diff_summary(const struct print_diff *p,
    const struct spaceferry_summary *s, const struct print_style *style)
{
	uint64_t n = all_differences(s);
	char text[UNITS_TEXT];

	if (p->stat && (style->status <= 1 || s->n_collections > 0)) {
		fprintf(p->out, "spaceferry diff, %s\n\n",
		    units_print_seconds(s->elapsed_seconds, text));
		print_table(p, s, style->files);
	} else if (style->status <= 1 && n > p->told) {
		fprintf(p->out, "%s  and %s more, which --limit left out\n",
		    p->told > 0 ? "\n" : "",
		    units_print_count(n - p->told, text));
	}
	if (s->source_changed)
		fputs("\n  The source was written to while it was read.\n",
		    p->out);
	print_findings(p->out, "Wrong", s->errors, s->n_errors);
	print_notes(p, s);
	print_closing(p->out, s, style);
}
