#include <string.h>

#include "cli/report_parts.h"

/* Which rows of the table: those that are not well are never folded away. */
enum rows { ROWS_ALL, ROWS_BAD, ROWS_GOOD };

/* The table of the collections while it is written. */
struct table {
	struct report_html *h;
	const struct spaceferry_summary *s;
	bool both;		/* the target has figures of its own */
};

static bool
has_target(const struct spaceferry_summary *s)
{
	size_t i;

	for (i = 0; i < s->n_collections; i++) {
		if (s->collections[i].target.count > 0)
			return true;
	}
	return false;
}

static bool
is_among(const struct spaceferry_collection *c, enum rows rows)
{

	return rows == ROWS_ALL || c->ok == (rows == ROWS_GOOD);
}

static size_t
count_rows(const struct spaceferry_summary *s, enum rows rows)
{
	size_t i, n = 0;

	for (i = 0; i < s->n_collections; i++)
		n += is_among(&s->collections[i], rows);
	return n;
}

/* A cell whose heading stands beside it where the table becomes cards. */
static void
open_cell(const struct table *t, const char *label)
{

	report_html_format(t->h, "<td role=\"cell\" data-label=\"%s\">", label);
}

static void
cell_count(const struct table *t, size_t i, const char *label, uint64_t n,
    const char *key)
{

	open_cell(t, label);
	report_html_count(t->h, n, "collections.%zu.%s", i, key);
	report_html_raw(t->h, "</td>");
}

static void
cell_bytes(const struct table *t, size_t i, const char *label, uint64_t n,
    const char *key)
{

	open_cell(t, label);
	report_html_bytes(t->h, n, "collections.%zu.%s", i, key);
	report_html_raw(t->h, "</td>");
}

/* The figures of one; a view has none. */
static void
write_figures(const struct table *t, size_t i)
{
	const struct spaceferry_collection *c = &t->s->collections[i];

	if (strcmp(c->type, "view") == 0) {
		report_html_format(t->h, "<td role=\"cell\" class=\"none\" "
		    "colspan=\"%d\"></td>", t->both ? 6 : 4);
		return;
	}
	cell_count(t, i, "Documents", c->source.count, "source.count");
	if (t->both)
		cell_count(t, i, "target", c->target.count,
		    "target.count");
	cell_bytes(t, i, "Size", c->source.bytes, "source.bytes");
	if (t->both)
		cell_bytes(t, i, "target", c->target.bytes,
		    "target.bytes");
	cell_count(t, i, "Rewritten", c->rewritten_documents,
	    "rewritten.documents");
	cell_count(t, i, "Values", c->rewritten_values,
	    "rewritten.values");
}

static void
state_part(const struct table *t, size_t i, uint64_t n, const char *key,
    const char *words)
{

	if (n == 0)
		return;
	report_html_raw(t->h, "<span>");
	report_html_count(t->h, n, "collections.%zu.%s", i, key);
	report_html_format(t->h, " %s</span>", words);
}

static bool
differs(const struct spaceferry_collection *c)
{

	return c->missing > 0 || c->different > 0 || c->extra > 0 ||
	    c->n_metadata > 0;
}

static void
write_state(const struct table *t, size_t i)
{
	const struct spaceferry_collection *c = &t->s->collections[i];

	open_cell(t, "State");
	report_html_format(t->h, "<span class=\"state %s\">", c->ok ? "ok" :
	    "bad");
	report_html_format(t->h, "<data data-key=\"collections.%zu.ok\" "
	    "value=\"%s\">%s</data>", i, c->ok ? "true" : "false",
	    c->ok ? "✓ ok" : differs(c) ? "✗ differs" : "✗ not proven");
	state_part(t, i, c->missing, "missing", "missing");
	state_part(t, i, c->different, "different", "different");
	state_part(t, i, c->extra, "extra", "extra");
	state_part(t, i, c->quarantined, "quarantined", "in quarantine");
	state_part(t, i, c->n_metadata, "metadata.#", "in options or indexes");
	state_part(t, i, c->conflicts, "conflicts", "there already");
	state_part(t, i, c->violations, "violations", "against the validator");
	state_part(t, i, c->kept, "kept", "kept");
	state_part(t, i, c->expired, "expired", "expired");
	report_html_raw(t->h, "</span></td>");
}

