#include <string.h>

#include "cli/report_parts.h"

#define HOSTS_COLUMNS "Host|#Links rewritten|#Otherwise mentioned|For example"
#define HOSTS_UNFOLDED 15

static void
list_figure(struct report_html *h, uint64_t n, const char *key,
    const char *words)
{

	if (n == 0)
		return;
	report_html_raw(h, "<li><b>");
	report_html_count(h, n, "%s", key);
	report_html_format(h, "</b> %s</li>\n", words);
}

static void
write_places(const struct report_view *v)
{
	size_t i;

	report_parts_table(v->h, "Files", "From|To");
	for (i = 0; i < v->o->job.n_files; i++) {
		report_html_raw(v->h, "<tr><td class=\"long\">");
		/* restore: of a snapshot's only place no name is given. */
		report_parts_hidden(v->h,
		    v->o->job.files[i].place.from != NULL ?
		    v->o->job.files[i].place.from : "the snapshot");
		report_html_raw(v->h, "</td><td class=\"long\">");
		report_parts_hidden(v->h, v->o->job.files[i].place.to);
		report_html_raw(v->h, "</td></tr>\n");
	}
	report_parts_table_end(v->h);
}

void
report_parts_files(const struct report_view *v)
{
	const struct spaceferry_file_counts *f = &v->s->files;

	if (!v->style->files || (v->s->command != NULL &&
	    strcmp(v->s->command, "doctor") == 0))
		return;
	report_html_raw(v->h, "<section id=\"files\"><h2>Files</h2>\n"
	    "<ul class=\"figures\">\n<li><b>");
	report_html_count(v->h, f->count, "files.count");
	report_html_raw(v->h, "</b> files, ");
	report_html_bytes(v->h, f->bytes, "files.bytes");
	report_html_raw(v->h, "</li>\n");
	list_figure(v->h, f->uploaded, "files.uploaded",
	    v->s->dry_run ? "to send" : "sent");
	list_figure(v->h, f->skipped, "files.skipped", "there and equal");
	list_figure(v->h, f->failed, "files.failed", "failed");
	list_figure(v->h, f->missing, "files.missing", "missing");
	list_figure(v->h, f->different, "files.different", "different");
	list_figure(v->h, f->extra, "files.extra", "only on the target");
	report_html_raw(v->h, "</ul>\n");
	write_places(v);
	report_html_raw(v->h, "</section>\n");
}

/* The rule that a host lacks, and where one is met. */
static void
write_uncovered(const struct report_view *v, size_t i)
{
	const struct spaceferry_host *host = &v->s->hosts[i];

	if (host->missing_rule != NULL) {
		report_html_raw(v->h, "<p>A rule for <code>");
		report_html_name(v->h, host->missing_rule);
		report_html_raw(v->h, "</code> is missing: ");
		report_html_count(v->h, host->uncovered, "hosts.%zu.uncovered",
		    i);
		report_html_raw(v->h, " links</p>");
	}
	if (host->sample != NULL)
		report_html_name(v->h, host->sample);
}

static void
write_hosts(const struct report_view *v)
{
	size_t i;

	if (v->s->n_hosts == 0)
		return;
	report_parts_table(v->h, "Hosts", HOSTS_COLUMNS);
	for (i = 0; i < v->s->n_hosts; i++) {
		const struct spaceferry_host *host = &v->s->hosts[i];

		report_html_raw(v->h, "<tr><th scope=\"row\">");
		report_html_name(v->h, host->host[0] != '\0' ? host->host :
		    "paths without a host");
		report_html_raw(v->h, "</th><td class=\"n\">");
		report_html_count(v->h, host->rewritten, "hosts.%zu.rewritten",
		    i);
		report_html_raw(v->h, "</td><td class=\"n\">");
		report_html_count(v->h, host->no_rule, "hosts.%zu.no_rule", i);
		report_html_raw(v->h, "</td><td class=\"long\">");
		write_uncovered(v, i);
		report_html_raw(v->h, "</td></tr>\n");
		if (i + 1 != HOSTS_UNFOLDED || v->s->n_hosts == i + 1)
			continue;
		report_parts_table_end(v->h);
		report_html_format(v->h, "<details><summary>and %zu more"
		    "</summary>\n", v->s->n_hosts - i - 1);
		report_parts_table(v->h, "More hosts", HOSTS_COLUMNS);
	}
	report_parts_table_end(v->h);
	report_html_raw(v->h, v->s->n_hosts > HOSTS_UNFOLDED ? "</details>\n" :
	    "");
}

