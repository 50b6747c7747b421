#include <stdio.h>
#include <string.h>

#include "cli/console_line.h"
#include "cli/text.h"
#include "cli/units.h"

#define LONGEST_WAIT (100.0 * 86400)	/* seconds worth showing */

/* Widths of the columns of a drawn line; the name takes what is left. */
#define PHASE_COLUMNS 8
#define COUNT_COLUMNS 21
#define PERCENT_COLUMNS 6
#define RATE_COLUMNS 14
#define ETA_COLUMNS 9
#define NAME_COLUMNS 16		/* at least, before other columns are left out */
#define FIGURES_LARGEST 512

int64_t
console_line_eta(const struct spaceferry_progress *p,
    const struct console_rate *rate)
{
	double left;

	if (p->bytes_total > p->bytes && rate->bytes > 0)
		left = (double)(p->bytes_total - p->bytes) / rate->bytes;
	else if (p->items_total > p->items && rate->items > 0)
		left = (double)(p->items_total - p->items) / rate->items;
	else
		return -1;
	return left > LONGEST_WAIT ? -1 : (int64_t)(left + 0.5);
}

int
console_line_percent(const struct spaceferry_progress *p)
{
	uint64_t done = p->items, total = p->items_total;

	if (p->bytes_total > 0) {
		done = p->bytes;
		total = p->bytes_total;
	}
	if (total == 0)
		return -1;
	/* Totals are estimates: more may come than was expected. */
	if (done >= total)
		return p->finished ? 100 : 99;
	return (int)((double)done * 100 / (double)total);
}

static const char *
noun_of(const struct spaceferry_progress *p)
{
	const char *slash = strchr(p->name, '/');
	const char *dot = strchr(p->name, '.');

	if (strcmp(p->phase, "blobs") == 0)
		return p->items == 1 ? "blob" : "blobs";
	/* A store's name is a URL or a path; a database's never has a '/', nor
	 * is it empty. */
	if ((slash != NULL && (dot == NULL || slash < dot ||
	    dot == p->name)) || strcmp(p->phase, "files") == 0)
		return p->items == 1 ? "file" : "files";
	if (strcmp(p->phase, "indexes") == 0)
		return p->items == 1 ? "index" : "indexes";
	return p->items == 1 ? "document" : "documents";
}

/* Appends s right-aligned in columns (ASCII only). */
static bool
right(struct buf *out, const char *s, int columns)
{

	return buf_printf(out, "%*s", columns, s);
}

/* Appends s cut or filled up to columns. */
static bool
left(struct buf *out, const char *s, size_t columns)
{
	size_t used = text_columns(s);

	if (!text_show(out, s, columns))
		return false;
	for (; used < columns; used++) {
		if (!buf_append_byte(out, ' '))
			return false;
	}
	return true;
}

static bool
draw_count(struct buf *out, const struct spaceferry_progress *p)
{
	char done[UNITS_TEXT], total[UNITS_TEXT], both[2 * UNITS_TEXT];

	units_print_count(p->items, done);
	if (p->items_total == 0)
		return right(out, done, COUNT_COLUMNS);
	units_print_count(p->items_total, total);
	snprintf(both, sizeof(both), "%s/%s", done, total);
	return right(out, both, COUNT_COLUMNS);
}

static bool
draw_percent(struct buf *out, const struct spaceferry_progress *p)
{
	char text[16] = "";
	int percent = console_line_percent(p);

	if (percent >= 0)
		snprintf(text, sizeof(text), "%d %%", percent);
	return right(out, text, PERCENT_COLUMNS);
}

/* "2.1 MiB/s"; "120/s" where there are no bytes.  "" when it is not known. */
static const char *
rate_text(const struct console_rate *rate, char text[UNITS_TEXT + 4])
{
	char number[UNITS_TEXT];

	text[0] = '\0';
	if (rate->bytes >= 1)
		snprintf(text, UNITS_TEXT + 4, "%s/s",
		    units_print_bytes((uint64_t)(rate->bytes + 0.5), number));
	else if (rate->items >= 1)
		snprintf(text, UNITS_TEXT + 4, "%s/s",
		    units_print_count((uint64_t)(rate->items + 0.5), number));
	return text;
}

static bool
draw_eta(struct buf *out, const struct spaceferry_progress *p,
    const struct console_rate *rate)
{
	char clock[UNITS_TEXT] = "";
	int64_t eta = console_line_eta(p, rate);

	if (eta >= 0)
		units_print_clock((uint64_t)eta, clock);
	return right(out, clock, ETA_COLUMNS);
}

