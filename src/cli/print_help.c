#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/options.h"
#include "cli/print.h"

#define HELP_COLUMN 30

#define STORED (COMMAND_BACKUP | COMMAND_SNAPSHOTS | COMMAND_CHECK | \
	COMMAND_PRUNE)

/* Options that mean something else to a few commands than to the others. */
static const struct special {
	unsigned commands;
	const char *name;
	const char *argument;	/* NULL: as in the table */
	const char *help;
} specials[] = {
	{ COMMAND_BACKUP, "from", NULL, "the database, or the whole server" },
	{ COMMAND_BACKUP, "files", "END",
	    "a folder or store to be backed up (repeatable)" },
	{ COMMAND_BACKUP, "tag", NULL, "of the new snapshot (repeatable)" },
	{ COMMAND_RESTORE, "from", "snapshot:ID",
	    "which one (default: snapshot:latest)" },
	{ COMMAND_RESTORE, "to", NULL, "where to: mongodb(+srv)://" },
	{ COMMAND_RESTORE, "files", "[OLD=]END",
	    "where files go; OLD: those of which place" },
	{ COMMAND_PRUNE, "from", "snapshot:ID",
	    "remove this one, whatever it is of" },
	{ COMMAND_IMPORT, "from", "snapshot:ID", "a snapshot of --repo" },
	{ (unsigned)COMMAND_ALL, "tag", NULL,
	    "only snapshots that have it (repeatable)" },
	{ STORED, "state", NULL, "where this machine keeps naming keys" },
	{ COMMAND_CHECK, "limit", NULL,
	    "tell N findings of each kind at most (1000)" },
};

static const struct special *
find_special(const struct command *command, const struct options_row *row)
{
	size_t i;

	for (i = 0; i < sizeof(specials) / sizeof(specials[0]); i++) {
		if ((specials[i].commands & (unsigned)command->bit) != 0 &&
		    strcmp(specials[i].name, row->name) == 0)
			return &specials[i];
	}
	return NULL;
}

static void
print_option(FILE *out, const struct command *command,
    const struct options_row *row)
{
	const struct special *special = find_special(command, row);
	const char *argument = special != NULL && special->argument != NULL ?
	    special->argument : row->argument;
	const char *help = special != NULL ? special->help : row->help;
	char left[100];
	int len;

	len = snprintf(left, sizeof(left), "  --%s%s%s", row->name,
	    argument != NULL ? " " : "", argument != NULL ? argument : "");
	if (row->letter != '\0' && len < (int)sizeof(left))
		len += snprintf(left + len, sizeof(left) - (size_t)len,
		    ", -%c", row->letter);
	if (len > HELP_COLUMN - 2)
		fprintf(out, "%s\n%*s%s\n", left, HELP_COLUMN, "", help);
	else
		fprintf(out, "%-*s%s\n", HELP_COLUMN, left, help);
}

static void
print_group(FILE *out, const struct command *command, enum options_group group)
{
	const struct options_row *row;
	bool first = true;

	for (row = options_table; row < options_table + options_count; row++) {
		if (row->group != group ||
		    !(row->commands & (unsigned)command->bit))
			continue;
		if (first)
			fprintf(out, "%s:\n", options_group_title(group));
		first = false;
		print_option(out, command, row);
	}
}

static void
print_command(FILE *out, const struct command *command)
{
	enum options_group group;

	fprintf(out, "Usage: spaceferry %s %s\n%s\n\n", command->name,
	    command->usage, command->help);
	for (group = 0; group < OPTIONS_GROUPS; group++)
		print_group(out, command, group);
}

static void
print_overview(FILE *out)
{
	size_t i;

	fputs("Usage: spaceferry COMMAND [OPTION]...\n"
	    "\n"
	    "Moves a web app's MongoDB data and uploaded files to another "
	    "place, rewrites the\n"
	    "URLs inside the documents on the way, and proves that all of it "
	    "arrived.\n"
	    "\n"
	    "Commands:\n", out);
	for (i = 0; i < command_count; i++)
		fprintf(out, "  %-12s%s\n", command_table[i].name,
		    command_table[i].help);
	fputs("\n"
	    "Every option may stand in ./spaceferry.yaml, without its "
	    "dashes.\n"
	    "Exit status: 0 done and verified, 1 something differs, 2 nothing "
	    "was changed and\n"
	    "you must mend something first, 3 not finished: the same command "
	    "resumes.\n"
	    "\n"
	    "spaceferry COMMAND --help lists a command's options; man "
	    "spaceferry tells all.\n", out);
}

void
print_help(FILE *out, const struct command *command)
{

	if (command != NULL)
		print_command(out, command);
	else
		print_overview(out);
}
