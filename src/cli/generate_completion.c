#include <string.h>

#include "cli/command.h"
#include "cli/generate.h"
#include "cli/options.h"

static bool
is_choice(const struct options_row *row)
{

	return row->argument != NULL && strchr(row->argument, '|') != NULL;
}

/* Writes s with every '|' as a space: the choices of an option. */
static void
choices(FILE *out, const char *s)
{

	for (; *s != '\0'; s++)
		fputc(*s == '|' ? ' ' : *s, out);
}

/* Writes s between single quotes of a shell; inside it they are doubled or
 * escaped, as the shell has it. */
static void
quoted(FILE *out, const char *s, const char *quote)
{

	fputc('\'', out);
	for (; *s != '\0'; s++) {
		if (*s == '\'')
			fputs(quote, out);
		else
			fputc(*s, out);
	}
	fputc('\'', out);
}

/* "migrate|verify" or "migrate verify". */
static void
command_list(FILE *out, char between)
{
	size_t i;

	for (i = 0; i < command_count; i++) {
		if (i > 0)
			fputc(between, out);
		fputs(command_table[i].name, out);
	}
}

/* What may follow an option, as a case of bash's case. */
static void
bash_value(FILE *out, const struct options_row *row)
{

	fprintf(out, "\t--%s)\n\t\tCOMPREPLY=(", row->name);
	if (is_choice(row)) {
		fputs("$(compgen -W '", out);
		choices(out, row->argument);
		fputs("' -- \"$cur\")", out);
	} else if (row->completes != NULL) {
		fprintf(out, "$(compgen %s -- \"$cur\")",
		    strcmp(row->completes, "file") == 0 ? "-f" : "-d");
	}
	fputs(")\n\t\treturn\n\t\t;;\n", out);
}

/* What may follow a command: its options, and what else it takes.  Names of
 * files may hold spaces. */
static void
bash_command(FILE *out, const struct command *command)
{
	const struct options_row *row;
	bool names = command->operands != NULL;

	fprintf(out, "\t%s)\n\t\t%s%s-W '", command->name,
	    !names ? "COMPREPLY=($(compgen " :
	    "mapfile -t COMPREPLY < <(compgen ",
	    !names ? "" : strcmp(command->operands, "file") == 0 ? "-f " :
	    "-d ");
	for (row = options_table; row < options_table + options_count; row++) {
		if (row->commands & (unsigned)command->bit)
			fprintf(out, "--%s ", row->name);
	}
	fprintf(out, "' -- \"$cur\")%s\n\t\t;;\n", !names ? ")" :
	    "\n\t\tcompopt -o filenames 2>/dev/null");
}

void
generate_bash(FILE *out)
{
	const struct options_row *row;
	size_t i;

	fputs("# bash completion of spaceferry; made by spaceferry --generate "
	    "bash\n"
	    "_spaceferry()\n{\n"
	    "\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev= command= word\n"
	    "\tCOMPREPLY=()\n"
	    "\t((COMP_CWORD > 0)) && prev=${COMP_WORDS[COMP_CWORD - 1]}\n"
	    "\t[[ $cur == = ]] && cur=\n"
	    "\t[[ $prev == = ]] && prev=${COMP_WORDS[COMP_CWORD - 2]}\n"
	    "\tfor word in \"${COMP_WORDS[@]:1:COMP_CWORD - 1}\"; do\n"
	    "\t\tcase $word in\n\t\t", out);
	command_list(out, '|');
	fputs(")\n\t\t\tcommand=$word\n\t\t\tbreak\n\t\t\t;;\n\t\tesac\n\tdone\n"
	    "\tcase $prev in\n", out);
	for (row = options_table; row < options_table + options_count; row++) {
		if (row->argument != NULL)
			bash_value(out, row);
	}
	fputs("\tesac\n\tcase $command in\n", out);
	for (i = 0; i < command_count; i++)
		bash_command(out, &command_table[i]);
	fputs("\t*)\n\t\tCOMPREPLY=($(compgen -W '", out);
	command_list(out, ' ');
	fputs(" --help --version' -- \"$cur\"))\n\t\t;;\n\tesac\n}\n"
	    "complete -F _spaceferry spaceferry\n", out);
}

/* Help for zsh's _arguments, where brackets and colons mean something. */
static void
zsh_text(FILE *out, const char *s)
{

	for (; *s != '\0'; s++) {
		if (*s == '\'')
			fputs("'\\''", out);
		else if (strchr("[]:\\", *s) != NULL)
			fprintf(out, "\\%c", *s);
		else
			fputc(*s, out);
	}
}

