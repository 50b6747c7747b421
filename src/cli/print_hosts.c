#include "cli/print_summary.h"
#include "cli/text.h"
#include "cli/units.h"

#define COLUMNS_LEAST 16
#define COLUMNS_MOST 40
#define ROWS_MOST 10		/* of each: hosts that lack a rule, the others */

#define RED "\x1b[31m"
#define BOLD "\x1b[1m"
#define PLAIN "\x1b[0m"

static const char *
name_of(const struct spaceferry_host *h)
{

	return h->host[0] != '\0' ? h->host : "(paths)";
}

/* Whether h is shown, when so many that lack a rule and others were. */
static bool
is_shown(const struct spaceferry_host *h, size_t shown[2])
{

	return shown[h->uncovered > 0]++ < ROWS_MOST;
}

static size_t
columns_of(const struct spaceferry_summary *s)
{
	size_t i, columns, most = COLUMNS_LEAST, shown[2] = { 0 };

	for (i = 0; i < s->n_hosts; i++) {
		if (!is_shown(&s->hosts[i], shown))
			continue;
		columns = text_columns(name_of(&s->hosts[i]));
		if (columns > most)
			most = columns;
	}
	return most > COLUMNS_MOST ? COLUMNS_MOST : most;
}

static void
print_row(FILE *out, const struct spaceferry_host *h, size_t columns,
    bool colour)
{
	char rewritten[UNITS_TEXT], uncovered[UNITS_TEXT], others[UNITS_TEXT];

	fputs("  ", out);
	print_cell(out, name_of(h), columns);
	fprintf(out, "%12s%s%12s%s%12s",
	    units_print_count(h->rewritten, rewritten),
	    colour && h->uncovered > 0 ? RED : "",
	    units_print_count(h->uncovered, uncovered),
	    colour && h->uncovered > 0 ? PLAIN : "",
	    units_print_count(h->no_rule - h->uncovered, others));
	if (h->missing_rule != NULL) {
		fputs("  missing: --rewrite ", out);
		print_safe(out, h->missing_rule);
		fputs("=...", out);
	}
	fputc('\n', out);
}

void
print_hosts(FILE *out, const struct spaceferry_summary *s, bool colour)
{
	size_t i, rows = 0, shown[2] = { 0 }, columns = columns_of(s);

	if (s->n_hosts == 0)
		return;
	fprintf(out, "\n  %s%-*s%12s%12s%12s%s\n", colour ? BOLD : "",
	    (int)columns, "links by host", "rewritten", "no rule", "mentioned",
	    colour ? PLAIN : "");
	for (i = 0; i < s->n_hosts; i++) {
		if (!is_shown(&s->hosts[i], shown))
			continue;
		print_row(out, &s->hosts[i], columns, colour);
		rows++;
	}
	if (rows < s->n_hosts) {
		fputs("  and ", out);
		print_number(out, s->n_hosts - rows, "more host",
		    "more hosts");
		fputs(", all in --json\n", out);
	}
}
