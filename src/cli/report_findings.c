#include <string.h>

#include "cli/report_parts.h"

static const char *
hint_of(const struct spaceferry_finding *f)
{

	return f->hint != NULL ? f->hint : "";
}

/* A hint that several in a row share is written once, behind the last. */
static void
write_finding(struct report_html *h, const struct spaceferry_finding *f,
    const struct spaceferry_finding *next)
{

	report_html_raw(h, "<li><span class=\"kind\">");
	report_html_text(h, f->kind);
	report_html_raw(h, "</span> <span class=\"what\">");
	report_html_name(h, f->message);
	report_html_raw(h, "</span>");
	if (hint_of(f)[0] != '\0' && (next == NULL ||
	    strcmp(hint_of(f), hint_of(next)) != 0)) {
		report_html_raw(h, "<p class=\"hint\">");
		report_html_text(h, f->hint);
		report_html_raw(h, "</p>");
	}
	report_html_raw(h, "</li>\n");
}

/* Those findings of a list that stopped the run, or those that did not. */
struct findings {
	const char *id;
	const char *title;
	const struct spaceferry_finding *v;
	size_t n;
	bool stops;
};

static size_t
count_them(const struct findings *l)
{
	size_t i, n = 0;

	for (i = 0; i < l->n; i++)
		n += print_is_stop(&l->v[i]) == l->stops;
	return n;
}

static void
write_findings(struct report_html *h, const struct findings *l)
{
	size_t i, shown = 0, n = count_them(l);

	if (n == 0)
		return;
	report_html_format(h, "<section id=\"%s\"><h2>%s</h2>\n"
	    "<ul class=\"findings\">\n", l->id, l->title);
	for (i = 0; i < l->n; i++) {
		if (print_is_stop(&l->v[i]) != l->stops)
			continue;
		if (shown++ == REPORT_PARTS_UNFOLDED)
			report_html_format(h, "</ul><details><summary>%zu more"
			    "</summary><ul class=\"findings\">\n",
			    n - REPORT_PARTS_UNFOLDED);
		write_finding(h, &l->v[i], i + 1 < l->n &&
		    shown != REPORT_PARTS_UNFOLDED &&
		    print_is_stop(&l->v[i + 1]) == l->stops ?
		    &l->v[i + 1] : NULL);
	}
	report_html_raw(h, shown > REPORT_PARTS_UNFOLDED ?
	    "</ul></details></section>\n" : "</ul></section>\n");
}

void
report_parts_errors(const struct report_view *v)
{
	struct findings l = { .id = "stops", .title = "What stopped the run",
	    .v = v->s->errors, .n = v->s->n_errors, .stops = true };

	write_findings(v->h, &l);
	l.id = "errors";
	l.title = "What is wrong";
	l.stops = false;
	write_findings(v->h, &l);
}

void
report_parts_notes(const struct report_view *v)
{
	struct findings l = { .id = "notes", .title = "Worth knowing",
	    .v = v->s->notes, .n = v->s->n_notes };

	write_findings(v->h, &l);
	l.id = "more-notes";
	l.stops = true;
	write_findings(v->h, &l);
}

static const char *
group_title(const char *group)
{
	static const struct {
		const char *group;
		const char *title;
	} titles[] = {
		{ "source", "Source" },
		{ "target", "Target" },
		{ "fit", "Does it fit?" },
		{ "files", "Files" },
		{ "app", "The app" },
		{ "machine", "This machine" },
		{ "outside", "Beyond the reach of spaceferry" },
	};
	size_t i;

	for (i = 0; i < sizeof(titles) / sizeof(titles[0]); i++) {
		if (strcmp(titles[i].group, group) == 0)
			return titles[i].title;
	}
	return group;
}