/* The figures behind the name, as many as fit into columns (at least, before
 * large numbers widen them); in the order of what is missed least. */
static bool
draw_figures(struct buf *out, const struct spaceferry_progress *p,
    const struct console_rate *rate, size_t columns)
{
	static const size_t widths[] = {
		PERCENT_COLUMNS, ETA_COLUMNS, COUNT_COLUMNS, RATE_COLUMNS
	};
	char text[UNITS_TEXT + 4];
	size_t n, used = 0;

	for (n = 0; n < 4 && used + widths[n] <= columns; n++)
		used += widths[n];
	return (n < 3 || draw_count(out, p)) &&
	    (n < 1 || draw_percent(out, p)) &&
	    (n < 4 || right(out, rate_text(rate, text), RATE_COLUMNS)) &&
	    (n < 2 || draw_eta(out, p, rate));
}

/* Of what is waited for, the figures are times. */
static bool
is_waiting(const struct spaceferry_progress *p)
{

	return strcmp(p->phase, "waiting") == 0;
}

static bool
draw_waiting(struct buf *out, const struct spaceferry_progress *p,
    size_t columns)
{
	char waited[UNITS_TEXT], in_all[UNITS_TEXT], both[2 * UNITS_TEXT + 8];

	snprintf(both, sizeof(both), "%s of %s",
	    units_print_clock(p->items, waited),
	    units_print_clock(p->items_total, in_all));
	return strlen(both) + COUNT_COLUMNS > columns ||
	    right(out, both, COUNT_COLUMNS);
}

static bool
say_waiting(struct buf *out, const struct spaceferry_progress *p)
{
	char waited[UNITS_TEXT], still[UNITS_TEXT];
	uint64_t left = p->items_total > p->items ?
	    p->items_total - p->items : 0;

	return buf_printf(out, "waiting for %s, giving up in %s: ",
	    units_print_clock(p->items, waited),
	    units_print_clock(left, still)) &&
	    text_show(out, p->name, TEXT_WHOLE);
}

bool
console_line_draw(struct buf *out, const struct spaceferry_progress *p,
    const struct console_rate *rate, unsigned columns)
{
	size_t room = columns > 1 ? columns - 1 : 0;
	struct buf figures;
	bool ok;

	if (room < PHASE_COLUMNS + NAME_COLUMNS)
		return text_show(out, p->name, room);
	room -= PHASE_COLUMNS;
	buf_init(&figures, FIGURES_LARGEST);
	ok = is_waiting(p) ? draw_waiting(&figures, p, room - NAME_COLUMNS) :
	    draw_figures(&figures, p, rate, room - NAME_COLUMNS);
	if (figures.len > room)
		buf_reset(&figures);
	ok = ok && left(out, p->phase, PHASE_COLUMNS) &&
	    left(out, p->name, room - figures.len) &&
	    buf_append(out, figures.data, figures.len);
	buf_free(&figures);
	return ok;
}

bool
console_line_say(struct buf *out, const struct spaceferry_progress *p,
    const struct console_rate *rate)
{
	char n[UNITS_TEXT], text[UNITS_TEXT + 4];
	int64_t eta;
	int percent;

	if (is_waiting(p))
		return say_waiting(out, p);
	if (!buf_append_str(out, p->phase) || !buf_append_byte(out, ' ') ||
	    !text_show(out, p->name, TEXT_WHOLE) ||
	    !buf_printf(out, ": %s", units_print_count(p->items, n)))
		return false;
	if (p->finished) {
		if (!buf_printf(out, " %s", noun_of(p)))
			return false;
		return p->bytes == 0 || buf_printf(out, ", %s",
		    units_print_bytes(p->bytes, n));
	}
	if (p->items_total > 0 && !buf_printf(out, " of %s",
	    units_print_count(p->items_total, n)))
		return false;
	if (!buf_printf(out, " %s", noun_of(p)))
		return false;
	percent = console_line_percent(p);
	if (percent >= 0 && !buf_printf(out, " (%d %%)", percent))
		return false;
	if (*rate_text(rate, text) != '\0' && !buf_printf(out, ", %s", text))
		return false;
	eta = console_line_eta(p, rate);
	return eta < 0 || buf_printf(out, ", %s left",
	    units_print_clock((uint64_t)eta, n));
}
