#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <sys/utsname.h>

#include "cli/report_parts.h"
#include "cli/units.h"

#define PLAIN "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789" \
	"_@%+=:,./-"

void
report_parts_table(struct report_html *h, const char *label,
    const char *columns)
{
	size_t len;

	report_html_format(h, "<div class=\"scroll\" tabindex=\"0\" "
	    "role=\"region\" aria-label=\"%s\"><table class=\"small\">",
	    label);
	report_html_raw(h, columns[0] != '\0' ? "<thead><tr>" : "");
	for (; columns[0] != '\0'; columns += len + (columns[len] == '|')) {
		bool number = columns[0] == '#';

		columns += number;
		len = strcspn(columns, "|");
		report_html_format(h, "<th scope=\"col\"%s>%.*s</th>",
		    number ? " class=\"n\"" : "", (int)len, columns);
		if (columns[len] == '\0')
			report_html_raw(h, "</tr></thead>");
	}
	report_html_raw(h, "<tbody>\n");
}

void
report_parts_table_end(struct report_html *h)
{

	report_html_raw(h, "</tbody></table></div>\n");
}

/* Puts "***" for each run of x that options_hide() left: one that stands
 * between what begins and what ends a secret. */
static void
shorten(char *text)
{
	char *from = text, *to = text;
	size_t n;

	while (*from != '\0') {
		n = strspn(from, "x");
		if (n > 0 && from > text && strchr(":=", from[-1]) != NULL &&
		    strchr("@&;,", from[n]) != NULL) {
			/* Never longer than what it stands for. */
			memset(to, '*', n < 3 ? n : 3);
			to += n < 3 ? n : 3;
			from += n;
		} else {
			*to++ = *from++;
		}
	}
	*to = '\0';
}

void
report_parts_hidden(struct report_html *h, const char *text)
{
	char *copy = text != NULL ? strdup(text) : NULL;

	if (copy == NULL)
		return;
	if (strstr(copy, "://") != NULL) {
		options_hide(copy);
		shorten(copy);
	}
	report_html_name(h, copy);
	free(copy);
}

/* An argument as a shell takes it. */
static void
write_argument(struct report_html *h, const char *arg)
{
	bool quoted = arg[0] == '\0' || arg[strspn(arg, PLAIN)] != '\0';
	const char *p;
	char *part;
	size_t len;

	report_html_raw(h, quoted ? " '" : " ");
	for (p = arg; *p != '\0'; p += len) {
		if (*p == '\'') {
			report_html_raw(h, "'\\''");
			len = 1;
			continue;
		}
		len = strcspn(p, "'");
		if ((part = strndup(p, len)) == NULL)
			return;
		report_parts_hidden(h, part);
		free(part);
	}
	report_html_raw(h, quoted ? "'" : "");
}

static void
write_command(const struct report_view *v)
{
	int i;

	report_html_raw(v->h, "<p class=\"command\"><code>spaceferry");
	for (i = 1; i < v->argc; i++)
		write_argument(v->h, v->argv[i]);
	report_html_raw(v->h, "</code></p>\n");
}

static void
row(const struct report_view *v, const char *name, const char *value)
{

	if (value == NULL || value[0] == '\0')
		return;
	report_html_format(v->h, "<tr><th scope=\"row\">%s</th>"
	    "<td class=\"long\">", name);
	report_html_name(v->h, value);
	report_html_raw(v->h, "</td></tr>\n");
}

static void
write_end(const struct report_view *v, const char *name, const char *end,
    const char *version)
{

	if (end == NULL)
		return;
	report_html_format(v->h, "<tr><th scope=\"row\">%s</th>"
	    "<td class=\"long\">", name);
	report_parts_hidden(v->h, end);
	if (version != NULL && version[0] != '\0') {
		report_html_raw(v->h, " <span class=\"quiet\">server ");
		report_html_text(v->h, version);
		report_html_raw(v->h, "</span>");
	}
	report_html_raw(v->h, "</td></tr>\n");
}

