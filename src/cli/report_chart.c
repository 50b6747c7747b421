#include <inttypes.h>
#include <string.h>

#include "cli/report_chart.h"
#include "cli/report_parts.h"
#include "cli/units.h"

#define BINS_MOST 120
#define POINTS_LEAST 5		/* fewer make no line */
#define WIDTH 1000.0		/* of the drawing; the page stretches it */
#define HEIGHT 100.0

static const char *const phase_titles[REPORT_TIMELINE_PHASES] = {
	[REPORT_TIMELINE_CHECK] = "Checking the archive",
	[REPORT_TIMELINE_COPY] = "Documents",
	[REPORT_TIMELINE_FILES] = "Files",
	[REPORT_TIMELINE_VERIFY] = "Comparing",
};

/* One chart while it is made: a rate per bin and phase. */
struct chart {
	const struct report_timeline *t;
	bool bytes;		/* else documents and files */
	size_t bins;
	double seconds;
	double rates[REPORT_TIMELINE_PHASES][BINS_MOST];
	double top;		/* of the axis */
};

static uint64_t
value_at(const struct chart *c, size_t point, int phase)
{
	const struct report_timeline_point *p = &c->t->points[point];

	return c->bytes ? p->bytes[phase] : p->items[phase];
}

static uint64_t
total_of(const struct chart *c, int phase)
{

	return value_at(c, c->t->n - 1, phase);
}

/* What was done up to then, between two points in proportion. */
static double
done_at(const struct chart *c, int phase, double seconds)
{
	const struct report_timeline_point *p = c->t->points;
	size_t i = 1;
	double a, b, part;

	while (i + 1 < c->t->n && p[i].seconds < seconds)
		i++;
	a = (double)value_at(c, i - 1, phase);
	b = (double)value_at(c, i, phase);
	if (p[i].seconds <= p[i - 1].seconds)
		return b;
	part = (seconds - p[i - 1].seconds) / (p[i].seconds - p[i - 1].seconds);
	return a + (b - a) * (part > 1 ? 1 : part);
}

/* The next of 1, 2, 5, 10 … (of bytes: of B, KiB, MiB …) above most. */
static double
round_up(double most, bool bytes)
{
	static const double steps[] = { 1, 2, 5, 10, 20, 50, 100, 200, 500 };
	double unit = 1, base = bytes ? 1024 : 1000;
	size_t i;

	while (most > unit * base)
		unit *= base;
	for (i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		if (most <= unit * steps[i])
			return unit * steps[i];
	}
	return unit * base;
}

static void
compute(struct chart *c)
{
	double most = 0, width = c->seconds / (double)c->bins;
	size_t bin;
	int phase;

	for (phase = 0; phase < REPORT_TIMELINE_PHASES; phase++) {
		for (bin = 0; bin < c->bins; bin++) {
			double from = (double)bin * width, rate;

			rate = (done_at(c, phase, from + width) -
			    done_at(c, phase, from)) / width;
			c->rates[phase][bin] = rate;
			most = rate > most ? rate : most;
		}
	}
	c->top = round_up(most < 2 ? 2 : most, c->bytes);
}

static void
write_rate(struct report_html *h, double rate, bool bytes)
{
	char text[UNITS_TEXT];
	uint64_t n = (uint64_t)(rate + 0.5);

	report_html_raw(h, bytes ? units_print_bytes(n, text) :
	    units_print_count(n, text));
	report_html_raw(h, "/s");
}

/* The steps of one phase; an area goes down to the axis at its ends. */
static void
draw_phase(struct report_html *h, const struct chart *c, int phase, bool area)
{
	double width = WIDTH / (double)c->bins;
	size_t bin;

	report_html_format(h, "<path class=\"%s s%d\" d=\"M0 %.0f",
	    area ? "area" : "line", phase, HEIGHT);
	for (bin = 0; bin < c->bins; bin++)
		report_html_format(h, "V%.1fH%.1f",
		    HEIGHT * (1 - c->rates[phase][bin] / c->top),
		    (double)(bin + 1) * width);
	report_html_raw(h, area ? "V100Z\"/>" : "\"/>");
}

/* When a host was away. */
static void
draw_waits(struct report_html *h, const struct chart *c)
{
	const struct report_timeline_point *p = c->t->points;
	size_t i;

	for (i = 1; i < c->t->n; i++) {
		if (p[i].waiting)
			report_html_format(h, "<rect class=\"wait\" x=\"%.1f\" "
			    "y=\"0\" width=\"%.1f\" height=\"100\"/>",
			    WIDTH * p[i - 1].seconds / c->seconds, WIDTH *
			    (p[i].seconds - p[i - 1].seconds) / c->seconds);
	}
}

/* For who cannot see the lines. */
static void
describe(struct report_html *h, const struct chart *c)
{
	char text[UNITS_TEXT];
	double most;
	size_t bin;
	int phase;

	report_html_format(h, "Over %s.",
	    units_print_seconds(c->seconds, text));
	for (phase = 0; phase < REPORT_TIMELINE_PHASES; phase++) {
		if (total_of(c, phase) == 0)
			continue;
		for (most = 0, bin = 0; bin < c->bins; bin++)
			most = c->rates[phase][bin] > most ?
			    c->rates[phase][bin] : most;
		report_html_format(h, " %s: at most ", phase_titles[phase]);
		write_rate(h, most, c->bytes);
		report_html_raw(h, ".");
	}
}

