#include <string.h>

#include "cli/print_repository.h"
#include "cli/print_summary.h"
#include "cli/units.h"

/* What the collections come to. */
struct sums {
	uint64_t documents, bytes;
	uint64_t missing, different, extra, quarantined, metadata;
	uint64_t conflicts, violations;
	size_t collections;	/* but views */
};

static void
add_up(const struct spaceferry_summary *s, struct sums *sum)
{
	size_t i;

	*sum = (struct sums){ 0 };
	for (i = 0; i < s->n_collections; i++) {
		const struct spaceferry_collection *c = &s->collections[i];

		sum->documents += c->source.count;
		sum->bytes += c->source.bytes;
		sum->missing += c->missing;
		sum->different += c->different;
		sum->extra += c->ok ? 0 : c->extra;
		sum->quarantined += c->quarantined;
		sum->metadata += c->n_metadata;
		sum->conflicts += c->conflicts;
		sum->violations += c->violations;
		sum->collections += strcmp(c->type, "view") != 0;
	}
}

/* "2,000 documents in 14 collections and 300 files (1.2 GiB)" */
static void
print_amount(FILE *out, const struct spaceferry_summary *s,
    const struct sums *sum, bool files)
{
	char bytes[UNITS_TEXT];

	if (sum->collections > 0 || !files) {
		print_number(out, sum->documents, "document", "documents");
		fputs(" in ", out);
		print_number(out, sum->collections, "collection",
		    "collections");
		fprintf(out, " (%s)", units_print_bytes(sum->bytes, bytes));
	}
	if (files) {
		fputs(sum->collections > 0 ? " and " : "", out);
		print_number(out, s->files.count, "file", "files");
		fprintf(out, " (%s)",
		    units_print_bytes(s->files.bytes, bytes));
	}
}

static bool
is_command(const struct spaceferry_summary *s, const char *name)
{

	return s->command != NULL && strcmp(s->command, name) == 0;
}

static bool
compares(const struct spaceferry_summary *s)
{

	return is_command(s, "verify") || is_command(s, "diff");
}

/* Nothing is to be gone on with. */
static bool
starts_anew(const struct spaceferry_summary *s,
    const struct print_style *style)
{

	return style->anew || compares(s) || is_command(s, "snapshots") ||
	    is_command(s, "check") || is_command(s, "prune") || style->drill;
}

static void
part(FILE *out, bool *first, uint64_t n, const char *one, const char *many)
{

	if (n == 0)
		return;
	fputs(*first ? "" : ", ", out);
	*first = false;
	print_number(out, n, one, many);
}

/* What is wrong, in numbers; "see above" when none of them says it. */
static void
print_wrong(FILE *out, const struct spaceferry_summary *s,
    const struct sums *sum)
{
	const struct spaceferry_file_counts *f = &s->files;
	bool first = true;

	part(out, &first, sum->missing, "document missing",
	    "documents missing");
	part(out, &first, sum->different, "document different",
	    "documents different");
	part(out, &first, sum->extra, "document only on the target",
	    "documents only on the target");
	part(out, &first, sum->quarantined, "document in quarantine",
	    "documents in quarantine");
	part(out, &first, sum->violations, "document against its validator",
	    "documents against their validators");
	part(out, &first, sum->metadata, "index or option different",
	    "indexes or options different");
	if (compares(s))
		part(out, &first, f->failed, "file not compared",
		    "files not compared");
	else if (is_command(s, "backup"))
		part(out, &first, f->failed, "file not read",
		    "files not read");
	else
		part(out, &first, f->failed, "file not moved",
		    "files not moved");
	part(out, &first, f->missing, "file missing", "files missing");
	part(out, &first, f->different, "file different", "files different");
	if (is_command(s, "diff"))
		part(out, &first, f->extra, "file only on the target",
		    "files only on the target");
	fputs(first ? "see above.\n" : ".\n", out);
}

static void
close_backup(FILE *out, const struct spaceferry_summary *s,
    const struct sums *sum, const struct print_style *style)
{

	if (s->dry_run) {
		fputs("Nothing was written.  The run would back up ", out);
		print_amount(out, s, sum, style->files);
		fputs(".\n", out);
		return;
	}
	if (style->status == 1) {
		fputs("Not everything was backed up: ", out);
		print_wrong(out, s, sum);
	} else {
		fputs("Everything is backed up: ", out);
		print_amount(out, s, sum, style->files);
		fputs(".\n", out);
	}
	if (s->n_snapshots == 0)
		return;
	fputs("It is ", out);
	print_repository_snapshot(out, s);
	fputs(".\n", out);
}

