/* A command line, as the tests of options read it. */
#ifndef OPTIONS_FIXTURE_H
#define OPTIONS_FIXTURE_H

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/options.h"

#define ARGUMENTS_MAX 40

/* A command line in memory that may be written to, as argv is. */
struct line {
	char text[1000];
	char *argv[ARGUMENTS_MAX + 1];
	int argc;
	struct options o;
	const struct command *command;
	struct err err;
};

/* Splits text at '|' and reads it.  End with line_free(). */
static bool
line_read(struct line *l, const char *text)
{
	char *p;

	*l = (struct line){ 0 };
	snprintf(l->text, sizeof(l->text), "spaceferry|%s", text);
	for (p = l->text; p != NULL && l->argc < ARGUMENTS_MAX;) {
		l->argv[l->argc++] = p;
		if ((p = strchr(p, '|')) != NULL)
			*p++ = '\0';
	}
	options_init(&l->o);
	return options_read_argv(&l->o, l->argc, l->argv, &l->command, &l->err);
}

static void
line_free(struct line *l)
{

	options_free(&l->o);
}

#endif
