#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/extended.h"
#include "cli/print_diff.h"
#include "cli/print_summary.h"
#include "cli/terminal.h"
#include "cli/text.h"
#include "cli/units.h"

#define TEXT_LARGEST ((size_t)2 * 1024 * 1024)
#define COLUMNS_ELSEWHERE 1000	/* not on a terminal */
#define COLUMNS_LEAST 40
#define INDENT 6		/* of values: "      - " but for two */
#define ELLIPSIS "\xE2\x80\xA6"

#define RED "\x1b[31m"
#define GREEN "\x1b[32m"
#define YELLOW "\x1b[33m"
#define BOLD "\x1b[1m"
#define PLAIN "\x1b[0m"

void
print_diff_init(struct print_diff *p, FILE *out, bool json, bool stat)
{
	int fd = fileno(out);

	*p = (struct print_diff){ .out = out, .json = json, .stat = stat,
	    .columns = COLUMNS_ELSEWHERE };
	if (fd < 0)
		return;
	p->colour = terminal_has_colour(fd);
	p->terminal = isatty(fd);
	if (p->terminal)
		p->columns = terminal_size(fd).columns;
	if (p->columns < COLUMNS_LEAST)
		p->columns = COLUMNS_LEAST;
}

void
print_diff_free(struct print_diff *p)
{

	free(p->heading);
	p->heading = NULL;
}

static const char *
colour(const struct print_diff *p, char mark)
{

	if (!p->colour)
		return "";
	return mark == '-' ? RED : mark == '+' ? GREEN : YELLOW;
}

static const char *
plain(const struct print_diff *p)
{

	return p->colour ? PLAIN : "";
}

/* Appends a value as people read it; what is not JSON as it is. */
static const char *
readable(struct buf *out, const char *value)
{

	if (!extended_show(out, value))
		buf_append_str(out, value);
	return buf_str(out) != NULL ? buf_str(out) : "";
}

/* Where two texts differ first, moved to the beginning of a character. */
static size_t
first_change(const char *a, const char *b)
{
	size_t i;

	for (i = 0; a[i] != '\0' && a[i] == b[i]; i++)
		continue;
	while (i > 0 && ((unsigned char)a[i] & 0xc0) == 0x80)
		i--;
	return i;
}

/* One value on a line of its own, cut around the byte at change. */
static void
print_value(const struct print_diff *p, char mark, const char *text,
    size_t change)
{
	size_t columns = p->columns - INDENT - 3, start = 0;
	struct buf shown;

	if (text_columns(text) > columns && change > columns / 2)
		start = change - columns / 3;
	while (start > 0 && ((unsigned char)text[start] & 0xc0) == 0x80)
		start--;
	buf_init(&shown, TEXT_LARGEST);
	text_show(&shown, text + start, columns - (start > 0));
	fprintf(p->out, "%*s%s%c %s%.*s%s\n", INDENT, "", colour(p, mark),
	    mark, start > 0 ? ELLIPSIS : "", (int)shown.len,
	    shown.data != NULL ? (char *)shown.data : "", plain(p));
	buf_free(&shown);
}

/* What the two sides have, one of them or both; NULL: nothing. */
static void
print_sides(const struct print_diff *p, const char *source, const char *target)
{
	const char *a = NULL, *b = NULL;
	struct buf left, right;
	size_t change = 0;

	buf_init(&left, TEXT_LARGEST);
	buf_init(&right, TEXT_LARGEST);
	if (source != NULL)
		a = readable(&left, source);
	if (target != NULL)
		b = readable(&right, target);
	if (a != NULL && b != NULL)
		change = first_change(a, b);
	if (a != NULL)
		print_value(p, '-', a, change);
	if (b != NULL)
		print_value(p, '+', b, change);
	buf_free(&right);
	buf_free(&left);
}