/* Before what came of it. */
static void
open_restore(FILE *out, const struct spaceferry_summary *s,
    const struct print_style *style)
{

	if (s->n_snapshots == 0)
		return;
	fputs(style->drill ? "A drill of " : "Restored from ", out);
	print_repository_snapshot(out, s);
	fputs(".\n", out);
}

static void
close_ok(FILE *out, const struct spaceferry_summary *s, const struct sums *sum,
    const struct print_style *style)
{
	char bytes[UNITS_TEXT];

	if (s->dry_run && s->delta.ran) {
		fputs("Nothing was written.  The run would bring the target in "
		    "line with ", out);
		print_amount(out, s, sum, style->files);
		fputs(".\n", out);
	} else if (s->dry_run) {
		fputs("Nothing was written.  The run would move ", out);
		print_amount(out, s, sum, style->files);
		fputs(".\n", out);
		if (s->target_bytes > 0)
			fprintf(out, "The documents and their indexes would "
			    "take about %s on the target.\n",
			    units_print_bytes(s->target_bytes, bytes));
	} else if (compares(s)) {
		fputs("No difference: ", out);
		print_amount(out, s, sum, style->files);
		fputs(", on both sides.\n", out);
	} else if (style->drill) {
		fputs("It can be restored: ", out);
		print_amount(out, s, sum, style->files);
		fputs(",\nrestored, compared, and removed again.\n", out);
	} else if (style->to_pipe) {
		fputs("Everything is written: ", out);
		print_amount(out, s, sum, style->files);
		fputs(".\nNothing of it could be read back.\n", out);
	} else {
		fputs("Everything arrived: ", out);
		print_amount(out, s, sum, style->files);
		fputs(",\ncounted and compared on both sides.\n", out);
	}
}

static bool
is_snapshot(const char *end)
{

	return end != NULL && strncmp(end, "snapshot:", 9) == 0;
}

/* What brings the target in line; what only it has is left to the user. */
static void
print_delta(FILE *out, const struct spaceferry_summary *s,
    const struct sums *sum)
{
	bool extra = sum->extra > 0 || s->files.extra > 0;

	if (is_snapshot(s->target))
		return;
	if (is_snapshot(s->source)) {
		fputs("restore --on-conflict replace with the same options "
		    "brings back what is\nmissing or different.\n", out);
		return;
	}
	fprintf(out, "migrate --delta with the same options moves what differs%s"
	    ".\n", extra ? ";\n--delete with it removes what only the target "
	    "has" : "");
}

static void
close_different(FILE *out, const struct spaceferry_summary *s,
    const struct sums *sum, const struct print_style *style)
{

	if (s->dry_run) {
		fputs("Nothing was written.  The run would end with errors: ",
		    out);
		print_wrong(out, s, sum);
	} else if (strcmp(s->command, "verify") == 0) {
		fputs("The two sides differ: ", out);
		print_wrong(out, s, sum);
		print_delta(out, s, sum);
		if (!is_snapshot(s->source) && !is_snapshot(s->target))
			fputs("Both need the options that the migration had.\n",
			    out);
	} else if (is_command(s, "diff")) {
		fputs("The two sides differ: ", out);
		print_wrong(out, s, sum);
		print_delta(out, s, sum);
	} else if (style->drill) {
		fputs("It could not all be restored: ", out);
		print_wrong(out, s, sum);
		fputs("spaceferry check --read-data says what is damaged.\n",
		    out);
	} else {
		fputs("Not everything arrived: ", out);
		print_wrong(out, s, sum);
		fputs("Mend what is named above, then run the same command "
		    "again.\n", out);
	}
}

static void
close_run(FILE *out, const struct spaceferry_summary *s,
    const struct sums *sum, const struct print_style *style)
{

	switch (style->status) {
	case 0:
		close_ok(out, s, sum, style);
		break;
	case 1:
		close_different(out, s, sum, style);
		break;
	case 2:
		fputs("Nothing was changed.  Mend what the error says, then "
		    "run the same command again.\n", out);
		break;
	default:
		fputs(starts_anew(s, style) ? "Not finished.  The same command "
		    "starts anew.\n" : "Not finished.  The same command "
		    "resumes where this run stopped.\n", out);
		break;
	}
}

void
print_closing(FILE *out, const struct spaceferry_summary *s,
    const struct print_style *style)
{
	struct sums sum;

	add_up(s, &sum);
	fputs(s->n_collections > 0 || s->files.count > 0 ? "\n" : "", out);
	fputs(style->colour ? "\x1b[1m" : "", out);
	if (is_command(s, "restore") && style->status < 2 && !s->dry_run)
		open_restore(out, s, style);
	if (is_command(s, "backup") && style->status < 2)
		close_backup(out, s, &sum, style);
	else
		close_run(out, s, &sum, style);
	fputs(style->colour ? "\x1b[0m" : "", out);
}
