#include <string.h>

#include "cli/print_doctor.h"
#include "cli/print_summary.h"
#include "cli/terminal.h"
#include "cli/text.h"

#define GROUP_COLUMNS 8
#define GROUP_COLUMNS_CHECK 11	/* "repository" is its first one */
#define NAME_COLUMNS 16
#define LEAST_TEXT 24		/* columns that text needs to be wrapped */
#define TEXT_LARGEST (64 * 1024)

#define BOLD "\x1b[1m"
#define PLAIN "\x1b[0m"

static const struct {
	const char *word;	/* as --json has it */
	const char *mark;	/* where the locale is UTF-8 */
	const char *ascii;
	const char *colour;
} verdicts[] = {
	[SPACEFERRY_PASS] = { "pass", "\xE2\x9C\x93", "ok  ", "\x1b[32m" },
	[SPACEFERRY_WARN] = { "warn", "!", "warn", "\x1b[33m" },
	[SPACEFERRY_FAIL] = { "fail", "\xE2\x9C\x97", "FAIL", "\x1b[31m" },
	[SPACEFERRY_SKIPPED] = { "skipped", "\xE2\x80\x93", "skip",
	    "\x1b[2m" },
};

void
print_doctor_init(struct print_doctor *p, FILE *out, bool json)
{
	int fd = fileno(out);

	*p = (struct print_doctor){ .out = out, .json = json,
	    .colour = terminal_has_colour(fd), .utf8 = terminal_is_utf8() };
	if (terminal_is(fd))
		p->columns = terminal_size(fd).columns;
}

/* Writes text from column at on, words that do not fit below at column indent.
 * A word that is too long for any line stands on one of its own. */
static void
wrap(const struct print_doctor *p, const char *text, size_t at, size_t indent)
{
	struct buf shown;
	char *word, *rest = NULL;
	size_t width;
	bool first = true;

	buf_init(&shown, TEXT_LARGEST);
	text_show(&shown, text, TEXT_WHOLE);
	word = buf_str(&shown) != NULL ?
	    strtok_r((char *)shown.data, " ", &rest) : NULL;
	for (; word != NULL; word = strtok_r(NULL, " ", &rest)) {
		width = text_columns(word);
		if (!first && p->columns >= indent + LEAST_TEXT &&
		    at + 1 + width > p->columns) {
			fprintf(p->out, "\n%*s", (int)indent, "");
			at = indent;
		} else if (!first) {
			fputc(' ', p->out);
			at++;
		}
		fputs(word, p->out);
		at += width;
		first = false;
	}
	fputc('\n', p->out);
	buf_free(&shown);
}

/* One line, cut where it would not fit. */
static void
print_terse(const struct print_doctor *p, const char *text, size_t at)
{
	struct buf shown;

	buf_init(&shown, TEXT_LARGEST);
	text_show(&shown, text, p->columns >= at + LEAST_TEXT ?
	    p->columns - at : TEXT_WHOLE);
	fwrite(shown.data != NULL ? (char *)shown.data : "", 1, shown.len,
	    p->out);
	fputc('\n', p->out);
	buf_free(&shown);
}

/* "source  ✓ name            ", the group only where it is another one than
 * before; returns the column that follows. */
static size_t
print_head(struct print_doctor *p, const struct spaceferry_check *c)
{
	bool same = p->group != NULL && strcmp(p->group, c->group) == 0;
	const char *mark = p->utf8 ? verdicts[c->verdict].mark :
	    verdicts[c->verdict].ascii;
	size_t width = text_columns(c->name), at;

	if (p->group == NULL)
		p->groups = strcmp(c->group, "repository") == 0 ?
		    GROUP_COLUMNS_CHECK : GROUP_COLUMNS;
	at = p->groups + text_columns(mark) + 1;
	p->group = c->group;
	fputs(p->colour ? BOLD : "", p->out);
	print_cell(p->out, same ? "" : c->group, p->groups);
	fputs(p->colour ? PLAIN : "", p->out);
	fprintf(p->out, "%s%s%s ",
	    p->colour ? verdicts[c->verdict].colour : "", mark,
	    p->colour ? PLAIN : "");
	print_cell(p->out, c->name, width < NAME_COLUMNS ? NAME_COLUMNS :
	    width);
	fputc(' ', p->out);
	return at + (width < NAME_COLUMNS ? NAME_COLUMNS : width) + 1;
}

