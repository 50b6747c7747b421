#include <string.h>

#include "cli/command.h"
#include "cli/generate.h"
#include "cli/options.h"

/* Text for roff: nothing in it is taken for a request or an escape. */
static void
text(FILE *out, const char *s)
{
	bool line_start = true;

	for (; *s != '\0'; s++) {
		if (line_start && (*s == '.' || *s == '\''))
			fputs("\\&", out);
		line_start = *s == '\n';
		switch (*s) {
		case '\\':
			fputs("\\e", out);
			break;
		case '-':
			fputs("\\-", out);
			break;
		case '\'':
			fputs("\\(aq", out);
			break;
		case '`':
			fputs("\\(ga", out);
			break;
		case '^':
			fputs("\\(ha", out);
			break;
		case '~':
			fputs("\\(ti", out);
			break;
		default:
			fputc(*s, out);
		}
	}
}

/* Paragraphs, parted by a blank line in s. */
static void
paragraphs(FILE *out, const char *s)
{

	for (; *s != '\0'; s++) {
		char line[2] = { *s, '\0' };

		if (s[0] == '\n' && s[1] == '\n') {
			fputs("\n.PP\n", out);
			s++;
		} else {
			text(out, line);
		}
	}
	fputc('\n', out);
}

static void
section(FILE *out, const char *title, const char *body)
{

	fprintf(out, ".SH %s\n", title);
	if (body != NULL)
		paragraphs(out, body);
}

/* A term and what it means. */
static void
item(FILE *out, const char *term, const char *body)
{

	fputs(".TP\n.B ", out);
	text(out, term);
	fputc('\n', out);
	text(out, body);
	fputc('\n', out);
}

static void
example(FILE *out, const char *lines)
{

	fputs(".PP\n.EX\n", out);
	text(out, lines);
	fputs(".EE\n", out);
}

static void
option(FILE *out, const struct options_row *row)
{
	char names[200];

	fputs(".TP\n\\fB", out);
	if (row->letter != '\0')
		fprintf(out, "\\-%c\\fR, \\fB", row->letter);
	fputs("\\-\\-", out);
	text(out, row->name);
	fputs("\\fR", out);
	if (row->argument != NULL) {
		fputs(" \\fI", out);
		text(out, row->argument);
		fputs("\\fR", out);
	}
	fputc('\n', out);
	/* The help line is a phrase: it becomes a sentence here. */
	fputc(row->help[0] >= 'a' && row->help[0] <= 'z' &&
	    strncmp(row->help, "json:", 5) != 0 ?
	    row->help[0] - 'a' + 'A' : row->help[0], out);
	text(out, row->help + 1);
	fputs(".\n", out);
	if (row->more != NULL) {
		text(out, row->more);
		fputc('\n', out);
	}
	if (row->environment != NULL)
		fprintf(out, "The variable \\fB%s\\fR stands in for it.\n",
		    row->environment);
	if (row->commands != (unsigned)COMMAND_ALL &&
	    strchr(command_names(row->commands, names, sizeof(names)),
	    ',') == NULL)
		fprintf(out, "Only for %s.\n", names);
}

static void
options(FILE *out)
{
	enum options_group group;
	const struct options_row *row;

	section(out, "OPTIONS", "An option that a command does not use is an "
	    "error.  --name value and --name=value mean the same.  A flag may "
	    "be undone, against the config file, with --name=false.");
	for (group = 0; group < OPTIONS_GROUPS; group++) {
		fprintf(out, ".SS %s\n", options_group_title(group));
		for (row = options_table; row < options_table + options_count;
		    row++) {
			if (row->group == group)
				option(out, row);
		}
	}
}

static void
commands(FILE *out)
{
	const struct command *c;

	section(out, "COMMANDS", NULL);
	for (c = command_table; c < command_table + command_count; c++) {
		fputs(".SS ", out);
		text(out, c->name);
		fputc('\n', out);
		paragraphs(out, c->more);
		example(out, c->example);
	}
}

static void
config_file(FILE *out)
{

	section(out, "CONFIGURATION FILE", "Every option but --config, --help "
	    "and --version is also a key of a YAML file: ./spaceferry.yaml, or "
	    "the one that --config names.  What the command line gives beats "
	    "the environment, which beats the file; a list is replaced as a "
	    "whole.  Keys of options that the command does not use are checked "
	    "and passed over, so that one file serves every command.\n\n"
	    "FROM=TO is written {from: FROM, to: TO}, or as the same text "
	    "(of files, backup takes FROM and restore both); options that may "
	    "be repeated are lists; flags are true or false.  "
	    "files-url stands inside an entry of files, or beside files: with "
	    "one entry of files all belong to it, with several there is one "
	    "for each, in their order.\n\n"
	    "In a value ${NAME} is the variable of the environment and $$ is "
	    "$; any other $ stands for itself.  A variable that is not set, an "
	    "unknown key and a key given twice are errors.");
	example(out,
	    "from: ${MONGODB_URI}\n"
	    "to: ${ATLAS_URI}\n"
	    "files:\n"
	    "  - from: ./public/uploads\n"
	    "    to: s3://bucket/uploads\n"
	    "    files-url: {from: /uploads, to: \"https://cdn.example.net/"
	    "uploads\"}\n"
	    "rewrite:\n"
	    "  - {from: \"https://old.example\", to: \"https://new.example\"}\n"
	    "exclude: [app.sessions]\n"
	    "memory: 128MiB\n");
}