static void
print_field(const struct print_diff *p, const struct spaceferry_field *f)
{
	char n[UNITS_TEXT];

	if (f->more > 0) {
		fprintf(p->out, "    " ELLIPSIS " and %s more\n",
		    units_print_count(f->more, n));
		return;
	}
	fputs("    ", p->out);
	if (f->order) {
		fputs(f->path[0] != '\0' ? "" : "the document", p->out);
		print_safe(p->out, f->path);
		fputs(": the same fields in another order\n", p->out);
		return;
	}
	print_safe(p->out, f->path[0] != '\0' ? f->path : "\"\"");
	fputc('\n', p->out);
	print_sides(p, f->source, f->target);
}

/* "app.users", "files of s3://bucket": once, as long as it stays the same. */
static void
print_heading(struct print_diff *p, const struct spaceferry_difference *d)
{
	const char *name = d->kind == SPACEFERRY_FILE ? d->store : d->ns;

	if (name == NULL)
		name = "";
	if (p->heading != NULL && strcmp(p->heading, name) == 0)
		return;
	fprintf(p->out, "%s%s%s", p->heading != NULL ? "\n" : "",
	    p->colour ? BOLD : "", d->kind == SPACEFERRY_FILE ? "files of " :
	    "");
	print_safe(p->out, name);
	fprintf(p->out, "%s\n", plain(p));
	free(p->heading);
	p->heading = strdup(name);
}

/* "  - _id 4": what the difference is about. */
static void
print_thing(const struct print_diff *p, char mark, const char *word,
    const char *name)
{

	fprintf(p->out, "  %s%c %s%s", colour(p, mark), mark, word,
	    word[0] != '\0' ? " " : "");
	print_safe(p->out, name);
	fputs(plain(p), p->out);
}

/* What follows the thing where only one side has it. */
static void
print_lack(const struct print_diff *p, char mark)
{

	fputs(mark == '-' ? ", missing on the target\n" : mark == '+' ?
	    ", only on the target\n" : "\n", p->out);
}

static void
print_document(const struct print_diff *p,
    const struct spaceferry_difference *d)
{
	char mark = d->kind == SPACEFERRY_MISSING ? '-' :
	    d->kind == SPACEFERRY_EXTRA ? '+' : '~';
	struct buf id;
	size_t i;

	buf_init(&id, TEXT_LARGEST);
	print_thing(p, mark, "_id", readable(&id, d->id != NULL ? d->id : ""));
	print_lack(p, mark);
	buf_free(&id);
	for (i = 0; i < d->n_fields; i++)
		print_field(p, &d->fields[i]);
}

static void
print_metadata(const struct print_diff *p,
    const struct spaceferry_difference *d)
{
	char mark = d->target == NULL ? '-' : d->source == NULL ? '+' : '~';

	print_thing(p, mark, d->type, d->name != NULL ? d->name : "");
	print_lack(p, mark);
	print_sides(p, d->source, d->target);
}

static void
print_file(const struct print_diff *p, const struct spaceferry_difference *d)
{
	char mark = strcmp(d->type, "missing") == 0 ? '-' :
	    strcmp(d->type, "extra") == 0 ? '+' : '~';
	const char *what = mark == '-' ? d->source : d->target;

	print_thing(p, mark, "", d->key);
	if (mark != '~' && what != NULL) {
		fputs(" (", p->out);
		print_safe(p->out, what);
		fputc(')', p->out);
	}
	print_lack(p, mark);
	if (mark != '~')
		return;
	if (d->source != NULL)
		print_value(p, '-', d->source, 0);
	if (d->target != NULL)
		print_value(p, '+', d->target, 0);
}

static void
print_text(struct print_diff *p, const struct spaceferry_difference *d)
{

	print_heading(p, d);
	if (d->kind == SPACEFERRY_METADATA)
		print_metadata(p, d);
	else if (d->kind == SPACEFERRY_FILE)
		print_file(p, d);
	else
		print_document(p, d);
}

bool
print_diff_line(struct print_diff *p, const struct spaceferry_difference *d)
{

	if (p->failed != 0)
		return false;
	if (p->stat)
		return true;
	p->told++;
	if (p->json) {
		if (!print_diff_json(p->out, d))
			p->failed = ENOMEM;
	} else {
		print_text(p, d);
	}
	if (p->failed == 0 && (fflush(p->out) != 0 || ferror(p->out)))
		p->failed = errno != 0 ? errno : EIO;
	return p->failed == 0;
}
