#include <inttypes.h>
#include <string.h>

#include "cli/report_parts.h"
#include "cli/units.h"

static size_t
count_metadata(const struct spaceferry_summary *s)
{
	size_t i, n = 0;

	for (i = 0; i < s->n_collections; i++)
		n += s->collections[i].n_metadata;
	return n;
}

static void
write_side(struct report_html *h, const char *class, const char *side,
    const char *value)
{

	if (value == NULL)
		return;
	report_html_format(h, "<p class=\"%s\"><span class=\"side\">%s</span>",
	    class, side);
	report_html_name(h, value);
	report_html_raw(h, "</p>");
}

static void
write_field(struct report_html *h, const struct report_kept_field *f)
{

	report_html_raw(h, "<div class=\"field\"><code>");
	report_html_name(h, f->path != NULL && f->path[0] != '\0' ? f->path :
	    "the document");
	report_html_raw(h, "</code>");
	if (f->order)
		report_html_raw(h, " <span class=\"quiet\">the same fields in "
		    "another order</span>");
	else if (f->source == NULL)
		report_html_raw(h, " <span class=\"quiet\">only on the target"
		    "</span>");
	else if (f->target == NULL)
		report_html_raw(h, " <span class=\"quiet\">only on the source"
		    "</span>");
	write_side(h, "del", "source", f->source);
	write_side(h, "ins", "target", f->target);
	report_html_raw(h, "</div>");
}

static void
write_item(struct report_html *h, const struct report_kept_item *item)
{
	size_t i;

	report_html_format(h, "<li><p><span class=\"kind\">%s%s</span> <b>",
	    item->kind == SPACEFERRY_FILE ? "file " : "", item->type);
	report_html_name(h, item->where != NULL ? item->where : "");
	report_html_format(h, "</b> %s<code>",
	    item->kind <= SPACEFERRY_DIFFERENT ?
	    "<span class=\"quiet\">_id</span> " : "");
	report_html_name(h, item->what != NULL ? item->what : "");
	report_html_raw(h, "</code></p>");
	write_side(h, "del", "source", item->source);
	write_side(h, "ins", "target", item->target);
	for (i = 0; i < item->n_fields; i++)
		write_field(h, &item->fields[i]);
	if (item->more_fields > 0)
		report_html_format(h, "<p class=\"quiet\">and %zu more fields"
		    "</p>", item->more_fields);
	report_html_raw(h, "</li>\n");
}

void
report_parts_differences(const struct report_view *v)
{
	const struct report_kept *k = v->kept;
	bool twice = count_metadata(v->s) > 0;
	char more[UNITS_TEXT];
	size_t i, shown = 0;

	for (i = 0; i < k->n; i++)
		shown += k->items[i].kind != SPACEFERRY_METADATA || !twice;
	if (shown == 0)
		return;
	report_html_raw(v->h, "<section id=\"differences\">"
	    "<h2>Differences</h2>\n<p class=\"quiet\">Missing is what the "
	    "target has not, extra what only the target has.</p>\n"
	    "<ul class=\"changes\">\n");
	for (i = 0; i < k->n; i++) {
		if (k->items[i].kind != SPACEFERRY_METADATA || !twice)
			write_item(v->h, &k->items[i]);
	}
	report_html_raw(v->h, "</ul>\n");
	if (k->more > 0)
		report_html_format(v->h, "<p class=\"more\">and %s more, which "
		    "this page has no room for</p>\n",
		    units_print_count(k->more, more));
	report_html_raw(v->h, "</section>\n");
}

void
report_parts_metadata(const struct report_view *v)
{
	const struct spaceferry_metadata *m;
	size_t i, j;

	if (count_metadata(v->s) == 0)
		return;
	report_html_raw(v->h, "<section id=\"metadata\"><h2>Options and indexes "
	    "that differ</h2>\n<ul class=\"changes\">\n");
	for (i = 0; i < v->s->n_collections; i++) {
		for (j = 0; j < v->s->collections[i].n_metadata; j++) {
			m = &v->s->collections[i].metadata[j];
			report_html_raw(v->h, "<li><p><span class=\"kind\">");
			report_html_text(v->h, m->kind);
			report_html_raw(v->h, "</span> <b>");
			report_html_name(v->h, v->s->collections[i].ns);
			report_html_raw(v->h, "</b> <code>");
			report_html_name(v->h, m->name);
			report_html_raw(v->h, "</code></p>");
			write_side(v->h, "del", "source", m->source);
			write_side(v->h, "ins", "target", m->target);
			report_html_raw(v->h, "</li>\n");
		}
	}
	report_html_raw(v->h, "</ul></section>\n");
}
