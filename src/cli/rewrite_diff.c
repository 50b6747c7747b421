#include <string.h>

#include "cli/rewrite_diff.h"

#define CONTEXT REWRITE_DIFF_CONTEXT
/* Unchanged lines between two changes that one hunk still takes in. */
#define GAP (2 * CONTEXT)

#define RED "\033[31m"
#define GREEN "\033[32m"
#define CYAN "\033[36m"
#define BOLD "\033[1m"
#define PLAIN "\033[m"

struct diff {
	struct rewrite_lines *lines;
	const char *name;
	FILE *out;
	bool colour;
	bool headed;		/* the file's names are printed */
};

/* Where a line begins. */
struct place {
	off_t offset;
	uint64_t number;
};

struct hunk {
	struct place start;
	uint64_t n;		/* lines, as many on either side */
	struct place rest;	/* where to look on; number 0: nowhere */
};

static void
begin_colour(const struct diff *d, const char *colour)
{

	if (d->colour)
		fputs(colour, d->out);
}

static void
end_colour(const struct diff *d)
{

	if (d->colour)
		fputs(PLAIN, d->out);
}

static bool
is_odd(unsigned char c)
{

	return c < 0x20 || c >= 0x7f || c == '"' || c == '\\';
}

/* "--- a/name", in quotes with C's escapes where the name is odd.  A tab ends
 * a name with spaces in it for patch. */
static void
print_name(const struct diff *d, const char *before)
{
	static const char letters[] = "abtnvfr";
	const unsigned char *p;
	bool quote = false, space = false;

	for (p = (const unsigned char *)d->name; *p != '\0'; p++) {
		quote = quote || is_odd(*p);
		space = space || *p == ' ';
	}
	begin_colour(d, BOLD);
	fprintf(d->out, "%.4s%s%s", before, quote ? "\"" : "", before + 4);
	for (p = (const unsigned char *)d->name; *p != '\0'; p++) {
		if (!is_odd(*p))
			fputc(*p, d->out);
		else if (*p == '"' || *p == '\\')
			fprintf(d->out, "\\%c", *p);
		else if (*p >= '\a' && *p <= '\r')
			fprintf(d->out, "\\%c", letters[*p - '\a']);
		else
			fprintf(d->out, "\\%03o", *p);
	}
	fputs(quote ? "\"" : space ? "\t" : "", d->out);
	end_colour(d);
	fputc('\n', d->out);
}

static void
print_text(const struct diff *d, char sign, const char *text, size_t len)
{
	bool whole = len > 0 && text[len - 1] == '\n';

	begin_colour(d, sign == '-' ? RED : sign == '+' ? GREEN : "");
	fputc(sign, d->out);
	fwrite(text, 1, whole ? len - 1 : len, d->out);
	if (sign != ' ')
		end_colour(d);
	fputs(whole ? "\n" : "\n\\ No newline at end of file\n", d->out);
}

/* Lines that change one after another, n at most, from the first of them on:
 * as they were, then as they become.  *n is how many there are. */
static bool
print_run(const struct diff *d, struct rewrite_line *line, uint64_t *n,
    struct err *err)
{
	struct place start = { line->offset, line->number };
	enum rewrite_lines_step step = REWRITE_LINES_LINE;
	uint64_t i, most = *n;

	for (*n = 0; *n < most && line->changed && !ferror(d->out); ) {
		print_text(d, '-', line->old, line->old_len);
		if (++*n < most)
			step = rewrite_lines_next(d->lines, line, err);
		if (step != REWRITE_LINES_LINE)
			break;
	}
	rewrite_lines_seek(d->lines, start.offset, start.number);
	for (i = 0; i < *n && step != REWRITE_LINES_ERROR &&
	    !ferror(d->out); i++) {
		step = rewrite_lines_next(d->lines, line, err);
		if (step == REWRITE_LINES_LINE)
			print_text(d, '+', line->new, line->new_len);
	}
	return step != REWRITE_LINES_ERROR;
}

static bool
print_hunk(struct diff *d, const struct hunk *h, struct err *err)
{
	unsigned long long first = h->start.number, n = h->n;
	struct rewrite_line line;
	uint64_t i, run;

	if (!d->headed) {
		print_name(d, "--- a/");
		print_name(d, "+++ b/");
		d->headed = true;
	}
	begin_colour(d, CYAN);
	if (n == 1)
		fprintf(d->out, "@@ -%llu +%llu @@", first, first);
	else
		fprintf(d->out, "@@ -%llu,%llu +%llu,%llu @@", first, n, first,
		    n);
	end_colour(d);
	fputc('\n', d->out);
	rewrite_lines_seek(d->lines, h->start.offset, h->start.number);
	for (i = 0; i < h->n && !ferror(d->out); i += run) {
		run = 1;
		switch (rewrite_lines_next(d->lines, &line, err)) {
		case REWRITE_LINES_ERROR:
			return false;
		case REWRITE_LINES_END:
			return true;	/* it was cut: the caller finds out */
		case REWRITE_LINES_LINE:
			break;
		}
		if (!line.changed) {
			print_text(d, ' ', line.old, line.old_len);
			continue;
		}
		run = h->n - i;
		if (!print_run(d, &line, &run, err))
			return false;
	}
	return true;
}

/* Finds the next change, the lines around it that belong to its hunk, and
 * where to go on.  h->n is 0 when there is none. */
static bool
find_hunk(struct diff *d, struct hunk *h, struct err *err)
{
	struct place before[CONTEXT + 1], after[CONTEXT + 1];
	enum rewrite_lines_step step;
	struct rewrite_line line;
	uint64_t seen = 0, last = 0, read = 0, end;

	*h = (struct hunk){ .n = 0 };
	while ((step = rewrite_lines_next(d->lines, &line, err)) ==
	    REWRITE_LINES_LINE && (last == 0 || line.number - last <= GAP ||
	    line.changed)) {
		struct place here = { line.offset, line.number };

		read = line.number;
		if (last == 0) {
			before[seen++ % (CONTEXT + 1)] = here;
			if (line.changed)
				h->start = before[seen > CONTEXT ?
				    seen % (CONTEXT + 1) : 0];
		}
		if (line.changed)
			last = line.number;
		else if (last != 0 && line.number - last <= CONTEXT + 1)
			after[line.number - last - 1] = here;
	}
	if (step == REWRITE_LINES_ERROR)
		return false;
	if (last == 0)
		return true;
	end = last + CONTEXT;
	if (step == REWRITE_LINES_END && read < end)
		end = read;
	h->n = end - h->start.number + 1;
	if (step == REWRITE_LINES_LINE)
		h->rest = after[CONTEXT];
	return true;
}

bool
rewrite_diff(struct rewrite_lines *lines, const char *name, bool colour,
    FILE *out, struct err *err)
{
	struct diff d = { .lines = lines, .name = name, .out = out,
	    .colour = colour };
	struct hunk h;

	do {
		if (!find_hunk(&d, &h, err))
			return false;
		if (h.n > 0 && !print_hunk(&d, &h, err))
			return false;
		if (h.rest.number > 0)
			rewrite_lines_seek(lines, h.rest.offset,
			    h.rest.number);
	} while (h.rest.number > 0 && !ferror(out));
	return true;
}
