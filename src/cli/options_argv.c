#include <string.h>

#include "cli/command.h"
#include "cli/options.h"
#include "cli/options_memory.h"

/* The command line while it is read. */
struct reader {
	struct options *o;
	const struct command *command;
	int argc;
	char **argv;
	int next;		/* index of the argument to be read */
};

bool
options_asks_json(int argc, char *const *argv)
{
	int i;

	for (i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
		if (strcmp(argv[i], "--json") == 0 ||
		    strcmp(argv[i], "--json=true") == 0)
			return true;
	}
	return false;
}

static bool
unknown_option(const struct reader *r, const char *name, struct err *err)
{
	const char *names[OPTIONS_MAX], *near;
	size_t i, n = 0;

	for (i = 0; i < options_count; i++) {
		if (r->command == NULL || (options_table[i].commands &
		    (unsigned)r->command->bit))
			names[n++] = options_table[i].name;
	}
	err_set(err, ERR_USAGE, "unknown option --%.60s", name);
	if ((near = options_nearest(name, names, n)) != NULL)
		return err_hint(err, "did you mean --%s?", near);
	if (r->command == NULL)
		return err_hint(err, "spaceferry --help");
	return err_hint(err, "spaceferry %s --help lists them",
	    r->command->name);
}

/* Sets row from a value, bare when a flag stands alone. */
static bool
take_value(struct reader *r, const struct options_row *row, char *value,
    bool bare, struct err *err)
{
	enum options_origin origin = r->o->origin[row - options_table];
	bool ok;

	if (origin == OPTIONS_FROM_FLAG && !row->type->list && !bare) {
		err_set(err, ERR_USAGE, "--%s is given twice", row->name);
		ok = err_hint(err, "leave one of the two out");
	} else if (bare) {
		ok = options_set(r->o, row, OPTIONS_FROM_FLAG, "true", err);
	} else {
		ok = options_set(r->o, row, OPTIONS_FROM_FLAG, value, err);
		if (!ok && err->hint[0] == '\0')
			err_hint(err, "--%s %s: %s", row->name,
			    row->argument != NULL ? row->argument :
			    "stands alone, or =true, =false", row->help);
		if (!ok)
			err_prefix(err, "--%s", row->name);
	}
	if (row->secret && options_hide(value) && r->o->exposed == NULL)
		r->o->exposed = row->name;
	return ok;
}

static bool
long_option(struct reader *r, char *arg, struct err *err)
{
	char *value = strchr(arg, '=');
	size_t len = value != NULL ? (size_t)(value - arg) : strlen(arg);
	const struct options_row *row = options_find(arg, len);
	const char *name;

	if (row == NULL) {
		if ((name = options_keep(r->o, arg, len)) == NULL)
			return err_nomem(err, "options");
		return unknown_option(r, name, err);
	}
	if (value != NULL)
		return take_value(r, row, value + 1, false, err);
	if (row->type->flag)
		return take_value(r, row, arg + len, true, err);
	if (r->next >= r->argc || strncmp(r->argv[r->next], "--", 2) == 0) {
		err_set(err, ERR_USAGE, "--%s needs a value", row->name);
		return err_hint(err, "--%s %s; a value that begins with -- is "
		    "written behind a =", row->name, row->argument);
	}
	return take_value(r, row, r->argv[r->next++], false, err);
}

/* "-v", "-qv": letters of flags. */
static bool
short_options(struct reader *r, char *arg, struct err *err)
{
	const struct options_row *row;
	char *p;

	for (p = arg; *p != '\0'; p++) {
		row = options_find_letter(*p);
		if (row == NULL) {
			err_set(err, ERR_USAGE, "unknown option -%.60s", arg);
			if (arg[1] != '\0')
				return err_hint(err,
				    "long options begin with two dashes: --%.60s",
				    arg);
			return err_hint(err, "spaceferry --help");
		}
		if (!take_value(r, row, p, true, err))
			return false;
	}
	return true;
}

static bool
keep_operand(struct options *o, const char *arg, struct err *err)
{
	struct spaceferry_strings *list = &o->operands;
	const char **grown;

	if (arg[0] == '\0') {
		err_set(err, ERR_USAGE, "an argument is empty");
		return err_hint(err, "a variable that is not set?");
	}
	grown = options_memory_grow(&o->blocks, list->v, list->n,
	    sizeof(*grown));
	if (grown == NULL ||
	    (grown[list->n] = options_keep(o, arg, strlen(arg))) == NULL)
		return err_nomem(err, "options");
	list->v = grown;
	list->n++;
	return true;
}

static bool
operand(struct reader *r, char *arg, struct err *err)
{

	if (r->command == NULL) {
		r->command = command_find(arg);
		if (r->command != NULL)
			return true;
		options_hide(arg);
		return command_unknown(arg, err);
	}
	options_hide(arg);
	if (r->command->operands != NULL)
		return keep_operand(r->o, arg, err);
	err_set(err, ERR_USAGE, "unexpected argument '%.60s'", arg);
	return err_hint(err, "spaceferry %s %s", r->command->name,
	    r->command->usage);
}

/* --files, which no command is known for until here. */
static bool
settle(const struct reader *r, struct err *err)
{
	const struct options_row *row = options_find("files", 5);

	if (options_settle_places(r->o, (unsigned)r->command->bit, err))
		return true;
	if (err->hint[0] == '\0')
		err_hint(err, "--%s %s: %s", row->name, row->argument,
		    row->help);
	return err_prefix(err, "--%s", row->name);
}

/* Every option given must be one that the command uses. */
static bool
check_used(const struct reader *r, struct err *err)
{
	const struct options_row *row;
	char names[200];

	for (row = options_table; row < options_table + options_count; row++) {
		if (r->o->origin[row - options_table] != OPTIONS_FROM_FLAG ||
		    (row->commands & (unsigned)r->command->bit))
			continue;
		err_set(err, ERR_USAGE, "%s does not use --%s",
		    r->command->name, row->name);
		return err_hint(err, "it belongs to: %s",
		    command_names(row->commands, names, sizeof(names)));
	}
	return true;
}

bool
options_read_argv(struct options *o, int argc, char **argv,
    const struct command **command, struct err *err)
{
	struct reader r = { .o = o, .argc = argc, .argv = argv, .next = 1 };
	bool ok = true, only_operands = false;

	while (ok && r.next < argc) {
		char *arg = argv[r.next++];

		if (only_operands || arg[0] != '-' || arg[1] == '\0')
			ok = operand(&r, arg, err);
		else if (arg[1] != '-')
			ok = short_options(&r, arg + 1, err);
		else if (arg[2] == '\0')
			only_operands = true;
		else
			ok = long_option(&r, arg + 2, err);
	}
	*command = r.command;
	if (!ok || o->help || o->version)
		return ok;
	if (r.command == NULL) {
		err_set(err, ERR_USAGE, "no command is given");
		return err_hint(err, "spaceferry --help");
	}
	return check_used(&r, err) && settle(&r, err);
}