static void
write_row(const struct table *t, size_t i)
{
	const struct spaceferry_collection *c = &t->s->collections[i];

	report_html_raw(t->h, "<tr role=\"row\"><th scope=\"row\" "
	    "role=\"rowheader\">");
	report_html_name(t->h, c->ns);
	if (strcmp(c->type, "collection") != 0)
		report_html_format(t->h, " <span class=\"tag\">%s</span>",
		    c->type);
	report_html_raw(t->h, "</th>");
	write_figures(t, i);
	write_state(t, i);
	report_html_raw(t->h, "</tr>\n");
}

static void
write_table(const struct table *t, enum rows rows)
{
	static const char *const both[] = { "Documents", "on the target",
		"Size", "on the target", "Documents rewritten",
		"Values rewritten", "State" };
	size_t i;

	report_html_raw(t->h, "<div class=\"scroll\" tabindex=\"0\" "
	    "role=\"region\" aria-label=\"Collections\"><table class=\"cards\" "
	    "role=\"table\"><thead role=\"rowgroup\"><tr role=\"row\">"
	    "<th scope=\"col\" role=\"columnheader\">Collection</th>");
	for (i = 0; i < sizeof(both) / sizeof(both[0]); i++) {
		if (t->both || (i != 1 && i != 3))
			report_html_format(t->h, "<th scope=\"col\" "
			    "role=\"columnheader\">%s</th>", both[i]);
	}
	report_html_raw(t->h, "</tr></thead><tbody role=\"rowgroup\">\n");
	for (i = 0; i < t->s->n_collections; i++) {
		if (is_among(&t->s->collections[i], rows))
			write_row(t, i);
	}
	report_html_raw(t->h, "</tbody></table></div>\n");
}

void
report_parts_collections(const struct report_view *v)
{
	struct table t = { v->h, v->s, has_target(v->s) };
	size_t good;

	if (v->s->n_collections == 0)
		return;
	report_html_raw(v->h, "<section id=\"collections\"><h2>Collections</h2>"
	    "\n");
	if (v->s->n_collections <= REPORT_PARTS_UNFOLDED) {
		write_table(&t, ROWS_ALL);
	} else {
		good = count_rows(v->s, ROWS_GOOD);
		if (good < v->s->n_collections)
			write_table(&t, ROWS_BAD);
		if (good > 0) {
			report_html_format(v->h, "<details><summary>%zu of "
			    "%zu collections are well</summary>\n", good,
			    v->s->n_collections);
			write_table(&t, ROWS_GOOD);
			report_html_raw(v->h, "</details>\n");
		}
	}
	report_html_raw(v->h, "</section>\n");
}

static void
write_digest(struct report_html *h, size_t i, const char *side,
    const struct spaceferry_tally *n, const char *shown)
{

	report_html_format(h, "<td class=\"long\"><data class=\"digest\" data-key=\"collections."
	    "%zu.%s.digest\" value=\"%s\">%s</data></td>", i, side, n->digest,
	    shown);
}

static bool
has_digest(const struct spaceferry_collection *c)
{

	return c->source.digest[0] != '\0' && strcmp(c->type, "view") != 0;
}

void
report_parts_digests(const struct report_view *v)
{
	bool both = has_target(v->s);
	size_t i, n = 0;

	for (i = 0; i < v->s->n_collections; i++)
		n += has_digest(&v->s->collections[i]);
	if (n == 0)
		return;
	report_html_raw(v->h, "<section id=\"digests\"><h2>Digests</h2>\n"
	    "<p class=\"quiet\">The digest of a collection is the sum, modulo "
	    "2<sup>128</sup>, of the XXH3-128 of its documents with _id first; "
	    "the source's is of what the documents are after rewriting. Equal "
	    "digests: equal documents, in whatever order.</p>\n");
	report_html_format(v->h, "<details%s><summary>%zu collection%s"
	    "</summary>\n", n <= REPORT_PARTS_UNFOLDED ? " open" : "", n,
	    n == 1 ? "" : "s");
	report_parts_table(v->h, "Digests", both ? "Collection|Source|Target" :
	    "Collection|Source");
	for (i = 0; i < v->s->n_collections; i++) {
		const struct spaceferry_collection *c = &v->s->collections[i];

		if (!has_digest(c))
			continue;
		report_html_raw(v->h, "<tr><th scope=\"row\">");
		report_html_name(v->h, c->ns);
		report_html_raw(v->h, "</th>");
		write_digest(v->h, i, "source", &c->source, c->source.digest);
		if (both)
			write_digest(v->h, i, "target", &c->target,
			    strcmp(c->source.digest, c->target.digest) == 0 ?
			    "= equal" : c->target.digest);
		report_html_raw(v->h, "</tr>\n");
	}
	report_parts_table_end(v->h);
	report_html_raw(v->h, "</details></section>\n");
}