static uint64_t
left_in(const struct spaceferry_collection *c)
{

	return c->unrewritten.keys + c->unrewritten.ids +
	    c->unrewritten.binary + c->unrewritten.regex +
	    c->unrewritten.metadata + c->unrewritten.no_rule;
}

static void
left_cell(const struct report_view *v, size_t i, const char *key, uint64_t n)
{

	report_html_raw(v->h, "<td class=\"n\">");
	if (n > 0)
		report_html_count(v->h, n, "collections.%zu.unrewritten.%s", i,
		    key);
	report_html_raw(v->h, "</td>");
}

/* URLs of the rules that stand where rules do not reach. */
static void
write_left(const struct report_view *v)
{
	size_t i, n = 0;

	for (i = 0; i < v->s->n_collections; i++)
		n += left_in(&v->s->collections[i]) > 0;
	if (n == 0)
		return;
	report_html_raw(v->h, "<h3>Left as they are</h3>\n");
	report_parts_table(v->h, "Left as they are", "Collection|#In keys|#In _id|"
	    "#In binary data|#In patterns|#In options|#Host mentioned");
	for (i = 0; i < v->s->n_collections; i++) {
		const struct spaceferry_collection *c = &v->s->collections[i];

		if (left_in(c) == 0)
			continue;
		report_html_raw(v->h, "<tr><th scope=\"row\">");
		report_html_name(v->h, c->ns);
		report_html_raw(v->h, "</th>");
		left_cell(v, i, "keys", c->unrewritten.keys);
		left_cell(v, i, "ids", c->unrewritten.ids);
		left_cell(v, i, "binary", c->unrewritten.binary);
		left_cell(v, i, "regex", c->unrewritten.regex);
		left_cell(v, i, "metadata", c->unrewritten.metadata);
		left_cell(v, i, "no_rule", c->unrewritten.no_rule);
		report_html_raw(v->h, "</tr>\n");
	}
	report_parts_table_end(v->h);
}

static void
write_rule(struct report_html *h, const struct spaceferry_pair *rule)
{

	report_html_raw(h, "<tr><td class=\"long\">");
	report_parts_hidden(h, rule->from);
	report_html_raw(h, "</td><td class=\"long\">");
	report_parts_hidden(h, rule->to);
	report_html_raw(h, "</td></tr>\n");
}

static void
write_rules(const struct report_view *v)
{
	const struct spaceferry_options *o = &v->o->job;
	size_t i;

	report_html_raw(v->h, "<h3>Rules</h3>\n");
	report_parts_table(v->h, "Rules", "Prefix|becomes");
	for (i = 0; i < o->n_rewrite; i++)
		write_rule(v->h, &o->rewrite[i]);
	for (i = 0; i < o->n_files; i++) {
		if (o->files[i].url.from != NULL)
			write_rule(v->h, &o->files[i].url);
	}
	report_parts_table_end(v->h);
}

void
report_parts_links(const struct report_view *v)
{
	const struct spaceferry_options *o = &v->o->job;
	size_t i, rules = o->n_rewrite;

	for (i = 0; i < o->n_files; i++)
		rules += o->files[i].url.from != NULL;
	if (rules == 0)
		return;
	report_html_raw(v->h, "<section id=\"links\"><h2>Links</h2>\n"
	    "<ul class=\"figures\">\n<li><b>");
	report_html_count(v->h, v->s->links_rewritten, "links.rewritten");
	report_html_raw(v->h, "</b> rewritten</li>\n");
	list_figure(v->h, v->s->links_dangling, "links.dangling",
	    "without their file");
	list_figure(v->h, v->s->unreferenced_files, "links.unreferenced_files",
	    "files linked from nowhere");
	report_html_raw(v->h, "</ul>\n");
	write_hosts(v);
	write_left(v);
	write_rules(v);
	report_html_raw(v->h, "</section>\n");
}