static void
write_check(struct report_html *h, const struct spaceferry_check *c)
{
	static const char *const words[] = {
		[SPACEFERRY_PASS] = "pass", [SPACEFERRY_WARN] = "warn",
		[SPACEFERRY_FAIL] = "fail", [SPACEFERRY_SKIPPED] = "skipped",
	};
	static const char *const marks[] = {
		[SPACEFERRY_PASS] = "✓", [SPACEFERRY_WARN] = "!",
		[SPACEFERRY_FAIL] = "✗", [SPACEFERRY_SKIPPED] = "–",
	};

	report_html_format(h, "<li class=\"check %s\"><span class=\"mark\" "
	    "aria-hidden=\"true\">%s</span><span class=\"word\">%s</span>"
	    "<b>", words[c->verdict], marks[c->verdict], words[c->verdict]);
	report_html_text(h, c->name);
	report_html_raw(h, "</b><span class=\"what\">");
	report_html_name(h, c->seen != NULL ? c->seen : "");
	report_html_raw(h, "</span>");
	if (c->remedy != NULL && c->remedy[0] != '\0') {
		report_html_raw(h, "<p class=\"hint\">");
		report_html_text(h, c->remedy);
		report_html_raw(h, "</p>");
	}
	report_html_raw(h, "</li>\n");
}

static bool
same_group(const struct spaceferry_check *a, const struct spaceferry_check *b)
{

	return strcmp(a->group, b->group) == 0;
}

/* What failed and what warns by name: it may be far down. */
static void
write_names(struct report_html *h, const struct spaceferry_summary *s,
    enum spaceferry_verdict verdict, const char *title)
{
	const struct spaceferry_check *c;
	size_t i, n = 0;

	for (i = 0; i < s->n_checks; i++) {
		c = &s->checks[i];
		if (c->verdict != verdict)
			continue;
		if (n++ == 0)
			report_html_format(h, "<p>%s ", title);
		else
			report_html_raw(h, ", ");
		report_html_raw(h, "<b>");
		report_html_text(h, c->group);
		report_html_raw(h, " ");
		report_html_text(h, c->name);
		report_html_raw(h, "</b>");
	}
	if (n > 0)
		report_html_raw(h, "</p>\n");
}

/* Groups in the order of their first checks, whatever came between. */
void
report_parts_checks(const struct report_view *v)
{
	const struct spaceferry_check *c = v->s->checks;
	size_t i, j;

	if (v->s->n_checks == 0)
		return;
	report_html_raw(v->h, "<section id=\"checks\"><h2>Checks</h2>\n");
	write_names(v->h, v->s, SPACEFERRY_FAIL, "Failed:");
	write_names(v->h, v->s, SPACEFERRY_WARN, "Warnings:");
	for (i = 0; i < v->s->n_checks; i++) {
		for (j = 0; j < i && !same_group(&c[j], &c[i]); j++)
			continue;
		if (j < i)
			continue;
		report_html_raw(v->h, "<h3>");
		report_html_text(v->h, group_title(c[i].group));
		report_html_raw(v->h, "</h3>\n<ul class=\"checks\">\n");
		for (j = i; j < v->s->n_checks; j++) {
			if (same_group(&c[i], &c[j]))
				write_check(v->h, &c[j]);
		}
		report_html_raw(v->h, "</ul>\n");
	}
	report_html_raw(v->h, "</section>\n");
}

void
report_parts_samples(const struct report_view *v)
{
	size_t i;

	if (v->s->n_samples == 0)
		return;
	report_html_raw(v->h, "<section id=\"samples\"><h2>Rewritten values, "
	    "for example</h2>\n<ul class=\"changes\">\n");
	for (i = 0; i < v->s->n_samples; i++) {
		const struct spaceferry_sample *s = &v->s->samples[i];

		report_html_raw(v->h, "<li><p><b>");
		report_html_name(v->h, s->ns);
		report_html_raw(v->h, "</b> <span class=\"quiet\">_id ");
		report_html_name(v->h, s->id);
		report_html_raw(v->h, "</span> <code>");
		report_html_name(v->h, s->path);
		report_html_raw(v->h, "</code></p><p class=\"del\">"
		    "<span class=\"side\">before</span>");
		report_html_name(v->h, s->before);
		report_html_raw(v->h, "</p><p class=\"ins\">"
		    "<span class=\"side\">after</span>");
		report_html_name(v->h, s->after);
		report_html_raw(v->h, "</p></li>\n");
	}
	report_html_raw(v->h, "</ul></section>\n");
}