/* "1700000000.1": seconds since 1970, and a number within that second. */
static void
write_cluster_times(const struct report_view *v)
{
	char text[40];
	struct tm tm;
	time_t t;
	size_t i;

	for (i = 0; i < v->s->n_consistent_at; i++) {
		t = (time_t)strtoll(v->s->consistent_at[i], NULL, 10);
		gmtime_r(&t, &tm);
		strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S UTC", &tm);
		report_html_raw(v->h, "<tr><th scope=\"row\">Source as it was "
		    "at</th><td>");
		report_html_format(v->h, "<data data-key=\"consistent_at.%zu\" "
		    "value=\"%s\">%s</data> <span class=\"quiet\">cluster time "
		    "%s</span></td></tr>\n", i, v->s->consistent_at[i], text,
		    v->s->consistent_at[i]);
	}
}

static void
write_resumed(const struct report_view *v)
{
	const struct spaceferry_repeated *r = &v->s->repeated;

	if (!v->s->resumed)
		return;
	report_html_raw(v->h, "<tr><th scope=\"row\">Resumed</th><td>an "
	    "interrupted run; written again: ");
	report_html_count(v->h, r->documents, "resumed.documents");
	report_html_raw(v->h, " documents (");
	report_html_bytes(v->h, r->bytes, "resumed.bytes");
	report_html_raw(v->h, "), ");
	report_html_count(v->h, r->files, "resumed.files");
	report_html_raw(v->h, " files (");
	report_html_bytes(v->h, r->file_bytes, "resumed.file_bytes");
	report_html_raw(v->h, ")</td></tr>\n");
}

/* restore: what it was restored from. */
static void
write_snapshot(const struct report_view *v)
{
	const struct spaceferry_snapshot *one = v->s->snapshots;
	struct report_html *h = v->h;

	if (v->s->repository.name != NULL) {
		report_html_raw(h, "<tr><th scope=\"row\">Repository</th><td>");
		report_html_name(h, v->s->repository.name);
		report_html_raw(h, ", ");
		report_html_count(h, v->s->repository.snapshots,
		    "repository.snapshots");
		report_html_raw(h, " snapshots</td></tr>\n");
	}
	if (v->s->n_snapshots == 0)
		return;
	report_html_raw(h, "<tr><th scope=\"row\">Snapshot</th><td>");
	report_html_name(h, one->id);
	report_html_raw(h, " of ");
	report_html_text(h, one->time);
	report_html_raw(h, ": ");
	if (one->open) {
		report_html_count(h, one->documents, "snapshots.0.documents");
		report_html_raw(h, " documents in ");
		report_html_count(h, one->collections,
		    "snapshots.0.collections");
		report_html_raw(h, " collections and ");
		report_html_count(h, one->files, "snapshots.0.files");
		report_html_raw(h, " files, ");
	}
	report_html_bytes(h, one->read, "snapshots.0.read");
	report_html_raw(h, " read, ");
	report_html_bytes(h, one->stored, "snapshots.0.stored");
	report_html_raw(h, " stored, of which ");
	report_html_bytes(h, one->added, "snapshots.0.added");
	report_html_raw(h, " were new</td></tr>\n");
}

static void
write_time(const struct report_view *v, const char *name, time_t t)
{
	char text[64];
	struct tm tm;

	localtime_r(&t, &tm);
	strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S %z", &tm);
	row(v, name, text);
}

static void
write_environment(const struct report_view *v)
{
	struct utsname machine;
	char system[200];

	report_parts_table(v->h, "Environment", "");
	write_end(v, "Source", v->s->source, v->s->source_version);
	write_end(v, "Target", v->s->target, v->s->target_version);
	write_snapshot(v);
	write_cluster_times(v);
	if (v->s->source_changed)
		row(v, "Source", "was written to while it was read");
	write_resumed(v);
	row(v, "Quarantine", v->s->quarantine);
	write_time(v, "Started", v->started);
	write_time(v, "Ended", time(NULL));
	row(v, "Configuration", v->o->config);
	row(v, "Program", "spaceferry " SF_VERSION);
	if (uname(&machine) == 0) {
		snprintf(system, sizeof(system), "%s %s, %s", machine.sysname,
		    machine.release, machine.machine);
		row(v, "System", system);
	}
	report_parts_table_end(v->h);
}

void
report_parts_run(const struct report_view *v)
{

	report_html_raw(v->h, "<section id=\"run\"><h2>The run</h2>\n");
	write_command(v);
	write_environment(v);
	report_html_raw(v->h, "<details><summary>Libraries</summary>"
	    "<p class=\"libraries\">");
	report_html_raw(v->h, SF_LIBRARIES);
	report_html_raw(v->h, "</p></details></section>\n");
}