static void
draw_axes(struct report_html *h, const struct chart *c)
{
	char text[UNITS_TEXT];
	int i;

	report_html_raw(h, "<div class=\"y\" aria-hidden=\"true\"><span>");
	write_rate(h, c->top, c->bytes);
	report_html_raw(h, "</span><span>");
	write_rate(h, c->top / 2, c->bytes);
	report_html_raw(h, "</span><span>0</span></div>"
	    "<div class=\"x\" aria-hidden=\"true\">");
	for (i = 0; i <= 2; i++)
		report_html_format(h, "<span>%s</span>",
		    units_print_seconds(c->seconds * i / 2, text));
	report_html_raw(h, "</div>");
}

static void
draw(struct report_html *h, struct chart *c)
{
	const char *id = c->bytes ? "bytes" : "items";
	const char *title = c->bytes ? "Bytes per second" :
	    "Documents and files per second";
	int phase;

	compute(c);
	report_html_format(h, "<figure class=\"chart\"><figcaption>%s"
	    "</figcaption><div class=\"plot\"><svg viewBox=\"0 0 1000 100\" "
	    "preserveAspectRatio=\"none\" role=\"img\" aria-labelledby=\"%s-t "
	    "%s-d\"><title id=\"%s-t\">%s over time</title>"
	    "<desc id=\"%s-d\">", title, id, id, id, title, id);
	describe(h, c);
	report_html_raw(h, "</desc>");
	draw_waits(h, c);
	report_html_raw(h, "<path class=\"grid\" d=\"M0 0H1000M0 50H1000\"/>");
	for (phase = 0; phase < 2 * REPORT_TIMELINE_PHASES; phase++) {
		if (total_of(c, phase / 2) > 0)
			draw_phase(h, c, phase / 2, phase % 2 == 0);
	}
	report_html_raw(h, "<path class=\"base\" d=\"M0 100H1000\"/></svg>");
	draw_axes(h, c);
	report_html_raw(h, "</div></figure>\n");
}

/* The seconds from the first to the last sign of life of a phase. */
static double
active_seconds(const struct chart *c, int phase)
{
	const struct report_timeline_point *p = c->t->points;
	double from = -1, to = 0;
	size_t i;

	for (i = 1; i < c->t->n; i++) {
		if (p[i].items[phase] == p[i - 1].items[phase] &&
		    p[i].bytes[phase] == p[i - 1].bytes[phase])
			continue;
		from = from < 0 ? p[i - 1].seconds : from;
		to = p[i].seconds;
	}
	return to > from ? to - from : 0;
}

/* A run of a tick or two does not tell how long each of its phases took. */
static bool
is_short(const struct chart *c)
{

	return c->t->n < POINTS_LEAST || c->seconds <= 0;
}

static void
write_phase(struct report_html *h, struct chart *c, int phase)
{
	char text[UNITS_TEXT];
	double seconds = is_short(c) ? 0 : active_seconds(c, phase);
	uint64_t items, bytes;

	c->bytes = false;
	items = total_of(c, phase);
	c->bytes = true;
	bytes = total_of(c, phase);
	if (items == 0 && bytes == 0)
		return;
	report_html_format(h, "<tr><th scope=\"row\"><span class=\"key s%d\">"
	    "</span>%s</th><td class=\"n\">%s</td>", phase, phase_titles[phase],
	    seconds > 0 ? units_print_seconds(seconds, text) : "");
	report_html_format(h, "<td class=\"n\">%s</td>",
	    units_print_count(items, text));
	report_html_format(h, "<td class=\"n\">%s</td><td class=\"n\">",
	    units_print_bytes(bytes, text));
	if (seconds > 0)
		write_rate(h, (double)bytes / seconds, true);
	report_html_raw(h, "</td></tr>\n");
}

static bool
anything_moved(struct chart *c)
{
	int phase;

	for (phase = 0; phase < REPORT_TIMELINE_PHASES; phase++) {
		if (c->t->points[c->t->n - 1].items[phase] > 0)
			return true;
	}
	return false;
}

void
report_chart_speed(struct report_html *h, const struct report_timeline *t)
{
	struct chart c = { .t = t };
	int phase;

	if (t->n < 2 || !anything_moved(&c))
		return;
	c.seconds = t->points[t->n - 1].seconds;
	c.bins = t->n - 1 < BINS_MOST ? t->n - 1 : BINS_MOST;
	report_html_raw(h, "<section id=\"speed\"><h2>Over time</h2>\n");
	if (is_short(&c)) {
		report_html_raw(h, "<p class=\"quiet\">The run was too short "
		    "for a chart.</p>\n");
	} else {
		c.bytes = true;
		draw(h, &c);
		c.bytes = false;
		draw(h, &c);
	}
	report_parts_table(h, "Phases", "Phase|#Took about|#Documents, files|"
	    "#Size|#On average");
	for (phase = 0; phase < REPORT_TIMELINE_PHASES; phase++)
		write_phase(h, &c, phase);
	report_parts_table_end(h);
	report_html_raw(h, "</section>\n");
}
