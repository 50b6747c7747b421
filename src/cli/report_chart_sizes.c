#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/report_chart.h"

#define BARS_MOST 20		/* the rest is one bar */

struct bar {
	const char *name;	/* NULL: the rest */
	size_t index;		/* of the collection; of the rest: how many */
	uint64_t source;
	uint64_t target;
};

static uint64_t
larger(const struct bar *b)
{

	return b->source > b->target ? b->source : b->target;
}

static int
by_size(const void *a, const void *b)
{
	uint64_t x = larger(a), y = larger(b);

	return x < y ? 1 : x > y ? -1 : 0;
}

/* The bars, largest first, and whether the target has any bytes. */
static struct bar *
list_bars(const struct spaceferry_summary *s, size_t *n, bool *both)
{
	struct bar *bars = calloc(s->n_collections + 1, sizeof(*bars));
	size_t i;

	*n = 0;
	*both = false;
	if (bars == NULL)
		return NULL;
	for (i = 0; i < s->n_collections; i++) {
		const struct spaceferry_collection *c = &s->collections[i];

		if (c->source.bytes == 0 && c->target.bytes == 0)
			continue;
		bars[(*n)++] = (struct bar){ c->ns, i, c->source.bytes,
		    c->target.bytes };
		*both |= c->target.bytes > 0;
	}
	qsort(bars, *n, sizeof(*bars), by_size);
	return bars;
}

/* Puts those beyond BARS_MOST together, last. */
static size_t
fold(struct bar *bars, size_t n)
{
	struct bar rest = { .index = n - BARS_MOST };
	size_t i;

	if (n <= BARS_MOST + 1)
		return n;
	for (i = BARS_MOST; i < n; i++) {
		rest.source += bars[i].source;
		rest.target += bars[i].target;
	}
	bars[BARS_MOST] = rest;
	return BARS_MOST + 1;
}

/* In thousandths of the longest; what is there at all can be seen. */
static double
length(uint64_t bytes, uint64_t longest)
{
	double part = 1000.0 * (double)bytes / (double)longest;

	return bytes > 0 && part < 2 ? 2 : part;
}

static void
write_bar(struct report_html *h, const struct bar *b, uint64_t longest,
    bool both)
{

	report_html_raw(h, "<li><span class=\"what\">");
	if (b->name != NULL)
		report_html_name(h, b->name);
	else
		report_html_format(h, "%zu more collections", b->index);
	report_html_raw(h, "</span><svg viewBox=\"0 0 1000 10\" "
	    "preserveAspectRatio=\"none\" aria-hidden=\"true\">");
	report_html_format(h, "<rect class=\"source\" width=\"%.1f\" y=\"0\" "
	    "height=\"%d\"/>", length(b->source, longest), both ? 5 : 10);
	if (both)
		report_html_format(h, "<rect class=\"target\" width=\"%.1f\" "
		    "y=\"5\" height=\"5\"/>", length(b->target, longest));
	report_html_raw(h, "</svg><span class=\"much\">");
	if (b->name != NULL)
		report_html_bytes(h, b->source, "collections.%zu.source.bytes",
		    b->index);
	else
		report_html_bytes(h, b->source, "%s", "");
	if (both && b->target != b->source) {
		report_html_raw(h, " → ");
		if (b->name != NULL)
			report_html_bytes(h, b->target,
			    "collections.%zu.target.bytes", b->index);
		else
			report_html_bytes(h, b->target, "%s", "");
	}
	report_html_raw(h, "</span></li>\n");
}

void
report_chart_sizes(struct report_html *h, const struct spaceferry_summary *s)
{
	struct bar *bars;
	uint64_t longest = 1;
	size_t i, n;
	bool both;

	bars = list_bars(s, &n, &both);
	if (bars == NULL || n == 0) {
		free(bars);
		return;
	}
	n = fold(bars, n);
	for (i = 0; i < n; i++)
		longest = larger(&bars[i]) > longest ? larger(&bars[i]) :
		    longest;
	report_html_raw(h, "<section id=\"sizes\"><h2>Sizes</h2>\n"
	    "<p class=\"legend\"><span class=\"key source\"></span>Source, "
	    "after rewriting");
	if (both)
		report_html_raw(h, " <span class=\"key target\"></span>Target");
	report_html_raw(h, "</p>\n<ul class=\"bars\">\n");
	for (i = 0; i < n; i++)
		write_bar(h, &bars[i], longest, both);
	report_html_raw(h, "</ul></section>\n");
	free(bars);
}