static void
zsh_option(FILE *out, const struct options_row *row)
{

	fprintf(out, "\t\t\t'%s--%s%s[", row->type->list ? "*" : "", row->name,
	    row->argument != NULL ? "=" : "");
	zsh_text(out, row->help);
	fputc(']', out);
	if (row->argument != NULL) {
		fputc(':', out);
		zsh_text(out, is_choice(row) ? row->name : row->argument);
		fputc(':', out);
		if (is_choice(row)) {
			fputc('(', out);
			choices(out, row->argument);
			fputc(')', out);
		} else if (row->completes != NULL) {
			fputs(strcmp(row->completes, "file") == 0 ?
			    "_files" : "_files -/", out);
		}
	}
	fputs("' \\\n", out);
}

void
generate_zsh(FILE *out)
{
	const struct options_row *row;
	size_t i;

	fputs("#compdef spaceferry\n"
	    "# made by spaceferry --generate zsh\n"
	    "_spaceferry()\n{\n"
	    "\tlocal -a commands=(\n", out);
	for (i = 0; i < command_count; i++) {
		fprintf(out, "\t\t'%s:", command_table[i].name);
		zsh_text(out, command_table[i].help);
		fputs("'\n", out);
	}
	fputs("\t)\n"
	    "\tif ((CURRENT == 2)); then\n"
	    "\t\t_describe command commands\n"
	    "\t\treturn\n"
	    "\tfi\n"
	    "\tlocal command=$words[2]\n"
	    "\tshift words\n"
	    "\t((CURRENT--))\n"
	    "\tcase $command in\n", out);
	for (i = 0; i < command_count; i++) {
		fprintf(out, "\t%s)\n\t\t_arguments -s \\\n",
		    command_table[i].name);
		for (row = options_table; row < options_table + options_count;
		    row++) {
			if (row->commands & (unsigned)command_table[i].bit)
				zsh_option(out, row);
		}
		if (command_table[i].operands != NULL)
			fprintf(out, "\t\t\t'*:%s:_files%s' \\\n",
			    command_table[i].operands,
			    strcmp(command_table[i].operands, "file") == 0 ?
			    "" : " -/");
		fputs("\t\t\t&& return\n\t\t;;\n", out);
	}
	fputs("\tesac\n}\n"
	    "if [[ $funcstack[1] = _spaceferry ]]; then\n"
	    "\t_spaceferry \"$@\"\n"
	    "else\n"
	    "\tcompdef _spaceferry spaceferry\n"
	    "fi\n", out);
}

static void
fish_option(FILE *out, const struct options_row *row)
{
	size_t i;

	fputs("complete -c spaceferry", out);
	if (row->commands != (unsigned)COMMAND_ALL) {
		fputs(" -n '__fish_seen_subcommand_from", out);
		for (i = 0; i < command_count; i++) {
			if (row->commands & (unsigned)command_table[i].bit)
				fprintf(out, " %s", command_table[i].name);
		}
		fputc('\'', out);
	}
	fprintf(out, " -l %s", row->name);
	if (row->letter != '\0')
		fprintf(out, " -s %c", row->letter);
	if (is_choice(row)) {
		fputs(" -x -a '", out);
		choices(out, row->argument);
		fputc('\'', out);
	} else if (row->argument != NULL && row->completes == NULL) {
		fputs(" -x", out);
	} else if (row->argument != NULL) {
		fputs(strcmp(row->completes, "file") == 0 ? " -r -F" :
		    " -x -a '(__fish_complete_directories)'", out);
	}
	fputs(" -d ", out);
	quoted(out, row->help, "\\'");
	fputc('\n', out);
}

void
generate_fish(FILE *out)
{
	const struct options_row *row;
	size_t i;

	fputs("# made by spaceferry --generate fish\n"
	    "complete -c spaceferry -f\n", out);
	for (i = 0; i < command_count; i++) {
		fprintf(out, "complete -c spaceferry -n __fish_use_subcommand "
		    "-a %s -d ", command_table[i].name);
		quoted(out, command_table[i].help, "\\'");
		fputc('\n', out);
		if (command_table[i].operands != NULL)
			fprintf(out, "complete -c spaceferry -n "
			    "'__fish_seen_subcommand_from %s' -F\n",
			    command_table[i].name);
	}
	for (row = options_table; row < options_table + options_count; row++)
		fish_option(out, row);
}