static void
environment(FILE *out)
{

	section(out, "ENVIRONMENT", NULL);
	item(out, "SPACEFERRY_FROM, SPACEFERRY_TO", "Stand in for --from and "
	    "--to, and keep passwords off the command line.");
	item(out, "SPACEFERRY_REPO, SPACEFERRY_PING", "Stand in for --repo and "
	    "--ping.");
	item(out, "SPACEFERRY_PASSPHRASE", "Of identity files that have one; "
	    "without it they are asked for on the terminal.  It is taken out of "
	    "the environment at the start.");
	item(out, "SPACEFERRY_NAMING_KEY", "64 hex digits, for machines that keep "
	    "no state: backups of the same repository need the same one.");
	item(out, "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, "
	    "AWS_SESSION_TOKEN, AWS_REGION, AWS_ENDPOINT_URL_S3",
	    "Access to s3:// stores, as the AWS tools read them.");
	item(out, "XDG_STATE_HOME", "Where the state is kept unless --state "
	    "says otherwise.");
	item(out, "NO_COLOR", "When set and not empty, no colours.");
}

static void
exit_status(FILE *out)
{

	section(out, "EXIT STATUS", NULL);
	item(out, "0", "Done and verified, or no difference.");
	item(out, "1", "Differences, documents in quarantine, a file that could "
	    "not be moved, an index that could not be made; a check of doctor "
	    "that failed; damage, or a snapshot that is too old, found by "
	    "check.");
	item(out, "2", "Nothing was changed, and the same command fails again "
	    "until something is mended: the command line, the config file, a "
	    "URI, a password, rights, a missing bucket, a target that is not "
	    "empty.");
	item(out, "3", "Could not finish: unreachable, out of quota or disk, "
	    "locked by another run, interrupted.  The same command resumes.");
	fputs(".PP\n", out);
	paragraphs(out, "With --dry-run the status is that of the run, as far "
	    "as reading can tell.");
}

static void
output(FILE *out)
{

	section(out, "OUTPUT", "The result goes to stdout, progress, log and "
	    "errors to stderr.  With --json the last line of stdout, on every "
	    "exit, is one object with the keys ok, command, dry_run, "
	    "elapsed_seconds, consistent_at, source_changed, collections, "
	    "files, links, quarantine, errors, notes, samples, "
	    "target_bytes and hosts.  With --repo there are repository (name, "
	    "snapshots, blobs, bytes; blobs and bytes _added and _removed, "
	    "bytes_read, bytes_read_week) and snapshots (id, time, tags, stored, "
	    "added, read, and where it can be read source, collections, "
	    "documents, files; after prune reason and removed); doctor and check "
	    "have checks (passed, warnings, failed, skipped).  That of rewrite "
	    "also has rewrites: of each "
	    "file file, matches, lines (that change), no_rule, written, backup "
	    "and note.\n\n"
	    "ok tells whether all is proven to be equal.  Each of collections "
	    "has namespace, type, ok, source and target (count, bytes, digest), "
	    "rewritten (documents, values), unrewritten (keys, ids, binary, "
	    "regex, metadata, no_rule), metadata (kind, name, source, target of "
	    "what differs), missing, extra, different, kept, expired and "
	    "quarantined, and after a dry run conflicts and violations.  files "
	    "has count, bytes, uploaded, skipped, failed, missing, extra and "
	    "different; links has rewritten, dangling and unreferenced_files.  "
	    "Each of hosts has host, rewritten, no_rule, uncovered (links that "
	    "lack a rule), missing_rule and sample.  "
	    "resumed is there only when the run went on with an interrupted "
	    "one: documents and bytes, files and file_bytes tell what it wrote "
	    "though it was on the target already.  "
	    "Each of errors and notes has kind, message and hint.");
}

static void
signals(FILE *out)
{

	section(out, "SIGNALS", "SIGINT, SIGTERM and SIGHUP end the run "
	    "cleanly, with status 3; a second one ends it at once.  Either way "
	    "the same command resumes.");
}

void
generate_man(FILE *out)
{
	const struct command *c;

	fprintf(out, ".\\\" Generated by spaceferry --generate man\n"
	    ".TH SPACEFERRY 1 \"\" \"spaceferry %s\" \"User Commands\"\n"
	    ".SH NAME\nspaceferry \\- move a web app's MongoDB data and files, "
	    "rewritten and verified\n.SH SYNOPSIS\n", SF_VERSION);
	for (c = command_table; c < command_table + command_count; c++) {
		fprintf(out, "%s.B spaceferry %s\n",
		    c > command_table ? ".br\n" : "", c->name);
		text(out, c->usage);
		fputc('\n', out);
	}
	section(out, "DESCRIPTION", "spaceferry moves a web app off its server "
	    "to a host whose disk is not kept: its MongoDB data goes to another "
	    "MongoDB, its uploaded files to an object store, the URLs inside "
	    "the documents are rewritten on the way so that they point at the "
	    "new place, and nothing counts as moved until counts and digests "
	    "on both sides agree.  It also makes backups of both that are "
	    "encrypted, store nothing twice, and are proven by restoring "
	    "them.");
	commands(out);
	options(out);
	config_file(out);
	environment(out);
	output(out);
	exit_status(out);
	signals(out);
	section(out, "SEE ALSO", NULL);
	fputs(".BR age (1),\n.BR mongodump (1),\n.BR mongorestore (1)\n", out);
}