static void
print_text(struct print_doctor *p, const struct spaceferry_check *c)
{
	const char *arrow = p->utf8 ? "\xE2\x86\x92 " : "-> ";
	size_t at, indent;

	at = print_head(p, c);
	if ((c->verdict == SPACEFERRY_PASS ||
	    c->verdict == SPACEFERRY_SKIPPED) && c->remedy[0] == '\0')
		print_terse(p, c->seen, at);
	else
		wrap(p, c->seen, at, at);
	if (c->remedy[0] == '\0')
		return;
	indent = at + text_columns(arrow);
	fprintf(p->out, "%*s%s", (int)at, "", arrow);
	wrap(p, c->remedy, indent, indent);
}

void
print_doctor_check(struct print_doctor *p, const struct spaceferry_check *c)
{

	if (p->json)
		print_json_check(p->out, c, verdicts[c->verdict].word);
	else
		print_text(p, c);
	fflush(p->out);
}

/* What is to be done now. */
static const char *
advice(const struct spaceferry_summary *s, const struct print_style *style,
    const size_t counts[])
{

	if (strcmp(s->command, "check") == 0)
		return style->status > 1 ? "Not everything was looked at: mend "
		    "what the error says, then run check again." :
		    style->status == 1 ? "What failed stands above, each with "
		    "its remedy." :
		    counts[SPACEFERRY_WARN] > 0 ? "No damage was found; see to "
		    "the warnings." : "No damage was found.";
	if (style->status > 1)
		return "Not everything was looked at: mend what the error "
		    "says, then run doctor again.";
	if (style->status == 1)
		return "The migration would not go well.  Mend what failed, "
		    "then run doctor again.";
	if (counts[SPACEFERRY_WARN] > 0)
		return "Nothing was found that stops the migration; see to "
		    "the warnings first.";
	return "Nothing was found that stops the migration.";
}

/* "failed: files target-keys, machine state", once each: what stands above
 * may be out of sight by now. */
static void
print_names(FILE *out, const struct spaceferry_summary *s,
    enum spaceferry_verdict verdict, const char *title)
{
	const struct spaceferry_check *c, *last = NULL;
	size_t i;

	for (i = 0; i < s->n_checks; i++) {
		c = &s->checks[i];
		if (c->verdict != verdict || (last != NULL &&
		    strcmp(c->group, last->group) == 0 &&
		    strcmp(c->name, last->name) == 0))
			continue;
		fprintf(out, "%s%s %s", last == NULL ? title : ", ", c->group,
		    c->name);
		last = c;
	}
	fputs(last != NULL ? "\n" : "", out);
}

void
print_doctor_closing(FILE *out, const struct spaceferry_summary *s,
    const struct print_style *style)
{
	size_t counts[SPACEFERRY_SKIPPED + 1] = { 0 }, i;

	for (i = 0; i < s->n_checks; i++)
		counts[s->checks[i].verdict]++;
	fputs(s->n_checks > 0 ? "\n" : "", out);
	fputs(style->colour ? BOLD : "", out);
	print_number(out, s->n_checks, "check", "checks");
	fprintf(out, ": %zu passed, ", counts[SPACEFERRY_PASS]);
	print_number(out, counts[SPACEFERRY_WARN], "warning", "warnings");
	fprintf(out, ", %zu failed", counts[SPACEFERRY_FAIL]);
	if (counts[SPACEFERRY_SKIPPED] > 0)
		fprintf(out, ", %zu skipped", counts[SPACEFERRY_SKIPPED]);
	fputs(style->colour ? PLAIN "\n" : "\n", out);
	print_names(out, s, SPACEFERRY_FAIL, "failed: ");
	print_names(out, s, SPACEFERRY_WARN, "warnings: ");
	fprintf(out, "%s\n", advice(s, style, counts));
}
