#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/options.h"
#include "cli/print.h"

#define HELP_COLUMN 30

static void
print_option(FILE *out, const struct options_row *row)
{
	char left[100];
	int len;

	len = snprintf(left, sizeof(left), "  --%s%s%s", row->name,
	    row->argument != NULL ? " " : "",
	    row->argument != NULL ? row->argument : "");
	if (row->letter != '\0' && len < (int)sizeof(left))
		len += snprintf(left + len, sizeof(left) - (size_t)len,
		    ", -%c", row->letter);
	if (len > HELP_COLUMN - 2)
		fprintf(out, "%s\n%*s%s\n", left, HELP_COLUMN, "", row->help);
	else
		fprintf(out, "%-*s%s\n", HELP_COLUMN, left, row->help);
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
		print_option(out, row);
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
